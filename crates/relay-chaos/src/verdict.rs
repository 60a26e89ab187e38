//! What became of everything that was written: the books of both stand-ins compared, in the manner of a total queue.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::{Duration, Instant};

use anyhow::Result;
use relay_sim::LedgerMessage;
use relay_testing::checker::{Received, Sent, Verdict, check};

use crate::row::Outcome;
use crate::traffic::{AgentWrote, Traffic, phone};
use crate::world::{Events, World};

/// What the line begins with that tells when a late message was written (see `relay-domain`'s notes, English).
const LATE: &str = "_🕓 written";
/// Where the relay tells agents of the phone: what it says there is no customer's.
const RELAY_CONTACT: &str = "relay-contact";
/// How far the time moves with every look while everything drains.
const LAPSE: Duration = Duration::from_secs(5);
/// Nothing more is to be expected when nothing has moved for so long: some 20 minutes of the time that passes quickly.
const STANDSTILL: Duration = Duration::from_secs(30);

/// Both ways.
#[derive(Clone, Debug, Default)]
pub(crate) struct Verdicts {
    pub(crate) inbound: Way,
    pub(crate) outbound: Way,
}

/// One way.
#[derive(Clone, Debug, Default)]
pub(crate) struct Way {
    pub(crate) written: usize,
    pub(crate) verdict: Verdict,
    /// Never received, though the sender was told that they were taken.
    pub(crate) false_acks: Vec<String>,
    /// Received after later ones, whether or not they say so.
    pub(crate) overtaken: Vec<String>,
    /// Those that say so.
    pub(crate) late: HashSet<String>,
    /// Not delivered, and the agent was told.
    pub(crate) refused: Vec<String>,
    /// Handed over more than once under the same id.
    pub(crate) handed_again: usize,
    /// Delivered, and shown as failed.
    pub(crate) false_failed: Vec<String>,
}

impl Verdicts {
    pub(crate) fn of(world: &World, traffic: &Traffic) -> Self {
        Self { inbound: inbound(world), outbound: outbound(world, traffic) }
    }

    /// Whether everything is where it belongs, or refused by the relay itself: what Chatwoot shows as failed because nobody took
    /// it is still to be found.
    pub(crate) fn is_complete(&self, events: Events) -> bool {
        let given_up = usize::try_from(events.dead + events.expired).unwrap_or(0);
        let nothing_lost = self.inbound.verdict.lost.is_empty() && self.outbound.verdict.lost.is_empty();
        nothing_lost && self.outbound.refused.len() <= given_up && self.outbound.false_failed.is_empty()
    }

    /// The zeros that every row must show, and the figures beside them.
    pub(crate) fn zeros(&self, outcome: &mut Outcome) {
        self.inbound.zeros("in", outcome);
        self.outbound.zeros("out", outcome);
        outcome.none("agents told \"not sent\" of what was", &self.outbound.false_failed);
        outcome.none("messages refused", &self.outbound.refused);
    }
}

impl Way {
    /// Lost, doubled, reordered, in another chat, never written, falsely acknowledged: none.
    pub(crate) fn zeros(&self, name: &str, outcome: &mut Outcome) {
        outcome.figure(&format!("{name} written"), self.written);
        outcome.figure(&format!("{name} marked late"), self.late.len());
        outcome.figure(&format!("{name} handed over again under the same id"), self.handed_again);
        let verdict = &self.verdict;
        outcome.none(&format!("{name} lost"), &verdict.lost);
        outcome.none(&format!("{name} doubled"), &verdict.doubled);
        outcome.none(&format!("{name} reordered"), &verdict.reordered);
        outcome.none(&format!("{name} in another chat"), &verdict.misdirected);
        outcome.none(&format!("{name} never written"), &verdict.phantom);
        outcome.none(&format!("{name} false acks"), &self.false_acks);
    }
}

fn inbound(world: &World) -> Way {
    let inbox_of: HashMap<&str, u64> =
        world.tenants.iter().map(|tenant| (tenant.session.as_str(), tenant.inbox)).collect();
    let ledger = world.codechat.customer_ledger();
    let mut seen = HashSet::new();
    // the library may deliver a message again
    let first = ledger.iter().filter(|message| seen.insert((&message.instance, &message.key_id)));
    let written = first.filter(|message| !message.from_me).map(|message| {
        let chat = message.chat.as_deref().or(message.lid.as_deref()).unwrap_or_default();
        let inbox = inbox_of[message.instance.as_str()];
        Sent { chat: format!("{inbox}/{}", user_of(chat)), id: format!("{inbox}/{}", message.key_id) }
    });
    let written: Vec<_> = written.collect();
    let arrived: Vec<(LedgerMessage, String)> = world
        .chatwoot
        .messages()
        .into_iter()
        .filter(|message| message.message_type == "incoming" && message.contact_source_id != RELAY_CONTACT)
        .filter_map(|message| {
            let id = format!("{}/{}", message.inbox, message.source_id.as_deref()?.strip_prefix("WAID:")?);
            Some((message, id))
        })
        .collect();
    let received: Vec<_> = arrived
        .iter()
        .map(|(message, id)| Received {
            chat: format!("{}/{}", message.inbox, message.contact_source_id),
            id: id.clone(),
        })
        .collect();
    let late: HashSet<String> =
        arrived.iter().filter(|(message, _)| is_marked_late(message)).map(|(_, id)| id.clone()).collect();
    let mut verdict = check(&written, &received);
    let overtaken = excuse(&mut verdict, &written, &received, &late);
    let acked = accepted(world.codechat.ack_log(), "messages.upsert:");
    let was_acked = |id: &&String| id.split_once('/').is_some_and(|(_, key)| acked.contains(key));
    let false_acks = verdict.lost.iter().filter(was_acked).cloned().collect();
    Way { written: written.len(), false_acks, overtaken, late, verdict, ..Way::default() }
}

/// What says itself that it is late may come late. Returns everything that came late.
fn excuse(verdict: &mut Verdict, written: &[Sent], received: &[Received], late: &HashSet<String>) -> Vec<String> {
    let punctual: Vec<_> = received.iter().filter(|message| !late.contains(&message.id)).cloned().collect();
    std::mem::replace(&mut verdict.reordered, check(written, &punctual).reordered)
}

fn is_marked_late(message: &LedgerMessage) -> bool {
    message.content.as_deref().is_some_and(|content| content.contains(LATE))
}

fn outbound(world: &World, traffic: &Traffic) -> Way {
    let mut written: Vec<_> = traffic.by_agents.iter().collect();
    written.sort_by_key(|message| message.id);
    let sent: Vec<_> =
        written.iter().map(|message| Sent { chat: place_of(world, message), id: message.id.to_string() }).collect();
    let mut recordings = Recordings::of(world, &written);
    let ids: HashMap<&str, u64> = written.iter().map(|message| (message.text.as_str(), message.id)).collect();
    let submissions = world.codechat.submissions();
    let mut seen = HashSet::new();
    let first = submissions.iter().filter(|submission| seen.insert((&submission.instance, &submission.message_id)));
    let received: Vec<_> = first
        .map(|submission| {
            let chat = format!("{}/{}", submission.instance, user_of(&submission.to));
            let id = match submission.text.as_deref() {
                Some(text) => ids.get(text).copied(),
                None => recordings.find(&chat, &submission.message_id),
            };
            let id = id.map_or_else(|| format!("unknown {}", submission.message_id), |id| id.to_string());
            Received { chat, id }
        })
        .collect();
    let late = late_notes(world);
    let mut verdict = check(&sent, &received);
    let overtaken = excuse(&mut verdict, &sent, &received, &late);
    let failed: HashSet<String> = world
        .chatwoot
        .messages()
        .into_iter()
        .filter(|message| message.status == "failed" && !message.via_api)
        .map(|message| message.id.to_string())
        .collect();
    let (refused, lost): (Vec<_>, Vec<_>) = verdict.lost.drain(..).partition(|id| failed.contains(id));
    verdict.lost = lost;
    let acked = accepted(world.chatwoot.ack_log(), "message_created:");
    let false_acks = verdict.lost.iter().filter(|id| acked.contains(*id)).cloned().collect();
    let arrived: HashSet<&String> = received.iter().map(|message| &message.id).collect();
    let false_failed = failed.iter().filter(|id| arrived.contains(id)).cloned().collect();
    Way {
        written: sent.len(),
        false_acks,
        overtaken,
        late,
        refused,
        handed_again: submissions.len() - received.len(),
        false_failed,
        verdict,
    }
}

/// What agents said instead of writing. WhatsApp's id tells the second of the message that it was made for, the chat tells more,
/// and those of one second are taken in their order.
struct Recordings(HashMap<(String, String), VecDeque<u64>>);

impl Recordings {
    fn of(world: &World, written: &[&AgentWrote]) -> Self {
        let spoken = written.iter().filter(|message| message.text.is_empty());
        let mut known: HashMap<_, VecDeque<u64>> = HashMap::new();
        for message in spoken {
            let created = world.chatwoot.message(message.id).map_or(0, |message| message.created_ms);
            let key = (place_of(world, message), ulid_time(created / 1000 * 1000));
            known.entry(key).or_default().push_back(message.id);
        }
        Self(known)
    }

    fn find(&mut self, chat: &str, message_id: &str) -> Option<u64> {
        let time = message_id.chars().take(10).collect();
        self.0.get_mut(&(chat.to_owned(), time))?.pop_front()
    }
}

/// The first ten characters of a ULID.
fn ulid_time(millis: i64) -> String {
    const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let digit = |place: u32| char::from(DIGITS[usize::try_from(millis >> (5 * place) & 31).unwrap_or(0)]);
    (0..10).rev().map(digit).collect()
}

fn place_of(world: &World, message: &AgentWrote) -> String {
    format!("{}/{}", world.tenants[message.tenant].session, phone(message.chat))
}

/// Messages of agents of which a private note says that they went out late, by their ids.
fn late_notes(world: &World) -> HashSet<String> {
    let notes = world.chatwoot.messages().into_iter().filter(|message| message.private && message.via_api);
    notes.filter_map(|note| note.source_id?.strip_prefix("relay:late:").map(str::to_owned)).collect()
}

/// Keys of webhooks that were answered 2xx.
pub(crate) fn accepted(log: Vec<relay_sim::Ack>, prefix: &str) -> HashSet<String> {
    let accepted = log.into_iter().filter(|ack| ack.outcome.is_accepted());
    accepted.filter_map(|ack| ack.key.strip_prefix(prefix).map(ToOwned::to_owned)).collect()
}

/// The part of an address before the `@`.
pub(crate) fn user_of(address: &str) -> &str {
    address.split('@').next().unwrap_or(address)
}

/// What was seen once nothing moved any more.
pub(crate) struct Drained {
    pub(crate) verdicts: Verdicts,
    pub(crate) events: Events,
    pub(crate) took: Duration,
}

impl Drained {
    /// The zeros of both ways, no event unexplained, dead or expired.
    pub(crate) fn zeros(&self, outcome: &mut Outcome) {
        self.verdicts.zeros(outcome);
        outcome.exactly("events unexplained", 0, self.events.unexplained());
        outcome.exactly("events pending", 0, self.events.pending);
        outcome.exactly("dead letters", 0, self.events.dead);
        outcome.exactly("expired", 0, self.events.expired);
        outcome.figure("drained in ms", self.took.as_millis());
    }
}

impl World {
    /// Waits until nothing is pending and everything written is accounted for, while time passes quickly: back-offs end and gaps
    /// are looked for. Gives up waiting after `longest`; what is missing then is in the verdict.
    pub(crate) async fn drain(&mut self, traffic: &Traffic, longest: Duration) -> Result<Drained> {
        let started = Instant::now();
        let (mut quiet, mut moved) = (0, (Instant::now(), (0, 0, 0)));
        loop {
            let events = self.events().await?;
            let verdicts = Verdicts::of(self, traffic);
            quiet = if events.pending == 0 && verdicts.is_complete(events) { quiet + 1 } else { 0 };
            let now = (self.chatwoot.message_count(), self.codechat.submission_count(), events.pending);
            if now != moved.1 {
                moved = (Instant::now(), now);
            }
            // twice, because copies may be under way
            if quiet >= 2 || started.elapsed() > longest || moved.0.elapsed() > STANDSTILL {
                return Ok(Drained { verdicts, events, took: started.elapsed() });
            }
            self.jump(LAPSE)?;
            tokio::time::sleep(Duration::from_millis(120)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_tells_its_second() {
        // the example of the ULID specification
        assert_eq!(ulid_time(1_469_918_176_385), "01ARYZ6S41");
    }
}
