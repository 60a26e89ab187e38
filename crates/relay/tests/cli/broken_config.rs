//! Configurations that are broken, each in its own way: what `relay config check` says of them in three languages, word by word.
//!
//! One file for each in `broken_config/`: lines of `.env` as they are; `# @` and a word set the stage (`flag`, `env`, `file`). What is
//! said is the snapshot beside it. `INSTA_UPDATE=always cargo test --workspace --test cli broken` accepts what is said now.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::snapshots::{compare, snapshots_in};
use crate::support::Home;

/// How many there are at least.
const ENOUGH: usize = 40;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/broken_config")
}

/// What a file of the folder sets up.
struct Case {
    name: String,
    env_file: Vec<u8>,
    flags: Vec<String>,
    environment: Vec<(String, String)>,
    files: Vec<(String, String)>,
}

impl Case {
    fn read(path: &Path) -> Self {
        let bytes = std::fs::read(path).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        let told = |word: &str| {
            let start = format!("# @{word} ");
            text.lines().filter_map(|line| line.strip_prefix(&start).map(str::to_owned)).collect::<Vec<_>>()
        };
        let pair = |line: String| line.split_once('=').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        Self {
            name: path.file_stem().unwrap().to_str().unwrap().to_owned(),
            flags: told("flag"),
            environment: told("env").into_iter().map(pair).collect(),
            files: told("file").into_iter().map(pair).collect(),
            env_file: bytes,
        }
    }

    fn home(&self) -> Home {
        let home = Home::new();
        std::fs::write(home.path(".env"), &self.env_file).unwrap();
        for (name, text) in &self.files {
            home.write(name, text);
        }
        self.environment.iter().fold(home, |home, (name, value)| home.with(name, value))
    }
}

fn cases() -> Vec<Case> {
    let mut files: Vec<_> = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "env"));
    files.sort();
    files.iter().map(|path| Case::read(path)).collect()
}

#[tokio::test]
async fn everything_that_is_wrong_is_told_at_once_in_three_languages() {
    let cases = cases();
    assert!(cases.len() >= ENOUGH, "{}", cases.len());
    let mut different = Vec::new();
    for case in &cases {
        let home = case.home();
        let mut said = String::new();
        for language in ["en", "pt-BR", "es"] {
            let mut words = vec!["config", "check", "--lang", language];
            words.extend(case.flags.iter().map(String::as_str));
            // what the test's own port would hide is to be seen
            let mut command = home.command(&words);
            command.env_remove("PORT").env_remove("HOST").envs(case.environment.clone());
            let output = command.output().await.unwrap();
            assert!(output.stderr.is_empty(), "{}: {output:?}", case.name);
            let code = output.status.code().unwrap();
            let told = String::from_utf8(output.stdout).unwrap();
            said = [said, format!("{language}, exit {code}\n{told}\n")].concat();
        }
        for secret in ["hunter22", "geheim"] {
            assert!(!said.contains(secret), "{}: {said}", case.name);
        }
        different.extend(compare("broken_config", &case.name, &said).err());
    }
    assert!(different.is_empty(), "these differ from their snapshots: {different:#?}");
    let names: BTreeSet<_> = cases.into_iter().map(|case| case.name).collect();
    assert_eq!(snapshots_in("broken_config"), names, "each has one snapshot");
}

#[tokio::test]
async fn a_start_is_refused_with_the_same_words() {
    let home = Home::new().with("LOCALE", "es").with("CHATWOOT_URL", "chat.example.com");
    home.write(".env", "LOG_FORMAT=xml\nCODECHAT_KEY=hunter22\nAPI_ULR=https://x\n");
    let checked = home.run(&["config", "check"]).await;
    assert_eq!(checked.code, Some(2), "{checked:?}");
    let told: Vec<_> = checked.out.lines().filter(|line| line.starts_with("  ")).collect();
    assert!(told.len() >= 4, "{told:?}");
    for words in [&["serve"][..], &["session", "ls"], &["doctor"], &["migrate", "status"], &["config", "show"]] {
        let said = home.run(words).await;
        assert_eq!(said.code, Some(2), "{words:?}: {said:?}");
        assert!(said.err.starts_with("error: la configuración no sirve: 2 errores, 2 avisos\n"), "{words:?}: {said:?}");
        assert!(told.iter().all(|line| said.err.contains(line)), "{words:?}: {said:?}");
        assert!(said.out.is_empty() && !said.err.contains("hunter22"), "{words:?}: {said:?}");
    }
    assert!(!home.path("data").exists(), "nothing was made");
    // what needs no settings does not mind
    for words in [&["version"][..], &["config", "explain", "port"], &["completions", "bash"], &["man"]] {
        home.run(words).await.succeeded();
    }
}
