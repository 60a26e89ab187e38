//! Who may see how a conversation is delivered, from inside Chatwoot.
//!
//! The cast: an *app token* is what the address of the dashboard app carries, one for each account of a Chatwoot; a [`Ticket`] is
//! what is given for it and lets its holder see one conversation for five minutes.
//!
//! Invariant: an id that a browser names is a hint. A ticket is given only for a conversation that Chatwoot says is in the inbox of
//! a session, and opens nothing but the chat of that conversation.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chatwoot::{ConversationRef, ErrorKind};
use hmac::{Hmac, KeyInit, Mac};
use relay_domain::Timestamp;
use relay_domain::id::{ChatKey, EventId, SessionId};
use relay_store::{Decided, Decision, StoreError};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use url::Url;

use crate::Engine;
use crate::ingest::chat_names_of;
use crate::sessions::Live;

/// How long a ticket is good.
const TICKET_LIVES: Duration = Duration::from_mins(5);

/// A conversation that a browser says is open.
#[derive(Clone, Copy, Debug)]
pub struct Claimed {
    /// The account.
    pub account: i64,
    /// The inbox.
    pub inbox: i64,
    /// The conversation, as Chatwoot's interface numbers it.
    pub conversation: i64,
}

/// Leave to see one conversation for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    account: i64,
    conversation: i64,
    session: SessionId,
    /// The chat of the conversation; `None` while nothing of it was relayed.
    chat: Option<ChatKey>,
    expires_at: i64,
}

impl Ticket {
    /// The chat that may be seen, once there is one.
    pub fn chat(&self) -> Option<&ChatKey> {
        self.chat.as_ref()
    }
}

/// Why no ticket was given.
#[derive(Debug, thiserror::Error)]
pub enum NotOpened {
    /// The token is not the account's.
    #[error("the token is not that of the dashboard app")]
    WrongToken,
    /// No session has such a conversation.
    #[error("the conversation is of no inbox of the relay's")]
    NotOurs,
    /// Chatwoot does not answer.
    #[error("Chatwoot does not tell of the conversation")]
    Chatwoot(#[source] chatwoot::Error),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Engine {
    /// The address to enter in Chatwoot as a dashboard app. The token stands behind the `#`, which browsers send to nobody.
    pub fn dashboard_app_url(&self, live: &Live) -> Url {
        let access = &live.session.chatwoot;
        let mut url = self.config.api_url.clone();
        url.path_segments_mut()
            .expect("our own address has a path")
            .pop_if_empty()
            .extend(["app", &access.account.to_string()]);
        url.set_fragment(Some(&self.app_token(&access.url, access.account)));
        url
    }

    /// The Chatwoots in which an account has sessions: no other site may show the app.
    pub fn dashboard_origins(&self, account: i64) -> Vec<String> {
        let of_account = self.sessions.all().into_iter().filter(|live| live.session.chatwoot.account == account);
        let mut origins: Vec<_> =
            of_account.map(|live| live.session.chatwoot.url.origin().ascii_serialization()).collect();
        origins.sort();
        origins.dedup();
        origins
    }

    /// Gives a ticket for the conversation that a browser names, when its token is right and Chatwoot knows the conversation.
    pub async fn open_dashboard(&self, token: &str, claimed: Claimed) -> Result<String, NotOpened> {
        let of_account =
            self.sessions.all().into_iter().filter(|live| live.session.chatwoot.account == claimed.account);
        let allowed: Vec<_> = of_account
            .filter(|live| self.is_signed(&app_words(&live.session.chatwoot.url, claimed.account), token))
            .collect();
        if allowed.is_empty() {
            return Err(NotOpened::WrongToken);
        }
        let live = allowed.into_iter().find(|live| live.session.chatwoot.inbox == claimed.inbox);
        let live = live.ok_or(NotOpened::NotOurs)?;
        let conversation =
            live.chatwoot.conversation(claimed.conversation).await.map_err(|error| match error.kind {
                ErrorKind::NotFound => NotOpened::NotOurs,
                _ => NotOpened::Chatwoot(error),
            })?;
        if conversation.inbox_id != claimed.inbox || conversation.id != claimed.conversation {
            return Err(NotOpened::NotOurs);
        }
        let ticket = Ticket {
            account: claimed.account,
            conversation: claimed.conversation,
            session: live.id().clone(),
            chat: self.chat_of(&live, &ConversationRef::from(&conversation)).await?,
            expires_at: (self.clock.now() + TICKET_LIVES).as_millis(),
        };
        Ok(self.written(&ticket))
    }

    /// Reads a ticket of an account that is still good, with its session.
    pub fn read_ticket(&self, account: i64, text: &str) -> Option<(Ticket, Arc<Live>)> {
        let (body, signature) = text.split_once('.')?;
        if !self.is_signed(&ticket_words(body), signature) {
            return None;
        }
        let ticket: Ticket = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(body).ok()?).ok()?;
        let is_good = ticket.account == account && Timestamp::from_millis(ticket.expires_at) > self.clock.now();
        let live = self.sessions.of_id(&ticket.session).filter(|_| is_good)?;
        Some((ticket, live))
    }

    /// Gives a dead letter of the ticket's chat another turn; one of another chat is unknown here.
    pub async fn resend_from_dashboard(&self, ticket: &Ticket, event: &EventId) -> Result<Decided, StoreError> {
        let stored = self.store.message(event).await?;
        let is_of_chat = stored
            .is_some_and(|stored| stored.lane.session == ticket.session && Some(&stored.lane.chat) == ticket.chat());
        if !is_of_chat {
            return Ok(Decided::Unknown);
        }
        self.decide(event, Decision::Retry).await
    }

    async fn chat_of(&self, live: &Live, conversation: &ConversationRef) -> Result<Option<ChatKey>, StoreError> {
        for name in chat_names_of(conversation).names {
            if let Some(chat) = self.store.chat_by_alias(live.id(), &name).await? {
                return Ok(Some(chat));
            }
        }
        Ok(None)
    }

    fn written(&self, ticket: &Ticket) -> String {
        let body = serde_json::to_vec(ticket).expect("a ticket is plain values");
        let body = BASE64_URL_SAFE_NO_PAD.encode(body);
        let signature = BASE64_URL_SAFE_NO_PAD.encode(self.mac(&ticket_words(&body)).finalize().into_bytes());
        format!("{body}.{signature}")
    }

    fn app_token(&self, chatwoot: &Url, account: i64) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.mac(&app_words(chatwoot, account)).finalize().into_bytes())
    }

    /// Whether a signature is ours, in a time that does not depend on it.
    fn is_signed(&self, words: &str, signature: &str) -> bool {
        let given = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap_or_default();
        self.mac(words).verify_slice(&given).is_ok()
    }

    fn mac(&self, words: &str) -> Hmac<Sha256> {
        let key = self.config.secret_key.expose_secret().as_bytes();
        let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("hmac takes keys of any length");
        mac.update(words.as_bytes());
        mac
    }
}

/// What an app's token is made of. The words in front keep it from being taken for a ticket's signature.
fn app_words(chatwoot: &Url, account: i64) -> String {
    format!("dashboard app|{}|{account}", chatwoot.origin().ascii_serialization())
}

fn ticket_words(body: &str) -> String {
    format!("dashboard ticket|{body}")
}
