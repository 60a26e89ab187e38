//! An agent's message on its way to WhatsApp, and what is said of it when it is not sent. The steps are those of
//! `relay-engine/src/deliver/to_whatsapp.rs`, `unsent.rs` and `revoke.rs`.

use std::time::Duration;

use relay_domain::Timestamp;
use relay_domain::backoff::Direction;
use relay_domain::doubt::next_look;
use relay_domain::id::CwMessageId;
use relay_domain::note::Failure;
use relay_domain::reserved_id::PartKey;
use relay_domain::verdict::ASK_AGAIN;
use relay_domain::{naming, unsent};
use relay_engine::Side;
use relay_engine::trouble::{Failed, Trouble, from_chatwoot, from_codechat};
use relay_store::{EventState, LinkState, Source};

use crate::call::{Action, ask, chatwoot_error, codechat_error};
use crate::content::{Content, Writer};
use crate::sabotage::Sabotage;
use crate::store::{Body, Change, LinkRow};
use crate::worker::{Done, Turn, commit};
use crate::world::World;

/// The default of `OUTBOUND_TTL_MINUTES`.
pub(crate) const TTL: Duration = Duration::from_mins(10);
/// Chatwoot, as ids are derived from it.
const ORIGIN: &str = "https://chat.example.com";

/// Sends the parts that were not sent yet.
pub(crate) async fn send(turn: &Turn) -> Result<Done, Trouble> {
    let Body::Agent { message, created_at, parts, content } = &turn.event.body else {
        unreachable!("an agent's message is sent")
    };
    turn.check_lease()?;
    if is_deleted(turn, *message) {
        return Ok(Done::ignored());
    }
    if waited_too_long(turn) && !turn.sim.w().is(Sabotage::TtlOff) {
        return give_up(turn, *message, Failure::Expired, EventState::Expired).await;
    }
    check_online(turn).await?;
    let reserved = reserve(turn, *message, *created_at, *parts).await?;
    let mut last = Vec::new();
    for (part, (link, is_noted)) in (0..*parts).zip(reserved) {
        if link.is_some_and(|link| turn.sim.w().store.links[link].state == LinkState::Sent) {
            continue;
        }
        if part > 0 && is_deleted(turn, *message) {
            return Ok(Done::ignored());
        }
        match send_part(turn, Content { part, ..*content }, link, is_noted).await {
            Ok(()) => {}
            Err(Trouble::Hopeless(why)) => return give_up(turn, *message, why, EventState::Dead).await,
            Err(trouble) => return Err(trouble),
        }
        let link = link.unwrap_or_else(|| {
            let new = new_link(turn, *message, *created_at, part, *parts);
            turn.sim.w().reserve(new).0
        });
        if part + 1 == *parts {
            last.push((link, Change::Sent));
        } else {
            turn.record(link, Change::Sent).await?;
        }
    }
    Ok(Done::delivered(last))
}

/// Whether the way out kept the message for longer than it may wait.
fn waited_too_long(turn: &Turn) -> bool {
    let (received_at, now) = (turn.event.received_at, turn.sim.now());
    let outages = turn.sim.w().sessions[turn.lease.lane.session].outages.clone();
    let wait = unsent::Wait { received_at, outages: &outages, failing_since: turn.event.first_failed_at };
    unsent::is_stale(received_at, now, TTL) && wait.is_too_long(now, TTL)
}

fn is_deleted(turn: &Turn, message: i64) -> bool {
    let world = turn.sim.w();
    let key = naming::chatwoot_deletion(message);
    world.has_event(turn.lease.lane.session, Source::Chatwoot, &key) && !world.is(Sabotage::DeletionForgotten)
}

/// Writes the parts down, each under the id that it is going to have; says of each whether that notes an attempt.
async fn reserve(
    turn: &Turn,
    message: i64,
    created_at: Timestamp,
    parts: u16,
) -> Result<Vec<(Option<usize>, bool)>, Trouble> {
    if turn.sim.w().is(Sabotage::IntentOff) {
        return Ok(vec![(None, true); usize::from(parts)]);
    }
    let new: Vec<_> = (0..parts).map(|part| new_link(turn, message, created_at, part, parts)).collect();
    let lease = turn.lease;
    let reserved = commit(&turn.sim, turn.process, move |world| {
        if !world.holds(&lease) {
            return None;
        }
        world.watch_lease(&lease);
        let reserve = |link: LinkRow| {
            let is_tried = link.tried_at.is_some();
            let (link, is_new) = world.reserve(link);
            (Some(link), is_new && is_tried)
        };
        Some(new.into_iter().map(reserve).collect())
    });
    reserved.await?.ok_or(Trouble::LeaseLost)
}

fn new_link(turn: &Turn, message: i64, created_at: Timestamp, part: u16, parts: u16) -> LinkRow {
    let session = turn.lease.lane.session;
    let account = i64::try_from(session).expect("few sessions");
    let key = PartKey { origin: ORIGIN, account, message: CwMessageId::new(message), part };
    let wa_id = turn.sim.w().sessions[session].mint.reserve(created_at, key);
    LinkRow {
        session,
        event: turn.index,
        direction: Direction::Out,
        source_id: message.to_string(),
        part,
        parts,
        state: LinkState::Intent,
        tried_at: (part == 0).then(|| turn.sim.now()),
        is_in_doubt: false,
        is_deleted: false,
        wa_id: wa_id.as_str().to_owned(),
        cw_message: Some(message),
        receipt: None,
    }
}

async fn check_online(turn: &Turn) -> Result<(), Trouble> {
    let was_offline = turn.sim.w().processes[turn.process].is_offline[turn.lease.lane.session];
    if !was_offline || is_online(turn).await? { Ok(()) } else { Err(Trouble::Offline) }
}

async fn is_online(turn: &Turn) -> Result<bool, Trouble> {
    let session = turn.lease.lane.session;
    if let Some(fail) = ask(&turn.sim, session, Side::CodeChat).await {
        return Err(from_codechat(codechat_error(fail)));
    }
    let is_online = turn.sim.w().is_connected(session);
    turn.set_offline(!is_online);
    Ok(is_online)
}

async fn send_part(turn: &Turn, content: Content, link: Option<usize>, is_noted: bool) -> Result<(), Trouble> {
    let session = turn.lease.lane.session;
    if let Some(link) = link {
        if let Some(since) = turn.doubt_since(link).await?
            && look_for_copy(turn, link, since).await?
        {
            return Ok(());
        }
        if !is_noted {
            turn.record(link, Change::Tried(turn.sim.now())).await?;
        }
    }
    turn.check_lease()?;
    let id = id_of(turn, content, link);
    let (call, fortune) = {
        let mut world = turn.sim.w();
        world.watch_age(&turn.event, content);
        world.watch_id(content, &id);
        let fortune = world.fortune(session, Side::CodeChat, content.poison);
        let action = Action::Send { chat: turn.lease.lane.chat, content, id };
        (world.call(turn.process, session, action, &fortune), fortune)
    };
    turn.sim.sleep(fortune.answer).await;
    match fortune.fail {
        None => {
            debug_assert!(turn.sim.w().calls[call].result.is_some(), "an effect precedes its answer");
            Ok(())
        }
        Some(fail) => Err(not_sent(turn, codechat_error(fail), link).await),
    }
}

/// The id that the part was given when it was written down.
fn id_of(turn: &Turn, content: Content, link: Option<usize>) -> String {
    let mut world = turn.sim.w();
    if world.is(Sabotage::NewIdOnRetry) {
        let id = format!("NEW{}", world.serial());
        if let Some(link) = link {
            world.store.links[link].wa_id.clone_from(&id);
        }
        return id;
    }
    link.map_or_else(
        || format!("LOOSE{}-{}", content.serial, content.part),
        |link| world.store.links[link].wa_id.clone(),
    )
}

/// Whether a doubtful send turns out to have succeeded; waits while it still may.
async fn look_for_copy(turn: &Turn, link: usize, since: Timestamp) -> Result<bool, Trouble> {
    let session = turn.lease.lane.session;
    let (known, wa_id) = {
        let world = turn.sim.w();
        if world.is(Sabotage::LooksOff) {
            return Ok(false);
        }
        (world.store.links[link].state == LinkState::Sent, world.store.links[link].wa_id.clone())
    };
    if known {
        return Ok(true);
    }
    let find = || turn.sim.w().codechats[session].find(&wa_id).is_some();
    let early = find();
    if let Some(fail) = ask(&turn.sim, session, Side::CodeChat).await {
        return Err(from_codechat(codechat_error(fail)));
    }
    // the answer is as old as it may be
    let is_found = if turn.sim.w().rng.bool() { early } else { find() };
    if is_found || turn.sim.w().is(Sabotage::OneLook) {
        return Ok(is_found);
    }
    match next_look(since, turn.sim.now()) {
        Some(at) => Err(Trouble::Wait(at)),
        None => Ok(false),
    }
}

async fn not_sent(turn: &Turn, error: codechat::Error, link: Option<usize>) -> Trouble {
    if let Some(link) = link
        && let Err(trouble) = turn.record(link, turn.fate(error.certainty == codechat::Certainty::MaybeDelivered)).await
    {
        return trouble;
    }
    match error.kind {
        codechat::ErrorKind::NotOnWhatsApp => {
            no_whatsapp(turn, from_codechat(error)).await.unwrap_or_else(|trouble| trouble)
        }
        codechat::ErrorKind::NotConnected => {
            turn.set_offline(true);
            from_codechat(error)
        }
        _ => from_codechat(error),
    }
}

/// What "not on WhatsApp" means: the same is said of every number while the phone is disconnected.
async fn no_whatsapp(turn: &Turn, said: Trouble) -> Result<Trouble, Trouble> {
    if turn.sim.w().is(Sabotage::NumberBelieved) {
        return Ok(Trouble::Hopeless(Failure::NotOnWhatsApp));
    }
    if !is_online(turn).await? {
        return Ok(Trouble::Offline);
    }
    if turn.sim.w().store.events[turn.index].was_not_found {
        return Ok(Trouble::Hopeless(Failure::NotOnWhatsApp));
    }
    Ok(match said {
        Trouble::Failed(failed) => Trouble::Failed(Failed { pause: Some(ASK_AGAIN), ..failed }),
        other => other,
    })
}

/// What is said of a message that CodeChat does not take.
pub(crate) fn rejected(failed: &Failed) -> Failure {
    Failure::Rejected { detail: failed.detail.clone() }
}

/// Says on the agent's message why it, or the rest of it, was not sent, and ends the event.
pub(crate) async fn give_up(turn: &Turn, message: i64, why: Failure, end: EventState) -> Result<Done, Trouble> {
    let links = settled(turn, message).await?;
    let (sent, of) = {
        let world = turn.sim.w();
        let sent = links.iter().filter(|link| world.store.links[**link].state == LinkState::Sent).count();
        (sent, links.first().map_or(0, |link| usize::from(world.store.links[*link].parts)))
    };
    if unsent::is_whole(sent, of) {
        return Ok(Done::delivered(Vec::new()));
    }
    let why = unsent::partly(why, sent, links.len());
    show_failure(turn, message, &why).await?;
    Ok(Done { end, links: unsent_of(turn, &links) })
}

fn unsent_of(turn: &Turn, links: &[usize]) -> Vec<(usize, Change)> {
    let world = turn.sim.w();
    let unsent = links.iter().filter(|link| world.store.links[**link].state != LinkState::Sent);
    unsent.map(|link| (*link, Change::Failed)).collect()
}

/// The parts of a message, after looking for every one that may have been sent without our knowing.
async fn settled(turn: &Turn, message: i64) -> Result<Vec<usize>, Trouble> {
    let session = turn.lease.lane.session;
    let links = |world: &World| {
        let mut links = world.links_by_cw(session, message);
        links.retain(|link| world.store.links[*link].direction == Direction::Out);
        links
    };
    if turn.sim.w().is(Sabotage::SettleOff) {
        return Ok(links(&turn.sim.w()));
    }
    let found = links(&turn.sim.w());
    for link in found {
        if turn.sim.w().store.links[link].state != LinkState::Intent {
            continue;
        }
        if let Some(since) = turn.doubt_since(link).await?
            && look_for_copy(turn, link, since).await?
        {
            turn.record(link, Change::Sent).await?;
        }
    }
    Ok(links(&turn.sim.w()))
}

async fn show_failure(turn: &Turn, message: i64, why: &Failure) -> Result<(), Trouble> {
    let session = turn.lease.lane.session;
    let told = match why {
        Failure::Partly { sent, .. } => *sent,
        _ => 0,
    };
    let is_wrong = *why == Failure::NotOnWhatsApp;
    if let Some(fail) = ask(&turn.sim, session, Side::Chatwoot).await {
        return Err(from_chatwoot(chatwoot_error(fail)));
    }
    let mut world = turn.sim.w();
    if is_wrong {
        world.violated(format!("wrongly dead: s{session} message {message} is said to have no number"));
    }
    if let Some(message) = world.chatwoots[session].message(message) {
        message.told_failed = Some(told);
    }
    Ok(())
}

/// Deletes what was sent of a message, and lets nothing more of it be sent.
pub(crate) async fn revoke(turn: &Turn, message: i64) -> Result<Done, Trouble> {
    turn.check_lease()?;
    let links = settled(turn, message).await?;
    let never = unsent_of(turn, &links);
    let is_due = |link: &&usize| {
        let world = turn.sim.w();
        let row = &world.store.links[**link];
        row.state == LinkState::Sent && (!row.is_deleted || row.is_in_doubt)
    };
    let to_delete: Vec<_> = links.iter().filter(is_due).copied().collect();
    if to_delete.is_empty() {
        return Ok(Done { links: never, ..Done::ignored() });
    }
    check_online(turn).await?;
    for link in to_delete {
        revoke_part(turn, link).await?;
    }
    Ok(Done::delivered(never))
}

async fn revoke_part(turn: &Turn, link: usize) -> Result<(), Trouble> {
    let session = turn.lease.lane.session;
    if let Some(fail) = ask(&turn.sim, session, Side::CodeChat).await {
        return Err(from_codechat(codechat_error(fail)));
    }
    let wa_id = turn.sim.w().store.links[link].wa_id.clone();
    turn.record(link, Change::Deleting).await?;
    turn.check_lease()?;
    let fortune = turn.sim.w().fortune(session, Side::CodeChat, None);
    if fortune.fail.is_none() {
        let mut world = turn.sim.w();
        let ours =
            |message: &&mut crate::codechat::WaMessage| message.id == wa_id && message.content.writer == Writer::Agent;
        world.codechats[session].messages.iter_mut().filter(ours).for_each(|message| message.is_deleted = true);
    }
    turn.sim.sleep(fortune.answer).await;
    if let Some(fail) = fortune.fail {
        return Err(from_codechat(codechat_error(fail)));
    }
    turn.record(link, Change::Deleted).await
}
