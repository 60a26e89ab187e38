//! What one conversion may use, and the running account of what it has used.
//!
//! Cast: [`Limits`] is configuration; [`Budget`] belongs to one conversion and is asked every few packets.
//! Invariant: a conversion that keeps asking its budget stops soon after any limit is passed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::error::AudioError;

/// Bounds on every conversion and on how many run at once.
#[derive(Debug, Clone)]
pub struct Limits {
    /// The largest input file in bytes.
    pub input_bytes: u64,
    /// The largest converted file in bytes.
    pub output_bytes: usize,
    /// The longest recording, judged by its header before and by decoded samples during the work.
    pub duration: Duration,
    /// The wall time that even the shortest recording is given.
    pub min_wall: Duration,
    /// A recording of length `d` is given at least `d / min_speed` of wall time.
    pub min_speed: u32,
    /// How many conversions run at once.
    pub concurrency: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            input_bytes: 32 << 20,
            output_bytes: 64 << 20,
            duration: Duration::from_hours(1),
            min_wall: Duration::from_secs(10),
            min_speed: 20,
            concurrency: std::thread::available_parallelism().map_or(1, usize::from),
        }
    }
}

impl Limits {
    /// The wall time that a recording of this length may take.
    pub(crate) fn wall(&self, recording: Duration) -> Duration {
        self.min_wall.max(recording / self.min_speed.max(1))
    }
}

/// The running account of one conversion.
#[derive(Debug)]
pub(crate) struct Budget {
    limits: Limits,
    started: Instant,
    cancelled: Arc<AtomicBool>,
    claimed_ms: AtomicU64,
}

impl Budget {
    /// Starts the clock; `cancelled` may be raised from outside at any time.
    pub(crate) fn start(limits: Limits, cancelled: Arc<AtomicBool>) -> Self {
        Self { limits, started: Instant::now(), cancelled, claimed_ms: AtomicU64::new(0) }
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Fails when the time is over or nobody waits for the result any more.
    pub(crate) fn check(&self) -> Result<(), AudioError> {
        if self.cancelled.load(Ordering::Relaxed) {
            return Err(AudioError::Cancelled);
        }
        let claimed = Duration::from_millis(self.claimed_ms.load(Ordering::Relaxed));
        if self.started.elapsed() > self.limits.wall(claimed) {
            return Err(AudioError::TimedOut);
        }
        Ok(())
    }

    /// Records that the recording lasts at least `samples` at `rate`, by its header or by what came out of it.
    pub(crate) fn claim(&self, samples: u64, rate: u32) -> Result<(), AudioError> {
        let length_ms = millis(samples, rate);
        if u128::from(length_ms) > self.limits.duration.as_millis() {
            return Err(AudioError::TooLong { limit: self.limits.duration });
        }
        self.claimed_ms.fetch_max(length_ms, Ordering::Relaxed);
        Ok(())
    }

    /// Fails when the converted file has grown too large.
    pub(crate) fn check_output(&self, bytes: usize) -> Result<(), AudioError> {
        if bytes > self.limits.output_bytes {
            return Err(AudioError::OutputTooLarge { limit: self.limits.output_bytes });
        }
        Ok(())
    }
}

/// The length of `samples` at `rate` in whole milliseconds, rounded to the nearest.
pub(crate) fn millis(samples: u64, rate: u32) -> u64 {
    let rate = u128::from(rate.max(1));
    let rounded = (u128::from(samples) * 1000 + rate / 2) / rate;
    u64::try_from(rounded).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(limits: Limits) -> Budget {
        Budget::start(limits, Arc::default())
    }

    #[test]
    fn wall_time_follows_the_recording() {
        let limits = Limits::default();
        assert_eq!(limits.wall(Duration::from_secs(3)), Duration::from_secs(10));
        assert_eq!(limits.wall(Duration::from_hours(1)), Duration::from_mins(3));
    }

    #[test]
    fn claims_longer_than_the_limit_are_refused() {
        let budget = budget(Limits { duration: Duration::from_secs(2), ..Limits::default() });
        assert!(budget.claim(32_000, 16_000).is_ok());
        assert!(matches!(budget.claim(32_016, 16_000), Err(AudioError::TooLong { .. })));
        assert!(matches!(budget.claim(u64::MAX, 1), Err(AudioError::TooLong { .. })));
    }

    #[test]
    fn a_spent_or_cancelled_budget_says_so() {
        let spent = budget(Limits { min_wall: Duration::ZERO, ..Limits::default() });
        assert!(matches!(spent.check(), Err(AudioError::TimedOut)));
        let flag = Arc::new(AtomicBool::new(false));
        let dropped = Budget::start(Limits::default(), Arc::clone(&flag));
        assert!(dropped.check().is_ok());
        flag.store(true, Ordering::Relaxed);
        assert!(matches!(dropped.check(), Err(AudioError::Cancelled)));
    }
}
