//! Strict mode: a webhook only says that there is a message. What is relayed is what its keeper shows when asked, so that a forged
//! webhook causes a few reads and nothing else.
//!
//! What can be asked for is asked for: messages of both sides, and deletions of agents. Receipts name ids that nobody can guess;
//! calls and changes of groups are kept nowhere and are taken as they are told.

use std::time::Duration;

use bytes::Bytes;
use chatwoot::{ConversationRef, Message, MessageEvent, MessageType, Webhook as Told};
use codechat::{Event as Name, FindMessages, Upsert, Webhook};
use relay_domain::Timestamp;
use relay_domain::backoff::Direction;
use relay_domain::event::Ignored;
use relay_domain::id::WaMessageId;
use relay_store::{Lease, Origin, PendingEvent, Source};

use super::Done;
use crate::Engine;
use crate::desk::{self, is_desk};
use crate::ingest::chat_names_of;
use crate::sessions::Live;
use crate::trouble::{Trouble, from_chatwoot, from_codechat};

/// Moments after a webhook at which its message is looked for. After the last it counts as forged, or as vanished.
const LOOKS: [Duration; 3] = [Duration::from_secs(5), Duration::from_secs(15), Duration::from_secs(30)];

/// What became of a look for the truth.
pub(crate) enum Truth {
    /// The event is delivered as it is.
    AsTold,
    /// It is delivered with these bytes in place of those that were told.
    Fetched(PendingEvent),
    /// There is no such message.
    Unverified(Done),
}

impl Engine {
    /// What is relayed of an event.
    pub(crate) async fn truth(&self, live: &Live, lease: &Lease, event: &PendingEvent) -> Result<Truth, Trouble> {
        // what was found by asking is the truth already
        if !live.session.settings.strict || event.origin == Origin::Sweep {
            return Ok(Truth::AsTold);
        }
        let fetched = match event.source {
            Source::CodeChat => self.fetched_from_codechat(live, lease, event).await?,
            Source::Chatwoot => self.fetched_from_chatwoot(live, lease, event).await?,
            Source::Relay => Fetched::NotKept,
        };
        match fetched {
            Fetched::NotKept => Ok(Truth::AsTold),
            Fetched::Body(body) => Ok(Truth::Fetched(PendingEvent { body, ..event.clone() })),
            Fetched::Nothing => self.not_found(live, event),
        }
    }

    /// Looks again for a while; then nothing is relayed.
    fn not_found(&self, live: &Live, event: &PendingEvent) -> Result<Truth, Trouble> {
        if let Some(at) = next_look(event.received_at, self.clock.now()) {
            return Err(Trouble::Wait(at));
        }
        tracing::warn!(session.id = %live.id(), event.id = %event.id,
            "a webhook told of a message that is not to be found; is saving on, and who knows the webhook's address?");
        Ok(Truth::Unverified(Done { was_attempted: true, ..Done::ignored(Ignored::Unverified) }))
    }

    async fn fetched_from_codechat(
        &self,
        live: &Live,
        lease: &Lease,
        event: &PendingEvent,
    ) -> Result<Fetched, Trouble> {
        let Ok(webhook) = Webhook::parse(&event.body) else { return Ok(Fetched::NotKept) };
        if !matches!(webhook.event, Name::MessagesUpsert | Name::SendMessage) {
            return Ok(Fetched::NotKept);
        }
        let Ok(told) = Upsert::from_value(&webhook.data) else { return Ok(Fetched::NotKept) };
        // the id of what we sent is secret until it is sent, and its copy only closes the intent
        if told.from_me && self.is_ours(live, &told).await? {
            return Ok(Fetched::NotKept);
        }
        let find = FindMessages { key_id: Some(told.key_id.clone()), ..FindMessages::default() };
        let page = live.codechat.find_messages(live.name(), &find).await.map_err(from_codechat)?;
        let is_it = |message: &Upsert| message.key_id == told.key_id && message.from_me == told.from_me;
        for record in page.records.iter().filter(|record| is_it(&record.message)) {
            // a row without an address is of a chat known by its LID, which only the webhook names
            let address = record.message.remote_jid.as_deref();
            if address.is_none() || self.is_name_of(live, lease, address.into_iter()).await? {
                return Ok(Fetched::Body(record.to_webhook_with(live.name(), &webhook.data).into()));
            }
        }
        Ok(Fetched::Nothing)
    }

    async fn is_ours(&self, live: &Live, told: &Upsert) -> Result<bool, Trouble> {
        let links = self.store.links_by_wa(live.id(), &WaMessageId::new(&told.key_id)).await?;
        Ok(links.iter().any(|link| link.key.direction == Direction::Out))
    }

    async fn fetched_from_chatwoot(
        &self,
        live: &Live,
        lease: &Lease,
        event: &PendingEvent,
    ) -> Result<Fetched, Trouble> {
        let (told, is_deletion) = match Told::parse(&event.body) {
            Ok(Told::MessageCreated(told)) => (told, false),
            Ok(Told::MessageUpdated(told)) => {
                let is_deletion = told.content_attributes.deleted();
                (told, is_deletion)
            }
            _ => return Ok(Fetched::NotKept),
        };
        let Some(message) = message_of(live, &told).await?.filter(is_to_customer) else { return Ok(Fetched::Nothing) };
        // one that was deleted meanwhile is not sent, which is for the delivery to see
        if is_deletion && !message.content_attributes.deleted() {
            return Ok(Fetched::Nothing);
        }
        // whose conversation it is decides who gets it
        let conversation = live.chatwoot.conversation(told.conversation.id).await.map_err(from_chatwoot)?;
        let place = ConversationRef::from(&conversation);
        let inbox = live.session.chatwoot.inbox;
        let names = if is_desk(&place, inbox) { desk::names() } else { chat_names_of(&place) }.names;
        if conversation.inbox_id != inbox || !self.is_name_of(live, lease, names.iter().map(String::as_str)).await? {
            return Ok(Fetched::Nothing);
        }
        if is_deletion {
            return Ok(Fetched::NotKept);
        }
        let access = &live.session.chatwoot;
        let fetched = MessageEvent::of_message(message, access.account, access.inbox, place);
        Ok(Fetched::Body(fetched.to_webhook().into()))
    }

    /// Whether one of these names leads to the lane's chat.
    async fn is_name_of<'a>(
        &self,
        live: &Live,
        lease: &Lease,
        names: impl Iterator<Item = &'a str>,
    ) -> Result<bool, Trouble> {
        let chat = self.store.chat(live.id(), &lease.lane.chat).await?;
        let Some(chat) = chat else { return Ok(false) };
        let known = self.store.names_of_chat(live.id(), &chat.key).await?;
        let mut names = names;
        Ok(names.any(|name| name == chat.key.as_str() || known.iter().any(|known| known == name)))
    }
}

/// What its keeper shows of a message.
enum Fetched {
    /// It is nothing that is kept anywhere.
    NotKept,
    /// It is there.
    Body(Bytes),
    /// It is not there, or is another chat's.
    Nothing,
}

async fn message_of(live: &Live, told: &MessageEvent) -> Result<Option<Message>, Trouble> {
    let found = live.chatwoot.list_messages_after(told.conversation.id, told.id - 1).await;
    match found {
        Ok(page) => Ok(page.into_iter().find(|message| message.id == told.id)),
        Err(error) if error.kind == chatwoot::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(from_chatwoot(error)),
    }
}

fn is_to_customer(message: &Message) -> bool {
    let is_outgoing = matches!(message.message_type, MessageType::Outgoing | MessageType::Template);
    is_outgoing && !message.private && message.source_id.is_none()
}

fn next_look(told_at: Timestamp, now: Timestamp) -> Option<Timestamp> {
    LOOKS.iter().map(|after| told_at + *after).find(|at| *at > now)
}
