//! CodeChat and the phones behind it, as far as deliveries go: it stores every message under a growing row, tells of each by
//! webhook, of our own as well, and sends under the id it is given, however often.

use std::time::Duration;

use relay_domain::Timestamp;
use relay_domain::status::Receipt;

use crate::call::Action;
use crate::content::{Content, Poison, Writer};
use crate::hook::HookKind;
use crate::world::World;

/// A message on WhatsApp. What the relay sent twice is there twice.
#[derive(Clone, Debug)]
pub(crate) struct WaMessage {
    pub(crate) id: String,
    pub(crate) from_me: bool,
    pub(crate) chat: u8,
    pub(crate) row: i64,
    pub(crate) written_at: Timestamp,
    pub(crate) content: Content,
    pub(crate) is_deleted: bool,
}

/// One number. Ids of customers' messages are the same for every session, on purpose.
#[derive(Debug, Default)]
pub(crate) struct CodeChat {
    pub(crate) messages: Vec<WaMessage>,
}

impl CodeChat {
    /// The first message stored under an id.
    pub(crate) fn find(&self, id: &str) -> Option<&WaMessage> {
        self.messages.iter().find(|message| message.from_me && message.id == id)
    }
}

impl World {
    /// A customer writes, or somebody on the phone to a customer.
    pub(crate) fn customer_writes(&mut self, session: usize, from_phone: bool) {
        let serial = self.serial();
        let chat = self.rng.u8(0..self.chats);
        let poison = self.poison();
        let writer = if from_phone { Writer::Phone } else { Writer::Customer };
        let content = Content { session, chat, writer, serial, part: 0, poison };
        let number =
            self.codechats[session].messages.iter().filter(|known| known.content.writer != Writer::Agent).count();
        let row = self.keep(session, format!("3EB0{number:04}"), from_phone, chat, content);
        self.say(|| format!("{writer:?} writes s{session} c{chat} row {row} ({poison:?})"));
        self.tell(session, &HookKind::Upsert { row });
    }

    fn keep(&mut self, session: usize, id: String, from_me: bool, chat: u8, content: Content) -> i64 {
        let written_at = Timestamp::from_secs(self.now.as_secs());
        let messages = &mut self.codechats[session].messages;
        let row = i64::try_from(messages.len()).expect("few messages") + 1;
        messages.push(WaMessage { id, from_me, chat, row, written_at, content, is_deleted: false });
        row
    }

    /// A send of the relay takes effect: the customer has it, and CodeChat tells of it twice.
    pub(crate) fn sent(&mut self, session: usize, action: &Action) -> i64 {
        let Action::Send { chat, content, id } = action else { unreachable!("WhatsApp is sent to") };
        self.say(|| format!("whatsapp s{session} takes {id}: {content:?}"));
        let row = self.keep(session, id.clone(), true, *chat, *content);
        self.tell(session, &HookKind::Upsert { row });
        self.tell(session, &HookKind::Upsert { row });
        let reach = [Receipt::Sent, Receipt::Delivered, Receipt::Read][self.rng.usize(0..3)];
        for receipt in [Receipt::Delivered, Receipt::Read] {
            if receipt.rank() <= reach.rank() {
                let later = self.millis(100, 3000);
                self.tell_later(session, &HookKind::Receipt { id: id.clone(), receipt }, later);
            }
        }
        row
    }

    /// Whether a new message is one that its destination never takes.
    pub(crate) fn poison(&mut self) -> Option<Poison> {
        if !self.chance(self.weather.poison) {
            return None;
        }
        Some([Poison::Crashes, Poison::Refused, Poison::Refused, Poison::Mute][self.rng.usize(0..4)])
    }

    /// Whether a phone is connected to WhatsApp.
    pub(crate) fn is_connected(&self, session: usize) -> bool {
        let spell = self.weather.spell(session, relay_engine::Side::CodeChat, self.now);
        spell != Some(crate::weather::SpellKind::Offline)
    }

    /// Tells of something a moment from now.
    pub(crate) fn tell(&mut self, session: usize, kind: &HookKind) {
        self.tell_later(session, kind, Duration::ZERO);
    }
}
