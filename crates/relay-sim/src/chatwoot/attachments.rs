//! Attachments: stored blobs, and the redirect that leads to their bytes. Fresh blobs may not be there yet.

use std::sync::{Arc, PoisonError};

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};

use super::params::Upload;
use super::state::{Attachment, Blob, Shared, State as Rows};
use crate::ledger::sha256_hex;
use crate::{clock, ids};

/// Stores an upload. The file type follows from the declared type; the declared type is kept.
pub(super) fn store(state: &mut Rows, file: Upload, is_voice: bool) -> Attachment {
    state.last_attachment += 1;
    let blob = format!("{}--{}", ids::token(24), ids::token(16));
    let attachment = Attachment {
        id: state.last_attachment,
        blob: blob.clone(),
        name: file.name,
        size: file.bytes.len(),
        sha256: sha256_hex(&file.bytes),
        file_type: file_type(&file.mime),
        is_voice: is_voice && file.mime.contains("audio/"),
        mime: file.mime.clone(),
    };
    state.blobs.insert(blob, Blob { bytes: file.bytes, mime: file.mime, created_ms: clock::now_ms(), fetches: 0 });
    attachment
}

fn file_type(mime: &str) -> &'static str {
    match mime {
        "image/jpeg" | "image/jpg" | "image/png" | "image/gif" | "image/bmp" | "image/webp" => "image",
        "video/ogg" | "video/mp4" | "video/webm" | "video/quicktime" => "video",
        audio if audio.contains("audio/") => "audio",
        _ => "file",
    }
}

/// The permanent address: always redirects, to the host that was asked.
pub(super) async fn redirect(
    State(shared): State<Arc<Shared>>,
    Path((id, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    if !shared.lock().blobs.contains_key(&id) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let origin = host.map_or_else(|| shared.base_url.clone(), |host| format!("http://{host}"));
    let name: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect::<String>().replace('+', "%20");
    let location = format!("{origin}/rails/active_storage/disk/{id}/{name}");
    (StatusCode::FOUND, [(header::LOCATION, location)]).into_response()
}

/// The storage behind it.
pub(super) async fn disk(State(shared): State<Arc<Shared>>, Path((id, _)): Path<(String, String)>) -> Response {
    let delay = *shared.blob_delay.lock().unwrap_or_else(PoisonError::into_inner);
    let mut state = shared.lock();
    let Some(blob) = state.blobs.get_mut(&id) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    blob.fetches += 1;
    let age = u64::try_from(clock::now_ms() - blob.created_ms).unwrap_or(0);
    if blob.fetches <= delay.requests || age < delay.ms {
        return StatusCode::NOT_FOUND.into_response();
    }
    ([(header::CONTENT_TYPE, blob.mime.clone())], blob.bytes.clone()).into_response()
}
