//! The web console as browsers and strangers meet it: over HTTP on the real program's routes, and in headless Chromium.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod actions;
mod browser;
mod entrance;
mod hostile;
mod pages;
mod paging;
mod support;
