//! The relay dies without a word: at any moment, and at every step of its work.

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

use anyhow::Result;
use relay_fault::Point;
use relay_sim::{AgentMessage, Fault, FaultAction, Kind, assets, route};

use crate::row::{Context, On, Outcome, Row};
use crate::traffic::{CHATS, PACE, Traffic};
use crate::world::{Setup, World};

/// How long a process may take to reach the point at which it is to die.
const DIES_WITHIN: Duration = Duration::from_secs(8);
/// Deaths at each point with each kind of message.
const TIMES: usize = 20;

/// F01: killed at random moments under traffic both ways.
pub(crate) const F01: Row = Row {
    id: "F01",
    title: "SIGKILL at random times",
    quick: Some(0.02),
    on: On::Both,
    is_alone: false,
    run: |context| Box::pin(random_kills(context)),
};

async fn random_kills(context: &Context) -> Result<Outcome> {
    let (kills, pairs) = (context.scaled(1000), context.scaled(20_000));
    let mut rng = context.rng(2);
    let mut world = World::start(context, Setup::default()).await?;
    let mut traffic = Traffic::begin(context, &mut world, CHATS).await?;
    slow_answers(&world);
    let mut pace = tokio::time::interval(Duration::from_secs(1) / PACE);
    let mut ready = Vec::with_capacity(kills);
    let mut written = 0;
    for kill in 1..=kills {
        let killed_at = Instant::now() + Duration::from_millis(rng.u64(50..500));
        while Instant::now() < killed_at {
            pace.tick().await;
            if written * kills < pairs * kill {
                traffic.write_pair(&world);
                written += 1;
            }
        }
        world.restart()?;
        ready.push(world.until_ready().await?);
    }
    let left = pairs.saturating_sub(written);
    traffic.write(&world, left, PACE * 2).await;
    catch_up(&world).await?;
    let drained = world.drain(&traffic, Duration::from_mins(5)).await?;
    let mut outcome = Outcome::default();
    outcome.figure("kills", kills);
    ready.sort();
    let p99 = ready[(ready.len() * 99).div_ceil(100) - 1];
    outcome.figure("ready again p99 in ms", p99.as_millis());
    drained.zeros(&mut outcome);
    Ok(outcome)
}

/// Waits until the relay has gone through what is left of its deaths. The time must not be moved ahead meanwhile: what it has
/// not found yet would grow old.
async fn catch_up(world: &World) -> Result<()> {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_mins(20) {
        world.until_quiet().await;
        if world.events().await?.pending == 0 {
            break;
        }
    }
    Ok(())
}

/// Answers that take a while: more calls are in flight when the process dies.
fn slow_answers(world: &World) {
    let slow = |route: &str, after_commit| Fault {
        percent: Some(50),
        ..Fault::on(route, FaultAction::Delay { ms: 15, after_commit })
    };
    world.chatwoot.fault(slow(route::MESSAGE_CREATE, true));
    world.chatwoot.fault(slow(route::MESSAGE_CREATE, false));
    world.codechat.fault(slow(route::SENDS, true));
}

/// F02: killed at every step of a message's way.
pub(crate) const F02: Row = Row {
    id: "F02",
    title: "SIGKILL at each named point",
    quick: Some(0.05),
    on: On::Both,
    is_alone: false,
    run: |context| Box::pin(kills_at_points(context)),
};

/// What is under way when the process dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Load {
    TextIn,
    TextOut,
    ImageIn,
    ImageOut,
    VoiceIn,
    VoiceOut,
    DocumentIn,
    DocumentOut,
    Status,
}

const MESSAGES: [Load; 8] = [
    Load::TextIn,
    Load::TextOut,
    Load::ImageIn,
    Load::ImageOut,
    Load::VoiceIn,
    Load::VoiceOut,
    Load::DocumentIn,
    Load::DocumentOut,
];

/// Which messages pass which point.
fn loads_of(point: Point) -> Vec<Load> {
    match point {
        Point::AfterRead | Point::BeforeCommit | Point::AfterCommitBeforeAck | Point::AfterAck => {
            MESSAGES.into_iter().chain([Load::Status]).collect()
        }
        Point::BeforeSend | Point::AfterSendBeforeResponse | Point::AfterResponseBeforeRecord => MESSAGES.to_vec(),
        Point::AfterRecordBeforeStatus => vec![Load::Status],
        // no message passes these
        Point::DuringMigration | Point::DuringPurge => Vec::new(),
    }
}

async fn kills_at_points(context: &Context) -> Result<Outcome> {
    let mut world = World::start(context, Setup::default()).await?;
    let mut traffic = Traffic::begin(context, &mut world, CHATS).await?;
    write_what_is_read_later(context, &mut world, &mut traffic).await?;
    let mut deaths: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut runs, mut survived, mut read) = (0, Vec::new(), HashSet::new());
    for point in Point::ALL.iter().copied() {
        for load in loads_of(point) {
            // both directions of a kind share its number
            let times = if load == Load::Status { context.scaled(TIMES) } else { context.scaled(TIMES).div_ceil(2) };
            for _ in 0..times {
                runs += 1;
                if dies_at(&mut world, &mut traffic, point, load, &mut read).await? {
                    *deaths.entry(point.as_str()).or_default() += 1;
                } else {
                    survived.push(format!("{} {load:?}", point.as_str()));
                }
            }
        }
    }
    world.restart()?;
    world.until_ready().await?;
    let drained = world.drain(&traffic, Duration::from_mins(5)).await?;
    let mut outcome = Outcome::default();
    drained.zeros(&mut outcome);
    let purges = purges(context, &mut world).await?;
    deaths.insert(Point::DuringPurge.as_str(), purges);
    let migrations = migrations(context).await?;
    deaths.insert(Point::DuringMigration.as_str(), migrations);
    outcome.figure("runs", runs + purges + migrations);
    outcome.figure(
        "deaths by point",
        deaths.iter().map(|(point, count)| format!("{point} {count}")).collect::<Vec<_>>().join(", "),
    );
    outcome.none("points not reached", &survived);
    outcome.exactly("points covered", Point::ALL.len(), deaths.values().filter(|count| **count > 0).count());
    Ok(outcome)
}

/// Messages of agents whose receipts will be under way when a process dies.
async fn write_what_is_read_later(context: &Context, world: &mut World, traffic: &mut Traffic) -> Result<()> {
    let count = context.scaled(TIMES * Point::ALL.len());
    for number in 0..count {
        traffic.agent_writes(world, 0, number % CHATS, AgentMessage::text(format!("read later {number}")));
    }
    world.until("all of them sent", Duration::from_mins(2), |world| world.codechat.submission_count() >= count).await
}

/// Starts a process that is to die at a point, and lets a message take it there. `false` when it lives on.
async fn dies_at(
    world: &mut World,
    traffic: &mut Traffic,
    point: Point,
    load: Load,
    read: &mut HashSet<String>,
) -> Result<bool> {
    world.relay().kill()?;
    world.relay().spawn_with(&[("RELAY_DIE_AT", point.as_str())])?;
    // what the process before left undone may lead there already
    let is_up = world.until_up_or_ended().await?;
    let started = Instant::now();
    if is_up {
        bring(world, traffic, load, read);
    }
    while started.elapsed() < DIES_WITHIN {
        if world.relay().has_ended() {
            return Ok(true);
        }
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    Ok(false)
}

fn bring(world: &World, traffic: &mut Traffic, load: Load, read: &mut HashSet<String>) {
    let number = traffic.by_customers + traffic.by_agents.len();
    let (chat, name) = (number % CHATS, format!("{load:?} {number}"));
    let photo = |caption: &str| AgentMessage::file("photo.jpg", assets::PHOTO.mime, assets::PHOTO.bytes, Some(caption));
    let paper =
        |caption: &str| AgentMessage::file("paper.pdf", assets::DOCUMENT.mime, assets::DOCUMENT.bytes, Some(caption));
    let voice = || AgentMessage::file("voice.mp3", assets::MUSIC.mime, assets::MUSIC.bytes, None);
    let (by_customer, by_agent) = match load {
        Load::TextIn => (Some(Kind::Text(name)), None),
        Load::ImageIn => (Some(Kind::Image(Some(name))), None),
        Load::VoiceIn => (Some(Kind::Voice), None),
        Load::DocumentIn => (Some(Kind::Document("paper.pdf".to_owned())), None),
        Load::TextOut => (None, Some(AgentMessage::text(name))),
        Load::ImageOut => (None, Some(photo(&name))),
        Load::VoiceOut => (None, Some(voice())),
        Load::DocumentOut => (None, Some(paper(&name))),
        Load::Status => (None, None),
    };
    match (by_customer, by_agent) {
        (Some(kind), _) => {
            traffic.customer_writes(world, 0, chat, kind);
        }
        (None, Some(message)) => {
            traffic.agent_writes(world, 0, chat, message);
        }
        (None, None) => bring_receipt(world, read),
    }
}

/// A message that was not read yet is read, so that it is news.
fn bring_receipt(world: &World, read: &mut HashSet<String>) {
    let submissions = world.codechat.submissions();
    let unread = submissions.into_iter().map(|submission| submission.message_id).find(|id| !read.contains(id));
    if let Some(id) = unread {
        world.codechat.receipt(&world.tenants[0].session, &id, "READ");
        read.insert(id);
    }
}

/// Dies while old rows are removed, and does not mind. Housekeeping comes every five seconds.
async fn purges(context: &Context, world: &mut World) -> Result<usize> {
    let times = context.scaled(TIMES).div_ceil(4);
    world.jump(Duration::from_hours(24 * 8))?;
    let mut deaths = 0;
    for _ in 0..times {
        world.relay().kill()?;
        world.relay().spawn_with(&[("RELAY_DIE_AT", Point::DuringPurge.as_str())])?;
        deaths += usize::from(world.relay().wait(DIES_WITHIN * 2).await.is_ok());
    }
    world.restart()?;
    world.until_ready().await?;
    Ok(deaths)
}

/// Dies while the schema is made, and makes it the next time.
async fn migrations(context: &Context) -> Result<usize> {
    let mut deaths = 0;
    for _ in 0..context.scaled(TIMES).div_ceil(2) {
        let setup = Setup { dies_first_at: Some(Point::DuringMigration), ..Setup::default() };
        let mut world = World::start(context, setup).await?;
        let traffic = Traffic::begin(context, &mut world, 1).await?;
        let drained = world.drain(&traffic, Duration::from_mins(1)).await?;
        deaths += usize::from(drained.verdicts.is_complete(drained.events));
    }
    Ok(deaths)
}
