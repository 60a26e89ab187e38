//! `/chat/…`: lookups, stored messages, read marks, presence, deletion.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::response::IntoResponse;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::auth;
use super::error::{ApiError, ApiResult};
use super::number::{check_format, to_jid};
use super::state::{ConnectionState, ReadMark, Revocation, Shared};
use super::store::{Filter, Row};
use super::webhooks;
use crate::{clock, ids};

pub(super) type Call = (State<Arc<Shared>>, Path<String>, RawQuery, HeaderMap);

pub(super) fn open(call: Call, body: &[u8]) -> ApiResult<(Arc<Shared>, String, Value)> {
    let (State(shared), Path(path), RawQuery(query), headers) = call;
    let body = auth::json_body(&headers, body)?;
    let instance = auth::loaded_call(&shared, &headers, &path, query.as_deref())?;
    Ok((shared, instance, body))
}

/// A LID yields two entries, which shifts all that follow.
pub(super) async fn whatsapp_numbers(call: Call, body: Bytes) -> ApiResult<Json<Value>> {
    let (shared, instance, body) = open(call, &body)?;
    let numbers = body["numbers"].as_array().ok_or_else(ApiError::uncaught)?;
    let mut state = shared.lock();
    let is_open = state.loaded(&instance).is_some_and(|found| found.state == ConnectionState::Open);
    let mut answers = Vec::with_capacity(numbers.len());
    for (index, number) in numbers.iter().enumerate() {
        let number = check_format(number).map_err(|_| {
            ApiError::property(&format!("numbers[{index}]"), "\"numbers\" must be an array of numeric strings")
        })?;
        let jid = to_jid(number)?;
        let user = jid.split('@').next().unwrap_or_default().to_owned();
        let known = is_open && !state.not_on_whatsapp.contains(&user) && !state.not_on_whatsapp.contains(&jid);
        if jid.ends_with("@g.us") && !known {
            return Err(ApiError::uncaught());
        }
        if jid.ends_with("@lid") {
            answers.push(json!({"exists": true, "jid": "", "lid": jid}));
            answers.push(json!({"exists": false, "jid": number}));
        } else if known {
            let jid = state.canonical(jid);
            let user = jid.split('@').next().unwrap_or_default();
            answers.push(json!({"exists": true, "jid": jid, "lid": format!("2{user}@lid")}));
        } else {
            answers.push(json!({"exists": false, "jid": number}));
        }
    }
    Ok(Json(json!(answers)))
}

pub(super) async fn profile_picture(call: Call, body: Bytes) -> ApiResult<Json<Value>> {
    let query = call.2.0.clone().unwrap_or_default();
    let host = call.3.get(http::header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default().to_owned();
    let (shared, _, body) = open(call, &body)?;
    let asked = url::form_urlencoded::parse(query.as_bytes())
        .find(|(key, _)| key == "number")
        .map(|(_, value)| value.into_owned());
    let number = body["number"].as_str().map(str::to_owned).or(asked).ok_or_else(ApiError::uncaught)?;
    let jid = to_jid(&number)?;
    let user = jid.split('@').next().unwrap_or_default();
    let has_none = shared.lock().not_on_whatsapp.contains(user);
    // in place of the pps.whatsapp.net of the original
    let url = format!("http://{host}/_pps/{user}.jpg?ccb=11-4&oh=01_FAKE&oe=00000000");
    Ok(Json(json!({"wuid": jid, "profilePictureUrl": if has_none { Value::Null } else { json!(url) }})))
}

/// The bytes of a profile picture, as WhatsApp's own server gives them.
pub(super) async fn picture(State(shared): State<Arc<Shared>>, Path(file): Path<String>) -> impl IntoResponse {
    let user = file.split('.').next().unwrap_or_default();
    let plain = || Bytes::from_static(b"\xff\xd8\xff\xe0 a face");
    let bytes = shared.lock().pictures.get(user).cloned().unwrap_or_else(plain);
    ([(http::header::CONTENT_TYPE, "image/jpeg")], bytes)
}

pub(super) async fn find_messages(call: Call, body: Bytes) -> ApiResult<Json<Value>> {
    let (shared, instance, body) = open(call, &body)?;
    let page = integer(&body, "page", 1)?;
    let size = integer(&body, "offset", 50)?;
    let filter = Filter::parse(&body["where"]);
    if filter
        .device
        .as_deref()
        .is_some_and(|device| !matches!(device, "ios" | "android" | "web" | "desktop" | "unknown"))
    {
        return Err(ApiError::raw(json!({"name": "PrismaClientValidationError", "clientVersion": "7.10.1"})));
    }
    let mut state = shared.lock();
    let found = state.loaded(&instance).ok_or_else(|| ApiError::not_loaded(&instance))?;
    Ok(Json(found.store.find(found.id, &filter, page, size)))
}

fn integer(body: &Value, name: &str, default: i64) -> ApiResult<i64> {
    match &body[name] {
        Value::Null => Ok(default),
        value => value.as_i64().ok_or_else(|| ApiError::property(name, format!("{name} is not of a type(s) integer"))),
    }
}

/// Demands `ids` and reads `messageId`: the documented `ids` alone marks every stored message of every instance. The receipt of
/// a row that has a LID only is addressed to nobody.
pub(super) async fn read_messages(call: Call, body: Bytes) -> ApiResult<Json<Value>> {
    let (shared, instance, body) = open(call, &body)?;
    if !body["ids"].is_array() {
        return Err(ApiError::missing("ids"));
    }
    let mut state = shared.lock();
    let rows: Option<Vec<u64>> = body["messageId"].as_array().map(|ids| ids.iter().filter_map(Value::as_u64).collect());
    let everything = rows.is_none();
    let key_ids = match rows {
        Some(ids) => {
            let row = |id: u64| state.instances.values().find_map(|found| found.store.by_id(id));
            let addressed = ids.into_iter().filter_map(row).filter(|row| row.remote_jid.is_some());
            addressed.map(|row| row.key_id.clone()).collect()
        }
        None => state.instances.values().flat_map(|found| found.store.keys().map(str::to_owned)).collect(),
    };
    state.reads.push(ReadMark { instance, key_ids, everything });
    drop(state);
    shared.changes.bump();
    Ok(read_answer())
}

/// Silently ignores phone-number chats.
pub(super) async fn mark_as_read(call: Call, body: Bytes) -> ApiResult<Json<Value>> {
    let (shared, instance, body) = open(call, &body)?;
    let works =
        |entry: &&Value| entry["remoteJid"].as_str().is_some_and(|jid| jid.ends_with("@lid") || jid.ends_with("@g.us"));
    let entries = body["readMessages"].as_array().cloned().unwrap_or_default();
    let key_ids = entries.iter().filter(works).filter_map(|entry| entry["id"].as_str().map(str::to_owned)).collect();
    shared.lock().reads.push(ReadMark { instance, key_ids, everything: false });
    shared.changes.bump();
    Ok(read_answer())
}

fn read_answer() -> Json<Value> {
    Json(json!({"message": "Read messages", "read": "success"}))
}

/// Deletes by row id. A text is read as far as it is a number, so a key that begins with `01` deletes row 1 of the whole database.
pub(super) async fn delete_for_everyone(call: Call, body: Bytes) -> ApiResult<(StatusCode, Json<Value>)> {
    let query = call.2.0.clone().unwrap_or_default();
    let (shared, instance, body) = open(call, &body)?;
    let asked = |name: &str| {
        let in_query = url::form_urlencoded::parse(query.as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned());
        in_query
            .or_else(|| body[name].as_str().map(str::to_owned))
            .or_else(|| body[name].as_u64().map(|id| id.to_string()))
    };
    let id = asked("id").ok_or_else(|| ApiError::missing("id"))?;
    let failed = |reason: &str| ApiError::internal(&json!(["Error while deleting message for everyone", reason]));
    if asked("everyOne").as_deref() != Some("true") {
        return Err(failed("Error: App state key not present!"));
    }
    let answer = revoke(&shared, &instance, leading_number(&id));
    let answer = answer.ok_or_else(|| failed("TypeError: Cannot read properties of null (reading 'keyRemoteJid')"))?;
    Ok((StatusCode::CREATED, Json(answer)))
}

fn leading_number(text: &str) -> u64 {
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(0)
}

fn revoke(shared: &Arc<Shared>, instance: &str, id: u64) -> Option<Value> {
    let now = clock::now_ms();
    let (answer, posts) = {
        let mut guard = shared.lock();
        let state = &mut *guard;
        let (row, owner_id) =
            state.instances.values().find_map(|found| found.store.by_id(id).map(|row| (row.clone(), found.id)))?;
        let row_id = state.next_row();
        state.revocations.push(Revocation { instance: instance.to_owned(), row_id: id, key_id: row.key_id.clone() });
        let found = state.loaded(instance)?;
        let update = json!({"remoteJid": row.address(), "fromMe": row.from_me, "id": row.key_id, "dateTime": clock::iso(now), "instanceId": found.id});
        let echo = revocation_row(&row, row_id);
        let data = json!({
            "keyId": echo.key_id, "keyFromMe": true, "pushName": null, "keyRemoteJid": echo.remote_jid, "messageType": "protocolMessage",
            "content": echo.content, "messageTimestamp": echo.timestamp, "instanceId": found.id, "device": "web", "isGroup": echo.is_group,
            "id": row_id, "info": {"type": "append"},
        });
        let posts = [
            webhooks::prepare(
                shared,
                found,
                "messages.update",
                format!("messages.update:{}:changed", row.key_id),
                &update,
            ),
            webhooks::prepare(
                shared,
                found,
                "messages.upsert",
                format!("messages.upsert:{}:append", echo.key_id),
                &data,
            ),
        ];
        found.store.push(echo);
        (json!({"deletedAt": clock::iso(now), "message": row.full(owner_id)}), posts)
    };
    for post in posts {
        webhooks::fire(shared, post);
    }
    shared.changes.bump();
    Some(answer)
}

/// The echo of our own revocation names its type in words.
fn revocation_row(row: &Row, id: u64) -> Row {
    let key = json!({"id": row.key_id, "fromMe": row.from_me, "participant": null, "remoteJid": row.remote_jid});
    Row {
        id,
        key_id: ids::socket_key(),
        from_me: true,
        message_type: "protocolMessage".to_owned(),
        content: json!({"key": key, "type": "REVOKE"}),
        timestamp: clock::now_s(),
        device: "web",
        updates: Vec::new(),
        push_name: None,
        ..row.clone()
    }
}
