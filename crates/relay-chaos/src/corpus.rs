//! Bodies that no honest sender posts, and random changes of those that one did.

use relay_testing::fixtures;
use serde_json::{Value, json};

/// A body, and the answers that are right.
pub(crate) struct Hostile {
    pub(crate) name: &'static str,
    pub(crate) body: Vec<u8>,
    pub(crate) allowed: &'static [u16],
}

/// Stored, whatever it means.
const TAKEN: &[u16] = &[200];
/// No JSON.
const REFUSED: &[u16] = &[400];
/// JSON to some readers and none to others: both answers are right, falling over is not.
const EITHER: &[u16] = &[200, 400];
const TOO_LARGE: &[u16] = &[413];

/// The whole corpus; every door gets all of it.
pub(crate) fn hostile() -> Vec<Hostile> {
    let mut all = vec![
        entry("nothing", b"".to_vec(), REFUSED),
        entry("a space", b" ".to_vec(), REFUSED),
        entry("text", b"hello".to_vec(), REFUSED),
        entry("NaN", br#"{"event":"messages.upsert","data":{"messageTimestamp":NaN}}"#.to_vec(), REFUSED),
        entry("Infinity", br#"{"event":"messages.upsert","data":{"messageTimestamp":-Infinity}}"#.to_vec(), REFUSED),
        entry("invalid UTF-8", b"{\"event\":\"messages.upsert\",\"data\":{\"keyId\":\"\xff\xfe\"}}".to_vec(), EITHER),
        entry("a lone surrogate", br#"{"event":"messages.upsert","data":{"keyId":"\ud800"}}"#.to_vec(), EITHER),
        entry("NUL in a key", br#"{"event":"messages.upsert","data":{"keyId":"A\u0000B"}}"#.to_vec(), TAKEN),
        entry("a byte order mark", b"\xef\xbb\xbf{\"event\":\"a\"}".to_vec(), EITHER),
        entry("two values", br#"{"event":"a"}{"event":"b"}"#.to_vec(), REFUSED),
        entry("a comment", br#"{"event":"a" /* b */}"#.to_vec(), REFUSED),
        entry("single quotes", b"{'event':'a'}".to_vec(), REFUSED),
        entry("a trailing comma", br#"{"event":"a",}"#.to_vec(), REFUSED),
        entry("cut short", br#"{"event":"messages.upsert","data":{"keyId":"3A"#.to_vec(), REFUSED),
        entry(
            "a key twice",
            br#"{"event":"a","event":"messages.upsert","data":{"keyId":"1"},"data":{"keyId":"2"}}"#.to_vec(),
            TAKEN,
        ),
        entry(
            "a huge number",
            br#"{"event":"messages.upsert","data":{"keyId":"n1","messageTimestamp":1e999}}"#.to_vec(),
            EITHER,
        ),
        entry("a long number", number_of_digits(10_000), EITHER),
        entry(
            "a billion",
            br#"{"event":"messages.upsert","data":{"keyId":"n2","messageTimestamp":1e9,"id":1e300}}"#.to_vec(),
            TAKEN,
        ),
        entry("depth 10,000 of lists", nested("[", "]", 10_000), REFUSED),
        entry("depth 10,000 of objects", nested("{\"a\":", "}", 10_000), REFUSED),
        entry("depth 100", nested("[", "]", 100), TAKEN),
        entry("a list of 100,000", format!("[{}0]", "0,".repeat(100_000)).into_bytes(), TAKEN),
        entry("50,000 keys", many_keys(50_000), TAKEN),
        entry(
            "a long name of an event",
            json!({ "event": "e".repeat(100_000), "data": {} }).to_string().into_bytes(),
            TAKEN,
        ),
        entry(
            "a long key",
            json!({ "event": "messages.upsert", "data": { "keyId": "k".repeat(100_000) } }).to_string().into_bytes(),
            TAKEN,
        ),
        entry("2 MB and one byte", padded(2 * 1024 * 1024 + 1), TOO_LARGE),
        entry("2 MB", padded(2 * 1024 * 1024), TAKEN),
    ];
    for value in ["null", "true", "0", "-1", "\"a\"", "[]", "{}", "[null]", "[[]]"] {
        all.push(entry("a bare value", value.as_bytes().to_vec(), TAKEN));
    }
    all.extend(wrong_types());
    all
}

fn entry(name: &'static str, body: Vec<u8>, allowed: &'static [u16]) -> Hostile {
    Hostile { name, body, allowed }
}

/// Every field that is read, with a value of every other type.
fn wrong_types() -> impl Iterator<Item = Hostile> {
    const FIELDS: [&str; 18] = [
        "event",
        "instance",
        "data",
        "keyId",
        "keyFromMe",
        "keyRemoteJid",
        "keyLid",
        "keyParticipant",
        "pushName",
        "messageType",
        "content",
        "messageTimestamp",
        "id",
        "info",
        "isGroup",
        "message_type",
        "conversation",
        "attachments",
    ];
    let values = || {
        [
            json!(null),
            json!(true),
            json!(-1),
            json!(1.5),
            json!("x"),
            json!(""),
            json!([]),
            json!([1, "a", null]),
            json!({}),
            json!({ "a": [] }),
        ]
    };
    FIELDS.into_iter().flat_map(move |field| {
        values().into_iter().enumerate().map(move |(number, value)| {
            let mut body = honest(&format!("{field}{number}"));
            let place = if body.get(field).is_some() { &mut body } else { &mut body["data"] };
            place[field] = value;
            // the instance decides whose webhook it is: another's gets 404
            let allowed: &[u16] = if field == "instance" { &[200, 404] } else { TAKEN };
            Hostile { name: field, body: body.to_string().into_bytes(), allowed }
        })
    })
}

/// Something of both sides at once, with an id of its own.
fn honest(id: &str) -> Value {
    json!({
        "event": "messages.upsert", "id": 1_000_000, "content": "hello", "message_type": "outgoing", "content_type": "text",
        "conversation": { "id": 1 }, "attachments": [],
        "data": {
            "keyId": id, "keyFromMe": false, "keyRemoteJid": "5511900000000@s.whatsapp.net", "pushName": "Ana", "messageType": "conversation",
            "content": { "text": "hello" }, "messageTimestamp": 1_800_000_000, "info": { "type": "notify" }, "isGroup": false,
        },
    })
}

fn number_of_digits(digits: usize) -> Vec<u8> {
    format!(r#"{{"event":"messages.upsert","data":{{"keyId":"n3","messageTimestamp":{}}}}}"#, "9".repeat(digits))
        .into_bytes()
}

fn nested(open: &str, close: &str, depth: usize) -> Vec<u8> {
    format!("{}1{}", open.repeat(depth), close.repeat(depth)).into_bytes()
}

fn many_keys(count: usize) -> Vec<u8> {
    let keys: Vec<_> = (0..count).map(|number| format!("\"k{number}\":{number}")).collect();
    format!("{{{}}}", keys.join(",")).into_bytes()
}

/// Valid JSON of exactly this size.
fn padded(size: usize) -> Vec<u8> {
    let frame = r#"{"event":"padded","data":""}"#;
    format!(r#"{{"event":"padded","data":"{}"}}"#, "x".repeat(size - frame.len())).into_bytes()
}

/// What the real CodeChat posted.
pub(crate) fn recorded() -> Vec<Vec<u8>> {
    let names = fixtures::names("webhooks");
    names.iter().map(|name| fixtures::read("webhooks", name).to_string().into_bytes()).collect()
}

/// A body with something wrong about it: in its bytes or in its meaning.
pub(crate) fn mutant(seed: &[u8], rng: &mut fastrand::Rng) -> Vec<u8> {
    let mut body = match serde_json::from_slice::<Value>(seed) {
        Ok(mut value) if rng.bool() => {
            for _ in 0..rng.usize(1..4) {
                change_value(&mut value, rng);
            }
            return value.to_string().into_bytes();
        }
        _ => seed.to_vec(),
    };
    for _ in 0..rng.usize(1..6) {
        change_bytes(&mut body, rng);
    }
    body
}

/// Walks down to some value and puts another in its place.
fn change_value(value: &mut Value, rng: &mut fastrand::Rng) {
    let goes_on = rng.u8(0..100) < 85;
    match value {
        Value::Object(fields) if goes_on && !fields.is_empty() => {
            let chosen = rng.usize(0..fields.len());
            let (name, inner) = fields.iter_mut().nth(chosen).expect("it has so many");
            if rng.u8(0..100) < 8 {
                let name = name.clone();
                fields.remove(&name);
            } else {
                change_value(inner, rng);
            }
        }
        Value::Array(items) if goes_on && !items.is_empty() => {
            let chosen = rng.usize(0..items.len());
            change_value(&mut items[chosen], rng);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
            *value = strange(rng);
        }
    }
}

fn strange(rng: &mut fastrand::Rng) -> Value {
    let letters: String = (0..rng.usize(0..40)).map(|_| rng.char(..)).collect();
    match rng.u8(0..12) {
        0 => Value::Null,
        1 => json!(rng.bool()),
        2 => json!(rng.i64(..)),
        3 => json!(rng.f64() * 1e300),
        4 => json!([]),
        5 => json!({}),
        6 => json!([letters, { "a": letters }]),
        7 => json!({ letters.as_str(): [1, null] }),
        8 => json!(""),
        9 => json!("\u{0}\u{202e}\u{fffd}"),
        10 => json!({ "type": "Buffer", "data": [256, -1, "a"] }),
        _ => json!(letters),
    }
}

fn change_bytes(body: &mut Vec<u8>, rng: &mut fastrand::Rng) {
    if body.is_empty() {
        return;
    }
    let at = rng.usize(0..body.len());
    let end = (at + rng.usize(1..32)).min(body.len());
    match rng.u8(0..5) {
        0 => body[at] ^= 1 << rng.u8(0..8),
        1 => body.insert(at, rng.u8(..)),
        2 => drop(body.drain(at..end)),
        3 => body.truncate(at),
        _ => {
            let again = body[at..end].to_vec();
            body.splice(at..at, again);
        }
    }
}
