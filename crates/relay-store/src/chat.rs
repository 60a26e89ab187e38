//! Conversation partners: who they are on WhatsApp, and where they live in Chatwoot.

use relay_domain::Timestamp;
use relay_domain::id::{ChatKey, CwContactId, CwConversationId, SessionId};
use relay_domain::jid::Jid;
use relay_domain::menu::Choice;

use crate::db::{Db, Tx, on, read};
use crate::error::{Result, StoreError};
use crate::merge;
use crate::model::{Chat, Place};
use crate::writer::Verb;

/// How names of Chatwoot's making begin.
pub const CHATWOOT_NAME: &str = "chatwoot:";

/// Finds the chat that goes by one of several names, or opens it; unknown names are added to it. Chats that turn out to be one
/// person are joined.
#[derive(Debug)]
pub struct OpenChat {
    /// The session.
    pub session: SessionId,
    /// Where messages to it are sent, when known.
    pub jid: Option<Jid>,
    /// Its names, the most telling first; the first becomes the key of a new chat.
    pub aliases: Vec<String>,
    /// Other spellings of the JID. They find a chat, and never become a name of it.
    pub spellings: Vec<String>,
}

/// A chat found by one name or several.
struct Found {
    key: String,
    jid: Option<String>,
    has_place: bool,
    /// Found by nothing but names of Chatwoot's making, which agents may lead to another person.
    by_chatwoot_only: bool,
}

impl Found {
    fn is_phone(&self) -> bool {
        self.jid.as_deref().is_some_and(|jid| jid.ends_with("@s.whatsapp.net"))
    }
}

impl Verb for OpenChat {
    type Out = ChatKey;

    async fn apply(&self, tx: &mut Tx) -> Result<ChatKey> {
        let first =
            self.aliases.first().ok_or_else(|| StoreError::row("chat_alias", "alias", "a chat without a name"))?;
        let mut named = Vec::with_capacity(self.aliases.len());
        for alias in &self.aliases {
            named.push((alias, self.find(tx, alias).await?));
        }
        let mut known = self.found(tx, &named).await?;
        // the number that WhatsApp tells stays, then whoever has a conversation, then the first
        known.sort_by_key(|chat| (!chat.is_phone(), !chat.has_place));
        let mut known = known.into_iter();
        let stays = known.next();
        let key = match &stays {
            Some(chat) => chat.key.clone(),
            None => named.iter().find(|(_, chat)| chat.is_none()).map_or(first, |(alias, _)| alias).clone(),
        };
        if stays.is_some() {
            self.learn_jid(tx, &key).await?;
        } else {
            self.insert_chat(tx, &key).await?;
        }
        for (alias, chat) in named {
            match chat {
                Some(chat) if chat == key => {}
                // learnt now: it leads to this chat, not to the one it led to
                Some(_) => self.move_alias(tx, &key, alias).await?,
                None => self.add_alias(tx, &key, alias).await?,
            }
        }
        for gone in known {
            if stays.as_ref().is_some_and(|stays| self.is_one_person(stays, &gone)) {
                merge::join(tx, &self.session, &gone.key, &key).await?;
            }
        }
        Ok(ChatKey::new(key))
    }
}

impl OpenChat {
    /// The chat of a name; of one that waits to be joined to another, that other.
    async fn find(&self, tx: &mut Tx, alias: &str) -> Result<Option<String>> {
        let row: Option<(String,)> = on!(tx, |conn| {
            sqlx::query_as(
                "-- find_alias\nSELECT COALESCE((SELECT into_chat FROM chat_merge WHERE session = $1 AND gone = chat), chat) \
                 FROM chat_alias WHERE session = $1 AND alias = $2",
            )
            .bind(self.session.as_str())
            .bind(alias)
            .fetch_optional(conn)
            .await
        })
        .map_err(StoreError::database("find a chat"))?;
        Ok(row.map(|(chat,)| chat))
    }

    /// The chats that may be meant, by name and by spelling.
    async fn found(&self, tx: &mut Tx, named: &[(&String, Option<String>)]) -> Result<Vec<Found>> {
        let mut keys: Vec<(String, bool)> = Vec::new();
        let mut add = |key: String, by_chatwoot: bool| match keys.iter_mut().find(|(known, _)| *known == key) {
            Some((_, only)) => *only &= by_chatwoot,
            None => keys.push((key, by_chatwoot)),
        };
        for (alias, chat) in named {
            if let Some(chat) = chat {
                add(chat.clone(), alias.starts_with(CHATWOOT_NAME));
            }
        }
        for spelling in &self.spellings {
            if let Some(chat) = self.find(tx, spelling).await? {
                add(chat, false);
            }
        }
        let mut found = Vec::with_capacity(keys.len());
        for (key, by_chatwoot_only) in keys {
            let (jid, has_place) = self.jid_and_place(tx, &key).await?;
            let chat = Found { key, jid, has_place, by_chatwoot_only };
            if !self.is_somebody_else(&chat) {
                found.push(chat);
            }
        }
        Ok(found)
    }

    async fn jid_and_place(&self, tx: &mut Tx, key: &str) -> Result<(Option<String>, bool)> {
        let row: Option<(Option<String>, Option<i64>)> = on!(tx, |conn| {
            sqlx::query_as("-- jid_of_chat\nSELECT jid, contact FROM chat WHERE session = $1 AND key = $2")
                .bind(self.session.as_str())
                .bind(key)
                .fetch_optional(conn)
                .await
        })
        .map_err(StoreError::database("read a chat"))?;
        let (jid, contact) = row.unwrap_or_default();
        Ok((jid, contact.is_some()))
    }

    /// Whether a chat found by Chatwoot's name belongs to another person by now: agents may correct a contact's number.
    fn is_somebody_else(&self, chat: &Found) -> bool {
        let Some(jid) = self.jid.as_ref().filter(|_| chat.by_chatwoot_only) else {
            return false;
        };
        chat.jid.as_ref().is_some_and(|known| *known != jid.to_string() && !self.spellings.contains(known))
    }

    /// Whether two chats that go by names of one person are to be joined. Not when each has a phone number of its own that is no
    /// spelling of the other: somebody changed numbers, and the old number may be another customer's.
    fn is_one_person(&self, stays: &Found, gone: &Found) -> bool {
        if stays.jid == gone.jid || !stays.is_phone() || !gone.is_phone() {
            return true;
        }
        let told = self.jid.as_ref().map(ToString::to_string);
        let is_meant = |chat: &Found| {
            chat.jid.as_ref().is_some_and(|jid| told.as_ref() == Some(jid) || self.spellings.contains(jid))
        };
        is_meant(stays) && is_meant(gone)
    }

    async fn insert_chat(&self, tx: &mut Tx, key: &str) -> Result<()> {
        on!(tx, |conn| {
            sqlx::query("-- open_chat\nINSERT INTO chat (session, key, jid) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
                .bind(self.session.as_str())
                .bind(key)
                .bind(self.jid.as_ref().map(ToString::to_string))
                .execute(conn)
                .await
                .map(drop)
        })
        .map_err(StoreError::database("open a chat"))?;
        self.learn_jid(tx, key).await
    }

    /// A phone number replaces a hidden one, and nothing else is replaced. Chatwoot's contact is to learn it too.
    async fn learn_jid(&self, tx: &mut Tx, key: &str) -> Result<()> {
        let Some(jid) = &self.jid else { return Ok(()) };
        on!(tx, |conn| {
            sqlx::query(
                "-- learn_jid\nUPDATE chat SET jid = $3, contact_due = CASE WHEN contact IS NULL THEN contact_due ELSE 1 END \
                 WHERE session = $1 AND key = $2 \
                 AND (jid IS NULL OR (jid LIKE '%@lid' AND $3 LIKE '%@s.whatsapp.net'))",
            )
            .bind(self.session.as_str())
            .bind(key)
            .bind(jid.to_string())
            .execute(conn)
            .await
            .map(drop)
        })
        .map_err(StoreError::database("learn an address"))
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
    /// The name that the relay gave it there; when absent, it stays as it was.
    pub name: Option<String>,
    /// What the customer was called then; when absent, it stays as it was.
    pub push_name: Option<String>,
}

impl Verb for SetPlace {
    type Out = ();

    async fn apply(&self, tx: &mut Tx) -> Result<()> {
        let place = self.place.as_ref();
        on!(tx, |conn| {
            sqlx::query(
                "-- set_place\nUPDATE chat SET contact = $3, source_id = $4, conversation = $5, name = COALESCE($6, name), \
                 push_name = COALESCE($7, push_name), \
                 status = CASE WHEN conversation = $5 THEN status END, status_at = CASE WHEN conversation = $5 THEN status_at END \
                 WHERE session = $1 AND key = $2",
            )
            .bind(self.session.as_str())
            .bind(self.chat.as_str())
            .bind(place.map(|place| place.contact.get()))
            .bind(place.map(|place| place.source_id.as_str()))
            .bind(place.and_then(|place| place.conversation).map(CwConversationId::get))
            .bind(self.name.as_deref())
            .bind(self.push_name.as_deref())
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

/// Every name under which a chat was seen.
pub(crate) async fn names(db: &Db, session: &SessionId, chat: &ChatKey) -> Result<Vec<String>> {
    let rows: Vec<(String,)> = read!(db, |pool| {
        sqlx::query_as("-- names_of_chat\nSELECT alias FROM chat_alias WHERE session = $1 AND chat = $2 ORDER BY alias")
            .bind(session.as_str())
            .bind(chat.as_str())
            .fetch_all(pool)
            .await
    })
    .map_err(StoreError::database("read the names of a chat"))?;
    Ok(rows.into_iter().map(|(alias,)| alias).collect())
}

#[derive(sqlx::FromRow)]
struct ChatRow {
    key: String,
    jid: Option<String>,
    name: Option<String>,
    push_name: Option<String>,
    picture: Option<Vec<u8>>,
    pictured_at: Option<i64>,
    contact: Option<i64>,
    source_id: Option<String>,
    conversation: Option<i64>,
    status: Option<String>,
    contact_due: i64,
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
            push_name: row.push_name,
            picture: row.picture,
            pictured_at: row.pictured_at.map(Timestamp::from_millis),
            place,
            status: row.status,
            is_contact_due: row.contact_due == 1,
            is_on_whatsapp: row.on_whatsapp == 1,
            // a choice that another version wrote differently is one that can no longer be made
            choice: row.choice.and_then(|choice| serde_json::from_str(&choice).ok()),
        })
    }
}

/// One chat. A key that it had before it was joined to another is one of its names.
pub(crate) async fn get(db: &Db, session: &SessionId, key: &ChatKey) -> Result<Option<Chat>> {
    let row: Option<ChatRow> = read!(db, |pool| {
        sqlx::query_as(
            "-- get_chat\nSELECT key, jid, name, push_name, picture, pictured_at, contact, source_id, conversation, status, \
             contact_due, on_whatsapp, choice FROM chat WHERE session = $1 AND key = COALESCE(\
               (SELECT key FROM chat WHERE session = $1 AND key = $2), \
               (SELECT chat FROM chat_alias WHERE session = $1 AND alias = $2))",
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
