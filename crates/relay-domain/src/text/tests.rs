//! The rules of both directions, line by line, and what holds for any text.

use proptest::prelude::*;

use super::*;

fn check(convert: fn(&str) -> String, table: &[(&str, &str)]) {
    for (input, expected) in table {
        assert_eq!(convert(input), *expected, "input: {input:?}");
    }
}

fn unchanged(convert: fn(&str) -> String, texts: &[&str]) {
    for text in texts {
        assert_eq!(convert(text), *text);
    }
}

#[test]
fn agents_marks_become_whatsapp_marks() {
    check(
        to_whatsapp,
        &[
            ("**b**", "*b*"),
            ("__b__", "*b*"),
            ("*i*", "_i_"),
            ("_i_", "_i_"),
            ("~~s~~", "~s~"),
            ("***x***", "_*x*_"),
            ("**_x_**", "*_x_*"),
            ("**a *b* c**", "*a _b_ c*"),
            ("**a __b__ c**", "*a b c*"),
            ("(**b**), *i*!", "(*b*), _i_!"),
            ("**Olá!** 😀", "*Olá!* 😀"),
            ("**😀**😀", "*😀*😀"),
            ("**a\nb**", "*a*\n*b*"),
            ("> **a\n> b**", "> *a*\n> *b*"),
            ("`a*b*c`", "`a*b*c`"),
            ("``a`b``", "```a`b```"),
            ("```a```", "```a```"),
        ],
    );
}

#[test]
fn a_mark_that_whatsapp_would_not_show_stays_as_typed() {
    unchanged(to_whatsapp, &["2*3*4", "super**mercado**", "**super**mercado", "a~b~c", "2**3**4"]);
    check(to_whatsapp, &[("** text **", "** text **"), ("**a&nbsp;**", "*a*"), ("a**&nbsp;**b", "a**\u{a0}**b")]);
}

#[test]
fn plain_text_comes_through_unchanged() {
    unchanged(
        to_whatsapp,
        &[
            "",
            "snake_case_name",
            "R$ 5,00",
            "a < b & c",
            "#1",
            "1) foo\n2) bar",
            "😀👩\u{200d}👧",
            "שלום עולם، مرحبا",
            "Total:\n---\n5",
            "Lista:\n-",
            "-",
            "*",
            "+",
            "1.",
            "#",
            ">",
            "```",
            "[nota]: pago",
            "[nota]: pago\n\n[outra]: x",
            "<b>oi</b> <br>",
            "<div>\noi\n</div>",
            "a\n\n\n\nb",
            "a\n  b",
            "    quatro espaços\n      seis",
            "\ttab ~a",
            "\t```a",
            "2023. Foi bom",
            "- um\nfim",
            "- um\n- dois\n\n\nfim",
            "> citado\nresposta",
            "C:\\dir",
            "+55 11 98765-4321",
            "a | b",
            "^1",
            "[x]",
            "[]()",
            "[ ] tarefa",
            "~5 minutos",
        ],
    );
}

#[test]
fn escapes_and_entities_become_signs() {
    check(
        to_whatsapp,
        &[
            (r"2\*3\*4", "2*3*4"),
            (r"\# x \_y\_ \~ \[ \]", "# x _y_ ~ [ ]"),
            (r"1\. a", "1. a"),
            (r"\- a", "- a"),
            ("&lt;a&gt; &amp; &copy; &#39;", "<a> & © '"),
            ("a\\\nb", "a\nb"),
            ("a  \nb", "a\nb"),
            ("a\\\n\\\nb", "a\n\nb"),
            ("a\r\nb\r\n", "a\nb"),
            ("a\n\n\n", "a"),
        ],
    );
}

#[test]
fn blocks_become_lines() {
    check(
        to_whatsapp,
        &[
            ("# x", "*x*"),
            ("## **x** y ##", "*x y*"),
            ("# t\ntexto", "*t*\ntexto"),
            ("a\n\n# t\n\nb", "a\n\n*t*\n\nb"),
            ("* a\n* b", "- a\n- b"),
            ("- a\n  - b\n    - c\n- d", "- a\n  - b\n    - c\n- d"),
            ("1. a\n   - b\n2. c", "1. a\n   - b\n2. c"),
            ("1. a\n1. b\n1. c", "1. a\n2. b\n3. c"),
            ("5. a\n6. b", "5. a\n6. b"),
            ("- a\n\n  b\n- c", "- a\n\n  b\n- c"),
            ("texto\n- a", "texto\n- a"),
            ("> a\n> b", "> a\n> b"),
            (">a\n>\n>b", "> a\n>\n> b"),
            ("> a\n\nb", "> a\n\nb"),
            ("> - a\n> - b", "> - a\n> - b"),
            ("- > a", "- > a"),
            ("> > a", "> > a"),
            ("a\n\n---\n\nb", "a\n\n---\n\nb"),
            ("```rust\nfn x() {}\n\n  y\n```\nfim", "```\nfn x() {}\n\n  y\n```\nfim"),
            ("~~~\na*b*\n~~~", "```\na*b*\n```"),
            ("> ```\n> a\n> b\n> ```", "> ```\n> a\n> b\n> ```"),
            ("```\naberto", "```\naberto\n```"),
            ("```um\ndois```", "```\num\ndois\n```"),
            ("```um dois\ntres\n```", "```\num dois\ntres\n```"),
        ],
    );
}

#[test]
fn links_are_written_once_and_never_changed() {
    check(
        to_whatsapp,
        &[
            ("[site](https://x.com/a_b)", "site (https://x.com/a_b)"),
            ("[**site**](https://x.com)", "*site* (https://x.com)"),
            ("[https://x.com](https://x.com)", "https://x.com"),
            ("[x.com](https://x.com/)", "https://x.com/"),
            ("[a@x.com](mailto:a@x.com)", "a@x.com"),
            ("[mail](mailto:a@x.com)", "mail (a@x.com)"),
            ("[](https://x.com)", "https://x.com"),
            ("[vazio]()", "vazio"),
            ("<https://x.com/a_b_>", "https://x.com/a_b_"),
            ("<a@x.com>", "a@x.com"),
            ("![foto](https://x.com/f.png)", "foto (https://x.com/f.png)"),
            ("**https://x.com**", "*https://x.com*"),
            (r"https://x.com/a\_b", "https://x.com/a_b"),
        ],
    );
    unchanged(
        to_whatsapp,
        &[
            "https://x.com/_a_/*b*?c=~d~e",
            "veja www.x.com/_a_b, e https://x.com/(_c_)",
            "_joao_@x.com",
            "https://x.com/?a=1&copy=2",
        ],
    );
}

#[test]
fn customers_marks_become_markdown() {
    check(
        to_markdown,
        &[
            ("*b*", "**b**"),
            ("_i_", "*i*"),
            ("~s~", "~~s~~"),
            ("*_x_*", "**_x_**"),
            ("_*x*_", "_**x**_"),
            ("*a* _b_ ~c~", "**a** *b* ~~c~~"),
            ("*a*_b_", "**a**_b_"),
            ("*dois termos*, _ok_!", "**dois termos**, *ok*!"),
            ("_snake_case_", "*snake_case*"),
            ("*a*\n*b*", "**a**\n**b**"),
            ("*Olá!* 😀", "**Olá!** 😀"),
            ("*😀*", "**😀**"),
            ("(*b*)", "(**b**)"),
            ("_+(*a!_", r"*+(\*a!*"),
        ],
    );
}

#[test]
fn what_only_markdown_would_show_is_escaped() {
    check(
        to_markdown,
        &[
            ("2*3*4", r"2\*3\*4"),
            ("**b**", r"\*\*b\*\*"),
            ("* a *b", r"* a \*b"),
            ("*a\nb*", "\\*a\nb\\*"),
            ("a~b~c", r"a\~b\~c"),
            ("__init__", r"\_\_init\_\_"),
            ("# x", r"\# x"),
            ("+ x", r"\+ x"),
            ("1) x", r"1\) x"),
            (">x", r"\>x"),
            ("---", r"\---"),
            ("- - -", r"\- - -"),
            ("a\n===", "a\n\\==="),
            ("a\n-", "a\n\\-"),
            ("| - | - |", r"\| - | - |"),
            ("- # x", r"- \# x"),
            ("- 1. x", r"- 1\. x"),
            ("> # x", r"> \# x"),
            ("[a](b)", r"\[a](b)"),
            ("[a]: b", r"\[a]: b"),
            ("<b>oi</b>", r"\<b>oi\</b>"),
            ("&amp; &#39;", r"\&amp; \&#39;"),
            (r"¯\_(ツ)_/¯", r"¯\\\_(ツ)\_/¯"),
            ("a\\\nb", "a\\\\\nb"),
            ("a ` b", r"a \` b"),
            ("oi\n\n    longe", "oi\n\n\u{a0}\u{a0}\u{a0}\u{a0}longe"),
            ("*\"a\"*😀 *b", "\\*\"a\"\\*😀 \\*b"),
        ],
    );
}

#[test]
fn what_both_sides_show_alike_is_kept() {
    unchanged(
        to_markdown,
        &[
            "",
            "- a\n- b",
            "* a",
            "1. a\n2. b",
            "> a\n> b",
            "`a_b *c*`",
            "```a *b* c```",
            "```\na *b*\n# c\n```",
            "snake_case_name",
            "a * b * c",
            "a < b & c",
            "5 * 3",
            "preço*",
            "~5 minutos",
            "R$ 5,00 #1 [x] (y)",
            "C:\\dir",
            "https://x.com/_a_/*b*/~c~d",
            "joao_da_silva_@x.com",
            "um\ndois\n\ntrês\n",
            "😀 שלום",
        ],
    );
}

#[test]
fn code_over_lines_gets_fences_of_its_own() {
    check(
        to_markdown,
        &[
            ("```a\nb```", "```\na\nb\n```"),
            ("veja ```a\nb``` ok *c*", "veja \n```\na\nb\n```\n ok **c**"),
            ("```a", r"\`\`\`a"),
            ("``````", r"\`\`\`\`\`\`"),
        ],
    );
}

#[test]
fn an_answer_below_a_quote_is_not_quoted() {
    assert_eq!(to_markdown("> a\nb"), "> a\n\nb");
    assert_eq!(to_markdown("> a\n\nb"), "> a\n\nb");
}

#[test]
fn many_unpaired_marks_are_read_in_one_pass() {
    let many = "*a _b ~c `d [e <f &g ".repeat(20_000);
    assert!(to_markdown(&many).len() >= many.len());
    assert!(to_whatsapp(&many).len() > many.len() / 2);
    let nested = "> ".repeat(2_000) + "x";
    assert!(to_whatsapp(&nested).ends_with('x'));
    assert!(to_markdown(&nested).ends_with('x'));
}

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
}
