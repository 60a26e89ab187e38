//! The power fails: what was acknowledged is on the disk, not in somebody's memory.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use relay_sim::{AgentMessage, Kind};
use relay_testing::TempFolder;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};

use crate::row::{Context, On, Outcome, Row};
use crate::strace::{self, Step};
use crate::traffic::{CHATS, Traffic};
use crate::verdict::accepted;
use crate::world::{Setup, World};

/// Webhooks under way at the same time.
const WAVE: usize = 50;

/// F03: nothing acknowledged is missing after a power cut.
pub(crate) const F03: Row = Row {
    id: "F03",
    title: "power loss: flush before every ack, images cut at the last flush",
    quick: Some(0.05),
    on: On::Sqlite,
    is_alone: false,
    run: |context| Box::pin(power_loss(context)),
};

async fn power_loss(context: &Context) -> Result<Outcome> {
    strace::require()?;
    let mut outcome = Outcome::default();
    let steps = traced(context, context.scaled(10_000), 24, Writers::Customers).await?;
    let audit = audit(&steps);
    outcome.at_least("acks audited", context.scaled(10_000), audit.acks);
    outcome.none("acks without a flush", &audit.violations);
    // whole pages are written down, so there are fewer of them
    let steps = traced(context, context.scaled(1000), 6000, Writers::Both).await?;
    cut_images(context, &steps, &mut outcome).await?;
    Ok(outcome)
}

/// Who writes while the relay is traced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Writers {
    /// Every webhook of theirs is a new message that must be flushed.
    Customers,
    Both,
}

/// Lets messages come until so many were acknowledged, and returns what the relay asked of the kernel.
async fn traced(context: &Context, acks: usize, longest: usize, writers: Writers) -> Result<Vec<Step>> {
    let folder = TempFolder::new();
    let trace = folder.path().join("trace");
    let setup = Setup { wrapper: strace::wrapper(&trace, longest), ..Setup::default() };
    let mut world = World::start(context, setup).await?;
    let mut traffic = Traffic::begin(context, &mut world, CHATS).await?;
    let both = |world: &World| world.codechat.ack_count() + world.chatwoot.ack_count();
    let taken = |world: &World| {
        let inbound = accepted(world.codechat.ack_log(), "").len();
        inbound + accepted(world.chatwoot.ack_log(), "").len()
    };
    for wave in 0.. {
        ensure!(wave < 4 * acks / WAVE + 100, "the relay hardly acknowledges anything");
        let before = both(&world);
        for number in 0..WAVE {
            let chat = number % CHATS;
            if writers == Writers::Customers || number % 2 == 0 {
                traffic.customer_writes(&world, 0, chat, Kind::Text(format!("in {wave} {number}")));
            } else {
                traffic.agent_writes(&world, 0, chat, AgentMessage::text(format!("out {wave} {number}")));
            }
        }
        world.until("answers", Duration::from_secs(30), |world| both(world) >= before + WAVE).await?;
        // some requests are read in two pieces, and those are not audited
        if taken(&world) >= acks + acks / 3 + CHATS {
            break;
        }
    }
    world.relay().kill()?;
    // the tracer notes the end of the process last
    let is_whole = |_: &World| std::fs::read(&trace).is_ok_and(|text| ends_with_death(&text));
    world.until("the whole trace", Duration::from_secs(30), is_whole).await?;
    strace::read(&trace)
}

fn ends_with_death(trace: &[u8]) -> bool {
    let tail = &trace[trace.len().saturating_sub(4000)..];
    String::from_utf8_lossy(tail).contains("killed by SIGKILL")
}

#[derive(Default)]
struct Audit {
    acks: usize,
    violations: Vec<String>,
}

/// Between reading a webhook and answering it, a flush began and ended.
fn audit(steps: &[Step]) -> Audit {
    let mut audit = Audit::default();
    let (mut requests, mut flushing) = (HashMap::new(), HashMap::new());
    let mut last_flush_began = None;
    for (index, step) in steps.iter().enumerate() {
        match step {
            // Chatwoot mostly tells of what we made ourselves, which needs no flush
            Step::Request { connection, body } if body.starts_with(b"POST /codechat") => {
                requests.insert(connection, index);
            }
            Step::FlushBegan { thread, .. } => {
                flushing.insert(thread, index);
            }
            Step::FlushEnded { thread, .. } => last_flush_began = last_flush_began.max(flushing.remove(thread)),
            Step::Ack { connection } => {
                let Some(request) = requests.remove(connection) else { continue };
                audit.acks += 1;
                if last_flush_began.is_none_or(|began| began < request) {
                    audit.violations.push(format!("step {index}"));
                }
            }
            Step::Request { .. } | Step::Write { .. } | Step::Truncate { .. } => {}
        }
    }
    audit
}

/// Makes the disk as it would be had the power failed at an acknowledgement, and looks for everything acknowledged until then.
async fn cut_images(context: &Context, steps: &[Step], outcome: &mut Outcome) -> Result<()> {
    let acks = acknowledged(steps);
    let cuts = context.scaled(200);
    let mut rng = context.rng(3);
    let (mut missing, mut broken, mut looked_for) = (Vec::new(), Vec::new(), 0);
    for cut in 0..cuts {
        let at = rng.usize(0..acks.len());
        let folder = TempFolder::new();
        // what was not flushed is gone, or, every other time, some of it is there
        let keeps = |rng: &mut fastrand::Rng| cut % 2 == 1 && rng.bool();
        write_image(folder.path(), &steps[..acks[at].0], || keeps(&mut rng))?;
        match stored(&folder.path().join("relay.db")).await {
            Ok(stored) => {
                looked_for += at + 1;
                missing.extend(acks[..=at].iter().filter(|(_, key)| !stored.contains(key)).map(|(_, key)| key.clone()));
            }
            Err(error) => broken.push(format!("cut {cut}: {error:#}")),
        }
    }
    outcome.exactly("images opened whole", cuts, cuts - broken.len());
    outcome.none("images broken", &broken);
    outcome.none("acknowledged and missing", &missing);
    outcome.figure("acknowledged messages looked for", looked_for);
    Ok(())
}

/// Where each message was acknowledged, and its key in the store.
fn acknowledged(steps: &[Step]) -> Vec<(usize, String)> {
    let (mut requests, mut acks) = (HashMap::new(), Vec::new());
    for (index, step) in steps.iter().enumerate() {
        match step {
            Step::Request { connection, body } => drop(requests.insert(connection, key_of(body))),
            Step::Ack { connection } => {
                acks.extend(requests.remove(connection).flatten().map(|key| (index, key)));
            }
            Step::Write { .. } | Step::Truncate { .. } | Step::FlushBegan { .. } | Step::FlushEnded { .. } => {}
        }
    }
    acks
}

/// The key of a customer's message; other webhooks are not looked for.
fn key_of(request: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(request);
    let (_, body) = text.split_once("\r\n\r\n")?;
    let body: serde_json::Value = serde_json::from_str(body).ok()?;
    let is_new = body["event"] == "messages.upsert" && body["data"]["keyFromMe"] == false;
    is_new.then(|| format!("message|them|{}", body["data"]["keyId"].as_str().unwrap_or_default()))
}

fn write_image(folder: &Path, steps: &[Step], mut keeps: impl FnMut() -> bool) -> Result<()> {
    let flushed = flushed_until(steps);
    let mut files: HashMap<&str, Vec<u8>> = HashMap::new();
    for (index, step) in steps.iter().enumerate() {
        match step {
            Step::Write { file, offset, bytes } => {
                if flushed.get(file.as_str()).is_some_and(|until| index < *until) || keeps() {
                    let content = files.entry(file).or_default();
                    content.resize(content.len().max(offset + bytes.len()), 0);
                    content[*offset..offset + bytes.len()].copy_from_slice(bytes);
                }
            }
            Step::Truncate { file, length } => files.entry(file).or_default().resize(*length, 0),
            Step::Request { .. } | Step::Ack { .. } | Step::FlushBegan { .. } | Step::FlushEnded { .. } => {}
        }
    }
    for (name, content) in files {
        if name == "relay.db" || name == "relay.db-wal" {
            std::fs::write(folder.join(name), content)?;
        }
    }
    Ok(())
}

/// For each file, where its last flush began that also ended.
fn flushed_until(steps: &[Step]) -> HashMap<&str, usize> {
    let (mut flushing, mut flushed) = (HashMap::new(), HashMap::new());
    for (index, step) in steps.iter().enumerate() {
        match step {
            Step::FlushBegan { thread, .. } => {
                flushing.insert(thread.as_str(), index);
            }
            Step::FlushEnded { file, thread } => {
                if let Some(began) = flushing.remove(thread.as_str()) {
                    let known = flushed.entry(file.as_str()).or_insert(began);
                    *known = began.max(*known);
                }
            }
            Step::Request { .. } | Step::Ack { .. } | Step::Write { .. } | Step::Truncate { .. } => {}
        }
    }
    flushed
}

/// Keys of the events in a database that the power left behind.
async fn stored(path: &Path) -> Result<HashSet<String>> {
    let mut connection = SqliteConnectOptions::new().filename(path).connect().await.context("it does not open")?;
    let (health,): (String,) = sqlx::query_as("PRAGMA integrity_check").fetch_one(&mut connection).await?;
    ensure!(health == "ok", "{health}");
    let keys: Vec<(String,)> = sqlx::query_as("SELECT dedup_key FROM event").fetch_all(&mut connection).await?;
    connection.close().await?;
    Ok(keys.into_iter().map(|(key,)| key).collect())
}

/// F06: the disk refuses to flush.
pub(crate) const F06: Row = Row {
    id: "F06",
    title: "fsync fails with EIO",
    quick: Some(0.06),
    on: On::Sqlite,
    is_alone: false,
    run: |context| Box::pin(flush_fails(context)),
};

async fn flush_fails(context: &Context) -> Result<Outcome> {
    strace::require()?;
    let mut world = World::start(context, Setup::default()).await?;
    let mut traffic = Traffic::begin(context, &mut world, CHATS).await?;
    let (times, mut outcome) = (context.scaled(50), Outcome::default());
    let (mut ended, mut clean, mut after) = (0, 0, 0);
    let plain = world.relay().launch.words.clone();
    for time in 1..=times {
        world.relay().kill()?;
        // each life fails a little later than the one before
        let fault = strace::injecting(&format!("error=EIO:when={}+", time + 4));
        world.relay().launch.words = fault.into_iter().chain(plain.clone()).collect();
        world.relay().spawn()?;
        if world.until_up_or_ended().await? {
            for _ in 0..200 {
                if world.relay().has_ended() {
                    break;
                }
                traffic.write_in(&world);
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        let status = world.relay().wait(Duration::from_secs(10)).await;
        ended += usize::from(status.is_ok());
        clean += usize::from(status.is_ok_and(|(status, _)| status.success()));
        let told = accepted(world.codechat.ack_log(), "messages.upsert:").len();
        tokio::time::sleep(Duration::from_millis(20)).await;
        after += accepted(world.codechat.ack_log(), "messages.upsert:").len() - told;
    }
    world.relay().launch.words = plain;
    world.restart()?;
    world.until_ready().await?;
    let drained = world.drain(&traffic, Duration::from_mins(3)).await?;
    outcome.exactly("processes that ended", times, ended);
    outcome.exactly("that ended as if all were well", 0, clean);
    outcome.exactly("acks after the end", 0, after);
    drained.zeros(&mut outcome);
    Ok(outcome)
}
