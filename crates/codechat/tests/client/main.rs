//! The client against a server on this machine.
#![expect(clippy::unwrap_used, reason = "a test may stop at what it does not expect")]

mod calls;
mod sends;
mod support;
