//! Giving lanes to tasks: no more at once than there are permits, no session more than its share.
//!
//! A wake-up only makes it faster; a look at the store every [`POLL`] would find the same work.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::time::Duration;

use relay_domain::id::SessionId;
use relay_domain::lease::BEAT_EVERY;
use relay_store::Lease;
use tokio::sync::Notify;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::{Engine, profile};

/// The longest time between two looks.
const POLL: Duration = Duration::from_millis(500);
/// The shortest: arrivals within it are claimed together.
const TICK: Duration = Duration::from_millis(10);

/// Lanes at work in this process, by session, each as the mark of its lease.
#[derive(Debug, Default)]
pub(crate) struct AtWork {
    lanes: Mutex<HashMap<SessionId, HashSet<String>>>,
    /// Those that others may have taken while this process was silent.
    lost: Mutex<HashSet<String>>,
    freed: Notify,
}

impl AtWork {
    fn begin(&self, lease: &Lease) {
        let mut lanes = self.lanes.lock().expect("nothing panics while counting lanes");
        lanes.entry(lease.lane.session.clone()).or_default().insert(lease.mark());
    }

    fn end(&self, lease: &Lease) {
        let mut lanes = self.lanes.lock().expect("nothing panics while counting lanes");
        if let Some(marks) = lanes.get_mut(&lease.lane.session) {
            marks.remove(&lease.mark());
            if marks.is_empty() {
                lanes.remove(&lease.lane.session);
            }
        }
        drop(lanes);
        self.lost.lock().expect("nothing panics while counting lanes").remove(&lease.mark());
        self.freed.notify_one();
    }

    /// Gives up all lanes at work: this process was silent for so long that others may have them.
    fn lose_all(&self) {
        let lanes = self.lanes.lock().expect("nothing panics while counting lanes");
        self.lost.lock().expect("nothing panics while counting lanes").extend(lanes.values().flatten().cloned());
    }

    /// Whether a lease is from before a silence.
    pub(crate) fn is_lost(&self, lease: &Lease) -> bool {
        let lost = self.lost.lock().expect("nothing panics while counting lanes");
        !lost.is_empty() && lost.contains(&lease.mark())
    }

    fn total(&self) -> usize {
        self.lanes.lock().expect("nothing panics while counting lanes").values().map(HashSet::len).sum()
    }

    fn marks(&self) -> String {
        let lanes = self.lanes.lock().expect("nothing panics while counting lanes");
        lanes.values().flatten().cloned().collect::<Vec<_>>().join(" ")
    }

    fn saturated(&self, share: usize) -> Vec<SessionId> {
        let lanes = self.lanes.lock().expect("nothing panics while counting lanes");
        lanes.iter().filter(|(_, marks)| marks.len() >= share).map(|(session, _)| session.clone()).collect()
    }
}

impl Engine {
    /// Works until told to stop, then waits for what is in hand.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let lanes = TaskTracker::new();
        let background = TaskTracker::new();
        background.spawn(self.clone().beat(stop.clone()));
        background.spawn(self.clone().keep_room(stop.clone()));
        background.spawn(self.clone().keep_house(stop.clone()));
        background.spawn(self.clone().keep_hooks(stop.clone()));
        background.spawn(self.clone().keep_connections(stop.clone()));
        if self.config.gap_recovery {
            background.spawn(self.clone().keep_gaps(stop.clone()));
        }
        background.spawn(self.clone().keep_reading(stop.clone()));
        background.spawn(self.clone().keep_typing(stop.clone()));
        for _ in 0..profile::WORKERS {
            background.spawn(self.clone().keep_profiles(stop.clone()));
        }
        while !stop.is_cancelled() {
            let pause = self.claim_and_spawn(&lanes, &stop).await;
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                () = self.wait_for_work(pause) => {}
            }
        }
        lanes.close();
        lanes.wait().await;
        background.close();
        background.wait().await;
    }

    async fn wait_for_work(&self, pause: Duration) {
        sleep(TICK).await;
        tokio::select! {
            () = self.store.arrived().notified() => {}
            () = self.at_work.freed.notified() => {}
            () = sleep(pause) => {}
        }
    }

    /// Claims what is due; returns how long there is nothing to do.
    async fn claim_and_spawn(self: &Arc<Self>, lanes: &TaskTracker, stop: &CancellationToken) -> Duration {
        let free = self.config.lanes.saturating_sub(self.at_work.total());
        // a lane claimed in silence may be somebody else's the next moment
        if free == 0 || !self.pulse.may_post() {
            return POLL;
        }
        self.join_chats().await;
        let saturated = self.at_work.saturated(self.config.lanes_per_session);
        let limit = u32::try_from(free.min(self.config.lanes_per_session)).unwrap_or(u32::MAX);
        let leases = match self.store.claim(self.clock.now(), limit, saturated.clone(), self.at_work.marks()).await {
            Ok(leases) => leases,
            Err(error) => {
                tracing::error!(%error, "lanes could not be claimed");
                return POLL;
            }
        };
        let is_more = leases.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
        for lease in leases {
            self.spawn(lease, lanes, stop);
        }
        if is_more { Duration::ZERO } else { self.until_next_due(&saturated).await }
    }

    /// Joins chats whose lanes have become free. Here, between two claims, all leases of this process are known to be at work.
    async fn join_chats(&self) {
        if !self.chats_to_join.swap(false, Ordering::Relaxed) {
            return;
        }
        match self.store.join_chats(self.at_work.marks()).await {
            Ok(0) => {}
            Ok(_) => self.chats.forget(),
            Err(error) => tracing::error!(%error, "chats of one person could not be joined"),
        }
    }

    fn spawn(self: &Arc<Self>, lease: Lease, lanes: &TaskTracker, stop: &CancellationToken) {
        let engine = self.clone();
        let stop = stop.clone();
        self.at_work.begin(&lease);
        lanes.spawn(async move {
            let session = lease.lane.session.clone();
            // a panic in a lane must neither stop the process nor keep the lane
            let worked = tokio::spawn(crate::lane::work(engine.clone(), lease.clone(), stop)).await;
            if let Err(error) = worked {
                tracing::error!(session.id = %session, %error, "a lane task panicked");
                if let Err(error) = engine.store.release(lease.clone(), engine.clock.now()).await {
                    tracing::error!(session.id = %session, %error, "a lane could not be given back");
                }
            }
            engine.at_work.end(&lease);
        });
    }

    async fn until_next_due(&self, saturated: &[SessionId]) -> Duration {
        match self.store.next_due(saturated).await {
            Ok(Some(due)) => due.since(self.clock.now()).min(POLL),
            Ok(None) => POLL,
            Err(error) => {
                tracing::error!(%error, "the next event could not be looked up");
                POLL
            }
        }
    }

    /// Beats; what was at work before a silence is not taken up again, although the silence ends.
    async fn show_life(&self) {
        if !self.pulse.may_post() {
            self.at_work.lose_all();
        }
        self.pulse.beat(&self.store).await;
    }

    async fn beat(self: Arc<Self>, stop: CancellationToken) {
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = sleep(BEAT_EVERY) => self.show_life().await,
            }
            match self.store.has_chats_to_join().await {
                Ok(true) => {
                    self.chats_to_join.store(true, Ordering::Relaxed);
                    self.at_work.freed.notify_one();
                }
                Ok(false) => {}
                Err(error) => tracing::error!(%error, "chats to join could not be looked for"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use relay_domain::id::{ChatKey, LeaseToken};
    use relay_store::{Lane, LaneKind};

    use super::*;

    #[test]
    fn a_lease_from_before_a_silence_stays_lost() {
        let lane = Lane { session: SessionId::new("s"), kind: LaneKind::In, chat: ChatKey::new("c") };
        let lease = |token| Lease { lane: lane.clone(), token, done_to: 0 };
        let [before, after] = [LeaseToken::generate(), LeaseToken::generate()].map(lease);
        let at_work = AtWork::default();
        at_work.begin(&before);
        assert!(!at_work.is_lost(&before));
        at_work.lose_all();
        at_work.begin(&after);
        assert!(at_work.is_lost(&before), "others may have it");
        assert!(!at_work.is_lost(&after), "it was claimed since");
        at_work.end(&before);
        assert!(!at_work.is_lost(&before), "nothing is remembered of what is over");
    }
}
