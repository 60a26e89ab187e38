//! What each side is shown of the other's typing, so that it is told of changes only.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use relay_domain::Timestamp;
use relay_domain::id::{ChatKey, SessionId};
use tokio::sync::Mutex;

use super::Tell;

/// Typing that goes on is told again after this: both sides let it fade.
const TELL_AGAIN: Duration = Duration::from_secs(10);
/// Typing that nobody spoke of for this long is over.
const FADES_AFTER: Duration = Duration::from_secs(20);
/// The shortest time between two times that a chat is shown that we are here. WhatsApp tells of typing to those only who are
/// online, and CodeChat goes offline with every message it receives.
const CALL_EVERY: Duration = Duration::from_mins(1);
/// Chats remembered before the memory starts anew.
const MOST_CHATS: usize = 10_000;

/// Who types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Typist {
    Agent,
    Customer,
}

/// Somebody typing in a chat.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) session: SessionId,
    pub(super) chat: ChatKey,
    pub(super) typist: Typist,
}

#[derive(Debug)]
struct Typing {
    told_at: Timestamp,
    until: Timestamp,
}

/// What is shown at the moment.
#[derive(Debug, Default)]
pub(super) struct Shown {
    typing: HashMap<Key, Typing>,
    called_on: HashMap<Key, Timestamp>,
    turns: HashMap<Key, Arc<Mutex<()>>>,
}

impl Shown {
    /// Somebody types, or does not any more: what is to be told, unless it is known.
    pub(super) fn change(&mut self, key: &Key, is_on: bool, now: Timestamp) -> Option<bool> {
        if !is_on {
            return self.typing.remove(key).map(|_| false);
        }
        let until = now + FADES_AFTER;
        if let Some(known) = self.typing.get_mut(key) {
            known.until = until;
            let is_due = now.since(known.told_at) >= TELL_AGAIN;
            if is_due {
                known.told_at = now;
            }
            return is_due.then_some(true);
        }
        if self.typing.len() >= MOST_CHATS {
            return None;
        }
        self.typing.insert(key.clone(), Typing { told_at: now, until });
        Some(true)
    }

    /// Whoever began and never stopped.
    pub(super) fn expired(&mut self, now: Timestamp) -> Vec<(Key, Tell)> {
        let over = self.typing.extract_if(|_, typing| now >= typing.until);
        let tell = |(key, _): (Key, Typing)| match key.typist {
            Typist::Agent => (key, Tell::AgentTypes(false)),
            Typist::Customer => (key, Tell::CustomerTypes(false)),
        };
        over.map(tell).collect()
    }

    /// Whether it is time to show a chat that we are here; that counts from now.
    pub(super) fn may_call_on(&mut self, key: &Key, now: Timestamp) -> bool {
        if self.called_on.len() >= MOST_CHATS {
            self.called_on.clear();
        }
        let may = self.called_on.get(key).is_none_or(|at| now.since(*at) >= CALL_EVERY);
        if may {
            self.called_on.insert(key.clone(), now);
        }
        may
    }

    /// What keeps two calls about the same typing in order.
    pub(super) fn turn(&mut self, key: &Key) -> Arc<Mutex<()>> {
        if self.turns.len() >= MOST_CHATS {
            self.turns.retain(|_, turn| Arc::strong_count(turn) > 1);
        }
        self.turns.entry(key.clone()).or_default().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Key {
        Key { session: SessionId::new("s"), chat: ChatKey::new("c"), typist: Typist::Agent }
    }

    #[test]
    fn only_changes_are_told_and_what_goes_on_from_time_to_time() {
        let (mut shown, start) = (Shown::default(), Timestamp::from_secs(100));
        let table = [
            (0, true, Some(true)),
            (3, true, None),
            (9, true, None),
            (10, true, Some(true)),
            (12, false, Some(false)),
            (13, false, None),
        ];
        for (seconds, is_on, told) in table {
            assert_eq!(shown.change(&key(), is_on, start + Duration::from_secs(seconds)), told, "after {seconds} s");
        }
    }

    #[test]
    fn typing_that_never_stops_fades() {
        let (mut shown, start) = (Shown::default(), Timestamp::from_secs(100));
        assert_eq!(shown.change(&key(), true, start), Some(true));
        assert!(shown.expired(start + Duration::from_secs(19)).is_empty());
        assert_eq!(shown.expired(start + Duration::from_secs(20)), [(key(), Tell::AgentTypes(false))]);
        assert!(shown.expired(start + Duration::from_secs(21)).is_empty());
    }

    #[test]
    fn a_chat_is_called_on_once_a_minute() {
        let (mut shown, start) = (Shown::default(), Timestamp::from_secs(100));
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!([0, 30, 60].map(|seconds| shown.may_call_on(&key(), at(seconds))), [true, false, true]);
    }
}
