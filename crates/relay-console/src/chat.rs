//! A conversation as it was relayed: both sides interleaved, with what came late, what had to be looked for, and what did not cross.

use askama::Template;
use axum::extract::{Path, RawQuery, State};
use axum::response::Html;
use relay_domain::id::{ChatKey, EventId};
use relay_engine::message::Message;
use relay_store::{Browse, EventState, LaneKind, Origin};

use crate::Console;
use crate::dress::render;
use crate::failure::Failure;
use crate::form::Fields;
use crate::frame::Frame;
use crate::log::lanes_of_chat;
use crate::view::{Mark, When, clock_time, day, readable};
use crate::visitor::Visitor;
use crate::words::{self, T};

/// Messages of a page.
const BUBBLES: u32 = 100;

#[derive(Template)]
#[template(path = "chat.html")]
struct ChatPage {
    frame: Frame,
    session: String,
    session_path: String,
    name: Option<String>,
    address: String,
    days: Vec<Day>,
    older: Option<String>,
    newest: Option<String>,
    with_ignored: bool,
    switch_path: String,
}

struct Day {
    date: String,
    bubbles: Vec<Bubble>,
}

struct Bubble {
    id: String,
    is_in: bool,
    who: &'static str,
    time: String,
    at: When,
    lines: Vec<String>,
    files: Vec<String>,
    /// What is to be said of it, unless it simply crossed.
    marks: Vec<Mark>,
    has_crossed: bool,
    is_quiet: bool,
}

pub(crate) async fn page(
    State(console): State<Console>,
    visitor: Visitor,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Html<String>, Failure> {
    let frame = Frame::of(&console, visitor, None);
    let fields = Fields::of_query(query);
    let live = console.engine.sessions.named(&name).await?.ok_or(Failure::Unknown)?;
    let key = ChatKey::new(fields.get("key").ok_or(Failure::Unknown)?);
    let chat = console.engine.store.chat(live.id(), &key).await?.ok_or(Failure::Unknown)?;
    let with_ignored = fields.get("all").is_some();
    let wanted = Browse {
        lanes: lanes_of_chat(live.id(), &chat.key).into(),
        before: fields.get("cursor").map(EventId::new),
        limit: BUBBLES,
        ..Browse::default()
    };
    let (mut messages, next) = console.engine.browse(&wanted).await?;
    messages.reverse();
    let path = words::chat_path(&name, chat.key.as_str());
    let all = if with_ignored { "&all=1" } else { "" };
    let page = ChatPage {
        session_path: words::session_path(&name),
        name: chat.push_name.clone().or(chat.name.clone()),
        address: readable(&chat.jid.as_ref().map_or_else(|| chat.key.to_string(), ToString::to_string)),
        days: days(&messages, with_ignored, &frame),
        older: next.map(|next| format!("{path}{all}&cursor={next}")),
        newest: fields.get("cursor").map(|_| format!("{path}{all}")),
        switch_path: if with_ignored { path } else { format!("{path}&all=1") },
        with_ignored,
        session: name,
        frame,
    };
    Ok(render(&page))
}

fn days(messages: &[Message], with_ignored: bool, frame: &Frame) -> Vec<Day> {
    let mut days: Vec<Day> = Vec::new();
    for message in messages {
        if message.stored.state == EventState::Ignored && !with_ignored {
            continue;
        }
        let date = day(message.stored.received_at, frame.zone());
        if days.last().is_none_or(|day| day.date != date) {
            days.push(Day { date, bubbles: Vec::new() });
        }
        let bubble = bubble(message, is_late(message, messages), frame);
        days.last_mut().expect("there is a day for it").bubbles.push(bubble);
    }
    days
}

/// Whether one that belongs behind it had crossed before it did.
fn is_late(message: &Message, all: &[Message]) -> bool {
    let stored = &message.stored;
    let Some(crossed) = stored.finished_at.filter(|_| stored.state == EventState::Delivered) else { return false };
    all.iter().map(|other| &other.stored).any(|other| {
        other.lane.kind == stored.lane.kind
            && other.state == EventState::Delivered
            && other.order_key > stored.order_key
            && other.finished_at.is_some_and(|at| at < crossed)
    })
}

fn bubble(message: &Message, is_late: bool, frame: &Frame) -> Bubble {
    let stored = &message.stored;
    let is_in = stored.lane.kind == LaneKind::In;
    let mut marks = Vec::new();
    if stored.state != EventState::Delivered {
        marks.push(Mark::of_event(stored.state, frame));
    }
    if is_late {
        marks.push(Mark::new("waits", "↻", T::Late, frame));
    }
    if stored.origin == Origin::Sweep {
        marks.push(Mark::new("waits", "⌕", T::Recovered, frame));
    }
    if message.parts.iter().any(|part| part.is_placeholder) {
        marks.push(Mark::new("quiet", "▢", T::Placeholder, frame));
    }
    let mut lines: Vec<_> = message.parts.iter().filter_map(|part| part.text.clone()).collect();
    let files: Vec<_> = message.parts.iter().filter_map(|part| part.file.as_ref()).collect();
    if lines.is_empty() && files.is_empty() {
        let kind = message.kind.clone().unwrap_or_else(|| stored.event.clone());
        lines.push(format!("[{kind}]"));
    }
    let file = |file: &&relay_engine::message::File| match &file.name {
        Some(name) => format!("{}: {name}", file.kind.to_lowercase()),
        None => file.kind.to_lowercase(),
    };
    Bubble {
        id: stored.id.to_string(),
        is_in,
        who: frame.t(if is_in { T::FromWhatsApp } else { T::FromChatwoot }),
        time: clock_time(stored.received_at, frame.zone()),
        at: frame.when(stored.received_at),
        files: files.iter().map(file).collect(),
        lines,
        marks,
        has_crossed: !matches!(stored.state, EventState::Dead | EventState::Expired),
        is_quiet: stored.state == EventState::Ignored,
    }
}
