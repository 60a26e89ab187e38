//! One of the three is gone for hours.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use anyhow::Result;
use relay_sim::{ConnectionState, CustomerMessage, HookFaults, Kind, assets, clock};
use serde_json::json;

use crate::row::{Context, On, Outcome, Row};
use crate::traffic::{AgentWrote, CHATS, Traffic, phone};
use crate::verdict::Drained;
use crate::world::{Setup, World};

/// F18: CodeChat is gone for an hour.
pub(crate) const F18: Row = Row {
    id: "F18",
    title: "CodeChat down for 1 h",
    quick: Some(0.05),
    on: On::Both,
    is_alone: false,
    run: |context| Box::pin(codechat_down(context)),
};

/// F27: the relay is gone for a day.
pub(crate) const F27: Row = Row {
    id: "F27",
    title: "the relay down for 24 h",
    quick: Some(0.01),
    on: On::Both,
    is_alone: false,
    run: |context| Box::pin(relay_down(context)),
};

/// F28: Chatwoot is gone for a day.
pub(crate) const F28: Row = Row {
    id: "F28",
    title: "Chatwoot down for 24 h",
    quick: Some(0.005),
    on: On::Both,
    is_alone: false,
    run: |context| Box::pin(chatwoot_down(context)),
};

/// How old an agent's message may grow.
const TTL: Duration = Duration::from_mins(10);
/// How long it may take until the relay notices that the way out is open again.
const NOTICE: Duration = Duration::from_mins(2);
/// What the bubble of an expired message says.
const EXPIRED: &str = "The message waited too long and was not sent";
const UNHEARD: HookFaults =
    HookFaults { drop_percent: 100, duplicate_percent: 0, extra_copies: 0, delay_ms: 0, jitter_ms: 0 };
const PATIENCE: Duration = Duration::from_mins(10);

/// Half of the customers' messages are only in CodeChat's rows afterwards; the other half WhatsApp hands over when it is back.
async fn codechat_down(context: &Context) -> Result<Outcome> {
    const STEPS: usize = 60;
    let (inbound, outbound) = (context.scaled(1000), context.scaled(1000));
    let speed = if context.scale < 0.5 { 1200 } else { 120 };
    let mut rng = context.rng(18);
    let mut world = World::start(context, Setup::default()).await?;
    let mut traffic = Traffic::begin(context, &mut world, CHATS).await?;
    world.codechat.go_down().await;
    world.codechat.set_hook_faults(UNHEARD);
    let mut offline = Vec::new();
    for step in 0..STEPS {
        for number in share(inbound, step, STEPS) {
            let chat = rng.usize(0..CHATS);
            if chat < CHATS / 2 {
                traffic.customer_writes(&world, 0, chat, Kind::Text(format!("stored {number}")));
            } else {
                let mut message = CustomerMessage::text(phone(chat), format!("offline {number}"));
                message.timestamp = Some(clock::now_ms() / 1000);
                message.offline = true;
                offline.push(message);
            }
        }
        for _ in share(outbound, step, STEPS) {
            traffic.write_out(&world);
        }
        world.pass(Duration::from_hours(1) / 60, speed).await?;
    }
    let opened_at = clock::now_ms();
    world.codechat.come_up().await?;
    world.codechat.set_hook_faults(HookFaults::default());
    let session = world.tenants[0].session.clone();
    for state in [ConnectionState::Connecting, ConnectionState::Open] {
        world.codechat.set_connection(&session, state);
    }
    for message in &offline {
        world.codechat.customer_sends(&session, message);
    }
    let drained = world.drain(&traffic, PATIENCE).await?;
    let mut outcome = Outcome::default();
    outcome.figure("in found in CodeChat's rows only", inbound - offline.len());
    judge(&world, &traffic, &drained, opened_at, &mut outcome);
    Ok(outcome)
}

async fn relay_down(context: &Context) -> Result<Outcome> {
    const STEPS: usize = 480;
    let (inbound, outbound) = (context.scaled(20_000), context.scaled(2000));
    let mut world = World::start(context, Setup::default()).await?;
    let mut traffic = Traffic::begin(context, &mut world, CHATS).await?;
    world.relay().signal("TERM")?;
    world.relay().wait(Duration::from_secs(10)).await?;
    for step in 0..STEPS {
        for _ in share(inbound, step, STEPS) {
            traffic.write_in(&world);
        }
        for _ in share(outbound, step, STEPS) {
            traffic.write_out(&world);
        }
        // what is posted now is refused
        tokio::time::sleep(Duration::from_millis(20)).await;
        world.jump(Duration::from_hours(24) / 480)?;
    }
    let told = world.codechat.ack_count() + world.chatwoot.ack_count();
    let opened_at = clock::now_ms();
    world.relay().spawn()?;
    world.until_ready().await?;
    let recovered = world.recover(&traffic, PATIENCE).await?;
    let mut outcome = Outcome::default();
    outcome.figure("webhooks that nobody took", told);
    outcome.at_most("recovery in s", 600, recovered.took.as_secs());
    outcome.figure("recovery in s of real time", recovered.drained.took.as_secs());
    judge(&world, &traffic, &recovered.drained, opened_at, &mut outcome);
    Ok(outcome)
}

/// The numbers that are written in a step, when all are spread evenly.
fn share(all: usize, step: usize, steps: usize) -> std::ops::Range<usize> {
    all * step / steps..all * (step + 1) / steps
}

/// In: nothing lost. Out: what had grown too old when the way opened was not sent, and says so; the rest was sent.
fn judge(world: &World, traffic: &Traffic, drained: &Drained, opened_at: i64, outcome: &mut Outcome) {
    let (inbound, outbound) = (&drained.verdicts.inbound, &drained.verdicts.outbound);
    inbound.zeros("in", outcome);
    outbound.zeros("out", outcome);
    outcome.none("agents told \"not sent\" of what was", &outbound.false_failed);
    let refused: HashSet<&str> = outbound.refused.iter().map(String::as_str).collect();
    let age = |wrote: &AgentWrote| {
        let written_at = world.chatwoot.message(wrote.id).map_or(opened_at, |message| message.created_ms);
        Duration::from_millis(u64::try_from(opened_at - written_at).unwrap_or(0))
    };
    let ids = |is_meant: &dyn Fn(&AgentWrote, bool) -> bool| -> Vec<String> {
        let meant =
            traffic.by_agents.iter().filter(|wrote| is_meant(wrote, refused.contains(wrote.id.to_string().as_str())));
        meant.map(|wrote| wrote.id.to_string()).collect()
    };
    let lost: HashSet<&String> = outbound.verdict.lost.iter().collect();
    let was_sent = |wrote: &AgentWrote, is_refused: bool| !is_refused && !lost.contains(&wrote.id.to_string());
    // clocks of the two sides are read at different moments
    let slack = Duration::from_secs(2);
    outcome.none("sent though too old", &ids(&|wrote, refused| was_sent(wrote, refused) && age(wrote) > TTL + slack));
    outcome.none("young and not sent", &ids(&|wrote, refused| refused && age(wrote) + NOTICE < TTL));
    let says_why = |wrote: &AgentWrote| {
        let message = world.chatwoot.message(wrote.id);
        message.and_then(|message| message.external_error).is_some_and(|error| error.contains(EXPIRED))
    };
    outcome.none("not sent without saying why", &ids(&|wrote, refused| refused && !says_why(wrote)));
    outcome.figure("out sent", traffic.by_agents.len() - refused.len());
    outcome.at_least("out expired", 1, refused.len());
    outcome.exactly("events expired", refused.len(), usize::try_from(drained.events.expired).unwrap_or(0));
    outcome.exactly("events unexplained", 0, drained.events.unexplained());
    outcome.exactly("events pending", 0, drained.events.pending);
    outcome.exactly("dead letters", 0, drained.events.dead);
}

/// What a file is said to weigh: 10,000 of them are more than 5 GB.
const DECLARED: usize = 540_000;

async fn chatwoot_down(context: &Context) -> Result<Outcome> {
    const STEPS: usize = 480;
    let inbound = context.scaled(50_000);
    let mut rng = context.rng(28);
    let mut world = World::start(context, Setup::default()).await?;
    let mut traffic = Traffic::begin(context, &mut world, CHATS).await?;
    world.chatwoot.go_down().await;
    let (mut pictures, told) = (0, world.codechat.ack_count());
    for step in 0..STEPS {
        for number in share(inbound, step, STEPS) {
            let chat = rng.usize(0..CHATS);
            let has_file = rng.u8(0..100) < 20;
            let kind = if has_file { picture(&world, &mut rng) } else { Kind::Text(format!("in {number}")) };
            pictures += usize::from(has_file);
            traffic.customer_writes(&world, 0, chat, kind);
        }
        let written = inbound * (step + 1) / STEPS;
        world.until("the answers", PATIENCE, |world| world.codechat.ack_count() >= told + written).await?;
        world.jump(Duration::from_hours(24) / 480)?;
    }
    let mut outcome = Outcome::default();
    outcome.figure("megabytes of files spoken of", pictures * DECLARED / 1_000_000);
    outcome.at_most("memory at the end of the outage in MB", 200, world.peak_megabytes());
    world.chatwoot.come_up().await?;
    let recovered = world.recover(&traffic, PATIENCE).await?;
    outcome.figure("caught up after s", recovered.took.as_secs());
    outcome.at_most("memory in MB", 200, world.peak_megabytes());
    let downloads: HashMap<_, _> = world.codechat.media_downloads().into_iter().collect();
    let again = downloads.iter().filter(|(_, times)| **times > 1).map(|(_, times)| format!("{times} times"));
    outcome.none("files downloaded more than once", &again.collect::<Vec<_>>());
    let messages = world.chatwoot.messages();
    let arrived = messages.iter().filter(|message| message.message_type == "incoming");
    outcome.exactly("files shown", pictures, arrived.map(|message| message.attachments.len()).sum());
    recovered.drained.zeros(&mut outcome);
    Ok(outcome)
}

/// A picture that is said to be large; what is served for it is small.
fn picture(world: &World, rng: &mut fastrand::Rng) -> Kind {
    // any text is a media key to the stand-in
    let media_key = format!("{:032x}{:011x}=", rng.u128(..), rng.u64(..1 << 44));
    world.codechat.serve_media(&media_key, assets::PHOTO.bytes);
    let content = json!({
        "url": "https://mmg.whatsapp.net/v/t62.7118-24/large.enc", "directPath": "/v/t62.7118-24/large.enc",
        "mimetype": assets::PHOTO.mime, "mediaKey": media_key, "fileLength": DECLARED.to_string(), "height": 3000, "width": 4000,
    });
    Kind::Raw("imageMessage".to_owned(), content)
}
