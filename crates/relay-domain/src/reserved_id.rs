//! WhatsApp message ids that are known before a message is sent.
//!
//! The id of each part of an agent's message is derived from what identifies the part, so that sending again after a crash
//! uses the same id, even when the relay's database was lost in between. It is a ULID because CodeChat's guess of the sending
//! device stays `web` for those (`docs/codechat.md`).

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::clock::Timestamp;
use crate::id::{CwMessageId, SessionId, WaMessageId};

/// How our names of reactions begin.
const REACTION: &str = "reaction|";

/// Digits of a ULID that tell the time.
const TIME_DIGITS: usize = 10;

const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Derives message ids for one session.
#[derive(Clone)]
pub struct IdMint {
    key: [u8; 32],
}

impl std::fmt::Debug for IdMint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("IdMint(..)")
    }
}

/// What identifies one part of an agent's message.
#[derive(Clone, Copy, Debug)]
pub struct PartKey<'a> {
    /// Scheme, host and port of the Chatwoot installation.
    pub origin: &'a str,
    /// Chatwoot account.
    pub account: i64,
    /// Chatwoot message.
    pub message: CwMessageId,
    /// Position of the part in the message, from 0.
    pub part: u16,
}

impl IdMint {
    /// A mint for one session, from the installation's secret.
    pub fn new(secret: &[u8], session: &SessionId) -> Self {
        Self { key: digest(secret, &[b"whatsapp-id", session.as_str().as_bytes()]) }
    }

    /// The id of one part: ULID time is `created_at` cut to whole seconds (webhook and REST agree on no more), its
    /// randomness the first 80 bits of an HMAC over the key.
    pub fn reserve(&self, created_at: Timestamp, part: PartKey<'_>) -> WaMessageId {
        let account = part.account.to_be_bytes();
        let message = part.message.get().to_be_bytes();
        let index = part.part.to_be_bytes();
        let random = digest(&self.key, &[part.origin.as_bytes(), &account, &message, &index]);
        let millis = u64::try_from(created_at.as_secs().saturating_mul(1000)).unwrap_or(0);
        WaMessageId::new(ulid(millis, &random))
    }
}

/// What the ids of all parts of a message have in common: the second at which it was written.
pub fn family(id: &str) -> &str {
    id.get(..TIME_DIGITS).unwrap_or(id)
}

/// What a reaction of ours is called here: CodeChat takes no id for it, and tells of it before it tells the one it gave. Whom it
/// is on and what it is tell it apart well enough, for a message has one reaction of ours.
pub fn reaction_id(target: &WaMessageId, emoji: &str) -> WaMessageId {
    WaMessageId::new(format!("{REACTION}{emoji}|{target}"))
}

/// Whether an id is that of a reaction of ours.
pub fn is_reaction(id: &WaMessageId) -> bool {
    id.as_str().starts_with(REACTION)
}

fn digest(key: &[u8], fields: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("hmac takes keys of any length");
    for field in fields {
        let length = u64::try_from(field.len()).expect("a length fits 64 bits");
        mac.update(&length.to_be_bytes());
        mac.update(field);
    }
    mac.finalize().into_bytes().into()
}

fn ulid(millis: u64, random: &[u8; 32]) -> String {
    let mut value = u128::from(millis & 0xFFFF_FFFF_FFFF) << 80;
    for (index, byte) in random.iter().take(10).enumerate() {
        value |= u128::from(*byte) << (72 - 8 * index);
    }
    (0..26)
        .map(|digit| {
            let five_bits = usize::try_from((value >> (125 - 5 * digit)) & 31).expect("five bits fit");
            char::from(CROCKFORD[five_bits])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn part(message: i64, part: u16) -> PartKey<'static> {
        PartKey { origin: "https://chat.example.com", account: 1, message: CwMessageId::new(message), part }
    }

    #[test]
    fn same_part_same_id_and_every_field_counts() {
        let mint = IdMint::new(b"secret", &SessionId::new("a"));
        let at = Timestamp::from_millis(1_785_585_660_500);
        let id = mint.reserve(at, part(9002, 0));
        assert_eq!(id, mint.reserve(Timestamp::from_millis(1_785_585_660_000), part(9002, 0)));
        assert_eq!(id.as_str().len(), 26);
        assert_ne!(id, mint.reserve(at, part(9002, 1)));
        assert_eq!(family(id.as_str()), family(mint.reserve(at, part(9002, 1)).as_str()));
        assert_ne!(family(id.as_str()), family(mint.reserve(Timestamp::from_secs(1), part(9002, 0)).as_str()));
        assert_ne!(id, mint.reserve(at, part(9003, 0)));
        assert_ne!(id, mint.reserve(at, PartKey { account: 2, ..part(9002, 0) }));
        assert_ne!(id, mint.reserve(at, PartKey { origin: "https://other.example.com", ..part(9002, 0) }));
        assert_ne!(id, IdMint::new(b"secret", &SessionId::new("b")).reserve(at, part(9002, 0)));
        assert_ne!(id, IdMint::new(b"other", &SessionId::new("a")).reserve(at, part(9002, 0)));
    }

    proptest! {
        #[test]
        fn ids_are_ulids_that_sort_by_second(a in 0i64..4_000_000_000, b in 0i64..4_000_000_000, message: i64) {
            let mint = IdMint::new(b"secret", &SessionId::new("a"));
            let id = |secs| mint.reserve(Timestamp::from_secs(secs), part(message, 0));
            let (first, second) = (id(a), id(b));
            prop_assert!(first.as_str().bytes().all(|c| CROCKFORD.contains(&c)));
            if a != b {
                prop_assert_eq!(a < b, first < second);
            }
        }
    }
}
