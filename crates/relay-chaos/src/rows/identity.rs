//! Who is who: two tenants with the same customers, and one customer under two names.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use relay_sim::{AgentMessage, Chat, CustomerMessage, Kind, LedgerMessage, assets, clock};
use serde_json::json;

use crate::row::{Context, On, Outcome, Row};
use crate::traffic::{CHATS, Traffic, phone};
use crate::verdict::user_of;
use crate::world::{Setup, World};

/// F39: everything about two tenants is the same but who they are.
pub(crate) const F39: Row = Row {
    id: "F39",
    title: "two tenants with the same customers, ids and file names",
    quick: Some(0.01),
    on: On::Both,
    is_alone: false,
    run: |context| Box::pin(two_tenants(context)),
};

/// F42: a customer is known by LID first and by number later.
pub(crate) const F42: Row = Row {
    id: "F42",
    title: "LID first, phone number later",
    quick: Some(0.03),
    on: On::Both,
    is_alone: false,
    run: |context| Box::pin(two_names(context)),
};

const PATIENCE: Duration = Duration::from_mins(5);

/// Both tenants' customers have the same numbers, message ids, texts but for the tenant's name, and files of the same name.
async fn two_tenants(context: &Context) -> Result<Outcome> {
    let rounds = context.scaled(20_000).div_ceil(4);
    let mut rng = context.rng(39);
    let mut world = World::start(context, Setup { tenants: 2, ..Setup::default() }).await?;
    let mut traffic = Traffic::new(context, CHATS);
    let mut outcome = Outcome::default();
    meet(&mut world, &mut traffic).await?;
    outcome.exactly("conversations", 2 * CHATS, world.chatwoot.conversations().len());
    outcome.none("first messages with the other tenant", &strangers_in(&world));
    if !outcome.passes() {
        // no agent could answer
        return Ok(outcome);
    }
    traffic.find_conversations(&world)?;
    let mut pace = tokio::time::interval(Duration::from_secs(1) / 60);
    for round in 0..rounds {
        pace.tick().await;
        let (chat, has_file) = (rng.usize(0..CHATS), rng.u8(0..100) < 20);
        let (key, now) = (format!("3EB0{round:016X}"), clock::now_ms() / 1000);
        for tenant in 0..2 {
            let session = world.tenants[tenant].session.clone();
            let text = format!("{session} in {round}");
            let kind =
                if has_file { Kind::DocumentWithCaption("contract.pdf".to_owned(), text) } else { Kind::Text(text) };
            let mut message = CustomerMessage::new(phone(chat), kind);
            (message.key_id, message.timestamp) = (Some(key.clone()), Some(now));
            world.codechat.customer_sends(&session, &message);
            let text = format!("{session} out {round}");
            let message = if has_file {
                AgentMessage::file("contract.pdf", assets::DOCUMENT.mime, assets::DOCUMENT.bytes, Some(&text))
            } else {
                AgentMessage::text(text)
            };
            traffic.agent_writes(&world, tenant, chat, message);
        }
    }
    let drained = world.drain(&traffic, PATIENCE).await?;
    outcome.figure("messages", rounds * 4);
    let displays = |tenant: usize| (0..CHATS).map(|chat| traffic.conversation(tenant, chat)).collect::<BTreeSet<_>>();
    outcome.holds("conversations of both have the same numbers", displays(0) == displays(1));
    outcome.none("cross-talk in", &strangers_in(&world));
    outcome.none("cross-talk out", &strangers_out(&world));
    drained.zeros(&mut outcome);
    Ok(outcome)
}

/// Lets all customers of both tenants write once, and waits a while for their conversations.
async fn meet(world: &mut World, traffic: &mut Traffic) -> Result<()> {
    for tenant in 0..world.tenants.len() {
        let session = world.tenants[tenant].session.clone();
        for chat in 0..CHATS {
            traffic.customer_writes(world, tenant, chat, Kind::Text(format!("{session} hello {chat}")));
        }
    }
    let wanted = CHATS * world.tenants.len();
    let deadline = Instant::now() + Duration::from_secs(30);
    while world.chatwoot.conversations().len() < wanted && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    world.settle(traffic, PATIENCE).await.map(drop)
}

/// Messages in Chatwoot that name another tenant than their account's.
fn strangers_in(world: &World) -> Vec<String> {
    let accounts: HashMap<u64, &str> =
        world.tenants.iter().map(|tenant| (tenant.account, tenant.session.as_str())).collect();
    let is_strange = |message: &LedgerMessage| {
        let text = message.content.as_deref().unwrap_or_default();
        text.starts_with("loja") && !text.starts_with(accounts[&message.account])
    };
    world
        .chatwoot
        .messages()
        .iter()
        .filter(|message| is_strange(message))
        .map(|message| message.id.to_string())
        .collect()
}

/// Messages on WhatsApp that name another tenant than the number they were sent from.
fn strangers_out(world: &World) -> Vec<String> {
    let submissions = world.codechat.submissions();
    let strange = submissions.iter().filter(|sent| {
        let text = sent.text.as_deref().unwrap_or_default();
        text.starts_with("loja") && !text.starts_with(&sent.instance)
    });
    strange.map(|sent| sent.message_id.clone()).collect()
}

/// How somebody is first heard of, and then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meeting {
    /// By LID alone, then with the number.
    LidFirst,
    /// With both, then by LID alone.
    NumberFirst,
    /// Both ways at once.
    AtOnce,
    /// By LID alone and by number alone, so that nobody can know; then with both.
    Apart,
}

const MEETINGS: [Meeting; 4] = [Meeting::LidFirst, Meeting::NumberFirst, Meeting::AtOnce, Meeting::Apart];

/// A customer of this row.
struct Person {
    meeting: Meeting,
    phone: String,
    lid: String,
}

impl Person {
    fn new(number: usize) -> Self {
        let meeting = MEETINGS[number % MEETINGS.len()];
        Self { meeting, phone: phone(1000 + number), lid: format!("{}", 77_000_000_000_000_usize + number) }
    }

    fn chat(&self, round: usize) -> Chat {
        let lid_only = || Chat::LidOnly(self.lid.clone());
        let both = || Chat::PhoneAndLid(self.phone.clone(), self.lid.clone());
        match (self.meeting, round) {
            (Meeting::LidFirst | Meeting::Apart, 0) | (Meeting::NumberFirst, 1) | (_, 3) => lid_only(),
            (Meeting::LidFirst | Meeting::NumberFirst | Meeting::AtOnce | Meeting::Apart, _) => both(),
        }
    }
}

/// Text of what somebody writes in a round.
fn said(person: usize, round: usize) -> String {
    format!("person {person} round {round}")
}

async fn two_names(context: &Context) -> Result<Outcome> {
    let count = context.scaled(200).max(MEETINGS.len());
    let people: Vec<_> = (0..count).map(Person::new).collect();
    let mut world = World::start(context, Setup::default()).await?;
    let traffic = Traffic::begin(context, &mut world, 1).await?;
    let mut replies = Vec::new();
    for round in 0..5 {
        for (number, person) in people.iter().enumerate() {
            write(&world, number, person, round);
        }
        world.drain(&traffic, PATIENCE).await?;
        let expected = count * (round + 1) + extra(&people);
        world.until("everything said", PATIENCE, |world| spoken(world).len() >= expected).await?;
        replies.extend(answer(&world, &people, round)?);
        let wanted = replies.len();
        world.until("the replies", PATIENCE, |world| world.codechat.submission_count() >= wanted).await?;
    }
    // contacts are put together beside the messages
    world.pass(Duration::from_secs(30), 10).await?;
    let drained = world.drain(&traffic, PATIENCE).await?;
    let mut outcome = Outcome::default();
    outcome.figure("people", count);
    judge(&world, &people, &mut outcome);
    outcome.none("replies to somebody else", &astray(&world, &people, &replies));
    outcome.exactly("events unexplained", 0, drained.events.unexplained());
    outcome.exactly("dead letters", 0, drained.events.dead);
    Ok(outcome)
}

fn write(world: &World, number: usize, person: &Person, round: usize) {
    let session = &world.tenants[0].session;
    let mut message = CustomerMessage::text(&person.phone, said(number, round));
    message.chat = person.chat(round);
    world.codechat.customer_sends(session, &message);
    if round > 0 {
        return;
    }
    match person.meeting {
        Meeting::LidFirst | Meeting::NumberFirst => {}
        Meeting::AtOnce => {
            message.chat = Chat::LidOnly(person.lid.clone());
            message.kind = Kind::Text(format!("{} too", said(number, 0)));
            world.codechat.customer_sends(session, &message);
        }
        Meeting::Apart => world.codechat.emit_raw(session, &number_alone(session, number, person)),
    }
}

/// What CodeChat tells when it knows no LID with a number (`fixtures/codechat`, `messages.upsert__conversation`).
fn number_alone(session: &str, number: usize, person: &Person) -> serde_json::Value {
    json!({
        "event": "messages.upsert",
        "instance": { "name": session },
        "data": {
            "keyId": format!("3A{number:018X}"), "keyFromMe": false, "keyRemoteJid": format!("{}@s.whatsapp.net", person.phone),
            "pushName": "Ana Souza", "messageType": "conversation", "content": { "text": format!("{} alone", said(number, 0)) },
            "messageTimestamp": clock::now_ms() / 1000, "instanceId": 1, "device": "ios", "isGroup": false,
            "id": 900_000_000 + number, "info": { "type": "notify" },
        },
    })
}

/// How many write twice in the first round.
fn extra(people: &[Person]) -> usize {
    people.iter().filter(|person| matches!(person.meeting, Meeting::AtOnce | Meeting::Apart)).count()
}

/// Everything these people said, as Chatwoot shows it.
fn spoken(world: &World) -> Vec<LedgerMessage> {
    let messages = world.chatwoot.messages().into_iter();
    messages
        .filter(|message| message.message_type == "incoming")
        .filter(|message| message.content.as_deref().is_some_and(|text| text.contains("person ")))
        .collect()
}

/// Agents answer everybody where they wrote last. Returns the replies: person and text.
fn answer(world: &World, people: &[Person], round: usize) -> Result<Vec<(usize, String)>> {
    let spoken = spoken(world);
    let mut replies = Vec::new();
    for number in 0..people.len() {
        let said = said(number, round);
        let last = spoken.iter().find(|message| message.content.as_deref().is_some_and(|text| text.ends_with(&said)));
        let conversation = last.with_context(|| format!("{said} was shown"))?.conversation;
        let text = format!("reply to {said}");
        world.chatwoot.agent_sends(conversation, AgentMessage::text(&text));
        replies.push((number, text));
    }
    Ok(replies)
}

fn judge(world: &World, people: &[Person], outcome: &mut Outcome) {
    let spoken = spoken(world);
    let mut texts = HashSet::new();
    let (mut contacts, mut conversations, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
    let known = world.chatwoot.contacts();
    for (number, person) in people.iter().enumerate() {
        let name = format!("person {number} ");
        let own: Vec<_> = spoken
            .iter()
            .filter(|message| message.content.as_deref().is_some_and(|text| text.contains(&name)))
            .collect();
        // what came apart stays where it was shown; everything since is in one place
        let together = |message: &&&LedgerMessage| {
            person.meeting != Meeting::Apart || !message.content.as_deref().is_some_and(|text| text.contains("round 0"))
        };
        let places: BTreeSet<_> = own.iter().filter(together).map(|message| message.conversation).collect();
        if places.len() != 1 {
            conversations.push(format!("{:?} {number}: {places:?}", person.meeting));
        }
        let whose: BTreeSet<_> = own.iter().map(|message| message.contact).collect();
        if whose.len() != 1 {
            contacts.push(format!("{:?} {number}: {whose:?}", person.meeting));
        }
        let number_of = format!("+{}", person.phone);
        if known.iter().filter(|contact| contact.phone.as_ref() == Some(&number_of)).count() != 1 {
            unknown.push(format!("{:?} {number}", person.meeting));
        }
        texts.extend(own.iter().filter_map(|message| message.content.clone()));
    }
    outcome.none("people without exactly one contact", &contacts);
    outcome.none("people without exactly one conversation", &conversations);
    outcome.none("people whose contact has not their number", &unknown);
    outcome.exactly("messages shown", people.len() * 5 + extra(people), spoken.len());
    outcome.exactly("different ones", spoken.len(), texts.len());
}

/// Replies that reached somebody else, or nobody.
fn astray(world: &World, people: &[Person], replies: &[(usize, String)]) -> Vec<String> {
    let submissions = world.codechat.submissions();
    let mut sent: HashMap<&str, Vec<&str>> = HashMap::new();
    for submission in &submissions {
        sent.entry(submission.text.as_deref().unwrap_or_default()).or_default().push(user_of(&submission.to));
    }
    let is_right = |(number, text): &&(usize, String)| {
        let person = &people[*number];
        matches!(sent.get(text.as_str()).map(Vec::as_slice), Some([to]) if *to == person.phone || *to == person.lid)
    };
    replies.iter().filter(|reply| !is_right(reply)).map(|(_, text)| text.clone()).collect()
}
