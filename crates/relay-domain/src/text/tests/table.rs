//! Each direction, pair by pair, from the two files beside this one.

use super::{to_markdown, to_whatsapp};

const TO_MARKDOWN: &str = include_str!("to_markdown.txt");
const TO_WHATSAPP: &str = include_str!("to_whatsapp.txt");

/// What is typed and what comes out.
struct Pair {
    line: usize,
    typed: String,
    expected: String,
}

fn pairs(table: &str) -> Vec<Pair> {
    let rows = table.lines().enumerate().filter_map(|(at, row)| Some((at + 1, row.split_once("  →  ")?)));
    let pair = |(line, (typed, expected)): (usize, (&str, &str))| {
        let expected = if expected == "=" { typed } else { expected };
        Pair { line, typed: read(typed), expected: read(expected) }
    };
    rows.map(pair).collect()
}

fn read(cell: &str) -> String {
    let signs = [("⏎", "\n"), ("␍", "\r"), ("⇥", "\t"), ("␣", " "), ("⍽", "\u{a0}")];
    signs.iter().fold(cell.to_owned(), |text, (sign, meant)| text.replace(sign, meant))
}

fn check(table: &str, convert: fn(&str) -> String) {
    let wrong = |pair: &Pair| {
        let found = convert(&pair.typed);
        (found != pair.expected)
            .then(|| format!("line {}: {:?}\n  wanted {:?}\n  found  {found:?}", pair.line, pair.typed, pair.expected))
    };
    let wrong: Vec<_> = pairs(table).iter().filter_map(wrong).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn customers_text_becomes_markdown() {
    check(TO_MARKDOWN, to_markdown);
}

#[test]
fn agents_text_becomes_whatsapps() {
    check(TO_WHATSAPP, to_whatsapp);
}

#[test]
fn the_tables_are_long_and_say_nothing_twice() {
    for table in [TO_MARKDOWN, TO_WHATSAPP] {
        let mut typed: Vec<_> = pairs(table).into_iter().map(|pair| pair.typed).collect();
        assert!(typed.len() >= 120, "only {} pairs", typed.len());
        typed.sort();
        let twice = typed.windows(2).find(|two| two[0] == two[1]);
        assert_eq!(twice, None);
    }
}

/// What comes back is what was typed, but for what [`normal`] says.
#[test]
fn what_customers_type_comes_back() {
    for pair in pairs(TO_MARKDOWN) {
        assert_eq!(normal(&to_whatsapp(&pair.expected)), normal(&pair.typed), "line {}", pair.line);
    }
}

/// The same text after the changes that a round trip makes: lines are `\n` and have no white space around them, no blank
/// lines, stars of lists are dashes, code has as many backticks as it needs, and `www.` may have got its `http://`.
fn normal(text: &str) -> String {
    let unix = text.replace("\r\n", "\n").replace('\r', "\n").replace("```", "\n").replace('`', "");
    let plain = unix.replace("http://www.", "www.");
    let lines = plain.lines().map(|line| line.trim_matches(|sign: char| sign.is_whitespace() || sign == '>'));
    let lines = lines.map(|line| line.strip_prefix("* ").map_or_else(|| line.to_owned(), |item| format!("- {item}")));
    let lines = lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}
