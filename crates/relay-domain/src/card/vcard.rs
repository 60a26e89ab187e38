//! vCards, versions 2.1 to 4.0: names and numbers, which is all that WhatsApp takes.

use super::Person;

pub(super) fn begins(line: &str) -> bool {
    line.eq_ignore_ascii_case("BEGIN:VCARD")
}

pub(super) fn ends(line: &str) -> bool {
    line.eq_ignore_ascii_case("END:VCARD")
}

/// The people of one or more whole vCards, once for each of their numbers.
pub fn people_of(text: &str) -> Vec<Person> {
    let (mut people, mut open) = (Vec::new(), None);
    for line in unfolded(text) {
        let line = line.trim();
        if begins(line) {
            open = Some(Fields::default());
        } else if ends(line) {
            people.extend(open.take().map(Fields::people).into_iter().flatten());
        } else if let Some(fields) = &mut open {
            fields.read(line);
        }
    }
    people
}

/// Lines that go on after a line break begin with a space.
fn unfolded(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        let line = line.trim_end_matches('\r');
        match (lines.last_mut(), line.strip_prefix([' ', '\t'])) {
            (Some(last), Some(more)) if !last.is_empty() => last.push_str(more),
            _ => lines.push(line.to_owned()),
        }
    }
    lines
}

/// What is known of one card.
#[derive(Default)]
struct Fields {
    full_name: Option<String>,
    name: Option<String>,
    organisation: Option<String>,
    /// Numbers as written, with the WhatsApp digits if they are told.
    numbers: Vec<(String, Option<String>)>,
}

impl Fields {
    fn read(&mut self, line: &str) {
        let Some((head, value)) = line.split_once(':') else { return };
        let mut head = head.split(';');
        let key = head.next().unwrap_or_default();
        // `item1.TEL` is a TEL with a label
        let key = key.rsplit('.').next().unwrap_or_default().to_ascii_uppercase();
        let value = plain(value);
        match key.as_str() {
            _ if value.is_empty() => {}
            "FN" => self.full_name = Some(value),
            "N" => self.name = Some(in_order(&value)),
            "ORG" => self.organisation = Some(value.replace(';', " ").trim().to_owned()),
            "TEL" => {
                let waid = head.find_map(|parameter| parameter.strip_prefix("waid=")).map(ToOwned::to_owned);
                self.numbers.push((value.strip_prefix("tel:").unwrap_or(&value).to_owned(), waid));
            }
            _ => {}
        }
    }

    fn people(self) -> Vec<Person> {
        let name = self.full_name.or(self.name).filter(|name| !name.is_empty()).or(self.organisation);
        let person = |(phone, waid): (String, Option<String>)| {
            let person = Person::new(name.clone(), &phone)?;
            let waid = waid.filter(|waid| !waid.is_empty() && waid.bytes().all(|byte| byte.is_ascii_digit()));
            Some(Person { digits: waid.unwrap_or_else(|| person.digits.clone()), ..person })
        };
        self.numbers.into_iter().filter_map(person).collect()
    }
}

/// `Family;Given;…` as people say it.
fn in_order(name: &str) -> String {
    let mut parts = name.split(';').map(str::trim);
    let (family, given) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    format!("{given} {family}").trim().to_owned()
}

/// A value without its escapes; a line break within is a space.
fn plain(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut signs = value.chars();
    while let Some(sign) = signs.next() {
        match sign {
            '\\' => match signs.next() {
                Some('n' | 'N') => out.push(' '),
                Some(escaped) => out.push(escaped),
                None => out.push('\\'),
            },
            sign => out.push(sign),
        }
    }
    out.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, String, String)> {
        people_of(text).into_iter().map(|person| (person.name, person.phone, person.digits)).collect()
    }

    fn row(name: &str, phone: &str, digits: &str) -> (String, String, String) {
        (name.to_owned(), phone.to_owned(), digits.to_owned())
    }

    #[test]
    fn names_and_numbers_are_read() {
        let apple = "BEGIN:VCARD\r\nVERSION:3.0\r\nN:Souza;Ana;;;\r\nFN:Ana \r\n Souza\r\nitem1.TEL;type=pref:+55 (11) 9 0000-0001\r\n\
            TEL;waid=551133334444;type=WORK:(11) 3333-4444\r\nEND:VCARD\r\n";
        let wanted = [
            row("Ana Souza", "+55 (11) 9 0000-0001", "5511900000001"),
            row("Ana Souza", "(11) 3333-4444", "551133334444"),
        ];
        assert_eq!(read(apple), wanted);
        let new = "begin:vcard\nVERSION:4.0\nN:Silva;João;;;\nTEL;VALUE=uri;TYPE=cell:tel:+5511977776666\nend:vcard";
        assert_eq!(read(new), [row("João Silva", "+5511977776666", "5511977776666")]);
        let company = "BEGIN:VCARD\nORG:Acme\\, Inc;Vendas\nTEL:0800 123\nEND:VCARD";
        assert_eq!(read(company), [row("Acme, Inc Vendas", "0800 123", "0800123")]);
        let nameless = "BEGIN:VCARD\nTEL:+5511900000001\nEND:VCARD";
        assert_eq!(read(nameless), [row("+5511900000001", "+5511900000001", "5511900000001")]);
    }

    #[test]
    fn what_has_no_number_is_nobody() {
        for text in [
            "",
            "FN:x\nTEL:123456",
            "BEGIN:VCARD\nFN:x\nTEL:\nEND:VCARD",
            "BEGIN:VCARD\nFN:x\nTEL:12\nEND:VCARD",
            "BEGIN:VCARD\nTEL:1234",
        ] {
            assert_eq!(people_of(text), [], "{text}");
        }
    }
}
