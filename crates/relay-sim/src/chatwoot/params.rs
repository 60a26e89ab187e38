//! Parameters from JSON or multipart, as Rails accepts either.

use axum::extract::{FromRequest, Multipart, Request};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use serde_json::{Map, Value, json};

use super::error::ApiError;

/// An uploaded file.
#[derive(Debug, Clone)]
pub(super) struct Upload {
    pub(super) name: String,
    pub(super) mime: String,
    pub(super) bytes: Bytes,
}

/// Parameters of one call and the files that came with them.
#[derive(Debug, Default)]
pub(super) struct Params {
    pub(super) values: Value,
    pub(super) files: Vec<Upload>,
}

impl Params {
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.values[name].as_str().map(str::to_owned)
    }

    /// A number, also when it is written as text.
    pub(super) fn number(&self, name: &str) -> Option<u64> {
        self.values[name].as_u64().or_else(|| self.values[name].as_str().and_then(|text| text.parse().ok()))
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.values[name] == json!(true) || self.values[name] == json!("true")
    }

    /// An object, also when it is written as JSON text.
    pub(super) fn object(&self, name: &str) -> Map<String, Value> {
        match &self.values[name] {
            Value::Object(object) => object.clone(),
            Value::String(text) => serde_json::from_str(text).unwrap_or_default(),
            _ => Map::new(),
        }
    }
}

impl<S: Send + Sync> FromRequest<S> for Params {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if kind.starts_with("multipart/form-data") {
            let form = Multipart::from_request(request, state).await.map_err(|_| ApiError::Internal)?;
            return read_form(form).await;
        }
        let body = Bytes::from_request(request, state).await.map_err(|_| ApiError::Internal)?;
        if body.is_empty() {
            return Ok(Self { values: json!({}), files: Vec::new() });
        }
        let values = serde_json::from_slice(&body)
            .map_err(|_| ApiError::Unprocessable("could not parse the request body".to_owned()))?;
        Ok(Self { values, files: Vec::new() })
    }
}

async fn read_form(mut form: Multipart) -> Result<Params, ApiError> {
    let mut params = Params { values: json!({}), files: Vec::new() };
    while let Some(field) = form.next_field().await.map_err(|_| ApiError::Internal)? {
        let name = field.name().unwrap_or_default().to_owned();
        if let Some(file_name) = field.file_name().map(str::to_owned) {
            let mime = field.content_type().unwrap_or("application/octet-stream").to_owned();
            let bytes = field.bytes().await.map_err(|_| ApiError::Internal)?;
            params.files.push(Upload { name: file_name, mime, bytes });
            continue;
        }
        let text = field.text().await.map_err(|_| ApiError::Internal)?;
        match name.split_once('[') {
            Some((outer, inner)) => params.values[outer][inner.trim_end_matches(']')] = json!(text),
            None => params.values[name] = json!(text),
        }
    }
    Ok(params)
}
