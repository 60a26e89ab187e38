//! Contact cards.

use relay_domain::event::{ContactCard, ContactCards, Content};
use serde_json::Value;

use super::fields::{list, text};

pub(super) fn contact(content: &Value) -> Option<Content> {
    cards(std::slice::from_ref(content))
}

pub(super) fn contacts(content: &Value) -> Option<Content> {
    cards(list(content, "contacts"))
}

fn cards(contacts: &[Value]) -> Option<Content> {
    let contacts: Vec<_> = contacts.iter().filter(|contact| read(contact) != ContactCard::default()).collect();
    let files: Vec<_> = contacts.iter().filter_map(|contact| text(contact, "vcard")).collect();
    let vcf = files.iter().flat_map(|file| [file.trim(), "\n"]).collect();
    let cards: Vec<_> = contacts.into_iter().map(read).collect();
    (!cards.is_empty()).then_some(Content::Cards(ContactCards { cards, vcf }))
}

fn read(contact: &Value) -> ContactCard {
    let card = text(contact, "vcard").map(|vcard| ContactCard::parse(&vcard)).unwrap_or_default();
    ContactCard { name: text(contact, "displayName").or(card.name), ..card }
}
