//! The delivery log, with filters and page by page; and its live tail.

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::Html;
use relay_domain::id::{ChatKey, EventId};
use relay_store::{Browse, EventState, Lane, LaneKind};

use crate::Console;
use crate::dress::render;
use crate::failure::Failure;
use crate::form::Fields;
use crate::frame::{Frame, Section};
use crate::view::{Row, state_word, way_word};
use crate::visitor::Visitor;
use crate::words::T;

/// Rows of a page.
const ROWS: u32 = 100;
/// Rows of the tail.
const TAIL: u32 = 50;
/// What narrows the log, as it is called in addresses.
const FILTERS: [&str; 6] = ["session", "chat", "direction", "state", "since", "until"];

pub(crate) const WAYS: [LaneKind; 4] = [LaneKind::In, LaneKind::Out, LaneKind::Receipt, LaneKind::Desk];
pub(crate) const STATES: [EventState; 5] =
    [EventState::Pending, EventState::Delivered, EventState::Ignored, EventState::Dead, EventState::Expired];

/// One choice of a field.
pub(crate) struct Choice {
    pub(crate) value: String,
    pub(crate) word: String,
    pub(crate) is_chosen: bool,
}

#[derive(Template)]
#[template(path = "log.html")]
struct Log {
    frame: Frame,
    fields: Fields,
    sessions: Vec<Choice>,
    ways: Vec<Choice>,
    states: Vec<Choice>,
    rows: Vec<Row>,
    /// Where the next page is.
    older: Option<String>,
    /// Where the first page is, on any other.
    newest: Option<String>,
    is_filtered: bool,
}

#[derive(Template)]
#[template(path = "tail.html")]
struct Tail {
    frame: Frame,
    rows: Vec<Row>,
}

pub(crate) async fn page(
    State(console): State<Console>,
    visitor: Visitor,
    RawQuery(query): RawQuery,
) -> Result<Html<String>, Failure> {
    let frame = Frame::of(&console, visitor, Some(Section::Log));
    let fields = Fields::of_query(query);
    let narrowing = fields.query(&FILTERS);
    let (rows, next) = match wanted(&console, &frame, &fields).await? {
        Some(wanted) => rows(&console, &frame, &wanted).await?,
        None => (Vec::new(), None),
    };
    let separator = if narrowing.is_empty() { "" } else { "&" };
    let page = Log {
        sessions: session_choices(&console, fields.get("session")),
        ways: choices(&WAYS, fields.get("direction"), LaneKind::as_str, |way| frame.t(way_word(way))),
        states: choices(&STATES, fields.get("state"), EventState::as_str, |state| frame.t(state_word(state))),
        older: next.map(|next| format!("/console/log?{narrowing}{separator}cursor={next}")),
        newest: fields.get("cursor").map(|_| format!("/console/log?{narrowing}")),
        is_filtered: !narrowing.is_empty(),
        rows,
        fields,
        frame,
    };
    Ok(render(&page))
}

pub(crate) async fn tail(State(console): State<Console>, visitor: Visitor) -> Result<Html<String>, Failure> {
    let frame = Frame::of(&console, visitor, Some(Section::Tail));
    let (rows, _) = rows(&console, &frame, &Browse { limit: TAIL, ..Browse::default() }).await?;
    Ok(render(&Tail { frame, rows }))
}

async fn rows(console: &Console, frame: &Frame, wanted: &Browse) -> Result<(Vec<Row>, Option<EventId>), Failure> {
    let (messages, next) = console.engine.browse(wanted).await?;
    Ok((messages.iter().map(|message| Row::of(message, frame)).collect(), next))
}

/// `None` when nothing can match.
async fn wanted(console: &Console, frame: &Frame, fields: &Fields) -> Result<Option<Browse>, Failure> {
    let session = match fields.get("session") {
        Some(name) => match console.engine.store.session_by_name(name).await? {
            Some(session) => Some(session.id),
            None => return Ok(None),
        },
        None => None,
    };
    let kind = fields.get("direction").map(|word| LaneKind::parse(word).ok_or(Failure::Wrong(T::FilterHint)));
    let state = fields.get("state").map(|word| EventState::parse(word).ok_or(Failure::Wrong(T::FilterHint)));
    let moment = |name| fields.moment(name, frame.zone()).map_err(|()| Failure::Wrong(T::MomentHint));
    let mut wanted = Browse {
        lanes: Vec::new(),
        session,
        kind: kind.transpose()?,
        state: state.transpose()?,
        event: None,
        since: moment("since")?,
        until: moment("until")?,
        before: fields.get("cursor").map(EventId::new),
        limit: ROWS,
    };
    if let Some(typed) = fields.get("chat") {
        wanted.lanes = lanes_of(console, &wanted, typed).await?;
        if wanted.lanes.is_empty() {
            return Ok(None);
        }
    }
    Ok(Some(wanted))
}

/// The lanes of the chat that goes by a name, in every session that may be meant.
async fn lanes_of(console: &Console, wanted: &Browse, typed: &str) -> Result<Vec<Lane>, Failure> {
    let mut lanes = Vec::new();
    for live in console.engine.sessions.all() {
        if wanted.session.as_ref().is_some_and(|session| session != live.id()) {
            continue;
        }
        if let Some(chat) = console.engine.store.chat_by_alias(live.id(), &address(typed)).await? {
            lanes.extend(lanes_of_chat(live.id(), &chat));
        }
    }
    Ok(lanes)
}

/// Both lanes of a chat.
pub(crate) fn lanes_of_chat(session: &relay_domain::id::SessionId, chat: &ChatKey) -> [Lane; 2] {
    [LaneKind::In, LaneKind::Out].map(|kind| Lane { session: session.clone(), kind, chat: chat.clone() })
}

/// What a chat goes by: its address, or that of a phone number however it is written.
fn address(typed: &str) -> String {
    let is_number = typed.chars().all(|sign| sign.is_ascii_digit() || matches!(sign, '+' | ' ' | '-' | '(' | ')'));
    let digits: String = typed.chars().filter(char::is_ascii_digit).collect();
    if is_number && !digits.is_empty() { format!("{digits}@s.whatsapp.net") } else { typed.to_owned() }
}

/// The choices of a field whose values are a closed set.
pub(crate) fn choices<T: Copy>(
    all: &[T],
    chosen: Option<&str>,
    value: fn(T) -> &'static str,
    word: impl Fn(T) -> &'static str,
) -> Vec<Choice> {
    let choice = |each: &T| Choice {
        value: value(*each).to_owned(),
        word: word(*each).to_owned(),
        is_chosen: chosen == Some(value(*each)),
    };
    all.iter().map(choice).collect()
}

/// The sessions as choices of a field.
pub(crate) fn session_choices(console: &Console, chosen: Option<&str>) -> Vec<Choice> {
    let mut names: Vec<_> = console.engine.sessions.all().iter().map(|live| live.name().to_owned()).collect();
    names.sort();
    let choice = |name: String| Choice { is_chosen: chosen == Some(name.as_str()), word: name.clone(), value: name };
    names.into_iter().map(choice).collect()
}
