//! Marks within a line: bold, italics, strike-through, code; and the signs that Markdown alone would take for marks.
//!
//! WhatsApp's rule, which is also the invariant of what is converted here: a mark opens at the beginning of a word and
//! closes at the end of one, on the same line, with no white space inside the marks.

use std::ops::Range;

use super::code;
use crate::text::verbatim::{self, after, before};
use crate::text::work;

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
    /// Where each mark can close, in the order of [`Mark`].
    closers: [Vec<usize>; 3],
    escapes: &'a Escapes,
}

impl Escapes {
    pub(super) fn needed_by(text: &str) -> Self {
        work::count(text.len());
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
    const ALL: [Self; 3] = [Self::Bold, Self::Italic, Self::Strike];

    fn of(sign: char) -> Option<Self> {
        Self::ALL.into_iter().find(|mark| mark.sign() == sign)
    }

    const fn sign(self) -> char {
        match self {
            Self::Bold => '*',
            Self::Italic => '_',
            Self::Strike => '~',
        }
    }
}

/// Writes the text of a line as Markdown.
pub(super) fn push_inline(out: &mut String, text: &str, escapes: &Escapes) {
    let line = Line::new(text, escapes);
    line.push(out, 0..text.len(), &mut Vec::new());
}

/// Code, and links outside code.
fn verbatim_spans(text: &str) -> Vec<Range<usize>> {
    let code = code::spans(text);
    let links = verbatim::spans(text);
    verbatim::without_overlap(code, links)
}

impl<'a> Line<'a> {
    fn new(text: &'a str, escapes: &'a Escapes) -> Self {
        let mut line = Self { text, verbatim: verbatim_spans(text), closers: Default::default(), escapes };
        line.closers = Mark::ALL.map(|mark| line.closers_of(mark));
        line
    }

    fn closers_of(&self, mark: Mark) -> Vec<usize> {
        work::count(self.text.len());
        let signs = self.text.match_indices(mark.sign()).map(|(at, _)| at);
        signs.filter(|at| self.closes(mark, *at)).collect()
    }

    /// Writes a part of the line; `open` are the marks around it, which cannot open again within.
    fn push(&self, out: &mut String, part: Range<usize>, open: &mut Vec<Mark>) {
        let mut at = part.start;
        while let Some(sign) = after(self.text, at).filter(|_| at < part.end) {
            work::count(1);
            if let Some(span) = verbatim::at(&self.verbatim, at) {
                self.push_verbatim(out, span.clone(), part.end);
                at = span.end;
            } else if let Some((mark, close)) = self.marked(sign, at, part.end, open) {
                self.push_marked(out, mark, at + 1..close, open);
                at = close + 1;
            } else {
                self.push_sign(out, sign, at);
                at += sign.len_utf8();
            }
        }
    }

    /// The mark that this sign opens, and where it closes.
    fn marked(&self, sign: char, at: usize, end: usize, open: &[Mark]) -> Option<(Mark, usize)> {
        let mark = Mark::of(sign).filter(|mark| !open.contains(mark) && self.opens(*mark, at))?;
        let closers = self.closers.get(mark as usize)?;
        let next = closers.partition_point(|closer| *closer <= at + 1);
        let close = closers.get(next).copied().filter(|close| *close < end)?;
        self.shows(at, close).then_some((mark, close))
    }

    fn opens(&self, mark: Mark, at: usize) -> bool {
        let previous = before(self.text, at);
        let next = after(self.text, at + 1);
        let begins_word = previous.is_none_or(|sign| !sign.is_alphanumeric() && sign != mark.sign() && sign != '\\');
        begins_word && next.is_some_and(|sign| !sign.is_whitespace() && sign != mark.sign())
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

    /// Writes code or an address; what stands behind it must not be drawn into it.
    fn push_verbatim(&self, out: &mut String, span: Range<usize>, part_end: usize) {
        let typed = self.text.get(span.clone()).unwrap_or_default();
        if typed.starts_with('`') {
            code::push_span(out, typed);
            return;
        }
        let is_drawn_in = self.draws_in_what_follows(&span, part_end);
        let is_harmless =
            !is_drawn_in && !typed.char_indices().any(|(at, sign)| self.must_escape(sign, span.start + at));
        if is_harmless {
            out.push_str(typed);
        } else if let Some(scheme) = verbatim::scheme_between_angles(typed) {
            // between angle brackets Markdown takes no sign for a mark
            out.extend(["<", scheme, typed, ">"]);
        } else {
            typed.char_indices().for_each(|(at, sign)| self.push_sign(out, sign, span.start + at));
        }
    }

    /// Whether Chatwoot would take what is written behind a link for a part of it: a backslash, or a mark that is no star.
    fn draws_in_what_follows(&self, span: &Range<usize>, part_end: usize) -> bool {
        let is_drawn_at_once = self.text.get(span.clone()).is_some_and(|link| link.contains("://")); // before marks are read
        if !is_drawn_at_once {
            return false;
        }
        let rest = self.text.get(span.end..).unwrap_or_default();
        let closes_mark = span.end == part_end && part_end < self.text.len();
        if closes_mark {
            let behind_stars = rest.trim_start_matches('*');
            work::count(rest.len() - behind_stars.len());
            return behind_stars.chars().next().is_some_and(|sign| !sign.is_whitespace());
        }
        for (at, sign) in rest.char_indices() {
            work::count(1);
            if self.must_escape(sign, span.end + at) {
                return true;
            }
            if !verbatim::may_end_sentence(sign) {
                return false;
            }
        }
        false
    }

    fn push_sign(&self, out: &mut String, sign: char, at: usize) {
        if self.must_escape(sign, at) {
            out.push('\\');
        }
        out.push(sign);
    }

    fn begins_verbatim(&self, at: usize) -> bool {
        verbatim::at(&self.verbatim, at).is_some_and(|span| span.start == at)
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
            '\\' => next.is_none_or(|next| next.is_ascii_punctuation()) || self.begins_verbatim(at + 1),
            '<' => next.is_some_and(|next| next.is_ascii_alphabetic() || matches!(next, '/' | '!' | '?')),
            '(' => begins_symbol(rest),
            '&' => begins_entity(rest),
            _ => false,
        }
    }
}

/// Whether a bracket before this text would be read as `(c)`, `(r)` or `(tm)`, which Chatwoot shows as ©, ® and ™.
fn begins_symbol(rest: &str) -> bool {
    let names = ["c)", "r)", "tm)"];
    names.iter().any(|name| rest.get(..name.len()).is_some_and(|typed| typed.eq_ignore_ascii_case(name)))
}

/// Whether an ampersand before this text would be read as an HTML entity.
fn begins_entity(rest: &str) -> bool {
    const LONGEST: usize = 32;
    let name = rest.strip_prefix('#').unwrap_or(rest);
    let length = name.bytes().take(LONGEST + 1).take_while(u8::is_ascii_alphanumeric).count();
    (1..=LONGEST).contains(&length) && name.get(length..).is_some_and(|tail| tail.starts_with(';'))
}
