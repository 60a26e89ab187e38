//! All sessions at a glance, and above them the one thing that needs a person next.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use askama::Template;
use axum::extract::State;
use axum::response::Html;
use relay_domain::Timestamp;
use relay_domain::id::SessionId;
use relay_engine::disk::Room;
use relay_engine::{Live, Side};
use relay_store::{DeadFilter, Glance, SessionState};

use crate::Console;
use crate::dress::render;
use crate::failure::Failure;
use crate::frame::{Frame, Section};
use crate::view::{Mark, When, readable};
use crate::visitor::Visitor;
use crate::words::{self, T};

/// How long a message may wait before a person should look.
const LONG: Duration = Duration::from_mins(5);
/// How long a number is taken for known.
const NUMBER_HOLDS: Duration = Duration::from_mins(5);

/// Which number each session was paired with, as CodeChat last told.
#[derive(Debug, Default)]
pub(crate) struct Numbers(Arc<Mutex<HashMap<SessionId, Asked>>>);

/// When CodeChat was asked for a number, what the connection was then, and what it said.
#[derive(Clone, Debug)]
struct Asked {
    at: Instant,
    connection: String,
    number: Option<String>,
}

impl Numbers {
    /// What is known; asks anew in the background when that is long ago, or when the connection was another.
    pub(crate) fn of(&self, live: &Arc<Live>) -> Option<String> {
        let connection = live.session.connection.clone();
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let last = known.get(live.id());
        let number = last.and_then(|asked| asked.number.clone());
        let is_fresh = last.is_some_and(|asked| asked.at.elapsed() < NUMBER_HOLDS && asked.connection == connection);
        if !is_fresh {
            let asked = Asked { at: Instant::now(), connection, number: number.clone() };
            known.insert(live.id().clone(), asked.clone());
            let (known, live) = (self.0.clone(), live.clone());
            tokio::spawn(async move {
                if let Ok(instance) = live.codechat.fetch_instance(live.name()).await {
                    let number = instance.owner_jid.as_deref().map(paired_number);
                    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
                    known.insert(live.id().clone(), Asked { number, ..asked });
                }
            });
        }
        number
    }

    /// What is known, without asking.
    pub(crate) fn known(&self, session: &SessionId) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(session).and_then(|asked| asked.number.clone())
    }

    /// Asks anew next time: the phone may have changed.
    pub(crate) fn forget(&self, session: &SessionId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(session);
    }
}

/// The number in an owner's address, without the device.
fn paired_number(owner: &str) -> String {
    let (user, server) = owner.split_once('@').unwrap_or((owner, "s.whatsapp.net"));
    readable(&format!("{}@{server}", user.split(':').next().unwrap_or(user)))
}

#[derive(Template)]
#[template(path = "overview.html")]
struct Overview {
    frame: Frame,
    next: NextThing,
    cards: Vec<Card>,
    is_cut: bool,
}

/// The one thing to do next.
struct NextThing {
    class: &'static str,
    shape: &'static str,
    what: String,
    how: String,
    link: Option<(String, T)>,
}

struct Card {
    name: String,
    description: Option<String>,
    number: Option<String>,
    state: Mark,
    reason: Option<String>,
    last: Option<When>,
    oldest: Option<When>,
    pending: i64,
    incoming: i64,
    outgoing: i64,
    dead: i64,
}

/// What is known of a session when the next thing to do is chosen.
struct Seen {
    live: Arc<Live>,
    glance: Glance,
    dead: i64,
}

pub(crate) async fn page(State(console): State<Console>, visitor: Visitor) -> Result<Html<String>, Failure> {
    let frame = Frame::of(&console, visitor, Some(Section::Overview));
    console.engine.sessions.refresh().await?;
    let glances = console.engine.store.glance(start_of_day(&frame)).await?;
    let groups = console.engine.store.dead_groups(&DeadFilter::default()).await?;
    let mut seen = Vec::new();
    for live in console.engine.sessions.all() {
        let glance = glances.of.get(live.id()).copied().unwrap_or_default();
        let dead = groups.iter().filter(|group| group.session == *live.id()).map(|group| group.count).sum();
        seen.push(Seen { live, glance, dead });
    }
    seen.sort_by(|one, other| one.live.name().cmp(other.live.name()));
    let next = next_thing(&console, &frame, &seen);
    let cards = seen.iter().map(|seen| card(&console, &frame, seen)).collect();
    Ok(render(&Overview { next, cards, is_cut: glances.is_cut, frame }))
}

fn start_of_day(frame: &Frame) -> Timestamp {
    let now = jiff::Timestamp::from_millisecond(frame.now.as_millis()).unwrap_or_default();
    let start = now.to_zoned(frame.zone().clone()).start_of_day();
    start.map_or(frame.now, |start| Timestamp::from_millis(start.timestamp().as_millisecond()))
}

fn card(console: &Console, frame: &Frame, seen: &Seen) -> Card {
    let session = &seen.live.session;
    Card {
        name: session.name.clone(),
        description: session.description.clone(),
        number: console.memory.numbers.of(&seen.live),
        state: state_of(&seen.live, frame),
        reason: session.state_reason.clone(),
        last: seen.glance.last_message.map(|at| frame.when(at)),
        oldest: seen.glance.oldest_pending.map(|at| frame.when(at)),
        pending: seen.glance.pending,
        incoming: seen.glance.incoming,
        outgoing: seen.glance.outgoing,
        dead: seen.dead,
    }
}

/// The state of a session, from its own and that of its phone.
pub(crate) fn state_of(live: &Live, frame: &Frame) -> Mark {
    if live.session.state == SessionState::Paused {
        return Mark::new("bad", "❚❚", T::Paused, frame);
    }
    match live.session.connection.as_str() {
        "open" => Mark::new("well", "●", T::Connected, frame),
        "connecting" => Mark::new("waits", "◔", T::Connecting, frame),
        "unknown" => Mark::new("quiet", "?", T::NotHeardOf, frame),
        _ => Mark::new("bad", "○", T::Disconnected, frame),
    }
}

/// Chooses what needs a person most: what stops everything first, what stops one session then, what merely waits last.
fn next_thing(console: &Console, frame: &Frame, all: &[Seen]) -> NextThing {
    let say = |class, shape, what: String, how: String, link| NextThing { class, shape, what, how, link };
    let session_link = |seen: &Seen, text| Some((words::session_path(seen.live.name()), text));
    match console.engine.room() {
        Room::Gone => return say("bad", "✕", frame.t(T::DiskFull).into(), frame.t(T::DiskFullHint).into(), None),
        Room::Tight => return say("bad", "✕", frame.t(T::DiskTight).into(), frame.t(T::DiskTightHint).into(), None),
        Room::Enough => {}
    }
    if all.is_empty() {
        return say("waits", "→", frame.t(T::NoSessions).into(), frame.t(T::NoSessionsHint).into(), None);
    }
    if let Some(seen) = all.iter().find(|seen| seen.live.session.state == SessionState::Paused) {
        let reason = seen.live.session.state_reason.clone().unwrap_or_default();
        let what = words::session_is_paused(frame.locale, seen.live.name(), &reason);
        let hint = if reason.starts_with("paused by a person") { T::PausedByHandHint } else { T::PausedHint };
        return say("bad", "❚❚", what, frame.t(hint).into(), session_link(seen, T::OpenSession));
    }
    let is_off = |seen: &&Seen| !matches!(seen.live.session.connection.as_str(), "open" | "connecting");
    if let Some(seen) = all.iter().find(is_off) {
        let what = words::phone_is_off(frame.locale, seen.live.name());
        return say("bad", "○", what, frame.t(T::PhoneOffHint).into(), session_link(seen, T::ConnectPhone));
    }
    let dead: i64 = all.iter().map(|seen| seen.dead).sum();
    if dead > 0 {
        let link = Some((Section::Dead.path().to_owned(), T::OpenDeadLetters));
        return say("bad", "✕", words::dead_letters(frame.locale, dead), frame.t(T::DeadHint).into(), link);
    }
    for (side, what) in [(Side::Chatwoot, T::ChatwootSilent), (Side::CodeChat, T::CodeChatSilent)] {
        if all.iter().any(|seen| seen.live.health.breaker(side).is_open()) {
            return say("waits", "◔", frame.t(what).into(), frame.t(T::SilentHint).into(), None);
        }
    }
    let waits_long = |seen: &&Seen| seen.glance.oldest_pending.is_some_and(|at| frame.now.since(at) > LONG);
    if let Some(seen) = all.iter().find(waits_long) {
        let name = seen.live.name();
        let link = Some((format!("/console/log?state=pending&session={name}"), T::OpenMessages));
        return say("waits", "◔", words::waits_long(frame.locale, name), frame.t(T::WaitsLongHint).into(), link);
    }
    say("well", "✓", frame.t(T::AllWell).into(), frame.t(T::AllWellHint).into(), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_without_their_device() {
        assert_eq!(paired_number("5511988887777:12@s.whatsapp.net"), "+5511988887777");
        assert_eq!(paired_number("5511988887777"), "+5511988887777");
    }
}
