//! Sessions, with their tokens sealed on the way in and opened on the way out.

use relay_domain::Timestamp;
use relay_domain::id::SessionId;
use relay_domain::settings::SessionSettings;
use secrecy::SecretString;
use url::Url;

use crate::db::{Db, Tx, on, read};
use crate::error::{Result, StoreError};
use crate::model::{Announced, ChatwootAccess, CodeChatAccess, Session, SessionState};
use crate::vault::Vault;
use crate::writer::Verb;

const CODECHAT_TOKEN: &str = "session.codechat_token";
const CHATWOOT_TOKEN: &str = "session.chatwoot_token";
const CHATWOOT_SECRET: &str = "session.chatwoot_secret";

/// Stores a new session.
pub(crate) struct InsertSession {
    session: Session,
    codechat_token: Vec<u8>,
    chatwoot_token: Vec<u8>,
    chatwoot_secret: Option<Vec<u8>>,
    settings: String,
}

impl InsertSession {
    pub(crate) fn new(session: Session, vault: &Vault) -> Result<Self> {
        let row = session.id.as_str();
        Ok(Self {
            codechat_token: vault.seal(CODECHAT_TOKEN, row, &session.codechat.token),
            chatwoot_token: vault.seal(CHATWOOT_TOKEN, row, &session.chatwoot.token),
            chatwoot_secret: session.chatwoot.secret.as_ref().map(|secret| vault.seal(CHATWOOT_SECRET, row, secret)),
            settings: settings_column(&session.settings)?,
            session,
        })
    }
}

fn settings_column(settings: &SessionSettings) -> Result<String> {
    serde_json::to_string(settings).map_err(|error| StoreError::row("session", "settings", error))
}

impl Verb for InsertSession {
    type Out = ();

    async fn apply(&self, tx: &mut Tx) -> Result<()> {
        let Session { codechat, chatwoot, .. } = &self.session;
        let inserted = on!(tx, |conn| {
            sqlx::query(
                "-- insert_session\nINSERT INTO session (id, name, description, state, state_reason, connection, \
                 codechat_url, codechat_token_sealed, codechat_hook_hash, chatwoot_url, chatwoot_account, chatwoot_inbox, \
                 chatwoot_token_sealed, chatwoot_secret_sealed, chatwoot_hook_hash, settings, created_at, \
                 connection_since, announced) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)",
            )
            .bind(self.session.id.as_str())
            .bind(self.session.name.as_str())
            .bind(self.session.description.as_deref())
            .bind(self.session.state.as_str())
            .bind(self.session.state_reason.as_deref())
            .bind(self.session.connection.as_str())
            .bind(codechat.url.as_str())
            .bind(&self.codechat_token)
            .bind(&codechat.hook_hash[..])
            .bind(chatwoot.url.as_str())
            .bind(chatwoot.account)
            .bind(chatwoot.inbox)
            .bind(&self.chatwoot_token)
            .bind(self.chatwoot_secret.as_deref())
            .bind(&chatwoot.hook_hash[..])
            .bind(self.settings.as_str())
            .bind(self.session.created_at.as_millis())
            .bind(self.session.connection_since.as_millis())
            .bind(self.session.announced.map(Announced::as_str))
            .execute(conn)
            .await
            .map(drop)
        });
        inserted.map_err(taken)
    }
}

fn taken(error: sqlx::Error) -> StoreError {
    let clash =
        error.as_database_error().filter(|error| error.is_unique_violation()).map(|error| error.message().to_owned());
    match clash {
        Some(message) if message.contains("inbox") => StoreError::Taken { what: "this Chatwoot inbox" },
        Some(_) => StoreError::Taken { what: "this session name" },
        None => StoreError::database("store a session")(error),
    }
}

/// Changes what happens to a session while it lives.
#[derive(Debug)]
pub struct UpdateSession {
    /// The session.
    pub id: SessionId,
    /// What Chatwoot signs webhooks with from now on.
    pub chatwoot_secret: Option<SecretString>,
    /// The token that Chatwoot takes from now on.
    pub chatwoot_token: Option<SecretString>,
    /// Hash of the secret in the address that Chatwoot calls from now on.
    pub chatwoot_hook: Option<[u8; 32]>,
    /// The token that CodeChat takes from now on.
    pub codechat_token: Option<SecretString>,
    /// Hash of the secret in the address that CodeChat calls from now on.
    pub codechat_hook: Option<[u8; 32]>,
    /// What its owner chose.
    pub settings: Option<SessionSettings>,
}

impl UpdateSession {
    /// A change that changes nothing yet.
    pub fn of(id: &SessionId) -> Self {
        Self {
            id: id.clone(),
            chatwoot_secret: None,
            chatwoot_token: None,
            chatwoot_hook: None,
            codechat_token: None,
            codechat_hook: None,
            settings: None,
        }
    }
}

/// An update with its secrets sealed.
pub(crate) struct SealedUpdate {
    update: UpdateSession,
    secret: Option<Vec<u8>>,
    chatwoot_token: Option<Vec<u8>>,
    codechat_token: Option<Vec<u8>>,
    settings: Option<String>,
}

impl SealedUpdate {
    pub(crate) fn new(update: UpdateSession, vault: &Vault) -> Result<Self> {
        let seal = |column, secret: &Option<SecretString>| {
            secret.as_ref().map(|secret| vault.seal(column, update.id.as_str(), secret))
        };
        let secret = seal(CHATWOOT_SECRET, &update.chatwoot_secret);
        let chatwoot_token = seal(CHATWOOT_TOKEN, &update.chatwoot_token);
        let codechat_token = seal(CODECHAT_TOKEN, &update.codechat_token);
        let settings = update.settings.as_ref().map(settings_column).transpose()?;
        Ok(Self { update, secret, chatwoot_token, codechat_token, settings })
    }
}

impl Verb for SealedUpdate {
    type Out = ();

    async fn apply(&self, tx: &mut Tx) -> Result<()> {
        on!(tx, |conn| {
            sqlx::query(
                "-- update_session\nUPDATE session SET chatwoot_secret_sealed = COALESCE($2, chatwoot_secret_sealed), \
                 settings = COALESCE($3, settings), \
                 chatwoot_token_sealed = COALESCE($4, chatwoot_token_sealed), \
                 chatwoot_hook_hash = COALESCE($5, chatwoot_hook_hash), \
                 codechat_token_sealed = COALESCE($6, codechat_token_sealed), \
                 codechat_hook_hash = COALESCE($7, codechat_hook_hash) WHERE id = $1",
            )
            .bind(self.update.id.as_str())
            .bind(self.secret.as_deref())
            .bind(self.settings.as_deref())
            .bind(self.chatwoot_token.as_deref())
            .bind(self.update.chatwoot_hook.as_ref().map(|hash| &hash[..]))
            .bind(self.codechat_token.as_deref())
            .bind(self.update.codechat_hook.as_ref().map(|hash| &hash[..]))
            .execute(conn)
            .await
            .map(drop)
        })
        .map_err(StoreError::database("update a session"))
    }
}

/// Removes a session and everything of it.
pub(crate) struct DeleteSession {
    pub(crate) id: SessionId,
    /// Remove it together with what waits and what is dead.
    pub(crate) force: bool,
}

/// What became of a deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deleted {
    /// It is gone.
    Yes,
    /// It has events that would be lost; nothing was deleted.
    Kept(Backlog),
}

/// What would be lost with a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Events that wait.
    pub pending: i64,
    /// Events that are dead or expired.
    pub dead: i64,
}

impl Verb for DeleteSession {
    type Out = Deleted;

    async fn apply(&self, tx: &mut Tx) -> Result<Deleted> {
        let failed = || StoreError::database("delete a session");
        // an event that is being stored refers to this row: it comes before the count, or after the deletion and fails
        let lock = tx.dialect(
            "-- lock_session\nSELECT id FROM session WHERE id = $1",
            "-- lock_session\nSELECT id FROM session WHERE id = $1 FOR UPDATE",
        );
        on!(tx, |conn| sqlx::query(lock).bind(self.id.as_str()).execute(conn).await.map(drop)).map_err(failed())?;
        let (pending, dead): (i64, i64) = on!(tx, |conn| {
            sqlx::query_as(
                "-- count_backlog\nSELECT CAST(COALESCE(SUM(CASE WHEN state = 'pending' THEN 1 ELSE 0 END), 0) AS BIGINT), \
                 CAST(COALESCE(SUM(CASE WHEN state = 'pending' THEN 0 ELSE 1 END), 0) AS BIGINT) \
                 FROM event WHERE session = $1 AND state IN ('pending', 'dead', 'expired')",
            )
            .bind(self.id.as_str())
            .fetch_one(conn)
            .await
        })
        .map_err(failed())?;
        let backlog = Backlog { pending, dead };
        if backlog != Backlog::default() && !self.force {
            return Ok(Deleted::Kept(backlog));
        }
        on!(tx, |conn| {
            sqlx::query("-- delete_session\nDELETE FROM session WHERE id = $1")
                .bind(self.id.as_str())
                .execute(conn)
                .await
                .map(drop)
        })
        .map_err(failed())?;
        Ok(Deleted::Yes)
    }
}

#[derive(sqlx::FromRow)]
struct SessionRow {
    id: String,
    name: String,
    description: Option<String>,
    state: String,
    state_reason: Option<String>,
    connection: String,
    connection_since: i64,
    announced: Option<String>,
    codechat_url: String,
    codechat_token_sealed: Vec<u8>,
    codechat_hook_hash: Vec<u8>,
    chatwoot_url: String,
    chatwoot_account: i64,
    chatwoot_inbox: i64,
    chatwoot_token_sealed: Vec<u8>,
    chatwoot_secret_sealed: Option<Vec<u8>>,
    chatwoot_hook_hash: Vec<u8>,
    settings: String,
    created_at: i64,
}

impl SessionRow {
    fn open(self, vault: &Vault) -> Result<Session> {
        let bad = |column, reason: String| StoreError::row("session", column, reason);
        let url = |column, text: &str| Url::parse(text).map_err(|error| bad(column, error.to_string()));
        let hash =
            |column, bytes: Vec<u8>| <[u8; 32]>::try_from(bytes).map_err(|_| bad(column, "not 32 bytes".to_owned()));
        let open = |column, sealed: &[u8]| -> Result<SecretString> { vault.open(column, &self.id, sealed) };
        let announced = |word: &String| Announced::parse(word).ok_or_else(|| bad("announced", word.clone()));
        let announced = self.announced.as_ref().map(announced).transpose()?;
        Ok(Session {
            codechat: CodeChatAccess {
                url: url("codechat_url", &self.codechat_url)?,
                token: open(CODECHAT_TOKEN, &self.codechat_token_sealed)?,
                hook_hash: hash("codechat_hook_hash", self.codechat_hook_hash)?,
            },
            chatwoot: ChatwootAccess {
                url: url("chatwoot_url", &self.chatwoot_url)?,
                account: self.chatwoot_account,
                inbox: self.chatwoot_inbox,
                token: open(CHATWOOT_TOKEN, &self.chatwoot_token_sealed)?,
                secret: self
                    .chatwoot_secret_sealed
                    .as_deref()
                    .map(|sealed| open(CHATWOOT_SECRET, sealed))
                    .transpose()?,
                hook_hash: hash("chatwoot_hook_hash", self.chatwoot_hook_hash)?,
            },
            state: SessionState::parse(&self.state).ok_or_else(|| bad("state", self.state.clone()))?,
            settings: serde_json::from_str(&self.settings).map_err(|error| bad("settings", error.to_string()))?,
            created_at: Timestamp::from_millis(self.created_at),
            id: SessionId::new(self.id),
            name: self.name,
            description: self.description,
            state_reason: self.state_reason,
            connection: self.connection,
            connection_since: Timestamp::from_millis(self.connection_since),
            announced,
        })
    }
}

/// All sessions, oldest first.
pub(crate) async fn all(db: &Db, vault: &Vault) -> Result<Vec<Session>> {
    let rows: Vec<SessionRow> = read!(db, |pool| {
        sqlx::query_as("-- all_sessions\nSELECT * FROM session ORDER BY created_at, id").fetch_all(pool).await
    })
    .map_err(StoreError::database("read the sessions"))?;
    rows.into_iter().map(|row| row.open(vault)).collect()
}

/// The session of a name.
pub(crate) async fn by_name(db: &Db, vault: &Vault, name: &str) -> Result<Option<Session>> {
    if name.contains('\0') {
        // PostgreSQL has no such text
        return Ok(None);
    }
    let row: Option<SessionRow> = read!(db, |pool| {
        sqlx::query_as("-- session_by_name\nSELECT * FROM session WHERE name = $1")
            .bind(name)
            .fetch_optional(pool)
            .await
    })
    .map_err(StoreError::database("read a session"))?;
    row.map(|row| row.open(vault)).transpose()
}
