//! Files that CodeChat fetches from us, each under a token that works a few times and for a few minutes.

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use tokio_util::io::ReaderStream;

use crate::{App, Problem};

/// Fetch a file on its way to WhatsApp
///
/// The token lives ten minutes and allows three fetches.
#[utoipa::path(get, path = "/media/{token}", tag = "webhooks", operation_id = "fetchFile",
    responses(
        (status = 200, description = "The file", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 404, description = "`no_file`"),
    ))]
pub(crate) async fn fetch(
    State(app): State<App>,
    token: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let gone = || Problem::new(StatusCode::NOT_FOUND, "no_file", "there is no such file, or its time is over");
    let Ok(Path(token)) = token else { return Err(gone()) };
    let offer = app.engine.take_file(&token).await.map_err(|_| Problem::unavailable())?;
    let (offer, path) = offer.ok_or_else(gone)?;
    let file = tokio::fs::File::open(&path).await.map_err(|_| gone())?;
    let length = file.metadata().await.map_err(|_| gone())?.len();
    let mut response = Response::new(Body::from_stream(ReaderStream::new(file)));
    let headers = response.headers_mut();
    let mime = HeaderValue::from_str(&offer.mime).unwrap_or(HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::CONTENT_TYPE, mime);
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
