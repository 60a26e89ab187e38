//! Texts, links, and what a bot answers.

use relay_domain::event::Content;
use serde_json::Value;

use super::fields::{list, text};

/// Bare inside wrappers and edits. A text that is nothing but a link is shown with the title of its page.
pub(super) fn words(content: &Value) -> Option<Content> {
    let words = content.as_str().or_else(|| content.get("text")?.as_str())?;
    let (title, description) = (text(content, "title"), text(content, "description"));
    let url = words.trim();
    let is_link =
        ["https://", "http://"].iter().any(|head| url.starts_with(head)) && !url.contains(char::is_whitespace);
    if is_link && title.is_some() {
        return Some(Content::Link { url: url.to_owned(), title, description });
    }
    Some(Content::Text(words.to_owned()))
}

/// The answer of Meta's bot: texts among other things.
pub(super) fn bot_answer(content: &Value) -> Option<Content> {
    let texts: Vec<_> = list(content, "submessages").iter().filter_map(|part| text(part, "messageText")).collect();
    (!texts.is_empty()).then(|| Content::Text(texts.join("\n\n")))
}
