//! Finding, or making, a chat's contact and conversation in Chatwoot.
//!
//! A known chat costs no call. A new one is looked up by what identifies it exactly, before anything is created: so a repeated
//! attempt finds what the one before it made.

use chatwoot::{Contact, ErrorKind, Filter, FilterAttribute, NewContact};
use relay_domain::id::{CwContactId, CwConversationId};
use relay_domain::jid::Jid;
use relay_domain::note;
use relay_domain::note::desk::DESK_NAME;
use relay_store::{CHATWOOT_NAME, Chat, OpenChat, Place, SetPlace};

use super::Task;
use crate::desk::{SOURCE_ID, is_desk_chat};
use crate::ingest::{jid_of_source, other_spellings, source_id_of};
use crate::trouble::{Trouble, from_chatwoot};

/// Longest name Chatwoot keeps, in characters.
const LONGEST_NAME: usize = 255;

impl Task<'_> {
    /// The conversation of a chat.
    pub(crate) async fn conversation(&self, chat: &Chat) -> Result<(Place, CwConversationId), Trouble> {
        let settled = self.settle_contact(chat).await?;
        let chat = settled.as_ref().unwrap_or(chat);
        if let Some(place) = &chat.place
            && let Some(conversation) = place.conversation
            && !self.is_over(chat, conversation).await?
        {
            return Ok((place.clone(), conversation));
        }
        let jid = chat.jid.as_ref();
        let (contact, source_id, is_new) = match &chat.place {
            Some(place) => (place.contact, place.source_id.clone(), false),
            None => self.contact(chat, jid).await?,
        };
        let conversation = self.find_or_begin(chat, contact, &source_id).await?;
        let place = Place { contact, source_id, conversation: Some(conversation) };
        self.remember(chat, &place, is_new).await?;
        Ok((place, conversation))
    }

    /// Forgets where a chat lives, because Chatwoot no longer knows the place.
    pub(crate) async fn forget_place(&self, chat: &Chat) -> Result<(), Trouble> {
        let forget = SetPlace {
            session: self.live.id().clone(),
            chat: chat.key.clone(),
            place: None,
            name: None,
            push_name: None,
        };
        Ok(self.engine.store.set_place(forget).await?)
    }

    async fn remember(&self, chat: &Chat, place: &Place, is_new: bool) -> Result<(), Trouble> {
        let session = self.live.id().clone();
        if chat.jid.as_ref().and_then(source_id_of).as_deref() != Some(place.source_id.as_str()) {
            let aliases = vec![chat.key.to_string(), format!("{CHATWOOT_NAME}{}", place.source_id)];
            let spellings = chat.jid.as_ref().map(other_spellings).unwrap_or_default();
            let named = OpenChat { session: session.clone(), jid: chat.jid.clone(), aliases, spellings };
            self.engine.store.open_chat(named).await?;
        }
        let set = SetPlace {
            session,
            chat: chat.key.clone(),
            place: Some(place.clone()),
            // the name of a contact that was there is somebody else's
            name: is_new.then(|| self.name_of(chat, chat.jid.as_ref())),
            push_name: self.extras.push_name.clone().filter(|_| is_new),
        };
        Ok(self.engine.store.set_place(set).await?)
    }

    async fn contact(&self, chat: &Chat, jid: Option<&Jid>) -> Result<(CwContactId, String, bool), Trouble> {
        if is_desk_chat(chat) {
            return self.desk_contact().await;
        }
        let inbox = self.live.session.chatwoot.inbox;
        let source_id = jid.and_then(source_id_of).unwrap_or_else(|| chat.key.to_string().replace('.', "-"));
        if let Some(contact) = self.live.chatwoot.find_contact_inbox(inbox, &source_id).await.map_err(from_chatwoot)? {
            return Ok((CwContactId::new(contact.id), source_id, false));
        }
        if let Some(contact) = self.known_contact(jid).await? {
            return self.adopt(contact, jid, source_id).await;
        }
        match self.live.chatwoot.create_contact(&self.new_contact(chat, jid, &source_id)).await {
            Ok(contact) => Ok((CwContactId::new(contact.id), source_id, true)),
            // somebody else holds the number or the identifier since the look-up
            Err(error) if matches!(error.kind, ErrorKind::Taken { .. }) => match self.known_contact(jid).await? {
                Some(contact) => self.adopt(contact, jid, source_id).await,
                None => Err(from_chatwoot(error)),
            },
            Err(error) => Err(from_chatwoot(error)),
        }
    }

    /// The contact that agents, or another bridge, made for the same person: by identifier, or by any spelling of the number.
    pub(crate) async fn known_contact(&self, jid: Option<&Jid>) -> Result<Option<Contact>, Trouble> {
        let Some(jid) = jid else { return Ok(None) };
        let phones = jid.phone().map(|phone| phone.candidates()).unwrap_or_default();
        let by_phone = phones.iter().map(|phone| Filter { attribute: FilterAttribute::Phone, value: phone.to_e164() });
        let by_jid = Filter { attribute: FilterAttribute::Identifier, value: jid.to_string() };
        let filters: Vec<_> = std::iter::once(by_jid).chain(by_phone).collect();
        let mut found = self.live.chatwoot.filter_contacts(&filters).await.map_err(from_chatwoot)?;
        let rank = |contact: &Contact| contact.identifier.as_deref() != Some(jid.to_string().as_str());
        found.sort_by_key(|contact| (rank(contact), contact.id));
        Ok(found.into_iter().next())
    }

    async fn adopt(
        &self,
        contact: Contact,
        jid: Option<&Jid>,
        source_id: String,
    ) -> Result<(CwContactId, String, bool), Trouble> {
        let inbox = self.live.session.chatwoot.inbox;
        let id = CwContactId::new(contact.id);
        // a place it already has in this inbox keeps its conversations together, unless it leads to another number
        let is_ours = |source: &str| match (jid_of_source(source), jid) {
            // a contact that agents merged with the relay's
            (None, _) if source == SOURCE_ID => false,
            (Some(other), Some(jid)) => other == *jid || other_spellings(jid).contains(&other.to_string()),
            (Some(_), None) => false,
            (None, _) => true,
        };
        let mut places = contact.contact_inboxes.iter().filter(|known| known.inbox_id == inbox);
        if let Some(known) = places.find(|known| is_ours(&known.source_id)) {
            return Ok((id, known.source_id.clone(), false));
        }
        self.live.chatwoot.attach_contact_inbox(contact.id, inbox, &source_id).await.map_err(from_chatwoot)?;
        Ok((id, source_id, false))
    }

    /// What a contact is called that the relay makes: as the customer, else by number.
    fn name_of(&self, chat: &Chat, jid: Option<&Jid>) -> String {
        self.contact_name(chat, jid, self.extras.push_name.clone())
    }

    fn new_contact(&self, chat: &Chat, jid: Option<&Jid>, source_id: &str) -> NewContact {
        let phone = jid.and_then(Jid::phone).map(|phone| phone.to_e164());
        NewContact {
            name: self.name_of(chat, jid),
            phone_number: phone,
            identifier: jid.map(ToString::to_string),
            inbox_id: self.live.session.chatwoot.inbox,
            source_id: source_id.to_owned(),
            ..NewContact::default()
        }
    }

    /// What a contact is called: as the chat calls itself, else by number, else by what it is.
    pub(crate) fn contact_name(&self, chat: &Chat, jid: Option<&Jid>, told: Option<String>) -> String {
        let locale = self.live.locale;
        if is_desk_chat(chat) {
            return DESK_NAME.to_owned();
        }
        let known = || match jid {
            Some(jid) if jid.is_group() => Some(note::nameless_group(locale, jid.user())),
            Some(jid) => jid.phone().map(|phone| phone.to_e164()).or_else(|| note::feed_name(locale, jid)),
            None => None,
        };
        let name = told.or_else(known).unwrap_or_else(|| nameless(chat, jid));
        name.chars().take(LONGEST_NAME).collect()
    }
}

/// What somebody is called who has told neither name nor number: not by the address alone, which would pass for a number.
fn nameless(chat: &Chat, jid: Option<&Jid>) -> String {
    format!("WhatsApp {}", jid.map_or_else(|| chat.key.as_str(), Jid::user))
}
