//! Stand-ins for CodeChat v1.3.7 and Chatwoot 4.16.2 that speak real HTTP and behave as the real servers were seen to behave.
//!
//! [`FakeCodeChat`] and [`FakeChatwoot`] keep their state in memory, post webhooks once and without order as the originals do, and record
//! what they were told in ledgers that a checker can compare. Faults are scripted with [`Fault`] and [`HookFaults`], from the handle or over
//! HTTP under `/_sim/`. The invariant: a ledger entry exists exactly when the real server would have committed the effect.

mod admin;
pub mod assets;
mod chatwoot;
pub mod clock;
mod codechat;
mod fault;
mod hooks;
mod ids;
mod ledger;
mod server;

pub use chatwoot::{
    AgentFile, AgentMessage, BlobDelay, ChatwootOptions, FakeChatwoot, InboxInfo, LedgerAttachment, LedgerContact,
    LedgerConversation, LedgerMessage, Role,
};
pub use codechat::{
    AutoReceipts, CallStep, Chat, CodeChatOptions, ConnectionState, CustomerMessage, CustomerSent, FakeCodeChat, Kind,
    MediaFlow, MediaRecord, PresenceShown, ReadMark, RejectedCall, Revocation, Submission,
};
pub use fault::{Call, Fault, FaultAction, route};
pub use hooks::{Ack, AckOutcome, HookFaults};

/// Why a stand-in could not be started or reopened.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// The address could not be bound.
    #[error("could not listen on {addr}")]
    Listen {
        /// The address asked for.
        addr: std::net::SocketAddr,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}
