//! Everything there is in one world, and what can happen in it.

use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::time::Duration;

use fastrand::Rng;
use relay_domain::Timestamp;
use relay_domain::breaker::Breaker;
use relay_domain::id::SessionId;
use relay_domain::lease::{LOST_AFTER, may_post};
use relay_domain::reserved_id::IdMint;
use relay_domain::unsent::Outage;
use relay_engine::Side;

use crate::call::Call;
use crate::chatwoot::Chatwoot;
use crate::codechat::CodeChat;
use crate::hook::Hook;
use crate::sabotage::Sabotage;
use crate::store::{LaneId, Lease, Store};
use crate::time::{Moment, Task};
use crate::weather::{Spell, Weather};

/// Something that happens at a moment.
pub(crate) enum Deed {
    /// A task goes on.
    Wake(usize),
    /// A call takes effect at its destination.
    Effect(usize),
    /// A webhook arrives.
    Hook(Box<Hook>),
    /// A customer, or somebody on the phone, writes.
    CustomerWrites { session: usize, from_phone: bool },
    /// An agent writes.
    AgentWrites { session: usize },
    /// An agent deletes a message.
    AgentDeletes { session: usize, message: i64 },
    /// A process looks for work.
    Dispatch(usize),
    /// A process is to be killed some steps from now.
    Kill { steps: u32 },
    /// A process starts.
    Start(usize),
    /// A process is to stop for a while, some steps from now.
    Freeze { steps: u32, time: Duration },
    /// A process loses the database for a while.
    Cut(Duration),
    /// A process reads back what no webhook told.
    Sweep(usize),
    /// Paused sessions are asked about.
    Probe(usize),
    /// Processes look whether there is work.
    Stir,
    /// All trouble ends.
    Heal,
}

/// One relay process.
pub(crate) struct Process {
    pub(crate) is_alive: bool,
    /// Counts its lives.
    pub(crate) life: u32,
    pub(crate) frozen: Option<(Timestamp, Timestamp)>,
    pub(crate) cut: Option<(Timestamp, Timestamp)>,
    /// When it died, or last showed life before a silence.
    pub(crate) silent_from: Option<Timestamp>,
    pub(crate) silent_to: Timestamp,
    /// The end of the last silence in which others could take its lanes.
    pub(crate) lanes_lost_to: Timestamp,
    /// Lanes under work, each with the token of its lease.
    pub(crate) at_work: BTreeSet<(LaneId, u64)>,
    pub(crate) dispatch_at: Option<Timestamp>,
    /// Dies in that many steps.
    pub(crate) dies_in: Option<u32>,
    /// Stops in that many steps, for that long.
    pub(crate) freezes_in: Option<(u32, Duration)>,
    /// Breakers by session, Chatwoot's first.
    pub(crate) breakers: Vec<[Breaker; 2]>,
    pub(crate) guards: Vec<[Guard; 2]>,
    pub(crate) is_offline: Vec<bool>,
}

/// What an observer knows of a breaker: when it must keep callers away.
#[derive(Clone, Copy, Default)]
pub(crate) struct Guard {
    pub(crate) failures: u32,
    pub(crate) last_probe: Option<Timestamp>,
}

/// What the relay knows of a session.
pub(crate) struct SessionState {
    pub(crate) paused_by: Option<Side>,
    /// When agents' messages could not go out.
    pub(crate) outages: Vec<Outage>,
    pub(crate) mint: IdMint,
}

impl SessionState {
    /// Messages cannot go out, as was just seen.
    pub(crate) fn close_way_out(&mut self, now: Timestamp) {
        if self.outages.last().is_none_or(|outage| outage.ended_at.is_some()) {
            self.outages.push(Outage { began_at: now, ended_at: None });
        }
    }

    /// A message was sent.
    pub(crate) fn open_way_out(&mut self, now: Timestamp) {
        if let Some(outage) = self.outages.last_mut().filter(|outage| outage.ended_at.is_none()) {
            outage.ended_at = Some(now);
        }
    }
}

/// One world.
pub(crate) struct World {
    pub(crate) now: Timestamp,
    pub(crate) rng: Rng,
    pub(crate) sabotage: Option<Sabotage>,
    pub(crate) trace: Option<Vec<String>>,
    pub(crate) queue: BinaryHeap<Moment>,
    pub(crate) moments: u64,
    pub(crate) tasks: Vec<Option<Task>>,
    pub(crate) free_tasks: Vec<usize>,
    pub(crate) weather: Weather,
    /// Its spells, also those that are over.
    pub(crate) spells: Vec<Spell>,
    pub(crate) store: Store,
    pub(crate) sessions: Vec<SessionState>,
    pub(crate) chatwoots: Vec<Chatwoot>,
    pub(crate) codechats: Vec<CodeChat>,
    pub(crate) chats: u8,
    pub(crate) calls: Vec<Call>,
    pub(crate) processes: Vec<Process>,
    /// When processes of earlier lives were last heard of.
    pub(crate) deaths: BTreeMap<(usize, u32), Timestamp>,
    /// Whether nothing but poison fails.
    pub(crate) is_calm: bool,
    /// Whether a process may forget what it did last.
    pub(crate) is_forgetful: bool,
    /// Whether one process has the database for itself.
    pub(crate) is_exclusive: bool,
    pub(crate) next_serial: u32,
    pub(crate) violations: Vec<String>,
}

/// When every world begins.
pub(crate) const START: Timestamp = Timestamp::from_secs(1_800_000_000);

impl World {
    pub(crate) fn new(seed: u64, sabotage: Option<Sabotage>, is_traced: bool) -> Self {
        let mut rng = Rng::with_seed(seed);
        let sessions = if rng.u8(0..4) == 0 { 1 } else { 2 };
        let chats = rng.u8(1..=3);
        let is_exclusive = rng.u8(0..5) < 3;
        let processes = if is_exclusive { 1 } else { 2 };
        let weather = Weather::draw(&mut rng, START, sessions);
        let session = |index: usize| SessionState {
            paused_by: None,
            outages: Vec::new(),
            mint: IdMint::new(b"secret", &SessionId::new(format!("session-{index}"))),
        };
        Self {
            now: START,
            sabotage,
            trace: is_traced.then(Vec::new),
            queue: BinaryHeap::new(),
            moments: 0,
            tasks: Vec::new(),
            free_tasks: Vec::new(),
            is_calm: weather.is_calm(),
            is_forgetful: weather.is_forgetful(),
            spells: weather.spells.clone(),
            weather,
            store: Store::default(),
            sessions: (0..sessions).map(session).collect(),
            chatwoots: (0..sessions).map(|_| Chatwoot::default()).collect(),
            codechats: (0..sessions).map(|_| CodeChat::default()).collect(),
            chats,
            calls: Vec::new(),
            processes: (0..processes).map(|_| Process::dead()).collect(),
            deaths: BTreeMap::new(),
            is_exclusive,
            next_serial: 0,
            violations: Vec::new(),
            rng,
        }
    }

    /// Whether the relay is broken in this way.
    pub(crate) fn is(&self, sabotage: Sabotage) -> bool {
        self.sabotage == Some(sabotage)
    }

    /// Has something happen then.
    pub(crate) fn at(&mut self, at: Timestamp, deed: Deed) {
        self.moments += 1;
        self.queue.push(Moment { at: at.max(self.now), number: self.moments, deed });
    }

    /// Notes what happened, when somebody will read it.
    pub(crate) fn say(&mut self, what: impl FnOnce() -> String) {
        let after = self.now.since(START);
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{:>9.3}s {}", after.as_secs_f64(), what()));
        }
    }

    /// Notes a broken promise.
    pub(crate) fn violated(&mut self, what: String) {
        self.say(|| format!("VIOLATION: {what}"));
        self.violations.push(what);
    }

    /// `true` this many times in a thousand.
    pub(crate) fn chance(&mut self, per_mille: u32) -> bool {
        per_mille > 0 && self.rng.u32(0..1000) < per_mille
    }

    pub(crate) fn millis(&mut self, least: u64, most: u64) -> Duration {
        Duration::from_millis(self.rng.u64(least..=most))
    }

    /// A number for a new message, unlike any other's in this world.
    pub(crate) fn serial(&mut self) -> u32 {
        self.next_serial += 1;
        self.next_serial
    }
}

impl Process {
    pub(crate) fn dead() -> Self {
        Self {
            is_alive: false,
            life: 0,
            frozen: None,
            cut: None,
            silent_from: None,
            silent_to: START,
            lanes_lost_to: START,
            at_work: BTreeSet::new(),
            dispatch_at: None,
            dies_in: None,
            freezes_in: None,
            breakers: Vec::new(),
            guards: Vec::new(),
            is_offline: Vec::new(),
        }
    }

    /// A new life, in which nothing of the one before is remembered.
    pub(crate) fn born(life: u32, sessions: usize) -> Self {
        let breakers = (0..sessions).map(|_| [Breaker::default(), Breaker::default()]).collect();
        Self {
            is_alive: true,
            life,
            breakers,
            guards: vec![[Guard::default(); 2]; sessions],
            is_offline: vec![false; sessions],
            ..Self::dead()
        }
    }

    /// Until when it stands still, if it does.
    pub(crate) fn frozen_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.frozen.filter(|(from, to)| *from <= now && now < *to).map(|(_, to)| to)
    }

    pub(crate) fn is_cut(&self, now: Timestamp) -> bool {
        self.cut.is_some_and(|(from, to)| from <= now && now < to)
    }

    /// How long it has been silent.
    fn silent_for(&self, now: Timestamp) -> Duration {
        self.silent_from.filter(|_| !self.may_be_heard(now)).map_or(Duration::ZERO, |from| now.since(from))
    }

    /// Goes silent, until it is heard of again.
    pub(crate) fn hush(&mut self, from: Timestamp, to: Timestamp) {
        // its last sign of life was up to a second ago
        let still_silent = self.silent_from.filter(|_| from < self.silent_to);
        let from = still_silent.unwrap_or(from);
        self.silent_from = Some(from);
        self.silent_to = self.silent_to.max(to);
        if !may_post(self.silent_to.since(from)) {
            self.lanes_lost_to = self.silent_to;
        }
    }

    /// Whether a lease is from before a silence that is over, in which others could take it.
    pub(crate) fn has_lost(&self, lease: &Lease, now: Timestamp) -> bool {
        lease.claimed_at < self.lanes_lost_to && self.lanes_lost_to <= now
    }

    /// Whether nothing is amiss with its signs of life.
    pub(crate) fn may_be_heard(&self, now: Timestamp) -> bool {
        self.is_alive && (self.silent_from.is_none() || now >= self.silent_to)
    }

    pub(crate) fn may_post(&self, now: Timestamp) -> bool {
        may_post(self.silent_for(now))
    }

    /// When others may take its lanes, if it is silent and stays so.
    pub(crate) fn lost_at(&self, now: Timestamp) -> Option<Timestamp> {
        self.silent_from.filter(|_| !self.may_be_heard(now)).map(|from| from + LOST_AFTER)
    }
}

/// Chatwoot first.
pub(crate) const fn side_index(side: Side) -> usize {
    match side {
        Side::Chatwoot => 0,
        Side::CodeChat => 1,
    }
}
