//! Where settings come from: flags over the environment over `.env` over defaults, and secrets from files.

use relay_testing::eventually;
use serde_json::Value;

use crate::support::{Home, Sides};

async fn accepts(home: &Home, key: &str) -> bool {
    let http = relay_engine::http::client().unwrap();
    http.get(home.url("/session")).header("api-key", key).send().await.unwrap().status().is_success()
}

#[tokio::test]
async fn flags_win_over_the_environment_and_that_over_the_file() {
    let home = Home::new();
    home.write(".env", "# ours\nAPI_KEY=\"from the file\"\nDATA_DIR=kept\nexport LOG_FORMAT=json\nPORT=1\n");
    let server = home.serve(&["serve"]).await;
    assert!(accepts(&home, "from the file").await, "the port of the environment and the key of the file");
    assert!(home.path("kept/relay.db").exists() && !home.path("data").exists());
    assert!(server.stop().await.success());

    let home = home.with("API_KEY", "from the environment");
    let server = home.serve(&["serve"]).await;
    assert!(accepts(&home, "from the environment").await && !accepts(&home, "from the file").await);
    assert!(server.stop().await.success());

    let server = home.serve(&["serve", "--api-key", "from a flag"]).await;
    assert!(accepts(&home, "from a flag").await && !accepts(&home, "from the environment").await);
    assert!(server.stop().await.success());
}

#[tokio::test]
async fn a_malformed_file_is_told_by_line_and_not_by_content() {
    let home = Home::new();
    home.write(".env", "LOCALE=en\n\nAPI_KEY=two words hunter22\n");
    let said = home.run(&["serve"]).await;
    said.misconfigured(&[".env:3: this line is no setting", "hint: write NAME=value"]);
    assert!(!said.err.contains("hunter22"), "{}", said.err);
}

#[tokio::test]
async fn secrets_come_from_files() {
    let home = Home::new();
    home.write("api", "key in a file\n");
    home.write("secret", "  secret in a file  \n");
    home.write("database", "sqlite://elsewhere/relay.db\n");
    let home = home
        .with("LOCALE", "en")
        .with("API_KEY_FILE", "api")
        .with("SECRET_KEY_FILE", "secret")
        .with("DB_URL_FILE", "database");
    let server = home.serve(&["serve"]).await;
    assert!(accepts(&home, "key in a file").await);
    assert!(home.path("elsewhere/relay.db").exists());
    assert!(!home.path("data/secret.key").exists() && !home.path("data/api.key").exists());
    assert!(server.stop().await.success());
    home.run(&["serve", "--secret-key", "x"])
        .await
        .misconfigured(&["both SECRET_KEY and SECRET_KEY_FILE are set", "hint: remove one of them"]);
    home.write("api", " \n");
    home.run(&["serve"]).await.misconfigured(&["environment: API_KEY_FILE: api is empty"]);
    std::fs::remove_file(home.path("api")).unwrap();
    home.run(&["serve"]).await.misconfigured(&["environment: API_KEY_FILE: api is not there"]);
}

/// Compose files pass on variables that nobody set as empty ones.
#[tokio::test]
async fn empty_variables_count_as_unset() {
    let home = Home::new();
    let names = ["API_KEY", "SECRET_KEY", "CODECHAT_KEY", "API_KEY_FILE", "DB_URL", "DB_URL_FILE"];
    let home = names.into_iter().fold(home, |home, name| home.with(name, ""));
    let server = home.serve(&["serve"]).await;
    assert!(!accepts(&home, "").await);
    assert!(server.out().contains("API_KEY was made"), "{}", server.out());
    assert!(home.path("data/relay.db").exists());
    assert!(server.stop().await.success());
}

#[tokio::test]
async fn names_of_the_first_relay_only_warn() {
    let home = Home::new()
        .with("GOOSE_DRIVER", "postgres")
        .with("GOOSE_DBSTRING", "postgres://u:hunter22@h/x")
        .with("GOOSE_MIGRATION_DIR", "m");
    let server = home.serve(&["serve"]).await;
    let log = server.err();
    for name in ["GOOSE_DRIVER", "GOOSE_DBSTRING", "GOOSE_MIGRATION_DIR"] {
        assert!(log.contains(&format!("{name} has no effect: migrations are built in and run on start")), "{log}");
    }
    assert!(!log.contains("hunter22"), "{log}");
    assert!(server.stop().await.success());
}

#[tokio::test]
async fn the_log_is_json_when_asked() {
    let home = Home::new().with("LOG_FORMAT", "json").with("LOG_LEVEL", "debug");
    let server = home.serve(&["serve"]).await;
    assert!(!accepts(&home, "wrong").await);
    eventually("the refusal to be logged", async || server.err().contains("request refused")).await;
    let lines: Vec<Value> =
        server.err().lines().map(|line| serde_json::from_str(line).expect("every line is JSON")).collect();
    let refused = lines.iter().find(|line| line["message"] == "request refused").unwrap();
    assert_eq!(
        (&refused["route"], &refused["status"], &refused["level"]),
        (&"/session".into(), &401.into(), &"INFO".into())
    );
    assert!(server.stop().await.success());
}

/// Somebody who changes the port must not have to repeat it in an address.
#[tokio::test]
async fn addresses_follow_the_port() {
    let sides = Sides::start().await;
    let home = Home::new().between(&sides);
    let server = home.serve(&["serve"]).await;
    let said = home
        .run(&[
            "session",
            "add",
            "--name",
            "loja01",
            "--account",
            "1",
            "--inbox",
            &sides.inbox,
            "--token",
            "sim-admin-token",
        ])
        .await;
    said.succeeded();
    let inbox = sides.inbox.parse().unwrap();
    let hook = sides.chatwoot.webhook_url(inbox).unwrap();
    assert!(hook.starts_with(&format!("http://localhost:{}/chatwoot/webhook/loja01?token=", home.port)), "{hook}");
    let hook = sides.codechat.webhook_url("loja01").unwrap();
    assert!(hook.starts_with(&format!("http://127.0.0.1:{}/codechat/webhook/loja01?token=", home.port)), "{hook}");
    assert!(server.stop().await.success());
}
