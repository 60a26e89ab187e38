//! How far gap recovery has looked, and whose turn it is to look.
//!
//! Invariant: a cursor moves when a sweep is complete and never otherwise; what a sweep under way has done is progress, which a
//! restart continues.

use std::collections::HashMap;

use relay_domain::Timestamp;
use relay_domain::backoff::Direction;
use relay_domain::id::SessionId;

use crate::db::{Db, Tx, on, read};
use crate::error::{Result, StoreError};
use crate::lane;
use crate::writer::Verb;

/// How far one direction of a session was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Everything that the other side dates up to here was looked at, by its clock.
    pub done_to: Timestamp,
    /// And everything with an id up to here, where ids are in order; 0 while no sweep was complete.
    pub done_id: i64,
    /// When the last sweep was complete.
    pub completed_at: Option<Timestamp>,
    /// How far the sweep under way has come.
    pub progress: Progress,
}

/// How far a sweep has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Which pass, from 0.
    pub pass: u32,
    /// The next page of it, from 1; 0 before the first.
    pub page: u32,
    /// The newest there was when the sweep began, by the other side's clock.
    pub newest: Timestamp,
    /// Whether this pass found anything, or may have passed something over: then another follows.
    pub is_open: bool,
}

/// Takes the sweep of one direction of a session, when it is due.
#[derive(Clone, Debug)]
pub struct BeginSweep {
    /// The session.
    pub session: SessionId,
    /// The direction.
    pub way: Direction,
    /// Now.
    pub now: Timestamp,
    /// Until when no other process takes it.
    pub until: Timestamp,
    /// Whether it is wanted before it is due.
    pub at_once: bool,
    /// Where the cursor begins: when the session was made.
    pub created_at: Timestamp,
}

/// Whether a sweep may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    /// It is ours.
    Yes(Cursor),
    /// It is due then, or another process has it until then.
    NotBefore(Timestamp),
    /// The session is gone.
    NoSession,
}

impl Verb for BeginSweep {
    type Out = Begun;

    async fn apply(&self, tx: &mut Tx) -> Result<Begun> {
        let way = word(self.way);
        on!(tx, |conn| {
            sqlx::query(
                "-- open_cursor\nINSERT INTO cursor (session, way, done_to, due_at) SELECT id, $2, $3, 0 FROM session \
                 WHERE id = $1 ON CONFLICT (session, way) DO NOTHING",
            )
            .bind(self.session.as_str())
            .bind(way)
            .bind(self.created_at.as_millis())
            .execute(conn)
            .await
            .map(drop)
        })
        .map_err(StoreError::database("open a cursor"))?;
        let taken: Option<Row> = on!(tx, |conn| {
            sqlx::query_as(
                "-- begin_sweep\nUPDATE cursor SET due_at = $3 WHERE session = $1 AND way = $2 AND (due_at <= $4 OR $5 = 1) \
                 RETURNING done_to, done_id, completed_at, pass, page, newest, is_open",
            )
            .bind(self.session.as_str())
            .bind(way)
            .bind(self.until.as_millis())
            .bind(self.now.as_millis())
            .bind(i64::from(self.at_once))
            .fetch_optional(conn)
            .await
        })
        .map_err(StoreError::database("begin a sweep"))?;
        if let Some(row) = taken {
            return Ok(Begun::Yes(row.into()));
        }
        let due: Option<(i64,)> = on!(tx, |conn| {
            sqlx::query_as("-- sweep_due\nSELECT due_at FROM cursor WHERE session = $1 AND way = $2")
                .bind(self.session.as_str())
                .bind(way)
                .fetch_optional(conn)
                .await
        })
        .map_err(StoreError::database("read when a sweep is due"))?;
        Ok(due.map_or(Begun::NoSession, |(due,)| Begun::NotBefore(Timestamp::from_millis(due))))
    }
}

/// Notes how far a sweep has come, or that it is over.
#[derive(Clone, Debug)]
pub struct SaveSweep {
    /// The session.
    pub session: SessionId,
    /// The direction.
    pub way: Direction,
    /// Where it stands.
    pub cursor: Cursor,
    /// When the sweep goes on, or the next is due.
    pub due_at: Timestamp,
}

impl Verb for SaveSweep {
    type Out = ();

    async fn apply(&self, tx: &mut Tx) -> Result<()> {
        let Cursor { done_to, done_id, completed_at, progress } = self.cursor;
        on!(tx, |conn| {
            sqlx::query(
                "-- save_sweep\nUPDATE cursor SET done_to = $3, done_id = $4, completed_at = $5, due_at = $6, pass = $7, \
                 page = $8, newest = $9, is_open = $10 WHERE session = $1 AND way = $2",
            )
            .bind(self.session.as_str())
            .bind(word(self.way))
            .bind(done_to.as_millis())
            .bind(done_id)
            .bind(completed_at.map(Timestamp::as_millis))
            .bind(self.due_at.as_millis())
            .bind(i64::from(progress.pass))
            .bind(i64::from(progress.page))
            .bind(progress.newest.as_millis())
            .bind(i64::from(progress.is_open))
            .execute(conn)
            .await
            .map(drop)
        })
        .map_err(StoreError::database("note how far a sweep has come"))?;
        if self.way == Direction::In {
            return Ok(());
        }
        on!(tx, |conn| {
            sqlx::query("-- forget_swept\nDELETE FROM swept WHERE session = $1 AND done_id <= $2")
                .bind(self.session.as_str())
                .bind(done_id)
                .execute(conn)
                .await
                .map(drop)
        })
        .map_err(StoreError::database("forget how far conversations were looked at"))
    }
}

/// Notes how far a sweep of what agents wrote has come in a conversation.
#[derive(Clone, Debug)]
pub struct SaveSwept {
    /// The session.
    pub session: SessionId,
    /// Chatwoot's id of the conversation.
    pub conversation: i64,
    /// All its messages with an id up to here were looked at.
    pub done_id: i64,
}

impl Verb for SaveSwept {
    type Out = ();

    async fn apply(&self, tx: &mut Tx) -> Result<()> {
        on!(tx, |conn| {
            sqlx::query(
                "-- save_swept\nINSERT INTO swept (session, conversation, done_id) SELECT id, $2, $3 FROM session WHERE id = $1 \
                 ON CONFLICT (session, conversation) DO UPDATE SET done_id = excluded.done_id \
                 WHERE excluded.done_id > swept.done_id",
            )
            .bind(self.session.as_str())
            .bind(self.conversation)
            .bind(self.done_id)
            .execute(conn)
            .await
            .map(drop)
        })
        .map_err(StoreError::database("note how far a conversation was looked at"))
    }
}

/// How far conversations were looked at beyond the cursor of what agents wrote.
pub(crate) async fn swept(db: &Db, session: &SessionId) -> Result<HashMap<i64, i64>> {
    let rows: Vec<(i64, i64)> = read!(db, |pool| {
        sqlx::query_as("-- list_swept\nSELECT conversation, done_id FROM swept WHERE session = $1")
            .bind(session.as_str())
            .fetch_all(pool)
            .await
    })
    .map_err(StoreError::database("read how far conversations were looked at"))?;
    Ok(rows.into_iter().collect())
}

/// Lets what a sweep found, and held back until it had found all, run from now on.
pub(crate) struct ReleaseSwept {
    pub(crate) session: SessionId,
    pub(crate) now: Timestamp,
}

impl Verb for ReleaseSwept {
    type Out = ();

    async fn apply(&self, tx: &mut Tx) -> Result<()> {
        let lanes: Vec<(String,)> = on!(tx, |conn| {
            sqlx::query_as(
                "-- swept_lanes\nSELECT DISTINCT event.lane FROM event JOIN lane ON lane.key = event.lane \
                 WHERE event.session = $1 AND event.state = 'pending' AND event.origin = 'sweep' AND event.run_at > $2 \
                 AND lane.kind = 'in' ORDER BY event.lane",
            )
            .bind(self.session.as_str())
            .bind(self.now.as_millis())
            .fetch_all(conn)
            .await
        })
        .map_err(StoreError::database("list lanes with what a sweep found"))?;
        lane::lock(tx, lanes.iter().map(|(lane,)| lane.clone()).collect()).await?;
        for (lane,) in &lanes {
            self.release(tx, lane).await?;
        }
        Ok(())
    }
}

impl ReleaseSwept {
    async fn release(&self, tx: &mut Tx, lane: &str) -> Result<()> {
        on!(tx, |conn| {
            sqlx::query(
                "-- release_swept\nUPDATE event SET run_at = $2 WHERE lane = $1 AND state = 'pending' AND origin = 'sweep' \
                 AND run_at > $2",
            )
            .bind(lane)
            .bind(self.now.as_millis())
            .execute(conn)
            .await
            .map(drop)
        })
        .map_err(StoreError::database("release what a sweep found"))?;
        // a lane that backs off keeps doing so
        on!(tx, |conn| {
            sqlx::query(
                "-- wake_swept\nUPDATE lane SET next_at = $2 WHERE key = $1 AND backing_off = 0 AND next_at > $2",
            )
            .bind(lane)
            .bind(self.now.as_millis())
            .execute(conn)
            .await
            .map(drop)
        })
        .map_err(StoreError::database("wake a lane"))
    }
}

/// One cursor.
pub(crate) async fn get(db: &Db, session: &SessionId, way: Direction) -> Result<Option<Cursor>> {
    let row: Option<Row> = read!(db, |pool| {
        sqlx::query_as(
            "-- get_cursor\nSELECT done_to, done_id, completed_at, pass, page, newest, is_open FROM cursor \
             WHERE session = $1 AND way = $2",
        )
        .bind(session.as_str())
        .bind(word(way))
        .fetch_optional(pool)
        .await
    })
    .map_err(StoreError::database("read a cursor"))?;
    Ok(row.map(Cursor::from))
}

const fn word(way: Direction) -> &'static str {
    match way {
        Direction::In => "in",
        Direction::Out => "out",
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    done_to: i64,
    done_id: i64,
    completed_at: Option<i64>,
    pass: i64,
    page: i64,
    newest: i64,
    is_open: i64,
}

impl From<Row> for Cursor {
    fn from(row: Row) -> Self {
        let small = |number: i64| u32::try_from(number).unwrap_or(0);
        Self {
            done_to: Timestamp::from_millis(row.done_to),
            done_id: row.done_id,
            completed_at: row.completed_at.map(Timestamp::from_millis),
            progress: Progress {
                pass: small(row.pass),
                page: small(row.page),
                newest: Timestamp::from_millis(row.newest),
                is_open: row.is_open == 1,
            },
        }
    }
}
