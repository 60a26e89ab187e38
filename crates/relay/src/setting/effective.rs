//! What the relay was told, setting by setting, and by whom: for people to look at. Of a secret only its length is told.

use relay_console::{Origin, Setting, Value};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::given::Place;
use super::{Key, Settings, Usual};
use crate::config::{self, SeenSecrets};

/// A setting as it holds.
#[derive(Debug)]
pub(crate) struct Effective {
    pub(crate) key: Key,
    /// `None` when nothing holds.
    pub(crate) value: Option<Value>,
    pub(crate) place: Place,
}

/// All settings as they hold.
pub(crate) fn all(settings: &Settings, secrets: &SeenSecrets) -> Vec<Effective> {
    let effective = |key: Key| {
        let value = value(key, settings, secrets);
        let place = match settings.places.get(&key) {
            Some(place) => place.clone(),
            None if key.usual() == Usual::Made => Place::Made,
            None => Place::Default,
        };
        Effective { key, value, place }
    };
    Key::ALL.into_iter().map(effective).collect()
}

/// The same, as the console shows it.
pub(crate) fn for_console(settings: &Settings, secrets: &SeenSecrets) -> Vec<Setting> {
    let setting = |effective: Effective| Setting {
        name: effective.key.name(),
        value: effective.value,
        origin: match effective.place {
            Place::Default => Origin::Default,
            Place::Flag(_) => Origin::Flag,
            Place::Environment => Origin::Environment,
            Place::Line(_) => Origin::EnvFile,
            Place::File(_) => Origin::File,
            Place::Made => Origin::Made,
        },
    };
    all(settings, secrets).into_iter().map(setting).collect()
}

fn value(key: Key, settings: &Settings, secrets: &SeenSecrets) -> Option<Value> {
    let some = |value: &dyn ToString| Some(Value::Plain(value.to_string()));
    let address = |url: &Option<Url>| url.as_ref().map(|url| Value::Plain(without_password(url)));
    let secret =
        |secret: &Option<SecretString>| secret.as_ref().map(|text| Value::Secret(text.expose_secret().chars().count()));
    match key {
        Key::ChatwootUrl => address(&settings.chatwoot_url),
        Key::CodechatUrl => address(&settings.codechat_url),
        Key::CodechatKey => secret(&secrets.codechat_key),
        Key::ApiUrl => Some(Value::Plain(without_password(&config::api_url(settings)))),
        Key::CodechatCallbackUrl => address(&settings.codechat_callback_url),
        Key::ApiKey => secret(&secrets.api_key),
        Key::SecretKey => secret(&secrets.secret_key),
        Key::Host => some(&settings.host),
        Key::Port => some(&settings.port),
        Key::DbUrl => database(settings).map(Value::Plain),
        Key::DataDir => some(&settings.data_dir.display()),
        Key::Locale => {
            let tag = serde_json::to_value(settings.locale).ok()?;
            Some(Value::Plain(tag.as_str()?.to_owned()))
        }
        Key::OutboundTtlMinutes => some(&settings.outbound_ttl_minutes),
        Key::OutboundPace => some(&settings.outbound_pace),
        Key::OutboundBurst => some(&settings.outbound_burst),
        Key::ConversationPace => some(&settings.conversation_pace),
        Key::MaxMediaMb => some(&settings.max_media_mb),
        Key::MinFreeMbFiles => some(&settings.min_free_mb_files),
        Key::MinFreeMb => some(&settings.min_free_mb),
        Key::AudioEngine => Some(Value::Plain(format!("{:?}", settings.audio_engine).to_lowercase())),
        Key::LogLevel => some(&settings.log_level),
        Key::LogFormat => Some(Value::Plain(format!("{:?}", settings.log_format).to_lowercase())),
    }
}

/// Where the database is, without what opens it.
fn database(settings: &Settings) -> Option<String> {
    let url = config::database_url(settings).ok()?;
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
