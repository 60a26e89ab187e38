//! The database goes away, is held by somebody else, is slow, or is full.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use relay_sim::{Ack, AckOutcome};
use relay_testing::PostgresServer;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};

use crate::row::{Context, On, Outcome, Row};
use crate::strace;
use crate::traffic::{CHATS, PACE, Traffic};
use crate::world::{Setup, World};

/// Longest wait for an answer that a sender may see, with room for a machine that has other things to do.
const ANSWERED_WITHIN: Duration = Duration::from_secs(3);

/// F04: PostgreSQL crashes and comes back.
pub(crate) const F04: Row = Row {
    id: "F04",
    title: "PostgreSQL crashes every few seconds",
    quick: Some(0.04),
    on: On::Postgres,
    is_alone: false,
    run: |context| Box::pin(crashes(context)),
};

async fn crashes(context: &Context) -> Result<Outcome> {
    let server = PostgresServer::start();
    let setup = Setup { database_url: Some(server.fresh_database()), ..Setup::default() };
    let mut world = World::start(context, setup).await?;
    let mut traffic = Traffic::begin(context, &mut world, CHATS).await?;
    let (times, mut recoveries) = (context.scaled(50), Vec::new());
    for _ in 0..times {
        traffic.write(&world, 100, PACE).await;
        server.crash();
        let crashed = Instant::now();
        traffic.write(&world, 10, PACE).await;
        world.until_ready().await?;
        recoveries.push(crashed.elapsed());
    }
    let drained = world.drain(&traffic, Duration::from_mins(5)).await?;
    let mut outcome = Outcome::default();
    outcome.figure("crashes", times);
    recoveries.sort();
    outcome
        .figure("ready again, median in ms, with the server's own start", recoveries[recoveries.len() / 2].as_millis());
    answers(&world, &mut outcome);
    drained.zeros(&mut outcome);
    Ok(outcome)
}

/// Every webhook was answered, yes or no, before long.
fn answers(world: &World, outcome: &mut Outcome) {
    let all: Vec<Ack> = world.codechat.ack_log().into_iter().chain(world.chatwoot.ack_log()).collect();
    let refused = all.iter().filter(|ack| ack.outcome == AckOutcome::Status(503)).count();
    let odd: Vec<_> = all.iter().filter_map(|ack| odd_status(&ack.outcome)).collect();
    let slowest = all.iter().map(|ack| ack.elapsed_ms).max().unwrap_or(0);
    outcome.figure("webhooks answered", all.len());
    outcome.figure("of them 503", refused);
    outcome.none("answers that are neither 200 nor 503", &odd);
    outcome.at_most("slowest answer in ms", ANSWERED_WITHIN.as_millis(), u128::from(slowest));
}

fn odd_status(outcome: &AckOutcome) -> Option<String> {
    match outcome {
        AckOutcome::Status(200 | 503) | AckOutcome::Dropped => None,
        AckOutcome::Status(status) => Some(status.to_string()),
        AckOutcome::Timeout => Some("timeout".to_owned()),
        AckOutcome::Error(error) => Some(error.clone()),
    }
}

/// F05: somebody else holds the database, or the disk is slow.
pub(crate) const F05: Row = Row {
    id: "F05",
    title: "the database is locked for 3 s; every flush takes 200 ms",
    quick: Some(0.04),
    on: On::Sqlite,
    is_alone: false,
    run: |context| Box::pin(waits(context)),
};

async fn waits(context: &Context) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    outcome.include("locked", locked(context).await?);
    outcome.include("slow", slow_flushes(context).await?);
    Ok(outcome)
}

async fn locked(context: &Context) -> Result<Outcome> {
    let mut world = World::start(context, Setup::default()).await?;
    let mut traffic = Traffic::begin(context, &mut world, CHATS).await?;
    let path = world.folder.path().join("relay.db");
    for _ in 0..context.scaled(10) {
        let mut other = SqliteConnectOptions::new().filename(&path).connect().await?;
        sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await?;
        traffic.write(&world, 100, 33).await;
        sqlx::query("COMMIT").execute(&mut other).await?;
        other.close().await?;
        traffic.write(&world, 50, PACE).await;
    }
    let drained = world.drain(&traffic, Duration::from_mins(5)).await?;
    let mut outcome = Outcome::default();
    answers(&world, &mut outcome);
    drained.zeros(&mut outcome);
    Ok(outcome)
}

async fn slow_flushes(context: &Context) -> Result<Outcome> {
    strace::require()?;
    let setup = Setup { wrapper: strace::injecting("delay_enter=200000"), ..Setup::default() };
    let mut world = World::start(context, setup).await?;
    let mut traffic = Traffic::begin(context, &mut world, CHATS).await?;
    traffic.write(&world, context.scaled(1000), PACE).await;
    let drained = world.drain(&traffic, Duration::from_mins(5)).await?;
    let mut outcome = Outcome::default();
    answers(&world, &mut outcome);
    drained.zeros(&mut outcome);
    Ok(outcome)
}

/// F07: the disk is full, and then it is not.
pub(crate) const F07: Row = Row {
    id: "F07",
    title: "the disk is full",
    quick: Some(0.2),
    on: On::Sqlite,
    is_alone: false,
    run: |context| Box::pin(full_disk(context)),
};

async fn full_disk(context: &Context) -> Result<Outcome> {
    // SQLite's log alone may take 16 MB before it begins anew
    let disk = SmallDisk::mount(48)?;
    let setup = Setup {
        database_url: Some(format!("sqlite://{}", disk.path.join("relay.db").display())),
        data_dir: Some(disk.path.clone()),
        ..Setup::default()
    };
    let mut world = World::start(context, setup).await?;
    let mut traffic = Traffic::begin(context, &mut world, CHATS).await?;
    let mut outcome = Outcome::default();
    for time in 1..=context.scaled(5) {
        traffic.write(&world, 50, PACE).await;
        let filler = disk.fill()?;
        let before = world.codechat.ack_count() + world.chatwoot.ack_count();
        traffic.write(&world, 150, PACE).await;
        let (ready, why) = world.ask(reqwest::Method::GET, "/readyz", None).await?;
        let acks: Vec<Ack> = world.codechat.ack_log().into_iter().chain(world.chatwoot.ack_log()).collect();
        let refused = acks.iter().filter(|ack| ack.outcome == AckOutcome::Status(503)).count();
        outcome.holds(&format!("time {time}: the relay says that it is not ready"), !ready.is_success());
        outcome.holds(&format!("time {time}: and why"), why.contains("disk"));
        outcome.at_least(&format!("time {time}: refusals so far"), 1, refused);
        outcome.figure(&format!("time {time}: webhooks while full"), acks.len() - before);
        std::fs::remove_file(filler)?;
        world.until_ready().await?;
    }
    let drained = world.drain(&traffic, Duration::from_mins(5)).await?;
    answers(&world, &mut outcome);
    drained.zeros(&mut outcome);
    Ok(outcome)
}

/// A disk in memory that is full soon.
struct SmallDisk {
    path: PathBuf,
}

impl SmallDisk {
    fn mount(megabytes: u32) -> Result<Self> {
        let path = std::env::temp_dir().join(format!("relay-small-disk-{}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        let size = format!("size={megabytes}m");
        let status = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(&path).status()?;
        ensure!(status.success(), "a small disk could not be mounted\n  hint: run this row as root");
        Ok(Self { path })
    }

    /// Leaves no room at all; returns what takes it.
    fn fill(&self) -> Result<PathBuf> {
        let filler = self.path.join("filler");
        fill(&filler).with_context(|| format!("{} cannot be filled", self.path.display()))?;
        Ok(filler)
    }
}

fn fill(path: &Path) -> Result<()> {
    use std::io::Write as _;
    let mut file = std::fs::File::create(path)?;
    for size in [1 << 16, 1 << 12, 1] {
        let block = vec![0; size];
        while file.write_all(&block).is_ok() {}
    }
    Ok(())
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(&self.path).status());
        drop(std::fs::remove_dir(&self.path));
    }
}
