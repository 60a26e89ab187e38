//! A few thousand worlds, and as many that must fail.

use relay_simulate::{Sabotage, run, trace};

/// Worlds of one run of the tests; `relay-simulate` runs as many as one likes.
const SEEDS: u64 = 10_000;
/// Among so many each sabotage must show.
const SEEDS_TO_SHOW: u64 = 30_000;

#[test]
fn nothing_is_lost_doubled_reordered_or_misdirected() {
    for seed in 0..SEEDS {
        let outcome = run(seed, None);
        assert!(outcome.violations.is_empty(), "seed {seed}: {:?}", outcome.violations);
    }
}

#[test]
fn every_sabotage_shows() {
    let shows = |sabotage: Sabotage| (0..SEEDS_TO_SHOW).any(|seed| !run(seed, Some(sabotage)).violations.is_empty());
    for sabotage in Sabotage::ALL {
        assert!(shows(sabotage), "{sabotage:?} went unnoticed");
    }
}

#[test]
fn a_seed_gives_the_same_world_every_time() {
    for seed in 0..50 {
        let (first, second) = (trace(seed, None), trace(seed, None));
        assert!(!first.trace.is_empty());
        assert_eq!(first, second, "seed {seed}");
    }
}
