//! Names that strangers chose, made harmless, and put in the place of the numbers that mentions are written with.

/// Signs that mean something in Markdown wherever they stand.
const MARKS: &str = r"\`*_~[]<>|&#!";

/// A text on one line that shows as it is in Markdown: its marks are escaped, what would be made a link is not one, and
/// characters that hide or turn text are left out. At most `most` characters are kept.
pub fn plain(text: &str, most: usize) -> String {
    let line = one_line(text, most);
    let mut out = String::with_capacity(line.len());
    let mut characters = line.chars().peekable();
    while let Some(sign) = characters.next() {
        let makes_link = characters.peek().is_some_and(|next| match sign {
            ':' => *next == '/',
            '.' | '@' => next.is_alphanumeric(),
            _ => false,
        });
        if MARKS.contains(sign) || makes_link {
            out.push('\\');
        }
        out.push(sign);
    }
    out
}

/// Replaces `@<user>` by `@<name>` for each of `names`, pairs of the two. Nothing else is touched; of two users of which one
/// begins like the other, the whole one counts.
pub fn with_names(text: &str, names: &[(String, String)]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('@') {
        out.push_str(before);
        out.push('@');
        let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (user, tail) = after.split_at(digits);
        let is_mention = !before.ends_with(char::is_alphanumeric);
        match names.iter().find(|(known, _)| is_mention && known == user) {
            Some((_, name)) => out.push_str(&without_marks(name)),
            None => out.push_str(user),
        }
        rest = tail;
    }
    out.push_str(rest);
    out
}

/// A name inside a WhatsApp text must not begin or end one of the marks there.
fn without_marks(name: &str) -> String {
    one_line(&name.replace(['*', '_', '~', '`', '@'], ""), 60)
}

fn one_line(text: &str, most: usize) -> String {
    let shown: String = text.chars().filter(|c| c.is_whitespace() || !is_hidden(*c)).collect();
    let line = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().take(most).collect()
}

/// Controls, and marks that turn the direction of text. The joiner that builds emoji stays.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}' | '\u{200c}' | '\u{200e}' | '\u{200f}' | '\u{feff}')
        || ('\u{202a}'..='\u{202e}').contains(&c)
        || ('\u{2060}'..='\u{2069}').contains(&c)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_is_only_a_name() {
        let table = [
            ("Ana Souza", "Ana Souza"),
            ("Dr. João 👨‍👩‍👧", "Dr. João 👨‍👩‍👧"),
            ("**Chefe**", r"\*\*Chefe\*\*"),
            ("a\n\n# b", r"a \# b"),
            ("[x](http://evil.example)", r"\[x\](http\://evil\.example)"),
            ("a\u{202e}b\u{0}c", "abc"),
        ];
        for (name, shown) in table {
            assert_eq!(plain(name, 60), shown);
        }
        assert_eq!(plain("abcdef", 3), "abc");
    }

    #[test]
    fn mentions_get_names_and_nothing_else_changes() {
        let names = [("5511".to_owned(), "Ana".to_owned()), ("55112".to_owned(), "*Bia*\n_".to_owned())];
        let table = [
            ("Oi @5511!", "Oi @Ana!"),
            ("@55112 e @5511", "@Bia e @Ana"),
            ("@551123 mail@5511.com a@b 5511", "@551123 mail@5511.com a@b 5511"),
            ("sem menção *x*", "sem menção *x*"),
            ("@", "@"),
        ];
        for (text, named) in table {
            assert_eq!(with_names(text, &names), named);
        }
    }

    proptest! {
        #[test]
        fn without_names_a_text_stays_as_it_is(text in ".{0,80}") {
            prop_assert_eq!(with_names(&text, &[]), text);
        }

        #[test]
        fn a_plain_text_has_one_line_and_no_bare_mark(text in ".{0,80}") {
            let shown = plain(&text, 80);
            prop_assert!(!shown.contains('\n'));
            let bare = shown.replace(r"\\", "").replace(r"\*", "").replace(r"\[", "").replace(r"\`", "");
            prop_assert!(!bare.contains(['*', '[', '`']));
        }
    }
}
