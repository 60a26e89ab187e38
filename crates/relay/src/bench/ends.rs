//! A relay between the stand-ins, with one session that is connected.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use relay_sim::{ChatwootOptions, CodeChatOptions, FakeChatwoot, FakeCodeChat};
use reqwest::Method;
use serde_json::{Value, json};

use super::load::{Until, closed_loop};
use super::message::{CHATS, Door};
use super::process::{API_KEY, Folder, Relay, Surroundings};

/// Number of the shop.
const SHOP: &str = "5511988887777";
/// How long a first message may take to every chat, and the session to be made.
const PREPARE_WITHIN: Duration = Duration::from_mins(1);

/// Everything that a measurement with traffic needs. The relay is killed before its folder goes away.
#[derive(Debug)]
pub(super) struct Ends {
    pub(super) relay: Relay,
    pub(super) codechat: FakeCodeChat,
    pub(super) chatwoot: FakeChatwoot,
    pub(super) door: Door,
    /// Number of the next message.
    pub(super) serials: Arc<AtomicU64>,
    session: String,
    http: reqwest::Client,
    _folder: Folder,
}

impl Ends {
    pub(super) async fn set(database_url: Option<&str>) -> anyhow::Result<Self> {
        let codechat = FakeCodeChat::start(CodeChatOptions::default()).await?;
        let walls_down = ChatwootOptions { message_wall: None, search_wall: None, ..ChatwootOptions::default() };
        let chatwoot = FakeChatwoot::start(walls_down).await?;
        let folder = Folder::new()?;
        let relay = Relay::start(folder.path(), &surroundings(&codechat, &chatwoot, database_url)).await?;
        let http = relay_engine::http::client()?;
        let session = format!("bench-{}", uuid::Uuid::now_v7());
        let inbox = chatwoot.add_inbox(1, "WhatsApp", "").id;
        let chatwoot_in = json!({ "account_id": 1, "inbox_id": inbox, "token": FakeChatwoot::ADMIN_TOKEN });
        // looking for what agents have read is not a cost of a message
        let settings = json!({ "read_receipts": false });
        let body = json!({ "session_id": session, "chatwoot": chatwoot_in, "settings": settings });
        call(&http, &relay, Method::POST, "/session", Some(&body)).await?;
        codechat.scan_qr(&session, SHOP);
        let url = codechat.webhook_url(&session).context("the relay set no webhook")?;
        Ok(Self {
            door: Door::new(&url)?,
            relay,
            codechat,
            chatwoot,
            serials: Arc::default(),
            session,
            http,
            _folder: folder,
        })
    }

    /// One message from each customer, so that every conversation exists.
    pub(super) async fn open_conversations(&self) -> anyhow::Result<()> {
        let count = u64::try_from(CHATS)?;
        let tally = closed_loop(&self.door, &self.serials, 8, Until::Sent(count)).await?;
        ensure!(tally.accepted == count, "the door refused {} of the first {count} messages", tally.refused());
        let all = self.chatwoot.wait_until(|chatwoot| chatwoot.message_count() >= CHATS, PREPARE_WITHIN).await;
        ensure!(all, "only {} of {CHATS} first messages arrived", self.chatwoot.message_count());
        Ok(())
    }

    /// Stops the stand-in for Chatwoot and waits until the relay keeps its deliveries away from it.
    pub(super) async fn close_chatwoot(&self) -> anyhow::Result<()> {
        self.chatwoot.go_down().await;
        closed_loop(&self.door, &self.serials, 8, Until::Sent(u64::try_from(CHATS)?)).await?;
        let deadline = tokio::time::Instant::now() + PREPARE_WITHIN;
        while tokio::time::Instant::now() < deadline {
            let health = call(&self.http, &self.relay, Method::GET, "/healthz", None).await?;
            if health.get("degraded").and_then(Value::as_array).is_some_and(|degraded| !degraded.is_empty()) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        bail!("the relay did not notice that Chatwoot is gone")
    }

    /// Removes the session, which matters to a database that outlives the measurement.
    pub(super) async fn clear(self) {
        let path = format!("/session/{}?force=true", self.session);
        // whoever measured has the figures already; what stays behind is said in the documentation
        drop(call(&self.http, &self.relay, Method::DELETE, &path, None).await);
    }
}

/// What a relay is told of its surroundings.
pub(super) fn surroundings(
    codechat: &FakeCodeChat,
    chatwoot: &FakeChatwoot,
    database_url: Option<&str>,
) -> Surroundings {
    Surroundings {
        codechat_url: codechat.base_url(),
        codechat_key: codechat.api_key().to_owned(),
        chatwoot_url: chatwoot.base_url(),
        database_url: database_url.map(ToOwned::to_owned),
    }
}

async fn call(
    http: &reqwest::Client,
    relay: &Relay,
    method: Method,
    path: &str,
    body: Option<&Value>,
) -> anyhow::Result<Value> {
    let mut request = http
        .request(method, format!("http://{}{path}", relay.address))
        .header("api-key", API_KEY)
        .timeout(PREPARE_WITHIN);
    if let Some(body) = body {
        request = request.json(body);
    }
    let answer = request.send().await.context("the relay does not answer")?;
    let status = answer.status();
    let text = answer.text().await?;
    ensure!(status.is_success(), "the relay answered {path} with {status}: {text}");
    Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
}
