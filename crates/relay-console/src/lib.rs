//! The web console: what people see of the relay in a browser, and what they can do there.
//!
//! The cast: a [`Console`] is what all pages share; [`router`] the pages; a `Visitor` is a browser that is signed in, a `Posted`
//! a form that it sent; a `Frame` is what surrounds every page. A page is a module of its own: it asks the engine or the store,
//! fills a template of its own, and nothing else. Everything is rendered here; the script only keeps pages fresh.
//!
//! Invariant: no page holds a secret, no page is shown to who is not signed in, nothing is changed by reading, and text from
//! elsewhere gets into a page only through a template, which escapes it.

mod assets;
mod chat;
mod dead;
mod doctor;
mod dress;
mod failure;
mod form;
mod frame;
mod gate;
mod guard;
mod inside;
mod live;
mod log;
mod message;
mod overview;
mod reason;
mod session;
mod settings;
mod view;
mod visitor;
mod words;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::response::Redirect;
use axum::routing::{get, post};
use relay_engine::Engine;
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

pub use settings::{Origin, Setting, Value};

/// Largest form taken, in bytes.
const LARGEST_FORM: usize = 64 * 1024;

/// What all pages share.
#[derive(Clone, Debug)]
pub struct Console {
    /// The engine.
    pub engine: Arc<Engine>,
    /// What opens the console, beside a link.
    pub api_key: Arc<SecretString>,
    /// Raised when the process is about to stop.
    pub stopping: CancellationToken,
    /// What the relay was told, without secrets.
    pub settings: Arc<Vec<Setting>>,
    /// What pages remember between them.
    pub memory: Arc<Memory>,
}

/// What pages remember between them.
#[derive(Debug, Default)]
pub struct Memory {
    wrong_keys: gate::WrongKeys,
    numbers: overview::Numbers,
    pulse: live::Pulse,
}

/// All pages.
pub fn router(console: Console) -> Router {
    Router::new()
        .route("/console", get(overview::page))
        .route("/console/", get(async || Redirect::permanent("/console")))
        .route("/console/sign-in", get(gate::page).post(gate::by_key))
        .route("/console/enter", get(gate::link_page).post(gate::by_link))
        .route("/console/sign-out", post(gate::sign_out))
        .route("/console/language", post(gate::language))
        .route("/console/live", get(live::stream))
        .route("/console/log", get(log::page))
        .route("/console/tail", get(log::tail))
        .route("/console/message/{id}", get(message::page))
        .route("/console/message/{id}/retry", post(message::retry))
        .route("/console/message/{id}/drop", post(message::drop_it))
        .route("/console/session/{name}", get(session::page))
        .route("/console/session/{name}/chat", get(chat::page))
        .route("/console/session/{name}/connect", post(session::connect))
        .route("/console/session/{name}/pause", post(session::pause))
        .route("/console/session/{name}/resume", post(session::resume))
        .route("/console/session/{name}/settings", post(session::change))
        .route("/console/dead", get(dead::page))
        .route("/console/dead/retry", post(dead::retry))
        .route("/console/dead/drop", post(dead::drop_them))
        .route("/console/doctor", get(doctor::page).post(doctor::examine))
        .route("/console/settings", get(settings::page))
        .route("/console/assets/{file}", get(assets::serve))
        .route("/console/{*nowhere}", get(failure::nowhere))
        .layer(DefaultBodyLimit::max(LARGEST_FORM))
        .layer(from_fn_with_state(console.clone(), dress::dress))
        .with_state(console.clone())
        .merge(inside::router(console))
}
