//! The relay with one promise broken: a rig that does not notice proves nothing.

use anyhow::Result;
use futures_util::stream::{self, StreamExt, TryStreamExt as _};
use relay_fault::Sabotage;
use relay_testing::{Database, TempFolder};
use serde::{Deserialize, Serialize};

use crate::report::complaints;
use crate::rows;
use crate::runner::{Plan, in_own_process};

/// The row that notices, at the size at which it does so quickly.
const fn noticed_by(sabotage: Sabotage) -> (&'static str, Database, f64) {
    match sabotage {
        Sabotage::Dedup => ("F22", Database::Sqlite, 0.02),
        Sabotage::Fsync | Sabotage::AckBeforeCommit => ("F03", Database::Sqlite, 0.02),
        Sabotage::LeaseCheck => ("F37", Database::Postgres, 0.1),
        Sabotage::Reconcile => ("F10", Database::Sqlite, 0.05),
        Sabotage::IntentBeforeSend => ("F02", Database::Sqlite, 0.05),
        Sabotage::EchoGuard => ("F36", Database::Sqlite, 0.02),
        Sabotage::Ttl => ("F18", Database::Sqlite, 0.1),
        Sabotage::LaneOrder | Sabotage::LateMark => ("F24", Database::Sqlite, 0.02),
        Sabotage::SessionKey => ("F39", Database::Sqlite, 0.02),
        Sabotage::RetryId => ("F21", Database::Sqlite, 0.05),
        Sabotage::GapRecovery => ("F44", Database::Sqlite, 0.1),
        Sabotage::Breaker => ("F08", Database::Sqlite, 0.1),
        Sabotage::RetryAfter => ("F12", Database::Sqlite, 0.05),
        Sabotage::Placeholder => ("F30", Database::Sqlite, 0.05),
    }
}

/// One broken promise, and who noticed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Mutant {
    pub(crate) sabotage: String,
    pub(crate) row: String,
    /// What the row complained of; nothing when it did not notice.
    pub(crate) complaint: Option<String>,
}

/// Breaks every promise in turn.
pub(crate) async fn run(plan: &Plan) -> Result<Vec<Mutant>> {
    let folder = TempFolder::new();
    let tried =
        stream::iter(Sabotage::ALL).map(|sabotage| one(plan, *sabotage, &folder)).buffered(plan.run.jobs.max(1));
    let tried: Vec<Mutant> = tried.try_collect().await?;
    let caught = tried.iter().filter(|mutant| mutant.complaint.is_some()).count();
    println!("\n{caught} of {} noticed", tried.len());
    Ok(tried)
}

async fn one(plan: &Plan, sabotage: Sabotage, folder: &TempFolder) -> Result<Mutant> {
    let (name, database, scale) = noticed_by(sabotage);
    let row = rows::find(name).ok_or_else(|| anyhow::anyhow!("there is no row {name}"))?;
    let name = sabotage.as_str();
    let ran = in_own_process(plan, row, database, scale, Some(name), folder).await?;
    // a row that could not run has noticed nothing
    let complaint = if ran.error.is_some() { None } else { complaints(&ran).into_iter().next() };
    let mutant = Mutant { sabotage: name.to_owned(), row: row.id.to_owned(), complaint };
    match (&mutant.complaint, &ran.error) {
        (Some(complaint), _) => println!("caught  {name:<20} by {}: {complaint}", row.id),
        (None, Some(error)) => println!("ERROR   {name:<20} in {}: {error}", row.id),
        (None, None) => println!("MISSED  {name:<20} by {}", row.id),
    }
    Ok(mutant)
}
