//! Agents' messages that are not sent after all, and how much of them was.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::note::Failure;

/// Whether an agent's message is older than it may have become by waiting for the way out.
pub fn is_stale(received_at: Timestamp, now: Timestamp, ttl: Duration) -> bool {
    now.since(received_at) > ttl
}

/// A time in which a session's messages could not go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outage {
    /// When that began.
    pub began_at: Timestamp,
    /// When they could again; `None` while they cannot.
    pub ended_at: Option<Timestamp>,
}

/// How an agent's message came to wait.
#[derive(Clone, Copy, Debug)]
pub struct Wait<'a> {
    /// When it came.
    pub received_at: Timestamp,
    /// When messages could not go out meanwhile, in any order.
    pub outages: &'a [Outage],
    /// When this very message was first tried in vain.
    pub failing_since: Option<Timestamp>,
}

impl Wait<'_> {
    /// Whether outages kept it for longer than it may wait, so that it is not sent by itself any more. Our own queue may keep
    /// it as long as it likes.
    pub fn is_too_long(&self, now: Timestamp, ttl: Duration) -> bool {
        self.kept_by_outages(now) > ttl || self.failing_since.is_some_and(|since| is_stale(since, now, ttl))
    }

    /// For how long outages kept it; processes that saw the same one count once.
    fn kept_by_outages(&self, now: Timestamp) -> Duration {
        let span = |outage: &Outage| (outage.began_at.max(self.received_at), outage.ended_at.unwrap_or(now));
        let mut spans: Vec<_> = self.outages.iter().map(span).collect();
        spans.sort_unstable();
        let (mut kept, mut counted_to) = (Duration::ZERO, self.received_at);
        for (began_at, ended_at) in spans {
            kept += ended_at.since(began_at.max(counted_to));
            counted_to = counted_to.max(ended_at);
        }
        kept
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

    fn outage(began_at: i64, ended_at: Option<i64>) -> Outage {
        Outage { began_at: minute(began_at), ended_at: ended_at.map(minute) }
    }

    fn wait(outages: &[Outage]) -> Wait<'_> {
        Wait { received_at: minute(0), outages, failing_since: None }
    }

    #[test]
    fn an_outage_makes_a_message_old() {
        for began_at in [-100, 0] {
            let lasting = [outage(began_at, None)];
            assert!(!wait(&lasting).is_too_long(minute(10), TTL));
            assert!(wait(&lasting).is_too_long(minute(11), TTL));
        }
    }

    #[test]
    fn the_length_of_outages_counts_and_the_queue_does_not() {
        let too_long = |outages: &[Outage]| wait(outages).is_too_long(minute(1000), TTL);
        assert!(!too_long(&[]), "the way was open all the time");
        assert!(!too_long(&[outage(-100, Some(-1))]), "it was over before");
        assert!(!too_long(&[outage(-5, Some(10))]));
        assert!(too_long(&[outage(-5, Some(11))]));
        assert!(!too_long(&[outage(500, Some(502))]), "a brief one, long after");
        assert!(!too_long(&[outage(2000, None)]), "the clock was set back");
    }

    #[test]
    fn several_outages_count_together_and_the_same_counts_once() {
        let too_long = |outages: &[Outage]| wait(outages).is_too_long(minute(1000), TTL);
        assert!(too_long(&[outage(20, Some(26)), outage(10, Some(16))]));
        assert!(!too_long(&[outage(10, Some(16)), outage(11, Some(17)), outage(12, Some(13))]));
    }

    #[test]
    fn a_message_that_fails_by_itself_grows_old() {
        let failing = Wait { failing_since: Some(minute(100)), ..wait(&[]) };
        assert!(!failing.is_too_long(minute(110), TTL));
        assert!(failing.is_too_long(minute(111), TTL));
    }
}
