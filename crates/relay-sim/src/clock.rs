//! Wall-clock readings in the forms the two servers print them. All stand-ins of a process live in one time, which can be moved.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

static AHEAD_MS: AtomicI64 = AtomicI64::new(0);

/// Moves the time of all stand-ins of this process ahead.
pub fn advance(by: Duration) {
    AHEAD_MS.fetch_add(millis(by), Ordering::Relaxed);
}

/// How far it was moved in all.
pub fn ahead() -> Duration {
    Duration::from_millis(AHEAD_MS.load(Ordering::Relaxed).unsigned_abs())
}

/// Milliseconds since the epoch.
pub fn now_ms() -> i64 {
    millis(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()) + AHEAD_MS.load(Ordering::Relaxed)
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// Seconds since the epoch.
pub(crate) fn now_s() -> i64 {
    now_ms() / 1000
}

/// ISO-8601 in UTC with milliseconds and `Z`.
pub(crate) fn iso(ms: i64) -> String {
    let time = jiff::Timestamp::from_millisecond(ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}
