//! The *Relay* contact: agents ask it, it answers and tells of the phone, and nothing of it reaches WhatsApp.

use std::time::Duration;

use relay_sim::{AgentMessage, CodeChatOptions, ConnectionState, Fault, FaultAction, HookFaults, LedgerMessage, route};
use relay_testing::{Database, Options, TestApp};
use reqwest::Method;
use serde_json::json;

use crate::support::{ANA, SESSION, finish_clean, heard, later, meet, shown, skip_until, start_timeless};

both!(
    agents_are_answered_in_their_language,
    only_administrators_change_anything,
    nothing_of_it_reaches_whatsapp,
    a_command_told_twice_is_carried_out_once,
    a_kill_between_command_and_answer_neither_loses_nor_doubles_it,
    a_phone_that_comes_and_goes_tells_nothing,
    a_lost_connection_is_told_and_its_return,
    a_number_logged_out_is_shown_codes_until_it_is_back,
    codes_that_nobody_scans_are_removed,
    it_can_be_switched_off,
    what_agents_delete_is_made_again_once,
    an_old_command_is_not_carried_out,
);

/// The users of the stand-in.
const ADMINISTRATOR: u64 = 1;
const AGENT: u64 = 2;
const SOURCE: &str = "relay-contact";

/// The contact's conversation, once it has introduced itself.
async fn desk(app: &TestApp) -> u64 {
    let live = app.engine.sessions.named(SESSION).await.unwrap().unwrap();
    app.engine.introduce_relay(&live).await.unwrap();
    app.engine.store.arrived().notify_one();
    app.until("the introduction", async || !said(app).is_empty()).await;
    said(app)[0].conversation
}

/// What the contact has said, deleted or not.
fn said(app: &TestApp) -> Vec<LedgerMessage> {
    app.relayed().into_iter().filter(|message| message.contact_source_id == SOURCE).collect()
}

fn last_said(app: &TestApp) -> String {
    said(app).pop().and_then(|message| message.content).unwrap_or_default()
}

fn asks(app: &TestApp, conversation: u64, user: u64, text: &str) -> u64 {
    app.chatwoot.user_sends(1, conversation, user, AgentMessage::text(text)).unwrap()
}

/// Asks, and waits for one more thing said.
async fn answer(app: &TestApp, conversation: u64, user: u64, text: &str) -> String {
    let before = said(app).len();
    asks(app, conversation, user, text);
    app.until(&format!("the answer to {text}"), async || said(app).len() > before).await;
    app.settle().await;
    assert_eq!(said(app).len(), before + 1, "{:?}", said(app));
    last_said(app)
}

async fn session(app: &TestApp) -> serde_json::Value {
    app.call(Method::GET, "/session/loja01", None).await.1
}

async fn is_open(app: &TestApp) {
    app.until("the phone to be connected", async || session(app).await["connection"] == "open").await;
}

async fn agents_are_answered_in_their_language(database: Database) {
    for (settings, asked, wanted) in [
        (json!({ "locale": "pt-BR" }), "/ESTADO", "🟢 Celular conectado desde "),
        (json!({ "locale": "en" }), "Status?", "🟢 Phone connected since "),
        (json!({ "locale": "es" }), "situación", "🟢 Teléfono conectado desde "),
    ] {
        let app = TestApp::with(Options { settings, ..Options::on(database) }).await;
        is_open(&app).await;
        let conversation = desk(&app).await;
        let told = answer(&app, conversation, AGENT, asked).await;
        assert!(told.contains(wanted) && told.contains("`loja01`") && !told.contains("988887777"), "{told}");
        let help = answer(&app, conversation, AGENT, "ajuda").await;
        assert_eq!(Some(help.as_str()), said(&app)[0].content.as_deref(), "as it introduced itself");
        let unknown = answer(&app, conversation, AGENT, "bom dia").await;
        assert!(unknown.ends_with(&help) && unknown != help, "{unknown}");
        assert_eq!(app.codechat.submission_count(), 0);
        finish_clean(app).await;
    }
}

async fn only_administrators_change_anything(database: Database) {
    let app = TestApp::start(database).await;
    is_open(&app).await;
    let conversation = desk(&app).await;
    for asked in ["pause", "resume", "qr", "doctor"] {
        let told = answer(&app, conversation, AGENT, asked).await;
        assert!(told.contains("Only administrators"), "{asked}: {told}");
    }
    assert_eq!(session(&app).await["status"], "active");
    let told = answer(&app, conversation, ADMINISTRATOR, "Pausar férias de julho").await;
    assert!(told.starts_with("⏸️ Paused."), "{told}");
    let now = session(&app).await;
    assert_eq!(
        (&now["status"], &now["status_reason"]),
        (&json!("paused"), &json!("paused by a person: Relay: férias de julho"))
    );
    let told = answer(&app, conversation, AGENT, "status").await;
    assert!(told.contains("⏸️ Paused: paused by a person: Relay: férias de julho"), "{told}");
    let told = answer(&app, conversation, ADMINISTRATOR, "/resume").await;
    assert!(told.starts_with("▶️ Resumed."), "{told}");
    assert_eq!(session(&app).await["status"], "active");
    let told = answer(&app, conversation, ADMINISTRATOR, "diagnóstico").await;
    assert!(told.starts_with("🩺 "), "{told}");
    finish_clean(app).await;
}

async fn nothing_of_it_reaches_whatsapp(database: Database) {
    let app = TestApp::start(database).await;
    is_open(&app).await;
    let conversation = desk(&app).await;
    // as agents may change the contact, and as what is no agent's command comes along
    let contact = app.chatwoot.contacts().into_iter().find(|contact| contact.name == "Relay").unwrap();
    let url = format!("{}/api/v1/accounts/1/contacts/{}", app.chatwoot.base_url(), contact.id);
    let number = json!({ "phone_number": format!("+{ANA}") });
    let changed = app.http().patch(url).header("api_access_token", &app.token).json(&number).send().await.unwrap();
    assert!(changed.status().is_success());
    let private = AgentMessage { private: true, ..AgentMessage::text("pause") };
    let file = AgentMessage::file("conta.pdf", "application/pdf", vec![1, 2, 3], Some("conta"));
    let mut told = Vec::new();
    for message in [private, AgentMessage::template("pause"), AgentMessage::automation("pause", 3), file] {
        told.push(app.chatwoot.user_sends(1, conversation, ADMINISTRATOR, message).unwrap());
    }
    // what the relay itself, or another program with its token, wrote
    let url = format!("{}/api/v1/accounts/1/conversations/{conversation}/messages", app.chatwoot.base_url());
    let echo = json!({ "content": "pause", "message_type": "outgoing", "source_id": "WAID:relay:x" });
    let made = app.http().post(url).header("api_access_token", &app.token).json(&echo).send().await.unwrap();
    assert!(made.status().is_success());
    told.push(app.chatwoot.messages().last().unwrap().id);
    for message in &told {
        heard(&app, *message).await;
    }
    // the file is no command that is known
    app.until("the help", async || last_said(&app).starts_with("I do not know")).await;
    app.chatwoot.agent_deletes(told[3]);
    app.settle().await;
    assert_eq!(session(&app).await["status"], "active");
    assert_eq!(app.codechat.submission_count(), 0);
    assert!(app.codechat.revocations().is_empty());
    // the customer whose number the contact was given has a conversation of her own
    let hers = meet(&app, ANA).await;
    assert_ne!(hers, conversation);
    finish_clean(app).await;
}

async fn a_command_told_twice_is_carried_out_once(database: Database) {
    let app = TestApp::start(database).await;
    is_open(&app).await;
    let conversation = desk(&app).await;
    app.chatwoot.set_hook_faults(HookFaults { duplicate_percent: 100, extra_copies: 2, ..HookFaults::default() });
    let asked = asks(&app, conversation, AGENT, "status");
    let key = format!("message_created:{asked}");
    let copies = || app.chatwoot.ack_log().iter().filter(|ack| ack.key == key).count();
    app.until("all copies", async || copies() == 3).await;
    app.until("the answer", async || said(&app).len() == 2).await;
    app.settle().await;
    assert_eq!(said(&app).len(), 2);
    finish_clean(app).await;
}

async fn a_kill_between_command_and_answer_neither_loses_nor_doubles_it(database: Database) {
    // the answer is lost with its connection, before it was posted or after
    for commit in [false, true] {
        let app = TestApp::start(database).await;
        is_open(&app).await;
        let conversation = desk(&app).await;
        app.settle().await;
        app.chatwoot.fault(Fault::on(route::MESSAGE_CREATE, FaultAction::Reset { commit }).times(1));
        asks(&app, conversation, ADMINISTRATOR, "pause");
        let tried = || app.chatwoot.calls().get(route::MESSAGE_CREATE).copied().unwrap_or_default() >= 2;
        app.until("the attempt", async || tried()).await;
        let app = app.restarted(async |_, _| ()).await;
        let is_told = async || said(&app).len() == 2 && app.engine.store.tally().await.unwrap().pending == 0;
        skip_until(&app, "the answer", Duration::from_secs(1), is_told).await;
        assert!(last_said(&app).starts_with("⏸️ Paused."));
        assert_eq!(session(&app).await["status"], "paused");
        finish_clean(app).await;
    }
}

async fn a_phone_that_comes_and_goes_tells_nothing(database: Database) {
    let app = TestApp::start(database).await;
    is_open(&app).await;
    for _ in 0..5 {
        app.codechat.set_connection_because(SESSION, ConnectionState::Close, 408);
        app.until("the word", async || session(&app).await["connection"] == "close").await;
        later(&app, Duration::from_secs(30));
        app.codechat.set_connection(SESSION, ConnectionState::Open);
        is_open(&app).await;
        later(&app, Duration::from_secs(30));
    }
    later(&app, Duration::from_mins(2));
    // time for what must not happen: sessions are read anew, and news are looked for
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert!(said(&app).is_empty(), "{:?}", said(&app));
    finish_clean(app).await;
}

async fn a_lost_connection_is_told_and_its_return(database: Database) {
    let app = TestApp::start(database).await;
    is_open(&app).await;
    app.codechat.set_connection_because(SESSION, ConnectionState::Close, 408);
    app.until("the word", async || session(&app).await["connection"] == "close").await;
    let second = Duration::from_secs(5);
    skip_until(&app, "the news", second, async || said(&app).len() == 1).await;
    assert!(
        last_said(&app).starts_with("🔴 The phone has had no connection to WhatsApp since "),
        "{}",
        last_said(&app)
    );
    later(&app, Duration::from_hours(2));
    app.codechat.set_connection(SESSION, ConnectionState::Open);
    skip_until(&app, "the return", second, async || said(&app).len() == 2).await;
    assert!(last_said(&app).starts_with("🟢 The phone is connected again, since "), "{}", last_said(&app));
    later(&app, Duration::from_hours(2));
    app.settle().await;
    assert_eq!(said(&app).len(), 2, "each is told once");
    finish_clean(app).await;
}

/// What the conversation shows of the contact's messages: whether each is a code with its picture, and its text.
async fn seen(app: &TestApp) -> Vec<(bool, String)> {
    let Some(first) = said(app).first().map(|message| message.conversation) else { return Vec::new() };
    let rows = shown(app, first).await;
    let from_relay = rows.iter().filter(|row| row["source_id"].is_string());
    from_relay
        .filter(|row| row["content_attributes"]["deleted"] != true)
        .map(|row| {
            (row["attachments"][0]["file_type"] == "image", row["content"].as_str().unwrap_or_default().to_owned())
        })
        .collect()
}

fn with_codes(database: Database) -> Options {
    let codechat = CodeChatOptions { qr_lifetime: Some(Duration::from_secs(3)), ..Options::on(database).codechat };
    Options { codechat, ..Options::on(database) }
}

async fn a_number_logged_out_is_shown_codes_until_it_is_back(database: Database) {
    let app = TestApp::with(with_codes(database)).await;
    is_open(&app).await;
    app.codechat.unpair(SESSION);
    let step = Duration::from_secs(1);
    let codes = async || seen(&app).await.iter().filter(|(is_code, _)| *is_code).count();
    skip_until(&app, "a code", step, async || codes().await == 1).await;
    let first = said(&app);
    assert!(first[0].content.as_deref().unwrap().starts_with("🔴 This number was logged out of WhatsApp at "));
    skip_until(&app, "the next code", step, async || said(&app).len() >= 3).await;
    skip_until(&app, "one code alone", step, async || codes().await == 1).await;
    app.codechat.scan_qr(SESSION, "5511988887777");
    skip_until(&app, "the end", step, async || last_said(&app).starts_with("🟢 The phone is connected.")).await;
    assert_eq!(codes().await, 0, "{:?}", seen(&app).await);
    app.settle().await;
    let told = said(&app).len();
    later(&app, Duration::from_mins(5));
    tokio::time::sleep(Duration::from_millis(1200)).await;
    app.settle().await;
    assert_eq!(said(&app).len(), told, "the return was told: {:?}", seen(&app).await);
    assert_eq!(app.codechat.submission_count(), 0);
    finish_clean(app).await;
}

async fn codes_that_nobody_scans_are_removed(database: Database) {
    let app = TestApp::without_session(Options::on(database)).await;
    assert_eq!(app.create_session(SESSION).await.0, 201);
    let conversation = desk(&app).await;
    asks(&app, conversation, ADMINISTRATOR, "conectar");
    let codes = async || seen(&app).await.iter().filter(|(is_code, _)| *is_code).count();
    skip_until(&app, "a code", Duration::from_secs(1), async || codes().await == 1).await;
    // it stays the same for longer than a code may be shown
    skip_until(&app, "the code to go", Duration::from_secs(5), async || codes().await == 0).await;
    skip_until(&app, "the end", Duration::from_secs(5), async || last_said(&app).starts_with("⌛ The code expired"))
        .await;
    assert_eq!(said(&app).len(), 3);
    finish_clean(app).await;
}

async fn it_can_be_switched_off(database: Database) {
    let settings = json!({ "relay_contact": { "enabled": false } });
    let app = TestApp::with(Options { settings, ..Options::on(database) }).await;
    is_open(&app).await;
    app.codechat.unpair(SESSION);
    app.until("the word", async || session(&app).await["connection"] == "close").await;
    later(&app, Duration::from_mins(10));
    tokio::time::sleep(Duration::from_millis(1200)).await;
    app.settle().await;
    assert!(app.relayed().is_empty() && app.chatwoot.contacts().is_empty());
    finish_clean(app).await;
}

async fn what_agents_delete_is_made_again_once(database: Database) {
    let app = start_timeless(database).await;
    is_open(&app).await;
    let first = desk(&app).await;
    app.settle().await;
    assert!(app.chatwoot.delete_conversation(1, first));
    app.codechat.set_connection_because(SESSION, ConnectionState::Close, 408);
    app.until("the word", async || session(&app).await["connection"] == "close").await;
    let is_told = async || last_said(&app).starts_with("🔴 The phone has had");
    skip_until(&app, "the news", Duration::from_secs(5), is_told).await;
    let contacts = app.chatwoot.contacts().into_iter().filter(|contact| contact.name == "Relay").count();
    assert_eq!(contacts, 1);
    let second = said(&app).pop().unwrap().conversation;
    assert_ne!(second, first);
    let told = answer(&app, second, AGENT, "status").await;
    assert!(told.contains("🔴 Phone disconnected since "), "{told}");
    finish_clean(app).await;
}

async fn an_old_command_is_not_carried_out(database: Database) {
    let app = TestApp::start(database).await;
    is_open(&app).await;
    let conversation = desk(&app).await;
    app.settle().await;
    app.chatwoot.fault(Fault::status(route::ALL, 503));
    let asked = asks(&app, conversation, ADMINISTRATOR, "pause");
    heard(&app, asked).await;
    later(&app, Duration::from_mins(11));
    app.chatwoot.clear_faults();
    skip_until(&app, "the answer", Duration::from_secs(1), async || said(&app).len() == 2).await;
    assert!(last_said(&app).starts_with("⏰ This command came too late"), "{}", last_said(&app));
    assert_eq!(session(&app).await["status"], "active");
    finish_clean(app).await;
}
