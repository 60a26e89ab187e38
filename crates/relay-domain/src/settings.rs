//! What a session's owner can choose.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::jid::Jid;
use crate::note::Locale;

/// Choices of one session; every field has a default, so older rows stay readable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SessionSettings {
    /// Language of everything the relay writes itself; the installation's when absent.
    pub locale: Option<Locale>,
    /// Format of voice notes in Chatwoot.
    pub voice: VoiceFormat,
    /// What becomes of messages that can be seen once.
    pub view_once: ViewOnce,
    /// What becomes of a message in Chatwoot that is deleted for everyone on WhatsApp.
    pub deletions: Deletions,
    /// Which groups become conversations.
    pub groups: Groups,
    /// Whether status updates (stories) become messages.
    pub status_updates: bool,
    /// Whether posts of channels become messages.
    pub newsletters: bool,
    /// Whether messages of broadcast lists become messages.
    pub broadcast_lists: bool,
    /// Chats that are not relayed in either direction: JIDs, or phone numbers in which `*` stands for any digits.
    pub ignore: Vec<String>,
    /// What becomes of calls.
    pub calls: Calls,
    /// What is put around the texts of agents.
    pub signature: Signature,
    /// Whether an agent's reply that is one emoji becomes a reaction.
    pub emoji_replies_react: bool,
    /// Whether a lone WebP picture under 100 kB is sent as a sticker.
    pub webp_stickers: bool,
    /// Whether customer and agent see each other type. It makes the number appear online.
    pub typing: bool,
    /// Whether reading on one side marks the chat as read on the other.
    pub read_receipts: bool,
    /// Which conversation takes a customer's message.
    pub conversations: Conversations,
    /// Whether a webhook only says that there is a message, which is then fetched from where it is kept.
    pub strict: bool,
    /// The contact in the inbox that answers agents' commands and tells them of the phone.
    pub relay_contact: RelayContact,
}

impl Default for SessionSettings {
    fn default() -> Self {
        Self {
            locale: None,
            voice: VoiceFormat::default(),
            view_once: ViewOnce::default(),
            deletions: Deletions::default(),
            groups: Groups::default(),
            status_updates: false,
            newsletters: false,
            broadcast_lists: false,
            ignore: Vec::new(),
            calls: Calls::default(),
            signature: Signature::default(),
            emoji_replies_react: false,
            webp_stickers: false,
            typing: false,
            read_receipts: true,
            conversations: Conversations::default(),
            strict: false,
            relay_contact: RelayContact::default(),
        }
    }
}

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

/// What becomes of messages that can be seen once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ViewOnce {
    /// They are shown like any other, with a mark.
    #[default]
    Show,
    /// They are announced; their content stays on the phone.
    Announce,
}

/// What becomes of a message in Chatwoot that is deleted for everyone on WhatsApp.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Deletions {
    /// It stays; a line in the thread says that it was deleted.
    #[default]
    Mark,
    /// It is deleted in Chatwoot as well.
    Delete,
}

/// Which groups become conversations.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Groups {
    /// None.
    #[default]
    Off,
    /// All of them.
    On,
    /// These, by JID.
    Only(Vec<Jid>),
}

/// What becomes of calls.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Calls {
    /// Whether they are rejected by the relay.
    pub reject: bool,
    /// What the caller is told when a call is rejected by the relay; nothing when absent.
    pub reply: Option<String>,
}

/// What is put around the texts of agents.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Signature {
    /// Where it stands; nowhere when absent.
    pub position: Option<SignaturePosition>,
    /// Its form in Markdown, in which `{name}` stands for the agent's name; `**{name}:**` when absent.
    pub format: Option<String>,
}

/// Where an agent's signature stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SignaturePosition {
    /// On a line above the text.
    Above,
    /// On a line below the text.
    Below,
}

/// The contact in the inbox that answers agents' commands and tells them of the phone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RelayContact {
    /// Whether it answers and tells anything.
    pub enabled: bool,
    /// Whether it shows a QR code by itself when the number is logged out. All agents of the inbox see it.
    pub shows_qr: bool,
}

impl Default for RelayContact {
    fn default() -> Self {
        Self { enabled: true, shows_qr: true }
    }
}

/// Which conversation takes a customer's message, and how a new one begins.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Conversations {
    /// Which one.
    pub policy: ConversationPolicy,
    /// Whether a new one begins as pending, not open.
    pub start_pending: bool,
    /// Team that a new one is assigned to.
    pub team: Option<i64>,
    /// Labels of a new one.
    pub labels: Vec<String>,
}

/// Which conversation takes a customer's message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConversationPolicy {
    /// The last one; it reopens when it was resolved.
    #[default]
    Reopen,
    /// The last one unless it was resolved, else a new one.
    New,
    /// Always one and the same, also when the inbox is locked to a single conversation.
    Single,
}

impl SessionSettings {
    /// Changes what `changes` names, as a person wrote it: a misspelt name or choice is an error, which it must not be in a
    /// row that a newer version wrote. Groups of choices are changed field by field; `null` brings a default back.
    pub fn changed(&self, changes: &Value) -> Result<Self, String> {
        let changes = changes.as_object().ok_or("expected an object of settings")?;
        let mut merged = to_object(self);
        merge("", &mut merged, changes, &to_object(&Self::default()))?;
        serde_json::from_value(Value::Object(merged)).map_err(|error| error.to_string())
    }
}

fn to_object(settings: &SessionSettings) -> Map<String, Value> {
    match serde_json::to_value(settings) {
        Ok(Value::Object(fields)) => fields,
        _ => unreachable!("settings are an object of plain values"),
    }
}

fn merge(
    path: &str,
    into: &mut Map<String, Value>,
    changes: &Map<String, Value>,
    defaults: &Map<String, Value>,
) -> Result<(), String> {
    for (name, value) in changes {
        let Some(default) = defaults.get(name) else {
            let known: Vec<_> = defaults.keys().map(String::as_str).collect();
            return Err(format!("unknown field `{path}{name}`, expected one of {}", known.join(", ")));
        };
        match (into.get_mut(name), value, default) {
            (_, Value::Null, default) => drop(into.insert(name.clone(), default.clone())),
            (Some(Value::Object(inner)), Value::Object(changes), Value::Object(defaults)) => {
                merge(&format!("{path}{name}."), inner, changes, defaults)?;
            }
            (_, value, _) => drop(into.insert(name.clone(), value.clone())),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_named_stays() {
        let settings = SessionSettings::default().changed(&json!({ "calls": { "reply": "Escreva" } })).unwrap();
        let settings =
            settings.changed(&json!({ "calls": { "reject": true }, "groups": { "only": ["1-2@g.us"] } })).unwrap();
        assert_eq!(settings.calls, Calls { reject: true, reply: Some("Escreva".to_owned()) });
        assert_eq!(settings.groups, Groups::Only(vec![Jid::parse("1-2@g.us").unwrap()]));
        let settings = settings.changed(&json!({ "calls": null, "groups": "on" })).unwrap();
        assert_eq!((settings.calls, settings.groups), (Calls::default(), Groups::On));
    }

    #[test]
    fn misspelt_names_and_choices_are_refused() {
        let refused = |changes: Value| SessionSettings::default().changed(&changes).unwrap_err();
        assert!(refused(json!({ "voise": "mp3" })).starts_with("unknown field `voise`, expected one of "));
        assert!(refused(json!({ "calls": { "deny": true } })).contains("`calls.deny`, expected one of reject, reply"));
        assert!(refused(json!({ "voice": "wav" })).contains("mp3"));
        assert!(refused(json!({ "typing": "yes" })).contains("boolean"));
        assert!(refused(json!([])).contains("an object"));
    }

    #[test]
    fn rows_of_other_versions_are_read() {
        let older: SessionSettings = serde_json::from_str(r#"{"locale":null,"voice":"original"}"#).unwrap();
        assert_eq!(older, SessionSettings { voice: VoiceFormat::Original, ..SessionSettings::default() });
        let newer: SessionSettings = serde_json::from_str(r#"{"telepathy":true}"#).unwrap();
        assert_eq!(newer, SessionSettings::default());
    }
}
