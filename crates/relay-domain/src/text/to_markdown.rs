//! WhatsApp's marks to Markdown, as Chatwoot shows it (with a line break for each newline).
//!
//! [`to_markdown`] cuts the text into code blocks and lines; [`lines`] decides what the beginning of a line means,
//! [`inline`] what stands within it, and [`code`] where code is. Invariant: a backslash is added only where Markdown would
//! otherwise show something that WhatsApp does not, so plain text stays plain in notifications and previews, which show the
//! Markdown itself. Nothing that a customer types becomes a picture, HTML or a link that hides where it leads.

mod code;
mod inline;
mod lines;

use inline::Escapes;
use lines::Lines;

const FENCE: &str = "```";

/// Turns a text with WhatsApp's marks into Markdown.
///
/// Bold, italics and strike-through change their marks; code, links and e-mail addresses stay; `- `, `* `, `1. ` and `> `
/// are the same on both sides; everything else that Markdown would take for a mark is escaped. A list or a quote is parted
/// from a line below it by a blank one, which Markdown needs to end them.
pub fn to_markdown(whatsapp: &str) -> String {
    let text = whatsapp.replace("\r\n", "\n").replace('\r', "\n");
    let escapes = Escapes::needed_by(&text);
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    let mut from = 0;
    for block in code::blocks(&text) {
        push_lines(&mut out, text.get(from..block.outer.start).unwrap_or_default(), &escapes);
        push_code_block(&mut out, text.get(block.inner).unwrap_or_default());
        from = block.outer.end;
        let goes_on = text.get(from..).is_some_and(|after| !after.is_empty() && !after.starts_with('\n'));
        if goes_on {
            out.push('\n');
        }
    }
    push_lines(&mut out, text.get(from..).unwrap_or_default(), &escapes);
    out
}

/// Writes a block whose fences stand alone on their lines: on the line of a fence Markdown would hide the code.
fn push_code_block(out: &mut String, code: &str) {
    if !out.is_empty() && !out.ends_with('\n') {
        out.push('\n');
    }
    let code = code.strip_prefix('\n').unwrap_or(code);
    let code = code.strip_suffix('\n').unwrap_or(code);
    for piece in [FENCE, "\n", code, "\n", FENCE] {
        out.push_str(piece);
    }
}

fn push_lines(out: &mut String, text: &str, escapes: &Escapes) {
    let mut lines = Lines::new(escapes);
    for (at, line) in text.split('\n').enumerate() {
        if at > 0 {
            out.push('\n');
        }
        lines.push(out, line);
    }
}
