//! The part of `/_sim/` that both stand-ins share: faults, webhook faults, call counters.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::fault::{Control, Fault};
use crate::hooks::{HookFaults, Poster};

/// What the shared routes act on.
#[derive(Debug, Clone)]
pub(crate) struct Admin {
    pub(crate) control: Arc<Control>,
    pub(crate) poster: Arc<Poster>,
}

/// `/_sim/faults`, `/_sim/webhooks`, `/_sim/calls`, `/_sim/acks`.
pub(crate) fn routes(admin: Admin) -> Router {
    Router::new()
        .route("/_sim/faults", get(faults).post(add_fault).delete(clear_faults))
        .route("/_sim/webhooks", get(hook_faults).put(set_hook_faults))
        .route("/_sim/calls", get(calls).delete(reset_calls))
        .route("/_sim/acks", get(acks))
        .with_state(admin)
}

async fn faults(State(admin): State<Admin>) -> Json<Vec<Fault>> {
    Json(admin.control.faults())
}

async fn add_fault(State(admin): State<Admin>, Json(fault): Json<Fault>) -> Json<Value> {
    admin.control.add(fault);
    Json(json!({"ok": true}))
}

async fn clear_faults(State(admin): State<Admin>) -> Json<Value> {
    admin.control.clear();
    Json(json!({"ok": true}))
}

async fn hook_faults(State(admin): State<Admin>) -> Json<HookFaults> {
    Json(admin.poster.faults())
}

async fn set_hook_faults(State(admin): State<Admin>, Json(faults): Json<HookFaults>) -> Json<HookFaults> {
    admin.poster.set_faults(faults);
    Json(faults)
}

async fn calls(State(admin): State<Admin>) -> Json<Value> {
    Json(json!(admin.control.calls()))
}

async fn reset_calls(State(admin): State<Admin>) -> Json<Value> {
    admin.control.reset_calls();
    Json(json!({"ok": true}))
}

async fn acks(State(admin): State<Admin>) -> Json<Value> {
    Json(json!(admin.poster.log()))
}
