//! `/conversations`: get-or-create when the inbox is locked to one, listing, status, last seen.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use http::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::{ApiError, ApiResult};
use super::message_rows::NewMessage;
use super::params::Params;
use super::state::{Conversation, Role, Shared, State as Rows};
use super::webhooks::{self, Event};
use super::{auth, contacts};
use crate::clock;

type Call = (State<Arc<Shared>>, Path<(u64, u64)>, HeaderMap);

pub(super) async fn create(
    State(shared): State<Arc<Shared>>,
    Path(account): Path<u64>,
    headers: HeaderMap,
    params: Params,
) -> ApiResult<Json<Value>> {
    let user = auth::member_or_bot(&shared, &headers, account)?;
    let (link, existing) = resolve_link(&mut shared.lock(), account, &params)?;
    let index = if let Some(index) = existing {
        index
    } else {
        contacts::race(&shared).await;
        let status = params.text("status").unwrap_or_else(|| "open".to_owned());
        if !matches!(status.as_str(), "open" | "resolved" | "pending" | "snoozed") {
            return Err(ApiError::Internal);
        }
        let index = shared.lock().insert_conversation(link, status, &params);
        webhooks::fire(&shared, vec![Event::ConversationCreated(index)]);
        index
    };
    if existing.is_none() && params.values["message"].is_object() {
        let inner = Params { values: params.values["message"].clone(), files: Vec::new() };
        let message = NewMessage::parse(&inner, index, &user)?;
        let (_, events) = shared.lock().insert_message(message, shared.options.message_wall)?;
        webhooks::fire(&shared, events);
    }
    let body = shared.lock().conversation_rest(index);
    Ok(Json(body))
}

/// The contact inbox meant, and, for a locked inbox, the conversation that is answered instead of a new one.
fn resolve_link(state: &mut Rows, account: u64, params: &Params) -> ApiResult<(usize, Option<usize>)> {
    let source_id = params.text("source_id");
    let (inbox, contact) = (params.number("inbox_id"), params.number("contact_id"));
    let link = match (inbox, contact, source_id) {
        (Some(inbox), Some(contact), source_id) => {
            let known = state.inboxes.get(&inbox).is_some_and(|inbox| inbox.account == account);
            let owned = state.contacts.get(&contact).is_some_and(|contact| contact.account == account);
            if !known || !owned {
                return Err(ApiError::NotFound);
            }
            // Without a source id another contact inbox is made up.
            let source_id = source_id.unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
            state
                .link_contact(contact, inbox, source_id)
                .map_err(|_| ApiError::Unprocessable("source_id should be unique".to_owned()))?
        }
        // Looked up over all accounts.
        (_, _, Some(source_id)) => {
            let found = state.contact_inboxes.iter().position(|link| link.source_id == source_id);
            found.ok_or(ApiError::NotFound)?
        }
        (_, _, None) => return Err(ApiError::NotFound),
    };
    let inbox = state.contact_inboxes[link].inbox;
    let is_locked = state.inboxes.get(&inbox).is_some_and(|inbox| inbox.is_locked_to_single);
    let last = if is_locked { state.last_conversation_of(link) } else { None };
    Ok((link, last))
}

impl Rows {
    fn last_conversation_of(&self, link: usize) -> Option<usize> {
        let all = self.conversations_of.get(&self.contact_inboxes[link].contact)?;
        all.iter()
            .rev()
            .copied()
            .find(|index| self.conversations[*index].contact_inbox == link && !self.conversations[*index].is_deleted)
    }

    pub(super) fn insert_conversation(&mut self, link: usize, status: String, params: &Params) -> usize {
        let now = clock::now_ms();
        let (inbox, contact) = (self.contact_inboxes[link].inbox, self.contact_inboxes[link].contact);
        let account = self.inboxes.get(&inbox).map_or(0, |inbox| inbox.account);
        let display = self.accounts.get_mut(&account).map_or(0, |account| {
            account.last_display += 1;
            account.last_display
        });
        let blocked = self.contacts.get(&contact).is_some_and(|contact| contact.blocked);
        let index = self.conversations.len();
        self.conversations.push(Conversation {
            display,
            account,
            inbox,
            contact,
            contact_inbox: link,
            uuid: uuid::Uuid::new_v4().to_string(),
            status: if blocked { "resolved".to_owned() } else { status },
            is_deleted: false,
            messages: Vec::new(),
            unread: 0,
            additional_attributes: Value::Object(params.object("additional_attributes")),
            custom_attributes: Value::Object(params.object("custom_attributes")),
            labels: json!([]),
            assignee: params.number("assignee_id"),
            team: params.number("team_id"),
            agent_last_seen_ms: 0,
            contact_last_seen_ms: 0,
            waiting_since_ms: 0,
            first_reply_ms: None,
            last_activity_ms: now,
            created_ms: now,
            updated_ms: now,
            recent: std::collections::VecDeque::new(),
        });
        self.by_display.insert((account, display), index);
        self.conversations_of.entry(contact).or_default().push(index);
        index
    }

    /// Changes the status and says which events follow.
    pub(super) fn set_status(&mut self, index: usize, status: &str) -> Vec<Event> {
        let conversation = &mut self.conversations[index];
        if conversation.status == status {
            return Vec::new();
        }
        let before = std::mem::replace(&mut conversation.status, status.to_owned());
        conversation.updated_ms = clock::now_ms();
        let changed = json!([{"status": {"previous_value": before, "current_value": status}}]);
        vec![Event::ConversationStatusChanged(index), Event::ConversationUpdated(index, changed)]
    }
}

fn open(call: Call, bots_may: bool) -> ApiResult<(Arc<Shared>, usize, super::state::User)> {
    let (State(shared), Path((account, display)), headers) = call;
    let user = if bots_may {
        auth::member_or_bot(&shared, &headers, account)?
    } else {
        auth::member(&shared, &headers, account)?
    };
    let index = shared.lock().find_conversation(account, display).ok_or(ApiError::NotFound)?;
    Ok((shared, index, user))
}

pub(super) async fn show(call: Call) -> ApiResult<Json<Value>> {
    let (shared, index, _) = open(call, true)?;
    let body = shared.lock().conversation_rest(index);
    Ok(Json(body))
}

#[derive(Debug, Deserialize)]
pub(super) struct ListQuery {
    status: Option<String>,
    inbox_id: Option<u64>,
    source_id: Option<String>,
    assignee_type: Option<String>,
    updated_within: Option<i64>,
    page: Option<usize>,
}

/// 25 a page, newest activity first; open ones unless told otherwise.
pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    Path(account): Path<u64>,
    Query(query): Query<ListQuery>,
    headers: HeaderMap,
) -> ApiResult<Json<Value>> {
    auth::member(&shared, &headers, account)?;
    let status = query.status.as_deref().unwrap_or("open");
    let oldest = query.updated_within.map(|seconds| clock::now_ms() - seconds * 1000);
    let state = shared.lock();
    let matches = |conversation: &Conversation| {
        !conversation.is_deleted
            && conversation.account == account
            && (status == "all" || conversation.status == status)
            && query.inbox_id.is_none_or(|inbox| conversation.inbox == inbox)
            && query
                .source_id
                .as_ref()
                .is_none_or(|source| state.contact_inboxes[conversation.contact_inbox].source_id == *source)
            && query.assignee_type.as_deref().is_none_or(|kind| match kind {
                "unassigned" => conversation.assignee.is_none(),
                "assigned" | "me" => conversation.assignee.is_some(),
                _ => true,
            })
            && oldest.is_none_or(|oldest| conversation.updated_ms >= oldest)
    };
    let mut found: Vec<usize> =
        (0..state.conversations.len()).filter(|index| matches(&state.conversations[*index])).collect();
    found.sort_by_key(|index| std::cmp::Reverse((state.conversations[*index].last_activity_ms, *index)));
    let skip = (query.page.unwrap_or(1).max(1) - 1) * 25;
    let payload: Vec<Value> = found.iter().skip(skip).take(25).map(|index| state.conversation_rest(*index)).collect();
    let assigned = found.iter().filter(|index| state.conversations[**index].assignee.is_some()).count();
    let meta = json!({"mine_count": 0, "assigned_count": assigned, "unassigned_count": found.len() - assigned, "all_count": found.len()});
    Ok(Json(json!({"data": {"meta": meta, "payload": payload}})))
}

pub(super) async fn toggle_status(call: Call, params: Params) -> ApiResult<Json<Value>> {
    let (shared, index, user) = open(call, true)?;
    let (body, events) = {
        let mut state = shared.lock();
        let toggled = if state.conversations[index].status == "open" { "resolved" } else { "open" };
        let status = params.text("status").unwrap_or_else(|| toggled.to_owned());
        if !matches!(status.as_str(), "open" | "resolved" | "pending" | "snoozed") {
            return Err(ApiError::Internal);
        }
        if status == "open" && user.role == Role::Agent {
            state.conversations[index].assignee = Some(user.id);
        }
        let events = state.set_status(index, &status);
        let display = state.conversations[index].display;
        (
            json!({"payload": {"success": true, "conversation_id": display, "current_status": status, "snoozed_until": null}}),
            events,
        )
    };
    webhooks::fire(&shared, events);
    Ok(Json(body))
}

/// Shows the token's user as typing.
pub(super) async fn toggle_typing(call: Call, params: Params) -> ApiResult<()> {
    let (shared, index, user) = open(call, true)?;
    let is_on = params.text("typing_status").as_deref() == Some("on");
    let event =
        Event::Typing { conversation: index, user: user.webhook(), is_on, is_private: params.flag("is_private") };
    webhooks::fire(&shared, vec![event]);
    Ok(())
}

/// Time between two writes while nothing is unread.
const SEEN_AGAIN_MS: i64 = 3_600_000;

impl Rows {
    /// Writes the column directly: no event, and `updated_at` stays. While nothing is unread it is written once an hour.
    pub(super) fn see(&mut self, index: usize) {
        let (now, conversation) = (clock::now_ms(), &mut self.conversations[index]);
        if conversation.unread > 0 || now - conversation.agent_last_seen_ms > SEEN_AGAIN_MS {
            conversation.agent_last_seen_ms = now;
            conversation.unread = 0;
        }
    }
}

pub(super) async fn update_last_seen(call: Call) -> ApiResult<Json<Value>> {
    let (shared, index, _) = open(call, false)?;
    let mut state = shared.lock();
    state.see(index);
    let body = state.conversation_rest(index);
    drop(state);
    shared.changes.bump();
    Ok(Json(body))
}

/// Replaces all custom attributes.
pub(super) async fn custom_attributes(call: Call, params: Params) -> ApiResult<Json<Value>> {
    let (shared, index, _) = open(call, true)?;
    let attributes = Value::Object(params.object("custom_attributes"));
    shared.lock().conversations[index].custom_attributes = attributes.clone();
    Ok(Json(json!({"custom_attributes": attributes})))
}

pub(super) async fn labels(call: Call, params: Params) -> ApiResult<Json<Value>> {
    let (shared, index, _) = open(call, true)?;
    let labels = params.values["labels"].clone();
    shared.lock().conversations[index].labels = labels.clone();
    Ok(Json(json!({"payload": labels})))
}

pub(super) async fn assign(call: Call, params: Params) -> ApiResult<Json<Value>> {
    let (shared, index, _) = open(call, true)?;
    let assignee = params.number("assignee_id");
    let user = {
        let mut state = shared.lock();
        state.conversations[index].assignee = assignee;
        assignee.map(|id| state.user_push(id))
    };
    webhooks::fire(
        &shared,
        vec![Event::ConversationUpdated(index, json!([{"assignee_id": {"current_value": assignee}}]))],
    );
    Ok(Json(json!(user)))
}

pub(super) async fn remove(call: Call) -> ApiResult<()> {
    let (State(shared), Path((account, display)), headers) = call;
    auth::administrator(&shared, &headers, account)?;
    let mut state = shared.lock();
    let index = state.find_conversation(account, display).ok_or(ApiError::NotFound)?;
    state.conversations[index].is_deleted = true;
    Ok(())
}
