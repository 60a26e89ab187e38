//! A relay, or several, between stand-ins of CodeChat and Chatwoot, in a time of its own.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use relay_fault::Point;
use relay_sim::{ChatwootOptions, CodeChatOptions, FakeChatwoot, FakeCodeChat};
use relay_testing::TempFolder;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::process::{Launch, RelayProcess, free_port};
use crate::row::Context;

const API_KEY: &str = "failure-rig-api-key";
/// How long a relay may take to be ready.
const READY_WITHIN: Duration = Duration::from_secs(30);

/// What a row can choose.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    /// The stand-in for CodeChat.
    pub(crate) codechat: CodeChatOptions,
    /// The stand-in for Chatwoot. Its walls are off unless the row is about them.
    pub(crate) chatwoot: ChatwootOptions,
    /// Environment of the relay beside the usual.
    pub(crate) env: Vec<(String, String)>,
    /// Words put in front of the relay, such as a tracer.
    pub(crate) wrapper: Vec<String>,
    /// Sessions, each with an account and an inbox of its own.
    pub(crate) tenants: usize,
    /// Settings of every session, as for the session API.
    pub(crate) settings: Value,
    /// Processes on the one database.
    pub(crate) relays: usize,
    /// Another database than a fresh one.
    pub(crate) database_url: Option<String>,
    /// Where the relay keeps its data, when not in the world's own folder.
    pub(crate) data_dir: Option<PathBuf>,
    /// What CodeChat and Chatwoot are told the relay's address is, when it is not its own: a proxy's.
    pub(crate) codechat_url: Option<String>,
    /// Likewise for Chatwoot.
    pub(crate) chatwoot_url: Option<String>,
    /// Where the first life of the first process ends.
    pub(crate) dies_first_at: Option<Point>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            codechat: CodeChatOptions { echo_delay: Duration::from_millis(30), ..CodeChatOptions::default() },
            chatwoot: ChatwootOptions { message_wall: None, search_wall: None, ..ChatwootOptions::default() },
            env: Vec::new(),
            wrapper: Vec::new(),
            tenants: 1,
            settings: json!({}),
            relays: 1,
            database_url: None,
            data_dir: None,
            codechat_url: None,
            chatwoot_url: None,
            dies_first_at: None,
        }
    }
}

/// One session with what belongs to it.
#[derive(Clone, Debug)]
pub(crate) struct Tenant {
    /// Name of the session and of its CodeChat instance.
    pub(crate) session: String,
    /// Chatwoot account.
    pub(crate) account: u64,
    /// Chatwoot inbox.
    pub(crate) inbox: u64,
}

/// Everything a row breaks.
pub(crate) struct World {
    pub(crate) codechat: FakeCodeChat,
    pub(crate) chatwoot: FakeChatwoot,
    /// The processes; all rows but those about several have one.
    pub(crate) relays: Vec<RelayProcess>,
    pub(crate) tenants: Vec<Tenant>,
    pub(crate) http: reqwest::Client,
    /// Goes away with the world.
    pub(crate) folder: TempFolder,
    clock_file: PathBuf,
    ahead: Duration,
}

impl World {
    /// Starts everything and makes the sessions.
    pub(crate) async fn start(context: &Context, setup: Setup) -> Result<Self> {
        let folder = TempFolder::new();
        let codechat = FakeCodeChat::start(setup.codechat.clone()).await?;
        let chatwoot = FakeChatwoot::start(setup.chatwoot.clone()).await?;
        let clock_file = folder.path().join("clock");
        // an earlier world of this process has moved the time of all stand-ins
        let ahead = relay_sim::clock::ahead();
        std::fs::write(&clock_file, ahead.as_millis().to_string())?;
        let mut world = Self {
            http: reqwest::Client::builder().no_proxy().build()?,
            relays: Vec::new(),
            tenants: Vec::new(),
            clock_file,
            ahead,
            codechat,
            chatwoot,
            folder,
        };
        let database = setup.database_url.clone().unwrap_or_else(|| context.database.fresh_url(world.folder.path()));
        for _ in 0..setup.relays {
            let launch = world.launch(context, &setup, &database)?;
            let mut relay = RelayProcess::new(launch);
            if let Some(point) = setup.dies_first_at {
                relay.spawn_with(&[("RELAY_DIE_AT", point.as_str())])?;
                relay.wait(READY_WITHIN).await?;
            }
            relay.spawn()?;
            world.relays.push(relay);
            // the first one makes the schema
            world.until_ready().await?;
        }
        for number in 0..setup.tenants {
            world.add_tenant(number, &setup.settings).await?;
        }
        Ok(world)
    }

    fn launch(&self, context: &Context, setup: &Setup, database: &str) -> Result<Launch> {
        let port = free_port()?;
        let base = format!("http://127.0.0.1:{port}");
        let data = setup.data_dir.clone().unwrap_or_else(|| self.folder.path().join("data"));
        let text = |value: &str| value.to_owned();
        let mut env: Vec<(String, String)> = [
            ("HOST", text("127.0.0.1")),
            ("PORT", port.to_string()),
            ("API_URL", base),
            ("API_KEY", text(API_KEY)),
            ("SECRET_KEY", text("failure-rig-secret-key")),
            ("CHATWOOT_URL", setup.chatwoot_url.clone().unwrap_or_else(|| self.chatwoot.base_url())),
            ("CODECHAT_URL", setup.codechat_url.clone().unwrap_or_else(|| self.codechat.base_url())),
            ("CODECHAT_KEY", self.codechat.api_key().to_owned()),
            ("DB_URL", text(database)),
            ("DATA_DIR", data.display().to_string()),
            ("LOCALE", text("en")),
            ("TZ", text("UTC")),
            ("OUTBOUND_PACE", text("0")),
            // the limits are off where the stand-in's wall is: both belong to the rows about them
            ("CONVERSATION_PACE", text(if setup.chatwoot.message_wall.is_some() { "180" } else { "0" })),
            ("LOG_LEVEL", std::env::var("RELAY_TEST_LOG").unwrap_or_else(|_| text("warn"))),
            ("RELAY_CLOCK_FILE", self.clock_file.display().to_string()),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
        env.extend(context.sabotage.iter().map(|name| ("RELAY_SABOTAGE".to_owned(), name.clone())));
        env.extend(setup.env.clone());
        let program = if context.is_naive { std::env::current_exe()? } else { context.relay.clone() };
        let command = if context.is_naive { "naive" } else { "serve" };
        let words = setup.wrapper.iter().cloned().chain([program.display().to_string(), command.to_owned()]).collect();
        let log = self.folder.path().join(format!("relay-{port}.log"));
        Ok(Launch { words, env, folder: self.folder.path().to_owned(), port, log })
    }

    async fn add_tenant(&mut self, number: usize, settings: &Value) -> Result<()> {
        let session = format!("loja{:02}", number + 1);
        let account = if number == 0 { 1 } else { self.chatwoot.add_account(&session) };
        let token = if number == 0 {
            FakeChatwoot::ADMIN_TOKEN.to_owned()
        } else {
            self.chatwoot.add_user(account, "Owner", relay_sim::Role::Administrator).1
        };
        let inbox = self.chatwoot.add_inbox(account, "WhatsApp", "").id;
        let chatwoot = json!({ "account_id": account, "inbox_id": inbox, "token": token });
        let body = json!({ "session_id": session, "chatwoot": chatwoot, "settings": settings });
        self.call(Method::POST, "/session", Some(&body)).await?;
        self.codechat.scan_qr(&session, &format!("55119888877{number:02}"));
        self.tenants.push(Tenant { session, account, inbox });
        Ok(())
    }

    /// The first process.
    pub(crate) fn relay(&mut self) -> &mut RelayProcess {
        &mut self.relays[0]
    }

    /// Kills the first process and starts it again; it may take a moment to listen.
    pub(crate) fn restart(&mut self) -> Result<()> {
        self.relay().kill()?;
        self.relay().spawn()
    }

    /// Waits until all processes say that they can commit; returns how long that took.
    pub(crate) async fn until_ready(&mut self) -> Result<Duration> {
        let started = Instant::now();
        for index in 0..self.relays.len() {
            let url = format!("{}/readyz", self.relays[index].base());
            while !self.http.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
                if started.elapsed() > READY_WITHIN || self.relays[index].has_ended() {
                    bail!("the relay is not ready:\n{}", self.relays[index].last_words());
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        Ok(started.elapsed())
    }

    /// Waits until the first process is ready, or has ended by itself; says whether it is ready.
    pub(crate) async fn until_up_or_ended(&mut self) -> Result<bool> {
        let started = Instant::now();
        let url = format!("{}/readyz", self.relay().base());
        while started.elapsed() < READY_WITHIN {
            if self.relay().has_ended() {
                return Ok(false);
            }
            if self.http.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(true);
            }
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
        bail!("the relay is neither ready nor gone:\n{}", self.relay().last_words())
    }

    /// Calls the API of the first process; an answer that is no success is an error.
    pub(crate) async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value> {
        let (status, text) = self.ask(method, path, body).await?;
        ensure!(status.is_success(), "{path}: {status} {text}");
        Ok(serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// Calls the API of the first process.
    pub(crate) async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Result<(StatusCode, String)> {
        let relay = self.relays.first().context("there is a relay")?;
        let mut request = self.http.request(method, format!("{}{path}", relay.base())).header("api-key", API_KEY);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await?;
        Ok((answer.status(), answer.text().await?))
    }

    /// Numbers of events by state.
    pub(crate) async fn events(&self) -> Result<Events> {
        let health = self.call(Method::GET, "/healthz", None).await?;
        let count = |name: &str| health["events"][name].as_i64().unwrap_or(0);
        Ok(Events {
            received: count("received"),
            pending: count("pending"),
            delivered: count("delivered"),
            ignored: count("ignored"),
            dead: count("dead"),
            expired: count("expired"),
        })
    }

    /// Moves the time of everybody ahead at once. What was signed before may have grown old.
    pub(crate) fn jump(&mut self, by: Duration) -> Result<()> {
        self.ahead += by;
        relay_sim::clock::advance(by);
        // written aside and renamed, so that nobody reads half a number
        let aside = self.clock_file.with_extension("new");
        std::fs::write(&aside, self.ahead.as_millis().to_string())?;
        std::fs::rename(aside, &self.clock_file)?;
        Ok(())
    }

    /// Waits for a condition, looking every few milliseconds.
    pub(crate) async fn until(
        &mut self,
        what: &str,
        longest: Duration,
        mut condition: impl FnMut(&Self) -> bool,
    ) -> Result<()> {
        let deadline = Instant::now() + longest;
        while !condition(self) {
            ensure!(Instant::now() < deadline, "waited {longest:?} for {what}\n{}", self.relay().last_words());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// Waits until nobody has called Chatwoot for a second.
    pub(crate) async fn until_quiet(&self) {
        let mut before = 0;
        loop {
            let calls: u64 = self.chatwoot.calls().values().sum();
            if calls == before {
                return;
            }
            before = calls;
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    /// Largest resident memory of any process so far, in megabytes.
    pub(crate) fn peak_megabytes(&mut self) -> u64 {
        self.relays.iter_mut().map(RelayProcess::peak_memory).max().unwrap_or(0) / 1_000_000
    }
}

/// Numbers of events by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Events {
    pub(crate) received: i64,
    pub(crate) pending: i64,
    pub(crate) delivered: i64,
    pub(crate) ignored: i64,
    pub(crate) dead: i64,
    pub(crate) expired: i64,
}

impl Events {
    /// What the law of conservation leaves unexplained.
    pub(crate) fn unexplained(self) -> i64 {
        self.received - self.pending - self.delivered - self.ignored - self.dead - self.expired
    }
}
