//! Everything the stand-in remembers, and the options it starts with.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::error::{ApiError, ApiResult};
use crate::fault::Control;
use crate::hooks::{HookFaults, Poster};
use crate::ledger::Changes;

/// How a [`FakeChatwoot`](super::FakeChatwoot) starts.
#[derive(Debug, Clone)]
pub struct ChatwootOptions {
    /// Where to listen; port 0 picks a free one.
    pub bind: SocketAddr,
    /// What `GET /api` says.
    pub version: String,
    /// Most messages per conversation and minute; `None` switches the wall off.
    pub message_wall: Option<usize>,
    /// Most contact searches per account and minute; `None` switches the wall off.
    pub search_wall: Option<usize>,
    /// How long a fresh attachment cannot be fetched.
    pub blob_delay: BlobDelay,
    /// What goes wrong with webhooks.
    pub hooks: HookFaults,
    /// Workers that post webhooks.
    pub hook_workers: usize,
    /// How long a worker waits for an answer.
    pub hook_timeout: Duration,
    /// Origin of attachment URLs; the stand-in's own address when absent.
    pub frontend_url: Option<String>,
    /// Time between checking that something is unique and inserting it.
    pub race_window: Duration,
}

impl Default for ChatwootOptions {
    fn default() -> Self {
        Self {
            bind: SocketAddr::from(([127, 0, 0, 1], 0)),
            version: "4.16.2".to_owned(),
            message_wall: Some(200),
            search_wall: Some(100),
            blob_delay: BlobDelay::default(),
            hooks: HookFaults::default(),
            hook_workers: 10,
            hook_timeout: Duration::from_secs(5),
            frontend_url: None,
            race_window: Duration::ZERO,
        }
    }
}

/// The upload race: storage answers 404 while either limit is not passed.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct BlobDelay {
    /// How many fetches fail first.
    pub requests: u32,
    /// How long after the upload fetches fail.
    pub ms: u64,
}

/// What the owner of a token may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Everything, secrets included.
    Administrator,
    /// Conversations and contacts.
    Agent,
    /// An agent bot: a short list of calls.
    Bot,
}

pub(super) struct Shared {
    pub(super) options: ChatwootOptions,
    pub(super) base_url: String,
    state: Mutex<State>,
    pub(super) control: Arc<Control>,
    pub(super) poster: Arc<Poster>,
    pub(super) changes: Changes,
    pub(super) blob_delay: Mutex<BlobDelay>,
    pub(super) refuses_private: AtomicBool,
    pub(super) runtime: tokio::runtime::Handle,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("FakeChatwoot").finish_non_exhaustive()
    }
}

impl Shared {
    pub(super) fn new(options: ChatwootOptions, addr: SocketAddr) -> Self {
        let poster =
            Poster::new(crate::hooks::client(), options.hook_workers, Some(options.hook_timeout), options.hooks);
        let base_url = options.frontend_url.clone().unwrap_or_else(|| format!("http://{addr}"));
        let blob_delay = Mutex::new(options.blob_delay);
        Self {
            options,
            state: Mutex::new(State { frontend: base_url.clone(), ..State::default() }),
            base_url,
            control: Arc::default(),
            poster: Arc::new(poster),
            changes: Changes::new(),
            blob_delay,
            refuses_private: AtomicBool::new(false),
            runtime: tokio::runtime::Handle::current(),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) frontend: String,
    pub(super) accounts: BTreeMap<u64, Account>,
    pub(super) users: BTreeMap<u64, User>,
    pub(super) tokens: HashMap<String, u64>,
    pub(super) inboxes: BTreeMap<u64, Inbox>,
    pub(super) account_webhooks: Vec<AccountWebhook>,
    pub(super) contacts: BTreeMap<u64, Contact>,
    pub(super) by_phone: HashMap<(u64, String), u64>,
    pub(super) by_identifier: HashMap<(u64, String), u64>,
    pub(super) by_email: HashMap<(u64, String), u64>,
    pub(super) contact_inboxes: Vec<ContactInbox>,
    pub(super) by_source: HashMap<(u64, String), usize>,
    pub(super) links_of: HashMap<u64, Vec<usize>>,
    pub(super) conversations_of: HashMap<u64, Vec<usize>>,
    pub(super) conversations: Vec<Conversation>,
    pub(super) by_display: HashMap<(u64, u64), usize>,
    pub(super) messages: Vec<Message>,
    pub(super) blobs: HashMap<String, Blob>,
    pub(super) last_attachment: u64,
    pub(super) last_contact: u64,
    pub(super) searches: HashMap<u64, VecDeque<i64>>,
}

#[derive(Debug)]
pub(super) struct Account {
    pub(super) name: String,
    pub(super) last_display: u64,
}

/// Where the events of all inboxes of an account go.
#[derive(Debug, Clone)]
pub(super) struct AccountWebhook {
    pub(super) id: u64,
    pub(super) account: u64,
    pub(super) url: String,
    pub(super) secret: String,
}

#[derive(Debug, Clone)]
pub(super) struct User {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) email: String,
    pub(super) role: Role,
    pub(super) account: u64,
    /// Other accounts, each with its role.
    pub(super) further: BTreeMap<u64, Role>,
    pub(super) token: String,
}

#[derive(Debug)]
pub(super) struct Inbox {
    pub(super) id: u64,
    pub(super) account: u64,
    pub(super) name: String,
    /// Class of the channel.
    pub(super) channel: String,
    pub(super) webhook_url: String,
    pub(super) secret: String,
    pub(super) hmac_token: String,
    pub(super) identifier: String,
    pub(super) is_locked_to_single: bool,
    pub(super) additional_attributes: Value,
    /// The users who see it, besides administrators.
    pub(super) members: BTreeSet<u64>,
}

#[derive(Debug, Clone)]
pub(super) struct Contact {
    pub(super) id: u64,
    pub(super) account: u64,
    pub(super) name: String,
    pub(super) phone: Option<String>,
    pub(super) identifier: Option<String>,
    pub(super) email: Option<String>,
    pub(super) blocked: bool,
    pub(super) additional_attributes: Map<String, Value>,
    pub(super) custom_attributes: Map<String, Value>,
    pub(super) avatar: Option<String>,
    pub(super) created_ms: i64,
    pub(super) last_activity_ms: Option<i64>,
}

#[derive(Debug)]
pub(super) struct ContactInbox {
    pub(super) id: u64,
    pub(super) contact: u64,
    pub(super) inbox: u64,
    pub(super) source_id: String,
    pub(super) created_ms: i64,
    pub(super) pubsub_token: String,
}

#[derive(Debug)]
pub(super) struct Conversation {
    pub(super) display: u64,
    pub(super) account: u64,
    pub(super) inbox: u64,
    pub(super) contact: u64,
    pub(super) contact_inbox: usize,
    pub(super) uuid: String,
    pub(super) status: String,
    pub(super) is_deleted: bool,
    pub(super) messages: Vec<usize>,
    pub(super) unread: u64,
    pub(super) additional_attributes: Value,
    pub(super) custom_attributes: Value,
    pub(super) labels: Value,
    pub(super) assignee: Option<u64>,
    pub(super) team: Option<u64>,
    pub(super) agent_last_seen_ms: i64,
    pub(super) contact_last_seen_ms: i64,
    pub(super) waiting_since_ms: i64,
    pub(super) first_reply_ms: Option<i64>,
    pub(super) last_activity_ms: i64,
    pub(super) created_ms: i64,
    pub(super) updated_ms: i64,
    /// When the messages of the last minute were created.
    pub(super) recent: VecDeque<i64>,
}

/// Direction of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Direction {
    Incoming,
    Outgoing,
    Activity,
    Template,
}

impl Direction {
    pub(super) fn code(self) -> u8 {
        match self {
            Self::Incoming => 0,
            Self::Outgoing => 1,
            Self::Activity => 2,
            Self::Template => 3,
        }
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Incoming => "incoming",
            Self::Outgoing => "outgoing",
            Self::Activity => "activity",
            Self::Template => "template",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        [Self::Incoming, Self::Outgoing, Self::Activity, Self::Template].into_iter().find(|kind| kind.as_str() == text)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sender {
    User(u64),
    Contact(u64),
    Nobody,
}

#[derive(Debug)]
pub(super) struct Message {
    pub(super) id: u64,
    pub(super) conversation: usize,
    pub(super) direction: Direction,
    pub(super) content: Option<String>,
    pub(super) content_type: String,
    pub(super) content_attributes: Map<String, Value>,
    pub(super) private: bool,
    pub(super) source_id: Option<String>,
    pub(super) status: String,
    pub(super) created_ms: i64,
    pub(super) updated_ms: i64,
    pub(super) sender: Sender,
    pub(super) attachments: Vec<Attachment>,
    /// Places and contacts, which have no file.
    pub(super) cards: Vec<Value>,
    pub(super) via_api: bool,
}

impl Message {
    pub(super) fn has_attachments(&self) -> bool {
        !self.attachments.is_empty() || !self.cards.is_empty()
    }
}

#[derive(Debug, Clone)]
pub(super) struct Attachment {
    pub(super) id: u64,
    pub(super) blob: String,
    pub(super) name: String,
    pub(super) mime: String,
    pub(super) size: usize,
    pub(super) sha256: String,
    pub(super) file_type: &'static str,
    pub(super) is_voice: bool,
}

#[derive(Debug)]
pub(super) struct Blob {
    pub(super) bytes: Bytes,
    pub(super) mime: String,
    pub(super) created_ms: i64,
    pub(super) fetches: u32,
}

impl State {
    /// An inbox of this account.
    pub(super) fn inbox(&self, account: u64, id: u64) -> ApiResult<&Inbox> {
        self.inboxes.get(&id).filter(|inbox| inbox.account == account).ok_or(ApiError::NotFound)
    }

    /// The same, to be changed.
    pub(super) fn inbox_mut(&mut self, account: u64, id: u64) -> ApiResult<&mut Inbox> {
        self.inboxes.get_mut(&id).filter(|inbox| inbox.account == account).ok_or(ApiError::NotFound)
    }

    /// The conversation with this display id, unless it was deleted.
    pub(super) fn find_conversation(&self, account: u64, display: u64) -> Option<usize> {
        self.by_display.get(&(account, display)).copied().filter(|index| !self.conversations[*index].is_deleted)
    }

    /// The message with this id, if it is in that conversation.
    pub(super) fn find_message(&self, conversation: usize, id: u64) -> Option<usize> {
        let index = usize::try_from(id).ok()?.checked_sub(1)?;
        self.messages.get(index).filter(|message| message.conversation == conversation).map(|_| index)
    }
}
