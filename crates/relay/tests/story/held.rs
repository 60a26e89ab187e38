//! Messages that wait: for the phone to be connected, or until they are too old to be sent.

use std::time::Duration;

use relay_sim::{AgentMessage, ConnectionState};
use relay_testing::{Database, TestApp};

use crate::support::{
    ANA, SESSION, answers, finish_clean, heard, later, meet, skip_until, start_timeless, status, texts_sent,
};

both!(a_disconnected_phone_holds_messages, old_messages_are_not_sent, a_message_just_young_enough_is_sent);

async fn disconnect(app: &TestApp) {
    app.codechat.set_connection(SESSION, ConnectionState::Close);
    let offline = async || {
        let live = app.engine.sessions.named(SESSION).await.unwrap().unwrap();
        live.health.is_offline()
    };
    app.until("the relay to hear of it", offline).await;
}

async fn a_disconnected_phone_holds_messages(database: Database) {
    let app = TestApp::start(database).await;
    let conversation = meet(&app, ANA).await;
    disconnect(&app).await;
    let ids = ["um", "dois", "três"].map(|text| answers(&app, conversation, AgentMessage::text(text)));
    for id in ids {
        heard(&app, id).await;
    }
    let asked = "GET /instance/connectionState/{instance}";
    app.until("the relay to look", async || app.codechat.calls().contains_key(asked)).await;
    later(&app, Duration::from_secs(30));
    app.until("the relay to look again", async || app.codechat.calls()[asked] >= 2).await;
    assert_eq!(app.codechat.submission_count(), 0);
    assert!(ids.iter().all(|id| status(&app, *id).0 == "sent"), "held, not failed");
    app.codechat.set_connection(SESSION, ConnectionState::Open);
    skip_until(&app, "the messages", Duration::from_secs(1), async || app.codechat.submission_count() == 3).await;
    assert_eq!(texts_sent(&app), ["um", "dois", "três"]);
    assert!(ids.iter().all(|id| status(&app, *id).0 == "sent"));
    finish_clean(app).await;
}

async fn old_messages_are_not_sent(database: Database) {
    let app = start_timeless(database).await;
    let conversation = meet(&app, ANA).await;
    disconnect(&app).await;
    let old = answers(&app, conversation, AgentMessage::text("Seu táxi chegou"));
    heard(&app, old).await;
    later(&app, Duration::from_secs(601));
    let reason = async || status(&app, old).1.unwrap_or_default();
    app.until("the reason", async || reason().await.contains("Use Retry to send it now")).await;
    assert_eq!(status(&app, old).0, "failed");
    app.codechat.set_connection(SESSION, ConnectionState::Open);
    answers(&app, conversation, AgentMessage::text("Outro está a caminho"));
    skip_until(&app, "the next message", Duration::from_secs(1), async || app.codechat.submission_count() == 1).await;
    assert_eq!(texts_sent(&app), ["Outro está a caminho"]);
    let tally = app.finish().await;
    assert_eq!((tally.expired, tally.dead), (1, 0));
}

async fn a_message_just_young_enough_is_sent(database: Database) {
    let app = start_timeless(database).await;
    let conversation = meet(&app, ANA).await;
    disconnect(&app).await;
    let message = answers(&app, conversation, AgentMessage::text("Seu táxi chegou"));
    heard(&app, message).await;
    app.codechat.set_connection(SESSION, ConnectionState::Open);
    later(&app, Duration::from_mins(9));
    app.whatsapp_has(1).await;
    finish_clean(app).await;
}
