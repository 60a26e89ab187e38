//! Calls: how they are shown, and how they are rejected.

use std::time::Duration;

use relay_domain::Clock;
use relay_sim::{CallStep, LedgerMessage};
use relay_testing::{Database, Options, TestApp};
use serde_json::json;

use crate::support::{ANA, SESSION, finish_clean, meet, says, texts_sent};

both!(
    a_missed_call_reopens_the_conversation,
    an_answered_call_is_a_note,
    copies_and_stragglers_of_a_call_are_folded,
    a_call_is_rejected_and_answered_once,
    old_calls_are_not_rejected,
    a_call_that_cannot_be_rejected_rings,
);

fn step(app: &TestApp, id: &str, status: &str) {
    app.codechat.call_goes_on(SESSION, &CallStep::new(ANA, id, status));
}

/// What was relayed of calls, in order.
fn calls(app: &TestApp) -> Vec<LedgerMessage> {
    let is_call = |message: &LedgerMessage| message.source_id.as_ref().is_some_and(|id| id.starts_with("WAID:call"));
    app.relayed().into_iter().filter(is_call).collect()
}

async fn told(app: &TestApp, count: usize) -> Vec<LedgerMessage> {
    app.until(&format!("{count} messages about calls"), async || calls(app).len() >= count).await;
    calls(app)
}

fn text(message: &LedgerMessage) -> &str {
    message.content.as_deref().unwrap()
}

async fn a_missed_call_reopens_the_conversation(database: Database) {
    let app = TestApp::start(database).await;
    let conversation = meet(&app, ANA).await;
    let ring = CallStep { is_video: Some(true), ..CallStep::new(ANA, "CALL1", "offer") };
    app.codechat.call_goes_on(SESSION, &ring);
    let offer = told(&app, 1).await.remove(0);
    assert_eq!((offer.conversation, offer.message_type.as_str(), offer.private), (conversation, "incoming", false));
    assert!(text(&offer).starts_with("📞 Video call: ringing on the phone · "), "{}", text(&offer));
    step(&app, "CALL1", "ringing");
    let over = CallStep { is_video: Some(true), ..CallStep::new(ANA, "CALL1", "timeout") };
    app.codechat.call_goes_on(SESSION, &over);
    let missed = told(&app, 2).await.remove(1);
    assert!(text(&missed).starts_with("📵 Video call: missed · "), "{}", text(&missed));
    // what comes in reopens a conversation; a note would not
    assert_eq!((missed.message_type.as_str(), missed.private), ("incoming", false));
    assert_eq!(missed.content_attributes["in_reply_to"], offer.id);
    app.settle().await;
    assert_eq!(calls(&app).len(), 2);
    assert_eq!(app.codechat.rejected_calls(), []);
    finish_clean(app).await;
}

async fn an_answered_call_is_a_note(database: Database) {
    let app = TestApp::start(database).await;
    step(&app, "CALL1", "offer");
    let offer = told(&app, 1).await.remove(0);
    assert_eq!(offer.contact_phone.as_deref(), Some("+5511900000001"));
    step(&app, "CALL1", "accept");
    let answered = told(&app, 2).await.remove(1);
    assert_eq!((answered.conversation, answered.private), (offer.conversation, true));
    assert!(text(&answered).contains("answered on the phone"), "{}", text(&answered));
    step(&app, "CALL1", "terminate");
    // the caller's message goes to the same conversation
    says(&app, ANA, "Obrigada!");
    app.chatwoot_has(3).await;
    app.settle().await;
    assert_eq!((calls(&app).len(), app.chatwoot.conversations().len()), (2, 1));
    finish_clean(app).await;
}

async fn copies_and_stragglers_of_a_call_are_folded(database: Database) {
    let app = TestApp::start(database).await;
    for status in ["offer", "offer", "terminate", "terminate"] {
        step(&app, "CALL1", status);
    }
    told(&app, 2).await;
    app.settle().await;
    step(&app, "CALL1", "reject");
    app.settle().await;
    // the end of another call overtakes its beginning by far
    step(&app, "CALL2", "timeout");
    told(&app, 3).await;
    app.settle().await;
    step(&app, "CALL2", "offer");
    app.settle().await;
    let told = calls(&app);
    let words: Vec<_> =
        told.iter().map(|told| text(told).split(": ").nth(1).unwrap().split(" · ").next().unwrap()).collect();
    assert_eq!(words, ["ringing on the phone", "ended; missed, unless somebody answered on the phone", "missed"]);
    finish_clean(app).await;
}

fn rejecting(database: Database) -> Options {
    let calls = json!({ "calls": { "reject": true, "reply": "Não atendemos *chamadas*." } });
    Options { settings: calls, ..Options::on(database) }
}

async fn a_call_is_rejected_and_answered_once(database: Database) {
    let app = TestApp::with(rejecting(database)).await;
    step(&app, "CALL1", "offer");
    step(&app, "CALL1", "offer");
    app.whatsapp_has(1).await;
    let rejected = app.codechat.rejected_calls();
    assert_eq!(rejected.len(), 1);
    assert_eq!((rejected[0].id.as_str(), rejected[0].from.as_str()), ("CALL1", "25511900000001@lid"));
    // WhatsApp tells of our own rejection
    step(&app, "CALL1", "reject");
    step(&app, "CALL1", "terminate");
    app.settle().await;
    let told = calls(&app);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(text(&told[0]).starts_with("📵 Voice call: rejected automatically · "), "{}", text(&told[0]));
    assert_eq!(told[0].message_type, "incoming");
    assert_eq!((told[1].message_type.as_str(), text(&told[1])), ("outgoing", "Não atendemos **chamadas**."));
    assert_eq!(texts_sent(&app), ["Não atendemos *chamadas*."]);
    let sent = app.codechat.submissions().remove(0);
    assert_eq!((sent.to.as_str(), sent.preset_id), ("5511900000001@s.whatsapp.net", true));
    // the copies that CodeChat makes are known as ours, and its ticks reach the message
    app.codechat.receipt(SESSION, &sent.message_id, "READ");
    crate::support::has_status(&app, told[1].id, "read").await;
    app.settle().await;
    assert_eq!(app.relayed().len(), 2);
    finish_clean(app).await;
}

async fn old_calls_are_not_rejected(database: Database) {
    let app = TestApp::with(rejecting(database)).await;
    let now = Clock::system().now();
    let before =
        CallStep { at: Some((now - Duration::from_secs(90)).as_secs()), ..CallStep::new(ANA, "CALL1", "offer") };
    app.codechat.call_goes_on(SESSION, &before);
    let past = CallStep { offline: true, ..CallStep::new(ANA, "CALL2", "offer") };
    app.codechat.call_goes_on(SESSION, &past);
    told(&app, 2).await;
    app.settle().await;
    assert_eq!(app.codechat.rejected_calls(), []);
    assert_eq!(app.codechat.submission_count(), 0);
    finish_clean(app).await;
}

async fn a_call_that_cannot_be_rejected_rings(database: Database) {
    let app = TestApp::with(rejecting(database)).await;
    app.codechat.set_connection(SESSION, relay_sim::ConnectionState::Close);
    step(&app, "CALL1", "offer");
    let told = told(&app, 1).await;
    assert!(text(&told[0]).contains("ringing"), "{}", text(&told[0]));
    app.settle().await;
    assert_eq!(app.codechat.submission_count(), 0);
    finish_clean(app).await;
}
