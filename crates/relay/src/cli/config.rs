//! The words of `relay config`.

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Tell everything that is wrong with the settings, and where; ends with code 2 when the relay cannot start with them
    Check {
        /// Print JSON
        #[arg(long)]
        json: bool,
        /// End with code 4 when there is a warning
        #[arg(long)]
        strict: bool,
    },
    /// Show the value of every setting, and where it is from
    Show {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Tell what a setting does, what it may be, its default and an example
    Explain {
        /// Name of the setting, such as PORT [default: all of them, in a line each]
        name: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Write a .env to fill in; asks before it replaces one
    Init {
        /// Replace a file that is there
        #[arg(long, short)]
        yes: bool,
    },
}
