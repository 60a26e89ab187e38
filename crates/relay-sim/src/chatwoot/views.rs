//! The ledger: rows as a checker wants to see them.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::state::{Contact, Conversation, Message, State};

/// A message as the ledger knows it.
#[derive(Debug, Clone, Serialize)]
pub struct LedgerMessage {
    /// Message id, also its order.
    pub id: u64,
    /// Account.
    pub account: u64,
    /// Inbox.
    pub inbox: u64,
    /// Display id of the conversation.
    pub conversation: u64,
    /// Contact id.
    pub contact: u64,
    /// Source id of the contact inbox.
    pub contact_source_id: String,
    /// Phone number of the contact.
    pub contact_phone: Option<String>,
    /// `incoming`, `outgoing`, `template`, `activity`.
    pub message_type: String,
    /// Text.
    pub content: Option<String>,
    /// Content type.
    pub content_type: String,
    /// Source id given by the creator.
    pub source_id: Option<String>,
    /// Private note.
    pub private: bool,
    /// `sent`, `delivered`, `read`, `failed`.
    pub status: String,
    /// Why it failed.
    pub external_error: Option<String>,
    /// Files.
    pub attachments: Vec<LedgerAttachment>,
    /// All content attributes.
    pub content_attributes: Map<String, Value>,
    /// Milliseconds since the epoch.
    pub created_ms: i64,
    /// Made through the API, not at the dashboard.
    pub via_api: bool,
}

/// A stored file.
#[derive(Debug, Clone, Serialize)]
pub struct LedgerAttachment {
    /// Attachment id.
    pub id: u64,
    /// File name.
    pub name: String,
    /// Declared type.
    pub mime: String,
    /// Size in bytes.
    pub size: usize,
    /// Hash of the bytes.
    pub sha256: String,
    /// `image`, `audio`, `video`, `file`.
    pub file_type: String,
    /// Created as a voice message.
    pub is_voice: bool,
}

/// A contact with the source ids it is reached by.
#[derive(Debug, Clone, Serialize)]
pub struct LedgerContact {
    /// Contact id.
    pub id: u64,
    /// Account.
    pub account: u64,
    /// Name.
    pub name: String,
    /// Phone number with `+`.
    pub phone: Option<String>,
    /// Identifier.
    pub identifier: Option<String>,
    /// URL of the avatar, or `avatar:<file name>` when one was uploaded.
    pub avatar: Option<String>,
    /// Inbox and source id of each contact inbox.
    pub source_ids: Vec<(u64, String)>,
}

/// A conversation.
#[derive(Debug, Clone, Serialize)]
pub struct LedgerConversation {
    /// Account.
    pub account: u64,
    /// Display id, unique within the account only.
    pub id: u64,
    /// Inbox.
    pub inbox: u64,
    /// Contact id.
    pub contact: u64,
    /// Source id of its contact inbox.
    pub source_id: String,
    /// `open`, `resolved`, `pending`, `snoozed`.
    pub status: String,
    /// Its labels, a list.
    pub labels: Value,
    /// Team it is assigned to.
    pub team: Option<u64>,
    /// How many messages it holds.
    pub messages: usize,
    /// When an agent looked last; 0 when never.
    pub agent_last_seen_ms: i64,
}

impl State {
    pub(super) fn ledger_message(&self, message: &Message) -> LedgerMessage {
        let conversation = &self.conversations[message.conversation];
        let attachments = message.attachments.iter().map(|attachment| LedgerAttachment {
            id: attachment.id,
            name: attachment.name.clone(),
            mime: attachment.mime.clone(),
            size: attachment.size,
            sha256: attachment.sha256.clone(),
            file_type: attachment.file_type.to_owned(),
            is_voice: attachment.is_voice,
        });
        LedgerMessage {
            id: message.id,
            account: conversation.account,
            inbox: conversation.inbox,
            conversation: conversation.display,
            contact: conversation.contact,
            contact_source_id: self.contact_inboxes[conversation.contact_inbox].source_id.clone(),
            contact_phone: self.contacts.get(&conversation.contact).and_then(|contact| contact.phone.clone()),
            message_type: message.direction.as_str().to_owned(),
            content: message.content.clone(),
            content_type: message.content_type.clone(),
            source_id: message.source_id.clone(),
            private: message.private,
            status: message.status.clone(),
            external_error: message
                .content_attributes
                .get("external_error")
                .and_then(|error| error.as_str().map(str::to_owned)),
            attachments: attachments.collect(),
            content_attributes: message.content_attributes.clone(),
            created_ms: message.created_ms,
            via_api: message.via_api,
        }
    }

    pub(super) fn ledger_contacts(&self) -> Vec<LedgerContact> {
        let links = |id: u64| {
            let all = self.links_of.get(&id).into_iter().flatten().map(|index| &self.contact_inboxes[*index]);
            all.map(|link| (link.inbox, link.source_id.clone())).collect()
        };
        let entry = |contact: &Contact| LedgerContact {
            id: contact.id,
            account: contact.account,
            name: contact.name.clone(),
            phone: contact.phone.clone(),
            identifier: contact.identifier.clone(),
            avatar: contact.avatar.clone(),
            source_ids: links(contact.id),
        };
        self.contacts.values().map(entry).collect()
    }

    pub(super) fn ledger_conversations(&self) -> Vec<LedgerConversation> {
        let entry = |conversation: &Conversation| LedgerConversation {
            account: conversation.account,
            id: conversation.display,
            inbox: conversation.inbox,
            contact: conversation.contact,
            source_id: self.contact_inboxes[conversation.contact_inbox].source_id.clone(),
            status: conversation.status.clone(),
            labels: conversation.labels.clone(),
            team: conversation.team,
            messages: conversation.messages.len(),
            agent_last_seen_ms: conversation.agent_last_seen_ms,
        };
        self.conversations.iter().filter(|conversation| !conversation.is_deleted).map(entry).collect()
    }

    /// The whole ledger as JSON.
    pub(super) fn ledger(&self) -> Value {
        let messages: Vec<LedgerMessage> = self.messages.iter().map(|message| self.ledger_message(message)).collect();
        json!({"messages": messages, "contacts": self.ledger_contacts(), "conversations": self.ledger_conversations()})
    }
}
