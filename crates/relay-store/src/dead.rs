//! Looking at dead letters: events that could not cross, or waited too long, until a person decides what becomes of them. Reads
//! only.

use std::collections::BTreeMap;

use relay_domain::Timestamp;
use relay_domain::id::{EventId, SessionId};

use crate::db::{Db, read};
use crate::error::{Result, StoreError};
use crate::message::{Row, Stored};
use crate::model::{EventState, LaneKind};

/// The class of reasons that do not begin with a word of their own.
const OTHER: &str = "other";
/// Longest word that is a class of reasons.
const LONGEST_CLASS: usize = 40;

/// Which dead letters are meant. What is `None` does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeadFilter {
    /// Of this session.
    pub session: Option<SessionId>,
    /// On this way.
    pub kind: Option<LaneKind>,
    /// Dead or expired; when it is [`EventState::Pending`], those that still wait instead.
    pub state: Option<EventState>,
    /// Of the chat with this key, or that goes by this name.
    pub chat: Option<String>,
    /// Of the webhook event of this name.
    pub event: Option<String>,
    /// For a reason of this class.
    pub reason: Option<String>,
    /// That ended at this time or later.
    pub since: Option<Timestamp>,
    /// That ended before this time.
    pub until: Option<Timestamp>,
}

/// The conditions of a [`DeadFilter`], in the order in which [`bind`] binds them: `$1` to `$8`.
macro_rules! conditions {
    () => {
        "($1 IS NULL OR e.session = $1) AND ($2 IS NULL OR l.kind = $2) AND ($3 IS NULL OR e.state = $3) \
         AND ($4 IS NULL OR l.chat = $4 OR EXISTS (SELECT 1 FROM chat_alias a WHERE a.session = e.session \
         AND a.alias = $4 AND a.chat = l.chat)) AND ($5 IS NULL OR e.kind = $5) \
         AND ($6 IS NULL OR e.reason = $6 OR substr(e.reason, 1, length($6) + 1) = $6 || ':') \
         AND ($7 IS NULL OR e.finished_at >= $7) AND ($8 IS NULL OR e.finished_at < $8)"
    };
}

/// Binds a [`DeadFilter`] to a query with [`conditions`].
macro_rules! bind {
    ($query:expr, $filter:expr) => {
        $query
            .bind($filter.session.as_ref().map(relay_domain::id::SessionId::as_str))
            .bind($filter.kind.map($crate::model::LaneKind::as_str))
            .bind($filter.state.map($crate::model::EventState::as_str))
            .bind($filter.chat.as_deref())
            .bind($filter.event.as_deref())
            .bind($filter.reason.as_deref())
            .bind($filter.since.map(relay_domain::Timestamp::as_millis))
            .bind($filter.until.map(relay_domain::Timestamp::as_millis))
    };
}

pub(crate) use {bind, conditions};

/// The statement of [`list`] for events in some states.
macro_rules! listing {
    ($states:literal) => {
        concat!(
            "-- list_dead\nSELECT e.id, e.session, l.kind AS way, l.chat, e.source, e.kind, e.origin, e.order_key, e.received_at, \
             e.state, e.reason, e.attempts, e.finished_at, e.body FROM event e JOIN lane l ON l.key = e.lane WHERE e.state IN (",
            $states,
            ") AND ",
            conditions!(),
            " AND ($9 IS NULL OR e.id < $9) ORDER BY e.id DESC LIMIT $10"
        )
    };
}

/// Dead letters, newest first; ids are in the order of arrival.
pub(crate) async fn list(db: &Db, filter: &DeadFilter, before: Option<&EventId>, limit: u32) -> Result<Vec<Stored>> {
    let sql = match filter.state {
        Some(EventState::Pending) => listing!("'pending'"),
        Some(EventState::Dead | EventState::Expired | EventState::Delivered | EventState::Ignored) | None => {
            listing!("'dead', 'expired'")
        }
    };
    let rows: Vec<Row> = read!(db, |pool| {
        bind!(sqlx::query_as(sql), filter)
            .bind(before.map(EventId::as_str))
            .bind(i64::from(limit))
            .fetch_all(pool)
            .await
    })
    .map_err(StoreError::database("list dead letters"))?;
    rows.into_iter().map(Stored::try_from).collect()
}

/// Dead letters that have a session, a way, a state and the class of their reason in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadGroup {
    /// The session.
    pub session: SessionId,
    /// The way.
    pub kind: LaneKind,
    /// Dead or expired.
    pub state: EventState,
    /// The word that their reasons begin with.
    pub reason: String,
    /// How many they are.
    pub count: i64,
    /// When the first of them ended.
    pub first: Timestamp,
    /// When the last of them ended.
    pub last: Timestamp,
}

#[derive(sqlx::FromRow)]
struct GroupRow {
    session: String,
    way: String,
    state: String,
    class: Option<String>,
    count: i64,
    first: i64,
    last: i64,
}

/// The statement of [`groups`]; the argument finds the colon in a reason.
macro_rules! grouping {
    ($colon:literal) => {
        concat!(
            "-- group_dead\nSELECT session, way, state, class, COUNT(*) AS count, MIN(finished_at) AS first, \
             MAX(finished_at) AS last FROM (SELECT e.session, l.kind AS way, e.state, substr(e.reason, 1, ",
            $colon,
            " - 1) AS class, e.finished_at FROM event e JOIN lane l ON l.key = e.lane WHERE e.state IN ('dead', 'expired') AND ",
            conditions!(),
            ") AS failed GROUP BY session, way, state, class"
        )
    };
}

/// How many dead letters there are for which reason, the most frequent first.
pub(crate) async fn groups(db: &Db, filter: &DeadFilter) -> Result<Vec<DeadGroup>> {
    // a reason without a colon has a class of no letters
    let sql = db.dialect(grouping!("MAX(instr(e.reason, ':'), 1)"), grouping!("GREATEST(strpos(e.reason, ':'), 1)"));
    let rows: Vec<GroupRow> = read!(db, |pool| bind!(sqlx::query_as(sql), filter).fetch_all(pool).await)
        .map_err(StoreError::database("group dead letters"))?;
    let mut groups = BTreeMap::new();
    for row in rows {
        let group = DeadGroup::try_from(row)?;
        let key = (group.session.to_string(), group.kind.as_str(), group.state.as_str(), group.reason.clone());
        groups.entry(key).and_modify(|known: &mut DeadGroup| known.add(&group)).or_insert(group);
    }
    let mut groups: Vec<_> = groups.into_values().collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.count));
    Ok(groups)
}

impl DeadGroup {
    fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
    }
}

impl TryFrom<GroupRow> for DeadGroup {
    type Error = StoreError;

    fn try_from(row: GroupRow) -> Result<Self> {
        let class = row.class.filter(|class| is_class(class)).unwrap_or_else(|| OTHER.to_owned());
        Ok(Self {
            session: SessionId::new(row.session),
            kind: LaneKind::parse(&row.way).ok_or_else(|| StoreError::row("lane", "kind", &row.way))?,
            state: EventState::parse(&row.state).ok_or_else(|| StoreError::row("event", "state", &row.state))?,
            reason: class,
            count: row.count,
            first: Timestamp::from_millis(row.first),
            last: Timestamp::from_millis(row.last),
        })
    }
}

/// Whether a word may stand for many reasons: others may hold what people wrote.
fn is_class(word: &str) -> bool {
    let is_fine = |sign: u8| sign.is_ascii_lowercase() || sign.is_ascii_digit() || sign == b'_';
    (1..=LONGEST_CLASS).contains(&word.len()) && word.bytes().all(is_fine)
}
