//! `PUT /webhook/set`, `GET /webhook/find`. Event switches merge key by key and are never removed.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::auth;
use super::error::{ApiError, ApiResult};
use super::state::{Shared, Webhook};
use super::webhooks::switch;
use crate::clock;

impl Webhook {
    /// No `events` means all of them.
    pub(super) fn wants(&self, event: &str) -> bool {
        self.events.as_ref().is_none_or(|events| events.get(switch(event)) == Some(&Value::Bool(true)))
    }

    pub(super) fn full(&self, instance_id: u64) -> Value {
        let mut row = self.brief(instance_id);
        row["createdAt"] = json!(self.created_at);
        row["updatedAt"] = json!(self.updated_at);
        row
    }

    fn brief(&self, instance_id: u64) -> Value {
        json!({"id": self.id, "url": self.url, "enabled": self.enabled, "events": self.events, "instanceId": instance_id})
    }
}

pub(super) async fn find(
    State(shared): State<Arc<Shared>>,
    Path(path): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> ApiResult<Json<Value>> {
    let name = auth::instance_call(&shared, &headers, &path, query.as_deref())?;
    let state = shared.lock();
    let found =
        state.instances.get(&name).and_then(|instance| instance.webhook.as_ref().map(|hook| hook.full(instance.id)));
    Ok(Json(found.unwrap_or(Value::Null)))
}

pub(super) async fn set(
    State(shared): State<Arc<Shared>>,
    Path(path): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> ApiResult<(StatusCode, Json<Value>)> {
    let body = auth::json_body(&headers, &body)?;
    let name = auth::instance_call(&shared, &headers, &path, query.as_deref())?;
    let (url, enabled) = checked(&body)?;
    let mut state = shared.lock();
    let instance =
        state.instances.get_mut(&name).ok_or_else(|| ApiError::bad_request(json!(["Instance not found"])))?;
    let (id, loaded, now) = (instance.id, instance.loaded, clock::iso(clock::now_ms()));
    let events = body["events"].as_object().cloned();
    match &mut instance.webhook {
        None => {
            let hook = Webhook { id, url, enabled, events, created_at: now.clone(), updated_at: now };
            let answer = hook.full(id);
            instance.webhook = Some(hook);
            Ok((StatusCode::CREATED, Json(answer)))
        }
        Some(_) if loaded && events.is_none() => Err(ApiError::bad_request(json!([[
            "Cannot convert undefined or null to object",
            "TypeError: Cannot convert undefined or null to object"
        ]]))),
        Some(hook) => {
            hook.url = url;
            hook.enabled = enabled;
            hook.updated_at = now;
            if let Some(events) = events {
                hook.events.get_or_insert_default().extend(events);
            }
            let answer = if loaded { hook.brief(id) } else { hook.full(id) };
            Ok((StatusCode::CREATED, Json(answer)))
        }
    }
}

fn checked(body: &Value) -> ApiResult<(String, bool)> {
    if body["url"].is_null() {
        return Err(ApiError::missing("url"));
    }
    if body["enabled"].is_null() {
        return Err(ApiError::missing("enabled"));
    }
    let Some(url) = body["url"].as_str() else {
        return Err(ApiError::property("url", "url is not of a type(s) string"));
    };
    let Some(enabled) = body["enabled"].as_bool() else {
        return Err(ApiError::property("enabled", "enabled is not of a type(s) boolean"));
    };
    if url.chars().count() > 500 {
        return Err(ApiError::property("url", "url does not meet maximum length of 500"));
    }
    Ok((url.to_owned(), enabled))
}
