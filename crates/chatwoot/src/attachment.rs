//! Attachments as messages tell them.

use serde_json::{Map, Value};

use crate::wire::{Missing, Read, int, map, need, text, words};

words! {
    /// What kind of attachment it is.
    FileType {
        Image = "image", Audio = "audio", Video = "video", File = "file", Location = "location",
        Fallback = "fallback", Share = "share", StoryMention = "story_mention", Contact = "contact",
        IgReel = "ig_reel", IgPost = "ig_post", IgStory = "ig_story", Embed = "embed",
    }
}

/// A file, a place or a contact card of a message.
#[derive(Clone, Debug, PartialEq)]
pub struct Attachment {
    /// Id of the attachment.
    pub id: i64,
    /// Its kind.
    pub file_type: FileType,
    /// Where the bytes are, or a link for a place.
    pub data_url: Option<String>,
    /// Media type, from 4.13.0.
    pub content_type: Option<String>,
    /// Extension of the file name, from 4.13.0.
    pub extension: Option<String>,
    /// Size in bytes.
    pub file_size: Option<u64>,
    /// The place, for a location.
    pub coordinates: Option<Coordinates>,
    /// Name of a place, phone number of a contact card, title of a link.
    pub fallback_title: Option<String>,
    /// Further data: `firstName` and `lastName` of a contact card.
    pub meta: Map<String, Value>,
}

/// A place on Earth, in degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coordinates {
    /// North of the equator.
    pub latitude: f64,
    /// East of Greenwich.
    pub longitude: f64,
}

impl Attachment {
    /// Returns the name on a contact card.
    pub fn contact_name(&self) -> Option<String> {
        let parts = ["firstName", "lastName"].iter().filter_map(|key| self.meta.get(*key)?.as_str());
        let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    }
}

impl Read for Attachment {
    fn read(value: &Value) -> Result<Self, Missing> {
        let file_type = text(value, "file_type");
        let non_empty = |key| text(value, key).filter(|text| !text.is_empty());
        Ok(Self {
            id: need(int(value, "id"), "attachments.id")?,
            file_type: file_type.map_or(FileType::Other, |word| FileType::from_word(&word)),
            data_url: non_empty("data_url"),
            content_type: non_empty("content_type"),
            extension: non_empty("extension"),
            file_size: value.get("file_size").and_then(Value::as_u64),
            coordinates: coordinates_of(value),
            fallback_title: non_empty("fallback_title"),
            meta: map(value, "meta"),
        })
    }
}

fn coordinates_of(value: &Value) -> Option<Coordinates> {
    let latitude = value.get("coordinates_lat")?.as_f64()?;
    let longitude = value.get("coordinates_long")?.as_f64()?;
    Some(Coordinates { latitude, longitude })
}

/// Returns the file name in a `data_url`: its last segment, percent-decoded and without the query. It is what
/// somebody chose, so it passes through [`safe_file_name`](crate::safe_file_name) before it is used.
pub fn file_name_of(data_url: &str) -> Option<String> {
    let path = data_url.split(['?', '#']).next().unwrap_or_default();
    let (_, last) = path.rsplit_once('/')?;
    let name = percent_decoded(last);
    (!name.is_empty()).then_some(name)
}

/// Says whether an attachment was recorded in the dashboard, which nothing but its name tells: twelve hexadecimal
/// digits of a random UUID, the ninth being its version 4. Such a message has no text and no other file.
pub fn is_recorded_voice(attachment: &Attachment) -> bool {
    if attachment.file_type != FileType::Audio {
        return false;
    }
    let name = attachment.data_url.as_deref().and_then(file_name_of);
    name.is_some_and(|name| is_recording_name(&name))
}

fn is_recording_name(name: &str) -> bool {
    let Some((stem, extension)) = name.rsplit_once('.') else {
        return false;
    };
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let stem = stem.as_bytes();
    stem.len() == 12
        && stem.iter().copied().all(is_hex)
        && stem.get(8) == Some(&b'4')
        && matches!(extension, "mp3" | "ogg" | "wav")
}

fn percent_decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let mut ahead = bytes.clone();
        match (byte, ahead.next().and_then(hex_digit), ahead.next().and_then(hex_digit)) {
            (b'%', Some(high), Some(low)) => {
                out.push(high * 16 + low);
                bytes = ahead;
            }
            _ => out.push(byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn hex_digit(byte: u8) -> Option<u8> {
    let digit = char::from(byte).to_digit(16)?;
    u8::try_from(digit).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const BLOB: &str = "https://chat.example.com/rails/active_storage/blobs/redirect/eyJ--s";

    #[test]
    fn file_names_are_decoded() {
        for (tail, name) in [
            ("/invoice.pdf", Some("invoice.pdf")),
            ("/1a2b3c4d4e5f.mp3?disposition=inline", Some("1a2b3c4d4e5f.mp3")),
            ("/pra%C3%A7a%20%231.jpg#top", Some("praça #1.jpg")),
            ("/100%.pdf", Some("100%.pdf")),
            ("/a%2", Some("a%2")),
            ("/a%zz%41", Some("a%zzA")),
            ("/%ff", Some("\u{FFFD}")),
            ("/", None),
            ("/?x=/y", None),
        ] {
            assert_eq!(file_name_of(&format!("{BLOB}{tail}")).as_deref(), name, "{tail}");
        }
        assert_eq!(file_name_of("nothing"), None);
    }

    #[test]
    fn only_recordings_are_recorded_voice() {
        for (file_type, name, recorded) in [
            ("audio", "1a2b3c4d4e5f.mp3?disposition=inline", true),
            ("audio", "1a2b3c4d4e5f.ogg", true),
            ("audio", "1a2b3c4d4e5f.wav", true),
            ("audio", "1a2b3c4d5e5f.mp3", false),
            ("audio", "1A2B3C4D4E5F.mp3", false),
            ("audio", "1a2b3c4d4e5.mp3", false),
            ("audio", "1a2b3c4d4e5f0.mp3", false),
            ("audio", "1a2b3c4d4e5f.m4a", false),
            ("audio", "song.mp3", false),
            ("file", "1a2b3c4d4e5f.mp3", false),
        ] {
            let value = json!({ "id": 1, "file_type": file_type, "data_url": format!("{BLOB}/{name}") });
            let attachment = Attachment::read(&value).unwrap();
            assert_eq!(is_recorded_voice(&attachment), recorded, "{file_type} {name}");
        }
    }

    #[test]
    fn places_and_cards_are_read() {
        let place = json!({ "id": 504, "file_type": "location", "coordinates_lat": -23.55, "coordinates_long": -46.63,
            "fallback_title": "Praça da Sé", "data_url": null });
        let place = Attachment::read(&place).unwrap();
        assert_eq!(place.coordinates, Some(Coordinates { latitude: -23.55, longitude: -46.63 }));
        assert_eq!((place.data_url, place.fallback_title.as_deref()), (None, Some("Praça da Sé")));

        let card = json!({ "id": 505, "file_type": "contact", "fallback_title": "+5511977776666",
            "meta": { "firstName": "João", "lastName": "Silva" } });
        let card = Attachment::read(&card).unwrap();
        assert_eq!(card.contact_name().as_deref(), Some("João Silva"));

        let odd = json!({ "id": 6, "file_type": "hologram", "file_size": "big", "meta": [], "coordinates_lat": "x" });
        let odd = Attachment::read(&odd).unwrap();
        assert_eq!((odd.file_type, odd.file_size, odd.coordinates), (FileType::Other, None, None));
        assert_eq!(Attachment::read(&json!({})), Err(Missing("attachments.id")));
    }

    proptest! {
        #[test]
        fn any_address_has_a_name_or_none(address in ".*") {
            let named = file_name_of(&address);
            prop_assert!(named.is_none_or(|name| !name.is_empty()));
        }
    }
}
