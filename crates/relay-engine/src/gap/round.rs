//! The rounds of all sessions: begun when due, one at a time per session and direction, by one process at a time.

use std::sync::Arc;
use std::time::Duration;

use relay_domain::Timestamp;
use relay_domain::backoff::Direction;
use relay_fault::{Sabotage, is_sabotaged};
use relay_store::{BeginSweep, Begun, Cursor, Progress, SaveSweep, SessionState, StoreError};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Swept;
use crate::Engine;
use crate::disk::Room;
use crate::metrics::Flow;
use crate::sessions::Live;
use crate::trouble::{Side, Trouble};

/// How often it is seen to whether a round is due.
const TICK: Duration = Duration::from_millis(300);
/// Time between sweeps of what WhatsApp told.
const EVERY_IN: Duration = Duration::from_mins(5);
/// The same where webhooks are not believed: what they did not tell is to come within half a minute.
const EVERY_IN_STRICT: Duration = Duration::from_secs(20);
/// Time between sweeps of what agents wrote.
const EVERY_OUT: Duration = Duration::from_mins(1);
/// Time to the next sweep when some of what was seen was too young.
const EARLY: Duration = Duration::from_secs(15);
/// How long a sweep belongs to the process that said last that it is under way.
pub(super) const OURS_FOR: Duration = Duration::from_mins(1);
/// Time to the next try after one failed, and the longest such time.
const AFTER_FAILURE: Duration = Duration::from_secs(15);
const LONGEST_PAUSE: Duration = Duration::from_mins(5);

impl Engine {
    /// Looks for gaps until told to stop.
    pub(crate) async fn keep_gaps(self: Arc<Self>, stop: CancellationToken) {
        let rounds = TaskTracker::new();
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                () = sleep(TICK) => {}
            }
            for live in self.sessions.all() {
                for way in [Direction::In, Direction::Out] {
                    self.begin_round(&live, way, &rounds, &stop);
                }
            }
        }
        rounds.close();
        rounds.wait().await;
    }

    fn begin_round(self: &Arc<Self>, live: &Arc<Live>, way: Direction, rounds: &TaskTracker, stop: &CancellationToken) {
        // without room nothing that is found could be stored
        let is_hindered = self.room() == Room::Gone || is_sabotaged(Sabotage::GapRecovery);
        if live.session.state != SessionState::Active || is_hindered {
            return;
        }
        let side = match way {
            Direction::In => Side::CodeChat,
            Direction::Out => Side::Chatwoot,
        };
        if live.health.breaker(side).keeps_away(self.clock.now()) {
            return;
        }
        let Some(at_once) = live.health.gaps.course(way).begin(self.clock.now()) else { return };
        let (engine, live, stop) = (self.clone(), live.clone(), stop.clone());
        rounds.spawn(async move {
            // what was done is noted page by page, so nothing is lost by stopping in between
            tokio::select! {
                () = stop.cancelled() => {}
                () = engine.round_of(&live, way, at_once) => {}
            }
        });
    }

    async fn round_of(&self, live: &Live, way: Direction, at_once: bool) {
        let course = live.health.gaps.course(way);
        match self.try_round(live, way, at_once).await {
            Ok(next_at) => course.end(next_at),
            Err(trouble) => {
                tracing::warn!(session.id = %live.id(), way = way.as_str(), why = word_of(&trouble), "gap recovery was hindered");
                let pause = |failures| AFTER_FAILURE.saturating_mul(failures).min(LONGEST_PAUSE);
                course.fail(at_once, self.clock.now(), pause);
            }
        }
    }

    /// One round; returns when the next is due.
    async fn try_round(&self, live: &Live, way: Direction, at_once: bool) -> Result<Timestamp, Trouble> {
        let now = self.clock.now();
        let begin = BeginSweep {
            session: live.id().clone(),
            way,
            now,
            until: now + OURS_FOR,
            at_once,
            created_at: live.session.created_at,
        };
        let cursor = match self.store.begin_sweep(begin).await? {
            Begun::Yes(cursor) => cursor,
            Begun::NotBefore(due) => return Ok(due),
            Begun::NoSession => return Ok(now + EVERY_IN),
        };
        let swept = match way {
            Direction::In => self.sweep_in(live, cursor).await?,
            Direction::Out => self.sweep_out(live, cursor).await?,
        };
        let now = self.clock.now();
        Ok(match swept {
            Swept::Partly => now,
            Swept::Complete { is_early: true } => now + EARLY,
            Swept::Complete { is_early: false } => now + every(live, way),
        })
    }

    /// Notes how far a sweep has come; it stays ours for a while.
    pub(super) async fn save_progress(&self, live: &Live, way: Direction, cursor: Cursor) -> Result<(), StoreError> {
        let due_at = self.clock.now() + OURS_FOR;
        self.store.save_sweep(SaveSweep { session: live.id().clone(), way, cursor, due_at }).await
    }

    /// Leaves the rest of a sweep to whoever begins the next round.
    pub(super) async fn yield_sweep(&self, live: &Live, way: Direction, cursor: Cursor) -> Result<(), StoreError> {
        let due_at = self.clock.now();
        self.store.save_sweep(SaveSweep { session: live.id().clone(), way, cursor, due_at }).await
    }

    /// Notes that a sweep is complete.
    pub(super) async fn save_complete(
        &self,
        live: &Live,
        way: Direction,
        cursor: Cursor,
        is_early: bool,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        let due_at = now + if is_early { EARLY } else { every(live, way) };
        let cursor = Cursor { completed_at: Some(now), progress: Progress::default(), ..cursor };
        self.store.save_sweep(SaveSweep { session: live.id().clone(), way, cursor, due_at }).await?;
        let flow = Flow { session: live.name().to_owned(), direction: way.as_str() };
        self.metrics.swept_at.get_or_create(&flow).set(now.as_secs());
        Ok(())
    }
}

fn every(live: &Live, way: Direction) -> Duration {
    match way {
        Direction::In if live.session.settings.strict => EVERY_IN_STRICT,
        Direction::In => EVERY_IN,
        Direction::Out => EVERY_OUT,
    }
}

/// Why, for the log: what the other side said may repeat a message.
fn word_of(trouble: &Trouble) -> &'static str {
    match trouble {
        Trouble::Failed(failed) => failed.outcome,
        Trouble::Wait(_) | Trouble::Rate(_) => "slow_down",
        Trouble::Denied { .. } => "denied",
        Trouble::Offline => "not_connected",
        Trouble::Hopeless(_) => "hopeless",
        Trouble::Store(_) => "store",
        Trouble::LeaseLost => "lease_lost",
    }
}
