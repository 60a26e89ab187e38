//! Whether both sides of a session still report to us, and putting right what does not.

use std::sync::Arc;

use relay_store::{StoreError, UpdateSession};
use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;
use url::Url;

use super::plan::without_secret;
use super::session::SetupError;
use crate::Engine;
use crate::hooks::hook_events;
use crate::sessions::{Live, hash_token};
use crate::token::new_token;
use crate::trouble::Side;

/// Where a side sends its webhooks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HookState {
    /// To us, with the right secret.
    Right,
    /// Nowhere.
    Missing,
    /// To us, with a secret of the past.
    Stale,
    /// To another address, shown without what is secret.
    Elsewhere(String),
    /// The instance is not there any more.
    NoInstance,
    /// Nobody knows: the side said so.
    Unknown(String),
}

/// Both sides of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sides {
    /// Where the inbox sends its events.
    pub chatwoot: HookState,
    /// Where the instance sends its webhooks.
    pub codechat: HookState,
    /// Whether Chatwoot's webhooks are checked by signature.
    pub is_signed: bool,
}

impl Engine {
    /// Looks where both sides of a session send their webhooks; changes nothing.
    pub async fn sides(&self, live: &Live) -> Sides {
        let inbox = live.chatwoot.inbox(live.session.chatwoot.inbox).await;
        let chatwoot = match inbox {
            Ok(inbox) => self.judge(live, Side::Chatwoot, inbox.webhook_url.as_deref()),
            Err(error) => HookState::Unknown(error.to_string()),
        };
        let codechat = match live.codechat.find_webhook(live.name()).await {
            Ok(hook) => {
                let url =
                    hook.filter(|hook| hook.enabled && hook.events.as_ref().is_none_or(|events| !events.is_empty()));
                match self.judge(live, Side::CodeChat, url.map(|hook| hook.url).as_deref()) {
                    HookState::Missing if !has_instance(live).await => HookState::NoInstance,
                    state => state,
                }
            }
            Err(error) => HookState::Unknown(error.to_string()),
        };
        Sides { chatwoot, codechat, is_signed: live.session.chatwoot.secret.is_some() }
    }

    fn judge(&self, live: &Live, side: Side, url: Option<&str>) -> HookState {
        let Some(found) = url.filter(|url| !url.is_empty()) else { return HookState::Missing };
        let Ok(url) = Url::parse(found) else { return HookState::Elsewhere(without_secret(found)) };
        let door = hook_url(self.base_for(side), side.as_str(), live.name(), "");
        if url.origin() != door.origin() || url.path() != door.path() {
            return HookState::Elsewhere(without_secret(found));
        }
        let secret = url.query_pairs().find(|(name, _)| name == "token").map(|(_, secret)| secret.into_owned());
        let kept = match side {
            Side::Chatwoot => live.session.chatwoot.hook_hash,
            Side::CodeChat => live.session.codechat.hook_hash,
        };
        let is_right = bool::from(hash_token(&secret.unwrap_or_default()).ct_eq(&kept));
        if is_right { HookState::Right } else { HookState::Stale }
    }

    /// Where a side is to send the webhooks of a session, without what is secret.
    pub fn address_for(&self, side: Side, name: &str) -> String {
        without_secret(hook_url(self.base_for(side), side.as_str(), name, "").as_str())
    }

    fn base_for(&self, side: Side) -> &Url {
        match side {
            Side::Chatwoot => &self.config.api_url,
            Side::CodeChat => &self.config.callback_url,
        }
    }

    /// Puts right what is not: webhooks that lead elsewhere, an instance that is gone, a token that was replaced. What is right
    /// stays as it is.
    pub async fn mend_sides(&self, live: &Arc<Live>, token: Option<SecretString>) -> Result<Sides, SetupError> {
        let _alone = self.making.lock().await;
        let live = match token {
            Some(token) if token.expose_secret() != live.session.chatwoot.token.expose_secret() => {
                self.replace_token(live, token).await?
            }
            Some(_) | None => self.sessions.of_id(live.id()).unwrap_or_else(|| live.clone()),
        };
        let found = self.sides(&live).await;
        if !matches!(found.chatwoot, HookState::Right) {
            self.mend_chatwoot(&live).await?;
        }
        if !matches!(found.codechat, HookState::Right) {
            self.mend_codechat(&live, &found.codechat).await?;
        }
        self.sessions.refresh().await?;
        let live = self.sessions.of_id(live.id()).unwrap_or(live);
        Ok(self.sides(&live).await)
    }

    async fn replace_token(&self, live: &Arc<Live>, token: SecretString) -> Result<Arc<Live>, SetupError> {
        let account = live.session.chatwoot.account;
        let client =
            chatwoot::Client::new(self.http.clone(), live.session.chatwoot.url.clone(), account, token.clone());
        let inbox = client.inbox(live.session.chatwoot.inbox).await.map_err(SetupError::Chatwoot)?;
        let update = UpdateSession {
            chatwoot_token: Some(token),
            chatwoot_secret: inbox.secret,
            ..UpdateSession::of(live.id())
        };
        self.change(live, update).await.map_err(SetupError::from)
    }

    async fn mend_chatwoot(&self, live: &Arc<Live>) -> Result<(), SetupError> {
        let secret = new_token();
        // ours first: the first webhook may come before the answer
        let update = UpdateSession { chatwoot_hook: Some(hash_token(&secret)), ..UpdateSession::of(live.id()) };
        self.change(live, update).await?;
        let url = hook_url(&self.config.api_url, "chatwoot", live.name(), &secret);
        let inbox = live.chatwoot.set_inbox_webhook(live.session.chatwoot.inbox, url.as_str()).await;
        let inbox = inbox.map_err(SetupError::Chatwoot)?;
        if inbox.secret.is_some() {
            let update = UpdateSession { chatwoot_secret: inbox.secret, ..UpdateSession::of(live.id()) };
            self.change(live, update).await?;
        }
        Ok(())
    }

    async fn mend_codechat(&self, live: &Arc<Live>, found: &HookState) -> Result<(), SetupError> {
        let secret = new_token();
        let token = match found {
            HookState::NoInstance => {
                let made = live.codechat.create_instance(live.name(), live.session.description.as_deref()).await;
                Some(made.map_err(SetupError::CodeChat)?.token)
            }
            HookState::Right
            | HookState::Missing
            | HookState::Stale
            | HookState::Elsewhere(_)
            | HookState::Unknown(_) => None,
        };
        let update = UpdateSession {
            codechat_hook: Some(hash_token(&secret)),
            codechat_token: token,
            ..UpdateSession::of(live.id())
        };
        let live = self.change(live, update).await?;
        let url = hook_url(&self.config.callback_url, "codechat", live.name(), &secret);
        let events = hook_events(&live.session.settings);
        live.codechat.set_webhook(live.name(), &url, &events).await.map_err(SetupError::CodeChat)?;
        live.health.asked.note(events);
        Ok(())
    }

    async fn change(&self, live: &Arc<Live>, update: UpdateSession) -> Result<Arc<Live>, StoreError> {
        self.store.update_session(update).await?;
        self.sessions.refresh().await?;
        Ok(self.sessions.of_id(live.id()).unwrap_or_else(|| live.clone()))
    }
}

async fn has_instance(live: &Live) -> bool {
    match live.codechat.fetch_instance(live.name()).await {
        Ok(_) => true,
        Err(error) => error.kind != codechat::ErrorKind::NotFound,
    }
}

/// Where a side is to send its webhooks. The address holds a secret.
pub(super) fn hook_url(base: &Url, side: &str, name: &str, secret: &str) -> Url {
    let mut url = base.clone();
    url.path_segments_mut().expect("our own address has a path").pop_if_empty().extend([side, "webhook", name]);
    url.query_pairs_mut().append_pair("token", secret);
    url
}
