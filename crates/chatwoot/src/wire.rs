//! Tolerant reading of Chatwoot's JSON, for webhooks and answers alike.
//!
//! Invariant: a helper returns `None` for a field that is absent, null or of another type, unless its answer is a
//! `Result`: then it is an error, which names the field and quotes no value.

use jiff::Timestamp;
use serde_json::{Map, Value};

/// The name of a field that is needed and could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Missing(pub(crate) &'static str);

/// A type that can be read from Chatwoot's JSON.
pub(crate) trait Read: Sized {
    fn read(value: &Value) -> Result<Self, Missing>;
}

pub(crate) fn need<T>(field: Option<T>, name: &'static str) -> Result<T, Missing> {
    field.ok_or(Missing(name))
}

pub(crate) fn text(value: &Value, key: &str) -> Option<String> {
    // no text has a NUL in it, and databases refuse it
    value.get(key)?.as_str().map(|text| text.replace('\0', ""))
}

/// The text under `key`, or nothing when it is absent or null. Any other type is an error: this is for fields
/// whose absence means something.
pub(crate) fn text_or_null(value: &Value, key: &'static str) -> Result<Option<String>, Missing> {
    match value.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.replace('\0', ""))),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(_) => Err(Missing(key)),
    }
}

pub(crate) fn int(value: &Value, key: &str) -> Option<i64> {
    value.get(key)?.as_i64()
}

pub(crate) fn flag(value: &Value, key: &str) -> Option<bool> {
    value.get(key)?.as_bool()
}

pub(crate) fn map(value: &Value, key: &str) -> Map<String, Value> {
    value.get(key).and_then(Value::as_object).cloned().unwrap_or_default()
}

/// The object under `key`, when it is one.
pub(crate) fn object<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    value.get(key).filter(|inner| inner.is_object())
}

/// What `key` wraps, or the value itself: some answers come with a `payload` around them and some without.
pub(crate) fn unwrapped<'a>(value: &'a Value, key: &str) -> &'a Value {
    value.get(key).unwrap_or(value)
}

/// Reads every element of the array under `key`. An element that cannot be read fails the whole list, for
/// leaving it out would hide something that exists.
pub(crate) fn list<T: Read>(value: &Value, key: &'static str) -> Result<Vec<T>, Missing> {
    let elements = value.get(key).and_then(Value::as_array);
    need(elements, key)?.iter().map(T::read).collect()
}

/// Like [`list`], for an array that is left out when empty.
pub(crate) fn list_or_empty<T: Read>(value: &Value, key: &'static str) -> Result<Vec<T>, Missing> {
    match value.get(key) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(_) => list(value, key),
    }
}

/// A moment in epoch milliseconds, from ISO 8601 text or from epoch seconds.
pub(crate) fn moment(value: &Value, key: &str) -> Option<i64> {
    match value.get(key)? {
        Value::String(text) => text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond),
        Value::Number(number) => match number.as_i64() {
            Some(seconds) => seconds.checked_mul(1000),
            None => number.as_f64().and_then(fractional_seconds),
        },
        _ => None,
    }
}

/// Like [`moment`], where Chatwoot writes 0 for "never".
pub(crate) fn moment_or_never(value: &Value, key: &str) -> Option<i64> {
    moment(value, key).filter(|&millis| millis != 0)
}

fn fractional_seconds(seconds: f64) -> Option<i64> {
    let millis = (seconds * 1000.0).round();
    let in_range = millis.abs() < 9.0e15;
    #[expect(clippy::cast_possible_truncation, reason = "the range was just checked")]
    in_range.then_some(millis as i64)
}

/// Declares a closed set of words of the wire, with `Other` for a word of a later Chatwoot.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $(#[doc = concat!("`", $word, "`")] $variant,)+
            /// A word this crate does not know.
            Other,
        }

        impl $name {
            /// Reads the word of the wire.
            pub fn from_word(word: &str) -> Self {
                match word {
                    $($word => Self::$variant,)+
                    _ => Self::Other,
                }
            }

            /// Returns the word of the wire.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                    Self::Other => "other",
                }
            }
        }
    };
}
pub(crate) use words;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn moments_come_in_three_forms() {
        let value = json!({
            "utc": "2026-08-01T12:01:00.500Z", "offset": "2026-08-01T09:01:00.5-03:00", "seconds": 1_785_585_660,
            "fraction": 1_785_585_660.5, "words": "yesterday", "list": [], "huge": 1e300, "wide": i64::MAX, "never": 0,
        });
        let expected = 1_785_585_660_500;
        assert_eq!(moment(&value, "utc"), Some(expected));
        assert_eq!(moment(&value, "offset"), Some(expected));
        assert_eq!(moment(&value, "seconds"), Some(1_785_585_660_000));
        assert_eq!(moment(&value, "fraction"), Some(expected));
        for unreadable in ["words", "list", "huge", "wide", "absent"] {
            assert_eq!(moment(&value, unreadable), None, "{unreadable}");
        }
        assert_eq!(moment(&value, "never"), Some(0));
        assert_eq!(moment_or_never(&value, "never"), None);
    }

    #[test]
    fn other_types_read_as_nothing() {
        let value = json!({ "a": [1], "b": { "c": null } });
        assert_eq!(text(&value, "a"), None);
        assert_eq!(int(&value, "b"), None);
        assert_eq!(flag(&value, "a"), None);
        assert!(map(&value, "a").is_empty());
        assert_eq!(object(&value, "a"), None);
        assert_eq!(text(&Value::Null, "a"), None);
    }

    #[test]
    fn text_that_matters_is_text_or_nothing() {
        let value = json!({ "null": null, "text": "t", "number": 7, "list": [] });
        assert_eq!(text_or_null(&value, "absent"), Ok(None));
        assert_eq!(text_or_null(&value, "null"), Ok(None));
        assert_eq!(text_or_null(&value, "text"), Ok(Some("t".to_owned())));
        assert_eq!(text_or_null(&value, "number"), Ok(Some("7".to_owned())));
        assert_eq!(text_or_null(&value, "list"), Err(Missing("list")));
    }

    proptest! {
        #[test]
        fn iso_text_keeps_its_milliseconds(millis in -62_000_000_000_000_i64..250_000_000_000_000, offset in -720_i32..720) {
            let moment_utc = Timestamp::from_millisecond(millis).unwrap();
            let zone = jiff::tz::Offset::from_seconds(offset * 60).unwrap();
            let local = moment_utc.display_with_offset(zone).to_string();
            let value = json!({ "utc": moment_utc.to_string(), "local": local });
            prop_assert_eq!(moment(&value, "utc"), Some(millis));
            prop_assert_eq!(moment(&value, "local"), Some(millis));
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".*") {
            let value = json!({ "at": text });
            let _read = moment(&value, "at");
        }
    }
}
