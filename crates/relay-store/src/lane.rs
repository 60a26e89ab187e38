//! Claiming lanes, working on their events, giving them back.
//!
//! A lane belongs to whoever holds its lease token. Every outcome is recorded only while the token is still the lane's, so a
//! worker that lost its lease changes nothing. A lease ends when its process has been silent for [`SILENCE_MS`].

use bytes::Bytes;
use relay_domain::Timestamp;
use relay_domain::id::{ChatKey, EventId, LeaseToken, SessionId, WorkerId};
use relay_domain::lease::SILENCE_MS;
use relay_domain::order;

use relay_fault::{Sabotage, is_sabotaged};

use crate::db::{Db, Tx, on, read};
use crate::error::{Result, StoreError};
use crate::link;
use crate::merge;
use crate::model::{Attempt, DueEvents, Lane, LaneKind, Lease, LinkChange, Origin, PendingEvent, Source};
use crate::writer::Verb;

/// Events read from a lane at once; bounds memory, since each body may weigh 2 MB.
const READ_AHEAD: i64 = 8;

/// Says that this process is alive.
pub(crate) struct Beat(pub(crate) WorkerId);

impl Verb for Beat {
    type Out = ();

    async fn apply(&self, tx: &mut Tx) -> Result<()> {
        // the database's own clock: hosts sharing it may disagree
        let sql = tx.dialect(
            "-- beat\nINSERT INTO worker (id, beat_at) VALUES ($1, CAST(unixepoch('subsec') * 1000 AS INTEGER)) \
             ON CONFLICT (id) DO UPDATE SET beat_at = excluded.beat_at",
            "-- beat\nINSERT INTO worker (id, beat_at) VALUES ($1, (EXTRACT(EPOCH FROM clock_timestamp()) * 1000)::bigint) \
             ON CONFLICT (id) DO UPDATE SET beat_at = excluded.beat_at",
        );
        on!(tx, |conn| sqlx::query(sql).bind(self.0.as_str()).execute(conn).await.map(drop))
            .map_err(StoreError::database("beat"))
    }
}

/// Gives up every lease of this process.
pub(crate) struct Retire(pub(crate) WorkerId);

impl Verb for Retire {
    type Out = ();

    async fn apply(&self, tx: &mut Tx) -> Result<()> {
        on!(tx, |conn| {
            sqlx::query(
                "-- retire_leases\nUPDATE lane SET lease_worker = NULL, lease_token = NULL WHERE lease_worker = $1",
            )
            .bind(self.0.as_str())
            .execute(conn)
            .await
            .map(drop)
        })
        .map_err(StoreError::database("retire"))?;
        // no longer counted as living; the row stays as the last sign of life, see `way_out`
        on!(tx, |conn| {
            sqlx::query("-- retire_worker\nUPDATE worker SET beat_at = beat_at - $2 WHERE id = $1")
                .bind(self.0.as_str())
                .bind(SILENCE_MS)
                .execute(conn)
                .await
                .map(drop)
        })
        .map_err(StoreError::database("retire"))
    }
}

/// Frees what an earlier process of an exclusively locked database held.
pub(crate) struct TakeOver;

impl Verb for TakeOver {
    type Out = ();

    async fn apply(&self, tx: &mut Tx) -> Result<()> {
        let sql = "-- take_over_leases\nUPDATE lane SET lease_worker = NULL, lease_token = NULL WHERE lease_token IS NOT NULL";
        on!(tx, |conn| sqlx::query(sql).execute(conn).await.map(drop)).map_err(StoreError::database("take over"))
    }
}

/// Takes lanes whose first event is due.
pub(crate) struct Claim {
    pub(crate) worker: WorkerId,
    pub(crate) now: Timestamp,
    pub(crate) limit: u32,
    /// Sessions that have enough lanes at work already.
    pub(crate) saturated: Vec<SessionId>,
    /// [`Lease::mark`]s of the lanes that this process works on. One that it holds and does not work on was orphaned by a
    /// failure of the database, and is free.
    pub(crate) at_work: String,
}

#[derive(sqlx::FromRow)]
struct ClaimedRow {
    session: String,
    kind: String,
    chat: String,
    done_to: i64,
    moved_to: Option<String>,
}

impl Verb for Claim {
    type Out = Vec<Lease>;

    async fn apply(&self, tx: &mut Tx) -> Result<Vec<Lease>> {
        let sql = tx.dialect(
            "-- claim_lanes\n\
             UPDATE lane SET lease_worker = $1, lease_token = $2, backing_off = 0 WHERE key IN (\
               SELECT lane.key FROM lane JOIN session ON session.id = lane.session \
               WHERE lane.next_at <= $3 AND (session.state = 'active' OR lane.kind = 'desk') AND $5 NOT LIKE '%|' || lane.session || '|%' \
                 AND NOT EXISTS (SELECT 1 FROM chat_merge AS merging \
                   WHERE merging.session = lane.session AND lane.chat IN (merging.gone, merging.into_chat)) \
                 AND (lane.lease_token IS NULL \
                   OR lane.lease_worker = $1 AND instr($7, lane.key || '#' || lane.lease_token) = 0 \
                   OR lane.lease_worker <> $1 AND lane.lease_worker NOT IN (\
                     SELECT id FROM worker WHERE beat_at > CAST(unixepoch('subsec') * 1000 AS INTEGER) - $6)) \
               ORDER BY lane.next_at LIMIT $4) \
             RETURNING session, kind, chat, done_to, moved_to",
            "-- claim_lanes\n\
             WITH due AS MATERIALIZED (\
               SELECT lane.key FROM lane JOIN session ON session.id = lane.session \
               WHERE lane.next_at <= $3 AND (session.state = 'active' OR lane.kind = 'desk') AND $5 NOT LIKE '%|' || lane.session || '|%' \
                 AND NOT EXISTS (SELECT 1 FROM chat_merge AS merging \
                   WHERE merging.session = lane.session AND lane.chat IN (merging.gone, merging.into_chat)) \
                 AND (lane.lease_token IS NULL \
                   OR lane.lease_worker = $1 AND position(lane.key || '#' || lane.lease_token IN $7) = 0 \
                   OR lane.lease_worker <> $1 AND lane.lease_worker NOT IN (\
                     SELECT id FROM worker WHERE beat_at > (EXTRACT(EPOCH FROM clock_timestamp()) * 1000)::bigint - $6)) \
               ORDER BY lane.next_at LIMIT $4 FOR UPDATE OF lane SKIP LOCKED) \
             UPDATE lane SET lease_worker = $1, lease_token = $2, backing_off = 0 FROM due WHERE lane.key = due.key \
             RETURNING lane.session, lane.kind, lane.chat, lane.done_to, lane.moved_to",
        );
        let token = LeaseToken::generate();
        let saturated = marked(&self.saturated);
        // nobody has shown life in the future: all lanes look orphaned
        let silence = if is_sabotaged(Sabotage::LeaseCheck) { -SILENCE_MS } else { SILENCE_MS };
        let rows: Vec<ClaimedRow> = on!(tx, |conn| {
            sqlx::query_as(sql)
                .bind(self.worker.as_str())
                .bind(token.as_str())
                .bind(self.now.as_millis())
                .bind(i64::from(self.limit))
                .bind(saturated)
                .bind(silence)
                .bind(&self.at_work)
                .fetch_all(conn)
                .await
        })
        .map_err(StoreError::database("claim lanes"))?;
        let mut leases = Vec::with_capacity(rows.len());
        for mut row in rows {
            let moved_to = row.moved_to.take();
            let lease = row.lease(&token)?;
            match moved_to {
                Some(chat) => merge::pass_on(tx, &lease.lane, &ChatKey::new(chat), self.now).await?,
                None => leases.push(lease),
            }
        }
        Ok(leases)
    }
}

fn marked(sessions: &[SessionId]) -> String {
    let ids: Vec<_> = sessions.iter().map(SessionId::as_str).collect();
    format!("|{}|", ids.join("|"))
}

impl ClaimedRow {
    fn lease(self, token: &LeaseToken) -> Result<Lease> {
        let kind = LaneKind::parse(&self.kind).ok_or_else(|| StoreError::row("lane", "kind", &self.kind))?;
        let lane = Lane { session: SessionId::new(self.session), kind, chat: ChatKey::new(self.chat) };
        Ok(Lease { lane, token: token.clone(), done_to: self.done_to })
    }
}

/// A message that was tried and not sent.
#[derive(Clone, Debug)]
pub struct FailedTurns {
    /// How many turns it has had.
    pub count: usize,
    /// Its bytes as first received, unless they are purged.
    pub body: Option<Bytes>,
}

/// Whether an outcome was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Recorded {
    /// It was.
    Yes,
    /// Another worker holds the lane now; nothing was changed.
    LeaseLost,
}

/// Records what became of some parts while the event goes on.
#[derive(Debug)]
pub struct Note {
    /// The lane.
    pub lease: Lease,
    /// What became of the parts.
    pub links: Vec<LinkChange>,
}

impl Verb for Note {
    type Out = Recorded;

    fn lane(&self) -> Option<String> {
        Some(self.lease.lane.key())
    }

    async fn apply(&self, tx: &mut Tx) -> Result<Recorded> {
        if !hold(tx, &self.lease.lane.key(), &self.lease.token).await? {
            return Ok(Recorded::LeaseLost);
        }
        link::change(tx, self.links.iter().map(|change| (&self.lease.lane.session, change)).collect()).await?;
        Ok(Recorded::Yes)
    }
}

/// Leaves an event at the head of its lane and lets the lane wait.
#[derive(Debug)]
pub struct Postpone {
    /// The lane.
    pub lease: Lease,
    /// The event.
    pub event: EventId,
    /// Until when.
    pub until: Timestamp,
    /// Now.
    pub now: Timestamp,
    /// The attempt that failed; `None` when the wait is nobody's fault (a rate limit, an outage known before).
    pub attempt: Option<Attempt>,
    /// What became of its parts.
    pub links: Vec<LinkChange>,
    /// Who did it.
    pub worker: WorkerId,
}

impl Verb for Postpone {
    type Out = Recorded;

    fn lane(&self) -> Option<String> {
        Some(self.lease.lane.key())
    }

    async fn apply(&self, tx: &mut Tx) -> Result<Recorded> {
        let lane = self.lease.lane.key();
        if !hold(tx, &lane, &self.lease.token).await? {
            return Ok(Recorded::LeaseLost);
        }
        if let Some(attempt) = &self.attempt {
            on!(tx, |conn| {
                sqlx::query(
                    "-- count_attempt\nUPDATE event SET attempts = attempts + 1, \
                     first_failed_at = COALESCE(first_failed_at, $2) WHERE id = $1 AND state = 'pending'",
                )
                .bind(self.event.as_str())
                .bind(self.now.as_millis())
                .execute(conn)
                .await
                .map(drop)
            })
            .map_err(StoreError::database("count an attempt"))?;
            insert_attempt(tx, &self.event, attempt, &self.worker).await?;
        }
        link::change(tx, self.links.iter().map(|change| (&self.lease.lane.session, change)).collect()).await?;
        on!(tx, |conn| {
            sqlx::query(
                "-- back_off\nUPDATE lane SET next_at = $2, backing_off = 1, lease_worker = NULL, lease_token = NULL \
                 WHERE key = $1",
            )
            .bind(lane)
            .bind(self.until.as_millis())
            .execute(conn)
            .await
            .map(drop)
        })
        .map_err(StoreError::database("back off"))?;
        Ok(Recorded::Yes)
    }
}

/// Gives a lane back as it is.
#[derive(Debug)]
pub(crate) struct Release {
    pub(crate) lease: Lease,
    pub(crate) now: Timestamp,
}

impl Verb for Release {
    type Out = Recorded;

    fn lane(&self) -> Option<String> {
        Some(self.lease.lane.key())
    }

    async fn apply(&self, tx: &mut Tx) -> Result<Recorded> {
        let lane = self.lease.lane.key();
        if !hold(tx, &lane, &self.lease.token).await? {
            return Ok(Recorded::LeaseLost);
        }
        release(tx, &lane, self.now).await?;
        Ok(Recorded::Yes)
    }
}

/// Locks, in one order for all processes, the rows of lanes that a shared transaction goes on to write in any order. SQLite has
/// one writer anyway.
pub(crate) async fn lock(tx: &mut Tx, lanes: Vec<String>) -> Result<()> {
    let Tx::Postgres(tx) = tx else { return Ok(()) };
    if lanes.is_empty() {
        return Ok(());
    }
    sqlx::query("-- lock_lanes\nSELECT key FROM lane WHERE key = ANY($1) ORDER BY key FOR UPDATE")
        .bind(lanes)
        .execute(&mut **tx)
        .await
        .map(drop)
        .map_err(StoreError::database("lock lanes"))
}

/// Locks the lane's row while the lease is ours. From here to the commit no event can join the lane unseen: inserters wait
/// for this row, so what [`release`] reads afterwards is complete.
pub(crate) async fn hold(tx: &mut Tx, lane: &str, token: &LeaseToken) -> Result<bool> {
    on!(tx, |conn| {
        sqlx::query("-- hold_lane\nUPDATE lane SET done_to = done_to WHERE key = $1 AND lease_token = $2")
            .bind(lane)
            .bind(token.as_str())
            .execute(conn)
            .await
            .map(|done| done.rows_affected() == 1)
    })
    .map_err(StoreError::database("hold a lane"))
}

/// Gives the lane back. One that still has work goes behind those that waited meanwhile, so that none starves.
async fn release(tx: &mut Tx, lane: &str, now: Timestamp) -> Result<()> {
    on!(tx, |conn| {
        sqlx::query(
            "-- release_lane\nUPDATE lane SET lease_worker = NULL, lease_token = NULL, backing_off = 0, \
             next_at = (SELECT CASE WHEN MIN(run_at) < $2 THEN $2 ELSE MIN(run_at) END FROM event \
             WHERE event.lane = $1 AND event.state = 'pending') WHERE key = $1",
        )
        .bind(lane)
        .bind(now.as_millis())
        .execute(conn)
        .await
        .map(drop)
    })
    .map_err(StoreError::database("release a lane"))
}

async fn insert_attempt(tx: &mut Tx, event: &EventId, attempt: &Attempt, worker: &WorkerId) -> Result<()> {
    on!(tx, |conn| {
        sqlx::query(
            "-- insert_attempt\n\
             INSERT INTO attempt (event, number, started_at, duration_ms, outcome, http_status, detail, worker) \
             SELECT id, attempts, $2, $3, $4, $5, $6, $7 FROM event WHERE id = $1",
        )
        .bind(event.as_str())
        .bind(attempt.started_at.as_millis())
        .bind(attempt.duration_ms)
        .bind(attempt.outcome)
        .bind(attempt.http_status.map(i64::from))
        .bind(attempt.detail.as_deref())
        .bind(worker.as_str())
        .execute(conn)
        .await
        .map(drop)
    })
    .map_err(StoreError::database("record an attempt"))
}

#[derive(sqlx::FromRow)]
struct EventRow {
    id: String,
    source: String,
    kind: String,
    order_key: i64,
    received_at: i64,
    run_at: i64,
    origin: String,
    body: Option<Vec<u8>>,
    attempts: i64,
    first_failed_at: Option<i64>,
    begun_to: Option<i64>,
    done_to: i64,
}

impl TryFrom<EventRow> for PendingEvent {
    type Error = StoreError;

    fn try_from(row: EventRow) -> Result<Self> {
        Ok(Self {
            source: Source::parse(&row.source).ok_or_else(|| StoreError::row("event", "source", &row.source))?,
            origin: Origin::parse(&row.origin).ok_or_else(|| StoreError::row("event", "origin", &row.origin))?,
            id: EventId::new(row.id),
            kind: row.kind,
            order_key: row.order_key,
            received_at: Timestamp::from_millis(row.received_at),
            run_at: Timestamp::from_millis(row.run_at),
            body: row.body.unwrap_or_default().into(),
            attempts: u32::try_from(row.attempts).unwrap_or(u32::MAX),
            first_failed_at: row.first_failed_at.map(Timestamp::from_millis),
        })
    }
}

/// Reads what a lane may deliver now, in order.
///
/// Whatever belongs in front of an event that is due goes with it, due or not: its turn has come, and what could still
/// overtake it within the reorder window has had the time to arrive. Nothing may be delivered while the chat waits to be joined to
/// another: what came before may still be in the other one's lane.
pub(crate) async fn due_events(db: &Db, lane: &Lane, now: Timestamp) -> Result<DueEvents> {
    let mut rows: Vec<EventRow> = read!(db, |pool| {
        sqlx::query_as(
            "-- due_events\n\
             SELECT id, source, kind, order_key, received_at, run_at, origin, body, attempts - past_attempts AS attempts, \
             first_failed_at, (\
               SELECT MAX(begun.order_key) FROM link JOIN event AS begun ON begun.id = link.event \
               WHERE link.session = $4 AND link.chat = $5 AND link.state = 'intent' AND begun.lane = $1 \
               AND begun.state = 'pending' AND (link.tried_at IS NOT NULL OR EXISTS (\
                 SELECT 1 FROM link AS part WHERE part.session = $4 AND part.direction = link.direction \
                 AND part.source_id = link.source_id AND part.state = 'sent'))) AS begun_to, \
             (SELECT done_to FROM lane WHERE key = $1) AS done_to \
             FROM event \
             WHERE lane = $1 AND state = 'pending' AND EXISTS (\
               SELECT 1 FROM event AS due WHERE due.lane = $1 AND due.state = 'pending' AND due.run_at <= $3) \
             AND NOT EXISTS (SELECT 1 FROM chat_merge WHERE session = $4 AND $5 IN (gone, into_chat)) \
             ORDER BY order_key, received_at, id LIMIT $2",
        )
        .bind(lane.key())
        .bind(READ_AHEAD)
        .bind(now.as_millis())
        .bind(lane.session.as_str())
        .bind(lane.chat.as_str())
        .fetch_all(pool)
        .await
    })
    .map_err(StoreError::database("read a lane"))?;
    if is_sabotaged(Sabotage::LaneOrder) {
        rows.reverse();
    }
    let turns = order::turns(rows.iter().map(|row| Timestamp::from_millis(row.run_at)), now);
    let begun_to = rows.first().map_or(0, |row| row.begun_to.unwrap_or(0).max(row.done_to));
    let events = rows.into_iter().take(turns).map(PendingEvent::try_from).collect::<Result<_>>()?;
    Ok(DueEvents { events, begun_to })
}

/// How the last attempt at an event ended, in the turn that it has now.
pub(crate) async fn last_outcome(db: &Db, event: &EventId) -> Result<Option<String>> {
    let row: Option<(String,)> = read!(db, |pool| {
        sqlx::query_as(
            "-- last_outcome\nSELECT outcome FROM attempt JOIN event ON event.id = attempt.event \
             WHERE attempt.event = $1 AND attempt.number > event.past_attempts ORDER BY attempt.number DESC LIMIT 1",
        )
        .bind(event.as_str())
        .fetch_optional(pool)
        .await
    })
    .map_err(StoreError::database("read the attempts"))?;
    Ok(row.map(|(outcome,)| outcome))
}

/// How often a message of Chatwoot has ended without being sent, when its last turn is over and ended so.
pub(crate) async fn failed_turns(
    db: &Db,
    session: &SessionId,
    first: &str,
    again: &str,
) -> Result<Option<FailedTurns>> {
    let rows: Vec<(String, Option<Vec<u8>>)> = read!(db, |pool| {
        sqlx::query_as(
            "-- failed_turns\nSELECT state, body FROM event WHERE session = $1 AND source = 'chatwoot' \
             AND (dedup_key = $2 OR (dedup_key >= $3 AND dedup_key < $4)) ORDER BY received_at, id",
        )
        .bind(session.as_str())
        .bind(first)
        .bind(again)
        .bind(format!("{again}~"))
        .fetch_all(pool)
        .await
    })
    .map_err(StoreError::database("look up failed messages"))?;
    let has_failed = |state: &str| matches!(state, "dead" | "expired");
    if !rows.last().is_some_and(|(state, _)| has_failed(state)) {
        return Ok(None);
    }
    let body = rows.first().and_then(|(_, body)| body.clone()).map(Bytes::from);
    Ok(Some(FailedTurns { count: rows.len(), body }))
}

/// How many processes are alive; one on SQLite, which has one owner.
pub(crate) async fn living_workers(db: &Db) -> Result<u32> {
    let Db::Postgres { read, .. } = db else { return Ok(1) };
    let (count,): (i64,) = sqlx::query_as(
        "-- living_workers\nSELECT COUNT(*) FROM worker \
         WHERE beat_at > (EXTRACT(EPOCH FROM clock_timestamp()) * 1000)::bigint - $1",
    )
    .bind(SILENCE_MS)
    .fetch_one(read)
    .await
    .map_err(StoreError::database("count the processes"))?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX).max(1))
}

/// When the next free lane of a working session is due.
pub(crate) async fn next_due(db: &Db, saturated: &[SessionId]) -> Result<Option<Timestamp>> {
    let saturated = marked(saturated);
    let (next,): (Option<i64>,) = read!(db, |pool| {
        sqlx::query_as(
            "-- next_due\nSELECT MIN(lane.next_at) FROM lane JOIN session ON session.id = lane.session \
             WHERE lane.next_at IS NOT NULL AND lane.lease_token IS NULL \
             AND (session.state = 'active' OR lane.kind = 'desk') \
             AND $1 NOT LIKE '%|' || lane.session || '|%' \
             AND NOT EXISTS (SELECT 1 FROM chat_merge AS merging \
               WHERE merging.session = lane.session AND lane.chat IN (merging.gone, merging.into_chat))",
        )
        .bind(saturated)
        .fetch_one(pool)
        .await
    })
    .map_err(StoreError::database("look for the next event"))?;
    Ok(next.map(Timestamp::from_millis))
}
