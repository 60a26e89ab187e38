//! Messages: creating, listing, marking and deleting them.
//!
//! Chatwoot keeps any source id and checks none for being unique, so creating twice gives two messages: a caller
//! that is not certain looks with [`Client::list_messages_after`] first.

use reqwest::Method;
use reqwest::multipart::Form;
use serde_json::{Map, Value, json};

use crate::attachment::Attachment;
use crate::client::{Call, Client};
use crate::content::{ContentAttributes, ContentType};
use crate::error::Error;
use crate::people::Sender;
use crate::upload::{Upload, part};
use crate::wire::{Missing, Read, flag, int, list, list_or_empty, moment, need, text, text_or_null, words};

words! {
    /// Which way a message goes.
    MessageType { Incoming = "incoming", Outgoing = "outgoing", Activity = "activity", Template = "template", }
}

words! {
    /// How far an outgoing message has come.
    MessageStatus { Sent = "sent", Delivered = "delivered", Read = "read", Failed = "failed", }
}

impl MessageType {
    /// Reads the type of `message`: a word in webhooks, a number everywhere else.
    pub(crate) fn of(message: &Value) -> Option<Self> {
        match message.get("message_type")? {
            Value::String(word) => Some(Self::from_word(word)),
            Value::Number(code) => Some(match code.as_i64() {
                Some(0) => Self::Incoming,
                Some(1) => Self::Outgoing,
                Some(2) => Self::Activity,
                Some(3) => Self::Template,
                _ => Self::Other,
            }),
            _ => None,
        }
    }
}

/// A message.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Id of the message; a later message has a greater one.
    pub id: i64,
    /// The conversation it belongs to.
    pub conversation_id: i64,
    /// The inbox it belongs to.
    pub inbox_id: Option<i64>,
    /// The text, null for a file without caption.
    pub content: Option<String>,
    /// The kind of content.
    pub content_type: ContentType,
    /// Its free attributes.
    pub content_attributes: ContentAttributes,
    /// Which way it goes.
    pub message_type: MessageType,
    /// Whether only agents see it.
    pub private: bool,
    /// How far it has come.
    pub status: MessageStatus,
    /// What its creator called it; null for what an agent types.
    pub source_id: Option<String>,
    /// When it was created, in epoch milliseconds.
    pub created_at: i64,
    /// Who wrote it.
    pub sender: Sender,
    /// Its files.
    pub attachments: Vec<Attachment>,
}

/// Which way a new message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the contact; only in API inboxes.
    Incoming,
    /// To the contact, written by the token's user.
    Outgoing,
}

/// A message to create.
#[derive(Clone, Debug)]
pub struct NewMessage {
    /// The text, as markdown.
    pub content: Option<String>,
    /// Which way it goes.
    pub message_type: Direction,
    /// Whether only agents see it.
    pub private: bool,
    /// What it is called, to find it again.
    pub source_id: Option<String>,
    /// Free attributes, such as `in_reply_to`.
    pub content_attributes: Map<String, Value>,
    /// Files, at most fifteen.
    pub attachments: Vec<Upload>,
    /// Whether its audio is a voice message.
    pub is_voice_message: bool,
}

impl NewMessage {
    /// Starts a public message without text, name or files.
    pub fn new(message_type: Direction) -> Self {
        Self {
            content: None,
            message_type,
            private: false,
            source_id: None,
            content_attributes: Map::new(),
            attachments: Vec::new(),
            is_voice_message: false,
        }
    }
}

/// A status to set. `Read` and `Failed` overwrite each other and anything before, so the caller keeps the order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewStatus {
    /// It left.
    Sent,
    /// It arrived.
    Delivered,
    /// It was read.
    Read,
    /// It will not arrive.
    Failed {
        /// Why, as shown to the agent.
        reason: String,
    },
}

impl Read for Message {
    fn read(value: &Value) -> Result<Self, Missing> {
        Ok(Self {
            id: need(int(value, "id"), "id")?,
            conversation_id: need(int(value, "conversation_id"), "conversation_id")?,
            inbox_id: int(value, "inbox_id"),
            content: text_or_null(value, "content")?,
            content_type: content_type_of(value),
            content_attributes: ContentAttributes::of(value)?,
            message_type: need(MessageType::of(value), "message_type")?,
            private: need(flag(value, "private"), "private")?,
            status: text(value, "status").map_or(MessageStatus::Other, |word| MessageStatus::from_word(&word)),
            source_id: text_or_null(value, "source_id")?,
            created_at: need(moment(value, "created_at"), "created_at")?,
            sender: Sender::of(value.get("sender")),
            attachments: list_or_empty(value, "attachments")?,
        })
    }
}

pub(crate) fn content_type_of(message: &Value) -> ContentType {
    text(message, "content_type").map_or(ContentType::Text, |word| ContentType::from_word(&word))
}

impl NewMessage {
    fn word(&self) -> &'static str {
        match self.message_type {
            Direction::Incoming => "incoming",
            Direction::Outgoing => "outgoing",
        }
    }

    fn body(&self) -> Value {
        let mut body = json!({
            "message_type": self.word(),
            "private": self.private,
            "content_attributes": self.content_attributes,
        });
        if let Some(content) = &self.content {
            body["content"] = Value::from(content.as_str());
        }
        if let Some(source_id) = &self.source_id {
            body["source_id"] = Value::from(source_id.as_str());
        }
        body
    }

    async fn form(&self) -> Result<Form, Error> {
        let attributes = Value::Object(self.content_attributes.clone()).to_string();
        let mut form = Form::new()
            .text("message_type", self.word())
            .text("private", self.private.to_string())
            .text("content_attributes", attributes);
        if let Some(content) = self.content.clone() {
            form = form.text("content", content);
        }
        if let Some(source_id) = self.source_id.clone() {
            form = form.text("source_id", source_id);
        }
        if self.is_voice_message {
            form = form.text("is_voice_message", "true");
        }
        for upload in &self.attachments {
            form = form.part("attachments[]", part(upload).await?);
        }
        Ok(form)
    }
}

impl NewStatus {
    fn body(&self) -> Value {
        match self {
            Self::Sent => json!({ "status": "sent" }),
            Self::Delivered => json!({ "status": "delivered" }),
            Self::Read => json!({ "status": "read" }),
            Self::Failed { reason } => json!({ "status": "failed", "external_error": reason }),
        }
    }
}

fn page_of(answer: &Value) -> Result<Vec<Message>, Missing> {
    list(answer, "payload")
}

impl Client {
    /// Creates a message. Files make it a form; without them it is JSON.
    pub async fn create_message(&self, conversation: i64, new: &NewMessage) -> Result<Message, Error> {
        let call = self.messages("create_message", Method::POST, conversation, None);
        let call = if new.attachments.is_empty() {
            call.json(&new.body())
        } else {
            call.form(new.form().await?, self.upload_deadline())
        };
        call.read(Message::read).await
    }

    /// Lists up to a hundred messages with an id greater than `after`, oldest first.
    pub async fn list_messages_after(&self, conversation: i64, after: i64) -> Result<Vec<Message>, Error> {
        let call = self.messages("list_messages_after", Method::GET, conversation, None);
        call.query(&[("after", after.to_string().as_str())]).read(page_of).await
    }

    /// Lists the twenty messages before the id `before`, oldest first.
    pub async fn list_messages_before(&self, conversation: i64, before: i64) -> Result<Vec<Message>, Error> {
        let call = self.messages("list_messages_before", Method::GET, conversation, None);
        call.query(&[("before", before.to_string().as_str())]).read(page_of).await
    }

    /// Lists the twenty latest messages, oldest first.
    pub async fn latest_messages(&self, conversation: i64) -> Result<Vec<Message>, Error> {
        self.messages("latest_messages", Method::GET, conversation, None).read(page_of).await
    }

    /// Sets the status of a message in an API inbox. Chatwoot ignores `Delivered` after `Read` and applies
    /// everything else, and tells each change by webhook.
    pub async fn set_status(&self, conversation: i64, message: i64, status: &NewStatus) -> Result<Message, Error> {
        let call = self.messages("set_status", Method::PATCH, conversation, Some(message));
        call.json(&status.body()).read(Message::read).await
    }

    /// Deletes a message: its row stays, with a notice instead of the text.
    pub async fn delete_message(&self, conversation: i64, message: i64) -> Result<Message, Error> {
        let call = self.messages("delete_message", Method::DELETE, conversation, Some(message));
        call.read(Message::read).await
    }

    fn messages(&self, operation: &'static str, method: Method, conversation: i64, message: Option<i64>) -> Call {
        let conversation = conversation.to_string();
        let message = message.map(|id| id.to_string());
        let mut path = vec!["conversations", conversation.as_str(), "messages"];
        path.extend(message.as_deref());
        self.call(operation, method, &path)
    }
}
