//! What a check found.

use super::Check;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Level {
    /// As it should be.
    Ok,
    /// Works, and may not for long, or not for everything.
    Warn,
    /// Does not work.
    Fail,
    /// Was not looked at; the finding says why.
    Skip,
}

impl Level {
    /// The word in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
            Self::Skip => "skip",
        }
    }
}

/// What one check found, in the language that was asked for. It holds no secret and nothing of a customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which check.
    pub check: Check,
    /// How bad it is.
    pub level: Level,
    /// The session it is about; `None` for the whole relay.
    pub session: Option<String>,
    /// What was found.
    pub seen: String,
    /// Why that matters, or how it comes.
    pub why: Option<String>,
    /// What to do.
    pub fix: Option<String>,
}

/// What is said of something found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) level: Level,
    pub(super) seen: String,
    pub(super) why: Option<String>,
    pub(super) fix: Option<String>,
}

impl Said {
    pub(super) fn ok(seen: String) -> Self {
        Self { level: Level::Ok, seen, why: None, fix: None }
    }

    pub(super) fn skip(seen: String) -> Self {
        Self { level: Level::Skip, ..Self::ok(seen) }
    }

    pub(super) fn warn(seen: String, why: String, fix: String) -> Self {
        Self { level: Level::Warn, seen, why: Some(why), fix: Some(fix) }
    }

    pub(super) fn fail(seen: String, why: String, fix: String) -> Self {
        Self { level: Level::Fail, ..Self::warn(seen, why, fix) }
    }

    pub(super) fn about(self, check: Check, session: Option<&str>) -> Finding {
        let Self { level, seen, why, fix } = self;
        Finding { check, level, session: session.map(str::to_owned), seen, why, fix }
    }
}
