//! From the bytes of a webhook to what they mean. Pure.

mod from_chatwoot;
pub(crate) mod from_codechat;
#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod random_messages;

use std::panic::{AssertUnwindSafe, catch_unwind};

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
    /// Whether the number is no longer paired.
    pub(crate) is_logged_out: bool,
}

/// Whether a stored webhook tells of a message that was deleted in Chatwoot. It is asked of what could not be delivered, so also of
/// what reading it panics on.
pub(crate) fn is_deletion(event: &PendingEvent) -> bool {
    let is_told = || matches!(from_chatwoot::translate(&event.body), Event::ChatwootDeletion(_));
    event.source == Source::Chatwoot && catch_unwind(AssertUnwindSafe(is_told)).unwrap_or(false)
}

/// Reads a stored webhook.
pub(crate) fn translate(event: &PendingEvent) -> (Event, Extras) {
    match event.source {
        Source::CodeChat => from_codechat::translate(&event.body),
        Source::Chatwoot => (from_chatwoot::translate(&event.body), Extras::default()),
        Source::Relay => (Event::Nothing(Ignored::UnknownEvent), Extras::default()),
    }
}
