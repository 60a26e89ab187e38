//! What customers wrote and nobody has read yet, conversation by conversation, and how far it was read meanwhile.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use relay_domain::Timestamp;
use relay_domain::id::{ChatKey, CwConversationId, CwMessageId, WaMessageId};
use relay_domain::jid::Jid;

/// Conversations remembered per session; each weighs about a kilobyte.
const MOST_CONVERSATIONS: usize = 10_000;
/// Messages remembered per conversation. Marking the newest is what a phone looks at.
const MOST_MESSAGES: usize = 100;
/// Messages remembered that the phone had read before they were relayed.
const MOST_EARLY: usize = 100;
/// How long after its last message a conversation is looked at, when no webhook tells of it.
pub(crate) const LOOK_FOR: Duration = Duration::from_hours(24);
/// How long after its last message a conversation is remembered.
pub(crate) const KEEP_FOR: Duration = Duration::from_hours(168);
/// Time before the first look; each later one takes twice the time.
const FIRST_LOOK: Duration = Duration::from_secs(10);
/// The longest time between two looks.
const LONGEST_PAUSE: Duration = Duration::from_mins(10);
/// The phone reports message by message; so long are its reports gathered.
const GATHER: Duration = Duration::from_secs(1);
/// Attempts at one mark.
const TRIES: u32 = 3;
/// Time between them.
const BETWEEN_TRIES: Duration = Duration::from_secs(30);

/// A customer's message as it was relayed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Relayed {
    /// Its id at WhatsApp.
    pub(crate) wa_id: WaMessageId,
    /// Its row at CodeChat.
    pub(crate) row: Option<i64>,
    /// The address it is stored under there; the chat's when absent.
    pub(crate) address: Option<Jid>,
    /// When it was created in Chatwoot, in seconds, which is all that Chatwoot tells.
    pub(crate) posted_secs: i64,
}

/// A message that waits to be read.
#[derive(Clone, Debug)]
struct Waiting {
    relayed: Relayed,
    /// When an agent had last looked, as far as was known when it came.
    seen_before: i64,
}

/// What is unread in one conversation.
#[derive(Clone, Debug)]
struct Conversation {
    chat: ChatKey,
    messages: BTreeMap<CwMessageId, Waiting>,
    /// Up to where an agent has read.
    by_agent: Option<CwMessageId>,
    /// Up to where it was read on the phone, and when that was first reported.
    on_phone: Option<(CwMessageId, Timestamp)>,
    since: Timestamp,
    look_at: Timestamp,
    pause: Duration,
    tries: u32,
    rest_until: Timestamp,
}

/// Something to tell.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) conversation: CwConversationId,
    pub(crate) chat: ChatKey,
    pub(crate) to: CwMessageId,
    /// What was read, in order.
    pub(crate) messages: Vec<(CwMessageId, Relayed)>,
    /// Whether nothing newer is unread.
    pub(crate) is_all: bool,
}

/// All of a session.
#[derive(Debug, Default)]
pub(crate) struct Unread {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    conversations: HashMap<CwConversationId, Conversation>,
    /// When agents last looked, in seconds.
    seen: HashMap<CwConversationId, i64>,
    /// Read on the phone before they were relayed.
    early: VecDeque<WaMessageId>,
    is_loaded: bool,
    is_busy: bool,
    no_look_before: Timestamp,
}

impl Unread {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while holding what is unread")
    }

    /// A customer's message is in Chatwoot.
    pub(crate) fn relayed(
        &self,
        chat: &ChatKey,
        conversation: CwConversationId,
        message: CwMessageId,
        relayed: Relayed,
        now: Timestamp,
    ) {
        let mut state = self.lock();
        let is_read = state.early.contains(&relayed.wa_id);
        let seen_before = state.seen.get(&conversation).copied().unwrap_or_default();
        let Some(known) = state.open(chat, conversation, now) else { return };
        known.since = known.since.max(now);
        known.look_at = now + FIRST_LOOK;
        known.pause = FIRST_LOOK;
        known.add(message, Waiting { relayed, seen_before });
        if is_read {
            known.read_on_phone(message, now);
        }
    }

    /// An agent looked at a conversation, at a moment that Chatwoot tells in whole seconds. Whoever has it open looks in the very
    /// second in which a message comes: that second counts, unless the look was known before the message.
    pub(crate) fn seen(&self, conversation: CwConversationId, at: Timestamp) {
        let mut state = self.lock();
        if state.seen.len() >= MOST_CONVERSATIONS {
            state.seen.clear();
        }
        let at = at.as_secs();
        let last = state.seen.entry(conversation).or_default();
        *last = at.max(*last);
        let Some(known) = state.conversations.get_mut(&conversation) else { return };
        let is_seen = |message: &Waiting| {
            let posted = message.relayed.posted_secs;
            posted < at || (posted == at && message.seen_before < at)
        };
        let seen = known.messages.iter().filter(|(_, message)| is_seen(message));
        known.by_agent = known.by_agent.max(seen.map(|(id, _)| *id).max());
    }

    /// An agent answered: what stands before the answer was read.
    pub(crate) fn answered(&self, conversation: CwConversationId, answer: CwMessageId) {
        let mut state = self.lock();
        let Some(known) = state.conversations.get_mut(&conversation) else { return };
        let before = known.messages.range(..answer).next_back().map(|(id, _)| *id);
        known.by_agent = known.by_agent.max(before);
    }

    /// A message was read on the phone.
    pub(crate) fn read_on_phone(
        &self,
        chat: &ChatKey,
        conversation: CwConversationId,
        message: CwMessageId,
        relayed: Relayed,
        now: Timestamp,
    ) {
        let mut state = self.lock();
        let Some(known) = state.open(chat, conversation, now) else { return };
        known.messages.entry(message).or_insert(Waiting { relayed, seen_before: 0 });
        known.read_on_phone(message, now);
    }

    /// A message was read on the phone that is not in Chatwoot, or not yet.
    pub(crate) fn read_before_relayed(&self, id: WaMessageId) {
        let mut state = self.lock();
        if state.early.len() >= MOST_EARLY {
            state.early.pop_front();
        }
        state.early.push_back(id);
    }

    /// Whether a round is to begin; one at a time.
    pub(crate) fn begin_round(&self, now: Timestamp) -> bool {
        let mut state = self.lock();
        let is_due = !state.is_loaded || state.conversations.values().any(|known| known.is_due(now));
        if state.is_busy || !is_due {
            return false;
        }
        state.is_busy = true;
        true
    }

    pub(crate) fn end_round(&self, now: Timestamp) {
        let mut state = self.lock();
        state.is_busy = false;
        state.conversations.retain(|_, known| !known.messages.is_empty() && now.since(known.since) < KEEP_FOR);
    }

    /// Whether what an earlier process left is known by now. Says so once.
    pub(crate) fn must_load(&self) -> bool {
        !std::mem::replace(&mut self.lock().is_loaded, true)
    }

    /// What agents have read and WhatsApp does not know.
    pub(crate) fn read_by_agents(&self, now: Timestamp) -> Vec<Told> {
        self.told(now, |known| known.by_agent)
    }

    /// What was read on the phone and Chatwoot does not know.
    pub(crate) fn read_on_phones(&self, now: Timestamp) -> Vec<Told> {
        self.told(now, |known| known.on_phone.filter(|(_, at)| now >= *at + GATHER).map(|(id, _)| id))
    }

    fn told(&self, now: Timestamp, read_to: impl Fn(&Conversation) -> Option<CwMessageId>) -> Vec<Told> {
        let state = self.lock();
        let ready = state.conversations.iter().filter(|(_, known)| now >= known.rest_until);
        let told = ready.filter_map(|(id, known)| read_to(known).map(|to| known.told(*id, to)));
        told.filter(|told| !told.messages.is_empty()).collect()
    }

    /// It was told, or is not to be told again.
    pub(crate) fn done(&self, conversation: CwConversationId, to: CwMessageId) {
        let mut state = self.lock();
        let Some(known) = state.conversations.get_mut(&conversation) else { return };
        known.messages.retain(|id, _| *id > to);
        known.by_agent = known.by_agent.filter(|read| *read > to);
        known.on_phone = known.on_phone.filter(|(read, _)| *read > to);
        known.tries = 0;
        if known.messages.is_empty() {
            state.conversations.remove(&conversation);
        }
    }

    /// It could not be told. `false` when it is given up.
    pub(crate) fn failed(&self, conversation: CwConversationId, now: Timestamp) -> bool {
        let mut state = self.lock();
        let Some(known) = state.conversations.get_mut(&conversation) else { return false };
        known.tries += 1;
        known.rest_until = now + BETWEEN_TRIES;
        known.tries < TRIES
    }

    /// The conversation is gone.
    pub(crate) fn forget(&self, conversation: CwConversationId) {
        self.lock().conversations.remove(&conversation);
    }

    /// Conversations that it is time to look at, those that waited longest first.
    pub(crate) fn to_look_at(&self, now: Timestamp) -> Vec<CwConversationId> {
        let state = self.lock();
        if now < state.no_look_before {
            return Vec::new();
        }
        let mut due: Vec<_> = state.conversations.iter().filter(|(_, known)| known.is_to_look_at(now)).collect();
        due.sort_by_key(|(id, known)| (known.look_at, **id));
        due.into_iter().map(|(id, _)| *id).collect()
    }

    /// It was looked at; next time after twice the pause.
    pub(crate) fn looked(&self, conversation: CwConversationId, now: Timestamp) {
        if let Some(known) = self.lock().conversations.get_mut(&conversation) {
            known.pause = (known.pause * 2).min(LONGEST_PAUSE);
            known.look_at = now + known.pause;
        }
    }

    /// Nothing is looked at before then.
    pub(crate) fn rest_until(&self, at: Timestamp) {
        self.lock().no_look_before = at;
    }
}

impl State {
    fn open(&mut self, chat: &ChatKey, id: CwConversationId, now: Timestamp) -> Option<&mut Conversation> {
        let is_full = self.conversations.len() >= MOST_CONVERSATIONS;
        if is_full && !self.conversations.contains_key(&id) {
            return None;
        }
        Some(self.conversations.entry(id).or_insert_with(|| Conversation {
            chat: chat.clone(),
            messages: BTreeMap::new(),
            by_agent: None,
            on_phone: None,
            since: now,
            look_at: now + FIRST_LOOK,
            pause: FIRST_LOOK,
            tries: 0,
            rest_until: now,
        }))
    }
}

impl Conversation {
    fn add(&mut self, message: CwMessageId, waiting: Waiting) {
        self.messages.insert(message, waiting);
        if self.messages.len() > MOST_MESSAGES {
            self.messages.pop_first();
        }
    }

    fn read_on_phone(&mut self, message: CwMessageId, now: Timestamp) {
        let (read, at) = self.on_phone.unwrap_or((message, now));
        self.on_phone = Some((read.max(message), at));
    }

    fn told(&self, conversation: CwConversationId, to: CwMessageId) -> Told {
        let read = self.messages.range(..=to);
        let messages: Vec<_> = read.map(|(id, message)| (*id, message.relayed.clone())).collect();
        let is_all = self.messages.range(to..).all(|(id, _)| *id == to);
        Told { conversation, chat: self.chat.clone(), to, messages, is_all }
    }

    fn is_due(&self, now: Timestamp) -> bool {
        let is_told = self.by_agent.is_some() || self.on_phone.is_some_and(|(_, at)| now >= at + GATHER);
        (is_told && now >= self.rest_until) || self.is_to_look_at(now) || now.since(self.since) >= KEEP_FOR
    }

    fn is_to_look_at(&self, now: Timestamp) -> bool {
        self.by_agent.is_none() && now >= self.look_at && now.since(self.since) < LOOK_FOR
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: CwConversationId = CwConversationId::new(42);

    fn message(unread: &Unread, id: i64, posted_secs: i64) {
        let relayed = Relayed { wa_id: WaMessageId::new(format!("wa{id}")), row: Some(id), address: None, posted_secs };
        unread.relayed(&ChatKey::new("c"), HERE, CwMessageId::new(id), relayed, Timestamp::from_secs(posted_secs));
    }

    fn read_to(unread: &Unread, now: i64) -> Vec<i64> {
        unread.read_by_agents(Timestamp::from_secs(now)).into_iter().map(|told| told.to.get()).collect()
    }

    #[test]
    fn a_look_in_the_second_of_a_message_counts_once() {
        let unread = Unread::default();
        message(&unread, 1, 100);
        unread.seen(HERE, Timestamp::from_secs(99));
        assert_eq!(read_to(&unread, 100), [0_i64; 0]);
        unread.seen(HERE, Timestamp::from_secs(100));
        assert_eq!(read_to(&unread, 100), [1]);
        unread.done(HERE, CwMessageId::new(1));
        message(&unread, 2, 100);
        unread.seen(HERE, Timestamp::from_secs(100));
        assert_eq!(read_to(&unread, 100), [0_i64; 0], "that look was before it");
        unread.seen(HERE, Timestamp::from_secs(101));
        assert_eq!(read_to(&unread, 101), [2]);
    }

    #[test]
    fn an_answer_reads_what_stands_before_it() {
        let unread = Unread::default();
        for id in [1, 2, 5] {
            message(&unread, id, 100);
        }
        unread.answered(HERE, CwMessageId::new(4));
        assert_eq!(read_to(&unread, 100), [2]);
        unread.done(HERE, CwMessageId::new(2));
        assert_eq!(read_to(&unread, 100), [0_i64; 0]);
    }

    #[test]
    fn looks_become_rarer_until_a_message_comes() {
        let unread = Unread::default();
        message(&unread, 1, 0);
        let (mut now, mut looks) = (Timestamp::from_secs(0), Vec::new());
        while looks.len() < 9 {
            now = now + Duration::from_secs(1);
            if unread.to_look_at(now) == [HERE] {
                looks.push(now.as_secs());
                unread.looked(HERE, now);
            }
        }
        assert_eq!(looks, [10, 30, 70, 150, 310, 630, 1230, 1830, 2430]);
        message(&unread, 2, 2431);
        assert_eq!(unread.to_look_at(Timestamp::from_secs(2441)), [HERE]);
        assert!(unread.to_look_at(Timestamp::from_secs(2431) + LOOK_FOR).is_empty());
    }

    #[test]
    fn a_chat_read_half_on_the_phone_is_not_all_read() {
        let (unread, chat) = (Unread::default(), ChatKey::new("c"));
        message(&unread, 1, 100);
        message(&unread, 2, 100);
        let told = |to: i64, at: i64| {
            let relayed = Relayed { wa_id: WaMessageId::new("x"), row: None, address: None, posted_secs: 100 };
            unread.read_on_phone(&chat, HERE, CwMessageId::new(to), relayed, Timestamp::from_secs(at));
            let told = unread.read_on_phones(Timestamp::from_secs(at) + GATHER);
            told.into_iter().map(|told| (told.to.get(), told.is_all)).collect::<Vec<_>>()
        };
        assert_eq!(told(1, 200), [(1, false)]);
        assert_eq!(told(2, 200), [(2, true)]);
    }
}
