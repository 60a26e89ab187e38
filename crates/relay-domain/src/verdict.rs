//! What a failed delivery leads to: another try, or the end with something visible in the message's place.
//!
//! A message is poison when it fails while its destination takes others: it may hold up its lane for [`POISON_AFTER`]. While the
//! destination is down it waits, up to [`GIVE_UP_AFTER`].

use std::time::Duration;

use crate::backoff::{Direction, GIVE_UP_AFTER, POISON_AFTER, pause_after};
use crate::clock::Timestamp;

/// How long an out lane waits before it asks again whether the phone is connected.
pub const OFFLINE_PAUSE: Duration = Duration::from_secs(10);
/// How long after the first time a number is asked about again before it counts as having no WhatsApp.
pub const ASK_AGAIN: Duration = Duration::from_secs(30);
/// Attempts at showing that a message could not be delivered, before its lane goes on without.
pub const LAST_WORDS: usize = 4;
/// The pause between two of them while the destination fails.
pub const BETWEEN_LAST_WORDS: Duration = Duration::from_secs(2);
/// How long they may take, and the last chance before them.
const LAST_WORDS_TAKE: Duration = Duration::from_secs(35);

/// A message whose delivery has just failed.
#[derive(Clone, Copy, Debug)]
pub struct Failing {
    /// When its first attempt failed; `None` when this was it.
    pub first_failed_at: Option<Timestamp>,
    /// Attempts that failed before this one.
    pub attempts: u32,
    /// Whether the failure says something about the destination as a whole.
    pub is_outage: bool,
    /// Whether a placeholder in Chatwoot can stand for it: a message of a customer.
    pub is_inward: bool,
    /// Whether calls are being kept away from the destination that failed.
    pub is_breaker_open: bool,
}

/// What is to be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is tried again after a pause.
    TryAgain,
    /// It is poison if the destination answers something simple now; otherwise it is tried again.
    PoisonIfUp,
    /// It is poison.
    Poison,
    /// It was tried for as long as anything is.
    Overdue,
}

/// Why nothing could be put in the place of a message that is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speechless {
    /// Words have to wait: for a look, a rate limit, a token, a phone.
    Held,
    /// Chatwoot is not there, or fails.
    Outage,
    /// Chatwoot refused them.
    Refused,
}

impl Failing {
    /// Whether the message has had its chances: a short while when the destination takes others, days when it is down.
    pub fn verdict(&self, now: Timestamp) -> Verdict {
        if self.is_overdue(now) {
            return Verdict::Overdue;
        }
        // the next try would come too late for a lane that others wait in, with what the last words may take
        let next = pause_after(Direction::In, self.attempts + 1, &mut fastrand::Rng::with_seed(0));
        if now.since(self.since(now)) + next.mul_f64(1.25) + LAST_WORDS_TAKE < POISON_AFTER {
            return Verdict::TryAgain;
        }
        // towards Chatwoot the placeholder will tell; elsewhere, whether others get through
        if !self.is_inward && self.is_breaker_open {
            return Verdict::TryAgain;
        }
        if self.is_outage { Verdict::PoisonIfUp } else { Verdict::Poison }
    }

    /// When it began to fail.
    pub fn since(&self, now: Timestamp) -> Timestamp {
        self.first_failed_at.unwrap_or(now)
    }

    /// Whether it was tried for as long as anything is.
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        now.since(self.since(now)) >= GIVE_UP_AFTER
    }

    /// Whether one more try is due before it is given up: an outage may have ended after the attempt before.
    pub fn has_last_chance(&self, now: Timestamp) -> bool {
        self.is_outage && !self.is_overdue(now)
    }

    /// Whether it ends although nothing could be put in its place. `others_work` says whether the destination took other
    /// messages since this one began to fail. An agent's message is never given up while its bubble cannot say so.
    pub fn ends_in_silence(&self, why: Speechless, others_work: bool, now: Timestamp) -> bool {
        let is_alone_in_failing = self.is_inward && others_work;
        self.is_overdue(now)
            || match why {
                Speechless::Held => false,
                Speechless::Outage => is_alone_in_failing,
                // the chat itself is out of order: the dead letter is all there is
                Speechless::Refused => true,
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_secs(1000);

    fn failing(attempts: u32, is_outage: bool) -> Failing {
        Failing { first_failed_at: Some(START), attempts, is_outage, is_inward: true, is_breaker_open: false }
    }

    #[test]
    fn a_message_that_fails_alone_ends_within_two_minutes() {
        let mut now = START;
        let mut attempts = 0;
        while failing(attempts, false).verdict(now) == Verdict::TryAgain {
            attempts += 1;
            now = now + pause_after(Direction::In, attempts, &mut fastrand::Rng::with_seed(7));
        }
        assert_eq!(failing(attempts, false).verdict(now), Verdict::Poison);
        assert!(attempts >= 4, "several chances");
        assert!(now.since(START) + LAST_WORDS_TAKE < POISON_AFTER);
    }

    #[test]
    fn an_outage_is_no_poison_before_the_destination_is_asked() {
        let later = START + POISON_AFTER;
        assert_eq!(failing(6, true).verdict(later), Verdict::PoisonIfUp);
        assert_eq!(failing(6, true).verdict(START + GIVE_UP_AFTER), Verdict::Overdue);
        let outward = Failing { is_inward: false, is_breaker_open: true, ..failing(6, false) };
        assert_eq!(outward.verdict(later), Verdict::TryAgain);
    }

    #[test]
    fn a_message_ends_in_silence_only_where_nothing_can_be_said() {
        let later = START + POISON_AFTER;
        let inward = failing(6, true);
        assert!(!inward.ends_in_silence(Speechless::Held, true, later));
        assert!(!inward.ends_in_silence(Speechless::Outage, false, later));
        assert!(inward.ends_in_silence(Speechless::Outage, true, later));
        assert!(inward.ends_in_silence(Speechless::Refused, false, later));
        let outward = Failing { is_inward: false, ..inward };
        assert!(!outward.ends_in_silence(Speechless::Outage, true, later));
        assert!(outward.ends_in_silence(Speechless::Held, false, START + GIVE_UP_AFTER));
    }
}
