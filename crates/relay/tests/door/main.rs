//! What a stranger, a careless caller and an operator can do to the relay over HTTP: webhook doors, the door for files, the
//! session API, health and metrics.

#![expect(clippy::unwrap_used, clippy::string_slice, reason = "a test that cannot go on fails")]

mod canary;
mod dead;
mod doctor;
mod entrance;
mod envelope;
mod fetching;
mod files;
mod health;
mod json;
mod messages;
mod network;
mod openapi;
mod sessions;
mod setup_failures;
mod sides;
mod signature;
mod support;
