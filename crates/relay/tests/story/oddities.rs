//! Messages as nobody would send them, through the real door.

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use relay_domain::text::is_blank;
use relay_testing::{Database, TestApp};
use reqwest::StatusCode;
use serde_json::{Value, json};

#[path = "../../../relay-engine/src/translate/random_messages.rs"]
mod random_messages;

both!(odd_messages_are_taken_and_shown);

/// How many are posted.
const MESSAGES: usize = 60;

/// Always the same ones: what fails once fails again.
fn odd_messages() -> Vec<Value> {
    let mut runner = TestRunner::deterministic();
    let strategy = random_messages::messages();
    let mut bodies: Vec<_> = (0..MESSAGES).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect();
    for (number, body) in bodies.iter_mut().enumerate() {
        body["data"]["keyId"] = json!(format!("3AFUZZ{number:04}"));
    }
    bodies
}

async fn post(app: &TestApp, door: &str, body: &Value) -> StatusCode {
    app.http().post(door).json(body).send().await.unwrap().status()
}

async fn odd_messages_are_taken_and_shown(database: Database) {
    let app = TestApp::start(database).await;
    let door = app.codechat_webhook();
    for body in odd_messages() {
        let mut status = post(&app, &door, &body).await;
        // a disk that takes its time is answered "not now", whatever the message is
        for _ in 0..5 {
            if status == StatusCode::SERVICE_UNAVAILABLE {
                status = post(&app, &door, &body).await;
            }
        }
        assert!(status.is_success(), "{status} for {body}");
    }
    // for some of them the stand-in begins a file and never ends it, as CodeChat does: those are not waited for
    app.chatwoot_has(MESSAGES / 5).await;
    for message in app.relayed() {
        let content = message.content.as_deref().unwrap_or_default();
        assert!(!message.attachments.is_empty() || !is_blank(content), "{message:?}");
    }
    let tally = app.engine.store.tally().await.unwrap();
    assert_eq!((tally.dead, tally.expired, tally.conservation_error()), (0, 0, 0), "{tally:?}");
}
