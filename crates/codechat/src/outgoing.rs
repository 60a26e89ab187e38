//! Messages to send, and how the server wants them written. The number is always a full JID, for the server mangles
//! bare numbers of some countries.
//!
//! Invariant: what is in a message is never printed.

use std::fmt;

use serde_json::{Map, Value, json};
use url::Url;

use crate::wire::{self, Missing, need};

/// What goes with a message of any kind.
#[derive(Clone, Default, PartialEq)]
pub struct SendOptions {
    /// The id the message shall have on WhatsApp; a 26-letter ULID looks like one of the server's own.
    pub message_id: Option<String>,
    /// The message that is answered.
    pub quoted: Option<Quoted>,
    /// Anything; comes back in the answer and in the first webhooks.
    pub external_attributes: Option<Value>,
    /// Milliseconds to wait before sending.
    pub delay: Option<u32>,
    /// What the other side sees meanwhile.
    pub presence: Option<Presence>,
}

/// A message that is answered.
#[derive(Clone, PartialEq)]
pub enum Quoted {
    /// The number of its row; the server must store messages.
    Row(i64),
    /// The message itself, as a webhook told it: `keyId`, `keyFromMe`, `keyRemoteJid`, `messageType`, `content`.
    Message(Value),
}

/// What the other side sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Offline.
    Unavailable,
    /// Online.
    Available,
    /// Typing.
    Composing,
    /// Recording.
    Recording,
    /// No longer typing.
    Paused,
}

/// A text.
#[derive(Clone, PartialEq)]
pub struct SendText {
    /// Full JID of the chat.
    pub number: String,
    /// The text, of at least one character.
    pub text: String,
    /// What goes with it.
    pub options: SendOptions,
}

/// A file, fetched by the server from an address.
#[derive(Clone, PartialEq)]
pub struct SendMedia {
    /// Full JID of the chat.
    pub number: String,
    /// How it is shown.
    pub kind: MediaKind,
    /// Where the server fetches it. The host must have a dot or be an IP address, or nothing is sent.
    pub url: Url,
    /// Its name; needed for a document. Without one, the type of the file is what the address answers.
    pub file_name: Option<String>,
    /// The text below it.
    pub caption: Option<String>,
    /// What goes with it.
    pub options: SendOptions,
}

/// How a file is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaKind {
    /// A picture.
    Image,
    /// A file.
    Document,
    /// A video.
    Video,
    /// A voice note when the address answers with `audio/ogg; codecs=opus` and no name is given; else music.
    Audio,
    /// A sticker; the bytes must be WebP.
    Sticker,
}

/// A place.
#[derive(Clone, PartialEq)]
pub struct SendLocation {
    /// Full JID of the chat.
    pub number: String,
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
    /// What the place is called.
    pub name: Option<String>,
    /// Its address.
    pub address: Option<String>,
    /// What goes with it.
    pub options: SendOptions,
}

/// Contact cards.
#[derive(Clone, PartialEq)]
pub struct SendContact {
    /// Full JID of the chat.
    pub number: String,
    /// The cards, at least one.
    pub contacts: Vec<ContactCard>,
    /// What goes with them.
    pub options: SendOptions,
}

/// One contact. The server writes these texts into a vCard as they are, so line breaks are made spaces.
#[derive(Clone, PartialEq, Eq)]
pub struct ContactCard {
    /// The name.
    pub full_name: String,
    /// The WhatsApp number, digits only.
    pub wuid: String,
    /// The number as it is shown.
    pub phone_number: String,
}

/// A reaction. It cannot be taken back through the API.
#[derive(Clone, PartialEq, Eq)]
pub struct SendReaction {
    /// Full JID of the chat.
    pub remote_jid: String,
    /// Id of the message.
    pub key_id: String,
    /// Whether the message is ours.
    pub from_me: bool,
    /// Who wrote the message, in a group.
    pub participant: Option<String>,
    /// One emoji.
    pub reaction: String,
}

/// A message that was written to the connection.
#[derive(Clone, PartialEq, Eq)]
pub struct Sent {
    /// Its id on WhatsApp.
    pub key_id: String,
    /// The number of its row, when the server stores messages.
    pub row_id: Option<i64>,
    /// The chat it went to, which may differ from what was asked.
    pub remote_jid: Option<String>,
    /// The kind it was sent as.
    pub message_type: Option<String>,
    /// When, in epoch seconds.
    pub timestamp: Option<i64>,
}

macro_rules! unprinted {
    ($($name:ident { $($field:ident),* })+) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name))$(.field(stringify!($field), &self.$field))*.finish_non_exhaustive()
            }
        }
    )+};
}

unprinted! {
    SendText { options }
    SendMedia { kind, options }
    SendLocation { options }
    SendContact { options }
    ContactCard {}
    SendReaction { key_id, from_me }
    SendOptions { message_id, delay, presence }
    Sent { key_id, row_id, message_type, timestamp }
}

impl fmt::Debug for Quoted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Row(row) => f.debug_tuple("Row").field(row).finish(),
            Self::Message(_) => f.write_str("Message(..)"),
        }
    }
}

pub(crate) fn body_of(number: &str, options: &SendOptions, (part_name, part): (&str, Value)) -> Value {
    let mut body = Map::new();
    body.insert("number".to_owned(), number.into());
    let options = options.body();
    if !options.is_empty() {
        body.insert("options".to_owned(), options.into());
    }
    body.insert(part_name.to_owned(), part);
    Value::Object(body)
}

pub(crate) fn put(object: &mut Value, key: &str, text: Option<&str>) {
    if let Some(text) = text {
        object[key] = text.into();
    }
}

impl SendOptions {
    fn body(&self) -> Map<String, Value> {
        let quoted = self.quoted.as_ref().map(|quoted| match quoted {
            Quoted::Row(row) => ("quotedMessageId", Value::from(*row)),
            Quoted::Message(message) => ("quotedMessage", quotable(message)),
        });
        let fields = [
            self.message_id.as_ref().map(|id| ("messageId", Value::from(id.as_str()))),
            quoted,
            self.external_attributes.clone().map(|value| ("externalAttributes", value)),
            self.delay.map(|delay| ("delay", Value::from(delay))),
            self.presence.map(|presence| ("presence", Value::from(presence.as_str()))),
        ];
        fields.into_iter().flatten().map(|(key, value)| (key.to_owned(), value)).collect()
    }
}

/// The server quotes emptiness for content that is a bare text, and cannot read bytes back as it wrote them.
fn quotable(message: &Value) -> Value {
    let mut message = message.clone();
    wire::normalise_bytes(&mut message);
    if let Some(text) = message.get("content").filter(|content| content.is_string()) {
        message["content"] = json!({ "text": text });
    }
    message
}

impl ContactCard {
    pub(crate) fn body(&self) -> Value {
        json!({
            "fullName": one_line(&self.full_name),
            "wuid": one_line(&self.wuid),
            "phoneNumber": one_line(&self.phone_number),
        })
    }
}

/// A line break would let a name add fields to the card.
fn one_line(text: &str) -> String {
    text.split(|c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')).collect::<Vec<_>>().join(" ")
}

impl Presence {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Unavailable => "unavailable",
            Self::Available => "available",
            Self::Composing => "composing",
            Self::Recording => "recording",
            Self::Paused => "paused",
        }
    }
}

impl MediaKind {
    /// Returns the word of the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Document => "document",
            Self::Video => "video",
            Self::Audio => "audio",
            Self::Sticker => "sticker",
        }
    }
}

impl Sent {
    pub(crate) fn read(value: &Value) -> Result<Self, Missing> {
        Ok(Self {
            key_id: need(wire::text(value, "keyId"), "keyId")?,
            row_id: wire::int(value, "id"),
            remote_jid: wire::text(value, "keyRemoteJid"),
            message_type: wire::text(value, "messageType"),
            timestamp: wire::int(value, "messageTimestamp"),
        })
    }
}
