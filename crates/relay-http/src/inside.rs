//! What agents see inside Chatwoot: the *Relay* contact, and the address of the dashboard app.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::extract::Path;
use crate::session::{unavailable, unknown};
use crate::{App, Problem};

/// The contact that answers agents.
#[derive(Serialize, ToSchema)]
pub(crate) struct RelayContactOut {
    /// What it is called until agents rename it.
    contact: &'static str,
}

/// The address to enter in Chatwoot as a dashboard app. It holds a token.
#[derive(Serialize, ToSchema)]
pub(crate) struct DashboardAppOut {
    url: String,
}

/// Have the *Relay* contact introduce itself to the agents
///
/// That makes its conversation; once, however often it is called.
#[utoipa::path(post, path = "/session/{session}/relay-contact", tag = "sessions", operation_id = "introduceRelay",
    responses(
        (status = 202, description = "It will", body = RelayContactOut),
        (status = 404, description = "`unknown_session`"),
    ))]
pub(crate) async fn introduce(
    State(app): State<App>,
    Path(name): Path<String>,
) -> Result<(StatusCode, Json<RelayContactOut>), Problem> {
    let live = app.engine.sessions.named(&name).await.map_err(unavailable)?.ok_or_else(|| unknown(&name))?;
    app.engine.introduce_relay(&live).await.map_err(unavailable)?;
    Ok((StatusCode::ACCEPTED, Json(RelayContactOut { contact: relay_domain::note::desk::DESK_NAME })))
}

/// Get the address of the dashboard app
///
/// It is the same for all sessions of one Chatwoot account.
#[utoipa::path(post, path = "/session/{session}/dashboard-app", tag = "sessions", operation_id = "showDashboardApp",
    responses(
        (status = 200, description = "The address, complete with its token", body = DashboardAppOut),
        (status = 404, description = "`unknown_session`"),
    ))]
pub(crate) async fn dashboard_app(
    State(app): State<App>,
    Path(name): Path<String>,
) -> Result<Json<DashboardAppOut>, Problem> {
    let live = app.engine.sessions.named(&name).await.map_err(unavailable)?.ok_or_else(|| unknown(&name))?;
    Ok(Json(DashboardAppOut { url: app.engine.dashboard_app_url(&live).to_string() }))
}
