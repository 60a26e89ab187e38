//! Storing what was received: many arrivals, one statement.

use std::collections::{BTreeMap, HashSet};

use relay_domain::Timestamp;
use sqlx::QueryBuilder;
use tokio::sync::oneshot;

use crate::db::{KEPT, Tx, on};
use crate::error::{Result, StoreError};
use crate::known;
use crate::model::{Lane, NewEvent};

/// What became of a received event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ingested {
    /// It is durable and will be processed.
    Stored,
    /// It was received before; nothing changed.
    Duplicate,
}

/// A received event on its way to the disk, and the caller that waits for it.
pub(crate) struct Arrival {
    event: NewEvent,
    outcome: Option<Result<Ingested>>,
    reply: oneshot::Sender<Result<Ingested>>,
}

impl Arrival {
    pub(crate) fn new(event: NewEvent) -> (Self, oneshot::Receiver<Result<Ingested>>) {
        let (reply, answer) = oneshot::channel();
        (Self { event, outcome: None, reply }, answer)
    }

    fn key(&self) -> (&str, &str, &str) {
        (self.event.lane.session.as_str(), self.event.source.as_str(), &self.event.dedup_key)
    }

    pub(crate) fn lane(&self) -> String {
        self.event.lane.key()
    }

    pub(crate) fn is_new(&self) -> bool {
        matches!(self.outcome, Some(Ok(Ingested::Stored)))
    }

    pub(crate) fn fail(&mut self, error: StoreError) {
        self.outcome = Some(Err(error));
    }

    pub(crate) fn settle(self) {
        // the caller may have stopped waiting; the event stands all the same
        drop(self.reply.send(self.outcome.unwrap_or(Err(StoreError::Closed))));
    }
}

/// Inserts all arrivals and wakes their lanes; returns how many are new, by session, for [`count`].
pub(crate) async fn insert(tx: &mut Tx, arrivals: &mut [Arrival]) -> Result<BTreeMap<String, i64>> {
    // processes that receive copies of the same events must not wait for each other crosswise
    arrivals.sort_by(|one, other| one.key().cmp(&other.key()));
    let mut stored = insert_events(tx, arrivals).await?;
    let mut lanes: BTreeMap<String, (Lane, Timestamp)> = BTreeMap::new();
    let mut counts: BTreeMap<String, i64> = BTreeMap::new();
    for arrival in arrivals.iter_mut() {
        let event = &arrival.event;
        // taken out, so that an event handed in twice counts once
        let is_new = stored.remove(event.id.as_str());
        arrival.outcome = Some(Ok(if is_new { Ingested::Stored } else { Ingested::Duplicate }));
        if !is_new {
            continue;
        }
        let (_, wake) = lanes.entry(event.lane.key()).or_insert_with(|| (event.lane.clone(), event.run_at));
        *wake = event.run_at.min(*wake);
        *counts.entry(event.lane.session.to_string()).or_default() += 1;
    }
    if !lanes.is_empty() {
        wake_lanes(tx, lanes).await?;
    }
    Ok(counts)
}

async fn insert_events(tx: &mut Tx, arrivals: &[Arrival]) -> Result<HashSet<String>> {
    let ids: Vec<(String,)> = on!(tx, |conn| {
        let mut insert = QueryBuilder::new(
            "-- insert_events\nINSERT INTO event \
             (id, session, lane, source, kind, dedup_key, stem, order_key, received_at, run_at, origin, body) ",
        );
        insert.push_values(arrivals, |mut row, Arrival { event, .. }| {
            row.push_bind(event.id.as_str())
                .push_bind(event.lane.session.as_str())
                .push_bind(event.lane.key())
                .push_bind(event.source.as_str())
                .push_bind(event.kind.as_str())
                .push_bind(event.dedup_key.as_str())
                .push_bind(known::stem(&event.dedup_key))
                .push_bind(event.order_key)
                .push_bind(event.received_at.as_millis())
                .push_bind(event.run_at.as_millis())
                .push_bind(event.origin.as_str())
                .push_bind(&event.body[..]);
        });
        insert.push(" ON CONFLICT (session, source, dedup_key) DO NOTHING RETURNING id");
        insert.build_query_as().persistent(arrivals.len() <= KEPT).fetch_all(conn).await
    })
    .map_err(StoreError::database("insert events"))?;
    Ok(ids.into_iter().map(|(id,)| id).collect())
}

/// Lanes that are there already were locked before (see [`lane::lock`](crate::lane::lock)); new ones are inserted in key order,
/// so that two processes cannot deadlock.
async fn wake_lanes(tx: &mut Tx, lanes: BTreeMap<String, (Lane, Timestamp)>) -> Result<()> {
    let rows = lanes.len();
    on!(tx, |conn| {
        let mut upsert = QueryBuilder::new("-- wake_lanes\nINSERT INTO lane (key, session, kind, chat, next_at) ");
        upsert.push_values(lanes, |mut row, (key, (lane, wake))| {
            row.push_bind(key)
                .push_bind(lane.session.to_string())
                .push_bind(lane.kind.as_str())
                .push_bind(lane.chat.to_string())
                .push_bind(wake.as_millis());
        });
        upsert.push(
            " ON CONFLICT (key) DO UPDATE SET next_at = CASE \
             WHEN lane.next_at IS NULL THEN excluded.next_at \
             WHEN lane.backing_off = 1 OR lane.next_at <= excluded.next_at THEN lane.next_at \
             ELSE excluded.next_at END",
        );
        upsert.build().persistent(rows <= KEPT).execute(conn).await.map(drop)
    })
    .map_err(StoreError::database("wake lanes"))
}

/// Counts new events.
pub(crate) async fn count(tx: &mut Tx, counts: BTreeMap<String, i64>, shard: i64) -> Result<()> {
    if counts.is_empty() {
        return Ok(());
    }
    let rows = counts.len();
    on!(tx, |conn| {
        let mut upsert = QueryBuilder::new("-- count_received\nINSERT INTO tally (session, shard, received) ");
        upsert.push_values(counts, |mut row, (session, received)| {
            row.push_bind(session).push_bind(shard).push_bind(received);
        });
        upsert.push(" ON CONFLICT (session, shard) DO UPDATE SET received = tally.received + excluded.received");
        upsert.build().persistent(rows <= KEPT).execute(conn).await.map(drop)
    })
    .map_err(StoreError::database("count received events"))
}

/// Picks one of 16 counters, so that processes sharing a database seldom wait for each other's.
pub(crate) fn shard_of(worker: &str) -> i64 {
    i64::from(worker.bytes().fold(0u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte)) % 16)
}
