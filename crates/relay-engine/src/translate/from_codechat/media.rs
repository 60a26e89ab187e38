//! Files.

use relay_domain::event::{Content, Media, MediaKind, MediaSource};
use serde_json::Value;

use super::fields::{first_text, is_true, number, object, text};

pub(super) fn image(content: &Value) -> Option<Content> {
    file(MediaKind::Image, "imageMessage", content)
}

pub(super) fn video(content: &Value) -> Option<Content> {
    let kind = if is_true(content, "gifPlayback") { MediaKind::Gif } else { MediaKind::Video };
    file(kind, "videoMessage", content)
}

pub(super) fn video_note(content: &Value) -> Option<Content> {
    file(MediaKind::VideoNote, "ptvMessage", content)
}

pub(super) fn audio(content: &Value) -> Option<Content> {
    let kind = if is_true(content, "ptt") { MediaKind::VoiceNote } else { MediaKind::Audio };
    file(kind, "audioMessage", content)
}

pub(super) fn document(content: &Value) -> Option<Content> {
    file(MediaKind::Document, "documentMessage", content)
}

pub(super) fn sticker(content: &Value) -> Option<Content> {
    let kind = if is_true(content, "isLottie") { MediaKind::LottieSticker } else { MediaKind::Sticker };
    file(kind, "stickerMessage", content)
}

fn file(kind: MediaKind, message_type: &str, content: &Value) -> Option<Content> {
    content.is_object().then(|| Content::Media(media(kind, message_type, content)))
}

fn media(kind: MediaKind, message_type: &str, content: &Value) -> Media {
    let file_name = text(content, "fileName");
    Media {
        kind,
        caption: text(content, "caption").filter(|caption| file_name.as_ref() != Some(caption)),
        file_name: first_text(content, &["fileName", "title"]),
        mime: text(content, "mimetype"),
        size: number(content, "fileLength").and_then(|size| u64::try_from(size).ok()),
        source: MediaSource { message_type: message_type.to_owned(), content: content.clone() },
    }
}

/// The file that heads another message, without its own caption.
pub(super) fn within(content: &Value) -> Option<Media> {
    let kinds = [
        ("imageMessage", MediaKind::Image),
        ("videoMessage", MediaKind::Video),
        ("documentMessage", MediaKind::Document),
    ];
    kinds.into_iter().find_map(|(key, kind)| picture(content, key).map(|media| Media { kind, ..media }))
}

/// The picture under `key`; what has no address cannot be fetched.
pub(super) fn picture(content: &Value, key: &str) -> Option<Media> {
    let file = object(content, key)?;
    let message_type = if key.ends_with("Message") { key } else { "imageMessage" };
    first_text(file, &["url", "directPath"])?;
    Some(Media { caption: None, ..media(MediaKind::Image, message_type, file) })
}
