//! What is said about a message besides its words: a reaction to it, the advertisement that led to it.

/// What happened to the emoji on a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Emoji {
    /// This one was put there.
    Put(String),
    /// It was taken back.
    TakenBack,
    /// It is encrypted, and CodeChat does not open it.
    Unreadable,
}

/// An advertisement that opens a chat on WhatsApp when it is clicked (`contextInfo.externalAdReply`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AdReferral {
    /// Its headline.
    pub title: Option<String>,
    /// Its text.
    pub body: Option<String>,
    /// Where it leads.
    pub url: Option<String>,
    /// What it is: `ad` or `post`.
    pub source_type: Option<String>,
    /// Its id where it was placed.
    pub source_id: Option<String>,
    /// Where it was seen: `facebook`, `instagram`.
    pub app: Option<String>,
    /// The click's id, for reports of conversions.
    pub click_id: Option<String>,
}
