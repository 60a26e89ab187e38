//! Kills at known points: after the other side has taken a message but before the relay knows, and before it has taken it.

use relay_sim::{AgentMessage, CustomerMessage, Fault, FaultAction, Kind, assets, route};
use relay_testing::{Database, eventually};

use crate::process::{Relay, SESSION};

/// Where the process dies.
#[derive(Clone, Copy, Debug)]
enum Point {
    /// The request is on its way and has had no effect.
    BeforeEffect,
    /// It has had its effect; the answer never comes.
    AfterEffect,
}

fn phone(chat: usize) -> String {
    format!("55119{:08}", 20_000_000 + chat)
}

async fn dies_while_posting_to_chatwoot(database: Database, point: Point) {
    let kinds = [Kind::Text("a text".to_owned()), Kind::Image(None), Kind::Voice, Kind::Document("a.pdf".to_owned())];
    let mut relay = Relay::start(database, Vec::new()).await;
    for chat in 0..kinds.len() {
        relay.codechat.customer_sends(SESSION, &CustomerMessage::text(phone(chat), "hello")).unwrap();
    }
    eventually("the first messages", async || relay.chatwoot.message_count() == kinds.len()).await;
    relay.chatwoot.reset_calls();
    relay
        .chatwoot
        .fault(Fault::on(route::MESSAGE_CREATE, FaultAction::Hang { commit: matches!(point, Point::AfterEffect) }));
    let sent = kinds.iter().enumerate();
    let keys: Vec<_> = sent
        .map(|(chat, kind)| {
            relay.codechat.customer_sends(SESSION, &CustomerMessage::new(phone(chat), kind.clone())).unwrap()
        })
        .collect();
    eventually("all posts in flight", async || {
        relay.chatwoot.calls().get(route::MESSAGE_CREATE).copied().unwrap_or(0) >= 4
    })
    .await;
    relay.kill();
    relay.chatwoot.clear_faults();
    relay.spawn();
    relay.until_ready().await;
    eventually("everything to end", async || relay.events().await["pending"] == 0).await;
    for key in keys {
        let source_id = Some(format!("WAID:{key}"));
        let copies = relay.chatwoot.messages().into_iter().filter(|message| message.source_id == source_id).count();
        assert_eq!(copies, 1, "{database:?} {point:?}");
    }
    assert_eq!(relay.events().await["dead"], 0);
}

async fn dies_while_sending_to_whatsapp(database: Database, point: Point) {
    let photo = || AgentMessage::file("a.jpg", assets::PHOTO.mime, assets::PHOTO.bytes, Some("photo"));
    let voice = || AgentMessage::file("a.mp3", assets::MUSIC.mime, assets::MUSIC.bytes, None);
    let document = || AgentMessage::file("a.pdf", assets::DOCUMENT.mime, assets::DOCUMENT.bytes, Some("document"));
    let messages = [AgentMessage::text("a text"), photo(), voice(), document()];
    let mut relay = Relay::start(database, Vec::new()).await;
    for chat in 0..messages.len() {
        relay.codechat.customer_sends(SESSION, &CustomerMessage::text(phone(chat), "hello")).unwrap();
    }
    eventually("the first messages", async || relay.chatwoot.message_count() == messages.len()).await;
    relay.codechat.reset_calls();
    relay.codechat.fault(Fault::on(route::SENDS, FaultAction::Hang { commit: matches!(point, Point::AfterEffect) }));
    for (chat, message) in messages.iter().enumerate() {
        let source = phone(chat);
        let conversation =
            relay.chatwoot.conversations().into_iter().find(|known| known.source_id == source).unwrap().id;
        relay.chatwoot.agent_sends(conversation, message.clone()).unwrap();
    }
    eventually("all sends in flight", async || {
        let sends = relay.codechat.calls().into_iter().filter(|(route, _)| route.contains("/message/"));
        sends.map(|(_, count)| count).sum::<u64>() >= 4
    })
    .await;
    relay.kill();
    relay.codechat.clear_faults();
    relay.spawn();
    relay.until_ready().await;
    eventually("everything to end", async || relay.events().await["pending"] == 0).await;
    let submissions = relay.codechat.submissions();
    for chat in 0..messages.len() {
        let to = format!("{}@s.whatsapp.net", phone(chat));
        let copies = submissions.iter().filter(|submission| submission.to == to).count();
        assert_eq!(copies, 1, "{database:?} {point:?} {submissions:?}");
    }
    assert_eq!(relay.events().await["dead"], 0);
}

macro_rules! at_each_point {
    ($($name:ident: $story:ident($database:ident, $point:ident);)*) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            $story(Database::$database, Point::$point).await;
        })*
    };
}

at_each_point! {
    posting_before_effect_on_sqlite: dies_while_posting_to_chatwoot(Sqlite, BeforeEffect);
    posting_after_effect_on_sqlite: dies_while_posting_to_chatwoot(Sqlite, AfterEffect);
    posting_before_effect_on_postgres: dies_while_posting_to_chatwoot(Postgres, BeforeEffect);
    posting_after_effect_on_postgres: dies_while_posting_to_chatwoot(Postgres, AfterEffect);
    sending_before_effect_on_sqlite: dies_while_sending_to_whatsapp(Sqlite, BeforeEffect);
    sending_after_effect_on_sqlite: dies_while_sending_to_whatsapp(Sqlite, AfterEffect);
    sending_before_effect_on_postgres: dies_while_sending_to_whatsapp(Postgres, BeforeEffect);
    sending_after_effect_on_postgres: dies_while_sending_to_whatsapp(Postgres, AfterEffect);
}
