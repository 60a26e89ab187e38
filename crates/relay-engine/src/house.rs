//! Housekeeping: numbers for operators, sessions read anew, expired files, old bodies and old events removed.

use std::sync::Arc;
use std::time::Duration;

use relay_store::{StoreError, Tally};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::Engine;

const EVERY: Duration = Duration::from_secs(5);
/// Rounds between two questions whether a refused token works again: a minute.
const PROBE_EVERY: u64 = 12;
/// Rounds between two looks for files left behind: an hour.
const SWEEP_EVERY: u64 = 720;
/// How long bodies of delivered and ignored events are kept.
const KEEP_DONE: Duration = Duration::from_hours(168);
/// How long bodies of dead and expired events are kept.
const KEEP_DEAD: Duration = Duration::from_hours(2160);
/// How long delivered and ignored events are kept, and with them the keys by which copies are known (R5): 30 days.
const KEEP_EVENTS: Duration = Duration::from_hours(720);
/// How long is kept what messages are on both sides, which answers, receipts, reactions and deletions need: 180 days. It also makes
/// a copy that comes after its event was removed harmless.
const KEEP_LINKS: Duration = Duration::from_hours(4320);
/// Portions removed in one round at most.
const PORTIONS: usize = 10;

impl Engine {
    pub(crate) async fn keep_house(self: Arc<Self>, stop: CancellationToken) {
        for round in 0u64.. {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = sleep(EVERY) => {}
            }
            if let Err(error) = self.round(round).await {
                tracing::error!(%error, "housekeeping failed");
            }
        }
    }

    async fn round(&self, round: u64) -> Result<(), StoreError> {
        self.sessions.refresh().await?;
        self.count_workers().await?;
        if round.is_multiple_of(PROBE_EVERY) {
            self.probe_paused().await?;
        }
        if round.is_multiple_of(SWEEP_EVERY) {
            self.sweep().await?;
        }
        self.look_for_doubles().await?;
        let now = self.clock.now();
        for name in self.store.withdraw_expired(now).await? {
            if let Err(error) = tokio::fs::remove_file(self.spool.file(&name)).await {
                tracing::debug!(%error, "an expired file was gone already");
            }
        }
        self.store.purge(now - KEEP_DONE, now - KEEP_DEAD).await?;
        for _ in 0..PORTIONS {
            if !self.store.prune(now - KEEP_EVENTS, now - KEEP_LINKS).await?.is_full() {
                break;
            }
        }
        Ok(())
    }

    /// Removes files that interrupted deliveries left behind.
    async fn sweep(&self) -> Result<(), StoreError> {
        let mut needed = self.store.offered_paths().await?;
        needed.extend(self.fetched.names(self.clock.now()));
        match self.spool.sweep(&needed) {
            Ok(0) => {}
            Ok(files) => tracing::info!(files, "files of interrupted deliveries were removed"),
            Err(error) => tracing::warn!(%error, "the spool could not be swept"),
        }
        Ok(())
    }

    /// Counts all events and keeps the result for the metrics.
    pub async fn take_stock(&self) -> Result<Tally, StoreError> {
        let tally = self.store.tally().await?;
        let age = self.store.oldest_pending().await?.map(|oldest| self.clock.now().since(oldest));
        self.metrics.pending.set(tally.pending);
        self.metrics.oldest_pending.set(age.unwrap_or_default().as_secs_f64());
        self.metrics.conservation_error.set(tally.conservation_error());
        self.count_dead_letters().await?;
        Ok(tally)
    }
}
