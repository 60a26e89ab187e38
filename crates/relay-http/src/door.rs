//! The webhook doors. Every refusal here is about the sender or the envelope, never about what the webhook says.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use bytes::Bytes;
use chatwoot::SignatureError;
use futures_util::StreamExt;
use relay_engine::disk::Room;
use relay_engine::{Accepted, Live, NotAccepted, Side};
use relay_fault::{Point, Sabotage, is_sabotaged, reach};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{App, Problem};

/// Largest body taken, in bytes; counted while reading.
pub(crate) const MAX_BODY: usize = 2 * 1024 * 1024;
/// How long a sender may take over its body.
const BODY_TIMEOUT: Duration = Duration::from_secs(15);
/// How much of a body that is too large is read all the same, in bytes, and for how long.
const MOST_DISCARDED: usize = 8 * MAX_BODY;
const DISCARD_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a commit may take before the sender is told to try again.
const COMMIT_TIMEOUT: Duration = Duration::from_secs(1);

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Secret {
    /// The secret of the address, which the relay made.
    #[serde(default)]
    token: String,
}

type Named = Result<Path<String>, PathRejection>;
type Keyed = Result<Query<Secret>, QueryRejection>;

/// Where CodeChat sends its webhooks
///
/// The relay sets the address itself.
#[utoipa::path(post, path = "/codechat/webhook/{session}", tag = "webhooks", operation_id = "codechatWebhook", params(Secret), request_body = Value,
    responses(
        (status = 200, description = "Durable, known already, or of a kind that is only counted"),
        (status = 400, description = "`not_json`, `body_incomplete`"),
        (status = 404, description = "`unknown_session`: unknown name and wrong token alike"),
        (status = 408, description = "`body_too_slow`: more than 15 s"),
        (status = 413, description = "`body_too_large`: more than 2 MB"),
        (status = 415, description = "`not_json_type`: not JSON, or compressed"),
        (status = 503, description = "`store_unavailable`: cannot be made durable within a second; `disk_full`"),
    ))]
pub(crate) async fn codechat(
    state: State<App>,
    session: Named,
    secret: Keyed,
    request: Request,
) -> Result<StatusCode, Problem> {
    enter(&state.0, Side::CodeChat, session, secret, request).await
}

/// Where Chatwoot sends its webhooks
///
/// The relay sets the address itself, where the token may. Signatures are checked when the inbox's secret is known.
#[utoipa::path(post, path = "/chatwoot/webhook/{session}", tag = "webhooks", operation_id = "chatwootWebhook", params(Secret), request_body = Value,
    responses(
        (status = 200, description = "Durable, known already, or of a kind that is only counted"),
        (status = 400, description = "`not_json`, `body_incomplete`"),
        (status = 401, description = "`bad_signature`"),
        (status = 404, description = "`unknown_session`: unknown name and wrong token alike"),
        (status = 408, description = "`body_too_slow`: more than 15 s"),
        (status = 413, description = "`body_too_large`: more than 2 MB"),
        (status = 415, description = "`not_json_type`: not JSON, or compressed"),
        (status = 503, description = "`store_unavailable`: cannot be made durable within a second; `disk_full`"),
    ))]
pub(crate) async fn chatwoot(
    state: State<App>,
    session: Named,
    secret: Keyed,
    request: Request,
) -> Result<StatusCode, Problem> {
    enter(&state.0, Side::Chatwoot, session, secret, request).await
}

async fn enter(app: &App, side: Side, session: Named, secret: Keyed, request: Request) -> Result<StatusCode, Problem> {
    // an address that cannot be read is as wrong as any other, and gets the same answer
    let (Ok(Path(session)), Ok(Query(secret))) = (session, secret) else {
        return Err(Problem::unknown_session());
    };
    let live =
        app.engine.sessions.behind_door(&session, side, &secret.token).await.map_err(|_| Problem::unavailable())?;
    let live = live.ok_or_else(Problem::unknown_session)?;
    let (parts, body) = request.into_parts();
    require_json(&parts.headers)?;
    let body = read(&parts.headers, body).await?;
    reach(Point::AfterRead);
    if side == Side::Chatwoot && verify(app, &live, &parts.headers, &body).await? == Genuine::Again {
        return Ok(StatusCode::OK);
    }
    accept(app, live, side, body).await
}

/// Commits in a task of its own: a sender that hangs up early does not undo what it sent.
async fn accept(app: &App, live: Arc<Live>, side: Side, body: Bytes) -> Result<StatusCode, Problem> {
    if app.engine.room() == Room::Gone {
        app.engine.missed(&live, side);
        return Err(Problem::disk_full());
    }
    let (engine, sender) = (app.engine.clone(), live.clone());
    let commit = tokio::spawn(async move { engine.accept(&live, side, body).await });
    if is_sabotaged(Sabotage::AckBeforeCommit) {
        return Ok(StatusCode::OK);
    }
    let accepted = tokio::time::timeout(COMMIT_TIMEOUT, commit).await;
    match accepted {
        Ok(Ok(Ok(Accepted::Stored | Accepted::Duplicate | Accepted::Counted))) => {
            reach(Point::AfterAck);
            Ok(StatusCode::OK)
        }
        Ok(Ok(Err(NotAccepted::NotJson))) => Err(not_json()),
        Ok(Ok(Err(NotAccepted::OtherInstance))) => {
            tracing::warn!(
                "CodeChat sent a webhook of another instance: is its global webhook set to a session's address?"
            );
            Err(Problem::unknown_session())
        }
        Ok(Ok(Err(NotAccepted::Store(error)))) => {
            tracing::error!(%error, "a webhook could not be stored");
            app.engine.missed(&sender, side);
            Err(Problem::unavailable())
        }
        Ok(Err(error)) => {
            tracing::error!(%error, "a webhook could not be accepted");
            app.engine.missed(&sender, side);
            Err(Problem::unavailable())
        }
        Err(_) => {
            tracing::error!("a commit took longer than a second");
            app.engine.missed(&sender, side);
            Err(Problem::unavailable())
        }
    }
}

/// `application/json`, in any case and with any parameters, and not compressed.
pub(crate) fn require_json(headers: &HeaderMap) -> Result<(), Problem> {
    let unsupported = |detail: &str| Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json_type", detail);
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let media_type = text(header::CONTENT_TYPE).and_then(|value| value.split(';').next()).map(str::trim);
    if !media_type.is_some_and(|media_type| media_type.eq_ignore_ascii_case("application/json")) {
        return Err(unsupported("send Content-Type: application/json"));
    }
    let encoding = headers.get(header::CONTENT_ENCODING).map(http::HeaderValue::as_bytes);
    if encoding.is_some_and(|encoding| !encoding.eq_ignore_ascii_case(b"identity")) {
        return Err(unsupported("send the body uncompressed"));
    }
    Ok(())
}

pub(crate) async fn read(headers: &HeaderMap, body: Body) -> Result<Bytes, Problem> {
    let too_large =
        || Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", "the body is over the limit of 2 MB");
    let declared = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|length| length > MAX_BODY) {
        discard(body).await;
        return Err(too_large());
    }
    match tokio::time::timeout(BODY_TIMEOUT, to_bytes(body, MAX_BODY)).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(error)) if is_too_large(&error) => Err(too_large()),
        Ok(Err(_)) => Err(Problem::new(StatusCode::BAD_REQUEST, "body_incomplete", "the body ended early")),
        Err(_) => {
            Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "body_too_slow", "the body took longer than 15 seconds"))
        }
    }
}

/// Reads on for a while: a sender whose connection is closed while it still sends does not get to see the answer.
async fn discard(body: Body) {
    let mut stream = body.into_data_stream();
    let read = async {
        let mut read = 0;
        while let Some(Ok(bytes)) = stream.next().await {
            read += bytes.len();
            if read > MOST_DISCARDED {
                return;
            }
        }
    };
    // whoever takes longer is not waited for
    drop(tokio::time::timeout(DISCARD_TIMEOUT, read).await);
}

fn is_too_large(error: &axum::Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if error.is::<http_body_util::LengthLimitError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

pub(crate) fn not_json() -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "not_json", "the body is not valid JSON")
}

/// A webhook that Chatwoot signed.
#[derive(PartialEq, Eq)]
enum Genuine {
    /// Not long ago.
    Now,
    /// Too long ago, but it was taken when it was new: somebody on the way repeats it, and is to stop.
    Again,
}

async fn verify(app: &App, live: &Live, headers: &HeaderMap, body: &Bytes) -> Result<Genuine, Problem> {
    let refused = |error: SignatureError| {
        tracing::warn!(session.id = %live.id(), %error, "a webhook of Chatwoot was refused");
        Problem::new(StatusCode::UNAUTHORIZED, "bad_signature", error.to_string())
    };
    let timestamp = one(headers, "x-chatwoot-timestamp").map_err(refused)?;
    let signature = one(headers, "x-chatwoot-signature").map_err(refused)?;
    match app.engine.verify(live, timestamp, signature, body).await {
        Ok(()) => Ok(Genuine::Now),
        Err(SignatureError::Expired)
            if app.engine.is_known(live, body).await.map_err(|_| Problem::unavailable())? =>
        {
            Ok(Genuine::Again)
        }
        Err(error) => Err(refused(error)),
    }
}

/// A header that came twice proves nothing.
fn one<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, SignatureError> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(SignatureError::Malformed);
    }
    first.map(|value| value.to_str().map_err(|_| SignatureError::Malformed)).transpose()
}
