//! What the store takes and gives: lanes, events, links, chats, sessions.

use bytes::Bytes;
use relay_domain::Timestamp;
use relay_domain::backoff::Direction;
use relay_domain::event::Ignored;
use relay_domain::id::{
    ChatKey, CwContactId, CwConversationId, CwMessageId, EventId, LeaseToken, SessionId, WaMessageId,
};
use relay_domain::jid::Jid;
use relay_domain::menu::Choice;
use relay_domain::settings::SessionSettings;
use relay_domain::status::Receipt;
use secrecy::SecretString;
use url::Url;

macro_rules! closed_set {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$vdoc])* $variant,)*
        }

        impl $name {
            /// The name kept in the store.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }

            /// Reads what [`Self::as_str`] wrote.
            pub fn parse(text: &str) -> Option<Self> {
                match text {
                    $($text => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

closed_set! {
    /// Who sent an event.
    Source {
        /// CodeChat.
        CodeChat = "codechat",
        /// Chatwoot.
        Chatwoot = "chatwoot",
        /// The relay itself.
        Relay = "relay",
    }
}

closed_set! {
    /// What brought an event here.
    Origin {
        /// A webhook.
        Webhook = "webhook",
        /// Gap recovery.
        Sweep = "sweep",
        /// An import of history.
        Import = "import",
        /// A notice of the relay's own.
        Notice = "notice",
        /// A person.
        Manual = "manual",
    }
}

closed_set! {
    /// The four kinds of queue.
    LaneKind {
        /// WhatsApp to Chatwoot, one per chat.
        In = "in",
        /// Chatwoot to WhatsApp, one per chat.
        Out = "out",
        /// Receipts, a few per session: each stands on its own.
        Receipt = "receipt",
        /// What agents ask the relay itself, and what it tells them; worked on even while the session is paused.
        Desk = "desk",
    }
}

closed_set! {
    /// Whether a session works.
    SessionState {
        /// It relays.
        Active = "active",
        /// It waits for a person.
        Paused = "paused",
    }
}

closed_set! {
    /// What agents were last told of a phone's connection.
    Announced {
        /// It is connected, or was when nobody had to be told.
        Connected = "connected",
        /// It is not.
        Lost = "lost",
        /// It is no longer paired.
        LoggedOut = "logged_out",
    }
}

closed_set! {
    /// The state of an event.
    EventState {
        /// It waits.
        Pending = "pending",
        /// It crossed.
        Delivered = "delivered",
        /// Nothing was to cross.
        Ignored = "ignored",
        /// It could not cross.
        Dead = "dead",
        /// It waited too long.
        Expired = "expired",
    }
}

/// A queue with strict order inside.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lane {
    /// The session.
    pub session: SessionId,
    /// Which way.
    pub kind: LaneKind,
    /// The chat, or the shard of a receipt lane.
    pub chat: ChatKey,
}

impl Lane {
    /// The lane's key in the store.
    pub fn key(&self) -> String {
        format!("{}|{}|{}", self.session, self.kind.as_str(), self.chat)
    }
}

/// Something received, to be stored once.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// Its id.
    pub id: EventId,
    /// Where it queues.
    pub lane: Lane,
    /// Who sent it.
    pub source: Source,
    /// What it is called, for logs and lists.
    pub kind: String,
    /// Equal keys of one session and source are one event.
    pub dedup_key: String,
    /// Its place in the lane; smaller goes first.
    pub order_key: i64,
    /// When it arrived.
    pub received_at: Timestamp,
    /// Before this it waits for others that belong in front of it.
    pub run_at: Timestamp,
    /// What brought it here.
    pub origin: Origin,
    /// The bytes as received.
    pub body: Bytes,
}

/// What a lane has to do.
#[derive(Clone, Debug)]
pub struct DueEvents {
    /// What may be delivered now, in order.
    pub events: Vec<PendingEvent>,
    /// How far the lane has come: the furthest place that was delivered, or may have been, in part at least. Zero when nothing is due.
    pub begun_to: i64,
}

/// A stored event that waits.
#[derive(Clone, Debug)]
pub struct PendingEvent {
    /// Its id.
    pub id: EventId,
    /// Who sent it.
    pub source: Source,
    /// What it is called.
    pub kind: String,
    /// Its place in the lane.
    pub order_key: i64,
    /// When it arrived.
    pub received_at: Timestamp,
    /// Before this it waits for others.
    pub run_at: Timestamp,
    /// What brought it here.
    pub origin: Origin,
    /// The bytes as received.
    pub body: Bytes,
    /// Attempts so far, in the turn that it has now.
    pub attempts: u32,
    /// When the first of them failed.
    pub first_failed_at: Option<Timestamp>,
}

/// The right to work on a lane.
#[derive(Clone, Debug)]
pub struct Lease {
    /// The lane.
    pub lane: Lane,
    /// Proof of the claim.
    pub token: LeaseToken,
    /// The highest order key delivered so far.
    pub done_to: i64,
}

impl Lease {
    /// What tells this claim of this lane from every other.
    pub fn mark(&self) -> String {
        format!("{}#{}", self.lane.key(), self.token)
    }
}

/// The one terminal state of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It crossed.
    Delivered,
    /// Nothing was to cross.
    Ignored(Ignored),
    /// It could not cross.
    Dead(String),
    /// It waited too long.
    Expired(String),
}

impl End {
    /// The name kept in the store.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Ignored(_) => "ignored",
            Self::Dead(_) => "dead",
            Self::Expired(_) => "expired",
        }
    }

    /// Why, where there is a why.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Delivered => None,
            Self::Ignored(reason) => Some(reason.code()),
            Self::Dead(reason) | Self::Expired(reason) => Some(reason),
        }
    }
}

/// One try to deliver.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// When it began.
    pub started_at: Timestamp,
    /// How long it took, in milliseconds.
    pub duration_ms: i64,
    /// How it ended, as a stable word.
    pub outcome: &'static str,
    /// What the other side answered.
    pub http_status: Option<u16>,
    /// Masked details.
    pub detail: Option<String>,
}

/// What identifies one part of a message on the side it comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LinkKey {
    /// Which way it travels.
    pub direction: Direction,
    /// Its id at the source.
    pub source_id: String,
    /// Its position among the parts.
    pub part: u16,
}

/// A part about to be posted.
#[derive(Clone, Debug)]
pub struct NewLink {
    /// Which part of which message.
    pub key: LinkKey,
    /// How many parts the message has.
    pub parts: u16,
    /// Its id at WhatsApp.
    pub wa_id: WaMessageId,
    /// Whether it is ours there.
    pub wa_from_me: bool,
    /// Who wrote it there, in a group.
    pub wa_participant: Option<String>,
    /// Its row at CodeChat, when known.
    pub wa_row: Option<i64>,
    /// Its conversation at Chatwoot, when known.
    pub cw_conversation: Option<CwConversationId>,
    /// Its message at Chatwoot, when known.
    pub cw_message: Option<CwMessageId>,
    /// Whether it is posted right after this, without a word in between.
    pub is_tried: bool,
}

closed_set! {
    /// How far a part has come.
    LinkState {
        /// It may have been posted.
        Intent = "intent",
        /// It was.
        Sent = "sent",
        /// It never will be.
        Failed = "failed",
    }
}

/// What one part of a message is on both sides.
#[derive(Clone, Debug)]
pub struct Link {
    /// Which part of which message.
    pub key: LinkKey,
    /// How many parts the message has.
    pub parts: u16,
    /// The chat.
    pub chat: ChatKey,
    /// The event that brought it.
    pub event: EventId,
    /// How far it has come.
    pub state: LinkState,
    /// When the last attempt began that may have reached the destination; once in doubt, when that was noticed.
    pub tried_at: Option<Timestamp>,
    /// Whether that attempt is over without a word about its effect; of a part that was sent, whether its deletion was asked for
    /// and has not been confirmed.
    pub is_in_doubt: bool,
    /// Its id at WhatsApp.
    pub wa_id: WaMessageId,
    /// Whether it is ours there.
    pub wa_from_me: bool,
    /// Who wrote it there, in a group.
    pub wa_participant: Option<String>,
    /// Its row at CodeChat.
    pub wa_row: Option<i64>,
    /// Whether it was deleted for everyone, by whichever side.
    pub is_deleted: bool,
    /// What WhatsApp last said of it.
    pub receipt: Option<Receipt>,
    /// Its conversation at Chatwoot.
    pub cw_conversation: Option<CwConversationId>,
    /// Its message at Chatwoot.
    pub cw_message: Option<CwMessageId>,
    /// When it was written down: no attempt is older.
    pub made_at: Timestamp,
}

/// A change to one link, recorded together with the outcome that brought it.
#[derive(Clone, Debug)]
pub struct LinkChange {
    /// Which link.
    pub key: LinkKey,
    /// What happened to it.
    pub change: Change,
}

/// What happened to a part.
#[derive(Clone, Debug)]
pub enum Change {
    /// It is at Chatwoot.
    PostedToChatwoot {
        /// The conversation.
        conversation: CwConversationId,
        /// The message.
        message: CwMessageId,
    },
    /// It is at WhatsApp.
    SentToWhatsApp {
        /// The id it got there.
        id: WaMessageId,
        /// Its row at CodeChat.
        row: Option<i64>,
    },
    /// An attempt begins: from here on it may have been posted.
    Tried {
        /// When.
        at: Timestamp,
        /// Into which conversation, towards Chatwoot.
        conversation: Option<CwConversationId>,
    },
    /// An attempt ended without a word about its effect, or was found so after a crash: from here on it is looked for.
    InDoubt {
        /// When that was noticed.
        at: Timestamp,
    },
    /// It certainly was not posted.
    Untried,
    /// It never will be posted.
    Failed,
    /// It could not be posted, and a placeholder is at Chatwoot in its place.
    StoodInFor {
        /// The conversation.
        conversation: CwConversationId,
        /// The placeholder.
        message: CwMessageId,
    },
    /// Its deletion is about to be asked for at WhatsApp. Recorded before, so that the copy of it is known as ours.
    Deleting,
    /// It was deleted for everyone, by whichever side.
    Deleted,
    /// WhatsApp reported on it; a lower report than before changes nothing.
    Receipt(Receipt),
}

/// A conversation partner.
#[derive(Clone, Debug)]
pub struct Chat {
    /// Its key.
    pub key: ChatKey,
    /// Where messages to it are sent.
    pub jid: Option<Jid>,
    /// The name that the relay last gave it in Chatwoot; `None` while its name there is somebody else's.
    pub name: Option<String>,
    /// What the customer was last seen to be called.
    pub push_name: Option<String>,
    /// SHA-256 of the picture that the relay last gave it in Chatwoot.
    pub picture: Option<Vec<u8>>,
    /// When the relay last looked for a picture.
    pub pictured_at: Option<Timestamp>,
    /// Its place in Chatwoot.
    pub place: Option<Place>,
    /// Whether WhatsApp confirmed its number.
    pub is_on_whatsapp: bool,
    /// The choice that the customer was last given.
    pub choice: Option<Choice>,
    /// State of its conversation, as Chatwoot last told: its own word for it.
    pub status: Option<String>,
    /// Whether Chatwoot's contact has yet to learn who the customer turned out to be.
    pub is_contact_due: bool,
}

/// Where a chat lives in Chatwoot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The contact.
    pub contact: CwContactId,
    /// The contact's id in the inbox.
    pub source_id: String,
    /// The conversation, unless it is gone.
    pub conversation: Option<CwConversationId>,
}

/// A session with its secrets opened.
#[derive(Clone, Debug)]
pub struct Session {
    /// Our id of it.
    pub id: SessionId,
    /// Its name: in URLs, and as the CodeChat instance.
    pub name: String,
    /// What people wrote about it.
    pub description: Option<String>,
    /// Whether it works.
    pub state: SessionState,
    /// Why not.
    pub state_reason: Option<String>,
    /// What CodeChat last said of its connection to WhatsApp.
    pub connection: String,
    /// Since when it is connected, or is not.
    pub connection_since: Timestamp,
    /// What agents were last told of that; nothing before it was connected for the first time.
    pub announced: Option<Announced>,
    /// Its CodeChat.
    pub codechat: CodeChatAccess,
    /// Its Chatwoot.
    pub chatwoot: ChatwootAccess,
    /// What its owner chose.
    pub settings: SessionSettings,
    /// When it was made.
    pub created_at: Timestamp,
}

/// How to reach CodeChat, and how it reaches us.
#[derive(Clone, Debug)]
pub struct CodeChatAccess {
    /// Base URL.
    pub url: Url,
    /// Token of the instance.
    pub token: SecretString,
    /// SHA-256 of the secret in its webhook URL.
    pub hook_hash: [u8; 32],
}

/// How to reach Chatwoot, and how it reaches us.
#[derive(Clone, Debug)]
pub struct ChatwootAccess {
    /// Base URL.
    pub url: Url,
    /// Account.
    pub account: i64,
    /// Inbox.
    pub inbox: i64,
    /// Token of a user.
    pub token: SecretString,
    /// What Chatwoot signs webhooks with, when known.
    pub secret: Option<SecretString>,
    /// SHA-256 of the secret in its webhook URL.
    pub hook_hash: [u8; 32],
}

/// How many events there are in each state, and how many were ever received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Counted on arrival.
    pub received: i64,
    /// Still to be processed.
    pub pending: i64,
    /// Crossed.
    pub delivered: i64,
    /// Not to cross.
    pub ignored: i64,
    /// Could not cross.
    pub dead: i64,
    /// Waited too long.
    pub expired: i64,
}

impl Tally {
    /// Zero unless an event vanished or was counted twice.
    pub const fn conservation_error(&self) -> i64 {
        self.received - (self.pending + self.delivered + self.ignored + self.dead + self.expired)
    }
}
