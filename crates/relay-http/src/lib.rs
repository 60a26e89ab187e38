//! The HTTP side: webhook doors, session API, files for CodeChat, health and metrics.
//!
//! The cast: [`App`] is what handlers share; [`router`] the routes; [`serve`] the server with its timeouts; [`Problem`] every
//! error answer; [`openapi()`] the description of it all. A handler extracts, makes one engine call, and maps the result.
//!
//! Invariant: a webhook is answered 200 only after the engine says that it is durable.

#![expect(unused_qualifications, reason = "utoipa names the types of parameters together with their traits")]

mod auth;
mod console;
mod dead;
mod doctor;
mod door;
mod extract;
mod health;
mod inside;
mod media;
mod message;
mod openapi;
mod page;
mod problem;
mod reference;
mod server;
mod session;
mod sides;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use relay_engine::Engine;
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

pub use openapi::document as openapi;
pub use problem::Problem;
pub use server::serve;

/// What handlers share.
#[derive(Clone, Debug)]
pub struct App {
    /// The engine.
    pub engine: Arc<Engine>,
    /// What opens the session API.
    pub api_key: Arc<SecretString>,
    /// Raised when the process is about to stop.
    pub stopping: CancellationToken,
}

/// All routes.
pub fn router(app: App) -> Router {
    let doors = Router::new()
        .route("/codechat/webhook/{session}", post(door::codechat))
        .route("/chatwoot/webhook/{session}", post(door::chatwoot))
        .route("/media/{token}", get(media::fetch))
        .route("/doctor/echo/{word}", get(doctor::echo).post(doctor::echo_back));
    let sessions = Router::new()
        .route("/session", post(session::create).get(session::list))
        .route("/session/{session}", get(session::show).patch(session::change).delete(session::remove))
        .route("/session/{session}/connect", post(session::connect))
        .route("/session/{session}/sides", get(sides::show).post(sides::mend))
        .route("/session/{session}/pause", post(session::pause))
        .route("/session/{session}/resume", post(session::resume))
        .route("/session/{session}/relay-contact", post(inside::introduce))
        .route("/session/{session}/dashboard-app", post(inside::dashboard_app))
        .route("/api/v1/messages", get(message::list))
        .route("/api/v1/messages/{event}", get(message::show))
        .route("/api/v1/messages/{event}/retry", post(dead::retry_message))
        .route("/api/v1/doctor", post(doctor::examine))
        .route("/api/v1/dead", get(dead::list))
        .route("/api/v1/dead/groups", get(dead::groups))
        .route("/api/v1/dead/export", get(dead::export))
        .route("/api/v1/dead/retry", post(dead::retry_many))
        .route("/api/v1/dead/drop", post(dead::drop_many))
        .route("/api/v1/dead/{event}", get(dead::show))
        .route("/api/v1/dead/{event}/retry", post(dead::retry))
        .route("/api/v1/dead/{event}/drop", post(dead::drop_one))
        .route("/api/v1/console/link", post(console::link))
        .layer(axum::middleware::from_fn_with_state(app.clone(), auth::require_key));
    let health = Router::new()
        .route("/livez", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/healthz", get(health::summary))
        .route("/health", get(health::summary_too))
        .route("/metrics", get(health::metrics));
    let description = Router::new()
        .route("/openapi.json", get(reference::json))
        .route("/reference", get(reference::page))
        .route("/reference.css", get(reference::style));
    doors
        .merge(sessions)
        .merge(health)
        .merge(description)
        .fallback(problem::no_route)
        .method_not_allowed_fallback(problem::no_method)
        .layer(axum::middleware::from_fn(server::log_request))
        .with_state(app)
}

/// Routes from elsewhere, with the one log line per request that ours have.
pub fn logged(routes: Router) -> Router {
    routes.layer(axum::middleware::from_fn(server::log_request))
}
