//! Webhooks that never come.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use anyhow::Result;
use relay_sim::{AckOutcome, HookFaults};
use serde_json::json;

use crate::recovery::p95;
use crate::row::{Context, On, Outcome, Row};
use crate::traffic::{CHATS, Traffic};
use crate::world::{Setup, World};

/// F44: Chatwoot's webhooks get lost.
pub(crate) const F44: Row = Row {
    id: "F44",
    title: "5 % of Chatwoot's webhooks never come",
    quick: None,
    on: On::Both,
    is_alone: false,
    run: |context| Box::pin(agents_unheard(context)),
};

/// F45: CodeChat's webhooks get lost.
pub(crate) const F45: Row = Row {
    id: "F45",
    title: "5 % of CodeChat's webhooks never come",
    quick: None,
    on: On::Both,
    is_alone: false,
    run: |context| Box::pin(customers_unheard(context)),
};

const LOSS: HookFaults =
    HookFaults { drop_percent: 5, duplicate_percent: 0, extra_copies: 0, delay_ms: 0, jitter_ms: 0 };
const PATIENCE: Duration = Duration::from_mins(4);
/// Time between two messages of the same way.
const BEAT: Duration = Duration::from_millis(600);

/// How a gap is made and how fast time passes meanwhile.
struct Gap {
    messages: usize,
    speed: u32,
    /// How long after the last message it is waited for repairs.
    after: Duration,
}

impl Gap {
    async fn happen(&self, world: &mut World, traffic: &mut Traffic) -> Result<()> {
        for _ in 0..self.messages {
            traffic.write_pair(world);
            world.pass(BEAT, self.speed).await?;
        }
        world.pass(self.after, self.speed).await
    }
}

async fn agents_unheard(context: &Context) -> Result<Outcome> {
    let mut world = World::start(context, Setup::default()).await?;
    let mut traffic = Traffic::begin(context, &mut world, CHATS).await?;
    traffic.media_percent = 5;
    world.chatwoot.set_hook_faults(LOSS);
    let gap = Gap { messages: context.scaled(2000), speed: 20, after: Duration::from_mins(2) };
    gap.happen(&mut world, &mut traffic).await?;
    let drained = world.drain(&traffic, PATIENCE).await?;
    let unheard = dropped(world.chatwoot.ack_log(), "message_created:");
    let submissions = world.codechat.submissions();
    let sent: HashMap<&str, i64> =
        submissions.iter().filter_map(|sent| Some((sent.text.as_deref()?, sent.at_ms))).collect();
    let delays = traffic.by_agents.iter().filter(|wrote| unheard.contains(&wrote.id.to_string())).filter_map(|wrote| {
        let written_at = world.chatwoot.message(wrote.id)?.created_ms;
        Some(span(written_at, *sent.get(wrote.text.as_str())?))
    });
    let delays: Vec<_> = delays.collect();
    let mut outcome = Outcome::default();
    tell("out", delays, Duration::from_secs(90), &mut outcome);
    drained.zeros(&mut outcome);
    Ok(outcome)
}

async fn customers_unheard(context: &Context) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    let usual = Gap { messages: context.scaled(2000), speed: 40, after: Duration::from_mins(6) };
    let strict = Gap { messages: context.scaled(1000), speed: 10, after: Duration::from_mins(1) };
    outcome.include("usual", unheard(context, &usual, false, Duration::from_mins(6)).await?);
    outcome.include("strict", unheard(context, &strict, true, Duration::from_secs(30)).await?);
    Ok(outcome)
}

async fn unheard(context: &Context, gap: &Gap, is_strict: bool, most: Duration) -> Result<Outcome> {
    let settings = if is_strict { json!({ "strict": true }) } else { json!({}) };
    let mut world = World::start(context, Setup { settings, ..Setup::default() }).await?;
    let mut traffic = Traffic::begin(context, &mut world, CHATS).await?;
    traffic.media_percent = 5;
    world.codechat.set_hook_faults(LOSS);
    gap.happen(&mut world, &mut traffic).await?;
    let drained = world.drain(&traffic, PATIENCE).await?;
    let unheard = dropped(world.codechat.ack_log(), "messages.upsert:");
    let shown: HashMap<String, i64> = world
        .chatwoot
        .messages()
        .into_iter()
        .filter_map(|message| Some((message.source_id?.strip_prefix("WAID:")?.to_owned(), message.created_ms)))
        .collect();
    let ledger = world.codechat.customer_ledger();
    let delays = ledger
        .iter()
        .filter(|sent| unheard.contains(&sent.key_id))
        .filter_map(|sent| Some(span(sent.at_ms, *shown.get(&sent.key_id)?)));
    let mut outcome = Outcome::default();
    tell("in", delays.collect(), most, &mut outcome);
    drained.zeros(&mut outcome);
    Ok(outcome)
}

/// What webhooks of this kind were about that never came.
fn dropped(log: Vec<relay_sim::Ack>, prefix: &str) -> HashSet<String> {
    let dropped = log.into_iter().filter(|ack| ack.outcome == AckOutcome::Dropped);
    dropped.filter_map(|ack| ack.key.strip_prefix(prefix).map(ToOwned::to_owned)).collect()
}

fn span(from: i64, to: i64) -> Duration {
    Duration::from_millis(u64::try_from(to - from).unwrap_or(0))
}

fn tell(name: &str, delays: Vec<Duration>, most: Duration, outcome: &mut Outcome) {
    outcome.at_least(&format!("{name} webhooks that never came"), 1, delays.len());
    outcome.at_most(&format!("{name} p95 of the repair in s"), most.as_secs(), p95(delays).as_secs());
}
