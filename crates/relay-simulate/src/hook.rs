//! Webhooks on their way: lost, repeated, swapped, late; and the door that names them, stores them and answers.

use std::rc::Rc;
use std::time::Duration;

use relay_domain::status::Receipt;
use relay_domain::{naming, order};
use relay_store::{EventState, Source};

use crate::content::Writer;
use crate::sabotage::Sabotage;
use crate::store::{Body, EventRow, Kind, LaneId};
use crate::time::Sim;
use crate::world::{Deed, World};

/// How long a message waits for others that belong in front of it: the defaults of `EngineConfig`.
const HOLD_IN: Duration = Duration::from_millis(150);
const HOLD_OUT: Duration = Duration::from_millis(300);

/// A webhook.
#[derive(Clone, Debug)]
pub(crate) struct Hook {
    pub(crate) session: usize,
    pub(crate) kind: HookKind,
}

/// What it tells.
#[derive(Clone, Debug)]
pub(crate) enum HookKind {
    /// A message on WhatsApp, by its row.
    Upsert { row: i64 },
    /// A new message at Chatwoot, be it ours.
    ChatwootMessage { message: i64 },
    /// A deleted one.
    Deletion { message: i64 },
    /// A report on a message.
    Receipt { id: String, receipt: Receipt },
}

impl World {
    /// Sends a webhook on its way, once, more often or never.
    pub(crate) fn tell_later(&mut self, session: usize, kind: &HookKind, after: Duration) {
        if self.chance(self.weather.drop) {
            self.say(|| format!("webhook lost: s{session} {kind:?}"));
            return;
        }
        let copies = if self.chance(self.weather.repeat) { self.rng.u8(2..=4) } else { 1 };
        for copy in 0..copies {
            let mut delay = after + self.millis(1, 25);
            if self.chance(self.weather.swap) {
                delay += self.millis(1, 120);
            }
            if self.chance(self.weather.delay) {
                delay += self.millis(500, 6000);
            }
            if copy > 0 {
                delay += self.millis(0, 3000);
            }
            let hook = Box::new(Hook { session, kind: kind.clone() });
            self.at(self.now + delay, Deed::Hook(hook));
        }
    }

    /// Names what was received; `None` when it is only counted.
    pub(crate) fn name(&self, hook: &Hook) -> Option<EventRow> {
        let session = hook.session;
        match &hook.kind {
            HookKind::Upsert { row } => {
                let message = self.codechats[session].messages.iter().find(|message| message.row == *row)?;
                let body = Body::Upsert { id: message.id.clone(), from_me: message.from_me, content: message.content };
                let key = naming::whatsapp_message(&message.id, message.from_me, None);
                let place = order::place_of_message(message.written_at, Some(*row));
                Some(self.event((session, Kind::In, message.chat), Source::CodeChat, key, place, body))
            }
            HookKind::ChatwootMessage { message } => {
                let message = self.chatwoots[session].messages.iter().find(|known| known.id == *message)?;
                let is_incoming = message.content.writer == Writer::Customer;
                if naming::is_echo(message.source_id.as_deref(), is_incoming) && !self.is(Sabotage::EchoGuardOff) {
                    return None;
                }
                let (created_at, parts, content) = (message.at, message.parts, message.content);
                let body = Body::Agent { message: message.id, created_at, parts, content };
                let key = naming::chatwoot_message(message.id);
                Some(self.event((session, Kind::Out, message.chat), Source::Chatwoot, key, message.id, body))
            }
            HookKind::Deletion { message } => {
                let chat = self.chatwoots[session].messages.iter().find(|known| known.id == *message)?.chat;
                let key = naming::chatwoot_deletion(*message);
                let body = Body::Deletion { message: *message };
                Some(self.event((session, Kind::Out, chat), Source::Chatwoot, key, *message, body))
            }
            HookKind::Receipt { id, receipt } => {
                let key = naming::whatsapp_receipt(id, true, receipt.as_str());
                let shard = naming::receipt_shard(id, 4);
                let body = Body::Receipt { id: id.clone(), receipt: *receipt };
                Some(self.event((session, Kind::Receipt, shard), Source::CodeChat, key, 0, body))
            }
        }
    }

    fn event(
        &self,
        (session, kind, chat): (usize, Kind, u8),
        source: Source,
        dedup_key: String,
        order_key: i64,
        body: Body,
    ) -> EventRow {
        let hold = match kind {
            Kind::In => HOLD_IN,
            Kind::Out => HOLD_OUT,
            Kind::Receipt => Duration::ZERO,
        };
        let ripe_at = self.now + hold;
        EventRow {
            lane: LaneId { session, kind, chat },
            source,
            dedup_key,
            order_key,
            received_at: self.now,
            stored_at: self.now,
            run_at: if self.is(Sabotage::HoldOff) { self.now } else { ripe_at },
            ripe_at,
            body,
            state: EventState::Pending,
            attempts: 0,
            first_failed_at: None,
            was_not_found: false,
            ended_at: None,
        }
    }

    /// Which process a webhook reaches; `None` when nobody answers.
    pub(crate) fn door(&mut self) -> Option<usize> {
        let now = self.now;
        let open =
            |index: &usize| self.processes[*index].is_alive && self.processes[*index].frozen_until(now).is_none();
        let open: Vec<_> = (0..self.processes.len()).filter(open).collect();
        if open.is_empty() { None } else { Some(open[self.rng.usize(0..open.len())]) }
    }
}

/// Takes a webhook in: names it, stores it, answers. What a sweep finds goes the same way; an agent's message is as old then as it
/// says.
pub(crate) async fn receive(sim: Rc<Sim>, process: usize, hook: Hook, is_swept: bool) {
    let Some(mut event) = sim.w().name(&hook) else { return };
    if let Body::Agent { created_at, .. } = event.body
        && is_swept
    {
        event.received_at = created_at;
    }
    let (key, source) = (event.dedup_key.clone(), event.source);
    let ack_first = sim.w().is(Sabotage::AckBeforeCommit);
    if ack_first {
        acknowledge(&sim, &hook, source, &key);
    }
    let stored = crate::worker::commit(&sim, process, move |world| {
        let event = EventRow { stored_at: world.now, ..event };
        let is_new = world.ingest(event);
        world.stir();
        is_new
    });
    if stored.await.is_ok() && !ack_first {
        acknowledge(&sim, &hook, source, &key);
    }
}

/// Answers 200, which promises that the event is kept.
fn acknowledge(sim: &Sim, hook: &Hook, source: Source, key: &str) {
    let mut world = sim.w();
    if !world.has_event(hook.session, source, key) {
        world.violated(format!("false ack: s{} {key}", hook.session));
    }
}
