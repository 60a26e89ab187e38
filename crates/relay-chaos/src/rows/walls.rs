//! Chatwoot asks to slow down, or refuses the token: everybody waits, and nobody fails.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::Result;
use relay_sim::{ChatwootOptions, Fault, FaultAction, Kind, clock, route};

use crate::row::{Context, On, Outcome, Row};
use crate::traffic::{CHATS, PACE, Traffic};
use crate::world::{Setup, World};

/// F12: "too many requests", with and without a word on when to come back.
pub(crate) const F12: Row = Row {
    id: "F12",
    title: "Chatwoot answers 429",
    quick: Some(0.05),
    on: On::Both,
    is_alone: false,
    run: |context| Box::pin(too_many_requests(context)),
};

/// F13: the wall of 200 messages a minute in one conversation.
pub(crate) const F13: Row = Row {
    id: "F13",
    title: "200 messages a minute in one conversation",
    quick: None,
    on: On::Both,
    is_alone: false,
    run: |context| Box::pin(message_wall(context)),
};

/// F14: the wall of 100 searches for contacts a minute.
pub(crate) const F14: Row = Row {
    id: "F14",
    title: "100 contact searches a minute",
    quick: Some(0.05),
    on: On::Both,
    is_alone: false,
    run: |context| Box::pin(search_wall(context)),
};

/// F15: the token is refused in the middle of everything.
pub(crate) const F15: Row = Row {
    id: "F15",
    title: "Chatwoot refuses the token",
    quick: None,
    on: On::Both,
    is_alone: false,
    run: |context| Box::pin(refused_token(context)),
};

/// What Chatwoot asks for where it says something.
const RETRY_AFTER: Duration = Duration::from_secs(37);
/// What is waited where it says nothing.
const WITHOUT_A_WORD: Duration = Duration::from_mins(1);

async fn too_many_requests(context: &Context) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    let asked = asked_to_wait(context, Some(RETRY_AFTER), RETRY_AFTER).await?;
    outcome.include("with Retry-After", asked);
    outcome.include("without", asked_to_wait(context, None, WITHOUT_A_WORD).await?);
    Ok(outcome)
}

async fn asked_to_wait(context: &Context, retry_after: Option<Duration>, allowed: Duration) -> Result<Outcome> {
    let pairs = context.scaled(1000);
    let mut world = World::start(context, Setup::default()).await?;
    let mut traffic = Traffic::begin(context, &mut world, CHATS).await?;
    world.lull().await;
    let retry_after = retry_after.map(|wait| wait.as_secs());
    let action = FaultAction::Status { status: 429, body: None, retry_after, commit: false };
    let refusals = context.scaled(100) as u64;
    world.chatwoot.fault(Fault { percent: Some(20), ..Fault::on(route::MESSAGE_CREATE, action).times(refusals) });
    traffic.write(&world, pairs, PACE).await;
    let drained = world.drain_calmly(&traffic, Duration::from_hours(1)).await?;
    let (refused, early) = after_refusals(&world, allowed);
    let mut outcome = Outcome::default();
    outcome.exactly("refusals", refusals, refused);
    outcome.none("calls earlier than allowed", &early);
    drained.zeros(&mut outcome);
    Ok(outcome)
}

/// How many posts were refused with 429, and those that the next post to the same conversation followed too early.
fn after_refusals(world: &World, allowed: Duration) -> (u64, Vec<String>) {
    let mut refused_at: HashMap<String, i64> = HashMap::new();
    let (mut refused, mut early) = (0, Vec::new());
    for call in world.chatwoot.call_log().into_iter().filter(|call| call.route == route::MESSAGE_CREATE) {
        if let Some(at) = refused_at.remove(&call.path) {
            let waited = call.at_ms - at;
            if waited < i64::try_from(allowed.as_millis()).unwrap_or(i64::MAX) {
                early.push(format!("{} after {waited} ms", call.path));
            }
        }
        if call.status == Some(429) {
            refused += 1;
            refused_at.insert(call.path, call.at_ms);
        }
    }
    (refused, early)
}

async fn message_wall(context: &Context) -> Result<Outcome> {
    let count = context.scaled(1000);
    let setup = Setup { chatwoot: ChatwootOptions::default(), ..Setup::default() };
    let mut world = World::start(context, setup).await?;
    let mut traffic = Traffic::begin(context, &mut world, 1).await?;
    world.lull().await;
    let began = clock::now_ms();
    for number in 0..count {
        traffic.customer_writes(&world, 0, 0, Kind::Text(format!("burst {number}")));
    }
    let drained = world.drain_calmly(&traffic, Duration::from_mins(30)).await?;
    let mut outcome = Outcome::default();
    let all = world.chatwoot.messages();
    let last = all.iter().map(|message| message.created_ms).max().unwrap_or(i64::MAX);
    let posts = world.chatwoot.call_log().into_iter().filter(|call| call.route == route::MESSAGE_CREATE);
    outcome.exactly("delivered", count + 1, all.iter().filter(|it| it.message_type == "incoming").count());
    outcome.at_most("all delivered after so many seconds", 360, (last - began) / 1000);
    outcome.exactly("refused by the wall", 0, posts.filter(|call| call.status == Some(422)).count());
    drained.zeros(&mut outcome);
    Ok(outcome)
}

async fn search_wall(context: &Context) -> Result<Outcome> {
    let strangers = context.scaled(1000);
    let setup = Setup { chatwoot: ChatwootOptions::default(), ..Setup::default() };
    let mut world = World::start(context, setup).await?;
    let mut traffic = Traffic::begin(context, &mut world, 1).await?;
    world.lull().await;
    let mut outcome = Outcome::default();
    let before = searches(&world);
    for chat in 1..=strangers {
        traffic.customer_writes(&world, 0, chat, Kind::Text(format!("new {chat}")));
    }
    world.drain_calmly(&traffic, Duration::from_mins(30)).await?;
    let for_new = searches(&world);
    outcome.at_most("searches for new contacts", strangers, for_new - before);
    for chat in 1..=strangers {
        traffic.customer_writes(&world, 0, chat, Kind::Text(format!("known {chat}")));
    }
    let drained = world.drain_calmly(&traffic, Duration::from_mins(30)).await?;
    outcome.exactly("searches for known contacts", 0, searches(&world) - for_new);
    let refused = world.chatwoot.call_log().into_iter().filter(|call| call.status == Some(429)).count();
    outcome.figure("refused by the wall", refused);
    outcome.exactly("contacts", strangers + 1, world.chatwoot.contacts().len());
    outcome.exactly("conversations", strangers + 1, world.chatwoot.conversations().len());
    drained.zeros(&mut outcome);
    Ok(outcome)
}

fn searches(world: &World) -> usize {
    let calls = world.chatwoot.calls();
    let of = |(route, count): (&String, &u64)| route.contains(route::CONTACT_SEARCH).then_some(*count);
    usize::try_from(calls.iter().filter_map(of).sum::<u64>()).unwrap_or(usize::MAX)
}

/// How long the token stays refused.
const REFUSED_FOR: Duration = Duration::from_mins(30);
/// And how long of that no time is skipped, at full size.
const BY_THE_WALL: Duration = Duration::from_secs(125);

async fn refused_token(context: &Context) -> Result<Outcome> {
    let pairs = context.scaled(1000);
    let mut world = World::start(context, Setup::default()).await?;
    let mut traffic = Traffic::begin(context, &mut world, CHATS).await?;
    traffic.write(&world, pairs / 3 + 1, PACE).await;
    // what agents wrote is on its way: half an hour later it would expire, as it must
    let sent = |world: &World| world.codechat.submission_count() > pairs / 3;
    world.until("the agents' messages", Duration::from_mins(1), sent).await?;
    world.chatwoot.fault(Fault::status(route::ALL, 401));
    // of customers only: an agent has nothing to write with while Chatwoot lets nobody in
    for _ in 0..=pairs / 3 {
        traffic.write_in(&world);
    }
    let is_paused = |world: &World| alerts(world) > 0;
    world.until("the pause", Duration::from_mins(1), is_paused).await?;
    // what was under way ends
    world.lull().await;
    let (paused_at, paused) = (clock::now_ms(), Instant::now());
    // who asks whether the token works again does so by the clock on the wall
    tokio::time::sleep(BY_THE_WALL.mul_f64(context.scale.min(1.0))).await;
    world.pass_in_steps(REFUSED_FOR, Duration::from_secs(10)).await?;
    let until = clock::now_ms();
    let wall_minutes = usize::try_from(paused.elapsed().as_secs() / 60)?;
    let calls = world.chatwoot.call_log();
    let while_paused = || calls.iter().filter(|call| (paused_at..until).contains(&call.at_ms));
    let probes = while_paused().count();
    let mut outcome = Outcome::default();
    let routes: Vec<_> = while_paused().map(|call| call.route.as_str()).collect();
    outcome.figure("calls while paused", routes.join(", "));
    let first = calls.iter().filter(|call| call.status == Some(401) && call.at_ms < paused_at).count();
    outcome.figure("calls refused before the session paused", first);
    outcome.at_most("probes", wall_minutes + 1, probes);
    outcome.exactly("alerts", 1, alerts(&world));
    let events = world.events().await?;
    outcome.exactly("dead letters while paused", 0, events.dead);
    world.chatwoot.clear_faults();
    traffic.write(&world, pairs / 3 + 1, PACE).await;
    let drained = world.drain_calmly(&traffic, Duration::from_mins(30)).await?;
    drained.zeros(&mut outcome);
    Ok(outcome)
}

/// Lines of the log that say that a session was paused.
fn alerts(world: &World) -> usize {
    let log = std::fs::read_to_string(&world.relays[0].launch.log).unwrap_or_default();
    log.lines().filter(|line| line.contains("paused")).count()
}
