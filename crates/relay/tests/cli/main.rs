//! The program as its users run it: what they type, what it says, what it leaves on the disk.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod broken_config;
mod config_init;
mod console;
mod dead;
mod doctor;
mod first_start;
mod generated;
mod handover;
mod help;
mod message;
mod migrate;
mod said;
mod session;
mod settings;
mod setup;
mod setup_interrupted;
mod setup_terminal;
mod snapshots;
mod stopping;
mod support;
mod systemd;
