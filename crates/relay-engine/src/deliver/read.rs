//! What becomes known of reading while messages are delivered: what is unread from now on, and what the phone's owner has read.

use relay_domain::backoff::Direction;
use relay_domain::event::Ignored;
use relay_domain::id::{CwConversationId, CwMessageId, WaMessageId};
use relay_domain::plan::ChatwootPost;
use relay_store::LaneKind;

use super::{Done, Task};
use crate::reading::Relayed;
use crate::trouble::Trouble;
use crate::typing::{Act, Sign};

impl Task<'_> {
    /// A customer's message is in Chatwoot: it waits to be read, and whoever wrote it types no more.
    pub(crate) fn note_relayed(
        &self,
        post: &ChatwootPost,
        conversation: CwConversationId,
        created: &chatwoot::Message,
    ) {
        // what else a message becomes is read with it
        if post.from_phone || post.part != 0 || self.lease.lane.kind == LaneKind::Desk {
            return;
        }
        if self.live.session.settings.typing {
            let (session, chat) = (self.live.id().clone(), vec![self.lease.lane.chat.to_string()]);
            self.engine.signs.give(Sign { session, chat, act: Act::CustomerWrote, at: self.engine.clock.now() });
        }
        self.note_unread(post, conversation, created);
    }

    fn note_unread(&self, post: &ChatwootPost, conversation: CwConversationId, created: &chatwoot::Message) {
        if !self.live.session.settings.read_receipts {
            return;
        }
        let relayed = Relayed {
            wa_id: post.id.clone(),
            row: self.extras.row,
            address: self.extras.address.clone(),
            posted_secs: created.created_at.div_euclid(1000),
        };
        let (chat, now) = (&self.lease.lane.chat, self.engine.clock.now());
        self.live.health.unread.relayed(chat, conversation, CwMessageId::new(created.id), relayed, now);
    }

    /// A customer's message was read on the phone: Chatwoot hears of it once per chat, a moment later.
    pub(crate) async fn read_on_phone(&self, id: WaMessageId) -> Result<Done, Trouble> {
        if !self.live.session.settings.read_receipts {
            return Ok(Done::ignored(Ignored::NoInterest));
        }
        let store = &self.engine.store;
        let links = store.links_by_wa(self.live.id(), &id).await?;
        let link = links.into_iter().find(|link| link.key.direction == Direction::In && !link.wa_from_me);
        let Some(link) = link else {
            self.live.health.unread.read_before_relayed(id);
            return Ok(Done::ignored(Ignored::ForeignReceipt));
        };
        let Some((message, conversation)) = link.cw_message.zip(link.cw_conversation) else {
            self.live.health.unread.read_before_relayed(id);
            return Ok(Done::ignored(Ignored::StateChange));
        };
        if store.read_mark(self.live.id(), &link.chat).await? >= message {
            return Ok(Done::ignored(Ignored::StaleReceipt));
        }
        let now = self.engine.clock.now();
        let relayed = Relayed { wa_id: id, row: link.wa_row, address: None, posted_secs: now.as_secs() };
        self.live.health.unread.read_on_phone(&link.chat, conversation, message, relayed, now);
        Ok(Done::ignored(Ignored::StateChange))
    }
}
