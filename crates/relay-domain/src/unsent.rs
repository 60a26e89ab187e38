//! Agents' messages that are not sent after all, and how much of them was.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::note::Failure;

/// Whether an agent's message has waited longer than it may, and is not sent by itself any more.
pub fn is_stale(received_at: Timestamp, now: Timestamp, ttl: Duration) -> bool {
    now.since(received_at) > ttl
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
}
