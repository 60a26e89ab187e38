//! Messages as operators look at them: a list with filters, and one with all that is known of it.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use relay_domain::Timestamp;
use relay_domain::id::{CwConversationId, CwMessageId, EventId, SessionId};
use relay_domain::text;
use relay_engine::message::{Message, Part};
use relay_store::{EventState, LaneKind, Link, StoreError, Tried, Wanted};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::extract::{Path, Query};
use crate::page::Page;
use crate::{App, Problem};

/// How many messages come at once unless the caller says.
const DEFAULT_LIMIT: u32 = 50;
const LARGEST_LIMIT: u32 = 200;
/// How much of a text a list shows, in characters.
const EXCERPT: usize = 80;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Filter {
    /// Name of a session.
    session: Option<String>,
    /// `in`, `out`, `receipt` or `desk`.
    direction: Option<String>,
    /// `pending`, `delivered`, `ignored`, `dead` or `expired`.
    state: Option<String>,
    /// A phone number or a WhatsApp id.
    chat: Option<String>,
    /// Only what was received since then.
    #[param(value_type = Option<String>, format = DateTime)]
    since: Option<jiff::Timestamp>,
    /// How many at once.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// A message, or another event that was received.
#[derive(Serialize, ToSchema)]
pub(crate) struct MessageOut {
    id: String,
    session: String,
    /// `in` to Chatwoot, `out` to WhatsApp, `receipt`, or `desk`.
    #[schema(value_type = String)]
    direction: &'static str,
    chat: String,
    /// Name of the webhook event.
    event: String,
    kind: Option<String>,
    /// `pending`, `delivered`, `ignored`, `dead` or `expired`.
    #[schema(value_type = String)]
    state: &'static str,
    /// Why it was ignored, died or expired; begins with a word and a colon.
    reason: Option<String>,
    attempts: u32,
    #[schema(format = DateTime)]
    received_at: String,
    #[schema(format = DateTime)]
    finished_at: Option<String>,
}

/// A message in a list. It holds a customer's words.
#[derive(Serialize, ToSchema)]
pub(crate) struct ListedOut {
    #[serde(flatten)]
    message: MessageOut,
    /// The beginning of its text, as the other side shows it.
    text: Option<String>,
}

/// A message with all that is known of it. It holds a customer's words.
#[derive(Serialize, ToSchema)]
pub(crate) struct ShownOut {
    #[serde(flatten)]
    message: MessageOut,
    /// What the other side shows; empty when nothing crosses, or once the body was emptied.
    parts: Vec<PartOut>,
    /// Every attempt.
    tries: Vec<TriedOut>,
    /// What it is on both sides, part by part.
    links: Vec<LinkOut>,
}

#[derive(Serialize, ToSchema)]
struct PartOut {
    text: Option<String>,
    file: Option<FileOut>,
    private: bool,
    placeholder: bool,
}

#[derive(Serialize, ToSchema)]
struct FileOut {
    kind: String,
    name: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct TriedOut {
    number: u32,
    #[schema(format = DateTime)]
    started_at: String,
    duration_ms: i64,
    outcome: String,
    http_status: Option<u16>,
    /// What was said, without what is secret.
    detail: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct LinkOut {
    #[schema(value_type = String)]
    direction: &'static str,
    part: u16,
    parts: u16,
    /// `intent`, `sent` or `failed`.
    #[schema(value_type = String)]
    state: &'static str,
    deleted: bool,
    whatsapp_id: String,
    whatsapp_from_me: bool,
    chatwoot_conversation: Option<i64>,
    chatwoot_message: Option<i64>,
}

/// List messages, newest first
///
/// The answer holds customers' texts.
#[utoipa::path(get, path = "/api/v1/messages", tag = "messages", operation_id = "listMessages", params(Filter),
    responses(
        (status = 200, description = "A page of messages", body = Page<ListedOut>),
        (status = 404, description = "`unknown_session`"),
        (status = 422, description = "`invalid_filter`"),
    ))]
pub(crate) async fn list(
    State(app): State<App>,
    Query(filter): Query<Filter>,
) -> Result<Json<Page<ListedOut>>, Problem> {
    let wanted = wanted(&app, filter).await?;
    let messages = app.engine.messages(&wanted).await.map_err(unavailable)?;
    let is_full = messages.len() >= wanted.limit as usize;
    let next = messages.last().filter(|_| is_full).map(|last| last.stored.id.to_string());
    Ok(Json(Page { data: messages.iter().map(listed).collect(), next }))
}

/// Show a message with every attempt and what it is on both sides
#[utoipa::path(get, path = "/api/v1/messages/{event}", tag = "messages", operation_id = "showMessage",
    responses((status = 200, description = "The message", body = ShownOut), (status = 404, description = "`unknown_message`")))]
pub(crate) async fn show(State(app): State<App>, Path(id): Path<String>) -> Result<Json<ShownOut>, Problem> {
    let found = app.engine.message(&EventId::new(id.clone())).await.map_err(unavailable)?;
    let (message, tries) = found.ok_or_else(|| unknown(&id))?;
    Ok(Json(shown(&message, tries)))
}

pub(crate) fn shown(message: &Message, tries: Vec<Tried>) -> ShownOut {
    ShownOut {
        message: out(message),
        parts: message.parts.iter().map(part).collect(),
        tries: tries.into_iter().map(tried).collect(),
        links: message.links.iter().map(link).collect(),
    }
}

pub(crate) fn unknown(id: &str) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "unknown_message", format!("there is no message {id}"))
}

async fn wanted(app: &App, filter: Filter) -> Result<Wanted, Problem> {
    let session = match &filter.session {
        Some(name) => Some(session_id(app, name).await?),
        None => None,
    };
    let one_of = |name: &str, words: &str| invalid(format!("{name} is one of {words}"));
    let kind = filter.direction.as_deref().map(|word| LaneKind::parse(word).ok_or(())).transpose();
    let state = filter.state.as_deref().map(|word| EventState::parse(word).ok_or(())).transpose();
    Ok(Wanted {
        session,
        kind: kind.map_err(|()| one_of("direction", "in, out, receipt, desk"))?,
        state: state.map_err(|()| one_of("state", "pending, delivered, ignored, dead, expired"))?,
        chat: filter.chat.as_deref().map(chat_name),
        since: filter.since.map(|since| Timestamp::from_millis(since.as_millisecond())),
        before: filter.cursor.map(EventId::new),
        limit: filter.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, LARGEST_LIMIT),
    })
}

pub(crate) async fn session_id(app: &App, name: &str) -> Result<SessionId, Problem> {
    let session = app.engine.store.session_by_name(name).await.map_err(unavailable)?;
    session
        .map(|session| session.id)
        .ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "unknown_session", format!("there is no session {name}")))
}

/// What a chat goes by: its JID, or that of a phone number however it is written.
pub(crate) fn chat_name(typed: &str) -> String {
    let is_number = typed.chars().all(|sign| sign.is_ascii_digit() || matches!(sign, '+' | ' ' | '-' | '(' | ')'));
    let digits: String = typed.chars().filter(char::is_ascii_digit).collect();
    if is_number && !digits.is_empty() { format!("{digits}@s.whatsapp.net") } else { typed.to_owned() }
}

fn out(message: &Message) -> MessageOut {
    let stored = &message.stored;
    let jid = message.chat.as_ref().and_then(|chat| chat.jid.as_ref()).map(ToString::to_string);
    MessageOut {
        id: stored.id.to_string(),
        session: message.session.clone(),
        direction: stored.lane.kind.as_str(),
        chat: jid.unwrap_or_else(|| stored.lane.chat.to_string()),
        event: stored.event.clone(),
        kind: message.kind.clone(),
        state: stored.state.as_str(),
        reason: stored.reason.clone(),
        attempts: stored.attempts,
        received_at: time(stored.received_at),
        finished_at: stored.finished_at.map(time),
    }
}

pub(crate) fn listed(message: &Message) -> ListedOut {
    let text = message.parts.iter().find_map(|part| part.text.as_deref().filter(|text| !text.is_empty()));
    ListedOut { message: out(message), text: text.map(|text| text::excerpt(text, EXCERPT)) }
}

fn part(part: &Part) -> PartOut {
    PartOut {
        text: part.text.clone(),
        file: part.file.as_ref().map(|file| FileOut { kind: file.kind.to_lowercase(), name: file.name.clone() }),
        private: part.is_private,
        placeholder: part.is_placeholder,
    }
}

pub(crate) fn tried(tried: Tried) -> TriedOut {
    TriedOut {
        number: tried.number,
        started_at: time(tried.started_at),
        duration_ms: tried.duration_ms,
        outcome: tried.outcome,
        http_status: tried.http_status,
        detail: tried.detail,
    }
}

fn link(link: &Link) -> LinkOut {
    LinkOut {
        direction: link.key.direction.as_str(),
        part: link.key.part,
        parts: link.parts,
        state: link.state.as_str(),
        deleted: link.is_deleted,
        whatsapp_id: link.wa_id.to_string(),
        whatsapp_from_me: link.wa_from_me,
        chatwoot_conversation: link.cw_conversation.map(CwConversationId::get),
        chatwoot_message: link.cw_message.map(CwMessageId::get),
    }
}

pub(crate) fn time(time: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(time.as_millis()).unwrap_or_default().to_string()
}

pub(crate) fn invalid(detail: String) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_filter", detail)
}

#[expect(clippy::needless_pass_by_value, reason = "it is the last owner, as map_err hands it over")]
pub(crate) fn unavailable(error: StoreError) -> Problem {
    tracing::error!(%error, "messages could not be read from the store");
    Problem::unavailable()
}
