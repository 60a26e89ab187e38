//! Lanes: who may work on them, when, and what a lost lease means.

use std::ops::Deref;

use relay_domain::backoff::Direction;
use relay_domain::id::{ChatKey, WaMessageId};
use relay_store::{
    Change, End, Finish, Lane, LinkChange, LinkKey, NewEvent, NewLink, Note, Postpone, Recorded, Reserve, Reserved,
    SessionState,
};
use relay_testing::Database;

use crate::rig::{Rig, at, chats, event, finish, lane, placed, postpone, session, session_id};

on_both!(
    a_lane_is_given_once,
    a_claim_is_no_larger_than_asked_and_takes_the_longest_due,
    nothing_runs_before_its_time,
    an_earlier_event_wakes_a_waiting_lane_earlier,
    a_paused_session_rests,
    saturated_sessions_are_left_out,
    a_postponed_event_stays_at_the_head,
    an_arrival_does_not_wake_a_lane_that_backs_off,
    a_release_looks_for_the_next_event,
    a_lane_with_more_to_do_goes_behind_the_others,
    a_forgotten_lane_is_free_to_its_own_process,
    a_silent_worker_loses_its_lanes,
    a_lost_lease_changes_nothing,
    what_was_delivered_is_remembered,
);

async fn a_lane_is_given_once(database: Database) {
    let rig = Rig::on(database).await;
    let second = rig.second().await;
    rig.store_all([event(&lane("a"), "1"), event(&lane("b"), "2")]).await;
    let leases = rig.store.claim(at(0), 10, Vec::new()).await.unwrap();
    assert_eq!(chats(&leases), ["a", "b"]);
    for store in [&rig.store, &second] {
        assert!(store.claim(at(1000), 10, Vec::new()).await.unwrap().is_empty());
    }
    assert_eq!(rig.store.next_due().await.unwrap(), None);
    for lease in leases {
        assert_eq!(rig.store.release(lease).await.unwrap(), Recorded::Yes);
    }
    assert_eq!(rig.store.next_due().await.unwrap(), Some(at(0)));
    assert_eq!(chats(&second.claim(at(0), 10, Vec::new()).await.unwrap()), ["a", "b"]);
    rig.finish().await;
}

async fn a_claim_is_no_larger_than_asked_and_takes_the_longest_due(database: Database) {
    let rig = Rig::on(database).await;
    for (chat, run_at) in [("late", 30), ("early", 10), ("middle", 20)] {
        rig.store_all([NewEvent { run_at: at(run_at), ..event(&lane(chat), chat) }]).await;
    }
    assert_eq!(chats(&rig.store.claim(at(100), 2, Vec::new()).await.unwrap()), ["early", "middle"]);
    assert!(rig.store.claim(at(100), 0, Vec::new()).await.unwrap().is_empty());
    assert_eq!(chats(&rig.store.claim(at(100), 2, Vec::new()).await.unwrap()), ["late"]);
    rig.finish().await;
}

async fn nothing_runs_before_its_time(database: Database) {
    let rig = Rig::on(database).await;
    rig.store_all([NewEvent { run_at: at(150), ..event(&lane("a"), "1") }]).await;
    assert!(rig.claimed_chats(at(149)).await.is_empty());
    assert_eq!(rig.store.next_due().await.unwrap(), Some(at(150)));
    assert_eq!(rig.claimed_chats(at(150)).await, ["a"]);
    rig.finish().await;
}

async fn an_earlier_event_wakes_a_waiting_lane_earlier(database: Database) {
    let rig = Rig::on(database).await;
    for (key, run_at) in [("1", 150), ("2", 90), ("3", 120)] {
        rig.store_all([NewEvent { run_at: at(run_at), ..event(&lane("a"), key) }]).await;
    }
    assert_eq!(rig.store.next_due().await.unwrap(), Some(at(90)));
    rig.finish().await;
}

async fn a_paused_session_rests(database: Database) {
    let rig = Rig::on(database).await;
    rig.store.insert_session(session("loja02", 2)).await.unwrap();
    let elsewhere = Lane { session: session_id("loja02"), ..lane("b") };
    rig.store_all([event(&lane("a"), "1"), event(&elsewhere, "1")]).await;
    rig.set_state("loja01", SessionState::Paused).await;
    assert_eq!(rig.claimed_chats(at(0)).await, ["b"]);
    assert_eq!(rig.store.next_due().await.unwrap(), None);
    // what arrives meanwhile waits with the rest
    rig.store_all([placed(&lane("a"), 2)]).await;
    rig.set_state("loja01", SessionState::Active).await;
    assert_eq!(rig.store.next_due().await.unwrap(), Some(at(0)));
    let lease = rig.claim_one(at(0)).await;
    assert_eq!(rig.drain(&lease, at(0)).await, [1, 2]);
    rig.finish().await;
}

async fn saturated_sessions_are_left_out(database: Database) {
    let rig = Rig::on(database).await;
    for (name, inbox) in [("loja02", 2), ("loja03", 3)] {
        rig.store.insert_session(session(name, inbox)).await.unwrap();
    }
    for name in ["loja01", "loja02", "loja03"] {
        rig.store_all([event(&Lane { session: session_id(name), ..lane(name) }, "1")]).await;
    }
    let busy = vec![session_id("loja01"), session_id("loja03")];
    assert_eq!(chats(&rig.store.claim(at(0), 10, busy.clone()).await.unwrap()), ["loja02"]);
    assert_eq!(rig.store.deref().next_due(&busy).await.unwrap(), None);
    assert_eq!(rig.store.deref().next_due(&busy[..1]).await.unwrap(), Some(at(0)));
    assert_eq!(rig.claimed_chats(at(0)).await, ["loja01", "loja03"]);
    rig.finish().await;
}

async fn a_postponed_event_stays_at_the_head(database: Database) {
    let rig = Rig::on(database).await;
    rig.store_all([placed(&lane("a"), 1), placed(&lane("a"), 2)]).await;
    let lease = rig.claim_one(at(0)).await;
    let head = rig.due(&lease, at(0)).await.remove(0);
    assert_eq!(rig.store.postpone(postpone(&rig.store, &lease, &head, at(5), at(1000))).await.unwrap(), Recorded::Yes);
    rig.store_all([placed(&lane("a"), 3)]).await;
    assert!(rig.claimed_chats(at(999)).await.is_empty());
    let lease = rig.claim_one(at(1000)).await;
    let due = rig.due(&lease, at(1000)).await;
    assert_eq!(due.iter().map(|event| event.order_key).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(due.iter().map(|event| event.attempts).collect::<Vec<_>>(), [1, 0, 0]);
    assert_eq!(due[0].first_failed_at, Some(at(5)));
    rig.finish().await;
}

async fn an_arrival_does_not_wake_a_lane_that_backs_off(database: Database) {
    let rig = Rig::on(database).await;
    rig.store_all([placed(&lane("a"), 5)]).await;
    let lease = rig.claim_one(at(0)).await;
    let head = rig.due(&lease, at(0)).await.remove(0);
    let wait = Postpone { attempt: None, ..postpone(&rig.store, &lease, &head, at(0), at(1000)) };
    assert_eq!(rig.store.postpone(wait).await.unwrap(), Recorded::Yes);
    rig.store_all([placed(&lane("a"), 6), NewEvent { run_at: at(-50), ..placed(&lane("a"), 4) }]).await;
    assert_eq!(rig.store.next_due().await.unwrap(), Some(at(1000)));
    assert!(rig.claimed_chats(at(999)).await.is_empty());
    // once it went on, arrivals wake it again
    let lease = rig.claim_one(at(1000)).await;
    let due = rig.due(&lease, at(1000)).await;
    assert!(
        due.iter().all(|event| event.attempts == 0 && event.first_failed_at.is_none()),
        "a wait was counted: {due:?}"
    );
    assert_eq!(rig.drain(&lease, at(1000)).await, [4, 5, 6]);
    rig.store_all([NewEvent { run_at: at(900), ..placed(&lane("a"), 7) }]).await;
    assert_eq!(rig.store.next_due().await.unwrap(), Some(at(900)));
    rig.finish().await;
}

async fn a_release_looks_for_the_next_event(database: Database) {
    let rig = Rig::on(database).await;
    rig.store_all([placed(&lane("a"), 1), NewEvent { run_at: at(700), ..placed(&lane("a"), 2) }]).await;
    let lease = rig.claim_one(at(0)).await;
    let first = rig.due(&lease, at(0)).await.remove(0);
    assert_eq!(rig.store.finish(finish(&rig.store, &lease, &first, End::Delivered)).await.unwrap(), Recorded::Yes);
    assert_eq!(rig.store.release(lease).await.unwrap(), Recorded::Yes);
    assert_eq!(rig.store.next_due().await.unwrap(), Some(at(700)));
    let lease = rig.claim_one(at(700)).await;
    assert_eq!(rig.drain(&lease, at(700)).await, [2]);
    assert_eq!(rig.store.next_due().await.unwrap(), None);
    rig.finish().await;
}

async fn a_lane_with_more_to_do_goes_behind_the_others(database: Database) {
    let rig = Rig::on(database).await;
    rig.store_all([placed(&lane("a"), 1), placed(&lane("a"), 2)]).await;
    rig.store_all([NewEvent { run_at: at(10), ..event(&lane("b"), "1") }]).await;
    let first = rig.store.claim(at(20), 1, Vec::new()).await.unwrap().remove(0);
    assert_eq!(first.lane, lane("a"));
    let head = rig.due(&first, at(20)).await.remove(0);
    let end = Finish { release: true, now: at(20), ..finish(&rig.store, &first, &head, End::Delivered) };
    assert_eq!(rig.store.finish(end).await.unwrap(), Recorded::Yes);
    for chat in ["b", "a"] {
        assert_eq!(chats(&rig.store.claim(at(20), 1, Vec::new()).await.unwrap()), [chat]);
    }
    rig.finish().await;
}

async fn a_forgotten_lane_is_free_to_its_own_process(database: Database) {
    let rig = Rig::on(database).await;
    rig.store_all([event(&lane("a"), "1"), event(&lane("b"), "2")]).await;
    let leases = rig.store.claim(at(0), 10, Vec::new()).await.unwrap();
    let (forgotten, known) =
        if leases[0].lane == lane("a") { (&leases[0], &leases[1]) } else { (&leases[1], &leases[0]) };
    if database == Database::Postgres {
        assert!(rig.second().await.claim(at(0), 10, Vec::new()).await.unwrap().is_empty(), "taken by a stranger");
    }
    let again = rig.store.deref().claim(at(0), 10, Vec::new(), known.mark()).await.unwrap();
    assert_eq!(chats(&again), ["a"]);
    assert_eq!(rig.store.release(forgotten.clone()).await.unwrap(), Recorded::LeaseLost);
    assert_eq!(rig.store.release(known.clone()).await.unwrap(), Recorded::Yes);
    rig.finish().await;
}

async fn a_silent_worker_loses_its_lanes(database: Database) {
    let rig = Rig::on(database).await;
    let raw = rig.raw().await;
    rig.store_all([event(&lane("a"), "1")]).await;
    let lost = rig.claim_one(at(0)).await;
    raw.run("INSERT INTO worker (id, beat_at) SELECT 'another', beat_at - 3000 FROM worker").await;
    raw.run("UPDATE lane SET lease_worker = 'another'").await;
    assert!(rig.claimed_chats(at(0)).await.is_empty(), "taken from a worker that is merely slow");
    raw.run("UPDATE worker SET beat_at = beat_at - 3000 WHERE id = 'another'").await;
    let taken = rig.claim_one(at(0)).await;
    assert_eq!(taken.lane, lane("a"));
    assert_ne!(taken.token, lost.token);
    raw.close().await;
    rig.finish().await;
}

async fn a_lost_lease_changes_nothing(database: Database) {
    let rig = Rig::on(database).await;
    let (second, raw) = (rig.second().await, rig.raw().await);
    rig.store_all([placed(&lane("a"), 1), placed(&lane("a"), 2)]).await;
    let old = rig.claim_one(at(0)).await;
    let head = rig.due(&old, at(0)).await.remove(0);
    assert!(
        matches!(rig.store.reserve(reserve(&old, &head.id, "M1")).await.unwrap(), Reserved::Known(known) if known.is_empty())
    );
    raw.silence_workers().await;
    // another process takes the lane because its holder is silent, the same process because nobody in it works on the lane
    let new = second.deref().claim(at(0), 10, Vec::new(), String::new()).await.unwrap().remove(0);

    let before = snapshot(&raw).await;
    let failed = vec![LinkChange { key: key("M1"), change: Change::Failed }];
    let end = Finish {
        attempt: Some(crate::rig::attempt(at(0), "delivered")),
        links: failed.clone(),
        release: true,
        ..finish(&rig.store, &old, &head, End::Delivered)
    };
    let wait = Postpone { links: failed.clone(), ..postpone(&rig.store, &old, &head, at(5), at(1000)) };
    assert_eq!(rig.store.finish(end).await.unwrap(), Recorded::LeaseLost);
    assert_eq!(rig.store.postpone(wait).await.unwrap(), Recorded::LeaseLost);
    assert_eq!(rig.store.note(Note { lease: old.clone(), links: failed }).await.unwrap(), Recorded::LeaseLost);
    assert!(matches!(rig.store.reserve(reserve(&old, &head.id, "M2")).await.unwrap(), Reserved::LeaseLost));
    assert_eq!(rig.store.release(old).await.unwrap(), Recorded::LeaseLost);
    assert_eq!(snapshot(&raw).await, before);

    assert_eq!(second.finish(finish(&second, &new, &head, End::Delivered)).await.unwrap(), Recorded::Yes);
    assert_ne!(snapshot(&raw).await, before);
    raw.close().await;
    rig.finish().await;
}

/// Everything that an outcome may change, as text.
async fn snapshot(raw: &crate::raw::Raw) -> Vec<Option<String>> {
    let tables = [
        (
            "event",
            "id || state || COALESCE(reason, '-') || attempts || COALESCE(first_failed_at, 0) || COALESCE(finished_at, 0)",
        ),
        ("lane", "key || COALESCE(next_at, 0) || backing_off || done_to || lease_worker || lease_token"),
        ("link", "source_id || part || state || COALESCE(tried_at, 0)"),
        ("attempt", "event || number"),
    ];
    let mut rows = Vec::new();
    for (table, columns) in tables {
        rows.extend(raw.texts(&format!("SELECT {columns} AS row_text FROM {table} ORDER BY 1")).await);
    }
    rows
}

fn key(source_id: &str) -> LinkKey {
    LinkKey { direction: Direction::In, source_id: source_id.to_owned(), part: 0 }
}

fn reserve(lease: &relay_store::Lease, event: &relay_domain::id::EventId, source_id: &str) -> Reserve {
    let part = NewLink {
        key: key(source_id),
        parts: 1,
        wa_id: WaMessageId::new(source_id),
        wa_from_me: false,
        wa_participant: None,
        wa_row: None,
        cw_conversation: None,
        cw_message: None,
        is_tried: true,
    };
    Reserve { lease: lease.clone(), event: event.clone(), chat: ChatKey::new("a"), parts: vec![part], now: at(0) }
}

async fn what_was_delivered_is_remembered(database: Database) {
    let rig = Rig::on(database).await;
    let mut seen = Vec::new();
    for order_key in [30, 10, 40] {
        rig.store_all([placed(&lane("a"), order_key)]).await;
        let lease = rig.claim_one(at(0)).await;
        seen.push(lease.done_to);
        assert_eq!(rig.drain(&lease, at(0)).await, [order_key]);
    }
    // what came late does not take the mark back
    assert_eq!(seen, [0, 30, 30]);
    // and what was not delivered does not move it
    rig.store_all([placed(&lane("a"), 50)]).await;
    let lease = rig.claim_one(at(0)).await;
    let due = rig.due(&lease, at(0)).await.remove(0);
    let end = Finish { release: true, ..finish(&rig.store, &lease, &due, End::Dead("refused".to_owned())) };
    assert_eq!(rig.store.finish(end).await.unwrap(), Recorded::Yes);
    rig.store_all([placed(&lane("a"), 60)]).await;
    assert_eq!(rig.claim_one(at(0)).await.done_to, 40);
    rig.finish().await;
}
