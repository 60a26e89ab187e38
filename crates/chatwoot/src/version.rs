//! Which Chatwoot is on the other side, and what it can do.
//!
//! Invariant: everything that depends on a release is a row of the table below, never an `if` elsewhere.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use reqwest::Method;

use crate::client::Client;
use crate::error::Error;
use crate::wire::{need, text};

/// A release of Chatwoot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// First number.
    pub major: u32,
    /// Second number.
    pub minor: u32,
    /// Third number.
    pub patch: u32,
}

impl Version {
    /// The oldest release this crate works with: the first whose message status can be set.
    pub const OLDEST: Self = Self::new(4, 2, 0);
    /// The release from which every row of the table holds.
    pub const RECOMMENDED: Self = Self::new(4, 14, 2);

    /// Builds a version from its three numbers.
    pub const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self { major, minor, patch }
    }

    /// Says whether this release has `capability`.
    pub fn supports(self, capability: Capability) -> bool {
        self.cmp(&capability.since()) != Ordering::Less
    }

    /// Lists what this release lacks, in the order of the table.
    pub fn lacks(self) -> impl Iterator<Item = Capability> {
        Capability::ALL.iter().copied().filter(move |&capability| !self.supports(capability))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// A text that is not a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a version of chatwoot")]
pub struct NotAVersion;

impl FromStr for Version {
    type Err = NotAVersion;

    /// Reads `4.16.2`, with or without a leading `v` and a suffix such as `-ce`.
    fn from_str(text: &str) -> Result<Self, NotAVersion> {
        let text = text.trim();
        let text = text.strip_prefix('v').unwrap_or(text);
        let mut numbers = text.splitn(3, '.').map(leading_number);
        let major = numbers.next().flatten().ok_or(NotAVersion)?;
        let minor = numbers.next().flatten().ok_or(NotAVersion)?;
        let patch = numbers.next().map_or(Some(0), |number| number).ok_or(NotAVersion)?;
        Ok(Self { major, minor, patch })
    }
}

fn leading_number(text: &str) -> Option<u32> {
    let digits = text.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

macro_rules! capabilities {
    ($($(#[$meta:meta])* $name:ident = ($major:literal, $minor:literal, $patch:literal),)+) => {
        /// Something Chatwoot learned to do in some release.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Capability {
            $($(#[$meta])* $name,)+
        }

        impl Capability {
            /// Every capability, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// Returns the first release that has it.
            pub const fn since(self) -> Version {
                match self {
                    $(Self::$name => Version::new($major, $minor, $patch),)+
                }
            }
        }
    };
}

capabilities! {
    /// `POST contact_inboxes/filter` finds a contact by its exact source id.
    ExactContactLookup = (3, 2, 0),
    /// A message can be created with a source id.
    MessageSourceId = (3, 5, 0),
    /// The status of a message in an API inbox can be set.
    StatusUpdate = (4, 2, 0),
    /// Typing is told by webhook.
    TypingWebhooks = (4, 2, 0),
    /// Agents have a button to retry a failed message.
    RetryButton = (4, 6, 0),
    /// The five seconds a webhook may take can be changed.
    WebhookTimeoutSetting = (4, 8, 0),
    /// Content attributes of any name are kept on create.
    FreeContentAttributes = (4, 9, 0),
    /// `external_echo` marks a message as sent from the native app.
    ExternalEcho = (4, 11, 0),
    /// Ticks of an API inbox show the status they stand for.
    CorrectTicks = (4, 12, 0),
    /// Webhooks carry a delivery id, and those of an account are signed.
    DeliveryIds = (4, 12, 0),
    /// Webhooks carry the text as it was written.
    RawWebhookContent = (4, 12, 1),
    /// Webhooks of an API inbox are signed, with the secret shown in the inbox.
    SignedInboxWebhooks = (4, 13, 0),
    /// Attachments tell their content type and extension.
    AttachmentContentType = (4, 13, 0),
    /// Webhooks to private addresses can be allowed; 4.14.0 alone blocks them for good.
    PrivateNetworkSetting = (4, 14, 1),
    /// `is_voice_message` is kept on create.
    VoiceMessageFlag = (4, 14, 2),
}

impl Client {
    /// Asks the server for its version. Needs no token.
    pub async fn version(&self) -> Result<Version, Error> {
        let call = self.open_call("version", Method::GET, &["api"]);
        call.read(|answer| {
            let version = text(answer, "version").and_then(|text| text.parse().ok());
            need(version, "version")
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_ordered_by_number() {
        let read = |text: &str| text.parse::<Version>();
        assert_eq!(read("4.16.2"), Ok(Version::new(4, 16, 2)));
        assert_eq!(read(" v4.9.0-ce\n"), Ok(Version::new(4, 9, 0)));
        assert_eq!(read("4.17"), Ok(Version::new(4, 17, 0)));
        assert_eq!(read("4.17.0.beta1"), Ok(Version::new(4, 17, 0)));
        for wrong in ["", "4", "x.y.z", "4.x.1", "4.1.", "99999999999.1.1"] {
            assert_eq!(read(wrong), Err(NotAVersion), "{wrong}");
        }
        assert!(Version::new(4, 9, 0) < Version::new(4, 16, 2));
        assert_eq!(Version::new(4, 16, 2).to_string(), "4.16.2");
    }

    #[test]
    fn a_capability_starts_with_its_release() {
        assert!(!Version::new(4, 12, 9).supports(Capability::SignedInboxWebhooks));
        assert!(Version::new(4, 13, 0).supports(Capability::SignedInboxWebhooks));
        assert!(Version::new(5, 0, 0).supports(Capability::VoiceMessageFlag));
        assert_eq!(Version::RECOMMENDED.lacks().next(), None);
        assert!(Version::OLDEST.supports(Capability::StatusUpdate));
        let lacking: Vec<_> = Version::new(4, 14, 0).lacks().collect();
        assert_eq!(lacking, [Capability::PrivateNetworkSetting, Capability::VoiceMessageFlag]);
    }
}
