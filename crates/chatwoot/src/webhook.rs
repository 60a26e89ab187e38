//! What Chatwoot tells by webhook.
//!
//! Inbox, account and agent-bot webhooks have the same bodies, and nothing in a body says which of them it is.
//! Events come out of order and more than once, and an update does not say what changed.
//!
//! The array `conversation.messages` is not modelled, on purpose. It is asked anew when the event is sent and
//! holds the latest public message of that moment, which in a burst, or after a private note, is another message
//! than the event's. Everything about the message stands at the top level.

use serde_json::Value;

use crate::attachment::Attachment;
use crate::content::{ContentAttributes, ContentType};
use crate::conversations::{Conversation, ConversationStatus};
use crate::messages::{Message, MessageType, content_type_of};
use crate::people::{ContactRef, Sender};
use crate::wire::{Missing, Read, flag, int, list_or_empty, moment, moment_or_never, need, object, text, text_or_null};

/// An event of Chatwoot.
#[derive(Clone, Debug, PartialEq)]
pub enum Webhook {
    /// A message was created, by anybody, in either direction, private or not.
    MessageCreated(MessageEvent),
    /// Something about a message changed: status, deletion, retry, translation.
    MessageUpdated(MessageEvent),
    /// A conversation was created.
    ConversationCreated(ConversationEvent),
    /// A conversation was opened, resolved, snoozed or set to pending.
    ConversationStatusChanged(ConversationEvent),
    /// Something else about a conversation changed; comes with nearly every message.
    ConversationUpdated(ConversationEvent),
    /// Somebody is typing.
    TypingOn(TypingEvent),
    /// Somebody stopped typing.
    TypingOff(TypingEvent),
    /// A contact was created; account webhooks only.
    ContactCreated(ContactEvent),
    /// A contact changed; account webhooks only, and with every incoming message.
    ContactUpdated(ContactEvent),
    /// An event this crate does not read, by its name.
    Other(String),
}

/// A message, as an event tells it. The status of the message is not told.
#[derive(Clone, Debug, PartialEq)]
pub struct MessageEvent {
    /// Id of the message; a later message has a greater one.
    pub id: i64,
    /// The text as markdown, null for a file without caption.
    pub content: Option<String>,
    /// The kind of content.
    pub content_type: ContentType,
    /// Its free attributes, among them whether it was deleted and what it quotes.
    pub content_attributes: ContentAttributes,
    /// Which way it goes.
    pub message_type: MessageType,
    /// Whether only agents see it.
    pub private: bool,
    /// What its creator called it; null for what an agent types.
    pub source_id: Option<String>,
    /// When it was created, in epoch milliseconds.
    pub created_at: i64,
    /// The account.
    pub account_id: i64,
    /// The inbox.
    pub inbox_id: i64,
    /// Who wrote it.
    pub sender: Sender,
    /// The conversation it belongs to.
    pub conversation: ConversationRef,
    /// Its files.
    pub attachments: Vec<Attachment>,
}

/// A conversation, as an event tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversationRef {
    /// Id within the account.
    pub id: i64,
    /// Its state.
    pub status: ConversationStatus,
    /// What the contact is called in the inbox; a random UUID when an agent began the conversation.
    pub source_id: Option<String>,
    /// Id of the contact.
    pub contact_id: Option<i64>,
    /// The contact.
    pub contact: Option<ContactRef>,
    /// When an agent last looked, in epoch milliseconds.
    pub agent_last_seen_at: Option<i64>,
}

/// Something about a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversationEvent {
    /// The account, told from 4.14.2.
    pub account_id: Option<i64>,
    /// The inbox.
    pub inbox_id: i64,
    /// The conversation.
    pub conversation: ConversationRef,
    /// When the conversation was last changed, in epoch milliseconds.
    pub updated_at: Option<i64>,
    /// Names of what changed; told by updates only.
    pub changed: Vec<String>,
}

/// Somebody typing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypingEvent {
    /// The account, told from 4.14.2.
    pub account_id: Option<i64>,
    /// The inbox.
    pub inbox_id: i64,
    /// Who types; the contact when it was told through the public API.
    pub user: Sender,
    /// Whether it is a private note; also when that cannot be read.
    pub is_private: bool,
    /// The conversation.
    pub conversation: ConversationRef,
}

/// Something about a contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactEvent {
    /// The account.
    pub account_id: i64,
    /// The contact.
    pub contact: ContactRef,
    /// Names of what changed; told by updates only.
    pub changed: Vec<String>,
}

/// A body that is not an event of Chatwoot.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// The body is not JSON.
    #[error("the webhook is not json (line {line}, column {column})")]
    NotJson {
        /// Line of the first mistake, from 1.
        line: usize,
        /// Column of the first mistake.
        column: usize,
    },
    /// The body is not an object with an event name.
    #[error("the webhook has no event name")]
    NotAnEvent,
    /// A field that is needed is absent or of another type.
    #[error("the webhook `{event}` lacks `{field}`")]
    Missing {
        /// The name of the event.
        event: String,
        /// The name of the field.
        field: &'static str,
    },
}

impl Webhook {
    /// Reads the body of a webhook.
    pub fn parse(body: &[u8]) -> Result<Self, WebhookError> {
        let value: Value = serde_json::from_slice(body)
            .map_err(|error| WebhookError::NotJson { line: error.line(), column: error.column() })?;
        let event = text(&value, "event").ok_or(WebhookError::NotAnEvent)?;
        let read = match event.as_str() {
            "message_created" => MessageEvent::read(&value).map(Self::MessageCreated),
            "message_updated" => MessageEvent::read(&value).map(Self::MessageUpdated),
            "conversation_created" => ConversationEvent::read(&value).map(Self::ConversationCreated),
            "conversation_status_changed" => ConversationEvent::read(&value).map(Self::ConversationStatusChanged),
            "conversation_updated" => ConversationEvent::read(&value).map(Self::ConversationUpdated),
            "conversation_typing_on" => TypingEvent::read(&value).map(Self::TypingOn),
            "conversation_typing_off" => TypingEvent::read(&value).map(Self::TypingOff),
            "contact_created" => ContactEvent::read(&value).map(Self::ContactCreated),
            "contact_updated" => ContactEvent::read(&value).map(Self::ContactUpdated),
            _ => return Ok(Self::Other(event)),
        };
        read.map_err(|Missing(field)| WebhookError::Missing { event, field })
    }

    /// Returns the name of the event.
    pub fn event(&self) -> &str {
        match self {
            Self::MessageCreated(_) => "message_created",
            Self::MessageUpdated(_) => "message_updated",
            Self::ConversationCreated(_) => "conversation_created",
            Self::ConversationStatusChanged(_) => "conversation_status_changed",
            Self::ConversationUpdated(_) => "conversation_updated",
            Self::TypingOn(_) => "conversation_typing_on",
            Self::TypingOff(_) => "conversation_typing_off",
            Self::ContactCreated(_) => "contact_created",
            Self::ContactUpdated(_) => "contact_updated",
            Self::Other(event) => event,
        }
    }

    /// Returns the inbox it is about. An account webhook tells the events of all inboxes.
    pub fn inbox_id(&self) -> Option<i64> {
        match self {
            Self::MessageCreated(event) | Self::MessageUpdated(event) => Some(event.inbox_id),
            Self::ConversationCreated(event)
            | Self::ConversationStatusChanged(event)
            | Self::ConversationUpdated(event) => Some(event.inbox_id),
            Self::TypingOn(event) | Self::TypingOff(event) => Some(event.inbox_id),
            Self::ContactCreated(_) | Self::ContactUpdated(_) | Self::Other(_) => None,
        }
    }
}

impl MessageEvent {
    /// Builds the event that tells `message`, for a message that was found by asking.
    pub fn of_message(message: Message, account_id: i64, inbox_id: i64, conversation: ConversationRef) -> Self {
        Self {
            id: message.id,
            content: message.content,
            content_type: message.content_type,
            content_attributes: message.content_attributes,
            message_type: message.message_type,
            private: message.private,
            source_id: message.source_id,
            created_at: message.created_at,
            account_id,
            inbox_id: message.inbox_id.unwrap_or(inbox_id),
            sender: message.sender,
            conversation,
            attachments: message.attachments,
        }
    }
}

impl From<&Conversation> for ConversationRef {
    fn from(conversation: &Conversation) -> Self {
        Self {
            id: conversation.id,
            status: conversation.status,
            source_id: conversation.source_id.clone(),
            contact_id: conversation.contact.as_ref().map(|contact| contact.id),
            contact: conversation.contact.clone(),
            agent_last_seen_at: conversation.agent_last_seen_at,
        }
    }
}

impl Read for MessageEvent {
    fn read(value: &Value) -> Result<Self, Missing> {
        let conversation = need(object(value, "conversation"), "conversation")?;
        let inbox_id = id_within(value, "inbox").or_else(|| int(conversation, "inbox_id"));
        let account_id = id_within(value, "account").or_else(|| id_within(conversation, "account"));
        Ok(Self {
            id: need(int(value, "id"), "id")?,
            content: text_or_null(value, "content")?,
            content_type: content_type_of(value),
            content_attributes: ContentAttributes::of(value)?,
            message_type: need(MessageType::of(value), "message_type")?,
            private: need(flag(value, "private"), "private")?,
            source_id: text_or_null(value, "source_id")?,
            created_at: need(moment(value, "created_at"), "created_at")?,
            account_id: need(account_id, "account.id")?,
            inbox_id: need(inbox_id, "inbox.id")?,
            sender: Sender::of(value.get("sender")),
            conversation: ConversationRef::read(conversation)?,
            attachments: list_or_empty(value, "attachments")?,
        })
    }
}

impl Read for ConversationRef {
    fn read(value: &Value) -> Result<Self, Missing> {
        let contact_inbox = object(value, "contact_inbox").unwrap_or(&Value::Null);
        let sender = object(value, "meta").and_then(|meta| object(meta, "sender"));
        let contact = sender.and_then(|sender| ContactRef::read(sender).ok());
        let status = text(value, "status");
        Ok(Self {
            id: need(int(value, "id"), "conversation.id")?,
            status: status.map_or(ConversationStatus::Other, |word| ConversationStatus::from_word(&word)),
            source_id: text(contact_inbox, "source_id"),
            contact_id: int(contact_inbox, "contact_id").or(contact.as_ref().map(|contact| contact.id)),
            contact,
            agent_last_seen_at: moment_or_never(value, "agent_last_seen_at"),
        })
    }
}

impl Read for ConversationEvent {
    fn read(value: &Value) -> Result<Self, Missing> {
        Ok(Self {
            account_id: id_within(value, "account"),
            inbox_id: need(int(value, "inbox_id"), "inbox_id")?,
            conversation: ConversationRef::read(value)?,
            updated_at: moment_or_never(value, "updated_at"),
            changed: changed_of(value),
        })
    }
}

impl Read for TypingEvent {
    fn read(value: &Value) -> Result<Self, Missing> {
        let conversation = need(object(value, "conversation"), "conversation")?;
        Ok(Self {
            account_id: id_within(conversation, "account"),
            inbox_id: need(int(conversation, "inbox_id"), "conversation.inbox_id")?,
            user: Sender::of(value.get("user")),
            is_private: flag(value, "is_private").unwrap_or(true),
            conversation: ConversationRef::read(conversation)?,
        })
    }
}

impl Read for ContactEvent {
    fn read(value: &Value) -> Result<Self, Missing> {
        Ok(Self {
            account_id: need(id_within(value, "account"), "account.id")?,
            contact: ContactRef::read(value)?,
            changed: changed_of(value),
        })
    }
}

fn id_within(value: &Value, key: &str) -> Option<i64> {
    object(value, key).and_then(|inner| int(inner, "id"))
}

/// Changes come as a list of objects with one key each; a change of status tells null instead.
fn changed_of(value: &Value) -> Vec<String> {
    let changes = value.get("changed_attributes").and_then(Value::as_array);
    let changes = changes.map(Vec::as_slice).unwrap_or_default().iter();
    changes.filter_map(Value::as_object).flat_map(|change| change.keys().cloned()).collect()
}
