//! The same failures for our relay and for one without a store.

use anyhow::Result;
use relay_testing::{Database, TempFolder};
use serde::{Deserialize, Serialize};

use crate::row::Outcome;
use crate::rows;
use crate::runner::{Plan, in_own_process};

/// Rows that mean something for a relay that keeps nothing, at the size at which both are run. Where Chatwoot fails for minutes
/// (F08, F10) such a relay never comes to an end of it.
const ROWS: [(&str, f64); 4] = [("F01", 0.02), ("F18", 0.05), ("F22", 0.02), ("F24", 0.05)];

/// One row for both.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Compared {
    pub(crate) row: String,
    pub(crate) title: String,
    pub(crate) naive: Counts,
    pub(crate) ours: Counts,
}

/// Messages both ways.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Counts {
    pub(crate) written: u64,
    pub(crate) lost: u64,
    pub(crate) doubled: u64,
    pub(crate) reordered: u64,
    /// Not sent, which the agent was shown.
    pub(crate) refused: u64,
}

/// Runs the rows for both.
pub(crate) async fn run(plan: &Plan) -> Result<Vec<Compared>> {
    let folder = TempFolder::new();
    let mut all = Vec::new();
    for (name, scale) in ROWS {
        let row = rows::find(name).ok_or_else(|| anyhow::anyhow!("there is no row {name}"))?;
        let mut counts = Vec::new();
        for is_naive in [true, false] {
            let plan = plan.pointed_at(is_naive);
            let ran = in_own_process(&plan, row, Database::Sqlite, scale, None, &folder).await?;
            counts.push(Counts::of(&ran.outcome));
        }
        let [naive, ours] = counts.try_into().expect("each row was run twice");
        println!(
            "{name}: without a store {} lost of {}, relay {} of {}",
            naive.lost, naive.written, ours.lost, ours.written
        );
        all.push(Compared { row: row.id.to_owned(), title: row.title.to_owned(), naive, ours });
    }
    Ok(all)
}

impl Counts {
    fn of(outcome: &Outcome) -> Self {
        let number = |text: &str| text.split(' ').next().and_then(|word| word.parse::<u64>().ok()).unwrap_or(0);
        // both ways, and nothing else that happens to end so
        let checked = |ending: &str| {
            let ways = [format!("in {ending}"), format!("out {ending}")];
            let is_way = |what: &str| ways.iter().any(|way| what == way || what.ends_with(&format!(": {way}")));
            outcome.checks.iter().filter(|check| is_way(&check.what)).map(|check| number(&check.seen)).sum()
        };
        let refused = outcome.checks.iter().filter(|check| check.what.ends_with("messages refused"));
        let figures = outcome.figures.iter().filter(|(name, _)| name.ends_with("written"));
        Self {
            written: figures.map(|(_, value)| number(value)).sum(),
            lost: checked("lost"),
            doubled: checked("doubled"),
            reordered: checked("reordered"),
            refused: refused.map(|check| number(&check.seen)).sum(),
        }
    }
}
