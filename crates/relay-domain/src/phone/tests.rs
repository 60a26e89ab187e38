//! The rules of typed numbers, of numbers from addresses and of their spellings.

use proptest::prelude::*;

use super::*;

const BRAZIL: Option<CallingCode> = Some(CallingCode::BRAZIL);

fn country(number: u16) -> Option<CallingCode> {
    CallingCode::new(number)
}

fn read(input: &str, default: Option<CallingCode>) -> Result<String, PhoneError> {
    Phone::parse(input, default).map(|phone| phone.to_e164())
}

fn address(digits: &str) -> Phone {
    Phone::from_jid_user(digits).unwrap()
}

#[test]
fn a_brazilian_mobile_is_read_however_it_is_written() {
    for input in [
        "+55 (11) 98765-4321",
        "+5511987654321",
        "5511987654321",
        "005511987654321",
        "00 55 11 98765 4321",
        "(11) 98765-4321",
        "11 98765-4321",
        "11987654321",
        "011 98765-4321",
        "0 15 11 98765-4321",
        "0 21 11 98765-4321",
    ] {
        assert_eq!(read(input, BRAZIL).as_deref(), Ok("+5511987654321"), "{input}");
    }
    assert_eq!(read("+55 0 11 98765-4321", None).as_deref(), Ok("+5511987654321"));
    assert_eq!(read("+55 (0)11 98765-4321", None).as_deref(), Ok("+5511987654321"));
    assert_eq!(read("+55 0 15 11 98765-4321", None).as_deref(), Ok("+5511987654321"));
}

#[test]
fn landlines_and_mobiles_of_eight_digits_are_kept_as_they_are() {
    assert_eq!(read("(11) 3265-4321", BRAZIL).as_deref(), Ok("+551132654321"));
    assert_eq!(read("+55 31 8765-4321", None).as_deref(), Ok("+553187654321"));
    assert_eq!(read("553187654321", BRAZIL).as_deref(), Ok("+553187654321"));
}

#[test]
fn numbers_of_other_countries_are_prefixed_once() {
    for default in [BRAZIL, None, country(351)] {
        assert_eq!(read("+1 (555) 223-4567", default).as_deref(), Ok("+15552234567"));
        assert_eq!(read("++15552234567", default).as_deref(), Ok("+15552234567"));
        assert_eq!(read("001 555 223 4567", default).as_deref(), Ok("+15552234567"));
        assert_eq!(read("+47 21 23 45 67", default).as_deref(), Ok("+4721234567"), "ten digits in all");
        assert_eq!(read("+683 4002", default).as_deref(), Ok("+6834002"), "seven digits in all");
    }
    for default in [BRAZIL, None] {
        assert_eq!(read("15552234567", default).as_deref(), Ok("+15552234567"));
        assert_eq!(read("351912345678", default).as_deref(), Ok("+351912345678"));
        assert_eq!(read("5215512345678", default).as_deref(), Ok("+5215512345678"));
        assert_eq!(read("4512345678", default).as_deref(), Ok("+4512345678"));
    }
}

#[test]
fn a_wrong_brazilian_area_code_does_not_ring_abroad() {
    assert_eq!(read("20 98765-4321", BRAZIL), Err(PhoneError::UnknownAreaCode(20)));
    assert_eq!(read("(36) 3265-4321", BRAZIL), Err(PhoneError::UnknownAreaCode(36)));
    assert_eq!(read("+36 3 265 4321", BRAZIL).as_deref(), Ok("+3632654321"));
    assert_eq!(read("55 20 98765-4321", BRAZIL), Err(PhoneError::UnknownAreaCode(20)));
}

#[test]
fn national_formats_of_other_defaults_are_read() {
    for (input, code, expected) in [
        ("020 7946 0018", 44, "+442079460018"),
        ("+44 (0)20 7946 0018", 44, "+442079460018"),
        ("(201) 555-0123", 1, "+12015550123"),
        ("1 201 555 0123", 1, "+12015550123"),
        ("011 15-2345-6789", 54, "+5491123456789"),
        ("06 1234 5678", 39, "+390612345678"),
        ("8 (301) 123-45-67", 7, "+73011234567"),
        ("91234 56789", 91, "+919123456789"),
        ("919123456789", 91, "+919123456789"),
        ("222 123 4567", 52, "+522221234567"),
    ] {
        assert_eq!(read(input, country(code)).as_deref(), Ok(expected), "{input}");
    }
}

#[test]
fn what_cannot_be_reached_is_refused_with_what_to_do() {
    for (input, error) in [
        ("", PhoneError::Empty),
        ("call me", PhoneError::UnexpectedCharacter('c')),
        ("11 9876-5432x", PhoneError::UnexpectedCharacter('x')),
        ("📞 11 98765-4321", PhoneError::UnexpectedCharacter('📞')),
        ("11 98765-4321 + 1", PhoneError::MisplacedPlus),
        ("+210 1234567", PhoneError::UnknownCallingCode),
        ("+0 1234567", PhoneError::UnknownCallingCode),
        ("98765-4321", PhoneError::MissingAreaCode),
        ("0800 123 4567", PhoneError::ServiceNumber),
        ("800 123 4567", PhoneError::ServiceNumber),
        ("+55 0800 123 4567", PhoneError::ServiceNumber),
        ("190", PhoneError::ServiceNumber),
        ("4004-1234", PhoneError::ServiceNumber),
        ("+55 11 8888", PhoneError::TooShort(CallingCode::BRAZIL)),
        ("+55 11 98765 43210", PhoneError::TooLong(CallingCode::BRAZIL)),
        ("+55 11 18765 4321", PhoneError::BadBrazilianNumber),
        ("+1 555 123", PhoneError::TooShort(CallingCode::NORTH_AMERICA)),
        ("+1 555 223 45678", PhoneError::TooLong(CallingCode::NORTH_AMERICA)),
        ("+1 155 223 4567", PhoneError::BadNorthAmerican),
        ("+351 912", PhoneError::TooShort(country(351).unwrap())),
        ("+49 123456789012345", PhoneError::TooLong(country(49).unwrap())),
    ] {
        assert_eq!(read(input, BRAZIL), Err(error), "{input}");
        let says_what_to_do = error.to_string().contains(": ");
        assert!(says_what_to_do, "{error}");
    }
}

#[test]
fn an_address_of_whatsapp_is_never_judged_by_a_plan() {
    for digits in ["552087654321", "5508001234567", "15551234567", "99999", "210123456", "123456789012345"] {
        assert_eq!(address(digits).to_e164(), format!("+{digits}"));
    }
    for none in ["", "0", "1234", "1234567890123456", "+5511987654321", "55119x", "0123456", "٥٥١١٩٨٧٦"] {
        assert_eq!(Phone::from_jid_user(none), None, "{none}");
    }
}

#[test]
fn candidates_begin_with_the_number_itself() {
    let spelled =
        |digits: &str| address(digits).candidates().iter().map(|phone| phone.digits().to_owned()).collect::<Vec<_>>();
    assert_eq!(spelled("5511987654321"), ["5511987654321", "551187654321"]);
    assert_eq!(spelled("553187654321"), ["553187654321", "5531987654321"]);
    assert_eq!(spelled("551132654321"), ["551132654321"], "a landline never gains a 9");
    assert_eq!(spelled("525512345678"), ["525512345678", "5215512345678"]);
    assert_eq!(spelled("5491123456789"), ["5491123456789", "541123456789"]);
    assert_eq!(spelled("15551234567"), ["15551234567"]);
}

#[test]
fn stored_text_is_read_back_leniently() {
    for text in ["\"+552087654321\"", "\"552087654321\""] {
        let phone: Phone = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&phone).unwrap(), "\"+552087654321\"");
    }
    for text in ["\"\"", "\"++5511987654321\"", "\"11 98765-4321\"", "5511987654321"] {
        assert!(serde_json::from_str::<Phone>(text).is_err(), "{text}");
    }
}

#[test]
fn debug_does_not_tell_the_number() {
    assert_eq!(format!("{:?}", address("5511987654321")), "Phone(+5511…21)");
    assert_eq!(format!("{:?}", address("12345")), "Phone(+1234…)");
}

proptest! {
    #[test]
    fn no_input_panics(input in ".{0,40}", signs in "[+0-9() .-]{0,24}") {
        for default in [None, BRAZIL, country(1), country(54), country(39)] {
            for text in [&input, &signs] {
                if let Ok(phone) = Phone::parse(text, default) {
                    prop_assert!(Phone::from_jid_user(phone.digits()).is_some(), "{}", phone);
                }
            }
        }
    }

    #[test]
    fn an_accepted_number_reads_back_as_itself(signs in "[+0-9]{7,16}", default in 0..3_usize) {
        let default = [None, BRAZIL, country(44)][default];
        if let Ok(phone) = Phone::parse(&signs, default) {
            prop_assert_eq!(Phone::parse(&phone.to_e164(), default), Ok(phone.clone()));
            prop_assert!(!phone.to_e164().starts_with("++"));
        }
    }

    #[test]
    fn candidates_are_each_others_candidates(code in "(55|52|54|1|351)", national in "[1-9][0-9]{8,10}") {
        let phone = address(&format!("{code}{national}"));
        let all = phone.candidates();
        prop_assert_eq!(&all[0], &phone);
        for candidate in &all {
            prop_assert_eq!(candidate.calling_code(), phone.calling_code());
            prop_assert!(candidate.candidates().contains(&phone));
        }
    }
}

#[test]
fn a_masked_number_is_known_to_its_owner_alone() {
    let table = [
        ("5511988881234", "+55 11 9****-1234"),
        ("551133334444", "+55 11 3****-4444"),
        ("14155552671", "+1 ****-2671"),
    ];
    for (digits, masked) in table {
        assert_eq!(Phone::from_jid_user(digits).unwrap().masked(), masked);
    }
}
