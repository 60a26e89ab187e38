//! Tells what came of the rows: on the terminal, as JSON, as the page in `docs/`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use crate::compare::Compared;
use crate::mutants::Mutant;
use crate::row::Check;
use crate::runner::{Plan, Ran};
use crate::simulated::Simulated;

/// Figures of the contract, and the rows that show each.
const TARGETS: [(&str, &str, &[&str]); 15] = [
    ("T1", "random SIGKILL", &["F01"]),
    ("T2", "SIGKILL at every named point", &["F02"]),
    ("T3", "flush before ack; power-cut images", &["F03"]),
    ("T5", "lost answers of Chatwoot", &["F10", "F11"]),
    ("T6", "ambiguous answers of CodeChat", &["F20", "F21"]),
    ("T7", "a day without the other side, a day without the relay", &["F27", "F28"]),
    ("T8", "5 % of webhooks lost, both ways", &["F44", "F45"]),
    ("T9", "copies and swapped webhooks", &["F22", "F24"]),
    ("T10", "bursts, and Chatwoot's wall", &["F26", "F13"]),
    ("T11", "disk full, flush refused", &["F06", "F07"]),
    ("T12", "calls per text", &["F26", "F14"]),
    ("T13", "poison, huge and missing files", &["F30", "F31", "F32"]),
    ("T15", "restarts on the same socket", &["F38"]),
    ("T16", "two tenants, same names", &["F39"]),
    ("T18", "hostile input", &["F34"]),
];

/// Everything a full run found.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Findings {
    /// What was run: the commit that was built.
    #[serde(default)]
    pub(crate) commit: String,
    pub(crate) rows: Vec<Ran>,
    pub(crate) mutants: Vec<Mutant>,
    pub(crate) compared: Vec<Compared>,
    pub(crate) simulated: Option<Simulated>,
}

impl Findings {
    /// What was found so far, with nothing in it.
    pub(crate) fn begin() -> Self {
        Self { commit: commit(), ..Self::default() }
    }

    /// What several runs found: a row that was run again counts as it was last.
    pub(crate) fn read(paths: &[PathBuf]) -> Result<Self> {
        let mut all = Self::default();
        for path in paths {
            let text = std::fs::read(path).with_context(|| format!("{} could not be read", path.display()))?;
            let later: Self =
                serde_json::from_slice(&text).with_context(|| format!("{} holds no findings", path.display()))?;
            all.rows
                .retain(|ran| !later.rows.iter().any(|again| again.row == ran.row && again.database == ran.database));
            all.rows.extend(later.rows);
            all.mutants.retain(|mutant| !later.mutants.iter().any(|again| again.sabotage == mutant.sabotage));
            all.mutants.extend(later.mutants);
            all.compared.extend(later.compared);
            all.simulated = later.simulated.or(all.simulated);
            if !all.commit.contains(&later.commit) {
                let gap = if all.commit.is_empty() { "" } else { " " };
                all.commit = format!("{}{gap}{}", all.commit, later.commit);
            }
        }
        all.rows.sort_by(|one, other| (&one.row, &other.database).cmp(&(&other.row, &one.database)));
        Ok(all)
    }

    /// Whether every row passed and every broken promise was noticed.
    pub(crate) fn passes(&self) -> bool {
        self.rows.iter().all(Ran::passes)
            && self.mutants.iter().all(|mutant| mutant.complaint.is_some())
            && self.simulated.as_ref().is_none_or(|simulated| simulated.failing.is_empty())
    }
}

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
pub(crate) fn write(plan: &Plan, findings: &Findings) -> Result<()> {
    if let Some(path) = &plan.run.json {
        save(path, &serde_json::to_string_pretty(findings)?)?;
    }
    match &plan.run.report {
        Some(path) => write_page(path, findings),
        None => Ok(()),
    }
}

/// Writes the page for `docs/`.
pub(crate) fn write_page(path: &Path, findings: &Findings) -> Result<()> {
    save(path, &page(findings))
}

fn save(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).with_context(|| format!("{} could not be written", path.display()))
}

fn page(findings: &Findings) -> String {
    let mut page = String::new();
    for part in [
        introduction(findings),
        matrix(&findings.rows),
        targets(&findings.rows),
        mutants(&findings.mutants),
        simulator(findings.simulated.as_ref()),
        comparison(&findings.compared),
        details(&findings.rows),
    ] {
        page.push_str(&part);
    }
    page
}

fn introduction(findings: &Findings) -> String {
    let failed = findings.rows.iter().filter(|ran| !ran.passes()).count();
    let checks: usize = findings.rows.iter().map(|ran| ran.outcome.checks.len()).sum();
    format!(
        "# What was broken, and what was lost\n\n\
         This page is written by `CHAOS_PROFILE=release scripts/chaos full`, which runs the real program between stand-ins of \
         CodeChat and Chatwoot, breaks everything around it, lets everything heal, and compares the books of both sides. \
         [failures.md](failures.md) says what each row demands. One row again: `scripts/chaos run F01 --db sqlite --seed {seed}`.\n\n\
         - **{rows} runs, {checks} checks, {failed} runs failed.**\n\
         - Seed {seed}; commit {commit}; {machine}.\n\
         - *Lost, doubled, reordered, in another chat* and *false acks* (acknowledged and never delivered) are counted in every row \
         that carries messages, both ways. Order is broken only where a later message went first and nothing says so.\n\
         - A message counts as doubled when it reached WhatsApp under two ids. The same id handed over again is counted apart.\n\
         - The scale is the share of the size in [failures.md](failures.md); 1 is all of it. Hours and days are simulated.\n\
         - F40, upgrades, begins with the first release.\n\n",
        seed = findings.rows.first().map_or(0, |ran| ran.seed),
        rows = findings.rows.len(),
        commit = findings.commit,
        machine = machine(),
    )
}

fn commit() -> String {
    let output = Command::new("git").args(["rev-parse", "--short=12", "HEAD"]).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}

fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let info = read("/proc/cpuinfo");
    let model = info.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let model = model.trim_start_matches(['\t', ' ', ':']);
    let memory = read("/proc/meminfo");
    let kilobytes =
        memory.lines().find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    format!("{cores} cores of {model}, {} GB", kilobytes.unwrap_or(0) / 1_000_000)
}

fn matrix(rows: &[Ran]) -> String {
    let mut table =
        String::from("## Failures\n\n| row | what is broken | scale | SQLite | PostgreSQL |\n|---|---|---|---|---|\n");
    for ran in firsts(rows) {
        let of = |database: &str| cell(rows.iter().find(|other| other.row == ran.row && other.database == database));
        line(
            &mut table,
            &format!(
                "| {} | {} | {} | {} | {} |",
                ran.row,
                ran.title,
                scales(rows, &ran.row),
                of("sqlite"),
                of("postgres")
            ),
        );
    }
    table.push('\n');
    table
}

/// The size of a row, or both sizes where the databases saw different ones.
fn scales(rows: &[Ran], row: &str) -> String {
    let mut scales: Vec<String> = rows.iter().filter(|ran| ran.row == row).map(|ran| ran.scale.to_string()).collect();
    scales.dedup();
    scales.join(", ")
}

/// Each row once.
fn firsts(rows: &[Ran]) -> impl Iterator<Item = &Ran> {
    rows.iter()
        .enumerate()
        .filter(|(index, ran)| rows[..*index].iter().all(|other| other.row != ran.row))
        .map(|(_, ran)| ran)
}

fn cell(ran: Option<&Ran>) -> String {
    match ran {
        None => "–".to_owned(),
        Some(ran) if ran.passes() => format!("ok, {} checks", ran.outcome.checks.len()),
        Some(_) => "**failed**".to_owned(),
    }
}

fn targets(rows: &[Ran]) -> String {
    let mut table = String::from(
        "## Figures of the contract\n\nT4 and T19 are in [performance.md](performance.md), T14 below.\n\n| figure | shown by | result |\n|---|---|---|\n",
    );
    for (name, what, by) in TARGETS {
        let shown: Vec<_> = rows.iter().filter(|ran| by.contains(&ran.row.as_str())).collect();
        let smallest = shown.iter().map(|ran| ran.scale).fold(1.0, f64::min);
        let result = match shown.iter().filter(|ran| !ran.passes()).count() {
            _ if shown.is_empty() => "not run".to_owned(),
            // a figure is one of full size
            0 if smallest < 1.0 => format!("not shown: no run failed, but at scale {smallest}"),
            0 => "reached".to_owned(),
            failed => format!("**missed in {failed} runs**"),
        };
        line(&mut table, &format!("| {name} {what} | {} | {result} |", by.join(", ")));
    }
    table.push('\n');
    table
}

fn mutants(mutants: &[Mutant]) -> String {
    let caught = mutants.iter().filter(|mutant| mutant.complaint.is_some()).count();
    let mut table = format!(
        "## Broken on purpose\n\nA rig that cannot fail proves nothing. Each promise was switched off in turn: **{caught} of {} were noticed.**\n\n\
         | promise switched off | noticed by | as |\n|---|---|---|\n",
        mutants.len()
    );
    for mutant in mutants {
        let complaint = mutant.complaint.as_deref().unwrap_or("**not noticed**");
        line(&mut table, &format!("| {} | {} | {} |", mutant.sabotage, mutant.row, shortened(complaint)));
    }
    table.push('\n');
    table
}

fn simulator(simulated: Option<&Simulated>) -> String {
    let Some(simulated) = simulated else { return String::new() };
    format!(
        "## Simulated worlds\n\n[simulator.md](simulator.md) says what is simulated. **{} seeds, {} failing**, {} seeds a minute.\n\n",
        simulated.seeds,
        simulated.failing.len(),
        simulated.per_minute
    )
}

fn comparison(compared: &[Compared]) -> String {
    if compared.is_empty() {
        return String::new();
    }
    let mut table = String::from(
        "## The same failures without a store\n\nThe same rig, pointed at a relay that works as most bridges do: everything inside the \
         handler of the webhook, nothing stored. Texts only, so that the comparison is fair.\n\n\
         | row | what is broken | | written | lost | doubled | reordered | shown as failed |\n|---|---|---|---|---|---|---|---|\n",
    );
    for pair in compared {
        for (name, counts) in [("without a store", &pair.naive), ("relay", &pair.ours)] {
            line(
                &mut table,
                &format!(
                    "| {} | {} | {name} | {} | {} | {} | {} | {} |",
                    pair.row, pair.title, counts.written, counts.lost, counts.doubled, counts.reordered, counts.refused
                ),
            );
        }
    }
    table.push('\n');
    table
}

fn details(rows: &[Ran]) -> String {
    let mut list = String::from("## Everything counted\n\n");
    for ran in rows {
        line(&mut list, &format!("<details><summary>{} {}, {}</summary>\n", ran.row, ran.title, ran.database));
        line(&mut list, &format!("`{}`, {:.0} s\n", ran.again(), ran.seconds));
        for (name, value) in &ran.outcome.figures {
            line(&mut list, &format!("- {name}: {value}"));
        }
        for check in &ran.outcome.checks {
            line(&mut list, &format!("- {}", said(check)));
        }
        if let Some(complaint) = &ran.error {
            line(&mut list, &format!("- **could not run**: {}", shortened(complaint)));
        }
        list.push_str("\n</details>\n\n");
    }
    list
}

fn said(check: &Check) -> String {
    let mark = if check.holds { "" } else { "**failed** " };
    format!("{mark}{}: {} (wanted {})", check.what, shortened(&check.seen), check.wanted)
}

fn line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

/// One line of bearable length.
fn shortened(text: &str) -> String {
    let line = text.replace(['\n', '|'], " ");
    match line.char_indices().nth(160) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}
