//! The door for files: one file per token, a few times, for a few minutes, and never shown in a browser.

use std::time::Duration;

use relay_engine::sessions::hash_token;
use relay_sim::{AgentMessage, CustomerMessage, Kind, assets};
use relay_store::{Offer, OfferFile};
use relay_testing::{Database, TestApp};
use reqwest::StatusCode;

use crate::support::{post_head, raw};

async fn conversation(app: &TestApp) -> u64 {
    app.codechat.customer_sends("loja01", &CustomerMessage::text("5511900000001", "oi"));
    app.chatwoot_has(1).await;
    app.conversation()
}

#[tokio::test]
async fn a_token_works_three_times() {
    let app = TestApp::start(Database::Sqlite).await;
    let conversation = conversation(&app).await;
    let file = AgentMessage::file("contrato.pdf", "application/pdf", assets::DOCUMENT.bytes, None);
    app.chatwoot.agent_sends(conversation, file).unwrap();
    app.whatsapp_has(1).await;
    let url = app.codechat.submissions()[0].media.clone().unwrap().url.expect("CodeChat fetched it from an address");
    assert!(url.starts_with(app.base.as_str()), "{url}");
    // CodeChat fetched it once
    for _ in 0..2 {
        let answer = app.http().get(&url).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(header("content-type").as_deref(), Some("application/pdf"));
        assert_eq!(header("x-content-type-options").as_deref(), Some("nosniff"));
        assert_eq!(header("content-disposition").as_deref(), Some("attachment"));
        assert_eq!(header("cache-control").as_deref(), Some("no-store"));
        assert_eq!(answer.bytes().await.unwrap(), assets::DOCUMENT.bytes);
    }
    for _ in 0..2 {
        assert_eq!(app.http().get(&url).send().await.unwrap().status(), StatusCode::NOT_FOUND);
    }
    app.finish().await;
}

async fn offer(app: &TestApp, token: &str, mime: &str, path: &str, valid_for: i64) {
    let now = app.clock.now();
    let age = Duration::from_secs(valid_for.unsigned_abs());
    let expires_at = if valid_for < 0 { now - age } else { now + age };
    let session = app.engine.sessions.named("loja01").await.unwrap().unwrap().id().clone();
    let offer = Offer { session, path: path.to_owned(), mime: mime.to_owned(), file_name: "a.html".to_owned() };
    app.engine
        .store
        .offer_file(OfferFile { token_hash: hash_token(token), offer, expires_at, fetches: 3 })
        .await
        .unwrap();
}

#[tokio::test]
async fn time_runs_out_and_guesses_miss() {
    let app = TestApp::start(Database::Sqlite).await;
    let spool = app.engine.config.data_dir.join("spool");
    std::fs::write(spool.join("kept"), "<script>alert(1)</script>").unwrap();
    offer(&app, "fresh", "text/html", "kept", 600).await;
    offer(&app, "stale", "text/html", "kept", -1).await;
    offer(&app, "gone", "text/html", "no-such-file", 600).await;
    offer(&app, "broken-type", "text/html\r\nx: y", "kept", 600).await;
    let fetch =
        async |token: &str| app.http().get(app.base.join(&format!("/media/{token}")).unwrap()).send().await.unwrap();
    let page = fetch("fresh").await;
    assert_eq!(page.headers()["content-disposition"], "attachment", "a page must not run on our address");
    assert_eq!(fetch("broken-type").await.headers()["content-type"], "application/octet-stream");
    for token in ["stale", "gone", "Fresh", "fresh%20", "fresh%00", "kept", "*", "%25", "' OR 1=1 --", "%FF"] {
        let answer = fetch(token).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{token}");
        assert!(!answer.text().await.unwrap().contains("spool"), "{token}");
    }
    app.finish().await;
}

#[tokio::test]
async fn no_path_leads_out_of_the_spool() {
    let app = TestApp::start(Database::Sqlite).await;
    let paths = [
        "/media/../relay.db",
        "/media/..%2Frelay.db",
        "/media/%2e%2e/relay.db",
        "/media/%2e%2e%2frelay.db",
        "/media/..\\relay.db",
        "/media//etc/passwd",
        "/media/%2Fetc%2Fpasswd",
        "/media/....//relay.db",
        "/media/..;/relay.db",
        "/media/",
        "/media",
        "/media/%c0%ae%c0%ae/relay.db",
        "/media/spool/x",
        "/relay.db",
        "/spool",
        "/data",
        "/.env",
    ];
    for path in paths {
        let request = post_head(app.base.as_str()).replace("POST / ", &format!("GET {path} ")) + "\r\n";
        let answer = raw(app.base.as_str(), request.as_bytes()).await.unwrap();
        assert!(matches!(answer.status, 400 | 404), "{path}: {answer:?}");
        assert!(!answer.body.contains("SQLite") && !answer.body.contains("root:"), "{path}");
    }
    app.finish().await;
}

/// Names come from strangers; paths are made here.
#[tokio::test]
async fn no_file_name_leads_out_of_the_spool() {
    let app = TestApp::start(Database::Sqlite).await;
    let conversation = conversation(&app).await;
    let long = format!("{}.pdf", "n".repeat(4096));
    let names = [
        "../../etc/passwd",
        "..\\..\\boot.ini",
        "%2e%2e%2fx.pdf",
        "/etc/passwd",
        &long,
        "a\u{0}b.pdf",
        "CON",
        "x.pdf...",
        "a\"\r\nX: y.pdf",
        "\u{202e}fdp.exe",
    ];
    for (index, name) in names.iter().enumerate() {
        app.codechat
            .customer_sends("loja01", &CustomerMessage::new("5511900000001", Kind::Document((*name).to_owned())));
        let file = AgentMessage::file(name, "application/pdf", assets::DOCUMENT.bytes, None);
        app.chatwoot.agent_sends(conversation, file).unwrap();
        app.until(&format!("{name:?} on both sides"), async || {
            app.relayed().len() >= index + 2 && app.codechat.submission_count() > index
        })
        .await;
    }
    app.settle().await;
    let brought: Vec<_> =
        app.relayed().into_iter().flat_map(|message| message.attachments).map(|file| file.name).collect();
    assert_eq!(brought.len(), names.len());
    let sent: Vec<_> = app.codechat.submissions().into_iter().filter_map(|sent| sent.media?.file_name).collect();
    assert_eq!(sent.len(), names.len());
    for name in brought.iter().chain(&sent) {
        assert!(
            !name.contains(['/', '\\', '\r', '\n', '\0', '"', '\u{202e}']) && name.len() <= 255 && !name.is_empty(),
            "{name:?}"
        );
    }
    let root = &app.engine.config.data_dir;
    let found: Vec<_> =
        std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert!(found.iter().all(|name| name.starts_with("relay.") || name == "spool"), "{found:?}");
    for entry in std::fs::read_dir(root.join("spool")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(uuid::Uuid::parse_str(&name).is_ok(), "{name}");
    }
    app.finish().await;
}
