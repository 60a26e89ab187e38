//! Messages that offer choices, and the choices people make on them.

use super::{Bill, Media, Place};

/// A message with buttons, a list, a template or cards to leaf through.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Offer {
    /// Its heading.
    pub header: Option<String>,
    /// The file that it is headed by.
    pub media: Option<Media>,
    /// The place that it is headed by.
    pub place: Option<Place>,
    /// What it says.
    pub body: Option<String>,
    /// What stands below, in small print.
    pub footer: Option<String>,
    /// What can be chosen.
    pub sections: Vec<Section>,
    /// What is to be paid.
    pub bills: Vec<Bill>,
    /// Cards to leaf through.
    pub cards: Vec<Self>,
}

/// Options that stand together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Section {
    /// What they have in common.
    pub title: Option<String>,
    /// The options.
    pub options: Vec<OfferOption>,
}

/// Something that can be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferOption {
    /// What is written on it.
    pub title: String,
    /// What it does, when that is more than an answer.
    pub action: Action,
}

/// What choosing does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// It answers; perhaps there is an explanation.
    Answer(Option<String>),
    /// It opens a page.
    Open(String),
    /// It calls a number.
    Call(String),
    /// It copies a code.
    Copy(String),
}

/// The choice made on such a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// What was written on it.
    pub title: Option<String>,
    /// What the program behind the message knows it by.
    pub id: Option<String>,
    /// What explained it.
    pub detail: Option<String>,
    /// The fields of a form that was filled in.
    pub answers: Vec<(String, String)>,
}

impl Offer {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Choice {
    /// Whether it tells nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
