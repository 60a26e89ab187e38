//! Bringing SQLite's write-ahead log into its database file, beside the writer instead of in its way.
//!
//! Left to itself SQLite does this within whichever commit fills the log, and everybody who waits for that commit waits for it
//! (<https://www.sqlite.org/wal.html#ckpt>). Here a connection of its own does it a moment after writes. Commits go on meanwhile,
//! so under steady load the log never empties by that alone: when it has grown long, what little is left is brought over between
//! two commits, and the next commit begins the log anew.

use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::SqlitePool;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use crate::db::Db;
use crate::error::is_disk_failure;

/// How long writes gather before they are brought over.
const REST: Duration = Duration::from_millis(250);
/// Pages of 4 kB in the log beyond which it is made to begin anew.
const LONG: i64 = 4096;

/// Starts the work for a database that needs it; `written` is told after every commit.
pub(crate) fn start(db: &Db, written: Arc<Notify>, broken: Arc<watch::Sender<bool>>) -> Option<JoinHandle<()>> {
    let Db::Sqlite { write, checkpoint, .. } = db else { return None };
    Some(tokio::spawn(run(write.clone(), checkpoint.clone(), written, broken)))
}

async fn run(write: SqlitePool, own: SqlitePool, written: Arc<Notify>, broken: Arc<watch::Sender<bool>>) {
    loop {
        written.notified().await;
        tokio::time::sleep(REST).await;
        let done = match pages_in_log(&own).await {
            // waits for its turn at the writer's only connection
            Ok(pages) if pages > LONG => pages_in_log(&write).await,
            done => done,
        };
        match done {
            Ok(_) => {}
            Err(sqlx::Error::PoolClosed) => return,
            Err(error) if is_disk_failure(&error) => {
                broken.send_replace(true);
                return;
            }
            Err(error) => tracing::warn!(%error, "the write-ahead log could not be brought into the database file"),
        }
    }
}

/// Brings over what can be without waiting for anybody; returns how many pages the log has.
async fn pages_in_log(pool: &SqlitePool) -> Result<i64, sqlx::Error> {
    let (_busy, pages, _brought): (i64, i64, i64) =
        sqlx::query_as("-- checkpoint\nPRAGMA wal_checkpoint(PASSIVE)").fetch_one(pool).await?;
    Ok(pages)
}
