//! Looking into a message: what its wrappers hold, what it answers, what it edits or takes back.
//!
//! Invariant: nothing here copies content or follows more than [`MOST_WRAPPERS`] wrappers; a wrapper that holds
//! nothing is returned as it is.

use std::fmt;

use serde_json::Value;

use crate::wire;

/// Most wrappers that are opened around one message.
const MOST_WRAPPERS: usize = 16;
/// Parts of a message that go along with its kind.
const COMPANIONS: [&str; 2] = ["messageContextInfo", "senderKeyDistributionMessage"];

/// A message without its wrappers.
#[derive(Clone, Copy, PartialEq)]
pub struct Unwrapped<'a> {
    /// The kind inside.
    pub kind: &'a str,
    /// What it holds; for a conversation inside a wrapper that is a bare text.
    pub content: &'a Value,
    /// The wrappers that were around it.
    pub wrappers: Wrappers,
}

/// The wrappers that were around a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wrappers {
    /// It disappears after some time.
    pub ephemeral: bool,
    /// It can be seen once.
    pub view_once: bool,
    /// It is a new wording of an earlier one.
    pub edited: bool,
    /// It is a document with a text.
    pub document_with_caption: bool,
    /// It is an animated sticker in Lottie format, which is not WebP.
    pub lottie: bool,
    /// It mentions a whole group.
    pub group_mentioned: bool,
    /// It speaks to a bot.
    pub bot_invoke: bool,
    /// It came from another device of our own account.
    pub device_sent: bool,
    /// It is a status of a group.
    pub group_status: bool,
    /// It belongs to another message, as the better copy of a picture does.
    pub associated_child: bool,
    /// It has another wrapper, which says nothing that matters to a reader.
    pub other: bool,
}

/// Every wrapper that is opened: the fields of type `FutureProofMessage` in Baileys 7's `Message`, and `deviceSentMessage`.
pub const WRAPPERS: [&str; 26] = [
    "associatedChildMessage",
    "botForwardedMessage",
    "botInvokeMessage",
    "botTaskMessage",
    "deviceSentMessage",
    "documentWithCaptionMessage",
    "editedMessage",
    "ephemeralMessage",
    "eventCoverImage",
    "groupMentionedMessage",
    "groupStatusMentionMessage",
    "groupStatusMessage",
    "groupStatusMessageV2",
    "limitSharingMessage",
    "lottieStickerMessage",
    "pollCreationMessageV4",
    "pollCreationMessageV5",
    "pollCreationMessageV6",
    "pollCreationOptionImageMessage",
    "questionMessage",
    "spoilerMessage",
    "statusAddYours",
    "statusMentionMessage",
    "viewOnceMessage",
    "viewOnceMessageV2",
    "viewOnceMessageV2Extension",
];

impl fmt::Debug for Unwrapped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unwrapped").field("kind", &self.kind).field("wrappers", &self.wrappers).finish_non_exhaustive()
    }
}

impl<'a> Unwrapped<'a> {
    /// Returns the text of a text message, or the text below a media.
    pub fn text(&self) -> Option<&'a str> {
        text_of(self.content)
    }
}

/// Opens the wrappers around a message of kind `message_type`.
pub fn unwrap_content<'a>(message_type: &'a str, content: &'a Value) -> Unwrapped<'a> {
    let mut unwrapped = Unwrapped { kind: message_type, content, wrappers: Wrappers::default() };
    for _ in 0..MOST_WRAPPERS {
        let inner = wire::object(unwrapped.content, "message").and_then(kind_of);
        let Some((kind, content)) = inner else { break };
        if !unwrapped.wrappers.note(unwrapped.kind) {
            break;
        }
        (unwrapped.kind, unwrapped.content) = (kind, content);
    }
    unwrapped
}

/// Opens the message that stands in the field `key` of another one, in the form `{<kind>: …}`.
pub fn message_in<'a>(content: &'a Value, key: &str) -> Option<Unwrapped<'a>> {
    wire::object(content, key).and_then(kind_of).map(|(kind, content)| unwrap_content(kind, content))
}

impl Wrappers {
    /// Notes a wrapper of this kind; says whether it is one.
    fn note(&mut self, kind: &str) -> bool {
        let flag = match kind {
            "ephemeralMessage" => &mut self.ephemeral,
            "viewOnceMessage" | "viewOnceMessageV2" | "viewOnceMessageV2Extension" => &mut self.view_once,
            "editedMessage" => &mut self.edited,
            "documentWithCaptionMessage" => &mut self.document_with_caption,
            "lottieStickerMessage" => &mut self.lottie,
            "groupMentionedMessage" => &mut self.group_mentioned,
            "botInvokeMessage" => &mut self.bot_invoke,
            "deviceSentMessage" => &mut self.device_sent,
            "groupStatusMessage" | "groupStatusMessageV2" => &mut self.group_status,
            "associatedChildMessage" => &mut self.associated_child,
            other if WRAPPERS.contains(&other) => &mut self.other,
            _ => return false,
        };
        *flag = true;
        true
    }
}

/// The kind of a message in the form `{<kind>: …}`, and what it holds.
pub(crate) fn kind_of(message: &Value) -> Option<(&str, &Value)> {
    let parts = message.as_object()?.iter();
    let mut kinds =
        parts.filter(|(kind, content)| !kind.is_empty() && !content.is_null() && !COMPANIONS.contains(&kind.as_str()));
    kinds.next().map(|(kind, content)| (kind.as_str(), content))
}

fn text_of(content: &Value) -> Option<&str> {
    if let Some(text) = content.as_str() {
        return Some(text);
    }
    ["text", "caption", "conversation"].iter().find_map(|key| wire::str_of(content, key))
}

/// What a message refers to.
#[derive(Clone, PartialEq, Eq)]
pub struct ContextInfo {
    /// Id of the message it answers.
    pub stanza_id: Option<String>,
    /// Who wrote that message.
    pub participant: Option<String>,
    /// The chat of that message, when it is another: `status@broadcast` for the answer to a status.
    pub remote_jid: Option<String>,
    /// The kind of that message.
    pub quoted_kind: Option<String>,
    /// The text of that message, or the text below it.
    pub quoted_text: Option<String>,
    /// Who is mentioned, as numbers or as LIDs.
    pub mentioned: Vec<String>,
    /// Whether it was forwarded.
    pub is_forwarded: bool,
    /// Through how many chats it was forwarded; WhatsApp says "many times" from 4 on.
    pub forwarding_score: i64,
    /// The channel it was forwarded from.
    pub channel: Option<String>,
}

impl fmt::Debug for ContextInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContextInfo")
            .field("stanza_id", &self.stanza_id)
            .field("quoted_kind", &self.quoted_kind)
            .field("mentioned", &self.mentioned.len())
            .field("is_forwarded", &self.is_forwarded)
            .finish_non_exhaustive()
    }
}

/// Reads what the message with this `content`, without wrappers, refers to.
pub fn context_info(content: &Value) -> Option<ContextInfo> {
    let info = wire::object(content, "contextInfo")?;
    let quoted = wire::object(info, "quotedMessage").and_then(kind_of);
    let quoted = quoted.map(|(kind, content)| unwrap_content(kind, content));
    let mentioned = info.get("mentionedJid").and_then(Value::as_array);
    let mentioned = mentioned.into_iter().flatten().filter_map(Value::as_str);
    Some(ContextInfo {
        stanza_id: wire::text(info, "stanzaId"),
        participant: wire::text(info, "participant"),
        remote_jid: wire::text(info, "remoteJid"),
        quoted_kind: quoted.map(|quoted| quoted.kind.to_owned()),
        quoted_text: quoted.and_then(|quoted| quoted.text()).map(str::to_owned),
        mentioned: mentioned.map(str::to_owned).collect(),
        is_forwarded: wire::flag(info, "isForwarded").unwrap_or(false),
        forwarding_score: wire::int(info, "forwardingScore").unwrap_or(0),
        channel: wire::object(info, "forwardedNewsletterMessageInfo")
            .and_then(|from| wire::text(from, "newsletterName")),
    })
}

/// A message about another message: a `protocolMessage`.
#[derive(Clone, Copy, PartialEq)]
pub struct Protocol<'a> {
    /// What it does.
    pub kind: ProtocolKind,
    /// Id of the other message.
    pub target_id: Option<&'a str>,
    /// The new message in the form `{<kind>: …}`, when it edits.
    pub edited: Option<&'a Value>,
}

impl fmt::Debug for Protocol<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Protocol").field("kind", &self.kind).field("target_id", &self.target_id).finish_non_exhaustive()
    }
}

/// What a `protocolMessage` does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProtocolKind {
    /// It takes a message back.
    Revoke,
    /// It sets after what time messages disappear.
    EphemeralSetting,
    /// It gives a message a new wording.
    MessageEdit,
    /// It does something else.
    Other,
}

impl<'a> Protocol<'a> {
    /// Reads the content of a `protocolMessage`. An absent type is a revoke, which is zero in the protocol.
    pub fn from_content(content: &'a Value) -> Self {
        let edited = wire::object(content, "editedMessage");
        Self {
            kind: ProtocolKind::read(content.get("type"), edited.is_some()),
            target_id: content.get("key").and_then(|key| wire::str_of(key, "id")),
            edited,
        }
    }

    /// Returns the new message without its wrappers.
    pub fn edited_content(&self) -> Option<Unwrapped<'a>> {
        self.edited.and_then(kind_of).map(|(kind, content)| unwrap_content(kind, content))
    }
}

impl ProtocolKind {
    /// Inbound types are numbers; those in wrappers and in echoes are names.
    fn read(kind: Option<&Value>, edits: bool) -> Self {
        match kind {
            None | Some(Value::Null) if edits => Self::MessageEdit,
            None | Some(Value::Null) => Self::Revoke,
            Some(Value::String(name)) => match name.as_str() {
                "REVOKE" => Self::Revoke,
                "EPHEMERAL_SETTING" => Self::EphemeralSetting,
                "MESSAGE_EDIT" => Self::MessageEdit,
                _ => Self::Other,
            },
            Some(number) => match wire::as_i64(number) {
                Some(0) => Self::Revoke,
                Some(3) => Self::EphemeralSetting,
                Some(14) => Self::MessageEdit,
                _ => Self::Other,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_wrapper_is_opened() {
        for wrapper in WRAPPERS {
            let content = json!({ "message": { "messageContextInfo": {}, "imageMessage": { "caption": "c" } } });
            let unwrapped = unwrap_content(wrapper, &content);
            assert_eq!((unwrapped.kind, unwrapped.text()), ("imageMessage", Some("c")), "{wrapper}");
            assert_ne!(unwrapped.wrappers, Wrappers::default(), "{wrapper}");
        }
    }

    #[test]
    fn wrappers_in_wrappers_are_opened() {
        let content = json!({ "message": { "viewOnceMessageV2Extension": { "message": {
            "audioMessage": { "ptt": true },
        } } } });
        let unwrapped = unwrap_content("ephemeralMessage", &content);
        let expected = Wrappers { ephemeral: true, view_once: true, ..Wrappers::default() };
        assert_eq!((unwrapped.kind, unwrapped.wrappers), ("audioMessage", expected));
        assert_eq!(unwrapped.content, &json!({ "ptt": true }));
    }

    #[test]
    fn what_is_no_wrapper_stays() {
        let order = json!({ "message": "pedido", "orderId": "1" });
        assert_eq!(unwrap_content("orderMessage", &order).kind, "orderMessage");
        let comment = json!({ "message": { "conversation": "x" } });
        assert_eq!(unwrap_content("commentMessage", &comment).kind, "commentMessage");
        assert_eq!(message_in(&comment, "message").unwrap().text(), Some("x"));
        assert_eq!(message_in(&comment, "other"), None);
        let empty = json!({ "message": {} });
        let unwrapped = unwrap_content("ephemeralMessage", &empty);
        assert_eq!((unwrapped.kind, unwrapped.wrappers), ("ephemeralMessage", Wrappers::default()));
        let text = json!({ "message": { "conversation": "oi" } });
        assert_eq!(unwrap_content("ephemeralMessage", &text).text(), Some("oi"));
    }

    #[test]
    fn endless_wrapping_ends() {
        let mut content = json!({ "message": { "conversation": "x" } });
        for _ in 0..100 {
            content = json!({ "message": { "ephemeralMessage": content } });
        }
        assert_eq!(unwrap_content("ephemeralMessage", &content).kind, "ephemeralMessage");
    }

    #[test]
    fn quotes_and_mentions_are_read() {
        let content = json!({ "text": "resp", "contextInfo": {
            "stanzaId": "AC0", "participant": "2@lid", "remoteJid": "status@broadcast", "mentionedJid": ["2@lid", 5],
            "isForwarded": true, "forwardingScore": "5", "forwardedNewsletterMessageInfo": { "newsletterName": "Ofertas" },
            "quotedMessage": { "ephemeralMessage": { "message": { "videoMessage": { "caption": "orig" } } } },
        } });
        let info = context_info(&content).unwrap();
        assert_eq!((info.stanza_id.as_deref(), info.participant.as_deref()), (Some("AC0"), Some("2@lid")));
        assert_eq!(info.remote_jid.as_deref(), Some("status@broadcast"));
        assert_eq!(info.quoted_kind.as_deref(), Some("videoMessage"));
        assert_eq!(info.quoted_text.as_deref(), Some("orig"));
        assert_eq!(info.mentioned, ["2@lid"]);
        assert!(info.is_forwarded);
        assert_eq!((info.forwarding_score, info.channel.as_deref()), (5, Some("Ofertas")));
        assert!(!format!("{info:?}").contains("orig"));
        assert_eq!(context_info(&json!({ "text": "x", "contextInfo": null })), None);
        assert_eq!(context_info(&json!("x")), None);
    }

    #[test]
    fn protocol_types_are_numbers_or_names() {
        let table = [
            (json!({ "type": 0, "key": { "id": "a" } }), ProtocolKind::Revoke),
            (json!({ "type": "REVOKE", "key": { "id": "a" } }), ProtocolKind::Revoke),
            (json!({ "key": { "id": "a" } }), ProtocolKind::Revoke),
            (json!({ "type": 3, "key": { "id": "a" } }), ProtocolKind::EphemeralSetting),
            (json!({ "type": 14, "key": { "id": "a" } }), ProtocolKind::MessageEdit),
            (json!({ "type": "MESSAGE_EDIT", "key": { "id": "a" } }), ProtocolKind::MessageEdit),
            (json!({ "type": 9, "key": { "id": "a" } }), ProtocolKind::Other),
            (json!({ "type": [], "key": { "id": "a" } }), ProtocolKind::Other),
        ];
        for (content, kind) in table {
            let protocol = Protocol::from_content(&content);
            assert_eq!((protocol.kind, protocol.target_id), (kind, Some("a")), "{content}");
        }
        let edit = json!({ "type": 14, "editedMessage": { "extendedTextMessage": { "text": "novo" } } });
        let edited = Protocol::from_content(&edit).edited_content().unwrap();
        assert_eq!((edited.kind, edited.text()), ("extendedTextMessage", Some("novo")));
    }
}
