//! `/agents` and `/inbox_members`: who works in an account, and who sees which inbox.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use http::HeaderMap;
use serde_json::{Value, json};

use super::auth;
use super::error::{ApiError, ApiResult};
use super::params::Params;
use super::state::{Role, Shared, State as Rows, User};

impl User {
    fn as_agent(&self) -> Value {
        json!({
            "id": self.id, "account_id": self.account, "availability_status": "online", "auto_offline": true, "confirmed": true,
            "email": self.email, "available_name": self.name, "name": self.name, "role": self.role, "thumbnail": "",
        })
    }
}

impl Rows {
    /// The people who work in an account; bots are none.
    fn people(&self, account: u64) -> impl Iterator<Item = &User> {
        self.users.values().filter(move |user| user.account == account && user.role != Role::Bot)
    }

    fn members(&self, account: u64, inbox: u64) -> ApiResult<Json<Value>> {
        let inbox = self.inbox(account, inbox)?;
        let members: Vec<_> =
            self.people(account).filter(|user| inbox.members.contains(&user.id)).map(User::as_agent).collect();
        Ok(Json(json!({ "payload": members })))
    }
}

pub(super) async fn agents(
    State(shared): State<Arc<Shared>>,
    Path(account): Path<u64>,
    headers: HeaderMap,
) -> ApiResult<Json<Value>> {
    auth::member(&shared, &headers, account)?;
    let agents: Vec<_> = shared.lock().people(account).map(User::as_agent).collect();
    Ok(Json(Value::from(agents)))
}

pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    Path((account, inbox)): Path<(u64, u64)>,
    headers: HeaderMap,
) -> ApiResult<Json<Value>> {
    auth::member(&shared, &headers, account)?;
    shared.lock().members(account, inbox)
}

/// Adds; whoever is a member stays one.
pub(super) async fn add(
    State(shared): State<Arc<Shared>>,
    Path(account): Path<u64>,
    headers: HeaderMap,
    params: Params,
) -> ApiResult<Json<Value>> {
    auth::administrator(&shared, &headers, account)?;
    let id = params.number("inbox_id").ok_or(ApiError::NotFound)?;
    let users: Vec<u64> =
        params.values["user_ids"].as_array().into_iter().flatten().filter_map(Value::as_u64).collect();
    let mut state = shared.lock();
    let inbox = state.inbox_mut(account, id)?;
    inbox.members.extend(users);
    state.members(account, id)
}
