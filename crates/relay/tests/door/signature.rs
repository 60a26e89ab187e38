//! Chatwoot's signature: over the bytes that came, once, and not long ago.

use relay_sim::{CustomerMessage, Role};
use relay_testing::{Database, Options, TestApp};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{agent_text, now, post, post_json, post_signed, received, settled_app, signed};

async fn attempt(app: &TestApp, timestamp: &[&str], signature: &[&str], body: &str) -> StatusCode {
    let mut headers = vec![("content-type", "application/json")];
    headers.extend(timestamp.iter().map(|value| ("x-chatwoot-timestamp", *value)));
    headers.extend(signature.iter().map(|value| ("x-chatwoot-signature", *value)));
    post(app, &app.chatwoot_webhook(), &headers, body.to_owned()).await.0
}

#[tokio::test]
async fn only_a_right_and_recent_signature_passes() {
    let app = settled_app().await;
    let body = json!({ "event": "made.up", "text": "<b> & é" }).to_string();
    let [_, (_, time), (_, right)] = signed(&app, now(), body.as_bytes()).await;
    let [_, (_, old), (_, expired)] = signed(&app, now() - 301, body.as_bytes()).await;
    let [_, (_, early), (_, ahead)] = signed(&app, now() + 400, body.as_bytes()).await;
    let [_, _, (_, of_another)] = signed(&app, now(), b"{}").await;
    let hex = right.strip_prefix("sha256=").unwrap();
    let upper = format!("sha256={}", hex.to_uppercase());
    let rewritten = serde_json::to_string_pretty(&serde_json::from_str::<Value>(&body).unwrap()).unwrap();
    let table: [(&str, &[&str], &[&str], &str); 14] = [
        ("none", &[], &[], &body),
        ("no signature", &[&time], &[], &body),
        ("no timestamp", &[], &[&right], &body),
        ("of another body", &[&time], &[&of_another], &body),
        ("body written again", &[&time], &[&right], &rewritten),
        ("truncated", &[&time], &[&right[..right.len() - 2]], &body),
        ("upper case", &[&time], &[&upper], &body),
        ("no prefix", &[&time], &[hex], &body),
        ("signature twice", &[&time], &[&right, &right], &body),
        ("timestamp twice", &[&time, &time], &[&right], &body),
        ("other timestamp", &[&old], &[&right], &body),
        ("expired", &[&old], &[&expired], &body),
        ("from the future", &[&early], &[&ahead], &body),
        ("empty", &[""], &[""], &body),
    ];
    for (name, timestamp, signature, body) in table {
        assert_eq!(attempt(&app, timestamp, signature, body).await, StatusCode::UNAUTHORIZED, "{name}");
    }
    assert_eq!(received(&app).await, 0);
    assert_eq!(attempt(&app, &[&time], &[&right], &body).await, StatusCode::OK);
    assert_eq!(received(&app).await, 1);
    app.finish().await;
}

#[tokio::test]
async fn what_is_refused_says_why_and_not_how_to_forge_it() {
    let app = settled_app().await;
    let (status, answer) = post(&app, &app.chatwoot_webhook(), &[("content-type", "application/json")], "{}").await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(
        (answer["code"].as_str(), answer["detail"].as_str()),
        (Some("bad_signature"), Some("the webhook is not signed"))
    );
    app.finish().await;
}

#[tokio::test]
async fn a_replayed_webhook_is_not_carried_out_twice() {
    let app = settled_app().await;
    app.codechat.customer_sends("loja01", &CustomerMessage::text("5511988887777", "oi"));
    app.chatwoot_has(1).await;
    let body = agent_text(&app, 700, "once").to_string();
    for _ in 0..5 {
        assert_eq!(post_signed(&app, &body).await.0, StatusCode::OK);
    }
    app.whatsapp_has(1).await;
    app.settle().await;
    assert_eq!(app.codechat.submission_count(), 1);
    app.finish().await;
}

/// Something on the way may repeat what it believes lost; it is told to stop, and a replay gets nowhere.
#[tokio::test]
async fn an_old_webhook_is_taken_calmly_when_it_is_known_and_refused_when_it_is_not() {
    let app = settled_app().await;
    app.codechat.customer_sends("loja01", &CustomerMessage::text("5511988887777", "oi"));
    app.chatwoot_has(1).await;
    let known = agent_text(&app, 700, "once").to_string();
    assert_eq!(post_signed(&app, &known).await.0, StatusCode::OK);
    app.whatsapp_has(1).await;
    let before = app.settle().await;
    for (id, expected) in [(700, StatusCode::OK), (701, StatusCode::UNAUTHORIZED)] {
        let body = agent_text(&app, id, "once").to_string();
        let [_, (_, old), (_, expired)] = signed(&app, now() - 301, body.as_bytes()).await;
        assert_eq!(attempt(&app, &[&old], &[&expired], &body).await, expected, "{id}");
        let forged = expired.replace('a', "b");
        assert_eq!(attempt(&app, &[&old], &[&forged], &body).await, StatusCode::UNAUTHORIZED, "{id} forged");
    }
    let typing = json!({ "event": "conversation_typing_on" }).to_string();
    let [_, (_, old), (_, expired)] = signed(&app, now() - 301, typing.as_bytes()).await;
    assert_eq!(
        attempt(&app, &[&old], &[&expired], &typing).await,
        StatusCode::UNAUTHORIZED,
        "never stored, never known"
    );
    assert_eq!(app.settle().await, before);
    assert_eq!(app.codechat.submission_count(), 1);
    app.finish().await;
}

/// An agent may not read the secret, so the token in the URL has to do.
#[tokio::test]
async fn without_a_known_secret_the_token_opens() {
    let app = TestApp::without_session(Options { role: Role::Agent, ..Options::on(Database::Sqlite) }).await;
    let (status, made) = app.create_session("loja01").await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    assert_eq!(made["chatwoot"]["signed"], json!(false));
    let door = made["chatwoot_inbox_webhook"].as_str().unwrap();
    assert_eq!(post_json(&app, door, r#"{"event":"made.up"}"#).await, StatusCode::OK);
    let (_, shown) = app.call(Method::GET, "/session/loja01", None).await;
    assert_eq!(shown["chatwoot"]["signed"], json!(false));
    assert_eq!(app.finish().await.received, 1);
}
