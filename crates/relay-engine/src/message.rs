//! Showing messages to people: what a stored webhook means and what the other side sees of it, made by the same translation
//! and plan as the delivery. Nothing is called and nothing is changed.

use std::panic::AssertUnwindSafe;

use bytes::Bytes;
use codechat::{Upsert, Webhook};
use jiff::tz::TimeZone;
use relay_domain::Timestamp;
use relay_domain::event::{CwMessage, Event, WaMessage};
use relay_domain::id::EventId;
use relay_domain::plan::{ChatView, ChatwootPost, Plan, WhatsAppBody, WhatsAppPart, plan};
use relay_store::{Browse, Chat, Link, Origin, PendingEvent, Source, Store, StoreError, Stored, Tried, Wanted};

use crate::Engine;
use crate::sessions::Live;
use crate::translate::translate;

/// A message with what the other side sees of it.
#[derive(Debug)]
pub struct Message {
    /// What was received and what became of it.
    pub stored: Stored,
    /// Name of its session.
    pub session: String,
    /// What the source calls its kind, such as `imageMessage`.
    pub kind: Option<String>,
    /// Whom it is from or for, where that is known.
    pub chat: Option<Chat>,
    /// What is shown on the other side, part by part; empty when nothing crosses, or once the body was emptied.
    pub parts: Vec<Part>,
    /// What it is on both sides.
    pub links: Vec<Link>,
}

/// One part of a message as the other side shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// Its text, in the formatting of the side that shows it.
    pub text: Option<String>,
    /// Its file.
    pub file: Option<File>,
    /// Whether only agents see it.
    pub is_private: bool,
    /// Whether it stands for something that is not shown as itself.
    pub is_placeholder: bool,
}

/// A file of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// What it is, as one word.
    pub kind: String,
    /// Its name, where it has one.
    pub name: Option<String>,
}

/// What is read from the body of a message.
#[derive(Default)]
struct Read {
    kind: Option<String>,
    parts: Vec<Part>,
    /// Which message it is, on the side it comes from.
    id: Option<Id>,
}

enum Id {
    WhatsApp(relay_domain::id::WaMessageId),
    Chatwoot(relay_domain::id::CwMessageId),
}

impl Engine {
    /// The messages that are wanted, newest first, without their links.
    pub async fn messages(&self, wanted: &Wanted) -> Result<Vec<Message>, StoreError> {
        let mut messages = Vec::new();
        for stored in self.store.messages(wanted).await? {
            messages.extend(self.told(stored, false).await?);
        }
        Ok(messages)
    }

    /// One page of the delivery log, without links, and where the next page goes on.
    pub async fn browse(&self, wanted: &Browse) -> Result<(Vec<Message>, Option<EventId>), StoreError> {
        let page = self.store.browse(wanted).await?;
        let mut messages = Vec::new();
        for stored in page.messages {
            messages.extend(self.told(stored, false).await?);
        }
        Ok((messages, page.next))
    }

    /// One message with every try to deliver it.
    pub async fn message(&self, id: &EventId) -> Result<Option<(Message, Vec<Tried>)>, StoreError> {
        let Some(stored) = self.store.message(id).await? else {
            return Ok(None);
        };
        let tries = self.store.tries(id).await?;
        Ok(self.told(stored, true).await?.map(|message| (message, tries)))
    }

    /// `None` when its session was removed meanwhile.
    pub(crate) async fn told(&self, stored: Stored, with_links: bool) -> Result<Option<Message>, StoreError> {
        let session = &stored.lane.session;
        if self.sessions.of_id(session).is_none() {
            self.sessions.refresh().await?;
        }
        let Some(live) = self.sessions.of_id(session) else {
            return Ok(None);
        };
        let chat = self.store.chat(session, &stored.lane.chat).await?;
        let zone = &self.config.zone;
        let read = stored.body.clone().map(|body| read(&stored, body, &live, chat.as_ref(), zone)).unwrap_or_default();
        let links = if with_links { links_of(&self.store, &stored, read.id).await? } else { Vec::new() };
        let session = live.name().to_owned();
        Ok(Some(Message { stored, session, kind: read.kind, chat, parts: read.parts, links }))
    }
}

async fn links_of(store: &Store, stored: &Stored, id: Option<Id>) -> Result<Vec<Link>, StoreError> {
    match id {
        Some(Id::WhatsApp(id)) => store.links_by_wa(&stored.lane.session, &id).await,
        Some(Id::Chatwoot(id)) => store.links_by_cw(&stored.lane.session, id).await,
        None => Ok(Vec::new()),
    }
}

/// Reads a body as its delivery does. What made a translation panic shows nothing here either.
fn read(stored: &Stored, body: Bytes, live: &Live, chat: Option<&Chat>, zone: &TimeZone) -> Read {
    let kind = kind_of(stored.source, &body);
    let event = pending(stored, body);
    let view = ChatView {
        jid: chat.and_then(|chat| chat.jid.as_ref()),
        locale: live.locale,
        settings: &live.session.settings,
        zone,
    };
    let reading = std::panic::catch_unwind(AssertUnwindSafe(|| {
        let (meaning, _) = translate(&event);
        let id = id_of(&meaning);
        (id, parts_of(plan(meaning, view)))
    }));
    let (id, parts) = reading.unwrap_or_default();
    Read { kind, parts, id }
}

fn pending(stored: &Stored, body: Bytes) -> PendingEvent {
    PendingEvent {
        id: stored.id.clone(),
        source: stored.source,
        kind: stored.event.clone(),
        order_key: 0,
        received_at: stored.received_at,
        run_at: stored.received_at,
        origin: Origin::Webhook,
        body,
        attempts: stored.attempts,
        first_failed_at: None::<Timestamp>,
    }
}

/// The name of the protocol's part that a WhatsApp message is; Chatwoot's messages say enough by their event.
fn kind_of(source: Source, body: &[u8]) -> Option<String> {
    if source != Source::CodeChat {
        return None;
    }
    let webhook = Webhook::parse(body).ok()?;
    let upsert = Upsert::from_value(&webhook.data).ok()?;
    Some(upsert.message_type).filter(|kind| !kind.is_empty())
}

fn id_of(meaning: &Event) -> Option<Id> {
    if let Event::WhatsApp(WaMessage { id, .. }) | Event::Receipt { id, .. } = meaning {
        return Some(Id::WhatsApp(id.clone()));
    }
    if let Event::Chatwoot(CwMessage { id, .. }) | Event::ChatwootDeletion(id) = meaning {
        return Some(Id::Chatwoot(*id));
    }
    None
}

/// What is posted or sent; other plans change what is there already.
fn parts_of(plan: Plan) -> Vec<Part> {
    if let Plan::Chatwoot(posts) = plan {
        return posts.into_iter().map(posted).collect();
    }
    if let Plan::WhatsApp(parts) = plan {
        return parts.into_iter().map(sent).collect();
    }
    Vec::new()
}

fn posted(post: ChatwootPost) -> Part {
    let file = post.media.map(|media| File { kind: format!("{:?}", media.kind), name: media.file_name });
    Part { text: post.text, file, is_private: post.is_private, is_placeholder: post.is_placeholder }
}

fn sent(part: WhatsAppPart) -> Part {
    let text = |text| Part { text: Some(text), ..Part::default() };
    let card =
        |kind: &str, name| Part { file: Some(File { kind: kind.to_owned(), name: Some(name) }), ..Part::default() };
    match part.body {
        WhatsAppBody::Text(typed) | WhatsAppBody::Reaction(typed) => text(typed),
        WhatsAppBody::Place(place) => card("place", format!("{},{}", place.latitude, place.longitude)),
        WhatsAppBody::People(people) => {
            card("contact", people.into_iter().map(|person| person.name).collect::<Vec<_>>().join(", "))
        }
        WhatsAppBody::File { file, caption } => {
            let file = File { kind: format!("{:?}", file.kind), name: Some(file.name) };
            Part { text: caption, file: Some(file), ..Part::default() }
        }
    }
}
