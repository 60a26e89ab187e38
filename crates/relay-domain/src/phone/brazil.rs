//! Brazil's numbering plan: area codes (DDD), mobiles, landlines, trunk and carrier prefixes, service numbers.
//!
//! Invariant: what [`national`] accepts is an area code in use and 8 or 9 digits that a mobile or a landline can have.
//! A mobile of 8 digits, the form before the ninth digit came, is accepted: WhatsApp still knows many people by it.

use super::PhoneError;

/// Digits of the shortest national number: area code and landline.
pub(super) const SHORTEST: usize = 10;

/// The area codes in use.
const AREA_CODES: [u8; 67] = [
    11, 12, 13, 14, 15, 16, 17, 18, 19, 21, 22, 24, 27, 28, 31, 32, 33, 34, 35, 37, 38, 41, 42, 43, 44, 45, 46, 47, 48,
    49, 51, 53, 54, 55, 61, 62, 63, 64, 65, 66, 67, 68, 69, 71, 73, 74, 75, 77, 79, 81, 82, 83, 84, 85, 86, 87, 88, 89,
    91, 92, 93, 94, 95, 96, 97, 98, 99,
];

/// What rings under a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    /// Nine digits beginning with 9.
    Mobile,
    /// Eight digits beginning with 6 to 9: a mobile as it was before the ninth digit.
    LegacyMobile,
    /// Eight digits beginning with 2 to 5.
    Landline,
}

/// Reads a number as dialled inside Brazil, or as written after `+55`: area code and number, with or without trunk zero
/// and carrier.
pub(super) fn national(digits: &str) -> Result<String, PhoneError> {
    if is_service_number(digits) {
        return Err(PhoneError::ServiceNumber);
    }
    let number = without_trunk(digits);
    if is_service_number(number) {
        return Err(PhoneError::ServiceNumber);
    }
    let lengths_without_area = 8..=9;
    if lengths_without_area.contains(&number.len()) {
        return Err(PhoneError::MissingAreaCode);
    }
    let Some((area, local)) = split_area(without_country(number)) else {
        return Err(PhoneError::TooShort(super::CallingCode::BRAZIL));
    };
    if local.len() < 8 {
        return Err(PhoneError::TooShort(super::CallingCode::BRAZIL));
    }
    if local.len() > 9 {
        return Err(PhoneError::TooLong(super::CallingCode::BRAZIL));
    }
    line(local).ok_or(PhoneError::BadBrazilianNumber)?;
    if !is_area_code(area) {
        return Err(PhoneError::UnknownAreaCode(area));
    }
    Ok(format!("{area}{local}"))
}

/// Splits area code and local number, whether or not they are in use.
pub(super) fn split_area(national: &str) -> Option<(u8, &str)> {
    let (area, local) = national.split_at_checked(2)?;
    Some((area.parse().ok()?, local))
}

/// Whether a place has this area code.
pub(super) fn is_area_code(area: u8) -> bool {
    AREA_CODES.contains(&area)
}

/// Tells mobiles from landlines by the local number, without area code.
pub(super) fn line(local: &str) -> Option<Line> {
    match (local.len(), local.bytes().next()?) {
        (9, b'9') => Some(Line::Mobile),
        (8, b'6'..=b'9') => Some(Line::LegacyMobile),
        (8, b'2'..=b'5') => Some(Line::Landline),
        _ => None,
    }
}

/// Whether this is a number of a service: emergency and short codes, 0300 to 0900, or one of the nation-wide 4004 and 3003.
fn is_service_number(digits: &str) -> bool {
    let is_short_code = (3..=5).contains(&digits.len());
    let has_trunk = digits.starts_with('0');
    let number = digits.strip_prefix('0').unwrap_or(digits);
    let has_service_head = ["300", "500", "800", "900"].iter().any(|head| number.starts_with(head));
    let is_non_geographic = has_service_head && (has_trunk || (9..=10).contains(&digits.len()));
    let is_nation_wide = digits.len() == 8 && (digits.starts_with("400") || digits.starts_with("300"));
    is_short_code || is_non_geographic || is_nation_wide
}

/// Takes off the trunk zero and, where the length shows one, the two digits of a carrier.
fn without_trunk(digits: &str) -> &str {
    let Some(rest) = digits.strip_prefix('0') else {
        return digits;
    };
    let has_carrier = (12..=13).contains(&rest.len());
    if has_carrier { rest.get(2..).unwrap_or(rest) } else { rest }
}

/// Takes off a country code that stands before a complete national number.
fn without_country(digits: &str) -> &str {
    match digits.strip_prefix("55") {
        Some(rest) if (SHORTEST..=11).contains(&rest.len()) => rest,
        Some(_) | None => digits,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trunk_and_carrier_are_taken_off() {
        for dialled in ["11987654321", "011987654321", "01511987654321", "02111987654321", "5511987654321"] {
            assert_eq!(national(dialled).as_deref(), Ok("11987654321"), "{dialled}");
        }
        for dialled in ["1132654321", "01132654321", "0151132654321", "551132654321"] {
            assert_eq!(national(dialled).as_deref(), Ok("1132654321"), "{dialled}");
        }
    }

    #[test]
    fn area_code_55_is_not_taken_for_the_country() {
        assert_eq!(national("55987654321").as_deref(), Ok("55987654321"));
        assert_eq!(national("5532654321").as_deref(), Ok("5532654321"));
        assert_eq!(national("5555987654321").as_deref(), Ok("55987654321"));
    }

    #[test]
    fn lines_are_told_apart() {
        for (local, expected) in [
            ("987654321", Some(Line::Mobile)),
            ("87654321", Some(Line::LegacyMobile)),
            ("61234567", Some(Line::LegacyMobile)),
            ("32654321", Some(Line::Landline)),
            ("58888777", Some(Line::Landline)),
            ("12345678", None),
            ("02345678", None),
            ("887654321", None),
            ("9876543", None),
            ("", None),
        ] {
            assert_eq!(line(local), expected, "{local}");
        }
    }

    #[test]
    fn service_numbers_are_recognised() {
        for dialled in [
            "190",
            "192",
            "10315",
            "08001234567",
            "0800123456",
            "8001234567",
            "03001234567",
            "09001234567",
            "40041234",
            "30031234",
        ] {
            assert_eq!(national(dialled), Err(PhoneError::ServiceNumber), "{dialled}");
        }
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        let brazil = super::super::CallingCode::BRAZIL;
        for (dialled, error) in [
            ("987654321", PhoneError::MissingAreaCode),
            ("87654321", PhoneError::MissingAreaCode),
            ("20987654321", PhoneError::UnknownAreaCode(20)),
            ("2332654321", PhoneError::UnknownAreaCode(23)),
            ("11887654321", PhoneError::BadBrazilianNumber),
            ("1112345678", PhoneError::BadBrazilianNumber),
            ("1198765", PhoneError::TooShort(brazil)),
            ("119876543210", PhoneError::TooLong(brazil)),
            ("11", PhoneError::TooShort(brazil)),
        ] {
            assert_eq!(national(dialled), Err(error), "{dialled}");
        }
    }
}
