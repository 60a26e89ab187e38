//! How long CodeChat waits for the answer to a webhook while deliveries go on.

use std::time::Duration;

use super::Plan;
use super::ends::Ends;
use super::load::{Pace, Tally, open_loop};
use super::report::{Figure, Part, Target, number};
use super::usage::Usage;

const RATES: [u32; 2] = [200, 1_000];
const TARGET_P99_MS: f64 = 5.0;

pub(super) async fn measure(plan: &Plan) -> anyhow::Result<Part> {
    let duration = Duration::from_secs(if plan.is_quick { 3 } else { 10 });
    let mut figures = Vec::new();
    let mut notes = vec!["times count from when a request was due, whether or not it could be sent then".to_owned()];
    for per_second in RATES {
        let ends = Ends::set(plan.database()).await?;
        ends.open_conversations().await?;
        let before = ends.chatwoot.message_count();
        let usage = Usage::now(&ends.relay);
        let tally = open_loop(&ends.door, &ends.serials, Pace { per_second, duration }).await?;
        let delivered = ends.chatwoot.message_count().saturating_sub(before);
        let used = Usage::figures_since(usage, &ends.relay, &format!("{per_second}_"), &format!("{per_second}/s: "));
        notes.extend(tally.refusals().map(|statuses| format!("{per_second}/s: answers other than 200: {statuses}")));
        figures.extend(figures_of(per_second, tally, delivered));
        figures.extend(used);
        ends.clear().await;
    }
    let title = format!(
        "Acknowledgement at a fixed pace for {} s, deliveries running, 200 chats of unequal popularity",
        duration.as_secs()
    );
    Ok(Part { name: "ack", title, figures, notes })
}

fn figures_of(rate: u32, tally: Tally, delivered: usize) -> Vec<Figure> {
    let (seconds, accepted, refused) = (tally.elapsed.as_secs_f64(), tally.accepted, tally.refused());
    let (times, lateness) = (tally.times.summary(), tally.lateness.summary());
    let accepted = usize::try_from(accepted).unwrap_or(usize::MAX);
    let figure = |key: &str, label: &str, unit, value| {
        Figure::new(format!("{rate}_{key}"), format!("{rate}/s: {label}"), unit, value)
    };
    let ms = |key, label, micros: u32| figure(key, label, "ms", f64::from(micros) / 1000.0);
    let mut p99 = ms("p99_ms", "99th percentile", times.p99);
    if rate == 1_000 {
        p99 = p99.should_be(Target::AtMost(TARGET_P99_MS));
    }
    vec![
        ms("p50_ms", "median", times.p50),
        p99,
        ms("max_ms", "slowest", times.max),
        figure("accepted", "answered 200", "webhooks", number(times.count)),
        figure(
            "refused",
            "answered otherwise or not at all",
            "webhooks",
            number(usize::try_from(refused).unwrap_or(usize::MAX)),
        )
        .should_be(Target::AtMost(0.0)),
        figure("delivered_per_s", "reached Chatwoot meanwhile", "messages/s", number(delivered) / seconds),
        figure("backlog", "still on their way at the end", "messages", number(accepted.saturating_sub(delivered))),
        ms("sent_late_p99_ms", "requests sent late, 99th percentile", lateness.p99),
    ]
}
