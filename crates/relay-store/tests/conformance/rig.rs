//! A store of its own for each case, and small builders of what goes into it.

use std::ops::Deref;
use std::sync::Arc;

use bytes::Bytes;
use relay_domain::Timestamp;
use relay_domain::id::{ChatKey, EventId, SessionId};
use relay_domain::settings::SessionSettings;
use relay_store::{
    Attempt, ChatwootAccess, CodeChatAccess, End, Finish, Ingested, Lane, LaneKind, Lease, NewEvent, Origin,
    PendingEvent, Postpone, Recorded, Result, Session, SessionState, Source, Store, StoreConfig, Turn, TurnSession,
};
use relay_testing::{Database, TempFolder};
use secrecy::SecretString;
use tokio::sync::Mutex;
use url::Url;

use crate::raw::Raw;

/// A store, and the marks of all lanes that were claimed through it: to the store, each of them is still at work.
#[derive(Clone)]
pub(crate) struct Worker {
    store: Store,
    marks: Arc<Mutex<String>>,
}

impl Deref for Worker {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

impl Worker {
    pub(crate) async fn open(config: &StoreConfig) -> Self {
        Self { store: Store::open(config).await.unwrap(), marks: Arc::default() }
    }

    /// Claims lanes, one claim at a time.
    pub(crate) async fn claim(&self, now: Timestamp, limit: u32, saturated: Vec<SessionId>) -> Result<Vec<Lease>> {
        let mut marks = self.marks.lock().await;
        let leases = self.store.claim(now, limit, saturated, marks.clone()).await?;
        marks.extend(leases.iter().map(Lease::mark));
        Ok(leases)
    }

    pub(crate) async fn release(&self, lease: Lease) -> Result<Recorded> {
        self.store.release(lease, at(0)).await
    }

    pub(crate) async fn next_due(&self) -> Result<Option<Timestamp>> {
        self.store.next_due(&[]).await
    }
}

/// A fresh store with one session, `loja01`.
pub(crate) struct Rig {
    pub(crate) store: Worker,
    pub(crate) config: StoreConfig,
    pub(crate) database: Database,
    pub(crate) folder: TempFolder,
}

impl Rig {
    pub(crate) async fn on(database: Database) -> Self {
        let rig = Self::without_session(database).await;
        rig.store.insert_session(session("loja01", 1)).await.unwrap();
        rig
    }

    pub(crate) async fn without_session(database: Database) -> Self {
        let folder = TempFolder::new();
        let config =
            StoreConfig { url: database.fresh_url(folder.path()), secret_key: SecretString::from("a-secret-key") };
        let store = Worker::open(&config).await;
        Self { store, config, database, folder }
    }

    /// A second user of the database: another process where there may be one, else a clone.
    pub(crate) async fn second(&self) -> Worker {
        match self.database {
            Database::Sqlite => self.store.clone(),
            Database::Postgres => Worker::open(&self.config).await,
        }
    }

    pub(crate) async fn raw(&self) -> Raw {
        Raw::open(&self.config).await
    }

    /// Stores events that are new.
    pub(crate) async fn store_all(&self, events: impl IntoIterator<Item = NewEvent>) {
        for event in events {
            assert_eq!(self.store.ingest(event).await.unwrap(), Ingested::Stored);
        }
    }

    /// Claims the one lane that is due.
    pub(crate) async fn claim_one(&self, now: Timestamp) -> Lease {
        let mut leases = self.store.claim(now, 10, Vec::new()).await.unwrap();
        assert_eq!(leases.len(), 1, "{leases:?}");
        leases.remove(0)
    }

    /// Claims what is due and keeps the lane of one chat.
    pub(crate) async fn claim_one_of(&self, chat: &str) -> Lease {
        let leases = self.store.claim(at(1000), 10, Vec::new()).await.unwrap();
        leases.into_iter().find(|lease| lease.lane.chat.as_str() == chat).unwrap()
    }

    /// Claims everything that is due; returns the chats in order of their names.
    pub(crate) async fn claimed_chats(&self, now: Timestamp) -> Vec<String> {
        chats(&self.store.claim(now, 100, Vec::new()).await.unwrap())
    }

    pub(crate) async fn due(&self, lease: &Lease, now: Timestamp) -> Vec<PendingEvent> {
        self.store.due_events(&lease.lane, now).await.unwrap().events
    }

    /// Ends what a lane may deliver now, one by one; returns the order keys.
    pub(crate) async fn drain(&self, lease: &Lease, now: Timestamp) -> Vec<i64> {
        let due = self.due(lease, now).await;
        for (index, event) in due.iter().enumerate() {
            let finish =
                Finish { release: index + 1 == due.len(), ..finish(&self.store, lease, event, End::Delivered) };
            assert_eq!(self.store.finish(finish).await.unwrap(), Recorded::Yes);
        }
        due.iter().map(|event| event.order_key).collect()
    }

    pub(crate) async fn set_state(&self, name: &str, state: SessionState) {
        let turn = match state {
            SessionState::Active => Turn::Resume,
            SessionState::Paused => Turn::Pause("holidays".to_owned()),
        };
        self.store.turn_session(TurnSession { id: session_id(name), turn, now: at(2) }).await.unwrap();
    }

    /// Checks the law of conservation and closes the store.
    pub(crate) async fn finish(self) {
        let tally = self.store.tally().await.unwrap();
        assert_eq!(tally.conservation_error(), 0, "{tally:?}");
        self.store.close().await.unwrap();
    }
}

/// A moment, counted from an arbitrary one.
pub(crate) fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + millis)
}

pub(crate) fn session_id(name: &str) -> SessionId {
    SessionId::new(format!("id-of-{name}"))
}

pub(crate) fn session(name: &str, inbox: i64) -> Session {
    Session {
        id: session_id(name),
        name: name.to_owned(),
        description: None,
        state: SessionState::Active,
        state_reason: None,
        connection: "open".to_owned(),
        connection_since: at(0),
        announced: None,
        codechat: CodeChatAccess {
            url: Url::parse("http://codechat.test/").unwrap(),
            token: SecretString::from(format!("codechat-token-of-{name}")),
            hook_hash: [1; 32],
        },
        chatwoot: ChatwootAccess {
            url: Url::parse("http://chatwoot.test/").unwrap(),
            account: 1,
            inbox,
            token: SecretString::from(format!("chatwoot-token-of-{name}")),
            secret: Some(SecretString::from(format!("chatwoot-secret-of-{name}"))),
            hook_hash: [2; 32],
        },
        settings: SessionSettings::default(),
        created_at: at(inbox),
    }
}

/// The inward lane of a chat of `loja01`.
pub(crate) fn lane(chat: &str) -> Lane {
    Lane { session: session_id("loja01"), kind: LaneKind::In, chat: ChatKey::new(chat) }
}

/// An event that may go at once.
pub(crate) fn event(lane: &Lane, key: &str) -> NewEvent {
    NewEvent {
        id: EventId::generate(),
        lane: lane.clone(),
        source: Source::CodeChat,
        kind: "messages.upsert".to_owned(),
        dedup_key: key.to_owned(),
        order_key: 1,
        received_at: at(0),
        run_at: at(0),
        origin: Origin::Webhook,
        body: Bytes::from_static(b"{}"),
    }
}

/// An event with a place in its lane.
pub(crate) fn placed(lane: &Lane, order_key: i64) -> NewEvent {
    NewEvent { order_key, ..event(lane, &format!("{}-{order_key}", lane.key())) }
}

/// The end of an event; the lane is kept.
pub(crate) fn finish(store: &Store, lease: &Lease, event: &PendingEvent, end: End) -> Finish {
    Finish {
        lease: lease.clone(),
        event: event.id.clone(),
        order_key: event.order_key,
        end,
        now: at(0),
        attempt: None,
        links: Vec::new(),
        release: false,
        worker: store.worker().clone(),
    }
}

/// A failed attempt at an event, and a wait.
pub(crate) fn postpone(
    store: &Store,
    lease: &Lease,
    event: &PendingEvent,
    now: Timestamp,
    until: Timestamp,
) -> Postpone {
    Postpone {
        lease: lease.clone(),
        event: event.id.clone(),
        until,
        now,
        attempt: Some(attempt(now, "unavailable")),
        links: Vec::new(),
        worker: store.worker().clone(),
    }
}

pub(crate) fn attempt(started_at: Timestamp, outcome: &'static str) -> Attempt {
    Attempt { started_at, duration_ms: 7, outcome, http_status: Some(503), detail: Some("no answer".to_owned()) }
}

/// The chats of leases, in order of their names.
pub(crate) fn chats(leases: &[Lease]) -> Vec<String> {
    let mut chats: Vec<_> = leases.iter().map(|lease| lease.lane.chat.to_string()).collect();
    chats.sort();
    chats
}
