//! The simulator's part of a full run: many small worlds, decided by the relay's own code.

use std::time::Instant;

use anyhow::Result;
use serde::{Deserialize, Serialize};

/// What the simulator found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Simulated {
    pub(crate) seeds: u64,
    /// Some of the seeds that failed.
    pub(crate) failing: Vec<u64>,
    pub(crate) per_minute: u64,
}

/// Runs so many seeds, on every core.
pub(crate) fn run(seeds: u64) -> Result<Simulated> {
    let started = Instant::now();
    let threads = u64::try_from(std::thread::available_parallelism()?.get())?;
    let work = |thread: u64| -> Vec<u64> {
        let seeds = (thread..seeds).step_by(usize::try_from(threads).unwrap_or(1));
        seeds.filter(|seed| !relay_simulate::run(*seed, None).violations.is_empty()).collect()
    };
    let failing: Vec<u64> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|thread| scope.spawn(move || work(thread))).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("no world panics")).collect()
    });
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rate for people"
    )]
    let per_minute = (seeds as f64 * 60.0 / started.elapsed().as_secs_f64()) as u64;
    println!("{seeds} seeds simulated, {} failing, {per_minute} a minute", failing.len());
    Ok(Simulated { seeds, failing, per_minute })
}
