//! From settings to what the engine needs: defaults filled in, secrets read or made, addresses made usable.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use relay_audio::FfmpegMode;
use relay_domain::note::Locale;
use relay_engine::EngineConfig;
use relay_engine::address::is_refused_by_codechat;
use relay_engine::config::UnknownSetting;
use relay_engine::token::new_token;
use relay_store::StoreConfig;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::setting::check::AudioEngine;
use crate::setting::given::{Given, Place};
use crate::setting::problem::What;
use crate::setting::{Key, Settings};

/// Whether a setting is given by the environment or by `.env`.
pub(crate) fn is_given(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty())
}

/// The language of a command's own words: as asked for, as configured, as the system's, else Brazilian Portuguese.
pub(crate) fn language(settings: &Settings) -> Locale {
    let configured = settings.places.contains_key(&Key::Locale).then_some(settings.locale);
    spoken(settings.lang, configured)
}

/// The same, before settings are read.
pub(crate) fn language_given(given: &Given, lang: Option<Locale>) -> Locale {
    spoken(lang, given.value(Key::Locale).and_then(|(text, _)| Locale::parse(text.trim())))
}

fn spoken(asked: Option<Locale>, configured: Option<Locale>) -> Locale {
    let system = || {
        let name =
            ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().filter_map(std::env::var_os).find(|name| !name.is_empty())?;
        language_of(&name.to_string_lossy())
    };
    asked.or(configured).or_else(system).unwrap_or_default()
}

/// The language that the name of a system's locale stands for. English serves those who read none of the others; the locale
/// without a language tells nothing.
fn language_of(name: &str) -> Option<Locale> {
    match name.get(..2)?.to_ascii_lowercase().as_str() {
        "pt" => Some(Locale::PtBr),
        "es" => Some(Locale::Es),
        letters if letters.chars().all(|sign| sign.is_ascii_alphabetic()) && !name.starts_with("POSIX") => {
            Some(Locale::En)
        }
        _ => None,
    }
}

/// Secrets of this installation.
#[derive(Debug)]
pub(crate) struct Secrets {
    pub(crate) api_key: SecretString,
    pub(crate) secret_key: SecretString,
    pub(crate) codechat_key: Option<SecretString>,
    /// Secrets that were made just now, by name, with the file they are in.
    pub(crate) made: Vec<(&'static str, String)>,
}

impl Secrets {
    /// Takes secrets from settings, from the file `NAME_FILE` names, or from `DATA_DIR`; makes those that must exist.
    pub(crate) fn load(settings: &Settings) -> anyhow::Result<Self> {
        let mut made = Vec::new();
        let data_dir = &settings.data_dir;
        let mut kept = |name, value, file: &str| -> anyhow::Result<SecretString> {
            if let Some(secret) = given(name, value)? {
                return Ok(secret);
            }
            let (secret, is_new) = keep(data_dir, file)?;
            if is_new {
                made.push((name, data_dir.join(file).display().to_string()));
            }
            Ok(secret)
        };
        let secret_key = kept("SECRET_KEY", settings.secret_key.as_deref(), "secret.key")?;
        let api_key = kept("API_KEY", settings.api_key.as_deref(), "api.key")?;
        let codechat_key = given("CODECHAT_KEY", settings.codechat_key.as_deref())?;
        Ok(Self { api_key, secret_key, codechat_key, made })
    }
}

/// Secrets as far as there are any yet; none is made.
#[derive(Debug)]
#[expect(clippy::struct_field_names, reason = "named as the settings are")]
pub(crate) struct SeenSecrets {
    pub(crate) api_key: Option<SecretString>,
    pub(crate) secret_key: Option<SecretString>,
    pub(crate) codechat_key: Option<SecretString>,
}

impl SeenSecrets {
    /// Looks for them.
    pub(crate) fn look(settings: &Settings) -> anyhow::Result<Self> {
        let kept = |file: &str| {
            let text = std::fs::read_to_string(settings.data_dir.join(file)).ok()?;
            Some(SecretString::from(text.trim())).filter(|secret| !secret.expose_secret().is_empty())
        };
        Ok(Self {
            api_key: given("API_KEY", settings.api_key.as_deref())?.or_else(|| kept("api.key")),
            secret_key: given("SECRET_KEY", settings.secret_key.as_deref())?.or_else(|| kept("secret.key")),
            codechat_key: given("CODECHAT_KEY", settings.codechat_key.as_deref())?,
        })
    }
}

impl From<&Secrets> for SeenSecrets {
    fn from(secrets: &Secrets) -> Self {
        Self {
            api_key: Some(secrets.api_key.clone()),
            secret_key: Some(secrets.secret_key.clone()),
            codechat_key: secrets.codechat_key.clone(),
        }
    }
}

/// A secret as it is set: by its own name, or in the file that `NAME_FILE` names.
pub(crate) fn given(name: &str, value: Option<&str>) -> anyhow::Result<Option<SecretString>> {
    let variable = format!("{name}_FILE");
    let file = std::env::var_os(&variable).filter(|path| !path.is_empty());
    match (value.filter(|value| !value.is_empty()), file) {
        (Some(_), Some(_)) => bail!("both {name} and {variable} are set; remove one of them"),
        (Some(value), None) => Ok(Some(SecretString::from(value))),
        (None, Some(path)) => {
            let path = Path::new(&path);
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("{variable} names {}, which cannot be read", path.display()))?;
            match text.trim() {
                "" => bail!("{variable} names {}, which is empty", path.display()),
                secret => Ok(Some(SecretString::from(secret))),
            }
        }
        (None, None) => Ok(None),
    }
}

/// Reads a secret of the data folder, or makes one that only its owner can read.
fn keep(data_dir: &Path, file: &str) -> anyhow::Result<(SecretString, bool)> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let path = data_dir.join(file);
    let cannot = || format!("{} cannot be used; check that DATA_DIR can be written", path.display());
    match std::fs::read_to_string(&path) {
        Ok(text) if !text.trim().is_empty() => return Ok((SecretString::from(text.trim()), false)),
        Ok(_) => bail!("{} is empty; restore it, or delete it to have a new one made", path.display()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(cannot),
    }
    make_private_folder(data_dir).with_context(cannot)?;
    let secret = new_token();
    let mut new =
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).with_context(cannot)?;
    new.write_all(secret.as_bytes()).and_then(|()| new.sync_all()).with_context(cannot)?;
    Ok((SecretString::from(secret), true))
}

fn make_private_folder(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    if path.is_dir() {
        return Ok(());
    }
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Where the store is.
pub(crate) fn store(settings: &Settings, secrets: &Secrets) -> anyhow::Result<StoreConfig> {
    Ok(StoreConfig { url: database_url(settings)?, secret_key: secrets.secret_key.clone() })
}

/// Where the database is, with what opens it.
pub(crate) fn database_url(settings: &Settings) -> anyhow::Result<String> {
    Ok(match given("DB_URL", settings.db_url.as_deref())? {
        Some(url) => url.expose_secret().to_owned(),
        None => format!("sqlite://{}", settings.data_dir.join("relay.db").display()),
    })
}

/// How Chatwoot and people reach us: on this machine, unless told otherwise.
pub(crate) fn api_url(settings: &Settings) -> Url {
    let local = || Url::parse(&format!("http://localhost:{}", settings.port)).expect("a port makes an address");
    settings.api_url.clone().unwrap_or_else(local)
}

/// What the engine needs to know.
pub(crate) async fn engine(settings: &Settings, secrets: &Secrets) -> EngineConfig {
    let api_url = api_url(settings);
    let callback = settings.codechat_callback_url.clone().unwrap_or_else(|| api_url.clone());
    EngineConfig {
        callback_url: callable(callback).await,
        chatwoot_url: settings.chatwoot_url.clone(),
        codechat_url: settings.codechat_url.clone(),
        codechat_key: secrets.codechat_key.clone(),
        locale: settings.locale,
        max_media_bytes: settings.max_media_mb.saturating_mul(1_000_000),
        outbound_ttl: Duration::from_secs(settings.outbound_ttl_minutes.saturating_mul(60)),
        outbound_pace: settings.outbound_pace,
        outbound_burst: settings.outbound_burst,
        conversation_pace: settings.conversation_pace,
        database_folder: database_folder(settings),
        free_for_files: settings.min_free_mb_files.saturating_mul(1_000_000),
        free_for_webhooks: settings.min_free_mb.saturating_mul(1_000_000),
        unknown_settings: unknown_settings(settings),
        ffmpeg: match settings.audio_engine {
            AudioEngine::Native => FfmpegMode::Off,
            AudioEngine::Fallback => FfmpegMode::Fallback,
            AudioEngine::Ffmpeg => FfmpegMode::Only,
        },
        ..EngineConfig::new(settings.data_dir.clone(), secrets.secret_key.clone(), api_url)
    }
}

/// Names that mean nothing, for the doctor.
fn unknown_settings(settings: &Settings) -> Vec<UnknownSetting> {
    let unknown = settings.warnings.iter().filter_map(|problem| {
        let What::Unknown(meant) = problem.what else { return None };
        let line = if let Place::Line(line) = problem.place { Some(line) } else { None };
        Some(UnknownSetting { name: problem.name.clone(), line, meant: meant.map(|key| key.name().to_owned()) })
    });
    unknown.collect()
}

/// Where an embedded database lies.
fn database_folder(settings: &Settings) -> Option<PathBuf> {
    let url = database_url(settings).ok()?;
    let path = Path::new(url.strip_prefix("sqlite://")?.split('?').next()?);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    Some(folder.unwrap_or(Path::new(".")).to_owned())
}

/// Replaces a host that CodeChat refuses to fetch files from (no dot, or an underscore) by its IP address, where it has one.
async fn callable(mut url: Url) -> Url {
    let Some(url::Host::Domain(name)) = url.host().filter(|_| is_refused_by_codechat(&url)) else { return url };
    let port = url.port_or_known_default().unwrap_or(80);
    let found = tokio::net::lookup_host((name, port)).await;
    let mut addresses: Vec<IpAddr> = found.into_iter().flatten().map(|address: SocketAddr| address.ip()).collect();
    addresses.sort_by_key(IpAddr::is_ipv6);
    if let Some(ip) = addresses.first()
        && url.set_ip_host(*ip).is_err()
    {
        tracing::warn!("CODECHAT_CALLBACK_URL cannot carry an IP address");
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn hosts_that_codechat_refuses_become_addresses() {
        let local = callable(Url::parse("http://localhost:8080").unwrap()).await;
        assert_eq!(local.as_str(), "http://127.0.0.1:8080/");
        let dotted = callable(Url::parse("https://relay.example.com/x").unwrap()).await;
        assert_eq!(dotted.as_str(), "https://relay.example.com/x");
    }

    #[test]
    fn the_systems_language_is_read() {
        let table = [
            ("pt_BR.UTF-8", Some(Locale::PtBr)),
            ("es_AR.UTF-8", Some(Locale::Es)),
            ("en_US", Some(Locale::En)),
            ("de_DE.UTF-8", Some(Locale::En)),
            ("C.UTF-8", None),
            ("C", None),
            ("POSIX", None),
        ];
        for (name, expected) in table {
            assert_eq!(language_of(name), expected, "{name}");
        }
    }

    #[test]
    fn a_kept_secret_is_private_and_stays() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = std::env::temp_dir().join(format!("relay-secret-{}", uuid::Uuid::now_v7()));
        let (first, is_new) = keep(&folder, "secret.key").unwrap();
        let (second, is_new_again) = keep(&folder, "secret.key").unwrap();
        assert_eq!((is_new, is_new_again), (true, false));
        assert_eq!(first.expose_secret(), second.expose_secret());
        let mode = std::fs::metadata(folder.join("secret.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(std::fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
        std::fs::remove_dir_all(folder).unwrap();
    }
}
