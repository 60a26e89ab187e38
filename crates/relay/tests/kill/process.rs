//! The real binary as a process of its own, with stand-ins around it.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use relay_sim::{ChatwootOptions, CodeChatOptions, FakeChatwoot, FakeCodeChat};
use relay_testing::{Database, TempFolder, eventually};
use reqwest::Method;
use serde_json::{Value, json};

/// Name of the one session.
pub(crate) const SESSION: &str = "loja01";
const API_KEY: &str = "kill-test-api-key";

/// A relay that can be killed and started again, and what it talks to.
pub(crate) struct Relay {
    pub(crate) codechat: FakeCodeChat,
    pub(crate) chatwoot: FakeChatwoot,
    http: reqwest::Client,
    port: u16,
    database_url: String,
    folder: TempFolder,
    child: Option<Child>,
    /// Words put in front of the binary, such as a tracer.
    wrapper: Vec<String>,
}

impl Relay {
    pub(crate) async fn start(database: Database, wrapper: Vec<String>) -> Self {
        let codechat = FakeCodeChat::start(CodeChatOptions {
            echo_delay: Duration::from_millis(30),
            ..CodeChatOptions::default()
        });
        let chatwoot = ChatwootOptions { message_wall: None, search_wall: None, ..ChatwootOptions::default() };
        let folder = TempFolder::new();
        let mut relay = Self {
            codechat: codechat.await.unwrap(),
            chatwoot: FakeChatwoot::start(chatwoot).await.unwrap(),
            http: relay_engine::http::client().unwrap(),
            port: TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port(),
            database_url: database.fresh_url(folder.path()),
            folder,
            child: None,
            wrapper,
        };
        let inbox = relay.chatwoot.add_inbox(1, "WhatsApp", "").id;
        relay.spawn();
        relay.until_ready().await;
        let chatwoot = json!({ "account_id": 1, "inbox_id": inbox, "token": FakeChatwoot::ADMIN_TOKEN });
        relay.call(Method::POST, "/session", Some(&json!({ "session_id": SESSION, "chatwoot": chatwoot }))).await;
        relay.codechat.scan_qr(SESSION, "5511988887777");
        relay
    }

    /// Starts the process; it may take a moment to listen.
    pub(crate) fn spawn(&mut self) {
        let log = std::fs::File::options().create(true).append(true).open(self.log()).unwrap();
        let words: Vec<String> =
            self.wrapper.iter().cloned().chain([env!("CARGO_BIN_EXE_relay").to_owned(), "serve".to_owned()]).collect();
        let child = Command::new(&words[0])
            .args(&words[1..])
            .current_dir(self.folder.path())
            .env("HOST", "127.0.0.1")
            .env("PORT", self.port.to_string())
            .env("API_URL", format!("http://127.0.0.1:{}", self.port))
            .env("API_KEY", API_KEY)
            .env("SECRET_KEY", "kill-test-secret-key")
            .env("CHATWOOT_URL", self.chatwoot.base_url())
            .env("CODECHAT_URL", self.codechat.base_url())
            .env("CODECHAT_KEY", self.codechat.api_key())
            .env("DB_URL", &self.database_url)
            .env("DATA_DIR", self.folder.path().join("data"))
            .env("OUTBOUND_PACE", "0")
            .env("LOG_LEVEL", std::env::var("RELAY_TEST_LOG").unwrap_or_else(|_| "warn".to_owned()))
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
    }

    /// SIGKILL: no word of warning, no last write.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.folder.path().join("relay.log")
    }

    pub(crate) async fn until_ready(&self) {
        eventually("the relay to be ready", async || {
            let url = format!("http://127.0.0.1:{}/readyz", self.port);
            self.http.get(url).send().await.is_ok_and(|answer| answer.status().is_success())
        })
        .await;
    }

    pub(crate) async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        let mut request =
            self.http.request(method, format!("http://127.0.0.1:{}{path}", self.port)).header("api-key", API_KEY);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
        answer.json().await.unwrap()
    }

    /// Numbers of events by state.
    pub(crate) async fn events(&self) -> Value {
        self.call(Method::GET, "/healthz", None).await["events"].clone()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.log()).unwrap_or_default();
            let tail: Vec<_> = log.lines().rev().take(40).collect();
            for line in tail.iter().rev() {
                eprintln!("{line}");
            }
        }
    }
}
