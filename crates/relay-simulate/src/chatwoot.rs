//! Chatwoot, as far as deliveries go: messages with growing ids, looked up by source id, a status on each.

use relay_domain::Timestamp;
use relay_domain::status::Receipt;

use crate::call::Action;
use crate::content::{Content, Writer};
use crate::hook::HookKind;
use crate::world::World;

/// A message at Chatwoot.
#[derive(Clone, Debug)]
pub(crate) struct CwMessage {
    pub(crate) id: i64,
    pub(crate) chat: u8,
    pub(crate) content: Content,
    pub(crate) source_id: Option<String>,
    pub(crate) at: Timestamp,
    pub(crate) parts: u16,
    pub(crate) is_late: bool,
    pub(crate) is_placeholder: bool,
    pub(crate) is_deleted: bool,
    /// Statuses that the relay set, in order.
    pub(crate) statuses: Vec<Receipt>,
    /// How many parts were said to be sent, when it was said that the message was not.
    pub(crate) told_failed: Option<usize>,
}

/// One installation, as one session sees it. Ids are the same everywhere, on purpose.
#[derive(Debug)]
pub(crate) struct Chatwoot {
    pub(crate) messages: Vec<CwMessage>,
    next_id: i64,
    /// Placeholders that it did not take, by serial.
    pub(crate) words_lost: Vec<u32>,
}

impl Default for Chatwoot {
    fn default() -> Self {
        Self { messages: Vec::new(), next_id: 9001, words_lost: Vec::new() }
    }
}

impl Chatwoot {
    fn id(&mut self) -> i64 {
        self.next_id += 1;
        self.next_id
    }

    pub(crate) fn message(&mut self, id: i64) -> Option<&mut CwMessage> {
        self.messages.iter_mut().find(|message| message.id == id)
    }

    /// The message of a conversation that goes by this source id.
    pub(crate) fn find(&self, chat: u8, source_id: &str) -> Option<&CwMessage> {
        let mut messages = self.messages.iter();
        let ours = |message: &&CwMessage| message.chat == chat && message.source_id.as_deref() == Some(source_id);
        messages.find(ours)
    }
}

impl World {
    /// An agent writes to a customer.
    pub(crate) fn agent_writes(&mut self, session: usize) -> i64 {
        let serial = self.serial();
        let chat = self.rng.u8(0..self.chats);
        let poison = self.poison();
        let parts = if self.rng.u8(0..3) == 0 { self.rng.u16(2..=3) } else { 1 };
        let content = Content { session, chat, writer: Writer::Agent, serial, part: 0, poison };
        let id = self.chatwoots[session].id();
        let message = CwMessage {
            id,
            chat,
            content,
            source_id: None,
            at: self.now,
            parts,
            is_late: false,
            is_placeholder: false,
            is_deleted: false,
            statuses: Vec::new(),
            told_failed: None,
        };
        self.say(|| format!("agent writes s{session} c{chat} message {id} ({parts} parts, {poison:?})"));
        self.chatwoots[session].messages.push(message);
        self.tell(session, &HookKind::ChatwootMessage { message: id });
        id
    }

    /// A post of the relay takes effect.
    pub(crate) fn posted(&mut self, session: usize, action: &Action) -> i64 {
        let Action::Post { chat, content, source_id, is_late, is_placeholder } = action else {
            unreachable!("Chatwoot is posted to")
        };
        let id = self.chatwoots[session].id();
        self.say(|| format!("chatwoot s{session} takes {source_id} as {id}"));
        let message = CwMessage {
            id,
            chat: *chat,
            content: *content,
            source_id: Some(source_id.clone()),
            at: self.now,
            parts: 1,
            is_late: *is_late,
            is_placeholder: *is_placeholder,
            is_deleted: false,
            statuses: Vec::new(),
            told_failed: None,
        };
        self.chatwoots[session].messages.push(message);
        self.tell(session, &HookKind::ChatwootMessage { message: id });
        id
    }
}
