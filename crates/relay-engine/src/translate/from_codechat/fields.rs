//! Reading the fields of a protocol message, whatever they hold.
//!
//! Invariant: a field that is absent, empty or of another type is `None`; nothing fails.

use codechat::wire::as_i64;
use relay_domain::Timestamp;
use relay_domain::event::Quote;
use relay_domain::event::Relation;
use relay_domain::id::WaMessageId;
use serde_json::Value;

/// Moments beyond this are milliseconds: as seconds it lies in the year 5138.
const LAST_SECOND: i64 = 100_000_000_000;

pub(super) fn text(content: &Value, key: &str) -> Option<String> {
    content.get(key)?.as_str().filter(|text| !text.trim().is_empty()).map(ToOwned::to_owned)
}

/// The text under the first of these keys that has one.
pub(super) fn first_text(content: &Value, keys: &[&str]) -> Option<String> {
    keys.iter().find_map(|key| text(content, key))
}

/// A number in any of its encodings.
pub(super) fn number(content: &Value, key: &str) -> Option<i64> {
    content.get(key).and_then(as_i64)
}

/// A fraction, as a number or as text.
pub(super) fn decimal(content: &Value, key: &str) -> Option<f64> {
    let value = content.get(key)?;
    value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())
}

/// A moment in seconds or milliseconds; zero is none.
pub(super) fn moment(content: &Value, key: &str) -> Option<Timestamp> {
    let at = number(content, key).filter(|at| *at > 0)?;
    Some(if at > LAST_SECOND { Timestamp::from_millis(at) } else { Timestamp::from_secs(at) })
}

pub(super) fn is_true(content: &Value, key: &str) -> bool {
    content.get(key).and_then(Value::as_bool).unwrap_or(false)
}

pub(super) fn list<'a>(content: &'a Value, key: &str) -> &'a [Value] {
    content.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

pub(super) fn object<'a>(content: &'a Value, key: &str) -> Option<&'a Value> {
    content.get(key).filter(|inner| inner.is_object())
}

/// An enum of the protocol: its number, or its name.
pub(super) fn is_word(content: &Value, key: &str, number: i64, name: &str) -> bool {
    let value = content.get(key);
    value.is_some_and(|value| value.as_i64() == Some(number) || value.as_str() == Some(name))
}

/// JSON that stands in a text field.
pub(super) fn embedded(content: &Value, key: &str) -> Option<Value> {
    let text = content.get(key)?.as_str()?;
    serde_json::from_str(text).ok().filter(Value::is_object)
}

/// The message whose key stands in this field.
pub(super) fn about(content: &Value, key: &str) -> Option<Quote> {
    let id = text(content.get(key)?, "id")?;
    Some(Quote { id: WaMessageId::new(id), excerpt: None, relation: Relation::About })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn moments_are_seconds_or_milliseconds() {
        let read = |value: Value| moment(&json!({ "at": value }), "at").map(Timestamp::as_secs);
        assert_eq!(read(json!("1732600000")), Some(1_732_600_000));
        assert_eq!(read(json!({ "low": 1_732_600_000, "high": 0, "unsigned": false })), Some(1_732_600_000));
        assert_eq!(read(json!(1_732_600_000_123_i64)), Some(1_732_600_000));
        assert_eq!((read(json!("0")), read(json!("x")), read(json!(null))), (None, None, None));
    }

    #[test]
    fn fractions_may_be_text() {
        let read = |value: Value| decimal(&json!({ "x": value }), "x");
        assert_eq!((read(json!(-23.5)), read(json!("-23.5")), read(json!([]))), (Some(-23.5), Some(-23.5), None));
    }
}
