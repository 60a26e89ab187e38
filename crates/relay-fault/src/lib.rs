//! Where the failure rig makes the relay die, and how it breaks the relay's promises on purpose.
//!
//! The cast: a [`Point`] is a place at which the process can die without a word; a [`Sabotage`] switches off one promise, to prove
//! that the rig notices. Both are chosen by environment: `RELAY_DIE_AT=before_commit:3` dies at the third passing,
//! `RELAY_SABOTAGE=dedup` breaks one promise. A message that contains [`POISON`] makes the renderer panic.
//!
//! Invariant: without the feature `chaos`, which no release has, [`reach`] and [`taste`] do nothing, [`is_sabotaged`] is false, and
//! the optimizer removes all three.

#![warn(missing_docs)]

#[cfg(feature = "chaos")]
mod armed;

/// Names of a closed set, as the environment and the reports spell them.
macro_rules! named {
    ($(#[$outer:meta])* $name:ident { $($(#[$inner:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$outer])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$inner])* $variant,)*
        }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Its name in the environment and in reports.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }

            /// The one of this name.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.as_str() == text)
            }
        }
    };
}

named! {
    /// A place at which the process can die.
    Point {
        /// A webhook was read and nothing else happened.
        AfterRead = "after_read",
        /// Events were written and not committed.
        BeforeCommit = "before_commit",
        /// Events are durable and nobody was told.
        AfterCommitBeforeAck = "after_commit_before_ack",
        /// The sender is being told.
        AfterAck = "after_ack",
        /// An intent is durable and nothing was posted.
        BeforeSend = "before_send",
        /// The request is on its way and its answer has not come.
        AfterSendBeforeResponse = "after_send_before_response",
        /// The other side has answered and nothing is recorded.
        AfterResponseBeforeRecord = "after_response_before_record",
        /// The outcome is recorded and the agent's bubble does not show it yet.
        AfterRecordBeforeStatus = "after_record_before_status",
        /// The schema is being changed.
        DuringMigration = "during_migration",
        /// Old rows are being removed.
        DuringPurge = "during_purge",
    }
}

named! {
    /// A promise that is broken on purpose.
    Sabotage {
        /// Copies of a message are taken for messages of their own.
        Dedup = "dedup",
        /// SQLite does not flush.
        Fsync = "fsync",
        /// Webhooks are answered before they are stored.
        AckBeforeCommit = "ack_before_commit",
        /// A lane's events are delivered newest first.
        LaneOrder = "lane_order",
        /// A worker that lost its lane goes on.
        LeaseCheck = "lease_check",
        /// What may have been delivered is posted again without a look.
        Reconcile = "reconcile",
        /// Parts are posted without being written down first.
        IntentBeforeSend = "intent_before_send",
        /// Messages that the relay made in Chatwoot are taken for an agent's.
        EchoGuard = "echo_guard",
        /// Old messages of agents are sent.
        Ttl = "ttl",
        /// What comes late is not marked.
        LateMark = "late_mark",
        /// Chats are looked up without their session.
        SessionKey = "session_key",
        /// Every attempt has an id of its own on WhatsApp.
        RetryId = "retry_id",
        /// Nobody reads back what no webhook told.
        GapRecovery = "gap_recovery",
        /// A destination that fails is called all the same.
        Breaker = "breaker",
        /// `Retry-After` is not honoured.
        RetryAfter = "retry_after",
        /// What cannot be delivered leaves nothing visible.
        Placeholder = "placeholder",
    }
}

/// Dies here if this is where the process is to die.
#[inline]
pub fn reach(point: Point) {
    #[cfg(feature = "chaos")]
    armed::reach(point);
    #[cfg(not(feature = "chaos"))]
    let _ = point;
}

/// Whether this promise is broken on purpose.
#[inline]
pub fn is_sabotaged(sabotage: Sabotage) -> bool {
    #[cfg(feature = "chaos")]
    return armed::is_sabotaged(sabotage);
    #[cfg(not(feature = "chaos"))]
    {
        let _ = sabotage;
        false
    }
}

/// What a message contains that the renderer is to panic on.
pub const POISON: &str = "relay-fault:poison";

/// Panics, as a defect of the renderer would, when a message asks for it.
#[inline]
pub fn taste(body: &[u8]) {
    #[cfg(feature = "chaos")]
    armed::taste(body);
    #[cfg(not(feature = "chaos"))]
    let _ = body;
}

/// Whether this build can be made to fail.
pub const IS_ARMED: bool = cfg!(feature = "chaos");

/// Calls `advance` with every number of milliseconds by which the file named by `RELAY_CLOCK_FILE` moves the clock ahead. The
/// file holds one number: how far ahead the clock is in all.
pub fn follow_clock(advance: impl Fn(u64) + Send + 'static) {
    #[cfg(feature = "chaos")]
    armed::follow_clock(advance);
    #[cfg(not(feature = "chaos"))]
    drop(advance);
}
