//! Markdown, as Chatwoot's editor writes it, to WhatsApp's marks.
//!
//! The text is read by a CommonMark parser and written anew by a [`Writer`]: [`blocks`] writes lines, lists, quotes and
//! code, [`inline`] writes marks and links. Invariant: lines and blank lines stay as the author typed them, and what is no
//! Markdown comes through unchanged; a mark that WhatsApp would not show stays as typed.

mod blocks;
mod inline;

use std::borrow::Cow;
use std::ops::Range;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use crate::text::{verbatim, work};

use blocks::Block;
use inline::Inline;

/// Turns Markdown into a text with WhatsApp's marks.
///
/// `**b**`, `*i*` and `~~s~~` become `*b*`, `_i_` and `~s~`; headings become bold; links become `text (address)`; escapes
/// and entities become the sign they stand for; trailing white space goes.
pub fn to_whatsapp(markdown: &str) -> String {
    let unix = markdown.replace("\r\n", "\n").replace('\r', "\n");
    let source = without_definitions(&unix);
    let mut writer = Writer::new(&source);
    for (event, range) in Parser::new_ext(&source, options()).into_offset_iter() {
        writer.event(event, range);
    }
    writer.finish()
}

fn options() -> Options {
    Options::ENABLE_STRIKETHROUGH
}

/// Escapes link definitions such as `[note]: paid`: CommonMark shows nothing for them, and no word may be lost.
fn without_definitions(source: &str) -> Cow<'_, str> {
    let parser = Parser::new_ext(source, options());
    let mut starts: Vec<usize> = parser.reference_definitions().iter().map(|(_, link)| link.span.start).collect();
    if starts.is_empty() {
        return Cow::Borrowed(source);
    }
    starts.sort_unstable();
    let mut escaped = String::with_capacity(source.len() + starts.len());
    let mut from = 0;
    for start in starts {
        escaped.push_str(source.get(from..start).unwrap_or_default());
        escaped.push('\\');
        from = start;
    }
    escaped.push_str(source.get(from..).unwrap_or_default());
    Cow::Owned(escaped)
}

/// The text being written, and where in the source it has come to.
struct Writer<'a> {
    source: &'a str,
    /// Links and e-mail addresses of the source, in which nothing is a mark.
    verbatim: Vec<Range<usize>>,
    out: String,
    /// Lists, items and quotes around the current place.
    blocks: Vec<Block>,
    /// Marks and links around the current place.
    inline: Vec<Inline>,
    /// WhatsApp's marks among them, each once at most.
    open_marks: Vec<&'static str>,
    /// Where in the source the last written thing ended.
    done: Option<usize>,
    /// Whether the line has begun and waits for its text.
    is_fresh: bool,
    /// The text of a code or HTML block until its end.
    raw: Option<Raw>,
}

/// A block whose text is taken as it is.
#[derive(Debug, Default)]
struct Raw {
    text: String,
    is_fenced: bool,
}

impl<'a> Writer<'a> {
    fn new(source: &'a str) -> Self {
        Self {
            source,
            verbatim: verbatim::spans(source),
            out: String::with_capacity(source.len()),
            blocks: Vec::new(),
            inline: Vec::new(),
            open_marks: Vec::new(),
            done: None,
            is_fresh: false,
            raw: None,
        }
    }

    fn finish(mut self) -> String {
        let length = self.out.trim_end().len();
        self.out.truncate(length);
        self.out
    }

    fn event(&mut self, event: Event<'_>, range: Range<usize>) {
        work::count(1);
        match event {
            Event::Start(tag) => self.start(tag, range),
            Event::End(tag) => self.end(tag, range),
            Event::Text(text) | Event::Html(text) => self.text(&text, &range),
            Event::InlineHtml(text) | Event::InlineMath(text) | Event::DisplayMath(text) => {
                self.text(&text, &range);
            }
            Event::FootnoteReference(_) | Event::TaskListMarker(_) => self.typed(range),
            Event::Code(code) => self.code(&code, &range),
            Event::SoftBreak | Event::HardBreak => self.line_break(&range),
            Event::Rule => self.rule(range),
        }
    }

    fn start(&mut self, tag: Tag<'_>, range: Range<usize>) {
        match tag {
            Tag::Paragraph => self.start_paragraph(range.start),
            Tag::Heading { .. } => self.start_heading(range),
            Tag::BlockQuote(_) => self.start_quote(),
            Tag::CodeBlock(kind) => self.start_raw(range.start, kind.is_fenced()),
            Tag::HtmlBlock => self.start_raw(range.start, false),
            Tag::List(_) => self.blocks.push(Block::list()),
            Tag::Item => self.start_item(range),
            Tag::Emphasis => self.start_mark("_", 1, range),
            Tag::Strong => self.start_mark("*", 2, range),
            Tag::Strikethrough => self.start_strike(range),
            Tag::Link { link_type, dest_url, .. } | Tag::Image { link_type, dest_url, .. } => {
                self.start_link(link_type, &dest_url);
            }
            Tag::FootnoteDefinition(_)
            | Tag::DefinitionList
            | Tag::DefinitionListTitle
            | Tag::DefinitionListDefinition
            | Tag::Table(_)
            | Tag::TableHead
            | Tag::TableRow
            | Tag::TableCell
            | Tag::Superscript
            | Tag::Subscript
            | Tag::MetadataBlock(_) => {} // extensions that stay switched off
        }
    }

    fn end(&mut self, tag: TagEnd, range: Range<usize>) {
        match tag {
            TagEnd::Paragraph => self.end_paragraph(range),
            TagEnd::Heading(_) => self.end_heading(range),
            TagEnd::BlockQuote(_) => self.end_quote(range),
            TagEnd::CodeBlock => self.end_code_block(range),
            TagEnd::HtmlBlock => self.end_html_block(range),
            TagEnd::List(_) | TagEnd::Item => self.end_container(),
            TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough => self.end_mark(range),
            TagEnd::Link | TagEnd::Image => self.end_link(range),
            TagEnd::FootnoteDefinition
            | TagEnd::DefinitionList
            | TagEnd::DefinitionListTitle
            | TagEnd::DefinitionListDefinition
            | TagEnd::Table
            | TagEnd::TableHead
            | TagEnd::TableRow
            | TagEnd::TableCell
            | TagEnd::Superscript
            | TagEnd::Subscript
            | TagEnd::MetadataBlock(_) => {}
        }
    }

    fn text(&mut self, text: &str, range: &Range<usize>) {
        if let Some(raw) = &mut self.raw {
            raw.text.push_str(text);
            return;
        }
        self.push(text, range);
    }

    /// Writes something exactly as it stands in the source.
    fn typed(&mut self, range: Range<usize>) {
        let typed = self.slice(range.clone()).to_owned();
        self.push(&typed, &range);
    }

    fn push(&mut self, text: &str, range: &Range<usize>) {
        work::count(text.len());
        self.is_fresh = false;
        self.out.push_str(text);
        self.done = Some(range.end);
    }

    fn slice(&self, range: Range<usize>) -> &'a str {
        self.source.get(range).unwrap_or_default()
    }
}
