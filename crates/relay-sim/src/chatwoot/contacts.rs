//! `/contacts`, `/contact_inboxes`, `/actions/contact_merge`.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use http::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};

use super::auth;
use super::contact_rows::Fields;
use super::error::{ApiError, ApiResult};
use super::params::Params;
use super::state::{Contact, Shared, State as Rows};
use crate::clock;

pub(super) async fn create(
    State(shared): State<Arc<Shared>>,
    Path(account): Path<u64>,
    headers: HeaderMap,
    params: Params,
) -> ApiResult<Json<Value>> {
    auth::member(&shared, &headers, account)?;
    let fields = Fields::parse(&params);
    let inbox = params.number("inbox_id");
    shared.lock().check_contact(account, &fields, None)?;
    // Others may slip in between the check and the insert.
    race(&shared).await;
    let mut state = shared.lock();
    if inbox.is_some_and(|inbox| !state.inboxes.contains_key(&inbox)) {
        return Err(ApiError::NotFound);
    }
    let source_id = params.text("source_id").unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
    if inbox.is_some_and(|inbox| state.by_source.contains_key(&(inbox, source_id.clone()))) {
        return Err(ApiError::Internal);
    }
    let id = state.insert_contact(account, fields)?;
    let link = match inbox {
        Some(inbox) => {
            state.link_contact(id, inbox, source_id.clone())?;
            json!({"inbox": state.inbox_slim(inbox), "source_id": source_id})
        }
        None => json!({"inbox": null, "source_id": null}),
    };
    let contact = state.contact_rest(id);
    drop(state);
    shared.changes.bump();
    Ok(Json(json!({"payload": {"contact": contact, "contact_inbox": link}})))
}

pub(super) async fn race(shared: &Shared) {
    if !shared.options.race_window.is_zero() {
        tokio::time::sleep(shared.options.race_window).await;
    }
}

pub(super) async fn show(
    State(shared): State<Arc<Shared>>,
    Path((account, id)): Path<(u64, u64)>,
    headers: HeaderMap,
) -> ApiResult<Json<Value>> {
    auth::member(&shared, &headers, account)?;
    let state = shared.lock();
    own(&state, account, id)?;
    Ok(Json(json!({"payload": state.contact_rest(id)})))
}

fn own(state: &Rows, account: u64, id: u64) -> ApiResult<&Contact> {
    state.contacts.get(&id).filter(|contact| contact.account == account).ok_or(ApiError::NotFound)
}

pub(super) async fn update(
    State(shared): State<Arc<Shared>>,
    Path((account, id)): Path<(u64, u64)>,
    headers: HeaderMap,
    params: Params,
) -> ApiResult<Json<Value>> {
    auth::member(&shared, &headers, account)?;
    let mut state = shared.lock();
    own(&state, account, id)?;
    let fields = Fields::parse(&params);
    state.check_contact(account, &fields, Some(id))?;
    state.apply_contact(id, fields);
    let contact = state.contact_rest(id);
    drop(state);
    shared.changes.bump();
    Ok(Json(json!({"payload": contact})))
}

pub(super) async fn remove(
    State(shared): State<Arc<Shared>>,
    Path((account, id)): Path<(u64, u64)>,
    headers: HeaderMap,
) -> ApiResult<()> {
    auth::administrator(&shared, &headers, account)?;
    let mut state = shared.lock();
    own(&state, account, id)?;
    state.remove_contact(id);
    Ok(())
}

#[derive(Debug, Deserialize)]
pub(super) struct SearchQuery {
    q: Option<String>,
    page: Option<String>,
}

const PAGE: usize = 15;

/// Substring search, behind its own wall.
pub(super) async fn search(
    State(shared): State<Arc<Shared>>,
    Path(account): Path<u64>,
    Query(query): Query<SearchQuery>,
    headers: HeaderMap,
) -> ApiResult<Json<Value>> {
    auth::member(&shared, &headers, account)?;
    let mut state = shared.lock();
    if let Some(wall) = shared.options.search_wall {
        let now = clock::now_ms();
        let searches = state.searches.entry(account).or_default();
        searches.retain(|at| now - at < 60_000);
        if searches.len() >= wall {
            return Err(ApiError::Throttled);
        }
        searches.push_back(now);
    }
    let needle = query.q.unwrap_or_default().to_lowercase();
    let holds = |text: Option<&str>| text.is_some_and(|text| text.to_lowercase().contains(&needle));
    let matches = |contact: &&Contact| {
        let fields = [
            Some(contact.name.as_str()),
            contact.email.as_deref(),
            contact.phone.as_deref(),
            contact.identifier.as_deref(),
        ];
        contact.account == account && fields.into_iter().any(holds)
    };
    let found: Vec<u64> = state.contacts.values().filter(matches).map(|contact| contact.id).collect();
    let page: usize = query.page.as_deref().and_then(|page| page.parse().ok()).unwrap_or(1);
    let payload = page_of(&state, &found, page);
    let has_more = found.len() > page * PAGE;
    let current = query.page.map_or_else(|| json!(1), Value::String);
    let meta = json!({"count": payload.len(), "current_page": current, "has_more": has_more});
    Ok(Json(json!({"meta": meta, "payload": payload})))
}

fn page_of(state: &Rows, ids: &[u64], page: usize) -> Vec<Value> {
    ids.iter().skip((page.max(1) - 1) * PAGE).take(PAGE).map(|id| state.contact_rest(*id)).collect()
}

/// Exact lookups joined by AND or OR; not behind the search wall.
pub(super) async fn filter(
    State(shared): State<Arc<Shared>>,
    Path(account): Path<u64>,
    Query(query): Query<SearchQuery>,
    headers: HeaderMap,
    params: Params,
) -> ApiResult<Json<Value>> {
    auth::member(&shared, &headers, account)?;
    let rules = params.values["payload"].as_array().cloned().unwrap_or_default();
    if rules.is_empty() {
        return Err(ApiError::Unprocessable("Invalid query".to_owned()));
    }
    let state = shared.lock();
    let any = rules
        .iter()
        .any(|rule| rule["query_operator"].as_str().is_some_and(|operator| operator.eq_ignore_ascii_case("or")));
    let found: Vec<u64> = match rules.as_slice() {
        [rule] => by_index(&state, account, rule),
        _ => None,
    }
    .unwrap_or_else(|| {
        let visible = |contact: &&Contact| contact.account == account && is_identified(contact);
        let passes = |contact: &&Contact| {
            if any {
                rules.iter().any(|rule| obeys(contact, rule))
            } else {
                rules.iter().all(|rule| obeys(contact, rule))
            }
        };
        state.contacts.values().filter(visible).filter(passes).map(|contact| contact.id).collect()
    });
    let page: usize = query.page.as_deref().and_then(|page| page.parse().ok()).unwrap_or(1);
    let payload = page_of(&state, &found, page);
    Ok(Json(json!({"meta": {"count": found.len(), "current_page": page}, "payload": payload})))
}

fn is_identified(contact: &Contact) -> bool {
    contact.phone.is_some() || contact.email.is_some() || contact.identifier.is_some()
}

/// One `equal_to` on one value is answered from an index, unless a race left two contacts with that phone.
fn by_index(state: &Rows, account: u64, rule: &Value) -> Option<Vec<u64>> {
    let values = rule["values"].as_array()?;
    let [value] = values.as_slice() else { return None };
    if rule["filter_operator"] != json!("equal_to") || rule["attribute_key"] != json!("identifier") {
        return None;
    }
    state.by_identifier.get(&(account, value.as_str()?.to_owned())).map(|id| vec![*id])
}

fn obeys(contact: &Contact, rule: &Value) -> bool {
    let actual = match rule["attribute_key"].as_str().unwrap_or_default() {
        "phone_number" => contact.phone.clone(),
        "identifier" => contact.identifier.clone(),
        "email" => contact.email.clone(),
        "name" => Some(contact.name.clone()),
        key => contact.custom_attributes.get(key).and_then(|value| value.as_str().map(str::to_owned)),
    };
    let is_phone = rule["attribute_key"] == json!("phone_number");
    let wanted = |value: &Value| {
        let text = value.as_str().unwrap_or_default().to_lowercase();
        if is_phone && !text.starts_with('+') { format!("+{text}") } else { text }
    };
    let actual = actual.map(|text| text.to_lowercase());
    let mut values = rule["values"].as_array().into_iter().flatten().map(wanted);
    match rule["filter_operator"].as_str().unwrap_or("equal_to") {
        "contains" => {
            values.any(|value| actual.as_deref().is_some_and(|actual| actual.contains(value.trim_start_matches('+'))))
        }
        "not_equal_to" => values.all(|value| actual.as_ref() != Some(&value)),
        "is_present" => actual.is_some(),
        _ => values.any(|value| actual.as_ref() == Some(&value)),
    }
}

/// Exact lookup by source id: the bare contact, or 404 without a body.
pub(super) async fn filter_links(
    State(shared): State<Arc<Shared>>,
    Path(account): Path<u64>,
    headers: HeaderMap,
    params: Params,
) -> ApiResult<Json<Value>> {
    auth::member(&shared, &headers, account)?;
    let state = shared.lock();
    let inbox = params
        .number("inbox_id")
        .filter(|inbox| state.inboxes.get(inbox).is_some_and(|found| found.account == account));
    let key = inbox.zip(params.text("source_id")).ok_or(ApiError::NotFound)?;
    let link = state.by_source.get(&key).ok_or(ApiError::NotFoundEmpty)?;
    Ok(Json(state.contact_rest(state.contact_inboxes[*link].contact)))
}

pub(super) async fn create_link(
    State(shared): State<Arc<Shared>>,
    Path((account, id)): Path<(u64, u64)>,
    headers: HeaderMap,
    params: Params,
) -> ApiResult<Json<Value>> {
    auth::member(&shared, &headers, account)?;
    let mut state = shared.lock();
    own(&state, account, id)?;
    let inbox =
        params.number("inbox_id").filter(|inbox| state.inboxes.contains_key(inbox)).ok_or(ApiError::NotFound)?;
    let source_id = params.text("source_id").unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
    state.link_contact(id, inbox, source_id.clone())?;
    Ok(Json(json!({"source_id": source_id, "inbox": state.inbox_slim(inbox)})))
}

/// For a contact without a link every call invents another source id.
pub(super) async fn contactable(
    State(shared): State<Arc<Shared>>,
    Path((account, id)): Path<(u64, u64)>,
    headers: HeaderMap,
) -> ApiResult<Json<Value>> {
    auth::member(&shared, &headers, account)?;
    let state = shared.lock();
    own(&state, account, id)?;
    let newest = |inbox: u64| {
        let links = state.links_of.get(&id).into_iter().flatten().rev().map(|index| &state.contact_inboxes[*index]);
        links.into_iter().find(|link| link.inbox == inbox).map(|link| link.source_id.clone())
    };
    let entry = |inbox: u64| json!({"inbox": state.inbox_slim(inbox), "source_id": newest(inbox).unwrap_or_else(|| uuid::Uuid::new_v4().to_string())});
    let payload: Vec<Value> =
        state.inboxes.values().filter(|inbox| inbox.account == account).map(|inbox| entry(inbox.id)).collect();
    Ok(Json(json!({"payload": payload})))
}

pub(super) async fn conversations(
    State(shared): State<Arc<Shared>>,
    Path((account, id)): Path<(u64, u64)>,
    headers: HeaderMap,
) -> ApiResult<Json<Value>> {
    auth::member(&shared, &headers, account)?;
    let state = shared.lock();
    own(&state, account, id)?;
    let mut found: Vec<usize> = state.conversations_of.get(&id).cloned().unwrap_or_default();
    found.retain(|index| !state.conversations[*index].is_deleted);
    found.sort_by_key(|index| std::cmp::Reverse(state.conversations[*index].last_activity_ms));
    let payload: Vec<Value> = found.into_iter().take(20).map(|index| state.conversation_rest(index)).collect();
    Ok(Json(json!({"payload": payload})))
}

pub(super) async fn merge(
    State(shared): State<Arc<Shared>>,
    Path(account): Path<u64>,
    headers: HeaderMap,
    params: Params,
) -> ApiResult<Json<Value>> {
    auth::member(&shared, &headers, account)?;
    let (Some(base), Some(mergee)) = (params.number("base_contact_id"), params.number("mergee_contact_id")) else {
        return Err(ApiError::NotFound);
    };
    let mut state = shared.lock();
    own(&state, account, base)?;
    own(&state, account, mergee)?;
    if base == mergee {
        return Err(ApiError::Unprocessable("contact merge not possible".to_owned()));
    }
    state.merge_contacts(base, mergee);
    let contact = state.contact_rest(base);
    drop(state);
    shared.changes.bump();
    Ok(Json(contact))
}
