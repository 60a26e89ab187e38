//! Wall-clock readings in the forms the two servers print them. All stand-ins of a process live in one time, which can be moved.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::Notify;

static AHEAD_MS: AtomicI64 = AtomicI64::new(0);
static MOVED: Notify = Notify::const_new();

/// Moves the time of all stand-ins of this process ahead.
pub fn advance(by: Duration) {
    AHEAD_MS.fetch_add(millis(by), Ordering::Relaxed);
    MOVED.notify_waiters();
}

/// Waits in the time of the stand-ins: less when it is moved ahead meanwhile.
pub(crate) async fn sleep(duration: Duration) {
    let until = now_ms() + millis(duration);
    loop {
        // made before the look, so that no move in between is missed
        let moved = MOVED.notified();
        let Some(left) = u64::try_from(until - now_ms()).ok().filter(|left| *left > 0) else { return };
        tokio::select! {
            () = moved => {}
            () = tokio::time::sleep(Duration::from_millis(left)) => {}
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_sleeps_is_woken_when_time_moves() {
        let started = std::time::Instant::now();
        let sleeper = tokio::spawn(sleep(Duration::from_hours(1)));
        tokio::task::yield_now().await;
        advance(Duration::from_mins(59));
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        advance(Duration::from_mins(1));
        sleeper.await.unwrap();
        assert!(started.elapsed() < Duration::from_mins(1));
    }
}
