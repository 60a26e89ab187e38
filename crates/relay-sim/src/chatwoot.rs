//! A stand-in for Chatwoot 4.16.2: contacts, conversations, messages and attachments of API inboxes, and the webhooks they cause.
//!
//! Cast: [`FakeChatwoot`] is the handle; `state` holds everything behind one short-lived lock; `render` turns rows into the several JSON shapes;
//! `agent` plays the people at the dashboard; `webhooks` signs and posts. Invariant: a message is in the ledger exactly when Chatwoot would have
//! committed it, and a webhook shows the state of the moment it is built, not of the event it reports.

mod admin;
mod agent;
mod attachments;
mod auth;
mod contact_rows;
mod contacts;
mod conversations;
mod dashboard;
mod error;
mod handle;
mod inboxes;
mod members;
mod message_rows;
mod messages;
mod params;
mod public;
mod render;
mod routes;
mod state;
mod views;
mod webhooks;

pub use agent::{AgentFile, AgentMessage};
pub use handle::FakeChatwoot;
pub use inboxes::InboxInfo;
pub use state::{BlobDelay, ChatwootOptions, Role};
pub use views::{LedgerAttachment, LedgerContact, LedgerConversation, LedgerMessage};
