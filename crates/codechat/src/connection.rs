//! The connection of an instance to WhatsApp: its state, the QR codes that open it, and the webhooks about both.
//!
//! Invariant: whoever has a QR or pairing code can take the account, so neither is ever printed.

use std::fmt;

use serde_json::Value;

use crate::webhook::WebhookError;
use crate::wire;

/// The state of a connection.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Connected.
    Open,
    /// Connecting, or waiting for a QR code to be scanned.
    Connecting,
    /// Closed, or not loaded, or unknown to the server.
    Close,
    /// Too many QR codes went by unread; asking for one again begins anew.
    Refused,
    /// A word this crate does not know.
    Other(String),
}

impl State {
    /// Reads the word of the wire.
    pub fn from_word(word: &str) -> Self {
        match word.to_ascii_lowercase().as_str() {
            "open" => Self::Open,
            "connecting" => Self::Connecting,
            "close" | "closed" => Self::Close,
            "refused" => Self::Refused,
            _ => Self::Other(word.to_owned()),
        }
    }

    /// Returns the word of the wire.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Open => "open",
            Self::Connecting => "connecting",
            Self::Close => "close",
            Self::Refused => "refused",
            Self::Other(word) => word,
        }
    }
}

/// What there is to scan, if anything.
#[derive(Clone, PartialEq, Eq)]
pub struct Qr {
    /// The QR code as the data URL of a PNG.
    pub base64: Option<String>,
    /// The text in the QR code.
    pub code: Option<String>,
    /// The code to type on the phone instead, when one was asked for.
    pub pairing_code: Option<String>,
    /// How many codes were shown so far.
    pub count: i64,
    /// [`State::Open`] when nothing is left to scan, [`State::Connecting`] when there is a code, [`State::Refused`]
    /// when the codes ran out, [`State::Close`] when WhatsApp could not be reached.
    pub state: State,
}

impl fmt::Debug for Qr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Qr")
            .field("has_code", &self.has_code())
            .field("count", &self.count)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

impl Qr {
    /// Says whether there is something to scan or to type.
    pub fn has_code(&self) -> bool {
        self.base64.is_some() || self.code.is_some() || self.pairing_code.is_some()
    }

    /// The answer of an instance that is connected already.
    pub(crate) fn open() -> Self {
        Self { base64: None, code: None, pairing_code: None, count: 0, state: State::Open }
    }

    pub(crate) fn read(value: &Value) -> Self {
        let mut qr = Self {
            base64: wire::text(value, "base64"),
            code: wire::text(value, "code"),
            pairing_code: wire::text(value, "paringCode").or_else(|| wire::text(value, "pairingCode")),
            count: wire::int(value, "count").unwrap_or(0),
            state: State::Close,
        };
        qr.state = match wire::str_of(value, "state") {
            Some(word) => State::from_word(word),
            None if qr.has_code() => State::Connecting,
            None => State::Close,
        };
        qr
    }
}

/// What `qrcode.updated` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QrUpdate {
    /// A new code.
    Code(Qr),
    /// No more codes come until the connection is asked for again.
    LimitReached,
}

impl QrUpdate {
    /// Reads the data of the webhook, with the code inside `qrcode` or flat.
    pub fn from_value(value: &Value) -> Result<Self, WebhookError> {
        let qr = Qr::read(wire::object(value, "qrcode").unwrap_or(value));
        if qr.has_code() {
            return Ok(Self::Code(qr));
        }
        let says_limit = wire::str_of(value, "message").is_some() || wire::int(value, "statusCode").is_some();
        if says_limit { Ok(Self::LimitReached) } else { Err(WebhookError::Missing("qrcode")) }
    }
}

/// What `connection.update` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionUpdate {
    /// The new state.
    pub state: State,
    /// Why: 200 when all is well, 401 when the phone removed the device, otherwise a reason to reconnect, which the
    /// server does on its own.
    pub status_reason: Option<i64>,
}

impl ConnectionUpdate {
    /// Reads the data of the webhook.
    pub fn from_value(value: &Value) -> Result<Self, WebhookError> {
        let state = wire::str_of(value, "state").or_else(|| wire::str_of(value, "connection"));
        let state = State::from_word(state.ok_or(WebhookError::Missing("state"))?);
        Ok(Self { state, status_reason: wire::int(value, "statusReason") })
    }
}

/// What `status.instance` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InstanceStatus {
    /// The server has begun to run the instance.
    Loaded,
    /// The instance was logged out or its QR codes ran out; its session is gone.
    Removed,
    /// A word this crate does not know.
    Other(String),
}

impl InstanceStatus {
    /// Reads the data of the webhook.
    pub fn from_value(value: &Value) -> Result<Self, WebhookError> {
        Ok(match wire::str_of(value, "status").ok_or(WebhookError::Missing("status"))? {
            "loaded" => Self::Loaded,
            "removed" => Self::Removed,
            word => Self::Other(word.to_owned()),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn codes_come_wrapped_or_flat_and_end_with_a_limit() {
        let wrapped = json!({ "qrcode": { "instance": "x", "count": 2, "paringCode": "FTNESPGV", "code": "2@a" } });
        let Ok(QrUpdate::Code(qr)) = QrUpdate::from_value(&wrapped) else { panic!("no code") };
        assert_eq!((qr.count, qr.pairing_code.as_deref()), (2, Some("FTNESPGV")));
        let flat = json!({ "count": 1, "code": "2@b", "base64": "data:", "expiresInSeconds": 60 });
        let Ok(QrUpdate::Code(qr)) = QrUpdate::from_value(&flat) else { panic!("no code") };
        assert_eq!((qr.code.as_deref(), qr.state), (Some("2@b"), State::Connecting));
        let limit = json!({ "message": "QR code limit reached, please login again", "statusCode": 500 });
        assert_eq!(QrUpdate::from_value(&limit), Ok(QrUpdate::LimitReached));
        assert_eq!(QrUpdate::from_value(&json!({})), Err(WebhookError::Missing("qrcode")));
    }

    #[test]
    fn states_of_both_servers_are_read() {
        let node = json!({ "instance": "x", "state": "close", "statusReason": 401 });
        let expected = ConnectionUpdate { state: State::Close, status_reason: Some(401) };
        assert_eq!(ConnectionUpdate::from_value(&node), Ok(expected));
        let go = json!({ "type": "connection", "connection": "replaced" });
        let expected = ConnectionUpdate { state: State::Other("replaced".to_owned()), status_reason: None };
        assert_eq!(ConnectionUpdate::from_value(&go), Ok(expected));
        assert_eq!(ConnectionUpdate::from_value(&json!([])), Err(WebhookError::Missing("state")));
        assert_eq!(InstanceStatus::from_value(&json!({ "status": "removed" })), Ok(InstanceStatus::Removed));
        assert_eq!(InstanceStatus::from_value(&json!(null)), Err(WebhookError::Missing("status")));
    }

    #[test]
    fn codes_are_not_printed() {
        let qr = Qr::read(&json!({ "code": "2@secret", "base64": "data:secret", "count": 1 }));
        assert!(!format!("{qr:?}").contains("secret"));
    }
}
