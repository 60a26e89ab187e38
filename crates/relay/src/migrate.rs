//! `relay migrate`: the schema, by hand.

use relay_store::Store;

use crate::cli::{MigrateCommand, Settings};
use crate::config::{self, Secrets};
use crate::printer::Printer;

pub(crate) async fn run(settings: &Settings, command: &MigrateCommand, printer: &Printer) -> anyhow::Result<()> {
    let secrets = Secrets::load(settings)?;
    let config = config::store(settings, &secrets)?;
    match command {
        MigrateCommand::Up => {
            // opening brings it up to date
            Store::open(&config).await?.close().await?;
            printer.done("the schema is up to date");
        }
        MigrateCommand::Status => {
            let mut rows = vec![vec!["VERSION".to_owned(), "NAME".to_owned(), "STATE".to_owned()]];
            for migration in Store::migrations(&config).await? {
                let state = if migration.is_applied { "applied" } else { "pending" };
                rows.push(vec![migration.version.to_string(), migration.name, state.to_owned()]);
            }
            printer.table(&rows);
        }
    }
    Ok(())
}
