//! Making a session: both sides are joined, or neither is.

use chatwoot::{ErrorKind as Cw, Inbox};
use codechat::{Hook, HookEvent};
use relay_domain::id::SessionId;
use relay_domain::settings::SessionSettings;
use relay_store::{ChatwootAccess, CodeChatAccess, Deleted, Session, SessionState, StoreError};
use secrecy::SecretString;
use url::Url;

use crate::Engine;
use crate::address::{Shape, origin, shape_of};
use crate::hooks::hook_events;
use crate::sessions::{Live, hash_token};
use crate::setup::sides::hook_url;
use crate::token::new_token;

/// The webhook events of CodeChat that every session uses.
pub const HOOK_EVENTS: [HookEvent; 10] = [
    HookEvent::MessagesUpsert,
    HookEvent::MessagesUpdate,
    HookEvent::SendMessage,
    HookEvent::ConnectionUpdate,
    HookEvent::QrcodeUpdated,
    HookEvent::StatusInstance,
    HookEvent::CallUpsert,
    HookEvent::GroupsUpsert,
    HookEvent::GroupsUpdate,
    HookEvent::GroupParticipantsUpdate,
];

/// What a new session is to be.
#[derive(Debug)]
pub struct NewSession {
    /// Its name.
    pub name: String,
    /// What people write about it.
    pub description: Option<String>,
    /// Chatwoot; the configured one when absent.
    pub chatwoot_url: Option<Url>,
    /// Chatwoot account.
    pub account: i64,
    /// Chatwoot inbox.
    pub inbox: i64,
    /// Token of a Chatwoot user.
    pub token: SecretString,
    /// Choices.
    pub settings: SessionSettings,
}

/// A session that was made.
#[derive(Debug)]
pub struct Created {
    /// The session.
    pub session: Session,
    /// Where Chatwoot must send its webhooks. It holds a secret and is shown once.
    pub chatwoot_webhook: String,
    /// Whether the inbox was told so already.
    pub webhook_is_set: bool,
    /// Whether Chatwoot's webhooks will be checked by signature.
    pub is_signed: bool,
}

/// Why a session could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// Nobody said which server to use.
    #[error("{variable} is not set: tell the relay where {what} is")]
    NotConfigured {
        /// The missing setting.
        variable: &'static str,
        /// What it leads to.
        what: &'static str,
    },
    /// The address is that of one of Chatwoot's pages.
    #[error("the address of Chatwoot is that of one of its pages: use {origin} alone")]
    ChatwootPage {
        /// The server.
        origin: String,
    },
    /// The name cannot be part of a URL.
    #[error("session_id must be 1 to 64 letters, digits, dots, hyphens or underscores")]
    BadName,
    /// Chatwoot refuses the token.
    #[error(
        "Chatwoot refuses the token for account {account}: use the access token of an administrator (Profile settings)"
    )]
    ChatwootToken {
        /// The account.
        account: i64,
    },
    /// There is no such inbox.
    #[error("account {account} has no inbox {inbox} that this token can see")]
    NoInbox {
        /// The account.
        account: i64,
        /// The inbox.
        inbox: i64,
    },
    /// The inbox is of another kind.
    #[error("inbox {inbox} is a {kind}; create an inbox of type API and use its id")]
    NotAnApiInbox {
        /// The inbox.
        inbox: i64,
        /// Its kind.
        kind: String,
    },
    /// The name or the inbox is in use.
    #[error(transparent)]
    Taken(StoreError),
    /// Chatwoot did not do its part.
    #[error("Chatwoot could not be set up")]
    Chatwoot(#[source] chatwoot::Error),
    /// CodeChat did not do its part.
    #[error("CodeChat could not be set up")]
    CodeChat(#[source] codechat::Error),
    /// The store did not do its part.
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for SetupError {
    fn from(error: StoreError) -> Self {
        if matches!(error, StoreError::Taken { .. }) { Self::Taken(error) } else { Self::Store(error) }
    }
}

/// What must be undone when a later step fails.
#[derive(Default)]
struct Undo {
    instance: bool,
    row: Option<SessionId>,
    /// The inbox, and where it sent its webhooks before.
    inbox: Option<(chatwoot::Client, Inbox)>,
    /// An instance that was taken over is to get back what it had.
    was_taken_over: bool,
    /// The webhook that it had.
    hook: Option<Hook>,
}

impl Engine {
    /// Makes a session: CodeChat instance, row, webhooks on both sides. What was made is unmade when a later step fails.
    pub async fn create_session(&self, new: NewSession) -> Result<Created, SetupError> {
        check_name(&new.name)?;
        // two callers with one name: the loser must not undo what the winner found
        let _alone = self.making.lock().await;
        let mut undo = Undo::default();
        let name = new.name.clone();
        let result = self.try_create(new, &mut undo).await;
        if let Err(error) = &result {
            tracing::warn!(session.name = %name, %error, "a session could not be made");
            self.undo(&name, undo).await;
        }
        result
    }

    async fn try_create(&self, new: NewSession, undo: &mut Undo) -> Result<Created, SetupError> {
        let (chatwoot_url, codechat_url, codechat) = self.servers(&new)?;
        let chatwoot = chatwoot::Client::new(self.http.clone(), chatwoot_url.clone(), new.account, new.token.clone());
        let inbox = api_inbox(&chatwoot, &new).await?;
        if self.store.session_by_name(&new.name).await?.is_some() {
            return Err(SetupError::Taken(StoreError::Taken { what: "this session name" }));
        }
        let token = self.instance(&codechat, &new, undo).await?;
        let (codechat_secret, chatwoot_secret) = (new_token(), new_token());
        let session = Session {
            id: SessionId::generate(),
            name: new.name.clone(),
            description: new.description,
            state: SessionState::Active,
            state_reason: None,
            connection: "unknown".to_owned(),
            connection_since: self.clock.now(),
            announced: None,
            codechat: CodeChatAccess { url: codechat_url, token, hook_hash: hash_token(&codechat_secret) },
            chatwoot: ChatwootAccess {
                url: chatwoot_url,
                account: new.account,
                inbox: new.inbox,
                token: new.token,
                secret: inbox.secret.clone(),
                hook_hash: hash_token(&chatwoot_secret),
            },
            settings: new.settings,
            created_at: self.clock.now(),
        };
        // the row first: a webhook may come as soon as an address is set
        self.store.insert_session(session.clone()).await?;
        undo.row = Some(session.id.clone());
        let chatwoot_webhook = hook_url(&self.config.api_url, "chatwoot", &new.name, &chatwoot_secret).to_string();
        undo.inbox = Some((chatwoot.clone(), inbox));
        let webhook_is_set = set_inbox_webhook(&chatwoot, new.inbox, &chatwoot_webhook).await?;
        // CodeChat last: what customers write from here on is ours to keep
        let codechat_webhook = hook_url(&self.config.callback_url, "codechat", &new.name, &codechat_secret);
        if !undo.instance {
            undo.hook = codechat.find_webhook(&new.name).await.map_err(SetupError::CodeChat)?;
            undo.was_taken_over = true;
        }
        let events = hook_events(&session.settings);
        codechat.set_webhook(&new.name, &codechat_webhook, &events).await.map_err(SetupError::CodeChat)?;
        if let Err(error) = self.sessions.refresh().await {
            // everything is set; the session is found by its first webhook
            tracing::warn!(%error, "the sessions could not be read anew");
        }
        if let Some(live) = self.sessions.of_id(&session.id) {
            live.health.asked.note(events);
        }
        let is_signed = session.chatwoot.secret.is_some();
        Ok(Created { session, chatwoot_webhook, webhook_is_set, is_signed })
    }

    fn servers(&self, new: &NewSession) -> Result<(Url, Url, codechat::Client), SetupError> {
        let missing = |variable, what| SetupError::NotConfigured { variable, what };
        let chatwoot = new.chatwoot_url.clone().or_else(|| self.config.chatwoot_url.clone());
        let chatwoot = chatwoot.ok_or_else(|| missing("CHATWOOT_URL", "Chatwoot"))?;
        if shape_of(&chatwoot) == Shape::Page {
            return Err(SetupError::ChatwootPage { origin: origin(&chatwoot) });
        }
        let codechat = self.config.codechat_url.clone().ok_or_else(|| missing("CODECHAT_URL", "CodeChat"))?;
        let key = self.config.codechat_key.clone().ok_or_else(|| missing("CODECHAT_KEY", "CodeChat's global key"))?;
        let client = codechat::Client::new(self.http.clone(), codechat.clone(), codechat::Auth::Global(key));
        Ok((chatwoot, codechat, client))
    }

    /// The instance of the session's name: an existing one is taken over.
    async fn instance(
        &self,
        codechat: &codechat::Client,
        new: &NewSession,
        undo: &mut Undo,
    ) -> Result<SecretString, SetupError> {
        let refused = match codechat.create_instance(&new.name, new.description.as_deref()).await {
            Ok(created) => {
                undo.instance = true;
                return Ok(created.token);
            }
            Err(error) => error,
        };
        // a duplicate is refused in several ways; whoever exists can be fetched
        match codechat.fetch_instance(&new.name).await {
            Ok(instance) => instance.token.ok_or(SetupError::CodeChat(refused)),
            Err(_) => Err(SetupError::CodeChat(refused)),
        }
    }

    async fn undo(&self, name: &str, undo: Undo) {
        if let Some(row) = undo.row
            && let Err(error) = self.store.delete_session(&row, true).await
        {
            tracing::error!(session.id = %row, %error, "the row of a failed session remains");
        }
        if let Some((chatwoot, inbox)) = undo.inbox {
            put_back_inbox(&chatwoot, &inbox).await;
        }
        let (Some(url), Some(key)) = (&self.config.codechat_url, &self.config.codechat_key) else { return };
        let client = codechat::Client::new(self.http.clone(), url.clone(), codechat::Auth::Global(key.clone()));
        if undo.was_taken_over {
            self.put_back_hook(&client, name, undo.hook.as_ref()).await;
        }
        if undo.instance
            && let Err(error) = client.delete_instance(name, true).await
        {
            tracing::error!(session.name = %name, error = %error.kind, "the instance of a failed session remains at CodeChat");
        }
    }

    /// Gives an instance its webhook back; one that had none hears of nothing.
    async fn put_back_hook(&self, client: &codechat::Client, name: &str, hook: Option<&Hook>) {
        let before = hook.and_then(|hook| Some((Url::parse(&hook.url).ok()?, hook)));
        let (url, events) = match &before {
            Some((url, hook)) if hook.enabled => (url, hook.events.as_deref().unwrap_or(HookEvent::ALL)),
            Some((url, _)) => (url, &[][..]),
            None => (&self.config.callback_url, &[][..]),
        };
        if let Err(error) = client.set_webhook(name, url, events).await {
            tracing::error!(session.name = %name, error = %error.kind, "the webhook that CodeChat had before a failed session is lost");
        }
    }

    /// Removes a session; both sides are told to call us no more. The CodeChat instance stays, and so does the phone's pairing.
    pub async fn remove_session(&self, session: &Session, force: bool) -> Result<Deleted, StoreError> {
        let deleted = self.store.delete_session(&session.id, force).await?;
        if deleted == Deleted::Yes {
            if let Some(live) = self.sessions.of_id(&session.id) {
                self.hang_up(&live).await;
            }
            self.sessions.refresh().await?;
            self.chats.forget();
        }
        Ok(deleted)
    }

    async fn hang_up(&self, live: &Live) {
        let nowhere = &self.config.callback_url;
        if let Err(error) = live.codechat.set_webhook(live.name(), nowhere, &[]).await {
            tracing::warn!(session.id = %live.id(), error = %error.kind, "CodeChat still calls for a removed session");
        }
        if let Err(error) = live.chatwoot.set_inbox_webhook(live.session.chatwoot.inbox, "").await {
            tracing::warn!(session.id = %live.id(), error = %error.kind, "Chatwoot still calls for a removed session");
        }
    }
}

async fn api_inbox(chatwoot: &chatwoot::Client, new: &NewSession) -> Result<Inbox, SetupError> {
    let inbox = chatwoot.inbox(new.inbox).await.map_err(|error| match error.kind {
        Cw::Unauthorized => SetupError::ChatwootToken { account: new.account },
        Cw::NotFound => SetupError::NoInbox { account: new.account, inbox: new.inbox },
        _ => SetupError::Chatwoot(error),
    })?;
    if inbox.is_api() {
        Ok(inbox)
    } else {
        Err(SetupError::NotAnApiInbox { inbox: new.inbox, kind: inbox.channel_type })
    }
}

/// Lets an inbox send its webhooks where it did before. A token that may not change it did not change it.
async fn put_back_inbox(chatwoot: &chatwoot::Client, inbox: &Inbox) {
    let before = inbox.webhook_url.as_deref().unwrap_or_default();
    match chatwoot.set_inbox_webhook(inbox.id, before).await {
        Err(error) if error.kind != Cw::Unauthorized => {
            tracing::error!(inbox = inbox.id, error = %error.kind, "the webhook address that an inbox had before a failed session is lost");
        }
        Ok(_) | Err(_) => {}
    }
}

/// Only administrators may change an inbox; others paste the address by hand.
async fn set_inbox_webhook(chatwoot: &chatwoot::Client, inbox: i64, url: &str) -> Result<bool, SetupError> {
    match chatwoot.set_inbox_webhook(inbox, url).await {
        Ok(_) => Ok(true),
        Err(error) if error.kind == Cw::Unauthorized => Ok(false),
        Err(error) => Err(SetupError::Chatwoot(error)),
    }
}

fn check_name(name: &str) -> Result<(), SetupError> {
    let is_fine = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let is_name = (1..=64).contains(&name.len()) && name.chars().all(is_fine) && !name.chars().all(|c| c == '.');
    if is_name { Ok(()) } else { Err(SetupError::BadName) }
}
