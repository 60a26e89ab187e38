//! Telling Chatwoot who a customer turned out to be: contacts of chats that were joined are merged, and the contact that is left
//! gets the phone number and the identifier.
//!
//! What is due is in the store until it is done, so a repeat after a crash finds the rest: a contact that is merged already is
//! answered with 404, a number that is set already needs no change. Refusals cost the contact, never the message.

use chatwoot::{Contact, ContactChange, ErrorKind};
use relay_domain::id::CwContactId;
use relay_domain::jid::{Jid, Server};
use relay_store::{Chat, SettleContact};

use super::Task;
use crate::trouble::{Trouble, from_chatwoot};

impl Task<'_> {
    /// Brings the chat's contact in line, where that is due; returns the chat as it is then.
    pub(crate) async fn settle_contact(&self, chat: &Chat) -> Result<Option<Chat>, Trouble> {
        let Some(place) = chat.place.as_ref().filter(|_| chat.is_contact_due) else {
            return Ok(None);
        };
        let merged = self.engine.store.contacts_to_merge(self.live.id(), &chat.key).await?;
        for contact in merged.iter().filter(|contact| **contact != place.contact) {
            self.merge_contacts(place.contact, *contact).await?;
        }
        let contact = match &chat.jid {
            Some(jid) if *jid.server() == Server::User => self.tell_number(place.contact, jid).await?,
            Some(_) | None => place.contact,
        };
        let settle = SettleContact {
            session: self.live.id().clone(),
            chat: chat.key.clone(),
            jid: chat.jid.clone(),
            contact,
            merged,
        };
        self.engine.store.settle_contact(settle).await?;
        self.reread(chat).await.map(Some)
    }

    async fn merge_contacts(&self, base: CwContactId, other: CwContactId) -> Result<(), Trouble> {
        match self.live.chatwoot.merge(base.get(), other.get()).await {
            Ok(_) => Ok(()),
            // merged before, or deleted by somebody: the place of a contact that is gone is looked for anew when it is used
            Err(error) if error.kind == ErrorKind::NotFound => Ok(()),
            Err(error) => self.unless_outage(error),
        }
    }

    /// Gives the contact the number and the identifier, where it has none of its own. Returns the contact that is left: somebody
    /// else may hold the number, and is the same person then.
    async fn tell_number(&self, contact: CwContactId, jid: &Jid) -> Result<CwContactId, Trouble> {
        let known = match self.live.chatwoot.contact(contact.get()).await {
            Ok(known) => known,
            Err(error) => return self.unless_outage(error).map(|()| contact),
        };
        let Some(change) = missing(&known, jid) else { return Ok(contact) };
        match self.live.chatwoot.update_contact(contact.get(), &change).await {
            Ok(_) => Ok(contact),
            Err(error) if matches!(error.kind, ErrorKind::Taken { .. }) => self.join_holder(contact, jid).await,
            Err(error) => self.unless_outage(error).map(|()| contact),
        }
    }

    async fn join_holder(&self, contact: CwContactId, jid: &Jid) -> Result<CwContactId, Trouble> {
        let Some(holder) = self.known_contact(Some(jid)).await?.filter(|holder| holder.id != contact.get()) else {
            return Ok(contact);
        };
        let kept = CwContactId::new(holder.id);
        self.merge_contacts(kept, contact).await?;
        if let Some(change) = missing(&holder, jid)
            && let Err(error) = self.live.chatwoot.update_contact(kept.get(), &change).await
        {
            self.unless_outage(error)?;
        }
        Ok(kept)
    }

    /// What Chatwoot refuses about a contact is no reason to hold its messages back.
    pub(super) fn unless_outage(&self, error: chatwoot::Error) -> Result<(), Trouble> {
        match from_chatwoot(error) {
            Trouble::Failed(failed) if !failed.is_outage => {
                tracing::warn!(session.id = %self.live.id(), outcome = failed.outcome, status = failed.status,
                    "Chatwoot did not take what was learnt of a contact");
                Ok(())
            }
            trouble => Err(trouble),
        }
    }
}

/// What the contact lacks. A number that agents wrote down stays, and so does an identifier that is not a hidden number.
fn missing(contact: &Contact, jid: &Jid) -> Option<ContactChange> {
    let is_hidden = |identifier: &str| identifier.ends_with("@lid");
    let phone_number = jid.phone().map(|phone| phone.to_e164()).filter(|_| contact.phone_number.is_none());
    let identifier = Some(jid.to_string()).filter(|_| contact.identifier.as_deref().is_none_or(is_hidden));
    let change = ContactChange { phone_number, identifier, ..ContactChange::default() };
    (change != ContactChange::default()).then_some(change)
}
