//! Addresses of files that somebody wrote into a webhook: none leads into our own network.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use relay_sim::CustomerMessage;
use relay_testing::{Database, TestApp};
use reqwest::StatusCode;
use serde_json::json;
use tokio::net::TcpListener;

use crate::support::{agent_text, post_signed};

/// A server that nobody may call; counts those who do.
async fn forbidden_server() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            counted.fetch_add(1, Ordering::Relaxed);
        }
    });
    (port, calls)
}

#[tokio::test]
async fn a_file_is_not_fetched_from_the_inside() {
    let app = TestApp::start(Database::Sqlite).await;
    app.codechat.customer_sends("loja01", &CustomerMessage::text("5511988887777", "oi"));
    app.chatwoot_has(1).await;
    let (port, calls) = forbidden_server().await;
    let addresses = [
        format!("http://127.0.0.1:{port}/x.pdf"),
        format!("http://localhost:{port}/x.pdf"),
        format!("http://LOCALHOST.:{port}/x.pdf"),
        format!("http://x.localhost:{port}/x.pdf"),
        format!("http://0.0.0.0:{port}/x.pdf"),
        format!("http://[::1]:{port}/x.pdf"),
        format!("http://[::ffff:127.0.0.1]:{port}/x.pdf"),
        format!("http://2130706433:{port}/x.pdf"),
        format!("http://0x7f.1:{port}/x.pdf"),
        format!("http://0177.0.0.1:{port}/x.pdf"),
        format!("http://127.1:{port}/x.pdf"),
        format!("http://chat.example@127.0.0.1:{port}/x.pdf"),
        format!("http://127.0.0.1:{port}\\@chat.example/x.pdf"),
        format!("http://１２７.0.0.1:{port}/x.pdf"),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "file:///etc/passwd".to_owned(),
        "ftp://127.0.0.1/x".to_owned(),
        "gopher://127.0.0.1/x".to_owned(),
        "data:text/plain,x".to_owned(),
    ];
    for (index, address) in addresses.iter().enumerate() {
        let mut webhook = agent_text(&app, 800 + u64::try_from(index).unwrap(), "a file");
        webhook["attachments"] =
            json!([{ "id": 1, "file_type": "file", "data_url": address, "account_id": 1, "message_id": 1 }]);
        assert_eq!(post_signed(&app, webhook.to_string()).await.0, StatusCode::OK, "{address}");
    }
    let tally = app.settle().await;
    assert_eq!(calls.load(Ordering::Relaxed), 0, "somebody called the server that nobody may call");
    assert_eq!(usize::try_from(tally.dead).unwrap(), addresses.len(), "{tally:?}");
    assert_eq!(app.codechat.submission_count(), 0);
    app.finish().await;
}
