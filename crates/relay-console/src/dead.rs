//! Dead letters: how many for which reason, each of them, and what becomes of many at once.

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::{Html, Redirect};
use relay_domain::id::EventId;
use relay_store::{DeadFilter, Decision, LaneKind};
use url::form_urlencoded;

use crate::Console;
use crate::dress::render;
use crate::failure::Failure;
use crate::form::Fields;
use crate::frame::{Frame, Section};
use crate::log::{Choice, choices, session_choices};
use crate::reason::reason;
use crate::view::{Mark, Row, When, field_time, way_arrow, way_word};
use crate::visitor::{Posted, Visitor};
use crate::words::T;

/// Rows of a page.
const ROWS: u32 = 50;
/// Groups of a page: reasons that strangers wrote count as one, so there are never many.
const GROUPS: usize = 100;
/// Portions that one click handles.
const PORTIONS: u32 = 40;
/// What narrows the list, as it is called in addresses.
const FILTERS: [&str; 5] = ["session", "direction", "reason", "since", "until"];

#[derive(Template)]
#[template(path = "dead.html")]
struct DeadPage {
    frame: Frame,
    fields: Fields,
    sessions: Vec<Choice>,
    ways: Vec<Choice>,
    groups: Vec<Group>,
    rows: Vec<Row>,
    total: i64,
    /// Until when those died that a click is about: what dies while one looks at them is not among them.
    until: String,
    older: Option<String>,
    newest: Option<String>,
    is_filtered: bool,
}

struct Group {
    session: String,
    arrow: &'static str,
    way: &'static str,
    state: Mark,
    reason: String,
    count: i64,
    first: When,
    last: When,
    path: String,
}

pub(crate) async fn page(
    State(console): State<Console>,
    visitor: Visitor,
    RawQuery(query): RawQuery,
) -> Result<Html<String>, Failure> {
    let frame = Frame::of(&console, visitor, Some(Section::Dead));
    let fields = Fields::of_query(query);
    let filter = filter(&console, &frame, &fields).await?;
    let found = console.engine.store.dead_groups(&filter).await?;
    let total = found.iter().map(|group| group.count).sum();
    let before = fields.get("cursor").map(EventId::new);
    let letters = console.engine.dead_letters(&filter, before.as_ref(), ROWS).await?;
    let narrowing = fields.query(&FILTERS);
    let next = letters.last().filter(|_| letters.len() >= ROWS as usize).map(|last| last.stored.id.clone());
    let mut groups = Vec::new();
    for group in found.iter().take(GROUPS) {
        let Some(live) = console.engine.sessions.of_id(&group.session) else { continue };
        groups.push(Group {
            session: live.name().to_owned(),
            arrow: way_arrow(group.kind),
            way: frame.t(way_word(group.kind)),
            state: Mark::of_event(group.state, &frame),
            reason: group.reason.clone(),
            count: group.count,
            first: frame.when(group.first),
            last: frame.when(group.last),
            path: path_of(live.name(), group.kind, &group.reason),
        });
    }
    let page = DeadPage {
        sessions: session_choices(&console, fields.get("session")),
        ways: choices(&crate::log::WAYS, fields.get("direction"), LaneKind::as_str, |way| frame.t(way_word(way))),
        groups,
        rows: letters.iter().map(|letter| Row::of(letter, &frame)).collect(),
        total,
        // the field knows whole seconds
        until: field_time(frame.now + std::time::Duration::from_secs(1), frame.zone()),
        older: next.map(|next| format!("/console/dead?{narrowing}&cursor={next}")),
        newest: fields.get("cursor").map(|_| format!("/console/dead?{narrowing}")),
        is_filtered: !narrowing.is_empty(),
        fields,
        frame,
    };
    Ok(render(&page))
}

fn path_of(session: &str, kind: LaneKind, reason: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("session", session).append_pair("direction", kind.as_str()).append_pair("reason", reason);
    format!("/console/dead?{}", query.finish())
}

async fn filter(console: &Console, frame: &Frame, fields: &Fields) -> Result<DeadFilter, Failure> {
    let session = match fields.get("session") {
        Some(name) => {
            let session = console.engine.store.session_by_name(name).await?;
            Some(session.ok_or(Failure::Wrong(T::FilterHint))?.id)
        }
        None => None,
    };
    let kind = fields.get("direction").map(|word| LaneKind::parse(word).ok_or(Failure::Wrong(T::FilterHint)));
    let moment = |name| fields.moment(name, frame.zone()).map_err(|()| Failure::Wrong(T::MomentHint));
    Ok(DeadFilter {
        session,
        kind: kind.transpose()?,
        reason: fields.get("reason").map(ToOwned::to_owned),
        since: moment("since")?,
        until: moment("until")?,
        ..DeadFilter::default()
    })
}

/// Gives all that are meant another turn.
pub(crate) async fn retry(State(console): State<Console>, posted: Posted) -> Result<Redirect, Failure> {
    decide(&console, posted, |_| Ok((Decision::Retry, "retried"))).await
}

/// Drops all that are meant, for a reason.
pub(crate) async fn drop_them(State(console): State<Console>, posted: Posted) -> Result<Redirect, Failure> {
    decide(&console, posted, |fields| {
        let why = reason(fields)?.ok_or(Failure::Wrong(T::ReasonHint))?;
        Ok((Decision::Drop(why), "dropped"))
    })
    .await
}

async fn decide(
    console: &Console,
    posted: Posted,
    decision: impl FnOnce(&Fields) -> Result<(Decision, &'static str), Failure>,
) -> Result<Redirect, Failure> {
    let Posted { visitor, fields } = posted;
    let frame = Frame::of(console, visitor, None);
    let filter = filter(console, &frame, &fields).await?;
    let (decision, done) = decision(&fields)?;
    let (mut count, mut refused, mut after) = (0, 0, None);
    for _ in 0..PORTIONS {
        let engine = &console.engine;
        let portion = engine.decide_many(filter.clone(), after, relay_engine::dead::PORTION, decision.clone()).await?;
        count += portion.done;
        refused += portion.refused;
        after = portion.last;
        if after.is_none() {
            break;
        }
    }
    let more = if after.is_some() { "&more=1" } else { "" };
    Ok(Redirect::to(&format!("/console/dead?done={done}&count={count}&refused={refused}{more}")))
}
