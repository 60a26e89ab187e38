//! `/inboxes`, `/profile`, `/accounts`, `GET /api`.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use http::HeaderMap;
use serde::Serialize;
use serde_json::{Value, json};

use super::auth;
use super::error::{ApiError, ApiResult};
use super::params::Params;
use super::state::{AccountWebhook, Inbox, Role, Shared, State as Rows};
use crate::ids;

/// An API inbox as a test needs to know it.
#[derive(Debug, Clone, Serialize)]
pub struct InboxInfo {
    /// Inbox id.
    pub id: u64,
    /// Account id.
    pub account: u64,
    /// Key of the webhook signatures.
    pub secret: String,
    /// Identifier for the public API.
    pub identifier: String,
}

impl Rows {
    pub(super) fn insert_inbox(
        &mut self,
        account: u64,
        name: &str,
        webhook_url: &str,
        is_locked_to_single: bool,
    ) -> InboxInfo {
        let id = self.inboxes.len() as u64 + 1;
        let inbox = Inbox {
            id,
            account,
            name: name.to_owned(),
            channel: "Channel::Api".to_owned(),
            webhook_url: webhook_url.to_owned(),
            secret: ids::token(24),
            hmac_token: ids::token(24),
            identifier: ids::token(24),
            is_locked_to_single,
            additional_attributes: json!({}),
            members: BTreeSet::new(),
        };
        let info = InboxInfo { id, account, secret: inbox.secret.clone(), identifier: inbox.identifier.clone() };
        self.inboxes.insert(id, inbox);
        info
    }

    pub(super) fn add_account_webhook(&mut self, account: u64, url: &str) {
        let id = self.account_webhooks.len() as u64 + 1;
        let webhook = AccountWebhook { id, account, url: url.to_owned(), secret: ids::token(24) };
        self.account_webhooks.push(webhook);
    }
}

/// Where the events of a whole account go.
pub(super) async fn account_webhooks(
    State(shared): State<Arc<Shared>>,
    Path(account): Path<u64>,
    headers: HeaderMap,
) -> ApiResult<Json<Value>> {
    auth::administrator(&shared, &headers, account)?;
    let state = shared.lock();
    let of_account = state.account_webhooks.iter().filter(|webhook| webhook.account == account);
    let rows: Vec<Value> = of_account
        .map(|webhook| {
            json!({
                "id": webhook.id, "name": null, "url": webhook.url, "account_id": account, "secret": webhook.secret,
                "subscriptions": ["conversation_status_changed", "conversation_updated", "conversation_created", "message_created", "message_updated"],
            })
        })
        .collect();
    Ok(Json(json!({"payload": {"webhooks": rows}})))
}

pub(super) async fn api(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let version = &shared.options.version;
    Json(json!({"version": version, "timestamp": "2026-08-01 12:00:00", "queue_services": "ok", "data_services": "ok"}))
}

pub(super) async fn health() -> Json<Value> {
    Json(json!({"status": "woot"}))
}

pub(super) async fn profile(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> ApiResult<Json<Value>> {
    let user = auth::token_owner(&shared, &headers)?;
    if user.role == Role::Bot {
        return Err(ApiError::Unauthorized(json!({"error": "Access to this endpoint is not authorized for bots"})));
    }
    Ok(Json(auth::profile(&shared, &user)))
}

pub(super) async fn account(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<u64>,
    headers: HeaderMap,
) -> ApiResult<Json<Value>> {
    auth::member(&shared, &headers, id)?;
    let mut body = shared.lock().account_brief(id);
    body["locale"] = json!("en");
    body["features"] = json!({});
    Ok(Json(body))
}

pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    Path(account): Path<u64>,
    headers: HeaderMap,
) -> ApiResult<Json<Value>> {
    let user = auth::member(&shared, &headers, account)?;
    let with_secrets = user.role == Role::Administrator;
    let state = shared.lock();
    let payload: Vec<Value> =
        state.inboxes.values().filter(|inbox| inbox.account == account).map(|inbox| inbox.rest(with_secrets)).collect();
    Ok(Json(json!({"payload": payload})))
}

pub(super) async fn show(
    State(shared): State<Arc<Shared>>,
    Path((account, id)): Path<(u64, u64)>,
    headers: HeaderMap,
) -> ApiResult<Json<Value>> {
    let user = auth::member(&shared, &headers, account)?;
    let state = shared.lock();
    let inbox = state.inbox(account, id)?;
    Ok(Json(inbox.rest(user.role == Role::Administrator)))
}

pub(super) async fn create(
    State(shared): State<Arc<Shared>>,
    Path(account): Path<u64>,
    headers: HeaderMap,
    params: Params,
) -> ApiResult<Json<Value>> {
    auth::administrator(&shared, &headers, account)?;
    let channel = &params.values["channel"];
    if channel["type"] != json!("api") {
        return Err(ApiError::Unprocessable("Unknown channel type".to_owned()));
    }
    let url = channel["webhook_url"].as_str().unwrap_or_default();
    let mut state = shared.lock();
    let info = state.insert_inbox(
        account,
        &params.text("name").unwrap_or_default(),
        url,
        params.flag("lock_to_single_conversation"),
    );
    let body = state.inboxes.get(&info.id).map(|inbox| inbox.rest(true));
    drop(state);
    shared.changes.bump();
    Ok(Json(json!(body)))
}

pub(super) async fn update(
    State(shared): State<Arc<Shared>>,
    Path((account, id)): Path<(u64, u64)>,
    headers: HeaderMap,
    params: Params,
) -> ApiResult<Json<Value>> {
    auth::administrator(&shared, &headers, account)?;
    let mut state = shared.lock();
    let inbox = state.inbox_mut(account, id)?;
    if let Some(name) = params.text("name") {
        inbox.name = name;
    }
    if params.values.get("lock_to_single_conversation").is_some() {
        inbox.is_locked_to_single = params.flag("lock_to_single_conversation");
    }
    let channel = &params.values["channel"];
    if let Some(url) = channel["webhook_url"].as_str() {
        if url.len() > 2048 {
            return Err(ApiError::Invalid("Webhook url is too long (maximum is 2048 characters)", "webhook_url"));
        }
        url.clone_into(&mut inbox.webhook_url);
    }
    if channel["additional_attributes"].is_object() {
        inbox.additional_attributes = channel["additional_attributes"].clone();
    }
    let body = inbox.rest(true);
    drop(state);
    shared.changes.bump();
    Ok(Json(body))
}

/// A new key: signatures made with the old one no longer match.
pub(super) async fn reset_secret(
    State(shared): State<Arc<Shared>>,
    Path((account, id)): Path<(u64, u64)>,
    headers: HeaderMap,
) -> ApiResult<Json<Value>> {
    auth::administrator(&shared, &headers, account)?;
    let mut state = shared.lock();
    let inbox = state.inbox_mut(account, id)?;
    inbox.secret = ids::token(24);
    Ok(Json(inbox.rest(true)))
}
