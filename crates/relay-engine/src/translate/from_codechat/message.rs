//! What a WhatsApp message says, kind by kind.

use codechat::{Upsert, unwrap_content};
use relay_domain::Timestamp;
use relay_domain::event::{Author, Content, Event, Media, MediaKind, MediaSource, OtherKind, Quote, WaMessage};
use relay_domain::id::WaMessageId;
use relay_domain::text;
use serde_json::Value;

use super::super::Extras;

/// Characters of a quoted message that are repeated when Chatwoot does not have it.
const EXCERPT: usize = 100;

pub(super) fn translate(upsert: &Upsert) -> (Event, Extras) {
    let extras = Extras {
        push_name: upsert.push_name.clone().filter(|_| !upsert.from_me),
        row: upsert.row_id,
        connection: None,
    };
    let author = if upsert.from_me { Author::Ourselves } else { Author::Customer };
    let inner = unwrap_content(&upsert.message_type, &upsert.content);
    let message = WaMessage {
        id: WaMessageId::new(&upsert.key_id),
        author,
        sent_at: Timestamp::from_secs(upsert.timestamp.unwrap_or(0)),
        quote: quote(inner.content),
        content: if inner.wrappers.lottie {
            Content::Other(OtherKind::LottieSticker)
        } else if inner.wrappers.edited {
            Content::Other(OtherKind::Edit)
        } else {
            content(inner.kind, inner.content)
        },
    };
    (Event::WhatsApp(message), extras)
}

fn quote(content: &Value) -> Option<Quote> {
    let context = codechat::context_info(content)?;
    let id = context.stanza_id?;
    Some(Quote { id: WaMessageId::new(id), excerpt: context.quoted_text.map(|quoted| text::excerpt(&quoted, EXCERPT)) })
}

fn content(kind: &str, content: &Value) -> Content {
    let plain = |key: &str| content.get(key).and_then(Value::as_str).map(ToOwned::to_owned);
    match kind {
        "conversation" | "extendedTextMessage" => match plain("text") {
            Some(text) => Content::Text(text),
            None => Content::Other(OtherKind::Unknown(kind.to_owned())),
        },
        "imageMessage" => media(MediaKind::Image, kind, content),
        "videoMessage" if is_true(content, "gifPlayback") => media(MediaKind::Gif, kind, content),
        "videoMessage" => media(MediaKind::Video, kind, content),
        "ptvMessage" => media(MediaKind::VideoNote, kind, content),
        "audioMessage" if is_true(content, "ptt") => media(MediaKind::VoiceNote, kind, content),
        "audioMessage" => media(MediaKind::Audio, kind, content),
        "documentMessage" => media(MediaKind::Document, kind, content),
        "stickerMessage" => media(MediaKind::Sticker, kind, content),
        other => Content::Other(other_kind(other, content)),
    }
}

fn media(kind: MediaKind, message_type: &str, content: &Value) -> Content {
    let text =
        |key: &str| content.get(key).and_then(Value::as_str).filter(|text| !text.is_empty()).map(ToOwned::to_owned);
    Content::Media(Media {
        kind,
        caption: text("caption").filter(|caption| text("fileName").as_ref() != Some(caption)),
        file_name: text("fileName").or_else(|| text("title")),
        mime: text("mimetype"),
        size: content.get("fileLength").and_then(codechat::wire::as_i64).and_then(|size| u64::try_from(size).ok()),
        source: MediaSource { message_type: message_type.to_owned(), content: content.clone() },
    })
}

fn is_true(content: &Value, key: &str) -> bool {
    content.get(key).and_then(Value::as_bool).unwrap_or(false)
}

fn other_kind(kind: &str, content: &Value) -> OtherKind {
    match kind {
        "locationMessage" => OtherKind::Location,
        "liveLocationMessage" => OtherKind::LiveLocation,
        "contactMessage" | "contactsArrayMessage" => OtherKind::Contact,
        "pollCreationMessage"
        | "pollCreationMessageV2"
        | "pollCreationMessageV3"
        | "pollCreationMessageV4"
        | "pollCreationMessageV5" => OtherKind::Poll,
        "pollUpdateMessage" | "pollResultSnapshotMessage" => OtherKind::PollVote,
        "reactionMessage" => {
            let emoji = content.get("text").and_then(Value::as_str).filter(|emoji| !emoji.is_empty());
            OtherKind::Reaction(emoji.map(ToOwned::to_owned))
        }
        "encReactionMessage" => OtherKind::Unknown(kind.to_owned()),
        "protocolMessage" => protocol_kind(content),
        "eventMessage" | "encEventResponseMessage" => OtherKind::CalendarEvent,
        "albumMessage" => OtherKind::Album,
        "pinInChatMessage" | "keepInChatMessage" => OtherKind::Pin,
        "groupInviteMessage" => OtherKind::GroupInvite,
        "orderMessage" => OtherKind::Order,
        "productMessage" => OtherKind::Product,
        "requestPaymentMessage"
        | "sendPaymentMessage"
        | "declinePaymentRequestMessage"
        | "cancelPaymentRequestMessage"
        | "paymentInviteMessage"
        | "invoiceMessage" => OtherKind::Payment,
        "buttonsMessage" | "listMessage" | "templateMessage" | "interactiveMessage" => OtherKind::Interactive,
        "buttonsResponseMessage"
        | "listResponseMessage"
        | "templateButtonReplyMessage"
        | "interactiveResponseMessage" => OtherKind::InteractiveReply,
        "lottieStickerMessage" => OtherKind::LottieSticker,
        other => OtherKind::Unknown(other.to_owned()),
    }
}

/// Protocol messages carry their type as a number (inbound) or a name (in copies of API calls).
fn protocol_kind(content: &Value) -> OtherKind {
    let kind = content.get("type");
    let is =
        |number: i64, name: &str| kind.is_some_and(|kind| kind.as_i64() == Some(number) || kind.as_str() == Some(name));
    if is(0, "REVOKE") {
        OtherKind::Deletion
    } else if is(3, "EPHEMERAL_SETTING") {
        OtherKind::DisappearingTimer
    } else if is(14, "MESSAGE_EDIT") {
        OtherKind::Edit
    } else {
        OtherKind::Unknown("protocolMessage".to_owned())
    }
}
