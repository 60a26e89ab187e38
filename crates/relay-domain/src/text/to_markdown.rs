//! WhatsApp's marks to Markdown, as Chatwoot shows it (with a line break for each newline).
//!
//! [`to_markdown`] cuts the text into code blocks and lines; [`lines`] decides what the beginning of a line means and
//! [`inline`] what stands within it. Invariant: a backslash is added only where Markdown would otherwise show something
//! that WhatsApp does not, so plain text stays plain in notifications and previews, which show the Markdown itself.

mod inline;
mod lines;

use inline::Escapes;

const FENCE: &str = "```";

/// Turns a text with WhatsApp's marks into Markdown.
///
/// Bold, italics and strike-through change their marks; code, links and e-mail addresses stay; `- `, `* `, `1. ` and `> `
/// are the same on both sides; everything else that Markdown would take for a mark is escaped.
pub fn to_markdown(whatsapp: &str) -> String {
    let text = whatsapp.replace("\r\n", "\n").replace('\r', "\n");
    let escapes = Escapes::needed_by(&text);
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    let mut rest = text.as_str();
    while let Some((before, code, after)) = next_code_block(rest) {
        push_lines(&mut out, before, &escapes);
        push_code_block(&mut out, code);
        if !after.is_empty() && !after.starts_with('\n') {
            out.push('\n');
        }
        rest = after;
    }
    push_lines(&mut out, rest, &escapes);
    out
}

/// The next code between triple backticks that spans lines; what stays within a line is no block.
fn next_code_block(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    loop {
        let start = from + text.get(from..)?.find(FENCE)?;
        let inside = text.get(start + FENCE.len()..)?;
        let length = inside.find(FENCE)?;
        let code = inside.get(..length)?;
        let after = inside.get(length + FENCE.len()..)?;
        if code.contains('\n') && !code.trim().is_empty() {
            return Some((text.get(..start)?, code, after));
        }
        from = text.len() - after.len();
    }
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
    let mut previous = "";
    for (at, line) in text.split('\n').enumerate() {
        if at > 0 {
            out.push('\n');
        }
        let leaves_quote = lines::is_quote(previous) && !lines::is_quote(line) && !line.trim().is_empty();
        if leaves_quote {
            out.push('\n');
        }
        lines::push_line(out, line, previous.trim().is_empty(), escapes);
        previous = line;
    }
}
