//! Settings as flags: one for each, made from the list, taken as it is written and judged later together with everything else.

use std::ffi::{OsStr, OsString};

use clap::builder::{PossibleValue, TypedValueParser, ValueParser};
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches, ValueHint};
use relay_domain::note::Locale;

use super::form::Form;
use super::words::{About, UsualWords};
use super::{Key, Usual};
use crate::words::Say as _;

/// What flags say of settings.
#[derive(Clone, Default)]
pub(crate) struct Flags(pub(crate) Vec<(Key, String)>);

/// Several are secret.
impl std::fmt::Debug for Flags {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_list().entries(self.0.iter().map(|(key, _)| key)).finish()
    }
}

impl Args for Flags {
    fn augment_args(command: Command) -> Command {
        let command = command.next_help_heading("Settings");
        Key::ALL.into_iter().fold(command, |command, key| command.arg(argument(key))).next_help_heading(None::<&str>)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = |key: Key| {
            let id = key.flag();
            let is_flag = matches.value_source(&id) == Some(ValueSource::CommandLine);
            let value = matches.get_one::<OsString>(&id).filter(|_| is_flag)?;
            Some((key, value.to_string_lossy().into_owned()))
        };
        Ok(Self(Key::ALL.into_iter().filter_map(given).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

fn argument(key: Key) -> Arg {
    let about = About(key).say(Locale::En);
    let (help, usual) = match key.usual() {
        Usual::Value(value) => (about, Some(value)),
        Usual::Nothing => (about, None),
        usual @ (Usual::Made | Usual::ThisMachine | Usual::ApiUrl | Usual::OwnDatabase) => {
            (format!("{about} [default: {}]", UsualWords(usual).say(Locale::En)), None)
        }
    };
    let arg = Arg::new(key.flag())
        .long(key.flag())
        .env(key.name())
        // what is set may be secret, and help is to be the same everywhere
        .hide_env_values(true)
        .value_name(key.name())
        .value_parser(ValueParser::new(AsWritten(key.form())))
        .value_hint(hint(key.form()))
        .help(help)
        .global(true);
    match usual {
        Some(value) => arg.default_value(value),
        None => arg,
    }
}

const fn hint(form: Form) -> ValueHint {
    match form {
        Form::Folder => ValueHint::DirPath,
        Form::Origin | Form::Address | Form::Database => ValueHint::Url,
        Form::Ip | Form::Whole { .. } | Form::Number { .. } | Form::Secret | Form::LogLevel => ValueHint::Other,
        Form::OneOf(_) | Form::Language => ValueHint::Unknown,
    }
}

/// Takes whatever is written, and tells which words there are to choose among.
#[derive(Clone)]
struct AsWritten(Form);

impl TypedValueParser for AsWritten {
    type Value = OsString;

    fn parse_ref(&self, _: &Command, _: Option<&Arg>, value: &OsStr) -> Result<OsString, clap::Error> {
        Ok(value.to_owned())
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let words = self.0.words();
        (!words.is_empty()).then(|| Box::new(words.iter().map(|word| PossibleValue::new(*word))) as Box<_>)
    }
}
