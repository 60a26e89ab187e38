//! Whether the phone is connected is told by webhooks, which overtake each other and get lost: CodeChat is asked as well.

use std::time::Duration;

use relay_sim::{AgentMessage, ConnectionState, HookFaults};
use relay_testing::{Database, TestApp};
use reqwest::Method;
use serde_json::json;

use crate::support::{ANA, SESSION, answers, finish_clean, later, meet, skip_until};

both!(
    a_word_that_was_overtaken_is_corrected,
    a_refused_send_shows_that_the_phone_is_gone,
    what_changes_and_changes_back_at_once_is_noted,
);

async fn connection(app: &TestApp) -> String {
    let (_, session) = app.call(Method::GET, "/session/loja01", None).await;
    session["connection"].as_str().unwrap().to_owned()
}

async fn is_shown(app: &TestApp, wanted: &str) {
    app.until(&format!("the phone to be {wanted}"), async || connection(app).await == wanted).await;
}

fn tells(app: &TestApp, state: &str) {
    let data = json!({ "instance": SESSION, "state": state, "statusReason": 200 });
    app.codechat
        .emit_raw(SESSION, &json!({ "event": "connection.update", "instance": { "name": SESSION }, "data": data }));
}

/// Waits until CodeChat's webhooks about the connection are taken.
async fn told(app: &TestApp, count: usize) {
    let told = || app.codechat.ack_log().iter().filter(|ack| ack.key.starts_with("connection.update")).count();
    app.until("the webhooks", async || told() >= count).await;
    app.settle().await;
}

async fn a_word_that_was_overtaken_is_corrected(database: Database) {
    let app = TestApp::start(database).await;
    told(&app, 3).await;
    is_shown(&app, "open").await;
    // an older word, long on its way
    tells(&app, "connecting");
    told(&app, 4).await;
    is_shown(&app, "connecting").await;
    let minute = Duration::from_mins(1);
    skip_until(&app, "the right state", minute, async || connection(&app).await == "open").await;
    finish_clean(app).await;
}

async fn a_refused_send_shows_that_the_phone_is_gone(database: Database) {
    let app = TestApp::start(database).await;
    let conversation = meet(&app, ANA).await;
    told(&app, 3).await;
    app.codechat.set_hook_faults(HookFaults { drop_percent: 100, ..HookFaults::default() });
    app.codechat.set_connection(SESSION, ConnectionState::Close);
    answers(&app, conversation, AgentMessage::text("Está aí?"));
    is_shown(&app, "close").await;
    app.codechat.set_connection(SESSION, ConnectionState::Open);
    app.codechat.set_hook_faults(HookFaults::default());
    later(&app, Duration::from_secs(10));
    app.whatsapp_has(1).await;
    is_shown(&app, "open").await;
    finish_clean(app).await;
}

async fn what_changes_and_changes_back_at_once_is_noted(database: Database) {
    let app = TestApp::start(database).await;
    told(&app, 3).await;
    for (count, state) in [(4, "close"), (5, "connecting"), (6, "open")] {
        tells(&app, state);
        told(&app, count).await;
    }
    assert_eq!(connection(&app).await, "open");
    finish_clean(app).await;
}
