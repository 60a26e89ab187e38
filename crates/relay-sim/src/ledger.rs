//! What both ledgers share: a change signal that tests wait on, and content hashes.

use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::sync::watch;
use tokio::time::Instant;

/// Wakes everyone who waits for a condition on the state. Raised after each change, never while a lock is held.
#[derive(Debug)]
pub(crate) struct Changes(watch::Sender<u64>);

impl Changes {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(0))
    }

    pub(crate) fn bump(&self) {
        self.0.send_modify(|version| *version = version.wrapping_add(1));
    }

    /// Waits until `condition` holds, looking again after each change. False when the deadline passes first.
    pub(crate) async fn wait_until(&self, deadline: Duration, mut condition: impl FnMut() -> bool) -> bool {
        let end = Instant::now() + deadline;
        let mut changes = self.0.subscribe();
        loop {
            changes.mark_unchanged();
            if condition() {
                return true;
            }
            if !matches!(tokio::time::timeout_at(end, changes.changed()).await, Ok(Ok(()))) {
                return condition();
            }
            // A burst of changes is looked at once, so that waiting costs little under load.
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

/// Lowercase hexadecimal SHA-256.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Lowercase hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}
