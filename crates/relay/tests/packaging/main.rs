//! What is handed out beside the program, held against the program: compose files, Dockerfile, units, Debian package, proxies, and
//! the documents with their links, their commands and their translations.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod commands;
mod compose;
mod deb;
mod dockerfile;
mod documents;
mod languages;
mod program;
mod proxies;
