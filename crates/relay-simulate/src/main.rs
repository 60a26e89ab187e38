//! `relay-simulate`: runs many seeds and says which fail.

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use clap::Parser;
use relay_simulate::{Outcome, Sabotage, run, trace};

/// Runs random small worlds in virtual time and checks that nothing is lost, doubled, reordered or misdirected
#[derive(Parser)]
#[command(name = "relay-simulate")]
struct Arguments {
    /// How many seeds
    #[arg(long, default_value_t = 1_000_000)]
    seeds: u64,
    /// The first of them
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Threads
    #[arg(long, default_value_t = 1)]
    threads: u64,
    /// Break the relay in this way, as `LooksOff`
    #[arg(long, value_parser = sabotage)]
    sabotage: Option<Sabotage>,
    /// Tell everything that happened in the first failing world, or in the first if none fails
    #[arg(long)]
    trace: bool,
}

fn sabotage(text: &str) -> Result<Sabotage, String> {
    let names = Sabotage::ALL.map(|sabotage| format!("{sabotage:?}")).join(", ");
    Sabotage::parse(text).ok_or_else(|| format!("no such sabotage; hint: one of {names}"))
}

#[expect(clippy::print_stdout, reason = "this is a command")]
fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let started = Instant::now();
    let (failed, messages) = run_all(&arguments);
    let seconds = started.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let per_minute = arguments.seeds as f64 / seconds * 60.0;
    println!(
        "{} seeds, {} messages, {seconds:.1} s, {per_minute:.0} seeds/min, {} failing",
        arguments.seeds,
        messages,
        failed.len()
    );
    let Some((seed, outcome)) = failed.first() else { return ExitCode::SUCCESS };
    for (seed, outcome) in failed.iter().take(20) {
        println!("seed {seed}: {}", outcome.violations.join("; "));
    }
    if arguments.trace {
        println!("seed {seed} again, with all that happened:");
        show_trace(outcome);
    }
    let sabotage = arguments.sabotage.map(|sabotage| format!(" --sabotage {sabotage:?}")).unwrap_or_default();
    println!("repeat: cargo run --release -p relay-simulate -- --seeds 1 --from {seed} --trace{sabotage}");
    ExitCode::FAILURE
}

/// Runs all seeds; returns those that failed, the first with its trace, and how many messages there were.
fn run_all(arguments: &Arguments) -> (Vec<(u64, Outcome)>, u64) {
    let messages = AtomicU64::new(0);
    let work = |thread: u64| {
        let mut failed = Vec::new();
        for seed in (arguments.from + thread..arguments.from + arguments.seeds).step_by(threads(arguments)) {
            let outcome = run(seed, arguments.sabotage);
            messages.fetch_add(u64::from(outcome.messages), Ordering::Relaxed);
            if !outcome.violations.is_empty() {
                failed.push((seed, outcome));
            }
        }
        failed
    };
    let mut failed: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..arguments.threads.max(1)).map(|thread| scope.spawn(move || work(thread))).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("no world panics")).collect()
    });
    failed.sort_by_key(|(seed, _)| *seed);
    if let Some((seed, outcome)) = failed.first_mut() {
        *outcome = trace(*seed, arguments.sabotage);
    } else if arguments.trace {
        show_trace(&trace(arguments.from, arguments.sabotage));
    }
    (failed, messages.into_inner())
}

fn threads(arguments: &Arguments) -> usize {
    usize::try_from(arguments.threads.max(1)).unwrap_or(1)
}

#[expect(clippy::print_stdout, reason = "this is a command")]
fn show_trace(outcome: &Outcome) {
    for line in &outcome.trace {
        println!("  {line}");
    }
}
