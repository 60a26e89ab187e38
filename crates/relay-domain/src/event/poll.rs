//! Polls: what was asked, and how people answered where WhatsApp tells it.

use crate::clock::Timestamp;

/// A poll, or its results.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Poll {
    /// A question with options.
    Asked(Question),
    /// How many chose what.
    Results {
        /// What was asked.
        question: Option<String>,
        /// Each option with its votes.
        votes: Vec<(String, i64)>,
    },
}

/// A question with options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// What is asked.
    pub text: String,
    /// What can be chosen.
    pub options: Vec<String>,
    /// How many options one may choose; `None` for any number.
    pub most_choices: Option<i64>,
    /// The right answer of a quiz.
    pub right_answer: Option<String>,
    /// Until when one may answer.
    pub ends_at: Option<Timestamp>,
}
