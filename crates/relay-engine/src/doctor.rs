//! Looking for everything that can be wrong between WhatsApp and Chatwoot, and saying what to do about it.
//!
//! The cast: a [`Check`] is something looked at; a [`Finding`] what it found, with why and fix; [`Engine::examine`] makes a
//! [`Report`] of all of them. Sessions, sides and the relay itself are looked at side by side, each call with a deadline.
//!
//! Invariants: no finding holds a secret or anything of a customer; every check is in the report, if only with why it was not
//! made; nothing that a check makes happen can reach a customer.

mod chatwoot;
mod check;
mod clocks;
mod codechat;
pub(crate) mod diagnostics;
pub(crate) mod echo;
mod finding;
pub(crate) mod heard;
mod host;
mod line;
mod public;
mod reach;
mod session;
mod store;
mod words;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use relay_domain::note::Locale;
use relay_store::StoreError;
use tokio::time::timeout;

use crate::Engine;
use crate::sessions::Live;
pub use check::Check;
pub use echo::{Answer, Echo};
pub use finding::{Finding, Level};

use finding::Said;
use words::skipped::Skipped;

/// How long one call to the other side may take.
const CALL_WITHIN: Duration = Duration::from_secs(5);
/// How long the whole examination may take; a deep one waits for tests to come back.
const EXAMINE_WITHIN: Duration = Duration::from_secs(20);
const EXAMINE_DEEPLY_WITHIN: Duration = Duration::from_secs(45);

/// What is to be looked at.
#[derive(Clone, Debug, Default)]
pub struct Ask {
    /// Only this session, beside the relay itself.
    pub session: Option<String>,
    /// Whether to make things happen: a test message that only agents could see, a file that CodeChat is to fetch.
    pub deep: bool,
    /// Language of the report; the relay's own when absent.
    pub locale: Option<Locale>,
}

/// Everything that was found.
#[derive(Clone, Debug)]
pub struct Report {
    /// In order: of the relay, then session by session.
    pub findings: Vec<Finding>,
    /// Whether things were made to happen.
    pub is_deep: bool,
    /// How long it took.
    pub took: Duration,
}

impl Report {
    /// How many findings are so bad.
    pub fn count(&self, level: Level) -> usize {
        self.findings.iter().filter(|finding| finding.level == level).count()
    }
}

/// Why nothing was looked at.
#[derive(Debug, thiserror::Error)]
pub enum NotExamined {
    /// There is no such session.
    #[error("there is no session of this name")]
    UnknownSession,
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// One examination under way.
struct Visit<'a> {
    engine: &'a Engine,
    locale: Locale,
    is_deep: bool,
    found: Mutex<Vec<Finding>>,
}

impl Engine {
    /// Looks at everything.
    pub async fn examine(&self, ask: Ask) -> Result<Report, NotExamined> {
        let started = Instant::now();
        let sessions = self.asked_for(ask.session.as_deref()).await?;
        let locale = ask.locale.unwrap_or(self.config.locale);
        let visit = Visit { engine: self, locale, is_deep: ask.deep, found: Mutex::default() };
        let within = if ask.deep { EXAMINE_DEEPLY_WITHIN } else { EXAMINE_WITHIN };
        // what was found until then stays
        drop(timeout(within, visit.all(&sessions)).await);
        visit.fill_up(&sessions);
        let mut findings = visit.found.into_inner().expect("nothing panics while holding the findings");
        findings.sort_by(|a, b| (&a.session, a.check).cmp(&(&b.session, b.check)));
        Ok(Report { findings, is_deep: ask.deep, took: started.elapsed() })
    }

    async fn asked_for(&self, session: Option<&str>) -> Result<Vec<Arc<Live>>, NotExamined> {
        self.sessions.refresh().await?;
        match session {
            None => Ok(self.sessions.all()),
            Some(name) => Ok(vec![self.sessions.named(name).await?.ok_or(NotExamined::UnknownSession)?]),
        }
    }

    /// What to answer to a word of the doctor's that came back; `None` for one that nobody waits for.
    pub fn echo_answer(&self, word: &str) -> Option<Answer> {
        self.echoes.answer(word)
    }

    /// Takes down how a word of the doctor's came back.
    pub fn hear_echo(&self, word: &str, echo: Echo) {
        self.echoes.hear(word, echo);
    }
}

impl Visit<'_> {
    async fn all(&self, sessions: &[Arc<Live>]) {
        let of_sessions = join_all(sessions.iter().map(|live| async {
            self.session(live);
            tokio::join!(self.chatwoot(live), self.codechat(live), self.clocks(live));
        }));
        let of_none = async {
            if sessions.is_empty() {
                self.without_sessions().await;
            }
        };
        tokio::join!(self.public(), self.host(), self.store(), of_sessions, of_none);
    }

    /// Both servers as they are configured, while there is no session to tell of them.
    async fn without_sessions(&self) {
        tokio::join!(self.configured_chatwoot(), self.configured_codechat());
        let found = self.found.lock().expect("nothing panics while holding the findings").clone();
        for check in Check::ALL.iter().filter(|check| check.is_of_a_session()) {
            if !found.iter().any(|finding| finding.check == *check) {
                self.note(*check, None, Skipped::NoSession.say(self.locale));
            }
        }
    }

    fn note(&self, check: Check, live: Option<&Live>, said: Said) {
        let finding = said.about(check, live.map(Live::name));
        self.found.lock().expect("nothing panics while holding the findings").push(finding);
    }

    fn skip(&self, checks: &[Check], live: Option<&Live>, why: Skipped) {
        for check in checks {
            self.note(*check, live, why.say(self.locale));
        }
    }

    /// Says of every check that is missing that it did not end.
    fn fill_up(&self, sessions: &[Arc<Live>]) {
        let is_there = |check: Check, session: Option<&str>| {
            let found = self.found.lock().expect("nothing panics while holding the findings");
            found.iter().any(|finding| finding.check == check && finding.session.as_deref() == session)
        };
        for check in Check::ALL {
            let of: Vec<Option<&Live>> = if check.is_of_a_session() && !sessions.is_empty() {
                sessions.iter().map(|live| Some(live.as_ref())).collect()
            } else {
                vec![None]
            };
            for live in of {
                if !is_there(*check, live.map(Live::name)) {
                    self.note(*check, live, Skipped::TookTooLong.say(self.locale));
                }
            }
        }
    }
}
