//! What Chatwoot's webhooks mean.

use chatwoot::{Attachment, FileType, MessageEvent, MessageType, Webhook};
use relay_domain::Timestamp;
use relay_domain::event::{AgentFile, AgentFileKind, CwMessage, CwRole, Event, Ignored};
use relay_domain::id::CwMessageId;

pub(super) fn translate(body: &[u8]) -> Event {
    match Webhook::parse(body) {
        Ok(Webhook::MessageUpdated(message)) if message.content_attributes.deleted() => {
            Event::ChatwootDeletion(CwMessageId::new(message.id))
        }
        // a change is what is left of a message that an agent sends again long after
        Ok(Webhook::MessageCreated(message) | Webhook::MessageUpdated(message)) => Event::Chatwoot(read(message)),
        Ok(Webhook::Other(_)) => Event::Nothing(Ignored::UnknownEvent),
        Ok(_) => Event::Nothing(Ignored::NoInterest),
        Err(_) => Event::Nothing(Ignored::UnknownShape),
    }
}

fn read(message: MessageEvent) -> CwMessage {
    CwMessage {
        id: CwMessageId::new(message.id),
        role: role(&message),
        created_at: Timestamp::from_millis(message.created_at),
        reply_to: message.content_attributes.in_reply_to().map(CwMessageId::new),
        files: message.attachments.iter().filter_map(file).collect(),
        menu: None,
        text: message.content,
    }
}

fn role(message: &MessageEvent) -> CwRole {
    if message.private {
        return CwRole::PrivateNote;
    }
    if message.content_attributes.deleted() {
        return CwRole::Deleted;
    }
    if message.source_id.is_some() || message.content_attributes.external_echo() {
        return CwRole::ApiEcho;
    }
    match message.message_type {
        MessageType::Outgoing | MessageType::Template => CwRole::ToCustomer,
        MessageType::Incoming | MessageType::Activity | MessageType::Other => CwRole::FromCustomer,
    }
}

fn file(attachment: &Attachment) -> Option<AgentFile> {
    let url = attachment.data_url.clone()?;
    let kind = match attachment.file_type {
        FileType::Image => AgentFileKind::Image,
        FileType::Video => AgentFileKind::Video,
        FileType::Audio => AgentFileKind::Audio,
        FileType::File => AgentFileKind::Document,
        // links and cards without bytes of their own
        _ => return None,
    };
    let name = chatwoot::file_name_of(&url).unwrap_or_else(|| format!("file-{}", attachment.id));
    Some(AgentFile { kind, url, name, mime: attachment.content_type.clone() })
}
