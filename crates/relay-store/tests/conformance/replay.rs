//! Another turn for dead letters, or an end without one.

use bytes::Bytes;
use futures_util::future::join_all;
use relay_domain::backoff::Direction;
use relay_domain::event::Ignored;
use relay_domain::id::{ChatKey, CwConversationId, CwMessageId, EventId, WaMessageId};
use relay_store::{
    Change, DeadFilter, DecideMany, Decided, Decision, End, EventState, Finish, Lane, LaneKind, Lease, LinkChange,
    LinkKey, LinkState, NewEvent, NewLink, Origin, Portion, Recorded, Reserve, Reserved, Source,
};
use relay_testing::Database;

use crate::dead::{died, ended};
use crate::rig::{Rig, at, attempt, event, finish, lane, placed, postpone, session_id};

on_both!(
    a_dead_letter_gets_another_turn,
    only_what_was_not_sent_is_freed,
    what_was_emptied_cannot_be_tried_again,
    what_is_not_dead_stays_as_it_is,
    a_dropped_letter_is_accounted_for,
    a_lane_at_work_meets_the_letter_when_it_is_given_back,
    a_lane_that_waits_after_a_failure_goes_on_waiting,
    many_letters_wait_again_in_the_order_of_their_lanes,
    two_processes_decide_once,
    a_letter_of_a_chat_that_was_joined_goes_where_the_chat_went,
);

async fn retry(rig: &Rig, id: &EventId) -> Decided {
    rig.store.decide(id, Decision::Retry, at(500)).await.unwrap()
}

async fn a_dead_letter_gets_another_turn(database: Database) {
    let rig = Rig::on(database).await;
    rig.store_all([placed(&lane("a"), 7)]).await;
    let lease = rig.claim_one(at(0)).await;
    let head = rig.due(&lease, at(0)).await.remove(0);
    assert_eq!(rig.store.postpone(postpone(&rig.store, &lease, &head, at(0), at(1))).await.unwrap(), Recorded::Yes);
    let lease = rig.claim_one(at(1)).await;
    let head = rig.due(&lease, at(1)).await.remove(0);
    assert_eq!(rig.store.last_outcome(&head.id).await.unwrap().as_deref(), Some("unavailable"));
    let tried = Some(attempt(at(1), "refused"));
    let end = Finish { attempt: tried, release: true, ..finish(&rig.store, &lease, &head, died("refused: x")) };
    assert_eq!(rig.store.finish(end).await.unwrap(), Recorded::Yes);
    assert_eq!(rig.store.next_due().await.unwrap(), None);

    assert_eq!(retry(&rig, &head.id).await, Decided::Done);
    assert_eq!(rig.store.next_due().await.unwrap(), Some(at(500)));
    let told = rig.store.message(&head.id).await.unwrap().unwrap();
    assert_eq!((told.state, told.reason, told.finished_at, told.attempts), (EventState::Pending, None, None, 2));
    let lease = rig.claim_one(at(500)).await;
    let again = rig.due(&lease, at(500)).await.remove(0);
    assert_eq!((again.origin, again.run_at, again.order_key), (Origin::Manual, at(500), 7));
    assert_eq!((again.received_at, &again.body), (head.received_at, &head.body));
    // the schedule begins anew, the history goes on
    assert_eq!((again.attempts, again.first_failed_at), (0, None));
    assert_eq!(rig.store.last_outcome(&again.id).await.unwrap(), None);
    let tried = Some(attempt(at(500), "delivered"));
    let end = Finish { attempt: tried, release: true, ..finish(&rig.store, &lease, &head, End::Delivered) };
    assert_eq!(rig.store.finish(end).await.unwrap(), Recorded::Yes);
    let tries = rig.store.tries(&head.id).await.unwrap();
    let tries: Vec<_> = tries.iter().map(|tried| (tried.number, tried.outcome.as_str())).collect();
    assert_eq!(tries, [(1, "unavailable"), (2, "refused"), (3, "delivered")]);
    rig.finish().await;
}

fn part(source_id: &str, part: u16, message: i64) -> NewLink {
    NewLink {
        key: LinkKey { direction: Direction::Out, source_id: source_id.to_owned(), part },
        parts: 2,
        wa_id: WaMessageId::new(format!("WA{source_id}{part}")),
        wa_from_me: true,
        wa_participant: None,
        wa_row: None,
        cw_conversation: Some(CwConversationId::new(1)),
        cw_message: Some(CwMessageId::new(message)),
        is_tried: true,
    }
}

async fn parts_of(rig: &Rig, message: i64) -> Vec<LinkState> {
    let links = rig.store.links_by_cw(&session_id("loja01"), CwMessageId::new(message)).await.unwrap();
    links.into_iter().map(|link| link.state).collect()
}

async fn only_what_was_not_sent_is_freed(database: Database) {
    let rig = Rig::on(database).await;
    let out = Lane { kind: LaneKind::Out, ..lane("a") };
    let turn = |key: &str| NewEvent { source: Source::Chatwoot, ..NewEvent { order_key: 7, ..event(&out, key) } };
    rig.store_all([turn("message|7"), NewEvent { order_key: 8, ..event(&out, "message|8") }]).await;
    let lease = rig.claim_one(at(0)).await;
    let due = rig.due(&lease, at(0)).await;
    for (event, parts) in [(&due[0], vec![part("7", 0, 7), part("7", 1, 7)]), (&due[1], vec![part("8", 0, 8)])] {
        let (lease, event, chat) = (lease.clone(), event.id.clone(), ChatKey::new("a"));
        let reserve = Reserve { lease, event, chat, parts, now: at(0) };
        assert!(matches!(rig.store.reserve(reserve).await.unwrap(), Reserved::Known(_)));
    }
    let changed = |part: NewLink, change| LinkChange { key: part.key, change };
    let sent = Change::SentToWhatsApp { id: WaMessageId::new("WA70"), row: None };
    let links = vec![changed(part("7", 0, 7), sent), changed(part("7", 1, 7), Change::Failed)];
    let end = Finish { links, ..finish(&rig.store, &lease, &due[0], died("refused: x")) };
    assert_eq!(rig.store.finish(end).await.unwrap(), Recorded::Yes);
    let links = vec![changed(part("8", 0, 8), Change::Failed)];
    let end = Finish { links, release: true, ..finish(&rig.store, &lease, &due[1], died("refused: x")) };
    assert_eq!(rig.store.finish(end).await.unwrap(), Recorded::Yes);
    // the agent's own Retry was a second event of the same message, which died as well
    let again = ended(&rig, turn("retry|7|1"), died("refused: x"), at(9)).await;
    assert_eq!(parts_of(&rig, 7).await, [LinkState::Sent, LinkState::Failed]);
    assert_eq!(retry(&rig, &again).await, Decided::Done);
    assert_eq!(parts_of(&rig, 7).await, [LinkState::Sent, LinkState::Intent]);
    assert_eq!(parts_of(&rig, 8).await, [LinkState::Failed], "it is another message's");
    rig.finish().await;
}

async fn what_was_emptied_cannot_be_tried_again(database: Database) {
    let rig = Rig::on(database).await;
    let id = ended(&rig, event(&lane("a"), "1"), died("refused: x"), at(5)).await;
    assert_eq!(rig.store.purge(at(0), at(6)).await.unwrap(), 1);
    assert_eq!(retry(&rig, &id).await, Decided::BodyGone);
    let portion = rig.store.decide_many(many(None, 10, Decision::Retry)).await.unwrap();
    assert_eq!((portion.done, portion.refused), (0, 1));
    assert_eq!(rig.store.tally().await.unwrap().dead, 1);
    assert_eq!(rig.store.decide(&id, Decision::Drop("too late".to_owned()), at(9)).await.unwrap(), Decided::Done);
    rig.finish().await;
}

async fn what_is_not_dead_stays_as_it_is(database: Database) {
    let rig = Rig::on(database).await;
    assert_eq!(retry(&rig, &EventId::generate()).await, Decided::Unknown);
    let delivered = ended(&rig, event(&lane("a"), "1"), End::Delivered, at(5)).await;
    let ignored = ended(&rig, event(&lane("b"), "2"), End::Ignored(Ignored::PrivateNote), at(5)).await;
    let expired = ended(&rig, event(&lane("c"), "3"), End::Expired("too_old: x".to_owned()), at(5)).await;
    let dropped = Decision::Drop("x".to_owned());
    for decision in [Decision::Retry, dropped.clone()] {
        for (id, state) in [(&delivered, EventState::Delivered), (&ignored, EventState::Ignored)] {
            assert_eq!(rig.store.decide(id, decision.clone(), at(9)).await.unwrap(), Decided::Is(state));
        }
    }
    assert_eq!(retry(&rig, &expired).await, Decided::Done);
    assert_eq!(retry(&rig, &expired).await, Decided::Is(EventState::Pending));
    assert_eq!(rig.store.decide(&expired, dropped, at(9)).await.unwrap(), Decided::Is(EventState::Pending));
    let tally = rig.store.tally().await.unwrap();
    assert_eq!((tally.delivered, tally.ignored, tally.expired, tally.pending), (1, 1, 0, 1));
    rig.finish().await;
}

async fn a_dropped_letter_is_accounted_for(database: Database) {
    let rig = Rig::on(database).await;
    let id = ended(&rig, event(&lane("a"), "1"), died("refused: x"), at(5)).await;
    let decided = rig.store.decide(&id, Decision::Drop("Ana was called".to_owned()), at(9)).await.unwrap();
    assert_eq!(decided, Decided::Done);
    let told = rig.store.message(&id).await.unwrap().unwrap();
    assert_eq!((told.state, told.reason.as_deref()), (EventState::Ignored, Some("dropped: Ana was called")));
    assert_eq!(told.finished_at, Some(at(9)));
    assert_eq!(rig.store.next_due().await.unwrap(), None);
    let tally = rig.store.tally().await.unwrap();
    assert_eq!((tally.received, tally.dead, tally.ignored), (1, 0, 1));
    assert_eq!(retry(&rig, &id).await, Decided::Is(EventState::Ignored));
    rig.finish().await;
}

async fn a_lane_at_work_meets_the_letter_when_it_is_given_back(database: Database) {
    let rig = Rig::on(database).await;
    let id = ended(&rig, placed(&lane("a"), 1), died("refused: x"), at(5)).await;
    rig.store_all([placed(&lane("a"), 2)]).await;
    let lease = rig.claim_one(at(10)).await;
    let due = rig.due(&lease, at(10)).await;
    assert_eq!(retry(&rig, &id).await, Decided::Done);
    // the lease holds, and what was read is what is worked on
    assert_eq!(due.iter().map(|event| event.order_key).collect::<Vec<_>>(), [2]);
    let end = Finish { release: true, ..finish(&rig.store, &lease, &due[0], End::Delivered) };
    assert_eq!(rig.store.finish(end).await.unwrap(), Recorded::Yes);
    let lease = rig.claim_one(at(500)).await;
    assert!(lease.done_to > 1, "it will be marked as late");
    assert_eq!(rig.drain(&lease, at(500)).await, [1]);
    rig.finish().await;
}

async fn a_lane_that_waits_after_a_failure_goes_on_waiting(database: Database) {
    let rig = Rig::on(database).await;
    let id = ended(&rig, placed(&lane("a"), 1), died("refused: x"), at(5)).await;
    rig.store_all([placed(&lane("a"), 2)]).await;
    let lease = rig.claim_one(at(10)).await;
    let head = rig.due(&lease, at(10)).await.remove(0);
    let wait = postpone(&rig.store, &lease, &head, at(10), at(60_000));
    assert_eq!(rig.store.postpone(wait).await.unwrap(), Recorded::Yes);
    assert_eq!(retry(&rig, &id).await, Decided::Done);
    assert_eq!(rig.store.next_due().await.unwrap(), Some(at(60_000)));
    let lease = rig.claim_one(at(60_000)).await;
    assert_eq!(rig.drain(&lease, at(60_000)).await, [1, 2]);
    rig.finish().await;
}

fn many(after: Option<EventId>, limit: u32, decision: Decision) -> DecideMany {
    DecideMany { filter: DeadFilter::default(), after, limit, decision, now: at(500) }
}

/// Ten dead letters in each of `lanes` lanes, which died in no order.
async fn dead_in_lanes(rig: &Rig, lanes: usize) -> Vec<Lease> {
    let chats: Vec<_> = (0..lanes).map(|number| format!("chat{number}")).collect();
    let orders = [5, 1, 9, 3, 7, 2, 8, 4, 6, 10];
    rig.store_all(chats.iter().flat_map(|chat| orders.map(|order| placed(&lane(chat), order)))).await;
    let mut left = lanes * orders.len();
    let mut leases = Vec::new();
    while left > 0 {
        for lease in rig.store.claim(at(10), 100, Vec::new()).await.unwrap() {
            let mut due = rig.due(&lease, at(10)).await;
            left -= due.len();
            due.reverse();
            for event in &due {
                let end = finish(&rig.store, &lease, event, died("refused: x"));
                assert_eq!(rig.store.finish(end).await.unwrap(), Recorded::Yes);
            }
            assert_eq!(rig.store.release(lease.clone()).await.unwrap(), Recorded::Yes);
            leases.push(lease);
        }
    }
    leases
}

async fn many_letters_wait_again_in_the_order_of_their_lanes(database: Database) {
    let rig = Rig::on(database).await;
    dead_in_lanes(&rig, 3).await;
    let (mut after, mut done) = (None, 0);
    loop {
        let portion = rig.store.decide_many(many(after, 7, Decision::Retry)).await.unwrap();
        done += portion.done;
        let Some(last) = portion.last else { break };
        // whatever goes now, no lane has a letter behind that belongs in front
        let raw = rig.raw().await;
        let overtaken = raw
            .number(
                "SELECT COUNT(*) FROM event AS left_behind JOIN event AS gone ON gone.lane = left_behind.lane \
                 WHERE left_behind.state = 'dead' AND gone.state = 'pending' AND gone.order_key > left_behind.order_key",
            )
            .await;
        assert_eq!(overtaken, Some(0));
        raw.close().await;
        after = Some(last);
    }
    assert_eq!(done, 30);
    let mut delivered = 0;
    while delivered < 30 {
        for lease in rig.store.claim(at(500), 10, Vec::new()).await.unwrap() {
            let orders = rig.drain(&lease, at(500)).await;
            assert!(orders.is_sorted(), "{orders:?}");
            delivered += orders.len();
        }
    }
    assert_eq!(rig.store.decide_many(many(None, 7, Decision::Retry)).await.unwrap(), Portion::default());
    rig.finish().await;
}

/// Two processes decide about the same letters while lanes are claimed and given back: every letter gets one turn, and every lane that
/// has work knows it.
async fn two_processes_decide_once(database: Database) {
    let rig = Rig::on(database).await;
    dead_in_lanes(&rig, 8).await;
    let second = rig.second().await;
    let all = async |store: &crate::rig::Worker| {
        let (mut after, mut done) = (None, 0);
        loop {
            let portion = store.decide_many(many(after, 5, Decision::Retry)).await.unwrap();
            done += portion.done;
            match portion.last {
                Some(last) => after = Some(last),
                None => return done,
            }
        }
    };
    let work = async {
        let mut turns = 0;
        for _ in 0..400 {
            let leases = rig.store.claim(at(500), 10, Vec::new()).await.unwrap();
            turns += join_all(leases.iter().map(|lease| rig.drain(lease, at(500)))).await.concat().len();
        }
        turns
    };
    let (one, other, mut turns) = tokio::join!(all(&rig.store), all(&second), work);
    assert_eq!(one + other, 80);
    while turns < 80 {
        let leases = rig.store.claim(at(500), 10, Vec::new()).await.unwrap();
        assert!(!leases.is_empty(), "a lane with work is not due: {turns}");
        turns += join_all(leases.iter().map(|lease| rig.drain(lease, at(500)))).await.concat().len();
    }
    assert_eq!(rig.store.tally().await.unwrap().delivered, 80);
    if database == Database::Postgres {
        second.close().await.unwrap();
    }
    rig.finish().await;
}

async fn a_letter_of_a_chat_that_was_joined_goes_where_the_chat_went(database: Database) {
    let rig = Rig::on(database).await;
    let body = Bytes::from_static(b"{\"x\":1}");
    let id = ended(&rig, NewEvent { body, ..placed(&lane("gone"), 1) }, died("refused: x"), at(5)).await;
    let raw = rig.raw().await;
    raw.run("UPDATE lane SET moved_to = 'stays' WHERE chat = 'gone'").await;
    raw.close().await;
    assert_eq!(retry(&rig, &id).await, Decided::Done);
    let mut leases = rig.store.claim(at(500), 10, Vec::new()).await.unwrap();
    if leases.is_empty() {
        leases = rig.store.claim(at(500), 10, Vec::new()).await.unwrap();
    }
    assert_eq!(leases[0].lane, lane("stays"));
    assert_eq!(rig.drain(&leases[0], at(500)).await, [1]);
    rig.finish().await;
}
