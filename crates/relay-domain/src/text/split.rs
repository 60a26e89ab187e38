//! Cuts long text where a reader would pause.
//!
//! Invariant: the parts together hold every visible character of the text, in order, and none is longer than the limit.

const ELLIPSIS: char = '…';

/// Cuts a text into parts of at most `max_chars` characters: at blank lines, else at line ends, else after sentences, else
/// at spaces, and within a word only when it alone is longer than the limit. White space at a cut is dropped.
///
/// A text within the limit is returned as it is. A limit of 0 counts as 1.
pub fn split_at_paragraph(text: &str, max_chars: usize) -> Vec<String> {
    let max_chars = max_chars.max(1);
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(window) = longer_than(rest, max_chars) {
        let cut = cut_of(window, rest);
        let (head, tail) = rest.split_at(cut);
        parts.push(head.trim_end().to_owned());
        rest = tail.trim_start();
    }
    if !rest.is_empty() || text.is_empty() {
        parts.push(rest.to_owned());
    }
    parts.retain(|part| !part.is_empty() || text.is_empty());
    parts
}

/// The beginning of a text in one line of at most `max_chars` characters, with `…` where something is left out.
pub fn excerpt(text: &str, max_chars: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if longer_than(&line, max_chars).is_none() {
        return line;
    }
    let Some(room) = max_chars.checked_sub(1) else {
        return String::new();
    };
    let window = longer_than(&line, room).unwrap_or(&line);
    let ends_word = line.get(window.len()..).is_some_and(|rest| rest.starts_with(' '));
    let at_word = if ends_word {
        window.len()
    } else {
        window.rfind(' ').filter(|at| *at >= window.len() / 2).unwrap_or(window.len())
    };
    let cut = whole_character(&line, at_word);
    let mut short = line.get(..cut).unwrap_or_default().trim_end().to_owned();
    short.push(ELLIPSIS);
    short
}

/// The first `max_chars` characters of a text that has more.
fn longer_than(text: &str, max_chars: usize) -> Option<&str> {
    let (end, _) = text.char_indices().nth(max_chars)?;
    text.get(..end)
}

/// Where to cut, in bytes; always within the window and after at least one character.
fn cut_of(window: &str, text: &str) -> usize {
    let half = window.len() / 2;
    let late = |cut: &usize| *cut > half;
    let blank_line = window.rfind("\n\n").filter(late);
    let line = window.rfind('\n').filter(late);
    let has_space_next = text.get(window.len()..).is_some_and(|rest| rest.starts_with(char::is_whitespace));
    let word = if has_space_next { Some(window.len()) } else { window.rfind(char::is_whitespace) };
    blank_line
        .or(line)
        .or_else(|| sentence_end(window).filter(late))
        .or(word.filter(|cut| *cut > 0))
        .unwrap_or_else(|| whole_character(text, window.len()))
}

/// The end of the last sentence that is followed by white space within the window.
fn sentence_end(window: &str) -> Option<usize> {
    let mut signs = window.char_indices().rev().peekable();
    while let Some((at, sign)) = signs.next() {
        let ends = matches!(signs.peek(), Some((_, '.' | '!' | '?' | '…' | '。' | '！' | '？')));
        if sign.is_whitespace() && ends {
            return Some(at);
        }
    }
    None
}

/// Moves a cut back so that marks and joiners stay with the sign they belong to; stays where it is if that leaves nothing.
fn whole_character(text: &str, cut: usize) -> usize {
    let mut at = cut;
    while at > 0 {
        let next = text.get(at..).and_then(|rest| rest.chars().next());
        let previous = text.get(..at).and_then(|head| head.chars().next_back());
        let is_joined = next.is_some_and(is_attached) || previous == Some('\u{200d}');
        match previous {
            Some(sign) if is_joined => at -= sign.len_utf8(),
            Some(_) | None => return at,
        }
    }
    cut
}

/// Whether a character only changes the one before it: accents, emoji variants, skin tones, joiners.
fn is_attached(sign: char) -> bool {
    matches!(sign, '\u{300}'..='\u{36f}' | '\u{200d}' | '\u{20d0}'..='\u{20ff}' | '\u{fe00}'..='\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_text_within_the_limit_is_left_alone() {
        assert_eq!(split_at_paragraph("  oi\n\n", 10), ["  oi\n\n"]);
        assert_eq!(split_at_paragraph("", 10), [""]);
    }

    #[test]
    fn cuts_prefer_paragraph_line_sentence_and_space() {
        assert_eq!(split_at_paragraph("um dois\n\ntres quatro\ncinco", 18), ["um dois\n\ntres", "quatro\ncinco"]);
        assert_eq!(split_at_paragraph("um dois tres\n\nquatro cinco", 20), ["um dois tres", "quatro cinco"]);
        assert_eq!(split_at_paragraph("um dois tres\nquatro cinco", 20), ["um dois tres", "quatro cinco"]);
        assert_eq!(split_at_paragraph("Um dois tres. Quatro cinco", 20), ["Um dois tres.", "Quatro cinco"]);
        assert_eq!(split_at_paragraph("um dois tres quatro", 12), ["um dois tres", "quatro"]);
        assert_eq!(split_at_paragraph("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(split_at_paragraph("ab", 0), ["a", "b"]);
    }

    #[test]
    fn joined_signs_stay_together_unless_they_alone_exceed_the_limit() {
        let family = "👩\u{200d}👩\u{200d}👧";
        assert_eq!(split_at_paragraph(&format!("ab{family}"), 4), ["ab", "👩\u{200d}👩\u{200d}", "👧"]);
        assert_eq!(split_at_paragraph("abe\u{301}c", 3), ["ab", "e\u{301}c"]);
        assert_eq!(excerpt("abe\u{301}cd", 4), "ab…");
    }

    #[test]
    fn an_excerpt_is_one_line_cut_at_a_word() {
        assert_eq!(excerpt("oi\n\n tudo   bem", 20), "oi tudo bem");
        assert_eq!(excerpt("oi tudo bem", 8), "oi tudo…");
        assert_eq!(excerpt("oi tudo bem", 9), "oi tudo…");
        assert_eq!(excerpt("abcdefgh", 4), "abc…");
        assert_eq!(excerpt("abc", 1), "…");
        assert_eq!(excerpt("abc", 0), "");
    }

    proptest! {
        #[test]
        fn parts_hold_everything_within_the_limit(text in "([a-c]{1,9}|[ .!\n]{1,3}|é|\u{301}|👩|\u{200d}){0,40}", max in 0..20_usize) {
            let parts = split_at_paragraph(&text, max);
            let visible = |text: &str| text.split_whitespace().collect::<String>();
            prop_assert_eq!(visible(&parts.concat()), visible(&text));
            for part in &parts {
                prop_assert!(part.chars().count() <= max.max(1));
            }
        }

        #[test]
        fn any_text_can_be_cut(text in ".{0,80}", max in 0..12_usize) {
            prop_assert!(split_at_paragraph(&text, max).iter().all(|part| part.chars().count() <= max.max(1)));
            prop_assert!(excerpt(&text, max).chars().count() <= max);
        }
    }
}
