//! Agents' messages that are not sent after all, and how much of them was.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::note::Failure;

/// Whether an agent's message is older than it may have become by waiting for the way out.
pub fn is_stale(received_at: Timestamp, now: Timestamp, ttl: Duration) -> bool {
    now.since(received_at) > ttl
}

/// How an agent's message came to wait.
#[derive(Clone, Copy, Debug)]
pub struct Wait {
    /// When it came.
    pub received_at: Timestamp,
    /// Since when messages go out without a break; `None` while they do not, as far as is known.
    pub open_since: Option<Timestamp>,
    /// When this very message was first tried in vain.
    pub failing_since: Option<Timestamp>,
}

impl Wait {
    /// Whether an outage kept it for longer than it may wait, so that it is not sent by itself any more. Our own queue may keep
    /// it as long as it likes.
    pub fn is_too_long(self, now: Timestamp, ttl: Duration) -> bool {
        let way_opened = self.open_since.unwrap_or(now);
        is_stale(self.received_at, way_opened, ttl) || self.failing_since.is_some_and(|since| is_stale(since, now, ttl))
    }
}

/// Whether every part was sent. A message without a part that is written down was not.
pub fn is_whole(sent: usize, of: usize) -> bool {
    of > 0 && sent == of
}

/// Why a message was not sent, with how much of it was.
pub fn partly(why: Failure, sent: usize, of: usize) -> Failure {
    match sent {
        0 => why,
        sent => Failure::Partly { sent, of, why: Box::new(why) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sent_in_part_is_told_in_part() {
        assert_eq!(partly(Failure::Expired, 0, 3), Failure::Expired);
        let told = Failure::Partly { sent: 2, of: 3, why: Box::new(Failure::Expired) };
        assert_eq!(partly(Failure::Expired, 2, 3), told);
        assert!(is_whole(3, 3));
        assert!(!is_whole(2, 3));
        assert!(!is_whole(0, 0), "nothing was ever written down");
    }

    #[test]
    fn a_message_may_wait_as_long_as_it_may_and_no_longer() {
        let (received, ttl) = (Timestamp::from_secs(1000), Duration::from_mins(10));
        assert!(!is_stale(received, received + ttl, ttl));
        assert!(is_stale(received, received + ttl + Duration::from_millis(1), ttl));
    }

    const TTL: Duration = Duration::from_mins(10);

    fn minute(minute: i64) -> Timestamp {
        Timestamp::from_secs(minute * 60)
    }

    fn wait(open_since: Option<i64>, failing_since: Option<i64>) -> Wait {
        let (open_since, failing_since) = (open_since.map(minute), failing_since.map(minute));
        Wait { received_at: minute(0), open_since, failing_since }
    }

    #[test]
    fn an_outage_makes_a_message_old() {
        assert!(!wait(None, None).is_too_long(minute(10), TTL));
        assert!(wait(None, None).is_too_long(minute(11), TTL));
    }

    #[test]
    fn after_an_outage_its_length_counts_and_the_queue_does_not() {
        let too_long = |open_since| wait(Some(open_since), None).is_too_long(minute(1000), TTL);
        assert!(!too_long(-5), "the way was open all the time");
        assert!(!too_long(10));
        assert!(too_long(11));
    }

    #[test]
    fn a_message_that_fails_by_itself_grows_old() {
        let failing = wait(Some(-1), Some(100));
        assert!(!failing.is_too_long(minute(110), TTL));
        assert!(failing.is_too_long(minute(111), TTL));
    }
}
