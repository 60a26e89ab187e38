//! Gap recovery: what is known, how far was looked, and what is held back until a sweep is complete.

use std::time::Duration;

use relay_domain::backoff::Direction;
use relay_store::{BeginSweep, Begun, Cursor, NewEvent, Origin, Progress, SaveSweep, SaveSwept, Source};
use relay_testing::Database;

use crate::rig::{Rig, at, event, lane, session_id};

on_both!(
    known_keys_are_told_with_and_without_an_author,
    a_sweep_is_one_processs_until_it_is_due,
    progress_outlives_the_process,
    conversations_that_were_gone_through_are_known_until_the_cursor_is_there,
    what_a_sweep_found_waits_until_it_is_released,
);

const CHAT: &str = "5511900000001@s.whatsapp.net";

async fn known_keys_are_told_with_and_without_an_author(database: Database) {
    let rig = Rig::on(database).await;
    let keys = ["message|them|A", "message|them|B|5511900000002", "message|us|C"];
    rig.store_all(keys.map(|key| event(&lane(CHAT), key))).await;
    let asked = ["message|them|A", "message|them|B", "message|them|C", "message|us|C", "message|them|B|other"];
    let asked: Vec<_> =
        asked.into_iter().map(ToOwned::to_owned).chain((0..1200).map(|n| format!("none|{n}"))).collect();
    let known = rig.store.known_keys(&session_id("loja01"), Source::CodeChat, &asked).await.unwrap();
    let mut known: Vec<_> = known.into_iter().collect();
    known.sort();
    assert_eq!(known, ["message|them|A", "message|them|B", "message|us|C"]);
    let elsewhere = rig.store.known_keys(&session_id("other"), Source::CodeChat, &asked).await.unwrap();
    assert!(elsewhere.is_empty());
    rig.finish().await;
}

fn begin(now: i64, at_once: bool) -> BeginSweep {
    let session = session_id("loja01");
    BeginSweep { session, way: Direction::In, now: at(now), until: at(now + 60), at_once, created_at: at(7) }
}

async fn a_sweep_is_one_processs_until_it_is_due(database: Database) {
    let rig = Rig::on(database).await;
    let Begun::Yes(cursor) = rig.store.begin_sweep(begin(100, false)).await.unwrap() else { panic!("it is due") };
    assert_eq!((cursor.done_to, cursor.done_id, cursor.completed_at), (at(7), 0, None));
    let other = rig.second().await;
    assert_eq!(other.begin_sweep(begin(159, false)).await.unwrap(), Begun::NotBefore(at(160)));
    assert!(matches!(other.begin_sweep(begin(159, true)).await.unwrap(), Begun::Yes(_)), "it is wanted at once");
    let out = BeginSweep { way: Direction::Out, ..begin(100, false) };
    assert!(matches!(rig.store.begin_sweep(out).await.unwrap(), Begun::Yes(_)), "the other way is another matter");
    let gone = BeginSweep { session: session_id("gone"), ..begin(100, true) };
    assert_eq!(rig.store.begin_sweep(gone).await.unwrap(), Begun::NoSession);
    rig.finish().await;
}

async fn progress_outlives_the_process(database: Database) {
    let rig = Rig::on(database).await;
    let Begun::Yes(cursor) = rig.store.begin_sweep(begin(100, false)).await.unwrap() else { panic!("it is due") };
    let progress = Progress { pass: 1, page: 9, newest: at(99), is_open: true };
    let cursor = Cursor { done_id: 42, completed_at: Some(at(98)), progress, ..cursor };
    let session = session_id("loja01");
    let save = SaveSweep { session: session.clone(), way: Direction::In, cursor, due_at: at(130) };
    rig.store.save_sweep(save).await.unwrap();
    assert_eq!(rig.store.cursor(&session, Direction::In).await.unwrap(), Some(cursor));
    assert_eq!(rig.store.begin_sweep(begin(129, false)).await.unwrap(), Begun::NotBefore(at(130)));
    assert_eq!(rig.store.begin_sweep(begin(130, false)).await.unwrap(), Begun::Yes(cursor));
    rig.finish().await;
}

async fn conversations_that_were_gone_through_are_known_until_the_cursor_is_there(database: Database) {
    let rig = Rig::on(database).await;
    let out = BeginSweep { way: Direction::Out, ..begin(100, false) };
    let Begun::Yes(cursor) = rig.store.begin_sweep(out).await.unwrap() else { panic!("it is due") };
    let session = session_id("loja01");
    let save = async |session: &str, conversation, done_id| {
        let save = SaveSwept { session: session_id(session), conversation, done_id };
        rig.store.save_swept(save).await.unwrap();
    };
    let swept = async || {
        let mut swept: Vec<_> = rig.store.swept(&session).await.unwrap().into_iter().collect();
        swept.sort_unstable();
        swept
    };
    for (conversation, done_id) in [(1, 40), (2, 50), (3, 7), (1, 60), (1, 41)] {
        save("loja01", conversation, done_id).await;
    }
    save("gone", 4, 1).await;
    assert_eq!(swept().await, [(1, 60), (2, 50), (3, 7)], "it goes on and never back");
    let save_sweep = async |way, done_id| {
        let cursor = Cursor { done_id, ..cursor };
        rig.store.save_sweep(SaveSweep { session: session.clone(), way, cursor, due_at: at(130) }).await.unwrap();
    };
    save_sweep(Direction::In, 99).await;
    assert_eq!(swept().await.len(), 3, "the other way is another matter");
    save_sweep(Direction::Out, 50).await;
    assert_eq!(swept().await, [(1, 60)]);
    rig.finish().await;
}

async fn what_a_sweep_found_waits_until_it_is_released(database: Database) {
    let rig = Rig::on(database).await;
    let held = |key: &str| NewEvent {
        origin: Origin::Sweep,
        run_at: at(0) + Duration::from_mins(10),
        ..event(&lane(CHAT), key)
    };
    rig.store_all([held("a"), held("b")]).await;
    assert!(rig.store.claim(at(1), 10, Vec::new()).await.unwrap().is_empty());
    rig.store.release_swept(&session_id("other"), at(1)).await.unwrap();
    assert!(rig.store.claim(at(1), 10, Vec::new()).await.unwrap().is_empty(), "another session's are not released");
    rig.store.release_swept(&session_id("loja01"), at(1)).await.unwrap();
    let lease = rig.claim_one(at(1)).await;
    assert_eq!(rig.due(&lease, at(1)).await.len(), 2);
    rig.finish().await;
}
