//! What a message on one side is on the other.

use relay_domain::Timestamp;
use relay_domain::backoff::Direction;
use relay_domain::id::{ChatKey, CwConversationId, CwMessageId, EventId, SessionId, WaMessageId};
use relay_domain::status::Receipt;

use sqlx::QueryBuilder;

use crate::db::{Db, KEPT, Tx, on, read};
use crate::error::{Result, StoreError};
use crate::lane;
use crate::model::{Change, Lease, Link, LinkChange, LinkKey, LinkState, NewLink};
use crate::writer::Verb;

/// Writes the parts of a message down before any of them is posted, and returns what was known of them before.
#[derive(Debug)]
pub struct Reserve {
    /// The lane.
    pub lease: Lease,
    /// The event.
    pub event: EventId,
    /// The chat.
    pub chat: ChatKey,
    /// The parts, in order.
    pub parts: Vec<NewLink>,
    /// Now.
    pub now: Timestamp,
}

/// What a reservation found.
#[derive(Debug)]
#[must_use]
pub enum Reserved {
    /// The parts as they were before, in order; those that are new are not among them.
    Known(Vec<Link>),
    /// Another worker holds the lane now.
    LeaseLost,
}

impl Verb for Reserve {
    type Out = Reserved;

    fn lane(&self) -> Option<String> {
        Some(self.lease.lane.key())
    }

    async fn apply(&self, tx: &mut Tx) -> Result<Reserved> {
        let mut known = Vec::new();
        for part in &self.parts {
            // nearly always new; what is known, or no longer ours to write, is told apart after
            if self.insert(tx, part).await? {
                continue;
            }
            match self.find(tx, part).await? {
                Some(link) => known.push(link),
                None => return Ok(Reserved::LeaseLost),
            }
        }
        if !known.is_empty() && !lane::hold(tx, &self.lease.lane.key(), &self.lease.token).await? {
            return Ok(Reserved::LeaseLost);
        }
        Ok(Reserved::Known(known))
    }
}

impl Reserve {
    async fn find(&self, tx: &mut Tx, part: &NewLink) -> Result<Option<Link>> {
        let row: Option<LinkRow> = on!(tx, |conn| {
            sqlx::query_as(
                "-- find_part\nSELECT * FROM link WHERE session = $1 AND direction = $2 AND source_id = $3 AND part = $4",
            )
            .bind(self.lease.lane.session.as_str())
            .bind(part.key.direction.as_str())
            .bind(part.key.source_id.as_str())
            .bind(i64::from(part.key.part))
            .fetch_optional(conn)
            .await
        })
        .map_err(StoreError::database("find a part"))?;
        row.map(Link::try_from).transpose()
    }

    /// Writes a part down while the lease holds; `false` when it does not, or the part is known.
    async fn insert(&self, tx: &mut Tx, part: &NewLink) -> Result<bool> {
        let tried_at = part.is_tried.then(|| self.now.as_millis());
        on!(tx, |conn| {
            sqlx::query(
                "-- insert_link\nINSERT INTO link (session, direction, source_id, part, parts, chat, event, state, tried_at, \
                 wa_id, wa_from_me, wa_participant, wa_row, cw_conversation, cw_message, made_at) \
                 SELECT $1, $2, $3, $4, $5, $6, $7, 'intent', $8, $9, $10, $11, $12, $13, $14, $17 \
                 WHERE EXISTS (SELECT 1 FROM lane WHERE key = $15 AND lease_token = $16) ON CONFLICT DO NOTHING",
            )
            .bind(self.lease.lane.session.as_str())
            .bind(part.key.direction.as_str())
            .bind(part.key.source_id.as_str())
            .bind(i64::from(part.key.part))
            .bind(i64::from(part.parts))
            .bind(self.chat.as_str())
            .bind(self.event.as_str())
            .bind(tried_at)
            .bind(part.wa_id.as_str())
            .bind(i64::from(part.wa_from_me))
            .bind(part.wa_participant.as_deref())
            .bind(part.wa_row)
            .bind(part.cw_conversation.map(CwConversationId::get))
            .bind(part.cw_message.map(CwMessageId::get))
            .bind(self.lease.lane.key())
            .bind(self.lease.token.as_str())
            .bind(self.now.as_millis())
            .execute(conn)
            .await
            .map(|done| done.rows_affected() == 1)
        })
        .map_err(StoreError::database("reserve a part"))
    }
}

/// Applies changes that belong to recorded outcomes, in order.
pub(crate) async fn change(tx: &mut Tx, changes: Vec<(&SessionId, &LinkChange)>) -> Result<()> {
    let mut round: Vec<(&SessionId, &LinkChange)> = Vec::new();
    for (session, change) in changes {
        // one statement writes a row once
        if round.iter().any(|(other, done)| *other == session && done.key == change.key) {
            change_together(tx, &round).await?;
            round.clear();
        }
        round.push((session, change));
    }
    change_together(tx, &round).await
}

/// One statement for every change: what a change does not speak of stays, `sent` never goes back, a receipt only rises.
async fn change_together(tx: &mut Tx, changes: &[(&SessionId, &LinkChange)]) -> Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    on!(tx, |conn| {
        let mut update = QueryBuilder::new(
            "-- change_links\nWITH new (session, direction, source_id, part, state, tried_at, conversation, message, wa_id, \
             wa_row, rank, in_doubt, deleted) AS (",
        );
        update.push_values(changes, |mut row, (session, LinkChange { key, change })| {
            let update = Update::of(change);
            row.push_bind(session.as_str())
                .push_bind(key.direction.as_str())
                .push_bind(key.source_id.as_str())
                .push_bind(i64::from(key.part))
                .push_bind(update.state)
                .push_bind(update.tried_at)
                .push_bind(update.conversation)
                .push_bind(update.message)
                .push_bind(update.wa_id)
                .push_bind(update.row)
                .push_bind(update.rank)
                .push_bind(update.in_doubt)
                .push_bind(i64::from(update.is_deleted));
        });
        update.push(CHANGE);
        update.build().persistent(changes.len() <= KEPT).execute(conn).await.map(drop)
    })
    .map_err(StoreError::database("record what became of parts"))
}

const CHANGE: &str = ") UPDATE link SET \
    state = CASE WHEN link.state = 'sent' THEN link.state ELSE COALESCE(new.state, link.state) END, \
    tried_at = CASE WHEN new.tried_at = 0 THEN NULL ELSE COALESCE(new.tried_at, link.tried_at) END, \
    in_doubt = COALESCE(new.in_doubt, link.in_doubt), \
    cw_conversation = COALESCE(new.conversation, link.cw_conversation), \
    cw_message = COALESCE(new.message, link.cw_message), \
    wa_id = COALESCE(new.wa_id, link.wa_id), \
    wa_row = COALESCE(new.wa_row, link.wa_row), \
    wa_receipt = CASE WHEN link.wa_receipt < new.rank THEN new.rank ELSE link.wa_receipt END, \
    deleted = CASE WHEN new.deleted = 1 THEN 1 ELSE link.deleted END \
    FROM new WHERE link.session = new.session AND link.direction = new.direction \
    AND link.source_id = new.source_id AND link.part = new.part";

#[derive(Default)]
struct Update {
    state: Option<&'static str>,
    /// Zero for never.
    tried_at: Option<i64>,
    conversation: Option<i64>,
    message: Option<i64>,
    wa_id: Option<String>,
    row: Option<i64>,
    rank: i64,
    in_doubt: Option<i64>,
    is_deleted: bool,
}

impl Update {
    fn of(change: &Change) -> Self {
        let sent = Some(LinkState::Sent.as_str());
        match change {
            Change::PostedToChatwoot { conversation, message } => Self {
                state: sent,
                conversation: Some(conversation.get()),
                message: Some(message.get()),
                ..Self::default()
            },
            Change::SentToWhatsApp { id, row } => {
                Self { state: sent, wa_id: Some(id.to_string()), row: *row, ..Self::default() }
            }
            Change::Tried { at, conversation } => Self {
                in_doubt: Some(0),
                tried_at: Some(at.as_millis()),
                conversation: conversation.map(CwConversationId::get),
                ..Self::default()
            },
            Change::InDoubt { at } => Self { tried_at: Some(at.as_millis()), in_doubt: Some(1), ..Self::default() },
            Change::Untried => Self { in_doubt: Some(0), tried_at: Some(0), ..Self::default() },
            Change::Failed => Self { state: Some(LinkState::Failed.as_str()), ..Self::default() },
            Change::StoodInFor { conversation, message } => Self {
                state: Some(LinkState::Failed.as_str()),
                conversation: Some(conversation.get()),
                message: Some(message.get()),
                ..Self::default()
            },
            Change::Deleting => Self { is_deleted: true, in_doubt: Some(1), ..Self::default() },
            Change::Deleted => Self { is_deleted: true, in_doubt: Some(0), ..Self::default() },
            Change::Receipt(receipt) => Self { rank: receipt.rank(), ..Self::default() },
        }
    }
}

#[derive(sqlx::FromRow)]
pub(crate) struct LinkRow {
    direction: String,
    source_id: String,
    part: i64,
    parts: i64,
    chat: String,
    event: String,
    state: String,
    tried_at: Option<i64>,
    in_doubt: i64,
    deleted: i64,
    wa_id: String,
    wa_from_me: i64,
    wa_participant: Option<String>,
    wa_row: Option<i64>,
    wa_receipt: i64,
    cw_conversation: Option<i64>,
    cw_message: Option<i64>,
    made_at: i64,
}

impl TryFrom<LinkRow> for Link {
    type Error = StoreError;

    fn try_from(row: LinkRow) -> Result<Self> {
        let small = |column, value: i64| u16::try_from(value).map_err(|error| StoreError::row("link", column, error));
        Ok(Self {
            key: LinkKey {
                direction: Direction::parse(&row.direction)
                    .ok_or_else(|| StoreError::row("link", "direction", &row.direction))?,
                part: small("part", row.part)?,
                source_id: row.source_id,
            },
            parts: small("parts", row.parts)?,
            chat: ChatKey::new(row.chat),
            event: EventId::new(row.event),
            state: LinkState::parse(&row.state).ok_or_else(|| StoreError::row("link", "state", &row.state))?,
            tried_at: row.tried_at.map(Timestamp::from_millis),
            is_in_doubt: row.in_doubt == 1,
            is_deleted: row.deleted == 1,
            wa_id: WaMessageId::new(row.wa_id),
            wa_from_me: row.wa_from_me == 1,
            wa_participant: row.wa_participant,
            wa_row: row.wa_row,
            receipt: Receipt::from_rank(row.wa_receipt),
            cw_conversation: row.cw_conversation.map(CwConversationId::new),
            cw_message: row.cw_message.map(CwMessageId::new),
            made_at: Timestamp::from_millis(row.made_at),
        })
    }
}

/// Links of a WhatsApp message id, whichever way it travelled.
pub(crate) async fn by_wa(db: &Db, session: &SessionId, wa_id: &WaMessageId) -> Result<Vec<Link>> {
    let rows: Vec<LinkRow> = read!(db, |pool| {
        sqlx::query_as("-- links_by_wa\nSELECT * FROM link WHERE session = $1 AND wa_id = $2 ORDER BY part")
            .bind(session.as_str())
            .bind(wa_id.as_str())
            .fetch_all(pool)
            .await
    })
    .map_err(StoreError::database("look up a WhatsApp message"))?;
    rows.into_iter().map(Link::try_from).collect()
}

/// Links of a Chatwoot message, part by part.
pub(crate) async fn by_cw(db: &Db, session: &SessionId, message: CwMessageId) -> Result<Vec<Link>> {
    let rows: Vec<LinkRow> = read!(db, |pool| {
        sqlx::query_as("-- links_by_cw\nSELECT * FROM link WHERE session = $1 AND cw_message = $2 ORDER BY part")
            .bind(session.as_str())
            .bind(message.get())
            .fetch_all(pool)
            .await
    })
    .map_err(StoreError::database("look up a Chatwoot message"))?;
    rows.into_iter().map(Link::try_from).collect()
}
