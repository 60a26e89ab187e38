//! Naming what was received: which lane, which key, which place in order. Pure but for looking up chats.
//!
//! Nothing is rejected here for not being understood: what has no name of its own is stored under a hash of its bytes.

mod chats;
mod chatwoot_event;
mod codechat_event;
mod found;
mod glimpse;

use bytes::Bytes;
use relay_domain::Timestamp;
use relay_domain::id::{ChatKey, CwConversationId, EventId};
use relay_domain::naming;
use relay_fault::{Sabotage, is_sabotaged};
use relay_store::{Ingested, Lane, LaneKind, NewEvent, Origin, SetStatus, Source, StoreError};
use sha2::{Digest, Sha256};

use crate::Engine;
use crate::gap;
use crate::metrics::{Received, Way};
use crate::sessions::Live;
use crate::trouble::Side;
pub(crate) use chats::{ChatNames, Chats};
pub(crate) use chatwoot_event::{chat_names as chat_names_of, jid_of_source, source_id_of};
pub(crate) use codechat_event::other_spellings;
pub(crate) use found::{Found, base_key, read_key, unattributed_key};

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
    /// It tells of another CodeChat instance than the session's.
    #[error("the webhook is another instance's")]
    OtherInstance,
    /// It could not be made durable.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A webhook with its name.
pub(crate) enum Named {
    /// Of a kind that is only counted.
    Counted { event: String },
    /// To be stored.
    Event(Name),
    /// A conversation's new state; noted with its chat, and not stored as an event.
    Status { event: String, conversation: CwConversationId, status: String, at: Timestamp, chat: ChatNames },
    /// A change of a Chatwoot message; to be stored when that message has failed before.
    Retry { event: String, change: Changed, chat: ChatNames },
}

/// A message of Chatwoot that changed, and looks as an agent's Retry leaves one.
pub(crate) struct Changed {
    pub(crate) message: i64,
    pub(crate) created_at: Timestamp,
    /// Retry takes all attributes away; other changes seldom do.
    pub(crate) is_bare: bool,
}

/// The name of a webhook.
pub(crate) struct Name {
    pub(crate) event: String,
    pub(crate) dedup_key: String,
    pub(crate) order_key: i64,
    pub(crate) place: PlaceInQueue,
}

impl Name {
    /// Whether both databases can keep it: PostgreSQL has no NUL in texts and no long ones in indexes.
    fn is_storable(&self) -> bool {
        let is_fine = |text: &String| text.len() <= LONGEST_NAME && !text.contains('\0');
        let has_fine_place = match &self.place {
            PlaceInQueue::Chat(_, chat) => chat.names.iter().chain(&chat.spellings).all(is_fine),
            PlaceInQueue::Shard(_) => true,
        };
        is_fine(&self.dedup_key) && has_fine_place
    }
}

/// How something came, and when.
struct Arrival {
    origin: Origin,
    received_at: Timestamp,
    /// Until when it is held back; as long as a webhook when absent.
    run_at: Option<Timestamp>,
}

impl Arrival {
    fn by_webhook(now: Timestamp) -> Self {
        Self { origin: Origin::Webhook, received_at: now, run_at: None }
    }
}

/// Where a webhook queues.
pub(crate) enum PlaceInQueue {
    /// In the lane of a chat.
    Chat(LaneKind, ChatNames),
    /// In one of the session's receipt lanes.
    Shard(u8),
}

/// The name of events that nobody knows. Their own names are up to the sender, and would fill metrics.
const UNKNOWN: &str = "unknown";
/// Longest key or name of a chat, in bytes.
const LONGEST_NAME: usize = 500;
/// Receipt lanes of a session.
const SHARDS: u8 = 4;

impl Engine {
    /// Accepts a webhook: returns once it is durable, or known to need no storing.
    pub async fn accept(&self, live: &Live, side: Side, body: Bytes) -> Result<Accepted, NotAccepted> {
        let started = std::time::Instant::now();
        let now = self.clock.now();
        let (named, source) = match side {
            Side::CodeChat => {
                let glimpse = |webhook: &_| self.glimpse_codechat(live, webhook);
                let named = codechat_event::name(&body, now, live.name(), glimpse).inspect_err(|error| {
                    if matches!(error, NotAccepted::OtherInstance) {
                        live.health.heard.of_another();
                    }
                })?;
                (named, Source::CodeChat)
            }
            Side::Chatwoot => {
                let access = &live.session.chatwoot;
                (
                    chatwoot_event::name(&body, now, access, |webhook| self.glimpse_chatwoot(live, webhook))?,
                    Source::Chatwoot,
                )
            }
        };
        let received = body.clone();
        let (event, accepted) = match named {
            Named::Counted { event } => (event, Accepted::Counted),
            Named::Retry { event, change, chat } => (event, self.retry(live, change, chat, body, now).await?),
            Named::Status { event, conversation, status, at, chat } => {
                self.note_status(live, conversation, status, at, chat).await?;
                (event, Accepted::Counted)
            }
            Named::Event(name) => {
                let name = if name.is_storable() { name } else { unnamed(UNKNOWN.to_owned(), &body, now) };
                let event = name.event.clone();
                (event, self.store_named(live, source, name, body, Arrival::by_webhook(now)).await?)
            }
        };
        live.health.told(side).note(now);
        let labels = Received { session: live.name().to_owned(), source: source.as_str(), event };
        self.metrics.received.get_or_create(&labels).inc();
        self.metrics.ack.observe(started.elapsed().as_secs_f64());
        live.health.heard.took(side, &received, now, started.elapsed());
        Ok(accepted)
    }

    /// Whether what a webhook of Chatwoot tells was stored before. Only what is stored can be known; the header that names the
    /// delivery is not signed, so it proves nothing.
    pub async fn is_known(&self, live: &Live, body: &Bytes) -> Result<bool, StoreError> {
        match chatwoot_event::name(body, self.clock.now(), &live.session.chatwoot, |_| ()) {
            Ok(Named::Event(name)) if name.is_storable() => {
                self.store.has_event(live.id(), Source::Chatwoot, &name.dedup_key).await
            }
            Ok(Named::Event(_) | Named::Counted { .. } | Named::Status { .. } | Named::Retry { .. }) | Err(_) => {
                Ok(false)
            }
        }
    }

    /// Notes the state of a known chat's conversation. One that is lost is looked up when it matters.
    async fn note_status(
        &self,
        live: &Live,
        conversation: CwConversationId,
        status: String,
        at: Timestamp,
        chat: ChatNames,
    ) -> Result<(), StoreError> {
        for name in chat.names.iter().filter(|name| !name.contains('\0')) {
            if let Some(chat) = self.store.chat_by_alias(live.id(), name).await? {
                let set = SetStatus { session: live.id().clone(), chat, conversation, status, at };
                return self.store.set_status(set).await;
            }
        }
        Ok(())
    }

    /// An agent pressed Retry on a message that was not sent: it gets another turn, as it was first received. Any other change is
    /// only counted.
    async fn retry(
        &self,
        live: &Live,
        change: Changed,
        chat: ChatNames,
        body: Bytes,
        now: Timestamp,
    ) -> Result<Accepted, StoreError> {
        let (first, again) = (naming::chatwoot_message(change.message), naming::chatwoot_retry(change.message));
        let name = |dedup_key| Name {
            event: "message_created".to_owned(),
            dedup_key,
            order_key: change.message,
            place: PlaceInQueue::Chat(LaneKind::Out, chat),
        };
        if let Some(failed) = self.store.failed_turns(live.id(), &first, &again).await? {
            let arrival = Arrival { origin: Origin::Manual, ..Arrival::by_webhook(now) };
            let name = name(format!("{again}{}", failed.count));
            return self.store_named(live, Source::Chatwoot, name, failed.body.unwrap_or(body), arrival).await;
        }
        match self.first_heard_of(live, &change, &first, now).await? {
            Some(arrival) => self.store_named(live, Source::Chatwoot, name(first), body, arrival).await,
            None => Ok(Accepted::Counted),
        }
    }

    /// How a message arrives whose change is the first that is heard of it: by the agent's hand when it is too old for anything else.
    async fn first_heard_of(
        &self,
        live: &Live,
        change: &Changed,
        first: &str,
        now: Timestamp,
    ) -> Result<Option<Arrival>, StoreError> {
        let is_ours = change.created_at >= gap::begins(live, now);
        if !is_ours || self.store.has_event(live.id(), Source::Chatwoot, first).await? {
            return Ok(None);
        }
        if now.since(change.created_at) <= self.config.outbound_ttl {
            return Ok(Some(Arrival { received_at: change.created_at.min(now), ..Arrival::by_webhook(now) }));
        }
        Ok(change.is_bare.then(|| Arrival { origin: Origin::Manual, ..Arrival::by_webhook(now) }))
    }

    async fn store_named(
        &self,
        live: &Live,
        source: Source,
        name: Name,
        body: Bytes,
        arrival: Arrival,
    ) -> Result<Accepted, StoreError> {
        let (kind, chat, hold) = match name.place {
            PlaceInQueue::Shard(shard) => {
                (LaneKind::Receipt, ChatKey::new(format!("shard-{shard}")), std::time::Duration::ZERO)
            }
            PlaceInQueue::Chat(kind, names) => {
                let hold = match kind {
                    LaneKind::Out | LaneKind::Desk => self.config.hold_out,
                    LaneKind::In | LaneKind::Receipt => self.config.hold_in,
                };
                (kind, self.chats.resolve(&self.store, live.id(), names).await?, hold)
            }
        };
        let event = NewEvent {
            id: EventId::generate(),
            lane: Lane { session: live.id().clone(), kind, chat },
            source,
            kind: name.event,
            dedup_key: unless_sabotaged(name.dedup_key),
            order_key: name.order_key,
            received_at: arrival.received_at,
            run_at: arrival.run_at.unwrap_or_else(|| self.clock.now() + hold),
            origin: arrival.origin,
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

/// The key, or one that no copy shares when the failure rig wants copies taken for messages of their own.
fn unless_sabotaged(key: String) -> String {
    if is_sabotaged(Sabotage::Dedup) { format!("{key}|{}", EventId::generate()) } else { key }
}

/// The key of an event that has no id: equal bodies within ten seconds are one event.
fn key_of_body(event: &str, body: &[u8], now: Timestamp) -> String {
    let mut hash = Sha256::new();
    hash.update(body);
    let hash: [u8; 32] = hash.finalize().into();
    let (half, _) = hash.split_at(16);
    let hash = u128::from_be_bytes(half.try_into().expect("half of a hash has 16 bytes"));
    format!("body|{event}|{hash:032x}|{}", now.as_secs() / 10)
}

/// A name for what is stored raw and looked at later.
fn unnamed(event: String, body: &[u8], now: Timestamp) -> Name {
    Name { dedup_key: key_of_body(&event, body, now), order_key: now.as_millis(), place: PlaceInQueue::Shard(0), event }
}
