//! What the relay was told, and by whom. Secrets are shown as set or not, never as they are.

use askama::Template;
use axum::extract::State;
use axum::response::Html;

use crate::Console;
use crate::dress::render;
use crate::failure::Failure;
use crate::frame::{Frame, Section};
use crate::visitor::Visitor;
use crate::words::{self, T};

/// One setting as it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its name in the environment.
    pub name: &'static str,
    /// Its value; of a secret, how many characters it has; `None` when it is not set.
    pub value: Option<Value>,
    /// Who said so.
    pub origin: Origin,
}

/// The value of a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// As it is.
    Plain(String),
    /// A secret of so many characters.
    Secret(usize),
}

/// Who said what a setting is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody: it is the default.
    Default,
    /// The command line.
    Flag,
    /// The environment.
    Environment,
    /// The file `.env`.
    EnvFile,
    /// A file that holds nothing else.
    File,
    /// The relay itself, on its first start.
    Made,
}

impl Origin {
    const fn word(self) -> T {
        match self {
            Self::Default => T::OriginDefault,
            Self::Flag => T::OriginFlag,
            Self::Environment => T::OriginEnvironment,
            Self::EnvFile => T::OriginEnvFile,
            Self::File => T::OriginFile,
            Self::Made => T::OriginMade,
        }
    }
}

#[derive(Template)]
#[template(path = "settings.html")]
struct SettingsPage {
    frame: Frame,
    rows: Vec<SettingRow>,
    sessions: Vec<(String, String)>,
    program: &'static str,
}

struct SettingRow {
    name: &'static str,
    value: String,
    is_set: bool,
    origin: &'static str,
}

pub(crate) async fn page(State(console): State<Console>, visitor: Visitor) -> Result<Html<String>, Failure> {
    let frame = Frame::of(&console, visitor, Some(Section::Settings));
    let rows = console.settings.iter().map(|setting| row(setting, &frame)).collect();
    let name = |live: &std::sync::Arc<relay_engine::Live>| live.name().to_owned();
    let mut names: Vec<_> = console.engine.sessions.all().iter().map(name).collect();
    names.sort();
    let sessions = names.into_iter().map(|name| (words::session_path(&name), name)).collect();
    Ok(render(&SettingsPage { frame, rows, sessions, program: env!("CARGO_PKG_VERSION") }))
}

fn row(setting: &Setting, frame: &Frame) -> SettingRow {
    let value = match &setting.value {
        Some(Value::Plain(text)) => text.clone(),
        Some(Value::Secret(length)) => words::secret_is_set(frame.locale, *length),
        None => frame.t(T::NotSet).to_owned(),
    };
    SettingRow { name: setting.name, value, is_set: setting.value.is_some(), origin: frame.t(setting.origin.word()) }
}
