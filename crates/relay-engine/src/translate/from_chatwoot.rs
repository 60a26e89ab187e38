//! What Chatwoot's webhooks mean.

use chatwoot::{Attachment, ContentType, FileType, Item, ItemAction, MessageEvent, MessageType, Sender, Webhook};
use relay_domain::Timestamp;
use relay_domain::card::{Card, Person, Place};
use relay_domain::event::{AgentFile, AgentFileKind, CwMessage, CwRole, Event, Ignored};
use relay_domain::id::CwMessageId;
use relay_domain::menu::{self, Menu};
use relay_fault::{Sabotage, is_sabotaged};

pub(super) fn translate(body: &[u8]) -> Event {
    relay_fault::taste(body);
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
        menu: menu(&message),
        cards: message.attachments.iter().filter_map(card).collect(),
        agent: agent(&message.sender),
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
    let is_echo = message.source_id.is_some() || message.content_attributes.external_echo();
    if is_echo && !is_sabotaged(Sabotage::EchoGuard) {
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
        FileType::File if is_contact_card(attachment) => AgentFileKind::ContactCard,
        FileType::File => AgentFileKind::Document,
        // links and cards without bytes of their own
        _ => return None,
    };
    let name = chatwoot::file_name_of(&url).unwrap_or_else(|| format!("file-{}", attachment.id));
    Some(AgentFile { kind, url, name, mime: attachment.content_type.clone(), size: attachment.file_size })
}

fn is_contact_card(attachment: &Attachment) -> bool {
    let is_vcard =
        |mime: &str| matches!(mime.split(';').next(), Some("text/vcard" | "text/x-vcard" | "text/directory"));
    let has_name = |name: String| name.to_ascii_lowercase().ends_with(".vcf");
    attachment.content_type.as_deref().is_some_and(is_vcard)
        || attachment.data_url.as_deref().and_then(chatwoot::file_name_of).is_some_and(has_name)
}

/// Places and contacts that are attached as such.
fn card(attachment: &Attachment) -> Option<Card> {
    let title = attachment.fallback_title.clone();
    match attachment.file_type {
        FileType::Location => {
            let at = attachment.coordinates?;
            Place::new(at.latitude, at.longitude, title).map(Card::Place)
        }
        FileType::Contact => Some(Card::People(vec![Person::new(attachment.contact_name(), &title?)?])),
        _ => None,
    }
}

/// The name of the agent who wrote it: machines do not sign.
fn agent(sender: &Sender) -> Option<String> {
    match sender {
        Sender::User { name, .. } => Some(name.trim().to_owned()).filter(|name| !name.is_empty()),
        Sender::Bot { .. } | Sender::Contact | Sender::None => None,
    }
}

fn menu(message: &MessageEvent) -> Option<Menu> {
    let items = message.content_attributes.items();
    match message.content_type {
        ContentType::InputSelect => Some(Menu::Choice(items.into_iter().filter_map(|item| item.title).collect())),
        ContentType::Cards => Some(Menu::Cards(items.into_iter().map(shown).collect())),
        ContentType::Article => Some(Menu::Articles(items.into_iter().map(shown).collect())),
        ContentType::Form => Some(Menu::Form(items.into_iter().filter_map(|item| item.label.or(item.title)).collect())),
        _ => None,
    }
}

fn shown(item: Item) -> menu::Card {
    let action = |action: ItemAction| match (action.text, action.uri) {
        (Some(text), Some(address)) => Some(format!("{text}: {address}")),
        (Some(text), None) => Some(format!("- {text}")),
        (None, address) => address,
    };
    let offers = item.link.into_iter().chain(item.media_url).chain(item.actions.into_iter().filter_map(action));
    menu::Card { offers: offers.collect(), title: item.title, description: item.description }
}
