//! The stored messages of one instance, and `findMessages` over them.
//!
//! Newest timestamp first; rows of one second come in an order that changes from call to call, as the original leaves ties to the database.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};

/// One stored message.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) id: u64,
    pub(super) key_id: String,
    pub(super) from_me: bool,
    pub(super) remote_jid: Option<String>,
    pub(super) lid: Option<String>,
    pub(super) participant: Option<String>,
    pub(super) participant_lid: Option<String>,
    pub(super) push_name: Option<String>,
    pub(super) message_type: String,
    pub(super) content: Value,
    pub(super) timestamp: i64,
    pub(super) device: &'static str,
    pub(super) is_group: bool,
    pub(super) updates: Vec<(String, String)>,
}

impl Row {
    /// A record of `findMessages`: no LID, no group flag, so LID-only chats cannot be told.
    fn record(&self, instance_id: u64) -> Value {
        let updates: Vec<Value> =
            self.updates.iter().map(|(status, at)| json!({"status": status, "dateTime": at})).collect();
        json!({
            "id": self.id, "keyId": self.key_id, "keyFromMe": self.from_me, "keyRemoteJid": self.remote_jid,
            "keyParticipant": self.participant, "pushName": self.push_name, "messageType": self.message_type, "content": self.content,
            "messageTimestamp": self.timestamp, "instanceId": instance_id, "device": self.device, "MessageUpdate": updates,
        })
    }

    /// The row as the delete endpoints answer it.
    pub(super) fn full(&self, instance_id: u64) -> Value {
        json!({
            "id": self.id, "keyId": self.key_id, "keyRemoteJid": self.remote_jid, "keyLid": self.lid, "keyFromMe": self.from_me,
            "keyParticipant": self.participant, "keyParticipantLid": self.participant_lid, "pushName": self.push_name,
            "messageType": self.message_type, "content": self.content, "messageTimestamp": self.timestamp, "device": self.device,
            "isGroup": self.is_group, "instanceId": instance_id,
        })
    }

    /// JID that delivery updates name.
    pub(super) fn address(&self) -> String {
        self.remote_jid.clone().or_else(|| self.lid.clone()).unwrap_or_default()
    }
}

#[derive(Debug, Default)]
pub(super) struct MessageStore {
    rows: Vec<Row>,
    by_id: HashMap<u64, usize>,
    by_key: HashMap<String, Vec<usize>>,
    by_time: BTreeMap<i64, Vec<usize>>,
}

impl MessageStore {
    pub(super) fn push(&mut self, row: Row) {
        let index = self.rows.len();
        self.by_id.insert(row.id, index);
        self.by_key.entry(row.key_id.clone()).or_default().push(index);
        self.by_time.entry(row.timestamp).or_default().push(index);
        self.rows.push(row);
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn by_id(&self, id: u64) -> Option<&Row> {
        self.by_id.get(&id).map(|index| &self.rows[*index])
    }

    pub(super) fn by_key(&self, key: &str) -> Option<&Row> {
        self.by_key.get(key).and_then(|all| all.first()).map(|index| &self.rows[*index])
    }

    pub(super) fn note_update(&mut self, key: &str, status: &str, at: &str) {
        for index in self.by_key.get(key).into_iter().flatten() {
            self.rows[*index].updates.push((status.to_owned(), at.to_owned()));
        }
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.by_key.keys().map(String::as_str)
    }

    /// One page. `page` counts from 1, `size` is what the API calls `offset`.
    pub(super) fn find(&self, instance_id: u64, filter: &Filter, page: i64, size: i64) -> Value {
        let seed = fastrand::u64(..) | 1;
        let (total, picked) =
            if filter.is_empty() { self.newest(page, size, seed) } else { self.filtered(filter, page, size, seed) };
        let records: Vec<Value> = picked.into_iter().map(|index| self.rows[index].record(instance_id)).collect();
        let count = i64::try_from(total).unwrap_or(i64::MAX);
        let pages = match size {
            0 => 0,
            1.. => (count + size - 1) / size,
            _ => count / size,
        };
        json!({"messages": {"total": total, "pages": pages, "currentPage": page, "records": records}})
    }

    fn newest(&self, page: i64, size: i64, seed: u64) -> (usize, Vec<usize>) {
        let (mut skip, take) = window(page, size);
        let mut picked = Vec::new();
        for group in self.by_time.values().rev() {
            if picked.len() >= take {
                break;
            }
            if skip >= group.len() {
                skip -= group.len();
                continue;
            }
            let mut group = group.clone();
            group.sort_by_key(|index| shuffle(*index, seed));
            picked.extend(group.into_iter().skip(skip).take(take - picked.len()));
            skip = 0;
        }
        (self.rows.len(), picked)
    }

    fn filtered(&self, filter: &Filter, page: i64, size: i64, seed: u64) -> (usize, Vec<usize>) {
        let mut matching: Vec<usize> = match &filter.key_id {
            Some(key) => self
                .by_key
                .get(key)
                .into_iter()
                .flatten()
                .copied()
                .filter(|index| filter.matches(&self.rows[*index]))
                .collect(),
            None => (0..self.rows.len()).filter(|index| filter.matches(&self.rows[*index])).collect(),
        };
        matching.sort_by_key(|index| (std::cmp::Reverse(self.rows[*index].timestamp), shuffle(*index, seed)));
        let total = matching.len();
        let (skip, take) = window(page, size);
        (total, matching.into_iter().skip(skip).take(take).collect())
    }
}

fn window(page: i64, size: i64) -> (usize, usize) {
    let take = usize::try_from(size.unsigned_abs()).unwrap_or(usize::MAX);
    let before = usize::try_from(page.max(1) - 1).unwrap_or(0);
    (before.saturating_mul(take), take)
}

fn shuffle(index: usize, seed: u64) -> u64 {
    (index as u64 ^ seed).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(23)
}

/// The `where` keys that count; all others are ignored without a word.
#[derive(Debug, Default)]
pub(super) struct Filter {
    pub(super) id: Option<u64>,
    pub(super) key_id: Option<String>,
    pub(super) from_me: Option<bool>,
    pub(super) remote_jid: Option<String>,
    pub(super) device: Option<String>,
    pub(super) message_type: Option<String>,
    pub(super) status: Option<String>,
}

impl Filter {
    pub(super) fn parse(query: &Value) -> Self {
        let text = |key: &str| query[key].as_str().map(str::to_owned);
        Self {
            id: query["id"].as_u64(),
            key_id: text("keyId"),
            from_me: query["keyFromMe"].as_bool(),
            remote_jid: text("keyRemoteJid"),
            device: text("device"),
            message_type: text("messageType"),
            status: text("messageStatus"),
        }
    }

    fn is_empty(&self) -> bool {
        let Self { id, key_id, from_me, remote_jid, device, message_type, status } = self;
        id.is_none()
            && key_id.is_none()
            && from_me.is_none()
            && remote_jid.is_none()
            && device.is_none()
            && message_type.is_none()
            && status.is_none()
    }

    fn matches(&self, row: &Row) -> bool {
        self.id.is_none_or(|id| row.id == id)
            && self.key_id.as_ref().is_none_or(|key| row.key_id == *key)
            && self.from_me.is_none_or(|from_me| row.from_me == from_me)
            && self.remote_jid.as_ref().is_none_or(|jid| row.remote_jid.as_ref() == Some(jid))
            && self.device.as_ref().is_none_or(|device| row.device == device)
            && self.message_type.as_ref().is_none_or(|kind| row.message_type == *kind)
            && self.status.as_ref().is_none_or(|status| row.updates.iter().any(|(seen, _)| seen == status))
    }
}
