//! `relay demo`: a relay between stand-ins for CodeChat and Chatwoot, with a customer and an agent who talk.

mod script;

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, bail};
use relay_domain::Clock;
use relay_domain::note::Locale;
use relay_engine::token::new_token;
use relay_engine::{Engine, EngineConfig};
use relay_sim::{ChatwootOptions, CodeChatOptions, FakeChatwoot, FakeCodeChat};
use relay_store::{Store, StoreConfig};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::cli::DemoArgs;
use crate::printer::Printer;
use crate::serve;

/// Name of the session that the demo makes.
const SESSION: &str = "loja";
/// Number of the shop.
const SHOP: &str = "5511988887777";

/// Everything that plays along.
pub(crate) struct Stage {
    pub(crate) codechat: FakeCodeChat,
    pub(crate) chatwoot: FakeChatwoot,
    inbox: u64,
    base: Url,
    api_key: SecretString,
    folder: PathBuf,
}

pub(crate) async fn run(args: &DemoArgs, printer: &Printer) -> anyhow::Result<()> {
    printer
        .line("relay demo: a customer on WhatsApp, an agent in Chatwoot, both played by stand-ins on this machine\n");
    let stop = CancellationToken::new();
    let (stage, relay) = Stage::set(stop.clone()).await?;
    stage.join(printer).await?;
    let crossed = script::play(&stage, printer).await;
    if crossed.is_ok() && !args.once {
        stage.explain(printer);
        stage.open_console(printer).await?;
        tokio::signal::ctrl_c().await.context("Ctrl-C cannot be heard")?;
    }
    stop.cancel();
    relay.await.context("the relay stopped early")?;
    drop(std::fs::remove_dir_all(&stage.folder));
    crossed
}

impl Stage {
    /// Starts both stand-ins and a relay with a database of its own.
    async fn set(stop: CancellationToken) -> anyhow::Result<(Self, tokio::task::JoinHandle<()>)> {
        let codechat = FakeCodeChat::start(CodeChatOptions::default()).await?;
        let chatwoot = FakeChatwoot::start(ChatwootOptions::default()).await?;
        let inbox = chatwoot.add_inbox(1, "WhatsApp", "").id;
        let folder = std::env::temp_dir().join(format!("relay-demo-{}", uuid::Uuid::now_v7()));
        let secret_key = SecretString::from(new_token());
        let api_key = SecretString::from(new_token());
        let listener = listen().await?;
        let base = Url::parse(&format!("http://{}", listener.local_addr()?))?;
        let url = format!("sqlite://{}", folder.join("relay.db").display());
        let store = Store::open(&StoreConfig { url, secret_key: secret_key.clone() }).await?;
        let config = EngineConfig {
            chatwoot_url: Some(Url::parse(&chatwoot.base_url())?),
            codechat_url: Some(Url::parse(&codechat.base_url())?),
            codechat_key: Some(SecretString::from(codechat.api_key())),
            locale: Locale::En,
            // nobody's number is at stake
            outbound_pace: 0.0,
            ..EngineConfig::new(folder.clone(), secret_key, base.clone())
        };
        let engine = Engine::start(store, config, Clock::system()).await?;
        let relay = tokio::spawn(serve::work(engine, listener, api_key.clone(), Vec::new(), stop));
        Ok((Self { codechat, chatwoot, inbox, base, api_key, folder }, relay))
    }

    /// Makes the session through the API, as a person would, and scans the QR code.
    async fn join(&self, printer: &Printer) -> anyhow::Result<()> {
        let chatwoot = json!({ "account_id": 1, "inbox_id": self.inbox, "token": FakeChatwoot::ADMIN_TOKEN });
        let http = relay_engine::http::client()?;
        let request = http.post(self.base.join("/session")?).header("api-key", self.api_key.expose_secret());
        let answer = request.json(&json!({ "session_id": SESSION, "chatwoot": chatwoot })).send().await?;
        if !answer.status().is_success() {
            bail!("the session could not be made: {}", answer.text().await?);
        }
        printer.done(format!(
            "session {SESSION} joins WhatsApp +{SHOP} to inbox {} of Chatwoot; webhooks set on both sides",
            self.inbox
        ));
        self.codechat.scan_qr(SESSION, SHOP);
        printer.done("QR code scanned: the phone is connected");
        printer.line("");
        Ok(())
    }

    /// The console, without a key to copy.
    async fn open_console(&self, printer: &Printer) -> anyhow::Result<()> {
        let http = relay_engine::http::client()?;
        let request =
            http.post(self.base.join("/api/v1/console/link")?).header("api-key", self.api_key.expose_secret());
        let link: serde_json::Value = request.send().await?.json().await?;
        let url = link.get("url").and_then(serde_json::Value::as_str).context("the relay gave no link")?;
        printer.line(format!("\n  console: {url}   # works once"));
        Ok(())
    }

    /// What to look at while everything runs.
    fn explain(&self, printer: &Printer) {
        printer.line("\nEverything is still running. Look around, or press Ctrl-C:\n");
        printer.line(format!("  curl {}healthz", self.base));
        printer.line(format!("  curl {}metrics", self.base));
        printer.line(format!("  curl -H 'Api-Key: {}' {}session", self.api_key.expose_secret(), self.base));
        printer.line(format!("  curl {}/_sim/ledger   # what WhatsApp was handed", self.codechat.base_url()));
        printer.line(format!("  curl {}/_sim/ledger   # what Chatwoot holds", self.chatwoot.base_url()));
        let text = r#"{"chat":{"phone":"5511900000001"},"push_name":"Maria","kind":{"text":"Hello again!"}}"#;
        let json = "-H 'Content-Type: application/json'";
        printer.line(format!("  curl {json} {}/_sim/customer/{SESSION} -d '{text}'", self.codechat.base_url()));
    }
}

/// The usual port when it is free, else any.
async fn listen() -> anyhow::Result<TcpListener> {
    let usual = SocketAddr::from(([127, 0, 0, 1], 8080));
    match TcpListener::bind(usual).await {
        Ok(listener) => Ok(listener),
        Err(_) => TcpListener::bind(("127.0.0.1", 0)).await.context("no port is free"),
    }
}
