//! What a session's owner can choose.

use serde::{Deserialize, Serialize};

use crate::note::Locale;

/// How WhatsApp voice notes reach the agents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VoiceFormat {
    /// Converted, because Safari and the iOS app cannot play OGG/Opus.
    #[default]
    Mp3,
    /// As WhatsApp sent it.
    Original,
}

/// Choices of one session; every field has a default, so older rows stay readable.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SessionSettings {
    /// Language of placeholders and failure reasons; the installation's when absent.
    pub locale: Option<Locale>,
    /// Format of voice notes in Chatwoot.
    pub voice: VoiceFormat,
}
