//! A relay that has nothing to do: how fast it is there, and how much room it takes.

use std::time::Duration;

use super::Plan;
use super::ends::Ends;
use super::histogram::median_ms;
use super::process::{Folder, Relay, Surroundings};
use super::report::{Figure, Part, Target, number};

const STARTS: usize = 10;
/// How long it rests before its memory is read.
const REST: Duration = Duration::from_secs(2);

/// Nobody is called as long as there are no sessions.
fn nowhere(plan: &Plan) -> Surroundings {
    Surroundings {
        codechat_url: "http://127.0.0.1:9".to_owned(),
        codechat_key: "none".to_owned(),
        chatwoot_url: "http://127.0.0.1:9".to_owned(),
        database_url: plan.database_url.clone(),
    }
}

pub(super) async fn cold(plan: &Plan) -> anyhow::Result<Part> {
    let folder = Folder::new()?;
    let around = nowhere(plan);
    let first = Relay::start(folder.path(), &around).await?.started_in;
    let mut later = Vec::with_capacity(STARTS);
    for _ in 0..STARTS {
        later.push(Relay::start(folder.path(), &around).await?.started_in);
    }
    let slowest = later.iter().max().copied().unwrap_or_default();
    let median = median_ms(later).unwrap_or_default();
    let figures = vec![
        Figure::new("first_ms", "first start, which makes the database", "ms", first.as_secs_f64() * 1000.0),
        Figure::new("median_ms", format!("start, median of {STARTS}"), "ms", median).should_be(Target::AtMost(100.0)),
        Figure::new("slowest_ms", format!("start, slowest of {STARTS}"), "ms", slowest.as_secs_f64() * 1000.0),
    ];
    let mut notes = Vec::new();
    if plan.database_url.is_some() {
        notes.push("the first start makes the schema only when the database was empty".to_owned());
    }
    Ok(Part {
        name: "cold",
        title: "Cold start: from the start of the process to the first 200 of /livez".to_owned(),
        figures,
        notes,
    })
}

pub(super) async fn memory(plan: &Plan) -> anyhow::Result<Part> {
    let ends = Ends::set(plan.database()).await?;
    tokio::time::sleep(REST).await;
    let memory = ends.relay.memory();
    ends.clear().await;
    let memory = memory?;
    let program = std::fs::metadata(std::env::current_exe()?)?.len();
    let figures = vec![
        Figure::new("idle_mb", "resident, one session, 2 s after the start", "MB", memory.resident)
            .should_be(Target::AtMost(30.0)),
        Figure::new("idle_own_mb", "… of it not pages of the program file", "MB", memory.own),
        Figure::new("binary_mb", "size of the program", "MB", number(usize::try_from(program)?) / 1e6),
    ];
    Ok(Part { name: "memory", title: "Memory at rest".to_owned(), figures, notes: Vec::new() })
}
