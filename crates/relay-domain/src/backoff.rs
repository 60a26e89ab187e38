//! When a failed delivery is tried again.
//!
//! Both directions start alike (1, 2, 5, 15, 30, 60 s). Towards Chatwoot the pauses then grow to five minutes and go on for
//! 72 hours; towards WhatsApp they stay at a minute, because there a message grows stale (`OUTBOUND_TTL`).

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Which way a message travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// WhatsApp to Chatwoot.
    In,
    /// Chatwoot to WhatsApp.
    Out,
}

impl Direction {
    /// The name used in the store, in logs and in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Out => "out",
        }
    }

    /// Reads what [`Self::as_str`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "in" => Some(Self::In),
            "out" => Some(Self::Out),
            _ => None,
        }
    }
}

/// How long an undeliverable message is kept trying while its destination is down.
pub const GIVE_UP_AFTER: Duration = Duration::from_hours(72);

/// How long a message may block its lane while the destination accepts others.
pub const POISON_AFTER: Duration = Duration::from_mins(2);

const FIRST_PAUSES: [u64; 6] = [1, 2, 5, 15, 30, 60];
const LATER_PAUSE_IN: u64 = 300;
const LATER_PAUSE_OUT: u64 = 60;

/// The pause after the `failed`-th failed attempt (1 = the first), with ±20 % jitter.
pub fn pause_after(direction: Direction, failed: u32, rng: &mut fastrand::Rng) -> Duration {
    let index = usize::try_from(failed.saturating_sub(1)).unwrap_or(usize::MAX);
    let later = match direction {
        Direction::In => LATER_PAUSE_IN,
        Direction::Out => LATER_PAUSE_OUT,
    };
    let seconds = FIRST_PAUSES.get(index).copied().unwrap_or(later);
    Duration::from_millis(rng.u64(seconds * 800..=seconds * 1200))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pauses_grow_to_their_ceiling() {
        let mut rng = fastrand::Rng::with_seed(1);
        let nominal = [1, 2, 5, 15, 30, 60, 300, 300];
        for (failed, want) in (1..).zip(nominal) {
            let pause = pause_after(Direction::In, failed, &mut rng).as_secs_f64();
            let want = f64::from(want);
            assert!(pause >= want * 0.8 && pause <= want * 1.2, "attempt {failed}: {pause}");
        }
        assert!(pause_after(Direction::Out, 50, &mut rng) <= Duration::from_secs(72));
    }

    proptest! {
        #[test]
        fn every_attempt_waits_between_one_second_and_six_minutes(failed in 0u32.., seed: u64) {
            let mut rng = fastrand::Rng::with_seed(seed);
            for direction in [Direction::In, Direction::Out] {
                let pause = pause_after(direction, failed, &mut rng);
                prop_assert!(pause >= Duration::from_millis(800));
                prop_assert!(pause <= Duration::from_mins(6));
            }
        }
    }
}
