//! Dead letters over HTTP: listed, counted, shown, tried again, dropped, exported.

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use futures_util::stream;
use relay_domain::Timestamp;
use relay_domain::id::EventId;
use relay_engine::dead::{Letter, PORTION};
use relay_store::{DeadFilter, Decided, Decision, EventState, LaneKind};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use crate::extract::{Path, Query};
use crate::message::{self, ListedOut, ShownOut, chat_name, invalid, session_id, time, unavailable};
use crate::page::Page;
use crate::session::{self, REASON, is_reason};
use crate::{App, Problem};

const DEFAULT_LIMIT: u32 = 50;
const LARGEST_LIMIT: u32 = 200;
/// Letters that an export reads at once; each body may weigh 2 MB.
const EXPORTED_AT_ONCE: u32 = 10;

/// What a caller says of which dead letters are meant.
#[derive(Default, Deserialize, IntoParams, ToSchema)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct FilterIn {
    /// Name of a session.
    session: Option<String>,
    /// `in`, `out`, `receipt` or `desk`.
    direction: Option<String>,
    /// `dead` or `expired`; for an export also `pending`, which is what waits.
    state: Option<String>,
    /// A phone number or a WhatsApp id.
    chat: Option<String>,
    /// Name of the webhook event, such as `messages.upsert`.
    event: Option<String>,
    /// The word that the reason begins with.
    reason: Option<String>,
    /// Only what died since then.
    #[param(value_type = Option<String>, format = DateTime)]
    #[schema(value_type = Option<String>, format = DateTime)]
    since: Option<jiff::Timestamp>,
    /// Only what died before then.
    #[param(value_type = Option<String>, format = DateTime)]
    #[schema(value_type = Option<String>, format = DateTime)]
    until: Option<jiff::Timestamp>,
    /// How many at once: 50 when absent, at most 200, and at most 50 in calls that change something.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// `next` of the page or portion before.
    cursor: Option<String>,
    /// Really all of them; for calls that change something.
    #[serde(default)]
    #[param(ignore)]
    all: bool,
    /// Why they are dropped.
    #[param(ignore)]
    why: Option<String>,
}

/// Dead letters of one session that died for the same reason.
#[derive(Serialize, ToSchema)]
pub(crate) struct GroupOut {
    session: String,
    #[schema(value_type = String)]
    direction: &'static str,
    #[schema(value_type = String)]
    state: &'static str,
    reason: String,
    count: i64,
    #[schema(format = DateTime)]
    first_at: String,
    #[schema(format = DateTime)]
    last_at: String,
}

/// What becomes of a dead letter.
#[derive(Serialize, ToSchema)]
pub(crate) struct DecidedOut {
    id: String,
    /// `pending` or `ignored`.
    #[schema(value_type = String)]
    state: &'static str,
}

/// What became of a portion of dead letters.
#[derive(Serialize, ToSchema)]
pub(crate) struct PortionOut {
    #[serde(skip_serializing_if = "Option::is_none")]
    retried: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dropped: Option<u32>,
    /// How many could not be tried again, because what was received was emptied.
    refused: u32,
    /// Goes into `cursor` for the next portion; null after the last.
    next: Option<String>,
}

/// List dead letters, newest first
///
/// What could not be delivered (`dead`) or waited too long (`expired`). The answer holds customers' texts.
#[utoipa::path(get, path = "/api/v1/dead", tag = "dead letters", operation_id = "listDead", params(FilterIn),
    responses(
        (status = 200, description = "A page of dead letters", body = Page<ListedOut>),
        (status = 404, description = "`unknown_session`"),
        (status = 422, description = "`invalid_filter`"),
    ))]
pub(crate) async fn list(
    State(app): State<App>,
    Query(asked): Query<FilterIn>,
) -> Result<Json<Page<ListedOut>>, Problem> {
    let asked = for_reading(asked)?;
    let limit = asked.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, LARGEST_LIMIT);
    let before = storable("cursor", asked.cursor.as_deref())?.map(EventId::new);
    let filter = filter(&app, &asked, &FAILED).await?;
    let letters = app.engine.dead_letters(&filter, before.as_ref(), limit).await.map_err(unavailable)?;
    let is_full = letters.len() >= limit as usize;
    let next = letters.last().filter(|_| is_full).map(|last| last.stored.id.to_string());
    Ok(Json(Page { data: letters.iter().map(message::listed).collect(), next }))
}

/// Count dead letters by reason, most frequent first
#[utoipa::path(get, path = "/api/v1/dead/groups", tag = "dead letters", operation_id = "groupDead", params(FilterIn),
    responses(
        (status = 200, description = "All groups", body = Page<GroupOut>),
        (status = 404, description = "`unknown_session`"),
        (status = 422, description = "`invalid_filter`"),
    ))]
pub(crate) async fn groups(
    State(app): State<App>,
    Query(asked): Query<FilterIn>,
) -> Result<Json<Page<GroupOut>>, Problem> {
    let asked = for_reading(asked)?;
    let filter = filter(&app, &asked, &FAILED).await?;
    let mut data = Vec::new();
    for group in app.engine.store.dead_groups(&filter).await.map_err(unavailable)? {
        let Some(live) = app.engine.sessions.of_id(&group.session) else { continue };
        data.push(GroupOut {
            session: live.name().to_owned(),
            direction: group.kind.as_str(),
            state: group.state.as_str(),
            reason: group.reason,
            count: group.count,
            first_at: time(group.first),
            last_at: time(group.last),
        });
    }
    Ok(Json(Page { data, next: None }))
}

/// Show a dead letter with every attempt
#[utoipa::path(get, path = "/api/v1/dead/{event}", tag = "dead letters", operation_id = "showDead",
    responses((status = 200, description = "The message", body = ShownOut), (status = 404, description = "`not_dead`, `unknown_message`")))]
pub(crate) async fn show(State(app): State<App>, Path(id): Path<String>) -> Result<Json<ShownOut>, Problem> {
    storable("the id", Some(&id))?;
    let found = app.engine.message(&EventId::new(id.clone())).await.map_err(unavailable)?;
    let (letter, tries) = found.ok_or_else(|| message::unknown(&id))?;
    match letter.stored.state {
        EventState::Dead | EventState::Expired => Ok(Json(message::shown(&letter, tries))),
        state @ (EventState::Pending | EventState::Delivered | EventState::Ignored) => {
            Err(Problem { status: StatusCode::NOT_FOUND, ..not_dead(&id, state) })
        }
    }
}

/// Give a dead letter another turn
///
/// It waits at its old place in its chat. Parts that were sent stay sent. Asked for while it waits, nothing changes.
#[utoipa::path(post, path = "/api/v1/dead/{event}/retry", tag = "dead letters", operation_id = "retryDead",
    responses(
        (status = 202, description = "It waits for its turn", body = DecidedOut),
        (status = 404, description = "`unknown_message`"),
        (status = 409, description = "`not_dead`; `body_gone`: what was received was emptied 90 days after the death"),
    ))]
pub(crate) async fn retry(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<DecidedOut>), Problem> {
    decide(&app, &id, Decision::Retry).await.map(|answer| (StatusCode::ACCEPTED, answer))
}

/// Give a message that is dead or expired another turn
#[utoipa::path(post, path = "/api/v1/messages/{event}/retry", tag = "messages", operation_id = "retryMessage",
    responses(
        (status = 202, description = "It waits for its turn", body = DecidedOut),
        (status = 404, description = "`unknown_message`"),
        (status = 409, description = "`not_dead`, `body_gone`"),
    ))]
pub(crate) async fn retry_message(
    app: State<App>,
    id: Path<String>,
) -> Result<(StatusCode, Json<DecidedOut>), Problem> {
    retry(app, id).await
}

/// Why a dead letter is dropped.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "an object with the field why")]
pub(crate) struct DropIn {
    /// One line of at most 200 characters.
    #[schema(max_length = 200)]
    why: String,
}

/// Drop a dead letter
#[utoipa::path(post, path = "/api/v1/dead/{event}/drop", tag = "dead letters", operation_id = "dropDead", request_body = DropIn,
    responses(
        (status = 200, description = "It is ignored", body = DecidedOut),
        (status = 400, description = "`not_json`"),
        (status = 404, description = "`unknown_message`"),
        (status = 409, description = "`not_dead`"),
        (status = 415, description = "`not_json_type`"),
        (status = 422, description = "`invalid_filter`"),
    ))]
pub(crate) async fn drop_one(
    State(app): State<App>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Json<DecidedOut>, Problem> {
    let wanted: DropIn = session::read(request).await.map_err(as_filter)?;
    decide(&app, &id, Decision::Drop(reason(Some(&wanted.why))?)).await
}

async fn decide(app: &App, id: &str, decision: Decision) -> Result<Json<DecidedOut>, Problem> {
    storable("the id", Some(id))?;
    let is_retry = decision == Decision::Retry;
    let state = if is_retry { EventState::Pending } else { EventState::Ignored };
    let decided = || DecidedOut { id: id.to_owned(), state: state.as_str() };
    match app.engine.decide(&EventId::new(id), decision).await.map_err(unavailable)? {
        Decided::Done => Ok(Json(decided())),
        // asked for twice is asked for
        Decided::Is(EventState::Pending) if is_retry => Ok(Json(decided())),
        Decided::Is(state) => Err(not_dead(id, state)),
        Decided::BodyGone => {
            let detail = format!(
                "message {id} cannot be tried again: what was received was emptied 90 days after it died; drop it instead"
            );
            Err(Problem::new(StatusCode::CONFLICT, "body_gone", detail))
        }
        Decided::Unknown => Err(message::unknown(id)),
    }
}

/// Give a portion of dead letters another turn
///
/// At least one field, or `"all": true`. Go on with `next` as `cursor` until it is null.
#[utoipa::path(post, path = "/api/v1/dead/retry", tag = "dead letters", operation_id = "retryManyDead", request_body = FilterIn,
    responses(
        (status = 200, description = "What became of the portion", body = PortionOut),
        (status = 400, description = "`not_json`"),
        (status = 404, description = "`unknown_session`"),
        (status = 415, description = "`not_json_type`"),
        (status = 422, description = "`invalid_filter`"),
    ))]
pub(crate) async fn retry_many(State(app): State<App>, request: Request) -> Result<Json<PortionOut>, Problem> {
    let asked: FilterIn = session::read(request).await.map_err(as_filter)?;
    decide_many(&app, asked, |why| match why {
        None => Ok(Decision::Retry),
        Some(_) => Err(invalid("why is said when dead letters are dropped".to_owned())),
    })
    .await
}

/// Drop a portion of dead letters
///
/// At least one field beside `why`, or `"all": true`. Go on with `next` as `cursor` until it is null.
#[utoipa::path(post, path = "/api/v1/dead/drop", tag = "dead letters", operation_id = "dropManyDead", request_body = FilterIn,
    responses(
        (status = 200, description = "What became of the portion", body = PortionOut),
        (status = 400, description = "`not_json`"),
        (status = 404, description = "`unknown_session`"),
        (status = 415, description = "`not_json_type`"),
        (status = 422, description = "`invalid_filter`"),
    ))]
pub(crate) async fn drop_many(State(app): State<App>, request: Request) -> Result<Json<PortionOut>, Problem> {
    let asked: FilterIn = session::read(request).await.map_err(as_filter)?;
    decide_many(&app, asked, |why| reason(why).map(Decision::Drop)).await
}

/// One portion; the caller goes on with `next`.
async fn decide_many(
    app: &App,
    asked: FilterIn,
    decision: impl FnOnce(Option<&str>) -> Result<Decision, Problem>,
) -> Result<Json<PortionOut>, Problem> {
    let filter = filter(app, &asked, &FAILED).await?;
    if filter == DeadFilter::default() && !asked.all {
        return Err(invalid("say which dead letters are meant, or send \"all\": true".to_owned()));
    }
    let decision = decision(asked.why.as_deref())?;
    let after = storable("cursor", asked.cursor.as_deref())?.map(EventId::new);
    let limit = asked.limit.unwrap_or(PORTION).clamp(1, PORTION);
    let is_retry = decision == Decision::Retry;
    let portion = app.engine.decide_many(filter, after, limit, decision).await.map_err(unavailable)?;
    let next = portion.last.map(|last| last.to_string());
    Ok(Json(PortionOut {
        retried: is_retry.then_some(portion.done),
        dropped: (!is_retry).then_some(portion.done),
        refused: portion.refused,
        next,
    }))
}

/// Write dead letters out, with the bytes as received
///
/// One JSON object a line, newest first. A failure on the way cuts the answer off, so that nobody takes a part for the whole.
#[utoipa::path(get, path = "/api/v1/dead/export", tag = "dead letters", operation_id = "exportDead", params(FilterIn),
    responses(
        (status = 200, description = "Lines of JSON", body = String, content_type = "application/x-ndjson"),
        (status = 404, description = "`unknown_session`"),
        (status = 422, description = "`invalid_filter`"),
    ))]
pub(crate) async fn export(State(app): State<App>, Query(asked): Query<FilterIn>) -> Result<Response, Problem> {
    let asked = for_reading(asked)?;
    let filter = filter(&app, &asked, &BACKLOG).await?;
    let first = storable("cursor", asked.cursor.as_deref())?.map(EventId::new);
    let pages = stream::try_unfold(Some((app, filter, first)), |rest| async move {
        let Some((app, filter, before)) = rest else { return Ok(None) };
        let letters = app.engine.export(&filter, before.as_ref(), EXPORTED_AT_ONCE).await?;
        let lines = letters.iter().flat_map(|letter| [exported(letter).to_string(), "\n".to_owned()]);
        let lines: String = lines.collect();
        let is_full = letters.len() >= EXPORTED_AT_ONCE as usize;
        let next = letters.last().filter(|_| is_full).map(|last| (app, filter, Some(last.stored.id.clone())));
        Ok::<_, relay_store::StoreError>(Some((Bytes::from(lines), next)))
    });
    let kind = [(header::CONTENT_TYPE, "application/x-ndjson")];
    Ok((kind, Body::from_stream(pages)).into_response())
}

fn exported(letter: &Letter) -> Value {
    let stored = &letter.stored;
    let jid = letter.chat.as_ref().and_then(|chat| chat.jid.as_ref()).map(ToString::to_string);
    let tries = letter.tries.iter().cloned().map(message::tried);
    json!({
        "id": stored.id.as_str(),
        "session": letter.session,
        "direction": stored.lane.kind.as_str(),
        "chat": jid.unwrap_or_else(|| stored.lane.chat.to_string()),
        "source": stored.source.as_str(),
        "event": stored.event,
        "state": stored.state.as_str(),
        "reason": stored.reason,
        "attempts": stored.attempts,
        "received_at": time(stored.received_at),
        "finished_at": stored.finished_at.map(time),
        "tries": tries.collect::<Vec<_>>(),
        "body": stored.body.as_deref().map(body),
    })
}

/// Text as text, anything else as base64.
fn body(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => json!({ "text": text }),
        Err(_) => json!({ "base64": BASE64_STANDARD.encode(bytes) }),
    }
}

/// States that a list, a retry or a drop is about, and those that an export is about.
const FAILED: [EventState; 2] = [EventState::Dead, EventState::Expired];
const BACKLOG: [EventState; 3] = [EventState::Dead, EventState::Expired, EventState::Pending];

fn for_reading(asked: FilterIn) -> Result<FilterIn, Problem> {
    if asked.all || asked.why.is_some() {
        return Err(invalid("all and why belong to calls that change something".to_owned()));
    }
    Ok(asked)
}

async fn filter(app: &App, asked: &FilterIn, states: &[EventState]) -> Result<DeadFilter, Problem> {
    let session = match &asked.session {
        Some(name) => Some(session_id(app, name).await?),
        None => None,
    };
    let kind = asked.direction.as_deref().map(|word| {
        LaneKind::parse(word).ok_or_else(|| invalid("direction is one of in, out, receipt, desk".to_owned()))
    });
    let state = asked.state.as_deref().map(|word| one_of(states, word));
    let moment = |at: jiff::Timestamp| Timestamp::from_millis(at.as_millisecond());
    Ok(DeadFilter {
        session,
        kind: kind.transpose()?,
        state: state.transpose()?,
        chat: storable("chat", asked.chat.as_deref())?.map(|chat| chat_name(&chat)),
        event: storable("event", asked.event.as_deref())?,
        reason: storable("reason", asked.reason.as_deref())?,
        since: asked.since.map(moment),
        until: asked.until.map(moment),
    })
}

fn one_of(states: &[EventState], word: &str) -> Result<EventState, Problem> {
    let state = EventState::parse(word).filter(|state| states.contains(state));
    let words: Vec<_> = states.iter().map(|state| state.as_str()).collect();
    state.ok_or_else(|| invalid(format!("state is one of {}", words.join(", "))))
}

/// PostgreSQL has no NUL in texts.
fn storable(name: &str, text: Option<&str>) -> Result<Option<String>, Problem> {
    match text {
        Some(text) if text.contains('\0') => Err(invalid(format!("{name} holds a character that cannot be stored"))),
        text => Ok(text.map(ToOwned::to_owned)),
    }
}

fn reason(why: Option<&str>) -> Result<String, Problem> {
    let why = why.map(str::trim).filter(|why| !why.is_empty());
    let why = why.ok_or_else(|| invalid("say in why what the reason is".to_owned()))?;
    if is_reason(why) { Ok(why.to_owned()) } else { Err(invalid(REASON.to_owned())) }
}

/// A body that does not fit is about dead letters here.
fn as_filter(problem: Problem) -> Problem {
    if problem.code == "invalid_session" { invalid(problem.detail) } else { problem }
}

fn not_dead(id: &str, state: EventState) -> Problem {
    let detail = format!("message {id} is {}, not a dead letter", state.as_str());
    Problem::new(StatusCode::CONFLICT, "not_dead", detail)
}
