//! Conversation partners: who they are on WhatsApp, and where they live in Chatwoot.

use relay_domain::id::{ChatKey, CwContactId, CwConversationId, SessionId};
use relay_domain::jid::Jid;
use relay_domain::menu::Choice;

use crate::db::{Db, Tx, on, read};
use crate::error::{Result, StoreError};
use crate::model::{Chat, Place};
use crate::writer::Verb;

/// How names of Chatwoot's making begin.
pub const CHATWOOT_NAME: &str = "chatwoot:";

/// Finds the chat that goes by one of several names, or opens it; unknown names are added to it.
#[derive(Debug)]
pub struct OpenChat {
    /// The session.
    pub session: SessionId,
    /// Where messages to it are sent, when known.
    pub jid: Option<Jid>,
    /// Its names, the most telling first; the first becomes the key of a new chat.
    pub aliases: Vec<String>,
    /// Other spellings of the JID. They tell whether a chat found by a name of Chatwoot's making is this person's.
    pub spellings: Vec<String>,
}

impl Verb for OpenChat {
    type Out = ChatKey;

    async fn apply(&self, tx: &mut Tx) -> Result<ChatKey> {
        let first =
            self.aliases.first().ok_or_else(|| StoreError::row("chat_alias", "alias", "a chat without a name"))?;
        let mut found = Vec::with_capacity(self.aliases.len());
        let mut known = None;
        for alias in &self.aliases {
            let chat = self.find(tx, alias).await?;
            if let (None, Some(key)) = (&known, &chat)
                && !self.is_somebody_else(tx, alias, key).await?
            {
                known.clone_from(&chat);
            }
            found.push((alias, chat));
        }
        let key = known.unwrap_or_else(|| first.clone());
        self.insert_chat(tx, &key).await?;
        for (alias, chat) in found {
            match chat {
                Some(chat) if chat == key => {}
                // learnt now: it leads to this chat, not to the one it led to
                Some(_) => self.move_alias(tx, &key, alias).await?,
                None => self.add_alias(tx, &key, alias).await?,
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

    /// Whether a chat found by Chatwoot's name belongs to another person by now: agents may correct a contact's number.
    async fn is_somebody_else(&self, tx: &mut Tx, alias: &str, key: &str) -> Result<bool> {
        let Some(jid) = self.jid.as_ref().filter(|_| alias.starts_with(CHATWOOT_NAME)) else {
            return Ok(false);
        };
        let row: Option<(Option<String>,)> = on!(tx, |conn| {
            sqlx::query_as("-- jid_of_chat\nSELECT jid FROM chat WHERE session = $1 AND key = $2")
                .bind(self.session.as_str())
                .bind(key)
                .fetch_optional(conn)
                .await
        })
        .map_err(StoreError::database("read a chat"))?;
        let known = row.and_then(|(known,)| known);
        Ok(known.is_some_and(|known| known != jid.to_string() && !self.spellings.contains(&known)))
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

    /// Names a chat. Another process may be quicker with the same name: then the writer tries again, and finds its chat.
    async fn add_alias(&self, tx: &mut Tx, key: &str, alias: &str) -> Result<()> {
        let inserted = on!(tx, |conn| {
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
        .map_err(StoreError::database("name a chat"))?;
        if inserted || self.find(tx, alias).await?.as_deref() == Some(key) {
            return Ok(());
        }
        Err(StoreError::row("chat_alias", "alias", "it was given to another chat at the same moment"))
    }

    async fn move_alias(&self, tx: &mut Tx, key: &str, alias: &str) -> Result<()> {
        on!(tx, |conn| {
            sqlx::query("-- move_alias\nUPDATE chat_alias SET chat = $3 WHERE session = $1 AND alias = $2")
                .bind(self.session.as_str())
                .bind(alias)
                .bind(key)
                .execute(conn)
                .await
                .map(drop)
        })
        .map_err(StoreError::database("rename a chat"))
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

/// Remembers that WhatsApp confirmed a chat's number, and how it spells it.
#[derive(Debug)]
pub struct ConfirmNumber {
    /// The session.
    pub session: SessionId,
    /// The chat.
    pub chat: ChatKey,
    /// WhatsApp's spelling.
    pub jid: Jid,
}

impl Verb for ConfirmNumber {
    type Out = ();

    async fn apply(&self, tx: &mut Tx) -> Result<()> {
        on!(tx, |conn| {
            sqlx::query("-- confirm_number\nUPDATE chat SET on_whatsapp = 1, jid = $3 WHERE session = $1 AND key = $2")
                .bind(self.session.as_str())
                .bind(self.chat.as_str())
                .bind(self.jid.to_string())
                .execute(conn)
                .await
                .map(drop)
        })
        .map_err(StoreError::database("confirm a number"))
    }
}

/// Remembers the choice that the customer was given, in place of the one before.
#[derive(Debug)]
pub struct SetChoice {
    /// The session.
    pub session: SessionId,
    /// The chat.
    pub chat: ChatKey,
    /// The choice.
    pub choice: Choice,
}

impl Verb for SetChoice {
    type Out = ();

    async fn apply(&self, tx: &mut Tx) -> Result<()> {
        let choice = serde_json::to_string(&self.choice).expect("a choice is plain text and numbers");
        on!(tx, |conn| {
            sqlx::query("-- set_choice\nUPDATE chat SET choice = $3 WHERE session = $1 AND key = $2")
                .bind(self.session.as_str())
                .bind(self.chat.as_str())
                .bind(choice)
                .execute(conn)
                .await
                .map(drop)
        })
        .map_err(StoreError::database("remember a choice"))
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
    on_whatsapp: i64,
    choice: Option<String>,
}

impl TryFrom<ChatRow> for Chat {
    type Error = StoreError;

    fn try_from(row: ChatRow) -> Result<Self> {
        let jid =
            row.jid.as_deref().map(Jid::parse).transpose().map_err(|error| StoreError::row("chat", "jid", error))?;
        let place = row.contact.zip(row.source_id).map(|(contact, source_id)| Place {
            contact: CwContactId::new(contact),
            source_id,
            conversation: row.conversation.map(CwConversationId::new),
        });
        Ok(Self {
            key: ChatKey::new(row.key),
            jid,
            name: row.name,
            place,
            is_on_whatsapp: row.on_whatsapp == 1,
            // a choice that another version wrote differently is one that can no longer be made
            choice: row.choice.and_then(|choice| serde_json::from_str(&choice).ok()),
        })
    }
}

/// One chat.
pub(crate) async fn get(db: &Db, session: &SessionId, key: &ChatKey) -> Result<Option<Chat>> {
    let row: Option<ChatRow> = read!(db, |pool| {
        sqlx::query_as(
            "-- get_chat\nSELECT key, jid, name, contact, source_id, conversation, on_whatsapp, choice FROM chat \
             WHERE session = $1 AND key = $2",
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
