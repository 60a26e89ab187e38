//! Tokens, and what their owners may call.

use http::HeaderMap;
use serde_json::{Value, json};

use super::error::{ApiError, ApiResult};
use super::state::{Role, Shared, User};

/// The owner of the token, who must belong to `account` and must not be a bot.
pub(super) fn member(shared: &Shared, headers: &HeaderMap, account: u64) -> ApiResult<User> {
    let user = member_or_bot(shared, headers, account)?;
    if user.role == Role::Bot {
        return Err(ApiError::Unauthorized(json!({"error": "Access to this endpoint is not authorized for bots"})));
    }
    Ok(user)
}

/// The owner of the token, who must belong to `account`.
pub(super) fn member_or_bot(shared: &Shared, headers: &HeaderMap, account: u64) -> ApiResult<User> {
    let mut user = token_owner(shared, headers)?;
    if !shared.lock().accounts.contains_key(&account) {
        return Err(ApiError::NotFound);
    }
    if let Some(role) = user.further.get(&account) {
        user.role = *role;
    } else if user.account != account {
        return Err(ApiError::Unauthorized(json!({"error": "You are not authorized to access this account"})));
    }
    Ok(user)
}

/// As [`member`], for administrators only.
pub(super) fn administrator(shared: &Shared, headers: &HeaderMap, account: u64) -> ApiResult<User> {
    let user = member(shared, headers, account)?;
    if user.role != Role::Administrator {
        return Err(ApiError::Unauthorized(json!({"error": "You are not authorized to do this action"})));
    }
    Ok(user)
}

/// The owner of the token, whatever the account. Both spellings of the header work.
pub(super) fn token_owner(shared: &Shared, headers: &HeaderMap) -> ApiResult<User> {
    let token = headers.get("api-access-token").or_else(|| headers.get("api_access_token"));
    let Some(token) = token.and_then(|token| token.to_str().ok()) else {
        return Err(ApiError::Unauthorized(json!({"errors": ["You need to sign in or sign up before continuing."]})));
    };
    let state = shared.lock();
    let user = state.tokens.get(token).and_then(|id| state.users.get(id)).cloned();
    user.ok_or_else(|| ApiError::Unauthorized(json!({"error": "Invalid Access Token"})))
}

/// `GET /api/v1/profile` of a token owner.
pub(super) fn profile(shared: &Shared, user: &User) -> Value {
    let state = shared.lock();
    let account = |id: u64, role: Role| {
        let name = state.accounts.get(&id).map_or_else(String::new, |account| account.name.clone());
        json!({"id": id, "name": name, "status": "active", "role": role})
    };
    let first = account(user.account, user.role);
    let accounts: Vec<_> =
        std::iter::once(first).chain(user.further.iter().map(|(id, role)| account(*id, *role))).collect();
    json!({
        "id": user.id, "name": user.name, "email": user.email, "access_token": user.token, "pubsub_token": "fAkePubsubToken", "type": null,
        "role": user.role, "account_id": user.account,
        "accounts": accounts,
    })
}
