//! Message rows: creating, status, deleting, retrying, and what each does to its conversation.

use serde_json::{Map, Value, json};

use super::attachments::store;
use super::error::{ApiError, ApiResult};
use super::params::{Params, Upload};
use super::state::{Direction, Message, Role, Sender, State, User};
use super::webhooks::Event;
use crate::clock;

/// Most files of one message.
const MAX_FILES: usize = 15;

/// A message about to be created.
#[derive(Debug)]
pub(super) struct NewMessage {
    pub(super) conversation: usize,
    pub(super) direction: Direction,
    pub(super) content: Option<String>,
    pub(super) content_type: String,
    pub(super) content_attributes: Map<String, Value>,
    pub(super) private: bool,
    pub(super) source_id: Option<String>,
    pub(super) sender: Option<Sender>,
    pub(super) files: Vec<Upload>,
    pub(super) is_voice: bool,
    pub(super) cards: Vec<Value>,
    pub(super) via_api: bool,
}

impl NewMessage {
    /// From the parameters of an API call by `user`.
    pub(super) fn parse(params: &Params, conversation: usize, user: &User) -> ApiResult<Self> {
        let kind = params.text("message_type").unwrap_or_else(|| "outgoing".to_owned());
        let direction = Direction::parse(&kind)
            .ok_or_else(|| ApiError::Unprocessable(format!("'{kind}' is not a valid message_type")))?;
        if params.files.len() > MAX_FILES {
            return Err(ApiError::Unprocessable("Validation failed: Attachments exceeded maximum allowed".to_owned()));
        }
        let content = params.text("content");
        if content.as_ref().is_some_and(|content| content.chars().count() > 150_000) {
            return Err(ApiError::Unprocessable(
                "Validation failed: Content is too long (maximum is 150000 characters)".to_owned(),
            ));
        }
        let mut content_attributes = params.object("content_attributes");
        if let Some(created) = params.values.get("external_created_at") {
            content_attributes.insert("external_created_at".to_owned(), created.clone());
        }
        let bot_or_user = if user.role == Role::Bot { Sender::Nobody } else { Sender::User(user.id) };
        Ok(Self {
            conversation,
            direction,
            content,
            content_type: params.text("content_type").unwrap_or_else(|| "text".to_owned()),
            content_attributes,
            private: params.flag("private"),
            source_id: params.text("source_id"),
            sender: (direction == Direction::Outgoing).then_some(bot_or_user),
            files: params.files.clone(),
            is_voice: params.flag("is_voice_message"),
            // the API takes files only
            cards: Vec::new(),
            via_api: true,
        })
    }
}

impl State {
    /// Creates the message and says which events follow. Nothing is unique about a source id.
    pub(super) fn insert_message(&mut self, new: NewMessage, wall: Option<usize>) -> ApiResult<(usize, Vec<Event>)> {
        let now = clock::now_ms();
        self.pass_wall(new.conversation, now, wall)?;
        let contact = self.conversations[new.conversation].contact;
        let index = self.messages.len();
        let id = index as u64 + 1;
        let mut content_attributes = new.content_attributes;
        self.resolve_reply(new.conversation, &mut content_attributes);
        let is_templated = matches!(new.direction, Direction::Outgoing | Direction::Template);
        let content = new.content.map(|content| if is_templated { self.liquid(&content, contact) } else { content });
        let attachments = new.files.into_iter().map(|file| store(self, file, new.is_voice)).collect();
        self.messages.push(Message {
            id,
            conversation: new.conversation,
            direction: new.direction,
            content,
            content_type: new.content_type,
            content_attributes,
            private: new.private,
            source_id: new.source_id,
            status: "sent".to_owned(),
            created_ms: now,
            updated_ms: now,
            sender: new.sender.unwrap_or(if new.direction == Direction::Incoming {
                Sender::Contact(contact)
            } else {
                Sender::Nobody
            }),
            attachments,
            cards: new.cards,
            via_api: new.via_api,
        });
        self.conversations[new.conversation].messages.push(index);
        let mut events = Vec::new();
        if new.direction != Direction::Activity {
            events.push(Event::MessageCreated(index));
        }
        events.extend(self.touch_conversation(index, now));
        Ok((index, events))
    }

    fn pass_wall(&mut self, conversation: usize, now: i64, wall: Option<usize>) -> ApiResult<()> {
        let Some(wall) = wall else { return Ok(()) };
        let recent = &mut self.conversations[conversation].recent;
        while recent.front().is_some_and(|at| now - at >= 60_000) {
            recent.pop_front();
        }
        if recent.len() >= wall {
            return Err(ApiError::Unprocessable("Validation failed: Too many messages".to_owned()));
        }
        recent.push_back(now);
        Ok(())
    }

    /// Completes a reply both ways within the conversation; what is not found there becomes null.
    fn resolve_reply(&self, conversation: usize, attributes: &mut Map<String, Value>) {
        let by_id = attributes.get("in_reply_to").filter(|id| !id.is_null()).cloned();
        let by_source = attributes.get("in_reply_to_external_id").filter(|id| !id.is_null()).cloned();
        if by_id.is_none() && by_source.is_none() {
            return;
        }
        let found = if let Some(id) = by_id {
            let id = id.as_u64().or_else(|| id.as_str().and_then(|text| text.parse().ok()));
            id.and_then(|id| self.find_message(conversation, id))
        } else {
            let all = &self.conversations[conversation].messages;
            let source = by_source.as_ref().and_then(Value::as_str);
            all.iter().rev().copied().find(|index| self.messages[*index].source_id.as_deref() == source)
        };
        let quoted = found.map(|index| &self.messages[index]);
        attributes.insert("in_reply_to".to_owned(), json!(quoted.map(|message| message.id)));
        attributes
            .insert("in_reply_to_external_id".to_owned(), json!(quoted.and_then(|message| message.source_id.clone())));
    }

    /// Variables in what goes out are filled in at creation, except within backticks.
    fn liquid(&self, content: &str, contact: u64) -> String {
        if !content.contains("{{") {
            return content.to_owned();
        }
        let name = self.contacts.get(&contact).map_or("", |contact| contact.name.as_str());
        let mut filled = String::with_capacity(content.len());
        for (position, part) in content.split('`').enumerate() {
            if position > 0 {
                filled.push('`');
            }
            if position % 2 == 1 {
                filled.push_str(part);
            } else {
                fill(part, name, &mut filled);
            }
        }
        filled
    }

    fn touch_conversation(&mut self, index: usize, now: i64) -> Vec<Event> {
        let message = &self.messages[index];
        let (at, direction, private) = (message.conversation, message.direction, message.private);
        let is_human = matches!(message.sender, Sender::User(_)) && !private && direction == Direction::Outgoing;
        let contact = self.conversations[at].contact;
        self.conversations[at].last_activity_ms = now;
        let mut events = Vec::new();
        let mut waiting = None;
        if direction == Direction::Incoming {
            if let Some(contact) = self.contacts.get_mut(&contact) {
                contact.last_activity_ms = Some(now);
            }
            self.conversations[at].unread += 1;
            // one of a blocked contact is muted
            let is_muted = self.contacts.get(&contact).is_some_and(|contact| contact.blocked);
            if !is_muted && matches!(self.conversations[at].status.as_str(), "resolved" | "snoozed") {
                events = self.set_status(at, "open");
            }
            if self.conversations[at].waiting_since_ms == 0 {
                waiting = Some(now);
            }
        } else if is_human {
            self.conversations[at].first_reply_ms.get_or_insert(now);
            if self.conversations[at].waiting_since_ms != 0 {
                waiting = Some(0);
            }
        }
        if let Some(since) = waiting {
            self.conversations[at].waiting_since_ms = since;
            self.conversations[at].updated_ms = now;
            events.push(Event::ConversationUpdated(at, json!([{"waiting_since": {"current_value": since / 1000}}])));
        }
        events
    }

    /// Applies a status. Not monotone: only `read` to `delivered` is refused. Returns whether the row changed.
    pub(super) fn set_message_status(&mut self, index: usize, status: &str, external_error: Option<String>) -> bool {
        let message = &mut self.messages[index];
        let is_known = matches!(status, "sent" | "delivered" | "read" | "failed");
        if !is_known || (message.status == "read" && status == "delivered") {
            return false;
        }
        let error = external_error.filter(|_| status == "failed").map_or(Value::Null, Value::String);
        let before = message.content_attributes.get("external_error").cloned().unwrap_or_default();
        if message.status == status && before == error {
            return false;
        }
        if before != error {
            message.content_attributes.insert("external_error".to_owned(), error);
        }
        status.clone_into(&mut message.status);
        message.updated_ms = clock::now_ms();
        true
    }

    /// Soft delete: only the flag and the identity stay.
    pub(super) fn delete_message(&mut self, index: usize) {
        let message = &mut self.messages[index];
        message.content = Some("This message was deleted".to_owned());
        "text".clone_into(&mut message.content_type);
        message.content_attributes = Map::from_iter([("deleted".to_owned(), json!(true))]);
        message.updated_ms = clock::now_ms();
        message.cards.clear();
        for attachment in std::mem::take(&mut message.attachments) {
            self.blobs.remove(&attachment.blob);
        }
    }

    /// The Retry button: status and attributes are reset, reply information included; nothing is sent.
    pub(super) fn retry_message(&mut self, index: usize) {
        let message = &mut self.messages[index];
        "sent".clone_into(&mut message.status);
        message.content_attributes.clear();
        message.updated_ms = clock::now_ms();
    }
}

fn fill(part: &str, name: &str, filled: &mut String) {
    let mut rest = part;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((variable, tail)) = after.split_once("}}") else {
            break;
        };
        filled.push_str(before);
        if variable.trim() == "contact.name" {
            filled.push_str(name);
        }
        rest = tail;
    }
    filled.push_str(rest);
}
