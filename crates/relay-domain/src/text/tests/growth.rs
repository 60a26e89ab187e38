//! However a text is made, the work grows with its length and no faster.
//!
//! Measured in steps of our own ([`work`]), which are the same on every machine; what the Markdown parser does is counted by
//! the events it gives.

use super::{split_at_paragraph, to_markdown, to_whatsapp};
use crate::text::work;

const SMALL: usize = 25_000;
const LARGE: usize = 100_000;

/// Pieces that, repeated, have cost one converter or another the square of their length.
const PIECES: [&str; 44] = [
    "*",
    "_",
    "~",
    "`",
    "[",
    "]",
    "<",
    ">",
    "!",
    "\\",
    "&",
    "-",
    "#",
    "|",
    "@",
    "(",
    "\n",
    "\t",
    " ",
    "> ",
    "- ",
    "1. ",
    "**a ",
    "*a ",
    "*(a ",
    "_a ",
    "~a ",
    "*a* ",
    "`a` ",
    "``` ",
    "```a\n",
    "[a](",
    "![a](b) ",
    "<a ",
    "&amp;",
    "a@b.c ",
    "www.a.b ",
    "https://",
    "`a` www.a.b a@b.c ",
    "*_~a~_* ",
    "> a\n",
    "- a\n  ",
    "[a]: b\n",
    "👩\u{200d}",
];

/// Texts of which one half answers the other: opened many times, closed many times or never.
fn nested(half: usize) -> Vec<String> {
    let pair = |left: &str, right: &str| left.repeat(half / left.len()) + &right.repeat(half / right.len());
    vec![
        pair("*a ", " a*"),
        pair("**a ", " a**"),
        pair("*(a ", ")*😀"),
        pair("![", "](a)"),
        pair("[", "](a)"),
        pair("> ", "\nx"),
        pair("- ", "   "),
        pair("> ", "   ") + "x",
        pair("`", " `` "),
        pair("<", ">"),
        pair("a_", "@a.b"),
        "*".to_owned() + &"a ".repeat(half) + "*",
        "```\n".to_owned() + &"a*b*c\n".repeat(half / 3) + "```",
    ]
}

fn texts(length: usize) -> Vec<String> {
    let repeated = PIECES.iter().map(|piece| piece.repeat(length / piece.len()));
    repeated.chain(nested(length / 2)).collect()
}

fn assert_linear(what: &str, convert: impl Fn(&str)) {
    for (small, large) in texts(SMALL).iter().zip(texts(LARGE)) {
        let (few, many) = (work::steps_of(|| convert(small)), work::steps_of(|| convert(&large)));
        let begins: String = large.chars().take(12).collect();
        let allowed = (few + SMALL) * 5;
        assert!(many <= allowed, "{what}: {few} steps become {many} for {begins:?}");
        assert!(many > 0, "{what}: nothing is counted for {begins:?}");
    }
}

#[test]
fn markdown_is_written_in_linear_time() {
    assert_linear("to Markdown", |text| drop(to_markdown(text)));
}

#[test]
fn whatsapps_text_is_written_in_linear_time() {
    assert_linear("to WhatsApp", |text| drop(to_whatsapp(text)));
}

#[test]
fn the_output_of_one_is_no_trap_for_the_other() {
    assert_linear("there and back", |text| drop(to_whatsapp(&to_markdown(text))));
}

#[test]
fn a_long_text_is_cut_in_linear_time() {
    assert_linear("cut", |text| drop(split_at_paragraph(text, 1000)));
}
