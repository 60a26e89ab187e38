//! Numbers, pictures and marks on messages.

use reqwest::Method;
use serde_json::{Value, json};
use url::Url;

use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::outgoing::Presence;
use crate::wire::{self, Missing, need};

/// What WhatsApp says about a number.
#[derive(Clone, PartialEq, Eq)]
pub struct NumberCheck {
    /// Whether it is on WhatsApp. `false` is also said when WhatsApp does not answer.
    pub exists: bool,
    /// The JID: WhatsApp's own for a number that exists, the question otherwise.
    pub jid: Option<String>,
    /// The LID, when it is known.
    pub lid: Option<String>,
    /// The name of a group.
    pub name: Option<String>,
}

impl std::fmt::Debug for NumberCheck {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NumberCheck").field("exists", &self.exists).finish_non_exhaustive()
    }
}

impl Client {
    /// Asks which numbers are on WhatsApp. The answers are not in the order of the questions: a LID gets two.
    pub async fn whatsapp_numbers<N: AsRef<str>>(&self, name: &str, numbers: &[N]) -> Result<Vec<NumberCheck>, Error> {
        if numbers.is_empty() {
            return Ok(Vec::new());
        }
        let numbers: Vec<&str> = numbers.iter().map(AsRef::as_ref).collect();
        let call = self.call("whatsapp_numbers", Method::POST, &["chat", "whatsappNumbers", name]);
        // Asking a silent WhatsApp takes as long as sending to it.
        let call = call.deadline(self.deadlines().send).json(&json!({ "numbers": numbers }));
        call.read(|value| need(value.as_array(), "numbers")?.iter().map(NumberCheck::read).collect()).await
    }

    /// Asks for the address of a profile picture; it may be hidden or missing.
    pub async fn profile_picture_url(&self, name: &str, jid: &str) -> Result<Option<Url>, Error> {
        let path = ["chat", "fetchProfilePictureUrl", name];
        let call = self.call("profile_picture_url", Method::POST, &path);
        let url = |value: &Value| Ok(wire::str_of(value, "profilePictureUrl").and_then(|url| Url::parse(url).ok()));
        call.json(&json!({ "number": jid })).read(url).await
    }

    /// Marks the messages in these rows as read: customers' messages of chats that go by phone number. Without rows nothing is
    /// asked.
    pub async fn mark_read(&self, name: &str, rows: &[i64]) -> Result<(), Error> {
        if rows.is_empty() {
            return Ok(());
        }
        let call = self.call("mark_read", Method::PATCH, &["chat", "readMessages", name]);
        // The server demands `ids` and works on `messageId`: without the latter it marks every message there is.
        let body = json!({ "ids": rows, "messageId": rows });
        call.json(&body).success().await.map(|_| ())
    }

    /// Marks customers' messages of one chat as read by their ids on WhatsApp. It works for LIDs and groups; for a phone number
    /// the server answers as if it did and does nothing, so that is refused here.
    pub async fn mark_read_by_key<I: AsRef<str>>(&self, name: &str, chat: &str, ids: &[I]) -> Result<(), Error> {
        if ids.is_empty() {
            return Ok(());
        }
        if chat.ends_with("@s.whatsapp.net") {
            return Err(Error::local(ErrorKind::Rejected, "messages of a phone number are marked by row"));
        }
        let key = |id: &I| json!({ "id": id.as_ref(), "fromMe": false, "remoteJid": chat });
        let keys: Vec<_> = ids.iter().map(key).collect();
        let call = self.call("mark_read_by_key", Method::PUT, &["chat", "markMessageAsRead", name]);
        call.json(&json!({ "readMessages": keys })).success().await.map(|_| ())
    }

    /// Shows `presence` to a chat, and from then on hears of its own by `presence.update`. The server fails on LIDs.
    pub async fn update_presence(&self, name: &str, jid: &str, presence: Presence) -> Result<(), Error> {
        let call = self.call("update_presence", Method::PATCH, &["chat", "updatePresence", name]);
        call.json(&json!({ "number": jid, "presence": presence.as_str() })).success().await.map(|_| ())
    }

    /// Deletes the message in row `row_id` for everyone. It takes the number of a row and nothing else: of an id
    /// the server would use the leading digits as one.
    pub async fn delete_for_everyone(&self, name: &str, row_id: i64) -> Result<(), Error> {
        let path = ["chat", "deleteMessageForEveryone", name];
        let call = self.send_call("delete_for_everyone", Method::DELETE, &path);
        // Without `everyOne` the server first deletes locally, which fails on most accounts.
        let call = call.query(&[("id", &row_id.to_string()), ("everyOne", "true")]);
        call.success().await.map(|_| ())
    }
}

impl NumberCheck {
    fn read(value: &Value) -> Result<Self, Missing> {
        Ok(Self {
            exists: need(wire::flag(value, "exists"), "exists")?,
            jid: wire::text(value, "jid"),
            lid: wire::text(value, "lid"),
            name: wire::text(value, "name"),
        })
    }
}
