//! What the relay made of a chat's contact and conversation in Chatwoot, and what it still owes them.

use relay_domain::Timestamp;
use relay_domain::id::{ChatKey, CwContactId, CwConversationId, SessionId};
use relay_domain::jid::Jid;

use crate::db::{Db, Tx, on, read};
use crate::error::{Result, StoreError};
use crate::writer::Verb;

/// Notes the state of a chat's conversation. What was told earlier than what is known changes nothing, since webhooks overtake
/// each other.
#[derive(Debug)]
pub struct SetStatus {
    /// The session.
    pub session: SessionId,
    /// The chat.
    pub chat: ChatKey,
    /// The conversation; another one than the chat's own is left alone.
    pub conversation: CwConversationId,
    /// Chatwoot's word for its state.
    pub status: String,
    /// When it was so.
    pub at: Timestamp,
}

impl Verb for SetStatus {
    type Out = ();

    async fn apply(&self, tx: &mut Tx) -> Result<()> {
        on!(tx, |conn| {
            sqlx::query(
                "-- set_status\nUPDATE chat SET status = $4, status_at = $5 WHERE session = $1 AND key = $2 \
                 AND conversation = $3 AND (status_at IS NULL OR status_at <= $5)",
            )
            .bind(self.session.as_str())
            .bind(self.chat.as_str())
            .bind(self.conversation.get())
            .bind(self.status.as_str())
            .bind(self.at.as_millis())
            .execute(conn)
            .await
            .map(drop)
        })
        .map_err(StoreError::database("note a conversation's state"))
    }
}

/// Notes what the relay made of a contact's name and picture in Chatwoot; what is absent stays as it was.
#[derive(Debug)]
pub struct SetProfile {
    /// The session.
    pub session: SessionId,
    /// The chat.
    pub chat: ChatKey,
    /// The name it was given.
    pub name: Option<String>,
    /// What the customer is called.
    pub push_name: Option<String>,
    /// SHA-256 of the picture it was given.
    pub picture: Option<[u8; 32]>,
    /// When a picture was looked for.
    pub pictured_at: Option<Timestamp>,
}

impl Verb for SetProfile {
    type Out = ();

    async fn apply(&self, tx: &mut Tx) -> Result<()> {
        on!(tx, |conn| {
            sqlx::query(
                "-- set_profile\nUPDATE chat SET name = COALESCE($3, name), push_name = COALESCE($4, push_name), \
                 picture = COALESCE($5, picture), pictured_at = COALESCE($6, pictured_at) WHERE session = $1 AND key = $2",
            )
            .bind(self.session.as_str())
            .bind(self.chat.as_str())
            .bind(self.name.as_deref())
            .bind(self.push_name.as_deref())
            .bind(self.picture.as_ref().map(|hash| &hash[..]))
            .bind(self.pictured_at.map(Timestamp::as_millis))
            .execute(conn)
            .await
            .map(drop)
        })
        .map_err(StoreError::database("note a contact's profile"))
    }
}

/// Notes that Chatwoot's contact knows who the customer is. Who turned out to be yet somebody else meanwhile stays due.
#[derive(Debug)]
pub struct SettleContact {
    /// The session.
    pub session: SessionId,
    /// The chat.
    pub chat: ChatKey,
    /// The address that the contact was told.
    pub jid: Option<Jid>,
    /// The contact that is left, where it is another one than before.
    pub contact: CwContactId,
    /// Contacts that are merged into it, or gone.
    pub merged: Vec<CwContactId>,
}

impl Verb for SettleContact {
    type Out = ();

    async fn apply(&self, tx: &mut Tx) -> Result<()> {
        for contact in &self.merged {
            on!(tx, |conn| {
                sqlx::query(
                    "-- contact_is_merged\nDELETE FROM contact_merge WHERE session = $1 AND chat = $2 AND contact = $3",
                )
                .bind(self.session.as_str())
                .bind(self.chat.as_str())
                .bind(contact.get())
                .execute(conn)
                .await
                .map(drop)
            })
            .map_err(StoreError::database("settle a contact"))?;
        }
        on!(tx, |conn| {
            sqlx::query(
                "-- settle_contact\nUPDATE chat SET contact = $3, contact_due = CASE WHEN EXISTS (\
                   SELECT 1 FROM contact_merge WHERE contact_merge.session = $1 AND contact_merge.chat = $2) \
                 OR jid <> $4 THEN contact_due ELSE 0 END \
                 WHERE session = $1 AND key = $2 AND contact IS NOT NULL",
            )
            .bind(self.session.as_str())
            .bind(self.chat.as_str())
            .bind(self.contact.get())
            .bind(self.jid.as_ref().map(ToString::to_string))
            .execute(conn)
            .await
            .map(drop)
        })
        .map_err(StoreError::database("settle a contact"))
    }
}

/// Contacts to be merged into that of a chat.
pub(crate) async fn to_merge(db: &Db, session: &SessionId, chat: &ChatKey) -> Result<Vec<CwContactId>> {
    let rows: Vec<(i64,)> = read!(db, |pool| {
        sqlx::query_as(
            "-- contacts_to_merge\nSELECT contact FROM contact_merge WHERE session = $1 AND chat = $2 ORDER BY contact",
        )
        .bind(session.as_str())
        .bind(chat.as_str())
        .fetch_all(pool)
        .await
    })
    .map_err(StoreError::database("look for contacts to merge"))?;
    Ok(rows.into_iter().map(|(contact,)| CwContactId::new(contact)).collect())
}
