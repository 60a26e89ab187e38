//! Holds the phone parser against libphonenumber's metadata: every region, every calling code, every Brazilian area code.
//!
//! One deliberate difference: Brazilian mobiles of eight digits, which libphonenumber calls invalid since the ninth digit
//! came, are accepted, because WhatsApp still knows many people by them.

use std::collections::BTreeSet;

use proptest::prelude::*;
use relay_domain::phone::{CallingCode, Phone};
use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberFormat, PhoneNumberType, Region};

/// The kinds of line that WhatsApp reaches.
const REACHABLE: [PhoneNumberType; 2] = [PhoneNumberType::FixedLine, PhoneNumberType::Mobile];

fn examples() -> Vec<(Region, PhoneNumber)> {
    let regions = PHONE_NUMBER_UTIL.get_supported_regions();
    let pairs = regions.flat_map(|region| REACHABLE.map(|kind| (region, kind)));
    pairs
        .filter_map(|(region, kind)| {
            let example = PHONE_NUMBER_UTIL.get_example_number_for_type_and_region(region, kind).ok()?;
            Some((region, example))
        })
        .collect()
}

fn calling_code(number: &PhoneNumber) -> CallingCode {
    let code = u16::try_from(number.country_code).expect("calling codes have at most three digits");
    CallingCode::new(code).expect("the table holds every calling code of the library")
}

fn read(text: &str, default: Option<CallingCode>) -> String {
    Phone::parse(text, default).map_or_else(|error| error.to_string(), |phone| phone.to_e164())
}

#[test]
fn the_library_names_no_calling_code_that_is_not_assigned_here() {
    let theirs: BTreeSet<i32> = PHONE_NUMBER_UTIL.get_supported_calling_codes().collect();
    let ours: BTreeSet<i32> = CallingCode::all().map(|code| i32::from(code.number())).collect();
    let missing: Vec<_> = theirs.difference(&ours).collect();
    assert!(missing.is_empty(), "{missing:?}");
    let only_ours: Vec<_> = ours.difference(&theirs).copied().collect();
    assert_eq!(only_ours, ONLY_ASSIGNED, "assigned by the ITU, unknown to the library");
}

/// Codes that are assigned but have no numbers in the library.
const ONLY_ASSIGNED: &[i32] = &[379, 991];

#[test]
fn example_numbers_of_every_region_are_read_in_every_format() {
    let examples = examples();
    assert!(examples.len() > 450, "{} examples", examples.len());
    let mut wrong = Vec::new();
    for (region, number) in &examples {
        let expected = number.format_as(PhoneNumberFormat::E164);
        let code = Some(calling_code(number));
        let international = number.format_as(PhoneNumberFormat::International);
        let national = number.format_as(PhoneNumberFormat::National);
        let digits = expected.trim_start_matches('+').to_owned();
        let abroad = format!("00{digits}");
        let readings = [
            (expected.to_string(), None),
            (expected.to_string(), code),
            (international.to_string(), Some(CallingCode::BRAZIL)),
            (abroad, code),
            (digits, None),
            (national.to_string(), code),
        ];
        for (text, default) in readings {
            let got = read(&text, default);
            if got != *expected {
                wrong.push(format!("{region:?} {text:?} with {default:?}: {got} instead of {expected}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn example_numbers_of_services_without_a_country_are_read() {
    let codes: Vec<i32> = PHONE_NUMBER_UTIL.get_supported_global_network_calling_codes().collect();
    assert!(codes.len() >= 8, "{codes:?}");
    for code in codes {
        let Ok(number) = PHONE_NUMBER_UTIL.get_example_number_for_non_geo_entity(code) else {
            panic!("no example for {code}");
        };
        let expected = number.format_as(PhoneNumberFormat::E164);
        assert_eq!(read(&expected, None), *expected);
        assert_eq!(read(&number.format_as(PhoneNumberFormat::International), None), *expected);
    }
}

#[test]
fn every_pair_of_digits_is_an_area_code_here_exactly_when_the_library_has_numbers_in_it() {
    let mut areas = 0;
    for area in 10..100 {
        for (local, is_legacy) in [("987654321", false), ("32654321", false), ("58654321", false), ("87654321", true)] {
            let text = format!("+55{area}{local}");
            let known = text.parse::<PhoneNumber>().is_ok_and(|number| REACHABLE.contains(&number.get_type()));
            let ours = Phone::parse(&text, None).map(|phone| phone.to_e164());
            if is_legacy {
                assert!(!known, "{text}: the library has come to know mobiles of eight digits");
                continue;
            }
            assert_eq!(ours.is_ok(), known, "{text}: {ours:?}");
            areas += usize::from(known && local.len() == 9);
        }
        let legacy = Phone::parse(&format!("{area}87654321"), Some(CallingCode::BRAZIL));
        let mobile = Phone::parse(&format!("{area}987654321"), Some(CallingCode::BRAZIL));
        assert_eq!(legacy.is_ok(), mobile.is_ok(), "{area}");
    }
    assert_eq!(areas, 67);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Changes the last digits of an example number: where the library still calls it valid, it reads back as itself.
    #[test]
    fn valid_numbers_of_any_country_read_back(pick in any::<prop::sample::Index>(), tail in "[0-9]{4}") {
        let examples = example_texts();
        let text = &examples[pick.index(examples.len())];
        let kept = text.len() - tail.len();
        let varied = format!("{}{tail}", text.get(..kept).unwrap());
        let is_valid = varied.parse::<PhoneNumber>().is_ok_and(|n| n.is_valid() && n.format_as(PhoneNumberFormat::E164) == varied);
        prop_assume!(is_valid);
        prop_assert_eq!(&read(&varied, None), &varied);
        prop_assert_eq!(&read(&varied, Some(CallingCode::BRAZIL)), &varied);
    }
}

fn example_texts() -> &'static [String] {
    static TEXTS: std::sync::OnceLock<Vec<String>> = std::sync::OnceLock::new();
    TEXTS.get_or_init(|| examples().iter().map(|(_, n)| n.format_as(PhoneNumberFormat::E164).to_string()).collect())
}
