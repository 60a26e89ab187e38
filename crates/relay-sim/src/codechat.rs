//! A stand-in for CodeChat v1.3.7: instances, sends, stored messages, media, and the webhooks they cause, traps included.
//!
//! Cast: [`FakeCodeChat`] is the handle; `state` holds everything behind one short-lived lock; `instances`, `sends`, `chat` and `media` are the
//! routes; `customer` plays the people on the other side; `webhooks` tells the receiver. Invariant: a submission is in the ledger exactly when
//! the real server would have handed the message to WhatsApp.

mod admin;
mod auth;
mod calls;
mod chat;
mod content;
mod customer;
mod error;
mod files;
mod flow;
mod groups;
mod handle;
mod instances;
mod kinds;
mod media;
mod number;
mod outgoing;
mod presence;
mod routes;
mod sends;
mod state;
mod store;
mod urls;
mod webhook_config;
mod webhooks;

pub use calls::{CallStep, RejectedCall};
pub use customer::{Chat, CustomerMessage};
pub use flow::MediaFlow;
pub use handle::FakeCodeChat;
pub use kinds::Kind;
pub use presence::PresenceShown;
pub use state::{
    AutoReceipts, CodeChatOptions, ConnectionState, CustomerSent, MediaRecord, ReadMark, Revocation, Submission,
};
