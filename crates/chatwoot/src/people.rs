//! Who wrote a message, and whom a conversation is with.

use serde_json::Value;

use crate::wire::{Missing, Read, flag, int, need, text};

/// Who wrote a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sender {
    /// An agent.
    User {
        /// Id of the agent, if told.
        id: Option<i64>,
        /// The agent's name, empty if unknown.
        name: String,
    },
    /// A bot or an assistant.
    Bot {
        /// The bot's name, empty if unknown.
        name: String,
    },
    /// The contact of the conversation.
    Contact,
    /// Nobody: a template, an automation, or a user who was deleted.
    None,
}

impl Sender {
    /// Reads a sender. In webhooks a contact is told by having no `type`.
    pub(crate) fn of(value: Option<&Value>) -> Self {
        let Some(sender @ Value::Object(_)) = value else {
            return Self::None;
        };
        let name = text(sender, "name").unwrap_or_default();
        match text(sender, "type").as_deref() {
            None | Some("contact") => Self::Contact,
            Some("user") => Self::User { id: int(sender, "id"), name },
            Some(_) => Self::Bot { name },
        }
    }
}

/// The contact of a conversation, as the conversation tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactRef {
    /// Id of the contact.
    pub id: i64,
    /// Name, which may be empty.
    pub name: Option<String>,
    /// Phone number in E.164, with its plus sign.
    pub phone_number: Option<String>,
    /// Free identifier, unique within the account.
    pub identifier: Option<String>,
    /// Whether agents blocked the contact.
    pub blocked: bool,
}

impl Read for ContactRef {
    fn read(value: &Value) -> Result<Self, Missing> {
        Ok(Self {
            id: need(int(value, "id"), "id")?,
            name: text(value, "name"),
            phone_number: text(value, "phone_number"),
            identifier: text(value, "identifier"),
            blocked: flag(value, "blocked").unwrap_or(false),
        })
    }
}
