//! Several processes on one PostgreSQL wake each other.

use std::time::Duration;

use relay_store::Ingested;
use relay_testing::{Database, eventually};

use crate::rig::{Rig, Worker, lane, placed};

/// Whether a process is woken, within a time that is long for a word and short for a test that fails.
async fn is_woken(store: &Worker) -> bool {
    tokio::time::timeout(Duration::from_secs(20), store.arrived().notified()).await.is_ok()
}

/// Waits until so many processes listen.
async fn listening(rig: &Rig, count: i64) {
    let raw = rig.raw().await;
    let sql = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'";
    eventually("all to listen", async || raw.number(sql).await == Some(count)).await;
    raw.close().await;
}

/// Takes the wake-ups that beginning to listen brings by itself.
async fn quiet(stores: &[&Worker]) {
    for store in stores {
        let _woken = tokio::time::timeout(Duration::from_millis(50), store.arrived().notified()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_receives_wakes_the_others() {
    let rig = Rig::on(Database::Postgres).await;
    let (second, third) = (rig.second().await, rig.second().await);
    listening(&rig, 3).await;
    quiet(&[&rig.store, &second, &third]).await;
    rig.store_all([placed(&lane("a"), 1)]).await;
    assert!(is_woken(&second).await && is_woken(&third).await);
    assert!(is_woken(&rig.store).await, "and itself, as ever");
    // a copy brings no work
    assert_eq!(second.ingest(placed(&lane("a"), 1)).await.unwrap(), Ingested::Duplicate);
    second.ingest(placed(&lane("b"), 1)).await.unwrap();
    assert!(is_woken(&rig.store).await);
    assert_eq!(rig.store.living_workers().await.unwrap(), 3);
    third.close().await.unwrap();
    assert_eq!(rig.store.living_workers().await.unwrap(), 2);
    second.close().await.unwrap();
    rig.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_connection_is_made_anew() {
    let rig = Rig::on(Database::Postgres).await;
    let second = rig.second().await;
    listening(&rig, 2).await;
    let raw = rig.raw().await;
    let cut = "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity \
        WHERE datname = current_database() AND query LIKE 'LISTEN%'";
    assert_eq!(raw.number(cut).await, Some(2));
    raw.close().await;
    listening(&rig, 2).await;
    quiet(&[&rig.store, &second]).await;
    rig.store_all([placed(&lane("a"), 1)]).await;
    assert!(is_woken(&second).await);
    second.close().await.unwrap();
    rig.finish().await;
}
