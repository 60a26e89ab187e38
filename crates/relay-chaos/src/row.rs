//! One row of the failure matrix: what it breaks, and what came of it.

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;

use anyhow::Result;
use relay_testing::Database;
use serde::{Deserialize, Serialize};

/// A row runs to its end and says what it saw; an error means that it could not run.
pub(crate) type Running<'a> = Pin<Box<dyn Future<Output = Result<Outcome>> + 'a>>;

/// One kind of failure, provoked and survived.
pub(crate) struct Row {
    /// `F01` to `F45`, as `docs/delivery.md` numbers them.
    pub(crate) id: &'static str,
    /// What is broken, in a few words.
    pub(crate) title: &'static str,
    /// The share of the full size that the quick tier runs; `None` leaves the row to the full one.
    pub(crate) quick: Option<f64>,
    /// On which databases it means something.
    pub(crate) on: On,
    /// Whether other rows beside it would disturb what it measures.
    pub(crate) is_alone: bool,
    /// Does it.
    pub(crate) run: fn(&Context) -> Running<'_>,
}

/// Databases that a row is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum On {
    Both,
    Sqlite,
    Postgres,
}

impl On {
    pub(crate) fn includes(self, database: Database) -> bool {
        match self {
            Self::Both => true,
            Self::Sqlite => database == Database::Sqlite,
            Self::Postgres => database == Database::Postgres,
        }
    }
}

/// What a row is run with.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    /// The relay's store.
    pub(crate) database: Database,
    /// What all chance comes from.
    pub(crate) seed: u64,
    /// The share of the full size.
    pub(crate) scale: f64,
    /// The relay, built with the feature `chaos`.
    pub(crate) relay: PathBuf,
    /// The promise that is broken on purpose.
    pub(crate) sabotage: Option<String>,
    /// Whether the relay without a store takes the relay's place.
    pub(crate) is_naive: bool,
}

impl Context {
    /// A number of the full size at this run's scale, and never nothing.
    pub(crate) fn scaled(&self, full: usize) -> usize {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "counts are small and positive"
        )]
        let scaled = (full as f64 * self.scale).ceil() as usize;
        scaled.max(1)
    }

    /// Chance that repeats with the seed; `salt` keeps its users apart.
    pub(crate) fn rng(&self, salt: u64) -> fastrand::Rng {
        fastrand::Rng::with_seed(self.seed ^ salt.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }
}

/// What a row saw.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// What must hold, and whether it did.
    pub(crate) checks: Vec<Check>,
    /// What was counted or measured, in the order of telling.
    pub(crate) figures: Vec<(String, String)>,
}

/// One thing that must hold.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Check {
    /// What was looked at.
    pub(crate) what: String,
    /// What must be true of it.
    pub(crate) wanted: String,
    /// What was seen.
    pub(crate) seen: String,
    /// Whether that is enough.
    pub(crate) holds: bool,
}

#[expect(clippy::needless_pass_by_value, reason = "numbers and words are handed over as they are")]
impl Outcome {
    /// Whether everything held. A row that checked nothing has not passed.
    pub(crate) fn passes(&self) -> bool {
        !self.checks.is_empty() && self.checks.iter().all(|check| check.holds)
    }

    pub(crate) fn figure(&mut self, name: &str, value: impl ToString) {
        self.figures.push((name.to_owned(), value.to_string()));
    }

    /// Must be exactly that.
    pub(crate) fn exactly<T: PartialEq + ToString>(&mut self, what: &str, wanted: T, seen: T) {
        let holds = wanted == seen;
        self.push(what, wanted.to_string(), seen.to_string(), holds);
    }

    /// Must be that or less.
    pub(crate) fn at_most<T: PartialOrd + ToString>(&mut self, what: &str, wanted: T, seen: T) {
        let holds = seen <= wanted;
        self.push(what, format!("<= {}", wanted.to_string()), seen.to_string(), holds);
    }

    /// Must be that or more.
    pub(crate) fn at_least<T: PartialOrd + ToString>(&mut self, what: &str, wanted: T, seen: T) {
        let holds = seen >= wanted;
        self.push(what, format!(">= {}", wanted.to_string()), seen.to_string(), holds);
    }

    /// Must be true.
    pub(crate) fn holds(&mut self, what: &str, holds: bool) {
        self.push(what, "yes".to_owned(), if holds { "yes" } else { "no" }.to_owned(), holds);
    }

    /// Must be an empty list; some of what is in it is shown.
    pub(crate) fn none(&mut self, what: &str, found: &[String]) {
        let some: Vec<_> = found.iter().take(5).map(String::as_str).collect();
        let seen = if found.is_empty() { "0".to_owned() } else { format!("{} ({} …)", found.len(), some.join(", ")) };
        self.push(what, "0".to_owned(), seen, found.is_empty());
    }

    fn push(&mut self, what: &str, wanted: String, seen: String, holds: bool) {
        self.checks.push(Check { what: what.to_owned(), wanted, seen, holds });
    }

    /// Takes over what another part of the row saw, under a name.
    pub(crate) fn include(&mut self, name: &str, other: Self) {
        self.checks
            .extend(other.checks.into_iter().map(|check| Check { what: format!("{name}: {}", check.what), ..check }));
        self.figures.extend(other.figures.into_iter().map(|(what, value)| (format!("{name}: {what}"), value)));
    }
}
