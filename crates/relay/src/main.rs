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
mod effective;
mod listener;
mod logging;
mod message;
mod migrate;
mod pair;
mod printer;
mod serve;
mod session;
mod setup;
mod words;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use crate::cli::{Cli, Command};
use crate::listener::{Next, Start};
use crate::printer::Printer;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long calls that nobody waits for any more may take to notice.
const LEFTOVERS: Duration = Duration::from_millis(500);

fn main() -> ExitCode {
    let printer = Printer::new();
    let start = match Start::note().and_then(|start| config::load_env_file().map(|()| start)) {
        Ok(start) => start,
        Err(error) => return printer.failure(&error),
    };
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return printer.failure(&anyhow::Error::new(error).context("the runtime could not be started")),
    };
    let ended = runtime.block_on(run(cli, start, &printer));
    runtime.shutdown_timeout(LEFTOVERS);
    match ended {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Code(code)) => ExitCode::from(code),
        Ok(Outcome::GoOn(next)) => printer.failure(&next.begin()),
        Err(error) => printer.failure(&error),
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

/// Runs a command.
async fn run(cli: Cli, start: Start, printer: &Printer) -> anyhow::Result<Outcome> {
    let done = match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => {
            let next = serve::run(&cli.settings, start, printer).await?;
            return Ok(next.map_or(Outcome::Done, |next| Outcome::GoOn(Box::new(next))));
        }
        Command::Setup(args) => {
            let next = setup::run(cli.settings, args, start, printer).await?;
            return Ok(next.map_or(Outcome::Done, |next| Outcome::GoOn(Box::new(next))));
        }
        Command::Doctor(args) => return doctor::run(&cli.settings, &args, printer).await.map(Outcome::Code),
        Command::Demo(demo) => demo::run(&demo, printer).await,
        Command::Session(command) => session::run(&cli.settings, command, printer).await,
        Command::Message(command) => message::run(&cli.settings, command, printer).await,
        Command::Dead(command) => dead::run(&cli.settings, command, printer).await,
        Command::Console { json } => console::run(&cli.settings, json, printer).await,
        Command::Migrate(command) => migrate::run(&cli.settings, &command, printer).await,
        Command::Bench(bench) => bench::run(&bench, printer).await,
        Command::Health => session::health(&cli.settings, printer).await,
    };
    done.map(|()| Outcome::Done)
}
