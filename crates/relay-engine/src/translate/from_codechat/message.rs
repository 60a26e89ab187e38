//! What a WhatsApp message says, kind by kind.

use codechat::{Unwrapped, Upsert, message_in, unwrap_content};
use relay_domain::Timestamp;
use relay_domain::event::{Author, Content, Event, Forwarded, Ignored, Marks, Media, MediaKind, Quote, WaMessage};
use relay_domain::id::WaMessageId;
use relay_domain::jid::Jid;
use relay_domain::participant::Participant;
use serde_json::Value;

use super::super::Extras;
use super::fields::is_true;
use super::notice::Protocol;
use super::{about, kinds, notice};

/// From so many chats on, WhatsApp says that a message was forwarded many times.
const OFTEN: i64 = 4;

pub(super) fn translate(upsert: &Upsert) -> (Event, Extras) {
    let extras = Extras {
        // in a group it is the writer's name, not the chat's
        push_name: upsert.push_name.clone().filter(|_| !upsert.from_me && is_with_one_person(upsert)),
        is_from_customer: !upsert.from_me,
        row: upsert.row_id,
        address: address(upsert),
        connection: None,
        is_logged_out: false,
    };
    let author = if upsert.from_me { Author::Ourselves } else { Author::Customer };
    let inner = unwrap_content(&upsert.message_type, &upsert.content);
    let done = about::read(&inner);
    if done.is_none() && inner.kind == "protocolMessage" && notice::protocol(inner.content) == Protocol::Housekeeping {
        return (Event::Nothing(Ignored::Housekeeping), extras);
    }
    let (content, quote) = done.unwrap_or_else(|| (content_of(&inner), quote_of(&inner)));
    let message = WaMessage {
        id: WaMessageId::new(&upsert.key_id),
        author,
        participant: participant(upsert).map(Box::new),
        mentions: mentions(inner.content),
        sent_at: Timestamp::from_secs(upsert.timestamp.unwrap_or(0)),
        quote,
        ad: about::ad(inner.content).map(Box::new),
        marks: marks(&inner),
        content,
    };
    (Event::WhatsApp(message), extras)
}

/// What a message says by itself. A comment says what the message within it says; everything between devices is nobody's
/// business, and was ignored before.
pub(super) fn content_of(message: &Unwrapped<'_>) -> Content {
    match message.kind {
        "commentMessage" => match message_in(message.content, "message") {
            Some(inner) if inner.kind != "commentMessage" => content_of(&inner),
            Some(_) | None => Content::Unknown(message.kind.to_owned()),
        },
        "protocolMessage" => match notice::protocol(message.content) {
            Protocol::Told(content) => content,
            Protocol::Housekeeping => Content::Unknown(message.kind.to_owned()),
        },
        kind => match kinds::read(kind, message.content) {
            Content::Media(media) if message.wrappers.lottie => {
                Content::Media(Media { kind: MediaKind::LottieSticker, ..media })
            }
            content => content,
        },
    }
}

/// The message that this one answers, or is about.
fn quote_of(message: &Unwrapped<'_>) -> Option<Quote> {
    kinds::target(message.kind, message.content).or_else(|| about::quote(message.content))
}

/// What is said of a message besides what it says.
fn marks(message: &Unwrapped<'_>) -> Marks {
    let context = codechat::context_info(message.content);
    let forwarded = context.and_then(|context| match context.channel {
        Some(channel) => Some(Forwarded::FromChannel(channel)),
        None if context.forwarding_score >= OFTEN => Some(Forwarded::Often),
        None if context.is_forwarded => Some(Forwarded::Once),
        None => None,
    });
    Marks { is_view_once: message.wrappers.view_once || is_true(message.content, "viewOnce"), forwarded }
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
