//! How numbers are dialled inside the countries of the world other than Brazil.
//!
//! Invariant: [`significant`] takes off what only domestic calls have (a trunk prefix, Argentina's `15`) and keeps a zero
//! that belongs to the number, as Italy's does.

use std::borrow::Cow;

use super::calling_code::CallingCode;

/// Total digits from which a bare number that begins with its country's own code is taken to carry it.
const SURELY_WITH_CODE: usize = 11;

/// Whether bare digits carry the calling code of the country they are dialled in.
pub(super) fn has_own_code(country: CallingCode, digits: &str) -> bool {
    let begins_with_it = CallingCode::split(digits).is_some_and(|(code, _)| code == country);
    begins_with_it && digits.len() >= SURELY_WITH_CODE
}

/// The number inside the country, without what only domestic calls have.
pub(super) fn significant(country: CallingCode, digits: &str) -> Cow<'_, str> {
    match country.number() {
        54 => argentinian(without_zero(digits)),
        7 if digits.len() == 11 => Cow::Borrowed(digits.strip_prefix('8').unwrap_or(digits)),
        375 if digits.len() == 11 => Cow::Borrowed(digits.strip_prefix("80").unwrap_or(digits)),
        993 if digits.len() == 9 => Cow::Borrowed(digits.strip_prefix('8').unwrap_or(digits)),
        36 => Cow::Borrowed(digits.strip_prefix("06").unwrap_or(digits)),
        39 | 225 | 229 | 241 | 242 | 378 => Cow::Borrowed(digits),
        _ => Cow::Borrowed(without_zero(digits)),
    }
}

fn without_zero(digits: &str) -> &str {
    digits.strip_prefix('0').unwrap_or(digits)
}

/// Argentina marks a mobile by 15 after the area code at home and by 9 before it abroad.
fn argentinian(national: &str) -> Cow<'_, str> {
    if national.len() != 12 {
        return Cow::Borrowed(national);
    }
    let area_lengths = if national.starts_with("11") { 2..=2 } else { 3..=4 };
    area_lengths
        .filter_map(|length| national.split_at_checked(length))
        .find_map(|(area, rest)| Some(Cow::Owned(format!("9{area}{}", rest.strip_prefix("15")?))))
        .unwrap_or(Cow::Borrowed(national))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dialled(code: u16, digits: &str) -> String {
        significant(CallingCode::new(code).unwrap(), digits).into_owned()
    }

    #[test]
    fn trunk_prefixes_go_and_zeros_of_the_number_stay() {
        assert_eq!(dialled(44, "02079460018"), "2079460018");
        assert_eq!(dialled(7, "83011234567"), "3011234567");
        assert_eq!(dialled(7, "8011234567"), "8011234567");
        assert_eq!(dialled(36, "0612345678"), "12345678");
        assert_eq!(dialled(375, "80294911911"), "294911911");
        assert_eq!(dialled(993, "866123456"), "66123456");
        assert_eq!(dialled(39, "0612345678"), "0612345678");
        assert_eq!(dialled(225, "0123456789"), "0123456789");
    }

    #[test]
    fn the_argentinian_mobile_mark_moves() {
        assert_eq!(dialled(54, "0111523456789"), "91123456789");
        assert_eq!(dialled(54, "0351151234567"), "93511234567");
        assert_eq!(dialled(54, "0296615412345"), "92966412345");
        assert_eq!(dialled(54, "01123456789"), "1123456789");
    }

    #[test]
    fn the_own_code_is_seen_only_on_long_numbers() {
        let india = CallingCode::new(91).unwrap();
        assert!(has_own_code(india, "919123456789"));
        assert!(!has_own_code(india, "9123456789"));
        assert!(!has_own_code(india, "4915112345678"));
    }
}
