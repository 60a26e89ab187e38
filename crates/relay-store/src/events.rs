//! Looking at events: what became of each. Reads only, and never the body.

use relay_domain::id::{EventId, SessionId};

use crate::db::{Db, read};
use crate::error::{Result, StoreError};
use crate::model::{EventState, Source};

/// What became of one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Its id.
    pub id: EventId,
    /// What it is called.
    pub kind: String,
    /// Its state.
    pub state: EventState,
    /// Why it was ignored, is dead or expired.
    pub reason: Option<String>,
    /// How often its delivery was attempted.
    pub attempts: u32,
}

/// The newest events, newest first; ids are in the order of arrival.
pub(crate) async fn newest(db: &Db, limit: u32) -> Result<Vec<Told>> {
    let rows: Vec<Row> = read!(db, |pool| {
        sqlx::query_as(
            "-- newest_events\nSELECT id, kind, state, reason, attempts FROM event ORDER BY id DESC LIMIT $1",
        )
        .bind(i64::from(limit))
        .fetch_all(pool)
        .await
    })
    .map_err(StoreError::database("list events"))?;
    rows.into_iter().map(Told::try_from).collect()
}

/// Whether an event with this key was ever received.
pub(crate) async fn is_known(db: &Db, session: &SessionId, source: Source, dedup_key: &str) -> Result<bool> {
    let row: Option<(String,)> = read!(db, |pool| {
        sqlx::query_as("-- is_known\nSELECT id FROM event WHERE session = $1 AND source = $2 AND dedup_key = $3")
            .bind(session.as_str())
            .bind(source.as_str())
            .bind(dedup_key)
            .fetch_optional(pool)
            .await
    })
    .map_err(StoreError::database("look for an event"))?;
    Ok(row.is_some())
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    kind: String,
    state: String,
    reason: Option<String>,
    attempts: i64,
}

impl TryFrom<Row> for Told {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            state: EventState::parse(&row.state).ok_or_else(|| StoreError::row("event", "state", &row.state))?,
            id: EventId::new(row.id),
            kind: row.kind,
            reason: row.reason,
            attempts: u32::try_from(row.attempts).unwrap_or(u32::MAX),
        })
    }
}
