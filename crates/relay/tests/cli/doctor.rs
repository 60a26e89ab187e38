//! `relay doctor` as its user sees it: what it prints, how it ends, with a relay that runs and without one.

use serde_json::Value;

use crate::support::{Home, Said, Sides};

/// Ends as it should, and returns what was printed.
fn ended_with(said: &Said, code: i32) -> &str {
    assert_eq!(said.code, Some(code), "{said:?}");
    assert!(said.err.is_empty(), "{said:?}");
    &said.out
}

fn line<'a>(out: &'a str, name: &str) -> &'a str {
    out.lines().find(|line| line.split_whitespace().nth(1) == Some(name)).unwrap_or_else(|| panic!("no {name}: {out}"))
}

#[tokio::test]
async fn a_healthy_relay_is_told_so() {
    let sides = Sides::start().await;
    let home = Home::new().between(&sides).with("LOCALE", "en");
    let add =
        ["session", "add", "--name", "loja01", "--account", "1", "--inbox", &sides.inbox, "--token", "sim-admin-token"];
    let server = home.serve(&["serve"]).await;
    home.run(&add).await.succeeded();
    sides.codechat.scan_qr("loja01", "5511988887777");
    let out = home.run(&["doctor", "--deep"]).await;
    let out = ended_with(&out, 0);
    assert!(line(out, "relay.running").contains(" ok "), "{out}");
    assert!(line(out, "chatwoot.reach").contains("Chatwoot called us within"), "{out}");
    assert!(line(out, "codechat.reach").contains("CodeChat called us within"), "{out}");
    assert!(out.contains("\nloja01\n"), "{out}");
    assert!(out.contains(" 0 failures, "), "{out}");
    assert!(out.lines().all(|line| line.chars().count() <= 80), "{out}");
    assert!(!out.contains('\u{1b}'), "no colours where there is no terminal: {out}");
    server.stop().await;
}

#[tokio::test]
async fn without_a_relay_one_is_started_where_it_would_run() {
    let sides = Sides::start().await;
    let home = Home::new().between(&sides).with("LOCALE", "en");
    home.write(".env", "CHATWOOT_ULR=http://127.0.0.1\n");
    let said = home.run(&["doctor"]).await;
    let out = ended_with(&said, 0);
    assert!(line(out, "relay.running").starts_with(" warn"), "{out}");
    assert!(line(out, "public.url").starts_with(" ok"), "{out}");
    assert!(line(out, "relay.settings").starts_with(" warn"), "{out}");
    assert!(out.contains("did you mean: CHATWOOT_ULR → CHATWOOT_URL?"), "{out}");
    let words = out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        words.contains("chatwoot.inbox, ") && words.contains("clock (there is no session yet: relay session add)"),
        "{out}"
    );
    ended_with(&home.run(&["doctor", "--strict"]).await, 4);
    let said = home.run(&["doctor", "--json"]).await;
    let report: Value = serde_json::from_str(ended_with(&said, 0)).unwrap();
    assert!(report["summary"]["warn"].as_u64().unwrap() >= 2, "{report}");
    home.run(&["doctor", "--session", "nobody"]).await.failed_with(&["there is no session nobody"]);
    sides.codechat.go_down().await;
    let said = home.run(&["doctor", "--strict", "--locale", "pt-BR"]).await;
    let out = ended_with(&said, 3);
    assert!(line(out, "codechat.server").starts_with(" FAIL  codechat.server     o CodeChat não responde"), "{out}");
    assert!(out.contains("       faça   veja se CodeChat está no ar"), "{out}");
}
