//! Working through one lane: each event in turn, its outcome recorded before the next.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use relay_domain::Timestamp;
use relay_domain::backoff::{Direction, pause_after};
use relay_domain::breaker::{Admitted, OPEN_FOR};
use relay_domain::order;
use relay_domain::verdict::{BETWEEN_LAST_WORDS, Failing, LAST_WORDS, OFFLINE_PAUSE, Speechless, Verdict};
use relay_fault::{Sabotage, is_sabotaged};
use relay_store::{Attempt, DueEvents, End, Finish, LaneKind, Lease, PendingEvent, Postpone, Recorded, StoreError};
use tokio_util::sync::CancellationToken;

use crate::Engine;
use crate::deliver::{Done, Shown, deliver};
use crate::metrics::{Attempted, Ended, Way};
use crate::sessions::Live;
use crate::trouble::{Failed, Side, Trouble};

/// How long a lane rests when the store failed it.
const AFTER_STORE_ERROR: Duration = Duration::from_secs(1);

/// How long a lane rests that a pause does not stop, when the token is refused.
const WHILE_DENIED: Duration = Duration::from_mins(1);

/// Whether the lane goes on.
#[derive(PartialEq, Eq)]
enum Next {
    /// With how far the lane has come.
    Event(i64),
    Lane,
}

/// Works on a lane until its due events are done, one of them must wait, or the process stops.
pub(crate) async fn work(engine: Arc<Engine>, lease: Lease, stop: CancellationToken) {
    if let Err(error) = try_work(&engine, &lease, &stop).await {
        tracing::error!(session.id = %lease.lane.session, %error, "a lane stopped");
        // whatever ails the store would ail the next turn as well
        tokio::time::sleep(AFTER_STORE_ERROR).await;
        if let Err(error) = engine.store.release(lease, engine.clock.now()).await.map(drop) {
            tracing::error!(%error, "a lane could not be given back");
        }
    }
}

async fn try_work(engine: &Engine, lease: &Lease, stop: &CancellationToken) -> Result<(), StoreError> {
    let Some(live) = engine.session_of(lease).await? else {
        // deleted since it was claimed
        return Ok(());
    };
    let mut lease = lease.clone();
    let DueEvents { events, begun_to } = engine.store.due_events(&lease.lane, engine.clock.now()).await?;
    // what came in front of an event that may be posted already is late, although that one is not recorded yet
    lease.done_to = lease.done_to.max(begun_to);
    let count = events.len();
    for (index, event) in events.iter().enumerate() {
        // a paused session still answers agents: how else could they resume it?
        let is_paused = lease.lane.kind != LaneKind::Desk && engine.is_paused(&lease.lane.session);
        if stop.is_cancelled() || is_paused {
            break;
        }
        let is_last = index + 1 == count;
        match engine.work_on(&live, &lease, event, is_last).await? {
            Next::Event(done_to) => lease.done_to = done_to,
            Next::Lane => return Ok(()),
        }
    }
    match engine.store.release(lease, engine.clock.now()).await? {
        Recorded::Yes | Recorded::LeaseLost => Ok(()),
    }
}

impl Engine {
    async fn session_of(&self, lease: &Lease) -> Result<Option<Arc<Live>>, StoreError> {
        if let Some(live) = self.sessions.of_id(&lease.lane.session) {
            return Ok(Some(live));
        }
        self.sessions.refresh().await?;
        Ok(self.sessions.of_id(&lease.lane.session))
    }

    async fn work_on(
        &self,
        live: &Arc<Live>,
        lease: &Lease,
        event: &PendingEvent,
        is_last: bool,
    ) -> Result<Next, StoreError> {
        let now = self.clock.now();
        let side = match lease.lane.kind {
            LaneKind::In | LaneKind::Receipt | LaneKind::Desk => Side::Chatwoot,
            LaneKind::Out => Side::CodeChat,
        };
        let turn = Turn { engine: self, live, lease, event, started_at: now, started: Instant::now() };
        let admitted = match live.health.breaker(side).admit(now) {
            Ok(admitted) => admitted,
            Err(_) if is_sabotaged(Sabotage::Breaker) => Admitted::Freely,
            Err(until) => return turn.wait(until).await,
        };
        if admitted == Admitted::AsProbe {
            // one harmless call finds out whether it is back; the message is tried only then
            if !self.is_there(live, side).await {
                let now = self.clock.now();
                live.health.breaker(side).failed(now);
                return turn.wait(now + OPEN_FOR).await;
            }
        }
        // a renderer that panics costs its message, not the process
        let delivery = AssertUnwindSafe(deliver(self, live.clone(), lease, event)).catch_unwind().await;
        let result = delivery.unwrap_or_else(|_| Err(panicked(side)));
        let breaker = live.health.breaker(side);
        match &result {
            Ok(done) if done.end == End::Delivered => breaker.succeeded(self.clock.now()),
            Err(Trouble::Failed(failed)) if failed.side == side => {}
            Ok(_) | Err(_) if admitted == Admitted::AsProbe => breaker.undecided(self.clock.now()),
            Ok(_) | Err(_) => {}
        }
        match result {
            Ok(done) => {
                if done.was_attempted {
                    relay_fault::reach(relay_fault::Point::AfterResponseBeforeRecord);
                    let labels = Attempted { target: side.as_str(), result: "ok" };
                    self.metrics.attempts.get_or_create(&labels).inc();
                }
                turn.finish(done, is_last).await
            }
            Err(trouble) => turn.trouble(trouble).await,
        }
    }
}

fn panicked(side: Side) -> Trouble {
    Trouble::Failed(Failed {
        side,
        outcome: "panicked",
        status: None,
        detail: "the message could not be processed".to_owned(),
        is_outage: false,
        pause: None,
    })
}

/// Why an event ended, for the log: reasons of failures may name files or repeat what was said.
fn word_of(end: &End) -> Option<&'static str> {
    match end {
        End::Ignored(reason) => Some(reason.code()),
        End::Delivered | End::Dead(_) | End::Expired(_) => None,
    }
}

/// One event's turn.
struct Turn<'a> {
    engine: &'a Engine,
    live: &'a Arc<Live>,
    lease: &'a Lease,
    event: &'a PendingEvent,
    started_at: Timestamp,
    started: Instant,
}

impl Turn<'_> {
    fn attempt(&self, outcome: &'static str, failed: Option<&Failed>) -> Attempt {
        Attempt {
            started_at: self.started_at,
            duration_ms: i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX),
            outcome,
            http_status: failed.and_then(|failed| failed.status),
            detail: failed.map(|failed| failed.detail.clone()),
        }
    }

    async fn finish(&self, done: Done, is_last: bool) -> Result<Next, StoreError> {
        let now = self.engine.clock.now();
        let kind = self.lease.lane.kind.as_str();
        let outcome = done.end.as_str();
        tracing::info!(session.id = %self.live.id(), event.id = %self.event.id, lane = kind, outcome, reason = word_of(&done.end),
            duration_ms = self.started.elapsed().as_millis(), "event finished");
        let (is_delivered, was_attempted) = (done.end == End::Delivered, done.was_attempted);
        let finish = Finish {
            lease: self.lease.clone(),
            event: self.event.id.clone(),
            order_key: self.event.order_key,
            attempt: done.was_attempted.then(|| self.attempt(outcome, None)),
            end: done.end,
            now,
            links: done.links,
            release: is_last,
            worker: self.engine.store.worker().clone(),
        };
        if self.engine.store.finish(finish).await? == Recorded::LeaseLost {
            return Ok(Next::Lane);
        }
        self.engine.fetched.forget(&self.event.id);
        let labels = Ended { session: self.live.name().to_owned(), direction: kind, outcome };
        self.engine.metrics.ended.get_or_create(&labels).inc();
        if is_delivered && was_attempted && self.lease.lane.kind == LaneKind::Out {
            self.engine.note_way_out_is_open(self.live).await?;
        }
        if is_delivered {
            let took = now.since(self.event.received_at).as_secs_f64();
            self.engine.metrics.end_to_end.get_or_create(&Way { direction: kind }).observe(took);
        }
        let done_to = order::done_to(self.lease.done_to, self.event.order_key, is_delivered);
        Ok(if is_last { Next::Lane } else { Next::Event(done_to) })
    }

    /// Lets the lane wait without blaming anybody.
    async fn wait(&self, until: Timestamp) -> Result<Next, StoreError> {
        self.postpone(until, None).await
    }

    async fn postpone(&self, until: Timestamp, attempt: Option<Attempt>) -> Result<Next, StoreError> {
        let postpone = Postpone {
            lease: self.lease.clone(),
            event: self.event.id.clone(),
            until,
            now: self.engine.clock.now(),
            attempt,
            links: Vec::new(),
            worker: self.engine.store.worker().clone(),
        };
        match self.engine.store.postpone(postpone).await? {
            Recorded::Yes | Recorded::LeaseLost => Ok(Next::Lane),
        }
    }

    async fn trouble(&self, trouble: Trouble) -> Result<Next, StoreError> {
        let now = self.engine.clock.now();
        match trouble {
            Trouble::Failed(failed) => self.failed(failed).await,
            Trouble::Wait(until) => self.wait(until).await,
            Trouble::Rate(_) if is_sabotaged(Sabotage::RetryAfter) => self.wait(now).await,
            Trouble::Rate(pause) => {
                if self.lease.lane.kind == LaneKind::In {
                    self.live.health.heard.slowed(now);
                }
                self.wait(now + pause).await
            }
            Trouble::Denied { side, detail } => self.denied(side, detail).await,
            Trouble::Offline => {
                self.live.health.set_offline(true);
                self.engine.note_outage(self.live, now).await?;
                self.wait(now + OFFLINE_PAUSE).await
            }
            Trouble::Hopeless(why) => {
                self.finish(Done { end: End::Dead(why.reason()), links: Vec::new(), was_attempted: true }, false)
                    .await?;
                self.release().await
            }
            Trouble::Store(error) => Err(error),
            // ours after all when only this process's sign of life came late
            Trouble::LeaseLost => self.release().await,
        }
    }

    async fn release(&self) -> Result<Next, StoreError> {
        match self.engine.store.release(self.lease.clone(), self.engine.clock.now()).await? {
            Recorded::Yes | Recorded::LeaseLost => Ok(Next::Lane),
        }
    }

    async fn failed(&self, failed: Failed) -> Result<Next, StoreError> {
        let now = self.engine.clock.now();
        let breaker = self.live.health.breaker(failed.side);
        if failed.is_outage {
            breaker.failed(now);
        } else {
            breaker.succeeded(now);
        }
        if failed.side == Side::CodeChat
            && let Some(since) = breaker.open_since()
        {
            self.engine.note_outage(self.live, since).await?;
        }
        let labels = Attempted { target: failed.side.as_str(), result: failed.outcome };
        self.engine.metrics.attempts.get_or_create(&labels).inc();
        // what the other side said may repeat the message: that stays in the database
        tracing::warn!(session.id = %self.live.id(), event.id = %self.event.id, lane = self.lease.lane.kind.as_str(),
            target_side = failed.side.as_str(), outcome = failed.outcome, status = failed.status,
            attempt = self.event.attempts + 1, "delivery failed");
        if let Some(end) = self.verdict(&failed, now).await
            && self.end_with(failed.clone(), end).await?
        {
            return Ok(Next::Lane);
        }
        let direction = if self.lease.lane.kind == LaneKind::Out { Direction::Out } else { Direction::In };
        let pause =
            failed.pause.unwrap_or_else(|| pause_after(direction, self.event.attempts + 1, &mut fastrand::Rng::new()));
        self.postpone(now + pause, Some(self.attempt(failed.outcome, Some(&failed)))).await
    }

    fn failing(&self, failed: &Failed) -> Failing {
        Failing {
            first_failed_at: self.event.first_failed_at,
            attempts: self.event.attempts,
            is_outage: failed.is_outage,
            is_inward: self.lease.lane.kind == LaneKind::In,
            is_breaker_open: self.live.health.breaker(failed.side).is_open(),
        }
    }

    /// Why the message is to be given up, if it is.
    async fn verdict(&self, failed: &Failed, now: Timestamp) -> Option<String> {
        let reason = || format!("{}: {}", failed.outcome, failed.detail);
        match self.failing(failed).verdict(now) {
            Verdict::TryAgain => None,
            Verdict::Overdue => Some("gave_up: after 72 hours".to_owned()),
            Verdict::Poison => Some(reason()),
            Verdict::PoisonIfUp => self.engine.answers(self.live, failed.side).await.then(reason),
        }
    }

    /// Carries out the verdict. `false` when the event goes on.
    async fn end_with(&self, failed: Failed, reason: String) -> Result<bool, StoreError> {
        if !self.failing(&failed).has_last_chance(self.engine.clock.now()) {
            return self.bury(&failed, reason).await;
        }
        match self.last_chance().await {
            Ok(done) => {
                if done.end == End::Delivered {
                    self.live.health.breaker(failed.side).succeeded(self.engine.clock.now());
                }
                self.finish_and_release(done).await
            }
            Err(Trouble::Failed(failed)) => self.bury(&failed, reason).await,
            Err(Trouble::Store(error)) => Err(error),
            Err(_) => Ok(false),
        }
    }

    /// One more try, now that the destination is known to be there: an outage may have ended after the attempt before.
    async fn last_chance(&self) -> Result<Done, Trouble> {
        let mut looks = LAST_WORDS;
        loop {
            looks -= 1;
            match deliver(self.engine, self.live.clone(), self.lease, self.event).await {
                Err(Trouble::Wait(until)) if looks > 0 => self.rest_until(until).await,
                result => return result,
            }
        }
    }

    /// Ends a message that cannot be delivered, with something visible in its place. `false` when not even that succeeds yet.
    async fn bury(&self, failed: &Failed, reason: String) -> Result<bool, StoreError> {
        if is_sabotaged(Sabotage::Placeholder) {
            return self
                .finish_and_release(Done { end: End::Dead(reason), links: Vec::new(), was_attempted: true })
                .await;
        }
        let links = match self.show_loss(failed).await {
            Ok(Shown::Loss(links)) => links,
            // it had arrived all the time
            Ok(Shown::Delivery(done)) => return self.finish_and_release(done).await,
            Err(Trouble::Store(error)) => return Err(error),
            Err(Trouble::LeaseLost) => {
                self.release().await?;
                return Ok(true);
            }
            Err(trouble) if self.ends_in_silence(failed, &trouble) => Vec::new(),
            Err(_) => return Ok(false),
        };
        self.finish_and_release(Done { end: End::Dead(reason), links, was_attempted: true }).await
    }

    async fn finish_and_release(&self, done: Done) -> Result<bool, StoreError> {
        if matches!(self.finish(done, false).await?, Next::Event(_)) {
            self.release().await?;
        }
        Ok(true)
    }

    /// Whether the event ends although nothing could be shown in its place.
    fn ends_in_silence(&self, failed: &Failed, trouble: &Trouble) -> bool {
        let why = match trouble {
            Trouble::Wait(_) | Trouble::Rate(_) | Trouble::Denied { .. } | Trouble::Offline => Speechless::Held,
            // a look at CodeChat that could not be had says nothing of the words
            Trouble::Failed(why) if why.side == Side::CodeChat => Speechless::Held,
            Trouble::Failed(why) if why.is_outage => Speechless::Outage,
            Trouble::Failed(_) | Trouble::Hopeless(_) | Trouble::Store(_) | Trouble::LeaseLost => Speechless::Refused,
        };
        let (failing, now) = (self.failing(failed), self.engine.clock.now());
        let others_work = self.live.health.breaker(Side::Chatwoot).has_worked_since(failing.since(now));
        failing.ends_in_silence(why, others_work, now)
    }

    /// Shows that the message could not be delivered; tries more than once, and waits while an attempt before may still take
    /// effect.
    async fn show_loss(&self, failed: &Failed) -> Result<Shown, Trouble> {
        let chatwoot = self.live.health.breaker(Side::Chatwoot);
        let (mut words, mut failure) = (LAST_WORDS, None);
        loop {
            words -= 1;
            let shown = crate::deliver::show_loss(self.engine, self.live.clone(), self.lease, self.event, failed).await;
            let until = match shown {
                Ok(shown) => {
                    chatwoot.succeeded(self.engine.clock.now());
                    return Ok(shown);
                }
                Err(Trouble::Wait(until)) => until,
                Err(Trouble::Failed(why)) if why.is_outage => {
                    failure = Some(why);
                    self.engine.clock.now() + BETWEEN_LAST_WORDS
                }
                Err(trouble) => return Err(trouble),
            };
            if words == 0 {
                // a look at what failed before it says nothing new
                return Err(failure.map_or(Trouble::Wait(until), Trouble::Failed));
            }
            self.rest_until(until).await;
        }
    }

    async fn rest_until(&self, until: Timestamp) {
        while self.engine.clock.now() < until {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// A refused token stops the session, once a second call to something harmless is refused as well.
    async fn denied(&self, side: Side, detail: String) -> Result<Next, StoreError> {
        if self.engine.answers(self.live, side).await {
            let failed = Failed { side, outcome: "denied", status: Some(401), detail, is_outage: false, pause: None };
            return self.failed(failed).await;
        }
        self.engine.pause(self.live, side).await?;
        if self.lease.lane.kind == LaneKind::Desk {
            return self.wait(self.engine.clock.now() + WHILE_DENIED).await;
        }
        self.release().await
    }
}
