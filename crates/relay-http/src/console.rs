//! The way into the console for those who have the key: a link that works once.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::message::{time, unavailable};
use crate::{App, Problem};

/// Where a link leads.
const ENTRANCE: [&str; 2] = ["console", "enter"];

/// A link into the console. It is as good as the key until it is used.
#[derive(Serialize, ToSchema)]
pub(crate) struct ConsoleLinkOut {
    url: String,
    #[schema(format = DateTime)]
    expires_at: String,
}

/// Make a link that signs one browser in to the console, once, within ten minutes
#[utoipa::path(post, path = "/api/v1/console/link", tag = "relay", operation_id = "makeConsoleLink",
    responses((status = 201, description = "The link", body = ConsoleLinkOut)))]
pub(crate) async fn link(State(app): State<App>) -> Result<(StatusCode, Json<ConsoleLinkOut>), Problem> {
    let (token, expires_at) = app.engine.make_console_link(&app.api_key).await.map_err(unavailable)?;
    let mut url = app.engine.config.api_url.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(ENTRANCE);
    }
    url.query_pairs_mut().append_pair("token", &token);
    Ok((StatusCode::CREATED, Json(ConsoleLinkOut { url: url.to_string(), expires_at: time(expires_at) })))
}
