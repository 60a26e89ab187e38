//! From one side to the other: messages a second in each direction, and what each costs in calls.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Context;
use relay_sim::AgentMessage;

use super::Plan;
use super::ends::Ends;
use super::load::{Until, closed_loop};
use super::message::CHATS;
use super::report::{Figure, Part, Target, number};
use super::usage::Usage;

const IN: usize = 5_000;
const OUT: usize = 2_000;
/// How long no call must come for the relay to be at rest.
const QUIET: Duration = Duration::from_secs(1);
/// How long all of them may take.
const WITHIN: Duration = Duration::from_mins(2);

pub(super) async fn measure(plan: &Plan) -> anyhow::Result<Part> {
    let ends = Ends::set(plan.database()).await?;
    let usage = Usage::now(&ends.relay);
    ends.chatwoot.reset_calls();
    ends.open_conversations().await?;
    let to_open = calls_once_quiet(&ends).await;
    let (inbound, outbound) = if plan.is_quick { (IN / 5, OUT / 5) } else { (IN, OUT) };
    let mut notes = Vec::new();
    let opening = Figure::new(
        "calls_to_open",
        "Chatwoot calls for a first message, conversation and picture made",
        "calls",
        number(to_open) / number(CHATS),
    );
    let mut figures = vec![opening];
    figures.extend(inwards(&ends, inbound, &mut notes).await?);
    figures.extend(outwards(&ends, outbound, &mut notes).await?);
    figures.extend(Usage::figures_since(usage, &ends.relay, "", ""));
    ends.clear().await;
    let title = format!("End to end: {inbound} texts in and {outbound} out, in {CHATS} chats");
    Ok(Part { name: "flow", title, figures, notes })
}

/// One direction: how many of how many arrived, in what time, at what cost.
struct Crossing {
    key: &'static str,
    label: &'static str,
    sent: usize,
    arrived: usize,
    took: Duration,
    calls: BTreeMap<String, u64>,
}

impl Crossing {
    fn figures(&self, notes: &mut Vec<String>) -> Vec<Figure> {
        let Self { key, label, sent, arrived, took, calls } = self;
        let of = |what: &str| format!("{label}: {what}");
        if arrived < sent {
            let why = format!("{arrived} of {sent} arrived within {} s", WITHIN.as_secs());
            return vec![Figure::missing(format!("{key}_per_s"), of("rate"), "messages/s", why)];
        }
        let per_text = number(total(calls)) / number(*sent);
        if per_text > 1.005 {
            notes.push(format!("{label}: calls were {}", list(calls)));
        }
        vec![
            Figure::new(format!("{key}_s"), of("until the last arrived"), "s", took.as_secs_f64()),
            Figure::new(format!("{key}_per_s"), of("rate"), "messages/s", number(*sent) / took.as_secs_f64()),
            Figure::new(format!("{key}_calls"), of("calls for each"), "calls", per_text).should_be(Target::AtMost(1.0)),
        ]
    }
}

async fn inwards(ends: &Ends, count: usize, notes: &mut Vec<String>) -> anyhow::Result<Vec<Figure>> {
    let before = ends.chatwoot.message_count();
    ends.chatwoot.reset_calls();
    let started = Instant::now();
    let tally = closed_loop(&ends.door, &ends.serials, 16, Until::Sent(u64::try_from(count)?)).await?;
    let taken = tally.elapsed;
    ends.chatwoot.wait_until(|chatwoot| chatwoot.message_count() >= before + count, WITHIN).await;
    let crossing = Crossing {
        key: "in",
        label: "to Chatwoot",
        sent: count,
        arrived: ends.chatwoot.message_count() - before,
        took: started.elapsed(),
        calls: ends.chatwoot.calls(),
    };
    let mut figures = crossing.figures(notes);
    figures
        .insert(0, Figure::new("in_acked_s", "to Chatwoot: until the last was acknowledged", "s", taken.as_secs_f64()));
    Ok(figures)
}

async fn outwards(ends: &Ends, count: usize, notes: &mut Vec<String>) -> anyhow::Result<Vec<Figure>> {
    let conversations: Vec<u64> = ends.chatwoot.conversations().iter().map(|conversation| conversation.id).collect();
    let before = ends.codechat.submission_count();
    ends.codechat.reset_calls();
    let started = Instant::now();
    for (number, conversation) in conversations.iter().cycle().take(count).enumerate() {
        let text = format!("Resposta {number}: seu pedido saiu para entrega e chega até as 18h. **Obrigado!**");
        ends.chatwoot.agent_sends(*conversation, AgentMessage::text(text)).context("a conversation is gone")?;
    }
    ends.codechat.wait_until(|codechat| codechat.submission_count() >= before + count, WITHIN).await;
    let crossing = Crossing {
        key: "out",
        label: "to WhatsApp",
        sent: count,
        arrived: ends.codechat.submission_count() - before,
        took: started.elapsed(),
        calls: ends.codechat.calls(),
    };
    Ok(crossing.figures(notes))
}

/// The calls to Chatwoot so far, once no more come: pictures of new contacts follow beside the messages.
async fn calls_once_quiet(ends: &Ends) -> usize {
    let mut calls = 0;
    loop {
        let now = total(&ends.chatwoot.calls());
        if now == calls {
            return calls;
        }
        calls = now;
        tokio::time::sleep(QUIET).await;
    }
}

fn total(calls: &BTreeMap<String, u64>) -> usize {
    usize::try_from(calls.values().sum::<u64>()).unwrap_or(usize::MAX)
}

fn list(calls: &BTreeMap<String, u64>) -> String {
    calls.iter().map(|(route, count)| format!("{count} × {route}")).collect::<Vec<_>>().join(", ")
}
