//! What the beginning of a line means on either side.
//!
//! Invariant: lists and quotes that WhatsApp shows stay, with the numbers as typed; what only Markdown would show (headings,
//! rules, `1)`, `+`, tables, indented code, quotes within quotes) is escaped.

use super::inline::{self, Escapes};
use crate::text::work;

/// Lines being written, one after the other.
pub(super) struct Lines<'a> {
    escapes: &'a Escapes,
    /// The lines outside quotes.
    body: Body,
    /// The lines of the quote that goes on.
    quote: Option<Body>,
}

/// What the lines so far mean for the next one.
#[derive(Debug)]
struct Body {
    /// Whether nothing, or a blank line, stands above.
    follows_blank: bool,
    /// Whether a list goes on.
    in_list: bool,
    /// The last number of each list that goes on, with its indent.
    numbers: Vec<(usize, u32)>,
}

impl<'a> Lines<'a> {
    pub(super) fn new(escapes: &'a Escapes) -> Self {
        Self { escapes, body: Body::new(), quote: None }
    }

    /// Writes one line as Markdown.
    pub(super) fn push(&mut self, out: &mut String, line: &str) {
        work::count(line.len());
        if let Some(quoted) = quoted(line) {
            self.body = Body::new();
            let quote = self.quote.get_or_insert_with(Body::new);
            if quote.ends_list(quoted) {
                out.push_str(">\n");
            }
            out.push_str("> ");
            quote.push(out, quoted, self.escapes);
            return;
        }
        let leaves_quote = self.quote.take().is_some() && !line.trim().is_empty();
        if leaves_quote || self.body.ends_list(line) {
            out.push('\n');
        }
        self.body.push(out, line, self.escapes);
    }
}

impl Body {
    const fn new() -> Self {
        Self { follows_blank: true, in_list: false, numbers: Vec::new() }
    }

    /// Whether Markdown would take a line for a part of the item above, which on WhatsApp stands below the list.
    fn ends_list(&self, line: &str) -> bool {
        let core = line.trim_start_matches([' ', '\t']);
        let indent = line.len() - core.len();
        let is_text = !core.trim_end().is_empty() && indent < 2 && self.marker(indent, core).is_empty();
        self.in_list && !self.follows_blank && is_text
    }

    fn push(&mut self, out: &mut String, line: &str, escapes: &Escapes) {
        let core = line.trim_start_matches([' ', '\t']);
        let indent = line.get(..line.len() - core.len()).unwrap_or_default();
        if core.trim_end().is_empty() {
            out.push_str(line);
            self.follows_blank = true;
            return;
        }
        let marker = self.marker(indent.len(), core);
        push_indent(out, indent, self.would_be_code(indent, marker));
        out.push_str(marker);
        let rest = core.get(marker.len()..).unwrap_or_default();
        let rest = rest.trim_start_matches([' ', '\t']); // a wide gap would make code of an item's text
        let is_text_above = !self.follows_blank && !self.in_list;
        let (kept, consumed) = escaped_start(rest, !marker.is_empty(), is_text_above);
        if consumed > 0 {
            out.push_str(rest.get(..kept).unwrap_or_default());
            out.push('\\');
            out.push_str(rest.get(kept..consumed).unwrap_or_default());
        }
        inline::push_inline(out, rest.get(consumed..).unwrap_or_default(), escapes);
        self.remember(indent.len(), marker);
    }

    /// The marker of an item as both sides show it, with its space; empty if the line is none, or if Markdown would show
    /// another number.
    fn marker<'c>(&self, indent: usize, core: &'c str) -> &'c str {
        let marker = list_marker(core);
        let is_wide_start = indent >= 4 && !self.in_list;
        let is_too_wide = indent >= 8 && self.follows_blank;
        if is_wide_start || is_too_wide {
            return "";
        }
        let Some(number) = number_of(marker) else {
            return marker;
        };
        let last = self.numbers.iter().rev().find(|(at, _)| *at <= indent).filter(|(at, _)| *at == indent);
        let can_start = number == 1 || self.follows_blank || self.in_list;
        let is_shown = last.map_or(can_start, |(_, last)| number == last + 1);
        if is_shown { marker } else { "" }
    }

    /// Whether Markdown would show an indented line as code.
    fn would_be_code(&self, indent: &str, marker: &str) -> bool {
        let is_wide = indent.len() >= 4 || indent.contains('\t');
        self.follows_blank && marker.is_empty() && is_wide
    }

    fn remember(&mut self, indent: usize, marker: &str) {
        self.follows_blank = false;
        let is_item = !marker.is_empty();
        if is_item {
            self.numbers.retain(|(at, _)| *at < indent);
            self.numbers.extend(number_of(marker).map(|number| (indent, number)));
        } else if indent < 2 {
            self.numbers.clear();
        }
        self.in_list = is_item || (self.in_list && indent >= 2);
    }
}

/// The text of a line that WhatsApp shows as a quotation.
fn quoted(line: &str) -> Option<&str> {
    line.strip_prefix("> ").filter(|rest| !rest.trim_start().is_empty())
}

/// Writes the white space of a line, as no-break spaces where Markdown would make code of it.
fn push_indent(out: &mut String, indent: &str, would_be_code: bool) {
    if would_be_code {
        out.extend(indent.chars().map(|_| '\u{a0}'));
    } else {
        out.push_str(indent);
    }
}

/// The marker of a list item that both sides know, with its space; empty if the line is none. A number of more than three
/// digits is a year or an amount.
fn list_marker(core: &str) -> &str {
    if is_rule(core) {
        return "";
    }
    let digits = digits_of(core);
    let sign_end = match digits {
        0 if core.starts_with(['-', '*']) => 1,
        1..=3 if core.get(digits..).is_some_and(|rest| rest.starts_with('.')) => digits + 1,
        _ => return "",
    };
    let rest = core.get(sign_end..).unwrap_or_default();
    let has_leading_zero = digits > 1 && core.starts_with('0');
    let is_item = rest.starts_with(' ') && !rest.trim_start().is_empty() && !has_leading_zero;
    if is_item { core.get(..=sign_end).unwrap_or_default() } else { "" }
}

fn number_of(marker: &str) -> Option<u32> {
    marker.get(..digits_of(marker)).and_then(|digits| digits.parse().ok())
}

fn digits_of(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

/// How many bytes stand before the sign to escape, and how many are done with it; zeros if the line begins harmlessly.
fn escaped_start(core: &str, in_item: bool, is_text_above: bool) -> (usize, usize) {
    let Some(first) = core.chars().next() else {
        return (0, 0);
    };
    let ends_or_spaces =
        |at: usize| core.get(at..).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']));
    let hashes = core.len() - core.trim_start_matches('#').len();
    let is_marked = match first {
        '#' => hashes <= 6 && ends_or_spaces(hashes),
        '>' => true,
        '+' => ends_or_spaces(1),
        '-' | '*' => is_rule(core) || is_underline(core) || is_table_rule(core) || ends_or_spaces(1),
        '_' => is_rule(core),
        '=' => is_underline(core),
        '|' | ':' => is_table_rule(core),
        _ => false,
    };
    if is_marked {
        let kept = usize::from(core.starts_with("--")); // Chatwoot would draw a dash for the two behind the backslash
        return (kept, kept + first.len_utf8());
    }
    let digits = digits_of(core);
    let after_digits = core.get(digits..).unwrap_or_default();
    let is_number = (1..=9).contains(&digits) && after_digits.starts_with(['.', ')']) && ends_or_spaces(digits + 1);
    // within a paragraph Markdown begins a list with 1 only
    let is_one = core.get(..digits).is_some_and(|number| number.trim_start_matches('0') == "1");
    let is_harmless = is_text_above && !in_item && !is_one;
    if is_number && !is_harmless { (digits, digits + 1) } else { (0, 0) }
}

/// Three or more of one sign, with or without spaces: a rule.
fn is_rule(core: &str) -> bool {
    ['-', '*', '_'].iter().any(|sign| {
        let only_that = core.chars().all(|other| other == *sign || other == ' ' || other == '\t');
        only_that && core.matches(*sign).count() >= 3
    })
}

/// A line of `=` or `-` would make the line above a heading.
fn is_underline(core: &str) -> bool {
    let core = core.trim_end();
    !core.is_empty() && (core.chars().all(|sign| sign == '=') || core.chars().all(|sign| sign == '-'))
}

/// A line such as `--- | ---` or `:--` would make a table.
fn is_table_rule(core: &str) -> bool {
    let only_rule = core.chars().all(|sign| matches!(sign, '-' | '|' | ':' | ' ' | '\t'));
    only_rule && core.contains('-') && core.contains(['|', ':'])
}
