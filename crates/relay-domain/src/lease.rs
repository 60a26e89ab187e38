//! Whose a lane is: a process shows life, and loses its lanes when it has been silent for too long.
//!
//! Invariant: a process stops posting before another may take its lanes.

use std::time::Duration;

/// How often a process shows life.
pub const BEAT_EVERY: Duration = Duration::from_secs(1);
/// How long its last sign of life lets it post.
pub const POSTS_FOR: Duration = Duration::from_secs(4);
/// A process silent for this long has lost its lanes, in milliseconds.
pub const SILENCE_MS: i64 = 5000;
/// The same as a duration.
pub const LOST_AFTER: Duration = Duration::from_millis(SILENCE_MS.unsigned_abs());

/// Whether a process may still begin to post, this long after its last sign of life was begun.
pub fn may_post(silent_for: Duration) -> bool {
    silent_for < POSTS_FOR
}

/// Whether others may take the lanes of a process, this long after its last sign of life.
pub fn is_lost(silent_for: Duration) -> bool {
    silent_for >= LOST_AFTER
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_posts_once_others_may_take_over() {
        assert!(may_post(BEAT_EVERY));
        assert!(!may_post(POSTS_FOR));
        assert!(!is_lost(POSTS_FOR));
        assert!(is_lost(LOST_AFTER));
    }
}
