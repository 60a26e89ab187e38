//! A phone that is not connected, and a session that is removed while it still has work.

use std::collections::HashSet;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use relay_sim::{AgentMessage, ConnectionState};
use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::row::{Context, On, Outcome, Row};
use crate::traffic::{CHATS, Traffic, phone};
use crate::verdict::Verdicts;
use crate::world::{Setup, World};

/// F19: the phone is not connected, and CodeChat says of every number that it does not exist.
pub(crate) const F19: Row = Row {
    id: "F19",
    title: "session disconnected, every number \"unknown\"",
    quick: Some(0.05),
    on: On::Both,
    is_alone: false,
    run: |context| Box::pin(disconnected(context)),
};

/// F41: somebody removes a session that still has work.
pub(crate) const F41: Row = Row {
    id: "F41",
    title: "session removed with a backlog",
    quick: Some(0.05),
    on: On::Both,
    is_alone: false,
    run: |context| Box::pin(removed(context)),
};

const PATIENCE: Duration = Duration::from_mins(3);

/// Three times: the phone goes, agents write for five minutes, the phone comes back. One number really is unknown.
async fn disconnected(context: &Context) -> Result<Outcome> {
    const TIMES: usize = 3;
    let count = context.scaled(1000);
    let speed = if context.scale < 0.5 { 400 } else { 40 };
    let mut rng = context.rng(19);
    let mut world = World::start(context, Setup::default()).await?;
    let mut traffic = Traffic::begin(context, &mut world, CHATS + 1).await?;
    let session = world.tenants[0].session.clone();
    let mut unknown = HashSet::new();
    for time in 0..TIMES {
        world.codechat.set_connection_because(&session, ConnectionState::Close, 428);
        for number in count * time / TIMES..count * (time + 1) / TIMES {
            let message = AgentMessage::text(format!("held {number}"));
            traffic.agent_writes(&world, 0, rng.usize(0..CHATS), message);
            world.pass(Duration::from_mins(5) * 3 / u32::try_from(count)?, speed).await?;
        }
        world.codechat.not_on_whatsapp([phone(CHATS)]);
        let message = AgentMessage::text(format!("to nobody {time}"));
        unknown.extend(traffic.agent_writes(&world, 0, CHATS, message));
        world.codechat.set_connection(&session, ConnectionState::Open);
        world.drain(&traffic, PATIENCE).await?;
    }
    let drained = world.drain(&traffic, PATIENCE).await?;
    let (verdicts, events) = (&drained.verdicts, drained.events);
    let wrongly = verdicts.outbound.refused.iter().filter(|id| !id.parse().is_ok_and(|id| unknown.contains(&id)));
    let mut outcome = Outcome::default();
    outcome.figure("times disconnected", TIMES);
    outcome.none("wrongly given up", &wrongly.cloned().collect::<Vec<_>>());
    outcome.exactly("given up because the number is unknown", unknown.len(), verdicts.outbound.refused.len());
    outcome.exactly("dead letters", unknown.len(), usize::try_from(events.dead)?);
    outcome.exactly("expired", 0, events.expired);
    verdicts.inbound.zeros("in", &mut outcome);
    verdicts.outbound.zeros("out", &mut outcome);
    outcome.none("agents told \"not sent\" of what was", &verdicts.outbound.false_failed);
    outcome.exactly("events unexplained", 0, events.unexplained());
    Ok(outcome)
}

/// Both sides are down, so there is a backlog of both ways. The removal is refused, the backlog exported, the removal forced.
async fn removed(context: &Context) -> Result<Outcome> {
    let pairs = context.scaled(500);
    let mut world = World::start(context, Setup { tenants: 2, ..Setup::default() }).await?;
    let mut traffic = Traffic::begin(context, &mut world, CHATS).await?;
    traffic.media_percent = 0;
    let name = world.tenants[0].session.clone();
    let told = (world.codechat.ack_count(), world.chatwoot.ack_count());
    world.codechat.go_down().await;
    world.chatwoot.go_down().await;
    traffic.write(&world, pairs, 100).await;
    world
        .until("the answers", PATIENCE, |world| {
            world.codechat.ack_count() >= told.0 + pairs && world.chatwoot.ack_count() >= told.1 + pairs
        })
        .await?;
    let mut outcome = Outcome::default();
    let path = format!("/session/{name}");
    let (status, said) = world.ask(Method::DELETE, &path, None).await?;
    outcome.exactly("answer to a removal with a backlog", StatusCode::CONFLICT, status);
    let problem: Value = serde_json::from_str(&said).unwrap_or_default();
    outcome.exactly("and its code", "events_pending", problem["code"].as_str().unwrap_or_default());
    outcome.holds("it says how to keep what waits", said.contains("/api/v1/dead/export"));
    outcome.exactly("the session is still there", StatusCode::OK, world.ask(Method::GET, &path, None).await?.0);
    let exported = export(&world, &name).await?;
    let before = Verdicts::of(&world, &traffic);
    let (status, said) = world.ask(Method::DELETE, &format!("{path}?force=true"), None).await?;
    outcome.exactly("answer to a forced removal", StatusCode::NO_CONTENT, status);
    ensure!(status.is_success(), "the session was not removed: {said}");
    world.codechat.come_up().await?;
    world.chatwoot.come_up().await?;
    let drained = world.settle(&traffic, PATIENCE).await?;
    let (inbound, outbound) = (&drained.verdicts.inbound, &drained.verdicts.outbound);
    outcome.figure("exported", exported.len());
    outcome
        .figure("waiting when it was removed", before.inbound.verdict.lost.len() + before.outbound.verdict.lost.len());
    let inbox = world.tenants[0].inbox.to_string();
    let is_kept = |id: &&String| match id.split_once('/') {
        Some((of, key)) => of == inbox && exported.contains(key),
        None => exported.contains(id.as_str()),
    };
    for (way, lost) in [("in", &inbound.verdict.lost), ("out", &outbound.verdict.lost)] {
        let silent: Vec<_> = lost.iter().filter(|id| !is_kept(id)).cloned().collect();
        outcome.none(&format!("{way} lost in silence"), &silent);
        outcome.at_least(&format!("{way} exported in place of being delivered"), 1, lost.len());
    }
    for (way, verdict) in [("in", &inbound.verdict), ("out", &outbound.verdict)] {
        outcome.none(&format!("{way} doubled"), &verdict.doubled);
        outcome.none(&format!("{way} in another chat"), &verdict.misdirected);
    }
    outcome.exactly("events unexplained", 0, drained.events.unexplained());
    outcome.exactly("events pending", 0, drained.events.pending);
    Ok(outcome)
}

/// Ids of all messages that the export of a session's backlog holds, as their senders know them.
async fn export(world: &World, session: &str) -> Result<HashSet<String>> {
    let path = format!("/api/v1/dead/export?session={session}&state=pending");
    let (status, lines) = world.ask(Method::GET, &path, None).await?;
    ensure!(status.is_success(), "the backlog could not be exported: {status} {lines}");
    let ids = lines.lines().map(|line| {
        let line: Value = serde_json::from_str(line)?;
        let body: Value = serde_json::from_str(line["body"]["text"].as_str().context("the bytes as received")?)?;
        let key = body["data"]["keyId"].as_str().map(str::to_owned);
        Ok(key.or_else(|| body["id"].as_u64().map(|id| id.to_string())).unwrap_or_default())
    });
    ids.collect()
}
