//! Who stopped a session last is not overruled by what stopped it before.

use relay_store::{Lane, LaneKind, SessionState, Turn, TurnSession};
use relay_testing::Database;

use crate::rig::{Rig, at, event, lane, session_id};

on_both!(a_person_overrules_and_is_not_overruled, a_paused_session_still_answers_agents);

async fn a_person_overrules_and_is_not_overruled(database: Database) {
    let rig = Rig::on(database).await;
    let refused = "chatwoot refuses the token".to_owned();
    let stop = || Turn::Stop(refused.clone());
    let recover = || Turn::Recover(refused.clone());
    let pause = || Turn::Pause("holidays".to_owned());
    let table = [
        (recover(), false, (SessionState::Active, None)),
        (stop(), true, (SessionState::Paused, Some(refused.as_str()))),
        (Turn::Recover("another".to_owned()), false, (SessionState::Paused, Some(refused.as_str()))),
        (recover(), true, (SessionState::Active, None)),
        (stop(), true, (SessionState::Paused, Some(refused.as_str()))),
        (pause(), true, (SessionState::Paused, Some("holidays"))),
        (recover(), false, (SessionState::Paused, Some("holidays"))),
        (stop(), false, (SessionState::Paused, Some("holidays"))),
        (Turn::Resume, true, (SessionState::Active, None)),
        (pause(), true, (SessionState::Paused, Some("holidays"))),
    ];
    for (turn, took_effect, (state, reason)) in table {
        let changed = rig
            .store
            .turn_session(TurnSession { id: session_id("loja01"), turn: turn.clone(), now: at(1) })
            .await
            .unwrap();
        let session = rig.store.session_by_name("loja01").await.unwrap().unwrap();
        assert_eq!((changed, session.state, session.state_reason.as_deref()), (took_effect, state, reason), "{turn:?}");
    }
    rig.finish().await;
}

async fn a_paused_session_still_answers_agents(database: Database) {
    let rig = Rig::on(database).await;
    let desk = Lane { kind: LaneKind::Desk, ..lane("relay") };
    rig.set_state("loja01", SessionState::Paused).await;
    rig.store_all([event(&lane("ana"), "a"), event(&desk, "b")]).await;
    assert_eq!(rig.store.next_due().await.unwrap(), Some(at(0)));
    let lease = rig.claim_one(at(1)).await;
    assert_eq!(lease.lane, desk);
    assert_eq!(rig.drain(&lease, at(1)).await, [1]);
    assert_eq!(rig.store.next_due().await.unwrap(), None, "the customer waits");
    rig.set_state("loja01", SessionState::Active).await;
    assert_eq!(rig.claimed_chats(at(1)).await, ["ana"]);
    rig.finish().await;
}
