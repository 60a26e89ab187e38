//! What can go wrong in a call, shaped by the reaction it calls for.
//!
//! Invariant: [`Certainty::NotDelivered`] is only said when CodeChat cannot have acted on the call, so that a
//! caller may repeat it without any risk of sending a message twice.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use crate::redact::redacted;
use crate::wire::Missing;

/// A call that did not give what was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}: {detail}")]
pub struct Error {
    /// The reaction it calls for.
    pub kind: ErrorKind,
    /// Whether the server may have acted on the call all the same.
    pub certainty: Certainty,
    /// The HTTP status, when there was an answer.
    pub status: Option<u16>,
    /// What the server or the transport said: at most 300 characters, long digit runs and tokens masked.
    pub detail: String,
}

/// The reaction an [`Error`] calls for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// No connection, or it broke: try again.
    Unreachable,
    /// No answer within the deadline: try again, after looking whether it was done.
    TimedOut,
    /// The server, or a proxy in front of it, failed: try again.
    ServerError,
    /// The key or token does not allow this: pause until a person acts.
    Unauthorized,
    /// Too fast: wait and try again.
    RateLimited {
        /// How long the server asks to wait, if it says.
        retry_after: Option<Duration>,
    },
    /// Said both for a number without WhatsApp and for a connection that is down: ask for the connection state
    /// before believing it.
    NotOnWhatsApp,
    /// The instance is not loaded, not paired or not connected: hold until it is.
    NotConnected,
    /// The address of the media was refused and nothing was sent: the host needs a dot or must be an IP address.
    NothingSent,
    /// The media cannot be had: expired, or not media at all.
    MediaUnavailable,
    /// An instance of this name exists: fetch it instead of creating it.
    AlreadyExists,
    /// The call was refused in another way.
    Rejected,
    /// The call, or its answer, is too big.
    TooLarge,
    /// The instance or the endpoint is not there.
    NotFound,
    /// A success nobody expects from CodeChat, or a failure on this side.
    Unexpected,
}

/// Whether a failed call may have had its effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// The server did not act: repeating is safe.
    NotDelivered,
    /// The server may have acted: look before repeating.
    MaybeDelivered,
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unreachable => "codechat is unreachable",
            Self::TimedOut => "codechat did not answer in time",
            Self::ServerError => "codechat failed",
            Self::Unauthorized => "codechat refuses the key",
            Self::RateLimited { .. } => "codechat asks to slow down",
            Self::NotOnWhatsApp => "the number is not on whatsapp, or whatsapp is away",
            Self::NotConnected => "the instance is not connected",
            Self::NothingSent => "codechat refused the media address and sent nothing",
            Self::MediaUnavailable => "the media is not available",
            Self::AlreadyExists => "the instance already exists",
            Self::Rejected => "codechat rejected the call",
            Self::TooLarge => "too large for codechat",
            Self::NotFound => "not found in codechat",
            Self::Unexpected => "unexpected answer",
        })
    }
}

impl Error {
    /// Says whether repeating the call cannot do a thing twice.
    pub fn is_certain(&self) -> bool {
        self.certainty == Certainty::NotDelivered
    }

    /// Builds an error whose detail is made fit to keep.
    pub(crate) fn new(kind: ErrorKind, certainty: Certainty, detail: &str) -> Self {
        Self { kind, certainty, status: None, detail: redacted(detail) }
    }

    pub(crate) fn with_status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// A call that is refused on this side, before anything was sent.
    pub(crate) fn local(kind: ErrorKind, detail: &str) -> Self {
        Self::new(kind, Certainty::NotDelivered, detail)
    }

    /// A success whose body is not what CodeChat answers.
    pub(crate) fn unreadable(status: u16, detail: &str) -> Self {
        Self::new(ErrorKind::Unexpected, Certainty::MaybeDelivered, detail).with_status(status)
    }

    pub(crate) fn missing(status: u16, missing: Missing) -> Self {
        Self::unreadable(status, &format!("the answer lacks `{}`", missing.0))
    }

    /// Reads an error of the HTTP client. The URL is dropped, for its path and query may name a person.
    pub(crate) fn transport(error: reqwest::Error) -> Self {
        let error = error.without_url();
        let (kind, certainty) = if error.is_builder() {
            (ErrorKind::Unexpected, Certainty::NotDelivered)
        } else if error.is_connect() {
            (ErrorKind::Unreachable, Certainty::NotDelivered)
        } else if error.is_timeout() {
            (ErrorKind::TimedOut, Certainty::MaybeDelivered)
        } else {
            (ErrorKind::Unreachable, Certainty::MaybeDelivered)
        };
        Self::new(kind, certainty, &with_causes(&error))
    }

    /// Reads an error of the HTTP client in the middle of an answer: the server has seen the call.
    pub(crate) fn broken_off(error: reqwest::Error) -> Self {
        Self { certainty: Certainty::MaybeDelivered, ..Self::transport(error) }
    }
}

fn with_causes(error: &(dyn StdError + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |&cause| cause.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
