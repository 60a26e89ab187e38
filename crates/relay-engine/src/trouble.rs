//! What stands in the way of a delivery, shaped by the reaction it calls for.

use std::time::Duration;

use chatwoot::ErrorKind as Cw;
use codechat::ErrorKind as Cc;
use relay_domain::Timestamp;
use relay_domain::note::Failure;
use relay_store::StoreError;

/// The word for a number that CodeChat does not find on WhatsApp.
pub const NOT_ON_WHATSAPP: &str = "not_on_whatsapp";

/// Which remote side was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Chatwoot.
    Chatwoot,
    /// CodeChat.
    CodeChat,
}

impl Side {
    /// The name used in logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Chatwoot => "chatwoot",
            Self::CodeChat => "codechat",
        }
    }
}

/// Why a delivery did not succeed, this time or for good.
#[derive(Debug)]
pub enum Trouble {
    /// Try again later.
    Failed(Failed),
    /// Wait until then; nobody's fault, not an attempt.
    Wait(Timestamp),
    /// Wait this long; the destination asks to slow down.
    Rate(Duration),
    /// The destination refuses the session's token.
    Denied {
        /// Which one.
        side: Side,
        /// What it said.
        detail: String,
    },
    /// The phone is not connected to WhatsApp.
    Offline,
    /// It can never succeed.
    Hopeless(Failure),
    /// The store failed; the event stays as it is.
    Store(StoreError),
    /// Another worker has the lane.
    LeaseLost,
}

/// One failed attempt.
#[derive(Clone, Debug)]
pub struct Failed {
    /// Who failed.
    pub side: Side,
    /// A stable word.
    pub outcome: &'static str,
    /// What it answered.
    pub status: Option<u16>,
    /// Masked details.
    pub detail: String,
    /// Whether it says something about the destination as a whole, rather than about this message.
    pub is_outage: bool,
    /// How long to wait before the next attempt, when the schedule will not do.
    pub pause: Option<Duration>,
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Sorts a failed call to Chatwoot. What is specific to one call (a missing conversation, a taken phone number) is handled
/// where it is made.
pub fn from_chatwoot(error: chatwoot::Error) -> Trouble {
    let (outcome, is_outage) = match error.kind {
        Cw::RateLimited { retry_after } => return Trouble::Rate(retry_after.unwrap_or(Duration::from_mins(1))),
        Cw::Unauthorized => return Trouble::Denied { side: Side::Chatwoot, detail: error.detail },
        Cw::Unreachable => ("unreachable", true),
        Cw::TimedOut => ("timeout", true),
        Cw::ServerError => ("server_error", true),
        Cw::NotFound => ("not_found", false),
        Cw::Taken { .. } => ("taken", false),
        Cw::TooLarge => ("too_large", false),
        Cw::Invalid => ("refused", false),
        Cw::Unexpected => ("unexpected_answer", false),
    };
    Trouble::Failed(Failed {
        side: Side::Chatwoot,
        outcome,
        status: error.status,
        detail: error.detail,
        is_outage,
        pause: None,
    })
}

/// Sorts a failed call to CodeChat. Whether a number really has no WhatsApp is for the caller to find out.
pub fn from_codechat(error: codechat::Error) -> Trouble {
    let (outcome, is_outage) = match error.kind {
        Cc::RateLimited { retry_after } => return Trouble::Rate(retry_after.unwrap_or(Duration::from_mins(1))),
        Cc::Unauthorized => return Trouble::Denied { side: Side::CodeChat, detail: error.detail },
        Cc::NotConnected => return Trouble::Offline,
        Cc::Unreachable => ("unreachable", true),
        Cc::TimedOut => ("timeout", true),
        Cc::ServerError => ("server_error", true),
        Cc::NotOnWhatsApp => (NOT_ON_WHATSAPP, false),
        Cc::NothingSent => ("media_host_refused", false),
        Cc::MediaUnavailable => ("media_unavailable", false),
        Cc::Rejected => ("refused", false),
        Cc::NotFound => ("not_found", false),
        Cc::AlreadyExists => ("already_exists", false),
        Cc::TooLarge => ("too_large", false),
        Cc::Unexpected => ("unexpected_answer", false),
    };
    Trouble::Failed(Failed {
        side: Side::CodeChat,
        outcome,
        status: error.status,
        detail: error.detail,
        is_outage,
        pause: None,
    })
}
