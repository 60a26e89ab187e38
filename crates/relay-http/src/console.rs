//! The way into the console for those who have the key: a link that works once.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::message::{time, unavailable};
use crate::{App, Problem};

/// Where a link leads.
const ENTRANCE: [&str; 2] = ["console", "enter"];

pub(crate) async fn link(State(app): State<App>) -> Result<(StatusCode, Json<Value>), Problem> {
    let (token, expires_at) = app.engine.make_console_link(&app.api_key).await.map_err(unavailable)?;
    let mut url = app.engine.config.api_url.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(ENTRANCE);
    }
    url.query_pairs_mut().append_pair("token", &token);
    Ok((StatusCode::CREATED, Json(json!({ "url": url.as_str(), "expires_at": time(expires_at) }))))
}
