//! All sessions at a glance: how much waits and since when, what crossed lately. Reads only, and no more than the newest events and
//! the oldest that wait.

use std::collections::BTreeMap;

use relay_domain::Timestamp;
use relay_domain::id::{EventId, SessionId};

use crate::db::{Db, read};
use crate::error::{Result, StoreError};
use crate::model::LaneKind;

/// Events looked at on either end.
const WINDOW: i64 = 10_000;

/// One session at a glance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Glance {
    /// Events that wait.
    pub pending: i64,
    /// When the oldest of them arrived.
    pub oldest_pending: Option<Timestamp>,
    /// Customers' messages since the moment asked about.
    pub incoming: i64,
    /// Agents' messages since then.
    pub outgoing: i64,
    /// When the last message of either side arrived.
    pub last_message: Option<Timestamp>,
}

/// All sessions at a glance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Glances {
    /// By session; one that has no recent event is not among them.
    pub of: BTreeMap<SessionId, Glance>,
    /// Whether there is more than was looked at: the counts are at least so high.
    pub is_cut: bool,
}

/// Looks; `since` is when the counting of messages begins.
pub(crate) async fn look(db: &Db, since: Timestamp) -> Result<Glances> {
    let failed = || StoreError::database("look at the sessions");
    let waiting: Vec<(String, i64, i64)> = read!(db, |pool| {
        sqlx::query_as(
            "-- glance_pending\nSELECT session, COUNT(*), MIN(received_at) FROM (SELECT session, received_at FROM event \
             WHERE state = 'pending' ORDER BY received_at LIMIT $1) AS waiting GROUP BY session",
        )
        .bind(WINDOW)
        .fetch_all(pool)
        .await
    })
    .map_err(failed())?;
    let recent: Vec<(String, String, i64, i64)> = read!(db, |pool| {
        sqlx::query_as(
            "-- glance_recent\nSELECT e.session, l.kind, CAST(SUM(CASE WHEN e.received_at >= $1 THEN 1 ELSE 0 END) AS BIGINT), \
             MAX(e.received_at) FROM (SELECT id, session, lane, received_at, state FROM event ORDER BY id DESC LIMIT $2) e \
             JOIN lane l ON l.key = e.lane WHERE l.kind IN ('in', 'out') AND e.state <> 'ignored' GROUP BY e.session, l.kind",
        )
        .bind(since.as_millis())
        .bind(WINDOW)
        .fetch_all(pool)
        .await
    })
    .map_err(failed())?;
    let mut glances = Glances { of: BTreeMap::new(), is_cut: is_cut(db, since).await? };
    for (session, pending, oldest) in waiting {
        let glance = glances.of.entry(SessionId::new(session)).or_default();
        glance.pending = pending;
        glance.oldest_pending = Some(Timestamp::from_millis(oldest));
        glances.is_cut |= pending >= WINDOW;
    }
    for (session, way, count, last) in recent {
        let glance = glances.of.entry(SessionId::new(session)).or_default();
        match LaneKind::parse(&way).ok_or_else(|| StoreError::row("lane", "kind", &way))? {
            LaneKind::In => glance.incoming = count,
            LaneKind::Out => glance.outgoing = count,
            LaneKind::Receipt | LaneKind::Desk => {}
        }
        glance.last_message = glance.last_message.max(Some(Timestamp::from_millis(last)));
    }
    Ok(glances)
}

/// Whether more events arrived since then than are looked at.
async fn is_cut(db: &Db, since: Timestamp) -> Result<bool> {
    let row: Option<(i64,)> = read!(db, |pool| {
        sqlx::query_as("-- glance_end\nSELECT received_at FROM event ORDER BY id DESC LIMIT 1 OFFSET $1")
            .bind(WINDOW - 1)
            .fetch_optional(pool)
            .await
    })
    .map_err(StoreError::database("look at the sessions"))?;
    Ok(row.is_some_and(|(at,)| at >= since.as_millis()))
}

/// When the lane of a pending event has its next turn, and whether the event is the first in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NextTurn {
    /// When; `None` while the lane is being joined to another.
    pub at: Option<Timestamp>,
    /// Whether the event is the first in its lane.
    pub is_first: bool,
    /// Whether the lane waits after a failure.
    pub is_backing_off: bool,
}

/// `None` unless the event waits.
pub(crate) async fn next_turn(db: &Db, event: &EventId) -> Result<Option<NextTurn>> {
    let row: Option<(Option<i64>, i64, String)> = read!(db, |pool| {
        sqlx::query_as(
            "-- next_turn\nSELECT l.next_at, l.backing_off, (SELECT h.id FROM event h WHERE h.lane = e.lane AND h.state = 'pending' \
             ORDER BY h.order_key, h.received_at, h.id LIMIT 1) FROM event e JOIN lane l ON l.key = e.lane \
             WHERE e.id = $1 AND e.state = 'pending'",
        )
        .bind(event.as_str())
        .fetch_optional(pool)
        .await
    })
    .map_err(StoreError::database("find the next turn of a message"))?;
    Ok(row.map(|(at, backing_off, first)| NextTurn {
        at: at.map(Timestamp::from_millis),
        is_first: first == event.as_str(),
        is_backing_off: backing_off == 1,
    }))
}
