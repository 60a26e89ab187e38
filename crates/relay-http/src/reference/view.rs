//! What the page shows of a document.

use serde_json::{Map, Value};

/// The document, in the order in which it is read.
pub(super) struct View {
    pub(super) version: String,
    pub(super) about: String,
    pub(super) groups: Vec<Group>,
    pub(super) schemas: Vec<Schema>,
}

/// Operations that belong together.
pub(super) struct Group {
    pub(super) name: String,
    pub(super) about: String,
    pub(super) operations: Vec<Operation>,
}

pub(super) struct Operation {
    pub(super) id: String,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) summary: String,
    pub(super) about: Option<String>,
    pub(super) needs_key: bool,
    pub(super) fields: Vec<Field>,
    /// The schema of its body, and an example.
    pub(super) body: Option<(Kind, Option<String>)>,
    pub(super) answers: Vec<Answer>,
}

/// A parameter, or a field of a schema.
pub(super) struct Field {
    pub(super) name: String,
    /// Where it stands: in the path, the query or a header; empty for a field.
    pub(super) place: String,
    pub(super) kind: Kind,
    pub(super) is_required: bool,
    pub(super) about: String,
}

pub(super) struct Answer {
    pub(super) status: String,
    /// What the status tells by its first digit.
    pub(super) class: &'static str,
    pub(super) about: String,
    pub(super) kind: Option<Kind>,
    pub(super) example: Option<String>,
}

/// What a value is.
pub(super) struct Kind {
    pub(super) text: String,
    /// The schema that says more.
    pub(super) schema: Option<String>,
}

pub(super) struct Schema {
    pub(super) name: String,
    pub(super) about: String,
    /// Schemas whose fields it has too.
    pub(super) includes: Vec<Kind>,
    pub(super) fields: Vec<Field>,
}

impl View {
    /// Reads a document of our own.
    pub(super) fn of(document: &str) -> Self {
        let document: Value = serde_json::from_str(document).expect("the document is JSON");
        let tags = document["tags"].as_array().into_iter().flatten();
        Self {
            version: text(&document["info"]["version"]),
            about: text(&document["info"]["description"]),
            groups: tags.map(|tag| Group::of(tag, &document)).collect(),
            schemas: entries(&document["components"]["schemas"]).map(Schema::of).collect(),
        }
    }
}

impl Group {
    fn of(tag: &Value, document: &Value) -> Self {
        let in_group = |operation: &Value| operation["tags"].as_array().is_some_and(|tags| tags.contains(&tag["name"]));
        let all = entries(&document["paths"]).flat_map(|(path, item)| {
            entries(item).map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
        });
        let operations = all.filter(|(.., operation)| in_group(operation)).map(Operation::of).collect();
        Self { name: text(&tag["name"]), about: text(&tag["description"]), operations }
    }
}

impl Operation {
    fn of((path, method, operation): (&str, &str, &Value)) -> Self {
        let body = entries(&operation["requestBody"]["content"]).next();
        Self {
            id: text(&operation["operationId"]),
            method: method.to_uppercase(),
            path: path.to_owned(),
            summary: text(&operation["summary"]),
            about: operation["description"].as_str().map(ToOwned::to_owned),
            needs_key: operation["security"].is_array(),
            fields: operation["parameters"].as_array().into_iter().flatten().map(Field::of_parameter).collect(),
            body: body.map(|(_, content)| (Kind::of(&content["schema"]), example(content))),
            answers: entries(&operation["responses"]).map(Answer::of).collect(),
        }
    }
}

impl Field {
    fn of_parameter(parameter: &Value) -> Self {
        Self {
            name: text(&parameter["name"]),
            place: text(&parameter["in"]),
            kind: Kind::of(&parameter["schema"]),
            is_required: parameter["required"] == true,
            about: text(&parameter["description"]),
        }
    }

    fn of_property(name: &str, property: &Value, schema: &Value) -> Self {
        let required = schema["required"].as_array();
        Self {
            name: name.to_owned(),
            place: String::new(),
            kind: Kind::of(property),
            is_required: required.is_some_and(|required| required.iter().any(|other| other == name)),
            about: text(&property["description"]),
        }
    }
}

impl Answer {
    fn of((status, response): (&String, &Value)) -> Self {
        let content = entries(&response["content"]).next().filter(|(kind, _)| *kind != "application/problem+json");
        Self {
            status: status.clone(),
            class: match status.as_bytes().first() {
                Some(b'2') => "good",
                Some(b'4') => "refused",
                _ => "failed",
            },
            about: text(&response["description"]),
            kind: content.map(|(_, content)| Kind::of(&content["schema"])),
            example: content.and_then(|(_, content)| example(content)),
        }
    }
}

impl Kind {
    fn of(schema: &Value) -> Self {
        if let Some(name) = schema["$ref"].as_str().and_then(|address| address.rsplit('/').next()) {
            return Self { text: name.to_owned(), schema: Some(name.to_owned()) };
        }
        let choices = schema["oneOf"].as_array().or(schema["anyOf"].as_array());
        if let Some(choice) = choices.and_then(|choices| choices.iter().find(|choice| choice["type"] != "null")) {
            let inner = Self::of(choice);
            return Self { text: format!("{} or null", inner.text), ..inner };
        }
        if schema["type"] == "array" {
            let inner = Self::of(&schema["items"]);
            return Self { text: format!("list of {}", inner.text), ..inner };
        }
        let kinds = match &schema["type"] {
            Value::Array(kinds) => kinds.iter().map(text).collect::<Vec<_>>().join(" or "),
            Value::String(kind) => kind.clone(),
            _ => "anything".to_owned(),
        };
        let format = schema["format"].as_str().map(|format| format!(" ({format})")).unwrap_or_default();
        Self { text: format!("{kinds}{format}"), schema: None }
    }
}

impl Schema {
    fn of((name, schema): (&String, &Value)) -> Self {
        let parts = schema["allOf"].as_array().into_iter().flatten();
        let includes = parts.clone().filter(|part| part.get("$ref").is_some()).map(Kind::of).collect();
        let own = parts.filter(|part| part.get("$ref").is_none());
        let fields = own.chain([schema]).flat_map(|schema| {
            entries(&schema["properties"]).map(move |(name, property)| Field::of_property(name, property, schema))
        });
        Self { name: name.clone(), about: text(&schema["description"]), includes, fields: fields.collect() }
    }
}

fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// An example as it is sent or answered.
fn example(content: &Value) -> Option<String> {
    match content.get("example")? {
        Value::String(text) => Some(text.clone()),
        value => Some(format!("{value:#}")),
    }
}
