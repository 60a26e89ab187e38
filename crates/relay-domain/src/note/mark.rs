//! What is said of a message besides what it says, and of files that cannot be seen.

use super::lines::{Lines, bare_link};
use super::{Locale, hint};
use crate::event::{Forwarded, MediaKind};
use crate::text::literal;

/// Says that a message was forwarded.
pub fn forwarded(locale: Locale, how: &Forwarded) -> String {
    match how {
        Forwarded::Once => locale.pick("_↪️ encaminhada_", "_↪️ forwarded_", "_↪️ reenviado_"),
        Forwarded::Often => {
            locale.pick("_↪️ encaminhada muitas vezes_", "_↪️ forwarded many times_", "_↪️ reenviado muchas veces_")
        }
        Forwarded::FromChannel(name) => {
            let from = locale.pick("encaminhada do canal", "forwarded from the channel", "reenviado del canal");
            format!("↪️ {from} {}", literal(name))
        }
    }
}

/// Says that WhatsApp shows a message once.
pub fn view_once(locale: Locale) -> String {
    locale.pick("_👁️ visualização única_", "_👁️ view once_", "_👁️ ver una vez_")
}

/// Stands for a message that can be seen once and that the session leaves on the phone.
pub fn view_once_kept(locale: Locale, kind: Option<MediaKind>) -> String {
    let what = match kind {
        Some(MediaKind::Image) => locale.pick("Foto", "Photo", "Foto"),
        Some(MediaKind::Video | MediaKind::Gif | MediaKind::VideoNote) => locale.pick("Vídeo", "Video", "Video"),
        Some(MediaKind::VoiceNote | MediaKind::Audio) => locale.pick("Áudio", "Audio", "Audio"),
        Some(MediaKind::Document | MediaKind::Sticker | MediaKind::LottieSticker) | None => {
            locale.pick("Mensagem", "Message", "Mensaje")
        }
    };
    let once = locale.pick("de visualização única", "to view once", "para ver una vez");
    format!("👁️ {what} {once}: {}", hint(locale))
}

/// Stands above a sticker whose format nobody but WhatsApp shows.
pub fn lottie_sticker(locale: Locale) -> String {
    let name = locale.pick("Figurinha animada", "Animated sticker", "Sticker animado");
    format!("🎭 {name}: {}", hint(locale))
}

/// Stands for a text in which nothing can be seen.
pub fn no_text(locale: Locale) -> String {
    locale.pick("_(mensagem sem texto visível)_", "_(message without visible text)_", "_(mensaje sin texto visible)_")
}

/// A link with what its page says of itself.
pub fn link(url: &str, title: Option<&str>, description: Option<&str>) -> String {
    let mut lines = Lines::untitled();
    lines.line(bare_link(url)).sign("🔗", title.filter(|title| *title != url)).words(description);
    lines.finish()
}
