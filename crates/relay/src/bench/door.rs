//! How many webhooks a second the door makes durable when senders never pause.

use std::time::Duration;

use super::Plan;
use super::ends::Ends;
use super::load::{Until, closed_loop};
use super::report::{Figure, Part, Target, number};
use super::usage::Usage;

const CONNECTIONS: [usize; 2] = [64, 256];
const TARGET: f64 = 8_000.0;

pub(super) async fn measure(plan: &Plan) -> anyhow::Result<Part> {
    let duration = Duration::from_secs(if plan.is_quick { 2 } else { 5 });
    let mut figures = Vec::new();
    for delivering in [true, false] {
        for connections in CONNECTIONS {
            figures.extend(saturate(plan, delivering, connections, duration).await?);
        }
    }
    let title = format!("The door at its limit: senders that never pause, for {} s", duration.as_secs());
    let note = "\"alone\" means that Chatwoot is down and the relay's open circuit breaker keeps deliveries away from it; \
                one probe every 10 s remains";
    Ok(Part { name: "door", title, figures, notes: vec![note.to_owned()] })
}

async fn saturate(
    plan: &Plan,
    delivering: bool,
    connections: usize,
    duration: Duration,
) -> anyhow::Result<Vec<Figure>> {
    let ends = Ends::set(plan.database()).await?;
    if delivering {
        ends.open_conversations().await?;
    } else {
        ends.close_chatwoot().await?;
    }
    let before = ends.chatwoot.message_count();
    let usage = Usage::now(&ends.relay);
    let tally = closed_loop(&ends.door, &ends.serials, connections, Until::Elapsed(duration)).await?;
    let delivered = ends.chatwoot.message_count().saturating_sub(before);
    let mode = if delivering { "delivering" } else { "alone" };
    let key = |name: &str| format!("{mode}_{connections}_{name}");
    let label = |what: &str| format!("{connections} senders, {mode}: {what}");
    let used = Usage::figures_since(usage, &ends.relay, &key(""), &label(""));
    ends.clear().await;
    let mut rate = Figure::new(key("per_s"), label("answered 200"), "webhooks/s", tally.accepted_per_second());
    if !delivering && plan.is_sqlite() {
        rate = rate.should_be(Target::AtLeast(TARGET));
    }
    let refused = number(usize::try_from(tally.refused())?);
    let seconds = tally.elapsed.as_secs_f64();
    let times = tally.times.summary();
    let mut figures = vec![
        rate,
        Figure::new(key("p50_ms"), label("median"), "ms", f64::from(times.p50) / 1000.0),
        Figure::new(key("p99_ms"), label("99th percentile"), "ms", f64::from(times.p99) / 1000.0),
        Figure::new(key("refused"), label("answered otherwise or not at all"), "webhooks", refused),
    ];
    figures.extend(used);
    if delivering {
        figures.insert(
            1,
            Figure::new(
                key("delivered_per_s"),
                label("reached Chatwoot meanwhile"),
                "messages/s",
                number(delivered) / seconds,
            ),
        );
    }
    Ok(figures)
}
