//! More than one relay, and relays that make way for each other.

use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Result;
use relay_sim::{Fault, FaultAction, route};
use relay_testing::Database;
use tokio::net::TcpStream;

use crate::process::RelayProcess;
use crate::row::{Context, On, Outcome, Row};
use crate::traffic::{CHATS, PACE, Traffic};
use crate::world::{Setup, World};

/// F37: two processes on one store.
pub(crate) const F37: Row = Row {
    id: "F37",
    title: "two relays on one store",
    quick: Some(0.2),
    on: On::Both,
    is_alone: false,
    run: |context| {
        Box::pin(async move {
            match context.database {
                Database::Sqlite => second_is_refused(context).await,
                Database::Postgres => share_the_work(context).await,
            }
        })
    },
};

async fn second_is_refused(context: &Context) -> Result<Outcome> {
    let mut world = World::start(context, Setup::default()).await?;
    let mut traffic = Traffic::begin(context, &mut world, CHATS).await?;
    let mut launch = world.relay().launch.clone();
    launch.port += 1;
    launch.env.retain(|(name, _)| name != "PORT");
    launch.env.push(("PORT".to_owned(), launch.port.to_string()));
    launch.log = world.folder.path().join("second.log");
    let mut second = RelayProcess::new(launch);
    second.spawn()?;
    traffic.write(&world, context.scaled(1000), PACE * 2).await;
    let ended = second.wait(Duration::from_secs(10)).await;
    let words = second.last_words();
    let drained = world.drain(&traffic, Duration::from_mins(3)).await?;
    let mut outcome = Outcome::default();
    outcome.holds("the second one gives up", ended.is_ok_and(|(status, _)| !status.success()));
    outcome.holds("and says that another uses the file", words.contains("another"));
    drained.zeros(&mut outcome);
    Ok(outcome)
}

/// Calls that outlast a lease, and a process that freezes in the middle of them.
async fn share_the_work(context: &Context) -> Result<Outcome> {
    let mut world = World::start(context, Setup { relays: 3, ..Setup::default() }).await?;
    let mut traffic = Traffic::begin(context, &mut world, CHATS).await?;
    traffic.write(&world, context.scaled(1000), PACE).await;
    // each of these is in flight for longer than any look for a doubtful one takes
    let slow = FaultAction::Delay { ms: 13_000, after_commit: false };
    world.chatwoot.fault(Fault::on(route::MESSAGE_CREATE, slow).times(40));
    traffic.write(&world, 60, PACE).await;
    tokio::time::sleep(Duration::from_secs(14)).await;
    for frozen in 0..context.scaled(5) {
        let frozen = frozen % world.relays.len();
        traffic.write(&world, 50, PACE * 2).await;
        world.relays[frozen].signal("STOP")?;
        traffic.write(&world, 50, PACE * 2).await;
        // longer than its lanes wait for it
        tokio::time::sleep(Duration::from_millis(5500)).await;
        world.relays[frozen].signal("CONT")?;
    }
    // one dies for good: its lanes go to the others
    world.relays[2].kill()?;
    world.relays.truncate(2);
    // what was in flight takes as long as it takes, while from here on the time of the relays passes quickly
    tokio::time::sleep(Duration::from_secs(14)).await;
    let drained = world.drain(&traffic, Duration::from_mins(5)).await?;
    let mut outcome = Outcome::default();
    drained.zeros(&mut outcome);
    Ok(outcome)
}

/// F38: restarts that nobody notices.
pub(crate) const F38: Row = Row {
    id: "F38",
    title: "rolling restarts under load",
    quick: Some(0.05),
    on: On::Both,
    is_alone: false,
    run: |context| Box::pin(restarts(context)),
};

async fn restarts(context: &Context) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    outcome.include("inherited socket", with_inherited_socket(context).await?);
    outcome.include("hand-over", with_hand_over(context).await?);
    Ok(outcome)
}

/// The socket is held by this process, as systemd would hold it, and every new relay inherits it.
async fn with_inherited_socket(context: &Context) -> Result<Outcome> {
    let mut world = World::start(context, Setup::default()).await?;
    world.relay().kill()?;
    let listener = TcpListener::bind(("127.0.0.1", world.relay().launch.port))?;
    world.relay().inherit(OwnedFd::from(listener));
    world.relay().spawn()?;
    world.until_ready().await?;
    let mut traffic = Traffic::begin(context, &mut world, CHATS).await?;
    let prober = Prober::start(world.relay().launch.port);
    let (times, mut slowest) = (context.scaled(100), Duration::ZERO);
    for _ in 0..times {
        traffic.write(&world, 15, PACE).await;
        world.relay().signal("TERM")?;
        let (_, took) = world.relay().wait(Duration::from_secs(20)).await?;
        slowest = slowest.max(took);
        world.relay().spawn()?;
    }
    finish(world, traffic, prober, times, slowest).await
}

/// The relay replaces itself on the same socket.
async fn with_hand_over(context: &Context) -> Result<Outcome> {
    let mut world = World::start(context, Setup::default()).await?;
    let mut traffic = Traffic::begin(context, &mut world, CHATS).await?;
    let prober = Prober::start(world.relay().launch.port);
    let times = context.scaled(100);
    for _ in 0..times {
        traffic.write(&world, 15, PACE).await;
        world.relay().signal("USR2")?;
        // the one that makes way may still answer
        tokio::time::sleep(Duration::from_millis(100)).await;
        world.until_ready().await?;
    }
    finish(world, traffic, prober, times, Duration::ZERO).await
}

async fn finish(
    mut world: World,
    traffic: Traffic,
    prober: Prober,
    times: usize,
    slowest: Duration,
) -> Result<Outcome> {
    world.until_ready().await?;
    let (tried, refused) = prober.stop();
    let drained = world.drain(&traffic, Duration::from_mins(5)).await?;
    let mut outcome = Outcome::default();
    outcome.figure("restarts", times);
    outcome.figure("connections tried", tried);
    outcome.exactly("connections refused", 0, refused);
    outcome.at_most("slowest stop in ms", 5000, slowest.as_millis());
    drained.zeros(&mut outcome);
    Ok(outcome)
}

/// Somebody who connects all the time.
struct Prober {
    stop: Arc<AtomicBool>,
    tried: Arc<AtomicUsize>,
    refused: Arc<AtomicUsize>,
}

impl Prober {
    fn start(port: u16) -> Self {
        let prober = Self { stop: Arc::default(), tried: Arc::default(), refused: Arc::default() };
        let (stop, tried, refused) = (prober.stop.clone(), prober.tried.clone(), prober.refused.clone());
        tokio::spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                tried.fetch_add(1, Ordering::Relaxed);
                if TcpStream::connect(("127.0.0.1", port)).await.is_err() {
                    refused.fetch_add(1, Ordering::Relaxed);
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        });
        prober
    }

    /// How many connections were tried, and how many of them refused.
    fn stop(self) -> (usize, usize) {
        self.stop.store(true, Ordering::Relaxed);
        (self.tried.load(Ordering::Relaxed), self.refused.load(Ordering::Relaxed))
    }
}
