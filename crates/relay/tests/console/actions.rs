//! What people do in the console takes effect.

use relay_domain::id::EventId;
use relay_domain::settings::VoiceFormat;
use relay_store::{EventState, SessionState};
use relay_testing::{Database, TestApp};
use reqwest::StatusCode;

use crate::support::{Browser, app_on, dead, die};

async fn state_of(app: &TestApp, id: &str) -> (EventState, Option<String>) {
    let stored = app.engine.store.message(&EventId::new(id)).await.unwrap().unwrap();
    (stored.state, stored.reason)
}

#[tokio::test]
async fn one_message_is_resent_or_dropped() {
    let app = app_on(Database::Sqlite).await;
    let ids = die(&app, &["um", "dois"]).await;
    let browser = Browser::inside(&app).await;
    let page = browser.done(&format!("/console/message/{}/retry", ids[0]), &[]).await;
    assert!(page.contains("1 message gets another turn."), "{page}");
    app.settle().await;
    assert_eq!(app.engine.store.message(&EventId::new(&*ids[0])).await.unwrap().unwrap().attempts, 2);
    let drop_path = format!("/console/message/{}/drop", ids[1]);
    for why in ["", " ", "two\nlines", &"x".repeat(201)] {
        assert_eq!(browser.post(&drop_path, &[("why", why)]).await.status, StatusCode::UNPROCESSABLE_ENTITY, "{why}");
    }
    let page = browser.done(&drop_path, &[("why", "cliente avisado")]).await;
    assert!(page.contains("1 message was dropped."), "{page}");
    assert_eq!(state_of(&app, &ids[1]).await, (EventState::Ignored, Some("dropped: cliente avisado".to_owned())));
    let page = browser.done(&drop_path, &[("why", "de novo")]).await;
    assert!(page.contains("That was decided before"), "{page}");
    app.finish().await;
}

#[tokio::test]
async fn many_messages_are_resent_or_dropped_at_once() {
    let app = app_on(Database::Sqlite).await;
    die(&app, &["um", "dois", "três"]).await;
    let browser = Browser::inside(&app).await;
    let past = [("until", "2020-01-01T00:00")];
    assert!(browser.done("/console/dead/retry", &past).await.contains("0 messages get another turn."));
    let other = [("reason", "refused"), ("session", "loja01")];
    assert!(browser.done("/console/dead/drop", &[other[0], other[1], ("why", "x")]).await.contains("0 messages"));
    let page = browser.done("/console/dead/retry", &[("reason", "no_number"), ("direction", "out")]).await;
    assert!(page.contains("3 messages get another turn."), "{page}");
    app.settle().await;
    assert_eq!(dead(&app).await.len(), 3, "they have no number still");
    assert_eq!(browser.post("/console/dead/drop", &[]).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let page = browser.done("/console/dead/drop", &[("why", "sem número")]).await;
    assert!(page.contains("3 messages were dropped.") && page.contains("No message is left undelivered."), "{page}");
    app.finish().await;
}

#[tokio::test]
async fn a_session_is_paused_resumed_and_changed() {
    let app = app_on(Database::Sqlite).await;
    let browser = Browser::inside(&app).await;
    let session = async || app.engine.store.session_by_name("loja01").await.unwrap().unwrap();
    let page = browser.done("/console/session/loja01/pause", &[("why", "férias")]).await;
    assert!(page.contains("Resume") && page.contains("férias"), "{page}");
    assert_eq!(session().await.state, SessionState::Paused);
    browser.done("/console/session/loja01/resume", &[]).await;
    assert_eq!(session().await.state, SessionState::Active);
    let form = [
        ("voice", "original"),
        ("groups", "only"),
        ("groups.only", "1-2@g.us\r\n3-4@g.us"),
        ("calls.reject", "on"),
        ("calls.reply", "Escreva"),
        ("conversations.team", "7"),
    ];
    assert!(browser.done("/console/session/loja01/settings", &form).await.contains("The settings were saved"));
    let settings = session().await.settings;
    assert_eq!((settings.voice, settings.calls.reject), (VoiceFormat::Original, true));
    assert_eq!((settings.conversations.team, settings.read_receipts), (Some(7), false), "a box that is not ticked");
    let wrong = browser.post("/console/session/loja01/settings", &[("voice", "wav")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(session().await.settings, settings);
    app.finish().await;
}
