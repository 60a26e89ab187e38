//! Tolerant reading of CodeChat's JSON, for webhooks and answers alike, and its encodings of bytes and of 64-bit
//! numbers.
//!
//! Inbound messages carry bytes as base64 text and 64-bit numbers as decimal text. Messages sent through the API
//! carry `{"type":"Buffer","data":[…]}` or `{"0":…}` and `{"low","high","unsigned"}` in the same places.
//!
//! Invariant: a reader returns `None` for a field that is absent, null or of another type; nothing panics.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_PAD_INDIFFERENT, URL_SAFE_PAD_INDIFFERENT};
use serde_json::{Map, Value};

/// Deepest nesting that is rewritten, the same as the deepest that is parsed.
const DEEPEST: usize = 128;

/// The name of a field that is needed and could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Missing(pub(crate) &'static str);

/// Reads bytes in any of the encodings: base64 text, a serialised `Buffer`, an object with one key per index, or
/// an array of numbers.
pub fn decode_bytes(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::String(text) => decode_base64(text),
        Value::Array(items) => items.iter().map(byte).collect(),
        Value::Object(map) if is_buffer(map) => decode_bytes(map.get("data")?),
        Value::Object(map) => indexed_bytes(map),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// Rewrites bytes in `value`, however deep, as base64 text, which is what CodeChat reads back. An empty array or
/// object is left alone, for it says nothing about what it would hold.
pub fn normalise_bytes(value: &mut Value) {
    normalise_to(value, DEEPEST);
}

/// Reads a whole number from a number, decimal text, or `{"low","high","unsigned"}`.
pub fn as_i64(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().or_else(|| number.as_f64().and_then(whole)),
        Value::String(text) => text.trim().parse().ok(),
        Value::Object(map) => long(map),
        Value::Null | Value::Bool(_) | Value::Array(_) => None,
    }
}

fn normalise_to(value: &mut Value, depth: usize) {
    let bytes = match value {
        Value::Array(items) if !items.is_empty() => decode_bytes(value),
        Value::Object(map) if !map.is_empty() => decode_bytes(value),
        _ => return,
    };
    if let Some(bytes) = bytes {
        *value = Value::String(STANDARD.encode(bytes));
        return;
    }
    let Some(depth) = depth.checked_sub(1) else { return };
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| normalise_to(item, depth)),
        Value::Object(map) => map.values_mut().for_each(|item| normalise_to(item, depth)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let text = text.trim();
    let standard = STANDARD_PAD_INDIFFERENT.decode(text);
    standard.or_else(|_| URL_SAFE_PAD_INDIFFERENT.decode(text)).ok()
}

fn is_buffer(map: &Map<String, Value>) -> bool {
    let data = map.get("data");
    map.get("type").and_then(Value::as_str) == Some("Buffer")
        && data.is_some_and(|data| data.is_array() || data.is_string())
}

fn indexed_bytes(map: &Map<String, Value>) -> Option<Vec<u8>> {
    if map.is_empty() {
        return None;
    }
    (0..map.len()).map(|index| map.get(&index.to_string()).and_then(byte)).collect()
}

fn byte(value: &Value) -> Option<u8> {
    u8::try_from(value.as_u64()?).ok()
}

/// A whole number that a float holds exactly.
fn whole(float: f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "the guard keeps it whole and within 53 bits")]
    (float.fract() == 0.0 && float.abs() <= EXACT).then_some(float as i64)
}

fn long(map: &Map<String, Value>) -> Option<i64> {
    let low = half(map.get("low")?)?;
    let high = half(map.get("high")?)?;
    let bits = (u64::from(high) << 32) | u64::from(low);
    match map.get("unsigned").and_then(Value::as_bool) {
        Some(true) => i64::try_from(bits).ok(),
        _ => Some(bits.cast_signed()),
    }
}

/// One half of a 64-bit number, written as a signed or an unsigned 32-bit number.
fn half(value: &Value) -> Option<u32> {
    let number = value.as_i64()?;
    let signed = i32::try_from(number).map(i32::cast_unsigned);
    signed.or_else(|_| u32::try_from(number)).ok()
}

/// Parses JSON, with lone halves of surrogate pairs replaced: JavaScript writes them when it cuts a text inside
/// an emoji, and the message around them must not be lost for it.
pub(crate) fn parse(bytes: &[u8]) -> Result<Value, serde_json::Error> {
    serde_json::from_slice(bytes).or_else(|error| {
        let repaired = without_lone_surrogates(&String::from_utf8_lossy(bytes));
        serde_json::from_str(&repaired).map_err(|_| error)
    })
}

fn without_lone_surrogates(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let (escape, tail) = next_escape(after);
        out.push_str(&escape);
        rest = tail;
    }
    out.push_str(rest);
    out
}

/// Takes the escape that begins before `after`, with its low half if it is a pair, and returns what follows.
fn next_escape(after: &str) -> (String, &str) {
    let Some((code, tail)) = unicode_escape(after) else {
        let mut characters = after.chars();
        let escape = characters.next().map_or_else(|| "\\".to_owned(), |c| format!("\\{c}"));
        return (escape, characters.as_str());
    };
    match code {
        0xD800..=0xDBFF => match tail.strip_prefix('\\').and_then(unicode_escape) {
            Some((low @ 0xDC00..=0xDFFF, tail)) => (format!("\\u{code:04x}\\u{low:04x}"), tail),
            _ => ("\\ufffd".to_owned(), tail),
        },
        0xDC00..=0xDFFF => ("\\ufffd".to_owned(), tail),
        _ => (format!("\\u{code:04x}"), tail),
    }
}

fn unicode_escape(text: &str) -> Option<(u16, &str)> {
    let (digits, tail) = text.strip_prefix('u')?.split_at_checked(4)?;
    let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    is_hex.then(|| u16::from_str_radix(digits, 16).ok()).flatten().map(|code| (code, tail))
}

pub(crate) fn need<T>(field: Option<T>, name: &'static str) -> Result<T, Missing> {
    field.ok_or(Missing(name))
}

/// The text under `key`; an empty one counts as absent.
pub(crate) fn text(value: &Value, key: &str) -> Option<String> {
    // no text has a NUL in it, and databases refuse it
    str_of(value, key).map(|text| text.replace('\0', ""))
}

pub(crate) fn str_of<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key)?.as_str().filter(|text| !text.is_empty())
}

pub(crate) fn int(value: &Value, key: &str) -> Option<i64> {
    value.get(key).and_then(as_i64)
}

pub(crate) fn flag(value: &Value, key: &str) -> Option<bool> {
    value.get(key)?.as_bool()
}

/// What is under `key`, unless it is null.
pub(crate) fn present<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    value.get(key).filter(|inner| !inner.is_null())
}

pub(crate) fn object<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    value.get(key).filter(|inner| inner.is_object())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn encodings(bytes: &[u8]) -> Vec<Value> {
        let indexed: Map<String, Value> =
            bytes.iter().enumerate().map(|(index, byte)| (index.to_string(), json!(byte))).collect();
        vec![
            json!(STANDARD.encode(bytes)),
            json!({ "type": "Buffer", "data": bytes }),
            json!({ "type": "Buffer", "data": STANDARD.encode(bytes) }),
            json!(bytes),
            Value::Object(indexed),
        ]
    }

    #[test]
    fn what_is_not_bytes_is_left_alone() {
        let mut value = json!({
            "list": [], "object": {}, "wide": [256], "mixed": { "0": 1, "x": 2 }, "text": "olá",
            "mentionedJid": ["1@lid"], "fileLength": { "low": 1, "high": 0, "unsigned": true },
        });
        let before = value.clone();
        normalise_bytes(&mut value);
        assert_eq!(value, before);
        assert_eq!(decode_bytes(&json!("não é base64")), None);
    }

    #[test]
    fn deep_values_are_left_alone_beyond_the_limit() {
        let mut value = json!({ "type": "Buffer", "data": [1] });
        for _ in 0..500 {
            value = json!({ "message": value });
        }
        let before = value.clone();
        normalise_bytes(&mut value);
        assert_eq!(value, before);
    }

    #[test]
    fn numbers_of_64_bits_come_in_several_forms() {
        let table = [
            (json!(5), Some(5)),
            (json!(5.0), Some(5)),
            (json!(5.5), None),
            (json!("1795342277"), Some(1_795_342_277)),
            (json!("x"), None),
            (json!({ "low": 1980, "high": 0, "unsigned": true }), Some(1980)),
            (json!({ "low": -1, "high": 0, "unsigned": false }), Some(4_294_967_295)),
            (json!({ "low": -1, "high": -1, "unsigned": false }), Some(-1)),
            (json!({ "low": -1, "high": -1, "unsigned": true }), None),
            (json!({ "low": 1 }), None),
            (json!(null), None),
        ];
        for (value, expected) in table {
            assert_eq!(as_i64(&value), expected, "{value}");
        }
    }

    #[test]
    fn lone_surrogates_do_not_lose_the_text() {
        let text = r#"{"a":"x\ud83d","b":"\udc4dy","c":"\ud83d\udc4d","d":"\\ud83d","e":"\u0041"}"#;
        let value = parse(text.as_bytes()).unwrap();
        assert_eq!(value, json!({ "a": "x\u{fffd}", "b": "\u{fffd}y", "c": "👍", "d": "\\ud83d", "e": "A" }));
        assert!(parse(br#"{"a":"\u12"}"#).is_err());
    }

    proptest! {
        #[test]
        fn every_encoding_gives_the_same_bytes(bytes in prop::collection::vec(any::<u8>(), 1..100)) {
            for encoded in encodings(&bytes) {
                prop_assert_eq!(decode_bytes(&encoded), Some(bytes.clone()), "{}", encoded);
                let mut inside = json!({ "message": [{ "mediaKey": encoded }] });
                normalise_bytes(&mut inside);
                prop_assert_eq!(inside, json!({ "message": [{ "mediaKey": STANDARD.encode(&bytes) }] }));
            }
        }

        #[test]
        fn long_numbers_survive_their_halves(number in any::<i64>()) {
            let bits = number.cast_unsigned();
            let low = u32::try_from(bits & 0xffff_ffff).unwrap().cast_signed();
            let high = u32::try_from(bits >> 32).unwrap().cast_signed();
            let halves = json!({ "low": low, "high": high, "unsigned": false });
            prop_assert_eq!(as_i64(&halves), Some(number));
            prop_assert_eq!(as_i64(&json!(number.to_string())), Some(number));
        }

        #[test]
        fn any_text_is_parsed_or_refused(text in r#"["\\u\{\}da-f0-9]*"#) {
            drop(parse(text.as_bytes()));
        }
    }
}
