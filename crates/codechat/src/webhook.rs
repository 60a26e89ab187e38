//! The envelope of every webhook.
//!
//! Invariant: parsing never panics and takes any JSON object that names an event. Nothing in it is proof of who sent
//! it: CodeChat signs nothing.

use std::fmt;

use serde_json::Value;

use crate::event::Event;
use crate::wire;

/// A webhook.
#[derive(Clone, PartialEq)]
pub struct Webhook {
    /// What it tells.
    pub event: Event,
    /// The instance it tells about.
    pub instance: InstanceRef,
    /// What it carries, as it came; null when it carries nothing.
    pub data: Value,
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook")
            .field("event", &self.event)
            .field("instance", &self.instance.name)
            .finish_non_exhaustive()
    }
}

/// An instance as an envelope names it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct InstanceRef {
    /// Its name; empty in `new.jwt`, which names none.
    pub name: String,
    /// The account it is paired with, if it ever was.
    pub owner_jid: Option<String>,
}

impl fmt::Debug for InstanceRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InstanceRef").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Why a webhook, or what it carries, cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// It is not JSON.
    #[error("not json")]
    NotJson,
    /// It is nested deeper than anything sensible.
    #[error("nested too deep")]
    TooDeep,
    /// A field that is needed is missing, empty or of another type.
    #[error("`{0}` is missing or unreadable")]
    Missing(&'static str),
}

impl Webhook {
    /// Reads the body of a webhook.
    pub fn parse(body: &[u8]) -> Result<Self, WebhookError> {
        let value = wire::parse(body).map_err(|error| not_json(&error))?;
        Self::from_value(value)
    }

    /// Reads the body of a webhook that is parsed already.
    pub fn from_value(mut value: Value) -> Result<Self, WebhookError> {
        let event = wire::str_of(&value, "event").map(Event::from_name);
        let event = event.ok_or(WebhookError::Missing("event"))?;
        let instance = match value.get("instance") {
            None | Some(Value::Null) => InstanceRef::default(),
            Some(instance) => InstanceRef::read(instance)?,
        };
        let data = value.get_mut("data").map(Value::take).unwrap_or_default();
        Ok(Self { event, instance, data })
    }
}

impl InstanceRef {
    fn read(value: &Value) -> Result<Self, WebhookError> {
        let name = value.as_str().filter(|name| !name.is_empty()).or_else(|| wire::str_of(value, "name"));
        let name = name.ok_or(WebhookError::Missing("instance.name"))?;
        Ok(Self { name: name.to_owned(), owner_jid: wire::text(value, "ownerJid") })
    }
}

/// The parser tells its depth limit apart in words alone.
fn not_json(error: &serde_json::Error) -> WebhookError {
    if error.to_string().contains("recursion limit") { WebhookError::TooDeep } else { WebhookError::NotJson }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::{ConnectionUpdate, InstanceStatus, QrUpdate, StatusUpdate, Upsert, unwrap_content};

    fn parsed(value: &Value) -> Result<Webhook, WebhookError> {
        Webhook::parse(value.to_string().as_bytes())
    }

    #[test]
    fn the_instance_comes_as_text_or_as_an_object() {
        let old = parsed(&json!({ "event": "messages.upsert", "instance": "loja01", "data": { "a": 1 } })).unwrap();
        assert_eq!((old.instance.name.as_str(), old.data), ("loja01", json!({ "a": 1 })));
        let owner = "5511988887777@s.whatsapp.net";
        let new = json!({ "event": "x", "instance": { "id": 1, "name": "loja01", "ownerJid": owner } });
        let new = parsed(&new).unwrap();
        assert_eq!(new.instance, InstanceRef { name: "loja01".to_owned(), owner_jid: Some(owner.to_owned()) });
        assert_eq!((new.event, new.data), (Event::Unknown("x".to_owned()), Value::Null));
    }

    #[test]
    fn what_is_no_webhook_is_an_error() {
        assert_eq!(Webhook::parse(b"<html>"), Err(WebhookError::NotJson));
        assert_eq!(parsed(&json!([])), Err(WebhookError::Missing("event")));
        assert_eq!(parsed(&json!({ "event": 1 })), Err(WebhookError::Missing("event")));
        let nameless = json!({ "event": "x", "instance": { "id": 1 } });
        assert_eq!(parsed(&nameless), Err(WebhookError::Missing("instance.name")));
    }

    #[test]
    fn too_deep_a_nest_is_an_error() {
        let deep = format!("{{\"event\":\"x\",\"data\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(Webhook::parse(deep.as_bytes()), Err(WebhookError::TooDeep));
    }

    #[test]
    fn half_an_emoji_loses_nothing() {
        let webhook = Webhook::parse(br#"{"event":"messages.upsert","instance":"a","data":{"pushName":"x\ud83d"}}"#);
        assert_eq!(webhook.unwrap().data, json!({ "pushName": "x\u{fffd}" }));
    }

    #[test]
    fn bodies_are_not_printed() {
        let webhook = json!({
            "event": "messages.upsert", "instance": { "name": "a", "ownerJid": "5511988887777" },
            "data": { "text": "segredo" },
        });
        let printed = format!("{:?}", parsed(&webhook).unwrap());
        assert!(printed.contains("MessagesUpsert"), "{printed}");
        assert!(!printed.contains("segredo") && !printed.contains("5511988887777"), "{printed}");
    }

    fn json_value() -> impl Strategy<Value = Value> {
        let key = prop_oneof![
            "[a-z]{0,4}",
            prop::sample::select(vec![
                "event",
                "instance",
                "name",
                "data",
                "key",
                "keyId",
                "id",
                "messageType",
                "content",
                "message",
                "conversation",
                "ephemeralMessage",
                "contextInfo",
                "quotedMessage",
                "status",
                "qrcode",
                "low",
                "high",
                "type",
            ])
            .prop_map(str::to_owned),
        ];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,6}".prop_map(Value::from),
        ];
        leaf.prop_recursive(6, 40, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((key.clone(), inner), 0..6)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            drop(Webhook::parse(&bytes));
        }

        #[test]
        fn any_json_is_read_or_refused(value in json_value()) {
            drop(Webhook::from_value(value.clone()));
            if let Ok(upsert) = Upsert::from_value(&value) {
                prop_assert!(!upsert.key_id.is_empty() && !upsert.message_type.is_empty());
                let inner = unwrap_content(&upsert.message_type, &upsert.content);
                drop(crate::context_info(inner.content));
            }
            drop((StatusUpdate::from_value(&value), ConnectionUpdate::from_value(&value)));
            drop((QrUpdate::from_value(&value), InstanceStatus::from_value(&value)));
        }
    }
}
