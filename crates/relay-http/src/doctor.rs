//! The doctor: what is wrong and what to do, and the door at which its own words come back.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt as _;
use relay_domain::note::Locale;
use relay_engine::doctor::{Answer, Ask, Echo, Finding, Level, NotExamined, Report};
use serde::{Deserialize, Serialize};

use crate::{App, Problem, session};

/// Largest body that is read to its end, in bytes: more than any that the doctor sends.
const LARGEST: u64 = 4 * 1024 * 1024;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with session, deep and locale")]
struct AskIn {
    session: Option<String>,
    #[serde(default)]
    deep: bool,
    locale: Option<Locale>,
}

#[derive(Serialize)]
pub(crate) struct ReportOut {
    deep: bool,
    took_ms: u64,
    summary: SummaryOut,
    findings: Vec<FindingOut>,
}

#[derive(Serialize)]
struct SummaryOut {
    ok: usize,
    warn: usize,
    fail: usize,
    skip: usize,
}

#[derive(Serialize)]
struct FindingOut {
    name: &'static str,
    level: &'static str,
    session: Option<String>,
    seen: String,
    why: Option<String>,
    fix: Option<String>,
}

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

/// A word of the doctor's comes back, from outside or from CodeChat. Nothing is kept of what came but its size and form.
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
        Answer::Heard => Json(serde_json::json!({ "heard": true })).into_response(),
        Answer::NoFile => {
            Problem::new(StatusCode::NOT_FOUND, "no_file", "there is no such file, and is not to be").into_response()
        }
    }
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
