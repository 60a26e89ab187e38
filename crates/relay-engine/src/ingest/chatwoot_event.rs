//! Naming Chatwoot's webhooks.

use bytes::Bytes;
use chatwoot::{
    ContactRef, ConversationEvent, ConversationRef, MessageEvent, MessageType, Sender, Webhook, WebhookError,
};
use relay_domain::Timestamp;
use relay_domain::id::CwConversationId;
use relay_domain::jid::{Jid, Server};
use relay_domain::naming;
use relay_domain::phone::Phone;
use relay_fault::{Sabotage, is_sabotaged};
use relay_store::{CHATWOOT_NAME, ChatwootAccess, LaneKind};

use super::codechat_event::other_spellings;
use super::{Changed, ChatNames, Name, Named, NotAccepted, PlaceInQueue, UNKNOWN, unnamed};
use crate::desk::{self, is_desk};

/// Names a webhook; `glimpse` sees what it says.
pub(super) fn name(
    body: &Bytes,
    now: Timestamp,
    access: &ChatwootAccess,
    glimpse: impl FnOnce(&Webhook),
) -> Result<Named, NotAccepted> {
    let webhook = match Webhook::parse(body) {
        Ok(webhook) => webhook,
        Err(WebhookError::NotJson { .. }) => return Err(NotAccepted::NotJson),
        Err(_) => return Ok(Named::Event(unnamed(UNKNOWN.to_owned(), body, now))),
    };
    glimpse(&webhook);
    let event = webhook.event().to_owned();
    match webhook {
        Webhook::MessageCreated(message) if !is_for_us(&message, access) || is_our_echo(&message) => {
            Ok(Named::Counted { event })
        }
        Webhook::MessageCreated(message) if is_desk(&message.conversation, access.inbox) => {
            Ok(if is_command(&message) { Named::Event(command(event, &message)) } else { Named::Counted { event } })
        }
        Webhook::MessageCreated(message) => Ok(Named::Event(Name {
            event,
            dedup_key: naming::chatwoot_message(message.id),
            order_key: message.id,
            place: PlaceInQueue::Chat(LaneKind::Out, chat_names(&message.conversation)),
        })),
        // a command that was carried out is neither taken back nor given again by its bubble
        Webhook::MessageUpdated(message) if is_desk(&message.conversation, access.inbox) => {
            Ok(Named::Counted { event })
        }
        // told again with every later change of the message
        Webhook::MessageUpdated(message)
            if is_for_us(&message, access) && was_ours_to_send(&message) && message.content_attributes.deleted() =>
        {
            Ok(Named::Event(Name {
                event,
                dedup_key: naming::chatwoot_deletion(message.id),
                order_key: message.id,
                place: PlaceInQueue::Chat(LaneKind::Out, chat_names(&message.conversation)),
            }))
        }
        Webhook::MessageUpdated(message) if is_for_us(&message, access) && may_be_retried(&message) => {
            let change = Changed {
                message: message.id,
                created_at: Timestamp::from_millis(message.created_at),
                is_bare: message.content_attributes.as_map().is_empty(),
            };
            Ok(Named::Retry { event, change, chat: chat_names(&message.conversation) })
        }
        Webhook::ConversationStatusChanged(changed) if is_ours(&changed, access) => Ok(Named::Status {
            event,
            conversation: CwConversationId::new(changed.conversation.id),
            status: changed.conversation.status.as_str().to_owned(),
            at: changed.updated_at.map_or(now, Timestamp::from_millis),
            chat: chat_names(&changed.conversation),
        }),
        // repeats of what is known: our own status changes, every exchange's conversation update, typing
        Webhook::MessageUpdated(_)
        | Webhook::ConversationCreated(_)
        | Webhook::ConversationStatusChanged(_)
        | Webhook::ConversationUpdated(_)
        | Webhook::TypingOn(_)
        | Webhook::TypingOff(_)
        | Webhook::ContactCreated(_)
        | Webhook::ContactUpdated(_) => Ok(Named::Counted { event }),
        Webhook::Other(_) => Ok(Named::Event(unnamed(UNKNOWN.to_owned(), body, now))),
    }
}

/// Whether a person wrote it to the relay: not a note to colleagues, and not a greeting or a rule of Chatwoot's.
fn is_command(message: &MessageEvent) -> bool {
    let is_by_hand = matches!(message.sender, Sender::User { .. });
    is_by_hand && message.message_type == MessageType::Outgoing && !message.private
}

/// Commands queue with each other, in the order in which they were written.
fn command(event: String, message: &MessageEvent) -> Name {
    Name {
        event,
        dedup_key: naming::chatwoot_message(message.id),
        order_key: message.id,
        place: PlaceInQueue::Chat(LaneKind::Desk, desk::names()),
    }
}

/// An account webhook tells of every inbox; ours is one of them.
pub(super) fn is_for_us(message: &MessageEvent, access: &ChatwootAccess) -> bool {
    message.account_id == access.account && message.inbox_id == access.inbox
}

/// The account is told by newer versions only.
fn is_ours(event: &ConversationEvent, access: &ChatwootAccess) -> bool {
    event.inbox_id == access.inbox && event.account_id.is_none_or(|account| account == access.account)
}

fn is_our_echo(message: &MessageEvent) -> bool {
    let source_id = message.source_id.as_deref().filter(|_| !is_sabotaged(Sabotage::EchoGuard));
    naming::is_echo(source_id, message.message_type == MessageType::Incoming)
}

/// What an agent's Retry leaves of a failed message: neither deleted nor failed any more. So does every status that we set.
fn may_be_retried(message: &MessageEvent) -> bool {
    let attributes = &message.content_attributes;
    was_ours_to_send(message) && !attributes.deleted() && attributes.external_error().is_none()
}

/// Whether a message was for the customer and made in Chatwoot: what was relayed into it has a source id.
fn was_ours_to_send(message: &MessageEvent) -> bool {
    let is_for_customer = matches!(message.message_type, MessageType::Outgoing | MessageType::Template);
    is_for_customer && !message.private && message.source_id.is_none()
}

/// Source ids of chats that are not known by a phone number: digits, and a suffix for the kind of address.
const SUFFIXES: [(&str, &str); 4] =
    [("-lid", "lid"), ("-group", "g.us"), ("-newsletter", "newsletter"), ("-broadcast", "broadcast")];
/// The source id of the status updates.
const STATUS: &str = "status-broadcast";

/// What a contact is called in the inbox. Dots would end the path segment it becomes in Chatwoot's public API.
pub(crate) fn source_id_of(jid: &Jid) -> Option<String> {
    let suffix = match jid.server() {
        Server::User => "",
        Server::Lid => "-lid",
        Server::Group => "-group",
        Server::Newsletter => "-newsletter",
        Server::Status | Server::Broadcast => "-broadcast",
        Server::Call | Server::Bot | Server::Other(_) => return None,
    };
    Some(format!("{}{suffix}", jid.user()))
}

/// A chat as Chatwoot names it: the source id we gave it, else the contact's identifier, else its phone number.
pub(crate) fn chat_names(conversation: &ConversationRef) -> ChatNames {
    let source = conversation.source_id.as_deref();
    let given = source.and_then(jid_of_source);
    let told = conversation.contact.as_ref().and_then(jid_of_contact);
    let jid = given.clone().or(told);
    let mut names: Vec<_> = jid.iter().map(ToString::to_string).collect();
    if given.is_none() {
        // a source id that Chatwoot made up is a name too, but the number counts more: agents may correct it
        names.extend(source.map(|source| format!("{CHATWOOT_NAME}{source}")));
    }
    if names.is_empty() {
        names.push(format!("{CHATWOOT_NAME}conversation-{}", conversation.id));
    }
    let spellings = jid.as_ref().map(other_spellings).unwrap_or_default();
    ChatNames { jid, names, spellings }
}

/// The address that a source id of ours leads to.
pub(crate) fn jid_of_source(source: &str) -> Option<Jid> {
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if source == STATUS {
        return Jid::parse("status@broadcast").ok();
    }
    for (suffix, server) in SUFFIXES {
        if let Some(user) = source.strip_suffix(suffix).filter(|user| is_digits(user)) {
            return Jid::parse(&format!("{user}@{server}")).ok();
        }
    }
    is_digits(source).then(|| Jid::parse(&format!("{source}@s.whatsapp.net")).ok()).flatten()
}

fn jid_of_contact(contact: &ContactRef) -> Option<Jid> {
    let identified = contact
        .identifier
        .as_deref()
        .and_then(|text| Jid::parse(text).ok())
        .filter(|jid| jid.is_person() || jid.is_group());
    let phone = || contact.phone_number.as_deref().and_then(|text| Phone::parse(text, None).ok());
    identified.or_else(|| phone().as_ref().map(Jid::from_phone))
}

#[cfg(test)]
mod tests {
    use chatwoot::ConversationStatus;

    use super::*;

    fn conversation(source: &str, identifier: Option<&str>, phone: Option<&str>) -> ConversationRef {
        ConversationRef {
            id: 42,
            status: ConversationStatus::Open,
            source_id: Some(source.to_owned()),
            contact_id: Some(1),
            contact: Some(ContactRef {
                id: 1,
                name: None,
                phone_number: phone.map(ToOwned::to_owned),
                identifier: identifier.map(ToOwned::to_owned),
                blocked: false,
            }),
            agent_last_seen_at: None,
        }
    }

    #[test]
    fn our_source_ids_lead_back_to_the_address() {
        let chat = chat_names(&conversation("5511988887777", None, Some("+15550001111")));
        assert_eq!(chat.names, ["5511988887777@s.whatsapp.net"]);
        let chat = chat_names(&conversation("200000000000001-lid", None, None));
        assert_eq!(chat.jid.unwrap().to_string(), "200000000000001@lid");
        for jid in [
            "5511988887777@s.whatsapp.net",
            "200000000000001@lid",
            "120363000000000001@g.us",
            "120363000000000009@newsletter",
            "1700000000@broadcast",
            "status@broadcast",
        ] {
            let source = source_id_of(&Jid::parse(jid).unwrap()).unwrap();
            assert!(!source.contains(['.', '@']), "{source}");
            assert_eq!(jid_of_source(&source).unwrap().to_string(), jid);
        }
    }

    #[test]
    fn a_conversation_begun_by_an_agent_is_found_by_identifier_then_phone() {
        let uuid = "0b4a1b1e-0000-4000-8000-000000000000";
        let chat = chat_names(&conversation(uuid, Some("553187654321@s.whatsapp.net"), Some("+5531987654321")));
        assert_eq!(chat.names, ["553187654321@s.whatsapp.net".to_owned(), format!("chatwoot:{uuid}")]);
        let chat = chat_names(&conversation(uuid, None, Some("+5531987654321")));
        assert_eq!(chat.names[0], "5531987654321@s.whatsapp.net");
        assert_eq!(chat.spellings, ["553187654321@s.whatsapp.net"]);
        let chat = chat_names(&conversation(uuid, None, None));
        assert_eq!((chat.jid, chat.names.len()), (None, 1));
    }
}
