//! A circuit breaker for one destination of one session.
//!
//! After [`THRESHOLD`] failures in a row nobody calls the destination for [`OPEN_FOR`]; then one caller may try, and its
//! luck decides for all.

use std::sync::Mutex;
use std::time::Duration;

use crate::clock::Timestamp;

/// Failures in a row that open the breaker.
pub const THRESHOLD: u32 = 5;
/// How long an open breaker keeps callers away.
pub const OPEN_FOR: Duration = Duration::from_secs(10);
/// A probe that has not answered by then is given up.
const PROBE_FOR: Duration = Duration::from_secs(90);
/// How soon the others ask what came of it: most probes are answered at once, and then the way is free.
const ASK_AGAIN: Duration = Duration::from_secs(2);

/// Remembers how a destination fared.
#[derive(Debug, Default)]
pub struct Breaker {
    state: Mutex<State>,
}

/// How a caller was admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admitted {
    /// The destination is believed to work.
    Freely,
    /// To find out whether it works again; the caller must report.
    AsProbe,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    failing_since: Option<Timestamp>,
    closed_until: Option<Timestamp>,
    is_probed: bool,
    worked_at: Option<Timestamp>,
}

impl Breaker {
    /// Whether a call may be made now; otherwise when to ask again.
    pub fn admit(&self, now: Timestamp) -> Result<Admitted, Timestamp> {
        let mut state = self.state.lock().expect("nothing panics while holding the breaker");
        match state.closed_until {
            Some(until) if now < until && state.is_probed => Err(until.min(now + ASK_AGAIN)),
            Some(until) if now < until => Err(until),
            Some(_) => {
                // this caller is the probe; the others wait for its answer
                state.closed_until = Some(now + PROBE_FOR);
                state.is_probed = true;
                Ok(Admitted::AsProbe)
            }
            None => Ok(Admitted::Freely),
        }
    }

    /// The destination took something.
    pub fn succeeded(&self, now: Timestamp) {
        let mut state = self.state.lock().expect("nothing panics while holding the breaker");
        *state = State { worked_at: Some(now), ..State::default() };
    }

    /// The probe learnt nothing about the destination: another may be it.
    pub fn undecided(&self, now: Timestamp) {
        let mut state = self.state.lock().expect("nothing panics while holding the breaker");
        state.is_probed = false;
        if let Some(until) = &mut state.closed_until {
            *until = now.min(*until);
        }
    }

    /// Whether the destination took anything since then.
    pub fn has_worked_since(&self, then: Timestamp) -> bool {
        self.state.lock().expect("nothing panics while holding the breaker").worked_at.is_some_and(|at| at >= then)
    }

    /// The destination could not be reached or failed.
    pub fn failed(&self, now: Timestamp) {
        let mut state = self.state.lock().expect("nothing panics while holding the breaker");
        state.failures = state.failures.saturating_add(1);
        state.failing_since = state.failing_since.or(Some(now));
        if state.failures >= THRESHOLD {
            state.is_probed = false;
            state.closed_until = Some(now + OPEN_FOR);
        }
    }

    /// Whether nobody may call now: not even to find out whether it works again.
    pub fn keeps_away(&self, now: Timestamp) -> bool {
        let state = self.state.lock().expect("nothing panics while holding the breaker");
        state.closed_until.is_some_and(|until| now < until)
    }

    /// When the first of the failures was that keep calls away; `None` while calls are made.
    pub fn open_since(&self) -> Option<Timestamp> {
        let state = self.state.lock().expect("nothing panics while holding the breaker");
        state.failing_since.filter(|_| state.closed_until.is_some())
    }

    /// Whether calls are being kept away.
    pub fn is_open(&self) -> bool {
        self.state.lock().expect("nothing panics while holding the breaker").closed_until.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_after_five_failures_and_lets_one_probe_through() {
        let breaker = Breaker::default();
        let start = Timestamp::from_secs(1000);
        for _ in 0..THRESHOLD {
            assert_eq!(breaker.admit(start), Ok(Admitted::Freely));
            breaker.failed(start);
        }
        let reopens = start + OPEN_FOR;
        assert_eq!(breaker.admit(start), Err(reopens));
        assert!(breaker.keeps_away(start) && !breaker.keeps_away(reopens));
        assert_eq!(breaker.admit(reopens), Ok(Admitted::AsProbe));
        assert!(breaker.admit(reopens).is_err(), "only one probe");
        breaker.failed(reopens);
        assert_eq!(breaker.admit(reopens), Err(reopens + OPEN_FOR));
        breaker.succeeded(reopens);
        assert_eq!(breaker.admit(reopens), Ok(Admitted::Freely));
        assert!(!breaker.is_open());
        assert!(breaker.has_worked_since(start));
        assert!(!breaker.has_worked_since(reopens + OPEN_FOR));
    }

    #[test]
    fn those_who_wait_for_a_probe_hear_of_it_soon() {
        let breaker = Breaker::default();
        let start = Timestamp::from_secs(1000);
        for _ in 0..THRESHOLD {
            breaker.failed(start);
        }
        let reopens = start + OPEN_FOR;
        assert_eq!(breaker.admit(reopens), Ok(Admitted::AsProbe));
        let again = breaker.admit(reopens).unwrap_err();
        assert!(again.since(reopens) < OPEN_FOR, "not only when the probe would be given up");
        breaker.succeeded(reopens);
        assert_eq!(breaker.admit(again), Ok(Admitted::Freely));
    }

    #[test]
    fn a_probe_without_a_result_leaves_the_place_to_the_next() {
        let breaker = Breaker::default();
        let start = Timestamp::from_secs(1000);
        breaker.undecided(start);
        assert!(!breaker.is_open());
        for _ in 0..THRESHOLD {
            breaker.failed(start);
        }
        let reopens = start + OPEN_FOR;
        assert_eq!(breaker.admit(reopens), Ok(Admitted::AsProbe));
        breaker.undecided(reopens);
        assert!(breaker.is_open(), "nothing is known yet");
        assert_eq!(breaker.admit(reopens), Ok(Admitted::AsProbe), "the next probe");
        assert!(breaker.admit(reopens).is_err(), "only one at a time");
    }
}
