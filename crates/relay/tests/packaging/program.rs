//! What the program says of itself: its commands, their options, and the settings they read from the environment.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

/// A file of the repository.
pub(crate) fn file(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join(name)
}

pub(crate) fn read(name: &str) -> String {
    std::fs::read_to_string(file(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// A command by its words, and what its help says.
pub(crate) struct Described {
    pub(crate) help: String,
    /// The commands below it, aliases among them.
    pub(crate) below: BTreeSet<String>,
}

/// Every command by its words joined by a blank; the program itself is the empty one.
pub(crate) static COMMANDS: LazyLock<BTreeMap<String, Described>> = LazyLock::new(|| {
    let mut found = BTreeMap::new();
    describe(&[], &mut found);
    found
});

fn describe(words: &[&str], found: &mut BTreeMap<String, Described>) {
    let output = Command::new(env!("CARGO_BIN_EXE_relay")).args(words).arg("--help").env_clear().output().unwrap();
    assert!(output.status.success(), "relay {words:?} --help");
    let help = String::from_utf8(output.stdout).unwrap();
    let listed = help.split_once("\nCommands:\n").map(|(_, rest)| rest.split("\n\n").next().unwrap_or_default());
    let mut below = BTreeSet::new();
    for line in listed.unwrap_or_default().lines() {
        let Some(name) =
            line.strip_prefix("  ").and_then(|line| line.split(' ').next()).filter(|name| !name.is_empty())
        else {
            continue;
        };
        if name != "help" {
            describe(&[words, &[name]].concat(), found);
        }
        below.insert(name.to_owned());
        for aliases in line.split("[alias: ").skip(1).chain(line.split("[aliases: ").skip(1)) {
            let aliases: Vec<_> = aliases.trim_end_matches(']').split(", ").collect();
            for alias in aliases {
                describe(&[words, &[alias]].concat(), found);
                below.insert(alias.to_owned());
            }
        }
    }
    found.insert(words.join(" "), Described { help, below });
}

/// Every variable that some command reads, also with `_FILE`.
pub(crate) static SETTINGS: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    let named = |help: &str| -> Vec<String> {
        let names = help.split("[env: ").skip(1);
        names.map(|rest| rest.split(['=', ']']).next().unwrap().to_owned()).collect()
    };
    let mut all: BTreeSet<String> = COMMANDS.values().flat_map(|command| named(&command.help)).collect();
    assert!(all.contains("CODECHAT_CALLBACK_URL") && all.contains("CHATWOOT_TOKEN"), "{all:?}");
    all.extend(all.clone().into_iter().map(|name| format!("{name}_FILE")));
    all
});

/// Names that mean something to the system and not to the program.
const OF_THE_SYSTEM: [&str; 2] = ["TZ", "LANG"];

/// Checks that a variable given to the relay has an effect.
pub(crate) fn is_setting(name: &str) -> bool {
    SETTINGS.contains(name) || OF_THE_SYSTEM.contains(&name)
}
