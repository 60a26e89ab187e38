//! What the relay writes into Chatwoot comes back from there as a webhook, before the relay knows that it wrote it.

use std::collections::HashSet;
use std::time::Duration;

use anyhow::{Context as _, Result};
use relay_sim::{CustomerMessage, Fault, FaultAction, Kind, route};
use relay_testing::checker::{Received, Sent, check};

use crate::row::{Context, On, Outcome, Row};
use crate::traffic::{CHATS, Traffic, phone};
use crate::world::{Setup, World};

/// F36: messages typed on the phone, mirrored into Chatwoot, whose webhook comes before the answer to the post.
pub(crate) const F36: Row = Row {
    id: "F36",
    title: "Chatwoot's webhook before its answer",
    quick: Some(0.01),
    on: On::Both,
    is_alone: false,
    run: |context| Box::pin(echo_race(context)),
};

async fn echo_race(context: &Context) -> Result<Outcome> {
    let count = context.scaled(10_000);
    let mut world = World::start(context, Setup::default()).await?;
    let traffic = Traffic::begin(context, &mut world, CHATS).await?;
    world.lull().await;
    // the webhook leaves at the commit, the answer long after it
    let late = FaultAction::Delay { ms: 40, after_commit: true };
    world.chatwoot.fault(Fault::on(route::MESSAGE_CREATE, late));
    let told_before = world.chatwoot.ack_count();
    let mut written = Vec::with_capacity(count);
    for number in 0..count {
        let chat = number % CHATS;
        let message = CustomerMessage::new(phone(chat), Kind::Text(format!("typed on the phone {number}")));
        let id = world.codechat.phone_sends(&world.tenants[0].session, &message).context("the instance exists")?;
        written.push(Sent { chat: phone(chat), id });
        if number % 20 == 19 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    let drained = world.drain(&traffic, Duration::from_mins(5)).await?;
    let mut outcome = Outcome::default();
    let ours: HashSet<&str> = written.iter().map(|message| message.id.as_str()).collect();
    let mirrored = world.chatwoot.messages().into_iter().filter(|message| message.message_type == "outgoing");
    let received: Vec<_> = mirrored
        .filter_map(|message| {
            let id = message.source_id.as_deref()?.strip_prefix("WAID:")?.to_owned();
            Some(Received { chat: message.contact_source_id, id })
        })
        .collect();
    let verdict = check(&written, &received);
    outcome.exactly("mirrored", count, received.iter().filter(|it| ours.contains(it.id.as_str())).count());
    outcome.none("lost", &verdict.lost);
    outcome.none("doubled", &verdict.doubled);
    outcome.none("reordered", &verdict.reordered);
    outcome.none("in another chat", &verdict.misdirected);
    outcome.at_least("webhooks of Chatwoot about them", count, world.chatwoot.ack_count() - told_before);
    outcome.exactly("sent back to WhatsApp", 0, world.codechat.submission_count());
    drained.zeros(&mut outcome);
    Ok(outcome)
}
