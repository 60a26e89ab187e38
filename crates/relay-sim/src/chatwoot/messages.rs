//! `/conversations/{conversation}/messages`.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use http::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};

use super::auth;
use super::error::{ApiError, ApiResult};
use super::message_rows::NewMessage;
use super::params::Params;
use super::state::{Direction, Shared};
use super::webhooks::{self, Event};
use crate::clock::iso;

type Call = (State<Arc<Shared>>, Path<(u64, u64, u64)>, HeaderMap);

pub(super) async fn create(
    State(shared): State<Arc<Shared>>,
    Path((account, display)): Path<(u64, u64)>,
    headers: HeaderMap,
    params: Params,
) -> ApiResult<Json<Value>> {
    let user = auth::member_or_bot(&shared, &headers, account)?;
    let (mut body, events) = {
        let mut state = shared.lock();
        let conversation = state.find_conversation(account, display).ok_or(ApiError::NotFound)?;
        let message = NewMessage::parse(&params, conversation, &user)?;
        let (index, events) = state.insert_message(message, shared.options.message_wall)?;
        (state.message_rest(index), events)
    };
    webhooks::fire(&shared, events);
    if let Some(echo) = params.text("echo_id") {
        body["echo_id"] = json!(echo);
    }
    Ok(Json(body))
}

#[derive(Debug, Deserialize)]
pub(super) struct ListQuery {
    before: Option<u64>,
    after: Option<u64>,
    filter_internal_messages: Option<String>,
}

/// Nothing: the latest 20. `before`: the 20 before it. `after`: the next 100. Both: up to 1000 from `after` to before `before`.
pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    Path((account, display)): Path<(u64, u64)>,
    Query(query): Query<ListQuery>,
    headers: HeaderMap,
) -> ApiResult<Json<Value>> {
    auth::member(&shared, &headers, account)?;
    let state = shared.lock();
    let at = state.find_conversation(account, display).ok_or(ApiError::NotFound)?;
    let conversation = &state.conversations[at];
    let public_only = query.filter_internal_messages.is_some();
    let visible = |index: &&usize| {
        let message = &state.messages[**index];
        !public_only || (!message.private && message.direction != Direction::Activity)
    };
    let ids = |index: usize| index as u64 + 1;
    let all = &conversation.messages;
    let picked: Vec<usize> = match (query.before, query.after) {
        (None, None) => latest(all.iter().filter(visible), 20),
        (Some(before), None) => {
            let end = all.partition_point(|index| ids(*index) < before);
            latest(all[..end].iter().filter(visible), 20)
        }
        (None, Some(after)) => {
            let start = all.partition_point(|index| ids(*index) <= after);
            all[start..].iter().filter(visible).take(100).copied().collect()
        }
        (Some(before), Some(after)) => {
            let (start, end) =
                (all.partition_point(|index| ids(*index) < after), all.partition_point(|index| ids(*index) < before));
            all[start..end.max(start)].iter().filter(visible).take(1000).copied().collect()
        }
    };
    let payload: Vec<Value> = picked.into_iter().map(|index| state.message_rest(index)).collect();
    let seen = Some(conversation.agent_last_seen_ms).filter(|ms| *ms > 0).map(iso);
    let mut meta = json!({
        "labels": conversation.labels, "additional_attributes": conversation.additional_attributes,
        "contact": state.contact_push(conversation.contact), "agent_last_seen_at": seen, "assignee_last_seen_at": null,
    });
    if let Some(assignee) = conversation.assignee {
        meta["assignee"] = state.user_push(assignee);
    }
    Ok(Json(json!({"meta": meta, "payload": payload})))
}

fn latest<'a>(visible: impl DoubleEndedIterator<Item = &'a usize>, count: usize) -> Vec<usize> {
    let mut picked: Vec<usize> = visible.rev().take(count).copied().collect();
    picked.reverse();
    picked
}

fn open(call: Call) -> ApiResult<(Arc<Shared>, usize)> {
    let (State(shared), Path((account, display, id)), headers) = call;
    auth::member(&shared, &headers, account)?;
    let index = {
        let state = shared.lock();
        let conversation = state.find_conversation(account, display).ok_or(ApiError::NotFound)?;
        state.find_message(conversation, id).ok_or(ApiError::NotFound)?
    };
    Ok((shared, index))
}

fn answer(shared: &Arc<Shared>, index: usize, changed: bool) -> Json<Value> {
    let body = shared.lock().message_rest(index);
    if changed {
        webhooks::fire(shared, vec![Event::MessageUpdated(index)]);
    }
    Json(body)
}

pub(super) async fn set_status(call: Call, params: Params) -> ApiResult<Json<Value>> {
    let (shared, index) = open(call)?;
    let status = params.text("status").unwrap_or_default();
    let changed = shared.lock().set_message_status(index, &status, params.text("external_error"));
    Ok(answer(&shared, index, changed))
}

pub(super) async fn remove(call: Call) -> ApiResult<Json<Value>> {
    let (shared, index) = open(call)?;
    shared.lock().delete_message(index);
    Ok(answer(&shared, index, true))
}

pub(super) async fn retry(call: Call) -> ApiResult<Json<Value>> {
    let (shared, index) = open(call)?;
    shared.lock().retry_message(index);
    Ok(answer(&shared, index, true))
}
