//! The store's rules in memory: what the SQL of `relay-store` does, over a handful of rows. What is here is committed; a process
//! that dies takes nothing of it along.

use std::collections::{BTreeMap, BTreeSet};

use relay_domain::Timestamp;
use relay_domain::backoff::Direction;
use relay_domain::order;
use relay_domain::status::Receipt;
use relay_store::{EventState, LinkState, Source};

use crate::content::Content;
use crate::sabotage::Sabotage;
use crate::world::World;

/// The kind of a lane, as far as the simulation goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    In,
    Out,
    Receipt,
}

/// A lane: session, kind, chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LaneId {
    pub(crate) session: usize,
    pub(crate) kind: Kind,
    pub(crate) chat: u8,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct LaneRow {
    pub(crate) next_at: Option<Timestamp>,
    pub(crate) is_backing_off: bool,
    pub(crate) done_to: i64,
    /// Worker, its life, token.
    pub(crate) lease: Option<(usize, u32, u64)>,
}

/// What an event tells.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    /// A message on WhatsApp.
    Upsert { id: String, from_me: bool, content: Content },
    /// An agent's message.
    Agent { message: i64, created_at: Timestamp, parts: u16, content: Content },
    /// An agent deleted a message.
    Deletion { message: i64 },
    /// WhatsApp reported on a message.
    Receipt { id: String, receipt: Receipt },
}

#[derive(Clone, Debug)]
pub(crate) struct EventRow {
    pub(crate) lane: LaneId,
    pub(crate) source: Source,
    pub(crate) dedup_key: String,
    pub(crate) order_key: i64,
    pub(crate) received_at: Timestamp,
    /// When the row was written, which a sweep does later than the message is told to be received.
    pub(crate) stored_at: Timestamp,
    pub(crate) run_at: Timestamp,
    /// When the hold is over that it is due, whatever is sabotaged.
    pub(crate) ripe_at: Timestamp,
    pub(crate) body: Body,
    pub(crate) state: EventState,
    pub(crate) attempts: u32,
    pub(crate) first_failed_at: Option<Timestamp>,
    pub(crate) was_not_found: bool,
    pub(crate) ended_at: Option<Timestamp>,
}

#[derive(Clone, Debug)]
pub(crate) struct LinkRow {
    pub(crate) session: usize,
    /// Which event wrote it down.
    pub(crate) event: usize,
    pub(crate) direction: Direction,
    pub(crate) source_id: String,
    pub(crate) part: u16,
    pub(crate) parts: u16,
    pub(crate) state: LinkState,
    pub(crate) tried_at: Option<Timestamp>,
    pub(crate) is_in_doubt: bool,
    pub(crate) is_deleted: bool,
    pub(crate) wa_id: String,
    pub(crate) cw_message: Option<i64>,
    pub(crate) receipt: Option<Receipt>,
}

/// A change of one link.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Posted(i64),
    Sent,
    Tried(Timestamp),
    InDoubt(Timestamp),
    Untried,
    Failed,
    Deleting,
    Deleted,
    Receipt(Receipt),
}

/// The right to work on a lane.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lease {
    pub(crate) lane: LaneId,
    pub(crate) token: u64,
    pub(crate) done_to: i64,
    pub(crate) claimed_at: Timestamp,
}

/// The tables.
#[derive(Default)]
pub(crate) struct Store {
    pub(crate) events: Vec<EventRow>,
    pub(crate) keys: BTreeSet<(usize, bool, String)>,
    pub(crate) lanes: BTreeMap<LaneId, LaneRow>,
    pub(crate) links: Vec<LinkRow>,
    pub(crate) received: usize,
    pub(crate) tokens: u64,
}

/// Events read from a lane at once.
const READ_AHEAD: usize = 8;

impl World {
    /// Stores an event once and wakes its lane; `false` when it is known.
    pub(crate) fn ingest(&mut self, event: EventRow) -> bool {
        let session = if self.is(Sabotage::SessionMissing) { 0 } else { event.lane.session };
        let key = (session, event.source == Source::Chatwoot, event.dedup_key.clone());
        let is_new = self.store.keys.insert(key);
        if !is_new && !self.is(Sabotage::DedupOff) {
            return false;
        }
        self.store.received += 1;
        let lane = self.store.lanes.entry(event.lane).or_default();
        lane.next_at = match lane.next_at {
            Some(at) if lane.is_backing_off || at <= event.run_at => Some(at),
            None | Some(_) => Some(event.run_at),
        };
        self.store.events.push(event);
        true
    }

    /// Whether an event of this name was stored.
    pub(crate) fn has_event(&self, session: usize, source: Source, key: &str) -> bool {
        let mut events = self.store.events.iter();
        events.any(|event| event.lane.session == session && event.source == source && event.dedup_key == key)
    }

    /// What a lane may deliver now, in order.
    pub(crate) fn due_events(&self, lane: LaneId) -> Vec<usize> {
        let events = &self.store.events;
        let waits = |index: &usize| events[*index].lane == lane && events[*index].state == EventState::Pending;
        let mut waiting: Vec<usize> = (0..events.len()).filter(waits).collect();
        let is_due = |index: &usize| events[*index].run_at <= self.now;
        if !waiting.iter().any(is_due) {
            return Vec::new();
        }
        if self.is(Sabotage::LaneOrderOff) {
            waiting.sort_by_key(|index| (events[*index].stored_at, *index));
        } else {
            waiting.sort_by_key(|index| (events[*index].order_key, events[*index].received_at, *index));
        }
        waiting.truncate(READ_AHEAD);
        let turns = order::turns(waiting.iter().map(|index| events[*index].run_at), self.now);
        waiting.truncate(turns);
        waiting
    }

    /// A copy that came back notes how far the lane has come that its message is in, although that is not recorded there.
    pub(crate) fn confirm(&mut self, link: usize, change: &Change) {
        let event = &self.store.events[self.store.links[link].event];
        if event.state == EventState::Pending && matches!(change, Change::Sent | Change::Posted(_)) {
            let row = self.store.lanes.get_mut(&event.lane).expect("an event's lane exists");
            row.done_to = row.done_to.max(event.order_key);
        }
    }

    /// The furthest place of a lane that was delivered, or may have been, in part at least.
    pub(crate) fn begun_to(&self, lane: LaneId) -> i64 {
        let links = |event: usize| self.store.links.iter().filter(move |link| link.event == event);
        let is_begun = |event: usize| {
            links(event).any(|link| link.state == LinkState::Intent)
                && links(event).any(|link| link.tried_at.is_some() || link.state == LinkState::Sent)
        };
        let pending = self
            .store
            .events
            .iter()
            .enumerate()
            .filter(|(index, event)| event.lane == lane && event.state == EventState::Pending && is_begun(*index));
        pending.map(|(_, event)| event.order_key).max().unwrap_or(0).max(self.store.lanes[&lane].done_to)
    }

    /// Whether the lease is the lane's.
    pub(crate) fn holds(&self, lease: &Lease) -> bool {
        let row = &self.store.lanes[&lease.lane];
        row.lease.is_some_and(|(_, _, token)| token == lease.token) || self.is(Sabotage::LeaseCheckOff)
    }

    /// Gives a lane back, behind those that waited meanwhile.
    pub(crate) fn give_back(&mut self, lane: LaneId) {
        let waits = |event: &&EventRow| event.lane == lane && event.state == EventState::Pending;
        let next = self.store.events.iter().filter(waits).map(|event| event.run_at).min();
        let now = self.now;
        let row = self.store.lanes.get_mut(&lane).expect("a lane that was leased exists");
        row.lease = None;
        row.is_backing_off = false;
        row.next_at = next.map(|next| next.max(now));
    }

    /// The parts of an agent's message, in order.
    pub(crate) fn links_by_cw(&self, session: usize, message: i64) -> Vec<usize> {
        let forgets = self.is(Sabotage::SessionMissing);
        let ours = |link: &LinkRow| (forgets || link.session == session) && link.cw_message == Some(message);
        let mut found: Vec<_> = (0..self.store.links.len()).filter(|index| ours(&self.store.links[*index])).collect();
        found.sort_by_key(|index| self.store.links[*index].part);
        found
    }

    /// Links of a WhatsApp message.
    pub(crate) fn links_by_wa(&self, session: usize, id: &str) -> Vec<usize> {
        let forgets = self.is(Sabotage::SessionMissing);
        let ours = |link: &LinkRow| (forgets || link.session == session) && link.wa_id == id;
        (0..self.store.links.len()).filter(|index| ours(&self.store.links[*index])).collect()
    }

    /// Writes a part down, unless it is known; returns where it is and whether it is new.
    pub(crate) fn reserve(&mut self, link: LinkRow) -> (usize, bool) {
        let is_same = |known: &LinkRow| {
            known.session == link.session
                && known.direction == link.direction
                && known.part == link.part
                && known.source_id == link.source_id
        };
        let is_ours = |known: usize| !self.is(Sabotage::DedupOff) || self.store.links[known].event == link.event;
        let known = self.store.links.iter().position(is_same).filter(|known| is_ours(*known));
        if let Some(known) = known {
            return (known, false);
        }
        self.store.links.push(link);
        (self.store.links.len() - 1, true)
    }
}

impl LinkRow {
    /// What a change does not speak of stays, `sent` never goes back, a receipt only rises.
    pub(crate) fn change(&mut self, change: &Change) {
        match change {
            Change::Posted(message) => {
                self.state = LinkState::Sent;
                self.cw_message = Some(*message);
            }
            Change::Sent => self.state = LinkState::Sent,
            Change::Tried(at) => (self.tried_at, self.is_in_doubt) = (Some(*at), false),
            Change::InDoubt(at) => (self.tried_at, self.is_in_doubt) = (Some(*at), true),
            Change::Untried => (self.tried_at, self.is_in_doubt) = (None, false),
            Change::Failed if self.state != LinkState::Sent => self.state = LinkState::Failed,
            Change::Failed => {}
            Change::Deleting => (self.is_deleted, self.is_in_doubt) = (true, true),
            Change::Deleted => (self.is_deleted, self.is_in_doubt) = (true, false),
            Change::Receipt(receipt) => {
                if self.receipt.map_or(0, Receipt::rank) < receipt.rank() {
                    self.receipt = Some(*receipt);
                }
            }
        }
    }
}
