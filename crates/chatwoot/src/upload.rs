//! Files on their way to Chatwoot.
//!
//! Invariant: a file name cannot end the header it stands in. The multipart writer puts a backslash before a
//! line break and leaves the break itself, so every name passes through [`safe_file_name`] first.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use reqwest::Body;
use reqwest::multipart::Part;
use tokio::fs::File;

use crate::error::Error;

const LONGEST_NAME: usize = 120;
const LONGEST_EXTENSION: usize = 16;
const UNKNOWN_MIME: &str = "application/octet-stream";

/// A file to upload.
#[derive(Clone, Debug)]
pub struct Upload {
    /// Name to show; made safe before it is sent.
    pub file_name: String,
    /// Media type, from which Chatwoot decides how to show the file.
    pub mime: String,
    /// Where the bytes are.
    pub source: UploadSource,
}

/// Where the bytes of an [`Upload`] are.
#[derive(Clone, Debug)]
pub enum UploadSource {
    /// In a file of this length, streamed from disk.
    Path(PathBuf, u64),
    /// In memory.
    Bytes(Bytes),
}

/// Builds the part of a form for `upload`, with a known length.
pub(crate) async fn part(upload: &Upload) -> Result<Part, Error> {
    let part = match &upload.source {
        UploadSource::Path(path, length) => file_part(path, *length).await?,
        UploadSource::Bytes(bytes) => {
            let length = u64::try_from(bytes.len()).expect("a length in memory fits into 64 bits");
            Part::stream_with_length(Body::from(bytes.clone()), length)
        }
    };
    let part = part.file_name(safe_file_name(&upload.file_name));
    part.mime_str(&safe_mime(&upload.mime)).map_err(Error::transport)
}

/// A file that changed since it was measured would break the form in the middle, so it is refused at once.
async fn file_part(path: &Path, length: u64) -> Result<Part, Error> {
    let unreadable = |error: std::io::Error| Error::local(&format!("cannot read the file to upload: {error}"));
    let file = File::open(path).await.map_err(unreadable)?;
    let found = file.metadata().await.map_err(unreadable)?.len();
    if found != length {
        return Err(Error::local("the file to upload has changed its length"));
    }
    Ok(Part::stream_with_length(Body::from(file), length))
}

/// The bare type without parameters, or the type of unknown bytes when it is not one.
fn safe_mime(mime: &str) -> String {
    let bare = mime.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_type = bare.split_once('/').is_some_and(|(kind, sub)| is_token(kind) && is_token(sub));
    if is_type { bare } else { UNKNOWN_MIME.to_owned() }
}

fn is_token(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte);
    !text.is_empty() && text.bytes().all(fits)
}

/// Makes a file name safe for a header and for a disk: the last part of a path, without control characters,
/// quotes and marks that reverse the direction of text, at most 120 bytes long with its extension kept.
pub fn safe_file_name(name: &str) -> String {
    let base = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept: String = base.chars().filter(|&c| !is_hidden(c)).map(|c| if c == '"' { '\'' } else { c }).collect();
    let trimmed = kept.trim().trim_end_matches('.');
    if trimmed.is_empty() {
        return "file".to_owned();
    }
    shortened(trimmed)
}

fn is_hidden(character: char) -> bool {
    let reverses_text = matches!(character,
        '\u{061C}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}');
    character.is_control() || reverses_text
}

fn shortened(name: &str) -> String {
    if name.len() <= LONGEST_NAME {
        return name.to_owned();
    }
    let extension = match name.rsplit_once('.') {
        Some((_, extension)) if extension.len() <= LONGEST_EXTENSION => format!(".{extension}"),
        _ => String::new(),
    };
    let stem = name.strip_suffix(&extension).unwrap_or(name);
    let mut short = String::with_capacity(LONGEST_NAME);
    for character in stem.chars() {
        if short.len() + character.len_utf8() + extension.len() > LONGEST_NAME {
            break;
        }
        short.push(character);
    }
    short + &extension
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_made_safe() {
        for (name, safe) in [
            ("invoice.pdf", "invoice.pdf"),
            ("a\"\r\nX: y.pdf", "a'X: y.pdf"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\ana\\cv.doc", "cv.doc"),
            ("\u{202E}fdp.exe", "fdp.exe"),
            ("praça 😀.jpg", "praça 😀.jpg"),
            ("trailing...", "trailing"),
            ("", "file"),
            ("..", "file"),
            ("dir/", "file"),
            ("\0\u{1b}", "file"),
        ] {
            assert_eq!(safe_file_name(name), safe, "{name:?}");
        }
    }

    #[test]
    fn a_long_name_keeps_its_extension() {
        let safe = safe_file_name(&format!("{}.pdf", "é".repeat(300)));
        assert!(safe.len() <= LONGEST_NAME && safe.len() > 110);
        assert!(safe.ends_with("é.pdf"));
        assert_eq!(safe_file_name(&"x".repeat(300)).len(), LONGEST_NAME);
    }

    #[test]
    fn media_types_are_bare_or_unknown() {
        for (mime, safe) in [
            ("audio/ogg; codecs=opus", "audio/ogg"),
            ("Image/JPEG", "image/jpeg"),
            ("application/vnd.ms-excel", "application/vnd.ms-excel"),
            ("image/svg+xml", "image/svg+xml"),
            ("", UNKNOWN_MIME),
            ("pdf", UNKNOWN_MIME),
            ("a/b/c", UNKNOWN_MIME),
            ("image/png\r\nX: y", UNKNOWN_MIME),
        ] {
            assert_eq!(safe_mime(mime), safe, "{mime:?}");
        }
    }

    proptest! {
        #[test]
        fn no_name_can_end_its_header(name in "\\PC*|.*|[\"\\\\\r\n/.]*") {
            let safe = safe_file_name(&name);
            prop_assert!(!safe.is_empty() && safe.len() <= LONGEST_NAME);
            prop_assert!(!safe.contains(['"', '\\', '/']) && !safe.chars().any(char::is_control));
        }

        #[test]
        fn every_media_type_is_accepted_by_the_form(mime in ".*|[a-z+.]{0,9}/[a-z+.^]{0,9}") {
            prop_assert!(Part::bytes(Vec::new()).mime_str(&safe_mime(&mime)).is_ok());
        }
    }
}
