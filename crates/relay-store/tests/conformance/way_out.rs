//! When messages could not go out: written down by whoever sees it, and taken as so when nobody was there to see.

use std::time::Duration;

use relay_domain::Timestamp;
use relay_domain::unsent::Outage;
use relay_store::{NoteWayOut, SessionState};
use relay_testing::Database;

use crate::rig::{Rig, Worker, at, session_id};

on_both!(
    an_outage_lasts_until_a_message_is_sent,
    a_pause_is_one,
    a_process_beside_another_changes_nothing,
    a_short_restart_is_no_gap,
    a_long_absence_of_all_is,
    what_is_long_over_is_forgotten,
);

async fn note(store: &Worker, is_open: bool, since: Timestamp) {
    store.note_way_out(NoteWayOut { session: session_id("loja01"), is_open, since }).await.unwrap();
}

async fn outages(store: &Worker) -> Vec<(Timestamp, Option<Timestamp>)> {
    let outages = store.outages(&session_id("loja01"), Timestamp::default()).await.unwrap();
    let mut outages: Vec<_> = outages.into_iter().map(|Outage { began_at, ended_at }| (began_at, ended_at)).collect();
    outages.sort_unstable();
    outages
}

async fn an_outage_lasts_until_a_message_is_sent(database: Database) {
    let rig = Rig::on(database).await;
    note(&rig.store, true, at(1)).await;
    assert_eq!(outages(&rig.store).await, []);
    note(&rig.store, false, at(2)).await;
    note(&rig.store, false, at(3)).await;
    assert_eq!(outages(&rig.second().await).await, [(at(2), None)]);
    note(&rig.store, true, at(4)).await;
    note(&rig.store, true, at(5)).await;
    assert_eq!(outages(&rig.store).await, [(at(2), Some(at(4)))]);
    note(&rig.store, false, at(6)).await;
    assert_eq!(outages(&rig.store).await, [(at(2), Some(at(4))), (at(6), None)]);
    let later = rig.store.outages(&session_id("loja01"), at(4)).await.unwrap();
    assert_eq!(later, [Outage { began_at: at(6), ended_at: None }], "what was over by then is left out");
    assert_eq!(rig.store.outages(&session_id("nobody"), at(0)).await.unwrap(), []);
    rig.finish().await;
}

async fn a_pause_is_one(database: Database) {
    let rig = Rig::on(database).await;
    rig.set_state("loja01", SessionState::Paused).await;
    // what was in hand when it was paused
    note(&rig.store, true, at(3)).await;
    assert_eq!(outages(&rig.store).await, [(at(2), None)]);
    rig.set_state("loja01", SessionState::Active).await;
    assert_eq!(outages(&rig.store).await, [(at(2), None)], "nothing was sent yet");
    note(&rig.store, true, at(4)).await;
    assert_eq!(outages(&rig.store).await, [(at(2), Some(at(4)))]);
    rig.finish().await;
}

async fn what_is_long_over_is_forgotten(database: Database) {
    let rig = Rig::on(database).await;
    for (is_open, now) in [(false, 1), (true, 2), (false, 3), (true, 4), (false, 5)] {
        note(&rig.store, is_open, at(now)).await;
    }
    rig.store.purge(at(4), at(0)).await.unwrap();
    assert_eq!(outages(&rig.store).await, [(at(3), Some(at(4))), (at(5), None)]);
    rig.finish().await;
}

async fn a_process_beside_another_changes_nothing(database: Database) {
    let rig = Rig::on(database).await;
    let second = rig.second().await;
    second.beat_after_silence().await.unwrap();
    assert_eq!(outages(&second).await, []);
    rig.finish().await;
}

async fn a_short_restart_is_no_gap(database: Database) {
    let rig = Rig::on(database).await;
    rig.store.close().await.unwrap();
    // a busy machine may take longer than a restart does
    let raw = rig.raw().await;
    raw.run("UPDATE worker SET beat_at = beat_at + 25000").await;
    raw.close().await;
    let config = rig.config.clone();
    drop(rig.store);
    let again = Worker::open(&config).await;
    assert_eq!(outages(&again).await, []);
    again.close().await.unwrap();
}

async fn a_long_absence_of_all_is(database: Database) {
    let rig = Rig::on(database).await;
    let raw = rig.raw().await;
    let before = Timestamp::from_millis(raw.number("SELECT MAX(beat_at) FROM worker").await.unwrap());
    raw.run("UPDATE worker SET beat_at = beat_at - 31000").await;
    rig.store.beat_after_silence().await.unwrap();
    let [(began_at, None)] = outages(&rig.store).await[..] else { panic!("the way out is closed") };
    assert!(began_at <= before - Duration::from_secs(31), "since the last sign of life");
    note(&rig.store, true, at(1)).await;
    // the clock was set back: nobody knows for how long
    raw.run("UPDATE worker SET beat_at = beat_at + 31000").await;
    rig.store.beat_after_silence().await.unwrap();
    assert!(outages(&rig.store).await.contains(&(Timestamp::default(), None)));
    raw.close().await;
    rig.finish().await;
}
