//! Identifiers as types, so that one kind can never be passed for another.
//!
//! Our own ids are `UUIDv7` text. Foreign ids keep the scope of their owner in their documentation: a Chatwoot message id is
//! unique per Chatwoot installation, a conversation id only per account, a WhatsApp id only per chat and direction.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes over a value that already is such an id.
            pub fn new(value: impl Into<String>) -> Self {
                Self(value.into())
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<String> for $name {
            fn from(value: String) -> Self {
                Self(value)
            }
        }
    };
}

macro_rules! generated_id {
    ($($name:ident),*) => {
        $(impl $name {
            /// Makes a fresh, time-ordered id.
            pub fn generate() -> Self {
                Self(Uuid::now_v7().to_string())
            }
        })*
    };
}

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(i64);

        impl $name {
            /// Takes over a value that already is such an id.
            pub const fn new(value: i64) -> Self {
                Self(value)
            }

            /// The id as a number.
            pub const fn get(self) -> i64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl From<i64> for $name {
            fn from(value: i64) -> Self {
                Self(value)
            }
        }
    };
}

text_id!(
    /// One WhatsApp number joined to one Chatwoot inbox.
    SessionId
);
text_id!(
    /// One received (or self-made) unit of work.
    EventId
);
text_id!(
    /// One conversation partner of a session: the first JID under which it was seen. Unique per session.
    ChatKey
);
text_id!(
    /// One running relay process.
    WorkerId
);
text_id!(
    /// Proof that a worker holds a lane; a new one for every claim.
    LeaseToken
);
text_id!(
    /// WhatsApp's message id (`keyId` at CodeChat). Unique per chat and direction only.
    WaMessageId
);
number_id!(
    /// Chatwoot's message id. Unique per Chatwoot installation.
    CwMessageId
);
number_id!(
    /// Chatwoot's conversation number as its interface shows it. Unique per account only.
    CwConversationId
);
number_id!(
    /// Chatwoot's contact id.
    CwContactId
);

impl WaMessageId {
    /// Names something shown like a message that is none on WhatsApp: a call, a change of a group. WhatsApp's own ids have no colon.
    pub fn notice(kind: &str, key: &str) -> Self {
        Self(format!("{kind}:{key}"))
    }

    /// Whether it names something that is no message on WhatsApp, and so cannot be quoted there.
    pub fn is_notice(&self) -> bool {
        self.0.contains(':')
    }
}

generated_id!(SessionId, EventId, WorkerId, LeaseToken);
