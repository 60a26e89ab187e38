//! Deleting on WhatsApp what an agent deleted in Chatwoot, part by part.
//!
//! CodeChat deletes by the number of a row and by nothing else (`docs/codechat.md`), so the row is asked for each time and has
//! to name the message: rows may be pruned or start anew, and a wrong one would take back what another customer was told.
//! Asking twice is harmless, so a deletion without an outcome is simply asked for again.

use chatwoot::{Direction, NewMessage};
use codechat::FindMessages;
use relay_domain::event::Ignored;
use relay_domain::id::{CwConversationId, CwMessageId};
use relay_domain::{naming, note};
use relay_store::{Change, Link, LinkChange, LinkState, Source};

use super::{Done, Task};
use crate::trouble::{Trouble, from_chatwoot, from_codechat};

impl Task<'_> {
    /// Whether an agent deleted the message, be it a moment ago or before we heard of the message itself.
    pub(crate) async fn is_deleted(&self, message: CwMessageId) -> Result<bool, Trouble> {
        let key = naming::chatwoot_deletion(message.get());
        Ok(self.engine.store.has_event(self.live.id(), Source::Chatwoot, &key).await?)
    }

    /// Deletes what was sent of a message, and lets nothing more of it be sent.
    pub(crate) async fn revoke(&self, message: CwMessageId) -> Result<Done, Trouble> {
        self.check_lease()?;
        let links = self.settled_links(message).await?;
        let unsent = links.iter().filter(|link| link.state != LinkState::Sent);
        let never: Vec<_> = unsent.map(|link| LinkChange { key: link.key.clone(), change: Change::Failed }).collect();
        let sent: Vec<_> = links.into_iter().filter(|link| link.state == LinkState::Sent).collect();
        let to_delete: Vec<_> = sent.iter().filter(|link| !link.is_deleted || link.is_in_doubt).collect();
        if to_delete.is_empty() {
            // the relay itself deletes in Chatwoot what was deleted on WhatsApp
            let reason = if sent.is_empty() { Ignored::Deleted } else { Ignored::AlreadyDeleted };
            return Ok(Done { links: never, ..Done::ignored(reason) });
        }
        self.check_online().await?;
        let mut is_complete = true;
        for link in to_delete {
            is_complete &= self.revoke_part(link).await?;
        }
        if is_complete {
            return Ok(Done::delivered(never));
        }
        self.tell_not_deleted(&sent).await?;
        Ok(Done { links: never, was_attempted: true, ..Done::ignored(Ignored::NotStored) })
    }

    /// `false` when CodeChat does not have the message.
    async fn revoke_part(&self, link: &Link) -> Result<bool, Trouble> {
        let Some(row) = self.row_of(link).await? else { return Ok(false) };
        self.record(link.key.clone(), Change::Deleting).await?;
        self.check_lease()?;
        self.live.codechat.delete_for_everyone(self.live.name(), row).await.map_err(from_codechat)?;
        self.record(link.key.clone(), Change::Deleted).await?;
        Ok(true)
    }

    /// The row that CodeChat keeps a message of ours in.
    async fn row_of(&self, link: &Link) -> Result<Option<i64>, Trouble> {
        let find =
            FindMessages { key_id: Some(link.wa_id.to_string()), from_me: Some(true), ..FindMessages::default() };
        let page = self.live.codechat.find_messages(self.live.name(), &find).await.map_err(from_codechat)?;
        let mut records = page.records.into_iter().map(|record| record.message);
        let ours = records.find(|message| message.from_me && message.key_id == link.wa_id.as_str());
        Ok(ours.and_then(|message| message.row_id))
    }

    /// Tells the agents that a message they deleted is still on WhatsApp.
    pub(crate) async fn tell_not_deleted(&self, links: &[Link]) -> Result<(), Trouble> {
        let Some((conversation, message)) = links.iter().find_map(|link| link.cw_conversation.zip(link.cw_message))
        else {
            return Ok(());
        };
        let text = note::revocation::not_deleted(self.live.locale);
        self.post_private_note(conversation, &format!("relay:not-deleted:{message}"), text).await
    }

    /// Posts a note that only agents see. One with the same name among the latest messages is not posted again.
    pub(crate) async fn post_private_note(
        &self,
        conversation: CwConversationId,
        name: &str,
        text: String,
    ) -> Result<(), Trouble> {
        let latest = match self.live.chatwoot.latest_messages(conversation.get()).await {
            Ok(latest) => latest,
            // nobody is left to be told
            Err(error) if error.kind == chatwoot::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(from_chatwoot(error)),
        };
        if latest.iter().any(|message| message.source_id.as_deref() == Some(name)) {
            return Ok(());
        }
        let note = NewMessage {
            content: Some(text),
            private: true,
            source_id: Some(name.to_owned()),
            ..NewMessage::new(Direction::Outgoing)
        };
        self.take_room(conversation);
        self.live.chatwoot.create_message(conversation.get(), &note).await.map(drop).map_err(from_chatwoot)
    }
}
