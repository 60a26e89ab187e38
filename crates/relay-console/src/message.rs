//! One message: what is seen of it, every attempt to deliver it, when the next one is, what it is on both sides; and the decisions
//! about it.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{Html, Redirect};
use relay_domain::id::{CwConversationId, CwMessageId, EventId};
use relay_engine::message::{Message, Part};
use relay_store::{Decided, Decision, EventState, LaneKind, Link, NextTurn, Origin, Tried};

use crate::Console;
use crate::dress::render;
use crate::failure::Failure;
use crate::frame::{Frame, Section};
use crate::reason::reason;
use crate::view::{Mark, When, chat_name, way_arrow, way_word};
use crate::visitor::{Posted, Visitor};
use crate::words::{self, T};

#[derive(Template)]
#[template(path = "message.html")]
struct MessagePage {
    frame: Frame,
    id: String,
    session: String,
    session_path: String,
    arrow: &'static str,
    way: &'static str,
    target: &'static str,
    chat: String,
    /// Where its conversation is shown.
    chat_path: Option<String>,
    event: String,
    kind: Option<String>,
    state: Mark,
    reason: Option<String>,
    received: When,
    brought_by: T,
    finished: Option<When>,
    parts: Vec<PartRow>,
    tries: Vec<TryRow>,
    next: Option<String>,
    links: Vec<LinkRow>,
    /// Whether a person may decide what becomes of it.
    is_dead: bool,
    can_retry: bool,
}

struct PartRow {
    text: Option<String>,
    file: Option<String>,
    is_private: bool,
    is_placeholder: bool,
}

pub(crate) struct TryRow {
    number: u32,
    pub(crate) at: When,
    pub(crate) outcome: Mark,
    pub(crate) status: Option<u16>,
    pub(crate) duration_ms: i64,
    detail: Option<String>,
}

struct LinkRow {
    part: String,
    state: &'static str,
    whatsapp: String,
    conversation: Option<i64>,
    message: Option<i64>,
    is_deleted: bool,
}

pub(crate) async fn page(
    State(console): State<Console>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Html<String>, Failure> {
    let frame = Frame::of(&console, visitor, Some(Section::Log));
    let id = known_id(&id)?;
    let (message, tries) = console.engine.message(&id).await?.ok_or(Failure::Unknown)?;
    let turn = console.engine.store.next_turn(&id).await?;
    Ok(render(&shown(frame, &message, &tries, turn)))
}

fn known_id(id: &str) -> Result<EventId, Failure> {
    if id.contains('\0') { Err(Failure::Unknown) } else { Ok(EventId::new(id)) }
}

fn shown(frame: Frame, message: &Message, tries: &[Tried], turn: Option<NextTurn>) -> MessagePage {
    let stored = &message.stored;
    let kind = stored.lane.kind;
    let is_dead = matches!(stored.state, EventState::Dead | EventState::Expired);
    let has_chat = matches!(kind, LaneKind::In | LaneKind::Out);
    MessagePage {
        id: stored.id.to_string(),
        session: message.session.clone(),
        session_path: words::session_path(&message.session),
        arrow: way_arrow(kind),
        way: frame.t(way_word(kind)),
        target: if kind == LaneKind::Out { "CodeChat" } else { "Chatwoot" },
        chat: chat_name(message),
        chat_path: has_chat.then(|| words::chat_path(&message.session, stored.lane.chat.as_str())),
        event: stored.event.clone(),
        kind: message.kind.clone(),
        state: Mark::of_event(stored.state, &frame),
        reason: stored.reason.clone(),
        received: frame.when(stored.received_at),
        brought_by: brought_by(stored.origin),
        finished: stored.finished_at.map(|at| frame.when(at)),
        parts: message.parts.iter().map(part).collect(),
        tries: tries.iter().map(|tried| attempt(tried, &frame)).collect(),
        next: turn.map(|turn| next_turn(turn, &frame)),
        links: message.links.iter().map(link).collect(),
        is_dead,
        can_retry: is_dead && stored.body.is_some(),
        frame,
    }
}

const fn brought_by(origin: Origin) -> T {
    match origin {
        Origin::Webhook => T::ByWebhook,
        Origin::Sweep => T::BySweep,
        Origin::Import => T::ByImport,
        Origin::Notice => T::ByNotice,
        Origin::Manual => T::ByPerson,
    }
}

fn part(part: &Part) -> PartRow {
    let file = part.file.as_ref().map(|file| match &file.name {
        Some(name) => format!("{}: {name}", file.kind.to_lowercase()),
        None => file.kind.to_lowercase(),
    });
    PartRow { text: part.text.clone(), file, is_private: part.is_private, is_placeholder: part.is_placeholder }
}

pub(crate) fn attempt(tried: &Tried, frame: &Frame) -> TryRow {
    let is_well = tried.outcome == "ok";
    TryRow {
        number: tried.number,
        at: frame.when(tried.started_at),
        outcome: Mark {
            class: if is_well { "well" } else { "bad" },
            shape: if is_well { "✓" } else { "✕" },
            word: tried.outcome.replace('_', " "),
        },
        status: tried.http_status,
        duration_ms: tried.duration_ms,
        detail: tried.detail.clone(),
    }
}

pub(crate) fn next_turn(turn: NextTurn, frame: &Frame) -> String {
    if !turn.is_first {
        return frame.t(T::WaitsForOthers).to_owned();
    }
    match turn.at {
        Some(at) if at > frame.now => words::next_try(frame.locale, at.since(frame.now)),
        Some(_) => frame.t(T::TriedNow).to_owned(),
        None => frame.t(T::WaitsForJoin).to_owned(),
    }
}

fn link(link: &Link) -> LinkRow {
    LinkRow {
        part: format!("{}/{}", link.key.part + 1, link.parts),
        state: link.state.as_str(),
        whatsapp: link.wa_id.to_string(),
        conversation: link.cw_conversation.map(CwConversationId::get),
        message: link.cw_message.map(CwMessageId::get),
        is_deleted: link.is_deleted,
    }
}

/// Gives a dead letter another turn.
pub(crate) async fn retry(
    State(console): State<Console>,
    Path(id): Path<String>,
    posted: Posted,
) -> Result<Redirect, Failure> {
    drop(posted);
    decide(&console, &id, Decision::Retry).await
}

/// Drops a dead letter for a reason.
pub(crate) async fn drop_it(
    State(console): State<Console>,
    Path(id): Path<String>,
    posted: Posted,
) -> Result<Redirect, Failure> {
    let why = reason(&posted.fields)?.ok_or(Failure::Wrong(T::ReasonHint))?;
    decide(&console, &id, Decision::Drop(why)).await
}

async fn decide(console: &Console, id: &str, decision: Decision) -> Result<Redirect, Failure> {
    let event = known_id(id)?;
    let done = if decision == Decision::Retry { "retried" } else { "dropped" };
    let done = match console.engine.decide(&event, decision).await? {
        Decided::Done => done,
        Decided::Is(_) => "decided",
        Decided::BodyGone => "gone",
        Decided::Unknown => return Err(Failure::Unknown),
    };
    Ok(Redirect::to(&format!("/console/message/{event}?done={done}&count=1")))
}
