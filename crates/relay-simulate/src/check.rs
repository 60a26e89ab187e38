//! What must be true: while a world goes on, and when all trouble has ended and everything had the time to arrive.

use std::time::Duration;

use relay_domain::backoff::POISON_AFTER;
use relay_domain::naming;
use relay_domain::status::{Receipt, shown};
use relay_engine::Side;
use relay_store::{EventState, Source};

use crate::call::{Action, Call};
use crate::chatwoot::CwMessage;
use crate::codechat::WaMessage;
use crate::content::{Content, Poison, Writer};
use crate::outward::TTL;
use crate::store::{Body, EventRow, Kind, LaneId, Lease};
use crate::weather::{Spell, SpellKind};
use crate::world::World;

/// What the calls of one delivery may take between the question of its age and its last part.
const TAKES: Duration = Duration::from_secs(30);

impl World {
    /// Nobody records anything about a lane that is another's.
    pub(crate) fn watch_lease(&mut self, lease: &Lease) {
        let holder = self.store.lanes[&lease.lane].lease.map(|(_, _, token)| token);
        if holder != Some(lease.token) {
            self.violated(format!("lease: an outcome was recorded in {:?} by who lost it", lease.lane));
        }
    }

    /// Nothing is sent that an outage kept for longer than it may wait.
    pub(crate) fn watch_age(&mut self, event: &EventRow, content: Content) {
        let kept = |spell: &&Spell| {
            let closes = matches!(spell.kind, SpellKind::Down | SpellKind::Denied | SpellKind::Offline);
            let is_ours = spell.session == content.session && spell.side == Side::CodeChat;
            is_ours && closes && spell.from <= event.received_at && spell.to < self.now
        };
        // what a sweep found waited where no relay knew of it
        let was_known = event.stored_at.since(event.received_at) < TAKES;
        // two spells at once look like either
        let is_alone =
            self.spells.iter().filter(|spell| spell.session == content.session && spell.side == Side::CodeChat).count()
                == 1;
        let spell = self.spells.iter().find(kept).filter(|_| was_known && is_alone);
        if spell.is_some_and(|spell| spell.to.since(event.received_at) > TTL + TAKES) {
            self.violated(format!("stale: {content:?} is sent"));
        }
    }

    /// A part is sent again under the id that it was sent under before.
    pub(crate) fn watch_id(&mut self, content: Content, id: &str) {
        let is_other = |call: &Call| match &call.action {
            Action::Send { content: known, id: other, .. } => *known == content && other != id,
            Action::Post { .. } => false,
        };
        if self.calls.iter().any(is_other) {
            self.violated(format!("two ids: {content:?}"));
        }
    }

    /// Shows a status; it never falls.
    pub(crate) fn set_status(&mut self, session: usize, message: i64, status: Receipt) {
        let Some(shown) = self.chatwoots[session].message(message) else { return };
        let falls = shown.statuses.last().is_some_and(|last| last.rank() > status.rank());
        shown.statuses.push(status);
        if falls {
            self.violated(format!("status: s{session} message {message} falls to {status:?}"));
        }
    }
}

/// Checks a world at its end.
pub(crate) fn check(world: &mut World) {
    let mut found = Vec::new();
    check_events(world, &mut found);
    for session in 0..world.sessions.len() {
        for message in &world.codechats[session].messages {
            match message.content.writer {
                Writer::Customer | Writer::Phone if !message.content_is_ours() => {
                    check_inward(world, message, &mut found);
                }
                Writer::Customer | Writer::Phone => found.push(format!("phantom: WhatsApp got {:?}", message.content)),
                Writer::Agent => {}
            }
        }
        for message in &world.chatwoots[session].messages {
            match (&message.source_id, message.content.writer) {
                (None, _) => check_outward(world, session, message, &mut found),
                (Some(_), Writer::Agent) => found.push(format!("phantom: Chatwoot got {:?}", message.content)),
                (Some(_), Writer::Customer | Writer::Phone) => {}
            }
        }
        for chat in 0..world.chats {
            check_order_in(world, session, chat, &mut found);
            check_order_out(world, session, chat, &mut found);
        }
    }
    for violation in found {
        world.violated(violation);
    }
}

impl WaMessage {
    /// Whether the relay sent it: customers' and phones' ids are their own.
    fn content_is_ours(&self) -> bool {
        !self.id.starts_with("3EB0")
    }
}

/// For how long a failing event kept its lane to itself: the turns of what came in front of it meanwhile are not its own.
fn held_its_lane(world: &World, event: &EventRow) -> Option<Duration> {
    let (failed_at, ended_at) = event.first_failed_at.zip(event.ended_at)?;
    let others = world.store.events.iter().filter(|other| other.lane == event.lane && !std::ptr::eq(*other, event));
    let before = others.filter_map(|other| other.ended_at).filter(|at| *at <= ended_at).max();
    Some(ended_at.since(before.map_or(failed_at, |before| before.max(failed_at))))
}

fn check_events(world: &World, found: &mut Vec<String>) {
    if world.store.received != world.store.events.len() {
        found.push("conservation: events vanished".to_owned());
    }
    for event in &world.store.events {
        if event.state == EventState::Pending {
            found.push(format!("stuck: {:?} {:?}", event.lane, event.body));
        }
        let held = held_its_lane(world, event);
        // while nothing else goes out, a side that fails on one message cannot be told from one that is down
        let looks_like_outage =
            matches!(&event.body, Body::Agent { content, .. } if content.poison == Some(Poison::Crashes));
        if world.is_calm && !looks_like_outage && held.is_some_and(|held| held > POISON_AFTER) {
            found.push(format!("poison: {:?} held its lane for {held:?}", event.body));
        }
    }
}

/// The one event of a name.
fn event_of<'w>(
    world: &'w World,
    session: usize,
    source: Source,
    key: &str,
    found: &mut Vec<String>,
) -> Option<&'w EventRow> {
    let mut events = world
        .store
        .events
        .iter()
        .filter(|event| event.lane.session == session && event.source == source && event.dedup_key == key);
    let event = events.next();
    if events.next().is_some() {
        found.push(format!("doubled: s{session} {key} is two events"));
    }
    event
}

fn check_inward(world: &World, message: &WaMessage, found: &mut Vec<String>) {
    let content = message.content;
    let key = naming::whatsapp_message(&message.id, message.from_me, None);
    let Some(event) = event_of(world, content.session, Source::CodeChat, &key, found) else {
        found.push(format!("lost: nothing is known of {content:?}"));
        return;
    };
    let (mut copies, mut placeholders) = (0, 0);
    for (session, chatwoot) in world.chatwoots.iter().enumerate() {
        for post in chatwoot.messages.iter().filter(|post| post.content.serial == content.serial) {
            if session != content.session || post.chat != content.chat {
                found.push(format!("cross-talk: {content:?} is shown in s{session} c{}", post.chat));
            }
            if post.is_placeholder { placeholders += 1 } else { copies += 1 }
        }
    }
    let is_speechless = world.chatwoots[content.session].words_lost.contains(&content.serial);
    match (event.state, copies, placeholders) {
        // delivered beside a placeholder: that was posted without an answer, and then the message went through after all
        (EventState::Delivered, 1, 0 | 1) | (EventState::Dead, 0, 1) => {}
        // given up while Chatwoot would not even be asked: it may have arrived
        (EventState::Dead, 0 | 1, 0) if is_speechless => {}
        (EventState::Dead, 0, 0) => found.push(format!("silent loss: {content:?}")),
        (EventState::Dead, 1, 0) => found.push(format!("false dead: {content:?} arrived")),
        (EventState::Delivered, 0, 1) => found.push(format!("false delivered: a placeholder stands for {content:?}")),
        (_, 0, 0) => found.push(format!("lost: {content:?} ended as {:?}", event.state)),
        (_, copies, placeholders) if copies + placeholders > 1 => {
            found.push(format!("doubled: {content:?} is shown {copies} times, and {placeholders} placeholders"));
        }
        _ => found.push(format!("wrong end: {content:?} as {:?}", event.state)),
    }
}

fn check_outward(world: &World, session: usize, message: &CwMessage, found: &mut Vec<String>) {
    let content = message.content;
    let event = event_of(world, session, Source::Chatwoot, &naming::chatwoot_message(message.id), found);
    let Some(event) = event else {
        if !message.is_deleted {
            found.push(format!("lost: nothing is known of {content:?}"));
        }
        return;
    };
    let mut sent = 0;
    for part in 0..message.parts {
        let copies = sent_copies(world, Content { part, ..content }, found);
        sent += copies.min(1);
        if copies > 1 {
            found.push(format!("doubled: part {part} of {content:?} was sent {copies} times"));
        }
    }
    let is_whole = sent == usize::from(message.parts);
    let was_deleted = message.is_deleted;
    match (event.state, message.told_failed) {
        (EventState::Delivered, None) if is_whole => {}
        // told, then forgotten that it was, then sent: the next receipt puts it right
        (EventState::Delivered, Some(_)) if is_whole && world.is_forgetful => {}
        (EventState::Delivered, Some(_)) if is_whole => found.push(format!("false failed: {content:?} was sent")),
        (EventState::Delivered, _) => found.push(format!("lost: {sent} of {} parts of {content:?}", message.parts)),
        (EventState::Ignored, _) if was_deleted => {}
        (EventState::Dead | EventState::Expired, Some(told)) if told == sent && !is_whole => {}
        (EventState::Dead | EventState::Expired, Some(told)) => {
            found.push(format!("untrue: {told} parts of {content:?} are said to be sent, {sent} were"));
        }
        (EventState::Dead | EventState::Expired, None) => found.push(format!("silent loss: {content:?}")),
        (EventState::Pending | EventState::Ignored, _) => found.push(format!("lost: {content:?}")),
    }
    check_deletion(world, session, message, found);
    check_status(world, session, message, found);
}

fn sent_copies(world: &World, content: Content, found: &mut Vec<String>) -> usize {
    let mut ids: Vec<&str> = Vec::new();
    let mut copies = 0;
    for (session, codechat) in world.codechats.iter().enumerate() {
        let ours = |copy: &&WaMessage| copy.content.serial == content.serial && copy.content.part == content.part;
        for copy in codechat.messages.iter().filter(ours) {
            if session != content.session || copy.chat != content.chat {
                found.push(format!("cross-talk: {content:?} was sent to s{session} c{}", copy.chat));
            }
            copies += 1;
            if !ids.contains(&copy.id.as_str()) {
                ids.push(&copy.id);
            }
        }
    }
    if ids.len() > 1 {
        found.push(format!("two ids: {content:?}"));
    }
    copies
}

/// What an agent deleted is not on WhatsApp, once the deletion was heard of and carried out.
fn check_deletion(world: &World, session: usize, message: &CwMessage, found: &mut Vec<String>) {
    let key = naming::chatwoot_deletion(message.id);
    let deletion = world
        .store
        .events
        .iter()
        .find(|event| event.lane.session == session && event.source == Source::Chatwoot && event.dedup_key == key);
    if !deletion.is_some_and(|event| matches!(event.state, EventState::Delivered | EventState::Ignored)) {
        return;
    }
    let mut left = world.codechats[session].messages.iter();
    if left.any(|copy| copy.content.serial == message.content.serial && !copy.is_deleted) {
        found.push(format!("not deleted: {:?}", message.content));
    }
}

/// A message shows what its parts were last said to be.
fn check_status(world: &World, session: usize, message: &CwMessage, found: &mut Vec<String>) {
    let reported = |id: &str| {
        let mut best = None;
        for event in world.store.events.iter().filter(|event| event.lane.session == session) {
            if let Body::Receipt { id: about, receipt } = &event.body
                && about == id
            {
                if !matches!(event.state, EventState::Delivered | EventState::Ignored) {
                    return Err(());
                }
                best = best.max(Some(*receipt));
            }
        }
        Ok(best)
    };
    let ours = |copy: &&WaMessage| copy.content.serial == message.content.serial;
    let copies: Vec<_> = world.codechats[session].messages.iter().filter(ours).collect();
    let Ok(receipts) = copies.iter().map(|copy| reported(&copy.id)).collect::<Result<Vec<_>, ()>>() else { return };
    let wanted = shown(receipts, message.parts).filter(|status| *status != Receipt::Sent);
    let is = message.statuses.last().copied();
    if wanted != is {
        found.push(format!("status: {:?} shows {is:?} instead of {wanted:?}", message.content));
    }
}

/// Whether an event could not have been delivered in its place: something behind it had its turn before it was stored.
fn was_late(world: &World, lane: LaneId, event: &EventRow) -> bool {
    let behind = |other: &&EventRow| other.lane == lane && other.order_key > event.order_key;
    world.store.events.iter().filter(behind).any(|other| other.ripe_at <= event.stored_at)
}

fn check_order_in(world: &World, session: usize, chat: u8, found: &mut Vec<String>) {
    let lane = LaneId { session, kind: Kind::In, chat };
    let posts = world.chatwoots[session].messages.iter();
    let posts = posts.filter(|post| post.chat == chat && post.source_id.is_some() && !post.is_placeholder);
    let event_of = |post: &CwMessage| {
        world.store.events.iter().find(|event| {
            event.lane == lane
                && matches!(&event.body, Body::Upsert { content, .. } if content.serial == post.content.serial)
        })
    };
    let mut highest = 0;
    for post in posts {
        // what was given up while nobody would be asked may arrive after what came behind it
        let Some(event) = event_of(post).filter(|event| event.state == EventState::Delivered) else { continue };
        if event.order_key < highest {
            if !was_late(world, lane, event) {
                found.push(format!("reordered: {:?}", post.content));
            } else if !post.is_late {
                found.push(format!("unmarked: {:?} is late", post.content));
            }
        }
        highest = highest.max(event.order_key);
    }
}

fn check_order_out(world: &World, session: usize, chat: u8, found: &mut Vec<String>) {
    let lane = LaneId { session, kind: Kind::Out, chat };
    let copies = world.codechats[session].messages.iter();
    let copies = copies.filter(|copy| copy.chat == chat && copy.content.writer == Writer::Agent);
    let mut highest = (0, 0);
    for copy in copies {
        let event = world.store.events.iter().find(|event| {
            event.lane == lane
                && matches!(&event.body, Body::Agent { content, .. } if content.serial == copy.content.serial)
        });
        let Some(event) = event else { continue };
        let place = (event.order_key, copy.content.part);
        if place < highest && (place.0 == highest.0 || !was_late(world, lane, event)) {
            found.push(format!("reordered: {:?}", copy.content));
        }
        highest = highest.max(place);
    }
}
