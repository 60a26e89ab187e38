//! The durable inbox that is also the queue.
//!
//! The cast: a [`Store`] over SQLite or PostgreSQL; a [`NewEvent`] is stored once and waits in its [`Lane`]; a [`Lease`] is the
//! right to work on a lane; a [`Link`] is what a message on one side is on the other. Every write goes through one
//! group-commit writer: whoever gets an answer can rely on its being on the disk.
//!
//! Invariant: an event is in exactly one state, and [`Tally::conservation_error`] is zero.

#![warn(missing_docs)]

mod access;
mod browse;
mod chat;
mod checkpoint;
mod checkup;
mod connection;
mod contact;
mod cursor;
mod db;
mod dead;
mod ending;
mod error;
mod events;
mod glance;
mod ingest;
mod known;
mod lane;
mod link;
mod media;
mod merge;
mod message;
mod model;
mod pausing;
mod person;
mod prune;
mod read;
mod repeat;
mod replay;
mod session;
mod tally;
mod vault;
mod wake;
mod way_out;
mod writer;

use std::collections::{HashMap, HashSet};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use relay_domain::Timestamp;
use relay_domain::backoff::Direction;
use relay_domain::id::{ChatKey, CwContactId, CwMessageId, EventId, SessionId, WaMessageId, WorkerId};
use relay_domain::jid::Jid;
use relay_domain::unsent::Outage;
use secrecy::SecretString;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

pub use access::{KeepPass, PassKind, TradeLink};
pub use browse::{Browse, Browsed};
pub use chat::{CHATWOOT_NAME, ConfirmNumber, OpenChat, SetChoice, SetPlace};
pub use checkup::Checkup;
pub use connection::{NoteAnnounced, NoteConnection};
pub use contact::{SetProfile, SetStatus, SettleContact};
pub use cursor::{BeginSweep, Begun, Cursor, Progress, SaveSweep, SaveSwept};
pub use db::Migration;
pub use dead::{DeadFilter, DeadGroup};
pub use ending::Finish;
pub use error::{Result, StoreError};
pub use events::Told;
pub use glance::{Glance, Glances, NextTurn};
pub use ingest::Ingested;
pub use lane::{FailedTurns, Note, Postpone, Recorded};
pub use link::{Reserve, Reserved};
pub use media::{Offer, OfferFile};
pub use message::{Stored, Tried, Wanted};
pub use model::{
    Announced, Attempt, Change, Chat, ChatwootAccess, CodeChatAccess, DueEvents, End, EventState, Lane, LaneKind,
    Lease, Link, LinkChange, LinkKey, LinkState, NewEvent, NewLink, Origin, PendingEvent, Place, Session, SessionState,
    Source, Tally,
};
pub use pausing::{Turn, TurnSession};
pub use person::{MeetPeople, Person};
pub use prune::Pruned;
pub use read::UnreadMessage;
pub use relay_domain::lease::SILENCE_MS;
pub use repeat::{NoteRepeat, Repeat, SettleRepeat};
pub use replay::{DecideMany, Decided, Decision, Portion};
pub use session::{Backlog, Deleted, UpdateSession};
pub use way_out::NoteWayOut;

use crate::db::Db;
use crate::ingest::Arrival;
use crate::vault::Vault;
use crate::writer::Writer;

/// How to open a store.
#[derive(Clone, Debug)]
pub struct StoreConfig {
    /// `sqlite://path` or `postgres://…`.
    pub url: String,
    /// What tokens are sealed with.
    pub secret_key: SecretString,
}

/// The store of one process.
#[derive(Clone, Debug)]
pub struct Store {
    db: Db,
    writer: Writer,
    vault: Vault,
    worker: WorkerId,
    closing: Arc<Closing>,
}

/// What must outlive every clone of a store.
#[derive(Debug)]
struct Closing {
    writer: tokio::sync::Mutex<Option<JoinHandle<()>>>,
    /// Brings SQLite's log into its file.
    checkpoint: Option<JoinHandle<()>>,
    /// Hears the other processes on a PostgreSQL.
    listener: Option<JoinHandle<()>>,
    /// Held for as long as this process uses the SQLite file.
    _lock: Option<File>,
}

impl Closing {
    fn stop_helpers(&self) {
        for task in [&self.checkpoint, &self.listener].into_iter().flatten() {
            task.abort();
        }
    }
}

impl Drop for Closing {
    fn drop(&mut self) {
        self.stop_helpers();
    }
}

impl Store {
    /// Opens the database, brings its schema up to date and checks the key.
    pub async fn open(config: &StoreConfig) -> Result<Self> {
        let (db, lock) = connect(config).await?;
        relay_fault::reach(relay_fault::Point::DuringMigration);
        db.migrate().await?;
        let worker = WorkerId::generate();
        let (writer, task) = Writer::start(db.clone(), worker.clone());
        let exclusive = lock.is_some();
        let checkpoint = checkpoint::start(&db, writer.written.clone(), writer.broken.clone());
        let listener = wake::start(&db, worker.clone(), writer.arrived.clone());
        let closing =
            Arc::new(Closing { writer: tokio::sync::Mutex::new(Some(task)), checkpoint, listener, _lock: lock });
        let store = Self { db, writer, vault: Vault::new(&config.secret_key), worker, closing };
        store.check_key().await?;
        if exclusive {
            store.writer.write(lane::TakeOver).await?;
        }
        store.beat_after_silence().await?;
        Ok(store)
    }

    /// What became of every migration of this version. Opens the database without changing its schema.
    pub async fn migrations(config: &StoreConfig) -> Result<Vec<Migration>> {
        let (db, _lock) = connect(config).await?;
        let migrations = db.migrations().await;
        db.close().await;
        migrations
    }

    async fn check_key(&self) -> Result<()> {
        let kept = self.writer.write(KeepCheck(self.vault.check_value())).await?;
        self.vault.verify(&kept)
    }

    /// The identity of this process among those that share the database.
    pub fn worker(&self) -> &WorkerId {
        &self.worker
    }

    /// Told whenever a commit brought new events, on PostgreSQL also by another process.
    pub fn arrived(&self) -> &Arc<Notify> {
        &self.writer.arrived
    }

    /// Returns when the disk has failed under SQLite: nothing is written any more, and the process must be started anew.
    pub async fn broken(&self) {
        // the sender lives as long as the writer
        drop(self.writer.broken.subscribe().wait_for(|is_broken| *is_broken).await);
    }

    /// Stores what was received and returns once that is durable.
    pub async fn ingest(&self, event: NewEvent) -> Result<Ingested> {
        let (arrival, answer) = Arrival::new(event);
        self.writer.arrive(arrival)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }

    /// Says that this process is alive; must happen more often than every [`SILENCE_MS`].
    pub async fn beat(&self) -> Result<()> {
        self.writer.write(lane::Beat(self.worker.clone())).await
    }

    /// Says that this process is alive again, or for the first time. When nobody else was meanwhile, messages that waited
    /// did so because the relay was away.
    pub async fn beat_after_silence(&self) -> Result<()> {
        self.writer.write(way_out::AfterSilence(self.worker.clone())).await
    }

    /// How many processes share the database, this one among them.
    pub async fn living_workers(&self) -> Result<u32> {
        lane::living_workers(&self.db).await
    }

    /// Notes whether a session's messages can go out.
    pub async fn note_way_out(&self, note: NoteWayOut) -> Result<()> {
        self.writer.write(note).await
    }

    /// When a session's messages could not go out, as far as that lasted beyond a moment.
    pub async fn outages(&self, session: &SessionId, beyond: Timestamp) -> Result<Vec<Outage>> {
        way_out::since(&self.db, session, beyond).await
    }

    /// Takes up to `limit` lanes whose first event is due, leaving sessions that are saturated. `at_work` joins the
    /// [`Lease::mark`]s of the lanes that this process works on.
    pub async fn claim(
        &self,
        now: Timestamp,
        limit: u32,
        saturated: Vec<SessionId>,
        at_work: String,
    ) -> Result<Vec<Lease>> {
        self.writer.write(lane::Claim { worker: self.worker.clone(), now, limit, saturated, at_work }).await
    }

    /// What a lane may deliver now, in order.
    pub async fn due_events(&self, lane: &Lane, now: Timestamp) -> Result<DueEvents> {
        lane::due_events(&self.db, lane, now).await
    }

    /// How the last attempt at an event ended, as the word it was recorded with.
    pub async fn last_outcome(&self, event: &EventId) -> Result<Option<String>> {
        lane::last_outcome(&self.db, event).await
    }

    /// What became of a message of Chatwoot whose first turn has the key `first` and whose later ones have keys that begin with
    /// `again`: `None` unless the last of them failed.
    pub async fn failed_turns(&self, session: &SessionId, first: &str, again: &str) -> Result<Option<FailedTurns>> {
        lane::failed_turns(&self.db, session, first, again).await
    }

    /// Whether an event with this key was ever received.
    pub async fn has_event(&self, session: &SessionId, source: Source, dedup_key: &str) -> Result<bool> {
        events::is_known(&self.db, session, source, dedup_key).await
    }

    /// Which of these keys were ever received, be it with an author or without.
    pub async fn known_keys(&self, session: &SessionId, source: Source, keys: &[String]) -> Result<HashSet<String>> {
        known::known_keys(&self.db, session, source, keys).await
    }

    /// Whether a message's event waits.
    pub async fn is_pending(&self, session: &SessionId, source: Source, key: &str) -> Result<bool> {
        known::is_pending(&self.db, session, source, key).await
    }

    /// Takes the sweep of a session in one direction when it is due, or wanted at once.
    pub async fn begin_sweep(&self, begin: BeginSweep) -> Result<Begun> {
        self.writer.write(begin).await
    }

    /// Notes how far a sweep has come.
    pub async fn save_sweep(&self, save: SaveSweep) -> Result<()> {
        self.writer.write(save).await
    }

    /// Notes how far a sweep of what agents wrote has come in a conversation.
    pub async fn save_swept(&self, save: SaveSwept) -> Result<()> {
        self.writer.write(save).await
    }

    /// Up to which message each conversation was looked at beyond the cursor of what agents wrote.
    pub async fn swept(&self, session: &SessionId) -> Result<HashMap<i64, i64>> {
        cursor::swept(&self.db, session).await
    }

    /// How far gap recovery has looked.
    pub async fn cursor(&self, session: &SessionId, way: Direction) -> Result<Option<Cursor>> {
        cursor::get(&self.db, session, way).await
    }

    /// Lets events run that a sweep found and held back until it had found all.
    pub async fn release_swept(&self, session: &SessionId, now: Timestamp) -> Result<()> {
        self.writer.write(cursor::ReleaseSwept { session: session.clone(), now }).await
    }

    /// When the next free lane of a session that is not saturated is due.
    pub async fn next_due(&self, saturated: &[SessionId]) -> Result<Option<Timestamp>> {
        lane::next_due(&self.db, saturated).await
    }

    /// Ends an event.
    pub async fn finish(&self, finish: Finish) -> Result<Recorded> {
        self.writer.finish(finish).await
    }

    /// Lets a lane wait with its event at the head.
    pub async fn postpone(&self, postpone: Postpone) -> Result<Recorded> {
        self.writer.write(postpone).await
    }

    /// Records what became of parts of an event that goes on.
    pub async fn note(&self, note: Note) -> Result<Recorded> {
        self.writer.write(note).await
    }

    /// Gives a lane back as it is.
    pub async fn release(&self, lease: Lease, now: Timestamp) -> Result<Recorded> {
        self.writer.write(lane::Release { lease, now }).await
    }

    /// Writes parts down before they are posted.
    pub async fn reserve(&self, reserve: Reserve) -> Result<Reserved> {
        self.writer.write(reserve).await
    }

    /// Links of a WhatsApp message id.
    pub async fn links_by_wa(&self, session: &SessionId, id: &WaMessageId) -> Result<Vec<Link>> {
        link::by_wa(&self.db, session, id).await
    }

    /// Links of a Chatwoot message.
    pub async fn links_by_cw(&self, session: &SessionId, message: CwMessageId) -> Result<Vec<Link>> {
        link::by_cw(&self.db, session, message).await
    }

    /// Notes that a message is about to be posted to Chatwoot again.
    pub async fn note_repeat(&self, note: NoteRepeat) -> Result<()> {
        self.writer.write(note).await
    }

    /// Takes up to `most` messages that were posted again and are due to be looked at.
    pub async fn take_repeats(&self, now: Timestamp, most: u32) -> Result<Vec<Repeat>> {
        self.writer.write(repeat::TakeRepeats { now, most }).await
    }

    /// Says that such a message was looked at.
    pub async fn settle_repeat(&self, settle: SettleRepeat) -> Result<()> {
        self.writer.write(settle).await
    }

    /// Finds or opens a chat.
    pub async fn open_chat(&self, open: OpenChat) -> Result<ChatKey> {
        self.writer.write(open).await
    }

    /// Whether chats that turned out to be one person wait for their lanes to be free.
    pub async fn has_chats_to_join(&self) -> Result<bool> {
        merge::are_waiting(&self.db).await
    }

    /// Joins chats that turned out to be one person and whose lanes have become free; returns how many. `at_work` joins the
    /// [`Lease::mark`]s of the lanes that this process works on.
    pub async fn join_chats(&self, at_work: String) -> Result<usize> {
        self.writer.write(merge::JoinWaiting { worker: self.worker.clone(), at_work }).await
    }

    /// One chat, by its key or by a key that it had before it was joined to another.
    pub async fn chat(&self, session: &SessionId, key: &ChatKey) -> Result<Option<Chat>> {
        chat::get(&self.db, session, key).await
    }

    /// The chat that goes by a name.
    pub async fn chat_by_alias(&self, session: &SessionId, alias: &str) -> Result<Option<ChatKey>> {
        chat::by_alias(&self.db, session, alias).await
    }

    /// Remembers where a chat lives in Chatwoot.
    pub async fn set_place(&self, place: SetPlace) -> Result<()> {
        self.writer.write(place).await
    }

    /// Remembers that WhatsApp confirmed a chat's number.
    pub async fn confirm_number(&self, confirm: ConfirmNumber) -> Result<()> {
        self.writer.write(confirm).await
    }

    /// Remembers the choice that the customer of a chat was given.
    pub async fn set_choice(&self, set: SetChoice) -> Result<()> {
        self.writer.write(set).await
    }

    /// Notes the state of a chat's conversation.
    pub async fn set_status(&self, status: SetStatus) -> Result<()> {
        self.writer.write(status).await
    }

    /// Notes what the relay made of a contact's name and picture.
    pub async fn set_profile(&self, profile: SetProfile) -> Result<()> {
        self.writer.write(profile).await
    }

    /// Contacts to be merged into that of a chat, because their chats were joined to it.
    pub async fn contacts_to_merge(&self, session: &SessionId, chat: &ChatKey) -> Result<Vec<CwContactId>> {
        contact::to_merge(&self.db, session, chat).await
    }

    /// Notes that Chatwoot's contact knows who the customer is.
    pub async fn settle_contact(&self, settle: SettleContact) -> Result<()> {
        self.writer.write(settle).await
    }

    /// Every name under which a chat was seen.
    pub async fn names_of_chat(&self, session: &SessionId, chat: &ChatKey) -> Result<Vec<String>> {
        chat::names(&self.db, session, chat).await
    }

    /// Notes up to which of Chatwoot's messages a chat was read; it never goes back.
    pub async fn raise_read_mark(&self, session: &SessionId, chat: &ChatKey, to: CwMessageId) -> Result<()> {
        self.writer.write(read::RaiseReadMark { session: session.clone(), chat: chat.clone(), to }).await
    }

    /// Up to which of Chatwoot's messages a chat was read; zero for none.
    pub async fn read_mark(&self, session: &SessionId, chat: &ChatKey) -> Result<CwMessageId> {
        read::mark(&self.db, session, chat).await
    }

    /// What customers wrote since then and is not read yet, newest first, among the newest messages of a session.
    pub async fn unread(&self, session: &SessionId, since: Timestamp) -> Result<Vec<UnreadMessage>> {
        read::unread(&self.db, session, since).await
    }

    /// Stores a new session.
    pub async fn insert_session(&self, session: Session) -> Result<()> {
        self.writer.write(session::InsertSession::new(session, &self.vault)?).await
    }

    /// Changes the state of a session.
    pub async fn update_session(&self, update: UpdateSession) -> Result<()> {
        self.writer.write(session::SealedUpdate::new(update, &self.vault)?).await
    }

    /// Notes what was said of a phone's connection; `false` when that was known.
    pub async fn note_connection(&self, note: NoteConnection) -> Result<bool> {
        self.writer.write(note).await
    }

    /// Notes what agents were told of a phone's connection.
    pub async fn note_announced(&self, note: NoteAnnounced) -> Result<()> {
        self.writer.write(note).await
    }

    /// Stops a session, or lets it work again; `false` when it was not in the state that this is about.
    pub async fn turn_session(&self, turn: TurnSession) -> Result<bool> {
        self.writer.write(turn).await
    }

    /// Removes a session; unless forced, only when nothing of it waits or is dead.
    pub async fn delete_session(&self, id: &SessionId, force: bool) -> Result<Deleted> {
        self.writer.write(session::DeleteSession { id: id.clone(), force }).await
    }

    /// All sessions, oldest first.
    pub async fn sessions(&self) -> Result<Vec<Session>> {
        session::all(&self.db, &self.vault).await
    }

    /// The session of a name.
    pub async fn session_by_name(&self, name: &str) -> Result<Option<Session>> {
        session::by_name(&self.db, &self.vault, name).await
    }

    /// Puts a file on offer.
    pub async fn offer_file(&self, offer: OfferFile) -> Result<()> {
        self.writer.write(offer).await
    }

    /// What is known of somebody by one of their addresses.
    pub async fn person(&self, session: &SessionId, jid: &Jid) -> Result<Option<Person>> {
        person::get(&self.db, session, jid).await
    }

    /// Remembers people.
    pub async fn meet(&self, people: MeetPeople) -> Result<()> {
        self.writer.write(people).await
    }

    /// Uses up one fetch of an offered file.
    pub async fn take_file(&self, token_hash: [u8; 32], now: Timestamp) -> Result<Option<Offer>> {
        self.writer.write(media::TakeFile { token_hash, now }).await
    }

    /// Withdraws expired offers and returns their paths.
    pub async fn withdraw_expired(&self, now: Timestamp) -> Result<Vec<String>> {
        self.writer.write(media::WithdrawExpired(now)).await
    }

    /// Paths of all files on offer.
    pub async fn offered_paths(&self) -> Result<Vec<String>> {
        media::offered_paths(&self.db).await
    }

    /// Counts all events.
    pub async fn tally(&self) -> Result<Tally> {
        tally::count(&self.db).await
    }

    /// What became of the newest events, newest first.
    pub async fn events(&self, limit: u32) -> Result<Vec<Told>> {
        events::newest(&self.db, limit).await
    }

    /// The messages that are wanted, newest first.
    pub async fn messages(&self, wanted: &Wanted) -> Result<Vec<Stored>> {
        message::list(&self.db, wanted).await
    }

    /// One message.
    pub async fn message(&self, id: &EventId) -> Result<Option<Stored>> {
        message::get(&self.db, id).await
    }

    /// Every try to deliver an event, in order.
    pub async fn tries(&self, event: &EventId) -> Result<Vec<Tried>> {
        message::tries(&self.db, event).await
    }

    /// One page of the delivery log.
    pub async fn browse(&self, wanted: &Browse) -> Result<Browsed> {
        browse::browse(&self.db, wanted).await
    }

    /// All sessions at a glance; messages are counted from `since` on.
    pub async fn glance(&self, since: Timestamp) -> Result<Glances> {
        glance::look(&self.db, since).await
    }

    /// When an event that waits has its next turn.
    pub async fn next_turn(&self, event: &EventId) -> Result<Option<NextTurn>> {
        glance::next_turn(&self.db, event).await
    }

    /// Keeps a new pass to the console.
    pub async fn keep_pass(&self, pass: KeepPass) -> Result<()> {
        self.writer.write(pass).await
    }

    /// Trades a link to the console for a browser's pass; whether the link was good.
    pub async fn trade_link(&self, trade: TradeLink) -> Result<bool> {
        self.writer.write(trade).await
    }

    /// When a browser that is signed in to the console was last seen; `None` when it is not signed in.
    pub async fn pass_seen(&self, token_hash: [u8; 32], now: Timestamp) -> Result<Option<Timestamp>> {
        access::last_seen(&self.db, token_hash, now).await
    }

    /// Notes that a browser was seen.
    pub async fn see_pass(&self, token_hash: [u8; 32], now: Timestamp) -> Result<()> {
        self.writer.write(access::SeePass { token_hash, now }).await
    }

    /// Signs a browser out of the console.
    pub async fn end_pass(&self, token_hash: [u8; 32]) -> Result<()> {
        self.writer.write(access::EndPass(token_hash)).await
    }

    /// Dead letters, or what waits, as [`DeadFilter::state`] says: newest first, from the one that came before `before`.
    pub async fn dead(&self, filter: &DeadFilter, before: Option<&EventId>, limit: u32) -> Result<Vec<Stored>> {
        dead::list(&self.db, filter, before, limit).await
    }

    /// How many dead letters there are for which reason, the most frequent first.
    pub async fn dead_groups(&self, filter: &DeadFilter) -> Result<Vec<DeadGroup>> {
        dead::groups(&self.db, filter).await
    }

    /// Gives a dead letter another turn, or drops it.
    pub async fn decide(&self, event: &EventId, decision: Decision, now: Timestamp) -> Result<Decided> {
        self.writer.write(replay::Decide { event: event.clone(), decision, now }).await
    }

    /// Gives many dead letters another turn, or drops them: one portion in the order of their lanes.
    pub async fn decide_many(&self, decide: DecideMany) -> Result<Portion> {
        self.writer.write(decide).await
    }

    /// How the database itself is; thoroughly means reading all of an SQLite file.
    pub async fn checkup(&self, thoroughly: bool) -> Result<Checkup> {
        checkup::look(&self.db, thoroughly).await
    }

    /// When a side was last heard of by a webhook that is kept.
    pub async fn last_heard(&self, session: &SessionId, source: Source) -> Result<Option<Timestamp>> {
        checkup::last_heard(&self.db, session, source).await
    }

    /// When the oldest pending event arrived.
    pub async fn oldest_pending(&self) -> Result<Option<Timestamp>> {
        tally::oldest_pending(&self.db).await
    }

    /// Empties up to 1,000 bodies of events that ended well before `done_before`, or otherwise before `dead_before`.
    pub async fn purge(&self, done_before: Timestamp, dead_before: Timestamp) -> Result<u64> {
        self.writer.write(tally::Purge { done_before, dead_before }).await
    }

    /// Removes up to 500 events that were delivered or ignored before `done_before`, with their attempts, and up to 500 links that
    /// were made before `made_before` and whose event is gone.
    pub async fn prune(&self, done_before: Timestamp, made_before: Timestamp) -> Result<Pruned> {
        let shard = ingest::shard_of(self.worker.as_str());
        self.writer.write(prune::Prune { done_before, made_before, shard }).await
    }

    /// Gives up all leases and closes the database.
    pub async fn close(&self) -> Result<()> {
        let retired = self.writer.write(lane::Retire(self.worker.clone())).await;
        if let Some(task) = self.closing.writer.lock().await.take() {
            task.abort();
        }
        self.closing.stop_helpers();
        self.db.close().await;
        retired
    }
}

async fn connect(config: &StoreConfig) -> Result<(Db, Option<File>)> {
    match config.url.split_once("://") {
        Some(("sqlite", path)) => {
            let path = Path::new(path.split('?').next().unwrap_or(path));
            let lock = lock(path)?;
            Ok((Db::sqlite(&path.to_string_lossy()).await?, Some(lock)))
        }
        Some(("postgres" | "postgresql", _)) => Ok((Db::postgres(&config.url).await?, None)),
        other => {
            // the rest of the address may hold a password
            let scheme = other.map_or_else(|| config.url.split(':').next().unwrap_or_default(), |(scheme, _)| scheme);
            Err(StoreError::UnknownScheme { scheme: scheme.to_owned() })
        }
    }
}

/// Keeps the first check value there is.
struct KeepCheck(String);

impl writer::Verb for KeepCheck {
    type Out = String;

    async fn apply(&self, tx: &mut db::Tx) -> Result<String> {
        let (kept,): (String,) = db::on!(tx, |conn| {
            sqlx::query_as(
                "-- keep_check\nINSERT INTO setting (name, value) VALUES ('secret_check', $1) \
                 ON CONFLICT (name) DO UPDATE SET value = setting.value RETURNING value",
            )
            .bind(&self.0)
            .fetch_one(conn)
            .await
        })
        .map_err(StoreError::database("check the secret key"))?;
        Ok(kept)
    }
}

/// Makes sure that no other process uses the SQLite file. The lock ends with the process, however it ends.
fn lock(path: &Path) -> Result<File> {
    let failed = |path: &Path| {
        let path = path.display().to_string();
        move |source| StoreError::File { path, source: Arc::new(source) }
    };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(failed(folder))?;
    }
    let side: PathBuf = path.with_extension("lock");
    let file = File::options().create(true).truncate(false).write(true).open(&side).map_err(failed(&side))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked),
        Err(TryLockError::Error(error)) => Err(failed(&side)(error)),
    }
}
