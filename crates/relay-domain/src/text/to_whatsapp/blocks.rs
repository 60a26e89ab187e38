//! Lines, paragraphs, headings, lists, quotes and code blocks.
//!
//! Invariant: between two blocks stand as many line ends as the author typed, never none, and each line of a quote or of an
//! item begins as WhatsApp needs it; a line that the author left unmarked inside a quote or an item stays so.

use std::ops::Range;

use super::{Raw, Writer};
use crate::text::work;

/// Something that contains blocks.
#[derive(Debug)]
pub(super) enum Block {
    /// A list, with the number as typed and as shown of its last item.
    List { last: Option<(u64, u64)> },
    /// An item, with the width of its marker.
    Item { width: usize },
    /// A quote, with the length of the output when it began.
    Quote { from: usize },
}

impl Block {
    pub(super) fn list() -> Self {
        Self::List { last: None }
    }
}

impl<'a> Writer<'a> {
    pub(super) fn start_paragraph(&mut self, start: usize) {
        self.begin_line(start);
        let is_indented = self.blocks.is_empty() && !self.out.is_empty();
        if is_indented {
            let typed = self.indent_of_line(start);
            self.out.push_str(typed);
        }
    }

    /// Starts a heading as bold text; one underlined with `===` or `---` stays as typed, for WhatsApp has no headings.
    pub(super) fn start_heading(&mut self, range: Range<usize>) {
        self.begin_line(range.start);
        let is_underlined = !self.slice(range).trim_start().starts_with('#');
        self.open_heading(is_underlined);
    }

    pub(super) fn end_heading(&mut self, range: Range<usize>) {
        let is_empty = self.close_heading();
        let typed = self.slice(range.clone()).trim();
        let is_underlined = !typed.starts_with('#');
        if is_empty {
            self.out.push_str(typed);
        } else if is_underlined {
            let underline = typed.lines().next_back().unwrap_or_default().trim_start_matches([' ', '\t', '>']);
            self.out.push('\n');
            let prefix = self.prefix();
            self.out.push_str(&prefix);
            self.out.push_str(underline);
        }
        self.is_fresh = false;
        self.end_leaf(range);
    }

    pub(super) fn start_quote(&mut self) {
        self.blocks.push(Block::Quote { from: self.out.len() });
        if self.is_fresh {
            self.out.push_str("> ");
        }
    }

    /// Ends a quote; one without text was a lone `>` and stays one.
    pub(super) fn end_quote(&mut self, range: Range<usize>) {
        let ended = self.blocks.pop();
        let is_empty = matches!(ended, Some(Block::Quote { from }) if from == self.out.len());
        if is_empty {
            self.begin_line(range.start);
            let typed = self.slice(range.clone()).trim();
            self.out.push_str(typed);
            self.end_leaf(range);
        }
    }

    pub(super) fn start_item(&mut self, range: Range<usize>) {
        let start = range.start;
        let typed = self.slice(range).trim_start();
        let marker = self.next_marker(typed);
        self.begin_line(start);
        self.out.push_str(&marker);
        self.out.push(' ');
        self.is_fresh = true;
        self.done = Some(start);
        self.blocks.push(Block::Item { width: marker.len() + 1 });
    }

    pub(super) fn end_container(&mut self) {
        self.blocks.pop();
        self.is_fresh = false;
    }

    pub(super) fn start_raw(&mut self, start: usize, is_fenced: bool) {
        self.begin_line(start);
        self.raw = Some(Raw { text: String::new(), is_fenced });
    }

    /// Writes a fenced block with fences of WhatsApp; text that only was indented stays as typed.
    pub(super) fn end_code_block(&mut self, range: Range<usize>) {
        let Raw { text, is_fenced } = self.raw.take().unwrap_or_default();
        let code = text.trim_end_matches('\n');
        let typed = self.slice(range.clone());
        if code.trim().is_empty() {
            self.out.push_str(typed.trim());
        } else if is_fenced {
            let first = lost_first_line(typed);
            let code = if is_closed(typed) { code } else { code.trim_end_matches('`') };
            self.push_lines(&format!("```\n{first}{code}\n```"));
        } else {
            let indent = if self.blocks.is_empty() { self.indent_of_line(range.start) } else { "" };
            let lines: Vec<String> = code.split('\n').map(|line| format!("{indent}{line}")).collect();
            self.push_lines(&lines.join("\n"));
        }
        self.end_leaf(range);
    }

    pub(super) fn end_html_block(&mut self, range: Range<usize>) {
        let html = self.raw.take().unwrap_or_default().text;
        self.push_lines(html.trim_end());
        self.end_leaf(range);
    }

    pub(super) fn rule(&mut self, range: Range<usize>) {
        self.begin_line(range.start);
        let typed = self.slice(range.clone()).trim();
        self.out.push_str(typed);
        self.end_leaf(range);
    }

    pub(super) fn end_leaf(&mut self, range: Range<usize>) {
        let typed = self.slice(range.clone()).trim_end();
        self.done = Some(range.start + typed.len());
    }

    /// Ends a paragraph. A backslash at its end is a line break that led nowhere (editors of Chatwoot before 4.13 leave it),
    /// unless it ends a path.
    pub(super) fn end_paragraph(&mut self, range: Range<usize>) {
        let typed = self.slice(range.clone()).trim_end();
        let word = typed.rsplit(char::is_whitespace).next().and_then(|last| last.strip_suffix('\\'));
        work::count(word.map_or(0, str::len));
        let is_break = word.is_some_and(|word| !word.is_empty() && !word.contains('\\'));
        if is_break && self.out.ends_with('\\') {
            self.out.pop();
        }
        self.end_leaf(range);
    }

    /// Goes to the next line within a paragraph, indented and quoted as typed.
    pub(super) fn line_break(&mut self, range: &Range<usize>) {
        let rest = self.slice(range.start..self.source.len());
        let next = rest.split_once('\n').map_or("", |(_, next)| next);
        let in_quote = self.blocks.iter().any(|block| matches!(block, Block::Quote { .. }));
        let text = next.trim_start_matches(|sign: char| matches!(sign, ' ' | '\t') || (in_quote && sign == '>'));
        let lead = next.get(..next.len() - text.len()).unwrap_or_default();
        self.out.push('\n');
        if lead.contains('>') {
            let prefix = self.prefix();
            self.out.push_str(&prefix);
        } else {
            self.out.push_str(lead);
        }
        self.is_fresh = false;
        self.done = Some(range.end);
    }

    /// Begins a line for what stands at this place of the source, after as many line ends as the author typed.
    fn begin_line(&mut self, start: usize) {
        if self.is_fresh {
            self.is_fresh = false;
            return;
        }
        if let Some(done) = self.done {
            let length = self.out.trim_end_matches(' ').len();
            self.out.truncate(length);
            let gap = self.slice(done..start.max(done));
            self.push_gap(gap);
        }
        let prefix = self.prefix();
        self.out.push_str(&prefix);
    }

    /// Ends the line, and writes the blank lines between two blocks, each with the sign of a quote if it was typed with it.
    fn push_gap(&mut self, gap: &str) {
        self.out.push('\n');
        let mut lines = gap.split('\n').skip(1).collect::<Vec<_>>();
        lines.pop(); // the line on which the next block stands
        for line in lines {
            let sign = if line.contains('>') { ">" } else { "" };
            self.out.push_str(sign);
            self.out.push('\n');
        }
    }

    /// What a line at this place begins with.
    fn prefix(&self) -> String {
        work::count(self.blocks.len());
        let parts = self.blocks.iter().map(|block| match block {
            Block::List { .. } => String::new(),
            Block::Item { width } => " ".repeat(*width),
            Block::Quote { .. } => "> ".to_owned(),
        });
        parts.collect()
    }

    fn push_lines(&mut self, lines: &str) {
        let prefix = self.prefix();
        for (at, line) in lines.split('\n').enumerate() {
            if at > 0 {
                self.out.push('\n');
                self.out.push_str(&prefix);
            }
            self.out.push_str(line);
        }
        self.is_fresh = false;
    }

    /// The marker of an item. Numbers stay as typed, but a number typed again and again counts up, as Markdown shows it.
    fn next_marker(&mut self, typed: &str) -> String {
        let after_digits = typed.trim_start_matches(|sign: char| sign.is_ascii_digit());
        let digits = typed.get(..typed.len() - after_digits.len()).unwrap_or_default();
        let sign: String = after_digits.chars().take(1).collect();
        let Ok(number) = digits.parse::<u64>() else {
            let is_empty = typed.get(1..).is_none_or(|rest| rest.trim_start().is_empty());
            return if is_empty { sign } else { "-".to_owned() };
        };
        let Some(Block::List { last }) = self.blocks.last_mut() else {
            return format!("{digits}{sign}");
        };
        let shown = match *last {
            Some((typed, shown)) if typed == number => shown + 1,
            Some(_) | None => number,
        };
        *last = Some((number, shown));
        if shown == number { format!("{digits}{sign}") } else { format!("{shown}{sign}") }
    }

    /// The white space with which the line of this place begins.
    fn indent_of_line(&self, start: usize) -> &'a str {
        let line_start = self.slice(0..start).rfind('\n').map_or(0, |at| at + 1);
        let line = self.slice(line_start..self.source.len());
        let width = line.len() - line.trim_start_matches([' ', '\t']).len();
        line.get(..width).unwrap_or_default()
    }
}

/// Whether a fenced block ends with a fence of its own.
fn is_closed(typed: &str) -> bool {
    let last = typed.trim_end().rsplit_once('\n').map_or("", |(_, last)| last);
    let fence = last.trim_start_matches([' ', '\t', '>']);
    fence.len() >= 3 && fence.chars().all(|sign| matches!(sign, '`' | '~'))
}

/// The words on the line of the opening fence, with a line end, unless they are the name of a language.
fn lost_first_line(typed: &str) -> String {
    let first = typed.lines().next().unwrap_or_default();
    let words = first.trim_start().trim_start_matches(['`', '~']).trim();
    let is_name = |sign: char| sign.is_alphanumeric() || matches!(sign, '+' | '#' | '-' | '_' | '.');
    let is_language = is_closed(typed) && words.chars().all(is_name);
    if words.is_empty() || is_language { String::new() } else { format!("{words}\n") }
}
