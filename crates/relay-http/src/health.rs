//! Whether the process lives, can commit, and how it fares.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use relay_domain::id::SessionId;
use relay_engine::Side;
use relay_engine::disk::Room;
use relay_store::DeadFilter;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{App, Problem};

/// How long a commit may take for the relay to count as ready.
const READY_WITHIN: Duration = Duration::from_secs(2);

/// How the relay fares.
#[derive(Serialize, ToSchema)]
pub(crate) struct HealthOut {
    /// `ok` or `degraded`.
    #[schema(value_type = String)]
    status: &'static str,
    #[schema(value_type = String)]
    version: &'static str,
    /// What is not as it should be.
    degraded: Vec<String>,
    sessions: Vec<SessionHealth>,
    dead_letters: i64,
    events: EventCounts,
}

#[derive(Serialize, ToSchema)]
struct SessionHealth {
    name: String,
    #[schema(value_type = String)]
    state: &'static str,
    connection: String,
    dead_letters: i64,
}

/// Events by what became of them.
#[derive(Serialize, ToSchema)]
struct EventCounts {
    received: i64,
    pending: i64,
    delivered: i64,
    ignored: i64,
    dead: i64,
    expired: i64,
}

/// Whether the process lives
#[utoipa::path(get, path = "/livez", tag = "health", operation_id = "live",
    responses((status = 200, description = "`ok`", body = String, content_type = "text/plain")))]
pub(crate) async fn live() -> &'static str {
    "ok\n"
}

/// Whether webhooks can be made durable
///
/// Whether Chatwoot or CodeChat are up has no say in it.
#[utoipa::path(get, path = "/readyz", tag = "health", operation_id = "ready",
    responses(
        (status = 200, description = "`ok`", body = String, content_type = "text/plain"),
        (status = 503, description = "`stopping`, `disk_full`, `store_unavailable`"),
    ))]
pub(crate) async fn ready(State(app): State<App>) -> Result<&'static str, Problem> {
    if app.stopping.is_cancelled() {
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "stopping", "the relay is stopping"));
    }
    if app.engine.room() == Room::Gone {
        return Err(Problem::disk_full());
    }
    match tokio::time::timeout(READY_WITHIN, app.engine.store.beat()).await {
        Ok(Ok(())) => Ok("ok\n"),
        Ok(Err(_)) | Err(_) => Err(Problem::unavailable()),
    }
}

/// How the relay fares
///
/// 200 as long as the database can be read, also while something is degraded.
#[utoipa::path(get, path = "/healthz", tag = "health", operation_id = "health",
    responses((status = 200, description = "A summary", body = HealthOut), (status = 503, description = "`store_unavailable`")))]
pub(crate) async fn summary(State(app): State<App>) -> Result<Json<HealthOut>, Problem> {
    let tally = app.engine.take_stock().await.map_err(|_| Problem::unavailable())?;
    let groups = app.engine.store.dead_groups(&DeadFilter::default()).await.map_err(|_| Problem::unavailable())?;
    let dead_of =
        |id: &SessionId| groups.iter().filter(|group| group.session == *id).map(|group| group.count).sum::<i64>();
    let mut degraded = Vec::new();
    let mut sessions = Vec::new();
    for live in app.engine.sessions.all() {
        let session = &live.session;
        for side in [Side::Chatwoot, Side::CodeChat] {
            if live.health.breaker(side).is_open() {
                degraded.push(format!("{}: {} does not answer", session.name, side.as_str()));
            }
        }
        if let Some(reason) = &session.state_reason {
            degraded.push(format!("{}: {reason}", session.name));
        }
        sessions.push(SessionHealth {
            name: session.name.clone(),
            state: session.state.as_str(),
            connection: session.connection.clone(),
            dead_letters: dead_of(&session.id),
        });
    }
    match app.engine.room() {
        Room::Enough => {}
        Room::Tight => degraded.push("the disk is filling up: messages with files wait".to_owned()),
        Room::Gone => degraded.push("the disk is full: webhooks are refused".to_owned()),
    }
    if tally.conservation_error() != 0 {
        degraded.push(format!("{} events are unaccounted for", tally.conservation_error()));
    }
    Ok(Json(HealthOut {
        status: if degraded.is_empty() { "ok" } else { "degraded" },
        version: env!("CARGO_PKG_VERSION"),
        degraded,
        sessions,
        dead_letters: tally.dead + tally.expired,
        events: EventCounts {
            received: tally.received,
            pending: tally.pending,
            delivered: tally.delivered,
            ignored: tally.ignored,
            dead: tally.dead,
            expired: tally.expired,
        },
    }))
}

/// The same as `/healthz`
#[utoipa::path(get, path = "/health", tag = "health", operation_id = "healthAlias",
    responses((status = 200, description = "A summary", body = HealthOut), (status = 503, description = "`store_unavailable`")))]
pub(crate) async fn summary_too(app: State<App>) -> Result<Json<HealthOut>, Problem> {
    summary(app).await
}

/// Metrics for Prometheus
#[utoipa::path(get, path = "/metrics", tag = "health", operation_id = "metrics",
    responses(
        (status = 200, description = "OpenMetrics text", body = String, content_type = "application/openmetrics-text"),
        (status = 500, description = "`metrics`"),
        (status = 503, description = "`store_unavailable`"),
    ))]
pub(crate) async fn metrics(State(app): State<App>) -> Result<impl IntoResponse, Problem> {
    app.engine.take_stock().await.map_err(|_| Problem::unavailable())?;
    let failed = |_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "metrics", "the metrics could not be written");
    let text = app.engine.metrics.encode().map_err(failed)?;
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, content_type)], text))
}
