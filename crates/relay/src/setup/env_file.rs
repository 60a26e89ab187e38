//! `.env`: lines are changed or added, those that are not known stay as they are.
//!
//! Invariant: what is written here is read back by `dotenvy` as the same value, and the file is for its owner alone.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::Context;

/// What a line of the file would become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// It says so already.
    Same,
    /// It is new.
    New,
    /// It said something else.
    Other,
}

/// The file, and what it would say.
#[derive(Debug)]
pub(crate) struct EnvFile {
    before: Option<String>,
    after: String,
    /// Names, with what becomes of their lines.
    pub(crate) changes: Vec<(&'static str, Change)>,
}

impl EnvFile {
    /// Works out what the file would say with these values.
    pub(crate) fn with(path: &Path, values: &[(&'static str, String)]) -> anyhow::Result<Self> {
        let before = match std::fs::read_to_string(path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(error).with_context(|| format!("{} cannot be read", path.display())),
        };
        let mut lines: Vec<String> = before.iter().flat_map(|text| text.lines()).map(str::to_owned).collect();
        let mut changes = Vec::new();
        for (name, value) in values {
            let line = format!("{name}={}", quoted(value));
            // the first of several lines is the one that counts
            let place = lines.iter().position(|line| name_of(line) == Some(name));
            let change = match place.and_then(|place| lines.get_mut(place)) {
                Some(found) if value_of(found, name).as_deref() == Some(value) => Change::Same,
                Some(found) => {
                    *found = line;
                    Change::Other
                }
                None => {
                    lines.push(line);
                    Change::New
                }
            };
            changes.push((*name, change));
        }
        let after = lines.join("\n") + "\n";
        Ok(Self { before, after, changes })
    }

    /// Whether anything would be written.
    pub(crate) fn is_changed(&self) -> bool {
        self.changes.iter().any(|(_, change)| *change != Change::Same)
    }

    /// Whether the file is there.
    pub(crate) fn exists(&self) -> bool {
        self.before.is_some()
    }

    /// Writes it, whole or not at all.
    pub(crate) fn write(&self, path: &Path) -> anyhow::Result<()> {
        write_private(path, &self.after)
    }
}

/// Writes a file for its owner alone, whole or not at all.
pub(crate) fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    let draft = path.with_extension("draft");
    let cannot = || format!("{} cannot be written", path.display());
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)
        .with_context(cannot)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).with_context(cannot)?;
    std::fs::rename(&draft, path).with_context(cannot)
}

/// The name that a line sets, if it sets one.
fn name_of(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let line = line.strip_prefix("export ").unwrap_or(line);
    let (name, _) = line.split_once('=')?;
    Some(name.trim()).filter(|name| !name.starts_with('#'))
}

/// The value that a line sets, as our own reader reads it.
fn value_of(line: &str, name: &str) -> Option<String> {
    let mut pairs = dotenvy::from_read_iter(line.as_bytes());
    pairs.next()?.ok().filter(|(found, _)| found == name).map(|(_, value)| value)
}

/// A value as `dotenvy` reads it back. Control characters have no place in a setting.
fn quoted(value: &str) -> String {
    let is_plain = |sign: char| sign.is_ascii_alphanumeric() || "-_./:@%+,=".contains(sign);
    if !value.is_empty() && value.chars().all(is_plain) {
        return value.to_owned();
    }
    // between single quotes a backslash at the end would hide the closing one
    if !value.contains(['\'', '\\']) {
        return format!("'{value}'");
    }
    let mut escaped = String::from("\"");
    for sign in value.chars() {
        if "\\\"$".contains(sign) {
            escaped.push('\\');
        }
        escaped.push(sign);
    }
    escaped.push('"');
    escaped
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::PathBuf;

    use proptest::prelude::*;

    use super::*;

    fn file(text: Option<&str>) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("relay-env-{}", uuid::Uuid::now_v7()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join(".env");
        if let Some(text) = text {
            std::fs::write(&path, text).unwrap();
        }
        path
    }

    fn written(before: Option<&str>, values: &[(&'static str, &str)]) -> (String, Vec<Change>) {
        let path = file(before);
        let values: Vec<_> = values.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let env = EnvFile::with(&path, &values).unwrap();
        env.write(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
        (text, env.changes.into_iter().map(|(_, change)| change).collect())
    }

    #[test]
    fn a_new_file_holds_what_was_answered() {
        let (text, changes) =
            written(None, &[("CHATWOOT_URL", "https://chat.example.com"), ("CODECHAT_KEY", "a b#c$d")]);
        assert_eq!(text, "CHATWOOT_URL=https://chat.example.com\nCODECHAT_KEY='a b#c$d'\n");
        assert_eq!(changes, [Change::New, Change::New]);
    }

    #[test]
    fn lines_that_are_not_ours_stay() {
        let before = "# my relay\n\nexport PORT=9000 # here\nCHATWOOT_URL=\"https://old\"\nFOO=bar\n# CODECHAT_KEY=x\nCODECHAT_URL = 'http://cc'";
        let values =
            [("CHATWOOT_URL", "https://new"), ("CODECHAT_URL", "http://cc"), ("PORT", "9000"), ("CODECHAT_KEY", "k")];
        let (text, changes) = written(Some(before), &values);
        assert_eq!(changes, [Change::Other, Change::Same, Change::Same, Change::New]);
        let expected = "# my relay\n\nexport PORT=9000 # here\nCHATWOOT_URL=https://new\nFOO=bar\n# CODECHAT_KEY=x\nCODECHAT_URL = 'http://cc'\nCODECHAT_KEY=k\n";
        assert_eq!(text, expected);
    }

    proptest! {
        #[test]
        fn every_value_is_read_back(value in "[ -~àéçñ€]{1,60}") {
            let line = format!("CODECHAT_KEY={}", quoted(&value));
            prop_assert_eq!(value_of(&line, "CODECHAT_KEY"), Some(value));
        }
    }
}
