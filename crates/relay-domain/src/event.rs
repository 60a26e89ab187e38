//! What one received webhook means, whichever side it came from.

mod about;
mod calendar;
mod card;
mod notice;
mod offer;
mod place;
mod poll;
mod trade;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use about::{AdReferral, Emoji};
pub use calendar::{Appointment, CalendarEvent};
pub use card::{ContactCard, ContactCards};
pub use notice::{Invitation, InvitedTo, Notice, Sealed};
pub use offer::{Action, Choice, Offer, OfferOption, Section};
pub use place::{Coordinates, Live, Place};
pub use poll::{Poll, Question};
pub use trade::{Bill, BillItem, Money, Order, Payment, PaymentStep, Pix, Product, Trade};

use crate::call::Call;
use crate::card::Card;
use crate::clock::Timestamp;
use crate::group::GroupChange;
use crate::id::{CwMessageId, WaMessageId};
use crate::jid::Jid;
use crate::menu::Menu;
use crate::participant::Participant;
use crate::status::Receipt;

/// A webhook, understood.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A message seen on WhatsApp, from the customer or from our own phone.
    WhatsApp(WaMessage),
    /// A message seen in Chatwoot.
    Chatwoot(CwMessage),
    /// A message that was deleted in Chatwoot.
    ChatwootDeletion(CwMessageId),
    /// What became of a message we sent to WhatsApp.
    Receipt {
        /// The message.
        id: WaMessageId,
        /// How far it got.
        receipt: Receipt,
    },
    /// A customer's message was read on our own phone.
    ReadOnPhone(WaMessageId),
    /// A change of a group.
    Group(GroupChange),
    /// A step of a call that rang on the phone.
    Call(Call),
    /// Nothing to relay, for a reason that is recorded.
    Nothing(Ignored),
}

/// A message seen on WhatsApp.
#[derive(Clone, Debug, PartialEq)]
pub struct WaMessage {
    /// WhatsApp's id.
    pub id: WaMessageId,
    /// Who wrote it.
    pub author: Author,
    /// Which of several people wrote it: in a group, a broadcast list, or among the status updates.
    pub participant: Option<Box<Participant>>,
    /// Who is mentioned in its text.
    pub mentions: Vec<Jid>,
    /// When it was written, to the second.
    pub sent_at: Timestamp,
    /// The message it replies to, or that it changes or reacts to.
    pub quote: Option<Quote>,
    /// The advertisement that led the customer here.
    pub ad: Option<Box<AdReferral>>,
    /// What is to be said of it besides.
    pub marks: Marks,
    /// What it says.
    pub content: Content,
}

/// What is to be said of a message besides what it says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// Whether WhatsApp shows it once.
    pub is_view_once: bool,
    /// Whether it was written for somebody else first.
    pub forwarded: Option<Forwarded>,
}

/// How a forwarded message came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Forwarded {
    /// From one chat to another.
    Once,
    /// Through many chats.
    Often,
    /// From this channel.
    FromChannel(String),
}

/// Who wrote a WhatsApp message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Author {
    /// The customer.
    Customer,
    /// Us: on the phone, with another program on the same number, or, when a link proves it, with this relay.
    Ourselves,
}

/// The message that a reply answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// WhatsApp's id of it.
    pub id: WaMessageId,
    /// Its beginning, for when it was never relayed.
    pub excerpt: Option<String>,
    /// Whether the message answers it, or is something done to it.
    pub relation: Relation,
}

/// What a message has to do with the one it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// It answers it.
    Reply,
    /// It answers it, and that one is a status update.
    StatusReply,
    /// It reacts to it, changes or deletes it.
    About,
}

/// What a WhatsApp message says.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Text in WhatsApp's own formatting.
    Text(String),
    /// A link alone, with what its page says of itself.
    Link {
        /// The link.
        url: String,
        /// Title of the page.
        title: Option<String>,
        /// What the page is about.
        description: Option<String>,
    },
    /// One file.
    Media(Media),
    /// An emoji on another message.
    Reaction(Emoji),
    /// A new wording of another message; `None` when it cannot be read.
    Edit(Option<Box<Self>>),
    /// Another message was deleted for everyone.
    Deletion,
    /// A place, at rest or moving.
    Place(Place),
    /// Contact cards.
    Cards(ContactCards),
    /// A question with options, or the answers.
    Poll(Poll),
    /// An event or a planned call.
    Appointment(Box<Appointment>),
    /// A message with choices.
    Offer(Box<Offer>),
    /// The choice made on one.
    Choice(Choice),
    /// An order or a product.
    Trade(Box<Trade>),
    /// Money that changes hands.
    Payment(Payment),
    /// An invitation to a group or channel.
    Invitation(Invitation),
    /// Something that happens in the chat.
    Notice(Notice),
    /// What nobody but the phones can read.
    Sealed(Sealed),
    /// Anything else, by its protocol name.
    Unknown(String),
}

/// One file on WhatsApp.
#[derive(Clone, Debug, PartialEq)]
pub struct Media {
    /// What it is.
    pub kind: MediaKind,
    /// Text beneath it, in WhatsApp's formatting.
    pub caption: Option<String>,
    /// Its name, for documents.
    pub file_name: Option<String>,
    /// What the sender says it is.
    pub mime: Option<String>,
    /// What the sender says it weighs, in bytes.
    pub size: Option<u64>,
    /// Where its bytes are.
    pub source: MediaSource,
}

/// What CodeChat needs to fetch and decrypt a file: the innermost message, unwrapped.
#[derive(Clone, Debug, PartialEq)]
pub struct MediaSource {
    /// Key of the protocol message, such as `imageMessage`.
    pub message_type: String,
    /// That message.
    pub content: Value,
}

/// Kinds of file that WhatsApp tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaKind {
    /// A picture.
    Image,
    /// A film.
    Video,
    /// A short silent film shown as an animation.
    Gif,
    /// A round film recorded in the chat.
    VideoNote,
    /// A recording made in the chat.
    VoiceNote,
    /// An audio file.
    Audio,
    /// Any file.
    Document,
    /// A sticker, still or animated (WebP).
    Sticker,
    /// A sticker in Lottie format, which neither browsers nor Chatwoot can show.
    LottieSticker,
}

/// A message seen in Chatwoot.
#[derive(Clone, Debug, PartialEq)]
pub struct CwMessage {
    /// Chatwoot's id.
    pub id: CwMessageId,
    /// Who it is for and who made it.
    pub role: CwRole,
    /// When it was written.
    pub created_at: Timestamp,
    /// Text in Markdown.
    pub text: Option<String>,
    /// Attached files, in order.
    pub files: Vec<AgentFile>,
    /// The message it replies to.
    pub reply_to: Option<CwMessageId>,
    /// What goes along with its text.
    pub menu: Option<Menu>,
    /// Attached places and contacts, in order.
    pub cards: Vec<Card>,
    /// The name of the agent who wrote it; nobody for bots, automations and templates.
    pub agent: Option<String>,
}

/// Who a Chatwoot message is for and who made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CwRole {
    /// For the customer: from an agent, a bot, an automation or a template.
    ToCustomer,
    /// For the customer, but created through the API with an id of its own: an echo of what we relayed.
    ApiEcho,
    /// From the customer: what we relayed.
    FromCustomer,
    /// For agents only.
    PrivateNote,
    /// Deleted before it could be sent.
    Deleted,
}

/// A file that an agent attached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentFile {
    /// What it is.
    pub kind: AgentFileKind,
    /// Where Chatwoot serves it.
    pub url: String,
    /// Its real name.
    pub name: String,
    /// What Chatwoot found it to be.
    pub mime: Option<String>,
    /// What it weighs, in bytes.
    pub size: Option<u64>,
}

/// Kinds of attachment that Chatwoot tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AgentFileKind {
    /// A picture.
    Image,
    /// A film.
    Video,
    /// A recording or an audio file: sent as a voice note.
    Audio,
    /// A vCard: sent as contacts when it has numbers.
    ContactCard,
    /// A WebP picture that is sent as a sticker.
    Sticker,
    /// Anything else.
    Document,
}

macro_rules! ignored {
    ($($(#[$doc:meta])* $name:ident = $code:literal,)*) => {
        /// Why a webhook ended without a message on the other side.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Ignored {
            $($(#[$doc])* $name,)*
        }

        impl Ignored {
            /// Stable name, kept with the event.
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$name => $code,)*
                }
            }
        }
    };
}

ignored! {
    /// A copy of what this relay sent to WhatsApp.
    OwnCopy = "own_copy",
    /// A copy of what this relay posted to Chatwoot.
    ApiEcho = "api_echo",
    /// A message from the customer as Chatwoot repeats it to us.
    FromCustomer = "from_customer",
    /// A note between agents.
    PrivateNote = "private_note",
    /// Deleted in Chatwoot before it was sent.
    Deleted = "deleted_before_sending",
    /// Deleted in Chatwoot after it had been deleted on WhatsApp, which may be why it was.
    AlreadyDeleted = "already_deleted",
    /// Deleted in Chatwoot, while CodeChat no longer has it; a private note says so.
    NotStored = "not_stored",
    /// A message of a group that was relayed before, when its author was not named.
    AlreadyRelayed = "already_relayed",
    /// A webhook told of it, and it is not to be found where it should be kept; see the setting `strict`.
    Unverified = "unverified",
    /// CodeChat did not say whose it is.
    Unattributed = "unattributed",
    /// Neither text nor file.
    Empty = "empty",
    /// A chat on the session's list of those to be left alone.
    IgnoreList = "ignore_list",
    /// A group chat, and groups are off.
    GroupsOff = "groups_off",
    /// A group that CodeChat does not name, as it does with old ids.
    GroupUnnamed = "group_unnamed",
    /// Something about a chat that has no conversation yet.
    NoConversation = "no_conversation",
    /// A status update (story).
    StatusUpdate = "status_update",
    /// A channel post.
    Newsletter = "newsletter",
    /// A broadcast list.
    BroadcastList = "broadcast_list",
    /// What devices of one account tell each other.
    Housekeeping = "housekeeping",
    /// A receipt for a message that this relay did not send.
    ForeignReceipt = "foreign_receipt",
    /// A receipt that says nothing new.
    StaleReceipt = "stale_receipt",
    /// A command in the conversation of the *Relay* contact, which the session has switched off.
    RelayContactOff = "relay_contact_off",
    /// News that agents know already, or that is no longer true.
    OldNews = "old_news",
    /// A step of a call whose end was told already.
    CallTold = "call_told",
    /// A change of state that is acted on elsewhere.
    StateChange = "state_change",
    /// An event that nothing is made of.
    NoInterest = "no_interest",
    /// An event that this version does not know.
    UnknownEvent = "unknown_event",
    /// An event whose shape this version does not understand.
    UnknownShape = "unknown_shape",
}
