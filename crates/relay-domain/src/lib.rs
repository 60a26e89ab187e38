//! What the relay knows about messages, chats and phone numbers, free of I/O.
//!
//! The cast: an [`event::Event`] is what one received webhook means; [`plan::plan`] turns it into a [`plan::Plan`], the
//! parts to be delivered on the other side; [`naming`] and [`order`] say what is the same and what goes first; [`backoff`],
//! [`verdict`], [`doubt`] and [`breaker`] what follows a failure; [`jid`] and [`phone`] are the addresses; [`pace`] keeps within limits; [`menu`] is what goes
//! along with an agent's text; [`text`] converts between WhatsApp's formatting and Markdown; [`note`] holds every sentence people read.
//!
//! Invariant: nothing here reads a clock, a socket, a file or a random source that was not handed in.

#![warn(missing_docs)]
#![warn(clippy::wildcard_enum_match_arm)]

pub mod backoff;
pub mod breaker;
pub mod call;
pub mod card;
pub mod clock;
pub mod command;
pub mod doubt;
pub mod emoji;
pub mod event;
pub mod group;
pub mod id;
pub mod ignore;
pub mod jid;
pub mod lease;
pub mod menu;
pub mod naming;
pub mod note;
pub mod order;
pub mod pace;
pub mod participant;
pub mod phone;
pub mod plan;
pub mod reserved_id;
pub mod settings;
pub mod status;
pub mod text;
pub mod unsent;
pub mod verdict;

pub use clock::{Clock, Timestamp};
