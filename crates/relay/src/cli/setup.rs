//! The words of `relay setup`.

use clap::Args;

/// A flag for every answer, so that nobody needs to be asked.
#[derive(Clone, Debug, Args)]
pub(crate) struct SetupArgs {
    /// Access token of a Chatwoot administrator; `CHATWOOT_TOKEN` keeps it out of the list of processes
    #[arg(long, env = "CHATWOOT_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
    /// Chatwoot account, when the token's user administers several
    #[arg(long)]
    pub(crate) account: Option<i64>,
    /// Use this inbox (of type API) [default: one that is free, else a new one]
    #[arg(long)]
    pub(crate) inbox: Option<i64>,
    /// Name of the inbox; an empty one that has it is used, else one is made
    #[arg(long)]
    pub(crate) inbox_name: Option<String>,
    /// Name of the session and of its CodeChat instance [default: made from the account's name]
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Ask nothing: what is not given is found out, guessed or an error
    #[arg(long, short)]
    pub(crate) yes: bool,
    /// Pair no phone: neither show a code nor wait for a message
    #[arg(long)]
    pub(crate) no_qr: bool,
    /// End when all is done instead of relaying on
    #[arg(long)]
    pub(crate) exit: bool,
}
