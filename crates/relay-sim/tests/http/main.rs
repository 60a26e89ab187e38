//! Each trap of the real servers, shown over HTTP.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod chatwoot;
mod codechat;
mod fixtures;
mod support;
