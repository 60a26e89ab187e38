//! Bringing a WhatsApp file over: fetched to disk, voice notes converted.

use std::sync::Arc;
use std::time::Duration;

use chatwoot::{Capability, Upload, UploadSource};
use codechat::ErrorKind;
use relay_domain::Timestamp;
use relay_domain::event::{Media, MediaKind};
use relay_domain::note;
use relay_domain::settings::VoiceFormat;

use super::Task;
use crate::fetched::File;
use crate::spool::{SpoolError, Spooled};
use crate::trouble::{Failed, Side, Trouble, from_codechat};

/// Attempts at a file that CodeChat says it cannot give, before a placeholder takes its place.
const TRIES: u32 = 2;

/// A file that did not come to its end within so long is not fetched again.
const SLOW: Duration = Duration::from_secs(45);

/// Attempts, within a minute, at a file that CodeChat cannot give now.
const STUBBORN_TRIES: u32 = 6;

/// A file ready to be uploaded.
pub(crate) struct Brought {
    pub(crate) upload: Upload,
    pub(crate) is_voice: bool,
    _spooled: Option<Arc<Spooled>>,
}

impl Task<'_> {
    /// Fetches a file. The inner error is a text that takes its place.
    pub(crate) async fn bring_file(&self, media: &Media) -> Result<Result<Brought, String>, Trouble> {
        let fetched = &self.engine.fetched;
        if let Some(file) = fetched.find(&self.event.id, &media.source, self.engine.clock.now()) {
            return Ok(Ok(self.prepare(media, file).await));
        }
        match self.fetch_file(media).await? {
            Ok(file) => {
                fetched.keep(&self.event.id, &media.source, file.clone(), self.engine.clock.now());
                Ok(Ok(self.prepare(media, file).await))
            }
            Err(placeholder) => Ok(Err(placeholder)),
        }
    }

    async fn fetch_file(&self, media: &Media) -> Result<Result<File, String>, Trouble> {
        let limit = self.engine.config.max_media_bytes;
        if media.size.is_some_and(|size| size > limit) {
            return Ok(Err(self.lost(media, Some(limit))));
        }
        self.await_room_for_file()?;
        let source = &media.source;
        let fetched = self.live.codechat.media(self.live.name(), &source.message_type, &source.content).await;
        let stream = match fetched {
            Ok(stream) => stream,
            Err(error) if is_lost(&error) && self.event.attempts + 1 >= TRIES => {
                return Ok(Err(self.lost(media, None)));
            }
            // a file is no reason to hold up a chat for as long as the phone is disconnected or CodeChat chokes on it
            Err(error) if is_stubborn(&error) && self.event.attempts + 1 >= STUBBORN_TRIES => {
                return Ok(Err(self.lost(media, None)));
            }
            Err(error) if error.kind == ErrorKind::NotConnected => return Err(not_connected(error)),
            Err(error) => return Err(from_codechat(error)),
        };
        let told_mime = stream.content_type.clone();
        let began = self.engine.clock.now();
        match self.engine.spool.fill(stream.body, limit).await {
            Ok(spooled) if spooled.size() > 0 => Ok(Ok(File { spooled: Arc::new(spooled), told_mime })),
            Ok(_) => Ok(Err(self.lost(media, None))),
            Err(SpoolError::TooLarge { .. }) => Ok(Err(self.lost(media, Some(limit)))),
            Err(SpoolError::Source(error)) if self.is_too_slow(&error, began) => Ok(Err(self.lost(media, None))),
            Err(SpoolError::Source(error)) => Err(from_codechat(error)),
            Err(SpoolError::Disk(error)) => Err(disk_trouble(&error)),
        }
    }

    /// Whether a file takes so long that another attempt would hold up its chat for more than two minutes.
    fn is_too_slow(&self, error: &codechat::Error, began: Timestamp) -> bool {
        let took = self.engine.clock.now().since(began);
        error.kind == ErrorKind::TimedOut && (took > SLOW || self.event.attempts + 1 >= TRIES)
    }

    async fn prepare(&self, media: &Media, File { spooled, told_mime }: File) -> Brought {
        let is_voice = media.kind == MediaKind::VoiceNote;
        let flag = is_voice && self.live.can(Capability::VoiceMessageFlag).await;
        if is_voice && self.live.session.settings.voice == VoiceFormat::Mp3 {
            match self.engine.transcoder.to_mp3(spooled.path()).await {
                Ok(mp3) => {
                    let upload = Upload {
                        file_name: "voice.mp3".to_owned(),
                        mime: "audio/mpeg".to_owned(),
                        source: UploadSource::Bytes(mp3.bytes),
                    };
                    return Brought { upload, is_voice: flag, _spooled: None };
                }
                // the original plays in most browsers: better than nothing
                Err(error) => {
                    tracing::warn!(session.id = %self.live.id(), event.id = %self.event.id, %error, "a voice note stays as it is");
                }
            }
        }
        let mime = plain_mime(media.mime.as_deref().or(told_mime.as_deref()));
        let upload = Upload {
            file_name: file_name(media, &mime),
            mime,
            source: UploadSource::Path(spooled.path().to_owned(), spooled.size()),
        };
        Brought { upload, is_voice: flag, _spooled: Some(spooled) }
    }

    fn lost(&self, media: &Media, limit: Option<u64>) -> String {
        note::lost_file(self.live.locale, media.file_name.as_deref(), media.size, limit)
    }
}

/// Whether the file is gone, rather than CodeChat.
fn is_lost(error: &codechat::Error) -> bool {
    matches!(
        error.kind,
        ErrorKind::MediaUnavailable | ErrorKind::NotFound | ErrorKind::Rejected | ErrorKind::Unexpected
    )
}

fn is_stubborn(error: &codechat::Error) -> bool {
    matches!(error.kind, ErrorKind::NotConnected | ErrorKind::ServerError)
}

fn not_connected(error: codechat::Error) -> Trouble {
    Trouble::Failed(Failed {
        side: Side::CodeChat,
        outcome: "not_connected",
        status: error.status,
        detail: error.detail,
        is_outage: false,
        pause: None,
    })
}

pub(crate) fn disk_trouble(error: &std::io::Error) -> Trouble {
    Trouble::Failed(Failed {
        side: Side::CodeChat,
        outcome: "disk",
        status: None,
        detail: error.kind().to_string(),
        is_outage: true,
        pause: None,
    })
}

/// The type without parameters: Chatwoot tells kinds apart by it.
fn plain_mime(mime: Option<&str>) -> String {
    let plain = mime.and_then(|mime| mime.split(';').next()).map(str::trim).filter(|mime| mime.contains('/'));
    plain.unwrap_or("application/octet-stream").to_ascii_lowercase()
}

fn file_name(media: &Media, mime: &str) -> String {
    if let Some(name) = &media.file_name {
        return name.clone();
    }
    let base = match media.kind {
        MediaKind::Image => "image",
        MediaKind::Video | MediaKind::Gif | MediaKind::VideoNote => "video",
        MediaKind::VoiceNote => "voice",
        MediaKind::Audio => "audio",
        MediaKind::Document => "document",
        MediaKind::Sticker | MediaKind::LottieSticker => "sticker",
    };
    match extension(mime) {
        Some(extension) => format!("{base}.{extension}"),
        None => base.to_owned(),
    }
}

/// The usual extension of the types that phones send.
pub(crate) fn extension(mime: &str) -> Option<&'static str> {
    Some(match mime {
        "image/jpeg" => "jpg",
        "image/png" => "png",
        "image/webp" => "webp",
        "image/gif" => "gif",
        "video/mp4" => "mp4",
        "video/3gpp" => "3gp",
        "video/quicktime" => "mov",
        "audio/ogg" | "audio/opus" => "ogg",
        "audio/mpeg" | "audio/mp3" => "mp3",
        "audio/mp4" | "audio/x-m4a" => "m4a",
        "audio/aac" => "aac",
        "audio/amr" => "amr",
        "application/pdf" => "pdf",
        "application/zip" => "zip",
        "text/plain" => "txt",
        "text/vcard" => "vcf",
        "application/was" => "was",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_of_a_type_are_dropped() {
        assert_eq!(plain_mime(Some("audio/ogg; codecs=opus")), "audio/ogg");
        assert_eq!(plain_mime(Some("false")), "application/octet-stream");
        assert_eq!(plain_mime(None), "application/octet-stream");
    }
}
