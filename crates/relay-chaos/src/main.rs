//! `relay-chaos`: the failure rig.
//!
//! The cast: a [`World`](world::World) is the relay as a process between stand-ins of CodeChat and Chatwoot;
//! [`Traffic`](traffic::Traffic) is what people write; a [`Row`](row::Row) breaks something and returns an [`Outcome`](row::Outcome); the
//! [`runner`] runs rows, each in a process of its own; the [`report`] tells what came of it.
//!
//! Invariant: a row passes only when it checked something and all of it held.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this program talks to whoever runs it")]

mod calm;
mod compare;
mod corpus;
mod mutants;
mod naive;
mod process;
mod proxy;
mod recovery;
mod report;
mod row;
mod rows;
mod runner;
mod simulated;
mod strace;
mod traffic;
mod verdict;
mod world;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use relay_testing::Database;

use crate::report::Findings;
use crate::runner::Plan;

/// Breaks everything around the relay and counts what was lost.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Lists the rows of the failure matrix.
    Rows,
    /// Runs rows and tells what came of them.
    Run(Run),
    /// One long run in which everything fails now and then.
    Soak {
        /// How long it lasts.
        #[arg(long, default_value_t = 60.0)]
        minutes: f64,
        #[command(flatten)]
        run: Run,
    },
    /// Everything: all rows, the broken promises, the comparison, the simulator. Takes an hour and writes the report.
    Full {
        /// Worlds to simulate.
        #[arg(long, default_value_t = 1_000_000)]
        seeds: u64,
        #[command(flatten)]
        run: Run,
    },
    /// Breaks each promise of the relay on purpose; the rig must notice every time.
    Mutants(Run),
    /// Writes the page from what runs wrote as JSON; a row that was run again counts as it was last.
    Report {
        /// What the runs wrote, oldest first.
        #[arg(required = true)]
        from: Vec<PathBuf>,
        /// Where to write the page.
        #[arg(long)]
        report: PathBuf,
    },
    /// Runs one row in this process; its outcome goes to a file.
    #[command(hide = true)]
    Row(Run),
    /// Relays as the first relay did, without a store; what the rig compares ours with.
    #[command(hide = true)]
    Naive,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Tier {
    /// Small sizes of the rows that are quick: a few minutes.
    Quick,
    /// All rows at full size.
    Full,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Databases {
    Both,
    Sqlite,
    Postgres,
}

#[derive(Clone, clap::Args)]
struct Run {
    /// Rows by their names; all of the tier when none is given.
    rows: Vec<String>,
    #[arg(long, value_enum, default_value = "full")]
    tier: Tier,
    #[arg(long, value_enum, default_value = "both")]
    db: Databases,
    /// What all chance comes from; a random one is shown.
    #[arg(long)]
    seed: Option<u64>,
    /// The share of the full size; the tier's own when absent.
    #[arg(long)]
    scale: Option<f64>,
    /// Another share for one row, as `F27=1`; may be given several times.
    #[arg(long, value_name = "ROW=SCALE", value_parser = scale_of)]
    scale_of: Vec<(String, f64)>,
    /// Rows that run side by side.
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// The relay, built with the feature `chaos`.
    #[arg(long, env = "RELAY_CHAOS_BINARY", default_value = "target/chaos/relay")]
    relay: PathBuf,
    /// Breaks a promise of the relay on purpose.
    #[arg(long)]
    sabotage: Option<String>,
    /// Puts a relay without a store in the place of ours.
    #[arg(long)]
    naive: bool,
    /// Writes all outcomes here, as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Writes the report here, as Markdown.
    #[arg(long)]
    report: Option<PathBuf>,
}

fn scale_of(text: &str) -> Result<(String, f64), String> {
    let (row, scale) = text.split_once('=').ok_or("write ROW=SCALE")?;
    let scale = scale.parse().map_err(|_| format!("{scale} is no number"))?;
    rows::find(row).map(|row| (row.id.to_owned(), scale)).ok_or_else(|| format!("there is no row {row}"))
}

impl Databases {
    fn list(self) -> &'static [Database] {
        match self {
            Self::Both => &Database::BOTH,
            Self::Sqlite => &[Database::Sqlite],
            Self::Postgres => &[Database::Postgres],
        }
    }
}

fn main() -> ExitCode {
    // the stand-ins' HTTP clients need one
    drop(rustls::crypto::ring::default_provider().install_default());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let result = runtime.map_err(anyhow::Error::from).and_then(|runtime| runtime.block_on(run(Cli::parse().command)));
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("relay-chaos: error: {error:#}");
            ExitCode::from(2)
        }
    }
}

async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Rows => {
            for row in rows::ALL {
                println!("{}  {}", row.id, row.title);
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Run(run) => {
            let plan = Plan::new(run)?;
            let rows = runner::run(&plan).await?;
            report::print(&rows);
            let findings = Findings { rows, ..Findings::begin() };
            report::write(&plan, &findings)?;
            Ok(code(findings.passes()))
        }
        Command::Soak { minutes, mut run } => {
            run.rows = vec!["SOAK".to_owned()];
            run.scale = Some(minutes / 60.0);
            let plan = Plan::new(run)?;
            let rows = runner::run(&plan).await?;
            report::print(&rows);
            let findings = Findings { rows, ..Findings::begin() };
            report::write(&plan, &findings)?;
            Ok(code(findings.passes()))
        }
        Command::Full { seeds, run } => full(&Plan::new(run)?, seeds).await,
        Command::Mutants(run) => {
            let plan = Plan::new(run)?;
            let findings = Findings { mutants: mutants::run(&plan).await?, ..Findings::begin() };
            report::write(&plan, &findings)?;
            Ok(code(findings.passes()))
        }
        Command::Report { from, report } => {
            report::write_page(&report, &Findings::read(&from)?)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Row(run) => runner::run_here(run).await,
        Command::Naive => naive::serve().await.map(|()| ExitCode::SUCCESS),
    }
}

async fn full(plan: &Plan, seeds: u64) -> anyhow::Result<ExitCode> {
    let mut findings = Findings { rows: runner::run(plan).await?, ..Findings::begin() };
    report::print(&findings.rows);
    // an hour's findings outlive whatever stops the rest
    report::write(plan, &findings)?;
    findings.mutants = mutants::run(plan).await?;
    report::write(plan, &findings)?;
    findings.simulated = Some(simulated::run(seeds)?);
    report::write(plan, &findings)?;
    findings.compared = compare::run(plan).await?;
    report::write(plan, &findings)?;
    Ok(code(findings.passes()))
}

fn code(passes: bool) -> ExitCode {
    if passes { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
