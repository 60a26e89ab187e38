//! The command line. Every option is also a variable of the environment and of `.env`; flags win over both.

mod dead;
mod setup;

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use relay_domain::note::Locale;
use serde_json::Value;
use url::Url;

pub(crate) use dead::{DeadCommand, DeadFilter, ManyArgs};
pub(crate) use setup::SetupArgs;

/// Relays WhatsApp (CodeChat) to Chatwoot and back, and loses nothing on the way.
#[derive(Debug, Parser)]
#[command(name = "relay", version, about, max_term_width = 110)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) settings: Settings,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// What can be configured.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Settings")]
pub(crate) struct Settings {
    /// Address to listen on
    #[arg(long, env = "HOST", default_value = "0.0.0.0", global = true)]
    pub(crate) host: IpAddr,
    /// Port to listen on
    #[arg(long, env = "PORT", default_value_t = 8080, global = true)]
    pub(crate) port: u16,
    /// How Chatwoot and people reach the relay [default: `http://localhost` at PORT]
    #[arg(long, env = "API_URL", global = true)]
    pub(crate) api_url: Option<Url>,
    /// How CodeChat reaches the relay [default: `API_URL`]
    #[arg(long, env = "CODECHAT_CALLBACK_URL", global = true)]
    pub(crate) codechat_callback_url: Option<Url>,
    /// Key of the session API, header Api-Key [default: made on first start, kept in `DATA_DIR`]
    #[arg(long, env = "API_KEY", hide_env_values = true, global = true)]
    pub(crate) api_key: Option<String>,
    /// Where Chatwoot is
    #[arg(long, env = "CHATWOOT_URL", global = true)]
    pub(crate) chatwoot_url: Option<Url>,
    /// Where CodeChat is
    #[arg(long, env = "CODECHAT_URL", global = true)]
    pub(crate) codechat_url: Option<Url>,
    /// CodeChat's global key (`AUTHENTICATION_GLOBAL_AUTH_TOKEN`)
    #[arg(long, env = "CODECHAT_KEY", hide_env_values = true, global = true)]
    pub(crate) codechat_key: Option<String>,
    /// Database: `sqlite://path` or `postgres://…` [default: relay.db in `DATA_DIR`]
    #[arg(long, env = "DB_URL", hide_env_values = true, global = true)]
    pub(crate) db_url: Option<String>,
    /// Folder of the embedded database, keys and files in transit
    #[arg(long, env = "DATA_DIR", default_value = "data", global = true)]
    pub(crate) data_dir: PathBuf,
    /// What tokens are encrypted with [default: made on first start, kept in `DATA_DIR`]
    #[arg(long, env = "SECRET_KEY", hide_env_values = true, global = true)]
    pub(crate) secret_key: Option<String>,
    /// Lowest level logged: error, warn, info, debug, trace
    #[arg(long, env = "LOG_LEVEL", default_value = "info", global = true)]
    pub(crate) log_level: String,
    /// Form of the log
    #[arg(long, env = "LOG_FORMAT", default_value = "text", global = true)]
    pub(crate) log_format: LogFormat,
    /// Language of notes to agents: pt-BR, en, es
    #[arg(long, env = "LOCALE", default_value = "pt-BR", value_parser = locale, global = true)]
    pub(crate) locale: Locale,
    /// Language of this command's own words: pt-BR, en, es [default: `LOCALE`, else the system's]
    #[arg(long, value_parser = locale, global = true)]
    pub(crate) lang: Option<Locale>,
    /// Minutes after which an agent's message that could not be sent is not sent by itself any more
    #[arg(long, env = "OUTBOUND_TTL_MINUTES", default_value_t = 10, global = true)]
    pub(crate) outbound_ttl_minutes: u64,
    /// Messages a second that each number sends at most, to protect it; 0 for no limit
    #[arg(long, env = "OUTBOUND_PACE", default_value_t = 1.0, value_parser = pace, global = true)]
    pub(crate) outbound_pace: f64,
    /// How many of them may go at once after a rest
    #[arg(long, env = "OUTBOUND_BURST", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..), global = true)]
    pub(crate) outbound_burst: u32,

    /// Messages a minute that a conversation in Chatwoot gets; 0 for no limit
    #[arg(long, env = "CONVERSATION_PACE", default_value_t = 180, global = true)]
    pub(crate) conversation_pace: u32,
    /// Largest file carried, in megabytes
    #[arg(long, env = "MAX_MEDIA_MB", default_value_t = 40, global = true)]
    pub(crate) max_media_mb: u64,
    /// Free megabytes below which messages with files wait; 2 % of the volume always suffice
    #[arg(long, env = "MIN_FREE_MB_FILES", default_value_t = 256, global = true)]
    pub(crate) min_free_mb_files: u64,
    /// Free megabytes below which webhooks are refused; 2 % of the volume always suffice
    #[arg(long, env = "MIN_FREE_MB", default_value_t = 64, global = true)]
    pub(crate) min_free_mb: u64,
    /// Who converts audio
    #[arg(long, env = "AUDIO_ENGINE", default_value = "fallback", global = true)]
    pub(crate) audio_engine: AudioEngine,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum AudioEngine {
    /// The relay itself.
    Native,
    /// The relay, and ffmpeg for what it cannot decode.
    Fallback,
    /// Always ffmpeg.
    Ffmpeg,
}

/// Messages a second: a fraction is fine.
fn pace(text: &str) -> Result<f64, String> {
    let pace: f64 = text.parse().map_err(|_| "use a number of messages a second, as 0.5")?;
    if (0.0..=1000.0).contains(&pace) { Ok(pace) } else { Err("use 0 to 1000 messages a second".to_owned()) }
}

fn locale(text: &str) -> Result<Locale, String> {
    Locale::parse(text).ok_or_else(|| "use pt-BR, en or es".to_owned())
}

/// A setting and its value: JSON where it is JSON, else text.
fn assignment(text: &str) -> Result<(String, Value), String> {
    let (name, value) = text.split_once('=').ok_or("use NAME=VALUE, as in voice=original")?;
    let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
    Ok((name.trim().to_owned(), value))
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Join a number to an inbox from nothing: asks, finds out, makes, pairs, and relays
    Setup(SetupArgs),
    /// Run the relay (also without a command)
    #[command(visible_alias = "up")]
    Serve,
    /// Show a relay at work between stand-ins for CodeChat and Chatwoot, with nothing to configure
    Demo(DemoArgs),
    /// Join WhatsApp numbers to inboxes
    #[command(subcommand)]
    Session(SessionCommand),
    /// Look at messages and what became of them
    #[command(subcommand)]
    Message(MessageCommand),
    /// Look at what could not be delivered, try it again, or drop it
    #[command(subcommand)]
    Dead(DeadCommand),
    /// Print a link that opens the web console of the running relay, once
    Console {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Bring the database schema up to date, or show where it stands
    #[command(subcommand)]
    Migrate(MigrateCommand),
    /// Measure this program between stand-ins: memory, start, acknowledgement, throughput, voice notes
    Bench(BenchArgs),
    /// Look for everything that can be wrong, and say why and what to do
    Doctor(DoctorArgs),
    /// Ask the running relay how it fares; fails when it cannot take webhooks
    Health,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct DemoArgs {
    /// Stop when every message has crossed
    #[arg(long)]
    pub(crate) once: bool,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Also make things happen: a test message that only agents could see, a file that CodeChat is to fetch
    #[arg(long)]
    pub(crate) deep: bool,
    /// Look at this session alone, beside the relay itself
    #[arg(long)]
    pub(crate) session: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// End with code 4 when there is a warning; a failure is always 3
    #[arg(long)]
    pub(crate) strict: bool,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct BenchArgs {
    /// Measure for a shorter time, less exactly
    #[arg(long)]
    pub(crate) quick: bool,
    /// Print JSON
    #[arg(long, conflicts_with = "markdown")]
    pub(crate) json: bool,
    /// Print a table in Markdown
    #[arg(long)]
    pub(crate) markdown: bool,
    /// Database to measure on, which should be empty: `postgres://…` [default: an SQLite file that is removed]
    #[arg(long, value_name = "URL")]
    pub(crate) db: Option<String>,
    /// Measure only these parts
    #[arg(long, value_name = "PART", value_delimiter = ',')]
    pub(crate) only: Vec<BenchPart>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum BenchPart {
    /// Time of a start.
    Cold,
    /// Memory at rest.
    Memory,
    /// Acknowledgement at a fixed pace.
    Ack,
    /// Webhooks a second at the limit.
    Door,
    /// Messages a second from one side to the other.
    Flow,
    /// Voice notes a second.
    Voice,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SessionCommand {
    /// Join a WhatsApp number to a Chatwoot inbox
    Add(AddArgs),
    /// List the sessions
    Ls {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show one session
    Show {
        /// Name of the session
        session: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Change settings of a session
    Set {
        /// Name of the session
        session: String,
        /// Settings with their new values, as voice=original or calls.reject=true; `null` brings a default back
        #[arg(required = true, value_name = "NAME=VALUE", value_parser = assignment)]
        settings: Vec<(String, Value)>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show the QR code to scan with WhatsApp > Linked devices, until it is scanned
    #[command(visible_alias = "pair")]
    Connect {
        /// Name of the session
        session: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Stop delivering until relay session resume; what comes meanwhile is stored
    Pause {
        /// Name of the session
        session: String,
        /// Why, for those who look at it
        #[arg(long)]
        reason: Option<String>,
    },
    /// Let a paused session deliver again
    Resume {
        /// Name of the session
        session: String,
    },
    /// Remove a session
    Rm {
        /// Name of the session
        session: String,
        /// Remove it together with events that wait and dead letters
        #[arg(long)]
        force: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    /// Name of the session and of its CodeChat instance [default: a random UUID]
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// What people should know about it
    #[arg(long)]
    pub(crate) description: Option<String>,
    /// Chatwoot account
    #[arg(long)]
    pub(crate) account: i64,
    /// Chatwoot inbox (of type API)
    #[arg(long)]
    pub(crate) inbox: i64,
    /// Access token of a Chatwoot administrator; `CHATWOOT_TOKEN` keeps it out of the list of processes
    #[arg(long, env = "CHATWOOT_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum MessageCommand {
    /// List messages, newest first
    Ls(ListArgs),
    /// Show one message: what is seen of it, every try to deliver it, and what it is on both sides
    Show {
        /// Id of the message, as relay message ls prints it
        message: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Give a message that is dead or expired another turn
    Retry {
        /// Id of the message, as relay message ls prints it
        message: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Only of this session
    #[arg(long)]
    pub(crate) session: Option<String>,
    /// Only on this way: in (to Chatwoot), out (to WhatsApp), receipt
    #[arg(long)]
    pub(crate) direction: Option<String>,
    /// Only in this state: pending, delivered, ignored, dead, expired
    #[arg(long)]
    pub(crate) state: Option<String>,
    /// Only of this chat: a phone number or a WhatsApp id
    #[arg(long)]
    pub(crate) chat: Option<String>,
    /// Only since then: 30m, 2h, 7d, or a time such as 2026-11-22T10:00:00Z
    #[arg(long, value_parser = moment)]
    pub(crate) since: Option<jiff::Timestamp>,
    /// How many, up to 200
    #[arg(long, default_value_t = 50)]
    pub(crate) limit: u32,
    /// Go on where a list ended
    #[arg(long)]
    pub(crate) cursor: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// A moment, or how long ago it was.
pub(crate) fn moment(text: &str) -> Result<jiff::Timestamp, String> {
    let seconds = |unit: char| match unit {
        'm' => Some(60),
        'h' => Some(3600),
        'd' => Some(86_400),
        _ => None,
    };
    let unit = text.chars().next_back().and_then(seconds);
    let count = text.get(..text.len().saturating_sub(1)).and_then(|count| count.parse::<u32>().ok());
    let ago = count.zip(unit).map(|(count, unit)| jiff::SignedDuration::from_secs(i64::from(count) * unit));
    let moment = ago.and_then(|ago| jiff::Timestamp::now().checked_sub(ago).ok()).or_else(|| text.parse().ok());
    moment.ok_or_else(|| "use 30m, 2h, 7d or a time such as 2026-11-22T10:00:00Z".to_owned())
}

#[derive(Debug, Subcommand)]
pub(crate) enum MigrateCommand {
    /// Bring the schema up to date (`relay serve` does so by itself)
    Up,
    /// Show where the schema stands
    Status,
}
