//! Cuts long text where a reader would pause.
//!
//! Invariant: the parts together hold every visible character of the text, in order, and none is longer than the limit.
//! Code that is cut is closed in one part and opened again in the next.

use std::ops::Range;

use unicode_segmentation::GraphemeCursor;

use super::work;

const ELLIPSIS: char = '…';
const FENCE: &str = "```";
const REOPENED: &str = "```\n";
const CLOSED: &str = "\n```";
/// Below this limit code is cut like any text: its fences would leave no room for it.
const LEAST_FOR_CODE: usize = 32;

/// Cuts a text into parts of at most `max_chars` characters: at blank lines, else at line ends, else after sentences, else
/// at spaces, and within a word only when it alone is longer than the limit. White space at a cut is dropped.
///
/// What is seen as one character (an emoji with a skin tone, a letter with its accent) is never cut, unless it alone is
/// longer than the limit. A text within the limit is returned as it is. A limit of 0 counts as 1.
pub fn split_at_paragraph(text: &str, max_chars: usize) -> Vec<String> {
    let max_chars = max_chars.max(1);
    if longer_than(text, max_chars).is_none() {
        return vec![text.to_owned()];
    }
    let code = if max_chars >= LEAST_FOR_CODE { code_blocks(text) } else { Vec::new() };
    let mut cutter = Cutter { text, max_chars, code, at: 0, reopens: false, parts: Vec::new() };
    while cutter.cut_one() {}
    cutter.parts
}

/// A text being cut.
struct Cutter<'a> {
    text: &'a str,
    max_chars: usize,
    /// The code between triple backticks, with them.
    code: Vec<Range<usize>>,
    /// Where the next part begins.
    at: usize,
    /// Whether it begins within code.
    reopens: bool,
    parts: Vec<String>,
}

impl<'a> Cutter<'a> {
    /// Takes off one part; false once nothing is left.
    fn cut_one(&mut self) -> bool {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let lead = if self.reopens { REOPENED } else { "" };
        let Some(_) = longer_than(rest, self.max_chars - lead.len()) else {
            self.push(lead, rest.trim_end(), "");
            return false;
        };
        let spare = if self.code.is_empty() { 0 } else { lead.len() + CLOSED.len() };
        let window = longer_than(rest, self.max_chars - spare).unwrap_or(rest);
        work::count(window.len());
        let cut = self.at + cut_of(window, rest);
        self.cut_at(lead, cut);
        true
    }

    /// Ends a part at a place, or where the code in which it lies begins or ends if nothing but its fence is on one side.
    fn cut_at(&mut self, lead: &str, cut: usize) {
        let next = self.code.partition_point(|code| code.end <= cut);
        let Some(block) = self.code.get(next).filter(|code| code.start < cut).cloned() else {
            self.push(lead, self.between(self.at..cut).trim_end(), "");
            self.go_to(cut, false);
            return;
        };
        let (opened, closing) = (block.start + FENCE.len(), block.end - FENCE.len());
        let is_barely_open = self.between(opened.min(cut)..cut).trim().is_empty() && block.start > self.at;
        if is_barely_open {
            self.push(lead, self.between(self.at..block.start).trim_end(), "");
            self.go_to(block.start, false);
            return;
        }
        let cut = cut.min(closing);
        let is_done = self.between(cut..closing).trim().is_empty();
        self.push(lead, self.between(self.at..cut).trim_end(), CLOSED);
        self.go_to(if is_done { block.end } else { cut }, !is_done);
    }

    fn between(&self, range: Range<usize>) -> &'a str {
        self.text.get(range).unwrap_or_default()
    }

    fn push(&mut self, lead: &str, body: &str, tail: &str) {
        if !body.is_empty() {
            self.parts.push([lead, body, tail].concat());
        }
    }

    /// Goes on after a cut; within code the next line keeps its indent.
    fn go_to(&mut self, at: usize, reopens: bool) {
        let rest = self.text.get(at..).unwrap_or_default();
        let kept = if reopens { rest.trim_start_matches('\n') } else { rest.trim_start() };
        self.at = self.text.len() - kept.len();
        self.reopens = reopens;
    }
}

/// The code between pairs of triple backticks, with them.
fn code_blocks(text: &str) -> Vec<Range<usize>> {
    work::count(text.len());
    let fences: Vec<usize> = text.match_indices(FENCE).map(|(at, _)| at).collect();
    fences.chunks_exact(2).map(|pair| pair[0]..pair[1] + FENCE.len()).collect()
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

/// Moves a cut back to the edge of what is seen as one character; stays where it is if that leaves nothing.
fn whole_character(text: &str, cut: usize) -> usize {
    let mut cursor = GraphemeCursor::new(cut, text.len(), true);
    if cursor.is_boundary(text, 0).unwrap_or(true) {
        return cut;
    }
    cursor.prev_boundary(text, 0).ok().flatten().filter(|edge| *edge > 0).unwrap_or(cut)
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

    #[test]
    fn what_is_seen_as_one_character_is_never_cut() {
        let flag = "🇧🇷";
        assert_eq!(split_at_paragraph(&flag.repeat(3), 3), [flag, flag, flag]);
        assert_eq!(split_at_paragraph("ab👍🏽", 3), ["ab", "👍🏽"]);
        assert_eq!(split_at_paragraph("abक्षि", 4), ["ab", "क्षि"]);
    }

    #[test]
    fn code_that_is_cut_is_closed_and_opened_again() {
        let code = format!("veja:\n```\n{}fim\n```\npronto", "  linha um\n".repeat(6));
        let parts = split_at_paragraph(&code, 48);
        assert_eq!(parts[0], "veja:\n```\n  linha um\n  linha um\n  linha um\n```");
        assert_eq!(parts[1], "```\n  linha um\n  linha um\n  linha um\nfim\n```");
        assert_eq!(parts[2..], ["pronto"]);
    }

    #[test]
    fn no_part_holds_nothing_but_fences() {
        let long = "palavra ".repeat(4);
        assert_eq!(split_at_paragraph(&format!("{long}\n```\ncodigo\n```"), 36), [long.trim_end(), "```\ncodigo\n```"]);
        let code = format!("```\n{}\n```\nfim aqui e depois", "x".repeat(30));
        assert_eq!(
            split_at_paragraph(&code, 40),
            [format!("```\n{}\n```", "x".repeat(30)), "fim aqui e depois".to_owned()]
        );
    }

    proptest! {
        #[test]
        fn code_is_whole_in_every_part(text in "([a-c]{1,9}|[ .\n]{1,2}|```|😀){0,60}", max in 32..60_usize) {
            let parts = split_at_paragraph(&text, max);
            let visible = |text: &str| text.chars().filter(|sign| !sign.is_whitespace() && *sign != '`').collect::<String>();
            prop_assert_eq!(visible(&parts.concat()), visible(&text));
            let is_paired = text.matches(FENCE).count() % 2 == 0 && !text.contains("````");
            for part in &parts {
                prop_assert!(part.chars().count() <= max);
                prop_assert!(!is_paired || part.matches(FENCE).count() % 2 == 0, "{:?}", parts);
            }
        }

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
