//! One world from its first message to the check.

use std::rc::Rc;
use std::time::Duration;

use relay_domain::Timestamp;
use relay_domain::lease::LOST_AFTER;

use crate::call::Action;
use crate::content::Writer;
use crate::hook::{Hook, HookKind, receive};
use crate::sabotage::Sabotage;
use crate::store::{LaneId, Lease};
use crate::time::Sim;
use crate::weather::BUSY;
use crate::worker::work;
use crate::world::{Deed, Process, START, World};
use crate::{Outcome, check};

/// How long after all trouble has ended everything must have arrived.
const DRAIN: Duration = Duration::from_mins(20);
/// Events that no world has unless it feeds on itself.
const RUNAWAY: usize = 1000;
/// Lanes that a process claims at once.
const CLAIMS: usize = 4;
/// A paused session is asked about this often.
const PROBE_EVERY: Duration = Duration::from_mins(1);

/// Runs the world of a seed to its end and checks it.
pub(crate) fn run(seed: u64, sabotage: Option<Sabotage>, is_traced: bool) -> Outcome {
    let mut world = World::new(seed, sabotage, is_traced);
    world.prepare();
    let healed_at = world.schedule_troubles();
    let sim = Sim::new(world);
    while let Some(deed) = sim.advance() {
        if sim.now() > healed_at + DRAIN {
            break;
        }
        carry_out(&sim, deed);
        if sim.w().store.events.len() > RUNAWAY {
            sim.w().violated("runaway: events without end".to_owned());
            break;
        }
    }
    let mut world = sim.w();
    check::check(&mut world);
    let outcome = Outcome {
        violations: std::mem::take(&mut world.violations),
        trace: world.trace.take().unwrap_or_default(),
        messages: world.next_serial,
    };
    // tasks hold the world that holds them
    let tasks = std::mem::take(&mut world.tasks);
    drop(world);
    drop(tasks);
    outcome
}

fn carry_out(sim: &Rc<Sim>, deed: Deed) {
    match deed {
        Deed::Wake(task) => {
            if !sim.w().dies_before(task) {
                sim.w().freezes_before(task);
                sim.poll(task);
            }
        }
        Deed::Effect(call) => sim.w().take_effect(call),
        Deed::Hook(hook) => {
            let door = sim.w().door();
            match door {
                Some(process) => sim.spawn(process, receive(sim.clone(), process, *hook, false)),
                None => sim.w().say(|| format!("nobody takes {hook:?}")),
            }
        }
        Deed::CustomerWrites { session, from_phone } => sim.w().customer_writes(session, from_phone),
        Deed::AgentWrites { session } => sim.w().agent_may_delete(session),
        Deed::AgentDeletes { session, message } => sim.w().agent_deletes(session, message),
        Deed::Dispatch(process) => dispatch(sim, process),
        Deed::Kill { steps } => sim.w().doom(steps),
        Deed::Start(process) => sim.w().start(process),
        Deed::Freeze { steps, time } => sim.w().numb(steps, time),
        Deed::Cut(time) => sim.w().cut_one(time),
        Deed::Stir => sim.w().stir(),
        Deed::Sweep(process) => sweep(sim, process),
        Deed::Probe(session) => sim.w().probe(session),
        Deed::Heal => sim.w().heal(),
    }
}

fn dispatch(sim: &Rc<Sim>, process: usize) {
    let leases = {
        let mut world = sim.w();
        let now = world.now;
        if world.processes[process].dispatch_at != Some(now) {
            return;
        }
        world.processes[process].dispatch_at = None;
        if let Some(thaw) = world.processes[process].frozen_until(now) {
            world.dispatch(process, thaw);
            return;
        }
        world.claim(process)
    };
    for lease in leases {
        sim.spawn(process, work(sim.clone(), process, lease));
    }
    sim.w().stir();
}

/// Reads back everything that either side knows, and takes it in like webhooks.
fn sweep(sim: &Rc<Sim>, process: usize) {
    let hooks = {
        let world = sim.w();
        if !world.processes[process].is_alive || world.is(Sabotage::SweepOff) {
            return;
        }
        world.known_to_both_sides()
    };
    for hook in hooks {
        sim.spawn(process, receive(sim.clone(), process, hook, true));
    }
}

impl World {
    /// Decides who writes when.
    fn prepare(&mut self) {
        let sessions = self.sessions.len();
        for _ in 0..self.rng.u8(1..=9) {
            let (at, session) = (self.busy_moment(), self.rng.usize(0..sessions));
            let from_phone = self.rng.u8(0..5) == 0;
            for _ in 0..self.burst() {
                self.at(at, Deed::CustomerWrites { session, from_phone });
            }
        }
        for _ in 0..self.rng.u8(0..=6) {
            let (at, session) = (self.busy_moment(), self.rng.usize(0..sessions));
            for _ in 0..self.burst() {
                self.at(at, Deed::AgentWrites { session });
            }
        }
        for process in 0..self.processes.len() {
            self.at(START, Deed::Start(process));
        }
    }

    fn burst(&mut self) -> u8 {
        if self.rng.u8(0..3) == 0 { self.rng.u8(2..=4) } else { 1 }
    }

    fn busy_moment(&mut self) -> Timestamp {
        START + self.millis(10, BUSY)
    }

    /// Puts the troubles on the calendar; returns when they are over.
    fn schedule_troubles(&mut self) -> Timestamp {
        for (at, steps) in self.weather.kills.clone() {
            self.at(at, Deed::Kill { steps });
        }
        for (at, steps, time) in self.weather.freezes.clone() {
            self.at(at, Deed::Freeze { steps, time });
        }
        for (at, time) in self.weather.cuts.clone() {
            self.at(at, Deed::Cut(time));
        }
        let calm = START + Duration::from_millis(BUSY * 2);
        let healed_at = self.weather.clears_at().map_or(calm, |clear| clear.max(calm));
        self.at(healed_at, Deed::Heal);
        healed_at
    }

    fn agent_may_delete(&mut self, session: usize) {
        let message = self.agent_writes(session);
        if self.rng.u8(0..8) == 0 {
            let later = self.millis(10, 8000);
            self.at(self.now + later, Deed::AgentDeletes { session, message });
        }
    }

    fn agent_deletes(&mut self, session: usize, message: i64) {
        self.say(|| format!("agent deletes s{session} message {message}"));
        if let Some(message) = self.chatwoots[session].message(message) {
            message.is_deleted = true;
        }
        self.tell(session, &HookKind::Deletion { message });
    }

    /// Whether the process of a task dies now, at this step.
    fn dies_before(&mut self, task: usize) -> bool {
        let Some(process) = self.tasks.get(task).and_then(Option::as_ref).map(|task| task.process) else {
            return false;
        };
        match self.processes[process].dies_in {
            Some(0) => {
                self.kill(process);
                true
            }
            Some(steps) => {
                self.processes[process].dies_in = Some(steps - 1);
                false
            }
            None => false,
        }
    }

    /// Whether the process of a task stops now, at this step; the task goes on when it does.
    fn freezes_before(&mut self, task: usize) {
        let Some(process) = self.tasks.get(task).and_then(Option::as_ref).map(|task| task.process) else { return };
        match self.processes[process].freezes_in {
            Some((0, time)) => {
                self.processes[process].freezes_in = None;
                self.hush(process, time, true);
            }
            Some((steps, time)) => self.processes[process].freezes_in = Some((steps - 1, time)),
            None => {}
        }
    }

    /// One of the processes that live.
    fn victim(&mut self) -> Option<usize> {
        let alive: Vec<_> = (0..self.processes.len()).filter(|index| self.processes[*index].is_alive).collect();
        if alive.is_empty() { None } else { Some(alive[self.rng.usize(0..alive.len())]) }
    }

    fn doom(&mut self, steps: u32) {
        if let Some(victim) = self.victim() {
            self.processes[victim].dies_in = Some(steps);
        }
    }

    fn numb(&mut self, steps: u32, time: Duration) {
        if let Some(victim) = self.victim() {
            self.processes[victim].freezes_in = Some((steps, time));
        }
    }

    fn cut_one(&mut self, time: Duration) {
        if let Some(victim) = self.victim() {
            self.hush(victim, time, false);
        }
    }

    fn kill(&mut self, process: usize) {
        self.say(|| format!("p{process} is killed"));
        for task in &mut self.tasks {
            task.take_if(|task| task.process == process);
        }
        self.break_connections(process);
        let life = self.processes[process].life;
        let silent_from =
            self.processes[process].silent_from.filter(|_| !self.processes[process].may_be_heard(self.now));
        let last_heard = silent_from.unwrap_or(self.now);
        self.deaths.insert((process, life), last_heard);
        self.processes[process] = Process { silent_from: Some(last_heard), life, ..Process::dead() };
        let away = if self.rng.u8(0..4) == 0 { self.millis(3000, 30_000) } else { self.millis(50, 1500) };
        self.at(self.now + away, Deed::Start(process));
        self.stir();
    }

    fn start(&mut self, process: usize) {
        if self.processes[process].is_alive {
            return;
        }
        self.say(|| format!("p{process} starts"));
        let life = self.processes[process].life + 1;
        self.processes[process] = Process::born(life, self.sessions.len());
        if self.is_exclusive {
            self.store.lanes.values_mut().for_each(|lane| lane.lease = None);
        }
        let soon = self.millis(100, 2000);
        self.at(self.now + soon, Deed::Sweep(process));
        self.stir();
    }

    /// Freezes a process, or cuts it from the database.
    fn hush(&mut self, victim: usize, time: Duration, is_frozen: bool) {
        let (from, to) = (self.now, self.now + time);
        let heard_again = to + self.millis(0, 1000);
        self.say(|| format!("p{victim} is {} for {time:?}", if is_frozen { "frozen" } else { "cut off" }));
        let process = &mut self.processes[victim];
        process.hush(from, heard_again);
        if is_frozen {
            process.frozen = Some((from, to));
        } else {
            process.cut = Some((from, to));
        }
        self.break_connections(victim);
        self.stir();
        self.at(heard_again, Deed::Stir);
    }

    fn take_effect(&mut self, index: usize) {
        let call = &self.calls[index];
        if call.effect_at != Some(self.now) || call.result.is_some() {
            return;
        }
        let (session, action) = (call.session, call.action.clone());
        let result = match &action {
            Action::Post { .. } => self.posted(session, &action),
            Action::Send { .. } => self.sent(session, &action),
        };
        self.calls[index].result = Some(result);
    }

    fn probe(&mut self, session: usize) {
        let Some(side) = self.sessions[session].paused_by else { return };
        let answers = self.weather.spell(session, side, self.now).is_none();
        if answers && self.door().is_some() {
            self.say(|| format!("s{session} is resumed"));
            self.sessions[session].paused_by = None;
            self.stir();
        } else {
            self.at(self.now + PROBE_EVERY, Deed::Probe(session));
        }
    }

    fn heal(&mut self) {
        self.say(|| "all trouble ends".to_owned());
        self.weather.heal();
        for process in 0..self.processes.len() {
            self.processes[process].dies_in = None;
            self.processes[process].freezes_in = None;
            self.at(self.now, Deed::Start(process));
            self.at(self.now + Duration::from_secs(3), Deed::Sweep(process));
        }
    }

    /// Everything that a sweep finds: what is on WhatsApp, and what agents wrote and did not delete.
    fn known_to_both_sides(&self) -> Vec<Hook> {
        let mut hooks = Vec::new();
        for session in 0..self.sessions.len() {
            let rows = self.codechats[session].messages.iter();
            hooks.extend(rows.map(|message| Hook { session, kind: HookKind::Upsert { row: message.row } }));
            let messages = self.chatwoots[session].messages.iter();
            let agents =
                messages.filter(|message| message.content.writer == Writer::Agent && message.source_id.is_none());
            let undeleted = agents.filter(|message| !message.is_deleted);
            hooks.extend(
                undeleted.map(|message| Hook { session, kind: HookKind::ChatwootMessage { message: message.id } }),
            );
        }
        hooks
    }

    /// Takes lanes whose first event is due.
    fn claim(&mut self, process: usize) -> Vec<Lease> {
        let now = self.now;
        let claimer = &self.processes[process];
        // a lane claimed in silence may be somebody else's the next moment
        if !claimer.is_alive || claimer.is_cut(now) || !(claimer.may_post(now) || self.is(Sabotage::PulseOff)) {
            return Vec::new();
        }
        let mut due: Vec<(Timestamp, LaneId)> = Vec::new();
        for (lane, row) in &self.store.lanes {
            if let Some(next_at) = row.next_at.filter(|at| *at <= now)
                && self.sessions[lane.session].paused_by.is_none()
                && self.is_free(process, *lane)
            {
                due.push((next_at, *lane));
            }
        }
        due.sort_unstable();
        due.truncate(CLAIMS);
        let life = self.processes[process].life;
        let mut leases = Vec::new();
        for (_, lane) in due {
            self.store.tokens += 1;
            let token = self.store.tokens;
            let row = self.store.lanes.get_mut(&lane).expect("the lane was just found");
            row.lease = Some((process, life, token));
            row.is_backing_off = false;
            leases.push(Lease { lane, token, done_to: row.done_to, claimed_at: now });
            self.processes[process].at_work.insert((lane, token));
        }
        leases
    }

    fn is_free(&self, process: usize, lane: LaneId) -> bool {
        let Some((worker, life, token)) = self.store.lanes[&lane].lease else { return true };
        let holder = &self.processes[worker];
        if worker == process && holder.life == life {
            return !holder.at_work.contains(&(lane, token));
        }
        self.lost_at(worker, life).is_some_and(|lost| lost <= self.now)
    }

    /// When a lane can be claimed by a process, if nothing happens before.
    fn free_at(&self, process: usize, lane: LaneId) -> Option<Timestamp> {
        let row = &self.store.lanes[&lane];
        let next_at = row.next_at?;
        if self.sessions[lane.session].paused_by.is_some() {
            return None;
        }
        if self.is_free(process, lane) {
            return Some(next_at);
        }
        let (worker, life, _) = row.lease?;
        Some(self.lost_at(worker, life)?.max(next_at))
    }

    /// When others may take the lanes of a process. One of an earlier life is silent since it died.
    fn lost_at(&self, process: usize, life: u32) -> Option<Timestamp> {
        match self.deaths.get(&(process, life)) {
            Some(last_heard) => Some(*last_heard + LOST_AFTER),
            None => self.processes[process].lost_at(self.now),
        }
    }

    /// Sees to it that every process looks for work when there is some.
    pub(crate) fn stir(&mut self) {
        for process in 0..self.processes.len() {
            if !self.processes[process].is_alive {
                continue;
            }
            let due = self.store.lanes.keys().filter_map(|lane| self.free_at(process, *lane)).min();
            if let Some(due) = due {
                let lag = if self.is_exclusive || self.rng.bool() { 12 } else { 500 };
                let at = due.max(self.now) + self.millis(1, lag);
                self.dispatch(process, at);
            }
        }
    }

    fn dispatch(&mut self, process: usize, at: Timestamp) {
        if self.processes[process].dispatch_at.is_none_or(|known| known > at) {
            self.processes[process].dispatch_at = Some(at);
            self.at(at, Deed::Dispatch(process));
        }
    }
}
