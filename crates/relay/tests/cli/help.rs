//! What can be asked without anything being there.

use crate::support::Home;

#[tokio::test]
async fn help_names_every_command_and_setting() {
    let home = Home::new()
        .with("API_KEY", "shown-nowhere")
        .with("SECRET_KEY", "shown-nowhere")
        .with("DB_URL", "sqlite://shown-nowhere");
    let said = home.run(&["--help"]).await;
    let help = said.succeeded();
    for word in [
        "serve",
        "demo",
        "session",
        "message",
        "dead",
        "migrate",
        "doctor",
        "health",
        "--port",
        "[env: PORT",
        "API_URL",
        "CODECHAT_CALLBACK_URL",
        "DATA_DIR",
        "LOCALE",
    ] {
        assert!(help.contains(word), "{word} is not in:\n{help}");
    }
    assert!(!help.contains("shown-nowhere"), "{help}");
    for command in [
        &["session", "--help"][..],
        &["session", "add", "--help"],
        &["session", "rm", "--help"],
        &["serve", "-h"],
        &["migrate", "-h"],
    ] {
        assert!(home.run(command).await.succeeded().contains("Usage: relay"), "{command:?}");
    }
    assert_eq!(home.run(&["--version"]).await.succeeded(), format!("relay {}\n", env!("CARGO_PKG_VERSION")));
    assert!(!home.path("data").exists(), "asking for help leaves nothing behind");
}

#[tokio::test]
async fn a_slip_of_the_pen_is_explained() {
    let home = Home::new();
    let table = [
        (&["sesion", "ls"][..], "similar subcommands exist: 'version', 'session'"),
        (&["serve", "--prot", "1"], "a similar argument exists: '--port'"),
        (&["serve", "--port", "eighty"], "--port: PORT=eighty não é um número inteiro"),
        (&["serve", "--lang", "es", "--log-format", "xml"], "LOG_FORMAT=xml no es una de las opciones"),
        (&["serve", "--lang", "klingon"], "use pt-BR, en or es"),
        (&["session", "add", "--account", "1", "--token", "t"], "--inbox <INBOX>"),
        (&["session", "show"], "<SESSION>"),
    ];
    for (words, expected) in table {
        let said = home.run(words).await;
        assert_eq!(said.code, Some(2), "{words:?}: {said:?}");
        assert!(said.err.contains(expected), "{words:?}: {}", said.err);
    }
}
