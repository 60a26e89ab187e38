//! What operators and their monitors see.

use relay_sim::CustomerMessage;
use relay_testing::{Database, TestApp};
use reqwest::StatusCode;
use serde_json::{Value, json};

async fn get(app: &TestApp, path: &str) -> (StatusCode, String) {
    let answer = app.http().get(app.base.join(path).unwrap()).send().await.unwrap();
    (answer.status(), answer.text().await.unwrap())
}

async fn everything_is_well(database: Database) {
    let app = TestApp::start(database).await;
    app.codechat.customer_sends("loja01", &CustomerMessage::text("5511900000001", "oi"));
    app.chatwoot_has(1).await;
    app.settle().await;
    assert_eq!(get(&app, "/livez").await, (StatusCode::OK, "ok\n".to_owned()));
    assert_eq!(get(&app, "/readyz").await, (StatusCode::OK, "ok\n".to_owned()));
    for path in ["/health", "/healthz"] {
        let (status, body) = get(&app, path).await;
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((status, &body["status"], &body["degraded"]), (StatusCode::OK, &json!("ok"), &json!([])), "{body}");
        assert_eq!(body["events"]["pending"], json!(0));
        assert_eq!(body["sessions"][0]["name"], json!("loja01"));
    }
    let (status, metrics) = get(&app, "/metrics").await;
    assert_eq!(status, StatusCode::OK);
    assert!(metrics.contains("\nrelay_conservation_error 0\n"), "{metrics}");
    assert!(
        metrics.contains(
            "relay_events_received_total{session=\"loja01\",source=\"codechat\",event=\"messages.upsert\"} 1\n"
        ),
        "{metrics}"
    );
    assert!(metrics.ends_with("# EOF\n"));
    app.finish().await;
}

#[tokio::test]
async fn everything_is_well_on_sqlite() {
    everything_is_well(Database::Sqlite).await;
}

#[tokio::test]
async fn everything_is_well_on_postgres() {
    everything_is_well(Database::Postgres).await;
}

/// Webhooks are taken whatever the others do, so the relay stays ready; the summary says who is away.
#[tokio::test]
async fn a_silent_chatwoot_degrades_and_does_not_stop() {
    let app = TestApp::start(Database::Sqlite).await;
    app.chatwoot.go_down().await;
    for index in 0..8 {
        app.codechat.customer_sends("loja01", &CustomerMessage::text(format!("551190000000{index}"), "oi"));
    }
    app.until("a degraded state", async || get(&app, "/healthz").await.1.contains("degraded\":[\"")).await;
    let (status, body) = get(&app, "/healthz").await;
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &body["status"]), (StatusCode::OK, &json!("degraded")));
    assert_eq!(body["degraded"], json!(["loja01: chatwoot does not answer"]));
    assert_eq!(get(&app, "/readyz").await.0, StatusCode::OK);
    assert_eq!(app.call(reqwest::Method::DELETE, "/session/loja01?force=true", None).await.0, StatusCode::NO_CONTENT);
    app.finish().await;
}

#[tokio::test]
async fn a_closed_store_is_alive_and_not_ready() {
    let app = TestApp::start(Database::Sqlite).await;
    let door = app.codechat_webhook();
    app.settle().await;
    app.engine.store.close().await.unwrap();
    assert_eq!(get(&app, "/livez").await.0, StatusCode::OK);
    for path in ["/readyz", "/healthz", "/metrics"] {
        let (status, body) = get(&app, path).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{path}: {body}");
        assert!(body.contains("the database cannot take writes now"), "{body}");
    }
    let answer = app
        .http()
        .post(door)
        .header("content-type", "application/json")
        .body(r#"{"event":"made.up"}"#)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.headers()["retry-after"], "1");
}

/// Whoever has a webhook address could otherwise fill the memory of the relay and of whatever collects its metrics.
#[tokio::test]
async fn made_up_event_names_make_no_metrics() {
    let app = TestApp::start(Database::Sqlite).await;
    for index in 0..50 {
        let body = json!({ "event": format!("made.up.{index} +5511977776666"), "instance": "loja01" }).to_string();
        assert_eq!(crate::support::post_json(&app, &app.codechat_webhook(), body.clone()).await, StatusCode::OK);
        assert_eq!(crate::support::post_signed(&app, body).await.0, StatusCode::OK);
    }
    let (_, metrics) = get(&app, "/metrics").await;
    assert!(!metrics.contains("made.up") && !metrics.contains("5511977776666"), "{metrics}");
    assert!(metrics.contains("source=\"codechat\",event=\"unknown\"} 50\n"), "{metrics}");
    assert!(metrics.contains("source=\"chatwoot\",event=\"unknown\"} 50\n"), "{metrics}");
    app.finish().await;
}

#[tokio::test]
async fn unknown_addresses_are_told_so() {
    let app = TestApp::start(Database::Sqlite).await;
    for path in ["/", "/api", "/session/loja01/nothing", "/metrics/x", "/%00", "/..%2f..%2fetc%2fpasswd"] {
        let (status, body) = get(&app, path).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["code"], json!("no_route"), "{path}");
    }
    app.finish().await;
}
