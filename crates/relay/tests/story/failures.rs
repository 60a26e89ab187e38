//! What cannot be sent says so on the agent's message, in words.

use std::time::Duration;

use relay_domain::note::Locale;
use relay_sim::{AgentMessage, BlobDelay, ConnectionState, HookFaults, Kind, assets};
use relay_testing::{Database, Options, TestApp};
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};

use crate::support::{
    ANA, BIA, SESSION, answers, finish_clean, later, meet, relayed_as, says, sends, skip_until, status, texts_sent,
};

both!(
    a_contact_without_a_number,
    a_number_without_whatsapp,
    a_disconnected_phone_is_no_missing_number,
    a_file_that_is_gone,
    a_file_that_is_too_large,
    a_refusal_by_whatsapp,
    a_file_that_whatsapp_no_longer_has,
);

/// Calls Chatwoot's API as the relay's user.
async fn chatwoot(app: &TestApp, path: &str, body: &Value) -> Value {
    let url = format!("{}/api/v1/accounts/{}{path}", app.chatwoot.base_url(), app.account);
    let call = app.http().post(url).header("api_access_token", &app.token).header(CONTENT_TYPE, "application/json");
    let answer = call.body(body.to_string()).send().await.unwrap();
    serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
}

/// Waits until an agent's message shows why it failed. Seconds may have to pass for that.
async fn fails_because(app: &TestApp, message: u64, why: &str) {
    let is_told = async || {
        let (status, reason) = status(app, message);
        status == "failed" && reason.is_some_and(|reason| reason.contains(why))
    };
    skip_until(app, why, Duration::from_secs(1), is_told).await;
}

async fn a_contact_without_a_number(database: Database) {
    let app = TestApp::with(Options { locale: Locale::PtBr, ..Options::on(database) }).await;
    let contact = app.chatwoot.add_contact(app.account, "Sem número", None, None).unwrap();
    let new = json!({ "inbox_id": app.inbox, "contact_id": contact });
    let conversation = chatwoot(&app, "/conversations", &new).await["id"].as_u64().unwrap();
    let message = answers(&app, conversation, AgentMessage::text("Olá?"));
    fails_because(&app, message, "O contato não tem número de telefone").await;
    assert_eq!(app.codechat.submission_count(), 0);
    assert_eq!(app.finish().await.dead, 1);
}

async fn a_number_without_whatsapp(database: Database) {
    let app = TestApp::start(database).await;
    app.codechat.not_on_whatsapp([BIA]);
    let conversation = app.chatwoot.agent_starts_conversation(app.inbox, &format!("+{BIA}")).unwrap();
    let message = answers(&app, conversation, AgentMessage::text("Olá?"));
    fails_because(&app, message, "This number is not on WhatsApp").await;
    assert_eq!(app.codechat.calls()["POST /chat/whatsappNumbers/{instance}"], 2, "it was asked twice");
    assert_eq!(app.codechat.calls().get("POST /message/sendText/{instance}"), None);
    assert_eq!(app.finish().await.dead, 1);
}

async fn a_disconnected_phone_is_no_missing_number(database: Database) {
    let app = TestApp::start(database).await;
    let conversation = meet(&app, ANA).await;
    // nobody tells us that the phone is gone; every number looks as if it had no WhatsApp
    app.codechat.set_hook_faults(HookFaults { drop_percent: 100, ..HookFaults::default() });
    app.codechat.set_connection(SESSION, ConnectionState::Close);
    let message = answers(&app, conversation, AgentMessage::text("Está aí?"));
    let asked = "GET /instance/connectionState/{instance}";
    app.until("the relay to ask", async || app.codechat.calls().contains_key(asked)).await;
    for _ in 0..3 {
        let before = app.codechat.calls()[asked];
        later(&app, Duration::from_secs(10));
        app.until("the relay to ask again", async || app.codechat.calls()[asked] > before).await;
    }
    assert_eq!(status(&app, message).0, "sent");
    app.codechat.set_connection(SESSION, ConnectionState::Open);
    app.codechat.set_hook_faults(HookFaults::default());
    skip_until(&app, "the message", Duration::from_secs(1), async || app.codechat.submission_count() == 1).await;
    finish_clean(app).await;
}

async fn a_file_that_is_gone(database: Database) {
    let app = TestApp::start(database).await;
    let conversation = meet(&app, ANA).await;
    app.chatwoot.set_blob_delay(BlobDelay { requests: u32::MAX, ms: 0 });
    let lost =
        answers(&app, conversation, AgentMessage::file("conta.pdf", "application/pdf", assets::DOCUMENT.bytes, None));
    answers(&app, conversation, AgentMessage::text("Recebeu?"));
    fails_because(&app, lost, "conta.pdf").await;
    app.whatsapp_has(1).await;
    assert_eq!(texts_sent(&app), ["Recebeu?"]);
    assert_eq!(app.finish().await.dead, 1);
}

async fn a_file_that_is_too_large(database: Database) {
    const LIMIT: usize = 1_000_000;
    let app =
        TestApp::with(Options { tune: |config| config.max_media_bytes = LIMIT as u64, ..Options::on(database) }).await;
    let conversation = meet(&app, ANA).await;
    let file = |size: usize| AgentMessage::file("grande.bin", "application/octet-stream", vec![7; size], None);
    let large = answers(&app, conversation, file(LIMIT + 1));
    fails_because(&app, large, "grande.bin is over the limit of 1 MB").await;
    answers(&app, conversation, file(LIMIT));
    app.whatsapp_has(1).await;
    assert_eq!(app.codechat.submissions()[0].media.as_ref().map(|file| file.size), Some(LIMIT));

    // "AAAA" is three bytes of base64
    let received = Kind::File("enorme.zip".to_owned(), "application/zip".to_owned(), "AAAA".repeat(LIMIT / 3 + 1));
    let key = sends(&app, ANA, received);
    let message = relayed_as(&app, &key).await;
    let text = message.content.unwrap_or_default();
    assert!(text.contains("enorme.zip") && text.contains("over the limit of 1.0 MB"), "{text}");
    assert_eq!(message.attachments.len(), 0);
    assert_eq!(app.finish().await.dead, 1);
}

async fn a_refusal_by_whatsapp(database: Database) {
    let app = TestApp::start(database).await;
    let conversation = meet(&app, ANA).await;
    let message = answers(&app, conversation, AgentMessage::text("Olá"));
    app.whatsapp_has(1).await;
    assert!(app.codechat.receipt(SESSION, &app.codechat.submissions()[0].message_id, "ERROR"));
    fails_because(&app, message, "WhatsApp refused the message").await;
    finish_clean(app).await;
}

async fn a_file_that_whatsapp_no_longer_has(database: Database) {
    let app = TestApp::start(database).await;
    let conversation = meet(&app, ANA).await;
    // its webhook comes after the file is gone
    app.codechat.set_hook_faults(HookFaults { delay_ms: 50, ..HookFaults::default() });
    let lost = sends(&app, ANA, Kind::DocumentWithCaption("nota.pdf".to_owned(), "segue a nota".to_owned()));
    app.codechat.expire_media(SESSION, &lost);
    says(&app, ANA, "chegou?");
    skip_until(&app, "both messages", Duration::from_secs(1), async || app.relayed().len() == 3).await;
    let relayed = app.relayed();
    let text = relayed[1].content.clone().unwrap();
    assert!(text.starts_with("segue a nota") && text.contains("nota.pdf"), "{text}");
    assert_eq!(relayed[2].content.as_deref(), Some("chegou?"));
    assert!(relayed.iter().all(|message| message.conversation == conversation && message.attachments.is_empty()));
    finish_clean(app).await;
}
