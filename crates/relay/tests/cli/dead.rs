//! `relay dead …`, `relay message retry` and `relay session pause|resume`, and what is said before a session goes with its backlog.

use relay_sim::AgentMessage;
use relay_testing::eventually;
use serde_json::{Value, json};

use crate::support::{Home, Sides};

/// An agent writes to a contact without a number: the message dies at once.
async fn die(home: &Home, sides: &Sides, text: &str, count: usize) -> Vec<String> {
    let contact = sides.chatwoot.add_contact(1, &format!("Sem número {count}"), None, None).unwrap();
    let url = format!("{}/api/v1/accounts/1/conversations", sides.chatwoot.base_url());
    let new = json!({ "inbox_id": sides.inbox.parse::<u64>().unwrap(), "contact_id": contact });
    let http = relay_engine::http::client().unwrap();
    let made = http.post(url).header("api_access_token", "sim-admin-token").json(&new).send().await.unwrap();
    let conversation: Value = made.json().await.unwrap();
    sides.chatwoot.agent_sends(conversation["id"].as_u64().unwrap(), AgentMessage::text(text)).unwrap();
    died(home, count).await
}

async fn died(home: &Home, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    eventually("the dead letters", async || {
        let page: Value = serde_json::from_str(home.run(&["dead", "ls", "--json"]).await.succeeded()).unwrap();
        let letters = page["data"].as_array().unwrap();
        ids = letters.iter().map(|letter| letter["id"].as_str().unwrap().to_owned()).collect();
        ids.len() == count
    })
    .await;
    ids
}

/// Lines and columns, without what differs from run to run.
fn columns(text: &str) -> Vec<Vec<&str>> {
    text.lines().map(|line| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect()).collect()
}

#[tokio::test]
async fn dead_letters_are_handled() {
    let sides = Sides::start().await;
    let home = Home::new().between(&sides);
    let server = home.serve(&["serve"]).await;
    assert_eq!(home.run(&["dead", "ls"]).await.succeeded(), "no dead letters\n");
    assert_eq!(home.run(&["dead", "ls", "--groups"]).await.succeeded(), "no dead letters\n");
    assert_eq!(home.run(&["dead", "retry", "--all"]).await.succeeded(), "  ✓ 0 dead letters retried\n");
    let add =
        ["session", "add", "--name", "loja01", "--account", "1", "--inbox", &sides.inbox, "--token", "sim-admin-token"];
    home.run(&add).await.succeeded();
    die(&home, &sides, "um\u{1b}[31m", 1).await;
    let ids = die(&home, &sides, "dois", 2).await;

    let said = home.run(&["dead", "ls", "--session", "loja01", "--reason", "no_number", "--since", "1h"]).await;
    let lines = columns(said.succeeded());
    assert_eq!(lines[0], ["MESSAGE", "DIED", "SESSION", "WAY", "CHAT", "TRIES", "KIND", "STATE"]);
    assert_eq!((lines[1][0], lines[1][2], lines[1][3]), (ids[0].as_str(), "loja01", "out"));
    assert!(lines[1].last().unwrap().starts_with("dead (no_number: The contact has no phone number."), "{said:?}");
    assert_eq!(lines.len(), 3);
    let said = home.run(&["dead", "ls", "--limit", "1"]).await;
    assert!(said.succeeded().ends_with(&format!("more: relay dead ls --cursor {}\n", ids[0])), "{said:?}");
    let said = home.run(&["dead", "ls", "--groups"]).await;
    let lines = columns(said.succeeded());
    assert_eq!(lines[0], ["COUNT", "SESSION", "WAY", "STATE", "REASON", "FIRST", "LAST"]);
    assert_eq!(lines[1][..5], ["2", "loja01", "out", "dead", "no_number"]);

    let said = home.run(&["dead", "show", &ids[1]]).await;
    assert!(said.succeeded().contains("attempt 1") && !said.out.contains('\u{1b}'), "{said:?}");
    assert!(said.out.ends_with(&format!("next: relay dead retry {0}, or relay dead drop {0} --why …\n", ids[1])));
    let shown: Value = serde_json::from_str(home.run(&["dead", "show", &ids[1], "--json"]).await.succeeded()).unwrap();
    assert_eq!(shown["state"], json!("dead"));

    let said = home.run(&["dead", "export", "--session", "loja01"]).await;
    let exported: Vec<Value> = said.succeeded().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(exported.len(), 2);
    assert!(!said.out.contains('\u{1b}'));
    let body: Value = serde_json::from_str(exported[1]["body"]["text"].as_str().unwrap()).unwrap();
    assert_eq!(body["content"], json!("um\u{1b}[31m"));

    let said = home.run(&["dead", "retry", &ids[0], &ids[1]]).await;
    let expected = format!("  ✓ message {} retried\n  ✓ message {} retried\n", ids[0], ids[1]);
    assert_eq!(said.succeeded(), expected);
    died(&home, 2).await;
    let said = home.run(&["message", "retry", &ids[0]]).await;
    assert_eq!(said.succeeded(), format!("  ✓ message {} waits for another turn\n", ids[0]));
    died(&home, 2).await;
    let said = home.run(&["dead", "retry", "--session", "loja01"]).await;
    assert_eq!(said.succeeded(), "  ✓ 2 dead letters retried\n");
    assert_eq!(said.err, "  2 retried\n", "progress is no output");
    died(&home, 2).await;
    let said = home.run(&["dead", "drop", &ids[0], "--why", "called back"]).await;
    assert_eq!(said.succeeded(), format!("  ✓ message {} dropped\n", ids[0]));

    home.run(&["session", "rm", "loja01"]).await.failed_with(&[
        "0 events of this session still wait and 1 is a dead letter",
        "hint: relay dead export --session loja01",
        "hint: relay dead retry --session loja01",
        "hint: relay session rm loja01 --force",
    ]);
    let said = home.run(&["dead", "drop", "--all", "--why", "done with"]).await;
    assert_eq!(said.succeeded(), "  ✓ 1 dead letter dropped\n");
    home.run(&["session", "rm", "loja01"]).await.succeeded();
    assert!(server.stop().await.success());
}

#[tokio::test]
async fn what_is_asked_wrongly_is_explained() {
    let home = Home::new();
    let server = home.serve(&["serve"]).await;
    home.run(&["dead", "retry"]).await.failed_with(&["no dead letter is named", "hint: give ids", "or --all"]);
    home.run(&["dead", "drop", "--why", "x"]).await.failed_with(&["no dead letter is named"]);
    home.run(&["dead", "retry", "x", "--session", "y"]).await.failed_with(&["either ids of messages or"]);
    home.run(&["dead", "retry", "nothing"])
        .await
        .failed_with(&["there is no message nothing", "hint: relay dead ls lists those there are"]);
    home.run(&["message", "retry", "nothing"]).await.failed_with(&["there is no message nothing"]);
    home.run(&["dead", "show", "nothing"]).await.failed_with(&["there is no message nothing"]);
    home.run(&["dead", "ls", "--state", "delivered"]).await.failed_with(&["state is one of dead, expired"]);
    home.run(&["dead", "export", "--session", "nobody"]).await.failed_with(&["there is no session nobody"]);
    home.run(&["session", "pause", "nobody"]).await.failed_with(&["there is no session nobody"]);
    for (words, expected) in [
        (&["dead", "drop", "--all"][..], "--why <WHY>"),
        (&["dead", "retry", "x", "--all"], "cannot be used with"),
        (&["dead", "ls", "--since", "soon"], "use 30m, 2h, 7d"),
    ] {
        let said = home.run(words).await;
        assert_eq!(said.code, Some(2), "{words:?}: {said:?}");
        assert!(said.err.contains(expected), "{words:?}: {}", said.err);
    }
    assert!(server.stop().await.success());
}

#[tokio::test]
async fn a_session_is_paused_and_resumed() {
    let sides = Sides::start().await;
    let home = Home::new().between(&sides);
    let add =
        ["session", "add", "--name", "loja01", "--account", "1", "--inbox", &sides.inbox, "--token", "sim-admin-token"];
    home.run(&add).await.succeeded();
    let said = home.run(&["session", "pause", "loja01", "--reason", "holidays"]).await;
    assert_eq!(
        said.succeeded(),
        "  ✓ session loja01 paused; what comes meanwhile is stored\n  next: relay session resume loja01\n"
    );
    let said = home.run(&["session", "show", "loja01"]).await;
    assert!(said.succeeded().contains("paused paused by a person: holidays"), "{said:?}");
    assert_eq!(home.run(&["session", "resume", "loja01"]).await.succeeded(), "  ✓ session loja01 resumed\n");
    assert!(home.run(&["session", "show", "loja01"]).await.out.contains("active"));
}
