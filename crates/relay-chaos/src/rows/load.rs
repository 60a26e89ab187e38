//! More at once than anybody writes.

use std::time::{Duration, Instant};

use anyhow::Result;
use relay_sim::{Fault, FaultAction, Kind, route};

use crate::row::{Context, On, Outcome, Row};
use crate::traffic::{PACE, Traffic};
use crate::verdict::accepted;
use crate::world::{Setup, World};

/// F26: a burst of messages, in one chat and in fifty.
pub(crate) const F26: Row = Row {
    id: "F26",
    title: "burst of 1,000 messages in one lane and in fifty",
    quick: Some(0.2),
    on: On::Both,
    is_alone: true,
    run: |context| Box::pin(bursts(context)),
};

async fn bursts(context: &Context) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    for lanes in [1, 50] {
        outcome.include(&format!("{lanes} lanes"), burst(context, lanes).await?);
    }
    Ok(outcome)
}

async fn burst(context: &Context, lanes: usize) -> Result<Outcome> {
    let mut world = World::start(context, Setup::default()).await?;
    let mut traffic = Traffic::begin(context, &mut world, lanes).await?;
    world.chatwoot.fault(Fault::on(route::MESSAGE_CREATE, FaultAction::Delay { ms: 50, after_commit: false }));
    let count = context.scaled(1000);
    // the first messages are followed by names and pictures
    world.until_quiet().await;
    world.chatwoot.reset_calls();
    let started = Instant::now();
    // ten at a time: fifty times a second
    let mut pace = tokio::time::interval(Duration::from_secs(1) / PACE);
    for number in 0..count {
        if number % 10 == 0 {
            pace.tick().await;
        }
        traffic.customer_writes(&world, 0, number % lanes, Kind::Text(format!("burst {number}")));
    }
    let wanted = count + lanes;
    let taken = |world: &World| accepted(world.codechat.ack_log(), "messages.upsert:").len();
    world.until("all acknowledgements", Duration::from_secs(30), |world| taken(world) >= wanted).await?;
    let acked = started.elapsed();
    if lanes > 1 {
        world.until("all messages", Duration::from_mins(2), |world| world.chatwoot.message_count() >= wanted).await?;
    }
    let delivered = started.elapsed();
    let calls: u64 = world.chatwoot.calls().values().sum();
    let calls = usize::try_from(calls)?;
    let megabytes = world.peak_megabytes();
    let drained = world.drain(&traffic, Duration::from_mins(4)).await?;
    let mut outcome = Outcome::default();
    outcome.exactly("acknowledged", wanted, taken(&world));
    outcome.figure("all acknowledged after ms", acked.as_millis());
    if lanes > 1 {
        outcome.figure("all delivered after ms", delivered.as_millis());
        outcome.at_most("calls to Chatwoot, against 11 for 10 texts", count * 11 / 10 + 5, calls);
    }
    outcome.at_most("memory in MB", 150, megabytes);
    drained.zeros(&mut outcome);
    Ok(outcome)
}
