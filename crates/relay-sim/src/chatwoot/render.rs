//! One row, several JSON shapes: webhook top level, nested in a webhook, and REST.

use serde_json::{Map, Value, json};

use super::state::{Attachment, Contact, Conversation, Direction, Inbox, Message, Sender, State, User};
use crate::clock::iso;

impl State {
    /// The top level of `message_created` and `message_updated`.
    pub(super) fn message_webhook(&self, index: usize, event: &str) -> Value {
        let message = &self.messages[index];
        let conversation = &self.conversations[message.conversation];
        let mut body = json!({
            "account": self.account_brief(conversation.account), "additional_attributes": {}, "content_attributes": message.content_attributes,
            "content_type": message.content_type, "content": message.content.as_deref().map(without_hard_breaks),
            "conversation": self.conversation_webhook(message.conversation), "created_at": iso(message.created_ms), "id": message.id,
            "inbox": self.inbox_brief(conversation.inbox), "message_type": message.direction.as_str(), "private": message.private,
            "sender": self.sender_webhook(message.sender), "source_id": message.source_id,
        });
        if message.has_attachments() {
            body["attachments"] = self.attachments(message);
        }
        body["event"] = json!(event);
        body
    }

    /// The message as nested in a conversation.
    fn message_push(&self, message: &Message) -> Value {
        let conversation = &self.conversations[message.conversation];
        let (sender_type, sender_id) = match message.sender {
            Sender::User(id) => (json!("User"), json!(id)),
            Sender::Contact(id) => (json!("Contact"), json!(id)),
            Sender::Nobody => (Value::Null, Value::Null),
        };
        let source = &self.contact_inboxes[conversation.contact_inbox].source_id;
        let mut body = json!({
            "id": message.id, "content": message.content, "account_id": conversation.account, "inbox_id": conversation.inbox,
            "conversation_id": conversation.display, "message_type": message.direction.code(), "created_at": message.created_ms / 1000,
            "updated_at": iso(message.updated_ms), "private": message.private, "status": message.status, "source_id": message.source_id,
            "content_type": message.content_type, "content_attributes": message.content_attributes, "sender_type": sender_type,
            "sender_id": sender_id, "external_source_ids": {}, "additional_attributes": {}, "processed_message_content": message.content,
            "sentiment": {},
            "conversation": {
                "assignee_id": conversation.assignee, "unread_count": conversation.unread.min(10),
                "last_activity_at": conversation.last_activity_ms / 1000, "contact_inbox": {"source_id": source},
            },
        });
        self.add_parts(message, &mut body);
        body
    }

    /// The message as REST shows it.
    pub(super) fn message_rest(&self, index: usize) -> Value {
        let message = &self.messages[index];
        let conversation = &self.conversations[message.conversation];
        let mut body = json!({
            "id": message.id, "content": message.content, "inbox_id": conversation.inbox, "conversation_id": conversation.display,
            "message_type": message.direction.code(), "content_type": message.content_type, "status": message.status,
            "content_attributes": message.content_attributes, "created_at": message.created_ms / 1000, "private": message.private,
            "source_id": message.source_id,
        });
        self.add_parts(message, &mut body);
        body
    }

    fn add_parts(&self, message: &Message, body: &mut Value) {
        if message.has_attachments() {
            body["attachments"] = self.attachments(message);
        }
        match message.sender {
            Sender::User(id) => body["sender"] = self.user_push(id),
            Sender::Contact(id) => body["sender"] = self.contact_push(id),
            Sender::Nobody => {}
        }
    }

    fn attachments(&self, message: &Message) -> Value {
        let account = self.conversations[message.conversation].account;
        let files = message.attachments.iter().map(|attachment| self.attachment(attachment, message.id, account));
        let cards = (1u64..).zip(&message.cards).map(|(number, card)| {
            let mut card = card.clone();
            card["id"] = json!(message.id * 1000 + number);
            card["message_id"] = json!(message.id);
            card["account_id"] = json!(account);
            card
        });
        files.chain(cards).collect()
    }

    fn attachment(&self, attachment: &Attachment, message_id: u64, account: u64) -> Value {
        let name: String =
            url::form_urlencoded::byte_serialize(attachment.name.as_bytes()).collect::<String>().replace('+', "%20");
        let url = format!("{}/rails/active_storage/blobs/redirect/{}/{name}", self.frontend, attachment.blob);
        let is_audio = attachment.file_type == "audio";
        let thumb = if attachment.file_type == "image" {
            format!("{}/rails/active_storage/representations/redirect/{}/x/{name}", self.frontend, attachment.blob)
        } else {
            String::new()
        };
        let mut body = json!({
            "id": attachment.id, "message_id": message_id, "file_type": attachment.file_type, "account_id": account,
            "extension": attachment.name.rsplit_once('.').map(|(_, extension)| extension), "content_type": attachment.mime,
            "data_url": if is_audio { format!("{url}?disposition=inline") } else { url }, "thumb_url": thumb, "file_size": attachment.size,
            "width": null, "height": null,
        });
        if is_audio {
            body["transcribed_text"] = json!("");
        }
        body
    }

    /// The conversation in webhooks. `messages` holds the newest public message of this moment, whatever the event was about.
    pub(super) fn conversation_webhook(&self, index: usize) -> Value {
        let conversation = &self.conversations[index];
        let link = &self.contact_inboxes[conversation.contact_inbox];
        let newest = self.newest_public(conversation).map(|message| self.message_push(message));
        json!({
            "additional_attributes": conversation.additional_attributes, "can_reply": true, "channel": "Channel::Api",
            "contact_inbox": {
                "id": link.id, "contact_id": link.contact, "inbox_id": link.inbox, "source_id": link.source_id,
                "created_at": iso(link.created_ms), "updated_at": iso(link.created_ms), "hmac_verified": false, "pubsub_token": link.pubsub_token,
            },
            "id": conversation.display, "inbox_id": conversation.inbox, "messages": newest.into_iter().collect::<Vec<_>>(),
            "labels": conversation.labels,
            "meta": {
                "sender": self.contact_push(conversation.contact), "assignee": conversation.assignee.map(|id| self.user_push(id)),
                "assignee_type": conversation.assignee.map(|_| "User"), "team": null, "hmac_verified": false,
            },
            "status": conversation.status, "custom_attributes": conversation.custom_attributes, "snoozed_until": null,
            "unread_count": conversation.unread.min(10), "first_reply_created_at": conversation.first_reply_ms.map(iso), "priority": null,
            "waiting_since": conversation.waiting_since_ms / 1000, "agent_last_seen_at": conversation.agent_last_seen_ms / 1000,
            "contact_last_seen_at": conversation.contact_last_seen_ms / 1000, "last_activity_at": conversation.last_activity_ms / 1000,
            "timestamp": conversation.last_activity_ms / 1000, "created_at": conversation.created_ms / 1000,
            "updated_at": float_seconds(conversation.updated_ms), "account": self.account_brief(conversation.account),
        })
    }

    fn newest_public(&self, conversation: &Conversation) -> Option<&Message> {
        let newest_first = conversation.messages.iter().rev().map(|index| &self.messages[*index]);
        newest_first.into_iter().find(|message| message.direction != Direction::Activity && !message.private)
    }

    /// The conversation as REST shows it: no source id but the one inside `messages`.
    pub(super) fn conversation_rest(&self, index: usize) -> Value {
        let conversation = &self.conversations[index];
        let last = conversation.messages.last().map(|index| self.message_push(&self.messages[*index]));
        let mut meta = json!({
            "sender": self.contacts.get(&conversation.contact).map(contact_plain), "channel": "Channel::Api", "hmac_verified": false,
        });
        if let Some(assignee) = conversation.assignee {
            meta["assignee"] = self.user_push(assignee);
            meta["assignee_type"] = json!("User");
        }
        json!({
            "meta": meta, "id": conversation.display, "messages": last.into_iter().collect::<Vec<_>>(), "account_id": conversation.account,
            "uuid": conversation.uuid, "additional_attributes": conversation.additional_attributes,
            "agent_last_seen_at": conversation.agent_last_seen_ms / 1000, "assignee_last_seen_at": 0, "can_reply": true,
            "contact_last_seen_at": conversation.contact_last_seen_ms / 1000, "custom_attributes": conversation.custom_attributes,
            "inbox_id": conversation.inbox, "labels": conversation.labels, "muted": false, "snoozed_until": null, "status": conversation.status,
            "created_at": conversation.created_ms / 1000, "updated_at": float_seconds(conversation.updated_ms),
            "timestamp": conversation.last_activity_ms / 1000, "first_reply_created_at": conversation.first_reply_ms.unwrap_or(0) / 1000,
            "unread_count": conversation.unread.min(10), "last_non_activity_message": self.newest_public(conversation).map(|message| self.message_push(message)),
            "last_activity_at": conversation.last_activity_ms / 1000, "priority": null, "waiting_since": conversation.waiting_since_ms / 1000,
            "sla_policy_id": null,
        })
    }

    /// The contact as contact endpoints show it.
    pub(super) fn contact_rest(&self, id: u64) -> Value {
        let Some(contact) = self.contacts.get(&id) else {
            return Value::Null;
        };
        let mut body = contact_plain(contact);
        let links = self.links_of.get(&id).into_iter().flatten().map(|index| &self.contact_inboxes[*index]);
        body["contact_inboxes"] =
            links.map(|link| json!({"source_id": link.source_id, "inbox": self.inbox_slim(link.inbox)})).collect();
        body
    }

    pub(super) fn contact_push(&self, id: u64) -> Value {
        let Some(contact) = self.contacts.get(&id) else {
            return Value::Null;
        };
        let mut body = contact_common(contact);
        body.insert("type".to_owned(), json!("contact"));
        Value::Object(body)
    }

    fn sender_webhook(&self, sender: Sender) -> Value {
        match sender {
            Sender::Nobody => Value::Null,
            Sender::User(id) => self.users.get(&id).map_or(Value::Null, User::webhook),
            Sender::Contact(id) => {
                let Some(contact) = self.contacts.get(&id) else {
                    return Value::Null;
                };
                let mut body = contact_common(contact);
                body.insert("account".to_owned(), self.account_brief(contact.account));
                body.insert("avatar".to_owned(), json!(contact.avatar.as_deref().unwrap_or_default()));
                Value::Object(body)
            }
        }
    }

    pub(super) fn user_push(&self, id: u64) -> Value {
        let Some(user) = self.users.get(&id) else {
            return Value::Null;
        };
        json!({
            "id": user.id, "name": user.name, "available_name": user.name, "avatar_url": "", "type": "user", "availability_status": "online",
            "thumbnail": "",
        })
    }

    pub(super) fn account_brief(&self, id: u64) -> Value {
        json!({"id": id, "name": self.accounts.get(&id).map(|account| account.name.as_str())})
    }

    fn inbox_brief(&self, id: u64) -> Value {
        json!({"id": id, "name": self.inboxes.get(&id).map(|inbox| inbox.name.as_str())})
    }

    pub(super) fn inbox_slim(&self, id: u64) -> Value {
        let name = self.inboxes.get(&id).map(|inbox| inbox.name.as_str());
        json!({"id": id, "avatar_url": "", "channel_id": id, "name": name, "channel_type": "Channel::Api", "provider": null})
    }
}

impl User {
    pub(super) fn webhook(&self) -> Value {
        json!({"id": self.id, "name": self.name, "email": self.email, "type": "user"})
    }
}

impl Inbox {
    /// The inbox as REST shows it; the secrets are for administrators.
    pub(super) fn rest(&self, with_secrets: bool) -> Value {
        let mut body = json!({
            "id": self.id, "avatar_url": "", "channel_id": self.id, "name": self.name, "channel_type": self.channel,
            "greeting_enabled": false, "greeting_message": null, "enable_auto_assignment": true, "webhook_url": self.webhook_url,
            "lock_to_single_conversation": self.is_locked_to_single, "hmac_mandatory": false, "inbox_identifier": self.identifier,
            "additional_attributes": self.additional_attributes, "callback_webhook_url": null, "provider": null,
        });
        if with_secrets {
            body["secret"] = json!(self.secret);
            body["hmac_token"] = json!(self.hmac_token);
        }
        body
    }
}

fn contact_common(contact: &Contact) -> Map<String, Value> {
    let body = json!({
        "additional_attributes": contact.additional_attributes, "custom_attributes": contact.custom_attributes, "email": contact.email,
        "id": contact.id, "identifier": contact.identifier, "name": contact.name, "phone_number": contact.phone,
        "thumbnail": contact.avatar.as_deref().unwrap_or_default(), "blocked": contact.blocked,
    });
    match body {
        Value::Object(body) => body,
        _ => Map::new(),
    }
}

fn contact_plain(contact: &Contact) -> Value {
    let mut body = contact_common(contact);
    body.insert("availability_status".to_owned(), json!("offline"));
    body.insert("created_at".to_owned(), json!(contact.created_ms / 1000));
    if let Some(last) = contact.last_activity_ms {
        body.insert("last_activity_at".to_owned(), json!(last / 1000));
    }
    Value::Object(body)
}

/// A backslash before a newline is the editor's hard break.
fn without_hard_breaks(content: &str) -> String {
    content.replace("\\\n", "\n").trim_end_matches('\n').to_owned()
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of this millennium fit a double")]
fn float_seconds(ms: i64) -> f64 {
    ms as f64 / 1000.0
}
