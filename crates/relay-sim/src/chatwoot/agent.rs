//! The people at the dashboard: what they write, delete, retry and resolve, and what Chatwoot writes by itself.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};

use super::message_rows::NewMessage;
use super::params::{Params, Upload};
use super::state::{Direction, Sender, Shared};
use super::webhooks::{self, Event};
use crate::clock;

/// A file that an agent attaches.
#[derive(Debug, Clone, Deserialize)]
pub struct AgentFile {
    /// File name.
    pub name: String,
    /// Declared mime type.
    pub mime: String,
    /// Content; base64 over HTTP.
    #[serde(deserialize_with = "from_base64")]
    pub bytes: Bytes,
}

fn from_base64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
    let text = String::deserialize(deserializer)?;
    STANDARD.decode(text).map(Bytes::from).map_err(serde::de::Error::custom)
}

/// A message made at the dashboard.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct AgentMessage {
    /// Text, Markdown.
    pub content: Option<String>,
    /// Files.
    pub attachments: Vec<AgentFile>,
    /// A private note.
    pub private: bool,
    /// Id of the quoted message.
    pub in_reply_to: Option<u64>,
    /// `text` when absent.
    pub content_type: Option<String>,
    /// `outgoing` when absent, else `template` or `activity`.
    pub message_type: Option<String>,
    /// Further content attributes, such as `items` or `automation_rule_id`.
    pub content_attributes: Map<String, Value>,
    /// Nobody's message: templates, automations.
    pub without_sender: bool,
    /// Recorded at the dashboard.
    pub is_voice: bool,
    /// Attachments without a file, as webhooks show them: places (`file_type` `location`) and contacts (`contact`).
    pub cards: Vec<Value>,
}

impl AgentMessage {
    /// A plain text.
    pub fn text(content: impl Into<String>) -> Self {
        Self { content: Some(content.into()), ..Self::default() }
    }

    /// A file, with a caption or without.
    pub fn file(name: &str, mime: &str, bytes: impl Into<Bytes>, caption: Option<&str>) -> Self {
        let file = AgentFile { name: name.to_owned(), mime: mime.to_owned(), bytes: bytes.into() };
        Self { content: caption.map(str::to_owned), attachments: vec![file], ..Self::default() }
    }

    /// A place, as an attachment.
    pub fn place(latitude: f64, longitude: f64, title: &str) -> Self {
        let card = json!({"file_type": "location", "coordinates_lat": latitude, "coordinates_long": longitude, "fallback_title": title, "data_url": null});
        Self { cards: vec![card], ..Self::default() }
    }

    /// A contact, as an attachment.
    pub fn contact(first_name: &str, last_name: &str, phone: &str) -> Self {
        let meta = json!({"firstName": first_name, "lastName": last_name});
        let card = json!({"file_type": "contact", "fallback_title": phone, "meta": meta});
        Self { cards: vec![card], ..Self::default() }
    }

    /// What Chatwoot sends by itself: greeting, out of office, survey.
    pub fn template(content: impl Into<String>) -> Self {
        Self { message_type: Some("template".to_owned()), without_sender: true, ..Self::text(content) }
    }

    /// What an automation rule sends.
    pub fn automation(content: impl Into<String>, rule: u64) -> Self {
        let content_attributes = Map::from_iter([("automation_rule_id".to_owned(), json!(rule))]);
        Self { without_sender: true, content_attributes, ..Self::text(content) }
    }
}

/// Writes into a conversation as `agent`. Returns the message id; `None` when there is no such conversation.
pub(super) fn send(shared: &Arc<Shared>, account: u64, display: u64, agent: u64, message: AgentMessage) -> Option<u64> {
    let (id, events) = {
        let mut state = shared.lock();
        let conversation = state.find_conversation(account, display)?;
        let mut content_attributes = message.content_attributes;
        if let Some(quoted) = message.in_reply_to {
            content_attributes.insert("in_reply_to".to_owned(), json!(quoted));
        }
        let files = message
            .attachments
            .into_iter()
            .map(|file| Upload { name: file.name, mime: file.mime, bytes: file.bytes })
            .collect();
        let new = NewMessage {
            conversation,
            direction: message.message_type.as_deref().and_then(Direction::parse).unwrap_or(Direction::Outgoing),
            content: message.content,
            content_type: message.content_type.unwrap_or_else(|| "text".to_owned()),
            content_attributes,
            private: message.private,
            source_id: None,
            sender: Some(if message.without_sender { Sender::Nobody } else { Sender::User(agent) }),
            files,
            is_voice: message.is_voice,
            cards: message.cards,
            via_api: false,
        };
        // Whoever types at the dashboard has seen the conversation; templates and automations see nothing.
        if !message.without_sender {
            state.conversations[conversation].agent_last_seen_ms = clock::now_ms();
        }
        let (index, events) = state.insert_message(new, None).ok()?;
        (state.messages[index].id, events)
    };
    webhooks::fire(shared, events);
    Some(id)
}

/// Starts a conversation with the contact of this phone number, who is created when unknown. The source id is a random UUID unless a link exists.
pub(super) fn start_conversation(shared: &Arc<Shared>, inbox: u64, phone: &str) -> Option<u64> {
    let (display, index) = {
        let mut state = shared.lock();
        let account = state.inboxes.get(&inbox)?.account;
        let known = state.by_phone.get(&(account, phone.to_owned())).copied();
        let contact = if let Some(contact) = known {
            contact
        } else {
            let fields = super::contact_rows::Fields {
                phone: Some(phone.to_owned()),
                name: Some("New contact".to_owned()),
                ..Default::default()
            };
            state.insert_contact(account, fields).ok()?
        };
        let existing = state
            .links_of
            .get(&contact)
            .into_iter()
            .flatten()
            .rev()
            .copied()
            .find(|link| state.contact_inboxes[*link].inbox == inbox);
        let link = match existing {
            Some(link) => link,
            None => state.link_contact(contact, inbox, uuid::Uuid::new_v4().to_string()).ok()?,
        };
        let index =
            state.insert_conversation(link, "open".to_owned(), &Params { values: json!({}), files: Vec::new() });
        (state.conversations[index].display, index)
    };
    webhooks::fire(shared, vec![Event::ConversationCreated(index)]);
    Some(display)
}

/// Changes a message by its id; false when there is none.
pub(super) fn change(shared: &Arc<Shared>, id: u64, change: Change) -> bool {
    let index = {
        let mut state = shared.lock();
        let Some(index) =
            usize::try_from(id).ok().and_then(|id| id.checked_sub(1)).filter(|index| *index < state.messages.len())
        else {
            return false;
        };
        match change {
            Change::Delete => state.delete_message(index),
            Change::Retry => state.retry_message(index),
        }
        index
    };
    webhooks::fire(shared, vec![Event::MessageUpdated(index)]);
    true
}

/// What the buttons of a bubble do.
#[derive(Debug, Clone, Copy)]
pub(super) enum Change {
    Delete,
    Retry,
}

/// Sets the status of a conversation.
pub(super) fn set_status(shared: &Arc<Shared>, account: u64, display: u64, status: &str) -> bool {
    let events = {
        let mut state = shared.lock();
        let Some(index) = state.find_conversation(account, display) else {
            return false;
        };
        state.set_status(index, status)
    };
    webhooks::fire(shared, events);
    true
}

/// An agent types, in public or in a private note.
pub(super) fn types(
    shared: &Arc<Shared>,
    account: u64,
    display: u64,
    agent: u64,
    is_on: bool,
    is_private: bool,
) -> bool {
    let event = {
        let state = shared.lock();
        let found = state.find_conversation(account, display).zip(state.users.get(&agent));
        let Some((conversation, user)) = found else {
            return false;
        };
        Event::Typing { conversation, user: user.webhook(), is_on, is_private }
    };
    webhooks::fire(shared, vec![event]);
    true
}
