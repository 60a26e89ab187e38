//! What is to be done about an [`Event`]: the parts to deliver on the other side, in order.
//!
//! A plan holds intent only. Remote ids (conversation, quoted message) are looked up when it is carried out.

mod show;
mod to_whatsapp;

use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use crate::call::Call;
use crate::clock::Timestamp;
use crate::event::{AdReferral, Author, Event, Ignored, Media, Quote, WaMessage};
use crate::group::GroupChange;
use crate::id::{CwMessageId, WaMessageId};
use crate::jid::{Jid, Server};
use crate::note::{self, Failure, Locale};
use crate::settings::{Deletions, Groups, SessionSettings};
use crate::status::Receipt;
use crate::text;
pub use to_whatsapp::{MAX_CAPTION_CHARS, MAX_TEXT_CHARS, WhatsAppBody, WhatsAppPart};

/// The deliveries that an event calls for.
#[derive(Clone, Debug, PartialEq)]
pub enum Plan {
    /// None.
    Ignore(Ignored),
    /// Post to Chatwoot, one after the other.
    Chatwoot(Vec<ChatwootPost>),
    /// Send to WhatsApp, part by part.
    WhatsApp(Vec<WhatsAppPart>),
    /// Delete what was sent of a message, for everyone.
    Revoke(CwMessageId),
    /// Say on the agent's message why it is not sent.
    Refuse(Failure),
    /// Show what changed in a group.
    Group(GroupChange),
    /// Show a call, and reject it when that is wanted.
    Call(Call),
    /// Show a receipt on the agent's message.
    Receipt {
        /// The message at WhatsApp.
        id: WaMessageId,
        /// How far it got.
        receipt: Receipt,
    },
    /// Show in Chatwoot that a customer's message was read on the phone.
    ReadOnPhone(WaMessageId),
}

/// One message for Chatwoot.
#[derive(Clone, Debug, PartialEq)]
pub struct ChatwootPost {
    /// Its id at WhatsApp.
    pub id: WaMessageId,
    /// When it was written, to the second.
    pub sent_at: Timestamp,
    /// Whether it is shown as ours, written outside Chatwoot.
    pub from_phone: bool,
    /// Who wrote it, among several: their address in the group.
    pub participant: Option<Jid>,
    /// A line above everything else, in Markdown: who wrote it, among several.
    pub heading: Option<String>,
    /// Text in Markdown.
    pub text: Option<String>,
    /// A file to fetch and attach.
    pub media: Option<Media>,
    /// Files that the relay makes itself.
    pub made_files: Vec<MadeFile>,
    /// Whether the text stands for something that is not shown as itself.
    pub is_placeholder: bool,
    /// Whether nobody here knows what it is. Chatwoot has a bubble for that (`is_unsupported`), which hides the text in the
    /// browser and shows it in the app, in notifications and to the search.
    pub is_unsupported: bool,
    /// The message it replies to, or is about.
    pub quote: Option<Quote>,
    /// Says that the message it is about was deleted. When that one is to be deleted in Chatwoot too, this is posted only where
    /// it cannot be.
    pub deletion: Option<Deletions>,
    /// Which of the posts that one WhatsApp message becomes; 0 is the message itself. Part of its idempotency key.
    pub part: u16,
    /// Whether only agents see it: neither automatic answers nor the state of the conversation follow from it.
    pub is_private: bool,
    /// What becomes known about the conversation.
    pub conversation_attributes: Map<String, Value>,
}

impl ChatwootPost {
    /// A post without content for the WhatsApp message `id`.
    pub fn new(id: WaMessageId, sent_at: Timestamp, from_phone: bool) -> Self {
        Self {
            id,
            sent_at,
            from_phone,
            participant: None,
            heading: None,
            text: None,
            media: None,
            made_files: Vec::new(),
            is_placeholder: false,
            is_unsupported: false,
            quote: None,
            deletion: None,
            part: 0,
            is_private: false,
            conversation_attributes: Map::new(),
        }
    }
}

/// A file that the relay makes itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MadeFile {
    /// Its name.
    pub name: String,
    /// Its media type.
    pub mime: &'static str,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// What a plan must know about the chat.
#[derive(Clone, Copy, Debug)]
pub struct ChatView<'a> {
    /// Where the chat is; `None` when Chatwoot's contact has no address yet.
    pub jid: Option<&'a Jid>,
    /// Language of what the relay writes itself.
    pub locale: Locale,
    /// What the session's owner chose.
    pub settings: &'a SessionSettings,
    /// Where the times in notes are told.
    pub zone: &'a TimeZone,
}

/// Decides what becomes of an event.
pub fn plan(event: Event, view: ChatView<'_>) -> Plan {
    match event {
        Event::WhatsApp(message) => from_whatsapp(message, view),
        Event::Chatwoot(message) => to_whatsapp::from_chatwoot(message, view),
        Event::ChatwootDeletion(message) => Plan::Revoke(message),
        Event::Receipt { id, receipt } => Plan::Receipt { id, receipt },
        Event::ReadOnPhone(id) => Plan::ReadOnPhone(id),
        Event::Group(change) => match ignored_chat(view) {
            Some(reason) => Plan::Ignore(reason),
            None => Plan::Group(change),
        },
        Event::Call(call) => Plan::Call(call),
        Event::Nothing(reason) => Plan::Ignore(reason),
    }
}

/// Server of the one address under which messages queue that CodeChat does not attribute to anybody.
pub const UNATTRIBUTED: &str = "unattributed";

/// The one address of all groups that CodeChat does not name: those with an old id of two numbers and a hyphen.
pub const NAMELESS_GROUP: &str = "unknown@g.us";

/// Why nothing is made of a chat: it is none with a customer, or the session's owner does not want it.
pub fn ignored_chat(view: ChatView<'_>) -> Option<Ignored> {
    let jid = view.jid?;
    let off = |is_on: bool, reason| (!is_on).then_some(reason);
    match jid.server() {
        Server::Group => ignored_group(jid, &view.settings.groups),
        Server::Status => off(view.settings.status_updates, Ignored::StatusUpdate),
        Server::Broadcast => off(view.settings.broadcast_lists, Ignored::BroadcastList),
        Server::Newsletter => off(view.settings.newsletters, Ignored::Newsletter),
        Server::Other(name) if name == UNATTRIBUTED => Some(Ignored::Unattributed),
        Server::User | Server::Lid | Server::Call | Server::Bot | Server::Other(_) => None,
    }
}

fn ignored_group(jid: &Jid, groups: &Groups) -> Option<Ignored> {
    match groups {
        Groups::Off => Some(Ignored::GroupsOff),
        Groups::On if jid.to_string() == NAMELESS_GROUP => Some(Ignored::GroupUnnamed),
        Groups::On => None,
        Groups::Only(listed) => (!listed.contains(jid)).then_some(Ignored::GroupsOff),
    }
}

/// Chats in which people tell something to many: nobody there waits for an answer, and none can be sent.
pub fn is_feed(jid: &Jid) -> bool {
    matches!(jid.server(), Server::Status | Server::Broadcast | Server::Newsletter)
}

fn from_whatsapp(message: WaMessage, view: ChatView<'_>) -> Plan {
    if let Some(reason) = ignored_chat(view) {
        return Plan::Ignore(reason);
    }
    let from_phone = message.author != Author::Customer;
    let who = message.participant.filter(|_| !from_phone);
    let mut post = ChatwootPost {
        // notes reopen no conversation, and no greeting answers them
        is_private: view.jid.is_some_and(is_feed),
        heading: who.as_ref().map(|who| note::author(view.locale, who)),
        participant: who.as_ref().and_then(|who| who.address().cloned()),
        quote: message.quote,
        ..ChatwootPost::new(message.id, message.sent_at, from_phone)
    };
    show::message(&mut post, message.content, &message.marks, view);
    // Chatwoot runs Liquid over outgoing texts only
    if post.from_phone || post.is_private {
        post.text = post.text.map(|text| text::guard_liquid(&text));
        post.heading = post.heading.map(|heading| text::guard_liquid(&heading));
    }
    let ad = message.ad.filter(|_| !post.from_phone).map(|ad| told_ad(&ad, &post, view.locale));
    Plan::Chatwoot(ad.into_iter().chain([post]).collect())
}

/// A private note that goes ahead of the customer's first words.
fn told_ad(ad: &AdReferral, post: &ChatwootPost, locale: Locale) -> ChatwootPost {
    let source = [&ad.source_type, &ad.app].into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(", ");
    let attributes = [
        ("whatsapp_ad_title", ad.title.clone()),
        ("whatsapp_ad_url", ad.url.clone()),
        ("whatsapp_ad_id", ad.source_id.clone()),
        ("whatsapp_ad_source", (!source.is_empty()).then_some(source)),
        ("whatsapp_ad_click_id", ad.click_id.clone()),
    ];
    let known = attributes.into_iter().filter_map(|(name, value)| Some((name.to_owned(), Value::from(value?))));
    ChatwootPost {
        text: Some(text::guard_liquid(&note::ad(locale, ad))),
        is_private: true,
        part: 1,
        conversation_attributes: known.collect(),
        ..ChatwootPost::new(post.id.clone(), post.sent_at, true)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;
    use crate::event::{Content, Forwarded, Marks, MediaKind, MediaSource};
    use crate::participant::Participant;
    use crate::settings::ViewOnce;

    static DEFAULTS: LazyLock<SessionSettings> = LazyLock::new(SessionSettings::default);

    static UTC: TimeZone = TimeZone::UTC;

    fn view(server: &Server) -> ChatView<'static> {
        view_with(server, &DEFAULTS)
    }

    fn view_with<'a>(server: &Server, settings: &'a SessionSettings) -> ChatView<'a> {
        static PERSON: LazyLock<Jid> = LazyLock::new(|| Jid::parse("5511900000001@s.whatsapp.net").unwrap());
        static GROUP: LazyLock<Jid> = LazyLock::new(|| Jid::parse("120363000000000001@g.us").unwrap());
        static STATUS: LazyLock<Jid> = LazyLock::new(|| Jid::parse("status@broadcast").unwrap());
        let jid: &'static Jid = match server {
            Server::Group => &GROUP,
            Server::Status => &STATUS,
            Server::User
            | Server::Lid
            | Server::Broadcast
            | Server::Newsletter
            | Server::Call
            | Server::Bot
            | Server::Other(_) => &PERSON,
        };
        ChatView { jid: Some(jid), locale: Locale::En, settings, zone: &UTC }
    }

    fn customer(content: Content) -> Event {
        marked(content, Marks::default())
    }

    fn marked(content: Content, marks: Marks) -> Event {
        Event::WhatsApp(WaMessage {
            id: WaMessageId::new("A"),
            author: Author::Customer,
            participant: None,
            mentions: Vec::new(),
            sent_at: Timestamp::from_secs(1),
            quote: None,
            ad: None,
            marks,
            content,
        })
    }

    fn posted(event: Event, view: ChatView<'_>) -> ChatwootPost {
        let Plan::Chatwoot(posts) = plan(event, view) else { panic!("not posted") };
        let [post] = posts.try_into().unwrap();
        post
    }

    #[test]
    fn unknown_kinds_are_announced_by_name() {
        let post = posted(customer(Content::Unknown("fooMessage".into())), view(&Server::User));
        assert!(post.is_placeholder && post.is_unsupported);
        assert!(post.text.is_some_and(|text| text.contains("fooMessage")));
    }

    fn photo() -> Content {
        Content::Media(Media {
            kind: MediaKind::Image,
            caption: Some("*a*".to_owned()),
            file_name: None,
            mime: None,
            size: None,
            source: MediaSource { message_type: "imageMessage".to_owned(), content: Value::Null },
        })
    }

    #[test]
    fn what_can_be_seen_once_is_marked_or_left_on_the_phone() {
        let once = || marked(photo(), Marks { is_view_once: true, ..Marks::default() });
        let shown = posted(once(), view(&Server::User));
        assert_eq!(shown.text.as_deref(), Some("_👁️ view once_\n\n**a**"));
        assert!(shown.media.is_some() && !shown.is_placeholder);
        let settings = SessionSettings { view_once: ViewOnce::Announce, ..SessionSettings::default() };
        let kept = posted(once(), ChatView { settings: &settings, ..view(&Server::User) });
        assert!(kept.media.is_none() && kept.is_placeholder);
        assert_eq!(kept.text.as_deref(), Some("👁️ Photo to view once: open WhatsApp on the phone to see it"));
    }

    #[test]
    fn forwarded_messages_say_so() {
        let marks = Marks { forwarded: Some(Forwarded::Often), ..Marks::default() };
        let post = posted(marked(Content::Text("oi".into()), marks), view(&Server::User));
        assert_eq!(post.text.as_deref(), Some("_↪️ forwarded many times_\n\noi"));
    }

    #[test]
    fn no_bubble_is_empty() {
        for text in ["", " \n", "\u{200b}"] {
            let post = posted(customer(Content::Text(text.into())), view(&Server::User));
            assert_eq!(post.text.as_deref(), Some("_(message without visible text)_"), "{text:?}");
        }
    }

    #[test]
    fn chats_without_a_customer_are_left_alone() {
        for (server, reason) in [(Server::Group, Ignored::GroupsOff), (Server::Status, Ignored::StatusUpdate)] {
            assert_eq!(plan(customer(Content::Text("x".into())), view(&server)), Plan::Ignore(reason));
        }
    }

    fn member(text: &str) -> Event {
        let Event::WhatsApp(message) = customer(Content::Text(text.into())) else { unreachable!() };
        let who = Participant { name: Some("Bia".into()), ..Participant::of(["2@lid"]).unwrap() };
        Event::WhatsApp(WaMessage { participant: Some(Box::new(who)), ..message })
    }

    #[test]
    fn groups_are_conversations_when_the_owner_wants_them() {
        let listed = |jid: &str| Groups::Only(vec![Jid::parse(jid).unwrap()]);
        let table = [
            (Groups::On, true),
            (listed("120363000000000001@g.us"), true),
            (listed("120363000000000002@g.us"), false),
            (Groups::Off, false),
        ];
        for (groups, is_shown) in table {
            let settings = SessionSettings { groups, ..SessionSettings::default() };
            let plan = plan(member("oi"), view_with(&Server::Group, &settings));
            let Plan::Chatwoot(posts) = &plan else {
                assert!(!is_shown && plan == Plan::Ignore(Ignored::GroupsOff), "{plan:?}");
                continue;
            };
            assert!(is_shown && !posts[0].is_private);
            assert_eq!(posts[0].heading.as_deref(), Some("**Bia:**"));
            assert_eq!(posts[0].participant.as_ref().unwrap().to_string(), "2@lid");
        }
        let nameless = Jid::parse(NAMELESS_GROUP).unwrap();
        let settings = SessionSettings { groups: Groups::On, ..SessionSettings::default() };
        let view = ChatView { jid: Some(&nameless), ..view_with(&Server::Group, &settings) };
        assert_eq!(plan(member("oi"), view), Plan::Ignore(Ignored::GroupUnnamed));
    }

    #[test]
    fn status_updates_are_notes() {
        let settings = SessionSettings { status_updates: true, ..SessionSettings::default() };
        let view = view_with(&Server::Status, &settings);
        let Plan::Chatwoot(posts) = plan(member("promo {{ x }}"), view) else { panic!("not posted") };
        let post = &posts[0];
        assert!(post.is_private && post.heading.is_some());
        assert_ne!(post.text.as_deref(), Some("promo {{ x }}"), "Chatwoot would fill it in");
    }
}
