//! The doctor: what is wrong and what to do, and the door at which its own words come back.

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt as _;
use relay_domain::note::Locale;
use relay_engine::doctor::{Answer, Ask, Echo, Finding, Level, NotExamined, Report};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::extract::Path;
use crate::{App, Problem, session};

/// Largest body that is read to its end, in bytes: more than any that the doctor sends.
const LARGEST: u64 = 4 * 1024 * 1024;

/// What the doctor is to look at.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "an object with session, deep and locale")]
pub(crate) struct AskIn {
    /// Leaves the other sessions out.
    session: Option<String>,
    /// Makes tests happen that only agents could see.
    #[serde(default)]
    deep: bool,
    /// `pt-BR`, `en` or `es`; the relay's own when absent.
    #[schema(value_type = Option<String>)]
    locale: Option<Locale>,
}

/// What the doctor found.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReportOut {
    deep: bool,
    took_ms: u64,
    summary: SummaryOut,
    findings: Vec<FindingOut>,
}

/// How many findings there are of each level.
#[derive(Serialize, ToSchema)]
struct SummaryOut {
    ok: usize,
    warn: usize,
    fail: usize,
    skip: usize,
}

/// One check. Nothing in it is secret, or of a customer.
#[derive(Serialize, ToSchema)]
struct FindingOut {
    /// Stable, and a section of the page on troubleshooting.
    #[schema(value_type = String)]
    name: &'static str,
    /// `ok`, `warn`, `fail` or `skip`.
    #[schema(value_type = String)]
    level: &'static str,
    session: Option<String>,
    /// What was seen, or why the check was skipped.
    seen: String,
    why: Option<String>,
    fix: Option<String>,
}

/// That a word of the doctor's arrived.
#[derive(Serialize, ToSchema)]
pub(crate) struct EchoOut {
    heard: bool,
}

/// Look for everything that can be wrong
///
/// The body may be missing. A call to the other side may take 5 s, all of it 20 s, with `deep` 45 s.
#[utoipa::path(post, path = "/api/v1/doctor", tag = "relay", operation_id = "examine", request_body = Option<AskIn>,
    responses(
        (status = 200, description = "The report", body = ReportOut),
        (status = 400, description = "`not_json`"),
        (status = 404, description = "`unknown_session`"),
        (status = 415, description = "`not_json_type`"),
        (status = 422, description = "`invalid_session`"),
    ))]
pub(crate) async fn examine(State(app): State<App>, request: Request) -> Result<Json<ReportOut>, Problem> {
    let has_body = request.headers().contains_key(header::CONTENT_TYPE);
    let asked: AskIn = if has_body { session::read(request).await? } else { AskIn::default() };
    let name = asked.session.clone().unwrap_or_default();
    let ask = Ask { session: asked.session, deep: asked.deep, locale: asked.locale };
    let report = app.engine.examine(ask).await.map_err(|error| match error {
        NotExamined::UnknownSession => session::unknown(&name),
        NotExamined::Store(_) => Problem::unavailable(),
    })?;
    Ok(Json(ReportOut::from(report)))
}

impl From<Report> for ReportOut {
    fn from(report: Report) -> Self {
        let summary = SummaryOut {
            ok: report.count(Level::Ok),
            warn: report.count(Level::Warn),
            fail: report.count(Level::Fail),
            skip: report.count(Level::Skip),
        };
        Self {
            deep: report.is_deep,
            took_ms: u64::try_from(report.took.as_millis()).unwrap_or(u64::MAX),
            summary,
            findings: report.findings.into_iter().map(FindingOut::from).collect(),
        }
    }
}

impl From<Finding> for FindingOut {
    fn from(finding: Finding) -> Self {
        let Finding { check, level, session, seen, why, fix } = finding;
        Self { name: check.name(), level: level.as_str(), session, seen, why, fix }
    }
}

/// Where a word of the doctor's comes back, from outside or from CodeChat
///
/// Nothing is kept of what comes but its size and form.
#[utoipa::path(get, path = "/doctor/echo/{word}", tag = "webhooks", operation_id = "fetchEcho",
    responses((status = 200, description = "It was heard", body = EchoOut), (status = 404, description = "`unknown_word`, `no_file`")))]
pub(crate) async fn echo(State(app): State<App>, Path(word): Path<String>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Some(answer) = app.engine.echo_answer(&word) else {
        return Problem::new(StatusCode::NOT_FOUND, "unknown_word", "nobody waits for this word").into_response();
    };
    let has = |name: &str| parts.headers.contains_key(name);
    let echo = Echo {
        bytes: size(body).await,
        has_signature: has("x-chatwoot-signature") && has("x-chatwoot-timestamp"),
        is_json: is_json(&parts.headers),
    };
    app.engine.hear_echo(&word, echo);
    match answer {
        Answer::Heard => Json(EchoOut { heard: true }).into_response(),
        Answer::NoFile => {
            Problem::new(StatusCode::NOT_FOUND, "no_file", "there is no such file, and is not to be").into_response()
        }
    }
}

/// Where a word of the doctor's is sent back to
#[utoipa::path(post, path = "/doctor/echo/{word}", tag = "webhooks", operation_id = "sendEcho",
    responses((status = 200, description = "It was heard", body = EchoOut), (status = 404, description = "`unknown_word`, `no_file`")))]
pub(crate) async fn echo_back(app: State<App>, word: Path<String>, request: Request) -> Response {
    echo(app, word, request).await
}

fn is_json(headers: &HeaderMap) -> bool {
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    media_type.split(';').next().is_some_and(|word| word.trim().eq_ignore_ascii_case("application/json"))
}

/// Counts a body without keeping it.
async fn size(body: Body) -> u64 {
    let mut bytes = 0;
    let mut stream = body.into_data_stream();
    while let Some(Ok(piece)) = stream.next().await {
        bytes += piece.len() as u64;
        if bytes > LARGEST {
            break;
        }
    }
    bytes
}
