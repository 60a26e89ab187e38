//! The program as its users run it: what they type, what it says, what it leaves on the disk.

mod first_start;
mod help;
mod migrate;
mod session;
mod settings;
mod stopping;
mod support;
