//! What can go wrong in a call, shaped by the reaction it calls for.
//!
//! Invariant: [`Certainty::NotDelivered`] is only said when the server cannot have acted on the call, so that
//! a caller may repeat it without any risk of doing a thing twice.

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
    /// The token, its role or the plan does not allow this: pause until a person acts.
    Unauthorized,
    /// Too fast: wait and try again.
    RateLimited {
        /// How long the server asks to wait, if it says.
        retry_after: Option<Duration>,
    },
    /// The account, inbox, contact, conversation or message is not there.
    NotFound,
    /// Another record already owns one of these values: look it up instead of creating.
    Taken {
        /// Names of the attributes: `phone_number`, `identifier`, `email` or `source_id`.
        attributes: Vec<String>,
    },
    /// The body or a file is too big, or its type is refused: send it in another form.
    TooLarge,
    /// The call itself is wrong and will stay wrong: do not repeat it.
    Invalid,
    /// An answer nobody expects from Chatwoot, or a failure on this side.
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
        let text = match self {
            Self::Unreachable => "chatwoot is unreachable",
            Self::TimedOut => "chatwoot did not answer in time",
            Self::ServerError => "chatwoot failed",
            Self::Unauthorized => "chatwoot refuses the token",
            Self::RateLimited { .. } => "chatwoot asks to slow down",
            Self::NotFound => "not found in chatwoot",
            Self::Taken { .. } => "already taken in chatwoot",
            Self::TooLarge => "too large for chatwoot",
            Self::Invalid => "chatwoot refuses the call",
            Self::Unexpected => "unexpected answer",
        };
        f.write_str(text)
    }
}

impl Error {
    /// Says whether repeating the call cannot do a thing twice.
    pub fn is_certain(&self) -> bool {
        self.certainty == Certainty::NotDelivered
    }

    /// Builds an error whose detail is made fit to keep.
    pub(crate) fn new(kind: ErrorKind, certainty: Certainty, detail: &str) -> Self {
        let detail = redacted(detail);
        Self { kind, certainty, status: None, detail }
    }

    pub(crate) fn with_status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// A failure on this side, before anything was sent.
    pub(crate) fn local(detail: &str) -> Self {
        Self::new(ErrorKind::Unexpected, Certainty::NotDelivered, detail)
    }

    /// A success whose body is not what Chatwoot answers.
    pub(crate) fn unreadable(status: u16, detail: &str) -> Self {
        Self::new(ErrorKind::Unexpected, Certainty::MaybeDelivered, detail).with_status(status)
    }

    pub(crate) fn missing(status: u16, missing: Missing) -> Self {
        Self::unreadable(status, &format!("the answer lacks `{}`", missing.0))
    }

    pub(crate) fn timed_out(detail: &str) -> Self {
        Self::new(ErrorKind::TimedOut, Certainty::MaybeDelivered, detail)
    }

    /// Reads an error of the HTTP client. The URL is dropped: its query may hold a phone number.
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
        Self::new(kind, certainty, &chain(&error))
    }
}

fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
