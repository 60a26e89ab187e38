//! The machine's clock is set while everything runs.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use relay_sim::AckOutcome;

use crate::row::{Context, On, Outcome, Row};
use crate::traffic::{CHATS, PACE, Traffic};
use crate::world::{Setup, World};

/// How far the clock is set, as the library that does it spells it.
const STEPS: [&str; 4] = ["+1h", "-1h", "+1d", "-1d"];

/// F29: steps of the wall clock.
pub(crate) const F29: Row = Row {
    id: "F29",
    title: "the clock jumps by an hour and by a day, both ways",
    quick: Some(0.25),
    on: On::Both,
    is_alone: false,
    run: |context| Box::pin(jumps(context)),
};

async fn jumps(context: &Context) -> Result<Outcome> {
    let folder = relay_testing::TempFolder::new();
    let file = folder.path().join("offset");
    std::fs::write(&file, "+0")?;
    let env = [
        ("LD_PRELOAD", library()?.display().to_string()),
        ("FAKETIME_TIMESTAMP_FILE", file.display().to_string()),
        ("FAKETIME_CACHE_DURATION", "1".to_owned()),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
    ];
    let env = env.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let mut world = World::start(context, Setup { env, ..Setup::default() }).await?;
    let mut traffic = Traffic::begin(context, &mut world, CHATS).await?;
    let pairs = context.scaled(1000) / (STEPS.len() + 1);
    traffic.write(&world, pairs, PACE).await;
    let quiet = calls_since(&world, 0);
    let (mut before, mut busiest) = (quiet, 0);
    for step in STEPS {
        std::fs::write(&file, step)?;
        // the library looks once a second
        tokio::time::sleep(Duration::from_millis(1200)).await;
        traffic.write(&world, pairs, PACE).await;
        busiest = busiest.max(calls_since(&world, before));
        before = calls_since(&world, 0);
    }
    std::fs::write(&file, "+0")?;
    tokio::time::sleep(Duration::from_millis(1200)).await;
    let refused = world.chatwoot.ack_log().iter().filter(|ack| ack.outcome == AckOutcome::Status(401)).count();
    let words = std::fs::read_to_string(&world.relay().launch.log)?;
    let drained = world.drain(&traffic, Duration::from_mins(5)).await?;
    let mut outcome = Outcome::default();
    outcome.figure("webhooks refused for their time", refused);
    outcome.at_least("webhooks refused for their time", 1, refused);
    outcome.holds("the log says that it is about the time", words.contains("signature"));
    outcome.at_most("calls while the clock is wrong, against twice those before", 2 * quiet, busiest);
    drained.zeros(&mut outcome);
    Ok(outcome)
}

fn calls_since(world: &World, before: u64) -> u64 {
    let all: u64 = world.chatwoot.calls().values().chain(world.codechat.calls().values()).sum();
    all.saturating_sub(before)
}

/// The library that sets the clock of one process only.
fn library() -> Result<PathBuf> {
    let folders = ["/usr/lib/x86_64-linux-gnu/faketime", "/usr/lib/aarch64-linux-gnu/faketime"];
    let found =
        folders.iter().map(|folder| PathBuf::from(folder).join("libfaketimeMT.so.1")).find(|path| path.is_file());
    found.context("libfaketime is not installed, so the clock was not set\n  hint: scripts/setup --tests installs it")
}
