//! Who may call what: the global key, or an instance's own token.

use http::HeaderMap;
use serde_json::Value;

use super::error::{ApiError, ApiResult};
use super::state::Shared;

/// The instance a call acts on. A query `instanceName` overrides the path, while the token is checked against the path.
pub(super) fn instance_call(
    shared: &Shared,
    headers: &HeaderMap,
    path: &str,
    query: Option<&str>,
) -> ApiResult<String> {
    authorized(shared, headers, path)?;
    let query = query.unwrap_or_default();
    let overridden = url::form_urlencoded::parse(query.as_bytes())
        .find(|(key, _)| key == "instanceName")
        .map(|(_, value)| value.into_owned());
    Ok(overridden.unwrap_or_else(|| path.to_owned()))
}

/// As [`instance_call`], and the instance must be loaded.
pub(super) fn loaded_call(shared: &Shared, headers: &HeaderMap, path: &str, query: Option<&str>) -> ApiResult<String> {
    let name = instance_call(shared, headers, path, query)?;
    if shared.lock().loaded(&name).is_none() {
        return Err(ApiError::not_loaded(&name));
    }
    Ok(name)
}

/// Calls that only the global key opens.
pub(super) fn global_call(shared: &Shared, headers: &HeaderMap) -> ApiResult<()> {
    match header(headers, "apikey") {
        None => Err(ApiError::missing_key()),
        Some(key) if key == shared.options.api_key => Ok(()),
        Some(_) => Err(ApiError::unauthorized()),
    }
}

fn authorized(shared: &Shared, headers: &HeaderMap, instance: &str) -> ApiResult<()> {
    if let Some(key) = header(headers, "apikey") {
        return if key == shared.options.api_key { Ok(()) } else { Err(ApiError::unauthorized()) };
    }
    let token = header(headers, "authorization").and_then(|value| value.strip_prefix("Bearer "));
    let owner = token.and_then(|token| shared.lock().tokens.get(token).cloned());
    if owner.as_deref() == Some(instance) { Ok(()) } else { Err(ApiError::unauthorized()) }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The JSON body, parsed before authentication. Anything that is not declared as JSON counts as an empty object.
pub(super) fn json_body(headers: &HeaderMap, body: &[u8]) -> ApiResult<Value> {
    let declared = header(headers, "content-type").is_some_and(|kind| kind.starts_with("application/json"));
    if !declared || body.is_empty() {
        return Ok(Value::Object(serde_json::Map::new()));
    }
    serde_json::from_slice(body).map_err(|_| ApiError::malformed(&String::from_utf8_lossy(body)))
}
