//! Showing a call, and rejecting it when the session's owner wants that.
//!
//! A call is one message when it rings and one in its thread for how it ended; whichever ending is told first counts, and what
//! is told after it is folded. A call that the relay rejects is one message, and the answer to the caller another.

use std::time::Duration;

use relay_domain::call::{Call, CallStep};
use relay_domain::event::{Ignored, Quote, Relation};
use relay_domain::note::{self, Failure};
use relay_domain::plan::{ChatwootPost, WhatsAppBody, WhatsAppPart};
use relay_domain::{Timestamp, text};
use relay_store::{Change, Chat, Link, LinkChange};

use super::to_chatwoot::in_local_time;
use super::to_whatsapp::Message;
use super::{Done, Task};
use crate::trouble::Trouble;

/// Older calls do not ring any more.
const RINGS_FOR: Duration = Duration::from_mins(1);

impl Task<'_> {
    pub(crate) async fn show_call(&self, chat: Chat, call: Call) -> Result<Done, Trouble> {
        self.check_lease()?;
        let ending = self.engine.store.links_by_wa(self.live.id(), &call.ending_id()).await?;
        if ending.iter().any(|link| !self.is_ours(link)) {
            return Ok(Done::ignored(Ignored::CallTold));
        }
        if call.step != CallStep::Offered {
            return self.post(chat, vec![self.call_post(&call, call.step)]).await;
        }
        // written down by an attempt before: it was rejected then
        let is_rejected = ending.iter().any(|link| self.is_ours(link)) || self.reject(&call).await;
        if !is_rejected {
            return self.post(chat, vec![self.call_post(&call, CallStep::Offered)]).await;
        }
        let mut done = self.post(chat.clone(), vec![self.call_post(&call, CallStep::Rejected)]).await?;
        if let Some(reply) = self.reply_to(&call) {
            for change in done.links.drain(..) {
                self.record(change.key, change.change).await?;
            }
            done.links = self.tell_caller(&chat, &call, &reply).await?;
        }
        Ok(done)
    }

    fn is_ours(&self, link: &Link) -> bool {
        link.event == self.event.id
    }

    fn called_at(&self, call: &Call) -> Timestamp {
        call.at.unwrap_or(self.event.received_at)
    }

    /// Whether the call was rejected. One that cannot be goes on ringing: trying later would be too late.
    async fn reject(&self, call: &Call) -> bool {
        let is_wanted = self.live.session.settings.calls.reject;
        let age = self.engine.clock.now().since(self.called_at(call));
        if !is_wanted || call.is_past || age > RINGS_FOR {
            return false;
        }
        match self.live.codechat.reject_call(self.live.name(), &call.id, &call.from).await {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(session.id = %self.live.id(), event.id = %self.event.id, error = %error.kind, "a call could not be rejected");
                false
            }
        }
    }

    /// What the caller is told; a group is told nothing.
    fn reply_to(&self, call: &Call) -> Option<String> {
        let reply = self.live.session.settings.calls.reply.clone();
        reply.filter(|reply| !reply.trim().is_empty() && !call.kind.is_group)
    }

    /// What was not answered comes in like a message of the caller, so that the conversation reopens; the rest is a note.
    fn call_post(&self, call: &Call, step: CallStep) -> ChatwootPost {
        let (id, is_private) = match step {
            CallStep::Offered => (call.offer_id(), false),
            CallStep::Missed | CallStep::Ended | CallStep::Rejected => (call.ending_id(), false),
            CallStep::Answered | CallStep::Declined => (call.ending_id(), true),
        };
        let at = self.called_at(call);
        let told = note::call(self.live.locale, call.kind, step, &in_local_time(at, &self.engine.config.zone));
        ChatwootPost {
            is_private,
            text: Some(told),
            quote: (step != CallStep::Offered).then(|| Quote {
                id: call.offer_id(),
                excerpt: None,
                relation: Relation::Reply,
            }),
            ..ChatwootPost::new(id, at, false)
        }
    }

    /// Shows the answer in Chatwoot and sends it like an agent's message: once, with ticks, and with the reason when it fails.
    async fn tell_caller(&self, chat: &Chat, call: &Call, reply: &str) -> Result<Vec<LinkChange>, Trouble> {
        let at = self.called_at(call);
        let shown = text::guard_liquid(&text::to_markdown(reply));
        let post = ChatwootPost { text: Some(shown), ..ChatwootPost::new(call.reply_id(), at, true) };
        let mut links = self.post(chat.clone(), vec![post]).await?.links;
        let Some((message, conversation)) = links.iter().find_map(|link| match link.change {
            Change::PostedToChatwoot { conversation, message } => Some((message, conversation)),
            _ => None,
        }) else {
            return Ok(links);
        };
        for change in links.drain(..) {
            self.record(change.key, change.change).await?;
        }
        let chat = &self.reread(chat).await?;
        let message = Message { id: message, conversation: conversation.get(), created_at: at };
        let part = WhatsAppPart { index: 0, reply_to: None, body: WhatsAppBody::Text(reply.to_owned()) };
        let sent = match chat.jid.clone() {
            Some(jid) => self.send_parts(chat, &jid, &message, &[part]).await,
            None => self.give_up(&message, Failure::NoNumber).await,
        };
        match sent {
            Ok(done) => Ok(done.links),
            Err(Trouble::Failed(failed)) => {
                Ok(self.give_up(&message, Failure::Rejected { detail: failed.detail }).await?.links)
            }
            Err(Trouble::Offline) => Ok(self.give_up(&message, Failure::NotConnected).await?.links),
            Err(trouble) => Err(trouble),
        }
    }
}
