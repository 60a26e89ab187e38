//! Names, titles and other words of customers, in a line of the relay's own Markdown.
//!
//! Invariant: what is shown are the very characters that were given; they can neither mark anything nor make a link of
//! a word.

use super::excerpt;

/// Names longer than this are cut.
const LONGEST: usize = 500;

/// Writes words in one line of Markdown that shows just them. Backslashes stand only where they are needed, because
/// notifications show the Markdown itself.
pub fn literal(words: &str) -> String {
    let line = excerpt(words, LONGEST);
    let mut out = String::with_capacity(line.len() + 8);
    let mut previous = None;
    let is_numbered = begins_with_number(&line);
    let mut signs = line.chars().peekable();
    while let Some(sign) = signs.next() {
        let next = signs.peek().copied();
        let begins_item = sign == '+' && next.is_none_or(char::is_whitespace);
        let begins_block = previous.is_none() && (begins_item || matches!(sign, '#' | '>' | '-' | '='));
        let ends_number = is_numbered && matches!(sign, '.' | ')') && out.chars().all(|sign| sign.is_ascii_digit());
        if begins_block || ends_number || marks(previous, sign, next) {
            out.push('\\');
        }
        out.push(sign);
        previous = Some(sign);
    }
    out
}

/// Whether a text has nothing that can be seen: white space, and signs of no width.
pub fn is_blank(text: &str) -> bool {
    text.chars().all(|sign| sign.is_whitespace() || sign.is_control() || is_invisible(sign))
}

/// Whether Markdown could take the sign for a mark in this place.
fn marks(previous: Option<char>, sign: char, next: Option<char>) -> bool {
    let is_word = |sign: Option<char>| sign.is_some_and(char::is_alphanumeric);
    let is_space = |sign: Option<char>| sign.is_none_or(char::is_whitespace);
    match sign {
        '*' | '~' => !(is_space(previous) && is_space(next)) || previous.is_none(),
        '_' => !(is_word(previous) && is_word(next)),
        '`' | '[' | '|' => true,
        '\\' => next.is_none_or(|next| next.is_ascii_punctuation()),
        '<' => next.is_some_and(|next| next.is_ascii_alphabetic() || matches!(next, '/' | '!' | '?')),
        '&' => next.is_some_and(|next| next.is_ascii_alphanumeric() || next == '#'),
        _ => false,
    }
}

fn begins_with_number(line: &str) -> bool {
    let rest = line.trim_start_matches(|sign: char| sign.is_ascii_digit());
    rest.len() < line.len() && rest.starts_with(['.', ')'])
}

/// Signs of no width that are not white space.
fn is_invisible(sign: char) -> bool {
    matches!(sign,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180e}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

    use super::*;

    /// What a reader of the Markdown sees, and whether anything is marked.
    fn seen(markdown: &str) -> (String, bool) {
        let mut text = String::new();
        let mut is_marked = false;
        for event in Parser::new_ext(markdown, Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TABLES) {
            if let Event::Text(words) = event {
                text.push_str(&words);
            } else {
                let is_paragraph = [Event::Start(Tag::Paragraph), Event::End(TagEnd::Paragraph)].contains(&event);
                is_marked |= !is_paragraph;
            }
        }
        (text, is_marked)
    }

    #[test]
    fn names_stay_as_they_are() {
        for name in
            ["João da Silva", "snake_case", "+55 11 9", "R$ 10,00 (à vista)", "a * b", "ana@example.com", "50% & mais"]
        {
            assert_eq!(literal(name), name);
        }
        assert_eq!(literal("*Grátis*\n[aqui](http://x)"), "\\*Grátis\\* \\[aqui](http://x)");
        assert_eq!(literal("# 1"), "\\# 1");
        assert_eq!(literal("12. item"), "12\\. item");
    }

    #[test]
    fn what_cannot_be_seen_is_blank() {
        for text in ["", " \n\t", "\u{200b}\u{feff}", "\u{2800}", "\u{200f}\u{2066}"] {
            assert!(is_blank(text), "{text:?}");
        }
        for text in [".", "\u{200d}👩", "０"] {
            assert!(!is_blank(text), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_is_marked_and_nothing_lost(words in "([*_~`\\[\\]()<>#&!|+=.0-9-]|[a-c]{1,2}| |é|\\\\|http://x|lt;){0,24}") {
            let line = excerpt(&words, 500);
            let (text, is_marked) = seen(&literal(&words));
            prop_assert_eq!(text, line);
            prop_assert!(!is_marked);
        }
    }
}
