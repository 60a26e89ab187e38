//! Going slowly on purpose: to protect the number, and because Chatwoot takes no more. Nobody starves meanwhile.

use std::time::Duration;

use relay_sim::{AgentFile, AgentMessage, Fault, FaultAction, assets, route};
use relay_testing::{Database, Options, TestApp};
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::{
    ANA, BIA, SESSION, answers, finish_clean, later, meet, pending, says, skip_until, skip_until_settled,
    start_timeless, start_timeless_with, status, texts_in, texts_sent,
};

both!(
    a_number_sends_at_its_pace_and_every_chat_gets_its_share,
    parts_wait_for_their_turn_too,
    a_conversation_never_gets_more_than_chatwoot_takes,
    a_busy_session_delays_no_other,
);

/// Three customers.
const CAIO: &str = "5511900000003";
/// Messages for the first of them.
const MANY: usize = 30;

async fn paced(database: Database, tune: fn(&mut relay_engine::EngineConfig)) -> TestApp {
    start_timeless_with(Options { tune, ..Options::on(database) }).await
}

async fn a_number_sends_at_its_pace_and_every_chat_gets_its_share(database: Database) {
    let app = paced(database, |config| {
        config.outbound_pace = 1.0;
        config.outbound_burst = 5;
        config.hold_out = Duration::from_mins(1);
        // pacing must not make anything too old
        config.outbound_ttl = Duration::from_secs(5);
    })
    .await;
    let mut ids = Vec::new();
    let mut conversations = Vec::new();
    for customer in [ANA, BIA, CAIO] {
        conversations.push(meet(&app, customer).await);
    }
    app.settle().await;
    let wanted: Vec<String> = (0..MANY).map(|number| format!("a{number}")).collect();
    for text in &wanted {
        ids.push(answers(&app, conversations[0], AgentMessage::text(text)));
    }
    for (conversation, text) in [(1, "b0"), (1, "b1"), (2, "c0")] {
        ids.push(answers(&app, conversations[conversation], AgentMessage::text(text)));
    }
    app.until("all to be stored", async || pending(&app).await == 33).await;
    app.clock.advance(Duration::from_secs(61));
    let began = app.clock.now();
    later(&app, Duration::ZERO);
    app.until("the first five", async || app.codechat.submission_count() == 5).await;
    let step = Duration::from_millis(200);
    skip_until(&app, "all messages", step, async || app.codechat.submission_count() == 33).await;
    let took = app.clock.now().since(began);
    assert!(took >= Duration::from_secs(28), "33 messages took {took:?} of simulated time");
    let texts = texts_sent(&app);
    let to_ana: Vec<_> = texts.iter().filter(|text| text.starts_with('a')).cloned().collect();
    assert_eq!(to_ana, wanted);
    let of_others = texts.iter().rposition(|text| !text.starts_with('a')).unwrap();
    assert!(of_others <= 12, "the others waited for one chat: {texts:?}");
    app.settle().await;
    assert!(ids.iter().all(|id| status(&app, *id).0 == "sent"));
    finish_clean(app).await;
}

async fn parts_wait_for_their_turn_too(database: Database) {
    let app = paced(database, |config| {
        config.outbound_pace = 0.1;
        config.outbound_burst = 1;
    })
    .await;
    let conversation = meet(&app, ANA).await;
    let file = |name: &str| AgentFile {
        name: name.to_owned(),
        mime: assets::PHOTO.mime.to_owned(),
        bytes: assets::PHOTO.bytes.into(),
    };
    let message = AgentMessage { attachments: vec![file("a.jpg"), file("b.jpg")], ..AgentMessage::text("Veja") };
    let message = answers(&app, conversation, message);
    app.whatsapp_has(1).await;
    let due = async || app.engine.store.next_due(&[]).await.unwrap();
    let soon = app.clock.now() + Duration::from_secs(5);
    app.until("the second part to wait", async || due().await.is_some_and(|due| due > soon)).await;
    assert_eq!(app.codechat.submission_count(), 1);
    skip_until(&app, "the second part", Duration::from_secs(1), async || app.codechat.submission_count() == 2).await;
    app.settle().await;
    assert_eq!(texts_sent(&app), ["Veja", ""]);
    assert_eq!(status(&app, message).0, "sent");
    finish_clean(app).await;
}

async fn a_conversation_never_gets_more_than_chatwoot_takes(database: Database) {
    const COUNT: usize = 400;
    let app = start_timeless(database).await;
    let conversation = meet(&app, ANA).await;
    let other = meet(&app, BIA).await;
    app.settle().await;
    later(&app, Duration::from_mins(2));
    for number in 0..30 {
        answers(&app, conversation, AgentMessage { private: true, ..AgentMessage::text(format!("nota {number}")) });
    }
    let heard = || app.chatwoot.ack_log().iter().filter(|ack| ack.key.starts_with("message_created")).count();
    app.until("the notes to be heard of", async || heard() >= 32).await;
    let wanted: Vec<String> = (0..COUNT).map(|number| number.to_string()).collect();
    for text in &wanted {
        says(&app, ANA, text);
    }
    let has = || texts_in(&app, conversation).len() - 1;
    let waits = async |count| {
        app.until(&format!("{count} messages, and a pause"), async || {
            let due = app.engine.store.next_due(&[]).await.unwrap();
            has() == count && due.is_some_and(|due| due.since(app.clock.now()) > Duration::from_secs(5))
        })
        .await;
    };
    waits(150).await;
    // another conversation goes on
    says(&app, BIA, "Oi de novo");
    app.until("the other chat", async || texts_in(&app, other).len() == 2).await;
    for count in [330, 400] {
        later(&app, Duration::from_secs(61));
        if count < COUNT {
            waits(count).await;
        }
    }
    skip_until_settled(&app).await;
    assert_eq!(texts_in(&app, conversation)[1..], wanted);
    let searches: u64 =
        app.chatwoot.calls().iter().filter(|(route, _)| route.contains("search")).map(|(_, calls)| *calls).sum();
    assert_eq!(searches, 0, "contacts are looked up without Chatwoot's search");
    finish_clean(app).await;
}

async fn a_busy_session_delays_no_other(database: Database) {
    const COUNT: usize = 1000;
    let app = TestApp::start(database).await;
    let inbox = app.chatwoot.add_inbox(app.account, "Outra", "").id;
    let chatwoot = json!({ "account_id": app.account, "inbox_id": inbox, "token": app.token });
    let made = app.call(Method::POST, "/session", Some(&json!({ "session_id": "loja02", "chatwoot": chatwoot }))).await;
    assert_eq!(made.0, StatusCode::CREATED, "{}", made.1);
    app.codechat.scan_qr("loja02", "5511988887778");
    let slow = FaultAction::Delay { ms: 20, after_commit: false };
    app.chatwoot.fault(Fault::on(route::MESSAGE_CREATE, slow));
    for number in 0..COUNT {
        says(&app, &format!("55119{:08}", number % 50), &number.to_string());
    }
    app.until("most of it to be stored", async || app.engine.store.tally().await.unwrap().received >= 900).await;
    let message = relay_sim::CustomerMessage::text(ANA, "Alguém aí?");
    app.codechat.customer_sends("loja02", &message).unwrap();
    let arrived = || app.relayed().iter().any(|message| message.content.as_deref() == Some("Alguém aí?"));
    app.until("the other session's message", async || arrived()).await;
    let left = pending(&app).await;
    assert!(left > 100, "the other session waited until {SESSION} was nearly done: {left} left");
    app.chatwoot.clear_faults();
    finish_clean(app).await;
}
