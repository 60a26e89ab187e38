//! Opening, closing and crashing: the schema, the lock of the SQLite file, and what is found afterwards.

use futures_util::future::{join_all, try_join_all};
use relay_store::{Store, StoreConfig, StoreError};
use relay_testing::{Database, TempFolder};
use secrecy::SecretString;

use crate::raw::Raw;
use crate::rig::{Rig, Worker, at, event, lane, placed, session};

on_both!(
    the_schema_is_brought_up_to_date_once,
    several_open_a_new_database_at_once,
    a_closed_store_says_so,
    leases_are_given_up_on_closing,
    an_address_of_another_kind_is_refused,
);

fn config(database: Database, folder: &TempFolder) -> StoreConfig {
    StoreConfig { url: database.fresh_url(folder.path()), secret_key: SecretString::from("a-secret-key") }
}

async fn the_schema_is_brought_up_to_date_once(database: Database) {
    let folder = TempFolder::new();
    let config = config(database, &folder);
    let before = Store::migrations(&config).await.unwrap();
    assert!(!before.is_empty() && before.iter().all(|migration| !migration.is_applied), "{before:?}");
    for _ in 0..2 {
        let store = Store::open(&config).await.unwrap();
        store.close().await.unwrap();
        drop(store);
        let after = Store::migrations(&config).await.unwrap();
        assert_eq!(after.len(), before.len());
        assert!(after.iter().all(|migration| migration.is_applied), "{after:?}");
    }
}

async fn several_open_a_new_database_at_once(database: Database) {
    let folder = TempFolder::new();
    let config = config(database, &folder);
    let opened = join_all((0..4).map(|_| Store::open(&config))).await;
    match database {
        Database::Sqlite => {
            let locked = opened.iter().filter(|store| matches!(store, Err(StoreError::Locked))).count();
            assert_eq!((locked, opened.iter().flatten().count()), (3, 1));
        }
        Database::Postgres => {
            let stores: Vec<Store> = opened.into_iter().map(Result::unwrap).collect();
            let workers: std::collections::HashSet<_> = stores.iter().map(|store| store.worker().clone()).collect();
            assert_eq!(workers.len(), 4);
            try_join_all(stores.iter().map(Store::close)).await.unwrap();
        }
    }
}

async fn a_closed_store_says_so(database: Database) {
    let rig = Rig::on(database).await;
    let clone = rig.store.clone();
    rig.store.close().await.unwrap();
    assert!(matches!(clone.ingest(event(&lane("a"), "1")).await, Err(StoreError::Closed)));
    assert!(matches!(clone.claim(at(0), 1, Vec::new()).await, Err(StoreError::Closed)));
    assert!(clone.tally().await.is_err());
    assert!(matches!(clone.close().await, Err(StoreError::Closed)));
}

async fn leases_are_given_up_on_closing(database: Database) {
    let rig = Rig::on(database).await;
    rig.store_all([event(&lane("a"), "1")]).await;
    let lease = rig.claim_one(at(0)).await;
    rig.store.close().await.unwrap();
    let Rig { store, config, database, folder } = rig;
    drop(store);
    let store = Worker::open(&config).await;
    let rig = Rig { store, config, database, folder };
    let again = rig.claim_one(at(0)).await;
    assert_ne!(again.token, lease.token);
    assert_eq!(rig.drain(&again, at(0)).await, [1]);
    rig.finish().await;
}

async fn an_address_of_another_kind_is_refused(database: Database) {
    let folder = TempFolder::new();
    let right = config(database, &folder);
    for url in ["mysql://relay:hunter2@localhost/relay", "relay.db", ""] {
        let refused = Store::open(&StoreConfig { url: url.to_owned(), ..right.clone() }).await.unwrap_err();
        assert!(matches!(&refused, StoreError::UnknownScheme { .. }), "{refused:?}");
        assert!(!format!("{refused} {refused:?}").contains("hunter2"));
    }
}

#[tokio::test]
async fn a_sqlite_file_has_one_owner() {
    let rig = Rig::on(Database::Sqlite).await;
    for _ in 0..2 {
        assert!(matches!(Store::open(&rig.config).await, Err(StoreError::Locked)));
        assert!(matches!(Store::migrations(&rig.config).await, Err(StoreError::Locked)));
    }
    // a refused second owner disturbs nothing
    let clone = rig.store.clone();
    rig.store_all([event(&lane("a"), "1")]).await;
    let Rig { store, config, folder: _folder, .. } = rig;
    drop(store);
    assert!(matches!(Store::open(&config).await, Err(StoreError::Locked)), "a clone still uses the file");
    clone.close().await.unwrap();
    drop(clone);
    let next = Store::open(&config).await.unwrap();
    assert_eq!(next.tally().await.unwrap().pending, 1);
    drop(next);
    Store::open(&config).await.unwrap().close().await.unwrap();
}

/// Runs a store in a runtime of its own that ends without closing anything; returns how many events were acknowledged.
fn crash(config: StoreConfig) -> i64 {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (told, acknowledged) = std::sync::mpsc::channel();
    runtime.spawn(async move {
        let store = Worker::open(&config).await;
        store.insert_session(session("loja01", 1)).await.unwrap();
        store.ingest(placed(&lane("held"), 1)).await.unwrap();
        assert_eq!(store.claim(at(0), 10, Vec::new()).await.unwrap().len(), 1);
        for number in 2.. {
            store.ingest(placed(&lane("free"), number)).await.unwrap();
            if told.send(number).is_err() {
                return;
            }
        }
    });
    while acknowledged.recv().unwrap() < 40 {}
    runtime.shutdown_background();
    acknowledged.iter().last().unwrap_or(40)
}

#[tokio::test]
async fn what_was_acknowledged_before_a_crash_is_found() {
    let folder = TempFolder::new();
    let config = config(Database::Sqlite, &folder);
    let acknowledged = tokio::task::spawn_blocking({
        let config = config.clone();
        move || crash(config)
    });
    let acknowledged = acknowledged.await.unwrap();
    let store = Worker::open(&config).await;
    let tally = store.tally().await.unwrap();
    assert!(tally.pending >= acknowledged, "{} of {acknowledged} are left", tally.pending);
    assert_eq!(tally.conservation_error(), 0);
    // the dead owner's lane is free at once
    assert_eq!(crate::rig::chats(&store.claim(at(0), 10, Vec::new()).await.unwrap()), ["free", "held"]);
    store.close().await.unwrap();
}

/// While somebody else keeps the file locked, those who wait hear of it together, not one after the other.
#[tokio::test]
async fn an_outage_is_told_to_all_who_wait() {
    let rig = Rig::on(Database::Sqlite).await;
    let Raw::Sqlite(other) = rig.raw().await else { panic!("another database") };
    let lock = other.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let waiting = join_all((0..20).map(|number| rig.store.ingest(placed(&lane("a"), number))));
    for outcome in waiting.await {
        assert!(matches!(&outcome, Err(StoreError::Database { verb: "begin a transaction", .. })), "{outcome:?}");
    }
    lock.rollback().await.unwrap();
    rig.store_all((0..20).map(|number| placed(&lane("a"), number))).await;
    other.close().await;
    rig.finish().await;
}

/// Under writes that never pause the log of SQLite begins anew again and again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_write_ahead_log_stays_bounded() {
    const WRITTEN: u64 = 160_000_000;
    let rig = Rig::on(Database::Sqlite).await;
    let log = format!("{}-wal", rig.config.url.trim_start_matches("sqlite://"));
    let body = bytes::Bytes::from(vec![b'x'; 400_000]);
    let (mut written, mut longest) = (0, 0);
    while written < WRITTEN {
        let waves = (0..4).map(|number| relay_store::NewEvent {
            body: body.clone(),
            ..event(&lane("a"), &format!("{written}-{number}"))
        });
        try_join_all(waves.map(|event| rig.store.ingest(event))).await.unwrap();
        written += 4 * 400_000;
        longest = longest.max(std::fs::metadata(&log).unwrap().len());
        // about as fast as a small disk could take it
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert!(longest < WRITTEN / 2, "the log grew to {longest} bytes");
    rig.finish().await;
}
