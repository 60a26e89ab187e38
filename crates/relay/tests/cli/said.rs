//! What every command says, with `--help`, typed wrongly, and doing its work: exit code, stdout, stderr.
//!
//! The commands are those that the program itself lists, so that one without a snapshot fails. `scripts/generate` accepts what is said
//! now; what changed is then seen in the diff.

use std::collections::BTreeSet;

use relay_testing::{eventually, fixtures};
use serde_json::Value;

use crate::snapshots::{Mask, compare, shown, snapshots_in};
use crate::support::{Home, Sides};

/// Commands whose work no snapshot shows, and where it is tested instead.
const ELSEWHERE: [(&str, &str); 6] = [
    ("serve", "runs until it is stopped: first_start.rs, stopping.rs"),
    ("setup", "asks: setup.rs"),
    ("demo", "tells times, and runs on: README"),
    ("bench", "measures"),
    ("doctor", "tells of this machine: doctor.rs, and the stories of every mistake"),
    ("message tail", "runs until it is stopped"),
];

/// Every command with its words; the program itself has none.
async fn commands(home: &Home) -> Vec<String> {
    home.run(&["reference", "commands"]).await.succeeded().lines().map(str::to_owned).collect()
}

fn name_of(command: &str) -> String {
    if command.is_empty() { "relay".to_owned() } else { command.replace(' ', "_") }
}

#[tokio::test]
async fn every_command_explains_itself() {
    let home = Home::new();
    let mask = Mask::with(&[]);
    let (mut names, mut different) = (BTreeSet::new(), Vec::new());
    for command in commands(&home).await {
        let words: Vec<_> = command.split_whitespace().collect();
        let helped = home.run(&[&words[..], &["--help"]].concat()).await;
        let erred = home.run(&[&words[..], &["--no-such-flag"]].concat()).await;
        assert_eq!((helped.code, erred.code), (Some(0), Some(2)), "{command}");
        let text =
            [shown(&[&words[..], &["--help"]].concat(), &helped, &mask), erred.err].join("\n--- typed wrongly\n");
        different.extend(compare("help", &name_of(&command), &text).err());
        names.insert(name_of(&command));
    }
    assert!(different.is_empty(), "these differ from their snapshots: {different:#?}");
    assert_eq!(snapshots_in("help"), names, "each command has one snapshot");
    assert!(!home.path("data").exists(), "asking for help leaves nothing behind");
}

/// A relay with a session and a message, and everything that can be asked of it.
struct Stage {
    home: Home,
    mask: Mask,
    named: BTreeSet<String>,
    told: BTreeSet<String>,
    different: Vec<String>,
}

impl Stage {
    /// Runs a command and compares what it says; `{}` in its words stands for the message.
    async fn says(&mut self, name: &str, words: &[&str]) {
        let said = self.home.run(words).await;
        let text = shown(words, &said, &self.mask);
        self.different.extend(compare("said", name, &text).err());
        self.named.insert(name.to_owned());
        for count in 1..=words.len() {
            self.told.insert(words[..count].join(" "));
        }
    }
}

#[tokio::test]
async fn every_command_says_what_it_said() {
    let sides = Sides::start().await;
    let home = Home::new().between(&sides).with("LOCALE", "en");
    let server = home.serve(&["serve"]).await;
    let add =
        ["session", "add", "--name", "loja01", "--account", "1", "--inbox", &sides.inbox, "--token", "sim-admin-token"];
    home.run(&add).await.succeeded();
    let id = a_message_crosses(&home, &sides).await;
    let own = [
        (sides.chatwoot.base_url(), "http://CHATWOOT"),
        (sides.codechat.base_url(), "http://CODECHAT"),
        (home.port.to_string(), "PORT"),
    ];
    let mut stage =
        Stage { mask: Mask::with(&own), named: BTreeSet::new(), told: BTreeSet::new(), different: Vec::new(), home };
    about_settings(&mut stage).await;
    about_sessions(&mut stage).await;
    about_messages(&mut stage, &id).await;
    stage.says("console", &["console"]).await;
    stage.says("console_json", &["console", "--json"]).await;
    stage.says("health", &["health"]).await;
    assert!(server.stop().await.success());
    stage.says("health_without_a_relay", &["health"]).await;
    stage.says("console_without_a_relay", &["console"]).await;
    stage.says("message_tail_without_a_relay", &["message", "tail"]).await;
    stage.says("migrate_up", &["migrate", "up"]).await;
    stage.says("migrate_status", &["migrate", "status"]).await;
    stage.says("session_rm", &["session", "rm", "loja01"]).await;
    stage.says("session_ls_empty", &["session", "ls"]).await;
    stage.says("session_rm_unknown", &["session", "rm", "loja01"]).await;

    assert!(stage.different.is_empty(), "these differ from their snapshots: {:#?}", stage.different);
    assert_eq!(snapshots_in("said"), stage.named, "snapshots of nothing");
    let all = commands(&stage.home).await;
    let is_group = |command: &String| all.iter().any(|other| other.starts_with(&format!("{command} ")));
    let is_told =
        |command: &String| stage.told.contains(command) || ELSEWHERE.iter().any(|(elsewhere, _)| elsewhere == command);
    let silent: Vec<_> =
        all.iter().filter(|command| !command.is_empty() && !is_group(command) && !is_told(command)).collect();
    assert!(silent.is_empty(), "say what these say, in a snapshot: {silent:?}");
}

async fn a_message_crosses(home: &Home, sides: &Sides) -> String {
    let webhook = fixtures::read("webhooks", "messages.upsert__conversation");
    let hook = sides.codechat.webhook_url("loja01").unwrap();
    let sent = relay_engine::http::client().unwrap().post(hook).json(&webhook).send().await.unwrap();
    assert!(sent.status().is_success());
    let mut id = String::new();
    eventually("the message to cross", async || {
        let said = home.run(&["message", "ls", "--state", "delivered", "--json"]).await;
        let page: Value = serde_json::from_str(said.succeeded()).unwrap();
        page["data"][0]["id"].as_str().unwrap_or_default().clone_into(&mut id);
        !id.is_empty()
    })
    .await;
    id
}

async fn about_settings(stage: &mut Stage) {
    stage.says("version", &["version"]).await;
    stage.says("version_json", &["version", "--json"]).await;
    stage.says("config_check", &["config", "check"]).await;
    stage.says("config_check_json", &["config", "check", "--json", "--port", "http"]).await;
    stage.says("config_check_strict", &["config", "check", "--strict", "--api-key", "short"]).await;
    stage.says("config_show", &["config", "show"]).await;
    stage.says("config_show_json", &["config", "show", "--json", "--max-media-mb", "7"]).await;
    stage.says("config_explain", &["config", "explain"]).await;
    stage.says("config_explain_port", &["config", "explain", "port", "--lang", "es"]).await;
    stage.says("config_explain_secret", &["config", "explain", "CODECHAT_KEY", "--lang", "pt-BR"]).await;
    stage.says("config_explain_json", &["config", "explain", "--log-format", "json", "LOG_FORMAT", "--json"]).await;
    stage.says("config_explain_unknown", &["config", "explain", "RELAY_PROT"]).await;
    stage.says("config_init", &["config", "init"]).await;
    stage.says("config_init_again", &["config", "init"]).await;
    stage.says("config_init_yes", &["config", "init", "--yes"]).await;
    stage.says("completions_unknown", &["completions", "tcsh"]).await;
    stage.says("man_nowhere", &["man", "--folder", "data/relay.db"]).await;
    std::fs::remove_file(stage.home.path(".env")).unwrap();
}

async fn about_sessions(stage: &mut Stage) {
    stage.says("session_add_without_token", &["session", "add", "--account", "1", "--inbox", "1"]).await;
    stage.says("session_ls", &["session", "ls"]).await;
    stage.says("session_ls_json", &["session", "ls", "--json"]).await;
    stage.says("session_show", &["session", "show", "loja01"]).await;
    stage.says("session_show_unknown", &["session", "show", "nobody"]).await;
    stage.says("session_set", &["session", "set", "loja01", "voice=original"]).await;
    stage.says("session_set_wrong", &["session", "set", "loja01", "voice=loud"]).await;
    stage.says("session_connect_unknown", &["session", "connect", "nobody"]).await;
    stage.says("session_pause", &["session", "pause", "loja01", "--reason", "holidays"]).await;
    stage.says("session_resume", &["session", "resume", "loja01"]).await;
}

async fn about_messages(stage: &mut Stage, id: &str) {
    stage.says("message_ls", &["message", "ls"]).await;
    stage.says("message_ls_json", &["message", "ls", "--json"]).await;
    stage.says("message_ls_wrong", &["message", "ls", "--state", "lost"]).await;
    stage.says("message_show", &["message", "show", id]).await;
    stage.says("message_show_json", &["message", "show", id, "--json"]).await;
    stage.says("message_retry", &["message", "retry", id]).await;
    stage.says("dead_ls", &["dead", "ls"]).await;
    stage.says("dead_ls_json", &["dead", "ls", "--json"]).await;
    stage.says("dead_ls_groups", &["dead", "ls", "--groups"]).await;
    stage.says("dead_show_unknown", &["dead", "show", "nothing"]).await;
    stage.says("dead_retry_nothing_named", &["dead", "retry"]).await;
    stage.says("dead_retry_all", &["dead", "retry", "--all"]).await;
    stage.says("dead_retry_json", &["dead", "retry", "--all", "--json"]).await;
    stage.says("dead_drop_json", &["dead", "drop", "--all", "--why", "done with", "--json"]).await;
    stage.says("dead_export", &["dead", "export"]).await;
}
