//! What the beginning of a line means on either side.
//!
//! Invariant: lists and quotes that WhatsApp shows stay; what only Markdown would show (headings, rules, `1)`, `+`, tables,
//! indented code) is escaped.

use super::inline::{self, Escapes};

/// Whether WhatsApp shows the line as a quotation.
pub(super) fn is_quote(line: &str) -> bool {
    line.strip_prefix("> ").is_some_and(|rest| !rest.trim().is_empty())
}

/// Writes one line as Markdown.
pub(super) fn push_line(out: &mut String, line: &str, follows_blank: bool, escapes: &Escapes) {
    if is_quote(line) {
        out.push_str("> ");
        push_line(out, line.get(2..).unwrap_or_default(), true, escapes);
        return;
    }
    let core = line.trim_start_matches([' ', '\t']);
    let indent = line.get(..line.len() - core.len()).unwrap_or_default();
    let bullet = list_marker(core);
    let would_be_code = follows_blank && bullet.is_empty() && (indent.len() >= 4 || indent.contains('\t'));
    if would_be_code {
        out.extend(indent.chars().map(|_| '\u{a0}'));
    } else {
        out.push_str(indent);
    }
    out.push_str(bullet);
    let rest = core.get(bullet.len()..).unwrap_or_default();
    let (kept, consumed) = escaped_start(rest, !bullet.is_empty());
    if consumed > 0 {
        out.push_str(rest.get(..kept).unwrap_or_default());
        out.push('\\');
        out.push_str(rest.get(kept..consumed).unwrap_or_default());
    }
    inline::push_inline(out, rest.get(consumed..).unwrap_or_default(), escapes);
}

/// The marker of a list item that both sides show, with its space; empty if the line is none.
fn list_marker(core: &str) -> &str {
    if is_rule(core) || core.trim_end().len() < 3 {
        return "";
    }
    let digits = core.len() - core.trim_start_matches(|sign: char| sign.is_ascii_digit()).len();
    let sign_end = match digits {
        0 if core.starts_with(['-', '*']) => 1,
        1..=9 if core.get(digits..).is_some_and(|rest| rest.starts_with('.')) => digits + 1,
        _ => return "",
    };
    let rest = core.get(sign_end..).unwrap_or_default();
    if rest.starts_with(' ') && !rest.trim().is_empty() { core.get(..=sign_end).unwrap_or_default() } else { "" }
}

/// How many bytes stand before the sign to escape, and how many are done with it; zeros if the line begins harmlessly.
fn escaped_start(core: &str, in_item: bool) -> (usize, usize) {
    let Some(first) = core.chars().next() else {
        return (0, 0);
    };
    let ends_or_spaces =
        |at: usize| core.get(at..).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']));
    let hashes = core.len() - core.trim_start_matches('#').len();
    let digits = core.len() - core.trim_start_matches(|sign: char| sign.is_ascii_digit()).len();
    let is_marked = match first {
        '#' => hashes <= 6 && ends_or_spaces(hashes),
        '>' => true,
        '+' => ends_or_spaces(1),
        '-' | '*' => {
            is_rule(core)
                || is_underline(core)
                || is_table_rule(core)
                || (ends_or_spaces(1) && (in_item || core.trim_end().len() == 1))
        }
        '_' => is_rule(core),
        '=' => is_underline(core),
        '|' | ':' => is_table_rule(core),
        _ => false,
    };
    if is_marked {
        return (0, first.len_utf8());
    }
    let after_digits = core.get(digits..).unwrap_or_default();
    let is_number = (1..=9).contains(&digits) && after_digits.starts_with(['.', ')']) && ends_or_spaces(digits + 1);
    let is_shown = after_digits.starts_with('.') && after_digits.len() > 1 && !in_item;
    if is_number && !is_shown { (digits, digits + 1) } else { (0, 0) }
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

/// A line such as `--- | ---` would make a table.
fn is_table_rule(core: &str) -> bool {
    let only_rule = core.chars().all(|sign| matches!(sign, '-' | '|' | ':' | ' '));
    only_rule && core.contains('-') && core.contains('|')
}
