//! What is made from the command line's one description: completions and manual pages work, and the committed files are current.

use std::path::Path;
use std::process::Command;

use crate::support::Home;

fn repository(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    std::fs::read_to_string(root.join(path)).unwrap()
}

#[tokio::test]
async fn committed_files_are_current() {
    let home = Home::new();
    let made = async |what: &str| home.run(&["reference", what]).await.succeeded().to_owned();
    let hint = "run scripts/generate";
    assert!(made("cli").await == repository("docs/cli.md"), "docs/cli.md is not current: {hint}");
    assert!(made("env").await == repository(".env.example"), ".env.example is not current: {hint}");
    let page = repository("docs/configuration.md");
    assert!(page.contains(&made("settings").await), "docs/configuration.md is not current: {hint}");
    assert!(made("env").await.lines().count() <= 25);
}

#[tokio::test]
async fn every_shell_has_completions() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let said = home.run(&["completions", shell]).await;
        let script = said.succeeded();
        for word in ["session", "explain", "log-format", "completions"] {
            assert!(script.contains(word), "{shell} does not know {word}");
        }
    }
    home.write("relay.bash", home.run(&["completions", "bash"]).await.succeeded());
    // a real shell takes the script, and completes with it
    let complete =
        "source relay.bash; COMP_WORDS=(relay config ex); COMP_CWORD=2; _relay relay ex config; echo ${COMPREPLY[@]}";
    let shell = Command::new("bash").args(["--norc", "-c", complete]).current_dir(home.path("")).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&shell.stdout).trim(), "explain", "{shell:?}");
}

#[tokio::test]
async fn the_manual_is_there_for_every_command() {
    let home = Home::new();
    let page = home.run(&["man"]).await;
    for expected in [".TH relay 1", "CHATWOOT_URL", "config"] {
        assert!(page.succeeded().contains(expected), "{expected}: {}", page.out);
    }
    home.run(&["man", "--folder", "man/man1"]).await.succeeded();
    for command in home.run(&["reference", "commands"]).await.succeeded().lines() {
        let name = ["relay"].into_iter().chain(command.split_whitespace()).collect::<Vec<_>>().join("-");
        let page = std::fs::read_to_string(home.path(&format!("man/man1/{name}.1"))).unwrap();
        assert!(page.contains(&format!(".TH {name} 1")), "{name}: {page}");
    }
}
