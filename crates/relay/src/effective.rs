//! What the relay was told, setting by setting, and by whom: for people to look at. Of a secret only its length is told.

use std::collections::HashMap;

use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory};
use relay_console::{Origin, Setting, Value};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::cli::{Cli, Settings};
use crate::config::{self, Secrets};

/// All settings as they hold.
pub(crate) fn all(settings: &Settings, secrets: &Secrets) -> Vec<Setting> {
    let asked = Asked::new();
    let plain = |name: &'static str, value: Option<String>| Setting {
        name,
        value: value.map(Value::Plain),
        origin: asked.origin(name),
    };
    let secret = |name: &'static str, secret: Option<&SecretString>| Setting {
        name,
        value: secret.map(|secret| Value::Secret(secret.expose_secret().chars().count())),
        origin: asked.origin_of_secret(name, secret.is_some()),
    };
    let some = |value: &dyn ToString| Some(value.to_string());
    let address = |url: &Option<Url>| url.as_ref().map(without_password);
    vec![
        plain("CHATWOOT_URL", address(&settings.chatwoot_url)),
        plain("CODECHAT_URL", address(&settings.codechat_url)),
        secret("CODECHAT_KEY", secrets.codechat_key.as_ref()),
        plain("API_URL", Some(without_password(&config::api_url(settings)))),
        plain("CODECHAT_CALLBACK_URL", address(&settings.codechat_callback_url)),
        secret("API_KEY", Some(&secrets.api_key)),
        secret("SECRET_KEY", Some(&secrets.secret_key)),
        plain("HOST", some(&settings.host)),
        plain("PORT", some(&settings.port)),
        plain("DB_URL", database(settings, secrets)),
        plain("DATA_DIR", some(&settings.data_dir.display())),
        plain("LOCALE", serde_json::to_value(settings.locale).ok().and_then(|tag| tag.as_str().map(str::to_owned))),
        plain("OUTBOUND_TTL_MINUTES", some(&settings.outbound_ttl_minutes)),
        plain("OUTBOUND_PACE", some(&settings.outbound_pace)),
        plain("OUTBOUND_BURST", some(&settings.outbound_burst)),
        plain("CONVERSATION_PACE", some(&settings.conversation_pace)),
        plain("MAX_MEDIA_MB", some(&settings.max_media_mb)),
        plain("MIN_FREE_MB_FILES", some(&settings.min_free_mb_files)),
        plain("MIN_FREE_MB", some(&settings.min_free_mb)),
        plain("AUDIO_ENGINE", Some(format!("{:?}", settings.audio_engine).to_lowercase())),
        plain("LOG_LEVEL", some(&settings.log_level)),
        plain("LOG_FORMAT", Some(format!("{:?}", settings.log_format).to_lowercase())),
    ]
}

/// Where the database is, without what opens it.
fn database(settings: &Settings, secrets: &Secrets) -> Option<String> {
    let url = config::store(settings, secrets).ok()?.url;
    if url.starts_with("sqlite:") {
        return Some(url);
    }
    // its query may hold a password as well
    let mut url = Url::parse(&url).ok()?;
    url.set_query(None);
    Some(without_password(&url))
}

fn without_password(url: &Url) -> String {
    let mut url = url.clone();
    if url.set_password(None).and_then(|()| url.set_username("")).is_err() {
        return url.scheme().to_owned();
    }
    url.to_string()
}

/// What was asked of the program, and where.
struct Asked {
    matches: ArgMatches,
    env_file: HashMap<String, String>,
}

impl Asked {
    fn new() -> Self {
        let lines = dotenvy::from_path_iter(".env").into_iter().flatten();
        Self { matches: Cli::command().get_matches(), env_file: lines.filter_map(Result::ok).collect() }
    }

    fn origin(&self, name: &str) -> Origin {
        let id = name.to_lowercase();
        // a flag may stand behind the command
        let matches = self.matches.subcommand().map_or(&self.matches, |(_, matches)| matches);
        match matches.value_source(&id) {
            Some(ValueSource::CommandLine) => Origin::Flag,
            Some(ValueSource::EnvVariable) => self.origin_of_variable(name),
            _ => Origin::Default,
        }
    }

    fn origin_of_variable(&self, name: &str) -> Origin {
        let is_same = |value: &String| std::env::var(name).is_ok_and(|known| known == *value);
        if self.env_file.get(name).is_some_and(is_same) { Origin::EnvFile } else { Origin::Environment }
    }

    /// A secret that nobody gave was made.
    fn origin_of_secret(&self, name: &str, is_set: bool) -> Origin {
        let is_given = std::env::var(name).is_ok_and(|value| !value.is_empty());
        match self.origin(name) {
            Origin::Flag => Origin::Flag,
            origin if is_given => origin,
            _ if std::env::var_os(format!("{name}_FILE")).is_some_and(|path| !path.is_empty()) => Origin::File,
            _ if is_set => Origin::Made,
            _ => Origin::Default,
        }
    }
}
