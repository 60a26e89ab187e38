//! What is wrong with the configuration, one by one, in the words of [`super::words`].

use std::io::ErrorKind;

use relay_domain::note::Locale;
use serde_json::{Value, json};

use super::Key;
use super::env_lines::ENV_FILE;
use super::form::Wrong;
use super::given::Place;
use super::words::{PlaceWords, Remedy, Sentence};
use crate::printer::{Colour, Printer, tame};
use crate::words::{Say as _, Three, three};

/// Something that is wrong, or odd.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Problem {
    pub(crate) place: Place,
    /// The name as it is written; empty when the place has none.
    pub(crate) name: String,
    pub(crate) what: What,
}

/// What it is.
#[derive(Clone, PartialEq)]
pub(crate) enum What {
    /// A line that cannot be read.
    Malformed,
    /// `.env` as a whole cannot be read.
    Unreadable(ErrorKind),
    /// A value that will not do.
    Wrong { key: Key, value: String, wrong: Wrong },
    /// A value, and a file with another.
    Both(Key),
    /// A file that cannot be read.
    FileUnreadable(String, ErrorKind),
    /// A file that holds nothing.
    FileEmpty(String),
    /// A name that means nothing; perhaps this one was meant.
    Unknown(Option<Key>),
    /// A file for what is not read from files.
    NotFromFile(Key),
    /// A name that is on an earlier line.
    Twice { first: usize },
    /// A name of the first relay.
    Unnecessary,
    /// An address that somebody has yet to replace.
    StillExample,
    /// A secret that is easily guessed.
    Short { length: usize },
    /// This one is of no use without the other.
    Without(Key),
    /// Webhooks would be refused before files wait.
    AboveFiles,
}

/// Values are nobody's business: what was given may be secret.
impl std::fmt::Debug for What {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.code())
    }
}

impl What {
    /// Its name for programs.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Unreadable(_) => "unreadable",
            Self::Wrong { .. } => "wrong_value",
            Self::Both(_) => "value_and_file",
            Self::FileUnreadable(..) => "file_unreadable",
            Self::FileEmpty(_) => "file_empty",
            Self::Unknown(_) => "unknown",
            Self::NotFromFile(_) => "not_from_file",
            Self::Twice { .. } => "twice",
            Self::Unnecessary => "unnecessary",
            Self::StillExample => "still_example",
            Self::Short { .. } => "short_secret",
            Self::Without(_) => "incomplete",
            Self::AboveFiles => "above_files",
        }
    }
}

impl Problem {
    /// Whether the relay cannot start with it.
    pub(crate) const fn is_error(&self) -> bool {
        match self.what {
            What::Malformed
            | What::Unreadable(_)
            | What::Wrong { .. }
            | What::Both(_)
            | What::FileUnreadable(..)
            | What::FileEmpty(_) => true,
            What::Unknown(_)
            | What::NotFromFile(_)
            | What::Twice { .. }
            | What::Unnecessary
            | What::StillExample
            | What::Short { .. }
            | What::Without(_)
            | What::AboveFiles => false,
        }
    }

    /// The setting that it is about.
    fn key(&self) -> Option<Key> {
        match &self.what {
            What::Unknown(meant) => *meant,
            What::Wrong { key, .. } | What::Both(key) | What::NotFromFile(key) => Some(*key),
            What::Malformed | What::Unreadable(_) | What::Unnecessary => None,
            What::FileUnreadable(..)
            | What::FileEmpty(_)
            | What::Twice { .. }
            | What::StillExample
            | What::Short { .. }
            | What::Without(_)
            | What::AboveFiles => Key::find(&self.name),
        }
    }

    /// One line, for a log.
    pub(crate) fn said(&self, locale: Locale) -> String {
        tame(&Sentence(self).say(locale))
    }

    /// As people read it: where, what, and what to do.
    pub(crate) fn lines(&self, locale: Locale, printer: &Printer) -> Vec<String> {
        let mark = if self.is_error() {
            printer.coloured("error", Colour::Red)
        } else {
            format!("{} ", printer.coloured("warn", Colour::Yellow))
        };
        let place = tame(&PlaceWords(&self.place).say(locale));
        let mut lines = vec![format!("  {mark}  {place}: {}", self.said(locale))];
        let remedy = Remedy(self).say(locale);
        lines.extend((!remedy.is_empty()).then(|| format!("         hint: {}", tame(&remedy))));
        lines
    }

    /// As programs read it.
    pub(crate) fn json(&self, locale: Locale) -> Value {
        let (file, line) = match &self.place {
            Place::Line(0) => (Some(ENV_FILE), None),
            Place::Line(line) => (Some(ENV_FILE), Some(*line)),
            Place::Default | Place::Flag(_) | Place::Environment | Place::File(_) | Place::Made => (None, None),
        };
        json!({
            "level": if self.is_error() { "error" } else { "warning" },
            "code": self.what.code(),
            "name": (!self.name.is_empty()).then_some(&self.name),
            "origin": self.place.code(),
            "file": file,
            "line": line,
            "setting": self.key().map(Key::name),
            "message": Sentence(self).say(locale),
            "hint": Some(Remedy(self).say(locale)).filter(|hint| !hint.is_empty()),
        })
    }
}

impl Place {
    /// Its name for programs.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Flag(_) => "flag",
            Self::Environment => "environment",
            Self::Line(_) => "env_file",
            Self::File(_) => "file",
            Self::Made => "made",
        }
    }

    /// In which order places are told.
    pub(crate) fn rank(&self) -> (u8, usize) {
        match self {
            Self::Line(line) => (0, *line),
            Self::Environment => (1, 0),
            Self::Flag(_) => (2, 0),
            Self::File(_) => (3, 0),
            Self::Made => (4, 0),
            Self::Default => (5, 0),
        }
    }
}

/// How many errors and warnings there are, in words.
pub(crate) fn counted(problems: &[Problem]) -> Three {
    let errors = problems.iter().filter(|problem| problem.is_error()).count();
    let warnings = problems.len() - errors;
    let many = |count: usize, one: &str, more: &str| format!("{count} {}", if count == 1 { one } else { more });
    [
        format!("{}, {}", many(errors, "erro", "erros"), many(warnings, "aviso", "avisos")),
        format!("{}, {}", many(errors, "error", "errors"), many(warnings, "warning", "warnings")),
        format!("{}, {}", many(errors, "error", "errores"), many(warnings, "aviso", "avisos")),
    ]
}

/// The error with which a command ends that cannot begin.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Broken(String);

/// Everything at once.
pub(crate) fn broken(problems: &[Problem], locale: Locale, printer: &Printer) -> Broken {
    let [pt, en, es] = counted(problems);
    let head = locale.pick(
        &format!("a configuração não serve: {pt}"),
        &format!("the configuration cannot be used: {en}"),
        &format!("la configuración no sirve: {es}"),
    );
    let lines = problems.iter().flat_map(|problem| problem.lines(locale, printer));
    let [pt, en, es] = tell_more();
    let hint = format!("  hint: {}", locale.pick(&pt, &en, &es));
    let all: Vec<_> = std::iter::once(head).chain(lines).chain([hint]).collect();
    Broken(all.join("\n"))
}

fn tell_more() -> Three {
    three(
        "relay config explain NOME conta mais de uma configuração",
        "relay config explain NAME tells more of a setting",
        "relay config explain NOMBRE cuenta más de una opción",
    )
}
