//! What a WhatsApp message says, kind by kind.

use codechat::{Protocol, ProtocolKind, Unwrapped, Upsert, unwrap_content};
use relay_domain::Timestamp;
use relay_domain::event::{Author, Content, Event, Media, MediaKind, MediaSource, OtherKind, WaMessage};
use relay_domain::id::WaMessageId;
use relay_domain::jid::Jid;
use relay_domain::participant::Participant;
use serde_json::Value;

use super::super::Extras;
use super::about;

pub(super) fn translate(upsert: &Upsert) -> (Event, Extras) {
    let extras = Extras {
        // in a group it is the writer's name, not the chat's
        push_name: upsert.push_name.clone().filter(|_| !upsert.from_me && is_with_one_person(upsert)),
        is_from_customer: !upsert.from_me,
        row: upsert.row_id,
        address: address(upsert),
        connection: None,
    };
    let author = if upsert.from_me { Author::Ourselves } else { Author::Customer };
    let inner = unwrap_content(&upsert.message_type, &upsert.content);
    let (content, quote) = about::read(&inner).unwrap_or_else(|| (content_of(&inner), about::quote(inner.content)));
    let message = WaMessage {
        id: WaMessageId::new(&upsert.key_id),
        author,
        participant: participant(upsert).map(Box::new),
        mentions: mentions(inner.content),
        sent_at: Timestamp::from_secs(upsert.timestamp.unwrap_or(0)),
        quote,
        ad: about::ad(inner.content).map(Box::new),
        content,
    };
    (Event::WhatsApp(message), extras)
}

/// What a message says by itself.
pub(super) fn content_of(message: &Unwrapped<'_>) -> Content {
    if message.wrappers.lottie {
        return Content::Other(OtherKind::LottieSticker);
    }
    content(message.kind, message.content)
}

/// The address that CodeChat keeps the message under: a LID only where it knows no other.
fn address(upsert: &Upsert) -> Option<Jid> {
    let address = upsert.remote_jid.as_deref().or(upsert.lid.as_deref())?;
    Jid::parse(address).ok().map(|jid| jid.without_device())
}

fn mentions(content: &Value) -> Vec<Jid> {
    let mentioned = codechat::context_info(content).map(|context| context.mentioned).unwrap_or_default();
    mentioned.iter().filter_map(|jid| Jid::parse(jid).ok()).filter(Jid::is_person).collect()
}

/// Who wrote, where several people do. The author of a status update or of a broadcast also stands where LIDs of chats do.
pub(crate) fn participant(upsert: &Upsert) -> Option<Participant> {
    if is_with_one_person(upsert) {
        return None;
    }
    let lid = upsert.lid.as_ref().filter(|_| !upsert.is_group);
    let addresses = [&upsert.participant, &upsert.participant_lid].into_iter().flatten().chain(lid);
    let who = Participant::of(addresses.map(String::as_str))?;
    Some(Participant { name: upsert.push_name.clone(), ..who })
}

fn is_with_one_person(upsert: &Upsert) -> bool {
    let chat = upsert.remote_jid.as_deref().map(Jid::parse);
    !upsert.is_group && chat.is_none_or(|jid| jid.is_ok_and(|jid| jid.is_person()))
}

fn content(kind: &str, content: &Value) -> Content {
    match kind {
        "conversation" | "extendedTextMessage" => match content.as_str().or_else(|| content.get("text")?.as_str()) {
            // bare inside wrappers and edits
            Some(text) => Content::Text(text.to_owned()),
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

/// Reactions, edits and deletions were read before.
fn protocol_kind(content: &Value) -> OtherKind {
    match Protocol::from_content(content).kind {
        ProtocolKind::EphemeralSetting => OtherKind::DisappearingTimer,
        ProtocolKind::Revoke | ProtocolKind::MessageEdit | ProtocolKind::Other => {
            OtherKind::Unknown("protocolMessage".to_owned())
        }
    }
}
