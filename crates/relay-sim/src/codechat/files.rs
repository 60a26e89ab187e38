//! Files on their way to WhatsApp: fetched from a URL, or posted as multipart.

use axum::extract::Multipart;
use bytes::Bytes;
use serde_json::{Value, json};

use super::error::{ApiError, ApiResult};
use super::urls::{is_base64, is_url};

/// A file to be sent.
#[derive(Debug)]
pub(super) struct File {
    pub(super) bytes: Bytes,
    /// Text, or `false` where an extension is unknown.
    pub(super) mime: Value,
    pub(super) name: Option<String>,
    pub(super) url: Option<String>,
}

/// Fetches `media`. `None` when the URL test refuses it: then nothing is sent and the answer is an empty 201.
pub(super) async fn fetch(http: &reqwest::Client, media: &str, file_name: Option<&str>) -> ApiResult<Option<File>> {
    if is_base64(media) {
        return Err(ApiError::bad_request(json!(["Owned media must be a url"])));
    }
    if !is_url(media) {
        return Ok(None);
    }
    if file_name.is_some_and(|name| name.contains('/')) {
        let name = file_name.unwrap_or_default();
        let message = format!("Error: ENOENT: no such file or directory, open '/codechat/uploads/{name}'");
        return Err(ApiError::internal(&json!([message])));
    }
    let masked =
        || ApiError::raw(json!({"errno": -21, "code": "EISDIR", "syscall": "unlink", "path": "/codechat/uploads"}));
    let Ok(response) = http.get(media).send().await else {
        return Err(if file_name.is_some() {
            ApiError::raw(json!({"code": "ERR_INVALID_ARG_TYPE"}))
        } else {
            masked()
        });
    };
    let (status, served) = (response.status(), content_type(&response));
    let Ok(bytes) = response.bytes().await else {
        return Err(masked());
    };
    if !status.is_success() {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let named =
            ApiError::bad_request(json!([format!("Request failed with status code {}", status.as_u16()), text]));
        return Err(if file_name.is_some() { named } else { masked() });
    }
    let mime = file_name.map_or_else(|| json!(served), by_extension);
    Ok(Some(File { bytes, mime, name: file_name.map(str::to_owned), url: Some(media.to_owned()) }))
}

fn content_type(response: &reqwest::Response) -> String {
    let header = response.headers().get("content-type").and_then(|value| value.to_str().ok());
    header.unwrap_or("application/octet-stream").to_owned()
}

/// Mime type by extension; `false` when unknown.
pub(super) fn by_extension(name: &str) -> Value {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    let mime = match extension.as_deref().unwrap_or_default() {
        "jpg" | "jpeg" => "image/jpeg",
        "png" => "image/png",
        "webp" => "image/webp",
        "gif" => "image/gif",
        "mp4" => "video/mp4",
        "mp3" => "audio/mpeg",
        "ogg" | "oga" | "opus" => "audio/ogg",
        "m4a" => "audio/mp4",
        "aac" => "audio/aac",
        "wav" => "audio/wav",
        "pdf" => "application/pdf",
        "txt" => "text/plain",
        "csv" => "text/csv",
        "zip" => "application/zip",
        "vcf" => "text/x-vcard",
        "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        _ => return Value::Bool(false),
    };
    json!(mime)
}

/// The multipart form of `sendMediaFile` and `sendWhatsAppAudioFile`.
#[derive(Debug, Default)]
pub(super) struct Form {
    pub(super) number: Option<String>,
    pub(super) mediatype: Option<String>,
    pub(super) caption: Option<String>,
    pub(super) file: Option<File>,
}

/// Reads the form. `options[…]` fields are read and forgotten, except the quote, whose text type breaks the query.
pub(super) async fn read_form(mut multipart: Multipart) -> ApiResult<Form> {
    let mut form = Form::default();
    let mut quoted = false;
    while let Ok(Some(field)) = multipart.next_field().await {
        let name = field.name().unwrap_or_default().to_owned();
        if field.file_name().is_some() {
            form.file = Some(read_file(&name, field).await?);
            continue;
        }
        let text = field.text().await.unwrap_or_default();
        match name.as_str() {
            "number" => form.number = Some(text),
            "mediatype" => form.mediatype = Some(text),
            "caption" if text.is_empty() => {
                return Err(ApiError::property("caption", "The \"caption\" cannot be empty"));
            }
            "caption" => form.caption = Some(text),
            "options[quotedMessageId]" => quoted = true,
            _ => {}
        }
    }
    if quoted {
        return Err(ApiError::raw(json!({"name": "PrismaClientValidationError", "clientVersion": "7.10.1"})));
    }
    Ok(form)
}

async fn read_file(field_name: &str, field: axum::extract::multipart::Field<'_>) -> ApiResult<File> {
    let name = field.file_name().unwrap_or_default().to_owned();
    if field_name != "attachment" {
        return Err(ApiError::raw(json!({
            "name": "MulterError", "message": "Unexpected file field", "code": "LIMIT_UNEXPECTED_FILE", "field": field_name,
            "filename": name, "storageErrors": [],
        })));
    }
    if name.contains('/') {
        let path = format!("/codechat/uploads/{name}");
        return Err(ApiError::raw(json!({"errno": -2, "code": "ENOENT", "syscall": "open", "path": path})));
    }
    let mime = json!(field.content_type().unwrap_or("application/octet-stream"));
    let bytes = field.bytes().await.unwrap_or_default();
    Ok(File { bytes, mime, name: Some(mojibake(&name)), url: None })
}

/// UTF-8 names are read as Latin-1.
fn mojibake(name: &str) -> String {
    name.bytes().map(char::from).collect()
}
