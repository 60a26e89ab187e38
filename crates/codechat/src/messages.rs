//! Looking for stored messages, to fill gaps that webhooks have left.
//!
//! Rows come newest first and those of one second in no order; a page shifts when messages arrive; a text sent
//! through the API is stored twice. Chats known by their LID alone come without any address.

use std::fmt;

use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::client::Client;
use crate::error::Error;
use crate::update::Status;
use crate::upsert::Upsert;
use crate::wire::{self, Missing, need};

/// Which messages to look for. What is not given is not asked.
#[derive(Clone, PartialEq, Eq)]
pub struct FindMessages {
    /// Id on WhatsApp.
    pub key_id: Option<String>,
    /// Full JID of the chat.
    pub remote_jid: Option<String>,
    /// Whether they are ours.
    pub from_me: Option<bool>,
    /// Page, from 1.
    pub page: u32,
    /// Messages on a page.
    pub page_size: u32,
}

impl Default for FindMessages {
    fn default() -> Self {
        Self { key_id: None, remote_jid: None, from_me: None, page: 1, page_size: 50 }
    }
}

impl fmt::Debug for FindMessages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FindMessages")
            .field("key_id", &self.key_id)
            .field("page", &self.page)
            .field("page_size", &self.page_size)
            .finish_non_exhaustive()
    }
}

/// A page of stored messages.
#[derive(Clone, Debug)]
pub struct MessagePage {
    /// Messages on all pages.
    pub total: i64,
    /// Number of pages.
    pub pages: i64,
    /// This page, from 1.
    pub current_page: i64,
    /// The messages.
    pub records: Vec<Record>,
    /// Rows that could not be read as messages; they do not stop the reading of the others.
    pub unreadable: usize,
}

/// A stored message.
#[derive(Clone)]
pub struct Record {
    /// The message; it never has a LID, `info` or external attributes.
    pub message: Upsert,
    /// Its updates so far, in no order.
    pub updates: Vec<RecordUpdate>,
    /// The row as it came.
    row: Map<String, Value>,
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record").field("message", &self.message).field("updates", &self.updates).finish_non_exhaustive()
    }
}

/// A stored update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordUpdate {
    /// The status. The server stores changes of content and failures as [`Status::DeliveryAck`] too.
    pub status: Option<Status>,
    /// When, in ISO 8601.
    pub date_time: Option<String>,
}

impl Client {
    /// Looks for stored messages. The server must store them, and the instance must be loaded.
    pub async fn find_messages(&self, name: &str, find: &FindMessages) -> Result<MessagePage, Error> {
        let call = self.call("find_messages", Method::POST, &["chat", "findMessages", name]);
        call.json(&find.body()).read(MessagePage::read).await
    }
}

impl FindMessages {
    fn body(&self) -> Value {
        let fields = [
            self.key_id.as_ref().map(|id| ("keyId", Value::from(id.as_str()))),
            self.remote_jid.as_ref().map(|jid| ("keyRemoteJid", Value::from(jid.as_str()))),
            self.from_me.map(|from_me| ("keyFromMe", Value::from(from_me))),
        ];
        let filter: Map<String, Value> =
            fields.into_iter().flatten().map(|(key, value)| (key.to_owned(), value)).collect();
        // `offset` is how the server calls the size of a page.
        json!({ "where": filter, "page": self.page.max(1), "offset": self.page_size.max(1) })
    }
}

impl MessagePage {
    fn read(value: &Value) -> Result<Self, Missing> {
        let page = value.get("messages").unwrap_or(value);
        let rows = need(page.get("records").and_then(Value::as_array), "messages.records")?;
        let records: Vec<Record> = rows.iter().filter_map(Record::read).collect();
        Ok(Self {
            total: need(wire::int(page, "total"), "messages.total")?,
            pages: need(wire::int(page, "pages"), "messages.pages")?,
            current_page: wire::int(page, "currentPage").unwrap_or(1),
            unreadable: rows.len() - records.len(),
            records,
        })
    }
}

impl Record {
    fn read(value: &Value) -> Option<Self> {
        let message = Upsert::from_value(value).ok()?;
        let updates = value.get("MessageUpdate").and_then(Value::as_array);
        let updates = updates.into_iter().flatten().map(RecordUpdate::read).collect();
        Some(Self { message, updates, row: value.as_object()?.clone() })
    }

    /// The webhook that would have told of the message, of the instance `name`: what the row lacks it lacks as well. It counts
    /// as told after the server was away.
    pub fn to_webhook(&self, name: &str) -> Vec<u8> {
        let mut data = self.row.clone();
        data.remove("MessageUpdate");
        data.insert("info".to_owned(), json!({ "type": "append" }));
        json!({ "event": "messages.upsert", "instance": { "name": name }, "data": data }).to_string().into_bytes()
    }

    /// The webhook that tells the message as it is stored, with the names of its chat and author, and the way it came, as `told`.
    pub fn to_webhook_with(&self, name: &str, told: &Value) -> Vec<u8> {
        let mut data = self.row.clone();
        data.remove("MessageUpdate");
        for field in ["keyLid", "keyParticipantLid", "isGroup", "info"] {
            if let Some(value) = told.get(field) {
                data.insert(field.to_owned(), value.clone());
            }
        }
        json!({ "event": "messages.upsert", "instance": { "name": name }, "data": data }).to_string().into_bytes()
    }

    /// The webhook that would have told that our message was read, when it was. No other update is kept as it was told.
    pub fn read_webhook(&self, name: &str) -> Option<Vec<u8>> {
        let is_read = |update: &&RecordUpdate| matches!(update.status, Some(Status::Read | Status::Played));
        let update = self.updates.iter().find(is_read).filter(|_| self.message.from_me)?;
        let data = json!({
            "id": self.message.key_id, "fromMe": true, "remoteJid": self.message.remote_jid, "status": "READ",
            "dateTime": update.date_time,
        });
        let body = json!({ "event": "messages.update", "instance": { "name": name }, "data": data });
        Some(body.to_string().into_bytes())
    }
}

impl RecordUpdate {
    fn read(value: &Value) -> Self {
        Self { status: value.get("status").and_then(Status::from_value), date_time: wire::text(value, "dateTime") }
    }
}
