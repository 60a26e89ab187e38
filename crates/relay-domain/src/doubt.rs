//! What is done about a part that is written down as an intent: it may have reached the destination, by an attempt whose end
//! nobody saw.
//!
//! Invariant: what may have had its effect is looked for until it can no longer appear, and only then done again.

use std::time::Duration;

use crate::clock::Timestamp;

/// Moments after a doubtful attempt at which the destination is asked whether it took effect. After the last it is repeated.
pub const LOOKS: [Duration; 3] = [Duration::ZERO, Duration::from_secs(2), Duration::from_secs(10)];

/// Whether an attempt before this one may have reached the destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// None can have: it is posted.
    No,
    /// One was begun, and its end was not recorded: in doubt from now on, which is to be recorded first.
    FromNowOn,
    /// One ended then without a word about its effect.
    Since(Timestamp),
}

/// Whether a part is in doubt, by when its last attempt began (once in doubt: when that was noticed) and whether that is over.
pub fn doubt(tried_at: Option<Timestamp>, is_in_doubt: bool) -> Doubt {
    match tried_at {
        None => Doubt::No,
        Some(since) if is_in_doubt => Doubt::Since(since),
        Some(_) => Doubt::FromNowOn,
    }
}

/// When to look again after a doubtful attempt; `None` once the last look has been had.
pub fn next_look(since: Timestamp, now: Timestamp) -> Option<Timestamp> {
    LOOKS.iter().map(|after| since + *after).find(|at| *at > now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_doubtful_attempt_is_looked_for_until_ten_seconds_after_it() {
        let tried = Timestamp::from_secs(100);
        assert_eq!(next_look(tried, tried), Some(Timestamp::from_secs(102)));
        assert_eq!(next_look(tried, Timestamp::from_secs(103)), Some(Timestamp::from_secs(110)));
        assert_eq!(next_look(tried, Timestamp::from_secs(110)), None);
        assert_eq!(next_look(tried, Timestamp::from_secs(9999)), None);
    }

    #[test]
    fn an_attempt_without_an_end_is_in_doubt_from_when_it_is_found() {
        let tried = Timestamp::from_secs(100);
        assert_eq!(doubt(None, false), Doubt::No);
        assert_eq!(doubt(Some(tried), false), Doubt::FromNowOn);
        assert_eq!(doubt(Some(tried), true), Doubt::Since(tried));
    }
}
