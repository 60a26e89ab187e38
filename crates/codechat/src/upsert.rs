//! A message, as `messages.upsert`, `send.message` and stored rows tell it.
//!
//! Invariant: a message has an id and a kind. Everything else may be unknown: a chat known by its LID alone has no
//! `remote_jid`, and neither has a group whose id holds a hyphen.

use std::fmt;

use serde_json::{Value, json};

use crate::content;
use crate::webhook::WebhookError;
use crate::wire;

/// A message.
#[derive(Clone, PartialEq)]
pub struct Upsert {
    /// Its id on WhatsApp.
    pub key_id: String,
    /// Whether our account wrote it, on the phone or through the API.
    pub from_me: bool,
    /// The chat: a number, a group, `status@broadcast`, a channel. Never a LID.
    pub remote_jid: Option<String>,
    /// The LID of the chat.
    pub lid: Option<String>,
    /// Who wrote it, in a group. Never a LID.
    pub participant: Option<String>,
    /// The LID of who wrote it, in a group.
    pub participant_lid: Option<String>,
    /// What the writer calls themselves.
    pub push_name: Option<String>,
    /// Its kind: the name of the part of the protocol that `content` is.
    pub message_type: String,
    /// What it holds. A bare text has become `{"text": …}`; wrappers are still around it.
    pub content: Value,
    /// When, in epoch seconds.
    pub timestamp: Option<i64>,
    /// The number of its row, when the server stores messages.
    pub row_id: Option<i64>,
    /// Whether the chat is a group.
    pub is_group: bool,
    /// How it came.
    pub info: Option<Info>,
    /// What was given along with a send through the API.
    pub external_attributes: Option<Value>,
    /// The device it was written on, guessed by the server.
    pub device: Option<String>,
}

/// How a message came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Info {
    /// Live.
    Notify,
    /// After the server was away, or as the echo of a send.
    Append,
    /// A word this crate does not know.
    Other(String),
}

impl fmt::Debug for Upsert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upsert")
            .field("key_id", &self.key_id)
            .field("from_me", &self.from_me)
            .field("message_type", &self.message_type)
            .field("timestamp", &self.timestamp)
            .field("row_id", &self.row_id)
            .field("is_group", &self.is_group)
            .field("info", &self.info)
            .finish_non_exhaustive()
    }
}

impl Upsert {
    /// Reads the data of the webhook, flat or with the key and the message inside.
    pub fn from_value(value: &Value) -> Result<Self, WebhookError> {
        match wire::object(value, "key") {
            Some(key) if value.get("keyId").is_none() => Self::nested(value, key),
            _ => Self::flat(value),
        }
    }

    /// Says whether this is the copy that a send through the API makes at once.
    pub fn is_api_copy(&self) -> bool {
        self.from_me && self.info.is_none()
    }

    /// Says whether it came after the server was away, or as the echo of a send.
    pub fn is_append(&self) -> bool {
        self.info == Some(Info::Append)
    }

    fn flat(value: &Value) -> Result<Self, WebhookError> {
        let key_id = wire::text(value, "keyId").or_else(|| wire::text(value, "messageId"));
        let message_type = wire::text(value, "messageType");
        let message_type = message_type.ok_or(WebhookError::Missing("messageType"))?;
        let content = value.get("content").cloned().unwrap_or_default();
        let mut upsert = Self {
            key_id: key_id.ok_or(WebhookError::Missing("keyId"))?,
            from_me: wire::flag(value, "keyFromMe").unwrap_or(false),
            lid: wire::text(value, "keyLid"),
            participant_lid: wire::text(value, "keyParticipantLid"),
            content: object_content(&message_type, content),
            message_type,
            ..Self::common(value)
        };
        upsert.place(wire::text(value, "keyRemoteJid"));
        upsert.attribute(wire::text(value, "keyParticipant"));
        Ok(upsert)
    }

    fn nested(value: &Value, key: &Value) -> Result<Self, WebhookError> {
        let message = wire::object(value, "message").ok_or(WebhookError::Missing("message"))?;
        let (kind, content) = content::kind_of(message).ok_or(WebhookError::Missing("message"))?;
        let mut upsert = Self {
            key_id: wire::text(key, "id").ok_or(WebhookError::Missing("key.id"))?,
            from_me: wire::flag(key, "fromMe").unwrap_or(false),
            message_type: kind.to_owned(),
            content: object_content(kind, content.clone()),
            ..Self::common(value)
        };
        for address in ["remoteJid", "remoteJidAlt"] {
            upsert.place(wire::text(key, address));
        }
        for address in ["participant", "participantAlt"] {
            upsert.attribute(wire::text(key, address));
        }
        Ok(upsert)
    }

    /// What both shapes have in the same place.
    fn common(value: &Value) -> Self {
        Self {
            key_id: String::new(),
            from_me: false,
            remote_jid: None,
            lid: None,
            participant: None,
            participant_lid: None,
            push_name: wire::text(value, "pushName"),
            message_type: String::new(),
            content: Value::Null,
            timestamp: wire::int(value, "messageTimestamp"),
            row_id: value.get("id").and_then(Value::as_i64),
            is_group: wire::flag(value, "isGroup").unwrap_or(false),
            info: Info::read(value),
            external_attributes: wire::present(value, "externalAttributes").cloned(),
            device: wire::text(value, "device").or_else(|| wire::text(value, "source")),
        }
    }

    /// Puts the address of the chat where it belongs; some versions put a LID in the place of a number.
    fn place(&mut self, jid: Option<String>) {
        let Some(jid) = jid else { return };
        self.is_group |= jid.ends_with("@g.us");
        let place = if is_lid(&jid) { &mut self.lid } else { &mut self.remote_jid };
        place.get_or_insert(jid);
    }

    fn attribute(&mut self, jid: Option<String>) {
        let Some(jid) = jid else { return };
        let place = if is_lid(&jid) { &mut self.participant_lid } else { &mut self.participant };
        place.get_or_insert(jid);
    }
}

impl Info {
    fn read(value: &Value) -> Option<Self> {
        Some(match wire::str_of(value.get("info")?, "type")? {
            "notify" => Self::Notify,
            "append" => Self::Append,
            word => Self::Other(word.to_owned()),
        })
    }
}

fn is_lid(jid: &str) -> bool {
    jid.ends_with("@lid")
}

/// History and old versions give the text of a conversation bare.
fn object_content(message_type: &str, content: Value) -> Value {
    match content {
        Value::String(text) if message_type == "conversation" => json!({ "text": text }),
        content => content,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &Value) -> Upsert {
        Upsert::from_value(value).unwrap()
    }

    #[test]
    fn a_flat_message_is_read() {
        let upsert = read(&json!({
            "keyId": "3A1", "keyFromMe": false, "keyRemoteJid": "5511900000001@s.whatsapp.net", "keyLid": "2@lid",
            "pushName": "Ana", "messageType": "conversation", "content": "oi", "messageTimestamp": "1795341599",
            "device": "ios", "isGroup": false, "id": 7, "info": { "type": "notify" },
        }));
        assert_eq!(upsert.remote_jid.as_deref(), Some("5511900000001@s.whatsapp.net"));
        assert_eq!((upsert.lid.as_deref(), upsert.push_name.as_deref()), (Some("2@lid"), Some("Ana")));
        assert_eq!((upsert.timestamp, upsert.row_id), (Some(1_795_341_599), Some(7)));
        assert_eq!((upsert.content, upsert.info), (json!({ "text": "oi" }), Some(Info::Notify)));
    }

    #[test]
    fn a_nested_message_is_read() {
        let upsert = read(&json!({
            "key": { "id": "3A1", "remoteJid": "1-2@g.us", "fromMe": true, "participant": "9@s.whatsapp.net",
                     "participantAlt": "8@lid" },
            "pushName": "", "id": "65a", "source": "android",
            "message": { "messageContextInfo": { "x": 1 }, "imageMessage": { "caption": "c" } },
            "messageTimestamp": { "low": 1_795_341_599, "high": 0, "unsigned": true },
        }));
        assert_eq!((upsert.message_type.as_str(), upsert.content), ("imageMessage", json!({ "caption": "c" })));
        assert_eq!(upsert.remote_jid.as_deref(), Some("1-2@g.us"));
        assert_eq!(upsert.participant.as_deref(), Some("9@s.whatsapp.net"));
        assert_eq!(upsert.participant_lid.as_deref(), Some("8@lid"));
        assert!(upsert.is_group && upsert.from_me);
        assert_eq!((upsert.timestamp, upsert.row_id, upsert.push_name), (Some(1_795_341_599), None, None));
    }

    #[test]
    fn a_lid_is_never_taken_for_a_number() {
        let upsert = read(&json!({
            "keyId": "3A1", "keyRemoteJid": "7@lid", "keyParticipant": "8@lid", "messageType": "x", "content": null,
        }));
        assert_eq!((upsert.remote_jid, upsert.lid.as_deref()), (None, Some("7@lid")));
        assert_eq!((upsert.participant, upsert.participant_lid.as_deref()), (None, Some("8@lid")));
    }

    #[test]
    fn nulls_count_as_absent() {
        let upsert = read(&json!({
            "keyId": "3A1", "keyFromMe": null, "keyRemoteJid": null, "keyLid": null, "keyParticipant": null,
            "pushName": null, "messageType": "conversation", "content": null, "messageTimestamp": null, "id": null,
            "isGroup": null, "info": null, "externalAttributes": null, "device": null,
        }));
        let nothing = Upsert {
            key_id: "3A1".to_owned(),
            message_type: "conversation".to_owned(),
            ..Upsert::common(&Value::Null)
        };
        assert_eq!(upsert, nothing);
    }

    #[test]
    fn without_an_id_or_a_kind_it_is_no_message() {
        let table = [
            (json!({ "keyId": "", "messageType": "x" }), "keyId"),
            (json!({ "keyId": 5, "messageType": "x" }), "keyId"),
            (json!({ "keyId": "a" }), "messageType"),
            (json!({ "key": { "id": "" }, "message": { "x": 1 } }), "key.id"),
            (json!({ "key": { "id": "a" }, "message": null }), "message"),
            (json!({ "key": { "id": "a" }, "message": { "messageContextInfo": {} } }), "message"),
            (json!(null), "messageType"),
        ];
        for (value, field) in table {
            assert_eq!(Upsert::from_value(&value), Err(WebhookError::Missing(field)), "{value}");
        }
    }

    #[test]
    fn copies_of_a_send_are_told_apart() {
        let copy = read(&json!({ "keyId": "a", "keyFromMe": true, "messageType": "x", "content": {} }));
        assert!(copy.is_api_copy() && !copy.is_append());
        let echo = json!({ "keyId": "a", "keyFromMe": true, "messageType": "x", "info": { "type": "append" } });
        assert!(read(&echo).is_append() && !read(&echo).is_api_copy());
        let theirs = json!({ "keyId": "a", "keyFromMe": false, "messageType": "x" });
        assert!(!read(&theirs).is_api_copy());
    }
}
