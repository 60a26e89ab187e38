//! Messages with choices, cards, fields or articles. WhatsApp shows them as text; a choice is answered with its number.
//!
//! The cast: a [`Menu`] is what goes along with a message's text, [`Menu::to_text`] writes it out, and a [`Choice`] remembers
//! what the customer was asked, so that `2` can be shown as what it stands for.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::event::{Author, Content, CwMessage, CwRole, Event};
use crate::id::{CwMessageId, WaMessageId};
use crate::note::{self, Locale};

/// How long a choice can be answered, in seconds.
const OPEN_FOR_SECS: u64 = 24 * 60 * 60;

/// What goes along with the text of a Chatwoot message (`input_select`, `cards`, `form`, `article`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Menu {
    /// Titles, one of which is to be chosen.
    Choice(Vec<String>),
    /// Cards with links.
    Cards(Vec<Card>),
    /// Names of fields to be filled in.
    Form(Vec<String>),
    /// Articles to read: titles with links.
    Articles(Vec<Card>),
}

/// A card or an article.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Card {
    /// What it is called.
    pub title: Option<String>,
    /// What it is about.
    pub description: Option<String>,
    /// What it offers, a line each: words, addresses or both.
    pub offers: Vec<String>,
}

impl Menu {
    /// Writes the menu out in WhatsApp's formatting; `None` when there is nothing in it.
    pub fn to_text(&self, locale: Locale) -> Option<String> {
        match self {
            Self::Choice(titles) if titles.is_empty() => None,
            Self::Choice(titles) => {
                let options = (1..).zip(titles).map(|(number, title)| format!("{number}. {title}"));
                Some(format!("{}\n\n{}", lines(options), note::menu::reply_with_number(locale)))
            }
            Self::Cards(cards) | Self::Articles(cards) => {
                let cards: Vec<_> = cards.iter().map(Card::to_text).filter(|card| !card.is_empty()).collect();
                (!cards.is_empty()).then(|| cards.join("\n\n"))
            }
            Self::Form(fields) if fields.is_empty() => None,
            Self::Form(fields) => {
                let fields = lines(fields.iter().map(|field| format!("- {field}")));
                Some(format!("{}\n{fields}", note::menu::fill_in(locale)))
            }
        }
    }
}

fn lines(lines: impl Iterator<Item = String>) -> String {
    lines.collect::<Vec<_>>().join("\n")
}

impl Card {
    fn to_text(&self) -> String {
        let title = self.title.as_ref().map(|title| format!("*{title}*"));
        lines(title.into_iter().chain(self.description.clone()).chain(self.offers.clone()))
    }
}

/// A choice that a customer was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// The message in Chatwoot.
    pub message: CwMessageId,
    /// What can be chosen, in order.
    pub titles: Vec<String>,
    /// When it was given.
    pub offered_at: Timestamp,
    /// The answer; there is one only.
    pub answer: Option<WaMessageId>,
}

/// The choice that an event gives to the customer.
pub fn offered(event: &Event, now: Timestamp) -> Option<Choice> {
    let Event::Chatwoot(CwMessage { id, role: CwRole::ToCustomer, menu: Some(Menu::Choice(titles)), .. }) = event
    else {
        return None;
    };
    (!titles.is_empty()).then(|| Choice { message: *id, titles: titles.clone(), offered_at: now, answer: None })
}

/// Takes a customer's message for the answer to a choice: a number is followed by the title it stands for. Returns the choice
/// as answered; `None` when the message is something else. The same message answers the same choice again.
pub fn answer(event: &mut Event, choice: &Choice, now: Timestamp) -> Option<Choice> {
    let Event::WhatsApp(message) = event else { return None };
    let Content::Text(text) = &mut message.content else { return None };
    let is_open = choice.answer.as_ref().is_none_or(|answer| *answer == message.id);
    if message.author != Author::Customer || !is_open || now.since(choice.offered_at).as_secs() >= OPEN_FOR_SECS {
        return None;
    }
    let said = text.trim();
    let by_number = number(said).and_then(|number| choice.titles.get(number.checked_sub(1)?));
    if let Some(title) = by_number {
        *text = format!("{said} ({title})");
    } else if !choice.titles.iter().any(|title| title.trim().to_lowercase() == said.to_lowercase()) {
        return None;
    }
    Some(Choice { answer: Some(message.id.clone()), ..choice.clone() })
}

/// `2`, `2.`, `2)`, `2º` and the emoji of a digit.
fn number(text: &str) -> Option<usize> {
    let digits = text.trim_end_matches(['.', ')', 'º', 'ª', '\u{fe0f}', '\u{20e3}']);
    let is_number = !digits.is_empty() && digits.len() <= 4 && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::WaMessage;

    fn choice() -> Choice {
        Choice {
            message: CwMessageId::new(7),
            titles: vec!["Pagar".to_owned(), "Segunda via".to_owned()],
            offered_at: Timestamp::from_secs(1000),
            answer: None,
        }
    }

    fn says(text: &str) -> Event {
        Event::WhatsApp(WaMessage {
            id: WaMessageId::new("A"),
            participant: None,
            mentions: Vec::new(),
            author: Author::Customer,
            sent_at: Timestamp::from_secs(1),
            quote: None,
            marks: crate::event::Marks::default(),
            ad: None,
            content: Content::Text(text.to_owned()),
        })
    }

    fn answered(text: &str, choice: &Choice, now: i64) -> Option<String> {
        let mut event = says(text);
        answer(&mut event, choice, Timestamp::from_secs(now))?;
        let Event::WhatsApp(WaMessage { content: Content::Text(text), .. }) = event else { panic!("{event:?}") };
        Some(text)
    }

    #[test]
    fn a_number_is_shown_with_its_title() {
        for said in ["2", " 2 ", "2.", "2)", "2\u{fe0f}\u{20e3}"] {
            let shown = answered(said, &choice(), 1001);
            assert_eq!(shown, Some(format!("{} (Segunda via)", said.trim())), "{said}");
        }
        assert_eq!(answered("segunda VIA", &choice(), 1001).as_deref(), Some("segunda VIA"));
        for other in ["0", "3", "2 pizzas", "", "-1", "99999", "Segunda"] {
            assert_eq!(answered(other, &choice(), 1001), None, "{other}");
        }
    }

    #[test]
    fn a_choice_is_answered_once_and_within_a_day() {
        let day = 24 * 60 * 60;
        assert!(answered("1", &choice(), 999 + day).is_some());
        assert_eq!(answered("1", &choice(), 1000 + day), None);
        let by = |id: &str| Choice { answer: Some(WaMessageId::new(id)), ..choice() };
        assert!(answered("1", &by("A"), 1001).is_some(), "the same message, worked on again");
        assert_eq!(answered("1", &by("B"), 1001), None);
    }

    #[test]
    fn menus_are_written_out() {
        let choice = Menu::Choice(choice().titles);
        assert_eq!(
            choice.to_text(Locale::En).as_deref(),
            Some("1. Pagar\n2. Segunda via\n\nReply with the number of your choice.")
        );
        let card = Card {
            title: Some("Sapato".to_owned()),
            description: Some("Vermelho".to_owned()),
            offers: vec!["Comprar: https://x.example/1".to_owned(), "https://y.example".to_owned()],
        };
        let shown = "*Sapato*\nVermelho\nComprar: https://x.example/1\nhttps://y.example";
        let empty = Card::default();
        assert_eq!(Menu::Cards(vec![card.clone(), empty]).to_text(Locale::En).as_deref(), Some(shown));
        assert_eq!(Menu::Articles(vec![card]).to_text(Locale::En).as_deref(), Some(shown));
        let form = Menu::Form(vec!["Nome".to_owned(), "E-mail".to_owned()]);
        assert_eq!(form.to_text(Locale::En).as_deref(), Some("Please send us:\n- Nome\n- E-mail"));
        for empty in [Menu::Choice(vec![]), Menu::Cards(vec![]), Menu::Form(vec![]), Menu::Articles(vec![])] {
            assert_eq!(empty.to_text(Locale::En), None);
        }
    }
}
