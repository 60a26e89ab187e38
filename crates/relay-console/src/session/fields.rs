//! The settings of a session as a form: what each may be, and how it is read.

use relay_domain::note::Locale;
use relay_domain::settings::SessionSettings;
use serde_json::{Map, Value, json};

use crate::form::Fields;
use crate::log::Choice;
use crate::words::T;

/// What a setting may be.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// One of these words; the empty one is the installation's default.
    OneOf(&'static [&'static str]),
    /// On or off.
    Flag,
    /// A line, or nothing.
    Line,
    /// Lines, each a value.
    Lines,
    /// A whole number, or nothing.
    Number,
    /// `off`, `on`, or the lines that are meant.
    OffOnOrLines,
}

/// All settings, by the path to them.
const ALL: [(&str, Kind, T); 24] = [
    ("locale", Kind::OneOf(&["", "pt-BR", "en", "es"]), T::SetLocale),
    ("voice", Kind::OneOf(&["mp3", "original"]), T::SetVoice),
    ("view_once", Kind::OneOf(&["show", "announce"]), T::SetViewOnce),
    ("deletions", Kind::OneOf(&["mark", "delete"]), T::SetDeletions),
    ("groups", Kind::OffOnOrLines, T::SetGroups),
    ("status_updates", Kind::Flag, T::SetStatusUpdates),
    ("newsletters", Kind::Flag, T::SetNewsletters),
    ("broadcast_lists", Kind::Flag, T::SetBroadcastLists),
    ("ignore", Kind::Lines, T::SetIgnore),
    ("calls.reject", Kind::Flag, T::SetCallsReject),
    ("calls.reply", Kind::Line, T::SetCallsReply),
    ("signature.position", Kind::OneOf(&["", "above", "below"]), T::SetSignaturePosition),
    ("signature.format", Kind::Line, T::SetSignatureFormat),
    ("emoji_replies_react", Kind::Flag, T::SetEmojiReplies),
    ("webp_stickers", Kind::Flag, T::SetStickers),
    ("typing", Kind::Flag, T::SetTyping),
    ("read_receipts", Kind::Flag, T::SetReadReceipts),
    ("conversations.policy", Kind::OneOf(&["reopen", "new", "single"]), T::SetPolicy),
    ("conversations.start_pending", Kind::Flag, T::SetStartPending),
    ("conversations.team", Kind::Number, T::SetTeam),
    ("conversations.labels", Kind::Lines, T::SetLabels),
    ("strict", Kind::Flag, T::SetStrict),
    ("relay_contact.enabled", Kind::Flag, T::SetRelayContact),
    ("relay_contact.shows_qr", Kind::Flag, T::SetShowsQr),
];

/// One setting in the form.
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) label: &'static str,
    pub(crate) input: Input,
}

/// How it is entered.
pub(crate) enum Input {
    Select(Vec<Choice>),
    Checkbox(bool),
    Line(String),
    Number(String),
    Area(String),
    /// A choice of three, and the lines that the third is about.
    Groups(Vec<Choice>, String),
}

/// The form's fields with their present values.
pub(crate) fn of(settings: &SessionSettings, locale: Locale) -> Vec<Field> {
    let value = serde_json::to_value(settings).unwrap_or_default();
    let field = |(name, kind, label): &(&'static str, Kind, T)| {
        let pointer = format!("/{}", name.replace('.', "/"));
        let present = value.pointer(&pointer).unwrap_or(&Value::Null);
        Field { name, label: label.in_language(locale), input: input(*kind, present, locale) }
    };
    ALL.iter().map(field).collect()
}

fn input(kind: Kind, present: &Value, locale: Locale) -> Input {
    let text = present.as_str().unwrap_or_default();
    match kind {
        Kind::OneOf(words) => Input::Select(words.iter().map(|word| choice(word, text, locale)).collect()),
        Kind::Flag => Input::Checkbox(present.as_bool().unwrap_or_default()),
        Kind::Line => Input::Line(text.to_owned()),
        Kind::Lines => Input::Area(lines(present)),
        Kind::Number => Input::Number(present.as_i64().map(|number| number.to_string()).unwrap_or_default()),
        Kind::OffOnOrLines => {
            let only = present.get("only").unwrap_or(&Value::Null);
            let chosen = if only.is_array() { "only" } else { text };
            Input::Groups(["off", "on", "only"].map(|word| choice(word, chosen, locale)).into(), lines(only))
        }
    }
}

fn choice(word: &str, chosen: &str, locale: Locale) -> Choice {
    let shown = if word.is_empty() { T::Default.in_language(locale) } else { word };
    Choice { value: word.to_owned(), word: shown.to_owned(), is_chosen: word == chosen }
}

fn lines(list: &Value) -> String {
    let lines = list.as_array().into_iter().flatten().filter_map(Value::as_str);
    lines.collect::<Vec<_>>().join("\n")
}

/// What a sent form changes: all of it, since a box that is not ticked is not sent.
pub(crate) fn changes(fields: &Fields) -> Result<Value, T> {
    let mut changes = Map::new();
    for (name, kind, _) in ALL {
        let value = value(fields, name, kind)?;
        match name.split_once('.') {
            None => drop(changes.insert(name.to_owned(), value)),
            Some((group, name)) => {
                let group = changes.entry(group).or_insert_with(|| json!({}));
                if let Value::Object(group) = group {
                    group.insert(name.to_owned(), value);
                }
            }
        }
    }
    Ok(Value::Object(changes))
}

fn value(fields: &Fields, name: &str, kind: Kind) -> Result<Value, T> {
    let given = fields.get(name);
    Ok(match kind {
        Kind::OneOf(_) | Kind::Line => given.map_or(Value::Null, |text| json!(text)),
        Kind::Flag => json!(given.is_some()),
        Kind::Lines => each_line(fields, name),
        Kind::Number => match given {
            Some(text) => json!(text.parse::<i64>().map_err(|_| T::NumberHint)?),
            None => Value::Null,
        },
        Kind::OffOnOrLines => match given {
            Some("only") => json!({ "only": each_line(fields, &format!("{name}.only")) }),
            Some(word) => json!(word),
            None => Value::Null,
        },
    })
}

fn each_line(fields: &Fields, name: &str) -> Value {
    let lines = fields.get(name).unwrap_or_default().lines().map(str::trim).filter(|line| !line.is_empty());
    json!(lines.collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use url::form_urlencoded::Serializer;

    use super::*;

    /// The form as a browser would send it.
    fn sent(fields: &[Field]) -> Fields {
        let mut form = Serializer::new(String::new());
        let chosen = |choices: &[Choice]| choices.iter().find(|choice| choice.is_chosen).unwrap().value.clone();
        for field in fields {
            match &field.input {
                Input::Select(choices) => drop(form.append_pair(field.name, &chosen(choices))),
                Input::Checkbox(true) => drop(form.append_pair(field.name, "on")),
                Input::Checkbox(false) => {}
                Input::Line(text) | Input::Number(text) | Input::Area(text) => drop(form.append_pair(field.name, text)),
                Input::Groups(choices, text) => {
                    form.append_pair(field.name, &chosen(choices)).append_pair("groups.only", text);
                }
            }
        }
        Fields::parse(form.finish().as_bytes())
    }

    #[test]
    fn a_form_that_is_sent_as_it_is_changes_nothing() {
        let some = json!({
            "locale": "es", "voice": "original", "groups": { "only": ["1-2@g.us"] }, "ignore": ["5511*"],
            "calls": { "reject": true, "reply": "Escreva" }, "signature": { "position": "above" }, "typing": true,
            "read_receipts": false, "conversations": { "policy": "new", "team": 7, "labels": ["a", "b"] },
        });
        let settings = SessionSettings::default().changed(&some).unwrap();
        for settings in [SessionSettings::default(), settings] {
            let changes = changes(&sent(&of(&settings, Locale::En))).unwrap();
            assert_eq!(settings.changed(&changes).unwrap(), settings, "{changes}");
            assert_eq!(SessionSettings::default().changed(&changes).unwrap(), settings, "{changes}");
        }
    }

    #[test]
    fn every_setting_is_in_the_form() {
        let mut names: Vec<String> = Vec::new();
        if let Value::Object(all) = serde_json::to_value(SessionSettings::default()).unwrap() {
            for (name, value) in all {
                match value {
                    Value::Object(group) => names.extend(group.keys().map(|inner| format!("{name}.{inner}"))),
                    _ => names.push(name),
                }
            }
        }
        let mut known: Vec<_> = ALL.iter().map(|(name, ..)| (*name).to_owned()).collect();
        names.sort();
        known.sort();
        assert_eq!(names, known);
    }
}
