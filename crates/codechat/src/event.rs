//! The names of webhooks: as the envelope spells them, and as the settings of a webhook spell them.
//!
//! Invariant: both sets are complete for CodeChat 1.3, and a name nobody knows is kept as it came.

use std::fmt;

macro_rules! names {
    ($($variant:ident $key:literal $name:literal $doc:literal,)+) => {
        /// What a webhook tells.
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum Event {
            $(#[doc = $doc] $variant,)+
            /// A name this crate does not know.
            Unknown(String),
        }

        impl Event {
            /// Returns the name in the envelope.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $name,)+
                    Self::Unknown(name) => name,
                }
            }

            fn canonical(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }

        /// A switch in the settings of a webhook.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum HookEvent {
            $(#[doc = $doc] $variant,)+
        }

        impl HookEvent {
            /// All switches there are.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// Returns the name of the switch.
            pub fn key(self) -> &'static str {
                match self {
                    $(Self::$variant => $key,)+
                }
            }

            /// Returns the event the switch lets through.
            pub fn event(self) -> Event {
                match self {
                    $(Self::$variant => Event::$variant,)+
                }
            }
        }
    };
}

names! {
    QrcodeUpdated "qrcodeUpdated" "qrcode.updated" "A QR code to scan, or the end of them.",
    MessagesSet "messagesSet" "messages.set" "A part of the history.",
    MessagesUpsert "messagesUpsert" "messages.upsert" "A message, received or sent.",
    MessagesUpdate "messagesUpdated" "messages.update" "A delivery status, or a sign of changed content.",
    SendMessage "sendMessage" "send.message" "A message sent through the API.",
    ContactsSet "contactsSet" "contacts.set" "A part of the address book.",
    ContactsUpsert "contactsUpsert" "contacts.upsert" "Contacts, new or renamed.",
    ContactsUpdate "contactsUpdated" "contacts.update" "Changes of contacts.",
    ChatsSet "chatsSet" "chats.set" "A part of the list of chats.",
    ChatsUpsert "chatsUpsert" "chats.upsert" "A new chat.",
    ChatsUpdate "chatsUpdated" "chats.update" "Changes of chats; repeats whole messages.",
    ChatsDelete "chatsDeleted" "chats.delete" "Chats that were deleted.",
    PresenceUpdate "presenceUpdated" "presence.update" "Somebody types, records, comes or goes.",
    GroupsUpsert "groupsUpsert" "groups.upsert" "A new group.",
    GroupsUpdate "groupsUpdated" "groups.update" "Changes of groups.",
    GroupParticipantsUpdate "groupsParticipantsUpdated" "group-participants.update" "Members of a group come or go.",
    ConnectionUpdate "connectionUpdated" "connection.update" "The connection to WhatsApp opens or closes.",
    StatusInstance "statusInstance" "status.instance" "The instance is loaded or removed.",
    NewJwt "refreshToken" "new.jwt" "A new token of the instance.",
    CallUpsert "callUpsert" "call.upsert" "A call rings or ends.",
    LabelsAssociation "labelsAssociation" "labels.association" "A label is put on or taken off.",
    LabelsEdit "labelsEdit" "labels.edit" "A label is made, renamed or deleted.",
}

impl Event {
    /// Reads the name in an envelope, or one the rewrite in Go uses for the same thing.
    pub fn from_name(name: &str) -> Self {
        Self::canonical(name).or_else(|| Self::alias(name)).unwrap_or_else(|| Self::Unknown(name.to_owned()))
    }

    fn alias(name: &str) -> Option<Self> {
        Some(match name {
            "qrcode.update" => Self::QrcodeUpdated,
            "history.sync" => Self::MessagesSet,
            "messages.updated" => Self::MessagesUpdate,
            "contacts.updated" => Self::ContactsUpdate,
            "chats.updated" => Self::ChatsUpdate,
            "chats.deleted" => Self::ChatsDelete,
            "presence.updated" => Self::PresenceUpdate,
            "groups.updated" => Self::GroupsUpdate,
            "groups.participants.update" | "groups.participants.updated" | "group.participants.update" => {
                Self::GroupParticipantsUpdate
            }
            "connection.updated" => Self::ConnectionUpdate,
            "refresh.token" => Self::NewJwt,
            _ => return None,
        })
    }
}

impl HookEvent {
    /// Reads the name of a switch.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|event| event.key() == key)
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_and_switches_are_read_back() {
        assert_eq!(HookEvent::ALL.len(), 22);
        let keys: HashSet<_> = HookEvent::ALL.iter().map(|event| event.key()).collect();
        assert_eq!(keys.len(), 22);
        for &switch in HookEvent::ALL {
            assert_eq!(HookEvent::from_key(switch.key()), Some(switch));
            assert_eq!(Event::from_name(switch.event().as_str()), switch.event());
        }
        assert_eq!(HookEvent::from_key("x"), None);
    }

    #[test]
    fn aliases_and_unknown_names_are_read() {
        assert_eq!(Event::from_name("presence.updated"), Event::PresenceUpdate);
        assert_eq!(Event::from_name("groups.participants.update"), Event::GroupParticipantsUpdate);
        assert_eq!(Event::from_name("messages.star"), Event::Unknown("messages.star".to_owned()));
        assert_eq!(Event::from_name("messages.star").to_string(), "messages.star");
    }
}
