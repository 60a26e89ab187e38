//! Reading what was given as a whole: settings of the right types, and everything that is wrong with them.
//!
//! Invariant: when nothing is wrong with it, every value is exactly what was given or the default.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use relay_domain::note::Locale;
use url::Url;

use super::form::Form;
use super::given::{Given, Place};
use super::problem::{Problem, What};
use super::{Key, Usual, near};

/// Fewer characters are guessed.
const SHORT: usize = 16;

/// What is configured.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) host: IpAddr,
    pub(crate) port: u16,
    pub(crate) api_url: Option<Url>,
    pub(crate) codechat_callback_url: Option<Url>,
    pub(crate) api_key: Option<String>,
    pub(crate) chatwoot_url: Option<Url>,
    pub(crate) codechat_url: Option<Url>,
    pub(crate) codechat_key: Option<String>,
    pub(crate) db_url: Option<String>,
    pub(crate) data_dir: PathBuf,
    pub(crate) secret_key: Option<String>,
    pub(crate) log_level: String,
    pub(crate) log_format: LogFormat,
    pub(crate) locale: Locale,
    /// Language of this command's own words, when one was asked for.
    pub(crate) lang: Option<Locale>,
    pub(crate) outbound_ttl_minutes: u64,
    pub(crate) outbound_pace: f64,
    pub(crate) outbound_burst: u32,
    pub(crate) conversation_pace: u32,
    pub(crate) max_media_mb: u64,
    pub(crate) min_free_mb_files: u64,
    pub(crate) min_free_mb: u64,
    pub(crate) audio_engine: AudioEngine,
    /// Where each that was given is from.
    pub(crate) places: BTreeMap<Key, Place>,
    /// What is odd, and does not keep the relay from working.
    pub(crate) warnings: Vec<Problem>,
}

/// Form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Who converts audio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AudioEngine {
    /// The relay itself.
    Native,
    /// The relay, and ffmpeg for what it cannot decode.
    Fallback,
    /// Always ffmpeg.
    Ffmpeg,
}

/// Settings, or everything that is wrong, warnings included.
pub(crate) fn read(given: &Given, lang: Option<Locale>) -> Result<Settings, Vec<Problem>> {
    let mut reader = Reader { given, places: BTreeMap::new(), problems: file_problems(given) };
    let mut settings = reader.settings(lang);
    let mut problems = reader.problems;
    problems.extend(near::problems(given));
    if problems.iter().any(Problem::is_error) {
        problems.sort_by_key(|problem| (!problem.is_error(), problem.place.rank()));
        return Err(problems);
    }
    problems.sort_by_key(|problem| problem.place.rank());
    settings.places = reader.places;
    settings.warnings = problems;
    Ok(settings)
}

/// What is wrong with `.env` itself.
fn file_problems(given: &Given) -> Vec<Problem> {
    let problem = |line, what| Problem { place: Place::Line(line), name: String::new(), what };
    let malformed = given.lines.malformed.iter().map(|line| problem(*line, What::Malformed));
    let unreadable = given.lines.unreadable.map(|kind| problem(0, What::Unreadable(kind)));
    malformed.chain(unreadable).collect()
}

struct Reader<'a> {
    given: &'a Given,
    places: BTreeMap<Key, Place>,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn settings(&mut self, lang: Option<Locale>) -> Settings {
        let settings = Settings {
            host: self.parsed(Key::Host),
            port: self.parsed(Key::Port),
            api_url: self.optional(Key::ApiUrl),
            codechat_callback_url: self.optional(Key::CodechatCallbackUrl),
            api_key: self.secret(Key::ApiKey),
            chatwoot_url: self.optional(Key::ChatwootUrl),
            codechat_url: self.optional(Key::CodechatUrl),
            codechat_key: self.secret(Key::CodechatKey),
            db_url: self.secret(Key::DbUrl),
            data_dir: self.parsed(Key::DataDir),
            secret_key: self.secret(Key::SecretKey),
            log_level: self.parsed(Key::LogLevel),
            log_format: if self.text(Key::LogFormat) == "json" { LogFormat::Json } else { LogFormat::Text },
            locale: Locale::parse(&self.text(Key::Locale)).unwrap_or_default(),
            lang,
            outbound_ttl_minutes: self.parsed(Key::OutboundTtlMinutes),
            outbound_pace: self.parsed(Key::OutboundPace),
            outbound_burst: self.parsed(Key::OutboundBurst),
            conversation_pace: self.parsed(Key::ConversationPace),
            max_media_mb: self.parsed(Key::MaxMediaMb),
            min_free_mb_files: self.parsed(Key::MinFreeMbFiles),
            min_free_mb: self.parsed(Key::MinFreeMb),
            audio_engine: match self.text(Key::AudioEngine).as_str() {
                "native" => AudioEngine::Native,
                "ffmpeg" => AudioEngine::Ffmpeg,
                _ => AudioEngine::Fallback,
            },
            places: BTreeMap::new(),
            warnings: Vec::new(),
        };
        self.judge_together(&settings);
        settings
    }

    /// What was given, when it will do.
    fn given(&mut self, key: Key) -> Option<String> {
        let (text, place) = self.given.value(key)?;
        self.places.insert(key, place.clone());
        // a secret is taken as it is
        let text = if key.form() == Form::Secret { text } else { text.trim().to_owned() };
        match key.form().judge(&text) {
            Ok(()) => {
                if text.contains("example.com") {
                    self.note(key, place, What::StillExample);
                }
                Some(text)
            }
            Err(wrong) => {
                self.note(key, place, What::Wrong { key, value: text, wrong });
                None
            }
        }
    }

    fn note(&mut self, key: Key, place: Place, what: What) {
        self.problems.push(Problem { place, name: key.name().to_owned(), what });
    }

    /// What was given, else the default.
    fn text(&mut self, key: Key) -> String {
        let usual = match key.usual() {
            Usual::Value(value) => value,
            Usual::Nothing | Usual::Made | Usual::ThisMachine | Usual::ApiUrl | Usual::OwnDatabase => "",
        };
        self.given(key).unwrap_or_else(|| usual.to_owned())
    }

    fn parsed<T: FromStr>(&mut self, key: Key) -> T {
        let parsed = self.text(key).parse().ok();
        parsed.expect("a value that will do, and so a default, is of its setting's type")
    }

    fn optional<T: FromStr>(&mut self, key: Key) -> Option<T> {
        self.given(key).and_then(|text| text.parse().ok())
    }

    /// What may be in a file of its own. Nothing comes back for such a file: it is read when it is needed.
    fn secret(&mut self, key: Key) -> Option<String> {
        let value = self.given(key);
        let Some((path, place)) = self.given.variable(&key.file_name()) else {
            if let Some(length) = value.as_ref().map(|value| value.chars().count()).filter(|length| *length < SHORT)
                && matches!(key, Key::ApiKey | Key::SecretKey)
            {
                let place = self.places.get(&key).cloned().unwrap_or(Place::Default);
                self.note(key, place, What::Short { length });
            }
            return value;
        };
        let problem = if self.places.contains_key(&key) {
            Some(What::Both(key))
        } else {
            match std::fs::read_to_string(&path) {
                Ok(text) if text.trim().is_empty() => Some(What::FileEmpty(path.clone())),
                Ok(text) => wrong_in_file(key, text.trim()),
                Err(error) => Some(What::FileUnreadable(path.clone(), error.kind())),
            }
        };
        if let Some(what) = problem {
            self.problems.push(Problem { place, name: key.file_name(), what });
        } else {
            self.places.insert(key, Place::File(path));
        }
        value
    }

    /// What is odd about several together.
    fn judge_together(&mut self, settings: &Settings) {
        let key_place = self.places.get(&Key::CodechatKey).cloned();
        let url_place = self.places.get(&Key::CodechatUrl).cloned();
        match (settings.codechat_url.is_some(), key_place) {
            (true, None) => {
                self.note(Key::CodechatUrl, url_place.unwrap_or(Place::Default), What::Without(Key::CodechatKey));
            }
            (false, Some(place)) if url_place.is_none() => {
                self.note(Key::CodechatKey, place, What::Without(Key::CodechatUrl));
            }
            (true | false, _) => {}
        }
        if settings.min_free_mb_files > 0
            && settings.min_free_mb > settings.min_free_mb_files
            && let Some(place) = self.places.get(&Key::MinFreeMb).or(self.places.get(&Key::MinFreeMbFiles)).cloned()
        {
            self.note(Key::MinFreeMb, place, What::AboveFiles);
        }
    }
}

fn wrong_in_file(key: Key, text: &str) -> Option<What> {
    let wrong = key.form().judge(text).err()?;
    Some(What::Wrong { key, value: text.to_owned(), wrong })
}
