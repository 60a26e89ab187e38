//! The *Relay* contact: a conversation of the session's inbox in which agents ask the relay, and hear of the phone.
//!
//! The cast: a command is what an agent writes there; [`News`] is what the relay tells there by itself; a [`Word`] is an event that
//! the relay makes for itself, so that its answers and news are as durable as messages. All of them queue in lanes of the kind `desk`,
//! which are worked on even while the session is paused.
//!
//! Invariant: nothing that is written there reaches WhatsApp. The door files it apart from every chat, and nothing that works on a
//! lane of this kind sends anything.

use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use chatwoot::ConversationRef;
use relay_domain::Timestamp;
use relay_domain::id::{ChatKey, EventId};
use relay_domain::note::desk::News;
use relay_store::{Announced, CHATWOOT_NAME, Chat, Lane, LaneKind, NewEvent, Origin, Session, Source, StoreError};

use crate::Engine;
use crate::connection::OPEN;
use crate::ingest::ChatNames;
use crate::sessions::Live;

/// What the contact is called in every inbox. No address on WhatsApp is spelt like it.
pub(crate) const SOURCE_ID: &str = "relay-contact";
/// How long the phone is as it is before agents are told, so that one that comes and goes tells nothing.
const SETTLED: Duration = Duration::from_mins(1);

/// An event that the relay makes for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// Tell what can be asked for; it makes the conversation.
    Welcome,
    /// Tell news of the phone.
    News(News),
    /// Show codes to connect the phone with.
    Codes,
}

impl Word {
    const ALL: [Self; 5] =
        [Self::Welcome, Self::News(News::Lost), Self::News(News::Connected), Self::News(News::LoggedOut), Self::Codes];

    /// What the event is called.
    const fn event(self) -> &'static str {
        match self {
            Self::Welcome => "relay.welcome",
            Self::News(News::Lost) => "relay.lost",
            Self::News(News::Connected) => "relay.connected",
            Self::News(News::LoggedOut) => "relay.logged_out",
            Self::Codes => "relay.codes",
        }
    }

    pub(crate) fn parse(event: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|word| word.event() == event)
    }

    /// The lane: codes follow each other for minutes, and neither news nor answers wait for them.
    const fn lane(self) -> &'static str {
        match self {
            Self::Welcome | Self::News(_) => "news",
            Self::Codes => "codes",
        }
    }
}

/// What was last queued of a phone's connection, so that the store is not asked again and again.
#[derive(Debug, Default)]
pub(crate) struct Queued(Mutex<Option<(News, Timestamp)>>);

impl Queued {
    fn is_new(&self, news: News, since: Timestamp) -> bool {
        let mut last = self.0.lock().expect("nothing panics while holding the news");
        last.replace((news, since)) != Some((news, since))
    }

    fn forget(&self) {
        *self.0.lock().expect("nothing panics while holding the news") = None;
    }
}

/// Whether a conversation is the one with the relay. The contact tells as well: an agent who begins a conversation with it gets
/// another source id.
pub(crate) fn is_desk(conversation: &ConversationRef, inbox: i64) -> bool {
    let identifier = conversation.contact.as_ref().and_then(|contact| contact.identifier.as_deref());
    conversation.source_id.as_deref() == Some(SOURCE_ID) || identifier == Some(identifier_of(inbox).as_str())
}

/// Whether a chat is the one with the relay.
pub(crate) fn is_desk_chat(chat: &Chat) -> bool {
    chat.key.as_str().strip_prefix(CHATWOOT_NAME) == Some(SOURCE_ID)
}

/// The contact's identifier, of which an account has one only; so agents find it in the list of contacts.
pub(crate) fn identifier_of(inbox: i64) -> String {
    format!("relay-{inbox}")
}

/// The one name of the chat with the relay.
pub(crate) fn names() -> ChatNames {
    ChatNames { jid: None, names: vec![format!("{CHATWOOT_NAME}{SOURCE_ID}")], spellings: Vec::new() }
}

impl Engine {
    /// Has the *Relay* contact introduce itself, which makes its conversation. Once is enough; more often does nothing.
    pub async fn introduce_relay(&self, live: &Live) -> Result<(), StoreError> {
        self.queue_word(live, Word::Welcome, "first").await
    }

    /// Queues an event of our own; the same key is the same event.
    pub(crate) async fn queue_word(&self, live: &Live, word: Word, key: &str) -> Result<(), StoreError> {
        let now = self.clock.now();
        let event = NewEvent {
            id: EventId::generate(),
            lane: Lane { session: live.id().clone(), kind: LaneKind::Desk, chat: ChatKey::new(word.lane()) },
            source: Source::Relay,
            kind: word.event().to_owned(),
            dedup_key: format!("{}|{key}", word.event()),
            order_key: now.as_millis(),
            received_at: now,
            run_at: now,
            origin: Origin::Notice,
            body: Bytes::from_static(b"{}"),
        };
        self.store.ingest(event).await.map(drop)
    }

    /// Queues news of a phone that has been connected, or not, for long enough, and of which agents know otherwise.
    pub(crate) async fn tell_of_phone(&self, live: &Live) -> Result<(), StoreError> {
        let session = &live.session;
        let Some(news) = news_of(session).filter(|_| session.settings.relay_contact.enabled) else {
            live.health.queued.forget();
            return Ok(());
        };
        let is_settled = self.clock.now().since(session.connection_since) >= SETTLED;
        if !is_settled || !live.health.queued.is_new(news, session.connection_since) {
            return Ok(());
        }
        self.queue_word(live, Word::News(news), &session.connection_since.as_millis().to_string()).await
    }

    /// Queues the news that a number is no longer paired. One that never was, or of which agents know, is no news.
    pub(crate) async fn logged_out(&self, live: &Live) -> Result<(), StoreError> {
        let Some(session) = self.store.session_by_name(live.name()).await? else { return Ok(()) };
        let is_known = matches!(session.announced, None | Some(Announced::LoggedOut));
        if is_known || !session.settings.relay_contact.enabled {
            return Ok(());
        }
        let key = session.connection_since.as_millis().to_string();
        self.queue_word(live, Word::News(News::LoggedOut), &key).await
    }
}

/// What agents have yet to hear of a session's phone.
fn news_of(session: &Session) -> Option<News> {
    match (session.connection == OPEN, session.announced?) {
        (false, Announced::Connected) => Some(News::Lost),
        (true, Announced::Lost | Announced::LoggedOut) => Some(News::Connected),
        (true, Announced::Connected) | (false, Announced::Lost | Announced::LoggedOut) => None,
    }
}

#[cfg(test)]
mod tests {
    use chatwoot::{ContactRef, ConversationStatus};

    use super::*;
    use crate::ingest::jid_of_source;

    fn conversation(source: &str, identifier: Option<&str>) -> ConversationRef {
        let contact = ContactRef {
            id: 1,
            name: None,
            phone_number: Some("+5511900000001".to_owned()),
            identifier: identifier.map(str::to_owned),
            blocked: false,
        };
        ConversationRef {
            id: 1,
            status: ConversationStatus::Open,
            source_id: Some(source.to_owned()),
            contact_id: Some(1),
            contact: Some(contact),
            agent_last_seen_at: None,
        }
    }

    #[test]
    fn the_relay_is_known_by_either_name_and_taken_for_nobody() {
        assert!(is_desk(&conversation(SOURCE_ID, None), 3), "whatever number an agent gave it");
        assert!(is_desk(&conversation("0b4a1b1e-0000-4000-8000-000000000000", Some("relay-3")), 3));
        assert!(!is_desk(&conversation("5511900000001", Some("relay-4")), 3));
        assert_eq!(jid_of_source(SOURCE_ID), None);
    }

    #[test]
    fn every_word_is_read_back() {
        for word in Word::ALL {
            assert_eq!(Word::parse(word.event()), Some(word));
        }
        assert_eq!(Word::parse("message_created"), None);
    }
}
