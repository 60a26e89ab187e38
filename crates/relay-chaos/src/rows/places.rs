//! The places in Chatwoot that the relay remembers are gone, or taken by somebody else.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result};
use relay_sim::{Fault, FaultAction, Kind, route};

use crate::row::{Context, On, Outcome, Row};
use crate::traffic::{Traffic, phone};
use crate::world::{Setup, World};

/// F16: a conversation, or the whole contact, is deleted while its customer goes on writing.
pub(crate) const F16: Row = Row {
    id: "F16",
    title: "Conversation or contact deleted in Chatwoot",
    quick: Some(0.2),
    on: On::Both,
    is_alone: false,
    run: |context| Box::pin(deleted(context)),
};

/// F17: somebody holds the number already, under another identifier.
pub(crate) const F17: Row = Row {
    id: "F17",
    title: "Contact exists under another identifier",
    quick: Some(0.2),
    on: On::Both,
    is_alone: false,
    run: |context| Box::pin(taken(context)),
};

async fn deleted(context: &Context) -> Result<Outcome> {
    let chats = context.scaled(100);
    let mut world = World::start(context, Setup::default()).await?;
    let mut traffic = Traffic::begin(context, &mut world, chats).await?;
    world.lull().await;
    let old: Vec<u64> = (0..chats).map(|chat| traffic.conversation(0, chat)).collect();
    for (chat, conversation) in old.iter().enumerate() {
        let all = world.chatwoot.conversations();
        let contact = all.iter().find(|it| it.id == *conversation).context("the conversation exists")?.contact;
        // every second one loses the contact as well
        match chat % 2 {
            0 => drop(world.chatwoot.delete_conversation(1, *conversation)),
            _ => world.chatwoot.delete_contact(contact),
        }
    }
    // what was delivered before is gone with its conversation
    for turn in ["again", "once more"] {
        for chat in 0..chats {
            traffic.customer_writes(&world, 0, chat, Kind::Text(format!("{turn} {chat}")));
        }
    }
    let drained = world.drain(&traffic, Duration::from_mins(5)).await?;
    let mut outcome = Outcome::default();
    let conversations = world.chatwoot.conversations();
    outcome.none(
        "old conversations that are still there",
        &names(old.iter().filter(|id| conversations.iter().any(|conversation| conversation.id == **id))),
    );
    outcome.none("numbers without exactly one contact", &not_one(chats, &contacts_by_phone(&world)));
    let by_source: BTreeMap<String, usize> = counted(conversations.into_iter().map(|it| it.source_id));
    outcome.none("numbers without exactly one conversation", &not_one(chats, &by_source));
    drained.zeros(&mut outcome);
    Ok(outcome)
}

fn names<T: ToString>(all: impl Iterator<Item = T>) -> Vec<String> {
    all.map(|one| one.to_string()).collect()
}

fn counted(all: impl Iterator<Item = String>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for one in all {
        *counts.entry(one).or_insert(0) += 1;
    }
    counts
}

/// How many contacts hold each number.
fn contacts_by_phone(world: &World) -> BTreeMap<String, usize> {
    let phones = world.chatwoot.contacts().into_iter().filter_map(|contact| contact.phone);
    counted(phones.map(|phone| phone.trim_start_matches('+').to_owned()))
}

/// Numbers of chats that are not counted exactly once.
fn not_one(chats: usize, counts: &BTreeMap<String, usize>) -> Vec<String> {
    let of = |chat| counts.get(&phone(chat)).copied().unwrap_or(0);
    (0..chats).filter(|chat| of(*chat) != 1).map(|chat| format!("{} times chat {chat}", of(chat))).collect()
}

async fn taken(context: &Context) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    outcome.include("before the first message", taken_before(context).await?);
    outcome.include("between look-up and creation", taken_meanwhile(context).await?);
    Ok(outcome)
}

/// Another program's contact: the same number, an identifier of its own.
fn somebody(world: &World, chat: usize) -> Option<u64> {
    world.chatwoot.add_contact(1, "From the CRM", Some(&format!("+{}", phone(chat))), Some(&format!("crm-{chat}")))
}

async fn taken_before(context: &Context) -> Result<Outcome> {
    let chats = context.scaled(100);
    let mut world = World::start(context, Setup::default()).await?;
    for chat in 0..chats {
        somebody(&world, chat).context("nobody has the number")?;
    }
    let traffic = Traffic::begin(context, &mut world, chats).await?;
    adopted(&mut world, &traffic, chats).await
}

/// The number is taken after the relay looked and before it creates: Chatwoot refuses with 422.
async fn taken_meanwhile(context: &Context) -> Result<Outcome> {
    let chats = context.scaled(100);
    let mut world = World::start(context, Setup::default()).await?;
    let slowly = FaultAction::Delay { ms: 250, after_commit: false };
    world.chatwoot.fault(Fault::on(route::CONTACT_CREATE, slowly));
    let mut traffic = Traffic::new(context, chats);
    let mut taken = 0;
    for chat in 0..chats {
        let before = creations(&world);
        traffic.customer_writes(&world, 0, chat, Kind::Text(format!("hello {chat}")));
        world.until("a contact to be created", Duration::from_mins(1), |world| creations(world) > before).await?;
        taken += usize::from(somebody(&world, chat).is_some());
    }
    let refused = |world: &World| {
        world
            .chatwoot
            .call_log()
            .into_iter()
            .filter(|it| it.route == route::CONTACT_CREATE && it.status == Some(422))
            .count()
    };
    let mut outcome = adopted(&mut world, &traffic, chats).await?;
    outcome.exactly("numbers taken meanwhile", chats, taken);
    outcome.at_least("creations refused with 422", chats, refused(&world));
    Ok(outcome)
}

fn creations(world: &World) -> u64 {
    world.chatwoot.calls().get(route::CONTACT_CREATE).copied().unwrap_or_default()
}

async fn adopted(world: &mut World, traffic: &Traffic, chats: usize) -> Result<Outcome> {
    let drained = world.drain(traffic, Duration::from_mins(5)).await?;
    let mut outcome = Outcome::default();
    outcome.exactly("contacts", chats, world.chatwoot.contacts().len());
    outcome.none("numbers without exactly one contact", &not_one(chats, &contacts_by_phone(world)));
    let kept = world
        .chatwoot
        .contacts()
        .into_iter()
        .filter(|it| it.source_ids.iter().any(|(inbox, _)| *inbox == world.tenants[0].inbox));
    outcome.exactly("of them reachable through the inbox", chats, kept.count());
    drained.zeros(&mut outcome);
    Ok(outcome)
}
