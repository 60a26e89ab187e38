//! The relay dies without a word: at any moment, and at every step of its work.

use std::time::{Duration, Instant};

use anyhow::Result;
use relay_sim::{Fault, FaultAction, route};

use crate::row::{Context, On, Outcome, Row};
use crate::traffic::{CHATS, PACE, Traffic};
use crate::world::{Setup, World};

/// F01: killed at random moments under traffic both ways.
pub(crate) const F01: Row = Row {
    id: "F01",
    title: "SIGKILL at random times",
    quick: Some(0.02),
    on: On::Both,
    is_alone: false,
    run: |context| Box::pin(random_kills(context)),
};

async fn random_kills(context: &Context) -> Result<Outcome> {
    let (kills, pairs) = (context.scaled(1000), context.scaled(20_000));
    let mut rng = context.rng(2);
    let mut world = World::start(context, Setup::default()).await?;
    let mut traffic = Traffic::begin(context, &mut world, CHATS).await?;
    slow_answers(&world);
    let mut pace = tokio::time::interval(Duration::from_secs(1) / PACE);
    let mut ready = Vec::with_capacity(kills);
    let mut written = 0;
    for kill in 1..=kills {
        let killed_at = Instant::now() + Duration::from_millis(rng.u64(50..500));
        while Instant::now() < killed_at {
            pace.tick().await;
            if written * kills < pairs * kill {
                traffic.write_pair(&world);
                written += 1;
            }
        }
        world.restart()?;
        ready.push(world.until_ready().await?);
    }
    let left = pairs.saturating_sub(written);
    traffic.write(&world, left, PACE * 2).await;
    let drained = world.drain(&traffic, Duration::from_mins(5)).await?;
    let mut outcome = Outcome::default();
    outcome.figure("kills", kills);
    ready.sort();
    let p99 = ready[(ready.len() * 99).div_ceil(100) - 1];
    outcome.figure("ready again p99 in ms", p99.as_millis());
    drained.zeros(&mut outcome);
    Ok(outcome)
}

/// Answers that take a while: more calls are in flight when the process dies.
fn slow_answers(world: &World) {
    let slow = |route: &str, after_commit| Fault {
        percent: Some(50),
        ..Fault::on(route, FaultAction::Delay { ms: 15, after_commit })
    };
    world.chatwoot.fault(slow(route::MESSAGE_CREATE, true));
    world.chatwoot.fault(slow(route::MESSAGE_CREATE, false));
    world.codechat.fault(slow(route::SENDS, true));
}
