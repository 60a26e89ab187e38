//! Sending messages.
//!
//! A success means that the message was written to the connection, not that WhatsApp has it. Only text, media,
//! location and contacts honour [`SendOptions::message_id`](crate::SendOptions::message_id); giving the same id again
//! sends the message again.

use reqwest::Method;
use serde_json::{Value, json};

use crate::call::Answer;
use crate::client::Client;
use crate::error::{Certainty, Error, ErrorKind};
use crate::outgoing::{ContactCard, SendContact, SendLocation, SendMedia, SendReaction, SendText, Sent, body_of, put};

impl Client {
    /// Sends a text.
    pub async fn send_text(&self, name: &str, message: &SendText) -> Result<Sent, Error> {
        let part = ("textMessage", json!({ "text": message.text }));
        let body = body_of(&message.number, &message.options, part);
        read_sent(&self.send("sendText", name, &body).await?)
    }

    /// Sends a file. A success without a word means that the address was refused and nothing was sent.
    pub async fn send_media(&self, name: &str, message: &SendMedia) -> Result<Sent, Error> {
        let mut media = json!({ "mediatype": message.kind.as_str(), "media": message.url });
        put(&mut media, "fileName", message.file_name.as_deref());
        put(&mut media, "caption", message.caption.as_deref());
        let body = body_of(&message.number, &message.options, ("mediaMessage", media));
        let answer = self.send("sendMedia", name, &body).await?;
        if answer.is_empty() {
            let host = message.url.host_str().unwrap_or_default();
            let detail = format!("the media host `{host}` was refused");
            let error = Error::new(ErrorKind::NothingSent, Certainty::NotDelivered, &detail);
            return Err(error.with_status(answer.status));
        }
        read_sent(&answer)
    }

    /// Sends a place.
    pub async fn send_location(&self, name: &str, message: &SendLocation) -> Result<Sent, Error> {
        let mut place = json!({ "latitude": message.latitude, "longitude": message.longitude });
        put(&mut place, "name", message.name.as_deref());
        put(&mut place, "address", message.address.as_deref());
        let body = body_of(&message.number, &message.options, ("locationMessage", place));
        read_sent(&self.send("sendLocation", name, &body).await?)
    }

    /// Sends contact cards.
    pub async fn send_contact(&self, name: &str, message: &SendContact) -> Result<Sent, Error> {
        let cards = message.contacts.iter().map(ContactCard::body).collect();
        let body = body_of(&message.number, &message.options, ("contactMessage", cards));
        read_sent(&self.send("sendContact", name, &body).await?)
    }

    /// Reacts to a message.
    pub async fn send_reaction(&self, name: &str, message: &SendReaction) -> Result<Sent, Error> {
        let mut key = json!({
            "id": message.key_id, "remoteJid": message.remote_jid, "fromMe": message.from_me,
        });
        put(&mut key, "participant", message.participant.as_deref());
        let body = json!({ "reactionMessage": { "key": key, "reaction": message.reaction } });
        read_sent(&self.send("sendReaction", name, &body).await?)
    }

    async fn send(&self, endpoint: &'static str, name: &str, body: &Value) -> Result<Answer, Error> {
        self.send_call(endpoint, Method::POST, &["message", endpoint, name]).json(body).success().await
    }
}

fn read_sent(answer: &Answer) -> Result<Sent, Error> {
    answer.read(Sent::read)
}
