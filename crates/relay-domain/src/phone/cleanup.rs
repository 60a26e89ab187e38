//! From what somebody typed or pasted to bare digits.
//!
//! Invariant: [`clean`] only takes away writing (spaces, brackets, marks of text direction) and never a digit, except for
//! the optional `(0)` of `+44 (0)20 …`, which is no part of the international number.

use super::PhoneError;

/// The digits of an input, and whether it said that the calling code comes first.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Cleaned {
    /// Written with `+` or `00`.
    International(String),
    /// Written without.
    Bare(String),
}

/// Strips separators; refuses what no phone number has in it.
pub(super) fn clean(input: &str) -> Result<Cleaned, PhoneError> {
    let mut digits = String::new();
    let mut has_plus = false;
    for sign in input.chars() {
        match sign {
            '+' | '\u{ff0b}' if digits.is_empty() => has_plus = true,
            '+' | '\u{ff0b}' => return Err(PhoneError::MisplacedPlus),
            _ => match ascii_digit(sign) {
                Some(digit) => digits.push(digit),
                None if is_separator(sign) => {}
                None => return Err(PhoneError::UnexpectedCharacter(sign)),
            },
        }
    }
    if digits.is_empty() {
        return Err(PhoneError::Empty);
    }
    if has_plus {
        let optional_zero = has_optional_trunk_zero(input);
        return Ok(Cleaned::International(if optional_zero { drop_optional_zero(input) } else { digits }));
    }
    Ok(match digits.strip_prefix("00") {
        Some(rest) if !rest.is_empty() => Cleaned::International(rest.to_owned()),
        Some(_) | None => Cleaned::Bare(digits),
    })
}

fn has_optional_trunk_zero(input: &str) -> bool {
    input.contains("(0)")
}

fn drop_optional_zero(input: &str) -> String {
    input.replacen("(0)", "", 1).chars().filter_map(ascii_digit).collect()
}

/// Reads a digit of the scripts in which phones write numbers.
fn ascii_digit(sign: char) -> Option<char> {
    const ZEROS: [u32; 4] = [0x30, 0x660, 0x6f0, 0xff10];
    let value = ZEROS.iter().find_map(|zero| u32::from(sign).checked_sub(*zero).filter(|value| *value < 10))?;
    char::from_digit(value, 10)
}

fn is_separator(sign: char) -> bool {
    let is_mark = matches!(sign, '-' | '.' | '(' | ')' | '/' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{ff0d}');
    let is_invisible = matches!(
        sign,
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
    );
    sign.is_whitespace() || is_mark || is_invisible
}

#[cfg(test)]
mod tests {
    use super::*;

    fn international(digits: &str) -> Cleaned {
        Cleaned::International(digits.to_owned())
    }

    #[test]
    fn separators_and_marks_of_text_direction_go() {
        for text in [
            "+55 (11) 98765-4321",
            "\u{202a}+55\u{a0}11 98765\u{2011}4321\u{202c}",
            "++5511987654321",
            "005511987654321",
        ] {
            assert_eq!(clean(text), Ok(international("5511987654321")), "{text}");
        }
        assert_eq!(clean(" (11) 98765.4321 "), Ok(Cleaned::Bare("11987654321".to_owned())));
    }

    #[test]
    fn digits_of_other_scripts_are_read() {
        assert_eq!(clean("+٢٠ ١٠٠"), Ok(international("20100")));
        assert_eq!(clean("+98 ۹۱۲"), Ok(international("98912")));
        assert_eq!(clean("\u{ff0b}\u{ff18}\u{ff11}"), Ok(international("81")));
    }

    #[test]
    fn the_optional_zero_is_no_part_of_the_number() {
        assert_eq!(clean("+44 (0)20 7946 0018"), Ok(international("442079460018")));
    }

    #[test]
    fn other_signs_are_named() {
        for (text, sign) in [("+55 11 9876A", 'A'), ("📱11", '📱'), ("5511@c.us", '@'), ("11#", '#')] {
            assert_eq!(clean(text), Err(PhoneError::UnexpectedCharacter(sign)), "{text}");
        }
        assert_eq!(clean("5511+98765"), Err(PhoneError::MisplacedPlus));
        for text in ["", "  ", "+", "()"] {
            assert_eq!(clean(text), Err(PhoneError::Empty), "{text}");
        }
    }
}
