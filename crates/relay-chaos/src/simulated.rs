//! The simulator's part of a full run: many small worlds, decided by the relay's own code.

use std::process::Stdio;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use crate::runner::Plan;

/// What the simulator found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Simulated {
    pub(crate) seeds: u64,
    pub(crate) failing: u64,
    pub(crate) per_minute: u64,
}

/// Runs so many seeds in a process of its own; the program lies beside this one.
pub(crate) async fn run(plan: &Plan, seeds: u64) -> Result<Simulated> {
    let program = std::env::current_exe()?.with_file_name("relay-simulate");
    let mut command = tokio::process::Command::new(&program);
    command.args(["--seeds", &seeds.to_string(), "--from", &plan.seed.to_string(), "--json"]);
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output().await;
    let output = output.with_context(|| format!("{} could not be run", program.display()))?;
    serde_json::from_slice(&output.stdout).context("the simulator said something else than what it found")
}
