//! What came through the doors of a session since the process started, as far as the doctor wants to know it.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Mutex;
use std::time::Duration;

use relay_domain::Timestamp;

use crate::trouble::Side;

/// How many bodies are remembered, to know one that comes again.
const BODIES: usize = 64;
/// How many answers are remembered, to know the slowest.
const ANSWERS: usize = 100;

/// A session's memory of its doors.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    memory: Mutex<Memory>,
}

#[derive(Debug, Default)]
struct Memory {
    chatwoot: Door,
    codechat: Door,
    bodies: VecDeque<u64>,
    repeated: u32,
    of_others: u32,
    bad_signatures: u32,
    has_rows: Option<bool>,
    slowed: Option<(u32, Timestamp)>,
}

#[derive(Debug, Default)]
struct Door {
    last: Option<Timestamp>,
    count: u64,
    answers: VecDeque<Duration>,
}

impl Memory {
    fn door(&mut self, side: Side) -> &mut Door {
        match side {
            Side::Chatwoot => &mut self.chatwoot,
            Side::CodeChat => &mut self.codechat,
        }
    }
}

impl Heard {
    fn with<T>(&self, look: impl FnOnce(&mut Memory) -> T) -> T {
        look(&mut self.memory.lock().expect("nothing panics while holding the memory of the doors"))
    }

    /// A webhook was taken, and answered after so long.
    pub(crate) fn took(&self, side: Side, body: &[u8], now: Timestamp, after: Duration) {
        let body = (side == Side::CodeChat).then(|| {
            let mut hasher = DefaultHasher::new();
            body.hash(&mut hasher);
            hasher.finish()
        });
        self.with(|memory| {
            if let Some(body) = body {
                memory.repeated += u32::from(memory.bodies.contains(&body));
                push(&mut memory.bodies, body, BODIES);
            }
            let door = memory.door(side);
            door.last = Some(now);
            door.count += 1;
            push(&mut door.answers, after, ANSWERS);
        });
    }

    /// CodeChat told of another instance at this session's door.
    pub(crate) fn of_another(&self) {
        self.with(|memory| memory.of_others += 1);
    }

    /// A signature was right, or did not match.
    pub(crate) fn signed(&self, is_right: bool) {
        self.with(|memory| memory.bad_signatures = if is_right { 0 } else { memory.bad_signatures + 1 });
    }

    /// A message came with, or without, the number of its row.
    pub(crate) fn row(&self, is_there: bool) {
        self.with(|memory| memory.has_rows = Some(is_there));
    }

    /// Chatwoot asked to slow down.
    pub(crate) fn slowed(&self, now: Timestamp) {
        self.with(|memory| memory.slowed = Some((memory.slowed.map_or(0, |(count, _)| count) + 1, now)));
    }

    pub(super) fn last(&self, side: Side) -> Option<Timestamp> {
        self.with(|memory| memory.door(side).last)
    }

    pub(super) fn count(&self, side: Side) -> u64 {
        self.with(|memory| memory.door(side).count)
    }

    /// The slowest of the last answers.
    pub(super) fn slowest(&self, side: Side) -> Option<Duration> {
        self.with(|memory| memory.door(side).answers.iter().max().copied())
    }

    /// How many bodies of CodeChat came again, byte for byte, and how many were another instance's.
    pub(super) fn strays(&self) -> (u32, u32) {
        self.with(|memory| (memory.repeated, memory.of_others))
    }

    /// How many signatures in a row did not match.
    pub(super) fn bad_signatures(&self) -> u32 {
        self.with(|memory| memory.bad_signatures)
    }

    pub(super) fn has_rows(&self) -> Option<bool> {
        self.with(|memory| memory.has_rows)
    }

    /// How often Chatwoot asked to slow down, and when last.
    pub(super) fn slowdowns(&self) -> Option<(u32, Timestamp)> {
        self.with(|memory| memory.slowed)
    }
}

fn push<T>(ring: &mut VecDeque<T>, one: T, most: usize) {
    if ring.len() >= most {
        ring.pop_front();
    }
    ring.push_back(one);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_body_of_codechat_that_comes_again_counts() {
        let heard = Heard::default();
        let now = Timestamp::from_secs(1);
        for (side, body) in [(Side::CodeChat, b"a"), (Side::CodeChat, b"b"), (Side::Chatwoot, b"a")] {
            heard.took(side, body, now, Duration::ZERO);
        }
        assert_eq!(heard.strays(), (0, 0));
        heard.took(Side::CodeChat, b"a", now, Duration::from_millis(7));
        heard.of_another();
        assert_eq!(heard.strays(), (1, 1));
        assert_eq!((heard.count(Side::CodeChat), heard.count(Side::Chatwoot)), (3, 1));
        assert_eq!(heard.slowest(Side::CodeChat), Some(Duration::from_millis(7)));
    }

    #[test]
    fn a_right_signature_ends_a_row_of_wrong_ones() {
        let heard = Heard::default();
        heard.signed(false);
        heard.signed(false);
        assert_eq!(heard.bad_signatures(), 2);
        heard.signed(true);
        assert_eq!(heard.bad_signatures(), 0);
    }

    #[test]
    fn memory_is_bounded() {
        let heard = Heard::default();
        for number in 0..1000_u32 {
            heard.took(Side::CodeChat, &number.to_be_bytes(), Timestamp::from_secs(1), Duration::from_secs(9));
        }
        assert_eq!(heard.with(|memory| (memory.bodies.len(), memory.codechat.answers.len())), (BODIES, ANSWERS));
    }
}
