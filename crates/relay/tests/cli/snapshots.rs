//! Comparing what commands say with what they said when somebody last looked.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use regex::Regex;

use crate::support::Said;

/// Compares with a snapshot; the name of one that differs comes back, so that all are looked at.
pub(crate) fn compare(folder: &str, name: &str, said: &str) -> Result<(), String> {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(format!("snapshots/{folder}"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let compare = || settings.bind(|| insta::assert_snapshot!(name, said));
    catch_unwind(AssertUnwindSafe(compare)).map_err(|_| name.to_owned())
}

/// Names of the snapshots in a folder.
pub(crate) fn snapshots_in(folder: &str) -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/snapshots").join(folder);
    let files = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    files.filter_map(|file| file.strip_suffix(".snap").map(str::to_owned)).collect()
}

/// What a command said, and how it ended, with what differs from run to run masked.
pub(crate) fn shown(words: &[&str], said: &Said, mask: &Mask) -> String {
    let mut text = format!("$ relay {}\nexit {}\n", words.join(" "), said.code.unwrap());
    for (name, printed) in [("stdout", &said.out), ("stderr", &said.err)] {
        if !printed.is_empty() {
            text = [text, format!("--- {name}\n{printed}")].concat();
        }
    }
    mask.over(&text)
}

/// Replaces what differs from run to run.
pub(crate) struct Mask(Vec<(Regex, &'static str)>);

impl Mask {
    /// Masks ids, times, durations and secrets, and these texts with these words.
    pub(crate) fn with(own: &[(String, &'static str)]) -> Self {
        let own = own.iter().map(|(text, word)| (regex::escape(text), *word));
        let usual = [
            (r"\b(evt|ses|att|lnk)_[0-9A-Za-z-]{20,}", "${1}_ID"),
            (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "UUID"),
            (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME"),
            (r"\b[A-Za-z0-9_-]{43}\b", "SECRET"),
            (r"\d+ ms\b", "N ms"),
            (r#"("[a-z_]*(ms|seconds|bytes|revision|free_mb)": )[\d.]+"#, "${1}N"),
            (r"  +", "  "),
        ];
        let all = own.chain(usual.map(|(pattern, word)| (pattern.to_owned(), word)));
        Self(all.map(|(pattern, word)| (Regex::new(&pattern).unwrap(), word)).collect())
    }

    fn over(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (found, word)| found.replace_all(&text, *word).into_owned())
    }
}
