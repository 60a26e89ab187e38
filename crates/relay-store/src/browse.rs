//! The delivery log as people leaf through it: newest first, narrowed by whatever they know. Reads only.
//!
//! Invariant: one page looks at no more than a window of events, so that it costs the same in a large database as in a small one.
//! What lies behind the window comes with the next page.

use relay_domain::Timestamp;
use relay_domain::id::{EventId, SessionId};

use crate::db::{Db, read};
use crate::error::{Result, StoreError};
use crate::message::{Row, Stored};
use crate::model::{EventState, Lane, LaneKind};

/// Events that one page looks at.
const WINDOW: u32 = 10_000;
/// Events of one lane that one page looks at.
const LANE_WINDOW: u32 = 2_000;

/// Which messages are wanted. What is `None` does not matter.
#[derive(Clone, Debug, Default)]
pub struct Browse {
    /// Of these lanes; of all when there are none.
    pub lanes: Vec<Lane>,
    /// Of this session.
    pub session: Option<SessionId>,
    /// On this way.
    pub kind: Option<LaneKind>,
    /// In this state.
    pub state: Option<EventState>,
    /// Of the webhook event of this name.
    pub event: Option<String>,
    /// Received at this time or later.
    pub since: Option<Timestamp>,
    /// Received before this time.
    pub until: Option<Timestamp>,
    /// Received before this one: where the page before ended.
    pub before: Option<EventId>,
    /// At most so many.
    pub limit: u32,
}

/// One page of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Browsed {
    /// The messages, newest first.
    pub messages: Vec<Stored>,
    /// Where the next page goes on; `None` when there is none.
    pub next: Option<EventId>,
}

/// The statement of a page; the arguments are its name, a condition on what the window is made of, and where its limit is bound.
macro_rules! page {
    ($name:literal, $within:literal, $window:literal) => {
        concat!(
            "-- ",
            $name,
            "\nSELECT e.id, e.session, l.kind AS way, l.chat, e.source, e.kind, e.origin, e.order_key, e.received_at, e.state, \
             e.reason, e.attempts, e.finished_at, e.body FROM (SELECT * FROM event WHERE ",
            $within,
            " AND ($1 IS NULL OR id < $1) ORDER BY id DESC LIMIT ",
            $window,
            ") e JOIN lane l ON l.key = e.lane WHERE ($2 IS NULL OR e.session = $2) AND ($3 IS NULL OR l.kind = $3) \
             AND ($4 IS NULL OR e.state = $4) AND ($5 IS NULL OR e.kind = $5) AND ($6 IS NULL OR e.received_at >= $6) \
             AND ($7 IS NULL OR e.received_at < $7) ORDER BY e.id DESC LIMIT $8"
        )
    };
}

/// One page.
pub(crate) async fn browse(db: &Db, wanted: &Browse) -> Result<Browsed> {
    let mut wanted = wanted.clone();
    if let Some(until) = wanted.until {
        let Some(newest) = newest_before(db, until).await? else { return Ok(Browsed::default()) };
        // the cursor itself is not among what comes
        let just_behind = EventId::new(format!("{newest}~"));
        wanted.before = Some(wanted.before.map_or(just_behind.clone(), |before| before.min(just_behind)));
    }
    if wanted.lanes.is_empty() {
        let rows = rows(db, &wanted, None).await?;
        return page_of(db, rows, &wanted, None).await;
    }
    let mut pages = Vec::new();
    for lane in &wanted.lanes {
        let key = lane.key();
        let rows = rows(db, &wanted, Some(&key)).await?;
        pages.push(page_of(db, rows, &wanted, Some(&key)).await?);
    }
    Ok(merged(pages, wanted.limit as usize))
}

async fn rows(db: &Db, wanted: &Browse, lane: Option<&str>) -> Result<Vec<Row>> {
    let all = page!("browse", "($9 IS NULL OR lane = $9)", "$10");
    let of_lane = page!("browse_lane", "lane = $9", "$10");
    read!(db, |pool| {
        sqlx::query_as(if lane.is_some() { of_lane } else { all })
            .bind(wanted.before.as_ref().map(EventId::as_str))
            .bind(wanted.session.as_ref().map(SessionId::as_str))
            .bind(wanted.kind.map(LaneKind::as_str))
            .bind(wanted.state.map(EventState::as_str))
            .bind(wanted.event.as_deref())
            .bind(wanted.since.map(Timestamp::as_millis))
            .bind(wanted.until.map(Timestamp::as_millis))
            .bind(i64::from(wanted.limit))
            .bind(lane)
            .bind(i64::from(window(lane)))
            .fetch_all(pool)
            .await
    })
    .map_err(StoreError::database("leaf through the messages"))
}

const fn window(lane: Option<&str>) -> u32 {
    if lane.is_some() { LANE_WINDOW } else { WINDOW }
}

/// A full page goes on after its last message, any other behind its window, where there is more.
async fn page_of(db: &Db, rows: Vec<Row>, wanted: &Browse, lane: Option<&str>) -> Result<Browsed> {
    let messages = rows.into_iter().map(Stored::try_from).collect::<Result<Vec<_>>>()?;
    let next = match messages.last() {
        Some(last) if messages.len() >= wanted.limit as usize => Some(last.id.clone()),
        Some(_) | None => end_of_window(db, wanted, lane).await?,
    };
    Ok(Browsed { messages, next })
}

/// The last event of the window, unless the window reaches the end of what is wanted.
async fn end_of_window(db: &Db, wanted: &Browse, lane: Option<&str>) -> Result<Option<EventId>> {
    let row: Option<(String, i64)> = read!(db, |pool| {
        sqlx::query_as(
            "-- end_of_window\nSELECT id, received_at FROM event WHERE ($2 IS NULL OR lane = $2) AND ($1 IS NULL OR id < $1) \
             ORDER BY id DESC LIMIT 1 OFFSET $3",
        )
        .bind(wanted.before.as_ref().map(EventId::as_str))
        .bind(lane)
        .bind(i64::from(window(lane)) - 1)
        .fetch_optional(pool)
        .await
    })
    .map_err(StoreError::database("look behind a page of messages"))?;
    let is_wanted = |at: i64| wanted.since.is_none_or(|since| at >= since.as_millis());
    Ok(row.filter(|(_, at)| is_wanted(*at)).map(|(id, _)| EventId::new(id)))
}

/// The newest event received before a moment; ids are in the order of arrival, give or take what arrives at once.
async fn newest_before(db: &Db, until: Timestamp) -> Result<Option<EventId>> {
    macro_rules! newest {
        ($state:literal) => {
            concat!(
                "SELECT MAX(id) AS id FROM (SELECT id FROM event WHERE state = '",
                $state,
                "' AND received_at < $1 ORDER BY received_at DESC LIMIT 20) AS ",
                $state
            )
        };
    }
    let sql = concat!(
        "-- newest_before\nSELECT MAX(id) FROM (",
        newest!("pending"),
        " UNION ALL ",
        newest!("delivered"),
        " UNION ALL ",
        newest!("ignored"),
        " UNION ALL ",
        newest!("dead"),
        " UNION ALL ",
        newest!("expired"),
        ") AS newest"
    );
    let (id,): (Option<String>,) =
        read!(db, |pool| { sqlx::query_as(sql).bind(until.as_millis()).fetch_one(pool).await })
            .map_err(StoreError::database("find the newest message before a moment"))?;
    Ok(id.map(EventId::new))
}

/// What several lanes hold, newest first. Nothing is passed over: the next page begins where the first of them went on.
fn merged(pages: Vec<Browsed>, limit: usize) -> Browsed {
    let behind = pages.iter().filter_map(|page| page.next.clone()).max();
    let mut messages: Vec<_> = pages.into_iter().flat_map(|page| page.messages).collect();
    messages.sort_by(|one, other| other.id.cmp(&one.id));
    if let Some(behind) = &behind {
        messages.retain(|message| message.id >= *behind);
    }
    let is_cut = messages.len() > limit;
    messages.truncate(limit);
    let next = if is_cut { messages.last().map(|last| last.id.clone()) } else { behind };
    Browsed { messages, next }
}
