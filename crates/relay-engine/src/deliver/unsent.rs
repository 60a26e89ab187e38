//! Messages that are not sent after all: the agent is told why, and how much of them was.

use relay_domain::id::CwMessageId;
use relay_domain::note::{self, Failure};
use relay_domain::unsent;
use relay_store::{Change, End, Link, LinkChange, LinkState};

use super::to_whatsapp::Message;
use super::{Done, Task};
use crate::trouble::{Trouble, from_chatwoot};

impl Task<'_> {
    /// Says on the agent's message why it, or the rest of it, was not sent, and ends the event.
    pub(crate) async fn give_up(&self, message: &Message, why: Failure) -> Result<Done, Trouble> {
        let links = self.settled_links(message.id).await?;
        if is_sent(&links) {
            return Ok(Done::delivered(Vec::new()));
        }
        let why = partly(why, &links);
        self.show_failure(message, &why).await?;
        let end = End::Dead(why.reason());
        Ok(Done { end, links: failed(&links), was_attempted: true })
    }

    /// Ends a message that waited longer than agents' messages may.
    pub(crate) async fn expire(&self, message: &Message) -> Result<Done, Trouble> {
        let links = self.settled_links(message.id).await?;
        if is_sent(&links) {
            return Ok(Done::delivered(Vec::new()));
        }
        let why = partly(Failure::Expired, &links);
        self.show_failure(message, &why).await?;
        let end = End::Expired(why.reason());
        Ok(Done { end, links: failed(&links), was_attempted: true })
    }

    /// The parts of a message, after looking for every one that may have been sent without our knowing: nobody is told "not
    /// sent" of a message that the customer has.
    pub(crate) async fn settled_links(&self, message: CwMessageId) -> Result<Vec<Link>, Trouble> {
        for link in self.links_of(message).await? {
            if link.state != LinkState::Intent {
                continue;
            }
            if let Some(since) = self.doubt_since(&link).await?
                && let Some(row) = self.look_for_copy(&link, since).await?
            {
                self.record(link.key, Change::SentToWhatsApp { id: link.wa_id, row }).await?;
            }
        }
        self.links_of(message).await
    }

    async fn show_failure(&self, message: &Message, why: &Failure) -> Result<(), Trouble> {
        let status = chatwoot::NewStatus::Failed { reason: note::failure(self.live.locale, why) };
        match self.live.chatwoot.set_status(message.conversation, message.id.get(), &status).await {
            Ok(_) => Ok(()),
            Err(error) if error.kind == chatwoot::ErrorKind::NotFound => self.tell_beside(message, why).await,
            Err(error) => Err(from_chatwoot(error)),
        }
    }

    /// Says in a private note what the message itself cannot say any more, once. Who deleted it knows.
    async fn tell_beside(&self, message: &Message, why: &Failure) -> Result<(), Trouble> {
        if self.is_deleted(message.id).await? {
            return Ok(());
        }
        let text = note::not_sent(self.live.locale, why, self.event.id.as_str());
        self.post_private_note(message.conversation.into(), &format!("relay:not-sent:{}", message.id), text).await
    }
}

fn is_sent(links: &[Link]) -> bool {
    links.first().is_some_and(|link| unsent::is_whole(sent_count(links), usize::from(link.parts)))
}

fn sent_count(links: &[Link]) -> usize {
    links.iter().filter(|link| link.state == LinkState::Sent).count()
}

fn partly(why: Failure, links: &[Link]) -> Failure {
    unsent::partly(why, sent_count(links), links.len())
}

fn failed(links: &[Link]) -> Vec<LinkChange> {
    let unsent = links.iter().filter(|link| link.state != LinkState::Sent);
    unsent.map(|link| LinkChange { key: link.key.clone(), change: Change::Failed }).collect()
}
