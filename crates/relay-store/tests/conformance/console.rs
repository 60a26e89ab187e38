//! What the console asks of the store: pages of the log, all sessions at a glance, passes.

use relay_domain::id::EventId;
use relay_store::{
    Browse, Browsed, EventState, Glance, KeepPass, Lane, LaneKind, NewEvent, NextTurn, PassKind, Recorded, Source,
    TradeLink,
};
use relay_testing::Database;

use crate::rig::{Rig, at, event, lane, placed, postpone, session, session_id};

on_both!(
    the_log_is_narrowed_and_paged,
    two_lanes_are_leafed_through_as_one,
    a_moment_bounds_the_log_on_either_side,
    a_window_that_holds_nothing_says_where_to_go_on,
    sessions_are_seen_at_a_glance,
    the_next_turn_of_a_message_is_known,
    a_link_is_traded_once,
    a_pass_ends,
);

fn places(page: &Browsed) -> Vec<i64> {
    page.messages.iter().map(|message| message.order_key).collect()
}

fn outward(chat: &str) -> Lane {
    Lane { kind: LaneKind::Out, ..lane(chat) }
}

async fn the_log_is_narrowed_and_paged(database: Database) {
    let rig = Rig::on(database).await;
    rig.store.insert_session(session("loja02", 2)).await.unwrap();
    rig.store_all((1..=5).map(|place| placed(&lane("ana"), place))).await;
    let other = NewEvent { kind: "call.upsert".to_owned(), ..placed(&lane("ana"), 6) };
    let elsewhere = NewEvent { order_key: 7, ..event(&Lane { session: session_id("loja02"), ..lane("bia") }, "x") };
    rig.store_all([other, elsewhere]).await;
    let found = async |wanted: Browse| places(&rig.store.browse(&Browse { limit: 10, ..wanted }).await.unwrap());
    assert_eq!(found(Browse::default()).await, [7, 6, 5, 4, 3, 2, 1]);
    assert_eq!(found(Browse { session: Some(session_id("loja02")), ..Browse::default() }).await, [7]);
    assert_eq!(found(Browse { event: Some("call.upsert".to_owned()), ..Browse::default() }).await, [6]);
    assert!(found(Browse { kind: Some(LaneKind::Out), ..Browse::default() }).await.is_empty());
    assert!(found(Browse { state: Some(EventState::Dead), ..Browse::default() }).await.is_empty());

    let first = rig.store.browse(&Browse { limit: 3, ..Browse::default() }).await.unwrap();
    assert_eq!(places(&first), [7, 6, 5]);
    let rest = rig.store.browse(&Browse { limit: 4, before: first.next, ..Browse::default() }).await.unwrap();
    assert_eq!(places(&rest), [4, 3, 2, 1]);
    let end = rig.store.browse(&Browse { limit: 4, before: rest.next, ..Browse::default() }).await.unwrap();
    assert_eq!(end, Browsed::default());
    rig.finish().await;
}

async fn two_lanes_are_leafed_through_as_one(database: Database) {
    let rig = Rig::on(database).await;
    for place in 1..=6 {
        let lane = if place % 3 == 0 { outward("ana") } else { lane("ana") };
        rig.store_all([placed(&lane, place)]).await;
        rig.store_all([placed(&outward("bia"), place)]).await;
    }
    let mut wanted = Browse { lanes: vec![lane("ana"), outward("ana")], limit: 2, ..Browse::default() };
    let mut found = Vec::new();
    loop {
        let page = rig.store.browse(&wanted).await.unwrap();
        assert!(page.messages.len() <= 2);
        found.extend(places(&page));
        let Some(next) = page.next else { break };
        wanted.before = Some(next);
    }
    assert_eq!(found, [6, 5, 4, 3, 2, 1]);
    rig.finish().await;
}

async fn a_moment_bounds_the_log_on_either_side(database: Database) {
    let rig = Rig::on(database).await;
    let timed = |place: i64| NewEvent { received_at: at(place * 100), ..placed(&lane("ana"), place) };
    rig.store_all((1..=5).map(timed)).await;
    let found = async |since: Option<i64>, until: Option<i64>| {
        let wanted = Browse { since: since.map(at), until: until.map(at), limit: 10, ..Browse::default() };
        places(&rig.store.browse(&wanted).await.unwrap())
    };
    assert_eq!(found(Some(300), None).await, [5, 4, 3]);
    assert_eq!(found(None, Some(300)).await, [2, 1]);
    assert_eq!(found(Some(200), Some(400)).await, [3, 2]);
    assert!(found(None, Some(50)).await.is_empty());
    rig.finish().await;
}

async fn a_window_that_holds_nothing_says_where_to_go_on(database: Database) {
    let rig = Rig::on(database).await;
    rig.store_all([placed(&outward("ana"), 1)]).await;
    let crowd = (0..2_000).map(|place| rig.store.ingest(placed(&lane("ana"), place)));
    futures_util::future::join_all(crowd).await;
    // both lanes at once: the other's message lies behind two thousand that are not wanted
    let wanted =
        Browse { lanes: vec![lane("ana"), outward("ana")], kind: Some(LaneKind::Out), limit: 10, ..Browse::default() };
    let first = rig.store.browse(&wanted).await.unwrap();
    assert!(first.messages.is_empty());
    let next = rig.store.browse(&Browse { before: first.next, ..wanted }).await.unwrap();
    assert_eq!((places(&next), next.next), (vec![1], None));
    rig.finish().await;
}

async fn sessions_are_seen_at_a_glance(database: Database) {
    let rig = Rig::on(database).await;
    let receipts = Lane { kind: LaneKind::Receipt, ..lane("0") };
    let later = |event: NewEvent, millis| NewEvent { received_at: at(millis), ..event };
    rig.store_all([
        placed(&lane("ana"), 1),
        later(placed(&lane("ana"), 2), 500),
        later(NewEvent { source: Source::Chatwoot, ..placed(&outward("ana"), 3) }, 700),
        later(placed(&receipts, 4), 900),
    ])
    .await;
    let lease = rig.claim_one_of("ana").await;
    rig.drain(&lease, at(1000)).await;
    let glances = rig.store.glance(at(500)).await.unwrap();
    let seen = glances.of[&session_id("loja01")];
    assert_eq!((seen.incoming, seen.outgoing, seen.last_message), (1, 1, Some(at(700))));
    let is_in = lease.lane.kind == LaneKind::In;
    let (pending, oldest) = if is_in { (2, at(700)) } else { (3, at(0)) };
    assert_eq!((seen.pending, seen.oldest_pending), (pending, Some(oldest)));
    assert!(!glances.is_cut && !glances.of.contains_key(&session_id("loja02")));
    assert_ne!(seen, Glance::default());
    rig.finish().await;
}

async fn the_next_turn_of_a_message_is_known(database: Database) {
    let rig = Rig::on(database).await;
    rig.store_all([placed(&lane("a"), 1), placed(&lane("a"), 2)]).await;
    let lease = rig.claim_one(at(0)).await;
    let due = rig.due(&lease, at(0)).await;
    let wait = postpone(&rig.store, &lease, &due[0], at(10), at(9000));
    assert_eq!(rig.store.postpone(wait).await.unwrap(), Recorded::Yes);
    let turn = |is_first| Some(NextTurn { at: Some(at(9000)), is_first, is_backing_off: true });
    assert_eq!(rig.store.next_turn(&due[0].id).await.unwrap(), turn(true));
    assert_eq!(rig.store.next_turn(&due[1].id).await.unwrap(), turn(false));
    assert_eq!(rig.store.next_turn(&EventId::generate()).await.unwrap(), None);
    rig.finish().await;
}

fn pass(kind: PassKind, token: u8, expires_at: i64) -> KeepPass {
    KeepPass { kind, token_hash: [token; 32], now: at(0), expires_at: at(expires_at) }
}

async fn a_link_is_traded_once(database: Database) {
    let rig = Rig::on(database).await;
    rig.store.keep_pass(pass(PassKind::Link, 1, 1000)).await.unwrap();
    assert_eq!(rig.store.pass_seen([1; 32], at(0)).await.unwrap(), None, "a link is no browser");
    let second = rig.second().await;
    let trade = |token: u8| TradeLink { link_hash: [1; 32], pass: pass(PassKind::Browser, token, 5000) };
    let (one, other) = tokio::join!(rig.store.trade_link(trade(2)), second.trade_link(trade(3)));
    assert_eq!(u8::from(one.unwrap()) + u8::from(other.unwrap()), 1);
    let seen = [rig.store.pass_seen([2; 32], at(1)).await.unwrap(), rig.store.pass_seen([3; 32], at(1)).await.unwrap()];
    assert_eq!(seen.into_iter().flatten().collect::<Vec<_>>(), [at(0)]);
    // a browser's pass is no link, and an old link is none any more
    let with = |link: u8| TradeLink { link_hash: [link; 32], pass: pass(PassKind::Browser, 9, 5000) };
    assert!(!rig.store.trade_link(with(2)).await.unwrap() && !rig.store.trade_link(with(3)).await.unwrap());
    rig.store.keep_pass(pass(PassKind::Link, 4, 1000)).await.unwrap();
    let late = TradeLink { pass: KeepPass { now: at(1000), ..pass(PassKind::Browser, 9, 5000) }, ..with(4) };
    assert!(!rig.store.trade_link(late).await.unwrap());
    rig.finish().await;
}

async fn a_pass_ends(database: Database) {
    let rig = Rig::on(database).await;
    for token in [1, 2] {
        rig.store.keep_pass(pass(PassKind::Browser, token, 1000)).await.unwrap();
    }
    rig.store.see_pass([1; 32], at(500)).await.unwrap();
    rig.store.see_pass([1; 32], at(400)).await.unwrap();
    assert_eq!(rig.store.pass_seen([1; 32], at(999)).await.unwrap(), Some(at(500)));
    assert_eq!(rig.store.pass_seen([1; 32], at(1000)).await.unwrap(), None);
    rig.store.end_pass([1; 32]).await.unwrap();
    assert_eq!(rig.store.pass_seen([1; 32], at(600)).await.unwrap(), None);
    assert_eq!(rig.store.pass_seen([2; 32], at(600)).await.unwrap(), Some(at(0)));
    rig.finish().await;
}
