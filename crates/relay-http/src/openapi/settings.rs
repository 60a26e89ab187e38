//! What a session can be set to, as the description says it. The type itself lives where nothing knows of HTTP; a test compares
//! the two.

use serde::Serialize;
use utoipa::ToSchema;

/// Settings of a session. Every field has a default.
#[derive(Serialize, ToSchema)]
#[schema(as = Settings)]
pub(crate) struct SettingsDoc {
    /// Language of everything the relay writes itself: `pt-BR`, `en` or `es`; the installation's when null.
    locale: Option<String>,
    /// Format of voice notes in Chatwoot: `mp3` or `original`.
    voice: Option<String>,
    /// What becomes of messages that can be seen once: `show` or `announce`.
    view_once: Option<String>,
    /// What becomes of a message in Chatwoot that is deleted for everyone on WhatsApp: `mark` or `delete`.
    deletions: Option<String>,
    /// Which groups become conversations: `off`, `on`, or `{ "only": [ids] }`.
    groups: Option<serde_json::Value>,
    /// Whether status updates (stories) become messages.
    status_updates: Option<bool>,
    /// Whether posts of channels become messages.
    newsletters: Option<bool>,
    /// Whether messages of broadcast lists become messages.
    broadcast_lists: Option<bool>,
    /// Chats that are not relayed in either direction: WhatsApp ids, or phone numbers in which `*` stands for any digits.
    ignore: Option<Vec<String>>,
    calls: Option<CallsDoc>,
    signature: Option<SignatureDoc>,
    /// Whether an agent's reply that is one emoji becomes a reaction.
    emoji_replies_react: Option<bool>,
    /// Whether a lone WebP picture under 100 kB is sent as a sticker.
    webp_stickers: Option<bool>,
    /// Whether customer and agent see each other type. It makes the number appear online.
    typing: Option<bool>,
    /// Whether reading on one side marks the chat as read on the other.
    read_receipts: Option<bool>,
    conversations: Option<ConversationsDoc>,
    /// Whether a webhook only says that there is a message, which is then fetched from where it is kept.
    strict: Option<bool>,
    relay_contact: Option<RelayContactDoc>,
}

/// The contact in the inbox that answers agents' commands and tells them of the phone.
#[derive(Serialize, ToSchema)]
#[schema(as = RelayContactSettings)]
struct RelayContactDoc {
    /// Whether it answers and tells anything.
    enabled: Option<bool>,
    /// Whether it shows a QR code by itself when the number is logged out. All agents of the inbox see it.
    shows_qr: Option<bool>,
}

/// What becomes of calls.
#[derive(Serialize, ToSchema)]
#[schema(as = CallSettings)]
struct CallsDoc {
    /// Whether they are rejected by the relay.
    reject: Option<bool>,
    /// What the caller is told when a call is rejected by the relay; nothing when null.
    reply: Option<String>,
}

/// What is put around the texts of agents.
#[derive(Serialize, ToSchema)]
#[schema(as = SignatureSettings)]
struct SignatureDoc {
    /// Where it stands: `above` or `below`; nowhere when null.
    position: Option<String>,
    /// Its form in Markdown, in which `{name}` stands for the agent's name; `**{name}:**` when null.
    format: Option<String>,
}

/// Which conversation takes a customer's message, and how a new one begins.
#[derive(Serialize, ToSchema)]
#[schema(as = ConversationSettings)]
struct ConversationsDoc {
    /// `reopen`, `new` or `single`.
    policy: Option<String>,
    /// Whether a new one begins as pending, not open.
    start_pending: Option<bool>,
    /// Team that a new one is assigned to.
    team: Option<i64>,
    /// Labels of a new one.
    labels: Option<Vec<String>>,
}

#[cfg(test)]
mod tests {
    use relay_domain::settings::SessionSettings;
    use serde_json::{Map, Value};

    fn fields<'a>(schemas: &'a Value, name: &str) -> &'a Map<String, Value> {
        schemas[name]["properties"].as_object().unwrap()
    }

    #[test]
    fn every_setting_is_described() {
        let document: Value = serde_json::from_str(super::super::document()).unwrap();
        let schemas = &document["components"]["schemas"];
        let settings = serde_json::to_value(SessionSettings::default()).unwrap();
        let groups = [
            ("Settings", &settings),
            ("CallSettings", &settings["calls"]),
            ("SignatureSettings", &settings["signature"]),
            ("ConversationSettings", &settings["conversations"]),
            ("RelayContactSettings", &settings["relay_contact"]),
        ];
        for (name, value) in groups {
            let real: Vec<_> = value.as_object().unwrap().keys().collect();
            let told: Vec<_> = fields(schemas, name).keys().collect();
            assert_eq!(real, told, "{name}");
        }
    }
}
