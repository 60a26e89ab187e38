//! Contact cards in words, and the name of their file.

use super::Locale;
use super::lines::Lines;
use crate::event::{ContactCard, ContactCards};

/// Most cards that are written out; the file has them all.
const MOST_CARDS: usize = 20;

/// The cards with all that is on them.
pub fn cards(locale: Locale, cards: &ContactCards) -> String {
    let count = cards.cards.len();
    let title = match (count, locale) {
        (1, _) => locale.pick("Contato", "Contact", "Contacto"),
        (_, Locale::PtBr) => format!("{count} contatos"),
        (_, Locale::En) => format!("{count} contacts"),
        (_, Locale::Es) => format!("{count} contactos"),
    };
    let mut lines = Lines::titled("👤", &title);
    for card in cards.cards.iter().take(MOST_CARDS) {
        if count > 1 {
            lines.line(String::new());
        }
        write(&mut lines, locale, card);
    }
    if count > MOST_CARDS {
        lines.line("…".to_owned());
    }
    lines.finish()
}

fn write(lines: &mut Lines, locale: Locale, card: &ContactCard) {
    lines.words(card.name.as_deref()).words(card.organisation.as_deref());
    for phone in &card.phones {
        lines.sign("📞", Some(phone));
    }
    for email in &card.emails {
        lines.sign("✉️", Some(email));
    }
    if card.phones.is_empty() && card.emails.is_empty() {
        lines.line(locale.pick("sem número", "no number", "sin número"));
    }
}

/// What the file of the cards is called.
pub fn card_file_name(locale: Locale, cards: &ContactCards) -> String {
    let name = match cards.cards.as_slice() {
        [card] => card.name.clone(),
        _ => None,
    };
    let name = name.unwrap_or_else(|| locale.pick("contatos", "contacts", "contactos"));
    let safe: String =
        name.chars().filter(|sign| !sign.is_control() && !"/\\:*?\"<>|".contains(*sign)).take(60).collect();
    let safe = safe.trim().trim_matches('.');
    if safe.is_empty() { "vcard.vcf".to_owned() } else { format!("{safe}.vcf") }
}
