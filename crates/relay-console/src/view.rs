//! Small things that many pages show: times, states, ways, chats, excerpts.

use askama::Template;
use askama::filters::HtmlSafe;
use jiff::tz::TimeZone;
use relay_domain::Timestamp;
use relay_domain::note::desk::DESK_NAME;
use relay_domain::text;
use relay_engine::message::Message;
use relay_store::{EventState, LaneKind};

use crate::frame::Frame;
use crate::words::{self, T};

/// How much of a text a list shows, in characters.
const EXCERPT: usize = 90;

/// A time as people say it, with the exact one behind it.
#[derive(Template)]
#[template(source = r#"<time datetime="{{ machine }}" title="{{ exact }}">{{ spoken }}</time>"#, ext = "html")]
pub(crate) struct When {
    machine: String,
    exact: String,
    spoken: String,
}

impl HtmlSafe for When {}

impl When {
    pub(crate) fn new(at: Timestamp, frame: &Frame) -> Self {
        let spoken = if at > frame.now {
            words::in_a_while(frame.locale, at.since(frame.now))
        } else {
            words::ago(frame.locale, frame.now.since(at))
        };
        Self { machine: instant(at).to_string(), exact: exact(at, frame.zone()), spoken }
    }
}

fn instant(at: Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or_default()
}

/// Date, time to the millisecond, and zone.
pub(crate) fn exact(at: Timestamp, zone: &TimeZone) -> String {
    instant(at).to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S%.3f %Z").to_string()
}

/// The time of day, to the second.
pub(crate) fn clock_time(at: Timestamp, zone: &TimeZone) -> String {
    instant(at).to_zoned(zone.clone()).strftime("%H:%M:%S").to_string()
}

/// The day.
pub(crate) fn day(at: Timestamp, zone: &TimeZone) -> String {
    instant(at).to_zoned(zone.clone()).strftime("%Y-%m-%d").to_string()
}

/// A moment as a form's field has it.
pub(crate) fn field_time(at: Timestamp, zone: &TimeZone) -> String {
    instant(at).to_zoned(zone.clone()).strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

/// A state: a shape, a colour, and the word that says it.
#[derive(Template)]
#[template(
    source = r#"<span class="state {{ class }}"><span class="shape" aria-hidden="true">{{ shape }}</span>{{ word }}</span>"#,
    ext = "html"
)]
pub(crate) struct Mark {
    pub(crate) class: &'static str,
    pub(crate) shape: &'static str,
    pub(crate) word: String,
}

impl HtmlSafe for Mark {}

impl Mark {
    pub(crate) fn of_event(state: EventState, frame: &Frame) -> Self {
        let (class, shape) = match state {
            EventState::Pending => ("waits", "◔"),
            EventState::Delivered => ("well", "✓"),
            EventState::Ignored => ("quiet", "–"),
            EventState::Dead => ("bad", "✕"),
            EventState::Expired => ("bad", "⧖"),
        };
        Self { class, shape, word: frame.t(state_word(state)).to_owned() }
    }

    pub(crate) fn new(class: &'static str, shape: &'static str, word: T, frame: &Frame) -> Self {
        Self { class, shape, word: frame.t(word).to_owned() }
    }
}

pub(crate) const fn state_word(state: EventState) -> T {
    match state {
        EventState::Pending => T::Pending,
        EventState::Delivered => T::Delivered,
        EventState::Ignored => T::Ignored,
        EventState::Dead => T::Dead,
        EventState::Expired => T::Expired,
    }
}

pub(crate) const fn way_word(kind: LaneKind) -> T {
    match kind {
        LaneKind::In => T::WayIn,
        LaneKind::Out => T::WayOut,
        LaneKind::Receipt => T::WayReceipt,
        LaneKind::Desk => T::WayDesk,
    }
}

pub(crate) const fn way_arrow(kind: LaneKind) -> &'static str {
    match kind {
        LaneKind::In => "→",
        LaneKind::Out => "←",
        LaneKind::Receipt => "·",
        LaneKind::Desk => "⌂",
    }
}

/// A message in a list.
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) at: When,
    pub(crate) session: String,
    pub(crate) arrow: &'static str,
    pub(crate) way: &'static str,
    pub(crate) chat: String,
    pub(crate) text: String,
    pub(crate) state: Mark,
    pub(crate) reason: Option<String>,
    pub(crate) attempts: u32,
}

impl Row {
    pub(crate) fn of(message: &Message, frame: &Frame) -> Self {
        let stored = &message.stored;
        Self {
            id: stored.id.to_string(),
            at: frame.when(stored.received_at),
            session: message.session.clone(),
            arrow: way_arrow(stored.lane.kind),
            way: frame.t(way_word(stored.lane.kind)),
            chat: chat_name(message),
            text: excerpt(message),
            state: Mark::of_event(stored.state, frame),
            reason: stored.reason.clone(),
            attempts: stored.attempts,
        }
    }
}

/// What a chat is called: its number where it has one, with the customer's own name.
pub(crate) fn chat_name(message: &Message) -> String {
    match message.stored.lane.kind {
        LaneKind::Receipt => return String::new(),
        LaneKind::Desk => return DESK_NAME.to_owned(),
        LaneKind::In | LaneKind::Out => {}
    }
    let jid = message.chat.as_ref().and_then(|chat| chat.jid.as_ref()).map(ToString::to_string);
    let address = readable(&jid.unwrap_or_else(|| message.stored.lane.chat.to_string()));
    let name = message.chat.as_ref().and_then(|chat| chat.push_name.as_deref().or(chat.name.as_deref()));
    name.map_or_else(|| address.clone(), |name| format!("{} · {address}", text::excerpt(name, 40)))
}

/// An address without what says the same of all of them.
pub(crate) fn readable(address: &str) -> String {
    address.strip_suffix("@s.whatsapp.net").map_or_else(|| address.to_owned(), |number| format!("+{number}"))
}

/// The beginning of a message as the other side shows it, else what it is called.
fn excerpt(message: &Message) -> String {
    let words = message.parts.iter().find_map(|part| part.text.as_deref().filter(|text| !text.trim().is_empty()));
    let file = message.parts.iter().find_map(|part| part.file.as_ref());
    match (words, file) {
        (Some(words), _) => text::excerpt(words, EXCERPT),
        (None, Some(file)) => file.name.clone().unwrap_or_else(|| file.kind.to_lowercase()),
        (None, None) => message.kind.clone().unwrap_or_else(|| message.stored.event.clone()),
    }
}
