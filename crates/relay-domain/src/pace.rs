//! Going no faster than is good: so many at once and then one every so often, or so many in any minute.

use std::collections::VecDeque;
use std::time::Duration;

use fastrand::Rng;

use crate::clock::Timestamp;

/// How fast, on average and after a rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Time between two.
    pub every: Duration,
    /// How many may go at once after a rest; at least one.
    pub burst: u32,
}

impl Rate {
    /// So many a second, shared equally by `workers` processes; `None` when there is no limit.
    pub fn shared(per_second: f64, burst: u32, workers: u32) -> Option<Self> {
        let workers = workers.max(1);
        let every = Duration::try_from_secs_f64(f64::from(workers) / per_second).ok()?;
        (per_second > 0.0 && !every.is_zero()).then(|| Self { every, burst: (burst / workers).max(1) })
    }
}

/// Gives out moments at a [`Rate`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Pacer {
    /// When the next would come if none had ever come early.
    next: Timestamp,
}

impl Pacer {
    /// Takes the next moment, now or later. Later ones come up to a fifth of a pause late, by chance, so that nobody sees a
    /// machine's beat.
    pub fn take(&mut self, rate: Rate, now: Timestamp, rng: &mut Rng) -> Timestamp {
        let early = rate.every.saturating_mul(rate.burst.saturating_sub(1));
        let moment = self.next - early;
        self.next = self.next.max(now) + rate.every;
        if moment > now { moment + rate.every.mul_f64(0.2 * rng.f64()) } else { now }
    }
}

/// What happened in the last minute.
#[derive(Clone, Debug, Default)]
pub struct LastMinute {
    times: VecDeque<Timestamp>,
}

/// A minute, and what two clocks may read differently.
const MINUTE: Duration = Duration::from_secs(61);

impl LastMinute {
    /// One more.
    pub fn note(&mut self, now: Timestamp) {
        self.forget(now);
        self.times.push_back(now);
    }

    /// When one more keeps the minute within `limit`; `None` when it does so now.
    pub fn has_room_at(&mut self, limit: usize, now: Timestamp) -> Option<Timestamp> {
        self.forget(now);
        let surplus = self.times.len().checked_sub(limit.max(1))?;
        self.times.get(surplus).map(|oldest| *oldest + MINUTE)
    }

    /// Whether the minute was quiet.
    pub fn is_empty(&mut self, now: Timestamp) -> bool {
        self.forget(now);
        self.times.is_empty()
    }

    fn forget(&mut self, now: Timestamp) {
        while self.times.front().is_some_and(|oldest| now.since(*oldest) >= MINUTE) {
            self.times.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { every: Duration::from_secs(1), burst: 5 };

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(1_000_000 + millis)
    }

    #[test]
    fn a_burst_goes_at_once_and_the_rest_at_the_pace() {
        let (mut pacer, mut rng) = (Pacer::default(), Rng::with_seed(1));
        let moments: Vec<_> = (0..105).map(|_| pacer.take(RATE, at(0), &mut rng)).collect();
        assert!(moments[..5].iter().all(|moment| *moment == at(0)));
        for (one, next) in moments[4..].iter().zip(&moments[5..]) {
            let pause = next.since(*one).as_millis();
            assert!((800..=1200).contains(&pause), "{pause}");
        }
        assert_eq!(moments[104].since(at(0)).as_secs(), 100);
        let pauses: Vec<_> = moments[5..].windows(2).map(|pair| pair[1].since(pair[0])).collect();
        assert!(pauses.iter().any(|pause| *pause != pauses[0]), "as regular as a machine");
    }

    #[test]
    fn a_rest_earns_one_burst_and_no_more() {
        let (mut pacer, mut rng) = (Pacer::default(), Rng::with_seed(1));
        pacer.take(RATE, at(0), &mut rng);
        let later = at(3_600_000);
        let at_once = (0..20).filter(|_| pacer.take(RATE, later, &mut rng) == later).count();
        assert_eq!(at_once, 5);
    }

    #[test]
    fn the_pace_is_divided_among_processes() {
        assert_eq!(Rate::shared(1.0, 5, 1), Some(RATE));
        assert_eq!(Rate::shared(1.0, 5, 3), Some(Rate { every: Duration::from_secs(3), burst: 1 }));
        assert_eq!(Rate::shared(0.0, 5, 1), None);
        assert_eq!(Rate::shared(-1.0, 5, 1), None);
        assert_eq!(Rate::shared(f64::NAN, 5, 1), None);
    }

    #[test]
    fn no_minute_holds_more_than_the_limit() {
        let (mut minute, mut now, mut times) = (LastMinute::default(), at(0), Vec::new());
        for _ in 0..1000 {
            if let Some(then) = minute.has_room_at(180, now) {
                assert!(then > now);
                now = then;
            }
            assert_eq!(minute.has_room_at(180, now), None);
            minute.note(now);
            times.push(now);
            now = now + Duration::from_millis(10);
        }
        for window in times.windows(181) {
            assert!(window[180].since(window[0]) > Duration::from_mins(1));
        }
        assert!(now.since(at(0)) < Duration::from_mins(6));
        assert!(!minute.is_empty(now));
        assert!(minute.is_empty(now + MINUTE));
    }

    #[test]
    fn what_others_did_counts_as_well() {
        let mut minute = LastMinute::default();
        for second in 0..10 {
            minute.note(at(second * 1000));
        }
        assert_eq!(minute.has_room_at(11, at(9000)), None);
        // above the limit already: the oldest ones must all be a minute old
        assert_eq!(minute.has_room_at(8, at(9000)), Some(at(2000) + MINUTE));
    }
}
