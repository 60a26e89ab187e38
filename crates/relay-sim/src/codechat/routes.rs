//! The routes of CodeChat, behind the fault guard.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderValue, Method, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, delete, get, patch, post, put};
use axum::{Json, Router, middleware};
use http::StatusCode;
use serde_json::json;

use super::state::Shared;
use super::{admin, calls, chat, groups, instances, media, presence, sends, webhook_config};
use crate::admin::Admin;
use crate::fault::guard;

const REQUEST_ID: &str = "x-request-id";

/// Everything the stand-in answers.
pub(super) fn router(shared: &Arc<Shared>) -> Router {
    let control = Arc::clone(&shared.control);
    let common = Admin { control: Arc::clone(&control), poster: Arc::clone(&shared.poster) };
    Router::new()
        .merge(instance_routes())
        .merge(message_routes())
        .merge(admin::routes())
        .fallback(not_found)
        .method_not_allowed_fallback(not_found)
        .with_state(Arc::clone(shared))
        .merge(crate::admin::routes(common))
        .layer(DefaultBodyLimit::disable())
        .layer(middleware::from_fn(move |request, next| guard(Arc::clone(&control), request, next)))
        .layer(middleware::from_fn(with_request_id))
}

fn instance_routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/instance/create", post(instances::create))
        .route("/instance/fetchInstances", get(instances::list))
        .route("/instance/fetchInstance/{instance}", get(instances::one))
        .route("/instance/connectionState/{instance}", get(instances::connection_state))
        .route("/instance/connect/{instance}", get(instances::connect))
        .route("/instance/logout/{instance}", delete(instances::logout))
        .route("/instance/delete/{instance}", delete(instances::delete))
        .route("/instance/refreshToken/{instance}", put(instances::refresh_token))
        .route("/webhook/set/{instance}", put(webhook_config::set))
        .route("/webhook/find/{instance}", get(webhook_config::find))
        .route("/chat/whatsappNumbers/{instance}", post(chat::whatsapp_numbers))
        .route("/chat/fetchProfilePictureUrl/{instance}", any(chat::profile_picture))
        .route("/_pps/{file}", get(chat::picture))
        .route("/chat/findMessages/{instance}", post(chat::find_messages))
        .route("/chat/mediaData/{instance}", post(media::data))
        .route("/chat/readMessages/{instance}", patch(chat::read_messages))
        .route("/chat/markMessageAsRead/{instance}", put(chat::mark_as_read))
        .route("/chat/updatePresence/{instance}", patch(presence::update))
        .route("/chat/deleteMessageForEveryone/{instance}", delete(chat::delete_for_everyone))
        .route("/chat/rejectCall/{instance}", post(calls::reject))
        .route("/group/findGroupInfos/{instance}", get(groups::infos))
        .route("/chat/public/{kind}/download", get(media::public_download))
}

fn message_routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/message/sendText/{instance}", post(sends::text))
        .route("/message/sendMedia/{instance}", post(sends::media))
        .route("/message/sendMediaFile/{instance}", post(sends::media_file))
        .route("/message/sendWhatsAppAudio/{instance}", post(sends::audio))
        .route("/message/sendWhatsAppAudioFile/{instance}", post(sends::audio_file))
        .route("/message/sendLocation/{instance}", post(sends::location))
        .route("/message/sendContact/{instance}", post(sends::contact))
        .route("/message/sendReaction/{instance}", post(sends::reaction))
}

/// Every answer names its request, by the caller's own name where there is one.
async fn with_request_id(request: Request, next: Next) -> Response {
    let id = request.headers().get(REQUEST_ID).cloned();
    let mut response = next.run(request).await;
    let id = id.or_else(|| HeaderValue::from_str(&uuid::Uuid::new_v4().to_string()).ok());
    if let Some(id) = id {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

async fn not_found(method: Method, uri: Uri) -> Response {
    let message = format!("Cannot {method} {}", uri.path());
    (StatusCode::NOT_FOUND, Json(json!({"status": 404, "message": message, "error": "Not Found"}))).into_response()
}
