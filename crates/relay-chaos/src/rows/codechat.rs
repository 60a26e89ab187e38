//! CodeChat sends, and says that it did not; or sends so late that nobody waits for it any more.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::Result;
use relay_sim::{Fault, FaultAction, route};
use serde_json::json;

use crate::proxy::{Proxy, Trouble};
use crate::row::{Context, On, Outcome, Row};
use crate::traffic::{CHATS, Traffic};
use crate::world::{Setup, World};

/// F20: an error for what was sent.
pub(crate) const F20: Row = Row {
    id: "F20",
    title: "CodeChat answers 400 after sending",
    quick: Some(0.03),
    on: On::Both,
    is_alone: false,
    run: |context| Box::pin(refused_after_sending(context)),
};

/// F21: no answer, and the message goes out all the same: before the deadline, at it, or long after.
pub(crate) const F21: Row = Row {
    id: "F21",
    title: "CodeChat sends after 40 s, or never answers",
    quick: None,
    on: On::Both,
    is_alone: false,
    run: |context| Box::pin(timeouts(context)),
};

/// What CodeChat says when something of its own goes wrong after the message left.
fn excuse(status: u16) -> FaultAction {
    let body =
        json!({"status": 400, "error": "Bad Request", "message": ["Error: Cannot read properties of undefined"]});
    FaultAction::Status { status, body: Some(body), retry_after: None, commit: true }
}

async fn refused_after_sending(context: &Context) -> Result<Outcome> {
    let cases = context.scaled(500);
    let mut world = World::start(context, Setup::default()).await?;
    let mut traffic = Traffic::begin(context, &mut world, CHATS).await?;
    world.codechat.fault(Fault { percent: Some(60), ..Fault::on(route::SENDS, excuse(400)).times(cases as u64) });
    while refusals(&world) < cases {
        write_out_and_pass(&mut world, &mut traffic, 10).await?;
    }
    let mut outcome = settled(&mut world, &traffic).await?;
    outcome.exactly("sends answered 400", cases, refusals(&world));
    // what was found is not sent again
    let (ids, submissions) = sent(&world);
    outcome.exactly("submissions", ids, submissions);
    Ok(outcome)
}

fn refusals(world: &World) -> usize {
    let calls = world.codechat.call_log();
    calls.iter().filter(|call| call.route.contains(route::SENDS) && call.status == Some(400)).count()
}

/// Some messages of agents, then a little time for the looks that follow.
async fn write_out_and_pass(world: &mut World, traffic: &mut Traffic, count: usize) -> Result<()> {
    for _ in 0..count {
        traffic.write_out_of_any_kind(world);
    }
    tokio::time::sleep(Duration::from_millis(250)).await;
    world.jump(Duration::from_secs(1))
}

/// Distinct ids, and submissions.
fn sent(world: &World) -> (usize, usize) {
    let submissions = world.codechat.submissions();
    let ids: BTreeSet<_> = submissions.iter().map(|it| (&it.instance, &it.message_id)).collect();
    (ids.len(), submissions.len())
}

/// Waits for the end, and looks at what every row about sends must show: one id for each message, chosen before it was sent.
async fn settled(world: &mut World, traffic: &Traffic) -> Result<Outcome> {
    let drained = world.drain(traffic, Duration::from_mins(5)).await?;
    let mut outcome = Outcome::default();
    let submissions = world.codechat.submissions();
    let mut ids_of: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    // recordings have no words: one too many of them is one that nobody wrote, which the zeros tell of
    for (submission, text) in submissions.iter().filter_map(|it| Some((it, it.text.as_deref()?))) {
        ids_of.entry(text).or_default().insert(&submission.message_id);
    }
    let several = ids_of.iter().filter(|(_, ids)| ids.len() > 1).map(|(text, ids)| format!("{text}: {}", ids.len()));
    outcome.none("messages with more than one id", &several.collect::<Vec<_>>());
    let (ids, count) = sent(world);
    outcome.figure("distinct ids", ids);
    outcome.figure("submissions", count);
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for submission in &submissions {
        let voice = submission.media.as_ref().is_some_and(|media| media.ptt);
        *kinds.entry(if voice { "voice note" } else { &submission.kind }).or_default() += 1;
    }
    for (kind, count) in kinds {
        outcome.figure(&format!("of them {kind}"), count);
    }
    outcome.holds("voice notes and files are among them", {
        let is = |wanted: &str| submissions.iter().any(|it| it.kind == wanted);
        is("audioMessage") && is("imageMessage") && is("documentMessage") && is("extendedTextMessage")
    });
    let preset = submissions.iter().filter(|submission| submission.preset_id).count();
    outcome.exactly("sends with an id chosen before", count, preset);
    drained.zeros(&mut outcome);
    Ok(outcome)
}

async fn timeouts(context: &Context) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    outcome.include("sent 40 s after a reset", sent_late(context).await?);
    outcome.include("answer cut in the network", answers_cut(context).await?);
    outcome.include("sent and never answered", never_answered(context).await?);
    Ok(outcome)
}

async fn sent_late(context: &Context) -> Result<Outcome> {
    let cases = context.scaled(300);
    let mut world = World::start(context, Setup::default()).await?;
    let mut traffic = Traffic::begin(context, &mut world, CHATS).await?;
    let late = Fault::on(route::SENDS, FaultAction::ResetThenCommit { after_ms: 40_000 }).times(cases as u64);
    world.codechat.fault(Fault { percent: Some(60), ..late });
    while unanswered(&world) < cases {
        write_out_and_pass(&mut world, &mut traffic, 10).await?;
    }
    let mut outcome = settled(&mut world, &traffic).await?;
    outcome.exactly("sends answered by a reset", cases, unanswered(&world));
    Ok(outcome)
}

fn unanswered(world: &World) -> usize {
    let calls = world.codechat.call_log();
    calls.iter().filter(|call| call.route.contains(route::SENDS) && call.status.is_none()).count()
}

async fn answers_cut(context: &Context) -> Result<Outcome> {
    let cases = context.scaled(150) as u64;
    let proxy = Proxy::start().await?;
    let mut setup = Setup { codechat_url: Some(proxy.base_url()), ..Setup::default() };
    setup.codechat.bind = ([127, 0, 0, 1], crate::process::free_port()?).into();
    proxy.lead_to(&format!("http://{}", setup.codechat.bind))?;
    let mut world = World::start(context, setup).await?;
    let mut traffic = Traffic::begin(context, &mut world, CHATS).await?;
    proxy.trouble(Trouble::CutAnswer(30), 40, cases);
    while proxy.hits() < cases {
        write_out_and_pass(&mut world, &mut traffic, 10).await?;
    }
    let mut outcome = settled(&mut world, &traffic).await?;
    outcome.exactly("answers cut", cases, proxy.hits());
    let (ids, submissions) = sent(&world);
    outcome.exactly("submissions", ids, submissions);
    Ok(outcome)
}

/// Real time: the relay's own deadline for a send has to pass.
async fn never_answered(context: &Context) -> Result<Outcome> {
    let cases = context.scaled(50);
    let mut world = World::start(context, Setup { tenants: 4, ..Setup::default() }).await?;
    // one chat for each case, so that the deadlines pass side by side
    let mut traffic = Traffic::begin(context, &mut world, cases.div_ceil(4)).await?;
    let fault = Fault::on(route::SENDS, FaultAction::Hang { commit: true }).times(cases as u64);
    world.codechat.fault(fault);
    for chat in 0..cases.div_ceil(4) {
        for tenant in 0..4 {
            traffic.write_next_kind(&world, tenant, chat);
        }
    }
    world.until("the deadlines", Duration::from_mins(3), |world| unanswered(world) >= cases).await?;
    tokio::time::sleep(Duration::from_secs(78)).await;
    let mut outcome = settled(&mut world, &traffic).await?;
    outcome.exactly("sends never answered", cases, unanswered(&world));
    let (ids, submissions) = sent(&world);
    outcome.exactly("submissions", ids, submissions);
    Ok(outcome)
}
