//! From the names a webhook gives a chat to the one key under which it queues.

use std::collections::HashMap;
use std::fmt;
use std::sync::Mutex;

use relay_domain::id::{ChatKey, SessionId};
use relay_domain::jid::Jid;
use relay_store::{OpenChat, Store, StoreError};

/// Names remembered before the cache starts anew; a name and a key weigh about 150 bytes.
const CACHE: usize = 200_000;

/// The names of a chat, the most telling first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ChatNames {
    /// Where messages to it would be sent.
    pub(crate) jid: Option<Jid>,
    /// Names that are its own: JIDs, LIDs, Chatwoot source ids.
    pub(crate) names: Vec<String>,
    /// Other spellings under which it may be known. They find a chat but never become names of it.
    pub(crate) spellings: Vec<String>,
}

/// The alias table of the store, with a memory.
#[derive(Default)]
pub(crate) struct Chats {
    known: Mutex<HashMap<(SessionId, String), ChatKey>>,
}

/// Names of chats are phone numbers, so none is shown.
impl fmt::Debug for Chats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chats").finish_non_exhaustive()
    }
}

impl Chats {
    /// The key of the chat; opens it when it is new and names it when it has a new name.
    pub(crate) async fn resolve(
        &self,
        store: &Store,
        session: &SessionId,
        chat: ChatNames,
    ) -> Result<ChatKey, StoreError> {
        let known: Vec<_> = chat.names.iter().map(|name| self.get(session, name)).collect();
        if let Some(Some(key)) = known.first()
            && known.iter().all(|other| other.as_ref() == Some(key))
        {
            return Ok(key.clone());
        }
        let open = OpenChat {
            session: session.clone(),
            jid: chat.jid,
            aliases: chat.names.clone(),
            spellings: chat.spellings,
        };
        let key = store.open_chat(open).await?;
        if known.into_iter().flatten().any(|other| other != key) {
            // other names may lead to the chat that was joined to this one
            self.forget();
        }
        self.put(session, chat.names, &key);
        Ok(key)
    }

    fn get(&self, session: &SessionId, name: &str) -> Option<ChatKey> {
        let known = self.known.lock().expect("nothing panics while holding the chats");
        known.get(&(session.clone(), name.to_owned())).cloned()
    }

    fn put(&self, session: &SessionId, names: Vec<String>, key: &ChatKey) {
        let mut known = self.known.lock().expect("nothing panics while holding the chats");
        if known.len() >= CACHE {
            known.clear();
        }
        known.extend(names.into_iter().map(|name| ((session.clone(), name), key.clone())));
    }

    /// Forgets everything, for when chats change behind the cache.
    pub(crate) fn forget(&self) {
        self.known.lock().expect("nothing panics while holding the chats").clear();
    }
}
