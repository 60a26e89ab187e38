//! What ended well long ago is removed, and accounted for.

use relay_domain::backoff::Direction;
use relay_domain::event::Ignored;
use relay_domain::id::{ChatKey, CwConversationId, CwMessageId, WaMessageId};
use relay_store::{
    Change, Decided, Decision, End, Finish, Ingested, LinkChange, LinkKey, NewEvent, NewLink, Pruned, Recorded,
    Reserve, Reserved,
};
use relay_testing::Database;

use crate::dead::{died, ended};
use crate::rig::{Rig, at, attempt, event, finish, lane, placed};

on_both!(
    old_events_go_and_are_accounted_for,
    what_tells_of_a_dead_letter_stays,
    links_outlive_their_events,
    a_prune_goes_in_portions,
);

async fn old_events_go_and_are_accounted_for(database: Database) {
    let rig = Rig::on(database).await;
    ended(&rig, event(&lane("a"), "1"), End::Delivered, at(10)).await;
    ended(&rig, event(&lane("b"), "2"), End::Ignored(Ignored::PrivateNote), at(11)).await;
    ended(&rig, event(&lane("c"), "3"), died("refused: x"), at(12)).await;
    ended(&rig, event(&lane("d"), "4"), End::Delivered, at(50)).await;
    rig.store_all([event(&lane("e"), "5")]).await;
    let raw = rig.raw().await;
    raw.run("INSERT INTO attempt (event, number, started_at, duration_ms, outcome, worker) SELECT id, 1, 1, 1, 'ok', 'w' FROM event")
        .await;
    let before = rig.store.tally().await.unwrap();
    assert_eq!(rig.store.prune(at(40), at(0)).await.unwrap(), Pruned::default(), "their bodies are there still");
    rig.store.purge(at(1000), at(1000)).await.unwrap();
    assert_eq!(rig.store.prune(at(10), at(0)).await.unwrap(), Pruned::default());
    assert_eq!(rig.store.prune(at(40), at(0)).await.unwrap(), Pruned { events: 2, links: 0 });
    assert_eq!(rig.store.tally().await.unwrap(), before);
    let left = raw.texts("SELECT dedup_key FROM event ORDER BY dedup_key").await;
    assert_eq!(left.into_iter().flatten().collect::<Vec<_>>(), ["3", "4", "5"]);
    assert_eq!(raw.number("SELECT COUNT(*) FROM attempt").await, Some(3));
    // a copy that comes so late is received anew, and the sum is right again
    assert_eq!(rig.store.ingest(event(&lane("a"), "1")).await.unwrap(), Ingested::Stored);
    assert_eq!(rig.store.tally().await.unwrap().received, before.received + 1);
    // and what vanishes otherwise is still noticed
    raw.run("DELETE FROM event WHERE dedup_key = '4'").await;
    assert_eq!(rig.store.tally().await.unwrap().conservation_error(), 1);
    raw.close().await;
}

async fn what_tells_of_a_dead_letter_stays(database: Database) {
    let rig = Rig::on(database).await;
    let message = ended(&rig, placed(&lane("a"), 7), died("refused: x"), at(1)).await;
    ended(&rig, NewEvent { order_key: 7, ..event(&lane("a"), "deleted|7") }, End::Ignored(Ignored::Deleted), at(2))
        .await;
    ended(&rig, NewEvent { order_key: 8, ..event(&lane("a"), "other") }, End::Delivered, at(3)).await;
    rig.store.purge(at(1000), at(0)).await.unwrap();
    assert_eq!(rig.store.prune(at(1000), at(0)).await.unwrap().events, 1);
    let dropped = rig.store.decide(&message, Decision::Drop("x".to_owned()), at(5)).await.unwrap();
    assert_eq!(dropped, Decided::Done);
    rig.store.purge(at(1000), at(0)).await.unwrap();
    assert_eq!(rig.store.prune(at(1000), at(0)).await.unwrap().events, 2);
    rig.finish().await;
}

async fn links_outlive_their_events(database: Database) {
    let rig = Rig::on(database).await;
    for (order, end) in [(1, End::Delivered), (2, died("refused: x"))] {
        rig.store_all([placed(&lane("a"), order)]).await;
        let lease = rig.claim_one(at(0)).await;
        let head = rig.due(&lease, at(0)).await.remove(0);
        let key = LinkKey { direction: Direction::In, source_id: format!("them|{order}"), part: 0 };
        let part = NewLink {
            key: key.clone(),
            parts: 1,
            wa_id: WaMessageId::new(order.to_string()),
            wa_from_me: false,
            wa_participant: None,
            wa_row: None,
            cw_conversation: None,
            cw_message: None,
            is_tried: true,
        };
        let (event, chat) = (head.id.clone(), ChatKey::new("a"));
        let reserve = Reserve { lease: lease.clone(), event, chat, parts: vec![part], now: at(order) };
        assert!(matches!(rig.store.reserve(reserve).await.unwrap(), Reserved::Known(_)));
        let change =
            Change::PostedToChatwoot { conversation: CwConversationId::new(1), message: CwMessageId::new(order) };
        let end = Finish {
            attempt: Some(attempt(at(0), "x")),
            links: vec![LinkChange { key, change }],
            release: true,
            ..finish(&rig.store, &lease, &head, end)
        };
        assert_eq!(rig.store.finish(end).await.unwrap(), Recorded::Yes);
    }
    assert_eq!(rig.store.prune(at(0), at(1000)).await.unwrap(), Pruned::default(), "their events are there");
    rig.store.purge(at(1000), at(0)).await.unwrap();
    assert_eq!(rig.store.prune(at(1000), at(1)).await.unwrap(), Pruned { events: 1, links: 0 });
    assert_eq!(rig.store.prune(at(1000), at(1000)).await.unwrap(), Pruned { events: 0, links: 1 });
    let raw = rig.raw().await;
    let left = raw.texts("SELECT source_id FROM link").await;
    assert_eq!(left.into_iter().flatten().collect::<Vec<_>>(), ["them|2"], "a dead letter keeps what it was");
    raw.close().await;
    rig.finish().await;
}

async fn a_prune_goes_in_portions(database: Database) {
    let rig = Rig::on(database).await;
    let raw = rig.raw().await;
    let arrivals = (0..700).map(|number| rig.store.ingest(event(&lane("a"), &number.to_string())));
    futures_util::future::join_all(arrivals).await;
    raw.run("UPDATE event SET state = 'delivered', finished_at = 5, body = NULL").await;
    let first = rig.store.prune(at(0), at(0)).await.unwrap();
    assert!(first.is_full());
    let second = rig.store.prune(at(0), at(0)).await.unwrap();
    assert!(!second.is_full());
    assert_eq!((first.events, second.events), (500, 200));
    assert_eq!(rig.store.tally().await.unwrap().delivered, 700);
    raw.close().await;
    rig.finish().await;
}
