//! Which conversation takes a message, and how a new one begins: the session's choice.
//!
//! The state of a chat's conversation is known from Chatwoot's webhooks, so the choice costs no call. A webhook that was lost costs
//! little: a message never goes to a conversation that is not there, and after an hour of silence Chatwoot is asked.

use std::time::Duration;

use chatwoot::{Conversation, ConversationStatus, NewConversation};
use relay_domain::id::{CwContactId, CwConversationId};
use relay_domain::order::second_of;
use relay_domain::settings::ConversationPolicy;
use relay_store::{Chat, Place, SetPlace, SetStatus};

use super::Task;
use crate::desk::{SOURCE_ID, is_desk_chat};
use crate::trouble::{Trouble, from_chatwoot};

/// After this long without a message, what is known of a conversation's state is looked up before it is relied on.
const SILENCE: Duration = Duration::from_hours(1);

impl Task<'_> {
    fn policy(&self) -> ConversationPolicy {
        self.live.session.settings.conversations.policy
    }

    /// Whether the chat's conversation has ended and this message calls for another. Only the customer begins one: what is typed
    /// on the phone belongs to what was said last.
    pub(crate) async fn is_over(&self, chat: &Chat, conversation: CwConversationId) -> Result<bool, Trouble> {
        if self.policy() != ConversationPolicy::New || !self.extras.is_from_customer {
            return Ok(false);
        }
        if chat.status.is_some() && !self.was_silent() {
            return Ok(chat.status.as_deref() == Some(ConversationStatus::Resolved.as_str()));
        }
        match self.live.chatwoot.conversation(conversation.get()).await {
            Ok(found) => {
                self.note_status(chat, &found).await?;
                Ok(found.status == ConversationStatus::Resolved)
            }
            // the post finds out, and looks for the place anew
            Err(error) if error.kind == chatwoot::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(from_chatwoot(error)),
        }
    }

    fn was_silent(&self) -> bool {
        self.engine.clock.now().since(second_of(self.lease.done_to)) > SILENCE
    }

    /// The conversation of a contact that takes the message; begins one when there is none.
    pub(crate) async fn find_or_begin(
        &self,
        chat: &Chat,
        contact: CwContactId,
        source_id: &str,
    ) -> Result<CwConversationId, Trouble> {
        let inbox = self.live.session.chatwoot.inbox;
        let known = self.live.chatwoot.conversations_of(inbox, source_id).await.map_err(from_chatwoot)?;
        let found = match self.fitting(known, contact).await? {
            Some(found) => found,
            None => self.begin(contact, source_id).await?,
        };
        // one without a message may be what an attempt before this one began
        if found.is_empty && !is_desk_chat(chat) {
            self.label(&found).await?;
        }
        if chat.place.as_ref().and_then(|place| place.conversation) == Some(CwConversationId::new(found.id)) {
            self.note_status(chat, &found).await?;
        }
        Ok(CwConversationId::new(found.id))
    }

    /// The newest: a resolved one reopens when the customer writes. Where it is to stay resolved, the newest of the others.
    async fn fitting(&self, known: Vec<Conversation>, contact: CwContactId) -> Result<Option<Conversation>, Trouble> {
        let newest = |known: Vec<Conversation>| known.into_iter().max_by_key(|known| known.id);
        if self.policy() != ConversationPolicy::New || !self.extras.is_from_customer {
            return Ok(newest(known));
        }
        let (over, open): (Vec<_>, Vec<_>) =
            known.into_iter().partition(|known| known.status == ConversationStatus::Resolved);
        if !open.is_empty() || over.is_empty() {
            return Ok(newest(open));
        }
        // every conversation of a blocked contact is born resolved: one is enough for what nobody wants to read
        let contact = self.live.chatwoot.contact(contact.get()).await.map_err(from_chatwoot)?;
        Ok(newest(over).filter(|_| contact.blocked))
    }

    async fn begin(&self, contact: CwContactId, source_id: &str) -> Result<Conversation, Trouble> {
        let choices = &self.live.session.settings.conversations;
        let new = NewConversation {
            inbox_id: self.live.session.chatwoot.inbox,
            contact_id: contact.get(),
            source_id: source_id.to_owned(),
            status: (choices.start_pending && source_id != SOURCE_ID).then_some(ConversationStatus::Pending),
            team_id: choices.team.filter(|_| source_id != SOURCE_ID),
        };
        self.live.chatwoot.create_conversation(&new).await.map_err(from_chatwoot)
    }

    /// Adds the labels of new conversations. Chatwoot replaces all labels, so those that are there are given again.
    async fn label(&self, conversation: &Conversation) -> Result<(), Trouble> {
        let mut labels = conversation.labels.clone();
        let wanted = &self.live.session.settings.conversations.labels;
        labels.extend(wanted.iter().filter(|label| !conversation.labels.contains(label)).cloned());
        if labels.len() == conversation.labels.len() {
            return Ok(());
        }
        match self.live.chatwoot.set_labels(conversation.id, &labels).await {
            Ok(()) => Ok(()),
            Err(error) => self.unless_outage(error),
        }
    }

    async fn note_status(&self, chat: &Chat, found: &Conversation) -> Result<(), Trouble> {
        let status = SetStatus {
            session: self.live.id().clone(),
            chat: chat.key.clone(),
            conversation: CwConversationId::new(found.id),
            status: found.status.as_str().to_owned(),
            at: self.engine.clock.now(),
        };
        Ok(self.engine.store.set_status(status).await?)
    }

    /// Goes along when agents write to the customer in a later conversation: there the answer is expected.
    pub(crate) async fn follow_agent(&self, chat: &Chat) -> Result<(), Trouble> {
        let Some(place) = chat.place.as_ref().filter(|_| self.policy() != ConversationPolicy::Single) else {
            return Ok(());
        };
        let Ok(chatwoot::Webhook::MessageCreated(event)) = chatwoot::Webhook::parse(&self.event.body) else {
            return Ok(());
        };
        let conversation = CwConversationId::new(event.conversation.id);
        let (Some(contact), Some(source_id)) = (event.conversation.contact_id, event.conversation.source_id) else {
            return Ok(());
        };
        if place.conversation.is_none_or(|known| conversation <= known) {
            return Ok(());
        }
        let place = Place { contact: CwContactId::new(contact), source_id, conversation: Some(conversation) };
        let set = SetPlace {
            session: self.live.id().clone(),
            chat: chat.key.clone(),
            place: Some(place),
            name: None,
            push_name: None,
        };
        Ok(self.engine.store.set_place(set).await?)
    }
}
