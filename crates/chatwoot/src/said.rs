//! What a refusal says, in whichever of its shapes it comes.

use serde_json::Value;

/// Attributes of a contact that are unique within an account.
const UNIQUE_ATTRIBUTES: [&str; 3] = ["phone_number", "identifier", "email"];

/// What a body is written in.
#[derive(Clone, Copy)]
pub(crate) enum Form {
    Empty,
    Json,
    Other,
}

/// What a refusal says.
pub(crate) struct Said {
    pub(crate) form: Form,
    pub(crate) text: String,
    pub(crate) attributes: Vec<String>,
}

impl Said {
    pub(crate) fn read(body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        let text = text.trim();
        if text.is_empty() {
            return Self { form: Form::Empty, text: String::new(), attributes: Vec::new() };
        }
        if let Ok(value @ Value::Object(_)) = serde_json::from_str::<Value>(text) {
            let attributes = strings(value.get("attributes"));
            return Self { form: Form::Json, text: message_of(&value), attributes };
        }
        let text = if text.starts_with('<') { title_of(text) } else { text.to_owned() };
        Self { form: Form::Other, text, attributes: Vec::new() }
    }

    pub(crate) fn mentions(&self, phrase: &str) -> bool {
        self.text.to_lowercase().contains(phrase)
    }

    /// A bad format names its attributes in the same way as a value that is taken. In every locale the text
    /// about the format names E.164 and the text about the length names its limit of 255.
    pub(crate) fn is_taken(&self) -> bool {
        let unique = self.attributes.iter().any(|name| UNIQUE_ATTRIBUTES.contains(&name.as_str()));
        unique && !self.mentions("164") && !self.mentions("255")
    }

    pub(crate) fn is_about_a_file(&self) -> bool {
        let file_limit = self.mentions("file") && (self.mentions("size") || self.mentions("type"));
        file_limit || self.mentions("attachment")
    }
}

fn message_of(value: &Value) -> String {
    let named = ["error", "message"].iter().find_map(|key| value.get(*key)?.as_str());
    match named {
        Some(text) => text.to_owned(),
        None => strings(value.get("errors")).join(", "),
    }
}

fn strings(value: Option<&Value>) -> Vec<String> {
    let list = value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn title_of(html: &str) -> String {
    let title =
        html.split_once("<title>").and_then(|(_, rest)| rest.split_once("</title>")).map(|(title, _)| title.trim());
    title.map_or_else(|| "an html page".to_owned(), |title| format!("an html page: {title}"))
}
