//! WhatsApp addresses: `user[_agent][:device]@server`.
//!
//! The cast: [`Jid`] is one parsed address, [`Server`] the kind of thing it addresses, [`JidError`] why a text is none.
//! Invariant: the text of a [`Jid`] parses to the same [`Jid`]; an address given by WhatsApp is kept, never corrected,
//! apart from the two old spellings of a server (`c.us`, `hosted`) that mean the same person.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::phone::Phone;

/// The longest address accepted; real ones stay under 60 characters.
const MAX_LEN: usize = 128;

/// A WhatsApp address, for instance `5511987654321@s.whatsapp.net`.
///
/// Two addresses of one person may differ by the device that wrote; compare [`Jid::without_device`] then.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Jid {
    server: Server,
    user: String,
    agent: Option<u8>,
    device: Option<u16>,
}

/// What an address leads to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Server {
    /// A person known by phone number: `s.whatsapp.net`, in old payloads `c.us`, on hosted devices `hosted`.
    User,
    /// A person known by a number that hides the phone: `lid`, on hosted devices `hosted.lid`.
    Lid,
    /// A group: `g.us`, with a new id of digits or an old one of `<creator>-<seconds>`.
    Group,
    /// The status (stories) feed: `status@broadcast`.
    Status,
    /// A broadcast list: any other `broadcast`.
    Broadcast,
    /// A channel: `newsletter`.
    Newsletter,
    /// A call: `call`.
    Call,
    /// One of WhatsApp's assistants: `bot`.
    Bot,
    /// A server this release does not know.
    Other(String),
}

/// Why a text is no WhatsApp address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JidError {
    /// There is no `@`, or more than one.
    #[error("a WhatsApp address has one @, as in 5511987654321@s.whatsapp.net")]
    NotAnAddress,
    /// Nothing, or nothing readable, stands before the `@`.
    #[error("the part before the @ must be letters, digits, dots, hyphens or underscores")]
    BadUser,
    /// Nothing, or nothing readable, stands after the `@`.
    #[error("the part after the @ must be a server name such as s.whatsapp.net, lid or g.us")]
    BadServer,
    /// The part after the `:` is no device number.
    #[error("the device number after the : must be between 0 and 65535")]
    BadDevice,
    /// Longer than any real address.
    #[error("the address is longer than {MAX_LEN} characters")]
    TooLong,
}

impl Jid {
    /// Reads an address as WhatsApp writes it.
    pub fn parse(text: &str) -> Result<Self, JidError> {
        if text.len() > MAX_LEN {
            return Err(JidError::TooLong);
        }
        let (left, server) = text.split_once('@').ok_or(JidError::NotAnAddress)?;
        if server.contains('@') {
            return Err(JidError::NotAnAddress);
        }
        let (name, device) = split_device(left)?;
        if !is_name(name, b"._-") {
            return Err(JidError::BadUser);
        }
        let server = Server::read(server, name)?;
        let (user, agent) = match server {
            Server::User | Server::Lid => split_agent(name),
            Server::Group
            | Server::Status
            | Server::Broadcast
            | Server::Newsletter
            | Server::Call
            | Server::Bot
            | Server::Other(_) => (name, None),
        };
        let user = user.to_owned();
        Ok(Self { server, user, agent, device })
    }

    /// The address of the person with this phone number.
    pub fn from_phone(phone: &Phone) -> Self {
        Self { server: Server::User, user: phone.digits().to_owned(), agent: None, device: None }
    }

    /// The part before the `@`, without agent and device.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// What the address leads to.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// The linked device that wrote, when it was not the phone itself.
    pub fn device(&self) -> Option<u16> {
        self.device
    }

    /// The same person, whichever device wrote.
    #[must_use]
    pub fn without_device(&self) -> Self {
        Self { agent: None, device: None, ..self.clone() }
    }

    /// The phone number of a person known by phone number.
    pub fn phone(&self) -> Option<Phone> {
        (self.server == Server::User).then(|| Phone::from_jid_user(&self.user)).flatten()
    }

    /// Whether this is one person, known by phone or by LID.
    pub fn is_person(&self) -> bool {
        matches!(self.server, Server::User | Server::Lid)
    }

    /// Whether this is a group.
    pub fn is_group(&self) -> bool {
        self.server == Server::Group
    }
}

impl Server {
    /// The server's name as it stands after the `@`.
    pub fn as_str(&self) -> &str {
        match self {
            Self::User => "s.whatsapp.net",
            Self::Lid => "lid",
            Self::Group => "g.us",
            Self::Status | Self::Broadcast => "broadcast",
            Self::Newsletter => "newsletter",
            Self::Call => "call",
            Self::Bot => "bot",
            Self::Other(name) => name,
        }
    }

    /// Names the server; the status feed is told from broadcast lists by its user part.
    fn read(text: &str, user: &str) -> Result<Self, JidError> {
        if !is_name(text, b".-") {
            return Err(JidError::BadServer);
        }
        Ok(match text.to_ascii_lowercase().as_str() {
            "s.whatsapp.net" | "c.us" | "hosted" => Self::User,
            "lid" | "hosted.lid" => Self::Lid,
            "g.us" => Self::Group,
            "broadcast" if user == "status" => Self::Status,
            "broadcast" => Self::Broadcast,
            "newsletter" => Self::Newsletter,
            "call" => Self::Call,
            "bot" => Self::Bot,
            other => Self::Other(other.to_owned()),
        })
    }
}

/// Splits `user:device`; device 0 is the phone itself and the same as none.
fn split_device(left: &str) -> Result<(&str, Option<u16>), JidError> {
    let Some((name, device)) = left.split_once(':') else {
        return Ok((left, None));
    };
    if !device.bytes().all(|b| b.is_ascii_digit()) {
        return Err(JidError::BadDevice);
    }
    let number: u16 = device.parse().map_err(|_| JidError::BadDevice)?;
    Ok((name, (number != 0).then_some(number)))
}

/// Splits `digits_agent`, the form multi-device addresses had at first; anything else is a plain name.
fn split_agent(name: &str) -> (&str, Option<u8>) {
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let Some((user, agent)) = name.split_once('_') else {
        return (name, None);
    };
    match agent.parse::<u8>() {
        Ok(number) if is_digits(user) && is_digits(agent) => (user, (number != 0).then_some(number)),
        Ok(_) | Err(_) => (name, None),
    }
}

fn is_name(text: &str, marks: &[u8]) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || marks.contains(&b))
}

impl fmt::Display for Jid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.user)?;
        if let Some(agent) = self.agent {
            write!(f, "_{agent}")?;
        }
        if let Some(device) = self.device {
            write!(f, ":{device}")?;
        }
        write!(f, "@{}", self.server.as_str())
    }
}

/// Hides the middle of an address that tells a phone number, so that a logged structure does not give it away.
impl fmt::Debug for Jid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tells_phone = self.server == Server::User || self.user.contains('-');
        if !tells_phone {
            return write!(f, "Jid({self})");
        }
        let masked = crate::phone::masked(&self.user);
        write!(f, "Jid({masked}@{})", self.server.as_str())
    }
}

impl FromStr for Jid {
    type Err = JidError;

    fn from_str(text: &str) -> Result<Self, JidError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Jid {
    type Error = JidError;

    fn try_from(text: String) -> Result<Self, JidError> {
        Self::parse(&text)
    }
}

impl From<Jid> for String {
    fn from(jid: Jid) -> Self {
        jid.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn jid(text: &str) -> Jid {
        Jid::parse(text).unwrap()
    }

    #[test]
    fn every_kind_of_server_is_told_apart() {
        let kinds = [
            ("5511987654321@s.whatsapp.net", Server::User),
            ("5511987654321@c.us", Server::User),
            ("5511987654321:99@hosted", Server::User),
            ("212345678901234@lid", Server::Lid),
            ("212345678901234:99@hosted.lid", Server::Lid),
            ("120363000000000001@g.us", Server::Group),
            ("5511987654321-1600000000@g.us", Server::Group),
            ("status@broadcast", Server::Status),
            ("1600000000@broadcast", Server::Broadcast),
            ("120363000000000002@newsletter", Server::Newsletter),
            ("A1B2C3D4E5F6@call", Server::Call),
            ("867051314767696@bot", Server::Bot),
            ("1@interop", Server::Other("interop".to_owned())),
            ("5511987654321@S.WhatsApp.Net", Server::User),
        ];
        for (text, server) in kinds {
            assert_eq!(*jid(text).server(), server, "{text}");
        }
    }

    #[test]
    fn the_device_is_kept_until_dropped() {
        let with = jid("5511987654321:12@s.whatsapp.net");
        assert_eq!((with.user(), with.device()), ("5511987654321", Some(12)));
        assert_eq!(with.to_string(), "5511987654321:12@s.whatsapp.net");
        assert_eq!(with.without_device(), jid("5511987654321@s.whatsapp.net"));
        assert_ne!(with, with.without_device());
    }

    #[test]
    fn device_and_agent_zero_mean_the_phone_itself() {
        assert_eq!(jid("5511987654321_0:0@s.whatsapp.net"), jid("5511987654321@s.whatsapp.net"));
        let agent = jid("5511987654321_1:7@s.whatsapp.net");
        assert_eq!((agent.user(), agent.device()), ("5511987654321", Some(7)));
        assert_eq!(agent.without_device().to_string(), "5511987654321@s.whatsapp.net");
    }

    #[test]
    fn old_server_names_are_written_as_the_current_one() {
        assert_eq!(jid("5511987654321@c.us").to_string(), "5511987654321@s.whatsapp.net");
        assert_eq!(jid("5511987654321@c.us"), jid("5511987654321@s.whatsapp.net"));
    }

    #[test]
    fn only_people_known_by_phone_have_one() {
        let digits = |text: &str| jid(text).phone().map(|phone| phone.digits().to_owned());
        assert_eq!(digits("551187654321:3@s.whatsapp.net").as_deref(), Some("551187654321"));
        assert_eq!(digits("15551234567@c.us").as_deref(), Some("15551234567"));
        for none in ["212345678901234@lid", "5511987654321-1600000000@g.us", "status@broadcast", "0@s.whatsapp.net"] {
            assert_eq!(digits(none), None, "{none}");
        }
    }

    #[test]
    fn a_phone_makes_an_address() {
        let phone = Phone::from_jid_user("5511987654321").unwrap();
        assert_eq!(Jid::from_phone(&phone), jid("5511987654321@s.whatsapp.net"));
    }

    #[test]
    fn what_is_no_address_is_refused_with_the_reason() {
        let long = format!("{}@lid", "1".repeat(MAX_LEN));
        let refused = [
            ("", JidError::NotAnAddress),
            ("5511987654321", JidError::NotAnAddress),
            ("a@b@c", JidError::NotAnAddress),
            ("@s.whatsapp.net", JidError::BadUser),
            ("+5511987654321@s.whatsapp.net", JidError::BadUser),
            ("55 11@s.whatsapp.net", JidError::BadUser),
            ("5511987654321@", JidError::BadServer),
            ("5511987654321@s.whatsapp.net/x", JidError::BadServer),
            ("5511987654321:@s.whatsapp.net", JidError::BadDevice),
            ("5511987654321:+2@s.whatsapp.net", JidError::BadDevice),
            ("5511987654321:65536@s.whatsapp.net", JidError::BadDevice),
            (long.as_str(), JidError::TooLong),
        ];
        for (text, reason) in refused {
            assert_eq!(Jid::parse(text), Err(reason), "{text}");
        }
    }

    #[test]
    fn json_is_the_text() {
        let read: Jid = serde_json::from_str("\"5511987654321:12@s.whatsapp.net\"").unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), "\"5511987654321:12@s.whatsapp.net\"");
        assert!(serde_json::from_str::<Jid>("\"nobody\"").is_err());
    }

    #[test]
    fn debug_does_not_tell_the_phone_number() {
        for text in ["5511987654321@s.whatsapp.net", "5511987654321-1600000000@g.us"] {
            let shown = format!("{:?}", jid(text));
            assert!(!shown.contains("987654"), "{shown}");
        }
        assert_eq!(format!("{:?}", jid("212345678901234@lid")), "Jid(212345678901234@lid)");
    }

    proptest! {
        #[test]
        fn no_text_panics_and_what_parses_round_trips(text in ".{0,60}") {
            if let Ok(first) = Jid::parse(&text) {
                prop_assert_eq!(Jid::parse(&first.to_string()), Ok(first));
            }
        }

        #[test]
        fn addresses_round_trip(
            user in "[0-9]{5,15}(-[0-9]{10})?",
            agent in proptest::option::of(0u8..),
            device in proptest::option::of(0u16..),
            server in "(s\\.whatsapp\\.net|c\\.us|lid|g\\.us|newsletter|broadcast|call|bot|[a-z]{1,8}(\\.[a-z]{1,3})?)",
        ) {
            let agent = agent.map(|a| format!("_{a}")).unwrap_or_default();
            let device = device.map(|d| format!(":{d}")).unwrap_or_default();
            let first = Jid::parse(&format!("{user}{agent}{device}@{server}")).unwrap();
            prop_assert_eq!(&Jid::parse(&first.to_string()).unwrap(), &first);
            prop_assert_eq!(first.without_device().without_device(), first.without_device());
            prop_assert_eq!(first.without_device().device(), None);
        }
    }
}
