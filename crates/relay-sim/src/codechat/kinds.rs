//! What customers can send, and the content each kind has on the wire.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::content::{Encoding, media_content, vcard};
use crate::assets::{self, Asset};
use crate::clock;

/// What is sent.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Plain text.
    Text(String),
    /// A JPEG with a caption.
    Image(Option<String>),
    /// A video with a caption.
    Video(Option<String>),
    /// A video that plays as GIF.
    Gif,
    /// A round video note.
    Ptv,
    /// A voice note.
    Voice,
    /// An MP3 file sent as audio.
    Audio,
    /// A PDF with this file name.
    Document(String),
    /// A PDF with file name and caption, in its wrapper.
    DocumentWithCaption(String, String),
    /// A static sticker.
    Sticker,
    /// A view-once photo.
    ViewOnceImage,
    /// A view-once voice note, in the wrapper that `mediaData` does not open.
    ViewOnceVoice,
    /// A text in a disappearing chat.
    EphemeralText(String),
    /// A place: latitude, longitude, name.
    Location(f64, f64, String),
    /// A contact card: name and phone digits.
    Contact(String, String),
    /// A reaction to a stored message; an empty text takes it back.
    Reaction(String, String),
    /// Any file as a document: name, mime type, base64 bytes.
    File(String, String, String),
    /// Any proto message type with its content.
    Raw(String, Value),
}

/// A kind turned into a proto message type and its content.
#[derive(Debug)]
pub(super) struct Content {
    pub(super) kind: String,
    pub(super) value: Value,
    pub(super) text: Option<String>,
    pub(super) blob: Option<(String, Bytes)>,
}

/// The content of a kind, with fresh media keys.
pub(super) fn content_of(kind: &Kind) -> Content {
    match kind {
        Kind::Text(text) => plain("conversation", json!({"text": text}), Some(text)),
        Kind::Image(caption) => {
            file("imageMessage", assets::PHOTO, json!({"caption": caption, "height": 48, "width": 64}))
        }
        Kind::Video(caption) => {
            file("videoMessage", assets::VIDEO, json!({"caption": caption, "seconds": 1, "gifPlayback": false}))
        }
        Kind::Gif => {
            file("videoMessage", assets::VIDEO, json!({"seconds": 1, "gifPlayback": true, "gifAttribution": "TENOR"}))
        }
        Kind::Ptv => file("ptvMessage", assets::VIDEO, json!({"seconds": 1})),
        Kind::Voice => file("audioMessage", assets::VOICE, json!({"seconds": 1, "ptt": true})),
        Kind::Audio => file("audioMessage", assets::MUSIC, json!({"seconds": 1, "ptt": false})),
        Kind::Document(name) => {
            file("documentMessage", assets::DOCUMENT, json!({"fileName": name, "title": name, "pageCount": 1}))
        }
        Kind::DocumentWithCaption(name, caption) => {
            let inner =
                file("documentMessage", assets::DOCUMENT, json!({"fileName": name, "title": name, "caption": caption}));
            wrapped("documentWithCaptionMessage", inner)
        }
        Kind::Sticker => {
            file("stickerMessage", assets::STICKER, json!({"height": 64, "width": 64, "isAnimated": false}))
        }
        Kind::ViewOnceImage => {
            wrapped("viewOnceMessageV2", file("imageMessage", assets::PHOTO, json!({"viewOnce": true})))
        }
        Kind::ViewOnceVoice => wrapped(
            "viewOnceMessageV2Extension",
            file("audioMessage", assets::VOICE, json!({"ptt": true, "viewOnce": true})),
        ),
        Kind::EphemeralText(text) => {
            let inner = json!({"text": text, "contextInfo": {"expiration": 604_800}});
            wrapped("ephemeralMessage", plain("extendedTextMessage", inner, Some(text)))
        }
        Kind::Location(latitude, longitude, name) => {
            let value = json!({"degreesLatitude": latitude, "degreesLongitude": longitude, "name": name});
            plain("locationMessage", value, Some(name))
        }
        Kind::Contact(name, phone) => {
            let card = vcard(name, phone, &format!("+{phone}"));
            plain("contactMessage", json!({"displayName": name, "vcard": card}), Some(name))
        }
        Kind::Reaction(target, emoji) => {
            let value = json!({"key": {"id": target, "fromMe": false}, "text": emoji, "senderTimestampMs": clock::now_ms().to_string()});
            plain("reactionMessage", value, Some(emoji))
        }
        Kind::File(name, mime, base64) => {
            let bytes = STANDARD.decode(base64).unwrap_or_default();
            media("documentMessage", mime, Bytes::from(bytes), json!({"fileName": name, "title": name}))
        }
        Kind::Raw(kind, value) => plain(kind, value.clone(), value["text"].as_str()),
    }
}

fn plain(kind: &str, value: Value, text: Option<&str>) -> Content {
    Content { kind: kind.to_owned(), value, text: text.map(str::to_owned), blob: None }
}

fn file(kind: &str, asset: Asset, extra: Value) -> Content {
    media(kind, asset.mime, Bytes::from_static(asset.bytes), extra)
}

fn media(kind: &str, mime: &str, bytes: Bytes, extra: Value) -> Content {
    let (key, mut value) = media_content(Encoding::Inbound, &json!(mime), &bytes);
    let text = extra["caption"].as_str().map(str::to_owned);
    if let (Value::Object(all), Value::Object(extra)) = (&mut value, extra) {
        all.extend(extra.into_iter().filter(|(_, value)| !value.is_null()));
    }
    Content { kind: kind.to_owned(), value, text, blob: Some((key, bytes)) }
}

fn wrapped(kind: &str, inner: Content) -> Content {
    Content { kind: kind.to_owned(), value: json!({"message": {(inner.kind): inner.value}}), ..inner }
}
