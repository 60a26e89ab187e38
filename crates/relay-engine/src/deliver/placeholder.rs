//! Putting a placeholder where something from WhatsApp could not be delivered, so that the chat goes on.
//!
//! A placeholder is a message of its own, named after the event, so it is posted once, whatever happens. The link of the message that
//! it stands for keeps its own name at Chatwoot and is marked as failed, with the placeholder as what answers refer to: a later retry
//! posts the message itself.

use codechat::{Event as Name, Upsert, Webhook};
use relay_domain::Timestamp;
use relay_domain::backoff::Direction;
use relay_domain::id::{CwConversationId, CwMessageId, WaMessageId};
use relay_domain::note::{self, Lost};
use relay_domain::plan::{ChatwootPost, is_feed};
use relay_store::{Change, Chat, LinkChange, LinkKey, LinkState, NewLink, Reserve, Reserved};

use super::to_chatwoot::{event_key, posted};
use super::{Shown, Task, deliver};
use crate::translate::from_codechat::message::participant;
use crate::trouble::Trouble;

impl Task<'_> {
    /// Shows that something is missing. What made it fail is not touched again: id and author of a message are all that is read.
    pub(crate) async fn post_placeholder(&self, chat: &Chat, why: &str) -> Result<Shown, Trouble> {
        let Ok(webhook) = Webhook::parse(&self.event.body) else { return Ok(Shown::Loss(Vec::new())) };
        match webhook.event {
            Name::MessagesUpsert | Name::SendMessage => match Upsert::from_value(&webhook.data) {
                Ok(upsert) => self.stand_in_for(chat, upsert, why).await,
                Err(_) => Ok(Shown::Loss(Vec::new())),
            },
            Name::CallUpsert => self.stand_in(chat, self.bare(Lost::Call, why)).await,
            // a group without a conversation is told of nothing
            Name::GroupsUpdate | Name::GroupsUpsert | Name::GroupParticipantsUpdate
                if chat.place.as_ref().is_some_and(|place| place.conversation.is_some()) =>
            {
                self.stand_in(chat, ChatwootPost { is_private: true, ..self.bare(Lost::GroupChange, why) }).await
            }
            _ => Ok(Shown::Loss(Vec::new())),
        }
    }

    /// A placeholder that stands for nothing in particular yet.
    fn bare(&self, lost: Lost, why: &str) -> ChatwootPost {
        let id = WaMessageId::notice("undelivered", self.event.id.as_str());
        ChatwootPost {
            text: Some(note::undelivered(self.live.locale, lost, why, self.event.id.as_str())),
            is_placeholder: true,
            ..ChatwootPost::new(id, self.event.received_at, false)
        }
    }

    async fn stand_in(&self, chat: &Chat, placeholder: ChatwootPost) -> Result<Shown, Trouble> {
        Ok(Shown::Loss(self.post_somewhere(chat, &placeholder).await?.links))
    }

    async fn stand_in_for(&self, chat: &Chat, upsert: Upsert, why: &str) -> Result<Shown, Trouble> {
        let sent_at = Timestamp::from_secs(upsert.timestamp.unwrap_or(0));
        let who = participant(&upsert).filter(|_| !upsert.from_me);
        let message = ChatwootPost {
            participant: who.as_ref().and_then(|who| who.address().cloned()),
            ..ChatwootPost::new(WaMessageId::new(upsert.key_id), sent_at, upsert.from_me)
        };
        let key = LinkKey { direction: Direction::In, source_id: event_key(&message), part: 0 };
        if let Some((conversation, found)) = self.find_after_all(chat, &message, &key).await? {
            let change = posted(key, conversation, found);
            self.record(change.key, change.change).await?;
            // the rest of it, should it have more parts
            return Ok(Shown::Delivery(deliver(self.engine, self.live.clone(), self.lease, self.event).await?));
        }
        let placeholder = ChatwootPost {
            is_private: chat.jid.as_ref().is_some_and(is_feed),
            from_phone: message.from_phone,
            sent_at,
            participant: message.participant.clone(),
            heading: who.as_ref().map(|who| note::author(self.live.locale, who)),
            ..self.bare(Lost::Message, why)
        };
        let mut links = self.post_somewhere(chat, &placeholder).await?.links;
        let place = links.iter().find_map(|link| match link.change {
            Change::PostedToChatwoot { conversation, message } => Some((conversation, message)),
            _ => None,
        });
        if let Some((conversation, message)) = place {
            links.push(LinkChange { key, change: Change::StoodInFor { conversation, message } });
        }
        Ok(Shown::Loss(links))
    }

    /// Writes the message down, so that a placeholder can be noted with it; where an attempt in doubt had put it, if one had.
    async fn find_after_all(
        &self,
        chat: &Chat,
        message: &ChatwootPost,
        key: &LinkKey,
    ) -> Result<Option<(CwConversationId, CwMessageId)>, Trouble> {
        let part = NewLink {
            key: key.clone(),
            parts: 1,
            wa_id: message.id.clone(),
            wa_from_me: message.from_phone,
            wa_participant: message.participant.as_ref().map(ToString::to_string),
            wa_row: self.extras.row,
            cw_conversation: None,
            cw_message: None,
            is_tried: false,
        };
        let reserve = Reserve {
            lease: self.lease.clone(),
            event: self.event.id.clone(),
            chat: chat.key.clone(),
            parts: vec![part],
            now: self.engine.clock.now(),
        };
        let Reserved::Known(known) = self.engine.store.reserve(reserve).await? else {
            return Err(Trouble::LeaseLost);
        };
        let Some(link) = known.into_iter().find(|link| link.state == LinkState::Intent) else { return Ok(None) };
        let (Some(since), Some(conversation)) = (self.doubt_since(&link).await?, link.cw_conversation) else {
            return Ok(None);
        };
        let found = self.look_for(message, conversation, link.made_at, since).await?;
        Ok(found.map(|found| (conversation, found)))
    }
}
