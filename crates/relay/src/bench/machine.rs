//! What the figures were measured on. Figures without it mean little.

use std::fs::{self, File};
use std::io::Write;
use std::time::{Duration, Instant};

use super::histogram::median_ms;
use super::process::Folder;

/// Names and values, in the order they are shown.
#[derive(Clone, Debug)]
pub(super) struct Machine(pub(super) Vec<(&'static str, String)>);

impl Machine {
    pub(super) fn look(database_url: Option<&str>) -> Self {
        let build = if cfg!(debug_assertions) { "debug build: not fit to be compared" } else { "release build" };
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let database = match database_url {
            Some(url) if url.starts_with("postgres") => "PostgreSQL",
            Some(_) | None => "SQLite (WAL, synchronous=FULL)",
        };
        Self(vec![
            ("relay", format!("{}, {build}, {}", env!("CARGO_PKG_VERSION"), std::env::consts::ARCH)),
            ("processor", format!("{cores} cores, {}", field("/proc/cpuinfo", "model name"))),
            ("memory", field("/proc/meminfo", "MemTotal")),
            ("system", format!("{}, Linux {}", system(), line("/proc/sys/kernel/osrelease"))),
            ("load before", line("/proc/loadavg")),
            ("fdatasync", sync_time()),
            ("database", database.to_owned()),
        ])
    }
}

fn line(path: &str) -> String {
    fs::read_to_string(path).map_or_else(|_| "unknown".to_owned(), |text| text.trim().to_owned())
}

fn field(path: &str, name: &str) -> String {
    let text = line(path);
    let found = text.lines().find_map(|line| line.split_once(':').filter(|(key, _)| key.trim() == name));
    found.map_or_else(|| "unknown".to_owned(), |(_, value)| value.trim().to_owned())
}

fn system() -> String {
    let text = line("/etc/os-release");
    let name = text.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    name.unwrap_or("unknown").trim_matches('"').to_owned()
}

/// How long the disk of the temporary folder takes to make 4 kB durable.
fn sync_time() -> String {
    measured_sync().map_or_else(
        |error| format!("not measured: {error}"),
        |ms| format!("{ms:.2} ms for 4 kB more of a file in the temporary folder (median of 200)"),
    )
}

fn measured_sync() -> anyhow::Result<f64> {
    let folder = Folder::new()?;
    let mut file = File::create(folder.path().join("sync"))?;
    let mut times: Vec<Duration> = Vec::with_capacity(200);
    for _ in 0..200 {
        let started = Instant::now();
        file.write_all(&[7; 4096])?;
        file.sync_data()?;
        times.push(started.elapsed());
    }
    median_ms(times).ok_or_else(|| anyhow::anyhow!("no time was taken"))
}
