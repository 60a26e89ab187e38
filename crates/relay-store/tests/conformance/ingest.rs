//! What is received is stored once, byte for byte, and read back in order.

use bytes::Bytes;
use futures_util::future::join_all;
use relay_domain::id::ChatKey;
use relay_store::{Ingested, Lane, NewEvent, Source, StoreError};
use relay_testing::Database;

use crate::rig::{Rig, Worker, at, event, lane, placed, session, session_id};

on_both!(
    a_copy_is_a_duplicate,
    a_burst_of_copies_is_stored_once,
    copies_that_reach_two_processes_are_stored_once,
    the_very_same_event_is_counted_once,
    a_key_belongs_to_its_session_and_source,
    bodies_survive_byte_for_byte,
    one_bad_row_fails_alone,
    events_are_read_in_order,
    a_due_event_takes_along_what_belongs_before_it,
    a_due_event_far_back_is_reached,
    nothing_is_read_while_nothing_is_due,
);

async fn a_copy_is_a_duplicate(database: Database) {
    let rig = Rig::on(database).await;
    assert_eq!(rig.store.ingest(event(&lane("a"), "k")).await.unwrap(), Ingested::Stored);
    assert_eq!(rig.store.ingest(event(&lane("a"), "k")).await.unwrap(), Ingested::Duplicate);
    // the same key in another lane is a copy too: the chat is not part of it
    assert_eq!(rig.store.ingest(event(&lane("b"), "k")).await.unwrap(), Ingested::Duplicate);
    let tally = rig.store.tally().await.unwrap();
    assert_eq!((tally.received, tally.pending), (1, 1));
    assert_eq!(rig.claimed_chats(at(0)).await, ["a"]);
    rig.finish().await;
}

async fn burst(stores: &[&Worker]) -> (usize, usize) {
    let arrivals = (0..1000).map(|number| {
        let event = event(&lane(&format!("chat-{}", number % 10)), &format!("key-{}", number % 100));
        stores[number % stores.len()].ingest(event)
    });
    let outcomes: Vec<_> = join_all(arrivals).await.into_iter().map(Result::unwrap).collect();
    let count = |wanted| outcomes.iter().filter(|outcome| **outcome == wanted).count();
    (count(Ingested::Stored), count(Ingested::Duplicate))
}

async fn a_burst_of_copies_is_stored_once(database: Database) {
    let rig = Rig::on(database).await;
    assert_eq!(burst(&[&rig.store]).await, (100, 900));
    let tally = rig.store.tally().await.unwrap();
    assert_eq!((tally.received, tally.pending), (100, 100));
    rig.finish().await;
}

async fn copies_that_reach_two_processes_are_stored_once(database: Database) {
    let rig = Rig::on(database).await;
    let second = rig.second().await;
    // 7 is no divisor of 100: both get each key
    assert_eq!(burst(&[&rig.store, &second, &rig.store, &second, &second, &rig.store, &second]).await, (100, 900));
    assert_eq!(rig.store.tally().await.unwrap().received, 100);
    rig.finish().await;
}

async fn the_very_same_event_is_counted_once(database: Database) {
    let rig = Rig::on(database).await;
    let same = event(&lane("a"), "k");
    let outcomes = join_all((0..20).map(|_| rig.store.ingest(same.clone()))).await;
    let stored = outcomes.into_iter().filter(|outcome| matches!(outcome, Ok(Ingested::Stored))).count();
    assert_eq!(stored, 1);
    assert_eq!(rig.store.tally().await.unwrap().received, 1);
    rig.finish().await;
}

async fn a_key_belongs_to_its_session_and_source(database: Database) {
    let rig = Rig::on(database).await;
    rig.store.insert_session(session("loja02", 2)).await.unwrap();
    let elsewhere = Lane { session: session_id("loja02"), ..lane("a") };
    rig.store_all([
        event(&lane("a"), "k"),
        event(&elsewhere, "k"),
        NewEvent { source: Source::Chatwoot, ..event(&lane("a"), "k") },
        NewEvent { source: Source::Relay, ..event(&lane("a"), "k") },
        event(&lane("a"), "K"),
    ])
    .await;
    for copy in [event(&elsewhere, "k"), NewEvent { source: Source::Chatwoot, ..event(&lane("b"), "k") }] {
        assert_eq!(rig.store.ingest(copy).await.unwrap(), Ingested::Duplicate);
    }
    rig.finish().await;
}

async fn bodies_survive_byte_for_byte(database: Database) {
    let rig = Rig::on(database).await;
    let bodies = [
        Bytes::new(),
        Bytes::from_static(b"a\0b\0"),
        Bytes::from_static(b"\xff\xfe\x80 '\"\\ \xc3\x28"),
        (0..2 << 20).map(|index: u32| index.to_le_bytes()[usize::from(index.is_multiple_of(7))]).collect(),
    ];
    for (order_key, body) in (1..).zip(&bodies) {
        rig.store_all([NewEvent { body: body.clone(), ..placed(&lane("a"), order_key) }]).await;
    }
    let lease = rig.claim_one(at(0)).await;
    let read: Vec<_> = rig.due(&lease, at(0)).await.into_iter().map(|event| event.body).collect();
    assert!(read == bodies, "lengths read: {:?}", read.iter().map(Bytes::len).collect::<Vec<_>>());
    rig.finish().await;
}

async fn one_bad_row_fails_alone(database: Database) {
    let rig = Rig::on(database).await;
    let stranger = Lane { session: session_id("nobody"), ..lane("a") };
    let mut burst: Vec<NewEvent> = (1..=60).map(|number| placed(&lane("a"), number)).collect();
    burst.insert(20, event(&lane("a"), ""));
    burst.insert(40, event(&stranger, "k"));
    let outcomes = join_all(burst.into_iter().map(|event| rig.store.ingest(event))).await;
    let failed: Vec<_> =
        outcomes.iter().enumerate().filter(|(_, outcome)| outcome.is_err()).map(|(index, _)| index).collect();
    assert_eq!(failed, [20, 40]);
    assert!(matches!(outcomes[20], Err(StoreError::Database { verb: "insert events", .. })), "{:?}", outcomes[20]);
    assert!(outcomes.iter().flatten().all(|outcome| *outcome == Ingested::Stored));

    // text with a zero character is something that PostgreSQL cannot keep
    let (good, odd) =
        tokio::join!(rig.store.ingest(event(&lane("b"), "k")), rig.store.ingest(event(&lane("b"), "k\0")));
    assert_eq!(good.unwrap(), Ingested::Stored);
    assert_eq!(odd.is_err(), database == Database::Postgres);
    let expected = 61 + i64::from(database == Database::Sqlite);
    assert_eq!(rig.store.tally().await.unwrap().received, expected);
    rig.finish().await;
}

async fn events_are_read_in_order(database: Database) {
    let rig = Rig::on(database).await;
    let new = |order_key, received, name: &str| NewEvent {
        order_key,
        received_at: at(received),
        kind: name.to_owned(),
        ..event(&lane("a"), name)
    };
    rig.store_all([
        new(5, 0, "fifth"),
        new(2, 9, "third"),
        new(2, 3, "second"),
        new(7, 0, "sixth"),
        new(7, 0, "seventh"),
        new(2, 9, "fourth"),
        new(-1, 9, "first"),
    ])
    .await;
    let lease = rig.claim_one(at(0)).await;
    assert_eq!(lease.lane, lane("a"));
    let kinds: Vec<_> = rig.due(&lease, at(0)).await.into_iter().map(|event| event.kind).collect();
    assert_eq!(kinds, ["first", "second", "third", "fourth", "fifth", "sixth", "seventh"]);
    rig.finish().await;
}

fn held(order_key: i64, run_at: i64) -> NewEvent {
    NewEvent { run_at: at(run_at), ..placed(&lane("a"), order_key) }
}

async fn a_due_event_takes_along_what_belongs_before_it(database: Database) {
    let rig = Rig::on(database).await;
    rig.store_all([held(20, 150), held(10, 180), held(30, 200), held(40, 190)]).await;
    assert_eq!(rig.claimed_chats(at(149)).await, Vec::<String>::new());
    let lease = rig.claim_one(at(150)).await;
    assert_eq!(rig.drain(&lease, at(150)).await, [10, 20]);
    assert_eq!(rig.store.next_due().await.unwrap(), Some(at(190)));
    let lease = rig.claim_one(at(190)).await;
    assert_eq!(lease.done_to, 20);
    assert_eq!(rig.drain(&lease, at(190)).await, [30, 40]);
    assert_eq!(rig.store.next_due().await.unwrap(), None);
    rig.finish().await;
}

async fn a_due_event_far_back_is_reached(database: Database) {
    let rig = Rig::on(database).await;
    rig.store_all((1..=25).map(|order_key| held(order_key, 500))).await;
    rig.store_all([held(26, 100), held(27, 500)]).await;
    let mut delivered = Vec::new();
    while rig.store.next_due().await.unwrap().is_some_and(|due| due <= at(100)) {
        let lease = rig.claim_one(at(100)).await;
        delivered.extend(rig.drain(&lease, at(100)).await);
    }
    assert_eq!(delivered, (1..=26).collect::<Vec<_>>());
    assert_eq!(rig.store.next_due().await.unwrap(), Some(at(500)));
    rig.finish().await;
}

async fn nothing_is_read_while_nothing_is_due(database: Database) {
    let rig = Rig::on(database).await;
    rig.store_all([held(1, 0), held(2, 150)]).await;
    assert_eq!(rig.due_in("a", -1).await, Vec::<i64>::new());
    assert_eq!(rig.due_in("nobody", 1000).await, Vec::<i64>::new());
    // a process that stops in between leaves a lane that is claimed at once, though its next event still waits for others
    let lease = rig.claim_one(at(0)).await;
    let first = rig.due(&lease, at(0)).await.remove(0);
    let finish = crate::rig::finish(&rig.store, &lease, &first, relay_store::End::Delivered);
    assert_eq!(rig.store.finish(finish).await.unwrap(), relay_store::Recorded::Yes);
    assert_eq!(rig.due_in("a", 149).await, Vec::<i64>::new());
    assert_eq!(rig.due_in("a", 150).await, [2]);
    rig.finish().await;
}

impl Rig {
    async fn due_in(&self, chat: &str, now: i64) -> Vec<i64> {
        let lane = Lane { chat: ChatKey::new(chat), ..lane("") };
        self.store.due_events(&lane, at(now)).await.unwrap().events.into_iter().map(|event| event.order_key).collect()
    }
}
