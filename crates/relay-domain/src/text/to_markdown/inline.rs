//! Marks within a line: bold, italics, strike-through, code; and the signs that Markdown alone would take for marks.
//!
//! WhatsApp's rule, which is also the invariant of what is converted here: a mark opens at the beginning of a word and
//! closes at the end of one, on the same line, with no white space inside the marks.

use std::ops::Range;

use crate::text::verbatim::{self, after, before};

/// Which signs of a text could pair up in Markdown and therefore need a backslash where they are no mark.
#[derive(Debug)]
pub(super) struct Escapes {
    stars: bool,
    underscores: bool,
    tildes: bool,
    brackets: bool,
}

/// One of WhatsApp's marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Bold,
    Italic,
    Strike,
}

/// One line under conversion.
struct Line<'a> {
    text: &'a str,
    /// Links, e-mail addresses and code.
    verbatim: Vec<Range<usize>>,
    escapes: &'a Escapes,
}

impl Escapes {
    pub(super) fn needed_by(text: &str) -> Self {
        let pairs_up = |sign: char| text.matches(sign).nth(1).is_some();
        let writes_stars = pairs_up('_'); // italics, around which a lone star would find a partner
        Self {
            stars: pairs_up('*') || writes_stars,
            underscores: pairs_up('_'),
            tildes: pairs_up('~'),
            brackets: ["](", "][", "]:"].iter().any(|tail| text.contains(tail)),
        }
    }
}

impl Mark {
    fn of(sign: char) -> Option<Self> {
        match sign {
            '*' => Some(Self::Bold),
            '_' => Some(Self::Italic),
            '~' => Some(Self::Strike),
            _ => None,
        }
    }

    fn sign(self) -> char {
        match self {
            Self::Bold => '*',
            Self::Italic => '_',
            Self::Strike => '~',
        }
    }
}

/// Writes the text of a line as Markdown.
pub(super) fn push_inline(out: &mut String, text: &str, escapes: &Escapes) {
    let line = Line { text, verbatim: verbatim_spans(text), escapes };
    line.push(out, 0..text.len(), &mut Vec::new());
}

/// Code, and links outside code.
fn verbatim_spans(text: &str) -> Vec<Range<usize>> {
    let mut spans = code_spans(text);
    let is_outside = |link: &Range<usize>| spans.iter().all(|code| link.end <= code.start || code.end <= link.start);
    let links: Vec<_> = verbatim::spans(text).into_iter().filter(is_outside).collect();
    spans.extend(links);
    spans.sort_by_key(|span| span.start);
    spans
}

fn code_spans(text: &str) -> Vec<Range<usize>> {
    let mut spans = Vec::new();
    let mut from = 0;
    while let Some(start) = text.get(from..).and_then(|rest| rest.find('`')).map(|at| from + at) {
        let rest = text.get(start..).unwrap_or_default();
        let ticks = if rest.starts_with("```") { "```" } else { "`" };
        let inside = rest.get(ticks.len()..).unwrap_or_default();
        let length =
            inside.find(ticks).filter(|length| inside.get(..*length).is_some_and(|code| !code.trim().is_empty()));
        let Some(length) = length else {
            from = start + ticks.len();
            continue;
        };
        let end = start + ticks.len() + length + ticks.len();
        spans.push(start..end);
        from = end;
    }
    spans
}

impl Line<'_> {
    /// Writes a part of the line; `open` are the marks around it, which cannot open again within.
    fn push(&self, out: &mut String, part: Range<usize>, open: &mut Vec<Mark>) {
        let mut unclosed = Vec::new();
        let mut at = part.start;
        while at < part.end {
            if let Some(span) = verbatim::at(&self.verbatim, at) {
                let end = span.end.min(part.end);
                out.push_str(self.text.get(at..end).unwrap_or_default());
                at = end;
                continue;
            }
            let Some(sign) = after(self.text, at) else {
                return;
            };
            let mark = Mark::of(sign).filter(|mark| !open.contains(mark) && !unclosed.contains(mark));
            if let Some(mark) = mark.filter(|mark| self.opens(*mark, at)) {
                if let Some(close) = self.closing(mark, at + 1..part.end) {
                    if self.shows(at, close) {
                        self.push_marked(out, mark, at + 1..close, open);
                        at = close + 1;
                        continue;
                    }
                } else {
                    unclosed.push(mark);
                }
            }
            self.push_sign(out, sign, at);
            at += sign.len_utf8();
        }
    }

    fn opens(&self, mark: Mark, at: usize) -> bool {
        let previous = before(self.text, at);
        let next = after(self.text, at + 1);
        let begins_word = previous.is_none_or(|sign| !sign.is_alphanumeric() && sign != mark.sign() && sign != '\\');
        begins_word && next.is_some_and(|sign| !sign.is_whitespace() && sign != mark.sign())
    }

    fn closing(&self, mark: Mark, within: Range<usize>) -> Option<usize> {
        let part = self.text.get(within.start..within.end)?;
        part.match_indices(mark.sign()).map(|(at, _)| within.start + at).find(|at| self.closes(mark, *at))
    }

    fn closes(&self, mark: Mark, at: usize) -> bool {
        let previous = before(self.text, at);
        let next = after(self.text, at + 1);
        let ends_word = next.is_none_or(|sign| !sign.is_alphanumeric() && sign != mark.sign());
        let follows_text = previous.is_some_and(|sign| !sign.is_whitespace() && sign != mark.sign());
        ends_word && follows_text && verbatim::at(&self.verbatim, at).is_none()
    }

    /// Whether Markdown takes marks at these places for a pair; beside other punctuation it asks for more than WhatsApp.
    fn shows(&self, open: usize, close: usize) -> bool {
        let outside_ok =
            |sign: Option<char>| sign.is_none_or(|sign| sign.is_whitespace() || sign.is_ascii_punctuation());
        let inside_ok = |sign: Option<char>| sign.is_some_and(char::is_alphanumeric);
        let opens = inside_ok(after(self.text, open + 1)) || outside_ok(before(self.text, open));
        let closes = inside_ok(before(self.text, close)) || outside_ok(after(self.text, close + 1));
        opens && closes
    }

    fn push_marked(&self, out: &mut String, mark: Mark, inner: Range<usize>, open: &mut Vec<Mark>) {
        let markup = match mark {
            Mark::Bold => "**",
            Mark::Strike => "~~",
            Mark::Italic if self.touches_star(out, &inner, open) => "_",
            Mark::Italic => "*",
        };
        out.push_str(markup);
        open.push(mark);
        self.push(out, inner, open);
        open.pop();
        out.push_str(markup);
    }

    /// Whether a star for italics would run into the stars of bold text.
    fn touches_star(&self, out: &str, inner: &Range<usize>, open: &[Mark]) -> bool {
        let touches_inside = after(self.text, inner.start) == Some('*') || before(self.text, inner.end) == Some('*');
        let touches_outside = out.ends_with('*') || after(self.text, inner.end + 1) == Some('*');
        open.contains(&Mark::Bold) || touches_inside || touches_outside
    }

    fn push_sign(&self, out: &mut String, sign: char, at: usize) {
        if self.must_escape(sign, at) {
            out.push('\\');
        }
        out.push(sign);
    }

    fn must_escape(&self, sign: char, at: usize) -> bool {
        let previous = before(self.text, at);
        let rest = self.text.get(at + sign.len_utf8()..).unwrap_or_default();
        let next = rest.chars().next();
        let stands_alone = previous.is_none_or(char::is_whitespace) && next.is_none_or(char::is_whitespace);
        let in_word = previous.is_some_and(char::is_alphanumeric) && next.is_some_and(char::is_alphanumeric);
        match sign {
            '*' => self.escapes.stars && !stands_alone,
            '_' => self.escapes.underscores && !stands_alone && !in_word,
            '~' => self.escapes.tildes && !stands_alone,
            '[' => self.escapes.brackets,
            '`' => true,
            '\\' => next.is_none_or(|next| next.is_ascii_punctuation()),
            '<' => next.is_some_and(|next| next.is_ascii_alphabetic() || matches!(next, '/' | '!' | '?')),
            '&' => begins_entity(rest),
            _ => false,
        }
    }
}

/// Whether an ampersand before this text would be read as an HTML entity.
fn begins_entity(rest: &str) -> bool {
    let name = rest.strip_prefix('#').unwrap_or(rest);
    let length = name.len() - name.trim_start_matches(|sign: char| sign.is_ascii_alphanumeric()).len();
    (1..=32).contains(&length) && name.get(length..).is_some_and(|tail| tail.starts_with(';'))
}
