//! Documents in several languages say the same: headings, lists, tables, code and links correspond one by one.

use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag};

use crate::documents::{DOCUMENTS, options};

/// Pages that there are in every language.
const TRANSLATED: [&str; 2] = ["README", "docs/quickstart"];

/// What a page is made of, without its words.
fn skeleton(text: &str) -> Vec<String> {
    let mut parts = Vec::new();
    for event in Parser::new_ext(text, options()) {
        let part = match event {
            Event::Start(Tag::Heading { level, .. }) => format!("{level}"),
            Event::Start(Tag::Item) => "item".to_owned(),
            Event::Start(Tag::TableRow) => "row".to_owned(),
            Event::Start(Tag::Table(columns)) => format!("table of {}", columns.len()),
            Event::Start(Tag::BlockQuote(_)) => "quote".to_owned(),
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) => format!("code {language}"),
            Event::Start(Tag::Image { dest_url, .. }) => format!("picture {dest_url}"),
            _ => continue,
        };
        parts.push(part);
    }
    parts
}

/// Pages that a page links, without language. The order of words differs, so theirs may.
fn links(text: &str) -> Vec<String> {
    let mut links: Vec<_> = crate::documents::links(text)
        .into_iter()
        .map(|link| link.replace(".pt-BR.md", ".md").replace(".es.md", ".md"))
        .collect();
    links.sort();
    links
}

#[test]
fn translations_say_the_same() {
    for page in TRANSLATED {
        let original = &DOCUMENTS[&format!("{page}.md")];
        for language in ["pt-BR", "es"] {
            let name = format!("{page}.{language}.md");
            let translation = &DOCUMENTS[&name];
            assert_eq!(skeleton(translation), skeleton(original), "{name}");
            assert_eq!(links(translation), links(original), "{name}");
            let same = original.lines().filter(|line| line.len() > 60 && !line.contains('→') && !line.contains('←'));
            let untranslated: Vec<_> = same.filter(|line| translation.contains(*line)).collect();
            assert!(untranslated.is_empty(), "{name}: {untranslated:#?}");
        }
    }
}
