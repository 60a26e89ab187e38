//! A worker with a lane: each event in turn, its outcome recorded before the next. The steps are those of
//! `relay-engine/src/lane.rs`; what is decided between them is decided by the relay's own functions.

use std::rc::Rc;
use std::time::Duration;

use relay_domain::Timestamp;
use relay_domain::backoff::{Direction, pause_after};
use relay_domain::breaker::{Admitted, OPEN_FOR};
use relay_domain::doubt::{Doubt, doubt};
use relay_domain::order;
use relay_domain::verdict::{BETWEEN_LAST_WORDS, Failing, LAST_WORDS, OFFLINE_PAUSE, Speechless, Verdict};
use relay_engine::Side;
use relay_engine::trouble::{Failed, NOT_ON_WHATSAPP, Trouble, from_chatwoot, from_codechat};
use relay_store::{EventState, StoreError};

use crate::call::{ask, chatwoot_error, codechat_error};
use crate::sabotage::Sabotage;
use crate::store::{Body, Change, EventRow, Kind, Lease};
use crate::time::Sim;
use crate::world::{Deed, Guard, World, side_index};
use crate::{inward, outward, receipt};

/// How long a lane rests when the store failed it.
const AFTER_STORE_ERROR: Duration = Duration::from_secs(1);
/// How long after a refused token it is tried again.
const PROBE_EVERY: Duration = Duration::from_mins(1);

/// A delivery under way.
pub(crate) struct Turn {
    pub(crate) sim: Rc<Sim>,
    pub(crate) process: usize,
    pub(crate) lease: Lease,
    /// Where the event is, and what it was when it was read.
    pub(crate) index: usize,
    pub(crate) event: EventRow,
}

/// How an event ended, with what is recorded along with it.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) end: EventState,
    pub(crate) links: Vec<(usize, Change)>,
}

impl Done {
    pub(crate) fn ignored() -> Self {
        Self { end: EventState::Ignored, links: Vec::new() }
    }

    pub(crate) fn delivered(links: Vec<(usize, Change)>) -> Self {
        Self { end: EventState::Delivered, links }
    }
}

/// What came of the attempt to show that a message could not be delivered.
pub(crate) enum Shown {
    Loss(Vec<(usize, Change)>),
    Delivery(Done),
}

#[derive(PartialEq, Eq)]
enum Next {
    /// How far the lane has come.
    Event(i64),
    Lane,
}

/// Writes to the store. The effect is there at the latest when this returns, unless it fails; then it may be all the same.
pub(crate) async fn commit<T>(
    sim: &Rc<Sim>,
    process: usize,
    write: impl FnOnce(&mut World) -> T,
) -> Result<T, StoreError> {
    let (is_cut, fails, comes_first, takes) = {
        let mut world = sim.w();
        let is_cut = world.processes[process].is_cut(world.now);
        let often = world.weather.store;
        let fails = world.chance(often);
        let takes = world.millis(1, 4);
        (is_cut, fails, world.rng.bool(), takes)
    };
    if is_cut {
        sim.sleep(Duration::from_millis(300)).await;
        return Err(StoreError::Closed);
    }
    let mut result = None;
    if comes_first {
        result = Some(write(&mut sim.w()));
        sim.sleep(takes).await;
    } else {
        sim.sleep(takes).await;
        if !fails {
            result = Some(write(&mut sim.w()));
        }
    }
    if fails { Err(StoreError::Closed) } else { result.ok_or(StoreError::Closed) }
}

/// Works on a lane until its due events are done or one of them must wait.
pub(crate) async fn work(sim: Rc<Sim>, process: usize, lease: Lease) {
    if try_work(&sim, process, lease).await.is_err() {
        sim.sleep(AFTER_STORE_ERROR).await;
        // a lane that cannot be given back is an orphan, which this process takes again
        drop(release(&sim, process, lease).await);
    }
    let mut world = sim.w();
    world.processes[process].at_work.remove(&(lease.lane, lease.token));
    world.stir();
}

async fn try_work(sim: &Rc<Sim>, process: usize, mut lease: Lease) -> Result<(), StoreError> {
    let due = sim.w().due_events(lease.lane);
    let begun_to = sim.w().begun_to(lease.lane);
    lease.done_to = lease.done_to.max(begun_to);
    let count = due.len();
    for (number, index) in due.into_iter().enumerate() {
        let event = sim.w().store.events[index].clone();
        let turn = Turn { sim: sim.clone(), process, lease, index, event };
        match turn.work_on(number + 1 == count).await? {
            Next::Event(done_to) => lease.done_to = done_to,
            Next::Lane => return Ok(()),
        }
    }
    release(sim, process, lease).await
}

async fn release(sim: &Rc<Sim>, process: usize, lease: Lease) -> Result<(), StoreError> {
    let give_back = move |world: &mut World| {
        if world.holds(&lease) {
            world.give_back(lease.lane);
        }
    };
    commit(sim, process, give_back).await
}

impl Turn {
    /// The side that the lane leads to.
    fn side(&self) -> Side {
        match self.lease.lane.kind {
            Kind::In | Kind::Receipt => Side::Chatwoot,
            Kind::Out => Side::CodeChat,
        }
    }

    async fn work_on(&self, is_last: bool) -> Result<Next, StoreError> {
        let (now, side) = (self.sim.now(), self.side());
        let admitted = match self.admit(side) {
            Ok(admitted) => admitted,
            Err(until) => return self.postpone(until, None).await,
        };
        if admitted == Admitted::AsProbe && !self.is_there(side).await {
            self.learn(side, Some(false));
            return self.postpone(self.sim.now() + OPEN_FOR, None).await;
        }
        self.sim.w().say(|| format!("p{} tries {:?} {:?}", self.process, self.lease.lane, self.event.body));
        let result = self.deliver().await;
        self.sim.w().say(|| format!("p{} after {:?}: {result:?}", self.process, self.sim.now().since(now)));
        match &result {
            Ok(done) if done.end == EventState::Delivered => self.learn(side, Some(true)),
            Err(Trouble::Failed(failed)) if failed.side == side => {}
            Ok(_) | Err(_) if admitted == Admitted::AsProbe => self.learn(side, None),
            Ok(_) | Err(_) => {}
        }
        match result {
            Ok(done) => self.finish(done, is_last).await,
            Err(trouble) => self.trouble(trouble).await,
        }
    }

    /// Asks the breaker; watches that it says no when it must.
    fn admit(&self, side: Side) -> Result<Admitted, Timestamp> {
        let mut world = self.sim.w();
        let (now, session, is_off) = (world.now, self.lease.lane.session, world.is(Sabotage::BreakerOff));
        let process = &mut world.processes[self.process];
        let admitted = process.breakers[session][side_index(side)].admit(now);
        if admitted.is_err() && !is_off {
            return admitted;
        }
        let guard = &mut process.guards[session][side_index(side)];
        let too_early = guard.last_probe.is_some_and(|last| now.since(last) < Duration::from_secs(10));
        if guard.failures >= 5 {
            guard.last_probe = Some(now);
            if too_early {
                world.violated(format!("breaker: a second call within ten seconds to {side:?} of s{session}"));
            }
        }
        Ok(admitted.unwrap_or(Admitted::Freely))
    }

    /// Tells the breaker that a side works, fails, or that nothing was learnt.
    fn learn(&self, side: Side, works: Option<bool>) {
        let mut world = self.sim.w();
        let (now, session) = (world.now, self.lease.lane.session);
        let process = &mut world.processes[self.process];
        let breaker = &process.breakers[session][side_index(side)];
        let guard = &mut process.guards[session][side_index(side)];
        match works {
            Some(true) => {
                breaker.succeeded(now);
                *guard = Guard::default();
            }
            Some(false) => {
                breaker.failed(now);
                *guard = Guard { failures: guard.failures + 1, last_probe: Some(now) };
            }
            None => {
                breaker.undecided(now);
                guard.last_probe = None;
            }
        }
    }

    async fn deliver(&self) -> Result<Done, Trouble> {
        match &self.event.body {
            Body::Upsert { .. } => inward::deliver(self).await,
            Body::Agent { .. } => outward::send(self).await,
            Body::Deletion { message } => outward::revoke(self, *message).await,
            Body::Receipt { id, receipt } => receipt::show(self, id, *receipt).await,
        }
    }

    async fn finish(&self, done: Done, is_last: bool) -> Result<Next, StoreError> {
        let (lease, index, order_key) = (self.lease, self.index, self.event.order_key);
        let done_to = order::done_to(lease.done_to, order_key, done.end == EventState::Delivered);
        let is_recorded = commit(&self.sim, self.process, move |world| {
            if !world.holds(&lease) || world.store.events[index].state != EventState::Pending {
                return false;
            }
            world.watch_lease(&lease);
            let now = world.now;
            let event = &mut world.store.events[index];
            event.state = done.end;
            event.ended_at = Some(now);
            for (link, change) in &done.links {
                world.store.links[*link].change(change);
                world.confirm(*link, change);
            }
            let row = world.store.lanes.get_mut(&lease.lane).expect("a lane that was leased exists");
            row.done_to = order::done_to(row.done_to, order_key, done.end == EventState::Delivered);
            if is_last {
                world.give_back(lease.lane);
            }
            let session = &mut world.sessions[lease.lane.session];
            if lease.lane.kind == Kind::Out && done.end == EventState::Delivered && session.paused_by.is_none() {
                session.open_way_out(now);
            }
            true
        });
        Ok(if is_recorded.await? && !is_last { Next::Event(done_to) } else { Next::Lane })
    }

    async fn postpone(&self, until: Timestamp, failed: Option<&Failed>) -> Result<Next, StoreError> {
        let (lease, index) = (self.lease, self.index);
        let outcome = failed.map(|failed| failed.outcome);
        commit(&self.sim, self.process, move |world| {
            if !world.holds(&lease) {
                return;
            }
            world.watch_lease(&lease);
            let now = world.now;
            if let Some(outcome) = outcome {
                let event = &mut world.store.events[index];
                event.attempts += 1;
                event.first_failed_at = event.first_failed_at.or(Some(now));
                event.was_not_found = outcome == NOT_ON_WHATSAPP;
            }
            let row = world.store.lanes.get_mut(&lease.lane).expect("a lane that was leased exists");
            row.next_at = Some(until);
            row.is_backing_off = true;
            row.lease = None;
        })
        .await?;
        Ok(Next::Lane)
    }

    async fn release(&self) -> Result<Next, StoreError> {
        release(&self.sim, self.process, self.lease).await?;
        Ok(Next::Lane)
    }

    async fn trouble(&self, trouble: Trouble) -> Result<Next, StoreError> {
        let now = self.sim.now();
        match trouble {
            Trouble::Failed(failed) => self.failed(failed).await,
            Trouble::Wait(until) => self.postpone(until, None).await,
            Trouble::Rate(pause) => self.postpone(now + pause, None).await,
            Trouble::Denied { side, detail } => self.denied(side, detail).await,
            Trouble::Offline => {
                self.set_offline(true);
                self.sim.w().sessions[self.lease.lane.session].close_way_out(now);
                self.postpone(now + OFFLINE_PAUSE, None).await
            }
            Trouble::Hopeless(_) => {
                self.finish(Done { end: EventState::Dead, links: Vec::new() }, false).await?;
                self.release().await
            }
            Trouble::Store(error) => Err(error),
            Trouble::LeaseLost => self.release().await,
        }
    }

    pub(crate) fn set_offline(&self, is_offline: bool) {
        self.sim.w().processes[self.process].is_offline[self.lease.lane.session] = is_offline;
    }

    async fn failed(&self, failed: Failed) -> Result<Next, StoreError> {
        let now = self.sim.now();
        self.learn(failed.side, Some(!failed.is_outage));
        let (process, session) = (self.process, self.lease.lane.session);
        let open_since = self.sim.w().processes[process].breakers[session][side_index(failed.side)].open_since();
        if failed.side == Side::CodeChat
            && let Some(since) = open_since
        {
            self.sim.w().sessions[session].close_way_out(since);
        }
        if self.is_given_up(&failed, now).await && self.end_with(failed.clone()).await? {
            return Ok(Next::Lane);
        }
        let direction = if self.lease.lane.kind == Kind::Out { Direction::Out } else { Direction::In };
        let scheduled = || pause_after(direction, self.event.attempts + 1, &mut self.sim.w().rng);
        let pause = failed.pause.unwrap_or_else(scheduled);
        self.postpone(now + pause, Some(&failed)).await
    }

    fn failing(&self, failed: &Failed) -> Failing {
        let world = self.sim.w();
        let breaker = &world.processes[self.process].breakers[self.lease.lane.session][side_index(failed.side)];
        Failing {
            first_failed_at: self.event.first_failed_at,
            attempts: self.event.attempts,
            is_outage: failed.is_outage,
            is_inward: self.lease.lane.kind == Kind::In,
            is_breaker_open: breaker.is_open(),
        }
    }

    async fn is_given_up(&self, failed: &Failed, now: Timestamp) -> bool {
        if self.sim.w().is(Sabotage::PoisonOff) {
            return false;
        }
        match self.failing(failed).verdict(now) {
            Verdict::TryAgain => false,
            Verdict::Overdue | Verdict::Poison => true,
            Verdict::PoisonIfUp => self.answers(failed.side).await,
        }
    }

    /// Whether a side answers at all, be it with a refusal.
    async fn is_there(&self, side: Side) -> bool {
        let session = self.lease.lane.session;
        let trouble = ask(&self.sim, session, side).await.map(|fail| match side {
            Side::Chatwoot => from_chatwoot(chatwoot_error(fail)),
            Side::CodeChat => from_codechat(codechat_error(fail)),
        });
        !matches!(trouble, Some(Trouble::Failed(Failed { is_outage: true, .. })))
    }

    /// Whether a side answers something simple.
    async fn answers(&self, side: Side) -> bool {
        ask(&self.sim, self.lease.lane.session, side).await.is_none()
    }

    async fn end_with(&self, failed: Failed) -> Result<bool, StoreError> {
        if !self.failing(&failed).has_last_chance(self.sim.now()) {
            return self.bury(&failed).await;
        }
        match self.last_chance().await {
            Ok(done) => {
                if done.end == EventState::Delivered {
                    self.learn(failed.side, Some(true));
                }
                self.finish_and_release(done).await
            }
            Err(Trouble::Failed(failed)) => self.bury(&failed).await,
            Err(Trouble::Store(error)) => Err(error),
            Err(_) => Ok(false),
        }
    }

    async fn last_chance(&self) -> Result<Done, Trouble> {
        let mut looks = LAST_WORDS;
        loop {
            looks -= 1;
            match self.deliver().await {
                Err(Trouble::Wait(until)) if looks > 0 => self.sim.sleep_until(until).await,
                result => return result,
            }
        }
    }

    async fn bury(&self, failed: &Failed) -> Result<bool, StoreError> {
        let links = match self.last_words(failed).await {
            Ok(Shown::Loss(links)) => links,
            Ok(Shown::Delivery(done)) => return self.finish_and_release(done).await,
            Err(Trouble::Store(error)) => return Err(error),
            Err(Trouble::LeaseLost) => {
                self.release().await?;
                return Ok(true);
            }
            Err(trouble) if self.ends_in_silence(failed, &trouble) => Vec::new(),
            Err(_) => return Ok(false),
        };
        self.finish_and_release(Done { end: EventState::Dead, links }).await
    }

    async fn finish_and_release(&self, done: Done) -> Result<bool, StoreError> {
        if matches!(self.finish(done, false).await?, Next::Event(_)) {
            self.release().await?;
        }
        Ok(true)
    }

    fn ends_in_silence(&self, failed: &Failed, trouble: &Trouble) -> bool {
        let why = match trouble {
            Trouble::Wait(_) | Trouble::Rate(_) | Trouble::Denied { .. } | Trouble::Offline => Speechless::Held,
            // a look that could not be had says nothing of the words
            Trouble::Failed(why) if why.side == Side::CodeChat => Speechless::Held,
            Trouble::Failed(why) if why.is_outage => Speechless::Outage,
            Trouble::Failed(_) | Trouble::Hopeless(_) | Trouble::Store(_) | Trouble::LeaseLost => Speechless::Refused,
        };
        let (failing, now) = (self.failing(failed), self.sim.now());
        let world = self.sim.w();
        let chatwoot = &world.processes[self.process].breakers[self.lease.lane.session][side_index(Side::Chatwoot)];
        failing.ends_in_silence(why, chatwoot.has_worked_since(failing.since(now)), now)
    }

    async fn last_words(&self, failed: &Failed) -> Result<Shown, Trouble> {
        let (mut words, mut failure) = (LAST_WORDS, None);
        loop {
            words -= 1;
            let shown = self.show_loss(failed).await;
            if shown.is_err()
                && let Body::Upsert { content, .. } = &self.event.body
            {
                self.sim.w().chatwoots[content.session].words_lost.push(content.serial);
            }
            let until = match shown {
                Ok(shown) => {
                    self.learn(Side::Chatwoot, Some(true));
                    return Ok(shown);
                }
                Err(Trouble::Wait(until)) => until,
                Err(Trouble::Failed(why)) if why.is_outage => {
                    failure = Some(why);
                    self.sim.now() + BETWEEN_LAST_WORDS
                }
                Err(trouble) => return Err(trouble),
            };
            if words == 0 {
                return Err(failure.map_or(Trouble::Wait(until), Trouble::Failed));
            }
            self.sim.sleep_until(until).await;
        }
    }

    async fn show_loss(&self, failed: &Failed) -> Result<Shown, Trouble> {
        match &self.event.body {
            Body::Upsert { .. } if self.sim.w().is(Sabotage::PlaceholderOff) => Ok(Shown::Loss(Vec::new())),
            Body::Upsert { .. } => inward::post_placeholder(self).await,
            Body::Receipt { .. } | Body::Deletion { .. } => Ok(Shown::Loss(Vec::new())),
            Body::Agent { message, .. } => {
                let done = outward::give_up(self, *message, outward::rejected(failed), EventState::Dead).await?;
                Ok(if done.end == EventState::Delivered { Shown::Delivery(done) } else { Shown::Loss(done.links) })
            }
        }
    }

    async fn denied(&self, side: Side, detail: String) -> Result<Next, StoreError> {
        if self.answers(side).await {
            let failed = Failed { side, outcome: "denied", status: Some(401), detail, is_outage: false, pause: None };
            return Box::pin(self.failed(failed)).await;
        }
        let session = self.lease.lane.session;
        commit(&self.sim, self.process, move |world| {
            world.sessions[session].paused_by = Some(side);
            let now = world.now;
            world.sessions[session].close_way_out(now);
            world.at(world.now + PROBE_EVERY, Deed::Probe(session));
        })
        .await?;
        self.release().await
    }

    /// Refuses to begin anything while this process may have lost its lanes.
    pub(crate) fn check_lease(&self) -> Result<(), Trouble> {
        let world = self.sim.w();
        let process = &world.processes[self.process];
        let is_ours = process.may_post(world.now) && !process.has_lost(&self.lease, world.now);
        if is_ours || world.is(Sabotage::PulseOff) { Ok(()) } else { Err(Trouble::LeaseLost) }
    }

    /// Records what became of one part while the event goes on.
    pub(crate) async fn record(&self, link: usize, change: Change) -> Result<(), Trouble> {
        let lease = self.lease;
        let is_recorded = commit(&self.sim, self.process, move |world| {
            let holds = world.holds(&lease);
            if holds {
                world.watch_lease(&lease);
                world.store.links[link].change(&change);
            }
            holds
        });
        if is_recorded.await? { Ok(()) } else { Err(Trouble::LeaseLost) }
    }

    /// Since when a part is in doubt; `None` when no attempt can have reached the destination.
    pub(crate) async fn doubt_since(&self, link: usize) -> Result<Option<Timestamp>, Trouble> {
        let (tried_at, is_in_doubt, is_broken) = {
            let world = self.sim.w();
            let row = &world.store.links[link];
            (row.tried_at, row.is_in_doubt, world.is(Sabotage::DoubtFromTry))
        };
        match doubt(tried_at, is_in_doubt) {
            Doubt::No => Ok(None),
            Doubt::Since(since) => Ok(Some(since)),
            Doubt::FromNowOn if is_broken => Ok(tried_at),
            Doubt::FromNowOn => {
                let now = self.sim.now();
                self.record(link, Change::InDoubt(now)).await?;
                Ok(Some(now))
            }
        }
    }

    /// What a failed attempt leaves of its part: a doubt that begins now, or none.
    pub(crate) fn fate(&self, maybe_delivered: bool) -> Change {
        if maybe_delivered { Change::InDoubt(self.sim.now()) } else { Change::Untried }
    }
}
