//! Keeping a contact's name and picture in Chatwoot what they are on WhatsApp, beside the lanes: no message waits for it, and no
//! failure does harm. A chore that is lost comes back with the customer's next message.
//!
//! A name is changed only while Chatwoot still shows what the relay gave it, or a bare number. CodeChat tells of no change of
//! picture that could be relied on, so it is looked at when a customer writes, at most once a day, and brought over when its bytes
//! are other ones.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use chatwoot::{Contact, ContactChange};
use relay_domain::Timestamp;
use relay_domain::id::{ChatKey, SessionId};
use relay_domain::jid::Jid;
use relay_store::{Chat, SetProfile, StoreError};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::Engine;
use crate::http::allowed;
use crate::sessions::Live;
use crate::trouble::{Trouble, from_chatwoot};

/// Chores that may wait; further ones come back with a later message.
const QUEUE: usize = 1000;
/// Chores done at once.
pub(crate) const WORKERS: usize = 2;
/// How often a picture is looked at.
const PICTURE_EVERY: Duration = Duration::from_hours(24);
/// Largest picture; Chatwoot takes 15 MB, WhatsApp's are far smaller.
const LARGEST_PICTURE: usize = 5 * 1024 * 1024;
/// How long WhatsApp's server has for a picture.
const PICTURE_DEADLINE: Duration = Duration::from_secs(15);
/// Longest name Chatwoot keeps, in characters.
const LONGEST_NAME: usize = 255;

/// A contact to look after.
struct Chore {
    live: Arc<Live>,
    chat: ChatKey,
    push_name: Option<String>,
}

/// Contacts that wait to be looked after.
pub(crate) struct Profiles {
    queue: mpsc::Sender<Chore>,
    waiting: tokio::sync::Mutex<mpsc::Receiver<Chore>>,
    /// One at a time for each chat.
    queued: std::sync::Mutex<HashSet<(SessionId, ChatKey)>>,
}

/// Keys of chats are phone numbers, so none is shown.
impl fmt::Debug for Profiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Profiles").finish_non_exhaustive()
    }
}

impl Default for Profiles {
    fn default() -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE);
        Self { queue, waiting: tokio::sync::Mutex::new(waiting), queued: std::sync::Mutex::default() }
    }
}

impl Profiles {
    fn add(&self, chore: Chore) {
        let mark = (chore.live.id().clone(), chore.chat.clone());
        let mut queued = self.queued.lock().expect("nothing panics while holding the chores");
        if queued.insert(mark.clone()) && self.queue.try_send(chore).is_err() {
            queued.remove(&mark);
        }
    }

    fn done(&self, chore: &Chore) {
        let mut queued = self.queued.lock().expect("nothing panics while holding the chores");
        queued.remove(&(chore.live.id().clone(), chore.chat.clone()));
    }
}

impl Engine {
    /// Has the contact of a customer or a group that just wrote looked after, where there may be something to do.
    pub(crate) fn look_after(&self, live: &Arc<Live>, chat: &Chat, push_name: Option<&String>) {
        let Some(jid) = chat.jid.as_ref().filter(|jid| jid.is_person() || jid.is_group()) else { return };
        // in a group it is its author's, not the group's
        let push_name = push_name.filter(|_| jid.is_person());
        let is_new_name = push_name.is_some_and(|name| chat.push_name.as_ref() != Some(name));
        if is_new_name || is_picture_due(chat, self.clock.now()) {
            self.profiles.add(Chore { live: live.clone(), chat: chat.key.clone(), push_name: push_name.cloned() });
        }
    }

    /// Looks after contacts until told to stop.
    pub(crate) async fn keep_profiles(self: Arc<Self>, stop: CancellationToken) {
        loop {
            let next = async { self.profiles.waiting.lock().await.recv().await };
            let chore = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                chore = next => chore,
            };
            let Some(chore) = chore else { return };
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                result = self.refresh(&chore) => {
                    if let Err(error) = result {
                        tracing::error!(session.id = %chore.live.id(), %error, "a contact could not be looked after");
                    }
                }
            }
            self.profiles.done(&chore);
        }
    }

    async fn refresh(&self, chore: &Chore) -> Result<(), StoreError> {
        let live = &chore.live;
        let Some(chat) = self.store.chat(live.id(), &chore.chat).await? else { return Ok(()) };
        let (Some(place), Some(jid)) = (&chat.place, &chat.jid) else { return Ok(()) };
        let name = chore.push_name.as_ref().filter(|name| chat.push_name.as_ref() != Some(*name));
        let is_picture_due = is_picture_due(&chat, self.clock.now());
        if name.is_none() && !is_picture_due {
            return Ok(());
        }
        let Ok(contact) = live.chatwoot.contact(place.contact.get()).await else { return Ok(()) };
        if let Some(name) = name {
            self.refresh_name(live, &chat, &contact, name).await?;
        }
        if is_picture_due {
            self.refresh_picture(live, &chat, &contact, jid).await?;
        }
        Ok(())
    }

    async fn refresh_name(&self, live: &Live, chat: &Chat, contact: &Contact, name: &str) -> Result<(), StoreError> {
        let short: String = name.chars().take(LONGEST_NAME).collect();
        let shown = contact.name.clone().unwrap_or_default();
        let is_ours = chat.name.as_ref() == Some(&shown) || is_number(&shown, chat.jid.as_ref());
        let given = if is_ours && shown != short {
            let change = ContactChange { name: Some(short.clone()), ..ContactChange::default() };
            match live.chatwoot.update_contact(contact.id, &change).await {
                Ok(_) => Some(short),
                // tried again with the next message, unless it was refused
                Err(error) if is_passing(&error) => return Ok(()),
                Err(_) => None,
            }
        } else {
            // a name that we gave and did not hear of
            Some(short).filter(|short| chat.name.is_some() && shown == *short)
        };
        self.store
            .set_profile(SetProfile { name: given, push_name: Some(name.to_owned()), ..unchanged(live, chat) })
            .await
    }

    async fn refresh_picture(&self, live: &Live, chat: &Chat, contact: &Contact, jid: &Jid) -> Result<(), StoreError> {
        let mut profile = SetProfile { pictured_at: Some(self.clock.now()), ..unchanged(live, chat) };
        // a picture that somebody else chose stays
        let is_ours = chat.picture.is_some() || contact.thumbnail.is_none();
        if is_ours && let Some((bytes, mime)) = self.fetch_picture(live, jid).await {
            let hash: [u8; 32] = Sha256::digest(&bytes).into();
            if chat.picture.as_deref() != Some(&hash[..]) {
                let extension = mime.rsplit_once('/').map_or("jpg", |(_, kind)| kind);
                let file_name = format!("{:02x}{:02x}{:02x}{:02x}.{extension}", hash[0], hash[1], hash[2], hash[3]);
                match live.chatwoot.set_avatar(contact.id, bytes, &file_name, &mime).await {
                    Ok(_) => profile.picture = Some(hash),
                    Err(error) => {
                        tracing::debug!(session.id = %live.id(), error = %error.kind, "the contact's picture was not set");
                    }
                }
            }
        }
        self.store.set_profile(profile).await
    }

    /// The customer's picture and its type; WhatsApp's address of it is private and short-lived, so the bytes are brought over.
    async fn fetch_picture(&self, live: &Live, jid: &Jid) -> Option<(Bytes, String)> {
        let url = live.codechat.profile_picture_url(live.name(), &jid.to_string()).await.ok()??;
        allowed(&url, &live.session.codechat.url).ok()?;
        let is_codechat = url.origin() == live.session.codechat.url.origin();
        let http = if is_codechat { &self.http } else { &self.public_http };
        let mut answer = http.get(url).timeout(PICTURE_DEADLINE).send().await.ok()?.error_for_status().ok()?;
        let mime = answer.headers().get(http::header::CONTENT_TYPE)?.to_str().ok()?.to_owned();
        if !matches!(mime.as_str(), "image/jpeg" | "image/png" | "image/gif" | "image/webp") {
            return None;
        }
        let mut bytes = BytesMut::new();
        while let Some(chunk) = answer.chunk().await.ok()? {
            if bytes.len() + chunk.len() > LARGEST_PICTURE {
                return None;
            }
            bytes.extend_from_slice(&chunk);
        }
        Some((bytes.freeze(), mime)).filter(|(bytes, _)| !bytes.is_empty())
    }
}

fn unchanged(live: &Live, chat: &Chat) -> SetProfile {
    SetProfile {
        session: live.id().clone(),
        chat: chat.key.clone(),
        name: None,
        push_name: None,
        picture: None,
        pictured_at: None,
    }
}

fn is_picture_due(chat: &Chat, now: Timestamp) -> bool {
    chat.pictured_at.is_none_or(|at| now.since(at) >= PICTURE_EVERY)
}

fn is_passing(error: &chatwoot::Error) -> bool {
    !matches!(from_chatwoot(error.clone()), Trouble::Failed(failed) if !failed.is_outage)
}

/// Whether a name is but the customer's number, or nothing.
fn is_number(name: &str, jid: Option<&Jid>) -> bool {
    let is_around = |c: char| c.is_whitespace() || "+-().".contains(c);
    let digits: String = name.chars().filter(|c| !is_around(*c)).collect();
    let spellings = jid.and_then(Jid::phone).map(|phone| phone.candidates()).unwrap_or_default();
    digits.is_empty()
        || jid.is_some_and(|jid| jid.user() == digits)
        || spellings.iter().any(|phone| phone.digits() == digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_number_is_no_name() {
        let jid = Jid::parse("5511987654321@s.whatsapp.net").unwrap();
        for name in ["", "+5511987654321", "5511987654321", "+55 (11) 98765-4321", "551187654321"] {
            assert!(is_number(name, Some(&jid)), "{name}");
        }
        for name in ["Ana", "5511987654322", "Ana 5511987654321", "1"] {
            assert!(!is_number(name, Some(&jid)), "{name}");
        }
    }
}
