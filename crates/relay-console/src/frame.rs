//! What surrounds every page: navigation, language, what was just done, and how times are told.

use std::borrow::Borrow;

use jiff::tz::TimeZone;
use relay_domain::Timestamp;
use relay_domain::note::Locale;

use crate::Console;
use crate::form::Fields;
use crate::view::When;
use crate::visitor::Visitor;
use crate::words::{self, T};

/// Where a page belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    Overview,
    Log,
    Dead,
    Tail,
    Doctor,
    Settings,
}

impl Section {
    pub(crate) const ALL: [Self; 6] = [Self::Overview, Self::Log, Self::Dead, Self::Tail, Self::Doctor, Self::Settings];

    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Overview => "/console",
            Self::Log => "/console/log",
            Self::Dead => "/console/dead",
            Self::Tail => "/console/tail",
            Self::Doctor => "/console/doctor",
            Self::Settings => "/console/settings",
        }
    }

    pub(crate) const fn name(self) -> T {
        match self {
            Self::Overview => T::Overview,
            Self::Log => T::Messages,
            Self::Dead => T::DeadLetters,
            Self::Tail => T::LiveTail,
            Self::Doctor => T::Doctor,
            Self::Settings => T::Settings,
        }
    }
}

/// What surrounds a page.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) locale: Locale,
    /// The page's place in the navigation.
    pub(crate) section: Option<Section>,
    /// What forms carry; empty while nobody is signed in.
    pub(crate) form_token: String,
    /// Where to come back to after the language was changed.
    pub(crate) path: String,
    /// What was just done.
    pub(crate) done: Option<String>,
    pub(crate) now: Timestamp,
    zone: TimeZone,
}

impl Frame {
    /// Around a page of a browser that is signed in.
    pub(crate) fn of(console: &Console, visitor: Visitor, section: Option<Section>) -> Self {
        let query = visitor.path.split_once('?').map(|(_, query)| query.to_owned());
        let done = words::done(visitor.locale, &Fields::of_query(query));
        let Visitor { locale, form_token, path } = visitor;
        Self { section, form_token, path, done, ..Self::bare(console, locale) }
    }

    /// Around a page that anybody may see.
    pub(crate) fn bare(console: &Console, locale: Locale) -> Self {
        let zone = console.engine.config.zone.clone();
        let path = "/console".to_owned();
        Self {
            locale,
            section: None,
            form_token: String::new(),
            path,
            done: None,
            now: console.engine.clock.now(),
            zone,
        }
    }

    /// A sentence in the language of the page.
    pub(crate) fn t(&self, text: impl Borrow<T>) -> &'static str {
        text.borrow().in_language(self.locale)
    }

    pub(crate) fn is_inside(&self) -> bool {
        !self.form_token.is_empty()
    }

    pub(crate) fn is_in(&self, section: Section) -> bool {
        self.section == Some(section)
    }

    pub(crate) fn language(&self) -> &'static str {
        words::tag(self.locale)
    }

    /// Languages: tag, own name, and whether it is this page's.
    pub(crate) fn languages(&self) -> [(&'static str, &'static str, bool); 3] {
        [Locale::PtBr, Locale::En, Locale::Es]
            .map(|locale| (words::tag(locale), words::own_name(locale), locale == self.locale))
    }

    /// A time, relative to now.
    pub(crate) fn when(&self, at: Timestamp) -> When {
        When::new(at, self)
    }

    pub(crate) fn zone(&self) -> &TimeZone {
        &self.zone
    }
}
