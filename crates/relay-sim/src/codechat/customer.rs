//! The people on the other side: what they send, edit, delete and read, and what the owner types on the own phone.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::content::download_path;
use super::kinds::{Content, Kind, content_of};
use super::state::{CustomerSent, Instance, Shared, State};
use super::store::Row;
use super::webhooks;
use crate::ledger::sha256_hex;
use crate::{clock, ids};

/// Where a message is sent.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Chat {
    /// A person known by phone number; the digits, without `+`. The LID is derived from it.
    Phone(String),
    /// A person with an explicit LID (its digits).
    PhoneAndLid(String, String),
    /// A person of whom only the LID is known: no `keyRemoteJid`.
    LidOnly(String),
    /// A group: its digits (or full JID), and the author's phone number.
    Group(String, String),
    /// A group: its digits, and the LID (its digits) of an author who is known by nothing else.
    GroupByLid(String, String),
    /// Something else that is no person's chat, by full JID: `status@broadcast`, a broadcast list or a channel, and its author's phone
    /// number, which a channel does not have.
    Feed(String, Option<String>),
}

/// A message from a customer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CustomerMessage {
    /// Chat it goes to.
    pub chat: Chat,
    /// Display name of the author.
    #[serde(default)]
    pub push_name: Option<String>,
    /// Content.
    pub kind: Kind,
    /// Id of the quoted message.
    #[serde(default)]
    pub quote: Option<String>,
    /// WhatsApp's timestamp in seconds; now when absent.
    #[serde(default)]
    pub timestamp: Option<i64>,
    /// WhatsApp id; a fresh one when absent. A known one is delivered again, as the library sometimes does.
    #[serde(default)]
    pub key_id: Option<String>,
    /// Delivered while the instance was offline: `append` instead of `notify`.
    #[serde(default)]
    pub offline: bool,
}

impl CustomerMessage {
    /// A message of `kind` from the person with this phone number.
    pub fn new(phone: impl Into<String>, kind: Kind) -> Self {
        Self {
            chat: Chat::Phone(phone.into()),
            push_name: Some("Ana Souza".to_owned()),
            kind,
            quote: None,
            timestamp: None,
            key_id: None,
            offline: false,
        }
    }

    /// A text from the person with this phone number.
    pub fn text(phone: impl Into<String>, text: impl Into<String>) -> Self {
        Self::new(phone, Kind::Text(text.into()))
    }
}

/// Stores the message, enters it in the ledger, tells the receiver. Returns the key, or nothing when there is no such instance.
pub(super) fn deliver(
    shared: &Arc<Shared>,
    instance: &str,
    message: &CustomerMessage,
    from_me: bool,
) -> Option<String> {
    let content = content_of(&message.kind);
    let (key_id, post) = {
        let mut guard = shared.lock();
        let state = &mut *guard;
        let id = state.next_row();
        let mut row = row_of(state.instances.get(instance)?, message, &content, from_me, id);
        add_context(state.instances.get(instance)?, message.quote.as_deref(), &mut row);
        state.customers.push(ledger_entry(state.customers.len(), instance, &row, &content));
        if let Some((key, bytes)) = content.blob {
            state.blobs.insert(key, bytes);
        }
        let found = state.instances.get_mut(instance)?;
        let data = upsert_data(
            found.id,
            &row,
            if message.offline { "append" } else { "notify" },
            shared.options.save_messages,
        );
        let post =
            webhooks::prepare(shared, found, "messages.upsert", format!("messages.upsert:{}", row.key_id), &data);
        let key_id = row.key_id.clone();
        if shared.options.save_messages {
            found.store.push(row);
        }
        (key_id, post)
    };
    webhooks::fire(shared, post);
    shared.changes.bump();
    Some(key_id)
}

fn row_of(instance: &Instance, message: &CustomerMessage, content: &Content, from_me: bool, id: u64) -> Row {
    let person = |phone: &str| Some(format!("{phone}@s.whatsapp.net"));
    let derived = |phone: &str| Some(format!("2{phone}@lid"));
    let (remote_jid, lid, participant, participant_lid) = match &message.chat {
        Chat::Phone(phone) => (person(phone), derived(phone), None, None),
        Chat::PhoneAndLid(phone, lid) => (person(phone), Some(format!("{lid}@lid")), None, None),
        Chat::LidOnly(lid) => (None, Some(format!("{lid}@lid")), None, None),
        Chat::Group(group, author) => {
            let jid = if group.contains('@') { group.clone() } else { format!("{group}@g.us") };
            // Old group ids with a dash lose their JID.
            (Some(jid).filter(|jid| !jid.contains('-')), None, person(author), derived(author))
        }
        Chat::GroupByLid(group, author) => (Some(format!("{group}@g.us")), None, None, Some(format!("{author}@lid"))),
        // the author's LID stands where a chat's would
        Chat::Feed(jid, author) => {
            let author = author.as_deref();
            (Some(jid.clone()), author.and_then(derived), author.and_then(person), None)
        }
    };
    let push_name = if from_me { Some(format!("{} (phone)", instance.name)) } else { message.push_name.clone() };
    Row {
        id,
        key_id: message.key_id.clone().unwrap_or_else(ids::phone_key),
        from_me,
        remote_jid,
        lid,
        participant,
        participant_lid,
        push_name,
        message_type: content.kind.clone(),
        content: content.value.clone(),
        timestamp: message.timestamp.unwrap_or_else(clock::now_s),
        device: "ios",
        is_group: matches!(message.chat, Chat::Group(..) | Chat::GroupByLid(..)),
        updates: Vec::new(),
    }
}

/// Puts the quote where this kind carries it. A quoted plain text turns into an extended one, as phones do.
fn add_context(instance: &Instance, quote: Option<&str>, row: &mut Row) {
    let Some(quote) = quote else { return };
    let quoted = instance.store.by_key(quote);
    let owner = instance.owner_jid.clone().unwrap_or_default();
    let author = quoted.map_or_else(String::new, |row| {
        if row.from_me { owner } else { row.participant.clone().unwrap_or_else(|| row.address()) }
    });
    let original = quoted.map_or_else(
        || json!({}),
        |row| match row.content["text"].as_str() {
            Some(text) if row.message_type == "conversation" => json!({"conversation": text}),
            _ => json!({(row.message_type.as_str()): row.content}),
        },
    );
    if row.message_type == "conversation" {
        "extendedTextMessage".clone_into(&mut row.message_type);
    }
    row.content["contextInfo"] = json!({"stanzaId": quote, "participant": author, "quotedMessage": original});
}

fn ledger_entry(before: usize, instance: &str, row: &Row, content: &Content) -> CustomerSent {
    CustomerSent {
        seq: before as u64 + 1,
        instance: instance.to_owned(),
        key_id: row.key_id.clone(),
        chat: row.remote_jid.clone(),
        lid: row.lid.clone(),
        participant: row.participant.clone(),
        from_me: row.from_me,
        kind: row.message_type.clone(),
        text: content.text.clone(),
        media_sha256: content.blob.as_ref().map(|(_, bytes)| sha256_hex(bytes)),
        timestamp: row.timestamp,
        row_id: row.id,
        at_ms: clock::now_ms(),
    }
}

fn upsert_data(instance_id: u64, row: &Row, info: &str, saved: bool) -> Value {
    let mut data = json!({
        "keyId": row.key_id, "keyFromMe": row.from_me, "pushName": row.push_name, "messageType": row.message_type, "content": row.content,
        "messageTimestamp": row.timestamp, "instanceId": instance_id, "device": row.device, "isGroup": row.is_group, "info": {"type": info},
    });
    let optional = [
        ("keyRemoteJid", &row.remote_jid),
        ("keyLid", &row.lid),
        ("keyParticipant", &row.participant),
        ("keyParticipantLid", &row.participant_lid),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            data[name] = json!(value);
        }
    }
    if row.push_name.is_none() {
        data.as_object_mut().and_then(|data| data.remove("pushName"));
    }
    if saved {
        data["id"] = json!(row.id);
    }
    if let Some(path) = download_path(&row.message_type, &row.content) {
        data["media"] = json!({"path": path});
    }
    data
}

/// An edit or a deletion: a statusless update, then a protocol message with a number for its type.
pub(super) fn change(shared: &Arc<Shared>, instance: &str, key_id: &str, edited: Option<&str>) -> Option<String> {
    let (chat, from_me, update) = {
        let state = shared.lock();
        let found = state.instances.get(instance)?;
        let row = found.store.by_key(key_id)?;
        let update = json!({"remoteJid": row.address(), "fromMe": row.from_me, "id": key_id, "participant": "", "addressingMode": "pn",
            "dateTime": clock::iso(clock::now_ms()), "instanceId": found.id});
        (
            chat_of(row),
            row.from_me,
            webhooks::prepare(shared, found, "messages.update", format!("messages.update:{key_id}:changed"), &update),
        )
    };
    webhooks::fire(shared, update);
    let key = json!({"id": key_id, "fromMe": from_me});
    let content = match edited {
        Some(text) => {
            json!({"key": key, "type": 14, "editedMessage": {"conversation": text}, "timestampMs": clock::now_ms().to_string()})
        }
        None => json!({"key": key, "type": 0}),
    };
    let kind = Kind::Raw("protocolMessage".to_owned(), content);
    let message =
        CustomerMessage { chat, push_name: None, kind, quote: None, timestamp: None, key_id: None, offline: false };
    deliver(shared, instance, &message, from_me)
}

fn chat_of(row: &Row) -> Chat {
    let user =
        |jid: &Option<String>| jid.as_deref().unwrap_or_default().split('@').next().unwrap_or_default().to_owned();
    if row.is_group {
        return Chat::Group(row.remote_jid.clone().unwrap_or_default(), user(&row.participant));
    }
    match (&row.remote_jid, &row.lid) {
        (Some(_), None) => Chat::Phone(user(&row.remote_jid)),
        (Some(_), Some(_)) => Chat::PhoneAndLid(user(&row.remote_jid), user(&row.lid)),
        (None, _) => Chat::LidOnly(user(&row.lid)),
    }
}

/// A receipt for a message that the relay or the owner sent. `address` replaces the JID, as receipts often name the LID.
pub(super) fn receipt(shared: &Arc<Shared>, instance: &str, key_id: &str, status: &str, address: Option<&str>) -> bool {
    let post = {
        let mut guard = shared.lock();
        let state: &mut State = &mut guard;
        let Some(found) = state.instances.get_mut(instance) else {
            return false;
        };
        let at = clock::iso(clock::now_ms());
        let row = found.store.by_key(key_id);
        // Receipts of groups are never reported.
        if row.is_some_and(|row| row.is_group) {
            return false;
        }
        let stored = row.map(Row::address).unwrap_or_default();
        let from_me = row.is_none_or(|row| row.from_me);
        found.store.note_update(key_id, status, &at);
        let data = json!({"remoteJid": address.unwrap_or(&stored), "id": key_id, "fromMe": from_me, "status": status, "dateTime": at, "instanceId": found.id});
        webhooks::prepare(shared, found, "messages.update", format!("messages.update:{key_id}:{status}"), &data)
    };
    webhooks::fire(shared, post);
    shared.changes.bump();
    true
}

/// Receipts that come by themselves, when the options ask for them.
pub(super) fn auto_receipts(shared: &Arc<Shared>, instance: &str, key_id: &str) {
    let Some(receipts) = shared.options.auto_receipts else {
        return;
    };
    let planned = [(Some(receipts.delivered), "DELIVERY_ACK"), (receipts.read, "READ")];
    for (delay, status) in planned {
        let Some(delay) = delay else { continue };
        let (shared, instance, key_id) = (Arc::clone(shared), instance.to_owned(), key_id.to_owned());
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            receipt(&shared, &instance, &key_id, status, None);
        });
    }
}
