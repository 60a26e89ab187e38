//! Retry: only what was not sent is sent again, and it answers what the message answered.

use relay_sim::{AgentFile, AgentMessage, BlobDelay, assets};
use relay_testing::{Database, TestApp};

use crate::support::{ANA, SESSION, answers, meet, says, skip_until, status};

both!(a_half_sent_message_is_completed, a_retried_answer_still_quotes);

fn file(name: &str, asset: assets::Asset) -> AgentFile {
    AgentFile { name: name.to_owned(), mime: asset.mime.to_owned(), bytes: asset.bytes.into() }
}

async fn has_failed(app: &TestApp, message: u64) {
    let step = std::time::Duration::from_secs(1);
    skip_until(app, "the failure", step, async || status(app, message).0 == "failed").await;
    app.settle().await;
}

/// Text and kind of what WhatsApp was handed, and whether it quotes.
fn sent(app: &TestApp) -> Vec<(String, String, bool)> {
    let sent = app.codechat.submissions();
    sent.into_iter().map(|sent| (sent.kind, sent.text.unwrap_or_default(), sent.quoted.is_some())).collect()
}

async fn a_half_sent_message_is_completed(database: Database) {
    let app = TestApp::start(database).await;
    let conversation = meet(&app, ANA).await;
    let question = app.relayed().remove(0).id;
    app.chatwoot.set_blob_delay(BlobDelay { requests: u32::MAX, ms: 0 });
    let long = "x".repeat(1025);
    let attachments = vec![file("foto.jpg", assets::PHOTO), file("conta.pdf", assets::DOCUMENT)];
    let message = AgentMessage { attachments, in_reply_to: Some(question), ..AgentMessage::text(&long) };
    let message = answers(&app, conversation, message);
    has_failed(&app, message).await;
    assert!(status(&app, message).1.unwrap().starts_with("1 of 3 parts were sent."), "{:?}", status(&app, message));
    app.chatwoot.set_blob_delay(BlobDelay { requests: 0, ms: 0 });
    assert!(app.chatwoot.agent_retries(message));
    app.whatsapp_has(3).await;
    app.settle().await;
    let kinds: Vec<_> = sent(&app).into_iter().map(|(kind, text, quotes)| (kind, text.len(), quotes)).collect();
    let of = |kind: &str, length, quotes| (kind.to_owned(), length, quotes);
    let wanted = [of("extendedTextMessage", 1025, true), of("imageMessage", 0, false), of("documentMessage", 0, false)];
    assert_eq!(kinds, wanted);
    assert_eq!(status(&app, message).0, "sent");
    assert_eq!(app.finish().await.dead, 1);
}

async fn a_retried_answer_still_quotes(database: Database) {
    let app = TestApp::start(database).await;
    let conversation = meet(&app, ANA).await;
    let key = says(&app, ANA, "Qual o valor?");
    app.chatwoot_has(2).await;
    let question = app.relayed().remove(1).id;
    app.chatwoot.set_blob_delay(BlobDelay { requests: u32::MAX, ms: 0 });
    let attachments = vec![file("tabela.pdf", assets::DOCUMENT)];
    let message = AgentMessage { attachments, in_reply_to: Some(question), ..AgentMessage::text("Segue") };
    let message = answers(&app, conversation, message);
    has_failed(&app, message).await;
    app.chatwoot.set_blob_delay(BlobDelay { requests: 0, ms: 0 });
    // Chatwoot forgets what the message answered
    assert!(app.chatwoot.agent_retries(message));
    app.whatsapp_has(1).await;
    assert_eq!(app.codechat.submissions()[0].quoted.as_deref(), Some(key.as_str()), "{SESSION}");
    assert_eq!(app.finish().await.dead, 1);
}
