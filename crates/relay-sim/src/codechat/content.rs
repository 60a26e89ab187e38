//! Message content in CodeChat's two encodings: received bytes are base64 text and 64-bit numbers decimal text; what the API sent carries
//! `{"type":"Buffer"}` objects and `{"low","high","unsigned"}` numbers.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::clock;

/// Which side of WhatsApp a content comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Inbound,
    Api,
}

/// The file fields that every media kind shares, and the media key under which the bytes can be fetched again.
pub(super) fn media_content(encoding: Encoding, mime: &Value, bytes: &[u8]) -> (String, Value) {
    let key: [u8; 32] = std::array::from_fn(|_| fastrand::u8(..));
    let hash = Sha256::digest(bytes);
    let number = fastrand::u64(100_000_000..999_999_999);
    let path = format!(
        "/v/t62.7118-24/{number}_{}_{}_n.enc?ccb=11-4&oh=01_FAKE{:012x}&oe=68FFFFFF&_nc_sid=5e03e0",
        number / 2,
        number / 3,
        number
    );
    let content = json!({
        "url": format!("https://mmg.whatsapp.net{path}&mms3=true"),
        "mimetype": mime,
        "fileSha256": encoded_bytes(encoding, &hash),
        "fileLength": encoded_long(encoding, bytes.len() as u64, true),
        "mediaKey": encoded_bytes(encoding, &key),
        "fileEncSha256": encoded_bytes(encoding, &Sha256::digest(key)),
        "directPath": path,
        "mediaKeyTimestamp": encoded_long(encoding, clock::now_s().unsigned_abs(), false),
    });
    (STANDARD.encode(key), content)
}

fn encoded_bytes(encoding: Encoding, bytes: &[u8]) -> Value {
    match encoding {
        Encoding::Inbound => json!(STANDARD.encode(bytes)),
        Encoding::Api => json!({"type": "Buffer", "data": bytes}),
    }
}

fn encoded_long(encoding: Encoding, number: u64, unsigned: bool) -> Value {
    match encoding {
        Encoding::Inbound => json!(number.to_string()),
        Encoding::Api => json!({"low": number & 0xFFFF_FFFF, "high": number >> 32, "unsigned": unsigned}),
    }
}

/// A vCard as `sendContact` writes it.
pub(super) fn vcard(name: &str, user: &str, phone: &str) -> String {
    format!("BEGIN:VCARD\nVERSION:3.0\nFN:{name}\nitem1.TEL;waid={user}:{phone}\nitem1.X-ABLabel:Celular\nEND:VCARD")
}

/// The kinds a media file can hide in, and the wrappers `mediaData` opens.
pub(super) fn find_media<'a>(kind: &str, content: &'a Value) -> Option<&'a Value> {
    if is_media(kind) {
        return Some(content);
    }
    if !matches!(kind, "ephemeralMessage" | "viewOnceMessage" | "viewOnceMessageV2" | "documentWithCaptionMessage") {
        return None;
    }
    content["message"].as_object()?.iter().find_map(|(inner, content)| find_media(inner, content))
}

fn is_media(kind: &str) -> bool {
    matches!(
        kind,
        "imageMessage" | "videoMessage" | "audioMessage" | "documentMessage" | "stickerMessage" | "ptvMessage"
    )
}

/// The unauthenticated download path of a received media message; useless for wrapped kinds, as in the original.
pub(super) fn download_path(kind: &str, content: &Value) -> Option<String> {
    let wrapped = find_media(kind, content)?;
    let name = kind.trim_end_matches("Message");
    let query = if is_media(kind) {
        json!({"mediaKey": wrapped["mediaKey"], "directPath": wrapped["directPath"], "url": wrapped["url"], "mimetype": wrapped["mimetype"]})
    } else {
        json!({})
    };
    let packed: String = url::form_urlencoded::byte_serialize(STANDARD.encode(query.to_string()).as_bytes()).collect();
    Some(format!("/chat/public/{name}/download?q={packed}"))
}
