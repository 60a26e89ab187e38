//! Webhooks come twice, for days, swapped and all at once.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use anyhow::Result;
use relay_sim::{Ack, AgentMessage, CustomerMessage, HookFaults, Kind, clock};

use crate::row::{Context, On, Outcome, Row};
use crate::traffic::{CHATS, Traffic, phone};
use crate::verdict::Way;
use crate::world::{Setup, World};

/// F22: the same webhooks again and again, for a month.
pub(crate) const F22: Row = Row {
    id: "F22",
    title: "duplicate webhooks, up to 30 days apart",
    quick: Some(0.01),
    on: On::Both,
    is_alone: false,
    run: |context| Box::pin(copies(context)),
};

/// F23: one message that comes again every minute.
pub(crate) const F23: Row = Row {
    id: "F23",
    title: "one message told again every minute for 25 h",
    quick: Some(0.05),
    on: On::Both,
    is_alone: false,
    run: |context| Box::pin(loop_of_one(context)),
};

/// F24: webhooks swapped on their way, by less and by more than the relay waits for.
pub(crate) const F24: Row = Row {
    id: "F24",
    title: "webhooks out of order",
    quick: None,
    on: On::Both,
    is_alone: false,
    run: |context| Box::pin(swapped(context)),
};

/// F25: a stranger's first messages come all at once.
pub(crate) const F25: Row = Row {
    id: "F25",
    title: "50 first messages of a new contact at once",
    quick: Some(0.02),
    on: On::Both,
    is_alone: false,
    run: |context| Box::pin(first_messages(context)),
};

/// Webhooks a second, where nothing else is to be measured.
const BRISK: u32 = 300;
/// How long nothing real takes on a busy machine.
const PATIENCE: Duration = Duration::from_mins(5);

/// Every message is told five times: once when it is written, then once each 7.5 days, in any order.
async fn copies(context: &Context) -> Result<Outcome> {
    let count = context.scaled(10_000);
    let mut rng = context.rng(22);
    let mut world = World::start(context, Setup::default()).await?;
    let mut traffic = Traffic::begin(context, &mut world, CHATS).await?;
    traffic.media_percent = 0;
    // what Chatwoot signs grows old, so its copies come at once
    world.chatwoot.set_hook_faults(HookFaults { duplicate_percent: 100, extra_copies: 4, ..HookFaults::default() });
    let mut pace = tokio::time::interval(Duration::from_secs(1) / BRISK);
    let mut written = Vec::with_capacity(count);
    for number in 0..count {
        pace.tick().await;
        let text = format!("copied {number}");
        let mut message = CustomerMessage::text(phone(rng.usize(0..CHATS)), text);
        message.timestamp = Some(clock::now_ms() / 1000);
        message.key_id = world.codechat.customer_sends(&world.tenants[0].session, &message);
        written.push(message);
        if number % 10 == 0 {
            traffic.write_out(&world);
        }
    }
    world.drain(&traffic, PATIENCE).await?;
    for round in 1..5 {
        world.jump(Duration::from_hours(180))?;
        rng.shuffle(&mut written);
        let told = world.codechat.ack_count();
        for message in &written {
            pace.tick().await;
            let again = CustomerMessage { offline: round % 2 == 0, ..message.clone() };
            world.codechat.customer_sends(&world.tenants[0].session, &again);
        }
        world.until("all copies", PATIENCE, |world| world.codechat.ack_count() >= told + count).await?;
    }
    let drained = world.drain(&traffic, PATIENCE).await?;
    let mut outcome = Outcome::default();
    outcome.figure("webhooks of CodeChat", world.codechat.ack_count());
    outcome.figure("webhooks of Chatwoot", world.chatwoot.ack_count());
    outcome.exactly("messages shown", count + CHATS, shown(&world, |_| true));
    outcome.none("webhooks refused", &refused(&world.codechat.ack_log()));
    drained.zeros(&mut outcome);
    Ok(outcome)
}

async fn loop_of_one(context: &Context) -> Result<Outcome> {
    let copies = context.scaled(1500);
    let step = Duration::from_hours(25) / u32::try_from(copies)?;
    let mut world = World::start(context, Setup::default()).await?;
    let mut traffic = Traffic::begin(context, &mut world, 2).await?;
    let session = world.tenants[0].session.clone();
    let mut looping = CustomerMessage::text(phone(0), "again and again");
    looping.timestamp = Some(clock::now_ms() / 1000);
    for copy in 0..copies {
        let told = world.codechat.ack_count();
        let key = world.codechat.customer_sends(&session, &looping);
        looping.key_id = looping.key_id.or(key);
        // life goes on beside it
        let mut more = 0;
        if copy % 25 == 0 {
            traffic.customer_writes(&world, 0, copy / 25 % 2, Kind::Text(format!("beside {copy}")));
            more = 1;
        }
        world.until("the copy", PATIENCE, |world| world.codechat.ack_count() > told + more).await?;
        world.jump(step)?;
    }
    let drained = world.drain(&traffic, PATIENCE).await?;
    let mut outcome = Outcome::default();
    outcome.figure("copies", copies);
    outcome.figure("hours", 25);
    outcome.exactly("times shown", 1, shown(&world, |text| text == "again and again"));
    outcome.none("webhooks refused", &refused(&world.codechat.ack_log()));
    drained.zeros(&mut outcome);
    Ok(outcome)
}

/// How many messages of customers Chatwoot shows.
fn shown(world: &World, is_meant: impl Fn(&str) -> bool) -> usize {
    let messages = world.chatwoot.messages();
    let incoming = messages.iter().filter(|message| message.message_type == "incoming");
    incoming.filter(|message| is_meant(message.content.as_deref().unwrap_or_default())).count()
}

fn refused(log: &[Ack]) -> Vec<String> {
    let refused = log.iter().filter(|ack| !ack.outcome.is_accepted());
    refused.map(|ack| format!("{} {:?}", ack.key, ack.outcome)).collect()
}

async fn swapped(context: &Context) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    outcome.include("within", within_the_window(context).await?);
    outcome.include("beyond", beyond_the_window(context).await?);
    Ok(outcome)
}

/// How long the relay waits for what belongs in front, in milliseconds: of customers, of agents.
const WINDOWS: [i64; 2] = [150, 300];

async fn within_the_window(context: &Context) -> Result<Outcome> {
    let pairs = context.scaled(5000);
    let mut world = World::start(context, Setup::default()).await?;
    let mut traffic = Traffic::begin(context, &mut world, CHATS).await?;
    traffic.media_percent = 0;
    let shuffle = HookFaults { jitter_ms: 150, ..HookFaults::default() };
    world.codechat.set_hook_faults(shuffle);
    world.chatwoot.set_hook_faults(shuffle);
    traffic.write(&world, pairs, 50).await;
    let drained = world.drain(&traffic, PATIENCE).await?;
    let mut outcome = Outcome::default();
    let sessions = &world.tenants[0].session;
    let customers = world.codechat.customer_ledger().into_iter().map(|sent| {
        let chat = format!("{sessions}/{}", sent.chat.unwrap_or_default());
        (chat, format!("{}/{}", world.tenants[0].inbox, sent.key_id), format!("messages.upsert:{}", sent.key_id))
    });
    let agents = traffic
        .by_agents
        .iter()
        .map(|wrote| (wrote.chat.to_string(), wrote.id.to_string(), format!("message_created:{}", wrote.id)));
    let inbound = arrivals(customers.collect(), &world.codechat.ack_log(), WINDOWS[0]);
    let outbound = arrivals(agents.collect(), &world.chatwoot.ack_log(), WINDOWS[1]);
    judge("in", &inbound, &drained.verdicts.inbound, &mut outcome);
    judge("out", &outbound, &drained.verdicts.outbound, &mut outcome);
    drained.zeros(&mut outcome);
    Ok(outcome)
}

/// How the messages of one way really came to the relay: a busy machine may hold a webhook up for longer than was meant.
struct Arrivals {
    written: usize,
    /// Came after one of its chat that was written later.
    swapped: usize,
    /// Came so long after such a one that nobody would have waited.
    beyond: HashSet<String>,
}

/// Each message as (chat, id, name of its webhook), in the order of writing.
fn arrivals(written: Vec<(String, String, String)>, log: &[Ack], window: i64) -> Arrivals {
    let times: HashMap<&str, (i64, i64)> = log
        .iter()
        .map(|ack| (ack.key.as_str(), (ack.posted_at_ms, ack.posted_at_ms + ack.elapsed_ms.cast_signed())))
        .collect();
    let mut arrivals = Arrivals { written: written.len(), swapped: 0, beyond: HashSet::new() };
    let mut earliest_later: HashMap<String, i64> = HashMap::new();
    for (chat, id, key) in written.into_iter().rev() {
        let Some(&(posted, answered)) = times.get(key.as_str()) else { continue };
        let later = earliest_later.entry(chat).or_insert(i64::MAX);
        if posted > *later {
            arrivals.swapped += 1;
        }
        if answered > later.saturating_add(window) {
            arrivals.beyond.insert(id);
        }
        *later = (*later).min(posted);
    }
    arrivals
}

fn judge(name: &str, arrivals: &Arrivals, way: &Way, outcome: &mut Outcome) {
    outcome.figure(&format!("{name} webhooks swapped"), arrivals.swapped);
    outcome.figure(&format!("{name} held up beyond the window by the machine"), arrivals.beyond.len());
    let inverted: Vec<_> = way.overtaken.iter().filter(|id| !arrivals.beyond.contains(*id)).cloned().collect();
    outcome.none(&format!("{name} inversions"), &inverted);
    let marked: Vec<_> = way.late.iter().filter(|id| !arrivals.beyond.contains(*id)).cloned().collect();
    outcome.none(&format!("{name} marked late without being late"), &marked);
    // else nothing was tried
    outcome.at_least(&format!("{name} webhooks swapped"), arrivals.written / 50, arrivals.swapped);
    outcome.at_most(&format!("{name} held up by the machine"), arrivals.written / 10, arrivals.beyond.len());
}

/// Every second message comes five seconds late, after the one that followed it.
async fn beyond_the_window(context: &Context) -> Result<Outcome> {
    let pairs = context.scaled(2500);
    let late = HookFaults { delay_ms: 5000, ..HookFaults::default() };
    let mut world = World::start(context, Setup::default()).await?;
    let mut traffic = Traffic::begin(context, &mut world, CHATS).await?;
    let mut rng = context.rng(24);
    let mut pace = tokio::time::interval(Duration::from_secs(1) / 30);
    for number in 0..pairs {
        pace.tick().await;
        let chat = rng.usize(0..CHATS);
        for (faults, word) in [(late, "held up"), (HookFaults::default(), "in time")] {
            world.codechat.set_hook_faults(faults);
            world.chatwoot.set_hook_faults(faults);
            traffic.customer_writes(&world, 0, chat, Kind::Text(format!("in {number} {word}")));
            traffic.agent_writes(&world, 0, chat, AgentMessage::text(format!("out {number} {word}")));
        }
    }
    world
        .until("the last webhooks", PATIENCE, |world| {
            let told = |log: Vec<Ack>, event| log.iter().filter(|ack| ack.event == event).count();
            told(world.chatwoot.ack_log(), "message_created") >= 2 * pairs
        })
        .await?;
    let drained = world.drain(&traffic, PATIENCE).await?;
    let mut outcome = Outcome::default();
    for (name, way) in [("in", &drained.verdicts.inbound), ("out", &drained.verdicts.outbound)] {
        let unmarked = way.overtaken.iter().filter(|id| !way.late.contains(*id)).cloned().collect::<Vec<_>>();
        outcome.figure(&format!("{name} came after newer ones"), way.overtaken.len());
        outcome.none(&format!("{name} came after newer ones and not marked late"), &unmarked);
        // on a machine that is not overwhelmed, all that were held up; nothing is proven by fewer
        outcome.at_least(&format!("{name} came after newer ones"), pairs * 9 / 10, way.overtaken.len());
    }
    drained.zeros(&mut outcome);
    Ok(outcome)
}

async fn first_messages(context: &Context) -> Result<Outcome> {
    const AT_ONCE: usize = 50;
    let strangers = context.scaled(200);
    let mut world = World::start(context, Setup::default()).await?;
    let traffic = Traffic::begin(context, &mut world, 1).await?;
    let session = world.tenants[0].session.clone();
    for stranger in 1..=strangers {
        let told = world.codechat.ack_count();
        for number in 0..AT_ONCE {
            let message = CustomerMessage::text(phone(stranger), format!("first {number}"));
            world.codechat.customer_sends(&session, &message);
        }
        world.until("the answers", PATIENCE, |world| world.codechat.ack_count() >= told + AT_ONCE).await?;
    }
    let drained = world.drain(&traffic, PATIENCE).await?;
    let (contacts, conversations) = (world.chatwoot.contacts(), world.chatwoot.conversations());
    let several = |count: &dyn Fn(&str) -> usize| {
        let all = (1..=strangers).map(phone).filter(|phone| count(phone) != 1);
        all.map(|phone| format!("stranger {phone} has {}", count(&phone))).collect::<Vec<_>>()
    };
    let mut outcome = Outcome::default();
    outcome.figure("repetitions", strangers);
    let number = |phone: &str| Some(format!("+{phone}"));
    outcome.none(
        "strangers without exactly one contact",
        &several(&|phone| contacts.iter().filter(|contact| contact.phone == number(phone)).count()),
    );
    outcome.none(
        "strangers without exactly one conversation",
        &several(&|phone| conversations.iter().filter(|known| known.source_id == phone).count()),
    );
    outcome.exactly("contacts in all", strangers + 1, contacts.len());
    outcome.exactly("conversations in all", strangers + 1, conversations.len());
    drained.zeros(&mut outcome);
    Ok(outcome)
}
