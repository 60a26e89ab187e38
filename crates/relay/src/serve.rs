//! `relay serve`: the engine and its server, until a signal ends them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use relay_domain::Clock;
use relay_engine::Engine;
use relay_http::App;
use relay_store::Store;
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::cli::Settings;
use crate::config::{self, Secrets};
use crate::logging;
use crate::printer::Printer;

/// How long a stop may take in all.
const STOP_WITHIN: Duration = Duration::from_millis(4800);

pub(crate) async fn run(settings: &Settings, printer: &Printer) -> anyhow::Result<()> {
    logging::start(settings)?;
    for name in config::unnecessary_names() {
        tracing::warn!("{name} has no effect: migrations are built in and run on start");
    }
    let secrets = Secrets::load(settings)?;
    let address = SocketAddr::new(settings.host, settings.port);
    let listener = TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on {address}\n  hint: stop the program that does, or choose another port with PORT")
    })?;
    let engine = open(settings, &secrets).await?;
    // heard from before the first answer on, or a stop right after it would be no clean one
    let signals = [signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?];
    banner(settings, &secrets, &engine, printer);
    let stop = CancellationToken::new();
    tokio::spawn(stop_on_signal(signals, stop.clone()));
    work(engine, listener, secrets.api_key, stop).await;
    Ok(())
}

/// Opens the store and prepares the engine.
pub(crate) async fn open(settings: &Settings, secrets: &Secrets) -> anyhow::Result<Arc<Engine>> {
    let store = Store::open(&config::store(settings, secrets)?).await?;
    Ok(Engine::start(store, config::engine(settings, secrets).await, clock()).await?)
}

/// The system's time, which the failure rig can move.
fn clock() -> Clock {
    let clock = Clock::system();
    let moved = clock.clone();
    relay_fault::follow_clock(move |ahead| moved.advance(Duration::from_millis(ahead)));
    clock
}

/// Relays and serves until told to stop; then no longer than five seconds.
pub(crate) async fn work(engine: Arc<Engine>, listener: TcpListener, api_key: SecretString, stop: CancellationToken) {
    let app = App { engine: engine.clone(), api_key: Arc::new(api_key), stopping: stop.clone() };
    let server = tokio::spawn(relay_http::serve(listener, relay_http::router(app), stop.clone()));
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

async fn stop_on_signal([mut terminate, mut interrupt]: [Signal; 2], stop: CancellationToken) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping");
    stop.cancel();
}

fn banner(settings: &Settings, secrets: &Secrets, engine: &Engine, printer: &Printer) {
    let sessions = engine.sessions.all().len();
    let counted = if sessions == 1 { "1 session".to_owned() } else { format!("{sessions} sessions") };
    let address = SocketAddr::new(settings.host, settings.port);
    printer.line(format!("relay {} on {address}, {counted}", env!("CARGO_PKG_VERSION")));
    for (name, path) in &secrets.made {
        printer.line(format!("  {name} was made and kept in {path}"));
    }
    if sessions == 0 {
        printer.line("  next: relay session add --account 1 --inbox 1 --token …   or look at: relay demo");
    }
}
