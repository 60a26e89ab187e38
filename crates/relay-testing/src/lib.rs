//! What the tests share.
//!
//! The cast: a [`TestApp`] is a relay on a real store between both stand-ins; [`Database`] makes fresh stores of either kind;
//! [`checker`] compares what one side sent with what the other received; [`fixtures`] finds recorded payloads.
//!
//! Invariant: nothing is skipped for a missing tool; what a test needs and does not find makes it fail.

#![expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "this crate runs in tests only")]

mod app;
pub mod checker;
mod database;
pub mod fixtures;
mod postgres;
pub mod proxy;

pub use app::{Options, TestApp, eventually};
pub use database::{Database, TempFolder};
pub use postgres::PostgresServer;
