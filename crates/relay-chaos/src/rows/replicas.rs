//! What each further process on one PostgreSQL costs when there is nothing to do, and how work moves between them.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use relay_testing::{Database, TempFolder};
use sqlx::{Connection, PgConnection};

use crate::row::{Context, On, Outcome, Row};
use crate::traffic::{CHATS, PACE, Traffic};
use crate::world::{Setup, World};

/// How long idle processes are watched.
const WATCHED: Duration = Duration::from_secs(20);
/// Clock ticks in a second, as Linux counts a process's time.
const TICKS: u64 = 100;

/// REPLICAS: the figures of `docs/scaling.md`.
pub(crate) const REPLICAS: Row = Row {
    id: "REPLICAS",
    title: "what a replica costs, and how soon its work is taken over",
    quick: None,
    on: On::Postgres,
    is_alone: true,
    run: |context| Box::pin(replicas(context)),
};

async fn replicas(context: &Context) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    for relays in 1..=3 {
        outcome.include(&format!("{relays}"), idle(context, relays).await?);
    }
    outcome.include("one of three killed", taken_over(context).await?);
    Ok(outcome)
}

async fn idle(context: &Context, relays: usize) -> Result<Outcome> {
    let folder = TempFolder::new();
    let url = Database::Postgres.fresh_url(folder.path());
    let setup = Setup { relays, database_url: Some(url.clone()), ..Setup::default() };
    let mut world = World::start(context, setup).await?;
    let mut database = PgConnection::connect(&url).await?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let watched = WATCHED.mul_f64(context.scale.min(1.0));
    let before = (transactions(&mut database).await?, ticks(&world)?);
    tokio::time::sleep(watched).await;
    let after = (transactions(&mut database).await?, ticks(&world)?);
    let (connections,): (i64,) =
        sqlx::query_as("SELECT COUNT(*) FROM pg_stat_activity WHERE application_name = 'relay'")
            .fetch_one(&mut database)
            .await?;
    let seconds = watched.as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "counts are small")]
    let (each_second, busy) =
        ((after.0 - before.0) as f64 / seconds, (after.1 - before.1) as f64 * 1000.0 / TICKS as f64 / seconds);
    let mut outcome = Outcome::default();
    outcome.figure("transactions a second", format!("{each_second:.1}"));
    outcome.figure("connections", connections);
    outcome.figure("processor in ms a second, all processes", format!("{busy:.1}"));
    outcome.figure("memory of the largest in MB", world.peak_megabytes());
    outcome.at_most("connections for each process", 16, connections / i64::try_from(relays)?);
    Ok(outcome)
}

async fn transactions(database: &mut PgConnection) -> Result<i64> {
    let sql = "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()";
    let (count,): (i64,) = sqlx::query_as(sql).fetch_one(database).await?;
    Ok(count)
}

/// Processor time of all processes, in clock ticks.
fn ticks(world: &World) -> Result<u64> {
    let mut all = 0;
    for relay in &world.relays {
        let pid = relay.pid().context("the relay runs")?;
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
        let fields: Vec<_> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        all += fields.iter().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum::<u64>();
    }
    Ok(all)
}

/// Kills one of three processes under load, and looks how long any message takes from then on.
async fn taken_over(context: &Context) -> Result<Outcome> {
    let mut world = World::start(context, Setup { relays: 3, ..Setup::default() }).await?;
    let mut traffic = Traffic::begin(context, &mut world, CHATS).await?;
    traffic.write(&world, 200, PACE).await;
    world.relays[2].kill()?;
    let killed = Instant::now();
    let written = traffic.by_customers;
    let arrived =
        |world: &World| world.chatwoot.messages().iter().filter(|message| message.message_type == "incoming").count();
    world.until("everything written before", Duration::from_secs(30), |world| arrived(world) >= written).await?;
    let took = killed.elapsed();
    world.relays.truncate(2);
    let drained = world.drain(&traffic, Duration::from_mins(2)).await?;
    let mut outcome = Outcome::default();
    outcome.figure("all messages of before delivered after ms", took.as_millis());
    drained.zeros(&mut outcome);
    Ok(outcome)
}
