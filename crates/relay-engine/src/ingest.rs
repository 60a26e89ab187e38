//! Naming what was received: which lane, which key, which place in order. Pure but for looking up chats.
//!
//! Nothing is rejected here for not being understood: what has no name of its own is stored under a hash of its bytes.

mod chats;
mod codechat_event;
mod chatwoot_event;

use bytes::Bytes;
use relay_domain::Timestamp;
use relay_domain::id::{ChatKey, EventId};
use relay_store::{Ingested, Lane, LaneKind, NewEvent, Origin, Source, StoreError};
use sha2::{Digest, Sha256};

use crate::metrics::{Received, Way};
use crate::sessions::Live;
use crate::trouble::Side;
use crate::Engine;
pub(crate) use chats::{ChatNames, Chats};
pub(crate) use chatwoot_event::LID_SUFFIX;

/// What became of a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// It is durable.
    Stored,
    /// It was received before.
    Duplicate,
    /// It is of a kind that is only counted.
    Counted,
}

/// Why a webhook could not be accepted.
#[derive(Debug, thiserror::Error)]
pub enum NotAccepted {
    /// The body is not JSON.
    #[error("the body is not valid JSON")]
    NotJson,
    /// It could not be made durable.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A webhook with its name.
pub(crate) enum Named {
    /// Of a kind that is only counted.
    Counted {
        event: String,
    },
    /// To be stored.
    Event(Name),
}

/// The name of a webhook.
pub(crate) struct Name {
    pub(crate) event: String,
    pub(crate) dedup_key: String,
    pub(crate) order_key: i64,
    pub(crate) place: PlaceInQueue,
}

/// Where a webhook queues.
pub(crate) enum PlaceInQueue {
    /// In the lane of a chat.
    Chat(LaneKind, ChatNames),
    /// In one of the session's receipt lanes.
    Shard(u8),
}

/// Receipt lanes of a session.
const SHARDS: u8 = 4;

impl Engine {
    /// Accepts a webhook: returns once it is durable, or known to need no storing.
    pub async fn accept(&self, live: &Live, side: Side, body: Bytes) -> Result<Accepted, NotAccepted> {
        let started = std::time::Instant::now();
        let now = self.clock.now();
        let (named, source) = match side {
            Side::CodeChat => (codechat_event::name(&body, now)?, Source::CodeChat),
            Side::Chatwoot => (chatwoot_event::name(&body, now, &live.session.chatwoot)?, Source::Chatwoot),
        };
        let (event, accepted) = match named {
            Named::Counted { event } => (event, Accepted::Counted),
            Named::Event(name) => {
                let event = name.event.clone();
                (event, self.store_named(live, source, name, body, now).await?)
            }
        };
        let labels = Received { session: live.name().to_owned(), source: source.as_str(), event };
        self.metrics.received.get_or_create(&labels).inc();
        self.metrics.ack.observe(started.elapsed().as_secs_f64());
        Ok(accepted)
    }

    async fn store_named(&self, live: &Live, source: Source, name: Name, body: Bytes, now: Timestamp) -> Result<Accepted, StoreError> {
        let (kind, chat, hold) = match name.place {
            PlaceInQueue::Shard(shard) => {
                (LaneKind::Receipt, ChatKey::new(format!("shard-{shard}")), std::time::Duration::ZERO)
            }
            PlaceInQueue::Chat(kind, names) => {
                let hold = if kind == LaneKind::Out { self.config.hold_out } else { self.config.hold_in };
                (kind, self.chats.resolve(&self.store, live.id(), names).await?, hold)
            }
        };
        let event = NewEvent {
            id: EventId::generate(),
            lane: Lane { session: live.id().clone(), kind, chat },
            source,
            kind: name.event,
            dedup_key: name.dedup_key,
            order_key: name.order_key,
            received_at: now,
            run_at: now + hold,
            origin: Origin::Webhook,
            body,
        };
        match self.store.ingest(event).await? {
            Ingested::Stored => Ok(Accepted::Stored),
            Ingested::Duplicate => {
                self.metrics.duplicates.get_or_create(&Way { direction: kind.as_str() }).inc();
                Ok(Accepted::Duplicate)
            }
        }
    }
}

/// The key of an event that has no id: equal bodies within ten seconds are one event.
fn key_of_body(event: &str, body: &[u8], now: Timestamp) -> String {
    let mut hash = Sha256::new();
    hash.update(body);
    let hash: [u8; 32] = hash.finalize().into();
    let hex: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("body|{event}|{hex}|{}", now.as_secs() / 10)
}

fn shard_of(text: &str) -> u8 {
    text.bytes().fold(0u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte)) % SHARDS
}

/// A name for what is stored raw and looked at later.
fn unnamed(event: String, body: &[u8], now: Timestamp) -> Name {
    Name {
        dedup_key: key_of_body(&event, body, now),
        order_key: now.as_millis(),
        place: PlaceInQueue::Shard(0),
        event,
    }
}
