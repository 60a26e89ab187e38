//! What a webhook tells beside itself: how far agents have read, and who is typing. It is noted in memory; nothing waits for it.

use chatwoot::{MessageEvent, MessageType, Sender, TypingEvent, Webhook};
use relay_domain::jid::Jid;

use super::chatwoot_event::{chat_names, is_for_us};
use crate::Engine;
use crate::doctor::{Echo, diagnostics};
use crate::sessions::Live;
use crate::typing::{Act, Sign};

impl Engine {
    /// Takes down what a webhook of Chatwoot tells beside itself. Those of other inboxes tell nothing.
    pub(super) fn glimpse_chatwoot(&self, live: &Live, webhook: &Webhook) {
        if webhook.inbox_id() != Some(live.session.chatwoot.inbox) {
            return;
        }
        if let Webhook::MessageCreated(message) = webhook
            && let Some(word) = diagnostics::word_of(message.source_id.as_deref())
        {
            self.hear_echo(word, Echo::default());
        }
        if let Webhook::MessageCreated(message) = webhook
            && message.source_id.is_none()
            && is_for_us(message, &live.session.chatwoot)
        {
            live.count_message(message.conversation.id, self.clock.now());
        }
        if live.session.settings.read_receipts {
            note_reading(live, webhook);
        }
        if let Webhook::TypingOn(event) = webhook {
            self.note_agent(live, event, true);
        }
        if let Webhook::TypingOff(event) = webhook {
            self.note_agent(live, event, false);
        }
    }

    /// Takes down who types on WhatsApp, and whether messages come with the numbers of their rows.
    pub(super) fn glimpse_codechat(&self, live: &Live, webhook: &codechat::Webhook) {
        if webhook.event == codechat::Event::MessagesUpsert && webhook.data.get("info").is_some() {
            live.health.heard.row(webhook.data.get("id").is_some_and(serde_json::Value::is_number));
        }
        if webhook.event != codechat::Event::PresenceUpdate || !live.session.settings.typing {
            return;
        }
        let Ok(update) = codechat::PresenceUpdate::from_value(&webhook.data) else { return };
        let person = Jid::parse(&update.chat).ok().map(|jid| jid.without_device()).filter(Jid::is_person);
        let Some(person) = person else { return };
        self.give_sign(live, vec![person.to_string()], Act::CustomerTypes(update.is_typing));
    }

    /// What the relay shows of a customer comes back with the contact as its author, and is not an agent's.
    fn note_agent(&self, live: &Live, event: &TypingEvent, is_on: bool) {
        let is_to_customer = !event.is_private && matches!(event.user, Sender::User { .. });
        let is_ours = event.account_id.is_none_or(|account| account == live.session.chatwoot.account);
        if is_to_customer && is_ours && live.session.settings.typing {
            self.give_sign(live, chat_names(&event.conversation).names, Act::AgentTypes(is_on));
        }
    }

    fn give_sign(&self, live: &Live, chat: Vec<String>, act: Act) {
        self.signs.give(Sign { session: live.id().clone(), chat, act, at: self.clock.now() });
    }
}

fn note_reading(live: &Live, webhook: &Webhook) {
    let conversation = match webhook {
        Webhook::MessageCreated(event) | Webhook::MessageUpdated(event) => {
            if !is_for_us(event, &live.session.chatwoot) {
                return;
            }
            &event.conversation
        }
        Webhook::ConversationCreated(event)
        | Webhook::ConversationStatusChanged(event)
        | Webhook::ConversationUpdated(event) => &event.conversation,
        Webhook::TypingOn(event) | Webhook::TypingOff(event) => &event.conversation,
        Webhook::ContactCreated(_) | Webhook::ContactUpdated(_) | Webhook::Other(_) => return,
    };
    live.seen(conversation.id, conversation.agent_last_seen_at);
    if let Webhook::MessageCreated(message) = webhook
        && is_answer(message)
    {
        live.answered(conversation.id, message.id);
    }
}

/// Whether a person wrote it to the customer, in Chatwoot. Bots and automations read nothing.
fn is_answer(message: &MessageEvent) -> bool {
    let is_to_customer = message.message_type == MessageType::Outgoing && !message.private;
    is_to_customer && message.source_id.is_none() && matches!(message.sender, Sender::User { .. })
}
