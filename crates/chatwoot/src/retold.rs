//! The webhook that would have told of a message, for one that was found by asking.
//!
//! Invariant: reading it gives the same event again, field by field.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::attachment::Attachment;
use crate::people::{ContactRef, Sender};
use crate::webhook::{ConversationRef, MessageEvent};

impl MessageEvent {
    /// The body of the `message_created` that tells this event. It holds what this crate reads and nothing else.
    pub fn to_webhook(&self) -> Vec<u8> {
        let attachments: Vec<Value> = self.attachments.iter().map(attachment).collect();
        let body = json!({
            "event": "message_created",
            "id": self.id,
            "content": self.content,
            "content_type": self.content_type.as_str(),
            "content_attributes": self.content_attributes.as_map(),
            "message_type": self.message_type.as_str(),
            "private": self.private,
            "source_id": self.source_id,
            "created_at": iso(self.created_at),
            "account": { "id": self.account_id },
            "inbox": { "id": self.inbox_id },
            "sender": sender(&self.sender),
            "conversation": conversation(&self.conversation),
            "attachments": attachments,
        });
        body.to_string().into_bytes()
    }
}

fn sender(sender: &Sender) -> Value {
    match sender {
        Sender::User { id, name } => json!({ "id": id, "name": name, "type": "user" }),
        Sender::Bot { name } => json!({ "name": name, "type": "agent_bot" }),
        Sender::Contact => json!({}),
        Sender::None => Value::Null,
    }
}

fn conversation(conversation: &ConversationRef) -> Value {
    json!({
        "id": conversation.id,
        "status": conversation.status.as_str(),
        "contact_inbox": { "source_id": conversation.source_id, "contact_id": conversation.contact_id },
        "meta": { "sender": conversation.contact.as_ref().map(contact) },
        "agent_last_seen_at": conversation.agent_last_seen_at.map(iso),
    })
}

fn contact(contact: &ContactRef) -> Value {
    json!({
        "id": contact.id,
        "name": contact.name,
        "phone_number": contact.phone_number,
        "identifier": contact.identifier,
        "blocked": contact.blocked,
    })
}

fn attachment(attachment: &Attachment) -> Value {
    let at = attachment.coordinates;
    json!({
        "id": attachment.id,
        "file_type": attachment.file_type.as_str(),
        "data_url": attachment.data_url,
        "content_type": attachment.content_type,
        "extension": attachment.extension,
        "file_size": attachment.file_size,
        "coordinates_lat": at.map(|at| at.latitude),
        "coordinates_long": at.map(|at| at.longitude),
        "fallback_title": attachment.fallback_title,
        "meta": attachment.meta,
    })
}

fn iso(millis: i64) -> Option<String> {
    Timestamp::from_millisecond(millis).ok().map(|at| at.to_string())
}
