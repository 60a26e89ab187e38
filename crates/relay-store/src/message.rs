//! Looking at messages: what was received, what became of it, and every try. Reads only.

use bytes::Bytes;
use relay_domain::Timestamp;
use relay_domain::id::{ChatKey, EventId, SessionId};

use crate::db::{Db, read};
use crate::error::{Result, StoreError};
use crate::model::{EventState, Lane, LaneKind, Origin, Source};

/// Which messages are wanted, newest first. What is `None` does not matter.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Of this session.
    pub session: Option<SessionId>,
    /// On this way.
    pub kind: Option<LaneKind>,
    /// In this state.
    pub state: Option<EventState>,
    /// Of the chat with this key, or that goes by this name.
    pub chat: Option<String>,
    /// Received at this time or later.
    pub since: Option<Timestamp>,
    /// Received before this one.
    pub before: Option<EventId>,
    /// At most so many.
    pub limit: u32,
}

/// A received message, with what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its id.
    pub id: EventId,
    /// Where it queued.
    pub lane: Lane,
    /// Who sent it.
    pub source: Source,
    /// What it is called.
    pub event: String,
    /// What brought it here.
    pub origin: Origin,
    /// Its place in the lane.
    pub order_key: i64,
    /// When it arrived.
    pub received_at: Timestamp,
    /// Its state.
    pub state: EventState,
    /// Why it was ignored, is dead or expired.
    pub reason: Option<String>,
    /// How often its delivery was attempted.
    pub attempts: u32,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// The bytes as received; `None` once they were emptied.
    pub body: Option<Bytes>,
}

/// A try to deliver, as it was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// Which one, from 1.
    pub number: u32,
    /// When it began.
    pub started_at: Timestamp,
    /// How long it took, in milliseconds.
    pub duration_ms: i64,
    /// How it ended, as a stable word.
    pub outcome: String,
    /// What the other side answered.
    pub http_status: Option<u16>,
    /// Masked details.
    pub detail: Option<String>,
}

/// A statement about messages with all their columns.
macro_rules! select {
    ($name:literal, $rest:literal) => {
        concat!(
            "-- ",
            $name,
            "\nSELECT e.id, e.session, l.kind AS way, l.chat, e.source, e.kind, e.origin, e.order_key, e.received_at, e.state, \
             e.reason, e.attempts, e.finished_at, e.body FROM event e JOIN lane l ON l.key = e.lane WHERE ",
            $rest
        )
    };
}

/// The messages that are wanted, newest first; ids are in the order of arrival.
pub(crate) async fn list(db: &Db, wanted: &Wanted) -> Result<Vec<Stored>> {
    let rows: Vec<Row> = read!(db, |pool| {
        sqlx::query_as(select!(
            "list_messages",
            "($1 IS NULL OR e.session = $1) AND ($2 IS NULL OR l.kind = $2) AND ($3 IS NULL OR e.state = $3) \
             AND ($4 IS NULL OR l.chat = $4 OR EXISTS (SELECT 1 FROM chat_alias a WHERE a.session = e.session \
             AND a.alias = $4 AND a.chat = l.chat)) AND ($5 IS NULL OR e.received_at >= $5) \
             AND ($6 IS NULL OR e.id < $6) ORDER BY e.id DESC LIMIT $7"
        ))
        .bind(wanted.session.as_ref().map(SessionId::as_str))
        .bind(wanted.kind.map(LaneKind::as_str))
        .bind(wanted.state.map(EventState::as_str))
        .bind(wanted.chat.as_deref())
        .bind(wanted.since.map(Timestamp::as_millis))
        .bind(wanted.before.as_ref().map(EventId::as_str))
        .bind(i64::from(wanted.limit))
        .fetch_all(pool)
        .await
    })
    .map_err(StoreError::database("list messages"))?;
    rows.into_iter().map(Stored::try_from).collect()
}

/// One message.
pub(crate) async fn get(db: &Db, id: &EventId) -> Result<Option<Stored>> {
    let row: Option<Row> = read!(db, |pool| {
        sqlx::query_as(select!("get_message", "e.id = $1")).bind(id.as_str()).fetch_optional(pool).await
    })
    .map_err(StoreError::database("read a message"))?;
    row.map(Stored::try_from).transpose()
}

/// Every try to deliver an event, in order.
pub(crate) async fn tries(db: &Db, event: &EventId) -> Result<Vec<Tried>> {
    let rows: Vec<TriedRow> = read!(db, |pool| {
        sqlx::query_as(
            "-- list_attempts\nSELECT number, started_at, duration_ms, outcome, http_status, detail FROM attempt \
             WHERE event = $1 ORDER BY number",
        )
        .bind(event.as_str())
        .fetch_all(pool)
        .await
    })
    .map_err(StoreError::database("read the attempts"))?;
    Ok(rows.into_iter().map(Tried::from).collect())
}

#[derive(sqlx::FromRow)]
pub(crate) struct Row {
    id: String,
    session: String,
    way: String,
    chat: String,
    source: String,
    kind: String,
    origin: String,
    order_key: i64,
    received_at: i64,
    state: String,
    reason: Option<String>,
    attempts: i64,
    finished_at: Option<i64>,
    body: Option<Vec<u8>>,
}

impl TryFrom<Row> for Stored {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self> {
        let kind = LaneKind::parse(&row.way).ok_or_else(|| StoreError::row("lane", "kind", &row.way))?;
        Ok(Self {
            lane: Lane { session: SessionId::new(row.session), kind, chat: ChatKey::new(row.chat) },
            source: Source::parse(&row.source).ok_or_else(|| StoreError::row("event", "source", &row.source))?,
            state: EventState::parse(&row.state).ok_or_else(|| StoreError::row("event", "state", &row.state))?,
            id: EventId::new(row.id),
            event: row.kind,
            origin: Origin::parse(&row.origin).ok_or_else(|| StoreError::row("event", "origin", &row.origin))?,
            order_key: row.order_key,
            received_at: Timestamp::from_millis(row.received_at),
            reason: row.reason,
            attempts: u32::try_from(row.attempts).unwrap_or(u32::MAX),
            finished_at: row.finished_at.map(Timestamp::from_millis),
            body: row.body.map(Bytes::from),
        })
    }
}

#[derive(sqlx::FromRow)]
struct TriedRow {
    number: i64,
    started_at: i64,
    duration_ms: i64,
    outcome: String,
    http_status: Option<i64>,
    detail: Option<String>,
}

impl From<TriedRow> for Tried {
    fn from(row: TriedRow) -> Self {
        Self {
            number: u32::try_from(row.number).unwrap_or(u32::MAX),
            started_at: Timestamp::from_millis(row.started_at),
            duration_ms: row.duration_ms,
            outcome: row.outcome,
            http_status: row.http_status.and_then(|status| u16::try_from(status).ok()),
            detail: row.detail,
        }
    }
}
