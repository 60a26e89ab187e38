//! Reading, both ways: what agents read in Chatwoot is marked as read on WhatsApp, what is read on the phone is seen in Chatwoot.
//!
//! The cast: [`Unread`] remembers what customers wrote and nobody has read yet; hints say who has read how far; a round per
//! session carries them out, and looks at Chatwoot for what no webhook tells. A mark in the store keeps what was marked once
//! from being marked again.
//!
//! Invariant: nothing here delays a message or is retried for long. A hint that is lost costs a mark, until the next one.

mod round;
mod unread;

pub(crate) use unread::{Relayed, Unread};
