//! Who people are: remembering those who write in groups, and putting names where WhatsApp has numbers.

use std::collections::BTreeMap;

use relay_domain::event::{Author, Content, WaMessage};
use relay_domain::id::SessionId;
use relay_domain::jid::Jid;
use relay_domain::participant::Participant;
use relay_domain::text;
use relay_store::{MeetPeople, Person, StoreError};

use crate::Engine;

/// People of one group that are remembered at once.
const MOST_PEOPLE: usize = 2000;

impl Engine {
    /// Completes what a message says of its author with what is known, remembers what is new, and names who is mentioned.
    pub(crate) async fn introduce(&self, session: &SessionId, message: &mut WaMessage) -> Result<(), StoreError> {
        if let (Some(who), Author::Customer) = (&mut message.participant, message.author) {
            self.complete(session, who).await?;
            self.meet(session, std::slice::from_ref(&**who)).await?;
        }
        let mut names = Vec::new();
        for mentioned in &message.mentions {
            if let Some(name) = self.name_of(session, mentioned).await? {
                names.push((mentioned.user().to_owned(), name));
            }
        }
        if let Some(written) = words(&mut message.content).filter(|_| !names.is_empty()) {
            *written = text::with_names(written, &names);
        }
        Ok(())
    }

    /// Adds the name and the number that are known of somebody, where they are not told.
    pub(crate) async fn complete(&self, session: &SessionId, who: &mut Participant) -> Result<(), StoreError> {
        for address in who.addresses().cloned().collect::<Vec<_>>() {
            let known = self.known(session, &address).await?;
            who.name = who.name.take().or(known.name);
            who.phone = who.phone.take().or(known.phone);
        }
        Ok(())
    }

    /// Remembers people under each of their addresses, unless that is known.
    pub(crate) async fn meet(&self, session: &SessionId, people: &[Participant]) -> Result<(), StoreError> {
        let mut new = BTreeMap::new();
        for who in people.iter().take(MOST_PEOPLE) {
            let told = Person { name: who.name.clone(), phone: who.phone.clone() };
            for address in who.addresses() {
                let known = self.store.person(session, address).await?.unwrap_or_default();
                let says_more = |told: &Option<String>, known: &Option<String>| told.is_some() && told != known;
                if says_more(&told.name, &known.name) || (told.phone.is_some() && told.phone != known.phone) {
                    new.insert(address.clone(), told.clone());
                }
            }
        }
        if new.is_empty() {
            return Ok(());
        }
        self.store.meet(MeetPeople { session: session.clone(), people: new }).await
    }

    /// What somebody is called: their own name, the name of their chat, or their number.
    async fn name_of(&self, session: &SessionId, jid: &Jid) -> Result<Option<String>, StoreError> {
        let known = self.known(session, jid).await?;
        let number = || known.phone.as_ref().unwrap_or(jid).phone().map(|phone| phone.to_readable());
        Ok(known.name.clone().or_else(number))
    }

    /// What is known of an address, from groups and from the person's own chat.
    async fn known(&self, session: &SessionId, jid: &Jid) -> Result<Person, StoreError> {
        let mut person = self.store.person(session, jid).await?.unwrap_or_default();
        if person.name.is_some() && person.phone.is_some() {
            return Ok(person);
        }
        let Some(key) = self.store.chat_by_alias(session, &jid.to_string()).await? else { return Ok(person) };
        if let Some(chat) = self.store.chat(session, &key).await? {
            person.name = person.name.or(chat.name);
            person.phone = person.phone.or(chat.jid.filter(|jid| jid.phone().is_some()));
        }
        Ok(person)
    }
}

/// What somebody wrote, whatever it belongs to.
fn words(content: &mut Content) -> Option<&mut String> {
    match content {
        Content::Text(text) => Some(text),
        Content::Media(media) => media.caption.as_mut(),
        Content::Edit(new) => new.as_mut().and_then(|new| words(new)),
        Content::Reaction(_)
        | Content::Deletion
        | Content::Link { .. }
        | Content::Place(_)
        | Content::Cards(_)
        | Content::Poll(_)
        | Content::Appointment(_)
        | Content::Offer(_)
        | Content::Choice(_)
        | Content::Trade(_)
        | Content::Payment(_)
        | Content::Invitation(_)
        | Content::Notice(_)
        | Content::Sealed(_)
        | Content::Unknown(_) => None,
    }
}
