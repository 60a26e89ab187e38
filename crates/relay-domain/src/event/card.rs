//! Contact cards, and the vCards they come as.
//!
//! [`ContactCard::parse`] reads what phones write (vCard 2.1, 3.0 and 4.0). Invariant: any text gives a card; what it cannot read is
//! left out.

/// Contact cards sent together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactCards {
    /// The cards, in order.
    pub cards: Vec<ContactCard>,
    /// All of them as one file; empty when the sender's program wrote none.
    pub vcf: String,
}

/// One person or company.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContactCard {
    /// What it is called.
    pub name: Option<String>,
    /// Where it works.
    pub organisation: Option<String>,
    /// Telephone numbers as written.
    pub phones: Vec<String>,
    /// E-mail addresses.
    pub emails: Vec<String>,
}

/// A line of a vCard: `group.NAME;PARAM=x:value`.
struct Property<'a> {
    name: String,
    params: &'a str,
    value: &'a str,
}

impl ContactCard {
    /// Reads one vCard.
    pub fn parse(vcard: &str) -> Self {
        let mut card = Self::default();
        let mut structured = None;
        for line in unfolded(vcard) {
            let Some(property) = Property::read(&line) else { continue };
            match property.name.as_str() {
                "FN" => card.name = property.text().or(card.name),
                "N" => structured = property.full_name(),
                "ORG" => card.organisation = property.components().first().cloned().or(card.organisation),
                "TEL" => card.phones.extend(property.text()),
                "EMAIL" => card.emails.extend(property.text()),
                _ => {}
            }
        }
        card.name = card.name.or(structured);
        card.phones.dedup();
        card
    }
}

impl<'a> Property<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let colon = outside_quotes(line, ':')?;
        let (head, value) = (line.get(..colon)?, line.get(colon + 1..)?);
        let (name, params) = head.split_once(';').unwrap_or((head, ""));
        let name = name.rsplit_once('.').map_or(name, |(_, name)| name);
        Some(Self { name: name.trim().to_ascii_uppercase(), params, value })
    }

    /// The value in one line; `None` when there is none.
    fn text(&self) -> Option<String> {
        let value = self.decoded();
        let value = value.strip_prefix("tel:").unwrap_or(&value);
        let text = unescaped(value).split_whitespace().collect::<Vec<_>>().join(" ");
        (!text.is_empty()).then_some(text)
    }

    /// The parts of a value that has several, without the empty ones.
    fn components(&self) -> Vec<String> {
        let value = self.decoded();
        let parts = split_unescaped(&value).into_iter().map(|part| unescaped(part).trim().to_owned());
        parts.filter(|part| !part.is_empty()).collect()
    }

    /// Family name and given name are the first two parts, in this order.
    fn full_name(&self) -> Option<String> {
        let mut parts = self.components();
        if parts.len() > 1 {
            parts.swap(0, 1);
        }
        (!parts.is_empty()).then(|| parts.join(" "))
    }

    fn decoded(&self) -> String {
        let is_quoted = self.params.to_ascii_uppercase().contains("QUOTED-PRINTABLE");
        if is_quoted { quoted_printable(self.value) } else { self.value.to_owned() }
    }
}

/// Lines with their continuations: those that begin with white space, or, in quoted-printable, follow a `=`.
fn unfolded(vcard: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in vcard.lines() {
        let Some(last) = lines.last_mut() else {
            lines.push(line.to_owned());
            continue;
        };
        let is_soft = last.ends_with('=') && last.to_ascii_uppercase().contains("QUOTED-PRINTABLE");
        if is_soft {
            last.pop();
            last.push_str(line);
        } else if let Some(rest) = line.strip_prefix([' ', '\t']) {
            last.push_str(rest);
        } else {
            lines.push(line.to_owned());
        }
    }
    lines
}

fn outside_quotes(line: &str, wanted: char) -> Option<usize> {
    let mut is_quoted = false;
    for (at, sign) in line.char_indices() {
        match sign {
            '"' => is_quoted = !is_quoted,
            sign if sign == wanted && !is_quoted => return Some(at),
            _ => {}
        }
    }
    None
}

fn split_unescaped(value: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut is_escaped) = (0, false);
    for (at, sign) in value.char_indices() {
        if sign == ';' && !is_escaped {
            parts.push(value.get(start..at).unwrap_or_default());
            start = at + 1;
        }
        is_escaped = sign == '\\' && !is_escaped;
    }
    parts.push(value.get(start..).unwrap_or_default());
    parts
}

fn unescaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut signs = value.chars();
    while let Some(sign) = signs.next() {
        match (sign, sign == '\\') {
            (_, true) => match signs.next() {
                Some('n' | 'N') => out.push('\n'),
                Some(escaped) => out.push(escaped),
                None => out.push('\\'),
            },
            (sign, false) => out.push(sign),
        }
    }
    out
}

fn quoted_printable(value: &str) -> String {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((before, after)) = rest.split_once('=') {
        bytes.extend_from_slice(before.as_bytes());
        if let Some(byte) = after.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            bytes.push(byte);
            rest = after.get(2..).unwrap_or_default();
        } else {
            bytes.push(b'=');
            rest = after;
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_phones_write_is_read() {
        let card = ContactCard::parse(
            "BEGIN:VCARD\r\nVERSION:3.0\r\nN:Silva;João;;;\r\nFN:João\r\n  Silva\r\nORG:Loja\\, Filial;Vendas\r\n\
             item1.TEL;type=CELL;waid=5511900000003:+55 11 90000-0003\r\nTEL;VALUE=uri:tel:+551133334444\r\n\
             EMAIL;TYPE=\"work:main\":joao@example.com\r\nEND:VCARD",
        );
        assert_eq!(card.name.as_deref(), Some("João Silva"));
        assert_eq!(card.organisation.as_deref(), Some("Loja, Filial"));
        assert_eq!(card.phones, ["+55 11 90000-0003", "+551133334444"]);
        assert_eq!(card.emails, ["joao@example.com"]);
    }

    #[test]
    fn old_cards_are_read() {
        let card = ContactCard::parse(
            "BEGIN:VCARD\nVERSION:2.1\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:Souza;Jos=C3=A9 =\n da;;;\nTEL;CELL:11 9\nEND:VCARD",
        );
        assert_eq!(card.name.as_deref(), Some("José  da Souza"));
        assert_eq!(card.phones, ["11 9"]);
    }

    proptest! {
        #[test]
        fn any_text_gives_a_card(text in "((FN|N|TEL|EMAIL|ORG)[;:=\\\\\"a é\n]{0,9}){0,9}", noise in ".{0,60}") {
            drop(ContactCard::parse(&text));
            drop(ContactCard::parse(&noise));
        }
    }
}
