//! `relay bench`: this very program as a process of its own between stand-ins, and what it achieves.
//!
//! Everything stays on this machine and ends by itself. Each measurement with traffic has a fresh relay, so none inherits
//! another's backlog; the process is killed and its folder removed whatever happens.

mod ack;
mod answer;
mod audio;
mod door;
mod ends;
mod flow;
mod histogram;
mod load;
mod machine;
mod message;
mod process;
mod report;
mod start;
mod usage;

use anyhow::bail;

use self::machine::Machine;
use self::report::{Figure, Part};
use crate::cli::{BenchArgs, BenchPart};
use crate::printer::Printer;

/// What is measured, and on what.
#[derive(Clone, Debug)]
struct Plan {
    is_quick: bool,
    database_url: Option<String>,
}

impl Plan {
    fn database(&self) -> Option<&str> {
        self.database_url.as_deref()
    }

    fn is_sqlite(&self) -> bool {
        self.database().is_none_or(|url| url.starts_with("sqlite"))
    }
}

/// In the order of measuring.
const PARTS: [BenchPart; 6] =
    [BenchPart::Cold, BenchPart::Memory, BenchPart::Ack, BenchPart::Door, BenchPart::Flow, BenchPart::Voice];

pub(crate) async fn run(args: &BenchArgs, printer: &Printer) -> anyhow::Result<()> {
    let plan = Plan { is_quick: args.quick, database_url: args.db.clone() };
    let machine = Machine::look(plan.database());
    let is_for_people = !args.json && !args.markdown;
    if is_for_people {
        printer.line(
            "relay bench: the relay as a process of its own between stand-ins on this machine; Ctrl-C stops it\n",
        );
        let rows = machine.0.iter().map(|(name, value)| vec![format!("  {name}"), value.clone()]);
        printer.table(&rows.collect::<Vec<_>>());
    }
    let wanted = PARTS.into_iter().filter(|part| args.only.is_empty() || args.only.contains(part));
    let mut parts = Vec::new();
    for part in wanted {
        let measured = tokio::select! {
            measured = measure(part, &plan) => measured,
            _ = tokio::signal::ctrl_c() => bail!("interrupted"),
        };
        if is_for_people {
            measured.print(printer);
        }
        parts.push(measured);
    }
    if args.json {
        report::print_json(&machine, &parts, printer);
    } else if args.markdown {
        report::print_markdown(&machine, &parts, printer);
    }
    Ok(())
}

async fn measure(part: BenchPart, plan: &Plan) -> Part {
    let (name, measured) = match part {
        BenchPart::Cold => ("cold", start::cold(plan).await),
        BenchPart::Memory => ("memory", start::memory(plan).await),
        BenchPart::Ack => ("ack", ack::measure(plan).await),
        BenchPart::Door => ("door", door::measure(plan).await),
        BenchPart::Flow => ("flow", flow::measure(plan).await),
        BenchPart::Voice => ("voice", audio::measure(plan).await),
    };
    measured.unwrap_or_else(|error| Part {
        name,
        title: format!("{name}: failed"),
        figures: vec![Figure::missing(name, "all of it", "", format!("{error:#}"))],
        notes: Vec::new(),
    })
}
