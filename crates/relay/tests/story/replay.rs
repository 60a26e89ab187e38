//! Dead letters: what takes their place, and how they arrive when somebody asks for another turn.

use std::time::Duration;

use relay_sim::{
    AgentFile, AgentMessage, BlobDelay, CallStep, Chat, ConnectionState, CustomerMessage, Fault, FaultAction,
    LedgerMessage, assets, route,
};
use relay_testing::{Database, Options, TestApp};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{
    ANA, BIA, SESSION, answers, heard, later, meet, relayed_as, says, skip_until, start_timeless, status, texts_in,
    texts_sent,
};

both!(
    a_dead_message_arrives_once_and_late,
    a_message_with_a_placeholder_arrives_all_the_same,
    a_call_with_a_placeholder_arrives_all_the_same,
    a_change_of_a_group_with_a_placeholder_arrives_all_the_same,
    a_posted_message_whose_answer_was_lost_is_not_posted_again,
    a_dead_message_that_fails_again_has_one_placeholder,
    answers_to_a_dead_message_lead_somewhere,
    a_dead_call_has_a_placeholder_and_arrives,
    a_dead_answer_is_sent_once_and_its_bubble_put_right,
    the_rest_of_a_half_sent_answer_is_sent,
    an_expired_answer_is_sent_when_a_person_asks,
    many_wait_again_and_arrive_in_order,
    an_answer_whose_bubble_is_gone_leaves_a_note,
);

const PROFILE: &str = "GET /api/v1/profile";
const SECOND: Duration = Duration::from_secs(1);

/// The dead letters, newest first.
async fn dead(app: &TestApp) -> Vec<Value> {
    app.call(Method::GET, "/api/v1/dead", None).await.1["data"].as_array().unwrap().clone()
}

/// Waits until there are so many dead letters; returns their ids, newest first.
async fn died(app: &TestApp, count: usize) -> Vec<String> {
    skip_until(app, "the dead letters", SECOND, async || dead(app).await.len() == count).await;
    dead(app).await.iter().map(|letter| letter["id"].as_str().unwrap().to_owned()).collect()
}

async fn retry(app: &TestApp, id: &str) {
    let (status, answer) = app.call(Method::POST, &format!("/api/v1/dead/{id}/retry"), None).await;
    assert_eq!((status, &answer["state"]), (StatusCode::ACCEPTED, &json!("pending")), "{answer}");
}

/// Chatwoot takes no message of a conversation.
fn refuse_in(app: &TestApp, conversation: u64) {
    let refusal = json!({ "error": "Content is too odd" });
    let action = FaultAction::Status { status: 422, body: Some(refusal), retry_after: None, commit: false };
    app.chatwoot.fault(Fault::on(route::MESSAGE_CREATE, action).only_path(format!("/conversations/{conversation}/")));
}

fn is_placeholder(message: &LedgerMessage) -> bool {
    message.content.as_deref().is_some_and(|text| text.contains("could not be shown here"))
}

fn placeholders(app: &TestApp) -> Vec<LedgerMessage> {
    app.relayed().into_iter().filter(is_placeholder).collect()
}

/// A customer's message dies while Chatwoot refuses everything in its conversation; then Chatwoot is well again.
async fn a_dead_one(app: &TestApp, conversation: u64, text: &str) -> (String, String) {
    refuse_in(app, conversation);
    let key = says(app, ANA, text);
    let id = died(app, 1).await.remove(0);
    app.chatwoot.clear_faults();
    (key, id)
}

/// Chatwoot takes nothing in the chat, not even a placeholder; the message arrives once it does.
async fn a_dead_message_arrives_once_and_late(database: Database) {
    let app = TestApp::start(database).await;
    let conversation = meet(&app, ANA).await;
    let (key, id) = a_dead_one(&app, conversation, "a perdida").await;
    assert_eq!(placeholders(&app).len(), 0);
    let next = says(&app, ANA, "a seguinte");
    relayed_as(&app, &next).await;
    for _ in 0..2 {
        // asked for twice is asked for once
        let (status, _) = app.call(Method::POST, &format!("/api/v1/messages/{id}/retry"), None).await;
        assert!(matches!(status, StatusCode::ACCEPTED | StatusCode::CONFLICT));
    }
    let arrived = relayed_as(&app, &key).await;
    app.settle().await;
    let text = arrived.content.unwrap();
    assert!(text.starts_with("a perdida\n\n_🕓 written"), "{text}");
    assert_eq!(texts_in(&app, conversation).len(), 3);
    retry_is_refused(&app, &id).await;
    assert_eq!(app.finish().await.dead, 0);
}

/// Something fails until the relay gives it up; the placeholder that takes its place does not. Returns the event.
async fn dies_with_a_placeholder(app: &TestApp, conversation: u64, begin: impl FnOnce()) -> String {
    app.settle().await;
    app.chatwoot.reset_calls();
    let failure = Fault::status(route::MESSAGE_CREATE, 500).only_path(format!("/conversations/{conversation}/"));
    app.chatwoot.fault(failure.clone());
    app.chatwoot.fault(Fault::on(PROFILE, FaultAction::Delay { ms: 500, after_commit: false }));
    begin();
    skip_until(app, "the relay to ask", SECOND, async || app.chatwoot.calls().contains_key(PROFILE)).await;
    app.chatwoot.clear_faults();
    app.chatwoot.fault(failure.times(1));
    let id = died(app, 1).await.remove(0);
    app.chatwoot.clear_faults();
    let told = placeholders(app);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].content.as_ref().unwrap().contains(&format!("relay dead retry {id}")), "{told:?}");
    id
}

async fn a_message_with_a_placeholder_arrives_all_the_same(database: Database) {
    let app = TestApp::start(database).await;
    let conversation = meet(&app, ANA).await;
    let mut key = String::new();
    let id = dies_with_a_placeholder(&app, conversation, || key = says(&app, ANA, "a perdida")).await;
    says(&app, ANA, "a seguinte");
    app.until("the next one", async || texts_in(&app, conversation).len() == 3).await;
    retry(&app, &id).await;
    let arrived = relayed_as(&app, &key).await;
    app.settle().await;
    let texts = texts_in(&app, conversation);
    assert_eq!((texts.len(), texts[0].as_str(), texts[2].as_str()), (4, "Oi", "a seguinte"), "{texts:?}");
    assert!(texts[3].starts_with("a perdida\n\n_🕓 written"), "{texts:?}");
    assert_eq!((arrived.conversation, arrived.private), (conversation, false));
    // what is quoted from here on is the message, not what stood in for it
    let answer = AgentMessage { in_reply_to: Some(arrived.id), ..AgentMessage::text("Vi agora") };
    answers(&app, conversation, answer);
    app.whatsapp_has(1).await;
    assert_eq!(app.codechat.submissions()[0].quoted.as_deref(), Some(key.as_str()));
    assert_eq!(app.finish().await.dead, 0);
}

async fn a_call_with_a_placeholder_arrives_all_the_same(database: Database) {
    let app = TestApp::start(database).await;
    let conversation = meet(&app, ANA).await;
    let ring = || app.codechat.call_goes_on(SESSION, &CallStep::new(ANA, "CALL1", "offer"));
    let id = dies_with_a_placeholder(&app, conversation, ring).await;
    let told = placeholders(&app).remove(0);
    assert!(told.content.unwrap().contains("A WhatsApp call") && !told.private);
    retry(&app, &id).await;
    app.until("the call", async || texts_in(&app, conversation).len() == 3).await;
    app.settle().await;
    assert!(texts_in(&app, conversation)[2].contains('📞'), "{:?}", texts_in(&app, conversation));
    assert_eq!(app.finish().await.dead, 0);
}

async fn a_change_of_a_group_with_a_placeholder_arrives_all_the_same(database: Database) {
    const GROUP: &str = "120363000000000001@g.us";
    let app = TestApp::with(Options { settings: json!({ "groups": "on" }), ..Options::on(database) }).await;
    app.codechat.add_group(SESSION, GROUP, "Família", &[BIA, ANA]);
    let chat = Chat::Group(GROUP.to_owned(), BIA.to_owned());
    let first = CustomerMessage { chat, ..CustomerMessage::text(BIA, "Oi") };
    let conversation = relayed_as(&app, &app.codechat.customer_sends(SESSION, &first).unwrap()).await.conversation;
    let change = || app.codechat.change_members(SESSION, GROUP, "promote", BIA, &[ANA]);
    let id = dies_with_a_placeholder(&app, conversation, change).await;
    let told = placeholders(&app).remove(0);
    assert!(told.content.unwrap().contains("A change of the group") && told.private);
    retry(&app, &id).await;
    app.until("the change", async || texts_in(&app, conversation).len() == 3).await;
    app.settle().await;
    assert!(texts_in(&app, conversation)[2].starts_with('👥'), "{:?}", texts_in(&app, conversation));
    assert_eq!(app.finish().await.dead, 0);
}

async fn retry_is_refused(app: &TestApp, id: &str) {
    let (status, answer) = app.call(Method::POST, &format!("/api/v1/dead/{id}/retry"), None).await;
    assert_eq!((status, &answer["code"]), (StatusCode::CONFLICT, &json!("not_dead")), "{answer}");
}

/// Posted again, and the answer lost: the next attempt finds it.
async fn a_posted_message_whose_answer_was_lost_is_not_posted_again(database: Database) {
    let app = TestApp::start(database).await;
    let conversation = meet(&app, ANA).await;
    let (key, id) = a_dead_one(&app, conversation, "a perdida").await;
    app.chatwoot.fault(Fault::on(route::MESSAGE_CREATE, FaultAction::Reset { commit: true }).times(1));
    retry(&app, &id).await;
    skip_until(&app, "the end of it", SECOND, async || app.engine.store.tally().await.unwrap().pending == 0).await;
    let copies = app.relayed().into_iter().filter(|message| message.source_id == Some(format!("WAID:{key}")));
    assert_eq!(copies.count(), 1);
    assert_eq!(app.finish().await.dead, 0);
}

async fn a_dead_message_that_fails_again_has_one_placeholder(database: Database) {
    let app = TestApp::start(database).await;
    meet(&app, ANA).await;
    says(&app, ANA, &"x".repeat(150_001));
    let id = died(&app, 1).await.remove(0);
    retry(&app, &id).await;
    app.until("it to wait again", async || dead(&app).await.is_empty()).await;
    assert_eq!(died(&app, 1).await, [id]);
    assert_eq!(placeholders(&app).len(), 1);
    let tries = dead(&app).await[0]["attempts"].as_u64().unwrap();
    assert!(tries > 8, "the second turn is as long as the first: {tries}");
    assert_eq!(app.finish().await.dead, 1);
}

async fn answers_to_a_dead_message_lead_somewhere(database: Database) {
    let app = TestApp::start(database).await;
    let conversation = meet(&app, ANA).await;
    let key = says(&app, ANA, &"x".repeat(150_001));
    died(&app, 1).await;
    let placeholder = placeholders(&app).remove(0);
    let answer = AgentMessage { in_reply_to: Some(placeholder.id), ..AgentMessage::text("Não vi, repete?") };
    answers(&app, conversation, answer);
    app.whatsapp_has(1).await;
    assert_eq!(app.codechat.submissions()[0].quoted.as_deref(), Some(key.as_str()));
    assert_eq!(app.finish().await.dead, 1);
}

async fn a_dead_call_has_a_placeholder_and_arrives(database: Database) {
    let app = TestApp::start(database).await;
    let conversation = meet(&app, ANA).await;
    // the call is refused until the relay has given up, its placeholder is not
    let action = FaultAction::Status { status: 422, body: Some(json!({})), retry_after: None, commit: false };
    app.chatwoot.fault(Fault::on(route::MESSAGE_CREATE, action));
    app.codechat.call_goes_on(SESSION, &CallStep::new(ANA, "CALL1", "offer"));
    let id = died(&app, 1).await.remove(0);
    assert_eq!(placeholders(&app).len(), 0, "Chatwoot takes nothing at all");
    app.chatwoot.clear_faults();
    retry(&app, &id).await;
    app.until("the call", async || texts_in(&app, conversation).iter().any(|text| text.contains('📞'))).await;
    assert_eq!(app.finish().await.dead, 0);
}

async fn a_dead_answer_is_sent_once_and_its_bubble_put_right(database: Database) {
    let app = TestApp::start(database).await;
    let (bad, good) = (meet(&app, ANA).await, meet(&app, BIA).await);
    app.chatwoot.set_blob_delay(BlobDelay { requests: u32::MAX, ms: 0 });
    let file = AgentMessage::file("conta.pdf", "application/pdf", assets::DOCUMENT.bytes, None);
    let message = answers(&app, bad, file);
    let id = died(&app, 1).await.remove(0);
    assert_eq!(status(&app, message).0, "failed");
    assert_eq!(app.chatwoot.messages().iter().filter(|message| message.private).count(), 0, "the bubble tells");
    app.chatwoot.set_blob_delay(BlobDelay { requests: 0, ms: 0 });
    answers(&app, good, AgentMessage::text("outra"));
    app.whatsapp_has(1).await;
    retry(&app, &id).await;
    retry_again_changes_nothing(&app, &id).await;
    app.whatsapp_has(2).await;
    app.settle().await;
    assert_eq!(app.codechat.submission_count(), 2);
    assert_ne!(status(&app, message).0, "failed");
    assert_eq!(app.finish().await.dead, 0);
}

async fn retry_again_changes_nothing(app: &TestApp, id: &str) {
    let (status, _) = app.call(Method::POST, &format!("/api/v1/dead/{id}/retry"), None).await;
    assert!(matches!(status, StatusCode::ACCEPTED | StatusCode::CONFLICT));
}

async fn the_rest_of_a_half_sent_answer_is_sent(database: Database) {
    let app = TestApp::start(database).await;
    let conversation = meet(&app, ANA).await;
    app.chatwoot.set_blob_delay(BlobDelay { requests: u32::MAX, ms: 0 });
    let file = |name: &str, asset: assets::Asset| AgentFile {
        name: name.to_owned(),
        mime: asset.mime.to_owned(),
        bytes: asset.bytes.into(),
    };
    let attachments = vec![file("foto.jpg", assets::PHOTO), file("conta.pdf", assets::DOCUMENT)];
    let message = AgentMessage { attachments, ..AgentMessage::text("x".repeat(1025)) };
    let message = answers(&app, conversation, message);
    let id = died(&app, 1).await.remove(0);
    assert!(status(&app, message).1.unwrap().starts_with("1 of 3 parts were sent."));
    app.chatwoot.set_blob_delay(BlobDelay { requests: 0, ms: 0 });
    retry(&app, &id).await;
    app.whatsapp_has(3).await;
    app.settle().await;
    let kinds: Vec<_> = app.codechat.submissions().into_iter().map(|sent| sent.kind).collect();
    assert_eq!(kinds, ["extendedTextMessage", "imageMessage", "documentMessage"]);
    assert_ne!(status(&app, message).0, "failed");
    assert_eq!(app.finish().await.dead, 0);
}

async fn an_expired_answer_is_sent_when_a_person_asks(database: Database) {
    let app = start_timeless(database).await;
    let conversation = meet(&app, ANA).await;
    app.codechat.set_connection(SESSION, ConnectionState::Close);
    let offline = async || app.engine.sessions.named(SESSION).await.unwrap().unwrap().health.is_offline();
    app.until("the relay to hear of it", offline).await;
    let old = answers(&app, conversation, AgentMessage::text("Seu táxi chegou"));
    heard(&app, old).await;
    later(&app, Duration::from_secs(601));
    let id = died(&app, 1).await.remove(0);
    assert_eq!(dead(&app).await[0]["state"], json!("expired"));
    // asked for while the phone is away, it waits once more, and no longer than any other
    retry(&app, &id).await;
    later(&app, Duration::from_mins(9));
    assert_eq!(app.codechat.submission_count(), 0);
    app.codechat.set_connection(SESSION, ConnectionState::Open);
    skip_until(&app, "the message", SECOND, async || app.codechat.submission_count() == 1).await;
    app.settle().await;
    assert_eq!(texts_sent(&app), ["Seu táxi chegou"]);
    assert_ne!(status(&app, old).0, "failed");
    let tally = app.finish().await;
    assert_eq!((tally.expired, tally.dead), (0, 0));
}

async fn many_wait_again_and_arrive_in_order(database: Database) {
    let app = TestApp::start(database).await;
    let conversation = meet(&app, ANA).await;
    refuse_in(&app, conversation);
    let texts: Vec<_> = (1..=6).map(|number| format!("mensagem {number}")).collect();
    for (index, text) in texts.iter().enumerate() {
        says(&app, ANA, text);
        died(&app, index + 1).await;
    }
    app.chatwoot.clear_faults();
    let mut body = json!({ "session": SESSION, "reason": "refused", "limit": 4 });
    let mut retried = 0;
    loop {
        let (status, portion) = app.call(Method::POST, "/api/v1/dead/retry", Some(&body)).await;
        assert_eq!(status, StatusCode::OK, "{portion}");
        retried += portion["retried"].as_u64().unwrap();
        if portion["next"].is_null() {
            break;
        }
        body["cursor"] = portion["next"].clone();
    }
    assert_eq!(retried, 6);
    skip_until(&app, "all of them", SECOND, async || app.engine.store.tally().await.unwrap().pending == 0).await;
    let arrived: Vec<_> = texts_in(&app, conversation)
        .into_iter()
        .filter(|text| text.starts_with("mensagem"))
        .map(|text| text.lines().next().unwrap().to_owned())
        .collect();
    assert_eq!(arrived, texts);
    assert_eq!(app.finish().await.dead, 0);
}

async fn an_answer_whose_bubble_is_gone_leaves_a_note(database: Database) {
    let app = TestApp::start(database).await;
    let conversation = meet(&app, ANA).await;
    app.chatwoot.set_blob_delay(BlobDelay { requests: u32::MAX, ms: 0 });
    app.chatwoot.fault(Fault::status(route::MESSAGE_STATUS, 404));
    answers(&app, conversation, AgentMessage::file("conta.pdf", "application/pdf", assets::DOCUMENT.bytes, None));
    let id = died(&app, 1).await.remove(0);
    let notes: Vec<_> = app.chatwoot.messages().into_iter().filter(|message| message.private).collect();
    assert_eq!(notes.len(), 1);
    let text = notes[0].content.as_deref().unwrap();
    assert!(text.contains("conta.pdf") && text.contains(&format!("relay dead retry {id}")), "{text}");
    assert_eq!(app.finish().await.dead, 1);
}
