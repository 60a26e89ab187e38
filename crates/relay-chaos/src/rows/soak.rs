//! One long run in which everything fails now and then.

use std::time::{Duration, Instant};

use anyhow::Result;
use relay_sim::{Fault, FaultAction, HookFaults, route};

use crate::row::{Context, On, Outcome, Row};
use crate::traffic::{CHATS, Traffic};
use crate::world::{Setup, World};

/// At full size, one hour.
const FULL: Duration = Duration::from_hours(1);
/// Messages a second each way.
const PACE: u32 = 20;
/// Messages each way while one failure lasts, and between two.
const DURING: usize = 100;
const BETWEEN: usize = 40;

/// SOAK: everything, for as long as is wanted.
pub(crate) const SOAK: Row = Row {
    id: "SOAK",
    title: "everything fails now and then",
    quick: None,
    on: On::Both,
    is_alone: false,
    run: |context| Box::pin(soak(context)),
};

async fn soak(context: &Context) -> Result<Outcome> {
    let mut rng = context.rng(4);
    let mut world = World::start(context, Setup { tenants: 2, ..Setup::default() }).await?;
    let mut traffic = Traffic::begin(context, &mut world, CHATS).await?;
    let ends = Instant::now() + FULL.mul_f64(context.scale);
    let (mut spells, mut memory) = (0, Vec::new());
    while Instant::now() < ends {
        spells += 1;
        begin_spell(&mut world, &mut rng).await?;
        traffic.write(&world, DURING, PACE).await;
        heal(&mut world).await?;
        traffic.write(&world, BETWEEN, PACE).await;
        memory.push(world.relay().memory_now() / 1_000_000);
    }
    let drained = world.drain(&traffic, Duration::from_mins(5)).await?;
    let mut outcome = Outcome::default();
    outcome.figure("minutes", (FULL.mul_f64(context.scale)).as_secs() / 60);
    outcome.figure("spells", spells);
    outcome.figure("memory in MB, first and last", format!("{:?} {:?}", memory.first(), memory.last()));
    outcome.at_most("memory in MB at any time", 200, world.peak_megabytes());
    drained.zeros(&mut outcome);
    Ok(outcome)
}

/// Something goes wrong until it is healed.
async fn begin_spell(world: &mut World, rng: &mut fastrand::Rng) -> Result<()> {
    let often = |route: &str, action| Fault { percent: Some(30), ..Fault::on(route, action) };
    match rng.u8(0..10) {
        0 => world.restart()?,
        1 => world.chatwoot.go_down().await,
        2 => world.codechat.go_down().await,
        3 => world.chatwoot.fault(often(
            route::ALL,
            FaultAction::Status { status: 500, body: None, retry_after: None, commit: false },
        )),
        4 => world.chatwoot.fault(often(route::MESSAGE_CREATE, FaultAction::Reset { commit: true })),
        5 => world.codechat.fault(often(route::SENDS, FaultAction::Reset { commit: true })),
        6 => world.codechat.fault(often(route::SENDS, FaultAction::Delay { ms: 3000, after_commit: true })),
        7 => {
            let faults =
                HookFaults { drop_percent: 5, duplicate_percent: 20, extra_copies: 2, delay_ms: 0, jitter_ms: 100 };
            world.codechat.set_hook_faults(faults);
            world.chatwoot.set_hook_faults(faults);
        }
        // nothing, for once
        _ => {}
    }
    Ok(())
}

async fn heal(world: &mut World) -> Result<()> {
    world.chatwoot.come_up().await?;
    world.codechat.come_up().await?;
    world.chatwoot.clear_faults();
    world.codechat.clear_faults();
    world.chatwoot.set_hook_faults(HookFaults::default());
    world.codechat.set_hook_faults(HookFaults::default());
    world.until_ready().await?;
    Ok(())
}
