//! The signature on a webhook: HMAC-SHA256 over timestamp, dot and raw body.
//!
//! Invariants: the bytes that are checked are those that arrived, for the server escapes JSON in a way that does
//! not survive being written again; the comparison takes constant time; the text of the timestamp is what was
//! signed, so only a plain number is accepted.

use std::fmt::Write as _;
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;

const PREFIX: &str = "sha256=";
const HASH_BYTES: usize = 32;
/// More digits than seconds will have for three hundred centuries.
const LONGEST_TIMESTAMP: usize = 12;

/// Why a webhook is not proven to come from Chatwoot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// One of the two headers is absent.
    #[error("the webhook is not signed")]
    Missing,
    /// One of the two headers does not have its form.
    #[error("the signature headers are malformed")]
    Malformed,
    /// The signature is right and its timestamp too far from now.
    #[error("the signature has expired")]
    Expired,
    /// The signature is of another body, timestamp or secret.
    #[error("the signature does not match")]
    Mismatch,
}

/// The two headers of a signed webhook, in their right form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    timestamp: String,
    seconds: i64,
    hash: [u8; HASH_BYTES],
}

impl Signature {
    /// Reads `X-Chatwoot-Timestamp` and `X-Chatwoot-Signature`. A header that came twice is for the
    /// caller to refuse.
    pub fn from_headers(timestamp: Option<&str>, signature: Option<&str>) -> Result<Self, SignatureError> {
        let (Some(timestamp), Some(signature)) = (timestamp, signature) else {
            return Err(SignatureError::Missing);
        };
        let is_number = timestamp.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number || timestamp.len() > LONGEST_TIMESTAMP {
            return Err(SignatureError::Malformed);
        }
        let seconds = timestamp.parse().map_err(|_| SignatureError::Malformed)?;
        let hash = signature.strip_prefix(PREFIX).and_then(hash_of_hex);
        let hash = hash.ok_or(SignatureError::Malformed)?;
        Ok(Self { timestamp: timestamp.to_owned(), seconds, hash })
    }

    /// Returns when it was signed, in epoch seconds.
    pub fn signed_at(&self) -> i64 {
        self.seconds
    }

    /// Checks the signature of `raw_body` against `secret`, and its age at `now` (epoch seconds).
    pub fn verify(
        &self,
        secret: &SecretString,
        raw_body: &[u8],
        now: i64,
        tolerance: Duration,
    ) -> Result<(), SignatureError> {
        let mac = mac_of(secret, &self.timestamp, raw_body);
        mac.verify_slice(&self.hash).map_err(|_| SignatureError::Mismatch)?;
        if now.abs_diff(self.seconds) > tolerance.as_secs() {
            return Err(SignatureError::Expired);
        }
        Ok(())
    }
}

/// Reads both headers and checks them: [`Signature::from_headers`] and [`Signature::verify`] in one.
pub fn verify(
    secret: &SecretString,
    timestamp_header: Option<&str>,
    signature_header: Option<&str>,
    raw_body: &[u8],
    now_unix_secs: i64,
    tolerance: Duration,
) -> Result<(), SignatureError> {
    let signature = Signature::from_headers(timestamp_header, signature_header)?;
    signature.verify(secret, raw_body, now_unix_secs, tolerance)
}

/// Returns the value of `X-Chatwoot-Signature` for `raw_body`, as Chatwoot would send it.
pub fn sign(secret: &SecretString, timestamp: &str, raw_body: &[u8]) -> String {
    let hash = mac_of(secret, timestamp, raw_body).finalize().into_bytes();
    let mut header = PREFIX.to_owned();
    for byte in hash {
        write!(header, "{byte:02x}").expect("writing to a string does not fail");
    }
    header
}

fn mac_of(secret: &SecretString, timestamp: &str, raw_body: &[u8]) -> Hmac<Sha256> {
    let key = secret.expose_secret().as_bytes();
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("hmac takes keys of any length");
    mac.update(timestamp.as_bytes());
    mac.update(b".");
    mac.update(raw_body);
    mac
}

fn hash_of_hex(hex: &str) -> Option<[u8; HASH_BYTES]> {
    let hex = hex.as_bytes();
    if hex.len() != HASH_BYTES * 2 {
        return None;
    }
    let mut hash = [0; HASH_BYTES];
    for (byte, pair) in hash.iter_mut().zip(hex.chunks_exact(2)) {
        *byte = nibble(pair[0])? * 16 + nibble(pair[1])?;
    }
    Some(hash)
}

/// Chatwoot writes lowercase only.
fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    const TOLERANCE: Duration = Duration::from_mins(5);
    const VECTOR: &str = "sha256=87d3ed18b9b403e7da0fc3a3ae8b9394303805a049ea06f87c2ef4380b521fa9";
    const SIGNED_AT: i64 = 1_700_000_000;

    fn check(timestamp: Option<&str>, signature: Option<&str>, body: &[u8], now: i64) -> Result<(), SignatureError> {
        verify(&"test-secret".into(), timestamp, signature, body, now, TOLERANCE)
    }

    #[test]
    fn the_known_vector_holds_both_ways() {
        assert_eq!(check(Some("1700000000"), Some(VECTOR), b"{}", SIGNED_AT), Ok(()));
        assert_eq!(sign(&"test-secret".into(), "1700000000", b"{}"), VECTOR);
    }

    #[test]
    fn only_the_right_form_and_the_right_hash_pass() {
        use SignatureError::{Malformed, Mismatch, Missing};
        let bare = VECTOR.strip_prefix(PREFIX).unwrap();
        let upper = format!("{PREFIX}{}", bare.to_uppercase());
        let wrong = VECTOR.replace("87d3", "87d4");
        let long = format!("{VECTOR}00");
        let twice = format!("{VECTOR}, {VECTOR}");
        let short = VECTOR.strip_suffix("a9").unwrap();
        let odd = VECTOR.strip_suffix('9').unwrap();
        let other_hash = format!("sha512={bare}");
        let not_hex = VECTOR.replace("87d3", "87g3");
        let table: [(&str, Option<&str>, Result<(), SignatureError>); 14] = [
            ("right", Some(VECTOR), Ok(())),
            ("absent", None, Err(Missing)),
            ("empty", Some(""), Err(Malformed)),
            ("prefix only", Some(PREFIX), Err(Malformed)),
            ("wrong", Some(&wrong), Err(Mismatch)),
            ("truncated", Some(short), Err(Malformed)),
            ("odd", Some(odd), Err(Malformed)),
            ("too long", Some(&long), Err(Malformed)),
            ("twice", Some(&twice), Err(Malformed)),
            ("uppercase", Some(&upper), Err(Malformed)),
            ("without prefix", Some(bare), Err(Malformed)),
            ("other hash", Some(&other_hash), Err(Malformed)),
            ("not hex", Some(&not_hex), Err(Malformed)),
            ("spaced", Some(" sha256="), Err(Malformed)),
        ];
        for (name, signature, expected) in table {
            assert_eq!(check(Some("1700000000"), signature, b"{}", SIGNED_AT), expected, "{name}");
        }
    }

    #[test]
    fn the_timestamp_is_a_plain_number_near_now() {
        use SignatureError::{Expired, Malformed, Mismatch, Missing};
        let at = |timestamp, now| check(timestamp, Some(VECTOR), b"{}", now);
        assert_eq!(at(None, SIGNED_AT), Err(Missing));
        for odd in ["", "-1700000000", "+1700000000", "1700000000 ", "1.7e9", "0x1", "1700000000000"] {
            assert_eq!(at(Some(odd), SIGNED_AT), Err(Malformed), "{odd}");
        }
        assert_eq!(at(Some("1700000001"), SIGNED_AT), Err(Mismatch));
        assert_eq!(at(Some("01700000000"), SIGNED_AT), Err(Mismatch));
        for (now, expected) in [
            (SIGNED_AT + 300, Ok(())),
            (SIGNED_AT - 300, Ok(())),
            (SIGNED_AT + 301, Err(Expired)),
            (SIGNED_AT - 301, Err(Expired)),
            (i64::MIN, Err(Expired)),
        ] {
            assert_eq!(at(Some("1700000000"), now), expected, "{now}");
        }
    }

    #[test]
    fn the_signed_example_holds_for_its_bytes_only() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/chatwoot/examples.json");
        let file = std::fs::read_to_string(file).unwrap();
        let example = serde_json::from_str::<Value>(&file).unwrap()["signature_example"].clone();
        let secret: SecretString = example["secret"].as_str().unwrap().into();
        let timestamp = example["headers"]["X-Chatwoot-Timestamp"].as_str();
        let signature = example["headers"]["X-Chatwoot-Signature"].as_str();
        let body = example["raw_body"].as_str().unwrap();
        let now = timestamp.unwrap().parse().unwrap();
        let check = |body: &[u8]| verify(&secret, timestamp, signature, body, now, TOLERANCE);

        assert_eq!(check(body.as_bytes()), Ok(()));
        let written_again = serde_json::to_string_pretty(&serde_json::from_str::<Value>(body).unwrap()).unwrap();
        assert_eq!(check(written_again.as_bytes()), Err(SignatureError::Mismatch));
        let other: SecretString = "other".into();
        let result = verify(&other, timestamp, signature, body.as_bytes(), now, TOLERANCE);
        assert_eq!(result, Err(SignatureError::Mismatch));
    }

    proptest! {
        #[test]
        fn what_is_signed_verifies_and_nothing_else_does(body: Vec<u8>, secret in ".*", flipped in 0_usize..256) {
            let secret: SecretString = secret.into();
            let header = sign(&secret, "1700000000", &body);
            let mut signature = Signature::from_headers(Some("1700000000"), Some(&header)).unwrap();
            prop_assert_eq!(signature.verify(&secret, &body, SIGNED_AT, TOLERANCE), Ok(()));
            signature.hash[flipped / 8] ^= 1 << (flipped % 8);
            let result = signature.verify(&secret, &body, SIGNED_AT, TOLERANCE);
            prop_assert_eq!(result, Err(SignatureError::Mismatch));
        }

        #[test]
        fn any_headers_are_read_or_refused(timestamp in ".*|[0-9]{0,30}", signature in ".*|sha256=\\PC{0,70}") {
            let _read = Signature::from_headers(Some(&timestamp), Some(&signature));
        }
    }
}
