//! Error answers of the Application API. There are two different 422 shapes.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Value, json};

/// An error answer.
#[derive(Debug)]
pub(super) enum ApiError {
    /// 401 with `error` or `errors`.
    Unauthorized(Value),
    /// 404 in words.
    NotFound,
    /// 404 without a body.
    NotFoundEmpty,
    /// 422 of a model: a message and the attribute it is about.
    Invalid(&'static str, &'static str),
    /// 422 of everything else.
    Unprocessable(String),
    /// 429 as plain text.
    Throttled,
    /// 500, such as a unique index hit by a race.
    Internal,
}

pub(super) type ApiResult<T> = Result<T, ApiError>;

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        match self {
            Self::Unauthorized(body) => (StatusCode::UNAUTHORIZED, Json(body)).into_response(),
            Self::NotFound => {
                (StatusCode::NOT_FOUND, Json(json!({"error": "Resource could not be found"}))).into_response()
            }
            Self::NotFoundEmpty => StatusCode::NOT_FOUND.into_response(),
            Self::Invalid(message, attribute) => {
                (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({"message": message, "attributes": [attribute]})))
                    .into_response()
            }
            Self::Unprocessable(error) => {
                (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({"error": error}))).into_response()
            }
            Self::Throttled => (StatusCode::TOO_MANY_REQUESTS, "Retry later\n").into_response(),
            Self::Internal => {
                (StatusCode::INTERNAL_SERVER_ERROR, Json(json!({"status": 500, "error": "Internal Server Error"})))
                    .into_response()
            }
        }
    }
}
