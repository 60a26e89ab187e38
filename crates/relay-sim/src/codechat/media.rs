//! Getting received media: `mediaData` and the unauthenticated download path.

use std::sync::Arc;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, RawQuery, State};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::auth;
use super::content::find_media;
use super::error::{ApiError, ApiResult};
use super::state::Shared;

pub(super) async fn data(
    State(shared): State<Arc<Shared>>,
    Path(path): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> ApiResult<Response> {
    let body = auth::json_body(&headers, &body)?;
    let instance = auth::loaded_call(&shared, &headers, &path, query.as_deref())?;
    let not_media = || ApiError::bad_request(json!(["The message is not of the media type"]));
    let (kind, content, key_id) = named_message(&shared, &instance, &body).ok_or_else(not_media)?;
    let media = find_media(&kind, &content).ok_or_else(not_media)?;
    let mime = media["mimetype"].as_str().unwrap_or("application/octet-stream").to_owned();
    let Some(media_key) = media["mediaKey"].as_str() else {
        return Ok(silent(&mime));
    };
    let flowing = shared.lock().flows.get(media_key).cloned();
    if let Some(flowing) = flowing {
        return Ok(flowing.response(&mime));
    }
    let bytes = blob(&shared, media_key).map_err(|message| ApiError::bad_request(json!([message])))?;
    if query.as_deref().unwrap_or_default().contains("binary=true") {
        return Ok(inline(&mime, &key_id, bytes));
    }
    Ok(multipart(&mime, &key_id, &bytes))
}

/// The message meant: the given content, else the stored one under `keyId` or `id`.
fn named_message(shared: &Shared, instance: &str, body: &Value) -> Option<(String, Value, String)> {
    let key = body["keyId"].as_str();
    if let (Some(kind), false) = (body["messageType"].as_str(), body["content"].is_null()) {
        return Some((kind.to_owned(), body["content"].clone(), key.unwrap_or("media").to_owned()));
    }
    let state = shared.lock();
    let store = &state.instances.get(instance)?.store;
    let row = key.and_then(|key| store.by_key(key)).or_else(|| body["id"].as_u64().and_then(|id| store.by_id(id)))?;
    Some((row.message_type.clone(), row.content.clone(), row.key_id.clone()))
}

fn blob(shared: &Shared, media_key: &str) -> Result<Bytes, String> {
    let mut guard = shared.lock();
    let state = &mut *guard;
    let gone = || "Failed to fetch stream from https://mmg.whatsapp.net/v/t62.7118-24/expired.enc".to_owned();
    if state.expired.contains(media_key) {
        return Err(gone());
    }
    let bytes = state.blobs.get(media_key).cloned().ok_or_else(gone)?;
    *state.downloads.entry(media_key.to_owned()).or_default() += 1;
    Ok(bytes)
}

/// What the API sent has its key as an object, which the original cannot read: 200, then nothing more.
fn silent(mime: &str) -> Response {
    let never = Body::from_stream(futures_util::stream::pending::<Result<Bytes, std::io::Error>>());
    ([("content-type", mime)], never).into_response()
}

fn inline(mime: &str, key_id: &str, bytes: Bytes) -> Response {
    let disposition = format!("inline; filename=\"{key_id}\"");
    ([("content-type", mime), ("content-disposition", disposition.as_str())], bytes).into_response()
}

fn multipart(mime: &str, key_id: &str, bytes: &[u8]) -> Response {
    const BOUNDARY: &str = "--------------------------549f8cdd97b685d3a959b3";
    let mut body = Vec::with_capacity(bytes.len() + 512);
    let size = bytes.len().to_string();
    for (name, value) in [("fileName", key_id), ("size", &size), ("mimetype", mime)] {
        body.extend_from_slice(
            format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").as_bytes(),
        );
    }
    let head = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{key_id}\"\r\nContent-Type: {mime}\r\n\r\n"
    );
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(bytes);
    body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
    ([("content-type", format!("multipart/form-data; boundary={BOUNDARY}"))], body).into_response()
}

#[derive(Debug, Deserialize)]
pub(super) struct DownloadQuery {
    q: Option<String>,
}

/// `GET /chat/public/{kind}/download?q=`, open to anybody who has the path.
pub(super) async fn public_download(
    State(shared): State<Arc<Shared>>,
    Path(kind): Path<String>,
    Query(query): Query<DownloadQuery>,
) -> Response {
    let refuse =
        |message: Value| (StatusCode::INTERNAL_SERVER_ERROR, Json(json!({"message": message}))).into_response();
    let Some(packed) = query.q else {
        return refuse(json!(["Media type not provided"]));
    };
    if !matches!(kind.as_str(), "image" | "video" | "audio" | "document" | "sticker" | "ptv") {
        return refuse(json!(["Media type not supported"]));
    }
    let unpacked =
        STANDARD.decode(packed.replace(' ', "+")).ok().and_then(|json| serde_json::from_slice::<Value>(&json).ok());
    let Some(media) = unpacked else {
        return refuse(json!("Unexpected end of JSON input"));
    };
    match blob(&shared, media["mediaKey"].as_str().unwrap_or_default()) {
        Ok(bytes) => inline(media["mimetype"].as_str().unwrap_or("application/octet-stream"), &kind, bytes),
        Err(message) => refuse(json!([message])),
    }
}
