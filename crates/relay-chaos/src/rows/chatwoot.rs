//! Chatwoot fails: it answers with errors, answers nothing, loses its answers, or commits long after it hung up.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result};
use relay_sim::{ChatwootOptions, Fault, FaultAction, Kind, clock, route};
use reqwest::Method;

use crate::calm::STEP;
use crate::proxy::{Proxy, Trouble};
use crate::row::{Context, On, Outcome, Row};
use crate::traffic::{CHATS, PACE, Traffic};
use crate::world::{Setup, World};

/// F08: errors for ten minutes, while everybody goes on writing.
pub(crate) const F08: Row = Row {
    id: "F08",
    title: "Chatwoot answers 500 for 10 minutes",
    quick: None,
    on: On::Both,
    is_alone: false,
    run: |context| Box::pin(errors(context)),
};

/// F09: connections are taken and never answered.
pub(crate) const F09: Row = Row {
    id: "F09",
    title: "Chatwoot is a black hole",
    quick: None,
    on: On::Both,
    is_alone: true,
    run: |context| Box::pin(black_hole(context)),
};

/// F10: what was asked is done, and the answer is lost.
pub(crate) const F10: Row = Row {
    id: "F10",
    title: "Chatwoot commits and its answer is lost",
    quick: Some(0.02),
    on: On::Both,
    is_alone: false,
    run: |context| Box::pin(lost_answers(context)),
};

/// F11: what was asked is done long after the connection was reset.
pub(crate) const F11: Row = Row {
    id: "F11",
    title: "Chatwoot commits 3, 8 and 20 s after a reset",
    quick: None,
    on: On::Both,
    is_alone: false,
    run: |context| Box::pin(late_commits(context)),
};

/// How long Chatwoot is out of order.
const OUTAGE: Duration = Duration::from_mins(10);
/// Before this has passed, the failures that open the breaker are still coming in.
const OPENING: Duration = Duration::from_secs(30);
/// How long a breaker stays open between two probes.
const PROBE_EVERY: Duration = Duration::from_secs(10);

async fn errors(context: &Context) -> Result<Outcome> {
    let queued = context.scaled(10_000);
    // so many chats that the wall of 200 messages a minute stands in nobody's way for long
    let chats = (queued / 100).max(5);
    let setup = Setup { chatwoot: ChatwootOptions::default(), ..Setup::default() };
    let mut world = World::start(context, setup).await?;
    let mut traffic = Traffic::begin(context, &mut world, chats).await?;
    world.lull().await;
    world.chatwoot.fault(Fault::status(route::ALL, 500));
    let failing_since = clock::now_ms();
    let steps = usize::try_from(OUTAGE.as_secs() / STEP.as_secs()).unwrap_or(1);
    let mut rng = context.rng(3);
    for step in 1..=steps {
        while (traffic.by_customers - chats) * steps < queued * step {
            let kind = traffic.any_kind();
            traffic.customer_writes(&world, 0, rng.usize(0..chats), kind);
        }
        tokio::time::sleep(Duration::from_millis(60)).await;
        world.jump(STEP)?;
    }
    world.lull().await;
    let (counted_from, healed_at) = (failing_since + ms(OPENING), clock::now_ms());
    let held = world.events().await?;
    world.chatwoot.clear_faults();
    let drained = world.drain_calmly(&traffic, Duration::from_mins(30)).await?;

    let mut outcome = Outcome::default();
    let calls = world.chatwoot.call_log();
    let while_open: Vec<_> = calls.iter().filter(|call| (counted_from..healed_at).contains(&call.at_ms)).collect();
    let mut by_route: BTreeMap<&str, usize> = BTreeMap::new();
    for call in &while_open {
        *by_route.entry(&call.route).or_default() += 1;
    }
    for (route, count) in by_route {
        outcome.figure(&format!("while the breaker was open: {route}"), count);
    }
    let most = (healed_at - counted_from) / ms(PROBE_EVERY) + 1;
    outcome.figure("queued", queued);
    outcome.figure("chats, all as popular", chats);
    outcome.figure("pending when Chatwoot came back", held.pending);
    outcome.figure("calls until the breaker was open", calls_between(&world, failing_since, counted_from));
    outcome.at_most("calls to Chatwoot while the breaker was open", most, i64::try_from(while_open.len())?);
    outcome.at_least("messages that waited on disk", i64::try_from(queued)?, held.pending);
    outcome.at_most("drained, in seconds", 300, drained.took.as_secs());
    drained.zeros(&mut outcome);
    Ok(outcome)
}

fn calls_between(world: &World, from: i64, until: i64) -> usize {
    world.chatwoot.call_log().iter().filter(|call| (from..until).contains(&call.at_ms)).count()
}

fn ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

async fn black_hole(context: &Context) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    outcome.include("one of two sessions", hole_beside_another(context).await?);
    outcome.include("a hole in the network", hole_in_the_network(context).await?);
    Ok(outcome)
}

/// One session's Chatwoot account never answers; the other session must not feel it.
async fn hole_beside_another(context: &Context) -> Result<Outcome> {
    const ROUNDS: usize = 3;
    let samples = context.scaled(1000);
    let mut world = World::start(context, Setup { tenants: 2, ..Setup::default() }).await?;
    let mut traffic = Traffic::begin(context, &mut world, CHATS).await?;
    let path = format!("/accounts/{}/", world.tenants[0].account);
    let mut best: Option<(i64, i64)> = None;
    for _ in 0..ROUNDS {
        let usual = p99_of_the_other(&mut world, &mut traffic, samples, false).await?;
        world.chatwoot.fault(Fault::on(route::ALL, FaultAction::Hang { commit: false }).only_path(&path));
        let beside = p99_of_the_other(&mut world, &mut traffic, samples, true).await?;
        world.chatwoot.clear_faults();
        // what else the machine does only ever adds: the round that it disturbed least counts
        let (least_usual, least_beside) = best.unwrap_or((usual, i64::MAX));
        if beside * least_usual < least_beside.saturating_mul(usual) || best.is_none() {
            best = Some((usual, beside));
        }
        if beside * 10 <= usual * 11 {
            break;
        }
    }
    let (usual, beside) = best.context("there was a round")?;
    let drained = world.drain(&traffic, Duration::from_mins(5)).await?;
    let mut outcome = Outcome::default();
    outcome.figure("p99 of the other session before, in ms", usual);
    outcome.figure("p99 of the other session during, in ms", beside);
    outcome.at_most("p99 of the other session, in hundredths of what it was", 110, beside * 100 / usual.max(1));
    drained.zeros(&mut outcome);
    Ok(outcome)
}

/// From writing to arrival of texts of the second session, 99 of 100. The first one is written to as well if it is asked for.
async fn p99_of_the_other(world: &mut World, traffic: &mut Traffic, samples: usize, with_first: bool) -> Result<i64> {
    let mut pace = tokio::time::interval(Duration::from_secs(1) / PACE);
    let mut written = Vec::with_capacity(samples);
    for number in 0..samples {
        pace.tick().await;
        let at = clock::now_ms();
        let key = traffic.customer_writes(world, 1, number % CHATS, Kind::Text(format!("measured {number}")));
        written.push((format!("WAID:{}", key.context("the instance exists")?), at));
        if with_first && number % 5 == 0 {
            // a call with a file may take a minute before it is given up: those are for the hole in the network
            traffic.customer_writes(world, 0, number % CHATS, Kind::Text(format!("unanswered {number}")));
        }
    }
    let last = written.last().map(|(id, _)| id.clone()).unwrap_or_default();
    let is_there = |world: &World| world.chatwoot.messages().iter().any(|it| it.source_id.as_deref() == Some(&last));
    world.until("the messages of the other session", Duration::from_mins(1), is_there).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let arrived: std::collections::HashMap<String, i64> = world
        .chatwoot
        .messages()
        .into_iter()
        .filter_map(|message| Some((message.source_id?, message.created_ms)))
        .collect();
    let mut took: Vec<i64> =
        written.iter().map(|(id, at)| arrived.get(id).map_or(i64::from(u16::MAX), |there| there - at)).collect();
    took.sort_unstable();
    Ok(took[(took.len() * 99).div_ceil(100) - 1])
}

/// What passes between the relay and Chatwoot is swallowed for as long as a call may take, and longer.
async fn hole_in_the_network(context: &Context) -> Result<Outcome> {
    let pairs = context.scaled(1000);
    let (mut world, proxy) = behind_a_proxy(context).await?;
    let mut traffic = Traffic::begin(context, &mut world, CHATS).await?;
    // first it is only slow
    for trouble in [Trouble::Delay(Duration::from_millis(300)), Trouble::Throttle(10_000)] {
        proxy.trouble(trouble, 30, u64::MAX);
        traffic.write(&world, pairs / 4, PACE).await;
    }
    let slowed = proxy.hits();
    proxy.trouble(Trouble::BlackHole, 100, u64::MAX);
    traffic.write(&world, pairs / 2, PACE).await;
    tokio::time::sleep(Duration::from_secs(17)).await;
    proxy.heal();
    let drained = world.drain(&traffic, Duration::from_mins(5)).await?;
    let mut outcome = Outcome::default();
    outcome.figure("calls slowed down", slowed);
    outcome.at_least("calls swallowed", 1, proxy.hits() - slowed);
    drained.zeros(&mut outcome);
    Ok(outcome)
}

/// A world whose relay reaches Chatwoot through a proxy.
async fn behind_a_proxy(context: &Context) -> Result<(World, Proxy)> {
    let proxy = Proxy::start().await?;
    // the stand-in's own address is in what it says of files: that it is another is as usual
    let chatwoot = relay_sim::FakeChatwoot::start(ChatwootOptions::default()).await?;
    let address = chatwoot.base_url();
    chatwoot.shutdown().await;
    proxy.lead_to(&address)?;
    let setup = Setup { chatwoot_url: Some(proxy.base_url()), ..Setup::default() };
    let bind = address.trim_start_matches("http://").parse()?;
    let chatwoot = ChatwootOptions { bind, ..setup.chatwoot.clone() };
    Ok((World::start(context, Setup { chatwoot, ..setup }).await?, proxy))
}

async fn lost_answers(context: &Context) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    outcome.include("reset by Chatwoot", reset_after_commit(context).await?);
    outcome.include("cut in the network", cut_answers(context).await?);
    Ok(outcome)
}

async fn reset_after_commit(context: &Context) -> Result<Outcome> {
    let cases = context.scaled(1000);
    let mut world = World::start(context, Setup::default()).await?;
    let mut traffic = Traffic::begin(context, &mut world, CHATS).await?;
    let lost = Fault::on(route::MESSAGE_CREATE, FaultAction::Reset { commit: true }).times(cases as u64);
    world.chatwoot.fault(Fault { percent: Some(60), ..lost });
    while resets(&world) < cases {
        write_in_and_pass(&mut world, &mut traffic, 20).await?;
    }
    let drained = world.drain(&traffic, Duration::from_mins(5)).await?;
    let mut outcome = Outcome::default();
    outcome.exactly("answers lost", cases, resets(&world));
    drained.zeros(&mut outcome);
    Ok(outcome)
}

/// Some messages of customers, then a little time for the looks that follow.
async fn write_in_and_pass(world: &mut World, traffic: &mut Traffic, count: usize) -> Result<()> {
    for _ in 0..count {
        traffic.write_in(world);
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    world.jump(STEP)
}

/// Messages that Chatwoot was asked to create and never answered.
fn resets(world: &World) -> usize {
    let calls = world.chatwoot.call_log();
    calls.iter().filter(|call| call.route == route::MESSAGE_CREATE && call.status.is_none()).count()
}

async fn cut_answers(context: &Context) -> Result<Outcome> {
    let cases = context.scaled(300) as u64;
    let (mut world, proxy) = behind_a_proxy(context).await?;
    let mut traffic = Traffic::begin(context, &mut world, CHATS).await?;
    // answers before the first byte, within the head, within the body; requests half-way, and before they leave
    let (of_answers, of_requests) = ([0, 40, 400].map(Trouble::CutAnswer), [Trouble::CutRequest(200), Trouble::Reset]);
    let each = cases / 5 + 1;
    for trouble in of_answers.into_iter().chain(of_requests) {
        let before = proxy.hits();
        // rarely enough that no message is cut for two minutes on end: such a one counts as poisoned
        proxy.trouble(trouble, 20, each);
        while proxy.hits() - before < each {
            write_in_and_pass(&mut world, &mut traffic, 10).await?;
        }
    }
    proxy.heal();
    let drained = world.drain(&traffic, Duration::from_mins(5)).await?;
    let mut outcome = Outcome::default();
    outcome.at_least("answers and requests cut", cases, proxy.hits());
    drained.zeros(&mut outcome);
    Ok(outcome)
}

async fn late_commits(context: &Context) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    for seconds in [3, 8, 20] {
        outcome.include(&format!("{seconds} s"), late_by(context, Duration::from_secs(seconds)).await?);
    }
    Ok(outcome)
}

async fn late_by(context: &Context, late: Duration) -> Result<Outcome> {
    let cases = context.scaled(100);
    let mut world = World::start(context, Setup::default()).await?;
    let mut traffic = Traffic::begin(context, &mut world, CHATS).await?;
    world.lull().await;
    let after_ms = u64::try_from(late.as_millis())?;
    let fault = Fault::on(route::MESSAGE_CREATE, FaultAction::ResetThenCommit { after_ms }).times(cases as u64);
    world.chatwoot.fault(Fault { percent: Some(50), ..fault });
    while resets(&world) < cases {
        for chat in 0..CHATS {
            traffic.customer_writes(&world, 0, chat, Kind::Text(format!("late {chat}")));
        }
        world.pass_in_lulls(Duration::from_secs(2)).await?;
    }
    let mut drained = world.drain_calmly(&traffic, Duration::from_mins(10)).await?;
    // what is committed late is seen late
    world.pass_in_lulls(Duration::from_mins(3)).await?;
    drained.verdicts = crate::verdict::Verdicts::of(&world, &traffic);
    let mut outcome = Outcome::default();
    outcome.exactly("committed late", cases, resets(&world));
    let doubled = drained.verdicts.inbound.verdict.doubled.len();
    if late <= Duration::from_secs(10) {
        outcome.exactly("doubled", 0, doubled);
    } else {
        // knowing that it happens is all that can be done about it; where the machine is slow, some are found in time
        outcome.at_most("doubled by Chatwoot", cases, doubled);
        drained.verdicts.inbound.verdict.doubled.clear();
    }
    outcome.exactly("possible duplicates counted", doubled, possible_duplicates(&world).await?);
    outcome.exactly("possible duplicates shown in their conversation", doubled, shown_as_double(&world));
    drained.zeros(&mut outcome);
    Ok(outcome)
}

/// How many the relay counted.
async fn possible_duplicates(world: &World) -> Result<usize> {
    let metrics = world.call(Method::GET, "/metrics", None).await?;
    let text = metrics.as_str().unwrap_or_default();
    let lines = text.lines().filter(|line| line.starts_with("relay_possible_duplicates_total"));
    Ok(lines.filter_map(|line| line.rsplit(' ').next()?.parse::<usize>().ok()).sum())
}

/// How many private notes say so.
fn shown_as_double(world: &World) -> usize {
    let notes = world.chatwoot.messages().into_iter().filter(|message| message.private);
    notes.filter(|note| note.source_id.as_deref().is_some_and(|id| id.starts_with("WAID:twice:"))).count()
}
