//! What a message says: where it comes from, so that wherever it turns up it can be told whether it belongs there.

/// Who wrote a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Writer {
    Customer,
    Phone,
    Agent,
}

/// One message, or one part of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Content {
    pub(crate) session: usize,
    pub(crate) chat: u8,
    pub(crate) writer: Writer,
    /// Unlike any other message's in its world.
    pub(crate) serial: u32,
    pub(crate) part: u16,
    /// Whether its destination never takes it, and how it says so.
    pub(crate) poison: Option<Poison>,
}

/// How a destination refuses a message for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Poison {
    /// It fails as if it were down.
    Crashes,
    /// It says that the call is wrong.
    Refused,
    /// It says so, and of the placeholder too.
    Mute,
}
