//! Marks, links and code within a paragraph.
//!
//! Invariant: a mark of WhatsApp is written only where WhatsApp shows it, at the edge of a word and around one line;
//! elsewhere the author's own signs stay.

use std::ops::Range;

use pulldown_cmark::LinkType;

use super::Writer;
use crate::text::verbatim::{self, after};
use crate::text::work;

/// Something that is open around the current place of a paragraph.
#[derive(Debug)]
pub(super) struct Inline {
    /// Where in the output its text begins.
    from: usize,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// A mark of WhatsApp.
    Mark(&'static str),
    /// Signs that stay as the author typed them; none inside a mark of the same kind.
    AsTyped(&'static str),
    /// A link with its address; `None` if the text is the address.
    Link(Option<String>),
}

impl Writer<'_> {
    /// Starts a mark that has `width` signs on either side in Markdown.
    pub(super) fn start_mark(&mut self, mark: &'static str, width: usize, range: Range<usize>) {
        let is_open = self.open_marks.contains(&mark);
        let kind = if self.is_in_link(&range, width) || !self.is_at_word_edge(&range) {
            Kind::AsTyped(signs_of(self.slice(range), width))
        } else if is_open {
            Kind::AsTyped("")
        } else {
            Kind::Mark(mark)
        };
        self.open(kind);
    }

    pub(super) fn start_strike(&mut self, range: Range<usize>) {
        let width = if self.slice(range.clone()).starts_with("~~") { 2 } else { 1 };
        self.start_mark("~", width, range);
    }

    pub(super) fn end_mark(&mut self, range: Range<usize>) {
        self.close();
        self.done = Some(range.end);
    }

    pub(super) fn start_link(&mut self, link_type: LinkType, address: &str) {
        let is_own_text = matches!(link_type, LinkType::Autolink | LinkType::Email);
        self.open(Kind::Link((!is_own_text).then(|| address.to_owned())));
    }

    pub(super) fn end_link(&mut self, range: Range<usize>) {
        let is_empty = self.close();
        if is_empty {
            let typed = self.slice(range.clone());
            self.out.push_str(typed);
        }
        self.done = Some(range.end);
        self.is_fresh = false;
    }

    /// Starts a heading: bold, or plain where its underline says what it is.
    pub(super) fn open_heading(&mut self, is_underlined: bool) {
        self.open(if is_underlined { Kind::AsTyped("") } else { Kind::Mark("*") });
    }

    /// Ends a heading; true if it had no text.
    pub(super) fn close_heading(&mut self) -> bool {
        self.close()
    }

    /// Writes code with one backtick on either side, with three where it was typed so or holds a backtick itself.
    pub(super) fn code(&mut self, code: &str, range: &Range<usize>) {
        let needs_three = self.slice(range.clone()).starts_with("```") || code.contains('`');
        let ticks = if needs_three { "```" } else { "`" };
        let gap = if code.starts_with('`') || code.ends_with('`') { " " } else { "" };
        self.push(&[ticks, gap, code, gap, ticks].concat(), range);
    }

    fn open(&mut self, kind: Kind) {
        let from = self.out.len();
        match &kind {
            Kind::Mark(mark) => self.open_marks.push(mark),
            Kind::AsTyped(signs) => self.out.push_str(signs),
            Kind::Link(_) => {}
        }
        self.inline.push(Inline { from, kind });
    }

    /// Closes what was opened last; true if nothing is written for it.
    fn close(&mut self) -> bool {
        let Some(Inline { from, kind }) = self.inline.pop() else {
            return true;
        };
        match kind {
            Kind::Mark(mark) => {
                self.open_marks.pop();
                let inner = self.out.split_off(from.min(self.out.len()));
                work::count(inner.len()); // at most three times for each sign: marks of one kind do not nest
                push_marked(&mut self.out, &inner, mark);
            }
            Kind::AsTyped(signs) => self.out.push_str(signs),
            Kind::Link(address) => push_address(&mut self.out, from, &address.unwrap_or_default()),
        }
        self.out.len() == from
    }

    /// Whether one of the marks is a sign of a web or e-mail address.
    fn is_in_link(&self, range: &Range<usize>, width: usize) -> bool {
        let last = range.end.saturating_sub(width);
        [range.start, last].iter().any(|at| verbatim::at(&self.verbatim, *at).is_some())
    }

    fn is_at_word_edge(&self, range: &Range<usize>) -> bool {
        let opens_here = self.inline.last().is_some_and(|outer| outer.from == self.out.len());
        let follows_word = !opens_here && self.out.chars().next_back().is_some_and(char::is_alphanumeric);
        let leads_to_word = after(self.source, range.end).is_some_and(char::is_alphanumeric);
        !follows_word && !leads_to_word
    }
}

/// Writes each line of a text between marks: WhatsApp's marks do not reach over a line end.
fn push_marked(out: &mut String, text: &str, mark: &str) {
    for (at, line) in text.split('\n').enumerate() {
        let is_lead = |sign: char| sign.is_whitespace() || (at > 0 && sign == '>');
        let core = line.trim_start_matches(is_lead);
        let lead = line.get(..line.len() - core.len()).unwrap_or_default();
        let (core, trail) = core.split_at(core.trim_end().len());
        if at > 0 {
            out.push('\n');
        }
        let mark = if core.is_empty() { "" } else { mark };
        for piece in [lead, mark, core, mark, trail] {
            out.push_str(piece);
        }
    }
}

/// Says where a link leads, once, behind its text.
fn push_address(out: &mut String, from: usize, address: &str) {
    let number = address.strip_prefix("tel:");
    let shown = number.or_else(|| address.strip_prefix("mailto:")).unwrap_or(address);
    let text = out.get(from..).unwrap_or_default();
    work::count(text.len().min(shown.len()));
    let leads_nowhere = shown.is_empty() || shown.starts_with("mention:"); // a colleague, in Chatwoot
    if leads_nowhere || text == shown || number.is_some_and(|number| is_same_number(text, number)) {
        return;
    }
    if text.is_empty() || essence(text) == essence(shown) {
        out.truncate(from);
        out.push_str(shown);
    } else {
        out.extend([" (", shown, ")"]);
    }
}

/// Whether a text is a phone number with other signs between the digits.
fn is_same_number(text: &str, number: &str) -> bool {
    let is_sign = |sign: char| matches!(sign, '+' | '-' | '.' | '(' | ')' | ' ');
    let digits = |text: &str| text.chars().filter(|sign| !is_sign(*sign)).take(number.len() + 1).collect::<String>();
    !number.is_empty() && digits(text) == digits(number)
}

/// The signs with which a mark begins in Markdown.
fn signs_of(typed: &str, width: usize) -> &'static str {
    let signs = ["**", "__", "~~", "*", "_", "~"];
    signs.into_iter().find(|signs| signs.len() == width && typed.starts_with(signs)).unwrap_or_default()
}

/// An address without what people leave out.
fn essence(address: &str) -> &str {
    let bare = address.strip_prefix("https://").or_else(|| address.strip_prefix("http://")).unwrap_or(address);
    bare.strip_suffix('/').unwrap_or(bare)
}
