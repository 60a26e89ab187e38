//! From the bytes of a webhook to what they mean. Pure.

mod from_chatwoot;
pub(crate) mod from_codechat;
#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod random_messages;

use relay_domain::event::{Event, Ignored};
use relay_domain::jid::Jid;
use relay_store::{PendingEvent, Source};

/// What is wanted to be known of a message beside its meaning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extras {
    /// The name the customer goes by.
    pub(crate) push_name: Option<String>,
    /// Whether the customer wrote it.
    pub(crate) is_from_customer: bool,
    /// Row of the message at CodeChat.
    pub(crate) row: Option<i64>,
    /// The address it is stored under there.
    pub(crate) address: Option<Jid>,
    /// What the phone's connection changed to.
    pub(crate) connection: Option<String>,
}

/// Whether a stored webhook tells of a message that was deleted in Chatwoot.
pub(crate) fn is_deletion(event: &PendingEvent) -> bool {
    event.source == Source::Chatwoot && matches!(from_chatwoot::translate(&event.body), Event::ChatwootDeletion(_))
}

/// Reads a stored webhook.
pub(crate) fn translate(event: &PendingEvent) -> (Event, Extras) {
    match event.source {
        Source::CodeChat => from_codechat::translate(&event.body),
        Source::Chatwoot => (from_chatwoot::translate(&event.body), Extras::default()),
        Source::Relay => (Event::Nothing(Ignored::UnknownEvent), Extras::default()),
    }
}
