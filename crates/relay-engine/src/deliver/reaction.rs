//! An agent's emoji as a reaction on the message it answers.
//!
//! CodeChat takes no id for a reaction, and tells of it before it answers. Neither matters: the same emoji on the same message
//! once more changes nothing, and our own is known by what it is (`reserved_id::reaction_id`).

use std::time::Duration;

use codechat::SendReaction;
use relay_domain::backoff::Direction;
use relay_domain::event::{Author, Content, Emoji, Event, Ignored};
use relay_domain::id::{CwMessageId, WaMessageId};
use relay_domain::jid::Jid;
use relay_domain::plan::{WhatsAppBody, WhatsAppPart};
use relay_domain::reserved_id::{is_reaction, reaction_id};
use relay_store::{Change, Chat, Link, LinkChange, LinkState};

use super::to_whatsapp::Message;
use super::{Done, Task};
use crate::trouble::Trouble;

/// How long after it was sent a reaction is still taken for the copy of our own.
const COPIES_COME_WITHIN: Duration = Duration::from_mins(10);

/// What we would call a reaction if it were our own.
pub(super) fn own_name(event: &Event) -> Option<WaMessageId> {
    let Event::WhatsApp(message) = event else { return None };
    let Content::Reaction(Emoji::Put(emoji)) = &message.content else { return None };
    let target = message.quote.as_ref().filter(|_| message.author == Author::Ourselves)?;
    Some(reaction_id(&target.id, emoji))
}

impl Task<'_> {
    /// What to react to: the emoji, and the first part of the message it answers. `None` when it is no reaction, or there is
    /// nothing on WhatsApp to put it on.
    pub(crate) async fn reaction<'p>(&self, parts: &'p [WhatsAppPart]) -> Result<Option<(&'p str, Link)>, Trouble> {
        let [WhatsAppPart { body: WhatsAppBody::Reaction(emoji), reply_to: Some(answered), .. }] = parts else {
            return Ok(None);
        };
        Ok(self.target(*answered).await?.map(|target| (emoji.as_str(), target)))
    }

    async fn target(&self, message: CwMessageId) -> Result<Option<Link>, Trouble> {
        let links = self.engine.store.links_by_cw(self.live.id(), message).await?;
        Ok(links
            .into_iter()
            .find(|link| link.state == LinkState::Sent && !is_reaction(&link.wa_id) && !link.wa_id.is_notice()))
    }

    pub(crate) async fn react(
        &self,
        chat: &Chat,
        jid: &Jid,
        message: &Message,
        part: &WhatsAppPart,
        (emoji, target): (&str, Link),
    ) -> Result<Done, Trouble> {
        self.await_turn()?;
        let name = reaction_id(&target.wa_id, emoji);
        let reserved = self.reserve_out(chat, message, std::slice::from_ref(part), |_| name.clone()).await?;
        let reserved = reserved.into_iter().next().expect("one part is reserved as one");
        if reserved.link.state == LinkState::Sent {
            return Ok(Done::delivered(Vec::new()));
        }
        if !reserved.is_noted {
            let tried = Change::Tried { at: self.engine.clock.now(), conversation: None };
            self.record(reserved.link.key.clone(), tried).await?;
        }
        let request = SendReaction {
            remote_jid: jid.to_string(),
            key_id: target.wa_id.to_string(),
            from_me: target.wa_from_me,
            participant: target.wa_participant,
            reaction: emoji.to_owned(),
        };
        self.check_lease()?;
        self.spend_turn();
        match self.live.codechat.send_reaction(self.live.name(), &request).await {
            Ok(sent) => {
                let change = Change::SentToWhatsApp { id: name, row: sent.row_id };
                Ok(Done::delivered(vec![LinkChange { key: reserved.link.key, change }]))
            }
            Err(error) => match self.not_sent(error, &reserved.link).await {
                Trouble::Hopeless(why) => self.give_up(message, why).await,
                trouble => Err(trouble),
            },
        }
    }

    /// A reaction of ours, as CodeChat tells it back.
    pub(crate) async fn own_reaction(&self, name: &WaMessageId) -> Result<Option<Done>, Trouble> {
        let links = self.engine.store.links_by_wa(self.live.id(), name).await?;
        let received_at = self.event.received_at;
        let is_recent = |link: &Link| link.tried_at.is_some_and(|at| received_at.since(at) < COPIES_COME_WITHIN);
        let ours = links.into_iter().find(|link| link.key.direction == Direction::Out && is_recent(link));
        Ok(ours.map(|link| {
            let change = Change::SentToWhatsApp { id: name.clone(), row: self.extras.row };
            Done { links: vec![LinkChange { key: link.key, change }], ..Done::ignored(Ignored::OwnCopy) }
        }))
    }
}
