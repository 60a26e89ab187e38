//! `/_sim/…` of the Chatwoot stand-in: what another process may make agents and storage do.

use std::sync::{Arc, PoisonError};

use axum::extract::{Path, State};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::agent::{self, AgentMessage, Change};
use super::state::{BlobDelay, Shared};

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/_sim/ledger", get(ledger))
        .route("/_sim/inbox/{account}", post(add_inbox))
        .route("/_sim/agent/{account}/{conversation}", post(send))
        .route("/_sim/start/{inbox}", post(start))
        .route("/_sim/delete/{message}", post(delete))
        .route("/_sim/retry/{message}", post(retry))
        .route("/_sim/status/{account}/{conversation}/{status}", post(set_status))
        .route("/_sim/blobs", put(blobs))
}

async fn ledger(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let ledger = shared.lock().ledger();
    Json(ledger)
}

#[derive(Debug, Deserialize)]
struct InboxIn {
    name: String,
    #[serde(default)]
    webhook_url: String,
}

async fn add_inbox(
    State(shared): State<Arc<Shared>>,
    Path(account): Path<u64>,
    Json(inbox): Json<InboxIn>,
) -> Json<Value> {
    Json(json!(shared.lock().insert_inbox(account, &inbox.name, &inbox.webhook_url, true)))
}

async fn send(
    State(shared): State<Arc<Shared>>,
    Path((account, display)): Path<(u64, u64)>,
    Json(message): Json<AgentMessage>,
) -> Json<Value> {
    Json(json!({"id": agent::send(&shared, account, display, 2, message)}))
}

#[derive(Debug, Deserialize)]
struct StartIn {
    phone: String,
}

async fn start(State(shared): State<Arc<Shared>>, Path(inbox): Path<u64>, Json(asked): Json<StartIn>) -> Json<Value> {
    Json(json!({"conversation": agent::start_conversation(&shared, inbox, &asked.phone)}))
}

async fn delete(State(shared): State<Arc<Shared>>, Path(message): Path<u64>) -> Json<Value> {
    Json(json!({"ok": agent::change(&shared, message, Change::Delete)}))
}

async fn retry(State(shared): State<Arc<Shared>>, Path(message): Path<u64>) -> Json<Value> {
    Json(json!({"ok": agent::change(&shared, message, Change::Retry)}))
}

async fn set_status(
    State(shared): State<Arc<Shared>>,
    Path((account, display, status)): Path<(u64, u64, String)>,
) -> Json<Value> {
    Json(json!({"ok": agent::set_status(&shared, account, display, &status)}))
}

async fn blobs(State(shared): State<Arc<Shared>>, Json(delay): Json<BlobDelay>) -> Json<Value> {
    *shared.blob_delay.lock().unwrap_or_else(PoisonError::into_inner) = delay;
    Json(json!({"ok": true}))
}
