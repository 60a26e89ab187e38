//! `/instance/…`: creating, listing, pairing, leaving.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, RawQuery, State};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::auth;
use super::error::{ApiError, ApiResult};
use super::state::{ConnectionState, Instance, Shared};
use super::webhooks;
use crate::{assets, clock, ids};

/// How many QR codes follow each other before the instance gives up.
const MOST_CODES: u32 = 5;

type Call = (State<Arc<Shared>>, Path<String>, RawQuery, HeaderMap);

pub(super) async fn create(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Bytes,
) -> ApiResult<(StatusCode, Json<Value>)> {
    let has_body = !body.is_empty();
    let body = auth::json_body(&headers, &body)?;
    auth::global_call(&shared, &headers)?;
    if !has_body {
        return Err(ApiError::uncaught());
    }
    let exists = || ApiError::bad_request(json!(["Instance already exists"]));
    let in_use = |name: &str| ApiError::forbidden(&json!([format!("This name \"{name}\" is already in use.")]));
    let mut state = shared.lock();
    let name = match &body["instanceName"] {
        Value::String(name) if name.is_empty() => return Err(in_use(name)),
        Value::String(name) => name.clone(),
        Value::Null if state.instances.is_empty() => ids::ulid(clock::now_ms()),
        Value::Null => return Err(exists()),
        _ => {
            return Err(ApiError::property("instanceName", "instanceName is not of a type(s) string"));
        }
    };
    if let Some(existing) = state.instances.get(&name) {
        return Err(if existing.loaded { in_use(&name) } else { exists() });
    }
    let description = body["description"].as_str().map(str::to_owned);
    let created = state.create(&name, description, body["externalAttributes"].clone()).created();
    Ok((StatusCode::CREATED, Json(created)))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListQuery {
    instance_name: Option<String>,
}

pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<ListQuery>,
    headers: HeaderMap,
) -> ApiResult<Json<Value>> {
    auth::global_call(&shared, &headers)?;
    let state = shared.lock();
    let wanted = |instance: &&Instance| query.instance_name.as_ref().is_none_or(|name| instance.name == *name);
    let found: Vec<Value> = state.instances.values().filter(wanted).map(Instance::listing).collect();
    if found.is_empty() && query.instance_name.is_some() {
        return Err(ApiError::bad_request(json!(["Instance not found"])));
    }
    Ok(Json(json!(found)))
}

pub(super) async fn one((State(shared), Path(path), RawQuery(query), headers): Call) -> ApiResult<Json<Value>> {
    let name = auth::loaded_call(&shared, &headers, &path, query.as_deref())?;
    let mut state = shared.lock();
    let instance = state.loaded(&name).ok_or_else(|| ApiError::not_loaded(&name))?;
    let mut row = instance.listing();
    row["Whatsapp"] = json!({"connection": {"state": instance.state.as_str(), "statusReason": instance.reason}});
    Ok(Json(row))
}

/// Answers 200 even for a name nobody knows.
pub(super) async fn connection_state(
    (State(shared), Path(path), RawQuery(query), headers): Call,
) -> ApiResult<Json<Value>> {
    let name = auth::instance_call(&shared, &headers, &path, query.as_deref())?;
    let mut state = shared.lock();
    let (connection, reason) =
        state.loaded(&name).map_or((ConnectionState::Close, 400), |instance| (instance.state, instance.reason));
    Ok(Json(json!({"state": connection.as_str(), "statusReason": reason})))
}

pub(super) async fn connect((State(shared), Path(path), RawQuery(query), headers): Call) -> ApiResult<Json<Value>> {
    let name = auth::instance_call(&shared, &headers, &path, query.as_deref())?;
    let was = begin_pairing(&shared, &name)?;
    match was {
        ConnectionState::Open => return Err(ApiError::bad_request(json!(["Instance already connected"]))),
        ConnectionState::Refused => return Ok(Json(json!({"state": "refused", "statusReason": 428}))),
        ConnectionState::Close => {
            tokio::time::sleep(shared.options.connect_wait).await;
            scan_by_itself(&shared, &name);
        }
        ConnectionState::Connecting => {}
    }
    let state = shared.lock();
    let count = state.instances.get(&name).map_or(0, |instance| instance.qr_count);
    Ok(Json(qr(count)))
}

/// The state it was in. A closed instance starts to connect; one that hit the QR limit is closed, so that the next call connects.
fn begin_pairing(shared: &Arc<Shared>, name: &str) -> ApiResult<ConnectionState> {
    let (was, posts) = {
        let mut state = shared.lock();
        let instance = state.instances.get_mut(name).ok_or_else(|| ApiError::not_found("Instance not found"))?;
        let was = instance.state;
        let mut posts = Vec::new();
        if was == ConnectionState::Refused {
            instance.set_state(ConnectionState::Close, 400);
        }
        if was == ConnectionState::Close {
            instance.loaded = true;
            instance.qr_count = 1;
            instance.set_state(ConnectionState::Connecting, 200);
            posts.push(connection_post(shared, instance));
            posts.push(code_post(shared, instance));
        }
        (was, posts)
    };
    for post in posts {
        webhooks::fire(shared, post);
    }
    if was == ConnectionState::Close {
        renew_codes(shared, name);
    }
    shared.changes.bump();
    Ok(was)
}

/// The webhook that tells of the code an instance shows.
fn code_post(shared: &Shared, instance: &Instance) -> Option<webhooks::Post> {
    let mut code = qr(instance.qr_count);
    code["instance"] = json!(instance.name);
    let key = format!("qrcode.updated:{}", instance.qr_count);
    webhooks::prepare(shared, instance, "qrcode.updated", key, &json!({"qrcode": code}))
}

/// Lets one code follow the other until one is scanned, or until there were too many.
fn renew_codes(shared: &Arc<Shared>, name: &str) {
    let Some(lifetime) = shared.options.qr_lifetime else { return };
    let (shared, name) = (Arc::clone(shared), name.to_owned());
    tokio::spawn(async move {
        for shown in 1..=MOST_CODES {
            tokio::time::sleep(lifetime).await;
            let post = {
                let mut state = shared.lock();
                let waits = |one: &&mut Instance| one.state == ConnectionState::Connecting && one.qr_count == shown;
                let Some(instance) = state.instances.get_mut(&name).filter(waits) else { return };
                if shown == MOST_CODES {
                    let data = json!({"message": "QR code limit reached, please login again", "statusCode": 500});
                    webhooks::prepare(&shared, instance, "qrcode.updated", "qrcode.updated:limit".to_owned(), &data)
                } else {
                    instance.qr_count += 1;
                    code_post(&shared, instance)
                }
            };
            webhooks::fire(&shared, post);
            shared.changes.bump();
        }
        change_state(&shared, &name, ConnectionState::Refused, 428);
        let post = shared.lock().instances.get(&name).and_then(|instance| removed_post(&shared, instance));
        webhooks::fire(&shared, post);
    });
}

/// The webhook that tells that an instance's session is gone.
fn removed_post(shared: &Shared, instance: &Instance) -> Option<webhooks::Post> {
    let data = json!({"instance": instance.name, "status": "removed"});
    webhooks::prepare(shared, instance, "status.instance", "status.instance:removed".to_owned(), &data)
}

fn qr(count: u32) -> Value {
    let code = format!("https://wa.me/settings/linked_devices#2@FAKEREF{count}");
    json!({"count": count, "code": code, "base64": format!("data:image/png;base64,{}", STANDARD.encode(assets::QR.bytes))})
}

fn scan_by_itself(shared: &Arc<Shared>, name: &str) {
    let Some(delay) = shared.options.auto_scan else { return };
    let (shared, name) = (Arc::clone(shared), name.to_owned());
    tokio::spawn(async move {
        tokio::time::sleep(delay).await;
        scan(&shared, &name, "5511988887777");
    });
}

/// The owner scans the code: restart, connecting, open. Only then is the owner's JID known.
pub(super) fn scan(shared: &Arc<Shared>, name: &str, phone: &str) {
    for (state, reason) in
        [(ConnectionState::Close, 515), (ConnectionState::Connecting, 200), (ConnectionState::Open, 200)]
    {
        if state == ConnectionState::Open
            && let Some(instance) = shared.lock().instances.get_mut(name)
        {
            instance.owner_jid = Some(format!("{phone}@s.whatsapp.net"));
        }
        change_state(shared, name, state, reason);
    }
}

/// Moves the socket to `state` and tells the receiver. The envelope still shows the status from before.
pub(super) fn change_state(shared: &Arc<Shared>, name: &str, state: ConnectionState, reason: u16) {
    let post = {
        let mut guard = shared.lock();
        let Some(instance) = guard.instances.get_mut(name) else {
            return;
        };
        instance.loaded = true;
        instance.set_state(state, reason);
        let post = connection_post(shared, instance);
        instance.online = state == ConnectionState::Open;
        post
    };
    webhooks::fire(shared, post);
    shared.changes.bump();
}

fn connection_post(shared: &Shared, instance: &Instance) -> Option<webhooks::Post> {
    let data = json!({"instance": instance.name, "state": instance.state.as_str(), "statusReason": instance.reason});
    webhooks::prepare(
        shared,
        instance,
        "connection.update",
        format!("connection.update:{}", instance.state.as_str()),
        &data,
    )
}

pub(super) async fn logout((State(shared), Path(path), RawQuery(query), headers): Call) -> ApiResult<Json<Value>> {
    let name = auth::loaded_call(&shared, &headers, &path, query.as_deref())?;
    unpair(&shared, &name);
    Ok(Json(json!({"error": false, "message": "Instance logged out"})))
}

/// Logged out, by the API or from the phone: close 401, removed, session gone; rows and webhook stay.
pub(super) fn unpair(shared: &Arc<Shared>, name: &str) {
    change_state(shared, name, ConnectionState::Close, 401);
    let post = {
        let mut state = shared.lock();
        let Some(instance) = state.instances.get_mut(name) else {
            return;
        };
        instance.loaded = false;
        instance.reason = 400;
        removed_post(shared, instance)
    };
    webhooks::fire(shared, post);
}

pub(super) async fn delete((State(shared), Path(path), RawQuery(query), headers): Call) -> ApiResult<Json<Value>> {
    let name = auth::instance_call(&shared, &headers, &path, query.as_deref())?;
    let force = query.as_deref().unwrap_or_default().contains("force=true");
    let mut state = shared.lock();
    let instance = state
        .instances
        .get(&name)
        .ok_or_else(|| ApiError::bad_request(json!(["Invalid `this.repository.instance.delete()` invocation"])))?;
    if instance.loaded && instance.state == ConnectionState::Open {
        return Err(ApiError::bad_request(json!([["Deletion failed", "The instance needs to be disconnected"]])));
    }
    if !force && (instance.webhook.is_some() || instance.store.len() > 0) {
        return Err(ApiError::bad_request(json!([
            "This instance has dependencies and cannot be deleted",
            "\"force\" parameter to delete all dependencies"
        ])));
    }
    let mut row = instance.envelope();
    row["deletedAt"] = json!(clock::iso(clock::now_ms()));
    state.instances.remove(&name);
    Ok(Json(row))
}

pub(super) async fn refresh_token(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> ApiResult<(StatusCode, Json<Value>)> {
    let body = auth::json_body(&headers, &body)?;
    if body["oldToken"].is_null() {
        return Err(ApiError::missing("oldToken"));
    }
    let mut guard = shared.lock();
    let state = &mut *guard;
    let instance = state.instances.get_mut(&name).filter(|instance| body["oldToken"] == json!(instance.token));
    let instance = instance.ok_or_else(|| ApiError::bad_request(json!(["Invalid \"oldToken\""])))?;
    instance.token = format!("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.{}.{}", ids::token(80), ids::token(43));
    // The old token stays valid: the guard looks at the signature only.
    state.tokens.insert(instance.token.clone(), name);
    let now = clock::iso(clock::now_ms());
    let answer = json!({"id": instance.id, "token": instance.token, "createdAt": now, "updatedAt": now, "instanceId": instance.id});
    Ok((StatusCode::CREATED, Json(answer)))
}
