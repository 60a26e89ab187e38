//! Dead letters are found by what they have in common, page by page, and counted by their reasons.

use relay_domain::Timestamp;
use relay_domain::id::EventId;
use relay_store::{DeadFilter, End, EventState, Finish, Lane, LaneKind, NewEvent, Recorded};
use relay_testing::Database;

use crate::rig::{Rig, at, event, finish, lane, session, session_id};

on_both!(dead_letters_are_found_by_what_they_have_in_common, dead_letters_come_in_pages, reasons_are_counted);

/// Stores an event and ends it.
pub(crate) async fn ended(rig: &Rig, new: NewEvent, end: End, now: Timestamp) -> EventId {
    let (id, chat) = (new.id.clone(), new.lane.chat.clone());
    rig.store_all([new]).await;
    let leases = rig.store.claim(at(10_000), 100, Vec::new()).await.unwrap();
    let lease = leases.into_iter().find(|lease| lease.lane.chat == chat).unwrap();
    let due = rig.due(&lease, at(10_000)).await;
    let head = due.iter().find(|event| event.id == id).unwrap();
    let finish = Finish { now, release: true, ..finish(&rig.store, &lease, head, end) };
    assert_eq!(rig.store.finish(finish).await.unwrap(), Recorded::Yes);
    id
}

pub(crate) fn died(reason: &str) -> End {
    End::Dead(reason.to_owned())
}

/// Five dead letters of two sessions, and one that was delivered.
async fn five(rig: &Rig) -> [EventId; 5] {
    rig.store.insert_session(session("loja02", 2)).await.unwrap();
    let out = |chat: &str| Lane { kind: LaneKind::Out, ..lane(chat) };
    let elsewhere = Lane { session: session_id("loja02"), ..lane("f") };
    ended(rig, event(&lane("z"), "fine"), End::Delivered, at(1)).await;
    [
        ended(rig, event(&lane("a"), "1"), died("refused: no such thing"), at(10)).await,
        ended(rig, event(&lane("b"), "2"), died("refused"), at(20)).await,
        ended(rig, event(&out("c"), "3"), End::Expired("too_old: it waited".to_owned()), at(30)).await,
        ended(rig, NewEvent { kind: "call.upsert".to_owned(), ..event(&lane("d"), "4") }, died("refused_x: y"), at(40))
            .await,
        ended(rig, event(&elsewhere, "5"), died("Ana's file: gone"), at(50)).await,
    ]
}

async fn dead_letters_are_found_by_what_they_have_in_common(database: Database) {
    let rig = Rig::on(database).await;
    let ids = five(&rig).await;
    let all = DeadFilter::default();
    let table = [
        (all.clone(), vec![4, 3, 2, 1, 0]),
        (DeadFilter { session: Some(session_id("loja01")), ..all.clone() }, vec![3, 2, 1, 0]),
        (DeadFilter { kind: Some(LaneKind::Out), ..all.clone() }, vec![2]),
        (DeadFilter { state: Some(EventState::Dead), ..all.clone() }, vec![4, 3, 1, 0]),
        (DeadFilter { state: Some(EventState::Expired), ..all.clone() }, vec![2]),
        (DeadFilter { chat: Some("b".to_owned()), ..all.clone() }, vec![1]),
        (DeadFilter { event: Some("call.upsert".to_owned()), ..all.clone() }, vec![3]),
        (DeadFilter { reason: Some("refused".to_owned()), ..all.clone() }, vec![1, 0]),
        (DeadFilter { reason: Some("ref%".to_owned()), ..all.clone() }, vec![]),
        (DeadFilter { since: Some(at(20)), until: Some(at(40)), ..all.clone() }, vec![2, 1]),
    ];
    for (filter, expected) in table {
        let found = rig.store.dead(&filter, None, 10).await.unwrap();
        let found: Vec<_> = found.into_iter().map(|letter| letter.id).collect();
        let expected: Vec<_> = expected.into_iter().map(|index: usize| ids[index].clone()).collect();
        assert_eq!(found, expected, "{filter:?}");
    }
    rig.store_all([event(&lane("w"), "waits")]).await;
    let waiting = DeadFilter { state: Some(EventState::Pending), ..DeadFilter::default() };
    let waiting = rig.store.dead(&waiting, None, 10).await.unwrap();
    assert_eq!(waiting.iter().map(|event| event.lane.chat.as_str()).collect::<Vec<_>>(), ["w"]);
    rig.finish().await;
}

async fn dead_letters_come_in_pages(database: Database) {
    let rig = Rig::on(database).await;
    let ids = five(&rig).await;
    let (mut found, mut before) = (Vec::new(), None);
    loop {
        let page = rig.store.dead(&DeadFilter::default(), before.as_ref(), 2).await.unwrap();
        before = page.last().map(|letter| letter.id.clone());
        if page.is_empty() {
            break;
        }
        found.extend(page.into_iter().map(|letter| letter.id));
    }
    found.reverse();
    assert_eq!(found, ids);
    rig.finish().await;
}

async fn reasons_are_counted(database: Database) {
    let rig = Rig::on(database).await;
    five(&rig).await;
    let groups = rig.store.dead_groups(&DeadFilter::default()).await.unwrap();
    let mut told: Vec<_> = groups
        .iter()
        .map(|group| (group.session.as_str(), group.state.as_str(), group.reason.as_str(), group.count))
        .collect();
    told.sort_unstable();
    // a reason that begins with anybody's words has no class of its own, nor has one that is a word alone
    let expected = [
        ("id-of-loja01", "dead", "other", 1),
        ("id-of-loja01", "dead", "refused", 1),
        ("id-of-loja01", "dead", "refused_x", 1),
        ("id-of-loja01", "expired", "too_old", 1),
        ("id-of-loja02", "dead", "other", 1),
    ];
    assert_eq!(told, expected);
    ended(&rig, event(&lane("g"), "6"), died("refused: again"), at(60)).await;
    let refused = DeadFilter { reason: Some("refused".to_owned()), kind: Some(LaneKind::In), ..DeadFilter::default() };
    let groups = rig.store.dead_groups(&refused).await.unwrap();
    assert_eq!((groups[0].count, groups[0].first, groups[0].last), (2, at(10), at(60)));
    rig.finish().await;
}
