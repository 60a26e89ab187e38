//! Names that mean nothing to the relay, and what was probably meant.
//!
//! `.env` is the relay's own file, or shared with compose: every name in it that is not known is told. The environment belongs to
//! everybody: only names that look like a slip of one of ours are.

use super::Key;
use super::given::{Given, Place};
use super::problem::{Problem, What};

/// Settings of commands alone.
const OF_COMMANDS: [&str; 1] = ["CHATWOOT_TOKEN"];
/// Names of the first relay that mean nothing here: migrations are built in.
const UNNECESSARY: [&str; 3] = ["GOOSE_DRIVER", "GOOSE_DBSTRING", "GOOSE_MIGRATION_DIR"];
/// Names that mean something to the system or to what starts the relay.
const OF_OTHERS: [&str; 9] = [
    "TZ",
    "LANG",
    "LC_ALL",
    "NO_COLOR",
    "PATH",
    "RUST_BACKTRACE",
    "COMPOSE_PROJECT_NAME",
    "COMPOSE_FILE",
    "COMPOSE_PROFILES",
];
/// What people put in front of names that have nothing in front.
const PREFIXES: [&str; 2] = ["RELAY_", "CODEWOOT_"];
/// How like two names must be for one to be taken for a slip of the other, from 0 to 1.
const LIKENESS: f64 = 0.88;
/// How many letters may be wrong in a name of the environment.
const SLIPS: usize = 2;
/// In shorter names one letter less may be.
const LONG: usize = 10;
/// Shorter names of the environment are like too many others.
const LONG_ENOUGH: usize = 6;

/// Everything about names, line by line.
pub(super) fn problems(given: &Given) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (index, (name, _, line)) in given.lines.set.iter().enumerate() {
        let first = given.lines.set.iter().take(index).find(|(earlier, ..)| earlier == name);
        let what = match first {
            Some((_, _, first)) => Some(What::Twice { first: *first }),
            None => meaningless(name),
        };
        problems.extend(what.map(|what| Problem { place: Place::Line(*line), name: name.clone(), what }));
    }
    for name in given.environment() {
        let what = if UNNECESSARY.contains(&name) { Some(What::Unnecessary) } else { slip(name) };
        problems.extend(what.map(|what| Problem { place: Place::Environment, name: name.to_owned(), what }));
    }
    problems
}

/// What a word is probably meant to be, of those there are.
pub(super) fn meant(name: &str) -> Option<Key> {
    let name = name.trim_start_matches('-').to_ascii_uppercase().replace('-', "_");
    let bare = PREFIXES.into_iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(&name);
    if let Some(key) = Key::find(bare) {
        return Some(key);
    }
    let near = Key::ALL.into_iter().map(|key| (strsim::jaro_winkler(key.name(), bare), key));
    let best = near.max_by(|a, b| a.0.total_cmp(&b.0));
    best.filter(|(likeness, _)| *likeness > LIKENESS).map(|(_, key)| key)
}

fn is_known(name: &str) -> bool {
    let is_own = |name: &str| Key::ALL.iter().any(|key| key.name() == name) || OF_COMMANDS.contains(&name);
    let is_file = || {
        let name = name.strip_suffix("_FILE").unwrap_or_default();
        OF_COMMANDS.contains(&name) || Key::ALL.iter().any(|key| key.name() == name && key.may_be_in_a_file())
    };
    is_own(name) || is_file() || OF_OTHERS.contains(&name)
}

/// What is to be said of a name in `.env`, if anything.
fn meaningless(name: &str) -> Option<What> {
    if is_known(name) {
        return None;
    }
    if UNNECESSARY.contains(&name) {
        return Some(What::Unnecessary);
    }
    let of_file = name.strip_suffix("_FILE").and_then(Key::find);
    Some(match of_file {
        Some(key) => What::NotFromFile(key),
        None => What::Unknown(meant(name)),
    })
}

/// What is to be said of a name in the environment: only what looks like one of ours is meant for us.
fn slip(name: &str) -> Option<What> {
    if is_known(name) {
        return None;
    }
    let prefixed = PREFIXES.into_iter().find_map(|prefix| name.strip_prefix(prefix)).and_then(Key::find);
    let slips = if name.len() < LONG { SLIPS - 1 } else { SLIPS };
    let is_near =
        |key: &Key| name.len() >= LONG_ENOUGH && strsim::osa_distance(key.name(), &name.to_ascii_uppercase()) <= slips;
    let near = || Key::ALL.into_iter().filter(is_near).min_by_key(|key| strsim::osa_distance(key.name(), name));
    prefixed.or_else(near).map(|key| What::Unknown(Some(key)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_told_from_names_of_others() {
        let unknown = |key| Some(What::Unknown(key));
        let table = [
            ("CHATWOOT_ULR", unknown(Some(Key::ChatwootUrl)), unknown(Some(Key::ChatwootUrl))),
            ("RELAY_PORT", unknown(Some(Key::Port)), unknown(Some(Key::Port))),
            ("port", unknown(Some(Key::Port)), None),
            ("CODECHAT_API_KEY", unknown(Some(Key::CodechatKey)), None),
            ("POSTGRES_DB", unknown(None), None),
            ("HOSTNAME", unknown(Some(Key::Host)), None),
            ("PORT_FILE", Some(What::NotFromFile(Key::Port)), None),
            ("API_KEY_FILE", None, None),
            ("CHATWOOT_TOKEN_FILE", None, None),
            ("LANG", None, None),
        ];
        for (name, in_file, in_environment) in table {
            assert_eq!((meaningless(name), slip(name)), (in_file, in_environment), "{name}");
        }
    }
}
