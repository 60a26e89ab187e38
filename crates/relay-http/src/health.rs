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
use serde_json::{Value, json};

use crate::{App, Problem};

/// How long a commit may take for the relay to count as ready.
const READY_WITHIN: Duration = Duration::from_secs(2);

pub(crate) async fn live() -> &'static str {
    "ok\n"
}

/// Ready means able to make webhooks durable; whether Chatwoot or CodeChat are up has no say in it.
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

/// The state of everything: 200 as long as webhooks can be taken, with what is degraded.
pub(crate) async fn summary(State(app): State<App>) -> Result<Json<Value>, Problem> {
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
        sessions.push(json!({
            "name": session.name,
            "state": session.state.as_str(),
            "connection": session.connection,
            "dead_letters": dead_of(&session.id),
        }));
    }
    match app.engine.room() {
        Room::Enough => {}
        Room::Tight => degraded.push("the disk is filling up: messages with files wait".to_owned()),
        Room::Gone => degraded.push("the disk is full: webhooks are refused".to_owned()),
    }
    if tally.conservation_error() != 0 {
        degraded.push(format!("{} events are unaccounted for", tally.conservation_error()));
    }
    Ok(Json(json!({
        "status": if degraded.is_empty() { "ok" } else { "degraded" },
        "version": env!("CARGO_PKG_VERSION"),
        "degraded": degraded,
        "sessions": sessions,
        "dead_letters": tally.dead + tally.expired,
        "events": {
            "received": tally.received,
            "pending": tally.pending,
            "delivered": tally.delivered,
            "ignored": tally.ignored,
            "dead": tally.dead,
            "expired": tally.expired,
        },
    })))
}

pub(crate) async fn metrics(State(app): State<App>) -> Result<impl IntoResponse, Problem> {
    app.engine.take_stock().await.map_err(|_| Problem::unavailable())?;
    let failed = |_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "metrics", "the metrics could not be written");
    let text = app.engine.metrics.encode().map_err(failed)?;
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, content_type)], text))
}
