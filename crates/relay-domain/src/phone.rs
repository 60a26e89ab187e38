//! Telephone numbers as people type them and as WhatsApp gives them.
//!
//! The cast: [`Phone`] is a number in international form, [`CallingCode`] the country it belongs to, [`PhoneError`] what is
//! wrong with a typed number and what to write instead. [`Phone::parse`] is strict, because a typed number is a wish to
//! write to somebody; [`Phone::from_jid_user`] is lenient, because a number that WhatsApp names exists.
//!
//! Invariant: a [`Phone`] is 5 to 15 digits that begin with the country's calling code, never with `+`, `0` or two codes.

mod brazil;
mod calling_code;
mod cleanup;
mod readable;
mod spelling;
mod trunk;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use calling_code::{CallingCode, CallingCodeError};

use cleanup::Cleaned;

/// Digits of the longest international number, calling code included.
const MAX_DIGITS: usize = 15;
/// Digits of the shortest number of an address that counts as a phone number.
const MIN_ADDRESS_DIGITS: usize = 5;
/// Digits of the shortest number inside a country (Niue, Tokelau).
const MIN_NATIONAL_DIGITS: usize = 4;

/// A telephone number in international form: digits only, calling code first.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Phone {
    digits: String,
}

/// Why a typed number cannot be written to, and what to write instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PhoneError {
    /// There is no digit.
    #[error("no number given: write it with the country code, for example +55 11 98765-4321")]
    Empty,
    /// A letter, an emoji or another sign that numbers do not have.
    #[error("{0:?} does not belong in a phone number: write digits only, for example +55 11 98765-4321")]
    UnexpectedCharacter(char),
    /// A `+` after the first digit.
    #[error("the + belongs before the country code and nowhere else: write one number, for example +55 11 98765-4321")]
    MisplacedPlus,
    /// No country has a calling code with which the number begins.
    #[error("no country has this calling code: write + and the country code first, for example +55 11 98765-4321")]
    UnknownCallingCode,
    /// Too few digits for a number of its country.
    #[error("the number has too few digits for country code +{0}: check that none is missing")]
    TooShort(CallingCode),
    /// Too many digits for a number of its country.
    #[error("the number has too many digits for country code +{0}: check that none is repeated")]
    TooLong(CallingCode),
    /// A number of the North American plan whose area or exchange begins with 0 or 1.
    #[error(
        "numbers of country code +1 have an area code and an exchange that begin with 2 to 9: check the first digits"
    )]
    BadNorthAmerican,
    /// A Brazilian number without its area code.
    #[error("the area code (DDD) is missing: write it before the number, for example +55 11 98765-4321")]
    MissingAreaCode,
    /// A Brazilian number whose area code no place has.
    #[error("{0} is not a Brazilian area code (DDD): correct it, or write + and the country code of another country")]
    UnknownAreaCode(u8),
    /// A Brazilian number that is neither a mobile nor a landline.
    #[error(
        "this is neither a Brazilian mobile nor a landline: after the area code write 9 digits beginning with 9, or 8 beginning with 2 to 5"
    )]
    BadBrazilianNumber,
    /// A service number such as 0800, 4004 or 190.
    #[error(
        "service numbers such as 0800, 4004 or 190 cannot be reached on WhatsApp: write a mobile or landline number"
    )]
    ServiceNumber,
}

/// Why a stored text is no phone number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a stored phone number must be 5 to 15 digits, with or without + before them")]
pub struct NotDigits;

impl Phone {
    /// Reads a number that a person typed.
    ///
    /// With `+` or `00` it is international. Without, it is a number of `default_country` when there is one: national
    /// formats with trunk prefix, and the international form without `+` where the two cannot be confused. Brazil's plan
    /// is known in full, so with Brazil as default, digits that no Brazilian number can have are read as international.
    pub fn parse(input: &str, default_country: Option<CallingCode>) -> Result<Self, PhoneError> {
        match cleanup::clean(input)? {
            Cleaned::International(digits) => Self::international(&digits),
            Cleaned::Bare(digits) => match default_country {
                None => Self::international(&digits),
                Some(CallingCode::BRAZIL) => Self::dialled_in_brazil(&digits),
                Some(country) => Self::dialled_in(country, &digits),
            },
        }
    }

    /// Takes the user part of an address that WhatsApp gave, whether or not a numbering plan knows it.
    pub fn from_jid_user(user: &str) -> Option<Self> {
        let fits = (MIN_ADDRESS_DIGITS..=MAX_DIGITS).contains(&user.len());
        let is_number = user.bytes().all(|b| b.is_ascii_digit()) && !user.starts_with('0');
        (fits && is_number).then(|| Self { digits: user.to_owned() })
    }

    /// The digits, calling code first, without `+`.
    pub fn digits(&self) -> &str {
        &self.digits
    }

    /// The number with `+`, as Chatwoot stores it.
    pub fn to_e164(&self) -> String {
        format!("+{}", self.digits)
    }

    /// The number for people's eyes, with its middle hidden, such as `+55 11 9****-1234`: its owner knows it, nobody can call it.
    pub fn masked(&self) -> String {
        let split = CallingCode::split(&self.digits);
        let (country, national) =
            split.map_or((String::new(), self.digits()), |(code, rest)| (format!("{code} "), rest));
        let last = national.split_at_checked(national.len().saturating_sub(4)).map_or("", |(_, last)| last);
        let head = match (split, national.split_at_checked(2)) {
            (Some((CallingCode::BRAZIL, _)), Some((area, rest))) => {
                format!("{area} {}", rest.chars().take(1).collect::<String>())
            }
            _ => String::new(),
        };
        format!("+{country}{head}****-{last}")
    }

    /// The country's calling code, unless WhatsApp gave a number of no known country.
    pub fn calling_code(&self) -> Option<CallingCode> {
        CallingCode::split(&self.digits).map(|(code, _)| code)
    }

    /// The spellings under which this person's contact may have been saved, this one first.
    ///
    /// They serve to find contacts only: a message goes to the address that WhatsApp names.
    #[must_use]
    pub fn candidates(&self) -> Vec<Self> {
        let other = spelling::other_spelling(&self.digits).map(|digits| Self { digits });
        std::iter::once(self.clone()).chain(other).collect()
    }

    fn international(digits: &str) -> Result<Self, PhoneError> {
        let (code, national) = CallingCode::split(digits).ok_or(PhoneError::UnknownCallingCode)?;
        if code == CallingCode::BRAZIL {
            return brazil::national(national).map(|national| Self::join(code, &national));
        }
        check_length(code, national)?;
        Ok(Self::join(code, national))
    }

    fn dialled_in_brazil(digits: &str) -> Result<Self, PhoneError> {
        let as_national = match brazil::national(digits) {
            Ok(national) => return Ok(Self::join(CallingCode::BRAZIL, &national)),
            Err(error) => error,
        };
        let has_foreign_shape = matches!(as_national, PhoneError::BadBrazilianNumber | PhoneError::TooLong(_));
        if !has_foreign_shape || digits.starts_with('0') || digits.starts_with("55") {
            return Err(as_national);
        }
        Self::international(digits).map_err(|_| as_national)
    }

    fn dialled_in(country: CallingCode, digits: &str) -> Result<Self, PhoneError> {
        if trunk::has_own_code(country, digits) {
            return Self::international(digits);
        }
        let national = trunk::significant(country, digits);
        check_length(country, &national)?;
        Ok(Self::join(country, &national))
    }

    fn join(code: CallingCode, national: &str) -> Self {
        Self { digits: format!("{code}{national}") }
    }
}

/// Holds a foreign number to the lengths that international numbers have; plans change too often to know more.
fn check_length(code: CallingCode, national: &str) -> Result<(), PhoneError> {
    let total = code.digits() + national.len();
    if code == CallingCode::NORTH_AMERICA {
        return check_north_american(national);
    }
    if national.len() < MIN_NATIONAL_DIGITS {
        return Err(PhoneError::TooShort(code));
    }
    if total > MAX_DIGITS {
        return Err(PhoneError::TooLong(code));
    }
    Ok(())
}

fn check_north_american(national: &str) -> Result<(), PhoneError> {
    match national.len() {
        0..10 => Err(PhoneError::TooShort(CallingCode::NORTH_AMERICA)),
        10 => {
            let starts_well = |at: usize| national.as_bytes().get(at).is_some_and(|digit| *digit >= b'2');
            if starts_well(0) && starts_well(3) { Ok(()) } else { Err(PhoneError::BadNorthAmerican) }
        }
        11.. => Err(PhoneError::TooLong(CallingCode::NORTH_AMERICA)),
    }
}

/// Hides the middle of a number: enough stays to tell a country, nothing to call anybody.
pub(crate) fn masked(digits: &str) -> String {
    let head: String = digits.chars().take(4).collect();
    let tail: String = digits.chars().skip(4).collect();
    let last = tail.char_indices().rev().nth(1).and_then(|(at, _)| tail.get(at..)).unwrap_or_default();
    if tail.len() > last.len() { format!("{head}…{last}") } else { format!("{head}…") }
}

impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{}", self.digits)
    }
}

/// Hides most of the number, so that a logged structure does not give it away.
impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Phone(+{})", masked(&self.digits))
    }
}

/// Reads back what [`Phone::to_e164`] or [`Phone::digits`] wrote; lenient, for numbers that were accepted before.
impl TryFrom<String> for Phone {
    type Error = NotDigits;

    fn try_from(text: String) -> Result<Self, NotDigits> {
        let digits = text.strip_prefix('+').unwrap_or(&text);
        Self::from_jid_user(digits).ok_or(NotDigits)
    }
}

impl From<Phone> for String {
    fn from(phone: Phone) -> Self {
        phone.to_e164()
    }
}

/// Reads an international number, with or without `+`.
impl FromStr for Phone {
    type Err = PhoneError;

    fn from_str(text: &str) -> Result<Self, PhoneError> {
        Self::parse(text, None)
    }
}

#[cfg(test)]
mod tests;
