//! When one direction of a session is looked at next, as this process sees it.

use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use relay_domain::Timestamp;

/// When to look next.
#[derive(Debug, Default)]
pub(crate) struct Course(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    has_begun: bool,
    is_running: bool,
    is_wanted: bool,
    next_at: Timestamp,
    failures: u32,
}

impl Course {
    /// Begins a round when one is due; `Some(true)` when it is not to wait for its time: the first of this process, and one that
    /// something called for.
    pub(super) fn begin(&self, now: Timestamp) -> Option<bool> {
        let mut state = self.lock();
        let at_once = state.is_wanted || !state.has_begun;
        let is_resting = state.failures > 0 || !at_once;
        if state.is_running || (is_resting && now < state.next_at) {
            return None;
        }
        *state = State { has_begun: true, is_running: true, is_wanted: false, ..*state };
        Some(at_once)
    }

    /// The round is over, and the next due then.
    pub(super) fn end(&self, next_at: Timestamp) {
        let mut state = self.lock();
        *state = State { is_running: false, next_at, failures: 0, ..*state };
    }

    /// The round failed; what called for it is not forgotten. `pause` tells how long to rest after so many failures in a row.
    pub(super) fn fail(&self, at_once: bool, now: Timestamp, pause: impl FnOnce(u32) -> Duration) {
        let mut state = self.lock();
        // called for meanwhile: what stood in the way may be gone
        let failures = if state.is_wanted { 0 } else { state.failures.saturating_add(1) };
        let is_wanted = state.is_wanted || at_once;
        *state = State { is_running: false, is_wanted, next_at: now + pause(failures), failures, ..*state };
    }

    /// Something may have been missed.
    pub(super) fn want(&self) {
        let mut state = self.lock();
        state.is_wanted = true;
        state.failures = 0;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("nothing panics while holding a course")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_round_and_wanted_ones_do_not_wait() {
        let (course, now) = (Course::default(), Timestamp::from_secs(100));
        assert_eq!(course.begin(now), Some(true));
        assert_eq!(course.begin(now), None, "one at a time");
        course.want();
        course.end(Timestamp::from_secs(400));
        assert_eq!(course.begin(now), Some(true), "called for while the one before was under way");
        course.end(Timestamp::from_secs(400));
        assert_eq!(course.begin(Timestamp::from_secs(399)), None);
        assert_eq!(course.begin(Timestamp::from_secs(400)), Some(false));
        let fail =
            |pause| course.fail(false, Timestamp::from_secs(400), |failures| Duration::from_secs(pause) * failures);
        fail(100);
        assert_eq!(course.begin(Timestamp::from_secs(499)), None);
        assert_eq!(course.begin(Timestamp::from_secs(500)), Some(false));
        fail(100);
        assert_eq!(course.begin(Timestamp::from_secs(599)), None, "it rests longer each time");
        course.want();
        assert_eq!(course.begin(Timestamp::from_secs(500)), Some(true), "unless it is called for anew");
        course.fail(true, Timestamp::from_secs(400), |_| Duration::from_secs(100));
        assert_eq!(course.begin(Timestamp::from_secs(499)), None);
        assert_eq!(course.begin(Timestamp::from_secs(500)), Some(true), "what called for it is not forgotten");
    }
}
