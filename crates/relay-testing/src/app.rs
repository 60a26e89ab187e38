//! A relay on a real store, between both stand-ins, all in one process and speaking HTTP.

use std::sync::Arc;
use std::time::{Duration, Instant};

use relay_console::{Console, Origin, Setting, Value as Shown};
use relay_domain::Clock;
use relay_domain::note::Locale;
use relay_engine::{Engine, EngineConfig};
use relay_http::App;
use relay_sim::{ChatwootOptions, CodeChatOptions, FakeChatwoot, FakeCodeChat, Role};
use relay_store::{Store, StoreConfig, Tally};
use reqwest::{Method, StatusCode};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::{Database, TempFolder};

/// How long anything may take before a test fails.
const PATIENCE: Duration = Duration::from_mins(1);
/// Key of the session API.
const API_KEY: &str = "test-api-key";

/// What a test can choose.
#[derive(Clone, Debug)]
pub struct Options {
    /// The store.
    pub database: Database,
    /// The CodeChat stand-in.
    pub codechat: CodeChatOptions,
    /// The Chatwoot stand-in.
    pub chatwoot: ChatwootOptions,
    /// Language of notes.
    pub locale: Locale,
    /// Settings of the session, as for the session API.
    pub settings: Value,
    /// Role of the Chatwoot user whose token the session has.
    pub role: Role,
    /// Changes what the engine is told.
    pub tune: fn(&mut EngineConfig),
}

impl Options {
    /// Defaults on one of the databases; echoes come fast, walls and pace are off.
    pub fn on(database: Database) -> Self {
        Self {
            database,
            codechat: CodeChatOptions { echo_delay: Duration::from_millis(5), ..CodeChatOptions::default() },
            chatwoot: ChatwootOptions { message_wall: None, search_wall: None, ..ChatwootOptions::default() },
            locale: Locale::En,
            settings: json!({}),
            role: Role::Administrator,
            tune: |_| {},
        }
    }
}

/// A relay at work, with one session named `loja01`.
#[derive(Debug)]
pub struct TestApp {
    /// The CodeChat stand-in.
    pub codechat: FakeCodeChat,
    /// The Chatwoot stand-in.
    pub chatwoot: FakeChatwoot,
    /// The engine.
    pub engine: Arc<Engine>,
    /// Its time.
    pub clock: Clock,
    /// Its address.
    pub base: Url,
    /// Chatwoot account.
    pub account: u64,
    /// Chatwoot inbox.
    pub inbox: u64,
    /// Token of the Chatwoot user.
    pub token: String,
    settings: Value,
    http: reqwest::Client,
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
    store_config: StoreConfig,
    engine_config: EngineConfig,
    /// Deleted with this.
    folder: TempFolder,
}

impl TestApp {
    /// Starts everything and makes the session.
    pub async fn start(database: Database) -> Self {
        Self::with(Options::on(database)).await
    }

    /// Starts everything as a test wants it, and makes the session.
    pub async fn with(options: Options) -> Self {
        let app = Self::without_session(options).await;
        let made = app.create_session("loja01").await;
        assert_eq!(made.0, StatusCode::CREATED, "{}", made.1);
        app.codechat.scan_qr("loja01", "5511988887777");
        app
    }

    /// Starts everything; no session is made.
    pub async fn without_session(options: Options) -> Self {
        let codechat = FakeCodeChat::start(options.codechat).await.unwrap();
        let chatwoot = FakeChatwoot::start(options.chatwoot).await.unwrap();
        let account = 1;
        let token =
            if options.role == Role::Administrator { FakeChatwoot::ADMIN_TOKEN } else { FakeChatwoot::AGENT_TOKEN };
        let inbox = chatwoot.add_inbox(account, "WhatsApp", "").id;
        let folder = TempFolder::new();
        let secret_key = SecretString::from("test-secret-key");
        let store_config =
            StoreConfig { url: options.database.fresh_url(folder.path()), secret_key: secret_key.clone() };
        let store = Store::open(&store_config).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let mut config = EngineConfig {
            chatwoot_url: Some(Url::parse(&chatwoot.base_url()).unwrap()),
            codechat_url: Some(Url::parse(&codechat.base_url()).unwrap()),
            codechat_key: Some(SecretString::from(codechat.api_key())),
            locale: options.locale,
            zone: jiff::tz::TimeZone::UTC,
            outbound_pace: 0.0,
            // stories count calls and let hours pass; those about gaps turn it on
            gap_recovery: false,
            ..EngineConfig::new(folder.path().to_owned(), secret_key, base.clone())
        };
        (options.tune)(&mut config);
        let clock = Clock::system();
        let engine = Engine::start(store, config.clone(), clock.clone()).await.unwrap();
        let stop = CancellationToken::new();
        let tasks = launch(&engine, listener, &stop);
        let http = relay_engine::http::client().unwrap();
        Self {
            codechat,
            chatwoot,
            engine,
            clock,
            base,
            account,
            inbox,
            token: token.to_owned(),
            settings: options.settings,
            http,
            stop,
            tasks,
            store_config,
            engine_config: config,
            folder,
        }
    }

    /// Stops the relay as a signal would, lets things happen without it, and starts it again on the same port and store.
    pub async fn restarted(mut self, meanwhile: impl AsyncFnOnce(&FakeCodeChat, &FakeChatwoot)) -> Self {
        self.stop.cancel();
        for task in std::mem::take(&mut self.tasks) {
            task.await.unwrap();
        }
        self.engine.store.close().await.unwrap();
        self.anew(meanwhile).await
    }

    /// Ends without recording anything any more, as when killed, and starts anew. A call that is under way is never answered.
    pub async fn killed(mut self, meanwhile: impl AsyncFnOnce(&FakeCodeChat, &FakeChatwoot)) -> Self {
        self.engine.store.close().await.unwrap();
        self.stop.cancel();
        for task in std::mem::take(&mut self.tasks) {
            task.abort();
        }
        self.anew(meanwhile).await
    }

    async fn anew(self, meanwhile: impl AsyncFnOnce(&FakeCodeChat, &FakeChatwoot)) -> Self {
        let Self { engine, store_config, engine_config, base, clock, .. } = self;
        drop(engine);
        meanwhile(&self.codechat, &self.chatwoot).await;
        let store = reopened(&store_config).await;
        let engine = Engine::start(store, engine_config.clone(), clock.clone()).await.unwrap();
        let port = base.port().expect("the relay listens on a port of its own");
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let stop = CancellationToken::new();
        let tasks = launch(&engine, listener, &stop);
        Self {
            codechat: self.codechat,
            chatwoot: self.chatwoot,
            account: self.account,
            inbox: self.inbox,
            token: self.token,
            settings: self.settings,
            http: self.http,
            folder: self.folder,
            engine,
            clock,
            base,
            stop,
            tasks,
            store_config,
            engine_config,
        }
    }

    /// Makes a session on the inbox through the API; returns status and body.
    pub async fn create_session(&self, name: &str) -> (StatusCode, Value) {
        let body = json!({
            "session_id": name,
            "chatwoot": { "account_id": self.account, "inbox_id": self.inbox, "token": self.token },
            "settings": self.settings,
        });
        self.call(Method::POST, "/session", Some(&body)).await
    }

    /// Calls the session API with the right key.
    pub async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> (StatusCode, Value) {
        let mut request = self.http.request(method, self.base.join(path).unwrap()).header("api-key", API_KEY);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// A plain HTTP client.
    pub fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// The webhook address that CodeChat was given.
    pub fn codechat_webhook(&self) -> String {
        self.codechat.webhook_url("loja01").expect("the session set CodeChat's webhook")
    }

    /// The webhook address that Chatwoot was given.
    pub fn chatwoot_webhook(&self) -> String {
        self.chatwoot.webhook_url(self.inbox).expect("the session set Chatwoot's webhook")
    }

    /// Waits until a condition holds; fails with `what` after a minute.
    pub async fn until(&self, what: &str, condition: impl AsyncFnMut() -> bool) {
        eventually(what, condition).await;
    }

    /// Waits until Chatwoot has this many messages that the relay made.
    pub async fn chatwoot_has(&self, count: usize) {
        eventually(&format!("{count} messages in Chatwoot"), async || self.relayed().len() >= count).await;
    }

    /// Waits until WhatsApp was handed this many messages.
    pub async fn whatsapp_has(&self, count: usize) {
        eventually(&format!("{count} messages on WhatsApp"), async || self.codechat.submission_count() >= count).await;
    }

    /// Messages in Chatwoot that the relay made.
    pub fn relayed(&self) -> Vec<relay_sim::LedgerMessage> {
        self.chatwoot.messages().into_iter().filter(|message| message.via_api).collect()
    }

    /// The conversation of the first relayed message.
    pub fn conversation(&self) -> u64 {
        self.relayed().first().expect("a message was relayed").conversation
    }

    /// Waits until no event is pending, and checks that none is unaccounted for.
    pub async fn settle(&self) -> Tally {
        eventually("no pending events", async || self.engine.store.tally().await.unwrap().pending == 0).await;
        let tally = self.engine.store.tally().await.unwrap();
        assert_eq!(tally.conservation_error(), 0, "{tally:?}");
        tally
    }

    /// Stops the relay. Call it at the end of a story: it waits for what is pending and checks the law of conservation.
    pub async fn finish(self) -> Tally {
        let tally = self.settle().await;
        self.stop.cancel();
        for task in self.tasks {
            task.await.unwrap();
        }
        self.engine.store.close().await.unwrap();
        tally
    }
}

fn launch(engine: &Arc<Engine>, listener: TcpListener, stop: &CancellationToken) -> Vec<JoinHandle<()>> {
    let app = App { engine: engine.clone(), api_key: Arc::new(SecretString::from(API_KEY)), stopping: stop.clone() };
    let router = relay_http::router(app).merge(relay_http::logged(relay_console::router(console(engine, stop))));
    vec![
        tokio::spawn(relay_http::serve(listener, router, stop.clone())),
        tokio::spawn(engine.clone().run(stop.clone())),
    ]
}

/// The console, with one setting of each kind.
fn console(engine: &Arc<Engine>, stop: &CancellationToken) -> Console {
    let setting = |name, value, origin| Setting { name, value, origin };
    let settings = vec![
        setting("API_URL", Some(Shown::Plain(engine.config.api_url.to_string())), Origin::Flag),
        setting("API_KEY", Some(Shown::Secret(API_KEY.len())), Origin::Environment),
        setting("DB_URL", None, Origin::Default),
    ];
    Console {
        engine: engine.clone(),
        api_key: Arc::new(SecretString::from(API_KEY)),
        stopping: stop.clone(),
        settings: Arc::new(settings),
        memory: Arc::default(),
    }
}

/// Opens a store again; what the process before left behind in tasks of its own may hold it for a moment.
async fn reopened(config: &StoreConfig) -> Store {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match Store::open(config).await {
            Ok(store) => return store,
            Err(error) => assert!(Instant::now() < deadline, "the store cannot be opened again: {error}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Waits until a condition holds; fails with `what` after a minute.
pub async fn eventually(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition().await {
        assert!(Instant::now() < deadline, "waited a minute for: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
