//! What `messages.update` says: how far a message has come, or that its content changed.
//!
//! Invariant: only the id names the message. The address may be a LID where the message was stored under a number.

use std::fmt;

use serde_json::Value;

use crate::webhook::WebhookError;
use crate::wire;

/// An update of a message.
#[derive(Clone, PartialEq, Eq)]
pub struct StatusUpdate {
    /// Id of the message on WhatsApp.
    pub id: String,
    /// Whether the message is ours; `Some(false)` with [`Status::Read`] means that it was read on our phone.
    pub from_me: Option<bool>,
    /// The chat, as a number or as a LID.
    pub remote_jid: Option<String>,
    /// How far it has come; `None` when the content changed instead, or for a word this crate does not know.
    pub status: Option<Status>,
    /// Who it is about, in a group.
    pub participant: Option<String>,
}

impl fmt::Debug for StatusUpdate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StatusUpdate")
            .field("id", &self.id)
            .field("from_me", &self.from_me)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// How far a message has come, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// WhatsApp refused it.
    Error,
    /// It waits on the server.
    Pending,
    /// WhatsApp has it.
    ServerAck,
    /// A device of the other side has it.
    DeliveryAck,
    /// It was read.
    Read,
    /// It was listened to.
    Played,
}

impl StatusUpdate {
    /// Reads the data of the webhook. In the rewrite in Go `id` is a row, and `keyId` the id on WhatsApp.
    pub fn from_value(value: &Value) -> Result<Self, WebhookError> {
        let key = wire::object(value, "key").unwrap_or(value);
        let id = wire::text(value, "keyId").or_else(|| wire::text(key, "id"));
        Ok(Self {
            id: id.ok_or(WebhookError::Missing("id"))?,
            from_me: wire::flag(key, "fromMe").or_else(|| wire::flag(value, "keyFromMe")),
            remote_jid: wire::text(key, "remoteJid").or_else(|| wire::text(value, "keyRemoteJid")),
            status: value.get("status").and_then(Status::from_value),
            participant: wire::text(key, "participant"),
        })
    }
}

impl Status {
    /// Reads the word of either server, or the number of the protocol.
    pub fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::String(word) => Self::from_word(word),
            value => Self::from_number(wire::as_i64(value)?),
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        Some(match word.to_ascii_lowercase().as_str() {
            "error" | "server_error" => Self::Error,
            "pending" => Self::Pending,
            "server_ack" | "sent" => Self::ServerAck,
            "delivery_ack" | "delivered" => Self::DeliveryAck,
            "read" => Self::Read,
            "played" => Self::Played,
            _ => return None,
        })
    }

    fn from_number(number: i64) -> Option<Self> {
        Some(match number {
            0 => Self::Error,
            1 => Self::Pending,
            2 => Self::ServerAck,
            3 => Self::DeliveryAck,
            4 => Self::Read,
            5 => Self::Played,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn updates_of_both_servers_are_read() {
        let node = json!({
            "remoteJid": "2@lid", "id": "01M8", "fromMe": true, "participant": "", "status": "READ", "instanceId": 1,
        });
        let node = StatusUpdate::from_value(&node).unwrap();
        assert_eq!((node.id.as_str(), node.from_me, node.status), ("01M8", Some(true), Some(Status::Read)));
        assert_eq!((node.remote_jid.as_deref(), node.participant), (Some("2@lid"), None));
        let go = json!({ "id": "88", "keyId": "01M8", "status": "delivered", "dateTime": "x" });
        let go = StatusUpdate::from_value(&go).unwrap();
        assert_eq!((go.id.as_str(), go.from_me, go.status), ("01M8", None, Some(Status::DeliveryAck)));
    }

    #[test]
    fn a_change_of_content_has_no_status() {
        let update = StatusUpdate::from_value(&json!({ "id": "a", "fromMe": true })).unwrap();
        assert_eq!(update.status, None);
        assert_eq!(StatusUpdate::from_value(&json!({ "id": 5 })), Err(WebhookError::Missing("id")));
        assert_eq!(StatusUpdate::from_value(&json!("a")), Err(WebhookError::Missing("id")));
    }

    #[test]
    fn statuses_have_an_order_and_several_spellings() {
        let order = ["ERROR", "PENDING", "SERVER_ACK", "DELIVERY_ACK", "READ", "PLAYED"];
        let read: Vec<_> = order.iter().filter_map(|word| Status::from_value(&json!(word))).collect();
        let numbers: Vec<_> = (0..7).filter_map(|number| Status::from_value(&json!(number))).collect();
        assert_eq!(read.len(), 6);
        assert!(read.is_sorted());
        assert_eq!(read, numbers);
        assert_eq!(Status::from_value(&json!("server_error")), Some(Status::Error));
        assert_eq!(Status::from_value(&json!("sent")), Some(Status::ServerAck));
        assert_eq!(Status::from_value(&json!("retry")), None);
    }
}
