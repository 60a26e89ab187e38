//! Groups as conversations: what they are called, and what changes in them.
//!
//! A group is looked at when its conversation is made and, gently, every half day while people write in it; in between,
//! CodeChat tells of changes.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use relay_domain::Timestamp;
use relay_domain::event::Ignored;
use relay_domain::group::{GroupChange, GroupNews};
use relay_domain::id::{ChatKey, SessionId, WaMessageId};
use relay_domain::plan::ChatwootPost;
use relay_domain::{note, text};
use relay_store::{Chat, Place, SetPlace};

use super::{Done, Task};
use crate::translate::from_codechat::group::member;
use crate::trouble::{Trouble, from_chatwoot};

/// How long what was seen of a group counts as current.
const LOOK_EVERY: Duration = Duration::from_hours(12);

/// When each group was last looked at by this process.
#[derive(Debug, Default)]
pub(crate) struct Looks(Mutex<HashMap<(SessionId, ChatKey), Timestamp>>);

impl Looks {
    /// Whether it is time to look at a group; looking counts from now.
    fn is_due(&self, session: &SessionId, chat: &ChatKey, now: Timestamp) -> bool {
        let mut looks = self.0.lock().expect("nothing panics while holding the looks");
        let key = (session.clone(), chat.clone());
        let is_due = looks.get(&key).is_none_or(|last| now.since(*last) >= LOOK_EVERY);
        if is_due {
            looks.insert(key, now);
        }
        is_due
    }
}

impl Task<'_> {
    /// Sees to it that a group's conversation has the group's name and picture. What cannot be learnt now can be later.
    pub(crate) async fn look_at_group(&mut self, chat: &Chat) -> Result<(), Trouble> {
        let Some(jid) = chat.jid.as_ref().filter(|jid| jid.is_group()) else { return Ok(()) };
        let is_due = self.engine.looks.is_due(self.live.id(), &chat.key, self.engine.clock.now());
        if !is_due && chat.place.is_some() {
            return Ok(());
        }
        let group = match self.live.codechat.group_info(self.live.name(), &jid.to_string()).await {
            Ok(group) => group,
            Err(error) => {
                tracing::debug!(session.id = %self.live.id(), error = %error.kind, "codechat did not tell what a group is like");
                return Ok(());
            }
        };
        let members: Vec<_> = group.members.iter().flatten().filter_map(member).collect();
        self.engine.meet(self.live.id(), &members).await?;
        let Some(place) = &chat.place else {
            self.extras.push_name = group.subject;
            return Ok(());
        };
        if let Some(subject) = &group.subject
            && self.rename_group(chat, place, subject).await.is_err()
        {
            // what the other side said may repeat the name
            tracing::debug!(session.id = %self.live.id(), "a group was not renamed");
        }
        Ok(())
    }

    /// Shows a change of a group in its conversation, when it has one.
    pub(crate) async fn show_group_change(&self, chat: Chat, mut change: GroupChange) -> Result<Done, Trouble> {
        let Some(place) = chat.place.clone().filter(|place| place.conversation.is_some()) else {
            return Ok(Done::ignored(Ignored::NoConversation));
        };
        if let Some(subject) = &change.subject {
            self.rename_group(&chat, &place, subject).await?;
        }
        if change.news.is_empty() {
            return Ok(Done::ignored(Ignored::StateChange));
        }
        self.complete_change(&mut change).await?;
        let told = text::guard_liquid(&note::group_change(self.live.locale, &change));
        let id = WaMessageId::notice("group", self.event.id.as_str());
        let post =
            ChatwootPost { is_private: true, text: Some(told), ..ChatwootPost::new(id, self.event.received_at, false) };
        self.post(chat, vec![post]).await
    }

    async fn complete_change(&self, change: &mut GroupChange) -> Result<(), Trouble> {
        let session = self.live.id();
        if let Some(author) = &mut change.author {
            self.engine.complete(session, author).await?;
        }
        for news in &mut change.news {
            let GroupNews::Members { members, .. } = news else { continue };
            self.engine.meet(session, members).await?;
            for member in members {
                self.engine.complete(session, member).await?;
            }
        }
        Ok(())
    }

    /// Gives the contact the group's name, unless agents gave it one of their own.
    async fn rename_group(&self, chat: &Chat, place: &Place, subject: &str) -> Result<(), Trouble> {
        if chat.name.as_deref() == Some(subject) {
            return Ok(());
        }
        let contact = self.live.chatwoot.contact(place.contact.get()).await.map_err(from_chatwoot)?;
        let given = self.contact_name(chat, chat.jid.as_ref(), chat.name.clone());
        if contact.name.as_deref() == Some(given.as_str()) {
            let name = self.contact_name(chat, chat.jid.as_ref(), Some(subject.to_owned()));
            let change = chatwoot::ContactChange { name: Some(name), ..chatwoot::ContactChange::default() };
            self.live.chatwoot.update_contact(place.contact.get(), &change).await.map_err(from_chatwoot)?;
        }
        let set = SetPlace {
            session: self.live.id().clone(),
            chat: chat.key.clone(),
            place: Some(place.clone()),
            name: Some(subject.to_owned()),
            push_name: Some(subject.to_owned()),
        };
        Ok(self.engine.store.set_place(set).await?)
    }
}
