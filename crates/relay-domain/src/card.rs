//! Places and contact cards: what WhatsApp shows as more than text.
//!
//! [`lift`] takes them out of an agent's text: a vCard, or a link to a map that stands alone on its line and names its
//! coordinates. Everything else stays as it was typed.

mod map_link;
mod vcard;

pub use vcard::people_of;

/// Something that WhatsApp shows as a card.
#[derive(Clone, Debug, PartialEq)]
pub enum Card {
    /// A place.
    Place(Place),
    /// Contacts.
    People(Vec<Person>),
}

/// A place on Earth.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
    /// What it is called.
    pub name: Option<String>,
}

impl Place {
    /// A place, if there is such a place on Earth.
    pub fn new(latitude: f64, longitude: f64, name: Option<String>) -> Option<Self> {
        let is_on_earth = latitude.abs() <= 90.0 && longitude.abs() <= 180.0;
        is_on_earth.then_some(Self { latitude, longitude, name })
    }
}

/// Somebody with a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The name.
    pub name: String,
    /// The number as it is written.
    pub phone: String,
    /// Its digits.
    pub digits: String,
}

impl Person {
    /// Somebody with a number, if there are digits in it. Who has no name is called by the number.
    pub fn new(name: Option<String>, phone: &str) -> Option<Self> {
        let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
        let name = name.filter(|name| !name.trim().is_empty()).unwrap_or_else(|| phone.to_owned());
        (digits.len() >= FEWEST_DIGITS).then(|| Self { name, phone: phone.to_owned(), digits })
    }
}

/// Most cards of one text; what follows stays text.
const MOST_CARDS: usize = 20;
/// Digits of the shortest number that is one.
const FEWEST_DIGITS: usize = 3;

/// Takes cards out of a text; the rest is without the lines they stood on. Code stays as it is.
pub fn lift(text: &str) -> (String, Vec<Card>) {
    let (mut rest, mut cards) = (Vec::new(), Vec::new());
    let mut is_code = false;
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let bare = line.trim();
        is_code ^= bare.starts_with("```");
        if is_code || cards.len() >= MOST_CARDS {
            rest.push(line);
        } else if vcard::begins(bare) {
            // everything up to its end is the card, or else plain text
            let block: Vec<_> = std::iter::once(line).chain(take_card(&mut lines)).collect();
            match people_of(&block.join("\n")) {
                people if people.is_empty() => rest.extend(block),
                people => add_people(&mut cards, people),
            }
        } else if let Some(place) = map_link::place_of(bare) {
            cards.push(Card::Place(place));
        } else {
            rest.push(line);
        }
    }
    if cards.is_empty() { (text.to_owned(), cards) } else { (rest.join("\n").trim().to_owned(), cards) }
}

fn take_card<'a>(lines: &mut std::iter::Peekable<std::str::Lines<'a>>) -> Vec<&'a str> {
    let mut block = Vec::new();
    while let Some(line) = lines.next_if(|line| !vcard::begins(line.trim())) {
        block.push(line);
        if vcard::ends(line.trim()) {
            break;
        }
    }
    block
}

/// Cards that follow each other are sent as one message.
fn add_people(cards: &mut Vec<Card>, people: Vec<Person>) {
    match cards.last_mut() {
        Some(Card::People(known)) => known.extend(people),
        Some(Card::Place(_)) | None => cards.push(Card::People(people)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const JOAO: &str =
        "BEGIN:VCARD\nVERSION:3.0\nFN:João Silva\nTEL;type=CELL;waid=5511977776666:+55 11 97777-6666\nEND:VCARD";

    fn joao() -> Person {
        let phone = "+55 11 97777-6666".to_owned();
        Person { name: "João Silva".to_owned(), phone, digits: "5511977776666".to_owned() }
    }

    #[test]
    fn cards_are_lifted_and_the_rest_stays() {
        let text = format!("Fale com ele:\n{JOAO}\n\nEstamos aqui:\nhttps://maps.google.com/?q=-23.55,-46.63\nAté já!");
        let (rest, cards) = lift(&text);
        assert_eq!(rest, "Fale com ele:\n\nEstamos aqui:\nAté já!");
        let place = Place { latitude: -23.55, longitude: -46.63, name: None };
        assert_eq!(cards, [Card::People(vec![joao()]), Card::Place(place)]);
        let (rest, cards) = lift(&format!("{JOAO}\n{JOAO}"));
        assert_eq!((rest.as_str(), cards), ("", vec![Card::People(vec![joao(), joao()])]));
    }

    #[test]
    fn what_is_no_card_is_not_touched() {
        for text in [
            "  veja https://maps.google.com/?q=-23.55,-46.63 \n",
            "https://example.com/?q=-23.55,-46.63",
            "```\ngeo:-23.55,-46.63\n```",
            "BEGIN:VCARD\nFN:sem número\nEND:VCARD",
            "BEGIN:VCARD\nFN:sem fim",
            "",
            "\n\n",
        ] {
            assert_eq!(lift(text), (text.to_owned(), vec![]), "{text}");
        }
    }

    #[test]
    fn a_flood_of_places_stays_text() {
        let (rest, cards) = lift(&"geo:1,2\n".repeat(25));
        assert_eq!((cards.len(), rest.lines().count()), (20, 5));
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "(BEGIN:VCARD|END:VCARD|TEL:1234|FN:x|geo:1,2|https://www.google.com/maps/@1,2,3z|\n|```|.){0,30}") {
            let (rest, cards) = lift(&text);
            prop_assert!(!cards.is_empty() || rest == text);
        }
    }
}
