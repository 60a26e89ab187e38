//! A knock on our own door by way of Chatwoot: a private note in a conversation of its own, of which Chatwoot has to tell us.
//!
//! The note is seen by no customer; the conversation and its contact are removed when the knock is over.

use chatwoot::{Client, ConversationStatus, Direction, Error, NewContact, NewConversation, NewMessage};
use serde_json::Map;

/// Name of the conversation partner of a knock.
const NAME: &str = "relay";
/// What it is called in the inbox: no number, and no name that WhatsApp gives.
const SOURCE_ID: &str = "relay-check";

/// A private note that Chatwoot was asked to tell us of.
#[derive(Clone, Copy, Debug)]
pub struct Knock {
    contact: i64,
    conversation: i64,
    message: i64,
}

/// What Chatwoot says of a webhook that it could not deliver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unanswered {
    /// It refuses private addresses.
    PrivateNetwork,
    /// The name leads nowhere.
    UnknownName,
    /// Nothing listens at the address.
    NothingListens,
    /// No answer in time.
    Silent,
    /// The certificate is not trusted.
    Certificate,
    /// Something else answers there, with this.
    Refused(String),
    /// Anything else, in Chatwoot's words.
    Other(String),
}

impl Unanswered {
    /// Reads Chatwoot's error text.
    pub fn of(error: &str) -> Self {
        let lower = error.to_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
        if says(&["no public ip", "private ip", "is not allowed", "unsafe url"]) {
            Self::PrivateNetwork
        } else if says(&["could not resolve", "getaddrinfo", "name or service not known", "unresolved", "no address"]) {
            Self::UnknownName
        } else if says(&["connection refused"]) {
            Self::NothingListens
        } else if says(&["timeout", "timed out", "execution expired"]) {
            Self::Silent
        } else if says(&["certificate", "ssl"]) {
            Self::Certificate
        } else if error.trim_start().starts_with(|sign: char| sign.is_ascii_digit()) {
            Self::Refused(error.trim().to_owned())
        } else {
            Self::Other(error.trim().to_owned())
        }
    }
}

impl Knock {
    /// Knocks: from now on a webhook of Chatwoot is due.
    pub async fn at(client: &Client, inbox: i64, text: &str) -> Result<Self, Error> {
        let contact = if let Some(contact) = client.find_contact_inbox(inbox, SOURCE_ID).await? {
            contact
        } else {
            let new = NewContact {
                name: NAME.to_owned(),
                phone_number: None,
                identifier: None,
                inbox_id: inbox,
                source_id: SOURCE_ID.to_owned(),
                additional_attributes: Map::new(),
            };
            client.create_contact(&new).await?
        };
        let new = NewConversation {
            inbox_id: inbox,
            contact_id: contact.id,
            source_id: SOURCE_ID.to_owned(),
            // agents are not called to it
            status: Some(ConversationStatus::Resolved),
            team_id: None,
        };
        let conversation = client.create_conversation(&new).await?.id;
        let note = NewMessage { content: Some(text.to_owned()), private: true, ..NewMessage::new(Direction::Outgoing) };
        let message = client.create_message(conversation, &note).await?.id;
        Ok(Self { contact: contact.id, conversation, message })
    }

    /// What Chatwoot says of it, when it could not tell us.
    pub async fn failure(&self, client: &Client) -> Result<Option<Unanswered>, Error> {
        let messages = client.list_messages_after(self.conversation, self.message - 1).await?;
        let note = messages.iter().find(|message| message.id == self.message);
        Ok(note.and_then(|note| note.content_attributes.external_error()).map(Unanswered::of))
    }

    /// Removes what the knock left.
    pub async fn clean_up(&self, client: &Client) -> Result<(), Error> {
        client.delete_conversation(self.conversation).await?;
        client.delete_contact(self.contact).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_chatwoot_says_is_understood() {
        let table = [
            ("Hostname '10.0.0.5' has no public ip addresses", Unanswered::PrivateNetwork),
            ("Net::ReadTimeout with #<TCPSocket:(closed)>", Unanswered::Silent),
            ("Timed out reading data from server", Unanswered::Silent),
            (
                "Failed to open TCP connection to relay:8080 (Connection refused - connect(2))",
                Unanswered::NothingListens,
            ),
            (
                "Failed to open TCP connection to relay:8080 (getaddrinfo: Name or service not known)",
                Unanswered::UnknownName,
            ),
            ("SSL_connect returned=1 errno=0: certificate verify failed", Unanswered::Certificate),
            ("404 Not Found", Unanswered::Refused("404 Not Found".to_owned())),
            ("undefined method", Unanswered::Other("undefined method".to_owned())),
        ];
        for (error, expected) in table {
            assert_eq!(Unanswered::of(error), expected, "{error}");
        }
    }
}
