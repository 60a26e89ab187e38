//! `/_sim/…` of the CodeChat stand-in: what another process may make customers and sockets do.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::customer::{self, CustomerMessage};
use super::instances;
use super::state::{ConnectionState, Shared};

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/_sim/ledger", get(ledger))
        .route("/_sim/customer/{instance}", post(customer_sends))
        .route("/_sim/phone/{instance}", post(phone_sends))
        .route("/_sim/receipt/{instance}", post(receipt))
        .route("/_sim/connection/{instance}", post(connection))
        .route("/_sim/scan/{instance}", post(scan))
        .route("/_sim/not_on_whatsapp", post(not_on_whatsapp))
}

async fn ledger(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let ledger = {
        let state = shared.lock();
        json!({"submissions": state.submissions, "customers": state.customers, "reads": state.reads, "revocations": state.revocations})
    };
    Json(ledger)
}

async fn customer_sends(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    Json(message): Json<CustomerMessage>,
) -> Json<Value> {
    Json(json!({"key_id": customer::deliver(&shared, &name, &message, false)}))
}

async fn phone_sends(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    Json(message): Json<CustomerMessage>,
) -> Json<Value> {
    Json(json!({"key_id": customer::deliver(&shared, &name, &message, true)}))
}

#[derive(Debug, Deserialize)]
struct ReceiptIn {
    key_id: String,
    status: String,
    address: Option<String>,
}

async fn receipt(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    Json(receipt): Json<ReceiptIn>,
) -> Json<Value> {
    let sent = customer::receipt(&shared, &name, &receipt.key_id, &receipt.status, receipt.address.as_deref());
    Json(json!({"ok": sent}))
}

#[derive(Debug, Deserialize)]
struct ConnectionIn {
    state: ConnectionState,
    reason: Option<u16>,
}

async fn connection(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    Json(asked): Json<ConnectionIn>,
) -> Json<Value> {
    instances::change_state(&shared, &name, asked.state, asked.reason.unwrap_or_else(|| asked.state.usual_reason()));
    Json(json!({"ok": true}))
}

#[derive(Debug, Deserialize)]
struct ScanIn {
    phone: String,
}

async fn scan(State(shared): State<Arc<Shared>>, Path(name): Path<String>, Json(asked): Json<ScanIn>) -> Json<Value> {
    instances::scan(&shared, &name, &asked.phone);
    Json(json!({"ok": true}))
}

/// Replaces the set of unknown numbers.
async fn not_on_whatsapp(State(shared): State<Arc<Shared>>, Json(numbers): Json<Vec<String>>) -> Json<Value> {
    shared.lock().not_on_whatsapp = numbers.into_iter().collect();
    Json(json!({"ok": true}))
}
