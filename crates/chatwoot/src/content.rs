//! What a message holds besides its text.

use serde_json::{Map, Value};

use crate::wire::{Missing, int, text, words};

words! {
    /// What kind of content a message has.
    ContentType {
        Text = "text", InputText = "input_text", InputTextarea = "input_textarea", InputEmail = "input_email",
        InputSelect = "input_select", Cards = "cards", Form = "form", Article = "article",
        IncomingEmail = "incoming_email", InputCsat = "input_csat", Integrations = "integrations",
        Sticker = "sticker", VoiceCall = "voice_call",
    }
}

/// The free attributes of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContentAttributes(Map<String, Value>);

/// One choice, card, field or article of an interactive message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Item {
    /// Title of a choice, card or article.
    pub title: Option<String>,
    /// Value of a choice.
    pub value: Option<String>,
    /// Description of a card or article.
    pub description: Option<String>,
    /// Label of a form field.
    pub label: Option<String>,
    /// Address of an article.
    pub link: Option<String>,
    /// Address of a card's picture.
    pub media_url: Option<String>,
    /// Buttons of a card.
    pub actions: Vec<ItemAction>,
}

/// A button of a card.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ItemAction {
    /// What the button says.
    pub text: Option<String>,
    /// Where it leads, for a link.
    pub uri: Option<String>,
    /// What it sends back, for a postback.
    pub payload: Option<String>,
}

impl ContentAttributes {
    /// Reads the attributes of a message; some old rows hold them as JSON text. They tell whether the message
    /// was deleted, so what cannot be read is not taken for none.
    pub(crate) fn of(message: &Value) -> Result<Self, Missing> {
        let unreadable = Missing("content_attributes");
        match message.get("content_attributes") {
            None | Some(Value::Null) => Ok(Self::default()),
            Some(Value::Object(map)) => Ok(Self(map.clone())),
            Some(Value::String(text)) => serde_json::from_str(text).map(Self).map_err(|_| unreadable),
            Some(_) => Err(unreadable),
        }
    }

    /// Returns all attributes.
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }

    /// Returns the id of the quoted message.
    pub fn in_reply_to(&self) -> Option<i64> {
        self.0.get("in_reply_to")?.as_i64()
    }

    /// Returns the source id of the quoted message.
    pub fn in_reply_to_external_id(&self) -> Option<&str> {
        self.0.get("in_reply_to_external_id")?.as_str()
    }

    /// Says whether the message was deleted. Only `true` counts: the text of a deleted message is translated.
    pub fn deleted(&self) -> bool {
        self.0.get("deleted") == Some(&Value::Bool(true))
    }

    /// Returns why sending failed, as shown to the agent.
    pub fn external_error(&self) -> Option<&str> {
        self.0.get("external_error")?.as_str().filter(|text| !text.is_empty())
    }

    /// Says whether the message is the copy of one sent from the native app. Any truthy value counts.
    pub fn external_echo(&self) -> bool {
        match self.0.get("external_echo") {
            None | Some(Value::Null | Value::Bool(false)) => false,
            Some(Value::String(text)) => !text.is_empty() && text != "false",
            Some(_) => true,
        }
    }

    /// Returns the choices, cards, fields or articles of an interactive message.
    pub fn items(&self) -> Vec<Item> {
        let items = self.0.get("items").and_then(Value::as_array);
        items.map(Vec::as_slice).unwrap_or_default().iter().map(Item::of).collect()
    }
}

impl From<Map<String, Value>> for ContentAttributes {
    fn from(map: Map<String, Value>) -> Self {
        Self(map)
    }
}

impl Item {
    fn of(value: &Value) -> Self {
        let actions = value.get("actions").and_then(Value::as_array);
        let number = || int(value, "value").map(|number| number.to_string());
        Self {
            title: text(value, "title"),
            value: text(value, "value").or_else(number),
            description: text(value, "description"),
            label: text(value, "label"),
            link: text(value, "link"),
            media_url: text(value, "media_url"),
            actions: actions.map(Vec::as_slice).unwrap_or_default().iter().map(ItemAction::of).collect(),
        }
    }
}

impl ItemAction {
    fn of(value: &Value) -> Self {
        Self { text: text(value, "text"), uri: text(value, "uri"), payload: text(value, "payload") }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: &Value) -> Result<ContentAttributes, Missing> {
        ContentAttributes::of(&json!({ "content_attributes": value }))
    }

    fn attributes(value: &Value) -> ContentAttributes {
        read(value).unwrap()
    }

    #[test]
    fn only_true_is_deleted_and_anything_truthy_is_an_echo() {
        for (value, deleted, echo) in [
            (json!(true), true, true),
            (json!(false), false, false),
            (json!(null), false, false),
            (json!("true"), false, true),
            (json!(""), false, false),
            (json!("false"), false, false),
            (json!(1), false, true),
        ] {
            let read = attributes(&json!({ "deleted": value, "external_echo": value }));
            assert_eq!((read.deleted(), read.external_echo()), (deleted, echo), "{value}");
        }
    }

    #[test]
    fn an_error_that_was_cleared_is_no_error() {
        assert_eq!(attributes(&json!({ "external_error": null })).external_error(), None);
        assert_eq!(attributes(&json!({ "external_error": "" })).external_error(), None);
        assert_eq!(attributes(&json!({ "external_error": "no" })).external_error(), Some("no"));
    }

    #[test]
    fn cards_keep_their_buttons() {
        let read = attributes(&json!({ "items": [
            { "title": "Shoe", "description": "red", "media_url": "https://x/y.png",
              "actions": [{ "text": "Buy", "type": "link", "uri": "https://x" }, { "text": "More", "payload": "m" }, 5] },
            { "title": "One", "value": 1 }, "odd",
        ] }));
        let items = read.items();
        assert_eq!(items.len(), 3);
        assert_eq!(items[0].media_url.as_deref(), Some("https://x/y.png"));
        assert_eq!(items[0].actions[0].uri.as_deref(), Some("https://x"));
        assert_eq!(items[0].actions[1].payload.as_deref(), Some("m"));
        assert_eq!(items[1].value.as_deref(), Some("1"));
        assert_eq!(items[2], Item::default());
    }

    #[test]
    fn attributes_may_come_as_text_or_not_at_all() {
        assert_eq!(attributes(&json!("{\"in_reply_to\":7}")).in_reply_to(), Some(7));
        assert!(attributes(&Value::Null).as_map().is_empty());
        for unreadable in [json!("nonsense"), json!([1]), json!(true)] {
            assert_eq!(read(&unreadable), Err(Missing("content_attributes")), "{unreadable}");
        }
    }
}
