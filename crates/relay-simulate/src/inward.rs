//! A WhatsApp message on its way to Chatwoot. The steps are those of `relay-engine/src/deliver/to_chatwoot.rs`.

use relay_domain::Timestamp;
use relay_domain::backoff::Direction;
use relay_domain::doubt::next_look;
use relay_domain::id::WaMessageId;
use relay_domain::{naming, order};
use relay_engine::Side;
use relay_engine::trouble::{Trouble, from_chatwoot};
use relay_store::{EventState, LinkState};

use crate::call::{Action, ask, chatwoot_error};
use crate::content::Poison;
use crate::sabotage::Sabotage;
use crate::store::{Body, Change, LinkRow};
use crate::worker::{Done, Shown, Turn, commit};

/// Delivers what was written on WhatsApp, or closes what we sent there.
pub(crate) async fn deliver(turn: &Turn) -> Result<Done, Trouble> {
    let Body::Upsert { id, from_me, .. } = &turn.event.body else { unreachable!("an upsert is delivered") };
    if *from_me && let Some(done) = own_copy(turn, id) {
        return Ok(done);
    }
    turn.check_lease()?;
    post(turn, false).await
}

fn own_copy(turn: &Turn, id: &str) -> Option<Done> {
    let world = turn.sim.w();
    if world.is(Sabotage::CopyGuardOff) {
        return None;
    }
    let links = world.links_by_wa(turn.lease.lane.session, id);
    let ours = links.into_iter().find(|link| world.store.links[*link].direction == Direction::Out)?;
    Some(Done { end: EventState::Ignored, links: vec![(ours, Change::Sent)] })
}

/// Puts a placeholder where a message could not be delivered, unless it turns out to be there.
pub(crate) async fn post_placeholder(turn: &Turn) -> Result<Shown, Trouble> {
    if let Some((link, found)) = find_after_all(turn).await? {
        turn.record(link, Change::Posted(found.message)).await?;
        return Ok(Shown::Delivery(Done::delivered(Vec::new())));
    }
    let mut links = post(turn, true).await?.links;
    let key = naming::link_source(&wa_id(turn, false), is_from_me(turn), None);
    let world = turn.sim.w();
    let session = turn.lease.lane.session;
    let original = world.store.links.iter().position(|link| link.session == session && link.source_id == key);
    links.extend(original.map(|link| (link, Change::Failed)));
    Ok(Shown::Loss(links))
}

/// Where an attempt in doubt had put the message, if one had.
async fn find_after_all(turn: &Turn) -> Result<Option<(usize, Found)>, Trouble> {
    let (id, session) = (wa_id(turn, false), turn.lease.lane.session);
    let key = naming::link_source(&id, is_from_me(turn), None);
    let is_original =
        |link: &LinkRow| link.session == session && link.source_id == key && link.state == LinkState::Intent;
    let Some(link) = turn.sim.w().store.links.iter().position(is_original) else { return Ok(None) };
    let Some(since) = turn.doubt_since(link).await? else { return Ok(None) };
    Ok(look_for(turn, &naming::source_id(&id, 0), since).await?.map(|found| (link, found)))
}

/// What the message is called on WhatsApp; a placeholder is named after the event.
fn wa_id(turn: &Turn, is_placeholder: bool) -> WaMessageId {
    let Body::Upsert { id, .. } = &turn.event.body else { unreachable!("an upsert is posted") };
    if is_placeholder {
        WaMessageId::notice("undelivered", &turn.index.to_string())
    } else {
        WaMessageId::new(id.clone())
    }
}

fn is_from_me(turn: &Turn) -> bool {
    matches!(turn.event.body, Body::Upsert { from_me: true, .. })
}

/// What stands at Chatwoot for a message.
#[derive(Clone, Copy)]
struct Found {
    message: i64,
    is_placeholder: bool,
}

fn ended(link: usize, found: Found) -> Done {
    let end = if found.is_placeholder { EventState::Dead } else { EventState::Delivered };
    Done { end, links: vec![(link, Change::Posted(found.message))] }
}

async fn post(turn: &Turn, is_placeholder: bool) -> Result<Done, Trouble> {
    let Body::Upsert { content, .. } = &turn.event.body else { unreachable!("an upsert is posted") };
    let (session, chat) = (turn.lease.lane.session, turn.lease.lane.chat);
    let wa_id = wa_id(turn, is_placeholder);
    let key = naming::link_source(&wa_id, !is_placeholder && is_from_me(turn), None);
    let source_id = naming::source_id(&wa_id, 0);
    let is_late = !is_placeholder
        && order::is_late(turn.event.order_key, turn.lease.done_to)
        && !turn.sim.w().is(Sabotage::LateMarkOff);
    let has_intent = !turn.sim.w().is(Sabotage::IntentOff);
    let mut link = None;
    if has_intent {
        let (reserved, message) = reserve(turn, new_link(turn, &key, wa_id.as_str()), &source_id).await?;
        if let Some(found) = message {
            return Ok(ended(reserved, found));
        }
        link = Some(reserved);
    }
    turn.check_lease()?;
    let action = Action::Post { chat, content: *content, source_id, is_late, is_placeholder };
    let (call, fortune) = {
        let mut world = turn.sim.w();
        let poison = content.poison.filter(|poison| !is_placeholder || *poison == Poison::Mute);
        let fortune = world.fortune(session, Side::Chatwoot, poison);
        (world.call(turn.process, session, action, &fortune), fortune)
    };
    turn.sim.sleep(fortune.answer).await;
    let Some(fail) = fortune.fail else {
        let message = turn.sim.w().calls[call].result.expect("an effect precedes its answer");
        let link = link.unwrap_or_else(|| turn.sim.w().reserve(new_link(turn, &key, wa_id.as_str())).0);
        return Ok(ended(link, Found { message, is_placeholder }));
    };
    let error = chatwoot_error(fail);
    if let Some(link) = link {
        turn.record(link, turn.fate(error.certainty == chatwoot::Certainty::MaybeDelivered)).await?;
    }
    Err(from_chatwoot(error))
}

fn new_link(turn: &Turn, key: &str, id: &str) -> LinkRow {
    LinkRow {
        session: turn.lease.lane.session,
        event: turn.index,
        direction: Direction::In,
        source_id: key.to_owned(),
        part: 0,
        parts: 1,
        state: LinkState::Intent,
        tried_at: Some(turn.sim.now()),
        is_in_doubt: false,
        is_deleted: false,
        wa_id: id.to_owned(),
        cw_message: None,
        receipt: None,
    }
}

/// Writes the intent down. Returns the message when an earlier attempt turns out to have succeeded.
async fn reserve(turn: &Turn, new: LinkRow, source_id: &str) -> Result<(usize, Option<Found>), Trouble> {
    let (lease, now) = (turn.lease, turn.sim.now());
    let reserved = commit(&turn.sim, turn.process, move |world| {
        world.holds(&lease).then(|| {
            world.watch_lease(&lease);
            world.reserve(new)
        })
    });
    let Some((link, is_new)) = reserved.await? else { return Err(Trouble::LeaseLost) };
    if is_new {
        return Ok((link, None));
    }
    let known = turn.sim.w().store.links[link].clone();
    if known.state == LinkState::Sent
        && let Some(message) = known.cw_message
    {
        return Ok((link, Some(Found { message, is_placeholder: false })));
    }
    if let Some(since) = turn.doubt_since(link).await?
        && let Some(message) = look_for(turn, source_id, since).await?
    {
        return Ok((link, Some(message)));
    }
    turn.record(link, Change::Tried(now)).await?;
    Ok((link, None))
}

/// Looks whether a doubtful attempt took effect; waits while it still may.
async fn look_for(turn: &Turn, source_id: &str, since: Timestamp) -> Result<Option<Found>, Trouble> {
    if turn.sim.w().is(Sabotage::LooksOff) {
        return Ok(None);
    }
    let (session, chat) = (turn.lease.lane.session, turn.lease.lane.chat);
    let find = || {
        let world = turn.sim.w();
        let found = world.chatwoots[session].find(chat, source_id);
        found.map(|found| Found { message: found.id, is_placeholder: found.is_placeholder })
    };
    let early = find();
    if let Some(fail) = ask(&turn.sim, session, Side::Chatwoot).await {
        return Err(from_chatwoot(chatwoot_error(fail)));
    }
    // the answer is as old as it may be
    let found = if turn.sim.w().rng.bool() { early } else { find() };
    if found.is_some() || turn.sim.w().is(Sabotage::OneLook) {
        return Ok(found);
    }
    match next_look(since, turn.sim.now()) {
        Some(at) => Err(Trouble::Wait(at)),
        None => Ok(None),
    }
}
