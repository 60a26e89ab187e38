//! Finds what must pass untouched: links and e-mail addresses, whose underscores and stars are no marks.
//!
//! Invariant: the spans are in order, do not overlap and lie on character boundaries.

use std::ops::Range;

use crate::text::work;

const LINK_HEADS: [&str; 3] = ["https://", "http://", "www."];

/// The links and e-mail addresses of a text.
pub(super) fn spans(text: &str) -> Vec<Range<usize>> {
    work::count(text.len());
    without_overlap(links(text), emails(text))
}

/// Both kinds of spans in order, without those of the second kind that touch one of the first.
pub(super) fn without_overlap(first: Vec<Range<usize>>, second: Vec<Range<usize>>) -> Vec<Range<usize>> {
    work::count(first.len() + second.len());
    let is_new = |span: &Range<usize>| {
        let next = first.partition_point(|other| other.end <= span.start);
        first.get(next).is_none_or(|other| span.end <= other.start)
    };
    let new: Vec<_> = second.into_iter().filter(is_new).collect();
    let mut both = first;
    both.extend(new);
    both.sort_by_key(|span| span.start);
    both
}

/// What must stand before a link or an e-mail address so that Markdown takes it for one between `<` and `>`; `None` if it
/// never does.
pub(super) fn scheme_between_angles(address: &str) -> Option<&'static str> {
    let Some((_, domain)) = address.split_once('@').filter(|_| !has_head(address)) else {
        return Some(if starts_with(address, 0, "www.") { "http://" } else { "" });
    };
    let is_edge = |sign: Option<u8>| sign.is_some_and(|sign| sign.is_ascii_alphanumeric());
    let is_name = |name: &str| name.len() < 64 && is_edge(name.bytes().next()) && is_edge(name.bytes().next_back());
    domain.split('.').all(is_name).then_some("")
}

fn has_head(text: &str) -> bool {
    LINK_HEADS.iter().any(|head| starts_with(text, 0, head))
}

/// The span in which a position lies, if any.
pub(super) fn at(spans: &[Range<usize>], position: usize) -> Option<&Range<usize>> {
    let after = spans.partition_point(|span| span.end <= position);
    spans.get(after).filter(|span| span.contains(&position))
}

fn links(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(start) = next_head(text, from) {
        let end = link_end(text, start);
        let head = LINK_HEADS.iter().find(|head| starts_with(text, start, head)).map_or(1, |head| head.len());
        if end > start + head {
            found.push(start..end);
        }
        from = end.max(start + head);
    }
    found
}

/// The next place where a link begins, not in the middle of a word.
fn next_head(text: &str, from: usize) -> Option<usize> {
    let rest = text.get(from..)?;
    rest.char_indices().map(|(at, _)| from + at).find(|at| {
        let follows_word = before(text, *at).is_some_and(char::is_alphanumeric);
        !follows_word && LINK_HEADS.iter().any(|head| starts_with(text, *at, head))
    })
}

fn starts_with(text: &str, at: usize, head: &str) -> bool {
    text.get(at..at + head.len()).is_some_and(|found| found.eq_ignore_ascii_case(head))
}

fn link_end(text: &str, start: usize) -> usize {
    let rest = text.get(start..).unwrap_or_default();
    let closes_label = |at: usize| rest.get(at..).is_some_and(|tail| tail.starts_with("]("));
    let stops = |(at, sign): &(usize, char)| {
        sign.is_whitespace() || sign.is_control() || matches!(sign, '<' | '>' | '"' | '`') || closes_label(*at)
    };
    let end = rest.char_indices().find(stops).map_or(rest.len(), |(at, _)| at);
    start + without_tail(rest.get(..end).unwrap_or_default()).len()
}

/// Leaves out what ends a sentence or closes a bracket or a mark around the link.
fn without_tail(link: &str) -> &str {
    let mut closed = link.matches(')').count();
    let opened = link.matches('(').count();
    let mut link = link;
    while let Some(last) = link.chars().next_back() {
        let belongs = match last {
            ')' if closed > opened => {
                closed -= 1;
                false
            }
            sign => !may_end_sentence(sign),
        };
        if belongs {
            break;
        }
        link = link.get(..link.len() - last.len_utf8()).unwrap_or_default();
    }
    link
}

/// Whether a sign at the end of a link belongs to the text around it.
pub(super) fn may_end_sentence(sign: char) -> bool {
    matches!(sign, '.' | ',' | ';' | ':' | '!' | '?' | '\'' | '*' | '_' | '~' | ']' | '}' | '\\')
}

fn emails(text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    for (at, _) in text.match_indices('@') {
        let from = found.last().map_or(0, |last| last.end);
        found.extend(email_around(text, at, from));
    }
    found
}

/// The address around an `@`, of which nothing lies before `from`.
fn email_around(text: &str, at: usize, from: usize) -> Option<Range<usize>> {
    let is_local = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '.' | '_' | '%' | '+' | '-');
    let is_domain = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '.' | '-');
    let (left, right) = (text.get(from..at)?, text.get(at + 1..)?);
    let mut local = left.get(left.trim_end_matches(is_local).len()..)?;
    let domain_end = right.find(|sign| !is_domain(sign)).unwrap_or(right.len());
    let domain = right.get(..domain_end)?.trim_end_matches(['.', '-']);
    let is_marked = local.starts_with('_') && right.get(domain.len()..)?.starts_with('_');
    if is_marked {
        local = local.strip_prefix('_')?;
    }
    let is_email = !local.is_empty() && domain.contains('.') && !domain.starts_with('.');
    is_email.then(|| at - local.len()..at + 1 + domain.len())
}

/// The character before a position.
pub(super) fn before(text: &str, at: usize) -> Option<char> {
    text.get(..at)?.chars().next_back()
}

/// The character at a position.
pub(super) fn after(text: &str, at: usize) -> Option<char> {
    text.get(at..)?.chars().next()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(text: &str) -> Vec<&str> {
        spans(text).into_iter().filter_map(|span| text.get(span)).collect()
    }

    #[test]
    fn links_end_where_the_sentence_goes_on() {
        assert_eq!(found("veja https://x.com/a_b_c, ok?"), ["https://x.com/a_b_c"]);
        assert_eq!(found("(http://x.com/a_(b)_c)."), ["http://x.com/a_(b)_c"]);
        assert_eq!(found("*www.x.com/_a_*"), ["www.x.com/_a"]);
        assert_eq!(found("[https://a.com](https://a.com)"), ["https://a.com", "https://a.com"]);
        assert_eq!(found("HTTPS://X.com"), ["HTTPS://X.com"]);
        assert_eq!(found("awww. https:// www."), Vec::<&str>::new());
    }

    #[test]
    fn emails_are_found_inside_marks() {
        assert_eq!(found("escreva a joao_da_silva@x.com.br."), ["joao_da_silva@x.com.br"]);
        assert_eq!(found("_me@x.com_"), ["me@x.com"]);
        assert_eq!(found("@5511 a@b @ c@.d"), Vec::<&str>::new());
        assert_eq!(found("a@b.coc@d.co"), ["a@b.coc"]);
    }

    #[test]
    fn positions_are_looked_up() {
        let spans = [2..5, 8..9];
        assert_eq!(at(&spans, 1), None);
        assert_eq!(at(&spans, 2), Some(&(2..5)));
        assert_eq!(at(&spans, 5), None);
        assert_eq!(at(&spans, 8), Some(&(8..9)));
    }

    proptest! {
        #[test]
        fn spans_are_ordered_and_on_boundaries(text in "(https://|www\\.|[a-z@._*() é]){0,20}") {
            let mut last = 0;
            for span in spans(&text) {
                prop_assert!(span.start >= last && span.end > span.start);
                prop_assert!(text.get(span.clone()).is_some());
                last = span.end;
            }
        }
    }
}
