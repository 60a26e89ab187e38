//! The database, and what waits in it.

use std::collections::BTreeMap;
use std::time::Duration;

use relay_store::DeadFilter;

use super::words::store as words;
use super::{Check, Visit};

/// How long something may wait before that is worth a look.
const PATIENCE: Duration = Duration::from_mins(5);
/// How many reasons are named.
const REASONS: usize = 3;

impl Visit<'_> {
    pub(super) async fn store(&self) {
        let looked = self.engine.store.checkup(self.is_deep).await;
        let database = looked.map_or(words::Database::Unreadable, words::Database::Looked);
        self.note(Check::Database, None, database.say(self.locale));
        let workers = self.engine.store.living_workers().await.unwrap_or(0);
        self.note(Check::Processes, None, words::Processes(workers).say(self.locale));
        let Ok(tally) = self.engine.take_stock().await else { return };
        let balance = match tally.conservation_error() {
            0 => words::Balance::Even(tally.received),
            by => words::Balance::Off(by),
        };
        self.note(Check::Balance, None, balance.say(self.locale));
        let oldest = Duration::try_from_secs_f64(self.engine.metrics.oldest_pending.get()).unwrap_or_default();
        let waiting = if oldest > PATIENCE {
            words::Waiting::Long { count: tally.pending, oldest }
        } else {
            words::Waiting::Little { count: tally.pending, oldest }
        };
        self.note(Check::Waiting, None, waiting.say(self.locale));
        self.note(Check::Dead, None, self.dead().await.say(self.locale));
    }

    async fn dead(&self) -> words::Dead {
        let groups = self.engine.store.dead_groups(&DeadFilter::default()).await.unwrap_or_default();
        let count: i64 = groups.iter().map(|group| group.count).sum();
        if count == 0 {
            return words::Dead::None;
        }
        let mut by_reason = BTreeMap::<String, i64>::new();
        for group in groups {
            *by_reason.entry(group.reason).or_default() += group.count;
        }
        let mut reasons: Vec<_> = by_reason.into_iter().collect();
        reasons.sort_by_key(|(_, count)| -count);
        let reasons = reasons.into_iter().take(REASONS).map(|(reason, count)| format!("{reason} {count}")).collect();
        words::Dead::Some { count, reasons }
    }
}
