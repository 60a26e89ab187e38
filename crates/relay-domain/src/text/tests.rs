//! The rules of both directions, and what holds for any text.

mod growth;
mod shown;
mod table;

use proptest::prelude::*;

use super::*;

fn word() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9áéç]{1,8}"
}

/// Words, words with marks around them, and words with marks within marks.
fn marked() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => word(),
        1 => "[a-z]{2,5}[.,;:!?]",
        1 => word().prop_map(|word| format!("*{word}*")),
        1 => word().prop_map(|word| format!("_{word}_")),
        1 => word().prop_map(|word| format!("~{word}~")),
        1 => (word(), word()).prop_map(|(one, two)| format!("*{one} {two}*,")),
        1 => (word(), word()).prop_map(|(one, two)| format!("*_{one}_ {two}*")),
        1 => (word(), word()).prop_map(|(one, two)| format!("_{one} ~{two}~_")),
        1 => (word(), word()).prop_map(|(one, two)| format!("_*{one}* {two}_")),
        1 => (word(), word()).prop_map(|(one, two)| format!("{one}_{two}_{one}")),
        1 => (word(), word()).prop_map(|(one, two)| format!("{one}*{two}*{one}")),
    ]
}

fn lines_of_marked_words() -> impl Strategy<Value = String> {
    let gap = prop_oneof![6 => Just(" "), 2 => Just("\n"), 1 => Just("\n\n"), 1 => Just("\n\n\n")];
    let rest = prop::collection::vec((gap, marked()), 0..12);
    ("[a-z]{1,5}", rest).prop_map(|(first, rest)| rest.into_iter().fold(first, |text, (gap, word)| text + gap + &word))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn no_text_panics(text in ".{0,60}", signs in "[*_~`<>&;#+=|\\[\\]()!\\\\ \n\t.0-9a-z@:/-]{0,50}") {
        for text in [&text, &signs] {
            let markdown = to_markdown(text);
            to_whatsapp(text);
            to_whatsapp(&markdown);
        }
    }

    #[test]
    fn letters_and_digits_are_never_lost(text in "[*_~`<>#+=|()! \n.0-9a-z-]{0,40}") {
        let letters = |text: &str| text.chars().filter(char::is_ascii_lowercase).collect::<String>();
        prop_assert_eq!(letters(&to_whatsapp(&to_markdown(&text))), letters(&text));
    }

    #[test]
    fn plain_text_survives(words in prop::collection::vec("[a-zA-Z][a-zA-Z0-9']{0,7}[.,;:!?)%$\"]{0,2}", 0..12), gap in "[ \n]") {
        let text = words.join(&gap);
        prop_assert_eq!(&to_whatsapp(&text), &text);
        prop_assert_eq!(&to_whatsapp(&to_markdown(&text)), &text);
        prop_assert_eq!(to_markdown(&text), text);
    }

    #[test]
    fn whatsapp_text_comes_back_from_markdown(text in lines_of_marked_words()) {
        prop_assert_eq!(to_whatsapp(&to_markdown(&text)), text);
    }

    #[test]
    fn links_come_back_whatever_their_signs(path in "[a-z0-9_*~/.-]{0,20}[a-z0-9]", before in "(|veja |\\*oi\\* |\\()") {
        let text = format!("{before}https://x.com/{path}");
        prop_assert_eq!(&to_whatsapp(&text).replace("_oi_", "*oi*"), &text);
        prop_assert_eq!(to_whatsapp(&to_markdown(&text)), text);
    }

    #[test]
    fn code_is_the_same_on_both_sides(code in "[a-z*_~<&\\[\\]() ]{0,20}", ticks in "`|```") {
        let text = format!("veja {ticks}x{code}x{ticks} aqui");
        prop_assert_eq!(&to_whatsapp(&text), &text);
        prop_assert_eq!(&to_markdown(&text), &text);
    }

    #[test]
    fn what_is_not_blank_stays_so(text in "[*_~`<>#+=|()! \n.0-9a-z\\[\\]\\\\:-]{0,12}", sign in "[*_~`<>#+=|()!0a\\[\\]:-]") {
        let text = format!("{text}{sign}");
        prop_assert!(!to_markdown(&text).trim().is_empty());
        prop_assert!(!to_whatsapp(&text).trim().is_empty());
    }
}
