//! What happens to a webhook after the door: named, stored, translated, planned, delivered, recorded.
//!
//! The cast: an [`Engine`] accepts webhooks ([`Engine::accept`]) and delivers them ([`Engine::run`]); [`Sessions`] are the
//! numbers and inboxes it serves; a [`Trouble`](trouble::Trouble) is what stands in the way of a delivery.
//!
//! Invariant: a remote side is called only by the task that holds the lane's lease, and what may have had an effect is never
//! repeated before it was looked for.

pub mod access;
pub mod address;
pub mod config;
mod connection;
pub mod dashboard;
pub mod dead;
mod deliver;
mod desk;
pub mod disk;
mod dispatcher;
pub mod doctor;
mod doubles;
mod fetched;
mod gap;
mod hooks;
mod house;
pub mod http;
mod ingest;
mod lane;
pub mod message;
pub mod metrics;
mod pacing;
mod pause;
mod profile;
mod pulse;
mod reading;
pub mod sessions;
pub mod setup;
mod signature;
pub mod spool;
pub mod token;
mod translate;
pub mod trouble;
mod typing;
mod way_out;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32};

use relay_audio::{Limits, Transcoder};
use relay_domain::Clock;
use relay_store::{Offer, Store, StoreError};
use url::Url;

pub use config::EngineConfig;
pub use ingest::{Accepted, NotAccepted};
pub use metrics::Metrics;
pub use sessions::{Live, Sessions};
pub use trouble::Side;

/// Everything that relays, in one process.
#[derive(Debug)]
pub struct Engine {
    /// The durable inbox.
    pub store: Store,
    /// What it was told.
    pub config: Arc<EngineConfig>,
    /// The numbers and inboxes it serves.
    pub sessions: Sessions,
    /// Numbers for operators.
    pub metrics: Metrics,
    /// The time.
    pub clock: Clock,
    http: reqwest::Client,
    /// For addresses that strangers chose.
    public_http: reqwest::Client,
    spool: spool::Spool,
    /// Files that wait with their messages.
    fetched: fetched::Fetched,
    transcoder: Transcoder,
    chats: ingest::Chats,
    at_work: dispatcher::AtWork,
    /// When groups were looked at.
    looks: deliver::Looks,
    pulse: pulse::Pulse,
    profiles: profile::Profiles,
    /// Chats that turned out to be one person wait for their lanes.
    chats_to_join: AtomicBool,
    signs: typing::Signs,
    /// Processes that share the database and its limits.
    workers: AtomicU32,
    disk: disk::Disk,
    /// Words of the doctor's on their way around the world.
    echoes: doctor::echo::Echoes,
    /// Held while a session is made.
    making: tokio::sync::Mutex<()>,
}

/// Why an engine did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The folder for files in transit cannot be used.
    #[error("the folder {path} cannot be used")]
    Spool {
        /// Which folder.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The HTTP client cannot be made.
    #[error("the HTTP client cannot be made")]
    Http(#[source] reqwest::Error),
}

impl Engine {
    /// Prepares an engine; [`Self::run`] makes it work.
    pub async fn start(store: Store, config: EngineConfig, clock: Clock) -> Result<Arc<Self>, StartError> {
        let failed = |source| StartError::Spool { path: config.data_dir.display().to_string(), source };
        let spool = spool::Spool::open(&config.data_dir).map_err(failed)?;
        let http = http::client().map_err(StartError::Http)?;
        let public_http = http::public_client().map_err(StartError::Http)?;
        let transcoder = Transcoder::new(Limits::default(), config.ffmpeg);
        let config = Arc::new(config);
        let sessions = Sessions::new(store.clone(), config.clone(), http.clone(), public_http.clone());
        sessions.refresh().await?;
        let workers = AtomicU32::new(store.living_workers().await?);
        Ok(Arc::new(Self {
            store,
            config,
            sessions,
            metrics: Metrics::new(),
            clock,
            http,
            public_http,
            spool,
            fetched: fetched::Fetched::default(),
            transcoder,
            chats: ingest::Chats::default(),
            at_work: dispatcher::AtWork::default(),
            looks: deliver::Looks::default(),
            pulse: pulse::Pulse::new(),
            profiles: profile::Profiles::default(),
            chats_to_join: AtomicBool::new(false),
            signs: typing::Signs::default(),
            workers,
            disk: disk::Disk::default(),
            echoes: doctor::echo::Echoes::default(),
            making: tokio::sync::Mutex::default(),
        }))
    }

    /// Hands out a file on offer: what it is and where it lies.
    pub async fn take_file(&self, token: &str) -> Result<Option<(Offer, PathBuf)>, StoreError> {
        let offer = self.store.take_file(sessions::hash_token(token), self.clock.now()).await?;
        Ok(offer.map(|offer| {
            let path = self.spool.file(&offer.path);
            (offer, path)
        }))
    }

    fn media_url(&self, token: &str) -> Url {
        let mut url = self.config.callback_url.clone();
        url.path_segments_mut().expect("our own address has a path").pop_if_empty().extend(["media", token]);
        url
    }
}
