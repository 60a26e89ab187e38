//! The dashboard as far as a dashboard app sees it: an open conversation with the app in a frame beside it.
//!
//! As in the original the app has to ask with `chatwoot-dashboard-app:fetch-info`, and is answered with a text of JSON. The first
//! question is not heard: in the original it may come before anybody listens.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::response::Html;
use serde::Deserialize;
use serde_json::json;

use super::error::{ApiError, ApiResult};
use super::state::Shared;

#[derive(Debug, Deserialize)]
pub(super) struct Opened {
    /// The address of the app.
    app: String,
}

/// `/app/accounts/{account}/conversations/{conversation}?app=<address>`: a conversation that an agent has open.
pub(super) async fn show(
    State(shared): State<Arc<Shared>>,
    Path((account, display)): Path<(u64, u64)>,
    Query(opened): Query<Opened>,
) -> ApiResult<Html<String>> {
    let state = shared.lock();
    let index = state.find_conversation(account, display).ok_or(ApiError::NotFound)?;
    let conversation = state.conversation_rest(index);
    let context = json!({
        "event": "appContext",
        "data": {
            "contact": conversation["meta"]["sender"],
            "conversation": conversation,
            "currentAgent": { "id": 2, "name": "Ana", "email": "ana@example.com" },
        },
    });
    // a text within a text, which no closing tag may end
    let context = json!(context.to_string()).to_string().replace('<', "\\u003c");
    let app = opened.app.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;");
    Ok(Html(format!(
        "<!doctype html><html lang=\"en\"><title>Chatwoot</title><body style=\"margin:0\">\
         <iframe id=\"app\" title=\"relay\" style=\"border:0;width:100%;height:100vh;display:block\" src=\"{app}\"></iframe>\
         <script>let asked = 0; addEventListener('message', event => {{\
         if (event.data !== 'chatwoot-dashboard-app:fetch-info' || ++asked < 2) return;\
         document.getElementById('app').contentWindow.postMessage({context}, '*'); }});</script>"
    )))
}
