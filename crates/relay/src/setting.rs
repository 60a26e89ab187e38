//! Every setting, once: its name, what it may be, its default. Help, flags, checks, `relay config`, the console and the documents are
//! all made from this list; what it means in words is in [`words`].
//!
//! A setting is a flag, a variable of the environment, and a line of `.env` ([`given`]); what was given is read and judged as a whole
//! ([`check`]), so that everything that is wrong is told at once ([`problem`]).

pub(crate) mod check;
pub(crate) mod command;
pub(crate) mod effective;
pub(crate) mod env_lines;
pub(crate) mod flags;
pub(crate) mod form;
pub(crate) mod given;
mod init;
mod near;
pub(crate) mod problem;
mod words;

use relay_domain::note::Locale;

use self::form::Form;
use self::words::{About, FormWords, UsualWords};
use crate::words::Say as _;

pub(crate) use self::check::{LogFormat, Settings};

/// A setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(clippy::enum_variant_names, reason = "named as the settings are")]
pub(crate) enum Key {
    ChatwootUrl,
    CodechatUrl,
    CodechatKey,
    ApiUrl,
    CodechatCallbackUrl,
    ApiKey,
    SecretKey,
    Host,
    Port,
    DbUrl,
    DataDir,
    Locale,
    OutboundTtlMinutes,
    OutboundPace,
    OutboundBurst,
    ConversationPace,
    MaxMediaMb,
    MinFreeMbFiles,
    MinFreeMb,
    AudioEngine,
    LogLevel,
    LogFormat,
}

/// The settings as the documents list them, in Markdown.
pub(crate) fn table() -> String {
    let row = |key: Key| {
        let usual = match key.usual() {
            Usual::Nothing => "–".to_owned(),
            Usual::Made => UsualWords(Usual::Made).say(Locale::En),
            usual @ (Usual::Value(_) | Usual::ThisMachine | Usual::ApiUrl | Usual::OwnDatabase) => {
                format!("`{}`", UsualWords(usual).say(Locale::En))
            }
        };
        let (about, form) = (About(key).say(Locale::En), FormWords(key.form()).say(Locale::En));
        format!("| `{}` | `--{}` | {usual} | {about}. Use {form} |\n", key.name(), key.flag())
    };
    let head = "| variable | flag | default | meaning |\n|---|---|---|---|\n";
    head.to_owned() + &Key::ALL.map(row).concat()
}

/// A `.env` to fill in.
pub(crate) fn example(locale: Locale) -> String {
    init::text(locale)
}

/// What holds when nobody says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Usual {
    /// This value.
    Value(&'static str),
    /// Nothing.
    Nothing,
    /// The relay makes it on its first start.
    Made,
    /// This machine, at `PORT`.
    ThisMachine,
    /// What `API_URL` is.
    ApiUrl,
    /// A file in `DATA_DIR`.
    OwnDatabase,
}

impl Key {
    /// All of them, in the order in which people meet them.
    pub(crate) const ALL: [Self; 22] = [
        Self::ChatwootUrl,
        Self::CodechatUrl,
        Self::CodechatKey,
        Self::ApiUrl,
        Self::CodechatCallbackUrl,
        Self::ApiKey,
        Self::SecretKey,
        Self::Host,
        Self::Port,
        Self::DbUrl,
        Self::DataDir,
        Self::Locale,
        Self::OutboundTtlMinutes,
        Self::OutboundPace,
        Self::OutboundBurst,
        Self::ConversationPace,
        Self::MaxMediaMb,
        Self::MinFreeMbFiles,
        Self::MinFreeMb,
        Self::AudioEngine,
        Self::LogLevel,
        Self::LogFormat,
    ];

    /// Its name in the environment and in `.env`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::ChatwootUrl => "CHATWOOT_URL",
            Self::CodechatUrl => "CODECHAT_URL",
            Self::CodechatKey => "CODECHAT_KEY",
            Self::ApiUrl => "API_URL",
            Self::CodechatCallbackUrl => "CODECHAT_CALLBACK_URL",
            Self::ApiKey => "API_KEY",
            Self::SecretKey => "SECRET_KEY",
            Self::Host => "HOST",
            Self::Port => "PORT",
            Self::DbUrl => "DB_URL",
            Self::DataDir => "DATA_DIR",
            Self::Locale => "LOCALE",
            Self::OutboundTtlMinutes => "OUTBOUND_TTL_MINUTES",
            Self::OutboundPace => "OUTBOUND_PACE",
            Self::OutboundBurst => "OUTBOUND_BURST",
            Self::ConversationPace => "CONVERSATION_PACE",
            Self::MaxMediaMb => "MAX_MEDIA_MB",
            Self::MinFreeMbFiles => "MIN_FREE_MB_FILES",
            Self::MinFreeMb => "MIN_FREE_MB",
            Self::AudioEngine => "AUDIO_ENGINE",
            Self::LogLevel => "LOG_LEVEL",
            Self::LogFormat => "LOG_FORMAT",
        }
    }

    /// Its flag, without the dashes.
    pub(crate) fn flag(self) -> String {
        self.name().to_ascii_lowercase().replace('_', "-")
    }

    /// The name of the variable that names a file with it.
    pub(crate) fn file_name(self) -> String {
        format!("{}_FILE", self.name())
    }

    /// The setting of that name, however it is written: `PORT`, `port`, `--port`, `API_KEY_FILE`.
    pub(crate) fn find(text: &str) -> Option<Self> {
        let name = text.trim_start_matches('-').to_ascii_uppercase().replace('-', "_");
        let key = |name: &str| Self::ALL.into_iter().find(|key| key.name() == name);
        key(&name).or_else(|| key(name.strip_suffix("_FILE")?).filter(|key| key.may_be_in_a_file()))
    }

    /// What it may be.
    pub(crate) const fn form(self) -> Form {
        match self {
            Self::ChatwootUrl => Form::Origin,
            Self::CodechatUrl | Self::ApiUrl | Self::CodechatCallbackUrl => Form::Address,
            Self::CodechatKey | Self::ApiKey | Self::SecretKey => Form::Secret,
            Self::Host => Form::Ip,
            Self::Port => Form::Whole { from: 0, to: 65_535 },
            Self::DbUrl => Form::Database,
            Self::DataDir => Form::Folder,
            Self::Locale => Form::Language,
            Self::OutboundTtlMinutes => Form::Whole { from: 0, to: 525_600 },
            Self::OutboundPace => Form::Number { from: 0.0, to: 1000.0 },
            Self::OutboundBurst => Form::Whole { from: 1, to: 100_000 },
            Self::ConversationPace | Self::MaxMediaMb => Form::Whole { from: 0, to: 100_000 },
            Self::MinFreeMbFiles | Self::MinFreeMb => Form::Whole { from: 0, to: 100_000_000 },
            Self::AudioEngine => Form::OneOf(&["native", "fallback", "ffmpeg"]),
            Self::LogLevel => Form::LogLevel,
            Self::LogFormat => Form::OneOf(&["text", "json"]),
        }
    }

    /// What holds when nobody says otherwise.
    pub(crate) const fn usual(self) -> Usual {
        match self {
            Self::ChatwootUrl | Self::CodechatUrl | Self::CodechatKey => Usual::Nothing,
            Self::ApiUrl => Usual::ThisMachine,
            Self::CodechatCallbackUrl => Usual::ApiUrl,
            Self::ApiKey | Self::SecretKey => Usual::Made,
            Self::Host => Usual::Value("0.0.0.0"),
            Self::Port => Usual::Value("8080"),
            Self::DbUrl => Usual::OwnDatabase,
            Self::DataDir => Usual::Value("data"),
            Self::Locale => Usual::Value("pt-BR"),
            Self::OutboundTtlMinutes => Usual::Value("10"),
            Self::OutboundPace => Usual::Value("1"),
            Self::OutboundBurst => Usual::Value("5"),
            Self::ConversationPace => Usual::Value("180"),
            Self::MaxMediaMb => Usual::Value("40"),
            Self::MinFreeMbFiles => Usual::Value("256"),
            Self::MinFreeMb => Usual::Value("64"),
            Self::AudioEngine => Usual::Value("fallback"),
            Self::LogLevel => Usual::Value("info"),
            Self::LogFormat => Usual::Value("text"),
        }
    }

    /// A value that it may have, as people would give it.
    pub(crate) const fn example(self) -> &'static str {
        match self {
            Self::ChatwootUrl => "https://chat.example.com",
            Self::CodechatUrl => "http://10.0.0.5:8084",
            Self::CodechatKey => "the-key-of-your-codechat",
            Self::ApiUrl => "https://relay.example.com",
            Self::CodechatCallbackUrl => "http://10.0.0.4:8080",
            Self::ApiKey | Self::SecretKey => "32-or-more-characters-by-chance",
            Self::Host => "127.0.0.1",
            Self::Port => "8081",
            Self::DbUrl => "postgres://relay:password@db.internal/relay",
            Self::DataDir => "/var/lib/relay",
            Self::Locale => "es",
            Self::OutboundTtlMinutes => "30",
            Self::OutboundPace => "0.5",
            Self::OutboundBurst => "10",
            Self::ConversationPace => "90",
            Self::MaxMediaMb => "100",
            Self::MinFreeMbFiles => "1024",
            Self::MinFreeMb => "128",
            Self::AudioEngine => "native",
            Self::LogLevel => "debug",
            Self::LogFormat => "json",
        }
    }

    /// Whether it is never shown.
    pub(crate) const fn is_secret(self) -> bool {
        matches!(self.form(), Form::Secret | Form::Database)
    }

    /// Whether its value may be in a file that `NAME_FILE` names.
    pub(crate) const fn may_be_in_a_file(self) -> bool {
        self.is_secret()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_and_examples_are_what_a_setting_may_be() {
        for key in Key::ALL {
            assert_eq!(key.form().judge(key.example()), Ok(()), "{key:?}");
            if let Usual::Value(value) = key.usual() {
                assert_eq!(key.form().judge(value), Ok(()), "{key:?}");
            }
        }
    }

    #[test]
    fn a_setting_is_found_however_it_is_written() {
        for text in ["API_KEY", "api_key", "--api-key", "API_KEY_FILE"] {
            assert_eq!(Key::find(text), Some(Key::ApiKey), "{text}");
        }
        assert_eq!((Key::find("PORT_FILE"), Key::find("PROT")), (None, None));
    }

    #[test]
    fn no_setting_is_missing_from_the_list() {
        let mut names: Vec<_> = Key::ALL.iter().map(|key| key.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Key::LogFormat as usize + 1, "the last variant counts them");
    }
}
