//! Marks, links and code within a paragraph.
//!
//! Invariant: a mark of WhatsApp is written only where WhatsApp shows it, at the edge of a word and around one line;
//! elsewhere the author's own signs stay.

use std::ops::Range;

use pulldown_cmark::LinkType;

use super::Writer;
use crate::text::verbatim::{self, after};

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
    AsTyped(String),
    /// A link with its address; `None` if the text is the address.
    Link(Option<String>),
}

impl Writer<'_> {
    /// Starts a mark that has `width` signs on either side in Markdown.
    pub(super) fn start_mark(&mut self, mark: &'static str, width: usize, range: Range<usize>) {
        let typed: String = self.slice(range.clone()).chars().take(width).collect();
        let is_open = self.inline.iter().any(|inline| matches!(inline.kind, Kind::Mark(open) if open == mark));
        let kind = if self.is_in_link(&range, width) || !self.is_at_word_edge(&range) {
            Kind::AsTyped(typed)
        } else if is_open {
            Kind::AsTyped(String::new())
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
        let Some((kind, inner)) = self.close() else {
            return;
        };
        match kind {
            Kind::Mark(mark) => push_marked(&mut self.out, &inner, mark),
            Kind::AsTyped(signs) => {
                self.out.push_str(&signs);
                self.out.push_str(&inner);
                self.out.push_str(&signs);
            }
            Kind::Link(_) => self.out.push_str(&inner),
        }
        self.done = Some(range.end);
    }

    pub(super) fn start_link(&mut self, link_type: LinkType, address: &str) {
        let is_own_text = matches!(link_type, LinkType::Autolink | LinkType::Email);
        self.open(Kind::Link((!is_own_text).then(|| address.to_owned())));
    }

    pub(super) fn end_link(&mut self, range: Range<usize>) {
        let Some((kind, inner)) = self.close() else {
            return;
        };
        let address = match kind {
            Kind::Link(address) => address.unwrap_or_default(),
            Kind::Mark(_) | Kind::AsTyped(_) => String::new(),
        };
        let text = link_text(&inner, &address);
        let shown = if text.is_empty() { self.slice(range.clone()) } else { &text };
        self.out.push_str(shown);
        self.done = Some(range.end);
        self.is_fresh = false;
    }

    /// Starts a heading: bold, or plain where its underline says what it is.
    pub(super) fn open_heading(&mut self, is_underlined: bool) {
        let kind = if is_underlined { Kind::AsTyped(String::new()) } else { Kind::Mark("*") };
        self.open(kind);
    }

    /// Ends a heading; true if it had no text.
    pub(super) fn close_heading(&mut self) -> bool {
        let Some((kind, inner)) = self.close() else {
            return true;
        };
        match kind {
            Kind::Mark(mark) => push_marked(&mut self.out, &inner, mark),
            Kind::AsTyped(_) | Kind::Link(_) => self.out.push_str(&inner),
        }
        inner.is_empty()
    }

    /// Writes code with one backtick on either side, with three where it was typed so or holds a backtick itself.
    pub(super) fn code(&mut self, code: &str, range: &Range<usize>) {
        let needs_three = self.slice(range.clone()).starts_with("```") || code.contains('`');
        let ticks = if needs_three { "```" } else { "`" };
        self.push(&format!("{ticks}{code}{ticks}"), range);
    }

    fn open(&mut self, kind: Kind) {
        self.inline.push(Inline { from: self.out.len(), kind });
    }

    fn close(&mut self) -> Option<(Kind, String)> {
        let Inline { from, kind } = self.inline.pop()?;
        let from = from.min(self.out.len());
        Some((kind, self.out.split_off(from)))
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

/// Says where a link leads, once.
fn link_text(text: &str, address: &str) -> String {
    let shown = address.strip_prefix("mailto:").or_else(|| address.strip_prefix("tel:")).unwrap_or(address);
    if text.is_empty() {
        return shown.to_owned();
    }
    if shown.is_empty() || text == shown {
        return text.to_owned();
    }
    if essence(text) == essence(shown) {
        return shown.to_owned();
    }
    format!("{text} ({shown})")
}

/// An address without what people leave out.
fn essence(address: &str) -> &str {
    let bare = address.strip_prefix("https://").or_else(|| address.strip_prefix("http://")).unwrap_or(address);
    bare.strip_suffix('/').unwrap_or(bare)
}
