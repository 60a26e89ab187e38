//! Keeps Chatwoot from running a message as a Liquid template.
//!
//! Chatwoot renders the content of outgoing messages as Liquid when they are created. A text typed on the phone that says
//! `{{ name }}` must arrive as typed, and Liquid has no escape that is not itself shown when rendering is off.

/// Stands between the braces: of no width, so people do not see it, and no brace, so Liquid sees no tag.
const SPACER: char = '\u{200b}';

/// Breaks `{{`, `}}`, `{%` and `%}` by a zero-width space between the two signs; other text is unchanged.
///
/// Guarding twice is the same as guarding once. Code in backticks is guarded too: Chatwoot exempts it only where the
/// backticks pair up.
pub fn guard_liquid(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut signs = text.chars().peekable();
    while let Some(sign) = signs.next() {
        out.push(sign);
        let makes_tag = matches!((sign, signs.peek()), ('{', Some('{' | '%')) | ('}' | '%', Some('}')));
        if makes_tag {
            out.push(SPACER);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tags_are_broken_and_look_the_same() {
        assert_eq!(guard_liquid("{{a}}"), "{\u{200b}{a}\u{200b}}");
        assert_eq!(guard_liquid("{% if %}"), "{\u{200b}% if %\u{200b}}");
        assert_eq!(guard_liquid("{{{"), "{\u{200b}{\u{200b}{");
        assert_eq!(guard_liquid("{a} 100% {b} { {"), "{a} 100% {b} { {");
    }

    proptest! {
        #[test]
        fn no_tag_is_left_and_nothing_else_changes(text in "[{}%a-c \n]{0,30}") {
            let guarded = guard_liquid(&text);
            for tag in ["{{", "}}", "{%", "%}"] {
                prop_assert!(!guarded.contains(tag));
            }
            prop_assert_eq!(&guard_liquid(&guarded), &guarded);
            prop_assert_eq!(guarded.replace(SPACER, ""), text);
        }
    }
}
