//! The calling codes of the world.
//!
//! Invariant: no assigned code is the beginning of another, so the code of an international number is never in doubt.

use std::fmt;
use std::str::FromStr;

/// The assigned calling codes of countries, regions and world-wide services, in order of their zone.
const ASSIGNED: &[u16] = &[
    1, // North America
    20, 27, 211, 212, 213, 216, 218, 220, 221, 222, 223, 224, 225, 226, 227, 228, 229, 230, 231, 232, 233, 234, 235,
    236, 237, 238, 239, 240, 241, 242, 243, 244, 245, 246, 247, 248, 249, 250, 251, 252, 253, 254, 255, 256, 257, 258,
    260, 261, 262, 263, 264, 265, 266, 267, 268, 269, 290, 291, 297, 298, 299, // Africa and the Atlantic
    30, 31, 32, 33, 34, 36, 39, 350, 351, 352, 353, 354, 355, 356, 357, 358, 359, 370, 371, 372, 373, 374, 375, 376,
    377, 378, 379, 380, 381, 382, 383, 385, 386, 387, 389, 40, 41, 43, 44, 45, 46, 47, 48, 49, 420, 421,
    423, // Europe
    51, 52, 53, 54, 55, 56, 57, 58, 500, 501, 502, 503, 504, 505, 506, 507, 508, 509, 590, 591, 592, 593, 594, 595,
    596, 597, 598, 599, // Latin America
    60, 61, 62, 63, 64, 65, 66, 670, 672, 673, 674, 675, 676, 677, 678, 679, 680, 681, 682, 683, 685, 686, 687, 688,
    689, 690, 691, 692, // Oceania and the south-east of Asia
    7,   // Russia and Kazakhstan
    81, 82, 84, 86, 850, 852, 853, 855, 856, 880, 886, // East of Asia
    800, 808, 870, 878, 881, 882, 883, 888, // freephone, satellites and other services of no country
    90, 91, 92, 93, 94, 95, 98, 960, 961, 962, 963, 964, 965, 966, 967, 968, 970, 971, 972, 973, 974, 975, 976, 977,
    992, 993, 994, 995, 996, 998, // West, middle and south of Asia
    979, 991, // premium rate and trial services of no country
];

/// The calling code of a country, for instance 55 for Brazil.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallingCode(u16);

/// The text names no country.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a country's calling code: write digits such as 55, or BR for Brazil")]
pub struct CallingCodeError;

impl CallingCode {
    /// Brazil.
    pub const BRAZIL: Self = Self(55);
    /// Mexico.
    pub const MEXICO: Self = Self(52);
    /// Argentina.
    pub const ARGENTINA: Self = Self(54);
    /// The United States, Canada and most of the Caribbean.
    pub const NORTH_AMERICA: Self = Self(1);

    /// The code with this number, if one is assigned.
    pub fn new(number: u16) -> Option<Self> {
        ASSIGNED.contains(&number).then_some(Self(number))
    }

    /// The number itself.
    pub fn number(self) -> u16 {
        self.0
    }

    /// Every assigned code.
    pub fn all() -> impl Iterator<Item = Self> {
        ASSIGNED.iter().copied().map(Self)
    }

    /// Takes the calling code off an international number; the rest is the number inside the country.
    pub(crate) fn split(digits: &str) -> Option<(Self, &str)> {
        (1..=3).find_map(|length| {
            let (head, rest) = digits.split_at_checked(length)?;
            if head.starts_with('0') {
                return None;
            }
            Some((Self::new(head.parse().ok()?)?, rest))
        })
    }

    /// How many digits the code has.
    pub(crate) fn digits(self) -> usize {
        match self.0 {
            0..10 => 1,
            10..100 => 2,
            100.. => 3,
        }
    }
}

impl fmt::Display for CallingCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Reads a setting: `55`, `+55` or `BR`.
impl FromStr for CallingCode {
    type Err = CallingCodeError;

    fn from_str(text: &str) -> Result<Self, CallingCodeError> {
        let text = text.trim();
        if text.eq_ignore_ascii_case("br") {
            return Ok(Self::BRAZIL);
        }
        let digits = text.strip_prefix('+').unwrap_or(text);
        if !digits.bytes().all(|b| b.is_ascii_digit()) || digits.starts_with('0') {
            return Err(CallingCodeError);
        }
        digits.parse().ok().and_then(Self::new).ok_or(CallingCodeError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_code_is_the_beginning_of_another_and_none_is_listed_twice() {
        for (at, one) in ASSIGNED.iter().enumerate() {
            for other in ASSIGNED.iter().skip(at + 1) {
                let (one, other) = (one.to_string(), other.to_string());
                assert!(!one.starts_with(&other) && !other.starts_with(&one), "{one} and {other}");
            }
        }
    }

    #[test]
    fn the_code_is_taken_off_the_number() {
        let split = |digits: &'static str| CallingCode::split(digits).map(|(code, rest)| (code.number(), rest));
        assert_eq!(split("5511987654321"), Some((55, "11987654321")));
        assert_eq!(split("15551234567"), Some((1, "5551234567")));
        assert_eq!(split("351912345678"), Some((351, "912345678")));
        assert_eq!(split("2101234567"), None, "no country has 210");
        assert_eq!(split("0551198765"), None);
        assert_eq!(split("35"), None);
        assert_eq!(split(""), None);
    }

    #[test]
    fn a_setting_names_a_country() {
        for text in ["55", "+55", "BR", " br "] {
            assert_eq!(text.parse(), Ok(CallingCode::BRAZIL), "{text}");
        }
        for text in ["", "+", "0", "055", "210", "XX", "99999999999", "+-55"] {
            assert_eq!(text.parse::<CallingCode>(), Err(CallingCodeError), "{text}");
        }
    }
}
