//! Messages with choices, and the choices made, in words.

use super::lines::{Lines, bare_link, copyable};
use super::{Locale, payment, place};
use crate::event::{Action, Choice, Offer, OfferOption};
use crate::text::literal;

/// Most cards of one message that are written out.
const MOST_CARDS: usize = 20;

/// A message with all that can be chosen on it.
pub fn offer(locale: Locale, offer: &Offer) -> String {
    let mut lines = Lines::untitled();
    write(&mut lines, locale, offer);
    for (number, card) in (1..=MOST_CARDS).zip(&offer.cards) {
        lines.line(String::new()).line(format!("🗂️ **{number}**"));
        write(&mut lines, locale, card);
    }
    let text = lines.finish();
    if text.is_empty() {
        locale.pick("🔘 Mensagem com opções", "🔘 Message with options", "🔘 Mensaje con opciones")
    } else {
        text
    }
}

fn write(lines: &mut Lines, locale: Locale, offer: &Offer) {
    if let Some(header) = offer.header.as_deref().filter(|header| !crate::text::is_blank(header)) {
        lines.line(format!("**{}**", literal(header)));
    }
    if let Some(place) = &offer.place {
        place::write(lines, place);
    }
    lines.text(offer.body.as_deref());
    for section in &offer.sections {
        lines.words(section.title.as_deref());
        lines.items(locale, section.options.iter().map(option));
    }
    for bill in &offer.bills {
        payment::bill(lines, locale, bill);
    }
    if let Some(footer) = offer.footer.as_deref().filter(|footer| !crate::text::is_blank(footer)) {
        lines.line(String::new()).line(format!("_{}_", literal(footer)));
    }
}

fn option(option: &OfferOption) -> String {
    let title = literal(&option.title);
    match &option.action {
        Action::Answer(None) => format!("🔘 {title}"),
        Action::Answer(Some(detail)) => format!("🔘 {title}: {}", literal(detail)),
        Action::Open(url) => format!("🔗 {title}: {}", bare_link(url)),
        Action::Call(number) => format!("📞 {title}: {}", literal(number)),
        Action::Copy(code) => format!("📋 {title}: {}", copyable(code)),
    }
}

/// The choice somebody made: what was written on it, and what the program behind the message knows it by.
pub fn choice(locale: Locale, choice: &Choice) -> String {
    let mut lines = Lines::untitled();
    let chosen = locale.pick("Opção escolhida", "Option chosen", "Opción elegida");
    match choice.title.as_deref().filter(|title| !crate::text::is_blank(title)) {
        Some(title) => lines.sign("🔘", Some(title)),
        None => lines.line(format!("🔘 {chosen}")),
    };
    lines.words(choice.detail.as_deref().filter(|detail| Some(*detail) != choice.title.as_deref()));
    for (question, answer) in choice.answers.iter().take(MOST_CARDS) {
        lines.field(&literal(question), Some(answer));
    }
    if let Some(id) = &choice.id {
        lines.line(format!("{}: {}", locale.pick("Código", "Id", "Código"), copyable(id)));
    }
    lines.finish()
}
