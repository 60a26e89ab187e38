//! Makes text from a server fit to be kept in an error: short, on one line, without numbers of people or tokens.
//!
//! Invariant: what leaves [`redacted`] has at most [`LIMIT`] characters, no run of eight digits and no run of
//! twenty letters and digits, which is the shortest thing that could be an access token.

/// Longest detail kept, in characters.
pub(crate) const LIMIT: usize = 300;

const PHONE_DIGITS: usize = 8;
const TOKEN_CHARACTERS: usize = 20;
const MASK: &str = "***";

/// Returns `text` on one line, masked and cut to [`LIMIT`] characters.
pub(crate) fn redacted(text: &str) -> String {
    let one_line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let one_line: String = one_line.chars().filter(|c| !c.is_control()).collect();
    let without_tokens = mask_runs(&one_line, char::is_alphanumeric, TOKEN_CHARACTERS);
    let without_phones = mask_runs(&without_tokens, char::is_numeric, PHONE_DIGITS);
    without_phones.chars().take(LIMIT).collect()
}

fn mask_runs(text: &str, belongs: impl Fn(char) -> bool, shortest: usize) -> String {
    let mut out = String::with_capacity(text.len());
    let mut run = String::new();
    for character in text.chars() {
        if belongs(character) {
            run.push(character);
            continue;
        }
        flush(&mut out, &mut run, shortest);
        out.push(character);
    }
    flush(&mut out, &mut run, shortest);
    out
}

fn flush(out: &mut String, run: &mut String, shortest: usize) {
    let masked = run.chars().count() >= shortest;
    out.push_str(if masked { MASK } else { run });
    run.clear();
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn phones_and_tokens_are_masked_and_the_rest_is_kept() {
        let text = "contact +5511988887777@s.whatsapp.net\n has token gT4kQ2bL9xZ7mN3pR6vW8yAa, code 1234567";
        assert_eq!(redacted(text), "contact +***@s.whatsapp.net has token ***, code 1234567");
    }

    #[test]
    fn long_text_is_cut_by_characters() {
        let text = "é ".repeat(400);
        assert_eq!(redacted(&text).chars().count(), LIMIT);
    }

    proptest! {
        #[test]
        fn never_a_phone_number_and_never_too_long(text in ".*", digits in "[0-9]{8,20}") {
            let out = redacted(&format!("{text}{digits}{text}"));
            let longest = out.split(|c: char| !c.is_numeric()).map(|run| run.chars().count()).max();
            prop_assert!(longest.unwrap_or(0) < PHONE_DIGITS);
            prop_assert!(out.chars().count() <= LIMIT);
        }
    }
}
