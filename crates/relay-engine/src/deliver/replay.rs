//! What is different in a turn that a person asked for: an agent's message is not too old, and its bubble, which said *failed*, is
//! put right.

use chatwoot::{ErrorKind, NewStatus};
use relay_domain::Timestamp;
use relay_store::{End, Origin};

use super::receipt::shown;
use super::{Done, Task};
use crate::trouble::{Trouble, from_chatwoot};

impl Task<'_> {
    /// Since when an agent's message waits to be sent, for its time to live (R14): a person who asks for another turn wants it now,
    /// however old it is, and no more than that.
    pub(crate) fn waits_since(&self) -> Timestamp {
        if self.is_replayed() { self.event.run_at } else { self.event.received_at }
    }

    fn is_replayed(&self) -> bool {
        self.event.origin == Origin::Manual
    }

    /// Takes *failed* off an agent's message that was sent after all: Chatwoot does so by itself only for its own Retry.
    pub(crate) async fn repair_bubble(&self, done: &Done) -> Result<(), Trouble> {
        if !self.is_replayed() || done.end != End::Delivered {
            return Ok(());
        }
        // what was sent is on record before anything else can fail
        for link in &done.links {
            self.record(link.key.clone(), link.change.clone()).await?;
        }
        let message = self.message()?;
        let links = self.links_of(message.id).await?;
        let parts = links.first().map_or(1, |link| link.parts);
        let status = self.status(shown(&links, parts, None)).await.unwrap_or(NewStatus::Sent);
        match self.live.chatwoot.set_status(message.conversation, message.id.get(), &status).await {
            Ok(_) => Ok(()),
            Err(error) if error.kind == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(from_chatwoot(error)),
        }
    }
}
