//! What a setting may be, and what is wrong with a value that it may not.

use std::net::IpAddr;

use relay_domain::note::Locale;
use tracing_subscriber::EnvFilter;
use url::Url;

/// The languages that the relay speaks.
pub(crate) const LANGUAGES: &[&str] = &["pt-BR", "en", "es"];

/// What a setting may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Form {
    /// An address to listen on.
    Ip,
    /// A whole number.
    Whole {
        /// The least.
        from: u64,
        /// The most.
        to: u64,
    },
    /// A number, also a fraction.
    Number {
        /// The least.
        from: f64,
        /// The most.
        to: f64,
    },
    /// The address of a server, without a path.
    Origin,
    /// The address of a server.
    Address,
    /// What is never shown.
    Secret,
    /// Where the database is; may hold a password.
    Database,
    /// A folder.
    Folder,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A language that the relay speaks.
    Language,
    /// A level of the log, or a filter.
    LogLevel,
}

/// What is wrong with a value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Wrong {
    /// It is no address to listen on.
    NoIp,
    /// It is no whole number.
    NotWhole,
    /// It is no number.
    NoNumber,
    /// It is too small or too large.
    OutOfRange,
    /// It does not begin with `http://` or `https://`.
    NoScheme,
    /// It cannot be read as an address.
    NoAddress,
    /// It holds a user name or a password.
    Credentials,
    /// It goes on behind the host, with this.
    Path(String),
    /// It holds a `?` or a `#`.
    Query,
    /// It is none of the words; perhaps this one was meant.
    NoSuchWord(Option<&'static str>),
    /// It begins with neither `sqlite://` nor `postgres://`.
    NoDatabase,
    /// It is no level of the log.
    NoLevel,
    /// It holds a line break or another control character.
    Control,
    /// It is not text.
    NoText,
    /// It is empty.
    Empty,
}

impl Form {
    /// The words among which is chosen, if there are such.
    pub(crate) const fn words(self) -> &'static [&'static str] {
        match self {
            Self::OneOf(words) => words,
            Self::Language => LANGUAGES,
            Self::Ip
            | Self::Whole { .. }
            | Self::Number { .. }
            | Self::Origin
            | Self::Address
            | Self::Secret
            | Self::Database
            | Self::Folder
            | Self::LogLevel => &[],
        }
    }

    /// Whether a value will do.
    pub(crate) fn judge(self, text: &str) -> Result<(), Wrong> {
        if text.is_empty() {
            return Err(Wrong::Empty);
        }
        if text.chars().any(char::is_control) {
            return Err(Wrong::Control);
        }
        if text.contains(char::REPLACEMENT_CHARACTER) {
            return Err(Wrong::NoText);
        }
        match self {
            Self::Ip => text.parse::<IpAddr>().map(drop).map_err(|_| Wrong::NoIp),
            Self::Whole { from, to } => whole(text, from, to),
            Self::Number { from, to } => number(text, from, to),
            Self::Origin => address(text).and_then(|url| has_no_path(&url)),
            Self::Address => address(text).map(drop),
            Self::Secret | Self::Folder => Ok(()),
            Self::Database => database(text),
            Self::OneOf(words) => one_of(text, words),
            Self::Language if Locale::parse(text).is_some() => Ok(()),
            Self::Language => one_of(text, LANGUAGES),
            Self::LogLevel => EnvFilter::try_new(text).map(drop).map_err(|_| Wrong::NoLevel),
        }
    }
}

fn whole(text: &str, from: u64, to: u64) -> Result<(), Wrong> {
    let is_number = |text: &str| !text.is_empty() && text.chars().all(|sign| sign.is_ascii_digit());
    match text.parse::<u64>() {
        Ok(number) if (from..=to).contains(&number) => Ok(()),
        Ok(_) => Err(Wrong::OutOfRange),
        // below zero, or longer than any number that is counted with
        Err(_) if is_number(text.strip_prefix('-').unwrap_or(text)) => Err(Wrong::OutOfRange),
        Err(_) => Err(Wrong::NotWhole),
    }
}

fn number(text: &str, from: f64, to: f64) -> Result<(), Wrong> {
    match text.parse::<f64>() {
        Ok(number) if (from..=to).contains(&number) => Ok(()),
        Ok(number) if number.is_nan() => Err(Wrong::NoNumber),
        Ok(_) => Err(Wrong::OutOfRange),
        Err(_) => Err(Wrong::NoNumber),
    }
}

fn address(text: &str) -> Result<Url, Wrong> {
    let lower = text.to_ascii_lowercase();
    if !["http://", "https://"].iter().any(|scheme| lower.starts_with(scheme)) {
        return Err(Wrong::NoScheme);
    }
    let url = Url::parse(text).map_err(|_| Wrong::NoAddress)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Wrong::Credentials);
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(Wrong::Query);
    }
    Ok(url)
}

fn has_no_path(url: &Url) -> Result<(), Wrong> {
    match url.path() {
        "" | "/" => Ok(()),
        path => Err(Wrong::Path(path.to_owned())),
    }
}

fn database(text: &str) -> Result<(), Wrong> {
    if text.starts_with("sqlite://") {
        return Ok(());
    }
    if !["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme)) {
        return Err(Wrong::NoDatabase);
    }
    Url::parse(text).map(drop).map_err(|_| Wrong::NoAddress)
}

fn one_of(text: &str, words: &'static [&'static str]) -> Result<(), Wrong> {
    if words.contains(&text) {
        return Ok(());
    }
    let lower = text.to_ascii_lowercase();
    let likeness = |word: &str| strsim::jaro_winkler(&word.to_ascii_lowercase(), &lower);
    let best = words.iter().copied().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    Err(Wrong::NoSuchWord(best.filter(|word| likeness(word) > 0.75)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_judged_by_their_form() {
        let port = Form::Whole { from: 0, to: 65_535 };
        let pace = Form::Number { from: 0.0, to: 1000.0 };
        let table = [
            (Form::Ip, "localhost", Err(Wrong::NoIp)),
            (Form::Ip, "::1", Ok(())),
            (port, "65536", Err(Wrong::OutOfRange)),
            (port, "-1", Err(Wrong::OutOfRange)),
            (port, "99999999999999999999", Err(Wrong::OutOfRange)),
            (port, "80.5", Err(Wrong::NotWhole)),
            (port, "-", Err(Wrong::NotWhole)),
            (pace, "NaN", Err(Wrong::NoNumber)),
            (pace, "inf", Err(Wrong::OutOfRange)),
            (pace, "0,5", Err(Wrong::NoNumber)),
            (Form::Origin, "HTTPS://chat.example.com/", Ok(())),
            (Form::Origin, "https://chat.example.com/app", Err(Wrong::Path("/app".to_owned()))),
            (Form::Address, "https://example.com/relay", Ok(())),
            (Form::Address, "chat.example.com", Err(Wrong::NoScheme)),
            (Form::Address, "http://", Err(Wrong::NoAddress)),
            (Form::Address, "http://u:p@example.com", Err(Wrong::Credentials)),
            (Form::Address, "http://example.com?x", Err(Wrong::Query)),
            (Form::Database, "mysql://x", Err(Wrong::NoDatabase)),
            (Form::Database, "postgres://relay:x@127.0.0.1:port/relay", Err(Wrong::NoAddress)),
            (Form::Language, "pt_BR", Ok(())),
            (Form::Language, "pt-PT", Err(Wrong::NoSuchWord(Some("pt-BR")))),
            (Form::OneOf(&["text", "json"]), "xml", Err(Wrong::NoSuchWord(None))),
            (Form::LogLevel, "loud=noise=x", Err(Wrong::NoLevel)),
            (Form::LogLevel, "info,relay_engine=debug", Ok(())),
            (Form::Secret, "two\nlines", Err(Wrong::Control)),
            (Form::Folder, "", Err(Wrong::Empty)),
        ];
        for (form, text, expected) in table {
            assert_eq!(form.judge(text), expected, "{form:?} {text:?}");
        }
    }
}
