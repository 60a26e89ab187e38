//! What a person decides about dead letters: another turn, or an end without one.
//!
//! Another turn makes the event pending again, in its old place: attempts go on counting, parts that were sent stay sent, and those
//! that had failed may be sent. Whoever works on the lane meanwhile is not disturbed: the lane's row is locked first, as by everybody
//! who makes or ends its events.

use relay_domain::Timestamp;
use relay_domain::id::EventId;

use crate::db::{Tx, on};
use crate::dead::{DeadFilter, bind, conditions};
use crate::error::{Result, StoreError};
use crate::lane;
use crate::model::{EventState, LaneKind};
use crate::writer::Verb;

/// What the reason of a dropped event begins with.
const DROPPED: &str = "dropped: ";

/// What becomes of a dead letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It gets another turn.
    Retry,
    /// Nothing of it is to cross; a person says why.
    Drop(String),
}

/// What a decision did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Decided {
    /// It took effect.
    Done,
    /// The event has this state, and nothing was changed. For a retry, `pending` means that it was asked for before.
    Is(EventState),
    /// It cannot be tried again: its bytes were emptied.
    BodyGone,
    /// There is no such event.
    Unknown,
}

/// A decision about one dead letter.
#[derive(Debug)]
pub(crate) struct Decide {
    pub(crate) event: EventId,
    pub(crate) decision: Decision,
    pub(crate) now: Timestamp,
}

/// A decision about many dead letters, in the order of their lanes; each is one portion of the whole.
#[derive(Clone, Debug)]
pub struct DecideMany {
    /// Which are meant.
    pub filter: DeadFilter,
    /// Go on after this one: the last of the portion before.
    pub after: Option<EventId>,
    /// At most so many.
    pub limit: u32,
    /// What becomes of them.
    pub decision: Decision,
    /// Now.
    pub now: Timestamp,
}

/// What one portion did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Portion {
    /// Events for which the decision took effect.
    pub done: u32,
    /// Events that cannot be tried again because their bytes were emptied.
    pub refused: u32,
    /// The last event looked at; `None` when there are no more.
    pub last: Option<EventId>,
}

#[derive(sqlx::FromRow)]
struct DeadRow {
    id: String,
    session: String,
    lane: String,
    way: String,
    order_key: i64,
    state: String,
    is_gone: i64,
}

/// The columns of a [`DeadRow`].
macro_rules! dead_rows {
    ($name:literal, $rest:expr) => {
        concat!(
            "-- ",
            $name,
            "\nSELECT e.id, e.session, e.lane, l.kind AS way, e.order_key, e.state, \
             CAST(CASE WHEN e.body IS NULL THEN 1 ELSE 0 END AS BIGINT) AS is_gone \
             FROM event e JOIN lane l ON l.key = e.lane WHERE ",
            $rest
        )
    };
}

impl Verb for Decide {
    type Out = Decided;

    fn brings_events(&self) -> bool {
        self.decision == Decision::Retry
    }

    async fn apply(&self, tx: &mut Tx) -> Result<Decided> {
        let Some(seen) = self.read(tx).await? else { return Ok(Decided::Unknown) };
        lane::lock(tx, vec![seen.lane]).await?;
        // as it is now that nobody else can change it
        let Some(row) = self.read(tx).await? else { return Ok(Decided::Unknown) };
        row.settle(tx, &self.decision, self.now).await
    }
}

impl Decide {
    async fn read(&self, tx: &mut Tx) -> Result<Option<DeadRow>> {
        on!(tx, |conn| {
            sqlx::query_as(dead_rows!("read_dead", "e.id = $1")).bind(self.event.as_str()).fetch_optional(conn).await
        })
        .map_err(StoreError::database("read a dead letter"))
    }
}

impl Verb for DecideMany {
    type Out = Portion;

    fn brings_events(&self) -> bool {
        self.decision == Decision::Retry
    }

    async fn apply(&self, tx: &mut Tx) -> Result<Portion> {
        let rows: Vec<DeadRow> = on!(tx, |conn| {
            bind!(
                sqlx::query_as(dead_rows!(
                    "next_dead",
                    concat!(
                        "e.state IN ('dead', 'expired') AND ",
                        conditions!(),
                        " AND ($9 IS NULL OR (e.lane, e.order_key, e.received_at, e.id) > \
                         (SELECT lane, order_key, received_at, id FROM event WHERE id = $9)) \
                         ORDER BY e.lane, e.order_key, e.received_at, e.id LIMIT $10"
                    )
                )),
                self.filter
            )
            .bind(self.after.as_ref().map(EventId::as_str))
            .bind(i64::from(self.limit))
            .fetch_all(conn)
            .await
        })
        .map_err(StoreError::database("look for dead letters"))?;
        let mut lanes: Vec<_> = rows.iter().map(|row| row.lane.clone()).collect();
        lanes.dedup();
        lane::lock(tx, lanes).await?;
        let mut portion = Portion { last: rows.last().map(|row| EventId::new(row.id.clone())), ..Portion::default() };
        for row in &rows {
            match row.settle(tx, &self.decision, self.now).await? {
                Decided::Done => portion.done += 1,
                Decided::BodyGone => portion.refused += 1,
                // somebody else decided meanwhile
                Decided::Is(_) | Decided::Unknown => {}
            }
        }
        Ok(portion)
    }
}

impl DeadRow {
    /// Carries the decision out. The lane's row is locked.
    async fn settle(&self, tx: &mut Tx, decision: &Decision, now: Timestamp) -> Result<Decided> {
        let state = EventState::parse(&self.state).ok_or_else(|| StoreError::row("event", "state", &self.state))?;
        if !matches!(state, EventState::Dead | EventState::Expired) {
            return Ok(Decided::Is(state));
        }
        let was_dead = match decision {
            Decision::Retry if self.is_gone == 1 => return Ok(Decided::BodyGone),
            Decision::Retry => self.wait_again(tx, now).await?,
            Decision::Drop(why) => self.drop_for(tx, why, now).await?,
        };
        if !was_dead {
            return Ok(Decided::Is(EventState::Pending));
        }
        if *decision == Decision::Retry {
            self.free_parts(tx).await?;
            self.wake_lane(tx, now).await?;
        }
        Ok(Decided::Done)
    }

    async fn wait_again(&self, tx: &mut Tx, now: Timestamp) -> Result<bool> {
        on!(tx, |conn| {
            sqlx::query(
                "-- retry_event\nUPDATE event SET state = 'pending', origin = 'manual', run_at = $2, reason = NULL, \
                 finished_at = NULL, first_failed_at = NULL, past_attempts = attempts \
                 WHERE id = $1 AND state IN ('dead', 'expired')",
            )
            .bind(&self.id)
            .bind(now.as_millis())
            .execute(conn)
            .await
            .map(|done| done.rows_affected() == 1)
        })
        .map_err(StoreError::database("retry an event"))
    }

    async fn drop_for(&self, tx: &mut Tx, why: &str, now: Timestamp) -> Result<bool> {
        on!(tx, |conn| {
            sqlx::query(
                "-- drop_event\nUPDATE event SET state = 'ignored', reason = $2, finished_at = $3 \
                 WHERE id = $1 AND state IN ('dead', 'expired')",
            )
            .bind(&self.id)
            .bind(format!("{DROPPED}{why}"))
            .bind(now.as_millis())
            .execute(conn)
            .await
            .map(|done| done.rows_affected() == 1)
        })
        .map_err(StoreError::database("drop an event"))
    }

    /// Lets parts that had failed be sent; those that were sent stay so. The parts of an agent's message may have been written down
    /// by an earlier turn of it, which was another event.
    async fn free_parts(&self, tx: &mut Tx) -> Result<()> {
        let message = (self.way == LaneKind::Out.as_str()).then(|| self.order_key.to_string());
        on!(tx, |conn| {
            sqlx::query(
                "-- free_parts\nUPDATE link SET state = 'intent' WHERE session = $1 AND state = 'failed' \
                 AND (event = $2 OR (direction = 'out' AND source_id = $3))",
            )
            .bind(&self.session)
            .bind(&self.id)
            .bind(message)
            .execute(conn)
            .await
            .map(drop)
        })
        .map_err(StoreError::database("free the parts of an event"))
    }

    /// A lane that waits after a failure goes on waiting, as when a new event comes.
    async fn wake_lane(&self, tx: &mut Tx, now: Timestamp) -> Result<()> {
        on!(tx, |conn| {
            sqlx::query(
                "-- wake_lane\nUPDATE lane SET next_at = $2 \
                 WHERE key = $1 AND (next_at IS NULL OR (backing_off = 0 AND next_at > $2))",
            )
            .bind(&self.lane)
            .bind(now.as_millis())
            .execute(conn)
            .await
            .map(drop)
        })
        .map_err(StoreError::database("wake a lane"))
    }
}
