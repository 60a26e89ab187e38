//! Senders who mean no good, and messages that our own code does not survive.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use futures_util::stream::{self, StreamExt};
use relay_fault::Sabotage;
use relay_sim::{AgentMessage, Kind, LedgerMessage, clock};
use serde_json::Value;

use crate::corpus::{self, Hostile};
use crate::row::{Context, On, Outcome, Row};
use crate::traffic::{CHATS, Traffic};
use crate::world::{Setup, World};

/// F30: our renderer panics on a message.
pub(crate) const F30: Row = Row {
    id: "F30",
    title: "poison: the renderer panics",
    quick: Some(0.1),
    on: On::Both,
    is_alone: false,
    run: |context| Box::pin(poison(context)),
};

/// F34: everything that is no webhook, at both doors.
pub(crate) const F34: Row = Row {
    id: "F34",
    title: "malformed and random bodies",
    quick: Some(0.02),
    on: On::Both,
    is_alone: false,
    run: |context| Box::pin(malformed(context)),
};

/// F35: what was signed once is sent again.
pub(crate) const F35: Row = Row {
    id: "F35",
    title: "replayed and forged deliveries",
    quick: Some(0.05),
    on: On::Both,
    is_alone: false,
    run: |context| Box::pin(replays(context)),
};

const PATIENCE: Duration = Duration::from_mins(5);

/// One poisoned message each way, each in a chat of its own that goes on talking; the other chats do so, too.
async fn poison(context: &Context) -> Result<Outcome> {
    let beats = context.scaled(900);
    let mut world = World::start(context, Setup::default()).await?;
    let mut traffic = Traffic::begin(context, &mut world, CHATS).await?;
    traffic.media_percent = 0;
    let pid = world.relay().pid();
    traffic.customer_writes(&world, 0, 0, Kind::Text(format!("in {}", relay_fault::POISON)));
    let poisoned = traffic.agent_writes(&world, 0, 1, AgentMessage::text(format!("out {}", relay_fault::POISON)));
    let poisoned = poisoned.context("the chat has a conversation")?;
    traffic.customer_writes(&world, 0, 0, Kind::Text("behind the poison".to_owned()));
    traffic.agent_writes(&world, 0, 1, AgentMessage::text("behind the poison"));
    let began = clock::now_ms();
    let beat = Duration::from_mins(3) / u32::try_from(beats)?;
    for _ in 0..beats {
        traffic.write_pair(&world);
        world.pass(beat, 20).await?;
    }
    let drained = world.settle(&traffic, PATIENCE).await?;
    let mut outcome = Outcome::default();
    let messages = world.chatwoot.messages();
    let is_behind = |message: &&LedgerMessage| {
        message.message_type == "incoming" && message.content.as_deref() == Some("behind the poison")
    };
    let inward = messages.iter().find(is_behind).map(|message| message.created_ms - began);
    let submissions = world.codechat.submissions();
    let outward = submissions.iter().find(|sent| sent.text.as_deref() == Some("behind the poison"));
    let outward = outward.map(|sent| sent.at_ms - began);
    // time runs in steps here, and the relay looks twice a second of real time
    for (way, delay) in [("in", inward), ("out", outward)] {
        let seconds = delay.map_or(i64::MAX, |ms| ms / 1000);
        outcome.at_most(&format!("{way} lane delay in s"), 120 + 20, seconds);
    }
    let placeholders = messages.iter().filter(|message| {
        message.message_type == "incoming"
            && message.content.as_deref().is_some_and(|text| text.contains("could not be shown"))
    });
    outcome.exactly("placeholders", 1, placeholders.count());
    let bubble = world.chatwoot.message(poisoned).context("the message is there")?;
    outcome.exactly("the agent's bubble", "failed", bubble.status.as_str());
    outcome.exactly("dead letters, one each way", 2, drained.events.dead);
    outcome.holds("the same process", pid.is_some() && world.relay().pid() == pid && !world.relay().has_ended());
    outcome.exactly("events unexplained", 0, drained.events.unexplained());
    outcome.exactly("events pending", 0, drained.events.pending);
    let (inbound, outbound) = (&drained.verdicts.inbound, &drained.verdicts.outbound);
    outcome.exactly("out refused", 1, outbound.refused.len());
    outcome.at_most("in without a message of their own", 1, inbound.verdict.lost.len());
    for (name, way) in [("in", inbound), ("out", outbound)] {
        outcome.none(&format!("{name} doubled"), &way.verdict.doubled);
        outcome.none(&format!("{name} reordered"), &way.verdict.reordered);
        outcome.none(&format!("{name} in another chat"), &way.verdict.misdirected);
    }
    outcome.none("out lost", &outbound.verdict.lost);
    Ok(outcome)
}

/// One door with what opens it.
struct Door<'a> {
    url: String,
    /// Signs for Chatwoot's door.
    inbox: Option<u64>,
    world: &'a World,
}

impl<'a> Door<'a> {
    fn both(world: &'a World) -> Result<[Self; 2]> {
        let tenant = &world.tenants[0];
        let codechat = world.codechat.webhook_url(&tenant.session).context("CodeChat knows where to post")?;
        let chatwoot = world.chatwoot.webhook_url(tenant.inbox).context("Chatwoot knows where to post")?;
        let door = |url, inbox| Self { url, inbox, world };
        Ok([door(codechat, None), door(chatwoot, Some(tenant.inbox))])
    }

    /// Knocks with a genuine signature; `None` when there was no answer.
    async fn knock(&self, body: Vec<u8>) -> Option<u16> {
        self.knock_at(body, clock::now_ms() / 1000).await
    }

    async fn knock_at(&self, body: Vec<u8>, signed_at: i64) -> Option<u16> {
        let signature = self.inbox.and_then(|inbox| self.world.chatwoot.sign(inbox, signed_at, &body));
        self.post(body, signature.map(|signature| (signature, signed_at))).await
    }

    async fn post(&self, body: Vec<u8>, signed: Option<(String, i64)>) -> Option<u16> {
        for _ in 0..2 {
            let mut request =
                self.world.http.post(&self.url).header("content-type", "application/json").body(body.clone());
            if let Some((signature, at)) = &signed {
                request =
                    request.header("x-chatwoot-signature", signature).header("x-chatwoot-timestamp", at.to_string());
            }
            // a connection on which too much was sent is closed: the next request may find it so, and is sent again
            if let Ok(answer) = request.send().await {
                return Some(answer.status().as_u16());
            }
        }
        None
    }
}

async fn malformed(context: &Context) -> Result<Outcome> {
    let mutants = context.scaled(20_000);
    let mut rng = context.rng(34);
    let mut world = World::start(context, Setup::default()).await?;
    let mut traffic = Traffic::begin(context, &mut world, 2).await?;
    let (pid, received) = (world.relay().pid(), world.events().await?.received);
    let mut outcome = Outcome::default();
    let (wrong, taken) = knock_with_corpus(&world).await?;
    outcome.none("answers that were wrong", &wrong);
    let stored = usize::try_from(world.events().await?.received - received)?;
    outcome.figure("bodies of the corpus, at two doors", corpus::hostile().len() * 2);
    outcome.exactly("valid ones accounted for", taken, stored);
    let started = Instant::now();
    let (failed, unanswered) = knock_with_mutants(&world, &mut rng, mutants).await?;
    outcome.figure("mutants of recorded webhooks", mutants * 2);
    outcome.figure("seconds of mutants", started.elapsed().as_secs());
    outcome.none("answers 5xx", &failed);
    outcome.none("no answer", &unanswered);
    for number in 0..10 {
        traffic.customer_writes(&world, 0, 0, Kind::Text(format!("after it {number}")));
        traffic.agent_writes(&world, 0, 1, AgentMessage::text(format!("after it {number}")));
    }
    let after = |text: Option<&str>| text.is_some_and(|text| text.starts_with("after it"));
    world
        .until("life to go on", PATIENCE, |world| {
            let shown = world.chatwoot.messages().into_iter().filter(|message| message.message_type == "incoming");
            let sent = world.codechat.submissions();
            shown.filter(|message| after(message.content.as_deref())).count() == 10
                && sent.iter().filter(|sent| after(sent.text.as_deref())).count() == 10
        })
        .await?;
    let said = std::fs::read_to_string(&world.relay().launch.log).unwrap_or_default();
    let panics: Vec<_> = said.lines().filter(|line| line.contains("panicked at")).map(str::to_owned).collect();
    outcome.none("panics", &panics);
    outcome.holds("the same process", pid.is_some() && world.relay().pid() == pid && !world.relay().has_ended());
    outcome.exactly("events unexplained", 0, world.events().await?.unexplained());
    Ok(outcome)
}

/// What was answered wrongly, and how many bodies were taken.
async fn knock_with_corpus(world: &World) -> Result<(Vec<String>, usize)> {
    let (mut wrong, mut taken) = (Vec::new(), 0);
    for door in Door::both(world)? {
        for Hostile { name, body, allowed } in corpus::hostile() {
            match door.knock(body).await {
                Some(status) if allowed.contains(&status) => taken += usize::from(status == 200),
                status => wrong.push(format!("{name}: {status:?}")),
            }
        }
    }
    Ok((wrong, taken))
}

async fn knock_with_mutants(
    world: &World,
    rng: &mut fastrand::Rng,
    count: usize,
) -> Result<(Vec<String>, Vec<String>)> {
    let seeds = [corpus::recorded(), vec![]];
    let doors = Door::both(world)?;
    let (mut failed, mut unanswered) = (Vec::new(), Vec::new());
    let own: Vec<Vec<u8>> = world
        .chatwoot
        .messages()
        .iter()
        .filter_map(|message| world.chatwoot.webhook_body(message.id))
        .map(Vec::from)
        .collect();
    ensure!(!seeds[0].is_empty() && !own.is_empty(), "there is something to change");
    for (door, seeds) in doors.iter().zip([&seeds[0], &own]) {
        let mutants: Vec<_> = (0..count).map(|_| corpus::mutant(&seeds[rng.usize(0..seeds.len())], rng)).collect();
        let mut answers = stream::iter(mutants.into_iter().enumerate())
            .map(|(number, body)| async move { (number, door.knock(body).await) })
            .buffer_unordered(8);
        while let Some((number, status)) = answers.next().await {
            match status {
                Some(500..) => failed.push(format!("mutant {number}: {status:?}")),
                Some(_) => {}
                None => unanswered.push(format!("mutant {number}")),
            }
        }
    }
    Ok((failed, unanswered))
}

/// Each message of an agent is told as Chatwoot tells it, and then again in every way that must not work, and in the one that must.
async fn replays(context: &Context) -> Result<Outcome> {
    const OLD: i64 = 3600;
    let count = context.scaled(500);
    // what is read back is known, and then its webhook is no stranger's
    let env = vec![("RELAY_SABOTAGE".to_owned(), Sabotage::GapRecovery.as_str().to_owned())];
    let mut world = World::start(context, Setup { env, ..Setup::default() }).await?;
    let mut traffic = Traffic::begin(context, &mut world, CHATS).await?;
    traffic.media_percent = 0;
    for _ in 0..count {
        traffic.write_out(&world);
    }
    world.drain(&traffic, PATIENCE).await?;
    // nobody knows these yet
    world.chatwoot.set_hook_faults(relay_sim::HookFaults { drop_percent: 100, ..Default::default() });
    let before = traffic.by_agents.len();
    for _ in 0..count {
        traffic.write_out(&world);
    }
    let (sent, received) = (world.codechat.submission_count(), world.events().await?.received);
    let mut seen: Vec<(&str, u16, Vec<String>)> = Vec::new();
    let mut note = |what: &'static str, wanted: u16, id: u64, got: Option<u16>| {
        if seen.iter().all(|(known, ..)| *known != what) {
            seen.push((what, wanted, Vec::new()));
        }
        let entry = seen.iter_mut().find(|(known, ..)| *known == what).expect("it was just put there");
        if got != Some(wanted) {
            entry.2.push(format!("{id}: {got:?}"));
        }
    };
    let [_, door] = Door::both(&world)?;
    let inbox = world.tenants[0].inbox;
    let now = clock::now_ms() / 1000;
    for (index, wrote) in traffic.by_agents.iter().enumerate() {
        let body = world.chatwoot.webhook_body(wrote.id).context("the message is there")?.to_vec();
        let old = world.chatwoot.sign(inbox, now - OLD, &body).context("the inbox is there")?;
        if index < before {
            note("known, signed long ago", 200, wrote.id, door.knock_at(body.clone(), now - OLD).await);
        } else {
            note("unknown, signed long ago", 401, wrote.id, door.knock_at(body.clone(), now - OLD).await);
            note("unknown, signed in the future", 401, wrote.id, door.knock_at(body.clone(), now + OLD).await);
        }
        let again = |at| Some((old.clone(), at));
        note("old signature, new time", 401, wrote.id, door.post(body.clone(), again(now)).await);
        note("no signature", 401, wrote.id, door.post(body.clone(), None).await);
        note(
            "wrong signature",
            401,
            wrote.id,
            door.post(body.clone(), Some((format!("sha256={:064x}", 7), now))).await,
        );
        let changed = forged(&body)?;
        let genuine = world.chatwoot.sign(inbox, now, &body).context("the inbox is there")?;
        note("another body", 401, wrote.id, door.post(changed, Some((genuine, now))).await);
    }
    let mut outcome = Outcome::default();
    for (what, wanted, wrong) in seen {
        outcome.none(&format!("{what}, not answered {wanted}"), &wrong);
    }
    outcome.exactly("events accepted", received, world.events().await?.received);
    outcome.exactly("sent to WhatsApp because of it", sent, world.codechat.submission_count());
    // from here on they are read back
    world.relay().launch.env.retain(|(name, _)| name != "RELAY_SABOTAGE");
    world.restart()?;
    world.until_ready().await?;
    // the gaps that this left are read back; nothing is sent twice
    world.chatwoot.set_hook_faults(relay_sim::HookFaults::default());
    let drained = world.drain(&traffic, PATIENCE).await?;
    drained.zeros(&mut outcome);
    Ok(outcome)
}

/// The same message with another text.
fn forged(body: &[u8]) -> Result<Vec<u8>> {
    let mut body: Value = serde_json::from_slice(body)?;
    body["content"] = Value::String("forged".to_owned());
    Ok(serde_json::to_vec(&body)?)
}
