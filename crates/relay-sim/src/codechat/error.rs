//! Error answers in CodeChat's several shapes.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Value, json};

/// An error answer: a status and whatever body that failure has.
#[derive(Debug)]
pub(super) struct ApiError {
    status: StatusCode,
    body: Value,
}

pub(super) type ApiResult<T> = Result<T, ApiError>;

impl ApiError {
    /// 400 with `message`, which is always an array.
    pub(super) fn bad_request(message: impl Into<Value>) -> Self {
        Self::named(StatusCode::BAD_REQUEST, "Bad Request", &message.into())
    }

    /// 400 for a property that fails the schema.
    pub(super) fn property(property: &str, message: impl Into<String>) -> Self {
        Self::bad_request(json!([{"property": property, "message": message.into()}]))
    }

    /// 400 for a property that is not there.
    pub(super) fn missing(property: &str) -> Self {
        Self::property("instance", format!("instance requires property \"{property}\""))
    }

    /// 400 that stands for a number unknown to WhatsApp and for a closed socket alike.
    pub(super) fn not_exists(jid: &str) -> Self {
        Self::bad_request(json!([{"exists": false, "jid": jid}]))
    }

    pub(super) fn not_loaded(instance: &str) -> Self {
        Self::bad_request(json!([format!("The \"{instance}\" instance does not exist or is not connected")]))
    }

    /// 401 has no message.
    pub(super) fn unauthorized() -> Self {
        Self { status: StatusCode::UNAUTHORIZED, body: json!({"status": 401, "error": "Unauthorized"}) }
    }

    pub(super) fn missing_key() -> Self {
        Self::forbidden(&json!(["Missing global api key", "The global api key must be set"]))
    }

    pub(super) fn forbidden(message: &Value) -> Self {
        Self::named(StatusCode::FORBIDDEN, "Forbidden", message)
    }

    pub(super) fn not_found(message: &str) -> Self {
        Self::named(StatusCode::NOT_FOUND, "Not Found", &json!([message]))
    }

    pub(super) fn internal(message: &Value) -> Self {
        Self::named(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error", message)
    }

    /// 500 with a body of its own, `{}` for an uncaught error.
    pub(super) fn raw(body: Value) -> Self {
        Self { status: StatusCode::INTERNAL_SERVER_ERROR, body }
    }

    pub(super) fn uncaught() -> Self {
        Self::raw(json!({}))
    }

    /// 400 of the JSON parser, which runs before authentication and echoes the body.
    pub(super) fn malformed(body: &str) -> Self {
        let body =
            json!({"expose": true, "statusCode": 400, "status": 400, "body": body, "type": "entity.parse.failed"});
        Self { status: StatusCode::BAD_REQUEST, body }
    }

    fn named(status: StatusCode, error: &str, message: &Value) -> Self {
        Self { status, body: json!({"status": status.as_u16(), "error": error, "message": message}) }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        (self.status, Json(self.body)).into_response()
    }
}
