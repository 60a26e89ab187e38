//! The commands about dead letters.

use clap::{Args, Subcommand};

use super::moment;

#[derive(Debug, Subcommand)]
pub(crate) enum DeadCommand {
    /// List dead letters, newest first
    Ls {
        #[command(flatten)]
        filter: DeadFilter,
        /// Only how many there are for which reason
        #[arg(long)]
        groups: bool,
        /// How many, up to 200
        #[arg(long, default_value_t = 50)]
        limit: u32,
        /// Go on where a list ended
        #[arg(long)]
        cursor: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show one dead letter with every attempt
    Show {
        /// Id of the message, as relay dead ls prints it
        message: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Try dead letters again, in the order of their chats
    Retry(ManyArgs),
    /// Drop dead letters: nothing of them is to cross any more
    Drop {
        #[command(flatten)]
        which: ManyArgs,
        /// Why, for those who look at it later
        #[arg(long)]
        why: String,
    },
    /// Write dead letters out, one line of JSON each, with what was received and every attempt
    Export(DeadFilter),
}

/// Which dead letters a command is about.
#[derive(Debug, Args)]
pub(crate) struct ManyArgs {
    /// Ids of messages, as relay dead ls prints them
    pub(crate) messages: Vec<String>,
    #[command(flatten)]
    pub(crate) filter: DeadFilter,
    /// All of them
    #[arg(long, conflicts_with = "messages")]
    pub(crate) all: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// What dead letters have in common.
#[derive(Debug, Args)]
pub(crate) struct DeadFilter {
    /// Only of this session
    #[arg(long)]
    pub(crate) session: Option<String>,
    /// Only on this way: in (to Chatwoot), out (to WhatsApp), receipt
    #[arg(long)]
    pub(crate) direction: Option<String>,
    /// Only in this state: dead, expired; when they are written out also pending
    #[arg(long)]
    pub(crate) state: Option<String>,
    /// Only of this chat: a phone number or a WhatsApp id
    #[arg(long)]
    pub(crate) chat: Option<String>,
    /// Only of this event, such as messages.upsert
    #[arg(long)]
    pub(crate) event: Option<String>,
    /// Only for this reason: the word that it begins with
    #[arg(long)]
    pub(crate) reason: Option<String>,
    /// Only those that died since then: 30m, 2h, 7d, or a time such as 2026-11-22T10:00:00Z
    #[arg(long, value_parser = moment)]
    pub(crate) since: Option<jiff::Timestamp>,
    /// Only those that died before then
    #[arg(long, value_parser = moment)]
    pub(crate) until: Option<jiff::Timestamp>,
}

impl DeadFilter {
    /// Names and values as the API takes them.
    pub(crate) fn pairs(&self) -> Vec<(&'static str, String)> {
        let moment = |at: &Option<jiff::Timestamp>| at.map(|at| at.to_string());
        let all = [
            ("session", self.session.clone()),
            ("direction", self.direction.clone()),
            ("state", self.state.clone()),
            ("chat", self.chat.clone()),
            ("event", self.event.clone()),
            ("reason", self.reason.clone()),
            ("since", moment(&self.since)),
            ("until", moment(&self.until)),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}
