//! What the engine can be told.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::tz::TimeZone;
use relay_audio::FfmpegMode;
use relay_domain::note::Locale;
use secrecy::SecretString;
use url::Url;

use crate::disk::{Space, space_of};

/// Everything the engine needs to know before it starts.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// Where files in transit lie.
    pub data_dir: PathBuf,
    /// What ids and encryption are derived from.
    pub secret_key: SecretString,
    /// How Chatwoot and people reach us.
    pub api_url: Url,
    /// How CodeChat reaches us.
    pub callback_url: Url,
    /// Chatwoot of new sessions.
    pub chatwoot_url: Option<Url>,
    /// CodeChat of new sessions.
    pub codechat_url: Option<Url>,
    /// Global key of that CodeChat.
    pub codechat_key: Option<SecretString>,
    /// Language of sessions that chose none.
    pub locale: Locale,
    /// Largest file carried, in bytes.
    pub max_media_bytes: u64,
    /// How long a WhatsApp message waits for others that belong in front of it.
    pub hold_in: Duration,
    /// How long an agent's message waits for others that belong in front of it.
    pub hold_out: Duration,
    /// How old an agent's message may grow before it is not sent by itself any more.
    pub outbound_ttl: Duration,
    /// Messages a second that a session sends to WhatsApp at most, all processes together; 0 for no limit.
    pub outbound_pace: f64,
    /// How many of them may go at once after a rest.
    pub outbound_burst: u32,
    /// Messages a minute that a conversation in Chatwoot gets at most; 0 for no limit. Chatwoot takes 200 by default, and counts those
    /// that nobody has told us of yet.
    pub conversation_pace: u32,
    /// Where the embedded database lies; watched for room, beside `data_dir`.
    pub database_folder: Option<PathBuf>,
    /// Free bytes below which messages with files wait.
    pub free_for_files: u64,
    /// Free bytes below which webhooks are refused.
    pub free_for_webhooks: u64,
    /// How the room of a folder is found out.
    pub space_of: fn(&Path) -> io::Result<Space>,
    /// Whether what no webhook told is looked for.
    pub gap_recovery: bool,
    /// Lanes at work at the same time.
    pub lanes: usize,
    /// Lanes of one session at work at the same time.
    pub lanes_per_session: usize,
    /// When ffmpeg is used.
    pub ffmpeg: FfmpegMode,
    /// Names in `.env` that mean nothing to the relay.
    pub unknown_settings: Vec<UnknownSetting>,
    /// Whether this relay lives only as long as a command.
    pub for_now: bool,
    /// Where the times in notes are told; the system's, which `TZ` sets.
    pub zone: TimeZone,
}

/// A name in `.env` or in the environment that means nothing to the relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownSetting {
    /// The name.
    pub name: String,
    /// Its line in `.env`, from 1; `None` when it is in the environment.
    pub line: Option<usize>,
    /// What was probably meant.
    pub meant: Option<String>,
}

impl EngineConfig {
    /// Defaults for a relay reached at `api_url`.
    pub fn new(data_dir: PathBuf, secret_key: SecretString, api_url: Url) -> Self {
        Self {
            data_dir,
            secret_key,
            callback_url: api_url.clone(),
            api_url,
            chatwoot_url: None,
            codechat_url: None,
            codechat_key: None,
            locale: Locale::default(),
            max_media_bytes: 40_000_000,
            hold_in: Duration::from_millis(150),
            hold_out: Duration::from_millis(300),
            outbound_ttl: Duration::from_mins(10),
            outbound_pace: 1.0,
            outbound_burst: 5,
            conversation_pace: 180,
            database_folder: None,
            free_for_files: 256_000_000,
            free_for_webhooks: 64_000_000,
            space_of,
            gap_recovery: true,
            lanes: 64,
            lanes_per_session: 16,
            ffmpeg: FfmpegMode::Fallback,
            unknown_settings: Vec::new(),
            for_now: false,
            zone: TimeZone::system(),
        }
    }
}
