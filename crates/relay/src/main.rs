//! `relay`: WhatsApp numbers on CodeChat joined to inboxes on Chatwoot.
//!
//! This crate is the command line, the configuration and the wiring; what happens to messages is in `relay-engine`.

mod api_client;
mod bench;
mod cli;
mod config;
mod console;
mod dead;
mod demo;
mod doctor;
mod listener;
mod logging;
mod message;
mod migrate;
mod pair;
mod printer;
mod reference;
mod serve;
mod session;
mod setting;
mod setup;
mod words;

use std::process::ExitCode;
use std::time::Duration;

use crate::cli::{Cli, Command};
use crate::listener::{Next, Start};
use crate::printer::Printer;
use crate::setting::Settings;
use crate::setting::given::Given;
use crate::setting::problem::Broken;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long calls that nobody waits for any more may take to notice.
const LEFTOVERS: Duration = Duration::from_millis(500);

fn main() -> ExitCode {
    let printer = Printer::new();
    let start = match Start::note() {
        Ok(start) => start,
        Err(error) => return printer.failure(&error),
    };
    let given = Given::note();
    let cli = Cli::read();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return printer.failure(&anyhow::Error::new(error).context("the runtime could not be started")),
    };
    let ended = runtime.block_on(run(cli, given, start, &printer));
    runtime.shutdown_timeout(LEFTOVERS);
    match ended {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Code(code)) => ExitCode::from(code),
        Ok(Outcome::GoOn(next)) => printer.failure(&next.begin()),
        Err(error) => {
            printer.failure(&error);
            ExitCode::from(code_of(&error))
        }
    }
}

/// The exit code of what Ctrl-C ended, as shells count it.
const INTERRUPTED: u8 = 130;

/// What a person ended, in the words that say what remains.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Interrupted(pub(crate) String);

/// The code with which an error ends the process.
fn code_of(error: &anyhow::Error) -> u8 {
    if error.is::<Broken>() {
        setting::command::BROKEN
    } else if error.is::<Interrupted>() {
        INTERRUPTED
    } else {
        1
    }
}

/// How a command ended well.
enum Outcome {
    /// It did what it was asked.
    Done,
    /// It has more to say than that, with the code of its exit.
    Code(u8),
    /// Another program is to go on in this one's place.
    GoOn(Box<Next>),
}

/// Runs a command. Those that need no settings do not mind when these are broken.
async fn run(cli: Cli, given: Given, start: Start, printer: &Printer) -> anyhow::Result<Outcome> {
    let Cli { flags, lang, command } = cli;
    let given = given.with(flags);
    let settings = || -> Result<Settings, Broken> {
        let locale = config::language_given(&given, lang);
        setting::check::read(&given, lang).map_err(|problems| setting::problem::broken(&problems, locale, printer))
    };
    let done = match command.unwrap_or(Command::Serve) {
        Command::Serve => {
            let next = serve::run(&settings()?, start, printer).await?;
            return Ok(next.map_or(Outcome::Done, |next| Outcome::GoOn(Box::new(next))));
        }
        Command::Setup(args) => {
            let next = setup::run(settings()?, args, start, printer).await?;
            return Ok(next.map_or(Outcome::Done, |next| Outcome::GoOn(Box::new(next))));
        }
        Command::Doctor(args) => return doctor::run(&settings()?, &args, printer).await.map(Outcome::Code),
        Command::Config(command) => return setting::command::run(&given, lang, command, printer).map(Outcome::Code),
        Command::Demo(demo) => demo::run(&demo, printer).await,
        Command::Session(command) => session::run(&settings()?, command, printer).await,
        Command::Message(command) => message::run(&settings()?, command, printer).await,
        Command::Dead(command) => dead::run(&settings()?, command, printer).await,
        Command::Console { json } => console::run(&settings()?, json, printer).await,
        Command::Migrate(command) => migrate::run(&settings()?, &command, printer).await,
        Command::Bench(bench) => bench::run(&bench, printer).await,
        Command::Completions { shell } => reference::completions(shell, printer),
        Command::Man { folder } => reference::man(folder.as_deref(), printer),
        Command::Reference { what } => reference::print(what, printer),
        Command::Version { json } => {
            printer.version(json);
            Ok(())
        }
        Command::Health => session::health(&settings()?, printer).await,
    };
    done.map(|()| Outcome::Done)
}
