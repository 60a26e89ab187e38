//! What a WhatsApp message does besides being posted: it closes what we sent, deletes what was posted, tells of the
//! conversation.

use chatwoot::ErrorKind;
use relay_domain::backoff::Direction;
use relay_domain::event::{Ignored, Relation};
use relay_domain::id::CwConversationId;
use relay_domain::plan::ChatwootPost;
use relay_store::{Change, Link, LinkChange};
use serde_json::Value;

use super::{Done, Task};
use crate::trouble::{Trouble, from_chatwoot};

/// Longest text that Chatwoot takes as an attribute of a conversation, in characters (`jsonb_attributes_length_validator`).
const LONGEST_ATTRIBUTE: usize = 1500;

impl Task<'_> {
    /// What this relay did on WhatsApp itself, as CodeChat tells it back: a message closes its intent instead of being
    /// mirrored, a deletion is known already.
    pub(crate) async fn own_copy(&self, post: &ChatwootPost) -> Result<Option<Done>, Trouble> {
        if !post.from_phone || post.is_private {
            return Ok(None);
        }
        let store = &self.engine.store;
        let links = store.links_by_wa(self.live.id(), &post.id).await?;
        if let Some(link) = links.into_iter().find(|link| link.key.direction == Direction::Out) {
            let sent = Change::SentToWhatsApp { id: post.id.clone(), row: self.extras.row };
            let mut done = Done::ignored(Ignored::OwnCopy);
            done.links.push(LinkChange { key: link.key, change: sent });
            return Ok(Some(done));
        }
        let is_ours = post.deletion.is_some() && self.links_about(post).await?.iter().any(|link| link.is_deleted);
        Ok(is_ours.then(|| Done::ignored(Ignored::OwnCopy)))
    }

    /// Deletes in Chatwoot what was deleted on WhatsApp. `None` when there is nothing to delete, or more than that would go:
    /// then a line must tell.
    pub(crate) async fn delete_quoted(&self, post: &ChatwootPost) -> Result<Option<Done>, Trouble> {
        let links = self.links_about(post).await?;
        let Some(link) = links.into_iter().find(|link| link.parts == 1) else { return Ok(None) };
        let Some((message, conversation)) = link.cw_message.zip(link.cw_conversation) else { return Ok(None) };
        self.check_lease()?;
        // written down first: Chatwoot tells of the deletion, which is then not passed back
        self.record(link.key, Change::Deleted).await?;
        match self.live.chatwoot.delete_message(conversation.get(), message.get()).await {
            Ok(_) => Ok(Some(Done::delivered(Vec::new()))),
            Err(error) if error.kind == ErrorKind::NotFound => Ok(Some(Done::delivered(Vec::new()))),
            Err(error) => Err(from_chatwoot(error)),
        }
    }

    /// What is known of the deleted message from now on.
    pub(crate) async fn deleted(&self, post: &ChatwootPost) -> Result<Vec<LinkChange>, Trouble> {
        let change = |link: Link| LinkChange { key: link.key, change: Change::Deleted };
        Ok(self.links_about(post).await?.into_iter().map(change).collect())
    }

    /// The parts of the message that this one is about.
    pub(crate) async fn links_about(&self, post: &ChatwootPost) -> Result<Vec<Link>, Trouble> {
        let Some(quote) = post.quote.as_ref().filter(|quote| quote.relation == Relation::About) else {
            return Ok(Vec::new());
        };
        Ok(self.engine.store.links_by_wa(self.live.id(), &quote.id).await?)
    }

    /// Adds what the message tells to the attributes of its conversation; others' stay as they are.
    pub(crate) async fn note_attributes(
        &self,
        post: &ChatwootPost,
        conversation: CwConversationId,
    ) -> Result<(), Trouble> {
        if post.conversation_attributes.is_empty() {
            return Ok(());
        }
        let chatwoot = &self.live.chatwoot;
        // Chatwoot replaces them as a whole
        let known = chatwoot.conversation(conversation.get()).await.map_err(from_chatwoot)?.custom_attributes;
        let mut attributes = known.clone();
        attributes.extend(post.conversation_attributes.iter().map(|(name, value)| (name.clone(), shortened(value))));
        if attributes == known {
            return Ok(());
        }
        match chatwoot.set_custom_attributes(conversation.get(), &attributes).await {
            Ok(()) => Ok(()),
            // the note says the same: what Chatwoot does not take must not hold up the chat
            Err(error) if error.kind == ErrorKind::Invalid => Ok(()),
            Err(error) => Err(from_chatwoot(error)),
        }
    }
}

fn shortened(value: &Value) -> Value {
    match value.as_str() {
        Some(text) => Value::from(text.chars().take(LONGEST_ATTRIBUTE).collect::<String>()),
        None => value.clone(),
    }
}
