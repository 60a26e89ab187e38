//! How far a chat was read: the mark up to which WhatsApp knows that customers' messages were seen.
//!
//! Invariant: the mark only rises, so what was marked as read once is not marked again.

use relay_domain::Timestamp;
use relay_domain::id::{ChatKey, CwConversationId, CwMessageId, SessionId, WaMessageId};

use crate::db::{Db, Tx, on, read};
use crate::error::{Result, StoreError};
use crate::writer::Verb;

/// The newest messages of a session among which unread ones are looked for.
const NEWEST: i64 = 10_000;

/// A customer's message that was relayed and not marked as read yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadMessage {
    /// The chat.
    pub chat: ChatKey,
    /// Its id at WhatsApp.
    pub wa_id: WaMessageId,
    /// Its row at CodeChat.
    pub wa_row: Option<i64>,
    /// Its conversation at Chatwoot.
    pub conversation: CwConversationId,
    /// Its message at Chatwoot.
    pub message: CwMessageId,
    /// When it was posted there, by our clock.
    pub posted_at: Timestamp,
}

/// Raises the mark of a chat.
pub(crate) struct RaiseReadMark {
    pub(crate) session: SessionId,
    pub(crate) chat: ChatKey,
    pub(crate) to: CwMessageId,
}

impl Verb for RaiseReadMark {
    type Out = ();

    async fn apply(&self, tx: &mut Tx) -> Result<()> {
        on!(tx, |conn| {
            sqlx::query(
                "-- raise_read_mark\nUPDATE chat SET read_to = $3 WHERE session = $1 AND key = $2 AND read_to < $3",
            )
            .bind(self.session.as_str())
            .bind(self.chat.as_str())
            .bind(self.to.get())
            .execute(conn)
            .await
            .map(drop)
        })
        .map_err(StoreError::database("note how far a chat was read"))
    }
}

/// Up to which of Chatwoot's messages a chat was read; zero for none, and for a chat that is gone.
pub(crate) async fn mark(db: &Db, session: &SessionId, chat: &ChatKey) -> Result<CwMessageId> {
    let row: Option<(i64,)> = read!(db, |pool| {
        sqlx::query_as("-- read_mark\nSELECT read_to FROM chat WHERE session = $1 AND key = $2")
            .bind(session.as_str())
            .bind(chat.as_str())
            .fetch_optional(pool)
            .await
    })
    .map_err(StoreError::database("read how far a chat was read"))?;
    Ok(CwMessageId::new(row.map_or(0, |(mark,)| mark)))
}

/// What is unread among the newest messages of a session, posted since then, newest first.
pub(crate) async fn unread(db: &Db, session: &SessionId, since: Timestamp) -> Result<Vec<UnreadMessage>> {
    let rows: Vec<UnreadRow> = read!(db, |pool| {
        sqlx::query_as(
            "-- unread\nSELECT link.chat, link.wa_id, link.wa_row, link.cw_conversation, link.cw_message, link.tried_at \
             FROM (SELECT * FROM link WHERE session = $1 AND cw_message IS NOT NULL ORDER BY cw_message DESC LIMIT $3) AS link \
             JOIN chat ON chat.session = link.session AND chat.key = link.chat \
             WHERE link.direction = 'in' AND link.wa_from_me = 0 AND link.state = 'sent' AND link.cw_message > chat.read_to \
             AND link.cw_conversation IS NOT NULL AND link.tried_at >= $2 ORDER BY link.cw_message DESC",
        )
        .bind(session.as_str())
        .bind(since.as_millis())
        .bind(NEWEST)
        .fetch_all(pool)
        .await
    })
    .map_err(StoreError::database("list unread messages"))?;
    Ok(rows.into_iter().map(UnreadMessage::from).collect())
}

#[derive(sqlx::FromRow)]
struct UnreadRow {
    chat: String,
    wa_id: String,
    wa_row: Option<i64>,
    cw_conversation: i64,
    cw_message: i64,
    tried_at: i64,
}

impl From<UnreadRow> for UnreadMessage {
    fn from(row: UnreadRow) -> Self {
        Self {
            chat: ChatKey::new(row.chat),
            wa_id: WaMessageId::new(row.wa_id),
            wa_row: row.wa_row,
            conversation: CwConversationId::new(row.cw_conversation),
            message: CwMessageId::new(row.cw_message),
            posted_at: Timestamp::from_millis(row.tried_at),
        }
    }
}
