//! The command line. Settings are flags of every command; they come from the list in [`crate::setting`].

mod config;
mod dead;
mod setup;

use std::path::PathBuf;

use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use relay_domain::note::Locale;
use serde_json::Value;

use crate::setting::Key;
use crate::setting::flags::Flags;

pub(crate) use crate::setting::Settings;
pub(crate) use config::ConfigCommand;
pub(crate) use dead::{DeadCommand, DeadFilter, ManyArgs};
pub(crate) use setup::SetupArgs;

/// Relays WhatsApp (CodeChat) to Chatwoot and back, and loses nothing on the way.
#[derive(Debug, Parser)]
#[command(name = "relay", version, about, max_term_width = 110)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) flags: Flags,
    /// Language of this command's own words: pt-BR, en, es [default: `LOCALE`, else the system's]
    #[arg(long, value_parser = locale, global = true)]
    pub(crate) lang: Option<Locale>,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// The whole command line. Settings are told where they matter, and taken everywhere.
pub(crate) fn command() -> clap::Command {
    let mut command = Cli::command();
    // only then have commands the settings to be hidden in them
    command.build();
    command.mut_subcommands(|command| if command.get_name() == "serve" { command } else { quiet(command) })
}

fn quiet(command: clap::Command) -> clap::Command {
    let hide = |arg: clap::Arg| if Key::find(arg.get_id().as_str()).is_some() { arg.hide(true) } else { arg };
    command.mut_args(hide).mut_subcommands(quiet)
}

impl Cli {
    /// Reads the command line; what cannot be read ends the process with an explanation.
    pub(crate) fn read() -> Self {
        let matches = command().get_matches();
        Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    }
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
    /// Check settings, show what holds and who said so, and tell what each means
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print what completes this program's words in a shell
    Completions {
        /// Which shell
        shell: Shell,
    },
    /// Print the manual page, or write those of all commands
    Man {
        /// Write the pages of all commands into this folder
        #[arg(long, value_name = "FOLDER")]
        folder: Option<PathBuf>,
    },
    /// Print what the documents are made from
    #[command(hide = true)]
    Reference {
        /// Which part
        what: Reference,
    },
    /// Print the version of this program, and for which machine it is
    Version {
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

/// What the documents are made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Reference {
    /// docs/cli.md.
    Cli,
    /// The table of settings in docs/configuration.md.
    Settings,
    /// .env.example.
    Env,
    /// Every command, in a line each.
    Commands,
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
    /// Show messages as they come and as they end, until Ctrl-C
    Tail(TailArgs),
    /// Give a message that is dead or expired another turn
    #[command(visible_alias = "resend")]
    Retry {
        /// Id of the message, as relay message ls prints it
        message: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct TailArgs {
    /// Only of this session
    #[arg(long)]
    pub(crate) session: Option<String>,
    /// Only on this way: in (to Chatwoot), out (to WhatsApp), receipt
    #[arg(long)]
    pub(crate) direction: Option<String>,
    /// Only of this chat: a phone number or a WhatsApp id
    #[arg(long)]
    pub(crate) chat: Option<String>,
    /// Print JSON, one line each
    #[arg(long)]
    pub(crate) json: bool,
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
