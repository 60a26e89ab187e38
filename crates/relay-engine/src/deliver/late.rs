//! Messages that come after newer ones: they are delivered, and it is said when they were written.

use std::time::Duration;

use relay_domain::backoff::Direction;
use relay_domain::event::Ignored;
use relay_domain::id::CwConversationId;
use relay_domain::note;
use relay_domain::order::is_late;
use relay_domain::plan::ChatwootPost;
use relay_fault::{Sabotage, is_sabotaged};
use relay_store::{Link, Origin};

use super::to_chatwoot::in_local_time;
use super::to_whatsapp::Message;
use super::{Done, Task};
use crate::trouble::Trouble;

/// From which age on a message that no webhook told of shows when it was written.
const OLD: Duration = Duration::from_mins(2);

impl Task<'_> {
    /// Whether a customer's message is shown after newer ones, or so long after it was written that its real time must be told.
    pub(crate) fn is_late(&self, post: &ChatwootPost) -> bool {
        let is_swept = self.event.origin == Origin::Sweep;
        let is_old = || self.engine.clock.now().since(post.sent_at) > OLD;
        let must_tell = is_late(self.event.order_key, self.lease.done_to) || (is_swept && is_old());
        must_tell && !post.id.is_notice() && !is_sabotaged(Sabotage::LateMark)
    }

    /// Whether newer messages of the chat went out before this one, without anybody having wanted that.
    pub(crate) fn is_overtaken(&self) -> bool {
        is_late(self.event.order_key, self.lease.done_to) && self.event.origin != Origin::Manual
    }

    /// Tells the agents, and nobody else, that a message went out after newer ones.
    pub(crate) async fn tell_late(&self, message: &Message) -> Result<(), Trouble> {
        let written_at = in_local_time(message.created_at, &self.engine.config.zone);
        let text = note::sent_late(self.live.locale, &written_at);
        let conversation = CwConversationId::new(message.conversation);
        self.post_private_note(conversation, &format!("relay:late:{}", message.id), text).await
    }

    /// A message of a group that was relayed under another name of its author: CodeChat's rows do not name who has no number,
    /// and its webhooks do. The chat's lane has one at a time, so the link of the first is there when the second comes.
    pub(crate) async fn same_message(&self, post: &ChatwootPost) -> Result<Option<Done>, Trouble> {
        if post.from_phone || !self.lease.lane.chat.as_str().ends_with("@g.us") {
            return Ok(None);
        }
        let links = self.engine.store.links_by_wa(self.live.id(), &post.id).await?;
        let ours = post.participant.as_ref().map(ToString::to_string);
        let is_same = |link: &Link| {
            let is_unnamed = link.wa_participant.is_none() || ours.is_none();
            let is_other = link.event != self.event.id && link.key.direction == Direction::In;
            is_other
                && !link.wa_from_me
                && link.chat == self.lease.lane.chat
                && is_unnamed
                && link.wa_participant != ours
        };
        Ok(links.iter().any(is_same).then(|| Done::ignored(Ignored::AlreadyRelayed)))
    }
}
