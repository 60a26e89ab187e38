//! `relay config init`: a file to fill in, private, and never one that was there without asking.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use tokio::io::AsyncWriteExt as _;

use crate::support::{Home, Said};

/// Runs it with somebody who answers.
async fn answered(home: &Home, answer: &str) -> Said {
    let words = ["config", "init", "--lang", "en"];
    let mut child =
        home.command(&words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(answer.as_bytes()).await.unwrap();
    let output = child.wait_with_output().await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

#[tokio::test]
async fn a_file_is_written_once_and_replaced_when_somebody_says_so() {
    let home = Home::new();
    let said = home.run(&["config", "init", "--lang", "en"]).await;
    assert!(said.succeeded().starts_with("  ✓ .env written\n  next: fill in its five lines"), "{said:?}");
    let written = std::fs::read_to_string(home.path(".env")).unwrap();
    assert!(written.lines().count() <= 25, "{written}");
    assert_eq!(std::fs::metadata(home.path(".env")).unwrap().permissions().mode() & 0o777, 0o600);
    let set: Vec<_> =
        written.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split('=').next()).collect();
    assert_eq!(set, ["CHATWOOT_URL", "CODECHAT_URL", "CODECHAT_KEY", "API_KEY", "API_URL"]);

    home.write(".env", "PORT=8081\n");
    let kept = || std::fs::read_to_string(home.path(".env")).unwrap() == "PORT=8081\n";
    for answer in ["", "\n", "n\n"] {
        let said = answered(&home, answer).await;
        said.failed_with(&[".env is there, and stays as it is", "hint: relay config init --yes"]);
        assert!(kept(), "{answer:?}");
    }
    assert_eq!(answered(&home, "y\n").await.code, Some(0));
    assert!(!kept());
    home.write(".env", "PORT=8081\n");
    home.run(&["config", "init", "--yes", "--lang", "pt-BR"]).await.succeeded();
    assert!(std::fs::read_to_string(home.path(".env")).unwrap().contains("Onde o Chatwoot está"));
}
