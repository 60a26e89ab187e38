//! Random small worlds in virtual time, in which the relay's decisions must lose, double, reorder and misdirect nothing.
//!
//! One seed is one world: a few chats of one or two sessions, customers and agents who write, servers that fail, processes that
//! die at any step. What is decided in it is decided by the relay's own functions (`relay-domain` and
//! `relay_engine::trouble`); store, servers and the order of steps are models. `docs/simulator.md` says what is which.
//!
//! Invariant: a seed gives the same world every time, to the last millisecond.

mod call;
mod chatwoot;
mod check;
mod codechat;
mod content;
mod hook;
mod inward;
mod outward;
mod receipt;
mod run;
mod sabotage;
mod store;
mod time;
mod weather;
mod worker;
mod world;

pub use sabotage::Sabotage;

/// What became of a world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Promises that were broken, in words.
    pub violations: Vec<String>,
    /// What happened, when it was asked for.
    pub trace: Vec<String>,
    /// How many messages were written.
    pub messages: u32,
}

/// Runs the world of a seed; sabotaged, when the checks are to be tried.
pub fn run(seed: u64, sabotage: Option<Sabotage>) -> Outcome {
    run::run(seed, sabotage, false)
}

/// The same, and tells what happened.
pub fn trace(seed: u64, sabotage: Option<Sabotage>) -> Outcome {
    run::run(seed, sabotage, true)
}
