//! A test message in Chatwoot that comes back by webhook and goes no further.
//!
//! It cannot reach a customer, for three reasons each of which is enough: it is a private note; it has a source id, as what the
//! relay itself posts; and its contact, made for this alone, has neither number nor WhatsApp id.

use ::chatwoot::{
    Client, Conversation, ConversationStatus, Direction, Error, NewContact, NewConversation, NewMessage, Upload,
    UploadSource,
};
use bytes::Bytes;

use super::echo::{Answer, Nonce};
use crate::Engine;
use crate::sessions::Live;

/// What the contact is called in the inbox.
const CONTACT: &str = "relay-doctor";
/// What the source id of a test begins with.
const TEST: &str = "relay-doctor:";
/// Size of the file that goes along, in bytes.
const FILE: usize = 1000;

/// A test under way.
pub(super) struct Test<'a> {
    pub(super) nonce: Nonce<'a>,
    pub(super) conversation: i64,
    pub(super) message: i64,
    /// Where Chatwoot says the file is.
    pub(super) data_url: Option<String>,
}

/// The word that a message of ours carries, if it is a test.
pub(crate) fn word_of(source_id: Option<&str>) -> Option<&str> {
    source_id?.strip_prefix(TEST)
}

impl<'a> Test<'a> {
    /// Posts a test; an error says why there is none.
    pub(super) async fn begin(engine: &'a Engine, live: &Live, client: &Client) -> Result<Self, String> {
        let nonce = engine.echoes.expect(Answer::Heard).ok_or("too many tests are under way")?;
        let told = |error: Error| error.to_string();
        let conversation = conversation(client, live.session.chatwoot.inbox).await.map_err(told)?;
        let file = Upload {
            file_name: "relay-doctor.txt".to_owned(),
            mime: "text/plain".to_owned(),
            source: UploadSource::Bytes(Bytes::from(vec![b'.'; FILE])),
        };
        let new = NewMessage {
            content: Some("relay doctor".to_owned()),
            private: true,
            source_id: Some(format!("{TEST}{}", nonce.word())),
            attachments: vec![file],
            ..NewMessage::new(Direction::Outgoing)
        };
        let message = client.create_message(conversation.id, &new).await.map_err(told)?;
        let data_url = message.attachments.first().and_then(|file| file.data_url.clone());
        Ok(Self { nonce, conversation: conversation.id, message: message.id, data_url })
    }

    /// Takes the message away again; the conversation stays for the next time, resolved and with nothing in it.
    pub(super) async fn end(self, client: &Client) {
        if let Err(error) = client.delete_message(self.conversation, self.message).await {
            tracing::debug!(error = %error.kind, "a test message remains in Chatwoot");
        }
    }
}

/// The conversation for tests, which is made once.
async fn conversation(client: &Client, inbox: i64) -> Result<Conversation, Error> {
    let contact = if let Some(known) = client.find_contact_inbox(inbox, CONTACT).await? {
        known
    } else {
        let new = NewContact {
            name: CONTACT.to_owned(),
            inbox_id: inbox,
            source_id: CONTACT.to_owned(),
            ..NewContact::default()
        };
        client.create_contact(&new).await?
    };
    if let Some(known) = client.conversations_of(inbox, CONTACT).await?.into_iter().next() {
        return Ok(known);
    }
    let new = NewConversation {
        inbox_id: inbox,
        contact_id: contact.id,
        source_id: CONTACT.to_owned(),
        status: Some(ConversationStatus::Resolved),
        team_id: None,
    };
    client.create_conversation(&new).await
}
