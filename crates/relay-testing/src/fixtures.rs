//! Payloads recorded from the real CodeChat.

use std::path::PathBuf;

use serde_json::Value;

/// The folder of recordings.
pub fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/codechat"))
}

/// Names of all recordings of one kind (`webhooks`, `sequences`, `rest`), without `.json`, in order.
pub fn names(kind: &str) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(folder().join(kind))
        .unwrap()
        .filter_map(|entry| entry.unwrap().path().file_stem().map(|name| name.to_string_lossy().into_owned()))
        .collect();
    names.sort();
    names
}

/// One recording.
pub fn read(kind: &str, name: &str) -> Value {
    let path = folder().join(kind).join(format!("{name}.json"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}
