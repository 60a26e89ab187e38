//! A note of several lines in the making.
//!
//! Invariant: words of customers come in through [`Lines::words`], [`Lines::field`] and [`Lines::text`], which keep them from
//! marking what is not theirs.

use jiff::tz::TimeZone;

use super::Locale;
use crate::clock::Timestamp;
use crate::text::{is_blank, literal, to_markdown};

/// Most items of one list that are written out.
const MOST_ITEMS: usize = 100;
/// Longest text within a note, in characters.
const LONGEST_TEXT: usize = 10_000;

#[derive(Debug)]
pub(super) struct Lines(Vec<String>);

impl Lines {
    /// Begins with an emoji and a title of our own in bold.
    pub(super) fn titled(emoji: &str, title: &str) -> Self {
        Self(vec![format!("{emoji} **{title}**")])
    }

    pub(super) fn untitled() -> Self {
        Self(Vec::new())
    }

    /// A line of our own making.
    pub(super) fn line(&mut self, line: String) -> &mut Self {
        self.0.push(line);
        self
    }

    /// A line of somebody's plain words.
    pub(super) fn words(&mut self, words: Option<&str>) -> &mut Self {
        self.0.extend(words.filter(|words| !is_blank(words)).map(literal));
        self
    }

    /// A label and somebody's plain words.
    pub(super) fn field(&mut self, label: &str, words: Option<&str>) -> &mut Self {
        self.0.extend(words.filter(|words| !is_blank(words)).map(|words| format!("{label}: {}", literal(words))));
        self
    }

    /// An emoji that says what somebody's plain words are.
    pub(super) fn sign(&mut self, emoji: &str, words: Option<&str>) -> &mut Self {
        self.0.extend(words.filter(|words| !is_blank(words)).map(|words| format!("{emoji} {}", literal(words))));
        self
    }

    /// Somebody's text, with WhatsApp's marks, apart from the rest.
    pub(super) fn text(&mut self, text: Option<&str>) -> &mut Self {
        let Some(text) = text.filter(|text| !is_blank(text)) else { return self };
        let text: String = text.trim().chars().take(LONGEST_TEXT).collect();
        let gap = if self.0.is_empty() { "" } else { "\n" };
        self.0.push(format!("{gap}{}\n", to_markdown(&text)));
        self
    }

    /// A list, of which not more is written than anybody reads.
    pub(super) fn items(&mut self, locale: Locale, items: impl ExactSizeIterator<Item = String>) -> &mut Self {
        let more = items.len().saturating_sub(MOST_ITEMS);
        self.0.extend(items.take(MOST_ITEMS).map(|item| format!("- {item}")));
        if more > 0 {
            self.0.push(match locale {
                Locale::PtBr => format!("- … e mais {more}"),
                Locale::En => format!("- … and {more} more"),
                Locale::Es => format!("- … y {more} más"),
            });
        }
        // what follows would belong to the last item
        if let Some(last) = self.0.last_mut().filter(|last| last.starts_with("- ")) {
            last.push('\n');
        }
        self
    }

    /// A code to copy, in a line of its own.
    pub(super) fn code(&mut self, code: &str) -> &mut Self {
        self.0.push(copyable(code));
        self
    }

    pub(super) fn finish(&self) -> String {
        let mut out = String::new();
        for line in &self.0 {
            if !out.is_empty() && !out.ends_with("\n\n") {
                out.push('\n');
            }
            out.push_str(if out.ends_with("\n\n") { line.trim_start_matches('\n') } else { line });
        }
        out.trim().to_owned()
    }
}

/// A code within backticks, so that it can be copied as it is.
pub(super) fn copyable(code: &str) -> String {
    let code: String = code.chars().filter(|sign| !sign.is_control() && *sign != '`').take(2000).collect();
    let code = code.trim();
    if code.is_empty() { String::new() } else { format!("`{code}`") }
}

/// Words of our own, or a link: whatever a link is made of, it is one line without brackets around it.
pub(super) fn bare_link(url: &str) -> String {
    let is_link = ["https://", "http://"].iter().any(|head| url.to_ascii_lowercase().starts_with(head));
    let is_plain = !url.contains(|sign: char| sign.is_whitespace() || sign.is_control() || "<>[]()`*\"".contains(sign));
    if is_link && is_plain { url.to_owned() } else { literal(url) }
}

/// A moment in words, with its time zone.
pub(super) fn moment(locale: Locale, zone: &TimeZone, at: Timestamp) -> Option<String> {
    let at = jiff::Timestamp::from_millisecond(at.as_millis()).ok()?.to_zoned(zone.clone());
    let format = locale.pick("%d/%m/%Y %H:%M %Z", "%b %d, %Y, %H:%M %Z", "%d/%m/%Y %H:%M %Z");
    Some(at.strftime(&format).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_stand_apart_and_words_do_not_mark() {
        let mut lines = Lines::titled("📍", "Place");
        lines.words(Some("*a*")).text(Some("> _x_")).field("Name", Some("b\nc")).words(Some(" ")).text(None);
        assert_eq!(lines.finish(), "📍 **Place**\n\\*a\\*\n\n> *x*\n\nName: b c");
    }

    #[test]
    fn long_lists_end() {
        let mut lines = Lines::untitled();
        lines.items(Locale::En, vec!["x".to_owned(); MOST_ITEMS + 2].into_iter());
        assert!(lines.finish().ends_with("- x\n- … and 2 more"));
    }

    #[test]
    fn codes_and_links_cannot_break_out() {
        assert_eq!(copyable("00`02\n01 "), "`000201`");
        assert_eq!(bare_link("https://x.com/a_b?c=1"), "https://x.com/a_b?c=1");
        assert_eq!(bare_link("javascript:alert([1])"), "javascript:alert(\\[1])");
    }

    #[test]
    fn moments_name_their_zone() {
        let at = Timestamp::from_secs(1_732_600_000);
        assert_eq!(moment(Locale::PtBr, &TimeZone::UTC, at).unwrap(), "26/11/2024 05:46 UTC");
        assert_eq!(moment(Locale::En, &TimeZone::UTC, at).unwrap(), "Nov 26, 2024, 05:46 UTC");
        assert_eq!(moment(Locale::En, &TimeZone::UTC, Timestamp::from_millis(i64::MAX)), None);
    }
}
