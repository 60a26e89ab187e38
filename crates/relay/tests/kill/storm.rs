//! Random kills under steady traffic both ways.

use std::time::{Duration, Instant};

use relay_sim::{Fault, FaultAction, route};
use relay_testing::{Database, eventually};

use crate::process::Relay;
use crate::traffic::Written;

/// Messages a second each way.
const PACE: u64 = 50;

fn kills() -> usize {
    std::env::var("RELAY_KILLS").map_or(60, |kills| kills.parse().unwrap())
}

async fn survives(database: Database) {
    let seed = std::env::var("RELAY_SEED").map_or_else(|_| fastrand::u64(..), |seed| seed.parse().unwrap());
    println!("seed {seed}: repeat with RELAY_SEED={seed}");
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut relay = Relay::start(database, Vec::new()).await;
    relay.open_conversations().await;
    // answers that take a while: more calls are in flight when the process dies
    let slow = |after_commit| FaultAction::Delay { ms: 15, after_commit };
    for (route, after_commit) in [(route::MESSAGE_CREATE, true), (route::SENDS, true), (route::MESSAGE_CREATE, false)] {
        let fault = Fault { percent: Some(50), ..Fault::on(route, slow(after_commit)) };
        if route == route::SENDS {
            relay.codechat.fault(fault);
        } else {
            relay.chatwoot.fault(fault);
        }
    }
    let mut written = Written::default();
    let mut pace = tokio::time::interval(Duration::from_millis(1000 / PACE));
    for _ in 0..kills() {
        let killed_at = Instant::now() + Duration::from_millis(rng.u64(50..700));
        while Instant::now() < killed_at {
            pace.tick().await;
            written.write_pair(&relay, &mut rng);
        }
        relay.kill();
        // nobody listens: these are lost on the way and not acknowledged
        pace.tick().await;
        written.write_pair(&relay, &mut rng);
        relay.spawn();
        relay.until_ready().await;
    }
    written.write(&relay, 100, u32::try_from(PACE).unwrap(), &mut rng).await;
    eventually("everything acknowledged to end", async || relay.events().await["pending"] == 0).await;
    let (verdict_in, acked_in) = Written::check_in(&relay);
    let (verdict_out, acked_out, again) = written.check_out(&relay);
    let events = relay.events().await;
    println!(
        "{database:?}: {} kills, {acked_in} in and {acked_out} out acknowledged, {again} handed to WhatsApp again under the same id",
        kills()
    );
    println!("{events}");
    assert!(verdict_in.is_clean(), "in, seed {seed}: {verdict_in:?}");
    assert!(verdict_out.is_clean(), "out, seed {seed}: {verdict_out:?}");
    assert!(acked_in > 100 && acked_out > 100, "hardly anything was acknowledged");
    assert_eq!(events["dead"], 0, "{events}");
    assert_eq!(events["expired"], 0, "{events}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_doubled_or_reordered_on_sqlite() {
    survives(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_doubled_or_reordered_on_postgres() {
    survives(Database::Postgres).await;
}
