//! What `presence.update` says: who types, records, comes or goes.
//!
//! It is told of chats only that were shown a presence of ours. A LID may stand where a number did, and the people of a group
//! are always LIDs.

use std::fmt;

use serde_json::Value;

use crate::webhook::WebhookError;
use crate::wire;

/// Presences in one chat.
#[derive(Clone, PartialEq, Eq)]
pub struct PresenceUpdate {
    /// The chat, as a number, a LID or a group.
    pub chat: String,
    /// Whether somebody there types or records.
    pub is_typing: bool,
}

/// An address is a person, so it is not printed.
impl fmt::Debug for PresenceUpdate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PresenceUpdate").field("is_typing", &self.is_typing).finish_non_exhaustive()
    }
}

impl PresenceUpdate {
    /// Reads the data of the webhook. A word nobody knows is no typing.
    pub fn from_value(value: &Value) -> Result<Self, WebhookError> {
        let chat = wire::text(value, "id").ok_or(WebhookError::Missing("id"))?;
        let people = wire::object(value, "presences").and_then(Value::as_object);
        let words = people.into_iter().flat_map(|people| people.values());
        let mut words = words.filter_map(|person| wire::str_of(person, "lastKnownPresence"));
        Ok(Self { chat, is_typing: words.any(|word| matches!(word, "composing" | "recording")) })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn typing_and_recording_are_told_from_coming_and_going() {
        let table = [("composing", true), ("recording", true), ("paused", false), ("available", false), ("x", false)];
        for (word, is_typing) in table {
            let data =
                json!({ "id": "1@s.whatsapp.net", "presences": { "1@s.whatsapp.net": { "lastKnownPresence": word } } });
            let update = PresenceUpdate::from_value(&data).unwrap();
            assert_eq!((update.chat.as_str(), update.is_typing), ("1@s.whatsapp.net", is_typing), "{word}");
        }
    }

    #[test]
    fn odd_shapes_are_nobody_typing() {
        for presences in [json!(null), json!([]), json!({ "a": null }), json!({ "a": { "lastKnownPresence": 5 } })] {
            let update = PresenceUpdate::from_value(&json!({ "id": "1@lid", "presences": presences })).unwrap();
            assert!(!update.is_typing);
        }
        assert_eq!(PresenceUpdate::from_value(&json!({})), Err(WebhookError::Missing("id")));
    }
}
