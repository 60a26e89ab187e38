//! `POST /message/…`: what each call accepts, ignores and breaks on.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Multipart, Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::auth;
use super::content::{Encoding, media_content, vcard};
use super::error::{ApiError, ApiResult};
use super::files::{self, File};
use super::number::check_format;
use super::outgoing::{Draft, Options, submit};
use super::state::{MediaRecord, Shared};
use crate::ledger::sha256_hex;

type Call = (State<Arc<Shared>>, Path<String>, RawQuery, HeaderMap);

/// Any JSON send; the last path segment of the route picks the kind.
pub(super) async fn text(call: Call, body: Bytes) -> ApiResult<Response> {
    let (shared, instance, body) = json_call(call, &body)?;
    let message = &body["textMessage"];
    if !message.is_object() {
        return Err(ApiError::missing("textMessage"));
    }
    let number = check_format(&body["number"])?.to_owned();
    let Some(text) = message["text"].as_str().filter(|text| !text.is_empty()) else {
        return Err(ApiError::property("textMessage.text", "The \"text\" cannot be empty"));
    };
    let options = Options::parse(&body["options"])?;
    let draft = Draft {
        number,
        kind: "extendedTextMessage",
        content: json!({"text": text}),
        text: Some(text.to_owned()),
        media: None,
        options,
        is_echoed: true,
    };
    submit(&shared, &instance, draft).await
}

pub(super) async fn media(call: Call, body: Bytes) -> ApiResult<Response> {
    let (shared, instance, body) = json_call(call, &body)?;
    let number = check_format(&body["number"])?.to_owned();
    let message = &body["mediaMessage"];
    let kind = media_kind(message["mediatype"].as_str().unwrap_or_default()).ok_or_else(|| {
        ApiError::property(
            "mediaMessage.mediatype",
            "mediaMessage.mediatype is not one of enum values: image,document,video,audio,sticker",
        )
    })?;
    let options = Options::parse(&body["options"])?;
    let file_name = message["fileName"].as_str();
    if kind == "documentMessage" && file_name.is_none() {
        return Err(ApiError::bad_request(json!(["The \"fileName\" property must be provided for documents"])));
    }
    let fetched = files::fetch(&shared.http, message["media"].as_str().unwrap_or_default(), file_name).await?;
    let Some(file) = fetched else { return Ok(empty_201()) };
    let caption = message["caption"].as_str().map(str::to_owned);
    let draft = file_draft(number, kind, file, caption, Voice::ByType, options)?;
    submit(&shared, &instance, draft).await
}

/// The multipart twin of `sendMedia`; every option is ignored.
pub(super) async fn media_file(call: Call, multipart: Multipart) -> ApiResult<Response> {
    let (State(shared), Path(path), RawQuery(query), headers) = call;
    let form = files::read_form(multipart).await?;
    let instance = auth::loaded_call(&shared, &headers, &path, query.as_deref())?;
    let mediatype = form.mediatype.ok_or_else(|| ApiError::missing("mediatype"))?;
    let kind =
        media_kind(&mediatype).ok_or_else(|| ApiError::property("mediatype", "mediatype is not one of enum values"))?;
    let number = check_format(&json!(form.number))?.to_owned();
    let file = form.file.ok_or_else(|| ApiError::bad_request(json!(["Invalid File"])))?;
    let draft = file_draft(number, kind, file, form.caption, Voice::ByType, Options::default())?;
    submit(&shared, &instance, draft).await
}

pub(super) async fn audio(call: Call, body: Bytes) -> ApiResult<Response> {
    let (shared, instance, body) = json_call(call, &body)?;
    let number = check_format(&body["number"])?.to_owned();
    let url = body["audioMessage"]["audio"].as_str().unwrap_or_default();
    let unknown = || ApiError::bad_request(json!(["Unknown error"]));
    let file = files::fetch(&shared.http, url, None).await.map_err(|_| unknown())?.ok_or_else(unknown)?;
    let draft = file_draft(number, "audioMessage", file, None, Voice::Always, Options::default())?;
    submit(&shared, &instance, draft).await
}

pub(super) async fn audio_file(call: Call, multipart: Multipart) -> ApiResult<Response> {
    let (State(shared), Path(path), RawQuery(query), headers) = call;
    let form = files::read_form(multipart).await?;
    let instance = auth::loaded_call(&shared, &headers, &path, query.as_deref())?;
    let number = check_format(&json!(form.number))?.to_owned();
    let file = form.file.ok_or_else(|| ApiError::bad_request(json!(["Invalid File"])))?;
    let draft = file_draft(number, "audioMessage", file, None, Voice::Always, Options::default())?;
    submit(&shared, &instance, draft).await
}

pub(super) async fn location(call: Call, body: Bytes) -> ApiResult<Response> {
    let (shared, instance, body) = json_call(call, &body)?;
    let number = check_format(&body["number"])?.to_owned();
    let place = &body["locationMessage"];
    for name in ["latitude", "longitude"] {
        if !place[name].is_number() {
            let property = format!("locationMessage.{name}");
            return Err(ApiError::property(&property, format!("{property} is not of a type(s) number")));
        }
    }
    let content = json!({
        "degreesLatitude": place["latitude"], "degreesLongitude": place["longitude"], "name": place["name"], "address": place["address"],
    });
    let text = place["name"].as_str().map(str::to_owned);
    let options = Options::parse(&body["options"])?;
    let draft = Draft { number, kind: "locationMessage", content, text, media: None, options, is_echoed: false };
    submit(&shared, &instance, draft).await
}

pub(super) async fn contact(call: Call, body: Bytes) -> ApiResult<Response> {
    let (shared, instance, body) = json_call(call, &body)?;
    let number = check_format(&body["number"])?.to_owned();
    let people = body["contactMessage"]
        .as_array()
        .filter(|people| !people.is_empty())
        .ok_or_else(|| ApiError::missing("contactMessage"))?;
    let mut cards: Vec<Value> = people.iter().map(card).collect();
    let (kind, content) = if cards.len() == 1 {
        ("contactMessage", cards.remove(0))
    } else {
        ("contactsArrayMessage", json!({"displayName": format!("{} contacts", cards.len()), "contacts": cards}))
    };
    let text = content["displayName"].as_str().map(str::to_owned);
    let options = Options::parse(&body["options"])?;
    submit(&shared, &instance, Draft { number, kind, content, text, media: None, options, is_echoed: false }).await
}

fn card(person: &Value) -> Value {
    let text = |key: &str| person[key].as_str().unwrap_or_default().to_owned();
    json!({"displayName": text("fullName"), "vcard": vcard(&text("fullName"), &text("wuid"), &text("phoneNumber"))})
}

pub(super) async fn reaction(call: Call, body: Bytes) -> ApiResult<Response> {
    let (shared, instance, body) = json_call(call, &body)?;
    let message = &body["reactionMessage"];
    let key = &message["key"];
    for name in ["id", "remoteJid", "fromMe"] {
        if key[name].is_null() {
            let text = format!("reactionMessage.key requires property \"{name}\"");
            return Err(ApiError::property("reactionMessage.key", text));
        }
    }
    let emoji = message["reaction"].as_str().unwrap_or_default();
    // Taking a reaction back is impossible: an empty text is not an emoji.
    if emoji.is_empty() || emoji.is_ascii() {
        return Err(ApiError::bad_request(json!(["\"reaction\" must be an emoji"])));
    }
    let content = json!({"key": key, "text": emoji, "senderTimestampMs": crate::clock::now_ms().to_string()});
    let number = key["remoteJid"].as_str().unwrap_or_default().to_owned();
    let text = Some(emoji.to_owned());
    let draft = Draft {
        number,
        kind: "reactionMessage",
        content,
        text,
        media: None,
        options: Options::default(),
        is_echoed: true,
    };
    submit(&shared, &instance, draft).await
}

fn json_call(call: Call, body: &[u8]) -> ApiResult<(Arc<Shared>, String, Value)> {
    let (State(shared), Path(path), RawQuery(query), headers) = call;
    let body = auth::json_body(&headers, body)?;
    let instance = auth::loaded_call(&shared, &headers, &path, query.as_deref())?;
    Ok((shared, instance, body))
}

/// 201 with nothing in it, and nothing sent: what a URL that fails the test gets.
fn empty_201() -> Response {
    StatusCode::CREATED.into_response()
}

fn media_kind(mediatype: &str) -> Option<&'static str> {
    Some(match mediatype {
        "image" => "imageMessage",
        "document" => "documentMessage",
        "video" => "videoMessage",
        "audio" => "audioMessage",
        "sticker" => "stickerMessage",
        _ => return None,
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Voice {
    /// A voice note when the type is OGG.
    ByType,
    /// A voice note labelled `audio/aac` whatever the bytes are.
    Always,
}

fn file_draft(
    number: String,
    kind: &'static str,
    file: File,
    caption: Option<String>,
    voice: Voice,
    options: Options,
) -> ApiResult<Draft> {
    if kind == "imageMessage" && !infer::is_image(&file.bytes) {
        return Err(ApiError::internal(&json!(["Error: Input buffer contains unsupported image format"])));
    }
    let is_audio = kind == "audioMessage";
    let served_ogg = file.mime.as_str().is_some_and(|mime| mime.starts_with("audio/ogg"));
    let ptt = is_audio && (voice == Voice::Always || served_ogg);
    let mime = if voice == Voice::Always { json!("audio/aac") } else { file.mime };
    let (media_key, mut content) = media_content(Encoding::Api, &mime, &file.bytes);
    if ptt {
        content["ptt"] = json!(true);
    }
    if is_audio {
        content["seconds"] = json!(1);
    }
    if kind == "documentMessage" {
        content["fileName"] = json!(file.name);
    }
    if let Some(caption) = caption.as_ref().filter(|_| !is_audio && kind != "stickerMessage") {
        content["caption"] = json!(caption);
    }
    let record = MediaRecord {
        sha256: sha256_hex(&file.bytes),
        mime: mime.as_str().map_or_else(|| mime.to_string(), str::to_owned),
        size: file.bytes.len(),
        file_name: file.name,
        url: file.url,
        ptt,
        bytes: file.bytes,
    };
    Ok(Draft { number, kind, content, text: caption, media: Some((media_key, record)), options, is_echoed: false })
}
