//! `kill -9` in the middle of traffic, and the proof that what was acknowledged is neither lost nor doubled nor reordered.
//!
//! `RELAY_KILLS` sets how often the relay is killed on each database (default 60; the figure in the documentation is for 200).

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tests fail by panicking and print figures"
)]

mod audit;
mod points;
mod process;
mod storm;
mod traffic;
