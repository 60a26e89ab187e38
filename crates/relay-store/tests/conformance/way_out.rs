//! Since when messages can go out: written down by whoever sees it, forgotten when nobody was there to see.

use relay_domain::Timestamp;
use relay_store::{NoteWayOut, SessionState};
use relay_testing::Database;

use crate::rig::{Rig, Worker, at, session_id};

on_both!(
    it_counts_from_the_first_time_until_it_closes,
    a_pause_closes_it,
    a_process_beside_another_changes_nothing,
    a_short_restart_is_no_gap,
    a_long_absence_of_all_is,
);

async fn note(store: &Worker, is_open: bool, now: Timestamp) {
    store.note_way_out(NoteWayOut { session: session_id("loja01"), is_open, now }).await.unwrap();
}

async fn since(store: &Worker) -> Option<Timestamp> {
    store.way_out_since(&session_id("loja01")).await.unwrap()
}

async fn it_counts_from_the_first_time_until_it_closes(database: Database) {
    let rig = Rig::on(database).await;
    assert_eq!(since(&rig.store).await, None, "nothing was sent yet");
    note(&rig.store, true, at(1)).await;
    note(&rig.store, true, at(2)).await;
    assert_eq!(since(&rig.store).await, Some(at(1)));
    note(&rig.store, false, at(3)).await;
    assert_eq!(since(&rig.store).await, None);
    note(&rig.store, true, at(4)).await;
    assert_eq!(since(&rig.second().await).await, Some(at(4)));
    assert_eq!(rig.store.way_out_since(&session_id("nobody")).await.unwrap(), None);
    rig.finish().await;
}

async fn a_pause_closes_it(database: Database) {
    let rig = Rig::on(database).await;
    note(&rig.store, true, at(1)).await;
    rig.set_state("loja01", SessionState::Paused).await;
    assert_eq!(since(&rig.store).await, None);
    // what was in hand when it was paused
    note(&rig.store, true, at(2)).await;
    assert_eq!(since(&rig.store).await, None);
    rig.set_state("loja01", SessionState::Active).await;
    note(&rig.store, true, at(3)).await;
    assert_eq!(since(&rig.store).await, Some(at(3)));
    rig.finish().await;
}

async fn a_process_beside_another_changes_nothing(database: Database) {
    let rig = Rig::on(database).await;
    note(&rig.store, true, at(1)).await;
    let second = rig.second().await;
    assert_eq!(since(&second).await, Some(at(1)));
    second.beat_after_silence().await.unwrap();
    assert_eq!(since(&second).await, Some(at(1)));
    rig.finish().await;
}

async fn a_short_restart_is_no_gap(database: Database) {
    let rig = Rig::on(database).await;
    note(&rig.store, true, at(1)).await;
    rig.store.close().await.unwrap();
    // a busy machine may take longer than a restart does
    let raw = rig.raw().await;
    raw.run("UPDATE worker SET beat_at = beat_at + 25000").await;
    raw.close().await;
    let config = rig.config.clone();
    drop(rig.store);
    let again = Worker::open(&config).await;
    assert_eq!(since(&again).await, Some(at(1)));
    again.close().await.unwrap();
}

async fn a_long_absence_of_all_is(database: Database) {
    let rig = Rig::on(database).await;
    let raw = rig.raw().await;
    for step in ["- 31000", "+ 31000"] {
        note(&rig.store, true, at(1)).await;
        raw.run(&format!("UPDATE worker SET beat_at = beat_at {step}")).await;
        rig.store.beat_after_silence().await.unwrap();
        assert_eq!(since(&rig.store).await, None, "{step}");
    }
    raw.close().await;
    rig.finish().await;
}
