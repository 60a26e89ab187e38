//! Makes text from a server fit to be kept in an error: short, on one line, without numbers of people or secrets.
//!
//! Invariant: what leaves [`redacted`] has at most [`LIMIT`] characters, no run of eight digits, and no word of
//! twenty or more characters of base64 or of a URL path that holds a digit. Long words without a digit are names
//! of errors and stay.

/// Longest detail kept, in characters.
pub(crate) const LIMIT: usize = 300;

const PHONE_DIGITS: usize = 8;
const SECRET_CHARACTERS: usize = 20;
const MASK: &str = "***";

/// Returns `text` on one line, masked and cut to [`LIMIT`] characters.
pub(crate) fn redacted(text: &str) -> String {
    let one_line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let one_line: String = one_line.chars().filter(|c| !c.is_control()).collect();
    let without_secrets = mask_runs(&one_line, is_secret_character, is_secret);
    let without_phones = mask_runs(&without_secrets, char::is_numeric, is_phone);
    without_phones.chars().take(LIMIT).collect()
}

fn is_secret_character(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '+' | '/' | '=' | '-' | '_' | '%')
}

fn is_secret(run: &str) -> bool {
    run.chars().count() >= SECRET_CHARACTERS && run.chars().any(char::is_numeric)
}

fn is_phone(run: &str) -> bool {
    run.chars().count() >= PHONE_DIGITS
}

fn mask_runs(text: &str, belongs: fn(char) -> bool, is_masked: fn(&str) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut run = String::new();
    for character in text.chars().map(Some).chain([None]) {
        if let Some(character) = character.filter(|&character| belongs(character)) {
            run.push(character);
            continue;
        }
        out.push_str(if is_masked(&run) { MASK } else { &run });
        run.clear();
        out.extend(character);
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn phones_and_secrets_are_masked_and_the_rest_is_kept() {
        let text = "PrismaClientValidationError for 5511900000001@s.whatsapp.net\n\
                    with eyJhbGciOiJIUzI1NiIsInR5.x and i2ZN7YXshc/EQhQ6/DYnnGRXPKr/bQLe= code 1234567";
        let expected = "PrismaClientValidationError for ***@s.whatsapp.net with ***.x and *** code 1234567";
        assert_eq!(redacted(text), expected);
    }

    #[test]
    fn long_text_is_cut_by_characters() {
        assert_eq!(redacted(&"é ".repeat(400)).chars().count(), LIMIT);
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
