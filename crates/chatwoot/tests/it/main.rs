//! The crate as its users see it, against the examples and a small server.
#![expect(clippy::unwrap_used, reason = "helpers of tests may fail like tests do")]

mod calls;
mod chats;
mod downloads;
mod failures;
mod odd_webhooks;
mod retold;
mod support;
mod uploads;
mod webhooks;
