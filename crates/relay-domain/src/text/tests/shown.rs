//! What a Markdown parser makes of a customer's text: nothing that WhatsApp would not show.

use proptest::prelude::*;
use pulldown_cmark::{Event, LinkType, Options, Parser, Tag};

use super::to_markdown;

/// Something that only an agent may write.
fn forged(markdown: &str) -> Option<String> {
    let options = Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TABLES;
    Parser::new_ext(markdown, options).find(is_forged).map(|event| format!("{event:?}"))
}

fn is_forged(event: &Event<'_>) -> bool {
    if let Event::Start(Tag::Link { link_type, .. }) = event {
        return !matches!(link_type, LinkType::Autolink | LinkType::Email);
    }
    let is_block =
        matches!(event, Event::Start(Tag::Image { .. } | Tag::Heading { .. } | Tag::HtmlBlock | Tag::Table(_)));
    is_block || matches!(event, Event::Html(_) | Event::InlineHtml(_) | Event::Rule)
}

/// The letters that a reader sees.
fn letters_shown(markdown: &str) -> String {
    let mut shown = String::new();
    for event in Parser::new_ext(markdown, Options::ENABLE_STRIKETHROUGH) {
        if let Event::Text(text) | Event::Code(text) = event {
            shown.extend(text.chars().filter(char::is_ascii_lowercase));
        }
    }
    shown
}

/// Texts made to be taken for more than they are.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-z]{1,3}",
        2 => "[ \n]",
        4 => "[*_~`<>&;#+=|!\\\\\t.0-9@:/()\\[\\]-]",
        1 => Just("https://x.co/".to_owned()),
        1 => Just("](https://e.co)".to_owned()),
        1 => Just("![".to_owned()),
        1 => Just("```".to_owned()),
        1 => Just("\n[a]: b".to_owned()),
        1 => Just("<b>".to_owned()),
        1 => Just("a@b.co".to_owned()),
        1 => Just("\n--|--\n".to_owned()),
        1 => Just("\n> ".to_owned()),
        1 => Just("\n- ".to_owned()),
    ];
    prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_link_picture_heading_table_or_html_is_forged(text in hostile()) {
        let markdown = to_markdown(&text);
        prop_assert_eq!(forged(&markdown), None, "{:?}", markdown);
    }

    #[test]
    fn every_letter_is_shown_once(text in hostile()) {
        let typed: String = text.chars().filter(char::is_ascii_lowercase).collect();
        let markdown = to_markdown(&text);
        prop_assert_eq!(letters_shown(&markdown), typed, "{:?}", markdown);
    }
}
