//! Requests down to the byte, and webhooks as either side would send them.

use std::time::{SystemTime, UNIX_EPOCH};

use relay_testing::{Database, TestApp, fixtures};
use reqwest::{Method, StatusCode};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use url::Url;

/// What came back on a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

/// A socket to the server that `url` names.
pub(crate) async fn dial(url: &str) -> TcpStream {
    let url = Url::parse(url).unwrap();
    TcpStream::connect((url.host_str().unwrap(), url.port().unwrap())).await.unwrap()
}

/// The request line and the `Host` header of a POST to `url`, without the empty line.
pub(crate) fn post_head(url: &str) -> String {
    let parsed = Url::parse(url).unwrap();
    let authority = parsed.authority();
    let target = url.split_once(authority).unwrap().1;
    format!("POST {target} HTTP/1.1\r\nHost: {authority}\r\n")
}

/// Writes `request` as it is and reads one answer; `None` when the server hangs up instead.
pub(crate) async fn raw(url: &str, request: &[u8]) -> Option<Answer> {
    let mut stream = dial(url).await;
    // the server may hang up before it has read everything
    drop(stream.write_all(request).await);
    read_answer(&mut stream).await
}

/// Reads one answer with a `Content-Length`.
pub(crate) async fn read_answer(stream: &mut TcpStream) -> Option<Answer> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap().to_ascii_lowercase();
    let length =
        head.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next()?.parse().ok()).unwrap_or(0);
    while bytes.len() < end + length {
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            break;
        }
    }
    let status = head.get(9..12)?.parse().ok()?;
    Some(Answer { status, head, body: String::from_utf8_lossy(&bytes[end..]).into_owned() })
}

/// Posts a body with any headers.
pub(crate) async fn post(
    app: &TestApp,
    url: &str,
    headers: &[(&str, &str)],
    body: impl Into<reqwest::Body>,
) -> (StatusCode, String) {
    let mut request = app.http().post(url).body(body);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.send().await.unwrap();
    (answer.status(), answer.text().await.unwrap())
}

/// Posts JSON.
pub(crate) async fn post_json(app: &TestApp, url: &str, body: impl Into<reqwest::Body>) -> StatusCode {
    post(app, url, &[("content-type", "application/json")], body).await.0
}

/// A text from a customer, as CodeChat tells it.
pub(crate) fn customer_text(key: &str, text: &str) -> Value {
    let mut webhook = fixtures::read("webhooks", "messages.upsert__conversation");
    webhook["data"]["keyId"] = json!(key);
    webhook["data"]["content"]["text"] = json!(text);
    webhook["data"]["messageTimestamp"] = json!(now());
    webhook
}

/// A text that an agent wrote in the session's inbox, as Chatwoot tells it.
pub(crate) fn agent_text(app: &TestApp, id: u64, text: &str) -> Value {
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/chatwoot/examples.json");
    let examples: Value = serde_json::from_slice(&std::fs::read(examples).unwrap()).unwrap();
    let mut webhook = examples["webhooks"]["message_created.agent_text_reply"].clone();
    webhook["id"] = json!(id);
    webhook["content"] = json!(text);
    webhook["content_attributes"] = json!({});
    webhook["account"]["id"] = json!(app.account);
    webhook["inbox"]["id"] = json!(app.inbox);
    webhook["conversation"]["inbox_id"] = json!(app.inbox);
    webhook
}

/// The headers that Chatwoot signs a body with.
pub(crate) async fn signed(app: &TestApp, timestamp: u64, body: &[u8]) -> [(&'static str, String); 3] {
    let live = app.engine.sessions.named("loja01").await.unwrap().unwrap();
    let secret = live.session.chatwoot.secret.clone().expect("an administrator's session knows the secret");
    assert!(!secret.expose_secret().is_empty());
    let timestamp = timestamp.to_string();
    let signature = chatwoot::sign(&secret, &timestamp, body);
    [
        ("content-type", "application/json".to_owned()),
        ("x-chatwoot-timestamp", timestamp),
        ("x-chatwoot-signature", signature),
    ]
}

/// Posts a body to Chatwoot's door as Chatwoot would.
pub(crate) async fn post_signed(app: &TestApp, body: impl AsRef<[u8]>) -> (StatusCode, String) {
    let body = body.as_ref().to_vec();
    let headers = signed(app, now(), &body).await;
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    post(app, &app.chatwoot_webhook(), &headers, body).await
}

/// Epoch seconds.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// How many events were received so far, without those of the phone's connection.
pub(crate) async fn received(app: &TestApp) -> i64 {
    app.engine.store.tally().await.unwrap().received - of_the_connection()
}

/// Events that the phone's pairing makes while a [`TestApp`] starts.
pub(crate) const fn of_the_connection() -> i64 {
    3
}

/// A relay whose phone is connected, with nothing on its way.
pub(crate) async fn settled_app() -> TestApp {
    settled_on(Database::Sqlite).await
}

/// As [`settled_app`], on one of the databases.
pub(crate) async fn settled_on(database: Database) -> TestApp {
    let app = TestApp::start(database).await;
    app.until("the phone's events", async || received(&app).await == 0).await;
    app
}

/// Makes a session on an inbox of its own; returns its answer.
pub(crate) async fn another_session(app: &TestApp, name: &str) -> Value {
    let inbox = app.chatwoot.add_inbox(app.account, name, "").id;
    let (status, body) = app.call(Method::POST, "/session", Some(&payload(app, name, inbox))).await;
    assert_eq!(status, StatusCode::CREATED, "{body}");
    body
}

/// The payload that makes a session.
pub(crate) fn payload(app: &TestApp, name: &str, inbox: u64) -> Value {
    json!({ "session_id": name, "chatwoot": { "account_id": app.account, "inbox_id": inbox, "token": app.token } })
}

/// All instances at CodeChat, by its own account.
pub(crate) async fn instances(app: &TestApp) -> Vec<Value> {
    let url = format!("{}/instance/fetchInstances", app.codechat.base_url());
    let answer = app.http().get(url).header("apikey", app.codechat.api_key()).send().await.unwrap();
    answer.json().await.unwrap()
}
