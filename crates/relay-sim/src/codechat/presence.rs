//! Presence: what the relay shows to a chat, and what it is told of the other side once it has shown something.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use serde::Serialize;
use serde_json::{Value, json};

use super::chat::{Call, open};
use super::error::{ApiError, ApiResult};
use super::number::resolve;
use super::state::Shared;
use super::webhooks;

/// A presence shown to a chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PresenceShown {
    /// Instance name.
    pub instance: String,
    /// The chat.
    pub jid: String,
    /// `composing`, `paused`, `available` and so on.
    pub presence: String,
}

/// Shows a presence and subscribes to the chat's. A LID is an uncaught error.
pub(super) async fn update(call: Call, body: Bytes) -> ApiResult<Json<Value>> {
    let (shared, instance, body) = open(call, &body)?;
    let shown = body["presence"].as_str().unwrap_or_default();
    if !matches!(shown, "unavailable" | "available" | "composing" | "recording" | "paused") {
        return Err(ApiError::property(
            "presence",
            "presence is not one of enum values: unavailable,available,composing,recording,paused",
        ));
    }
    let number = body["number"].as_str().ok_or_else(ApiError::uncaught)?;
    if number.ends_with("@lid") {
        return Err(ApiError::uncaught());
    }
    {
        let mut state = shared.lock();
        let jid = resolve(&mut state, &instance, number)?;
        state.subscribed.insert((instance.clone(), jid.clone()));
        state.presences.push(PresenceShown { instance, jid, presence: shown.to_owned() });
    }
    shared.changes.bump();
    Ok(Json(json!({"message": "success"})))
}

/// Somebody types, records or stops. Told only of chats that something was shown to; `paused` comes as `available`.
pub(super) fn change(shared: &Arc<Shared>, instance: &str, chat: &str, person: &str, presence: &str) -> bool {
    let post = {
        let state = shared.lock();
        let is_subscribed = state.subscribed.contains(&(instance.to_owned(), chat.to_owned()));
        let Some(found) = state.instances.get(instance).filter(|_| is_subscribed) else {
            return false;
        };
        let known = if presence == "paused" { "available" } else { presence };
        let mut presences = serde_json::Map::new();
        presences.insert(person.to_owned(), json!({"lastKnownPresence": known}));
        let data = json!({"id": chat, "presences": presences});
        webhooks::prepare(shared, found, "presence.update", format!("presence.update:{chat}"), &data)
    };
    let is_told = post.is_some();
    webhooks::fire(shared, post);
    is_told
}
