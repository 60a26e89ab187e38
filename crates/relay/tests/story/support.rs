//! What the stories share: short names for what people do, and time that passes without waiting for it.

use std::process::Command;
use std::time::Duration;

use relay_sim::{AgentMessage, CustomerMessage, Kind, LedgerMessage, Role};
use relay_store::Tally;
use relay_testing::{Database, Options, TempFolder, TestApp, eventually};
use serde_json::Value;

/// The session of every story.
pub(crate) const SESSION: &str = "loja01";
/// A customer.
pub(crate) const ANA: &str = "5511900000001";
/// Another one.
pub(crate) const BIA: &str = "5511900000002";

/// A customer writes; returns WhatsApp's id.
pub(crate) fn says(app: &TestApp, phone: &str, text: &str) -> String {
    app.codechat.customer_sends(SESSION, &CustomerMessage::text(phone, text)).unwrap()
}

/// A customer sends something; returns WhatsApp's id.
pub(crate) fn sends(app: &TestApp, phone: &str, kind: Kind) -> String {
    app.codechat.customer_sends(SESSION, &CustomerMessage::new(phone, kind)).unwrap()
}

/// A customer writes for the first time; returns the conversation, once it is there.
pub(crate) async fn meet(app: &TestApp, phone: &str) -> u64 {
    let key = says(app, phone, "Oi");
    relayed_as(app, &key).await.conversation
}

/// The message in Chatwoot that a WhatsApp message became, once it is there.
pub(crate) async fn relayed_as(app: &TestApp, key: &str) -> LedgerMessage {
    let source_id = format!("WAID:{key}");
    let find = || app.relayed().into_iter().find(|message| message.source_id.as_ref() == Some(&source_id));
    app.until("the message in Chatwoot", async || find().is_some()).await;
    find().unwrap()
}

/// An agent writes; returns the message's id.
pub(crate) fn answers(app: &TestApp, conversation: u64, message: AgentMessage) -> u64 {
    app.chatwoot.agent_sends(conversation, message).unwrap()
}

/// Waits until the relay has taken Chatwoot's webhook about a message.
pub(crate) async fn heard(app: &TestApp, message: u64) {
    let key = format!("message_created:{message}");
    let is_taken = || app.chatwoot.ack_log().iter().any(|ack| ack.key == key && ack.outcome.is_accepted());
    app.until("Chatwoot's webhook", async || is_taken()).await;
}

/// Texts that the relay posted to a conversation, in order.
pub(crate) fn texts_in(app: &TestApp, conversation: u64) -> Vec<String> {
    let here = app.relayed().into_iter().filter(|message| message.conversation == conversation);
    here.map(|message| message.content.unwrap_or_default()).collect()
}

/// Texts that WhatsApp was handed, in order.
pub(crate) fn texts_sent(app: &TestApp) -> Vec<String> {
    app.codechat.submissions().into_iter().map(|sent| sent.text.unwrap_or_default()).collect()
}

/// Status and reason on an agent's message.
pub(crate) fn status(app: &TestApp, message: u64) -> (String, Option<String>) {
    let message = app.chatwoot.message(message).unwrap();
    (message.status, message.external_error)
}

/// Waits until an agent's message has a status.
pub(crate) async fn has_status(app: &TestApp, message: u64, wanted: &str) {
    app.until(&format!("the status {wanted}"), async || status(app, message).0 == wanted).await;
}

/// Waits until the relay has given the first contact a picture.
pub(crate) async fn has_picture(app: &TestApp) {
    let is_there = || app.chatwoot.contacts().first().is_some_and(|contact| contact.avatar.is_some());
    app.until("the contact's picture", async || is_there()).await;
}

/// Lets time pass for the relay, and wakes it.
pub(crate) fn later(app: &TestApp, by: Duration) {
    app.clock.advance(by);
    app.engine.store.arrived().notify_one();
}

/// Lets time pass step by step until a condition holds; it stands still while something is due, as it does for those who wait
/// for a machine that is busy.
pub(crate) async fn skip_until(app: &TestApp, what: &str, step: Duration, mut condition: impl AsyncFnMut() -> bool) {
    eventually(what, async || {
        let holds = condition().await;
        let due = app.engine.store.next_due(&[]).await.unwrap();
        let is_due = due.is_some_and(|due| due <= app.clock.now());
        if !holds && !is_due {
            later(app, step);
        }
        holds
    })
    .await;
}

/// Lets time pass, second by second, until nothing is pending.
pub(crate) async fn skip_until_settled(app: &TestApp) {
    let pending = async || app.engine.store.tally().await.unwrap().pending;
    skip_until(app, "no pending events", Duration::from_secs(1), async || pending().await == 0).await;
}

/// Events that wait.
pub(crate) async fn pending(app: &TestApp) -> i64 {
    app.engine.store.tally().await.unwrap().pending
}

/// Ends a story in which nothing may have failed.
pub(crate) async fn finish_clean(app: TestApp) -> Tally {
    let tally = app.finish().await;
    assert_eq!((tally.dead, tally.expired), (0, 0), "{tally:?}");
    tally
}

/// A relay whose Chatwoot token is an agent's: the webhook is pasted by hand and comes without a signature that would be too
/// old once hours have passed.
pub(crate) async fn start_timeless(database: Database) -> TestApp {
    start_timeless_with(Options::on(database)).await
}

/// The same, as a test wants it otherwise.
pub(crate) async fn start_timeless_with(options: Options) -> TestApp {
    let app = TestApp::without_session(Options { role: Role::Agent, ..options }).await;
    let (status, made) = app.create_session(SESSION).await;
    assert_eq!(status, 201, "{made}");
    app.chatwoot.set_webhook_url(app.inbox, made["chatwoot_inbox_webhook"].as_str().unwrap());
    app.codechat.scan_qr(SESSION, "5511988887777");
    app
}

/// The conversation's messages as Chatwoot's API shows them.
pub(crate) async fn shown(app: &TestApp, conversation: u64) -> Vec<Value> {
    let url =
        format!("{}/api/v1/accounts/{}/conversations/{conversation}/messages", app.chatwoot.base_url(), app.account);
    let answer = app.http().get(url).header("api_access_token", &app.token).send().await.unwrap();
    let page: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    page["payload"].as_array().unwrap().clone()
}

/// The first file of a message, as an agent's browser would load it.
pub(crate) async fn download(app: &TestApp, message: &LedgerMessage) -> Vec<u8> {
    let shown = shown(app, message.conversation).await;
    let shown = shown.iter().find(|shown| shown["id"] == message.id).unwrap();
    let url = shown["attachments"][0]["data_url"].as_str().unwrap();
    let moved = app.http().get(url).send().await.unwrap();
    let location = moved.headers()["location"].to_str().unwrap().to_owned();
    app.http().get(location).send().await.unwrap().bytes().await.unwrap().to_vec()
}

/// What ffprobe finds in a sound file: the codec and the length in seconds.
pub(crate) fn probe(bytes: &[u8]) -> (String, f64) {
    let folder = TempFolder::new();
    let file = folder.path().join("sound");
    std::fs::write(&file, bytes).unwrap();
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-show_entries", "stream=codec_name:format=duration", "-of", "csv=p=0"]).arg(&file);
    let output = command.output().expect("ffprobe is installed");
    let told = String::from_utf8(output.stdout).unwrap();
    let mut lines = told.lines();
    let codec = lines.next().expect("ffprobe knows the codec").to_owned();
    (codec, lines.next().expect("ffprobe knows the length").parse().unwrap())
}
