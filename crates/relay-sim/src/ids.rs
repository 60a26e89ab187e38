//! Identifiers in the shapes seen on the wire.

const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const HEX: &[u8; 16] = b"0123456789ABCDEF";
const WORD: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// A ULID: 48 bits of time, 80 random bits, 26 characters. CodeChat names its own sends so.
pub(crate) fn ulid(now_ms: i64) -> String {
    let time = u128::from(now_ms.unsigned_abs()) & 0xFFFF_FFFF_FFFF;
    let random = (u128::from(fastrand::u64(..)) << 16) | u128::from(fastrand::u16(..));
    let bits = (time << 80) | random;
    (0..26).rev().map(|place| char::from(CROCKFORD[usize::try_from((bits >> (place * 5)) & 31).unwrap_or(0)])).collect()
}

/// A message id as an iPhone makes it: `3A` and eighteen hexadecimal digits.
pub(crate) fn phone_key() -> String {
    let mut key = String::with_capacity(20);
    key.push_str("3A");
    key.extend(from_alphabet(HEX, 18));
    key
}

/// A message id as CodeChat's own socket makes it when the library names it.
pub(crate) fn socket_key() -> String {
    let mut key = String::with_capacity(22);
    key.push_str("3EB0");
    key.extend(from_alphabet(HEX, 18));
    key
}

/// A random token of letters and digits.
pub(crate) fn token(length: usize) -> String {
    from_alphabet(WORD, length).collect()
}

fn from_alphabet(alphabet: &'static [u8], length: usize) -> impl Iterator<Item = char> {
    (0..length).map(move |_| char::from(alphabet[fastrand::usize(..alphabet.len())]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ulid_is_26_characters_and_begins_with_its_time() {
        let one = ulid(1_795_342_004_000);
        assert_eq!(one.len(), 26);
        assert_eq!(one.get(..6), ulid(1_795_342_004_000).get(..6));
        assert!(one < ulid(1_895_342_004_000));
    }
}
