//! `relay message …`: what operators see of a message, and that a customer cannot steer their terminal.

use relay_testing::{eventually, fixtures};
use serde_json::{Value, json};

use crate::support::{Home, Sides};

#[tokio::test]
async fn messages_are_listed_and_shown_and_obey_nobody() {
    let sides = Sides::start().await;
    let home = Home::new().between(&sides);
    let server = home.serve(&["serve"]).await;
    assert_eq!(home.run(&["message", "ls"]).await.succeeded(), "no messages\n");
    let add =
        ["session", "add", "--name", "loja01", "--account", "1", "--inbox", &sides.inbox, "--token", "sim-admin-token"];
    home.run(&add).await.succeeded();
    let mut webhook = fixtures::read("webhooks", "messages.upsert__conversation");
    webhook["data"]["content"]["text"] = json!("*Olá*\n\u{1b}]0;evil\u{7}\u{9b}2J\u{202e}fim");
    let hook = sides.codechat.webhook_url("loja01").unwrap();
    let sent = relay_engine::http::client().unwrap().post(hook).json(&webhook).send().await.unwrap();
    assert!(sent.status().is_success());

    let ls = [
        "message",
        "ls",
        "--session",
        "loja01",
        "--direction",
        "in",
        "--state",
        "delivered",
        "--since",
        "1h",
        "--json",
    ];
    let mut id = String::new();
    eventually("the message to cross", async || {
        let page: Value = serde_json::from_str(home.run(&ls).await.succeeded()).unwrap();
        id = page["data"][0]["id"].as_str().unwrap_or_default().to_owned();
        !id.is_empty()
    })
    .await;
    let listed = home.run(&ls[..ls.len() - 1]).await;
    let shown = home.run(&["message", "show", &id]).await;
    let as_json = home.run(&["message", "show", &id, "--json"]).await;
    for said in [&listed, &shown, &as_json] {
        let obeyed = said.succeeded().chars().find(|sign| (sign.is_control() && *sign != '\n') || *sign == '\u{202e}');
        assert_eq!(obeyed, None, "{said:?}");
        assert!(said.out.contains("**Olá**"), "{said:?}");
    }
    assert!(listed.out.starts_with("MESSAGE"), "{listed:?}");
    for expected in ["in", "loja01", "conversation", "received", "attempt 1", "part 1 of 1", "Chatwoot conversation"] {
        assert!(shown.out.contains(expected), "{expected:?}: {shown:?}");
    }
    let shown: Value = serde_json::from_str(&as_json.out).unwrap();
    assert_eq!(shown["parts"][0]["text"], json!("**Olá**\n\u{1b}]0;evil\u{7}\u{9b}2J\u{202e}fim"));
    assert!(!server.err().contains("evil") && !server.out().contains("evil"), "texts are in the log");

    home.run(&["message", "show", "nothing"])
        .await
        .failed_with(&["there is no message nothing", "hint: relay message ls"]);
    home.run(&["message", "ls", "--state", "lost"]).await.failed_with(&["state is one of pending, delivered"]);
    assert!(server.stop().await.success());
}
