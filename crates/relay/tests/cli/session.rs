//! `relay session …` and `relay health`, with a server and without one.

use serde_json::{Value, json};

use crate::support::{Home, Sides};

const TOKEN: &str = "sim-admin-token";

async fn a_number_is_joined_and_removed(home: &Home, sides: &Sides) {
    assert_eq!(home.run(&["session", "ls"]).await.succeeded(), "no sessions yet: relay session add --help\n");
    let add = [
        "session",
        "add",
        "--name",
        "loja01",
        "--description",
        "Loja da esquina",
        "--account",
        "1",
        "--inbox",
        &sides.inbox,
        "--token",
        TOKEN,
    ];
    let said = home.run(&add).await;
    assert_eq!(
        said.succeeded(),
        "  ✓ session loja01 made\n  ✓ the inbox's webhook is set\n  next: relay session connect loja01\n"
    );
    let hook = sides.codechat.webhook_url("loja01").unwrap();
    assert!(!said.out.contains(hook.split_once("token=").unwrap().1));

    let said = home.run(&["session", "ls"]).await;
    let lines: Vec<Vec<_>> = said.succeeded().lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["SESSION", "STATUS", "WHATSAPP", "ACCOUNT", "INBOX", "DESCRIPTION"]);
    assert_eq!(lines[1][..5], ["loja01", "active", "unknown", "1", &sides.inbox]);
    let listed: Value = serde_json::from_str(home.run(&["session", "ls", "--json"]).await.succeeded()).unwrap();
    assert_eq!(listed["data"][0]["session_id"], json!("loja01"));
    let said = home.run(&["session", "show", "loja01"]).await;
    for expected in ["Loja da esquina", "active", &sides.chatwoot.base_url(), "account 1"] {
        assert!(said.succeeded().contains(expected), "{said:?}");
    }
    let shown: Value =
        serde_json::from_str(home.run(&["session", "show", "loja01", "--json"]).await.succeeded()).unwrap();
    assert_eq!(shown["chatwoot"]["signed"], json!(true));

    let set = ["session", "set", "loja01", "voice=original", "calls.reject=true", "calls.reply=Escreva: aqui"];
    let said = home.run(&set).await;
    assert!(said.succeeded().starts_with("  ✓ settings of session loja01 changed\n"), "{said:?}");
    for (name, value) in [("voice", "original"), ("calls.reject", "true"), ("calls.reply", "Escreva: aqui")] {
        let line = said.out.lines().find(|line| line.trim_start().starts_with(name)).unwrap();
        assert!(line.ends_with(value), "{said:?}");
    }
    home.run(&["session", "set", "loja01", "voise=mp3"]).await.failed_with(&["unknown field `voise`"]);
    home.run(&["session", "set", "loja01", "calls=1", "calls.x=2"]).await.failed_with(&["`calls.x`"]);

    let said = home.run(&["session", "connect", "loja01"]).await;
    assert!(said.succeeded().starts_with("Scan with WhatsApp > Linked devices > Link a device:\n"), "{said:?}");
    assert!(said.out.contains('█') && said.out.lines().count() > 10, "{said:?}");
    let qr: Value =
        serde_json::from_str(home.run(&["session", "connect", "loja01", "--json"]).await.succeeded()).unwrap();
    assert!(qr["base64"].as_str().unwrap().starts_with("data:image/png"));

    home.run(&add).await.failed_with(&["this session name is already in use by another session"]);
    home.run(&["session", "show", "nobody"]).await.failed_with(&["there is no session nobody"]);
    home.run(&["session", "rm", "nobody"]).await.failed_with(&["there is no session nobody"]);
    let said = home.run(&["session", "rm", "loja01"]).await;
    assert_eq!(said.succeeded(), "  ✓ session loja01 removed; its CodeChat instance and pairing remain\n");
    assert!(home.run(&["session", "ls"]).await.out.contains("no sessions yet"));
}

#[tokio::test]
async fn a_number_is_joined_and_removed_through_the_server() {
    let sides = Sides::start().await;
    let home = Home::new().between(&sides);
    let server = home.serve(&["serve"]).await;
    a_number_is_joined_and_removed(&home, &sides).await;
    assert!(server.stop().await.success());
}

#[tokio::test]
async fn a_number_is_joined_and_removed_without_a_server() {
    let sides = Sides::start().await;
    let home = Home::new().between(&sides);
    a_number_is_joined_and_removed(&home, &sides).await;
}

#[tokio::test]
async fn an_agents_token_tells_what_to_paste() {
    let sides = Sides::start().await;
    let home = Home::new().between(&sides).with("CHATWOOT_TOKEN", "sim-agent-token");
    let said = home.run(&["session", "add", "--name", "loja01", "--account", "1", "--inbox", &sides.inbox]).await;
    let pasted = format!("http://localhost:{}/chatwoot/webhook/loja01?token=", home.port);
    assert!(said.succeeded().contains("Paste this into the inbox's webhook URL in Chatwoot:\n"), "{said:?}");
    assert!(said.out.contains(&pasted), "{said:?}");
}

#[tokio::test]
async fn what_is_missing_or_wrong_is_named() {
    let sides = Sides::start().await;
    let home = Home::new();
    let add = |token: &'static str| ["session", "add", "--account", "1", "--inbox", "1", "--token", token];
    home.run(&add(TOKEN)).await.failed_with(&["CHATWOOT_URL is not set: tell the relay where Chatwoot is"]);
    let home = home.with("CHATWOOT_URL", sides.chatwoot.base_url());
    home.run(&add(TOKEN)).await.failed_with(&["CODECHAT_URL is not set: tell the relay where CodeChat is"]);
    let home = home.with("CODECHAT_URL", sides.codechat.base_url());
    home.run(&add(TOKEN))
        .await
        .failed_with(&["CODECHAT_KEY is not set: tell the relay where CodeChat's global key is"]);
    let home = home.with("CODECHAT_KEY", "wrong-key-hunter22");
    let said = home.run(&add(TOKEN)).await;
    said.failed_with(&["CodeChat could not be set up: codechat refuses the key"]);
    assert!(!said.err.contains("hunter22"), "{}", said.err);
    let said = home.run(&add("wrong-token-hunter22")).await;
    said.failed_with(&[
        "Chatwoot refuses the token for account 1: use the access token of an administrator (Profile settings)",
    ]);
    assert!(!said.err.contains("hunter22"), "{}", said.err);
    home.run(&["session", "add", "--account", "1", "--inbox", "1"])
        .await
        .failed_with(&["no token is given", "hint: set CHATWOOT_TOKEN"]);
    home.run(&["session", "add", "--account", "1", "--inbox", "9", "--token", TOKEN])
        .await
        .failed_with(&["account 1 has no inbox 9 that this token can see"]);
    home.write("token", "sim-admin-token\n");
    let home = home.with("CHATWOOT_TOKEN_FILE", "token").with("CODECHAT_KEY", sides.codechat.api_key());
    home.run(&["session", "add", "--account", "1", "--inbox", "1"]).await.succeeded();
}

#[tokio::test]
async fn another_folders_key_is_told_so() {
    let home = Home::new();
    let server = home.serve(&["serve"]).await;
    let said = home.run(&["session", "ls", "--api-key", "another"]).await;
    said.failed_with(&[
        "the running relay uses another API_KEY",
        "hint: run this command with the same DATA_DIR or API_KEY as relay serve",
    ]);
    assert!(server.stop().await.success());
}

#[tokio::test]
async fn what_others_wrote_cannot_steer_the_terminal() {
    let sides = Sides::start().await;
    let home = Home::new().between(&sides);
    let hostile = "\u{1b}]0;pwn\u{7}\u{1b}[2Jred\nloja99  active";
    home.run(&[
        "session",
        "add",
        "--name",
        "loja01",
        "--description",
        hostile,
        "--account",
        "1",
        "--inbox",
        &sides.inbox,
        "--token",
        TOKEN,
    ])
    .await
    .succeeded();
    for words in [&["session", "ls"][..], &["session", "show", "loja01"], &["session", "ls", "--json"]] {
        let said = home.run(words).await;
        assert!(!said.succeeded().contains(['\u{1b}', '\u{7}']), "{said:?}");
        assert!(!said.out.lines().any(|line| line.starts_with("loja99")), "{said:?}");
    }
    let said = home.run(&["session", "show", hostile]).await;
    assert!(!said.err.contains(['\u{1b}', '\u{7}']), "{said:?}");
}

#[tokio::test]
async fn health_needs_a_server_and_no_key() {
    let home = Home::new();
    home.run(&["health"])
        .await
        .failed_with(&[&format!("no relay answers on port {}", home.port), "hint: start one with relay serve"]);
    assert!(!home.path("data").exists(), "asking leaves nothing behind");
    let server = home.serve(&["serve"]).await;
    let said = home.run(&["health", "--data-dir", "/nonexistent"]).await;
    let health: Value = serde_json::from_str(said.succeeded()).unwrap();
    assert_eq!((&health["status"], &health["version"]), (&json!("ok"), &json!(env!("CARGO_PKG_VERSION"))));
    assert!(server.stop().await.success());
}
