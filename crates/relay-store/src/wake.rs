//! Waking the other processes on a PostgreSQL: a commit that brings events says so, once, and every process listens.
//!
//! A word that gets lost costs latency only: everybody looks for work regularly.

use std::sync::Arc;
use std::time::Duration;

use relay_domain::id::WorkerId;
use sqlx::postgres::{PgListener, PgPool};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::db::{Db, Tx};
use crate::error::{Result, StoreError};

const CHANNEL: &str = "relay_arrived";
/// How long a lost connection is left alone before another is made.
const REST: Duration = Duration::from_secs(1);

/// Tells the other processes that this transaction brings work; PostgreSQL passes it on when it commits. SQLite has none to tell.
pub(crate) async fn tell(tx: &mut Tx, worker: &WorkerId) -> Result<()> {
    let Tx::Postgres(tx) = tx else { return Ok(()) };
    sqlx::query("-- tell_others\nSELECT pg_notify($1, $2)")
        .bind(CHANNEL)
        .bind(worker.as_str())
        .execute(&mut **tx)
        .await
        .map(drop)
        .map_err(StoreError::database("tell the other processes"))
}

/// Listens for what the others tell, and passes it on to whoever waits for arrivals.
pub(crate) fn start(db: &Db, worker: WorkerId, arrived: Arc<Notify>) -> Option<JoinHandle<()>> {
    let Db::Postgres { listen, .. } = db else { return None };
    Some(tokio::spawn(run(listen.clone(), worker, arrived)))
}

async fn run(pool: PgPool, worker: WorkerId, arrived: Arc<Notify>) {
    loop {
        match listen(&pool, &worker, &arrived).await {
            Err(sqlx::Error::PoolClosed) => return,
            Err(error) => tracing::warn!(%error, "other processes cannot be heard; work is found by looking for it"),
            Ok(()) => {}
        }
        tokio::time::sleep(REST).await;
    }
}

/// Returns when the connection is lost.
async fn listen(pool: &PgPool, worker: &WorkerId, arrived: &Notify) -> std::result::Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(CHANNEL).await?;
    // what was told while nobody listened
    arrived.notify_one();
    while let Some(told) = listener.try_recv().await? {
        if told.payload() != worker.as_str() {
            arrived.notify_one();
        }
    }
    Ok(())
}
