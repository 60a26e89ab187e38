//! How events end, what is kept of them, and that none goes missing.

use bytes::Bytes;
use futures_util::future::join_all;
use relay_domain::event::Ignored;
use relay_store::{End, Finish, Ingested, NewEvent, Recorded, Source, StoreError, Tally};
use relay_testing::Database;

use crate::rig::{Rig, at, attempt, event, finish, lane, placed, postpone, session_id};

on_both!(
    every_end_is_kept_with_its_reason,
    attempts_are_numbered,
    an_event_ends_once,
    what_ends_together_ends_each_by_its_own_lease,
    only_an_end_has_a_time,
    the_oldest_pending_event_is_known,
    bodies_are_emptied_in_time,
    a_purge_goes_in_portions,
    a_purge_forgets_dead_workers,
    a_message_that_failed_again_and_again_is_known,
);

fn ends() -> [End; 4] {
    [
        End::Delivered,
        End::Ignored(Ignored::PrivateNote),
        End::Dead("refused".to_owned()),
        End::Expired("too old".to_owned()),
    ]
}

/// Thirty lanes end two events each at the same moment, so that they share commits; the leases of some are stale.
async fn what_ends_together_ends_each_by_its_own_lease(database: Database) {
    let rig = Rig::on(database).await;
    let chats: Vec<_> = (0..30).map(|number| format!("chat{number:02}")).collect();
    rig.store_all(chats.iter().flat_map(|chat| [placed(&lane(chat), 1), placed(&lane(chat), 2)])).await;
    let leases = rig.store.claim(at(0), 100, Vec::new()).await.unwrap();
    assert_eq!(leases.len(), 30);
    let mut ends = Vec::new();
    for (number, lease) in leases.iter().enumerate() {
        let mut lease = lease.clone();
        if number % 7 == 0 {
            lease.token = relay_domain::id::LeaseToken::generate();
        }
        let tried = Some(attempt(at(0), "delivered"));
        for event in rig.due(&lease, at(0)).await {
            ends.push(Finish { attempt: tried.clone(), ..finish(&rig.store, &lease, &event, End::Delivered) });
        }
    }
    let is_stale = |index: usize| (index / 2).is_multiple_of(7);
    let recorded = join_all(ends.into_iter().map(|end| rig.store.finish(end))).await;
    for (index, recorded) in recorded.into_iter().enumerate() {
        let expected = if is_stale(index) { Recorded::LeaseLost } else { Recorded::Yes };
        assert_eq!(recorded.unwrap(), expected, "{index}");
    }
    let raw = rig.raw().await;
    let count = async |sql: &str| raw.number(sql).await;
    assert_eq!(count("SELECT COUNT(*) FROM event WHERE state = 'pending'").await, Some(10));
    assert_eq!(count("SELECT COUNT(*) FROM attempt WHERE number = 1").await, Some(50));
    assert_eq!(count("SELECT COUNT(*) FROM event WHERE attempts = 1").await, Some(50));
    assert_eq!(count("SELECT COUNT(*) FROM lane WHERE done_to = 2").await, Some(25));
    raw.close().await;
    rig.finish().await;
}

/// Ends one event each way, at the moments 50, 51, 52 and 53; one more stays.
async fn end_four_ways(rig: &Rig) {
    rig.store_all((1..=5).map(|order_key| placed(&lane("a"), order_key))).await;
    let lease = rig.claim_one(at(0)).await;
    let due = rig.due(&lease, at(0)).await;
    for ((event, end), millis) in due.iter().zip(ends()).zip(50..) {
        let finish = Finish { now: at(millis), ..finish(&rig.store, &lease, event, end) };
        assert_eq!(rig.store.finish(finish).await.unwrap(), Recorded::Yes);
    }
    assert_eq!(rig.store.release(lease).await.unwrap(), Recorded::Yes);
}

async fn every_end_is_kept_with_its_reason(database: Database) {
    let rig = Rig::on(database).await;
    end_four_ways(&rig).await;
    let raw = rig.raw().await;
    let kept = raw.texts("SELECT state || ' ' || COALESCE(reason, '-') FROM event ORDER BY order_key").await;
    let kept: Vec<_> = kept.into_iter().flatten().collect();
    assert_eq!(kept, ["delivered -", "ignored private_note", "dead refused", "expired too old", "pending -"]);
    assert_eq!(raw.number("SELECT MIN(finished_at) FROM event").await, Some(at(50).as_millis()));
    assert_eq!(raw.number("SELECT COUNT(*) FROM attempt").await, Some(0));
    let tally = Tally { received: 5, pending: 1, delivered: 1, ignored: 1, dead: 1, expired: 1 };
    assert_eq!(rig.store.tally().await.unwrap(), tally);
    // the count notices what vanishes
    raw.run("DELETE FROM event WHERE state = 'dead'").await;
    assert_eq!(rig.store.tally().await.unwrap().conservation_error(), 1);
    raw.close().await;
}

async fn attempts_are_numbered(database: Database) {
    let rig = Rig::on(database).await;
    let raw = rig.raw().await;
    rig.store_all([placed(&lane("a"), 1)]).await;
    for (try_number, now) in [(1, 100), (2, 200), (3, 300)] {
        let lease = rig.claim_one(at(now)).await;
        let head = rig.due(&lease, at(now)).await.remove(0);
        assert_eq!(head.attempts + 1, try_number);
        assert_eq!(
            rig.store.postpone(postpone(&rig.store, &lease, &head, at(now), at(now + 50))).await.unwrap(),
            Recorded::Yes
        );
    }
    let lease = rig.claim_one(at(400)).await;
    let head = rig.due(&lease, at(400)).await.remove(0);
    assert_eq!((head.attempts, head.first_failed_at), (3, Some(at(100))));
    let end =
        Finish { attempt: Some(attempt(at(400), "delivered")), ..finish(&rig.store, &lease, &head, End::Delivered) };
    assert_eq!(rig.store.finish(end).await.unwrap(), Recorded::Yes);
    let kept = raw
        .texts("SELECT number || ' ' || outcome || ' ' || http_status || ' ' || detail FROM attempt ORDER BY number")
        .await;
    let kept: Vec<_> = kept.into_iter().flatten().collect();
    assert_eq!(
        kept,
        [
            "1 unavailable 503 no answer",
            "2 unavailable 503 no answer",
            "3 unavailable 503 no answer",
            "4 delivered 503 no answer"
        ]
    );
    assert_eq!(raw.number("SELECT attempts FROM event").await, Some(4));
    assert_eq!(raw.number("SELECT first_failed_at FROM event").await, Some(at(100).as_millis()));
    assert_eq!(raw.text("SELECT DISTINCT worker FROM attempt").await.as_deref(), Some(rig.store.worker().as_str()));
    raw.close().await;
    rig.finish().await;
}

async fn an_event_ends_once(database: Database) {
    let rig = Rig::on(database).await;
    rig.store_all([placed(&lane("a"), 1), placed(&lane("a"), 2)]).await;
    let lease = rig.claim_one(at(0)).await;
    let due = rig.due(&lease, at(0)).await;
    let first = || finish(&rig.store, &lease, &due[0], End::Delivered);
    assert_eq!(rig.store.finish(first()).await.unwrap(), Recorded::Yes);
    // the second end of one event fails alone, though it shares its commit with others
    let again = Finish { end: End::Dead("twice".to_owned()), attempt: Some(attempt(at(0), "x")), ..first() };
    let other = finish(&rig.store, &lease, &due[1], End::Delivered);
    let arrivals = join_all((3..20).map(|order_key| rig.store.ingest(placed(&lane("a"), order_key))));
    let (again, other, arrivals) = tokio::join!(rig.store.finish(again), rig.store.finish(other), arrivals);
    assert!(matches!(again, Err(StoreError::Row { table: "event", column: "state", .. })), "{again:?}");
    assert_eq!(other.unwrap(), Recorded::Yes);
    assert!(arrivals.into_iter().all(|arrival| matches!(arrival, Ok(Ingested::Stored))));
    let tally = rig.store.tally().await.unwrap();
    assert_eq!((tally.delivered, tally.dead, tally.pending), (2, 0, 17));
    assert_eq!(rig.store.release(lease).await.unwrap(), Recorded::Yes);
    rig.finish().await;
}

async fn only_an_end_has_a_time(database: Database) {
    let rig = Rig::on(database).await;
    end_four_ways(&rig).await;
    let raw = rig.raw().await;
    for refused in [
        "UPDATE event SET finished_at = 1 WHERE state = 'pending'",
        "UPDATE event SET finished_at = NULL WHERE state = 'dead'",
        "UPDATE event SET state = 'pending' WHERE state = 'dead'",
        "UPDATE event SET state = 'lost' WHERE state = 'dead'",
        "UPDATE event SET dedup_key = ''",
        "UPDATE lane SET lease_token = 'x'",
        "UPDATE lane SET backing_off = 2",
        "UPDATE session SET state = 'tired'",
    ] {
        let error = raw.attempt(refused).await.expect_err(refused);
        assert!(error.as_database_error().unwrap().is_check_violation(), "{refused}: {error}");
    }
    raw.close().await;
    rig.finish().await;
}

async fn the_oldest_pending_event_is_known(database: Database) {
    let rig = Rig::on(database).await;
    assert_eq!(rig.store.oldest_pending().await.unwrap(), None);
    assert_eq!(rig.store.tally().await.unwrap(), Tally::default());
    rig.store_all([
        NewEvent { received_at: at(30), ..placed(&lane("a"), 1) },
        NewEvent { received_at: at(20), ..placed(&lane("b"), 2) },
    ])
    .await;
    assert_eq!(rig.store.oldest_pending().await.unwrap(), Some(at(20)));
    for lease in rig.store.claim(at(0), 10, Vec::new()).await.unwrap() {
        rig.drain(&lease, at(0)).await;
    }
    assert_eq!(rig.store.oldest_pending().await.unwrap(), None);
    rig.finish().await;
}

async fn bodies_are_emptied_in_time(database: Database) {
    let rig = Rig::on(database).await;
    end_four_ways(&rig).await;
    let raw = rig.raw().await;
    let before = rig.store.tally().await.unwrap();
    let kept = async || -> Vec<String> {
        raw.texts("SELECT state FROM event WHERE body IS NOT NULL ORDER BY order_key")
            .await
            .into_iter()
            .flatten()
            .collect()
    };
    assert_eq!(rig.store.purge(at(50), at(50)).await.unwrap(), 0);
    // delivered ended at 50, ignored at 51: only the first is old enough
    assert_eq!(rig.store.purge(at(51), at(0)).await.unwrap(), 1);
    assert_eq!(kept().await, ["ignored", "dead", "expired", "pending"]);
    assert_eq!(rig.store.purge(at(1000), at(52)).await.unwrap(), 1);
    assert_eq!(kept().await, ["dead", "expired", "pending"]);
    assert_eq!(rig.store.purge(at(1000), at(1000)).await.unwrap(), 2);
    assert_eq!(kept().await, ["pending"]);
    assert_eq!(rig.store.purge(at(1000), at(1000)).await.unwrap(), 0);
    for order_key in 1..=5 {
        assert_eq!(rig.store.ingest(placed(&lane("a"), order_key)).await.unwrap(), Ingested::Duplicate);
    }
    assert_eq!(rig.store.tally().await.unwrap(), before);
    raw.close().await;
    rig.finish().await;
}

async fn a_purge_goes_in_portions(database: Database) {
    let rig = Rig::on(database).await;
    let raw = rig.raw().await;
    let arrivals = join_all((0..1500).map(|number| rig.store.ingest(event(&lane("a"), &number.to_string())))).await;
    assert!(arrivals.iter().all(Result::is_ok));
    raw.run("UPDATE event SET state = 'delivered', finished_at = 5").await;
    let portions = [rig.store.purge(at(0), at(0)).await.unwrap(), rig.store.purge(at(0), at(0)).await.unwrap()];
    assert_eq!(portions, [1000, 500]);
    raw.close().await;
    rig.finish().await;
}

async fn a_purge_forgets_dead_workers(database: Database) {
    let rig = Rig::on(database).await;
    let raw = rig.raw().await;
    let long_ago = at(0).as_millis();
    raw.run(&format!("INSERT INTO worker (id, beat_at) VALUES ('dead', {long_ago}), ('dying', {})", long_ago + 10))
        .await;
    assert_eq!(rig.store.purge(at(5), at(0)).await.unwrap(), 0);
    let mut workers: Vec<_> = raw.texts("SELECT id FROM worker").await.into_iter().flatten().collect();
    workers.sort();
    let mut expected = vec!["dying".to_owned(), rig.store.worker().to_string()];
    expected.sort();
    assert_eq!(workers, expected);
    raw.close().await;
    rig.finish().await;
}

async fn a_message_that_failed_again_and_again_is_known(database: Database) {
    let rig = Rig::on(database).await;
    let turns = async || {
        let failed = rig.store.failed_turns(&session_id("loja01"), "7", "7/again/").await.unwrap();
        failed.map(|failed| (failed.count, failed.body.map(|body| body.to_vec())))
    };
    let steps = [("7", "first"), ("7/again/1", "second"), ("7/again/2", "third")];
    assert_eq!(turns().await, None);
    for ((key, body), turn) in steps.into_iter().zip(1..) {
        let new =
            NewEvent { source: Source::Chatwoot, body: Bytes::from_static(body.as_bytes()), ..event(&lane("a"), key) };
        let (received_at, order_key) = (at(turn), turn);
        rig.store_all([NewEvent { received_at, order_key, ..new }]).await;
        assert_eq!(turns().await, None, "it has not had its turn yet");
        let lease = rig.claim_one(at(100)).await;
        let head = rig.due(&lease, at(100)).await.remove(0);
        let end = if turn == 1 { End::Expired("late".to_owned()) } else { End::Dead("refused".to_owned()) };
        let end = if turn == 3 { End::Delivered } else { end };
        assert_eq!(
            rig.store.finish(Finish { release: true, ..finish(&rig.store, &lease, &head, end) }).await.unwrap(),
            Recorded::Yes
        );
        let expected = (turn < 3).then(|| (usize::try_from(turn).unwrap(), Some(b"first".to_vec())));
        assert_eq!(turns().await, expected);
        // neighbours whose keys look alike are other messages
        let other = NewEvent { source: Source::Chatwoot, ..event(&lane("b"), &format!("7{turn}")) };
        rig.store_all([other, event(&lane("c"), &format!("7/again/{turn}x"))]).await;
        for lease in rig.store.claim(at(100), 10, Vec::new()).await.unwrap() {
            rig.drain(&lease, at(100)).await;
        }
    }
    rig.finish().await;
}
