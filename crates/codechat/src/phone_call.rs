//! Calls that ring on the phone: what webhooks tell of them, and rejecting one.
//!
//! Invariant: a call has an id, a status and somebody it is from. Who calls is never printed.

use std::fmt;

use reqwest::Method;
use serde_json::{Value, json};

use crate::client::Client;
use crate::error::Error;
use crate::webhook::WebhookError;
use crate::wire;

/// What `call.upsert` tells: one step of one call.
#[derive(Clone, PartialEq, Eq)]
pub struct CallUpdate {
    /// Id of the call, the same in each of its steps.
    pub id: String,
    /// Who calls, mostly by LID; this is what rejecting it takes.
    pub from: String,
    /// The number of who calls, when it is known.
    pub caller_pn: Option<String>,
    /// The step.
    pub status: CallStatus,
    /// When, in ISO 8601.
    pub date: Option<String>,
    /// Whether it happened while the server was away.
    pub is_offline: bool,
    /// Whether it is a video call. Steps after the last one do not tell.
    pub is_video: Option<bool>,
    /// Whether a group is called.
    pub is_group: bool,
}

impl fmt::Debug for CallUpdate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallUpdate").field("id", &self.id).field("status", &self.status).finish_non_exhaustive()
    }
}

/// A step of a call, as Baileys names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallStatus {
    /// It begins to ring.
    Offer,
    /// It was answered.
    Accept,
    /// It was turned down.
    Reject,
    /// Nobody answered in time.
    Timeout,
    /// It is over: hung up, or answered or turned down on another device.
    Terminate,
    /// It rings, or the devices exchange what they need; or a word this crate does not know.
    Other(String),
}

impl CallStatus {
    /// Returns the word of the wire.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Offer => "offer",
            Self::Accept => "accept",
            Self::Reject => "reject",
            Self::Timeout => "timeout",
            Self::Terminate => "terminate",
            Self::Other(word) => word,
        }
    }

    fn from_word(word: &str) -> Self {
        match word {
            "offer" => Self::Offer,
            "accept" => Self::Accept,
            "reject" => Self::Reject,
            "timeout" => Self::Timeout,
            "terminate" => Self::Terminate,
            word => Self::Other(word.to_owned()),
        }
    }
}

impl CallUpdate {
    /// Reads the data of the webhook.
    pub fn from_value(value: &Value) -> Result<Self, WebhookError> {
        let from = wire::text(value, "from").or_else(|| wire::text(value, "chatId"));
        Ok(Self {
            id: wire::text(value, "id").ok_or(WebhookError::Missing("id"))?,
            from: from.ok_or(WebhookError::Missing("from"))?,
            caller_pn: wire::text(value, "callerPn"),
            status: wire::str_of(value, "status").map(CallStatus::from_word).ok_or(WebhookError::Missing("status"))?,
            date: wire::text(value, "date"),
            is_offline: wire::flag(value, "offline").unwrap_or(false),
            is_video: wire::flag(value, "isVideo"),
            is_group: wire::flag(value, "isGroup").unwrap_or(false),
        })
    }
}

impl Client {
    /// Rejects a call that rings. `from` is what the webhook gave as who calls. Repeating it changes nothing.
    pub async fn reject_call(&self, name: &str, id: &str, from: &str) -> Result<(), Error> {
        let call = self.call("reject_call", Method::POST, &["chat", "rejectCall", name]);
        call.json(&json!({ "callId": id, "callFrom": from })).success().await.map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_of_a_call_is_read() {
        let told = json!({
            "chatId": "2@lid", "from": "2@lid", "callerPn": "5511900000001@s.whatsapp.net", "id": "C1",
            "date": "2024-11-19T07:06:40.000Z", "offline": false, "status": "offer", "isVideo": true, "isGroup": false,
        });
        let update = CallUpdate::from_value(&told).unwrap();
        assert_eq!((update.id.as_str(), update.from.as_str(), update.status), ("C1", "2@lid", CallStatus::Offer));
        assert_eq!((update.is_video, update.is_group, update.is_offline), (Some(true), false, false));
        let last = json!({ "chatId": "2@lid", "id": "C1", "status": "accept" });
        let last = CallUpdate::from_value(&last).unwrap();
        assert_eq!((last.from.as_str(), last.is_video, last.date.as_deref()), ("2@lid", None, None));
        assert!(!format!("{last:?}").contains("lid"));
    }

    #[test]
    fn words_are_read_back() {
        for word in ["offer", "accept", "reject", "timeout", "terminate", "ringing"] {
            assert_eq!(CallStatus::from_word(word).as_str(), word);
        }
        assert_eq!(CallStatus::from_word("ringing"), CallStatus::Other("ringing".to_owned()));
    }

    #[test]
    fn without_id_caller_or_status_it_is_no_call() {
        let whole = json!({ "id": "C1", "from": "2@lid", "status": "offer" });
        for field in ["id", "from", "status"] {
            let mut value = whole.clone();
            value.as_object_mut().unwrap().remove(field);
            assert_eq!(CallUpdate::from_value(&value), Err(WebhookError::Missing(field)));
        }
        assert!(CallUpdate::from_value(&json!(null)).is_err());
    }
}
