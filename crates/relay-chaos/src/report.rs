//! Tells what came of the rows: on the terminal, as JSON, as the page in `docs/`.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::runner::{Plan, Ran};

/// One line for a row that just ended.
pub(crate) fn progress(ran: &Ran) {
    let verdict = if ran.passes() { "ok  " } else { "FAIL" };
    println!("{verdict} {} {:<8} {:>6.1} s  {}", ran.row, ran.database, ran.seconds, ran.title);
    if !ran.passes() {
        for line in complaints(ran) {
            println!("       {line}");
        }
        println!("       again: {}", ran.again());
    }
}

/// What did not hold.
pub(crate) fn complaints(ran: &Ran) -> Vec<String> {
    let failed = ran.outcome.checks.iter().filter(|check| !check.holds);
    let checks = failed.map(|check| format!("{}: wanted {}, saw {}", check.what, check.wanted, check.seen));
    let nothing = ran.error.is_none() && ran.outcome.checks.is_empty();
    ran.error.iter().cloned().chain(nothing.then(|| "nothing was checked".to_owned())).chain(checks).collect()
}

pub(crate) fn print(results: &[Ran]) {
    let failed = results.iter().filter(|ran| !ran.passes()).count();
    let checks: usize = results.iter().map(|ran| ran.outcome.checks.len()).sum();
    println!("\n{} rows, {checks} checks, {failed} rows failed", results.len());
}

/// Writes what the plan asks for.
pub(crate) fn write(plan: &Plan, results: &[Ran]) -> Result<()> {
    if let Some(path) = &plan.run.json {
        save(path, &serde_json::to_string_pretty(results)?)?;
    }
    if let Some(path) = &plan.run.report {
        save(path, &page(plan, results))?;
    }
    Ok(())
}

fn save(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).with_context(|| format!("{} could not be written", path.display()))
}

fn page(plan: &Plan, results: &[Ran]) -> String {
    let mut page = String::from("# What was broken, and what was lost\n\n");
    let _ = writeln!(page, "Seed {}.\n\n| row | database | result |\n|---|---|---|", plan.seed);
    for ran in results {
        let _ = writeln!(
            page,
            "| {} {} | {} | {} |",
            ran.row,
            ran.title,
            ran.database,
            if ran.passes() { "ok" } else { "**failed**" }
        );
    }
    page
}
