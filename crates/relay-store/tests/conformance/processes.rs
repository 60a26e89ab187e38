//! Several at work on one database: nothing is done twice, forgotten, or waited for by both sides.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex};

use futures_util::future::{join_all, try_join_all};
use relay_domain::id::EventId;
use relay_store::{Backlog, Deleted, End, Finish, Ingested, Lane, Lease, NewEvent, Postpone, Recorded};
use relay_testing::{Database, eventually};
use tokio::task::JoinSet;

use crate::rig::{Rig, Worker, at, chats, event, finish, lane, placed, postpone, session_id};

on_both!(a_storm_finishes_everything_once_and_in_order, no_wake_up_is_lost);

const LANES: usize = 8;
const EVENTS_PER_LANE: i64 = 40;

/// What the workers of a storm saw.
#[derive(Default)]
struct Seen {
    /// Lanes in somebody's hands.
    held: Mutex<HashSet<String>>,
    /// Order keys by lane, as they were ended.
    ended: Mutex<BTreeMap<String, Vec<i64>>>,
}

impl Seen {
    fn take(&self, key: &str) {
        assert!(self.held.lock().unwrap().insert(key.to_owned()), "two workers hold {key}");
    }

    /// Said before a lane is given back: from then on another may have it.
    fn give(&self, key: &str) {
        assert!(self.held.lock().unwrap().remove(key), "nobody held {key}");
    }

    fn end(&self, key: &str, order_key: i64) {
        self.ended.lock().unwrap().entry(key.to_owned()).or_default().push(order_key);
    }

    fn count(&self) -> usize {
        self.ended.lock().unwrap().values().map(Vec::len).sum()
    }
}

/// Works on one lane as chance has it: ends some events, then gives the lane back in one of three ways.
async fn work(store: &Worker, lease: Lease, seen: &Seen, chance: u64) {
    let key = lease.lane.key();
    seen.take(&key);
    let due = store.due_events(&lease.lane, at(1)).await.unwrap().events;
    let mut random = fastrand::Rng::with_seed(chance);
    let stop_at = random.usize(0..=due.len());
    for (index, event) in due.iter().enumerate() {
        if index == stop_at && random.bool() {
            seen.give(&key);
            let wait = Postpone { attempt: None, ..postpone(store, &lease, event, at(0), at(0)) };
            assert_eq!(store.postpone(wait).await.unwrap(), Recorded::Yes);
            return;
        }
        if index == stop_at {
            break;
        }
        let release = index + 1 == due.len();
        seen.end(&key, event.order_key);
        if release {
            seen.give(&key);
        }
        let end = Finish { release, ..finish(store, &lease, event, End::Delivered) };
        assert_eq!(store.finish(end).await.unwrap(), Recorded::Yes);
        if release {
            return;
        }
    }
    seen.give(&key);
    assert_eq!(store.release(lease).await.unwrap(), Recorded::Yes);
}

async fn work_until_done(store: Worker, seen: Arc<Seen>, seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    while seen.count() < LANES * usize::try_from(EVENTS_PER_LANE).unwrap() {
        for lease in store.claim(at(1), 3, Vec::new()).await.unwrap() {
            work(&store, lease, &seen, random.u64(..)).await;
        }
    }
}

async fn a_storm_finishes_everything_once_and_in_order(database: Database) {
    let rig = Rig::on(database).await;
    let stores = [rig.store.clone(), rig.second().await];
    let seen = Arc::new(Seen::default());
    let mut tasks = JoinSet::new();
    for index in 0..LANES {
        let store = stores[index % 2].clone();
        tasks.spawn(async move {
            let lane = lane(&format!("chat-{index}"));
            for order_key in 1..=EVENTS_PER_LANE {
                assert_eq!(store.ingest(placed(&lane, order_key)).await.unwrap(), Ingested::Stored);
            }
        });
    }
    for seed in 0..4 {
        tasks.spawn(work_until_done(stores[usize::from(seed % 2 == 0)].clone(), seen.clone(), seed));
    }
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
    let ended = std::mem::take(&mut *seen.ended.lock().unwrap());
    assert_eq!(ended.len(), LANES);
    for (lane, order_keys) in ended {
        assert_eq!(order_keys, (1..=EVENTS_PER_LANE).collect::<Vec<_>>(), "{lane}");
    }
    assert_eq!(rig.store.next_due().await.unwrap(), None);
    let tally = rig.store.tally().await.unwrap();
    assert_eq!((tally.pending, tally.delivered), (0, i64::try_from(LANES).unwrap() * EVENTS_PER_LANE));
    for store in &stores {
        assert!(store.claim(at(1), 10, Vec::new()).await.unwrap().is_empty());
    }
    rig.finish().await;
}

/// The last event of a lane ends while the next arrives: whichever is first, the lane is due again.
async fn no_wake_up_is_lost(database: Database) {
    let rig = Rig::on(database).await;
    let second = rig.second().await;
    rig.store_all([placed(&lane("a"), 1)]).await;
    for round in 1..=500 {
        let lease = rig.claim_one(at(0)).await;
        let due = rig.due(&lease, at(0)).await;
        assert_eq!(due.iter().map(|event| event.order_key).collect::<Vec<_>>(), [round]);
        let end = Finish { release: true, ..finish(&rig.store, &lease, &due[0], End::Delivered) };
        let (ended, arrived) = if round % 2 == 0 {
            tokio::join!(rig.store.finish(end), second.ingest(placed(&lane("a"), round + 1)))
        } else {
            let (arrived, ended) = tokio::join!(second.ingest(placed(&lane("a"), round + 1)), rig.store.finish(end));
            (ended, arrived)
        };
        assert_eq!((ended.unwrap(), arrived.unwrap()), (Recorded::Yes, Ingested::Stored));
    }
    rig.finish().await;
}

impl Rig {
    /// Closes both stores and tells how often PostgreSQL had to break a deadlock.
    async fn deadlocks(self, second: Worker) -> i64 {
        let raw = self.raw().await;
        second.close().await.unwrap();
        self.finish().await;
        // a connection hands in its counts when it ends
        eventually("the end of all connections", async || {
            let others =
                "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
            raw.number(others).await == Some(0)
        })
        .await;
        let deadlocks = raw.number("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()").await;
        raw.close().await;
        deadlocks.unwrap()
    }
}

/// One process ends events in one order of lanes while another receives for the same lanes in another order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_do_not_wait_for_each_other() {
    let rig = Rig::on(Database::Postgres).await;
    let second = rig.second().await;
    let lanes: Vec<Lane> = (0..20).map(|number| lane(&format!("chat-{number:02}"))).collect();
    rig.store_all(lanes.iter().map(|lane| placed(lane, 0))).await;
    for round in 1..=40 {
        let mut leases = rig.store.claim(at(0), 100, Vec::new()).await.unwrap();
        leases.sort_by_key(|lease| std::cmp::Reverse(lease.lane.key()));
        let mut ends = Vec::new();
        for lease in &leases {
            let due = rig.due(lease, at(0)).await.remove(0);
            ends.push(Finish { release: true, ..finish(&rig.store, lease, &due, End::Delivered) });
        }
        let ended = try_join_all(ends.into_iter().map(|end| rig.store.finish(end)));
        let arrived = join_all(lanes.iter().map(|lane| second.ingest(placed(lane, round))));
        let copies = join_all(lanes.iter().rev().map(|lane| rig.store.ingest(placed(lane, round))));
        let (ended, arrived, copies) = tokio::join!(ended, arrived, copies);
        assert!(ended.unwrap().iter().all(|recorded| *recorded == Recorded::Yes));
        let stored = arrived.into_iter().chain(copies).filter(|outcome| *outcome.as_ref().unwrap() == Ingested::Stored);
        assert_eq!(stored.count(), lanes.len());
    }
    assert_eq!(rig.deadlocks(second).await, 0);
}

/// Two processes receive the same events for new lanes, each in its own order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_receive_copies_do_not_wait_for_each_other() {
    let rig = Rig::on(Database::Postgres).await;
    let second = rig.second().await;
    for round in 0..40 {
        let new: Vec<_> = (0..20).map(|number| placed(&lane(&format!("chat-{round}-{number:02}")), 1)).collect();
        let copies = new.iter().rev().map(|event| NewEvent { id: EventId::generate(), ..event.clone() });
        let copies = join_all(copies.map(|event| second.ingest(event)));
        let arrived = join_all(new.iter().map(|event| rig.store.ingest(event.clone())));
        let (arrived, copies) = tokio::join!(arrived, copies);
        let stored = arrived.into_iter().chain(copies).filter(|outcome| *outcome.as_ref().unwrap() == Ingested::Stored);
        assert_eq!(stored.count(), new.len());
    }
    assert_eq!(rig.deadlocks(second).await, 0);
}

/// An event that another process acknowledges at the last moment counts as pending.
#[tokio::test]
async fn a_deletion_sees_what_another_process_receives() {
    let rig = Rig::on(Database::Postgres).await;
    rig.store_all([event(&lane("a"), "1")]).await;
    let lease = rig.claim_one(at(0)).await;
    rig.drain(&lease, at(0)).await;
    let other = sqlx::PgPool::connect(&rig.config.url).await.unwrap();
    let mut receiving = other.begin().await.unwrap();
    let copy = "INSERT INTO event (id, session, lane, source, kind, dedup_key, order_key, received_at, run_at, origin) \
        SELECT 'late', session, lane, source, kind, 'late', order_key, received_at, run_at, origin FROM event";
    sqlx::query(copy).execute(&mut *receiving).await.unwrap();
    let (store, raw) = (rig.store.clone(), rig.raw().await);
    let deletion = tokio::spawn(async move { store.delete_session(&session_id("loja01"), false).await });
    eventually("the deletion waits", async || {
        raw.number("SELECT COUNT(*) FROM pg_locks WHERE NOT granted").await > Some(0)
    })
    .await;
    receiving.commit().await.unwrap();
    assert_eq!(deletion.await.unwrap().unwrap(), Deleted::Kept(Backlog { pending: 1, dead: 0 }));
    other.close().await;
    raw.close().await;
    rig.store.close().await.unwrap();
}

/// Connections that the server cuts are made anew; what was being written is tried once more.
#[tokio::test]
async fn a_cut_connection_costs_nothing() {
    let rig = Rig::on(Database::Postgres).await;
    let raw = rig.raw().await;
    for round in 1..=5 {
        rig.store_all([placed(&lane("a"), round)]).await;
        assert_eq!(rig.store.tally().await.unwrap().received, round);
        let cut = "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity \
            WHERE datname = current_database() AND application_name = 'relay'";
        assert!(raw.number(cut).await > Some(0));
        eventually("the cut", async || raw.number(cut).await == Some(0)).await;
    }
    rig.store.beat().await.unwrap();
    assert_eq!(chats(&rig.store.claim(at(0), 10, Vec::new()).await.unwrap()), ["a"]);
    raw.close().await;
    rig.finish().await;
}
