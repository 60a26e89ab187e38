//! The sessions as this process sees them: rows of the store with their clients, and what was learnt about both sides.
//!
//! Rows are read again every few seconds, since another process may have changed them; what was learnt stays.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::time::{Duration, Instant};

use chatwoot::{Capability, Version};
use relay_domain::Timestamp;
use relay_domain::breaker::Breaker;
use relay_domain::id::SessionId;
use relay_domain::note::Locale;
use relay_domain::reserved_id::IdMint;
use relay_store::{Session, Store, StoreError};
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::sync::OnceCell;

use crate::config::EngineConfig;
use crate::connection::NextAsk;
use crate::desk::Queued;
use crate::doctor::heard::Heard;
use crate::gap::Gaps;
use crate::hooks::Asked;
use crate::pacing::{Turns, Walls};
use crate::reading::Unread;
use crate::trouble::Side;
use crate::way_out::Noted;

/// A session ready to work.
#[derive(Debug)]
pub struct Live {
    /// Its row.
    pub session: Session,
    /// Its CodeChat.
    pub codechat: codechat::Client,
    /// Its Chatwoot.
    pub chatwoot: chatwoot::Client,
    /// Derives its message ids.
    pub mint: IdMint,
    /// Language of its notes.
    pub locale: Locale,
    /// What was learnt about both sides.
    pub health: Arc<Health>,
}

/// What was learnt about both sides of a session since the process started.
#[derive(Debug, Default)]
pub struct Health {
    chatwoot: Breaker,
    codechat: Breaker,
    /// The phone was seen disconnected; ask before sending.
    offline: AtomicBool,
    version: Mutex<Option<Version>>,
    asked_for_secret: Mutex<Option<Instant>>,
    /// What came through its doors.
    pub(crate) heard: Heard,
    /// What each side told us.
    told: [Told; 2],
    /// What CodeChat was asked to tell.
    pub(crate) asked: Asked,
    /// What was last written down of whether messages can go out.
    pub(crate) way_out: Noted,
    /// Whose turn it is to send to WhatsApp.
    pub(crate) turns: Turns,
    /// How much conversations got in the last minute.
    pub(crate) walls: Walls,
    /// When CodeChat is asked whether the phone is connected.
    pub(crate) next_ask: NextAsk,
    /// What was last queued for agents of the phone's connection.
    pub(crate) queued: Queued,
    /// When gaps are looked for.
    pub(crate) gaps: Gaps,
    /// What customers wrote and nobody has read yet.
    pub(crate) unread: Unread,
    /// The inbox's name in Chatwoot's public API, once it was asked for.
    pub(crate) inbox_identifier: OnceCell<Option<String>>,
}

/// What a side told this process since it started.
#[derive(Debug, Default)]
pub struct Told {
    count: AtomicU64,
    last: AtomicI64,
}

impl Told {
    pub(crate) fn note(&self, now: Timestamp) {
        self.last.store(now.as_millis(), Ordering::Relaxed);
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    /// How many webhooks of it were accepted.
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// When the last one was.
    pub fn last(&self) -> Option<Timestamp> {
        (self.count() > 0).then(|| Timestamp::from_millis(self.last.load(Ordering::Relaxed)))
    }
}

impl Health {
    /// What one side told us.
    pub fn told(&self, side: Side) -> &Told {
        let [chatwoot, codechat] = &self.told;
        match side {
            Side::Chatwoot => chatwoot,
            Side::CodeChat => codechat,
        }
    }

    /// The breaker of one side.
    pub fn breaker(&self, side: Side) -> &Breaker {
        match side {
            Side::Chatwoot => &self.chatwoot,
            Side::CodeChat => &self.codechat,
        }
    }

    /// Whether the phone was last seen disconnected.
    pub fn is_offline(&self) -> bool {
        self.offline.load(Ordering::Relaxed)
    }

    /// Whether it is time to ask for the signing secret again; asking counts from now.
    pub(crate) fn may_ask_for_secret(&self, every: Duration) -> bool {
        let mut asked = self.asked_for_secret.lock().expect("nothing panics while holding the moment");
        let may = asked.is_none_or(|asked| asked.elapsed() >= every);
        if may {
            *asked = Some(Instant::now());
        }
        may
    }

    /// Notes whether the phone is connected.
    pub fn set_offline(&self, offline: bool) {
        self.offline.store(offline, Ordering::Relaxed);
    }
}

impl Live {
    /// Our id of the session.
    pub fn id(&self) -> &SessionId {
        &self.session.id
    }

    /// Its name, which is also the name of its CodeChat instance.
    pub fn name(&self) -> &str {
        &self.session.name
    }

    /// Whether its Chatwoot can do something; asks for the version once.
    pub async fn can(&self, capability: Capability) -> bool {
        let known = *self.health.version.lock().expect("nothing panics while holding the version");
        if let Some(version) = known {
            return version.supports(capability);
        }
        match self.chatwoot.version().await {
            Ok(version) => {
                *self.health.version.lock().expect("nothing panics while holding the version") = Some(version);
                version.supports(capability)
            }
            Err(error) => {
                tracing::debug!(session.id = %self.id(), error = %error.kind, "chatwoot did not tell its version");
                false
            }
        }
    }
}

/// All sessions of this process.
#[derive(Debug)]
pub struct Sessions {
    store: Store,
    config: Arc<EngineConfig>,
    http: reqwest::Client,
    /// For addresses that strangers chose.
    public_http: reqwest::Client,
    by_name: RwLock<HashMap<String, Arc<Live>>>,
}

impl Sessions {
    /// An empty registry; [`Self::refresh`] fills it.
    pub fn new(store: Store, config: Arc<EngineConfig>, http: reqwest::Client, public_http: reqwest::Client) -> Self {
        Self { store, config, http, public_http, by_name: RwLock::default() }
    }

    /// Reads all sessions anew.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        let sessions = self.store.sessions().await?;
        let old = self.by_name.read().expect("nothing panics while holding the sessions").clone();
        let fresh = sessions.into_iter().map(|session| {
            let health = old.get(&session.name).filter(|live| *live.id() == session.id).map(|live| live.health.clone());
            (session.name.clone(), Arc::new(self.bring_to_life(session, health.unwrap_or_default())))
        });
        let fresh: HashMap<_, _> = fresh.collect();
        *self.by_name.write().expect("nothing panics while holding the sessions") = fresh;
        Ok(())
    }

    /// The session of a name, from memory or, when it is new, from the store.
    pub async fn named(&self, name: &str) -> Result<Option<Arc<Live>>, StoreError> {
        if let Some(live) = self.in_memory(name) {
            return Ok(Some(live));
        }
        let Some(session) = self.store.session_by_name(name).await? else {
            return Ok(None);
        };
        let live = Arc::new(self.bring_to_life(session, Arc::default()));
        let mut sessions = self.by_name.write().expect("nothing panics while holding the sessions");
        Ok(Some(sessions.entry(name.to_owned()).or_insert(live).clone()))
    }

    /// The session of an id, from memory.
    pub fn of_id(&self, id: &SessionId) -> Option<Arc<Live>> {
        let sessions = self.by_name.read().expect("nothing panics while holding the sessions");
        sessions.values().find(|live| live.id() == id).cloned()
    }

    /// All sessions, by name.
    pub fn all(&self) -> Vec<Arc<Live>> {
        let sessions = self.by_name.read().expect("nothing panics while holding the sessions");
        let mut all: Vec<_> = sessions.values().cloned().collect();
        all.sort_by(|a, b| a.name().cmp(b.name()));
        all
    }

    /// The session that a webhook is for, when its URL's secret is right. An unknown name takes as long as a wrong secret.
    pub async fn behind_door(&self, name: &str, side: Side, secret: &str) -> Result<Option<Arc<Live>>, StoreError> {
        let given = hash_token(secret);
        let live = self.named(name).await?;
        let expected = match (&live, side) {
            (Some(live), Side::CodeChat) => live.session.codechat.hook_hash,
            (Some(live), Side::Chatwoot) => live.session.chatwoot.hook_hash,
            (None, _) => [0; 32],
        };
        let matches = bool::from(given.ct_eq(&expected));
        Ok(live.filter(|_| matches))
    }

    fn in_memory(&self, name: &str) -> Option<Arc<Live>> {
        self.by_name.read().expect("nothing panics while holding the sessions").get(name).cloned()
    }

    fn bring_to_life(&self, session: Session, health: Arc<Health>) -> Live {
        let is_ours =
            self.config.codechat_url.as_ref().is_some_and(|url| url.origin() == session.codechat.url.origin());
        let auth = match &self.config.codechat_key {
            // instance tokens may expire after an hour, the global key does not
            Some(key) if is_ours => codechat::Auth::Global(key.clone()),
            Some(_) | None => codechat::Auth::Instance(session.codechat.token.clone()),
        };
        Live {
            codechat: codechat::Client::new(self.http.clone(), session.codechat.url.clone(), auth),
            chatwoot: chatwoot::Client::new(
                self.http.clone(),
                session.chatwoot.url.clone(),
                session.chatwoot.account,
                session.chatwoot.token.clone(),
            )
            .with_stores(self.public_http.clone()),
            mint: IdMint::new(self.config.secret_key.expose_secret().as_bytes(), &session.id),
            locale: session.settings.locale.unwrap_or(self.config.locale),
            health,
            session,
        }
    }
}

/// How tokens in URLs are kept.
pub fn hash_token(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}
