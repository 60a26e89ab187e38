//! Handing a message to WhatsApp: the ledger entry, the stored row, the webhooks, and the answer.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Value, json};

use super::error::{ApiError, ApiResult};
use super::number::resolve;
use super::state::{MediaRecord, Shared, State, Submission};
use super::store::Row;
use super::{customer, webhooks};
use crate::{clock, ids};

/// A message ready for WhatsApp.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) number: String,
    pub(super) kind: &'static str,
    pub(super) content: Value,
    pub(super) text: Option<String>,
    pub(super) media: Option<(String, MediaRecord)>,
    pub(super) options: Options,
    /// Sent through the client's own send, which is echoed a moment later.
    pub(super) is_echoed: bool,
}

/// The options that count for a call; the defaults for calls that ignore them.
#[derive(Debug, Default)]
pub(super) struct Options {
    pub(super) message_id: Option<String>,
    pub(super) external_attributes: Option<Value>,
    pub(super) quoted_id: Option<u64>,
    pub(super) quoted: Option<Value>,
    pub(super) delay: Duration,
}

impl Options {
    pub(super) fn parse(options: &Value) -> ApiResult<Self> {
        let message_id = match &options["messageId"] {
            Value::Null => None,
            Value::String(id) => Some(id.clone()),
            _ => {
                return Err(ApiError::property("options.messageId", "Set your own id for the message."));
            }
        };
        let quoted_id = match &options["quotedMessageId"] {
            Value::Null => None,
            id => {
                Some(id.as_u64().ok_or_else(|| ApiError::property("options.quotedMessageId", "Enter the message id"))?)
            }
        };
        Ok(Self {
            message_id,
            external_attributes: Some(options["externalAttributes"].clone()).filter(|value| !value.is_null()),
            quoted_id,
            quoted: Some(options["quotedMessage"].clone()).filter(Value::is_object),
            delay: Duration::from_millis(options["delay"].as_u64().unwrap_or(0)),
        })
    }
}

/// Sends and answers 201 with the row.
pub(super) async fn submit(shared: &Arc<Shared>, instance: &str, draft: Draft) -> ApiResult<Response> {
    if !draft.options.delay.is_zero() {
        tokio::time::sleep(draft.options.delay).await;
    }
    let sent = commit(shared, instance, draft)?;
    shared.changes.bump();
    for post in sent.posts {
        webhooks::fire(shared, post);
    }
    if sent.is_echoed {
        echo_later(shared, instance.to_owned(), sent.row);
    }
    customer::auto_receipts(shared, instance, &sent.key_id);
    Ok((StatusCode::CREATED, Json(sent.answer)).into_response())
}

#[derive(Debug)]
struct Sent {
    key_id: String,
    answer: Value,
    row: Row,
    posts: [Option<webhooks::Post>; 2],
    is_echoed: bool,
}

fn commit(shared: &Shared, instance: &str, mut draft: Draft) -> ApiResult<Sent> {
    let mut guard = shared.lock();
    let state = &mut *guard;
    let quoted = add_quote(shared, state, instance, &mut draft)?;
    let jid = resolve(state, instance, &draft.number)?;
    let row_id = state.next_row();
    let row = new_row(state, instance, &jid, &draft, row_id)?;
    record(state, instance, &row, &draft, quoted);
    if let Some((key, media)) = draft.media {
        state.blobs.insert(key, media.bytes);
    }
    let found = state.instances.get_mut(instance).ok_or_else(|| ApiError::not_loaded(instance))?;
    let answer = answer(shared, &row, found.id, draft.options.external_attributes);
    let posts = ["send.message", "messages.upsert"].map(|event| {
        let key = format!("{event}:{}:api", row.key_id);
        webhooks::prepare(shared, found, event, key, &answer)
    });
    if shared.options.save_messages {
        found.store.push(row.clone());
    }
    Ok(Sent { key_id: row.key_id.clone(), answer, row, posts, is_echoed: draft.is_echoed })
}

fn add_quote(shared: &Shared, state: &State, instance: &str, draft: &mut Draft) -> ApiResult<Option<String>> {
    let quote = match (draft.options.quoted_id, draft.options.quoted.take()) {
        (Some(_), _) if !shared.options.save_messages => {
            return Err(ApiError::bad_request(json!([
                "The DATABASE_SAVE_DATA_NEW_MESSAGE environment variable is disabled"
            ])));
        }
        (Some(id), _) => {
            let row = state.instances.values().find_map(|instance| instance.store.by_id(id));
            let row = row.ok_or_else(|| ApiError::bad_request(json!(["Quoted message not found"])))?;
            json!({"keyId": row.key_id, "keyFromMe": row.from_me, "keyRemoteJid": row.remote_jid, "messageType": row.message_type, "content": row.content})
        }
        (None, Some(quoted)) => quoted,
        (None, None) => return Ok(None),
    };
    let owner = state.instances.get(instance).and_then(|instance| instance.owner_jid.clone()).unwrap_or_default();
    let from_me = quote["keyFromMe"] == json!(true);
    let author = if from_me { owner } else { quote["keyRemoteJid"].as_str().unwrap_or_default().to_owned() };
    let kind = quote["messageType"].as_str().unwrap_or("conversation");
    // A content that is not an object leaves the quote empty.
    let quoted = if quote["content"].is_object() { json!({kind: quote["content"]}) } else { json!({}) };
    draft.content["contextInfo"] = json!({"participant": author, "stanzaId": quote["keyId"], "quotedMessage": quoted});
    Ok(quote["keyId"].as_str().map(str::to_owned))
}

fn new_row(state: &State, instance: &str, jid: &str, draft: &Draft, id: u64) -> ApiResult<Row> {
    let found = state.instances.get(instance).ok_or_else(|| ApiError::not_loaded(instance))?;
    let is_group = jid.ends_with("@g.us");
    let own_device = || found.owner_jid.as_deref().unwrap_or_default().replacen('@', ":12@", 1);
    let key_id = draft.options.message_id.clone().unwrap_or_else(|| ids::ulid(clock::now_ms()));
    let device = if draft.options.message_id.as_ref().is_some_and(|id| id.len() != 26) { "unknown" } else { "web" };
    Ok(Row {
        id,
        key_id,
        from_me: true,
        remote_jid: Some(jid.to_owned()),
        lid: None,
        participant: is_group.then(own_device),
        participant_lid: None,
        push_name: None,
        message_type: draft.kind.to_owned(),
        content: draft.content.clone(),
        timestamp: clock::now_s(),
        device,
        is_group,
        updates: Vec::new(),
    })
}

fn record(state: &mut State, instance: &str, row: &Row, draft: &Draft, quoted: Option<String>) {
    let seq = state.submissions.len() as u64 + 1;
    state.submissions.push(Submission {
        seq,
        instance: instance.to_owned(),
        to: row.address(),
        message_id: row.key_id.clone(),
        preset_id: draft.options.message_id.is_some(),
        kind: row.message_type.clone(),
        text: draft.text.clone(),
        content: row.content.clone(),
        media: draft.media.as_ref().map(|(_, media)| media.clone()),
        quoted,
        external_attributes: draft.options.external_attributes.clone().unwrap_or_default(),
        row_id: row.id,
        at_ms: clock::now_ms(),
    });
}

fn answer(shared: &Shared, row: &Row, instance_id: u64, external_attributes: Option<Value>) -> Value {
    let mut answer = json!({
        "keyId": row.key_id, "keyFromMe": true, "keyRemoteJid": row.remote_jid, "keyParticipant": row.participant, "pushName": null,
        "messageType": row.message_type, "content": row.content, "messageTimestamp": row.timestamp, "instanceId": instance_id,
        "device": row.device, "isGroup": row.is_group,
    });
    if shared.options.save_messages {
        answer["id"] = json!(row.id);
    }
    if let Some(attributes) = external_attributes {
        answer["externalAttributes"] = attributes;
    }
    answer
}

/// The library's own echo: a second row under the same key, and a webhook that names the first row.
fn echo_later(shared: &Arc<Shared>, instance: String, row: Row) {
    let delay = shared.options.echo_delay;
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        tokio::time::sleep(delay).await;
        let post = {
            let mut guard = shared.lock();
            let state = &mut *guard;
            let second = state.next_row();
            let Some(found) = state.loaded(&instance) else { return };
            let mut data = answer(&shared, &row, found.id, None);
            if let Some(data) = data.as_object_mut() {
                data.remove("keyParticipant");
                data.insert("info".to_owned(), json!({"type": "append"}));
            }
            if shared.options.save_messages {
                found.store.push(Row { id: second, ..row.clone() });
            }
            webhooks::prepare(
                &shared,
                found,
                "messages.upsert",
                format!("messages.upsert:{}:append", row.key_id),
                &data,
            )
        };
        webhooks::fire(&shared, post);
    });
}
