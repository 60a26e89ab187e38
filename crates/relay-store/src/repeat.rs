//! What was posted to Chatwoot again although an earlier post may still take effect there.
//!
//! Nobody can keep Chatwoot from carrying out late what it never answered. So these messages are looked at again afterwards, to
//! tell of those that are there twice.

use relay_domain::Timestamp;
use relay_domain::id::{CwConversationId, SessionId};

use crate::db::{Tx, on};
use crate::error::{Result, StoreError};
use crate::writer::Verb;

/// No other process looks at one that was taken before this has passed, in milliseconds; nor does its own, should it fail.
const TAKEN_FOR_MS: i64 = 300_000;

/// A message that was posted again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// Its session.
    pub session: SessionId,
    /// The id that all its copies have at Chatwoot.
    pub source_id: String,
    /// Where it was posted.
    pub conversation: CwConversationId,
    /// When it was posted again.
    pub posted_at: Timestamp,
}

/// Notes that a message is about to be posted again, and when to look at it.
#[derive(Clone, Debug)]
pub struct NoteRepeat {
    /// The message.
    pub repeat: Repeat,
    /// When to look for copies.
    pub look_at: Timestamp,
}

impl Verb for NoteRepeat {
    type Out = ();

    async fn apply(&self, tx: &mut Tx) -> Result<()> {
        on!(tx, |conn| {
            sqlx::query(
                "-- note_repeat\nINSERT INTO repeat (session, source_id, conversation, posted_at, look_at) \
                 VALUES ($1, $2, $3, $4, $5) ON CONFLICT (session, source_id) DO UPDATE SET \
                 conversation = excluded.conversation, posted_at = excluded.posted_at, look_at = excluded.look_at",
            )
            .bind(self.repeat.session.as_str())
            .bind(self.repeat.source_id.as_str())
            .bind(self.repeat.conversation.get())
            .bind(self.repeat.posted_at.as_millis())
            .bind(self.look_at.as_millis())
            .execute(conn)
            .await
            .map(drop)
        })
        .map_err(StoreError::database("note a repeat"))
    }
}

/// Takes messages that are due to be looked at.
pub(crate) struct TakeRepeats {
    pub(crate) now: Timestamp,
    pub(crate) most: u32,
}

#[derive(sqlx::FromRow)]
struct RepeatRow {
    session: String,
    source_id: String,
    conversation: i64,
    posted_at: i64,
}

impl Verb for TakeRepeats {
    type Out = Vec<Repeat>;

    async fn apply(&self, tx: &mut Tx) -> Result<Vec<Repeat>> {
        let rows: Vec<RepeatRow> = on!(tx, |conn| {
            sqlx::query_as(
                "-- take_repeats\nUPDATE repeat SET look_at = $2 WHERE (session, source_id) IN (\
                   SELECT session, source_id FROM repeat WHERE look_at <= $1 ORDER BY look_at LIMIT $3) \
                 RETURNING session, source_id, conversation, posted_at",
            )
            .bind(self.now.as_millis())
            .bind(self.now.as_millis() + TAKEN_FOR_MS)
            .bind(i64::from(self.most))
            .fetch_all(conn)
            .await
        })
        .map_err(StoreError::database("take repeats"))?;
        let repeat = |row: RepeatRow| Repeat {
            session: SessionId::new(row.session),
            source_id: row.source_id,
            conversation: CwConversationId::new(row.conversation),
            posted_at: Timestamp::from_millis(row.posted_at),
        };
        Ok(rows.into_iter().map(repeat).collect())
    }
}

/// Says that a message was looked at.
#[derive(Clone, Debug)]
pub struct SettleRepeat {
    /// Its session.
    pub session: SessionId,
    /// Its id at Chatwoot.
    pub source_id: String,
    /// When to look again; `None` for never.
    pub look_at: Option<Timestamp>,
}

impl Verb for SettleRepeat {
    type Out = ();

    async fn apply(&self, tx: &mut Tx) -> Result<()> {
        let look_at = self.look_at.map(Timestamp::as_millis);
        let sql = match look_at {
            Some(_) => "-- keep_repeat\nUPDATE repeat SET look_at = $3 WHERE session = $1 AND source_id = $2",
            None => "-- forget_repeat\nDELETE FROM repeat WHERE session = $1 AND source_id = $2 AND $3 IS NULL",
        };
        on!(tx, |conn| {
            sqlx::query(sql)
                .bind(self.session.as_str())
                .bind(self.source_id.as_str())
                .bind(look_at)
                .execute(conn)
                .await
                .map(drop)
        })
        .map_err(StoreError::database("settle a repeat"))
    }
}
