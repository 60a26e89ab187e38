//! Messages as people look at them: filtered, page by page, with every try.

use relay_domain::event::Ignored;
use relay_domain::id::EventId;
use relay_store::{End, EventState, Finish, LaneKind, NewEvent, OpenChat, Recorded, Source, Wanted};
use relay_testing::Database;

use crate::rig::{Rig, at, attempt, event, finish, lane, placed, postpone, session, session_id};

on_both!(messages_are_found_by_what_is_known_of_them, messages_come_page_by_page, a_message_is_told_with_every_try,);

/// The order keys of what is found; each event has one of its own.
async fn found(rig: &Rig, wanted: Wanted) -> Vec<String> {
    let messages = rig.store.messages(&Wanted { limit: 50, ..wanted }).await.unwrap();
    messages.into_iter().map(|message| format!("{} {}", message.lane.chat, message.event)).collect()
}

fn named(chat: &str, name: &str) -> NewEvent {
    NewEvent { kind: name.to_owned(), ..event(&lane(chat), name) }
}

async fn messages_are_found_by_what_is_known_of_them(database: Database) {
    let rig = Rig::on(database).await;
    rig.store.insert_session(session("loja02", 2)).await.unwrap();
    let out = relay_store::Lane { kind: LaneKind::Out, ..lane("ana") };
    let elsewhere = relay_store::Lane { session: session_id("loja02"), ..lane("ana") };
    rig.store_all([
        named("ana", "first"),
        NewEvent { received_at: at(100), ..named("bia", "second") },
        NewEvent { source: Source::Chatwoot, received_at: at(200), kind: "third".into(), ..event(&out, "third") },
        NewEvent { received_at: at(300), kind: "fourth".into(), ..event(&elsewhere, "fourth") },
    ])
    .await;
    let lease = rig.claim_one_of("bia").await;
    let due = rig.due(&lease, at(200)).await;
    let ended = finish(&rig.store, &lease, &due[0], End::Ignored(Ignored::OwnCopy));
    assert_eq!(rig.store.finish(ended).await.unwrap(), Recorded::Yes);
    let open = OpenChat {
        session: session_id("loja01"),
        jid: None,
        aliases: vec!["ana".to_owned(), "ana-by-another-name".to_owned()],
        spellings: Vec::new(),
    };
    rig.store.open_chat(open).await.unwrap();

    let all = ["ana fourth", "ana third", "bia second", "ana first"];
    assert_eq!(found(&rig, Wanted::default()).await, all);
    let session = Wanted { session: Some(session_id("loja01")), ..Wanted::default() };
    assert_eq!(found(&rig, session).await, all[1..]);
    let kind = Wanted { kind: Some(LaneKind::Out), ..Wanted::default() };
    assert_eq!(found(&rig, kind).await, ["ana third"]);
    let state = Wanted { state: Some(EventState::Ignored), ..Wanted::default() };
    assert_eq!(found(&rig, state).await, ["bia second"]);
    let chat = |name: &str| Wanted { chat: Some(name.to_owned()), ..Wanted::default() };
    assert_eq!(found(&rig, chat("bia")).await, ["bia second"]);
    assert_eq!(found(&rig, chat("ana-by-another-name")).await, ["ana third", "ana first"]);
    assert!(found(&rig, chat("nobody")).await.is_empty());
    let since = Wanted { since: Some(at(200)), ..Wanted::default() };
    assert_eq!(found(&rig, since).await, all[..2]);
    let both = Wanted { since: Some(at(100)), ..chat("bia") };
    assert_eq!(found(&rig, both).await, ["bia second"]);
    rig.finish().await;
}

async fn messages_come_page_by_page(database: Database) {
    let rig = Rig::on(database).await;
    rig.store_all((1..=5).map(|order_key| placed(&lane("a"), order_key))).await;
    let mut wanted = Wanted { limit: 2, ..Wanted::default() };
    let mut ids = Vec::new();
    loop {
        let page = rig.store.messages(&wanted).await.unwrap();
        let Some(last) = page.last() else { break };
        assert!(page.len() <= 2);
        wanted.before = Some(last.id.clone());
        ids.extend(page.into_iter().map(|message| message.id));
    }
    assert_eq!(ids.len(), 5);
    assert!(ids.is_sorted_by(|newer, older| newer > older), "{ids:?}");
    rig.finish().await;
}

async fn a_message_is_told_with_every_try(database: Database) {
    let rig = Rig::on(database).await;
    rig.store_all([event(&lane("a"), "only")]).await;
    let lease = rig.claim_one(at(0)).await;
    let due = rig.due(&lease, at(0)).await.remove(0);
    let wait = postpone(&rig.store, &lease, &due, at(10), at(20));
    assert_eq!(rig.store.postpone(wait).await.unwrap(), Recorded::Yes);
    let lease = rig.claim_one(at(20)).await;
    let last = relay_store::Attempt { http_status: None, detail: None, ..attempt(at(20), "ok") };
    let ended = Finish { now: at(27), attempt: Some(last), ..finish(&rig.store, &lease, &due, End::Delivered) };
    assert_eq!(rig.store.finish(ended).await.unwrap(), Recorded::Yes);

    let told = rig.store.message(&due.id).await.unwrap().unwrap();
    assert_eq!((told.state, told.attempts, told.finished_at), (EventState::Delivered, 2, Some(at(27))));
    assert_eq!((told.lane, told.body), (lane("a"), Some(due.body.clone())));
    let tries = rig.store.tries(&due.id).await.unwrap();
    let tries: Vec<_> = tries.iter().map(|tried| (tried.number, tried.started_at, tried.outcome.as_str())).collect();
    assert_eq!(tries, [(1, at(10), "unavailable"), (2, at(20), "ok")]);
    let first = rig.store.tries(&due.id).await.unwrap().remove(0);
    assert_eq!((first.http_status, first.detail.as_deref(), first.duration_ms), (Some(503), Some("no answer"), 7));

    let nobody = EventId::generate();
    assert_eq!(rig.store.message(&nobody).await.unwrap(), None);
    assert!(rig.store.tries(&nobody).await.unwrap().is_empty());
    rig.finish().await;
}
