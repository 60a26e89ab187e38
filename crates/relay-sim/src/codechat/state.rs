//! Everything the stand-in remembers, and the options it starts with.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::calls::RejectedCall;
use super::flow::Flowing;
use super::groups::Group;
use super::presence::PresenceShown;
use super::store::MessageStore;
use crate::fault::Control;
use crate::hooks::{HookFaults, Poster};
use crate::ledger::Changes;
use crate::{clock, ids};

/// How a [`FakeCodeChat`](super::FakeCodeChat) starts.
#[derive(Debug, Clone)]
pub struct CodeChatOptions {
    /// Where to listen; port 0 picks a free one.
    pub bind: SocketAddr,
    /// The global API key.
    pub api_key: String,
    /// `DATABASE_SAVE_DATA_NEW_MESSAGE`: without it there are no row ids and nothing to find.
    pub save_messages: bool,
    /// How long after a text send its `append` echo comes.
    pub echo_delay: Duration,
    /// How long `connect` waits before it answers with the QR code (3 s in the original).
    pub connect_wait: Duration,
    /// How long a QR code lives before the next one takes its place; for ever when absent. After five codes the instance refuses to go on.
    pub qr_lifetime: Option<Duration>,
    /// Scans the QR code by itself after this long.
    pub auto_scan: Option<Duration>,
    /// Sends delivery receipts for what the relay sends.
    pub auto_receipts: Option<AutoReceipts>,
    /// A second webhook that gets every event of every instance.
    pub global_webhook: Option<String>,
    /// What goes wrong with webhooks.
    pub hooks: HookFaults,
    /// Most webhooks in flight at once.
    pub max_hooks_in_flight: usize,
}

impl Default for CodeChatOptions {
    fn default() -> Self {
        Self {
            bind: SocketAddr::from(([127, 0, 0, 1], 0)),
            api_key: "sim-global-key".to_owned(),
            save_messages: true,
            echo_delay: Duration::from_millis(100),
            connect_wait: Duration::from_millis(20),
            qr_lifetime: None,
            auto_scan: None,
            auto_receipts: None,
            global_webhook: None,
            hooks: HookFaults::default(),
            max_hooks_in_flight: 256,
        }
    }
}

/// When receipts for a send arrive.
#[derive(Debug, Clone, Copy)]
pub struct AutoReceipts {
    /// `DELIVERY_ACK` this long after the send.
    pub delivered: Duration,
    /// `READ` this long after the send; never when absent.
    pub read: Option<Duration>,
}

/// State of an instance's WhatsApp socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConnectionState {
    /// Connected.
    Open,
    /// Connecting, or showing a QR code.
    Connecting,
    /// Not connected.
    Close,
    /// The QR limit was reached.
    Refused,
}

impl ConnectionState {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Connecting => "connecting",
            Self::Close => "close",
            Self::Refused => "refused",
        }
    }

    /// The status reason that usually goes with it.
    pub(super) fn usual_reason(self) -> u16 {
        match self {
            Self::Open | Self::Connecting => 200,
            Self::Close => 400,
            Self::Refused => 428,
        }
    }
}

/// A message handed to WhatsApp for the relay.
#[derive(Debug, Clone, Serialize)]
pub struct Submission {
    /// Order of submission over all instances.
    pub seq: u64,
    /// Instance name.
    pub instance: String,
    /// JID it went to.
    pub to: String,
    /// WhatsApp id.
    pub message_id: String,
    /// Whether the caller chose that id.
    pub preset_id: bool,
    /// Proto message type, such as `extendedTextMessage`.
    pub kind: String,
    /// Text or caption.
    pub text: Option<String>,
    /// The whole content, as it is on the wire.
    pub content: Value,
    /// The file, for media.
    pub media: Option<MediaRecord>,
    /// Id of the quoted message.
    pub quoted: Option<String>,
    /// Whatever the caller attached.
    pub external_attributes: Value,
    /// Database row.
    pub row_id: u64,
    /// When.
    pub at_ms: i64,
}

/// A file as it went to WhatsApp.
#[derive(Debug, Clone, Serialize)]
pub struct MediaRecord {
    /// Hash of the bytes.
    pub sha256: String,
    /// Mime type announced to the recipient.
    pub mime: String,
    /// Size in bytes.
    pub size: usize,
    /// File name announced, for documents.
    pub file_name: Option<String>,
    /// Where it was fetched from.
    pub url: Option<String>,
    /// Whether it is a voice note.
    pub ptt: bool,
    /// The bytes.
    #[serde(skip)]
    pub bytes: Bytes,
}

/// A message that a customer, or the owner on the phone, sent.
#[derive(Debug, Clone, Serialize)]
pub struct CustomerSent {
    /// Order over all instances.
    pub seq: u64,
    /// Instance name.
    pub instance: String,
    /// WhatsApp id.
    pub key_id: String,
    /// Phone or group JID, absent for LID-only chats.
    pub chat: Option<String>,
    /// LID of the chat.
    pub lid: Option<String>,
    /// Author within a group.
    pub participant: Option<String>,
    /// Typed on the own phone.
    pub from_me: bool,
    /// Proto message type.
    pub kind: String,
    /// Text or caption.
    pub text: Option<String>,
    /// Hash of the file.
    pub media_sha256: Option<String>,
    /// WhatsApp's timestamp in seconds.
    pub timestamp: i64,
    /// Database row.
    pub row_id: u64,
    /// When it was sent.
    pub at_ms: i64,
}

/// A call that marked messages as read.
#[derive(Debug, Clone, Serialize)]
pub struct ReadMark {
    /// Instance name.
    pub instance: String,
    /// Keys that really became read.
    pub key_ids: Vec<String>,
    /// The call had no `messageId` and so marked every message of every instance.
    pub everything: bool,
}

/// A message deleted for everyone.
#[derive(Debug, Clone, Serialize)]
pub struct Revocation {
    /// Instance the call named.
    pub instance: String,
    /// Row that was revoked.
    pub row_id: u64,
    /// Its key.
    pub key_id: String,
}

pub(super) struct Shared {
    pub(super) options: CodeChatOptions,
    state: Mutex<State>,
    pub(super) global_webhook: Mutex<Option<String>>,
    pub(super) control: Arc<Control>,
    pub(super) poster: Arc<Poster>,
    pub(super) changes: Changes,
    pub(super) http: reqwest::Client,
    pub(super) runtime: tokio::runtime::Handle,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("FakeCodeChat").finish_non_exhaustive()
    }
}

impl Shared {
    pub(super) fn new(options: CodeChatOptions) -> Self {
        let client = crate::hooks::client();
        let poster = Poster::new(client.clone(), options.max_hooks_in_flight, None, options.hooks);
        Self {
            global_webhook: Mutex::new(options.global_webhook.clone()),
            options,
            state: Mutex::new(State::default()),
            control: Arc::default(),
            poster: Arc::new(poster),
            changes: Changes::new(),
            http: client,
            runtime: tokio::runtime::Handle::current(),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) instances: BTreeMap<String, Instance>,
    pub(super) tokens: HashMap<String, String>,
    pub(super) not_on_whatsapp: HashSet<String>,
    /// WhatsApp's own spelling of numbers that are asked for in another.
    pub(super) spelled: HashMap<String, String>,
    /// Profile pictures by user part.
    pub(super) pictures: HashMap<String, Bytes>,
    /// Decryptable media by media key.
    pub(super) blobs: HashMap<String, Bytes>,
    /// Files that come in a way of their own, by media key.
    pub(super) flows: HashMap<String, Flowing>,
    /// Media keys whose file WhatsApp no longer serves.
    pub(super) expired: HashSet<String>,
    /// How often each media key was served.
    pub(super) downloads: BTreeMap<String, u64>,
    pub(super) submissions: Vec<Submission>,
    pub(super) customers: Vec<CustomerSent>,
    pub(super) reads: Vec<ReadMark>,
    pub(super) revocations: Vec<Revocation>,
    pub(super) presences: Vec<PresenceShown>,
    /// Chats whose presence is told, by instance.
    pub(super) subscribed: HashSet<(String, String)>,
    pub(super) rejected_calls: Vec<RejectedCall>,
    /// Groups by instance and JID.
    pub(super) groups: BTreeMap<(String, String), Group>,
    last_instance: u64,
    last_row: u64,
}

impl State {
    pub(super) fn next_row(&mut self) -> u64 {
        self.last_row += 1;
        self.last_row
    }

    pub(super) fn create(
        &mut self,
        name: &str,
        description: Option<String>,
        external_attributes: Value,
    ) -> &mut Instance {
        self.last_instance += 1;
        let instance = Instance::new(self.last_instance, name, description, external_attributes);
        self.tokens.insert(instance.token.clone(), name.to_owned());
        self.instances.entry(name.to_owned()).or_insert(instance)
    }

    /// The JID as WhatsApp itself spells it.
    pub(super) fn canonical(&self, jid: String) -> String {
        let spelled = jid.strip_suffix("@s.whatsapp.net").and_then(|digits| self.spelled.get(digits));
        spelled.map_or(jid, |digits| format!("{digits}@s.whatsapp.net"))
    }

    pub(super) fn loaded(&mut self, name: &str) -> Option<&mut Instance> {
        self.instances.get_mut(name).filter(|instance| instance.loaded)
    }
}

#[derive(Debug)]
pub(super) struct Webhook {
    pub(super) id: u64,
    pub(super) url: String,
    pub(super) enabled: bool,
    pub(super) events: Option<Map<String, Value>>,
    pub(super) created_at: String,
    pub(super) updated_at: String,
}

#[derive(Debug)]
pub(super) struct Instance {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) description: Option<String>,
    external_attributes: Value,
    created_at: String,
    updated_at: String,
    /// The stored status, which lags behind the socket.
    pub(super) online: bool,
    pub(super) owner_jid: Option<String>,
    pub(super) token: String,
    /// In memory, or has a session folder.
    pub(super) loaded: bool,
    pub(super) state: ConnectionState,
    pub(super) reason: u16,
    pub(super) qr_count: u32,
    pub(super) webhook: Option<Webhook>,
    pub(super) store: MessageStore,
}

impl Instance {
    fn new(id: u64, name: &str, description: Option<String>, external_attributes: Value) -> Self {
        let now = clock::iso(clock::now_ms());
        Self {
            id,
            name: name.to_owned(),
            description,
            external_attributes,
            created_at: now.clone(),
            updated_at: now,
            online: false,
            owner_jid: None,
            token: format!("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.{}.{}", ids::token(80), ids::token(43)),
            loaded: false,
            state: ConnectionState::Close,
            reason: 400,
            qr_count: 0,
            webhook: None,
            store: MessageStore::default(),
        }
    }

    pub(super) fn set_state(&mut self, state: ConnectionState, reason: u16) {
        self.state = state;
        self.reason = reason;
    }

    /// The `instance` part of every webhook.
    pub(super) fn envelope(&self) -> Value {
        json!({
            "id": self.id, "name": self.name, "description": self.description, "connectionStatus": self.status(),
            "ownerJid": self.owner_jid, "profilePicUrl": self.picture(), "createdAt": self.created_at, "updatedAt": self.updated_at,
            "externalAttributes": self.external_attributes,
        })
    }

    pub(super) fn created(&self) -> Value {
        json!({
            "id": self.id, "name": self.name, "description": self.description, "createdAt": self.created_at, "updatedAt": self.updated_at,
            "Auth": {"id": self.id, "token": self.token},
        })
    }

    /// One entry of `fetchInstances`.
    pub(super) fn listing(&self) -> Value {
        let mut row = self.envelope();
        row["Auth"] = json!({"id": self.id, "token": self.token, "createdAt": self.created_at, "updatedAt": self.updated_at, "instanceId": self.id});
        row["Webhook"] = self.webhook.as_ref().map_or(Value::Null, |hook| hook.full(self.id));
        row
    }

    fn status(&self) -> &'static str {
        if self.online { "ONLINE" } else { "OFFLINE" }
    }

    fn picture(&self) -> Option<&'static str> {
        self.owner_jid.as_ref().map(
            |_| "https://pps.whatsapp.net/v/t61.24694-24/000000000_0000000000_n.jpg?ccb=11-4&oh=01_FAKE&oe=00000000",
        )
    }
}
