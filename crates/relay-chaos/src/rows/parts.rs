//! One message of an agent that is several on WhatsApp.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use relay_sim::{AgentFile, AgentMessage, Fault, FaultAction, Submission, assets, route};

use crate::row::{Context, On, Outcome, Row};
use crate::traffic::{CHATS, Traffic, phone};
use crate::verdict::user_of;
use crate::world::{Setup, World};

/// F43: a text with five files: parts in order, and one status for all of them, the worst.
pub(crate) const F43: Row = Row {
    id: "F43",
    title: "A text with five files in one message",
    quick: Some(0.1),
    on: On::Both,
    is_alone: false,
    run: |context| Box::pin(parts_in_order(context)),
};

const FILES: usize = 5;

/// A text that fits no caption, so that it is a part of its own, and five files that can be told apart.
fn message(number: usize) -> AgentMessage {
    let mut message = AgentMessage::text(text_of(number));
    for file in 0..FILES {
        message.attachments.push(AgentFile {
            name: format!("{number}-{file}.pdf"),
            mime: assets::DOCUMENT.mime.to_owned(),
            bytes: Bytes::from_static(assets::DOCUMENT.bytes),
        });
    }
    message
}

fn text_of(number: usize) -> String {
    format!("message {number} {}", "with many words ".repeat(80))
}

/// What a part is: the text, or one of the files.
fn name_of(submission: &Submission) -> String {
    let file = submission.media.as_ref().and_then(|media| media.file_name.clone());
    file.unwrap_or_else(|| submission.text.clone().unwrap_or_default().split(' ').take(2).collect::<Vec<_>>().join(" "))
}

async fn parts_in_order(context: &Context) -> Result<Outcome> {
    let count = context.scaled(100);
    let mut world = World::start(context, Setup::default()).await?;
    let traffic = Traffic::begin(context, &mut world, CHATS).await?;
    // some answers are lost on the way, others are slow
    let lost = Fault::on(route::SENDS, FaultAction::Reset { commit: true });
    world.codechat.fault(Fault { percent: Some(10), ..lost });
    let mut wanted: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut messages = Vec::with_capacity(count);
    for number in 0..count {
        let chat = number % CHATS;
        let conversation = traffic.conversation(0, chat);
        let id = world.chatwoot.agent_sends(conversation, message(number)).context("the conversation exists")?;
        messages.push((id, number));
        let parts = wanted.entry(phone(chat)).or_default();
        parts.push(format!("message {number}"));
        parts.extend((0..FILES).map(|file| format!("{number}-{file}.pdf")));
    }
    world.drain(&traffic, Duration::from_secs(1)).await?;
    let all_parts = count * (FILES + 1);
    let settled = world.drain(&traffic, Duration::from_mins(5)).await?;
    world.codechat.clear_faults();
    let mut outcome = Outcome::default();
    outcome.figure("messages", count);
    outcome.exactly("events pending", 0, settled.events.pending);
    outcome.exactly("dead letters", 0, settled.events.dead);
    let sent = first_of_each(&world);
    outcome.exactly("parts sent", all_parts, sent.len());
    let mut seen: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for submission in &sent {
        seen.entry(user_of(&submission.to).to_owned()).or_default().push(name_of(submission));
    }
    let wrong = wanted.iter().filter(|(chat, parts)| seen.get(*chat) != Some(*parts)).map(|(chat, _)| chat.clone());
    outcome.none("chats whose parts are not in order", &wrong.collect::<Vec<_>>());
    worst_of_the_parts(&mut world, &sent, &messages, &mut outcome).await?;
    Ok(outcome)
}

/// What was handed over, without what was handed over again under its id.
fn first_of_each(world: &World) -> Vec<Submission> {
    let mut seen = std::collections::HashSet::new();
    world.codechat.submissions().into_iter().filter(|submission| seen.insert(submission.message_id.clone())).collect()
}

/// Receipts come for the parts of every message in another way; the bubble must show the least of them.
async fn worst_of_the_parts(
    world: &mut World,
    sent: &[Submission],
    messages: &[(u64, usize)],
    outcome: &mut Outcome,
) -> Result<()> {
    let session = world.tenants[0].session.clone();
    let mut expected = Vec::with_capacity(messages.len());
    for (id, number) in messages {
        let parts: Vec<_> = sent.iter().filter(|part| number_of(part) == Some(*number)).collect();
        let (all, last, status) = match number % 4 {
            0 => ("READ", "READ", "read"),
            1 => ("READ", "DELIVERY_ACK", "delivered"),
            2 => ("DELIVERY_ACK", "SERVER_ACK", "sent"),
            _ => ("READ", "ERROR", "failed"),
        };
        for (index, part) in parts.iter().enumerate() {
            // each time it is another part that lags behind
            let is_last = index == number % (FILES + 1);
            world.codechat.receipt(&session, &part.message_id, if is_last { last } else { all });
        }
        expected.push((*id, status));
    }
    let wrong = |world: &World| -> Vec<String> {
        let status = |id: u64| world.chatwoot.message(id).map_or_else(String::new, |message| message.status);
        let differ = expected.iter().filter(|(id, wanted)| status(*id) != *wanted);
        differ.map(|(id, wanted)| format!("{id} is {} not {wanted}", status(*id))).collect()
    };
    for _ in 0..100 {
        if wrong(world).is_empty() && world.events().await?.pending == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        world.jump(Duration::from_secs(2))?;
    }
    outcome.none("messages whose status is not that of their worst part", &wrong(world));
    Ok(())
}

fn number_of(part: &Submission) -> Option<usize> {
    let name = name_of(part);
    let digits = name.strip_prefix("message ").or_else(|| name.split_once('-').map(|(number, _)| number))?;
    digits.parse().ok()
}
