//! What was given, and where: flags win over the environment, the environment over `.env`.

use std::collections::BTreeMap;
use std::path::Path;

use super::Key;
use super::env_lines::{ENV_FILE, EnvLines};
use super::flags::Flags;

/// Who said what a setting is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Nobody: it is the default.
    Default,
    /// The command line.
    Flag(Key),
    /// The environment.
    Environment,
    /// This line of `.env`; the file as a whole is line 0.
    Line(usize),
    /// A file that holds nothing else.
    File(String),
    /// The relay itself: on its first start, or on the next one.
    Made,
}

/// Everything that was given.
pub(crate) struct Given {
    flags: Flags,
    environment: BTreeMap<String, String>,
    pub(crate) lines: EnvLines,
}

impl Given {
    /// Looks at the environment and at `.env`, and then puts `.env` into the environment, where it is not set. To be called before
    /// there is a second thread.
    pub(crate) fn note() -> Self {
        let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
        let environment = std::env::vars_os().map(|(name, value)| (text(name), text(value))).collect();
        let lines = EnvLines::read(Path::new(ENV_FILE));
        // what cannot be read of it is told with everything else
        drop(dotenvy::from_path(ENV_FILE));
        Self { flags: Flags::default(), environment, lines }
    }

    /// With what the command line says.
    pub(crate) fn with(self, flags: Flags) -> Self {
        Self { flags, ..self }
    }

    /// The value of a setting, and where it is from. An empty variable counts as none: compose files pass those on.
    pub(crate) fn value(&self, key: Key) -> Option<(String, Place)> {
        let flag = self.flags.0.iter().find(|(given, _)| *given == key);
        if let Some((_, value)) = flag {
            return Some((value.clone(), Place::Flag(key)));
        }
        self.variable(key.name())
    }

    /// The value of a variable, and where it is from.
    pub(crate) fn variable(&self, name: &str) -> Option<(String, Place)> {
        let found = match self.environment.get(name) {
            Some(value) => (value.clone(), Place::Environment),
            None => self.lines.value(name).map(|(value, line)| (value.to_owned(), Place::Line(line)))?,
        };
        Some(found).filter(|(value, _)| !value.is_empty())
    }

    /// Names in the environment, without those of `.env`.
    pub(crate) fn environment(&self) -> impl Iterator<Item = &str> {
        self.environment.keys().map(String::as_str)
    }
}
