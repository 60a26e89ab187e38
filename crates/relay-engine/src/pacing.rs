//! Going no faster than is good for the number, and than Chatwoot takes.
//!
//! A session's messages to WhatsApp go one by one at the installation's pace. Each of its chats holds at most one turn at a time,
//! in the order in which they asked, so all get their share. In Chatwoot no conversation gets more messages a minute than it
//! takes. Who must wait gives its lane back until then: no attempt, nothing expires, the order stays.
//!
//! Several processes divide both limits among themselves.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::time::Duration;

use relay_domain::Timestamp;
use relay_domain::id::{ChatKey, CwConversationId};
use relay_domain::pace::{LastMinute, Pacer, Rate};
use relay_store::StoreError;

use crate::Engine;
use crate::deliver::Task;
use crate::sessions::Live;
use crate::trouble::Trouble;

/// A turn that nobody took by then is forgotten: its message was deleted, or is another process's.
const TURN_LASTS: Duration = Duration::from_mins(1);
/// Conversations remembered before quiet ones are forgotten.
const CONVERSATIONS: usize = 500;

/// The turns of one session's chats.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    state: Mutex<(Pacer, HashMap<ChatKey, Timestamp>)>,
}

impl Turns {
    /// When a chat may send: the turn it holds, or the next one.
    fn of(&self, chat: &ChatKey, rate: Rate, now: Timestamp) -> Timestamp {
        let mut state = self.state.lock().expect("nothing panics while holding the turns");
        let (pacer, turns) = &mut *state;
        turns.retain(|_, turn| now.since(*turn) < TURN_LASTS);
        *turns.entry(chat.clone()).or_insert_with(|| pacer.take(rate, now, &mut fastrand::Rng::new()))
    }

    fn spend(&self, chat: &ChatKey) {
        self.state.lock().expect("nothing panics while holding the turns").1.remove(chat);
    }
}

/// What each conversation of a session got in the last minute.
#[derive(Debug, Default)]
pub(crate) struct Walls {
    minutes: Mutex<HashMap<i64, LastMinute>>,
}

impl Walls {
    /// One more message in a conversation, whoever wrote it.
    pub(crate) fn note(&self, conversation: i64, now: Timestamp) {
        let mut minutes = self.minutes.lock().expect("nothing panics while counting messages");
        if minutes.len() >= CONVERSATIONS {
            minutes.retain(|_, minute| !minute.is_empty(now));
        }
        minutes.entry(conversation).or_default().note(now);
    }

    fn has_room_at(&self, conversation: i64, limit: usize, now: Timestamp) -> Option<Timestamp> {
        let mut minutes = self.minutes.lock().expect("nothing panics while counting messages");
        minutes.get_mut(&conversation)?.has_room_at(limit, now)
    }
}

impl Engine {
    /// Counts the processes that share the limits.
    pub(crate) async fn count_workers(&self) -> Result<(), StoreError> {
        self.workers.store(self.store.living_workers().await?, Ordering::Relaxed);
        Ok(())
    }

    fn outbound_rate(&self) -> Option<Rate> {
        Rate::shared(self.config.outbound_pace, self.config.outbound_burst, self.workers.load(Ordering::Relaxed))
    }

    /// Messages a minute that a conversation gets from this process; `None` for as many as there are.
    fn per_minute(&self) -> Option<usize> {
        let workers = usize::try_from(self.workers.load(Ordering::Relaxed)).unwrap_or(1);
        let limit = usize::try_from(self.config.conversation_pace).unwrap_or(usize::MAX);
        (limit > 0).then(|| (limit / workers.max(1)).max(1))
    }
}

impl Live {
    /// Counts a message in a conversation.
    pub(crate) fn count_message(&self, conversation: i64, now: Timestamp) {
        self.health.walls.note(conversation, now);
    }
}

impl Task<'_> {
    /// Waits until it is this chat's turn to send.
    pub(crate) fn await_turn(&self) -> Result<(), Trouble> {
        let Some(rate) = self.engine.outbound_rate() else { return Ok(()) };
        let now = self.engine.clock.now();
        let turn = self.live.health.turns.of(&self.lease.lane.chat, rate, now);
        if turn > now { Err(Trouble::Wait(turn)) } else { Ok(()) }
    }

    /// The turn is used: what follows is sent.
    pub(crate) fn spend_turn(&self) {
        self.live.health.turns.spend(&self.lease.lane.chat);
    }

    /// Waits until the conversation has room for one more message.
    pub(crate) fn await_room(&self, conversation: CwConversationId) -> Result<(), Trouble> {
        let Some(limit) = self.engine.per_minute() else { return Ok(()) };
        let now = self.engine.clock.now();
        match self.live.health.walls.has_room_at(conversation.get(), limit, now) {
            Some(then) => Err(Trouble::Wait(then)),
            None => Ok(()),
        }
    }

    /// One more message goes to the conversation.
    pub(crate) fn take_room(&self, conversation: CwConversationId) {
        self.live.count_message(conversation.get(), self.engine.clock.now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chats_take_turns() {
        let turns = Turns::default();
        let rate = Rate { every: Duration::from_secs(1), burst: 1 };
        let now = Timestamp::from_secs(1000);
        let [busy, other] = ["busy", "other"].map(ChatKey::new);
        let first = turns.of(&busy, rate, now);
        assert_eq!(first, now);
        turns.spend(&busy);
        let second = turns.of(&busy, rate, now);
        assert_eq!(turns.of(&busy, rate, now), second, "a turn is held until it is used");
        let others = turns.of(&other, rate, now);
        assert!(others > second);
        turns.spend(&busy);
        assert!(turns.of(&busy, rate, now) > others, "the other chat is next");
    }

    #[test]
    fn a_turn_that_nobody_takes_is_forgotten() {
        let turns = Turns::default();
        let rate = Rate { every: Duration::from_secs(1), burst: 1 };
        let now = Timestamp::from_secs(1000);
        turns.of(&ChatKey::new("a"), rate, now);
        let much_later = now + TURN_LASTS;
        assert_eq!(turns.of(&ChatKey::new("a"), rate, much_later), much_later);
    }
}
