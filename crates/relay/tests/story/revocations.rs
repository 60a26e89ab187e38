//! What an agent deletes in Chatwoot is deleted on WhatsApp, or never sent.

use std::time::Duration;

use relay_sim::{
    AgentFile, AgentMessage, CodeChatOptions, ConnectionState, CustomerMessage, Fault, FaultAction, LedgerMessage,
    assets,
};
use relay_testing::{Database, Options, TestApp};
use serde_json::{Value, json};

use crate::support::{
    ANA, SESSION, answers, finish_clean, heard, meet, skip_until, skip_until_settled, start_timeless, status,
    texts_sent,
};

both!(
    a_deleted_message_is_revoked_once,
    every_sent_part_is_revoked,
    a_deletion_that_comes_first_keeps_the_message_from_being_sent,
    a_message_deleted_while_it_waits_is_not_sent,
    what_codechat_no_longer_has_stays_and_says_so,
    what_was_relayed_from_whatsapp_is_not_revoked,
    a_refused_deletion_is_told,
    a_lost_answer_is_asked_for_again,
);

const DELETE: &str = "DELETE /chat/deleteMessageForEveryone/{instance}";

/// Deletes a message and waits until the relay has heard of it.
async fn delete(app: &TestApp, message: u64) {
    deletes(app, message).await;
    app.settle().await;
}

/// Deletes a message and waits until the relay has taken the webhook.
async fn deletes(app: &TestApp, message: u64) {
    let key = format!("message_updated:{message}");
    let told = || app.chatwoot.ack_log().iter().filter(|ack| ack.key == key && ack.outcome.is_accepted()).count();
    let before = told();
    assert!(app.chatwoot.agent_deletes(message));
    app.until("Chatwoot to tell of the deletion", async || told() > before).await;
}

/// Posts a message's webhook to the relay, unsigned.
async fn post(app: &TestApp, conversation: u64, event: &str, attributes: Value) {
    let body = json!({
        "event": event, "id": 4242, "content": "apressado", "content_type": "text", "content_attributes": attributes,
        "message_type": "outgoing", "private": false, "source_id": null, "created_at": "2026-08-01T12:01:00.500Z",
        "account": { "id": app.account }, "inbox": { "id": app.inbox },
        "sender": { "id": 2, "name": "Rita", "type": "user" },
        "conversation": { "id": conversation, "inbox_id": app.inbox, "status": "open", "contact_inbox": { "source_id": ANA } },
    });
    let call = app.http().post(app.chatwoot_webhook()).header("content-type", "application/json");
    let answer = call.body(body.to_string()).send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.status());
    app.settle().await;
}

/// Private notes of the relay.
fn notes(app: &TestApp) -> Vec<LedgerMessage> {
    app.relayed().into_iter().filter(|message| message.private).collect()
}

/// Asserts that a private note says that the message is still there.
fn assert_told(app: &TestApp, conversation: u64) {
    let notes = notes(app);
    assert_eq!((notes.len(), notes[0].conversation), (1, conversation), "{notes:?}");
    assert!(notes[0].content.as_ref().unwrap().contains("still on the customer's WhatsApp"), "{notes:?}");
}

/// WhatsApp's ids of what was revoked.
fn revoked(app: &TestApp) -> Vec<String> {
    app.codechat.revocations().into_iter().map(|revocation| revocation.key_id).collect()
}

/// WhatsApp's ids of what was sent.
fn sent(app: &TestApp) -> Vec<String> {
    app.codechat.submissions().into_iter().map(|sent| sent.message_id).collect()
}

async fn a_deleted_message_is_revoked_once(database: Database) {
    let app = TestApp::start(database).await;
    let conversation = meet(&app, ANA).await;
    let kept = answers(&app, conversation, AgentMessage::text("Olá"));
    heard(&app, kept).await;
    let wrong = answers(&app, conversation, AgentMessage::text("Seu saldo é R$ 1,00"));
    app.whatsapp_has(2).await;
    app.settle().await;
    delete(&app, wrong).await;
    // told once more, as with every status that comes after
    delete(&app, wrong).await;
    assert_eq!(revoked(&app), [sent(&app)[1].as_str()]);
    finish_clean(app).await;
}

async fn every_sent_part_is_revoked(database: Database) {
    let app = TestApp::start(database).await;
    let conversation = meet(&app, ANA).await;
    let file = |name: &str, asset: assets::Asset| AgentFile {
        name: name.to_owned(),
        mime: asset.mime.to_owned(),
        bytes: asset.bytes.into(),
    };
    let attachments = vec![file("foto.jpg", assets::PHOTO), file("conta.pdf", assets::DOCUMENT)];
    let message = answers(&app, conversation, AgentMessage { attachments, ..AgentMessage::text("Segue") });
    app.whatsapp_has(2).await;
    app.settle().await;
    delete(&app, message).await;
    let (mut revoked, mut sent) = (revoked(&app), sent(&app));
    revoked.sort();
    sent.sort();
    assert_eq!(revoked, sent);
    finish_clean(app).await;
}

async fn a_deletion_that_comes_first_keeps_the_message_from_being_sent(database: Database) {
    let app = start_timeless(database).await;
    let conversation = meet(&app, ANA).await;
    post(&app, conversation, "message_updated", json!({ "deleted": true })).await;
    post(&app, conversation, "message_created", json!({})).await;
    assert_eq!(texts_sent(&app), [""; 0]);
    assert_eq!(revoked(&app), [""; 0]);
    finish_clean(app).await;
}

async fn a_message_deleted_while_it_waits_is_not_sent(database: Database) {
    let app = TestApp::start(database).await;
    let conversation = meet(&app, ANA).await;
    app.codechat.set_connection(SESSION, ConnectionState::Close);
    let asked = "GET /instance/connectionState/{instance}";
    let message = answers(&app, conversation, AgentMessage::text("Seu táxi chegou"));
    app.until("the relay to look", async || app.codechat.calls().contains_key(asked)).await;
    deletes(&app, message).await;
    app.codechat.set_connection(SESSION, ConnectionState::Open);
    answers(&app, conversation, AgentMessage::text("Outro está a caminho"));
    let step = Duration::from_secs(1);
    skip_until(&app, "the next message", step, async || app.codechat.submission_count() == 1).await;
    skip_until_settled(&app).await;
    assert_eq!(texts_sent(&app), ["Outro está a caminho"]);
    assert_eq!(revoked(&app), [""; 0]);
    finish_clean(app).await;
}

async fn what_codechat_no_longer_has_stays_and_says_so(database: Database) {
    let codechat = CodeChatOptions { save_messages: false, ..Options::on(database).codechat };
    let app = TestApp::with(Options { codechat, ..Options::on(database) }).await;
    let conversation = meet(&app, ANA).await;
    let message = answers(&app, conversation, AgentMessage::text("Olá"));
    app.whatsapp_has(1).await;
    app.settle().await;
    delete(&app, message).await;
    assert_eq!(revoked(&app), [""; 0]);
    assert_told(&app, conversation);
    finish_clean(app).await;
}

async fn what_was_relayed_from_whatsapp_is_not_revoked(database: Database) {
    let app = TestApp::start(database).await;
    meet(&app, ANA).await;
    let incoming = app.relayed().remove(0).id;
    let typed = CustomerMessage::text(ANA, "digitado no celular");
    app.codechat.phone_sends(SESSION, &typed).unwrap();
    app.chatwoot_has(2).await;
    let echo = app.relayed().remove(1).id;
    for message in [incoming, echo] {
        delete(&app, message).await;
    }
    assert_eq!(revoked(&app), [""; 0]);
    finish_clean(app).await;
}

async fn a_refused_deletion_is_told(database: Database) {
    let app = TestApp::start(database).await;
    let conversation = meet(&app, ANA).await;
    let message = answers(&app, conversation, AgentMessage::text("Olá"));
    app.whatsapp_has(1).await;
    app.settle().await;
    app.codechat.fault(Fault::status(DELETE, 400));
    deletes(&app, message).await;
    skip_until(&app, "the note", Duration::from_secs(1), async || !notes(&app).is_empty()).await;
    app.settle().await;
    assert_told(&app, conversation);
    assert_eq!(status(&app, message).0, "sent", "the bubble is gone, and did not fail");
    assert_eq!(app.finish().await.dead, 1);
}

async fn a_lost_answer_is_asked_for_again(database: Database) {
    let app = TestApp::start(database).await;
    let conversation = meet(&app, ANA).await;
    let message = answers(&app, conversation, AgentMessage::text("Olá"));
    app.whatsapp_has(1).await;
    app.settle().await;
    app.codechat.fault(Fault::on(DELETE, FaultAction::Reset { commit: true }).times(1));
    deletes(&app, message).await;
    skip_until_settled(&app).await;
    let id = &sent(&app)[0];
    assert_eq!(revoked(&app), [id.as_str(), id.as_str()], "twice is harmless, once might be never");
    assert_eq!(notes(&app).len(), 0);
    finish_clean(app).await;
}
