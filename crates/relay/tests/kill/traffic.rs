//! Customers and agents who write at a steady pace, and what must be true of their messages afterwards.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use relay_sim::{AgentMessage, CustomerMessage, Kind, assets};
use relay_testing::checker::{Received, Sent, Verdict, check};
use relay_testing::eventually;

use crate::process::{Relay, SESSION};

/// Chats that talk at the same time.
pub(crate) const CHATS: usize = 20;

/// What was written.
#[derive(Default)]
pub(crate) struct Written {
    /// By agents: conversation, message id, text.
    agents: Vec<(u64, u64, String)>,
    count: usize,
}

fn phone(chat: usize) -> String {
    format!("55119{:08}", 10_000_000 + chat)
}

impl Relay {
    /// One message from each customer, so that every conversation exists.
    pub(crate) async fn open_conversations(&self) {
        for chat in 0..CHATS {
            self.codechat
                .customer_sends(SESSION, &CustomerMessage::text(phone(chat), format!("hello {chat}")))
                .unwrap();
        }
        eventually("all conversations", async || self.chatwoot.message_count() >= CHATS).await;
    }
}

impl Written {
    /// One message of a customer and one of an agent, in chats of their own.
    pub(crate) fn write_pair(&mut self, relay: &Relay, rng: &mut fastrand::Rng) {
        self.count += 1;
        let kind = match rng.u8(0..20) {
            0 => Kind::Image(Some(format!("picture {}", self.count))),
            1 => Kind::Voice,
            2 => Kind::Document(format!("{}.pdf", self.count)),
            _ => Kind::Text(format!("in {}", self.count)),
        };
        relay.codechat.customer_sends(SESSION, &CustomerMessage::new(phone(rng.usize(0..CHATS)), kind)).unwrap();
        let conversation = u64::try_from(rng.usize(1..=CHATS)).unwrap();
        let text = format!("out {}", self.count);
        let message = match rng.u8(0..10) {
            0 => AgentMessage::file("photo.jpg", assets::PHOTO.mime, assets::PHOTO.bytes, Some(&text)),
            _ => AgentMessage::text(text.clone()),
        };
        let id = relay.chatwoot.agent_sends(conversation, message).unwrap();
        self.agents.push((conversation, id, text));
    }

    /// Writes `pairs` pairs, so many a second.
    pub(crate) async fn write(&mut self, relay: &Relay, pairs: usize, per_second: u32, rng: &mut fastrand::Rng) {
        let mut pace = tokio::time::interval(Duration::from_secs(1) / per_second);
        for _ in 0..pairs {
            pace.tick().await;
            self.write_pair(relay, rng);
        }
    }

    /// WhatsApp to Chatwoot: of everything acknowledged, what was lost, doubled, reordered, misdirected. Also how many were
    /// acknowledged.
    pub(crate) fn check_in(relay: &Relay) -> (Verdict, usize) {
        let acked = accepted(relay.codechat.ack_log(), "messages.upsert:");
        let sent: Vec<_> = relay
            .codechat
            .customer_ledger()
            .into_iter()
            .map(|message| Sent {
                chat: message.chat.unwrap().split('@').next().unwrap().to_owned(),
                id: message.key_id,
            })
            .collect();
        let received = relay.chatwoot.messages().into_iter().filter_map(|message| {
            let id = message.source_id?.strip_prefix("WAID:")?.to_owned();
            Some(Received { chat: message.contact_source_id, id })
        });
        let received: Vec<_> = received.collect();
        (acknowledged(check(&sent, &received), &acked), acked.len())
    }

    /// Chatwoot to WhatsApp, likewise. A message that reached WhatsApp under two ids counts as doubled; the same id handed over
    /// again is returned apart.
    pub(crate) fn check_out(&self, relay: &Relay) -> (Verdict, usize, usize) {
        let ours: HashSet<String> = self.agents.iter().map(|(_, id, _)| id.to_string()).collect();
        let acked: HashSet<String> =
            accepted(relay.chatwoot.ack_log(), "message_created:").intersection(&ours).cloned().collect();
        let phones: HashMap<u64, String> = relay
            .chatwoot
            .conversations()
            .into_iter()
            .map(|conversation| (conversation.id, conversation.source_id))
            .collect();
        let texts: HashMap<&str, u64> = self.agents.iter().map(|(_, id, text)| (text.as_str(), *id)).collect();
        let sent = self
            .agents
            .iter()
            .map(|(conversation, id, _)| Sent { chat: phones[conversation].clone(), id: id.to_string() });
        let mut sent: Vec<_> = sent.collect();
        // Chatwoot counts ids in the order of writing
        sent.sort_by_key(|sent| sent.id.parse::<u64>().unwrap());
        let submissions = relay.codechat.submissions();
        let mut ids = HashSet::new();
        let first = submissions.iter().filter(|submission| ids.insert(submission.message_id.clone()));
        let received: Vec<_> = first
            .map(|submission| Received {
                chat: submission.to.split('@').next().unwrap().to_owned(),
                id: texts[submission.text.as_deref().unwrap()].to_string(),
            })
            .collect();
        let again = submissions.len() - received.len();
        (acknowledged(check(&sent, &received), &acked), acked.len(), again)
    }
}

fn accepted(log: Vec<relay_sim::Ack>, prefix: &str) -> HashSet<String> {
    let accepted = log.into_iter().filter(|ack| ack.outcome.is_accepted());
    let keys = accepted.filter_map(|ack| ack.key.strip_prefix(prefix).map(ToOwned::to_owned));
    // keys of copies have a second part
    keys.filter(|key| !key.contains(':')).collect()
}

/// What nobody acknowledged may be missing.
fn acknowledged(mut verdict: Verdict, acked: &HashSet<String>) -> Verdict {
    verdict.lost.retain(|id| acked.contains(id));
    verdict
}
