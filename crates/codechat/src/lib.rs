//! A typed client for CodeChat 1.3 and the webhooks it sends.
//!
//! * [`Client`] calls the REST API with a global key or the token of one instance.
//! * [`Webhook`] is the envelope of every webhook; [`Upsert`], [`StatusUpdate`], [`ConnectionUpdate`], [`QrUpdate`],
//!   [`InstanceStatus`], [`CallUpdate`], [`GroupInfo`] and [`MembersUpdate`] read what the useful ones carry.
//! * [`unwrap_content`], [`context_info`] and [`Protocol`] look into a message.
//! * [`wire`] reads the several encodings of bytes and of 64-bit numbers.
//! * [`Error`] is shaped by the reaction it calls for and carries how certain it is that nothing was done.
//!
//! Reading is tolerant of older versions, of nested keys and of the rewrite in Go: a field nobody needs may be
//! missing, null or of another type. A field that is needed and cannot be read is an error, never a guess.
#![warn(missing_docs)]

mod call;
mod chat;
mod classify;
mod client;
mod connection;
mod content;
mod error;
mod event;
mod group;
mod hook;
mod instance;
mod media;
mod messages;
mod outgoing;
mod phone_call;
mod presence;
mod redact;
mod send;
mod update;
mod upsert;
mod webhook;
pub mod wire;

pub use chat::NumberCheck;
pub use client::{Auth, Client, Deadlines};
pub use connection::{ConnectionUpdate, InstanceStatus, Qr, QrUpdate, State};
pub use content::{
    ContextInfo, Protocol, ProtocolKind, Unwrapped, WRAPPERS, Wrappers, context_info, message_in, unwrap_content,
};
pub use error::{Certainty, Error, ErrorKind};
pub use event::{Event, HookEvent};
pub use group::{GroupInfo, Member, MembersUpdate};
pub use hook::Hook;
pub use instance::{ConnectionState, ConnectionStatus, Created, Instance, Release, Server};
pub use media::MediaStream;
pub use messages::{FindMessages, MessagePage, Record, RecordUpdate};
pub use outgoing::{
    ContactCard, MediaKind, Presence, Quoted, SendContact, SendLocation, SendMedia, SendOptions, SendReaction,
    SendText, Sent,
};
pub use phone_call::{CallStatus, CallUpdate};
pub use presence::PresenceUpdate;
pub use update::{Status, StatusUpdate};
pub use upsert::{Info, Upsert};
pub use webhook::{InstanceRef, Webhook, WebhookError};
