//! Conversation partners: who they are on WhatsApp, and where they live in Chatwoot.

use std::collections::BTreeSet;

use relay_domain::id::{ChatKey, CwContactId, CwConversationId, SessionId};
use relay_domain::jid::Jid;

use crate::db::{Db, Tx, on, read};
use crate::error::{Result, StoreError};
use crate::model::{Chat, Place};
use crate::writer::Verb;

/// Finds the chat that goes by one of several names, or opens it; unknown names are added to it.
#[derive(Debug)]
pub struct OpenChat {
    /// The session.
    pub session: SessionId,
    /// Where messages to it are sent, when known.
    pub jid: Option<Jid>,
    /// Its names, the most telling first; the first becomes the key of a new chat.
    pub aliases: Vec<String>,
}

impl Verb for OpenChat {
    type Out = ChatKey;

    async fn apply(&self, tx: &mut Tx) -> Result<ChatKey> {
        let first = self.aliases.first().ok_or_else(|| StoreError::row("chat_alias", "alias", "a chat without a name"))?;
        let (mut known, mut unknown) = (None, BTreeSet::new());
        for alias in &self.aliases {
            match self.find(tx, alias).await? {
                Some(key) => known = known.or(Some(key)),
                None => drop(unknown.insert(alias)),
            }
        }
        let key = known.unwrap_or_else(|| first.clone());
        self.insert_chat(tx, &key).await?;
        for alias in unknown {
            let is_ours = self.insert_alias(tx, &key, alias).await? || self.find(tx, alias).await?.as_ref() == Some(&key);
            if !is_ours {
                // another process was first; the writer tries again, and then its chat is found
                return Err(StoreError::row("chat_alias", "alias", "it was given to another chat at the same moment"));
            }
        }
        Ok(ChatKey::new(key))
    }
}

impl OpenChat {
    async fn find(&self, tx: &mut Tx, alias: &str) -> Result<Option<String>> {
        let row: Option<(String,)> = on!(tx, |conn| {
            sqlx::query_as("-- find_alias\nSELECT chat FROM chat_alias WHERE session = $1 AND alias = $2")
                .bind(self.session.as_str())
                .bind(alias)
                .fetch_optional(conn)
                .await
        })
        .map_err(StoreError::database("find a chat"))?;
        Ok(row.map(|(chat,)| chat))
    }

    async fn insert_chat(&self, tx: &mut Tx, key: &str) -> Result<()> {
        let jid = self.jid.as_ref().map(ToString::to_string);
        on!(tx, |conn| {
            sqlx::query(
                "-- open_chat\nINSERT INTO chat (session, key, jid) VALUES ($1, $2, $3) \
                 ON CONFLICT (session, key) DO UPDATE SET jid = CASE \
                 WHEN chat.jid IS NULL OR (chat.jid LIKE '%@lid' AND excluded.jid LIKE '%@s.whatsapp.net') \
                 THEN excluded.jid ELSE chat.jid END",
            )
            .bind(self.session.as_str())
            .bind(key)
            .bind(jid)
            .execute(conn)
            .await
            .map(drop)
        })
        .map_err(StoreError::database("open a chat"))
    }

    async fn insert_alias(&self, tx: &mut Tx, key: &str, alias: &str) -> Result<bool> {
        on!(tx, |conn| {
            sqlx::query(
                "-- add_alias\nINSERT INTO chat_alias (session, alias, chat) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            )
            .bind(self.session.as_str())
            .bind(alias)
            .bind(key)
            .execute(conn)
            .await
            .map(|done| done.rows_affected() == 1)
        })
        .map_err(StoreError::database("name a chat"))
    }
}

/// Remembers where a chat lives in Chatwoot.
#[derive(Debug)]
pub struct SetPlace {
    /// The session.
    pub session: SessionId,
    /// The chat.
    pub chat: ChatKey,
    /// Where; `None` to look for it anew.
    pub place: Option<Place>,
    /// The name it was given there.
    pub name: Option<String>,
}

impl Verb for SetPlace {
    type Out = ();

    async fn apply(&self, tx: &mut Tx) -> Result<()> {
        let place = self.place.as_ref();
        on!(tx, |conn| {
            sqlx::query(
                "-- set_place\nUPDATE chat SET contact = $3, source_id = $4, conversation = $5, name = COALESCE($6, name) \
                 WHERE session = $1 AND key = $2",
            )
            .bind(self.session.as_str())
            .bind(self.chat.as_str())
            .bind(place.map(|place| place.contact.get()))
            .bind(place.map(|place| place.source_id.as_str()))
            .bind(place.and_then(|place| place.conversation).map(CwConversationId::get))
            .bind(self.name.as_deref())
            .execute(conn)
            .await
            .map(drop)
        })
        .map_err(StoreError::database("remember a conversation"))
    }
}

#[derive(sqlx::FromRow)]
struct ChatRow {
    key: String,
    jid: Option<String>,
    name: Option<String>,
    contact: Option<i64>,
    source_id: Option<String>,
    conversation: Option<i64>,
}

impl TryFrom<ChatRow> for Chat {
    type Error = StoreError;

    fn try_from(row: ChatRow) -> Result<Self> {
        let jid = row.jid.as_deref().map(Jid::parse).transpose().map_err(|error| StoreError::row("chat", "jid", error))?;
        let place = row.contact.zip(row.source_id).map(|(contact, source_id)| Place {
            contact: CwContactId::new(contact),
            source_id,
            conversation: row.conversation.map(CwConversationId::new),
        });
        Ok(Self { key: ChatKey::new(row.key), jid, name: row.name, place })
    }
}

/// One chat.
pub(crate) async fn get(db: &Db, session: &SessionId, key: &ChatKey) -> Result<Option<Chat>> {
    let row: Option<ChatRow> = read!(db, |pool| {
        sqlx::query_as(
            "-- get_chat\nSELECT key, jid, name, contact, source_id, conversation FROM chat WHERE session = $1 AND key = $2",
        )
        .bind(session.as_str())
        .bind(key.as_str())
        .fetch_optional(pool)
        .await
    })
    .map_err(StoreError::database("read a chat"))?;
    row.map(Chat::try_from).transpose()
}

/// The chat that goes by a name.
pub(crate) async fn by_alias(db: &Db, session: &SessionId, alias: &str) -> Result<Option<ChatKey>> {
    let row: Option<(String,)> = read!(db, |pool| {
        sqlx::query_as("-- chat_by_alias\nSELECT chat FROM chat_alias WHERE session = $1 AND alias = $2")
            .bind(session.as_str())
            .bind(alias)
            .fetch_optional(pool)
            .await
    })
    .map_err(StoreError::database("find a chat"))?;
    Ok(row.map(|(chat,)| ChatKey::new(chat)))
}
