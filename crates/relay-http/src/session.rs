//! The session API: the payloads of the first relay, and what it lacked.

mod wire;

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use relay_domain::phone::Phone;
use relay_domain::settings::SessionSettings;
use relay_engine::Live;
use relay_engine::setup::{NewSession, SetupError};
use relay_store::{Backlog, Deleted, StoreError, UpdateSession};
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

use crate::extract::{Path, Query};
use crate::page::Page;
use crate::{App, Problem, door};
use wire::{ChangesIn, CreatedOut, HeardOut, PauseIn, QrOut, Removal, SessionIn, SessionOut, SessionPage};

/// Join a number to an inbox
///
/// Makes the CodeChat instance, or takes over the one of that name, sets its webhook, and sets the inbox's webhook. What was made is
/// unmade when a later step fails.
#[utoipa::path(post, path = "/session", tag = "sessions", operation_id = "createSession", request_body = SessionIn,
    responses(
        (status = 201, description = "The session was made", body = CreatedOut),
        (status = 400, description = "`not_json`"),
        (status = 409, description = "`not_configured`: an address or a key is missing; `taken`: the name or the inbox belongs to another session"),
        (status = 413, description = "`body_too_large`: over 2 MB"),
        (status = 415, description = "`not_json_type`"),
        (status = 422, description = "`invalid_session`, `bad_session_id`, `chatwoot_page`, `chatwoot_token_refused`, `no_such_inbox`, `not_an_api_inbox`"),
        (status = 502, description = "`chatwoot_failed`, `codechat_failed`, with what they said"),
    ))]
pub(crate) async fn create(
    State(app): State<App>,
    request: Request,
) -> Result<(StatusCode, Json<CreatedOut>), Problem> {
    let wanted: SessionIn = read(request).await?;
    if wanted.description.as_ref().is_some_and(|text| text.contains('\0')) {
        return Err(invalid("description holds a character that cannot be stored".to_owned()));
    }
    let new = NewSession {
        name: wanted.session_id.unwrap_or_else(|| Uuid::new_v4().to_string()),
        description: wanted.description,
        chatwoot_url: wanted.chatwoot.url,
        account: wanted.chatwoot.account_id,
        inbox: wanted.chatwoot.inbox_id,
        token: wanted.chatwoot.token,
        settings: wanted.settings.map_or_else(
            || Ok(SessionSettings::default()),
            |settings| changed(&SessionSettings::default(), &settings),
        )?,
    };
    // in a task of its own: a caller that hangs up does not stop it half-way
    let engine = app.engine.clone();
    let created = tokio::spawn(async move { engine.create_session(new).await })
        .await
        .map_err(|error| interrupted(&error))?
        .map_err(refused)?;
    let next_step = (!created.webhook_is_set).then(|| {
        "the token is not an administrator's: paste chatwoot_inbox_webhook into the webhook URL of the inbox in Chatwoot".to_owned()
    });
    let created = CreatedOut {
        session: SessionOut::from(&created.session),
        chatwoot_inbox_webhook: created.chatwoot_webhook,
        chatwoot_inbox_webhook_set: created.webhook_is_set,
        next_step,
    };
    Ok((StatusCode::CREATED, Json(created)))
}

pub(crate) async fn read<T: DeserializeOwned>(request: Request) -> Result<T, Problem> {
    let (parts, body) = request.into_parts();
    door::require_json(&parts.headers)?;
    let body = door::read(&parts.headers, body).await?;
    serde_json::from_slice(&body).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => invalid(without_values(&error.to_string())),
        _ => door::not_json(),
    })
}

fn changed(settings: &SessionSettings, changes: &Value) -> Result<SessionSettings, Problem> {
    settings.changed(changes).map_err(|detail| invalid(format!("settings: {}", without_values(&detail))))
}

fn invalid(detail: String) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_session", detail)
}

/// What serde says of a wrong value quotes it, and it may be a token: kept is what was expected, and where. Names of fields
/// stay.
fn without_values(message: &str) -> String {
    let names_a_field =
        ["unknown field", "missing field", "duplicate field"].iter().any(|kind| message.starts_with(kind));
    if names_a_field {
        return message.to_owned();
    }
    let end = message.rfind(", expected ").or_else(|| message.rfind(" at line ")).unwrap_or(message.len());
    let (quoting, rest) = message.split_at(end);
    let kind = quoting.split([':', '`', '"']).next().unwrap_or_default();
    format!("{}{rest}", kind.trim_end())
}

pub(crate) fn interrupted(error: &tokio::task::JoinError) -> Problem {
    tracing::error!(%error, "a session could not be made");
    Problem::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "interrupted",
        "the session could not be made; see the log of the relay",
    )
}

#[expect(clippy::needless_pass_by_value, reason = "it is the last owner, as map_err hands it over")]
pub(crate) fn refused(error: SetupError) -> Problem {
    let (status, code) = match &error {
        SetupError::NotConfigured { .. } => (StatusCode::CONFLICT, "not_configured"),
        SetupError::BadName => (StatusCode::UNPROCESSABLE_ENTITY, "bad_session_id"),
        SetupError::ChatwootPage { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "chatwoot_page"),
        SetupError::ChatwootToken { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "chatwoot_token_refused"),
        SetupError::NoInbox { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "no_such_inbox"),
        SetupError::NotAnApiInbox { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "not_an_api_inbox"),
        SetupError::Taken(_) => (StatusCode::CONFLICT, "taken"),
        SetupError::Chatwoot(_) => (StatusCode::BAD_GATEWAY, "chatwoot_failed"),
        SetupError::CodeChat(_) => (StatusCode::BAD_GATEWAY, "codechat_failed"),
        SetupError::Store(_) => return Problem::unavailable(),
    };
    let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
    Problem::new(status, code, format!("{error}{cause}"))
}

/// List the sessions, oldest first
#[utoipa::path(get, path = "/session", tag = "sessions", operation_id = "listSessions", params(SessionPage),
    responses(
        (status = 200, description = "The sessions", body = Page<SessionOut>),
        (status = 422, description = "`invalid_filter`"),
    ))]
pub(crate) async fn list(
    State(app): State<App>,
    Query(asked): Query<SessionPage>,
) -> Result<Json<Page<SessionOut>>, Problem> {
    let sessions = app.engine.store.sessions().await.map_err(unavailable)?;
    let mut rest = sessions.iter().skip(match &asked.cursor {
        Some(last) => sessions.iter().position(|session| session.id.as_str() == last).map_or(usize::MAX, |at| at + 1),
        None => 0,
    });
    let data: Vec<_> = rest.by_ref().take(asked.limit.unwrap_or(usize::MAX).max(1)).map(SessionOut::from).collect();
    let next = rest.next().and(data.last()).map(|last| last.id.clone());
    Ok(Json(Page { data, next }))
}

/// Show a session
#[utoipa::path(get, path = "/session/{session}", tag = "sessions", operation_id = "showSession",
    responses(
        (status = 200, description = "The session, with what this process heard of both sides", body = SessionOut),
        (status = 404, description = "`unknown_session`"),
    ))]
pub(crate) async fn show(State(app): State<App>, Path(name): Path<String>) -> Result<Json<SessionOut>, Problem> {
    let session = app.engine.store.session_by_name(&name).await.map_err(unavailable)?;
    let session = session.ok_or_else(|| unknown(&name))?;
    let heard = app.engine.sessions.of_id(&session.id).map(|live| HeardOut::by(&live));
    Ok(Json(SessionOut { heard, ..SessionOut::from(&session) }))
}

/// Change settings of a session
///
/// What is not named stays, `null` brings a default back.
#[utoipa::path(patch, path = "/session/{session}", tag = "sessions", operation_id = "changeSession", request_body = ChangesIn,
    responses(
        (status = 200, description = "The session as it is now", body = SessionOut),
        (status = 400, description = "`not_json`"),
        (status = 404, description = "`unknown_session`"),
        (status = 415, description = "`not_json_type`"),
        (status = 422, description = "`invalid_session`: a name or choice that does not exist; nothing changes"),
    ))]
pub(crate) async fn change(
    State(app): State<App>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Json<SessionOut>, Problem> {
    let changes: ChangesIn = read(request).await?;
    let session = app.engine.store.session_by_name(&name).await.map_err(unavailable)?;
    let session = session.ok_or_else(|| unknown(&name))?;
    let settings = changed(&session.settings, &changes.settings)?;
    let update = UpdateSession { settings: Some(settings), ..UpdateSession::of(&session.id) };
    app.engine.store.update_session(update).await.map_err(unavailable)?;
    app.engine.sessions.refresh().await.map_err(unavailable)?;
    show(State(app), Path(name)).await
}

/// Remove a session
///
/// Its events, links and chats go with it. CodeChat's instance and the phone's pairing stay.
#[utoipa::path(delete, path = "/session/{session}", tag = "sessions", operation_id = "removeSession", params(Removal),
    responses(
        (status = 204, description = "It is gone"),
        (status = 404, description = "`unknown_session`"),
        (status = 409, description = "`events_pending`: events wait, or are dead letters"),
        (status = 422, description = "`invalid_filter`"),
    ))]
pub(crate) async fn remove(
    State(app): State<App>,
    Path(name): Path<String>,
    Query(removal): Query<Removal>,
) -> Result<StatusCode, Problem> {
    let session = app.engine.store.session_by_name(&name).await.map_err(unavailable)?;
    let session = session.ok_or_else(|| unknown(&name))?;
    match app.engine.remove_session(&session, removal.force).await.map_err(unavailable)? {
        Deleted::Yes => Ok(StatusCode::NO_CONTENT),
        Deleted::Kept(backlog) => Err(Problem::new(StatusCode::CONFLICT, "events_pending", kept(&name, backlog))),
    }
}

/// What would be lost with a session, and what to do instead.
fn kept(name: &str, Backlog { pending, dead }: Backlog) -> String {
    let wait = match pending {
        1 => "1 event of this session still waits".to_owned(),
        _ => format!("{pending} events of this session still wait"),
    };
    let lie = match dead {
        1 => "1 is a dead letter".to_owned(),
        _ => format!("{dead} are dead letters"),
    };
    format!(
        "{wait} and {lie}; keep them with GET /api/v1/dead/export?session={name} (and state=pending), \
         or repeat with ?force=true to lose them"
    )
}

/// Stop delivering, both ways
///
/// Webhooks are stored meanwhile. The body may be missing.
#[utoipa::path(post, path = "/session/{session}/pause", tag = "sessions", operation_id = "pauseSession", request_body = Option<PauseIn>,
    responses(
        (status = 200, description = "The session as it is now", body = SessionOut),
        (status = 400, description = "`not_json`"),
        (status = 404, description = "`unknown_session`"),
        (status = 415, description = "`not_json_type`"),
        (status = 422, description = "`invalid_session`"),
    ))]
pub(crate) async fn pause(
    State(app): State<App>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Json<SessionOut>, Problem> {
    // a reason is a courtesy: without a body there is none
    let has_body = request.headers().contains_key(http::header::CONTENT_TYPE);
    let wanted = if has_body { read(request).await? } else { PauseIn::default() };
    let why = wanted.reason.as_deref().map(str::trim).filter(|why| !why.is_empty());
    if why.is_some_and(|why| !is_reason(why)) {
        return Err(invalid(REASON.to_owned()));
    }
    let session = app.engine.store.session_by_name(&name).await.map_err(unavailable)?;
    let session = session.ok_or_else(|| unknown(&name))?;
    app.engine.pause_by_hand(&session.id, why).await.map_err(unavailable)?;
    show(State(app), Path(name)).await
}

/// End every pause, also one for a refused token
#[utoipa::path(post, path = "/session/{session}/resume", tag = "sessions", operation_id = "resumeSession",
    responses(
        (status = 200, description = "The session as it is now", body = SessionOut),
        (status = 404, description = "`unknown_session`"),
    ))]
pub(crate) async fn resume(State(app): State<App>, Path(name): Path<String>) -> Result<Json<SessionOut>, Problem> {
    let session = app.engine.store.session_by_name(&name).await.map_err(unavailable)?;
    let session = session.ok_or_else(|| unknown(&name))?;
    app.engine.resume(&session.id).await.map_err(unavailable)?;
    show(State(app), Path(name)).await
}

/// What a reason that a person gives may be.
pub(crate) const REASON: &str = "a reason is one line of at most 200 characters";

/// Whether both databases, a log and a terminal can show it.
pub(crate) fn is_reason(text: &str) -> bool {
    text.chars().count() <= 200 && !text.chars().any(char::is_control)
}

/// Get the QR code to scan
///
/// CodeChat takes about three seconds.
#[utoipa::path(post, path = "/session/{session}/connect", tag = "sessions", operation_id = "connectSession",
    responses(
        (status = 200, description = "The code, or that nothing is left to scan", body = QrOut),
        (status = 404, description = "`unknown_session`"),
        (status = 502, description = "`codechat_failed`"),
    ))]
pub(crate) async fn connect(State(app): State<App>, Path(name): Path<String>) -> Result<Json<QrOut>, Problem> {
    let live = app.engine.sessions.named(&name).await.map_err(unavailable)?.ok_or_else(|| unknown(&name))?;
    let qr = qr(&live).await?;
    let owner = if qr.state == codechat::State::Open { owner(&live).await } else { None };
    Ok(Json(QrOut { base64: qr.base64, code: qr.code, count: qr.count, state: qr.state.as_str().to_owned(), owner }))
}

/// The number that is connected, masked.
async fn owner(live: &Live) -> Option<String> {
    let instance = live.codechat.fetch_instance(live.name()).await.ok()?;
    let jid = instance.owner_jid?;
    Phone::from_jid_user(jid.split(['@', ':']).next()?).map(|phone| phone.masked())
}

async fn qr(live: &Arc<Live>) -> Result<codechat::Qr, Problem> {
    live.codechat.connect(live.name()).await.map_err(|error| {
        let detail = format!("CodeChat gave no QR code: {error}");
        Problem::new(StatusCode::BAD_GATEWAY, "codechat_failed", detail)
    })
}

pub(crate) fn unknown(name: &str) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "unknown_session", format!("there is no session {name}"))
}

#[expect(clippy::needless_pass_by_value, reason = "it is the last owner, as map_err hands it over")]
pub(crate) fn unavailable(error: StoreError) -> Problem {
    tracing::error!(%error, "the session API could not use the store");
    Problem::unavailable()
}
