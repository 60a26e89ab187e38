//! Calls: somebody rings, and the relay may reject it.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use http::HeaderMap;
use serde::Serialize;
use serde_json::{Value, json};

use super::auth;
use super::error::{ApiError, ApiResult};
use super::handle::FakeCodeChat;
use super::state::{ConnectionState, Shared};
use super::webhooks;
use crate::clock;

/// One step of a call, as WhatsApp tells the linked device of it.
#[derive(Debug, Clone)]
pub struct CallStep {
    /// Phone number of the caller, digits only. The LID is derived from it.
    pub caller: String,
    /// Id of the call.
    pub id: String,
    /// `offer`, `ringing`, `accept`, `reject`, `timeout` or `terminate`.
    pub status: String,
    /// Whether it is a video call; only offers and what follows one directly tell.
    pub is_video: Option<bool>,
    /// The group that is called.
    pub group: Option<String>,
    /// When, in epoch seconds; now when absent.
    pub at: Option<i64>,
    /// It happened while the instance was offline.
    pub offline: bool,
}

impl CallStep {
    /// A step of a voice call between two people, now.
    pub fn new(caller: impl Into<String>, id: impl Into<String>, status: impl Into<String>) -> Self {
        let status = status.into();
        let is_video = (status == "offer").then_some(false);
        Self { caller: caller.into(), id: id.into(), status, is_video, group: None, at: None, offline: false }
    }

    fn data(&self) -> Value {
        let lid = format!("2{}@lid", self.caller);
        let at = self.at.map_or_else(clock::now_ms, |seconds| seconds * 1000);
        // to the second, as in the stanza
        let mut data = json!({
            "chatId": lid, "from": lid, "callerPn": format!("{}@s.whatsapp.net", self.caller), "id": self.id,
            "date": clock::iso(at / 1000 * 1000), "offline": self.offline, "status": self.status,
        });
        if let Some(is_video) = self.is_video {
            data["isVideo"] = json!(is_video);
            data["isGroup"] = json!(self.group.is_some());
        }
        if let Some(group) = &self.group {
            data["groupJid"] = json!(group);
        }
        data
    }
}

/// A call that the relay rejected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RejectedCall {
    /// Instance the call named.
    pub instance: String,
    /// Id of the call.
    pub id: String,
    /// Who it was said to be from.
    pub from: String,
}

impl FakeCodeChat {
    /// Tells of one step of a call.
    pub fn call_goes_on(&self, instance: &str, step: &CallStep) {
        let post = {
            let state = self.shared.lock();
            let Some(found) = state.instances.get(instance) else { return };
            let key = format!("call.upsert:{}:{}", step.id, step.status);
            webhooks::prepare(&self.shared, found, "call.upsert", key, &step.data())
        };
        webhooks::fire(&self.shared, post);
    }

    /// Calls that the relay rejected.
    pub fn rejected_calls(&self) -> Vec<RejectedCall> {
        self.shared.lock().rejected_calls.clone()
    }
}

pub(super) async fn reject(
    State(shared): State<Arc<Shared>>,
    Path(path): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> ApiResult<Json<Value>> {
    let body = auth::json_body(&headers, &body)?;
    let instance = auth::loaded_call(&shared, &headers, &path, query.as_deref())?;
    let text = |name: &str| body[name].as_str().map(str::to_owned).ok_or_else(|| ApiError::missing(name));
    let (id, from) = (text("callId")?, text("callFrom")?);
    let mut state = shared.lock();
    if state.loaded(&instance).is_none_or(|found| found.state != ConnectionState::Open) {
        return Err(ApiError::bad_request(json!(["Error rejecting call", "Error: Connection Closed"])));
    }
    state.rejected_calls.push(RejectedCall { instance, id: id.clone(), from: from.clone() });
    drop(state);
    shared.changes.bump();
    Ok(Json(json!({"call": {"callId": id, "callFrom": from}, "rejected": true, "status": "rejected"})))
}
