//! Ending events, many at once: each end touches four tables, and a busy relay ends hundreds of events a second.

use std::collections::HashSet;

use relay_domain::Timestamp;
use relay_domain::backoff::Direction;
use relay_domain::id::{EventId, SessionId, WorkerId};
use relay_domain::order;
use sqlx::QueryBuilder;
use tokio::sync::oneshot;

use crate::db::{KEPT, Tx, on};
use crate::error::{Result, StoreError};
use crate::lane::{self, Recorded};
use crate::link;
use crate::model::{Attempt, Change, End, Lane, LaneKind, Lease, LinkChange};

/// Ends an event, and gives the lane back when it was the last of what was read.
#[derive(Debug)]
pub struct Finish {
    /// The lane.
    pub lease: Lease,
    /// The event.
    pub event: EventId,
    /// Its place in the lane.
    pub order_key: i64,
    /// Its terminal state.
    pub end: End,
    /// When.
    pub now: Timestamp,
    /// The attempt that ended it, unless none was made.
    pub attempt: Option<Attempt>,
    /// What became of its parts.
    pub links: Vec<LinkChange>,
    /// Whether to give the lane back.
    pub release: bool,
    /// Who did it.
    pub worker: WorkerId,
}

/// An end on its way to the disk, and the caller that waits for it.
pub(crate) struct Ending {
    finish: Finish,
    lane: String,
    /// The lane of the other direction, when this shows that a message of it has arrived although that is not recorded there.
    confirms: Option<String>,
    outcome: Option<Result<Recorded>>,
    reply: oneshot::Sender<Result<Recorded>>,
}

impl Ending {
    pub(crate) fn new(finish: Finish) -> (Self, oneshot::Receiver<Result<Recorded>>) {
        let (reply, answer) = oneshot::channel();
        let (lane, confirms) = (finish.lease.lane.key(), confirmed(&finish));
        (Self { lane, confirms, finish, outcome: None, reply }, answer)
    }

    /// The lanes that are written.
    pub(crate) fn lanes(&self) -> impl Iterator<Item = &String> {
        std::iter::once(&self.lane).chain(&self.confirms)
    }

    pub(crate) fn fail(&mut self, error: StoreError) {
        self.outcome = Some(Err(error));
    }

    pub(crate) fn settle(self) {
        // the caller may have stopped waiting; the end stands all the same
        drop(self.reply.send(self.outcome.unwrap_or(Err(StoreError::Closed))));
    }

    fn is_recorded(&self) -> bool {
        matches!(self.outcome, Some(Ok(Recorded::Yes)))
    }

    fn changes(&self) -> impl Iterator<Item = (&SessionId, &LinkChange)> {
        self.finish.links.iter().map(|change| (&self.finish.lease.lane.session, change))
    }

    /// How far its lane has come by this.
    fn done_to(&self) -> i64 {
        order::done_to(0, self.finish.order_key, self.finish.end == End::Delivered)
    }
}

/// The lane of which a message came back as a copy, from the side that it was sent to.
fn confirmed(finish: &Finish) -> Option<String> {
    let lane = &finish.lease.lane;
    let other = match lane.kind {
        LaneKind::In => Direction::Out,
        LaneKind::Out => Direction::In,
        LaneKind::Receipt | LaneKind::Desk => return None,
    };
    let is_copy = |change: &LinkChange| {
        change.key.direction == other
            && matches!(change.change, Change::SentToWhatsApp { .. } | Change::PostedToChatwoot { .. })
    };
    let kind = if other == Direction::In { LaneKind::In } else { LaneKind::Out };
    finish.links.iter().any(is_copy).then(|| Lane { kind, ..lane.clone() }.key())
}

/// Ends all events whose leases hold. The writer has locked their lanes' rows: while a token is a lease's it stays so until the
/// commit.
pub(crate) async fn finish(tx: &mut Tx, endings: &mut [Ending]) -> Result<()> {
    let mut lanes = HashSet::new();
    // one statement writes a row once: a second event of a lane, which a lost lease leaves behind, goes alone
    let is_first: Vec<_> = endings.iter().map(|ending| lanes.insert(ending.lane.clone())).collect();
    let (mut together, mut alone) = (Vec::new(), Vec::new());
    for (ending, is_first) in endings.iter_mut().zip(is_first) {
        if is_first { together.push(ending) } else { alone.push(ending) }
    }
    finish_together(tx, together).await?;
    for ending in alone {
        finish_together(tx, vec![ending]).await?;
    }
    Ok(())
}

async fn finish_together(tx: &mut Tx, mut endings: Vec<&mut Ending>) -> Result<()> {
    if endings.is_empty() {
        return Ok(());
    }
    let ended = end_events(tx, &endings).await?;
    for ending in &mut endings {
        let recorded = if ended.contains(ending.finish.event.as_str()) {
            Recorded::Yes
        } else if lane::hold(tx, &ending.lane, &ending.finish.lease.token).await? {
            return Err(StoreError::row("event", "state", "a lease holder finished an event that was not pending"));
        } else {
            Recorded::LeaseLost
        };
        ending.outcome = Some(Ok(recorded));
    }
    endings.retain(|ending| ending.is_recorded());
    insert_attempts(tx, &endings).await?;
    link::change(tx, endings.iter().flat_map(|ending| ending.changes()).collect()).await?;
    confirm_lanes(tx, &endings).await?;
    advance_lanes(tx, &endings).await
}

/// Notes that lanes of the other direction have come as far as the messages of which a copy was seen: what is put in front of
/// them from now on is late, although they are not recorded as sent yet.
async fn confirm_lanes(tx: &mut Tx, endings: &[&mut Ending]) -> Result<()> {
    let copies = endings.iter().filter_map(|ending| Some((ending.confirms.as_ref()?, ending)));
    let copies: Vec<_> = copies
        .flat_map(|(lane, ending)| ending.changes().map(move |(session, change)| (lane, session, change)))
        .collect();
    if copies.is_empty() {
        return Ok(());
    }
    on!(tx, |conn| {
        let mut update =
            QueryBuilder::new("-- confirm_lanes\nWITH copy (lane, session, direction, source_id, part) AS (");
        update.push_values(&copies, |mut row, (lane, session, LinkChange { key, .. })| {
            row.push_bind(lane.as_str())
                .push_bind(session.as_str())
                .push_bind(key.direction.as_str())
                .push_bind(key.source_id.as_str())
                .push_bind(i64::from(key.part));
        });
        update.push(
            "), furthest (lane, order_key) AS (SELECT copy.lane, MAX(event.order_key) FROM copy \
               JOIN link ON link.session = copy.session AND link.direction = copy.direction \
                 AND link.source_id = copy.source_id AND link.part = copy.part \
               JOIN event ON event.id = link.event WHERE event.lane = copy.lane AND event.state = 'pending' GROUP BY copy.lane) \
             UPDATE lane SET done_to = furthest.order_key FROM furthest \
             WHERE lane.key = furthest.lane AND lane.done_to < furthest.order_key",
        );
        update.build().persistent(copies.len() <= KEPT).execute(conn).await.map(drop)
    })
    .map_err(StoreError::database("note what copies show"))
}

/// Returns the ids of the events that were pending in a lane whose lease holds.
async fn end_events(tx: &mut Tx, endings: &[&mut Ending]) -> Result<HashSet<String>> {
    let rows: Vec<(String,)> = on!(tx, |conn| {
        let mut update = QueryBuilder::new(
            "-- finish_events\nWITH done (event, state, reason, finished_at, attempts, lane, token) AS (",
        );
        update.push_values(endings, |mut row, Ending { finish, lane, .. }| {
            row.push_bind(finish.event.as_str())
                .push_bind(finish.end.as_str())
                .push_bind(finish.end.reason())
                .push_bind(finish.now.as_millis())
                .push_bind(i64::from(finish.attempt.is_some()))
                .push_bind(lane.as_str())
                .push_bind(finish.lease.token.as_str());
        });
        update.push(
            ") UPDATE event SET state = done.state, reason = done.reason, finished_at = done.finished_at, \
             attempts = event.attempts + done.attempts FROM done \
             WHERE event.id = done.event AND event.state = 'pending' \
             AND EXISTS (SELECT 1 FROM lane WHERE lane.key = done.lane AND lane.lease_token = done.token) \
             RETURNING event.id",
        );
        update.build_query_as().persistent(endings.len() <= KEPT).fetch_all(conn).await
    })
    .map_err(StoreError::database("finish events"))?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

async fn insert_attempts(tx: &mut Tx, endings: &[&mut Ending]) -> Result<()> {
    let attempts = endings.iter().filter_map(|ending| Some((&ending.finish, ending.finish.attempt.as_ref()?)));
    let attempts: Vec<_> = attempts.collect();
    if attempts.is_empty() {
        return Ok(());
    }
    on!(tx, |conn| {
        let mut insert = QueryBuilder::new(
            "-- insert_attempts\nWITH tried (event, started_at, duration_ms, outcome, http_status, detail, worker) AS (",
        );
        insert.push_values(&attempts, |mut row, (finish, attempt)| {
            row.push_bind(finish.event.as_str())
                .push_bind(attempt.started_at.as_millis())
                .push_bind(attempt.duration_ms)
                .push_bind(attempt.outcome)
                .push_bind(attempt.http_status.map(i64::from))
                .push_bind(attempt.detail.as_deref())
                .push_bind(finish.worker.as_str());
        });
        insert.push(
            ") INSERT INTO attempt (event, number, started_at, duration_ms, outcome, http_status, detail, worker) \
             SELECT event.id, event.attempts, tried.started_at, tried.duration_ms, tried.outcome, tried.http_status, \
             tried.detail, tried.worker FROM tried JOIN event ON event.id = tried.event",
        );
        insert.build().persistent(attempts.len() <= KEPT).execute(conn).await.map(drop)
    })
    .map_err(StoreError::database("record attempts"))
}

/// Notes how far lanes have come, and gives back those that are done with. One that still has work goes behind those that waited
/// meanwhile, so that none starves.
async fn advance_lanes(tx: &mut Tx, endings: &[&mut Ending]) -> Result<()> {
    if endings.is_empty() {
        return Ok(());
    }
    on!(tx, |conn| {
        let mut update = QueryBuilder::new("-- advance_lanes\nWITH done (lane, now, done_to, released) AS (");
        update.push_values(endings, |mut row, ending| {
            row.push_bind(ending.lane.as_str())
                .push_bind(ending.finish.now.as_millis())
                .push_bind(ending.done_to())
                .push_bind(i64::from(ending.finish.release));
        });
        update.push(
            ") UPDATE lane SET done_to = CASE WHEN lane.done_to < done.done_to THEN done.done_to ELSE lane.done_to END, \
             lease_worker = CASE WHEN done.released = 1 THEN NULL ELSE lane.lease_worker END, \
             lease_token = CASE WHEN done.released = 1 THEN NULL ELSE lane.lease_token END, \
             backing_off = CASE WHEN done.released = 1 THEN 0 ELSE lane.backing_off END, \
             next_at = CASE WHEN done.released = 1 THEN (\
               SELECT CASE WHEN MIN(event.run_at) < done.now THEN done.now ELSE MIN(event.run_at) END FROM event \
               WHERE event.lane = done.lane AND event.state = 'pending') ELSE lane.next_at END \
             FROM done WHERE lane.key = done.lane",
        );
        update.build().persistent(endings.len() <= KEPT).execute(conn).await.map(drop)
    })
    .map_err(StoreError::database("give lanes back"))
}
