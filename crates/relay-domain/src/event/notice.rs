//! Small things that happen in a chat, invitations, and what WhatsApp keeps sealed.

use crate::clock::Timestamp;

/// Something that happens in a chat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A message was pinned.
    Pinned,
    /// A message is not pinned any more.
    Unpinned,
    /// A disappearing message is kept.
    Kept,
    /// A disappearing message is not kept any more.
    NotKept,
    /// Messages disappear after so many seconds; 0 when they stay.
    Timer(i64),
    /// Pictures and films follow.
    Album {
        /// How many pictures.
        images: i64,
        /// How many films.
        videos: i64,
    },
    /// A collection of stickers.
    StickerPack {
        /// What it is called.
        name: Option<String>,
        /// Who made it.
        publisher: Option<String>,
        /// How many there are.
        stickers: usize,
        /// What the sender wrote along with it.
        caption: Option<String>,
    },
    /// A business asks for the phone number behind a WhatsApp id.
    NumberAsked,
    /// The phone number was shared.
    NumberShared,
    /// The chat was mentioned in a status.
    MentionedInStatus,
    /// Earlier messages of a group were shared with a new member.
    HistoryShared,
}

/// An invitation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// To what.
    pub to: InvitedTo,
    /// What that is called.
    pub name: Option<String>,
    /// What the sender wrote along with it.
    pub caption: Option<String>,
    /// Until when it holds.
    pub expires_at: Option<Timestamp>,
}

/// What somebody can be invited to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvitedTo {
    /// A group.
    Group,
    /// A channel, to read it.
    Channel,
    /// A channel, to run it.
    ChannelAdmin,
}

/// What is encrypted between phones, or shown by phones alone, so that nobody else can read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sealed {
    /// A vote in a poll.
    PollVote,
    /// An answer to an event.
    EventAnswer,
    /// A comment.
    Comment,
    /// A change of an event.
    EventEdit,
    /// A message for phones only.
    OnlyOnPhone,
}
