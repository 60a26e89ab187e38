//! Typing, both ways: an agent's typing is shown on WhatsApp, a customer's in Chatwoot.
//!
//! The cast: a [`Sign`] says that somebody began or stopped; [`Signs`] is the short queue of them; one task resolves each to its
//! chat and tells the other side. A number hears of its customers' typing only after it showed a presence of its own to the
//! chat, so it does that when a customer writes.
//!
//! Invariant: what lives for seconds is never stored and never waited for. Signs that find the queue full, are older than
//! [`TOO_OLD`], or meet a side that is busy or slow, are dropped.

mod shown;

use std::sync::Arc;
use std::time::Duration;

use codechat::Presence;
use relay_domain::Timestamp;
use relay_domain::id::{ChatKey, SessionId};
use relay_domain::jid::Server;
use relay_store::{Chat, StoreError};
use tokio::sync::{Mutex, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::Engine;
use crate::sessions::Live;
use crate::trouble::Side;
use shown::{Key, Shown, Typist};

/// Signs that wait at most.
const QUEUE: usize = 256;
/// A sign of that age tells nothing any more.
const TOO_OLD: Duration = Duration::from_secs(5);
/// Calls at the same time.
const CALLS: usize = 8;
/// How long a call may take.
const CALL_TAKES: Duration = Duration::from_secs(5);
/// How often it is seen to what has expired.
const TICK: Duration = Duration::from_millis(500);

/// That somebody began or stopped typing, or wrote.
#[derive(Debug)]
pub(crate) struct Sign {
    pub(crate) session: SessionId,
    /// Names of the chat; the first that is known counts.
    pub(crate) chat: Vec<String>,
    pub(crate) act: Act,
    pub(crate) at: Timestamp,
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// An agent types, or does not any more.
    AgentTypes(bool),
    /// The customer types or records, or does not any more.
    CustomerTypes(bool),
    /// A message of the customer is in Chatwoot.
    CustomerWrote,
}

/// The queue of signs.
#[derive(Debug)]
pub(crate) struct Signs {
    sender: mpsc::Sender<Sign>,
    receiver: Mutex<mpsc::Receiver<Sign>>,
}

impl Default for Signs {
    fn default() -> Self {
        let (sender, receiver) = mpsc::channel(QUEUE);
        Self { sender, receiver: Mutex::new(receiver) }
    }
}

impl Signs {
    /// Gives a sign, if there is room.
    pub(crate) fn give(&self, sign: Sign) {
        if self.sender.try_send(sign).is_err() {
            tracing::debug!("typing is not shown: too much of it at once");
        }
    }
}

/// One thing to tell a side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tell {
    AgentTypes(bool),
    CustomerTypes(bool),
    /// That we are here, which makes WhatsApp tell of the customer's typing.
    Present,
}

impl Engine {
    /// Shows who types until told to stop.
    pub(crate) async fn keep_typing(self: Arc<Self>, stop: CancellationToken) {
        let mut signs = self.signs.receiver.lock().await;
        let mut shown = Shown::default();
        let calls = TaskTracker::new();
        let places = Arc::new(Semaphore::new(CALLS));
        loop {
            let told = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(sign) = signs.recv() => self.heed(sign, &mut shown).await.into_iter().collect(),
                () = tokio::time::sleep(TICK) => shown.expired(self.clock.now()),
            };
            for (key, tell) in told {
                let Ok(place) = places.clone().try_acquire_owned() else { continue };
                let (engine, turn, stop) = (self.clone(), shown.turn(&key), stop.clone());
                calls.spawn(async move {
                    let _place = place;
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = async {
                            let _turn = turn.lock().await;
                            engine.tell(&key, tell).await;
                        } => {}
                    }
                });
            }
        }
        calls.close();
        calls.wait().await;
    }

    /// What a sign calls for, if anything.
    async fn heed(&self, sign: Sign, shown: &mut Shown) -> Option<(Key, Tell)> {
        let now = self.clock.now();
        if now.since(sign.at) > TOO_OLD {
            return None;
        }
        let chat = match self.chat_named(&sign.session, &sign.chat).await {
            Ok(chat) => chat?,
            Err(error) => {
                tracing::debug!(%error, "typing is not shown");
                return None;
            }
        };
        let key = |typist| Key { session: sign.session.clone(), chat: chat.clone(), typist };
        match sign.act {
            Act::AgentTypes(is_on) => {
                let key = key(Typist::Agent);
                shown.change(&key, is_on, now).map(|is_on| (key, Tell::AgentTypes(is_on)))
            }
            Act::CustomerTypes(is_on) => {
                let key = key(Typist::Customer);
                shown.change(&key, is_on, now).map(|is_on| (key, Tell::CustomerTypes(is_on)))
            }
            Act::CustomerWrote => {
                let key = key(Typist::Customer);
                if shown.change(&key, false, now).is_some() {
                    return Some((key, Tell::CustomerTypes(false)));
                }
                shown.may_call_on(&key, now).then_some((key, Tell::Present))
            }
        }
    }

    async fn chat_named(&self, session: &SessionId, names: &[String]) -> Result<Option<ChatKey>, StoreError> {
        for name in names {
            if let Some(key) = self.store.chat_by_alias(session, name).await? {
                return Ok(Some(key));
            }
        }
        Ok(None)
    }

    async fn tell(&self, key: &Key, tell: Tell) {
        let Some(live) = self.sessions.of_id(&key.session).filter(|live| live.session.settings.typing) else { return };
        let Ok(Some(chat)) = self.store.chat(live.id(), &key.chat).await else { return };
        let told = async {
            match tell {
                Tell::AgentTypes(true) => show_on_whatsapp(&live, &chat, Presence::Composing).await,
                Tell::AgentTypes(false) => show_on_whatsapp(&live, &chat, Presence::Paused).await,
                Tell::Present => show_on_whatsapp(&live, &chat, Presence::Available).await,
                Tell::CustomerTypes(is_on) => show_in_chatwoot(&live, &chat, is_on).await,
            }
        };
        if tokio::time::timeout(CALL_TAKES, told).await.is_err() {
            tracing::debug!(session.id = %live.id(), "typing is not shown: the other side is slow");
        }
    }
}

/// Only for phone numbers: CodeChat fails on LIDs, and a group would see that the number is there.
async fn show_on_whatsapp(live: &Live, chat: &Chat, presence: Presence) {
    let Some(jid) = chat.jid.as_ref().filter(|jid| *jid.server() == Server::User) else { return };
    if live.health.is_offline() || live.health.breaker(Side::CodeChat).is_open() {
        return;
    }
    if let Err(error) = live.codechat.update_presence(live.name(), &jid.to_string(), presence).await {
        tracing::debug!(session.id = %live.id(), error = %error.kind, "a presence was not shown on WhatsApp");
    }
}

async fn show_in_chatwoot(live: &Live, chat: &Chat, is_on: bool) {
    let Some(place) = &chat.place else { return };
    let Some(conversation) = place.conversation else { return };
    if live.health.breaker(Side::Chatwoot).is_open() {
        return;
    }
    let Some(inbox) = live.inbox_identifier().await else { return };
    let told = live.chatwoot.toggle_contact_typing(&inbox, &place.source_id, conversation.get(), is_on).await;
    if let Err(error) = told {
        tracing::debug!(session.id = %live.id(), error = %error.kind, "a customer's typing was not shown");
    }
}

impl Live {
    /// The name of the inbox in Chatwoot's public API; asked for once.
    async fn inbox_identifier(&self) -> Option<String> {
        let known = self.health.inbox_identifier.get_or_try_init(async || {
            let inbox = self.chatwoot.inbox(self.session.chatwoot.inbox).await?;
            Ok::<_, chatwoot::Error>(inbox.inbox_identifier)
        });
        known.await.ok().cloned().flatten()
    }
}
