//! Text between WhatsApp's own marks and the Markdown of Chatwoot.
//!
//! The cast: [`to_whatsapp`] for what an agent wrote, [`to_markdown`] for what a customer wrote, [`guard_liquid`] for text
//! that Chatwoot would run as a template, [`split_at_paragraph`] and [`excerpt`] for text that is too long, [`plain`] and
//! [`with_names`] for names that strangers chose, [`literal`] for their other words that are no text.
//!
//! Invariant: text without marks comes through as it is; marks that the other side cannot show stay readable as typed, and
//! no word is lost. All functions take any string and never fail; their time grows with the text and no faster.

mod liquid;
mod literal;
mod names;
mod split;
mod to_markdown;
mod to_whatsapp;
mod verbatim;
mod work;

pub use liquid::guard_liquid;
pub use literal::{is_blank, literal};
pub use names::{plain, with_names};
pub use split::{excerpt, split_at_paragraph};
pub use to_markdown::to_markdown;
pub use to_whatsapp::to_whatsapp;

#[cfg(test)]
mod tests;
