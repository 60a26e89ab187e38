//! The two spellings that numbers of Brazil, Mexico and Argentina have.
//!
//! A mobile of these countries is known to WhatsApp in one form and saved by people in the other. Invariant: the other
//! spelling of the other spelling is the number itself, and a landline has none in Brazil.

use super::brazil::{self, Line};
use super::calling_code::CallingCode;

/// The digits under which the same person may be saved, if the country has two spellings.
pub(super) fn other_spelling(digits: &str) -> Option<String> {
    let (code, national) = CallingCode::split(digits)?;
    let national = match code {
        CallingCode::BRAZIL => other_brazilian(national)?,
        CallingCode::MEXICO => with_or_without('1', national)?,
        CallingCode::ARGENTINA => with_or_without('9', national)?,
        _ => return None,
    };
    Some(format!("{code}{national}"))
}

/// Adds or takes off the ninth digit; numbers that never had eight digits and landlines stay alone.
fn other_brazilian(national: &str) -> Option<String> {
    let (area, local) = brazil::split_area(national)?;
    if !brazil::is_area_code(area) {
        return None;
    }
    match brazil::line(local)? {
        Line::LegacyMobile => Some(format!("{area}9{local}")),
        Line::Mobile => {
            let legacy = local.strip_prefix('9')?;
            (brazil::line(legacy)? == Line::LegacyMobile).then(|| format!("{area}{legacy}"))
        }
        Line::Landline => None,
    }
}

/// Adds or takes off the digit that marks mobiles before a number of ten digits.
fn with_or_without(mark: char, national: &str) -> Option<String> {
    match national.len() {
        10 => Some(format!("{mark}{national}")),
        11 => national.strip_prefix(mark).map(str::to_owned),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_lead_to_each_other() {
        for (one, other) in [
            ("5511987654321", "551187654321"),
            ("5531961234567", "553161234567"),
            ("5215512345678", "525512345678"),
            ("5491123456789", "541123456789"),
        ] {
            assert_eq!(other_spelling(one).as_deref(), Some(other));
            assert_eq!(other_spelling(other).as_deref(), Some(one));
        }
    }

    #[test]
    fn landlines_new_mobiles_and_other_countries_have_one_spelling() {
        for digits in [
            "551132654321",
            "5511943211234",
            "5520987654321",
            "552087654321",
            "15551234567",
            "351912345678",
            "52155123456789",
            "5411234567",
            "55",
            "",
        ] {
            assert_eq!(other_spelling(digits), None, "{digits}");
        }
    }
}
