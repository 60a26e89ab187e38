//! `relay serve`: the engine and its server, until a signal ends them.

use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use relay_console::{Console, Setting};
use relay_domain::Clock;
use relay_domain::note::Locale;
use relay_engine::{Engine, EngineConfig};
use relay_http::App;
use relay_store::Store;
use sd_notify::NotifyState;
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::cli::Settings;
use crate::config::{self, Secrets, SeenSecrets};
use crate::listener::{Next, Start};
use crate::logging;
use crate::printer::Printer;
use crate::setting::effective;

/// How long a stop may take in all.
const STOP_WITHIN: Duration = Duration::from_millis(4800);

/// Why the relay ends.
enum Ending {
    /// It was told to stop.
    Stop,
    /// The program on disk is to go on in its place.
    HandOver,
    /// The database can no longer be trusted.
    Broken,
}

/// Serves until the end; returns who is to go on.
pub(crate) async fn run(settings: &Settings, start: Start, printer: &Printer) -> anyhow::Result<Option<Next>> {
    // heard from before the first answer on, or a stop right after it would be no clean one
    let signals = Signals::listen()?;
    logging::start(settings)?;
    for warning in &settings.warnings {
        tracing::warn!("{}", warning.said(Locale::En));
    }
    let secrets = Secrets::load(settings)?;
    let serving = Serving::begin(settings, &secrets, start, signals).await?;
    banner(serving.address, &secrets, &serving.engine, printer);
    tell_systemd(&[NotifyState::Ready]);
    serving.until_end().await
}

/// A relay at work in this process.
pub(crate) struct Serving {
    pub(crate) address: SocketAddr,
    pub(crate) engine: Arc<Engine>,
    /// Ends it when cancelled; cancelled when it ends.
    pub(crate) stop: CancellationToken,
    kept: StdListener,
    working: JoinHandle<()>,
    ending: JoinHandle<(Ending, Start)>,
}

impl Serving {
    /// Binds the socket, opens the store, and begins to relay.
    pub(crate) async fn begin(
        settings: &Settings,
        secrets: &Secrets,
        mut start: Start,
        signals: Signals,
    ) -> anyhow::Result<Self> {
        let (listener, kept) = start.listen(SocketAddr::new(settings.host, settings.port)).await?;
        let address = listener.local_addr()?;
        let engine = open(settings, secrets, Life::Own).await?;
        let stop = CancellationToken::new();
        let ending = tokio::spawn(wait_for_end(signals, start, engine.clone(), stop.clone()));
        let told = effective::for_console(settings, &SeenSecrets::from(secrets));
        let working = tokio::spawn(work(engine.clone(), listener, secrets.api_key.clone(), told, stop.clone()));
        Ok(Self { address, engine, stop, kept, working, ending })
    }

    /// Relays until something ends it; returns who is to go on.
    pub(crate) async fn until_end(self) -> anyhow::Result<Option<Next>> {
        self.working.await.context("the relay broke off")?;
        let (ending, start) = self.ending.await.context("nobody waited for the end")?;
        match ending {
            Ending::Stop => Ok(None),
            Ending::HandOver => Ok(Some(Next { start, listener: self.kept })),
            Ending::Broken => bail!(
                "the disk failed under the database, which cannot be trusted until it is opened anew\n  \
                 hint: look at the disk; the relay goes on when it is started again"
            ),
        }
    }
}

/// The signals that end the relay.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hand_over: Signal,
}

impl Signals {
    pub(crate) fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hand_over: signal(SignalKind::user_defined2())?,
        })
    }
}

/// Waits until the relay has to end, and begins it.
async fn wait_for_end(
    mut signals: Signals,
    start: Start,
    engine: Arc<Engine>,
    stop: CancellationToken,
) -> (Ending, Start) {
    let ending = loop {
        tokio::select! {
            () = stop.cancelled() => break Ending::Stop,
            _ = signals.terminate.recv() => break Ending::Stop,
            _ = signals.interrupt.recv() => break Ending::Stop,
            () = engine.store.broken() => break Ending::Broken,
            _ = signals.hand_over.recv() => match start.check_program().await {
                Ok(()) => break Ending::HandOver,
                Err(error) => tracing::error!("the program on disk does not start, so this one goes on: {error:#}"),
            },
        }
    };
    match ending {
        Ending::Stop => {
            tracing::info!("stopping");
            tell_systemd(&[NotifyState::Stopping]);
        }
        Ending::HandOver => {
            tracing::info!("handing over to the program on disk");
            if let Ok(now) = NotifyState::monotonic_usec_now() {
                tell_systemd(&[NotifyState::Reloading, now]);
            }
        }
        Ending::Broken => tracing::error!("the disk failed under the database: the relay ends, to be started anew"),
    }
    stop.cancel();
    (ending, start)
}

/// Tells the service manager, where there is one.
pub(crate) fn tell_systemd(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "systemd could not be told");
    }
}

/// How long a relay is to live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    /// Until it is told to stop.
    Own,
    /// As long as the command it was started for.
    Command,
}

/// Opens the store and prepares the engine.
pub(crate) async fn open(settings: &Settings, secrets: &Secrets, life: Life) -> anyhow::Result<Arc<Engine>> {
    let store = Store::open(&config::store(settings, secrets)?).await?;
    let config = EngineConfig { for_now: life == Life::Command, ..config::engine(settings, secrets).await };
    Ok(Engine::start(store, config, clock()).await?)
}

/// The system's time, which the failure rig can move.
fn clock() -> Clock {
    let clock = Clock::system();
    let moved = clock.clone();
    relay_fault::follow_clock(move |ahead| moved.advance(Duration::from_millis(ahead)));
    clock
}

/// Relays and serves until told to stop; then no longer than five seconds. `told` is what the console shows of the settings.
pub(crate) async fn work(
    engine: Arc<Engine>,
    listener: TcpListener,
    api_key: SecretString,
    told: Vec<Setting>,
    stop: CancellationToken,
) {
    let app = App { engine: engine.clone(), api_key: Arc::new(api_key), stopping: stop.clone() };
    let console = Console {
        engine: engine.clone(),
        api_key: app.api_key.clone(),
        stopping: stop.clone(),
        settings: Arc::new(told),
        memory: Arc::default(),
    };
    let router = relay_http::router(app).merge(relay_http::logged(relay_console::router(console)));
    let server = tokio::spawn(relay_http::serve(listener, router, stop.clone()));
    let worker = tokio::spawn(engine.clone().run(stop.clone()));
    stop.cancelled().await;
    let stopped = tokio::time::timeout(STOP_WITHIN, async {
        // what was acknowledged is durable: work in hand that takes longer goes on after the next start
        drop(tokio::join!(server, worker));
        if let Err(error) = engine.store.close().await {
            tracing::warn!(%error, "the store did not close cleanly");
        }
    });
    if stopped.await.is_err() {
        tracing::warn!("stopped with deliveries in hand; they go on after the next start");
    }
}

fn banner(address: SocketAddr, secrets: &Secrets, engine: &Engine, printer: &Printer) {
    let sessions = engine.sessions.all().len();
    let counted = if sessions == 1 { "1 session".to_owned() } else { format!("{sessions} sessions") };
    printer.line(format!("relay {} on {address}, {counted}", env!("CARGO_PKG_VERSION")));
    for (name, path) in &secrets.made {
        printer.line(format!("  {name} was made and kept in {path}"));
    }
    if sessions == 0 {
        printer.line("  next: relay setup   joins a number to an inbox");
        printer.line("        relay demo    shows a relay at work, with nothing to configure");
    }
}
