//! Who used the processor during a measurement: the relay, this process (stand-ins and load generator), or somebody else, in
//! which case the figures say little.

use std::time::Instant;

use anyhow::Context;

use super::process::Relay;
use super::report::Figure;

/// Linux counts processor time in hundredths of a second, whatever its timer does.
const TICKS_PER_SECOND: f64 = 100.0;

/// Processor time in seconds up to one moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Usage {
    at: Instant,
    relay: f64,
    bench: f64,
    all: f64,
}

impl Usage {
    pub(super) fn now(relay: &Relay) -> anyhow::Result<Self> {
        Ok(Self {
            at: Instant::now(),
            relay: of_process(&read(&format!("/proc/{}/stat", relay.id()))?)?,
            bench: of_process(&read("/proc/self/stat")?)?,
            all: of_machine(&read("/proc/stat")?)?,
        })
    }

    /// What a measurement under load took: memory at its peak, and cores in use on average since `before`.
    pub(super) fn figures_since(before: anyhow::Result<Self>, relay: &Relay, key: &str, label: &str) -> Vec<Figure> {
        let figure = |name: &str, what: &str, unit, value: anyhow::Result<f64>| {
            let (key, label) = (format!("{key}{name}"), format!("{label}{what}"));
            match value {
                Ok(value) => Figure::new(key, label, unit, value),
                Err(error) => Figure::missing(key, label, unit, error.to_string()),
            }
        };
        let used = before.and_then(|before| Ok(Self::now(relay)?.since(&before)));
        let cores = |at: usize| used.as_ref().map(|cores| cores[at]).map_err(|error| anyhow::anyhow!("{error}"));
        vec![
            figure("peak_mb", "peak resident memory", "MB", relay.memory().map(|memory| memory.peak)),
            figure("relay_cores", "processor, the relay", "cores", cores(0)),
            figure("bench_cores", "processor, stand-ins and senders", "cores", cores(1)),
            figure("other_cores", "processor, other programs", "cores", cores(2)),
        ]
    }

    fn since(&self, before: &Self) -> [f64; 3] {
        let seconds = (self.at - before.at).as_secs_f64();
        let (relay, bench) = (self.relay - before.relay, self.bench - before.bench);
        let others = (self.all - before.all - relay - bench).max(0.0);
        [relay, bench, others].map(|time| time / seconds)
    }
}

fn read(path: &str) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("{path} cannot be read (only Linux has it)"))
}

/// User and system time of a process; its name, in parentheses, may hold anything.
fn of_process(stat: &str) -> anyhow::Result<f64> {
    let (_, fields) = stat.rsplit_once(')').context("no process status")?;
    seconds(fields.split_whitespace().skip(11).take(2))
}

/// Everything but idling, waiting for the disk, and what a hypervisor took.
fn of_machine(stat: &str) -> anyhow::Result<f64> {
    let fields: Vec<_> = stat.lines().next().context("no processor status")?.split_whitespace().skip(1).collect();
    let busy = [0, 1, 2, 5, 6];
    seconds(busy.iter().filter_map(|at| fields.get(*at).copied()))
}

fn seconds<'a>(ticks: impl Iterator<Item = &'a str>) -> anyhow::Result<f64> {
    let mut sum = 0.0;
    for value in ticks {
        sum += value.parse::<f64>()?;
    }
    Ok(sum / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_system_time_are_found_behind_any_name() {
        let stat = "17 (a) b) S 1 17 17 0 -1 4194304 100 0 0 0 250 50 7 7 20 0 5 0 1000 1 1";
        assert!((of_process(stat).unwrap() - 3.0).abs() < 1e-9);
        assert!(of_process("nothing").is_err());
    }

    #[test]
    fn idling_is_no_use() {
        let stat = "cpu  100 10 40 9999 500 3 47 77 0 0\ncpu0 1 1 1\n";
        assert!((of_machine(stat).unwrap() - 2.0).abs() < 1e-9);
    }
}
