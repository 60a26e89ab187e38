//! Typing: an agent's is seen on WhatsApp, a customer's in Chatwoot, when the session wants it.

use std::time::Duration;

use relay_sim::{AgentMessage, Chat, CustomerMessage, Fault, FaultAction};
use relay_testing::{Database, Options, TestApp};
use reqwest::Method;
use serde_json::json;

use crate::support::{ANA, SESSION, answers, finish_clean, later, meet, relayed_as, says};

both!(
    an_agents_typing_is_seen_on_whatsapp,
    nobody_sees_notes_being_written,
    a_customers_typing_is_seen_in_chatwoot,
    typing_that_never_stops_fades,
    nothing_is_shown_when_it_is_off,
    a_slow_chatwoot_delays_no_message,
);

const TOGGLE: &str = "POST /public/api/v1/inboxes/{inbox}/contacts/{source}/conversations/{conversation}/toggle_typing";

async fn start(database: Database) -> TestApp {
    let app = TestApp::with(Options { settings: json!({ "typing": true }), ..Options::on(database) }).await;
    // a number that is offline shows nobody anything
    let told = || app.codechat.ack_log().iter().filter(|ack| ack.event == "connection.update").count();
    app.until("the phone to be connected", async || told() == 3).await;
    app.settle().await;
    app
}

/// What was shown to the customer, but for that we are here.
fn shown(app: &TestApp) -> Vec<String> {
    let shown = app.codechat.presences().into_iter().map(|shown| shown.presence);
    shown.filter(|presence| presence != "available").collect()
}

/// How often the customer was shown that we are here.
fn calls_on(app: &TestApp) -> usize {
    app.codechat.presences().iter().filter(|shown| shown.presence == "available").count()
}

/// What agents saw of the customer's typing, in order.
fn seen(app: &TestApp) -> Vec<String> {
    let acks = app.chatwoot.ack_log().into_iter().filter(|ack| ack.event.starts_with("conversation_typing"));
    acks.map(|ack| ack.event.replace("conversation_typing_", "")).collect()
}

/// Time for what must not happen.
async fn a_moment() {
    tokio::time::sleep(Duration::from_millis(1500)).await;
}

async fn an_agents_typing_is_seen_on_whatsapp(database: Database) {
    let app = start(database).await;
    let conversation = meet(&app, ANA).await;
    app.until("the first call", async || calls_on(&app) == 1).await;
    let before = app.settle().await;
    for _ in 0..3 {
        app.chatwoot.agent_types(1, conversation, 2, true, false);
    }
    app.until("composing", async || shown(&app) == ["composing"]).await;
    a_moment().await;
    assert_eq!(shown(&app), ["composing"], "said once");
    later(&app, Duration::from_secs(11));
    app.chatwoot.agent_types(1, conversation, 2, true, false);
    app.until("still composing", async || shown(&app).len() == 2).await;
    app.chatwoot.agent_types(1, conversation, 2, false, false);
    app.until("paused", async || shown(&app) == ["composing", "composing", "paused"]).await;
    assert!(app.codechat.presences().iter().all(|shown| shown.jid == format!("{ANA}@s.whatsapp.net")));
    assert_eq!(finish_clean(app).await, before, "typing is not stored");
}

async fn nobody_sees_notes_being_written(database: Database) {
    let app = start(database).await;
    let chat = Chat::LidOnly("200000000000001".to_owned());
    let hidden = CustomerMessage { chat, ..CustomerMessage::text(ANA, "Oi") };
    let hidden = app.codechat.customer_sends(SESSION, &hidden).unwrap();
    let hidden = relayed_as(&app, &hidden).await.conversation;
    let conversation = meet(&app, ANA).await;
    app.chatwoot.agent_types(1, conversation, 2, true, true);
    app.chatwoot.agent_types(1, conversation, 2, false, true);
    app.chatwoot.agent_types(1, hidden, 2, true, false);
    a_moment().await;
    assert_eq!(shown(&app), Vec::<String>::new());
    let calls = app.codechat.calls().get("PATCH /chat/updatePresence/{instance}").copied();
    assert_eq!(calls, Some(1), "the number alone was called on; CodeChat fails on LIDs");
    finish_clean(app).await;
}

async fn a_customers_typing_is_seen_in_chatwoot(database: Database) {
    let app = start(database).await;
    assert!(!app.codechat.customer_is(SESSION, ANA, "composing"), "nobody was called on yet");
    let conversation = meet(&app, ANA).await;
    app.until("the first call", async || calls_on(&app) == 1).await;
    let before = app.settle().await;
    assert!(app.codechat.customer_is(SESSION, ANA, "composing"));
    app.until("typing", async || seen(&app) == ["on"]).await;
    assert!(app.codechat.customer_is(SESSION, ANA, "paused"));
    app.until("no typing", async || seen(&app) == ["on", "off"]).await;
    assert!(app.codechat.customer_is(SESSION, ANA, "recording"));
    app.until("recording", async || seen(&app).len() == 3).await;
    let key = says(&app, ANA, "Pronto");
    assert_eq!(relayed_as(&app, &key).await.conversation, conversation);
    app.until("the message to end it", async || seen(&app) == ["on", "off", "on", "off"]).await;
    assert_eq!(shown(&app), Vec::<String>::new(), "what comes back is not an agent's");
    assert_eq!(calls_on(&app), 1, "rarely");
    later(&app, Duration::from_mins(1));
    says(&app, ANA, "E mais isto");
    app.until("the next call", async || calls_on(&app) == 2).await;
    assert_eq!(finish_clean(app).await.received, before.received + 2, "typing is not stored");
}

async fn typing_that_never_stops_fades(database: Database) {
    let app = start(database).await;
    meet(&app, ANA).await;
    app.until("the first call", async || calls_on(&app) == 1).await;
    assert!(app.codechat.customer_is(SESSION, ANA, "composing"));
    app.until("typing", async || seen(&app) == ["on"]).await;
    later(&app, Duration::from_secs(21));
    app.until("the end of it", async || seen(&app) == ["on", "off"]).await;
    finish_clean(app).await;
}

async fn nothing_is_shown_when_it_is_off(database: Database) {
    let app = TestApp::start(database).await;
    let conversation = meet(&app, ANA).await;
    app.chatwoot.agent_types(1, conversation, 2, true, false);
    a_moment().await;
    assert!(app.codechat.presences().is_empty());
    let change = json!({ "settings": { "typing": true } });
    assert_eq!(app.call(Method::PATCH, "/session/loja01", Some(&change)).await.0, 200);
    app.until("CodeChat to be asked for presences", async || {
        says(&app, ANA, "Oi");
        tokio::time::sleep(Duration::from_millis(200)).await;
        app.codechat.customer_is(SESSION, ANA, "composing")
    })
    .await;
    let change = json!({ "settings": { "typing": false } });
    assert_eq!(app.call(Method::PATCH, "/session/loja01", Some(&change)).await.0, 200);
    app.until("CodeChat to be asked for none", async || !app.codechat.customer_is(SESSION, ANA, "composing")).await;
    finish_clean(app).await;
}

async fn a_slow_chatwoot_delays_no_message(database: Database) {
    let app = start(database).await;
    let conversation = meet(&app, ANA).await;
    app.until("the first call", async || calls_on(&app) == 1).await;
    app.chatwoot.fault(Fault::on(TOGGLE, FaultAction::Hang { commit: false }));
    for presence in ["composing", "paused"].into_iter().cycle().take(40) {
        assert!(app.codechat.customer_is(SESSION, ANA, presence));
    }
    let started = std::time::Instant::now();
    for number in 0..3 {
        let key = says(&app, ANA, &format!("{number}"));
        relayed_as(&app, &key).await;
    }
    answers(&app, conversation, AgentMessage::text("Olá"));
    app.whatsapp_has(1).await;
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    finish_clean(app).await;
}
