//! `relay`: WhatsApp numbers on CodeChat joined to inboxes on Chatwoot.
//!
//! This crate is the command line, the configuration and the wiring; what happens to messages is in `relay-engine`.

mod api_client;
mod bench;
mod cli;
mod config;
mod dead;
mod demo;
mod logging;
mod message;
mod migrate;
mod printer;
mod serve;
mod session;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};
use crate::printer::Printer;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let printer = Printer::new();
    if let Err(error) = config::load_env_file() {
        return printer.failure(&error);
    }
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return printer.failure(&anyhow::Error::new(error).context("the runtime could not be started")),
    };
    match runtime.block_on(run(cli, &printer)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => printer.failure(&error),
    }
}

async fn run(cli: Cli, printer: &Printer) -> anyhow::Result<()> {
    match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => serve::run(&cli.settings, printer).await,
        Command::Demo(demo) => demo::run(&demo, printer).await,
        Command::Session(command) => session::run(&cli.settings, command, printer).await,
        Command::Message(command) => message::run(&cli.settings, command, printer).await,
        Command::Dead(command) => dead::run(&cli.settings, command, printer).await,
        Command::Migrate(command) => migrate::run(&cli.settings, &command, printer).await,
        Command::Bench(bench) => bench::run(&bench, printer).await,
        Command::Health => session::health(&cli.settings, printer).await,
    }
}
