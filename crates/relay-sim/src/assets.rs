//! Small media files, embedded, so that nothing is read from disk at run time.

/// A media file with the type WhatsApp would name.
#[derive(Debug, Clone, Copy)]
pub struct Asset {
    /// Whole content.
    pub bytes: &'static [u8],
    /// Mime type.
    pub mime: &'static str,
    /// A plausible file name.
    pub name: &'static str,
}

macro_rules! asset {
    ($doc:literal, $ident:ident, $file:literal, $mime:literal) => {
        #[doc = $doc]
        pub const $ident: Asset =
            Asset { bytes: include_bytes!(concat!("../assets/", $file)), mime: $mime, name: $file };
    };
}

asset!("A JPEG of 64 by 48 pixels.", PHOTO, "photo.jpg", "image/jpeg");
asset!("A PNG of 32 by 32 pixels.", PICTURE, "picture.png", "image/png");
asset!("A static WebP sticker.", STICKER, "sticker.webp", "image/webp");
asset!("One second of speech-like tone as OGG/Opus.", VOICE, "voice.ogg", "audio/ogg; codecs=opus");
asset!("One second of tone as MP3.", MUSIC, "music.mp3", "audio/mpeg");
asset!("One second of MP4 video.", VIDEO, "video.mp4", "video/mp4");
asset!("An empty one-page PDF.", DOCUMENT, "document.pdf", "application/pdf");
asset!("The QR code shown while pairing.", QR, "qr.png", "image/png");
