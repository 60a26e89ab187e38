//! Runs rows, each in a process of its own: a row's memory, ports, databases and time are its alone.

use std::path::PathBuf;
use std::process::{ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use futures_util::stream::{self, StreamExt};
use relay_testing::{Database, TempFolder};
use serde::{Deserialize, Serialize};

use crate::row::{Context, Outcome, Row};
use crate::{Databases, Run, Tier, rows};

/// No row may take longer.
const LONGEST: Duration = Duration::from_mins(90);

/// What is to be run.
pub(crate) struct Plan {
    pub(crate) run: Run,
    pub(crate) seed: u64,
    program: PathBuf,
}

/// One row on one database, with what came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Ran {
    pub(crate) row: String,
    pub(crate) title: String,
    pub(crate) database: String,
    pub(crate) seed: u64,
    pub(crate) scale: f64,
    pub(crate) seconds: f64,
    /// Why it could not run to its end.
    pub(crate) error: Option<String>,
    pub(crate) outcome: Outcome,
}

impl Ran {
    pub(crate) fn passes(&self) -> bool {
        self.error.is_none() && self.outcome.passes()
    }

    /// The command that runs this row again, alone and in the same way.
    pub(crate) fn again(&self) -> String {
        format!("scripts/chaos run {} --db {} --seed {} --scale {}", self.row, self.database, self.seed, self.scale)
    }
}

impl Plan {
    pub(crate) fn new(run: Run) -> Result<Self> {
        for name in &run.rows {
            ensure!(rows::find(name).is_some(), "there is no row {name}\n  hint: relay-chaos rows lists them");
        }
        if !run.naive {
            ensure!(
                run.relay.is_file(),
                "there is no relay at {}\n  hint: scripts/chaos builds it, or name one with --relay",
                run.relay.display()
            );
        }
        let seed = run.seed.unwrap_or_else(|| fastrand::u64(..1_000_000));
        Ok(Self { run, seed, program: std::env::current_exe()? })
    }

    /// The same plan for ours or for the relay without a store.
    pub(crate) fn pointed_at(&self, is_naive: bool) -> Self {
        Self { run: Run { naive: is_naive, ..self.run.clone() }, seed: self.seed, program: self.program.clone() }
    }

    fn rows(&self) -> Vec<(&'static Row, f64)> {
        let own = |row: &Row| self.run.scale_of.iter().find(|(name, _)| name == row.id).map(|(_, scale)| *scale);
        let scale_of = |row: &Row| match (own(row).or(self.run.scale), self.run.tier) {
            (Some(scale), _) => Some(scale),
            (None, Tier::Full) => Some(1.0),
            (None, Tier::Quick) => row.quick,
        };
        let named = self.run.rows.iter().filter_map(|name| rows::find(name));
        let wanted: Vec<_> = if self.run.rows.is_empty() { rows::ALL.to_vec() } else { named.collect() };
        wanted
            .into_iter()
            .filter_map(|row| {
                let scale = if self.run.rows.is_empty() { scale_of(row) } else { Some(scale_of(row).unwrap_or(1.0)) };
                scale.map(|scale| (row, scale))
            })
            .collect()
    }
}

/// Runs everything that is planned: first what can run side by side, then what must be alone.
pub(crate) async fn run(plan: &Plan) -> Result<Vec<Ran>> {
    let folder = TempFolder::new();
    let mut all = Vec::new();
    for (row, scale) in plan.rows() {
        let databases = plan.run.db.list().iter().copied().filter(|database| row.on.includes(*database));
        all.extend(databases.map(|database| (row, database, scale)));
    }
    // the large ones first, so that none is waited for at the end
    all.sort_by(|(_, _, one), (_, _, other)| other.total_cmp(one));
    let (alone, together): (Vec<_>, Vec<_>) = all.into_iter().partition(|(row, ..)| row.is_alone);
    let mut results: Vec<Ran> = Vec::new();
    for (work, jobs) in [(together, plan.run.jobs.max(1)), (alone, 1)] {
        let mut running = stream::iter(work)
            .map(|(row, database, scale)| {
                in_own_process(plan, row, database, scale, plan.run.sabotage.as_deref(), &folder)
            })
            .buffer_unordered(jobs);
        while let Some(ran) = running.next().await {
            let ran = ran?;
            crate::report::progress(&ran);
            results.push(ran);
        }
    }
    results.sort_by(|one, other| (&one.row, &other.database).cmp(&(&other.row, &one.database)));
    Ok(results)
}

pub(crate) async fn in_own_process(
    plan: &Plan,
    row: &Row,
    database: Database,
    scale: f64,
    sabotage: Option<&str>,
    folder: &TempFolder,
) -> Result<Ran> {
    let name = name_of(database);
    let out = folder.path().join(format!("{}-{name}-{}.json", row.id, sabotage.unwrap_or("sound")));
    let mut command = tokio::process::Command::new(&plan.program);
    command.arg("row").arg(row.id).args([
        "--db",
        name,
        "--seed",
        &plan.seed.to_string(),
        "--scale",
        &scale.to_string(),
    ]);
    command.arg("--relay").arg(&plan.run.relay).arg("--json").arg(&out);
    if let Some(sabotage) = sabotage {
        command.args(["--sabotage", sabotage]);
    }
    if plan.run.naive {
        command.arg("--naive");
    }
    let started = Instant::now();
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output();
    let said = match tokio::time::timeout(LONGEST, output).await {
        Ok(output) => String::from_utf8_lossy(&output?.stderr).into_owned(),
        Err(_) => format!("it did not end within {LONGEST:?}"),
    };
    let outcome = std::fs::read(&out).ok().and_then(|bytes| serde_json::from_slice::<Outcome>(&bytes).ok());
    Ok(Ran {
        row: row.id.to_owned(),
        title: row.title.to_owned(),
        database: name.to_owned(),
        seed: plan.seed,
        scale,
        seconds: started.elapsed().as_secs_f64(),
        error: outcome.is_none().then(|| said.trim().to_owned()),
        outcome: outcome.unwrap_or_default(),
    })
}

pub(crate) fn name_of(database: Database) -> &'static str {
    match database {
        Database::Sqlite => "sqlite",
        Database::Postgres => "postgres",
    }
}

/// Runs one row in this process.
pub(crate) async fn run_here(run: Run) -> Result<ExitCode> {
    let row = run.rows.first().and_then(|name| rows::find(name)).context("name one row")?;
    let database = match run.db {
        Databases::Sqlite => Database::Sqlite,
        Databases::Postgres => Database::Postgres,
        Databases::Both => bail!("name one database"),
    };
    let context = Context {
        database,
        seed: run.seed.unwrap_or(1),
        scale: run.scale.unwrap_or(1.0),
        relay: std::path::absolute(&run.relay)?,
        sabotage: run.sabotage.clone(),
        is_naive: run.naive,
    };
    fastrand::seed(context.seed);
    let outcome = (row.run)(&context).await?;
    let json = serde_json::to_vec_pretty(&outcome)?;
    match &run.json {
        Some(path) => std::fs::write(path, json)?,
        None => println!("{}", String::from_utf8_lossy(&json)),
    }
    Ok(if outcome.passes() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
