//! Whether both sides of a session report to the relay, and putting right what does not.

use relay_sim::Role;
use relay_testing::{Database, Options, TestApp};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

const SIDES: &str = "/session/loja01/sides";

async fn states(app: &TestApp, method: Method, body: Option<&Value>) -> (String, String) {
    let (status, sides) = app.call(method, SIDES, body).await;
    assert_eq!(status, StatusCode::OK, "{sides}");
    assert!(!sides.to_string().contains("token="), "{sides}");
    let state = |side: &str| sides[side]["state"].as_str().unwrap().to_owned();
    (state("chatwoot"), state("codechat"))
}

fn are(chatwoot: &str, codechat: &str) -> (String, String) {
    (chatwoot.to_owned(), codechat.to_owned())
}

async fn what_is_wrong_is_put_right_and_nothing_else(database: Database) {
    let app = TestApp::without_session(Options::on(database)).await;
    app.create_session("loja01").await;
    assert_eq!(states(&app, Method::GET, None).await, are("right", "right"));
    let right = (app.chatwoot.webhook_url(app.inbox), app.codechat.webhook_url("loja01"));
    assert_eq!(states(&app, Method::POST, None).await, are("right", "right"));
    assert_eq!((app.chatwoot.webhook_url(app.inbox), app.codechat.webhook_url("loja01")), right);

    app.chatwoot.set_webhook_url(app.inbox, "https://other.example.com/hook?token=hunter22");
    let (_, sides) = app.call(Method::GET, SIDES, None).await;
    assert_eq!(sides["chatwoot"]["found"], json!("https://other.example.com/hook"));
    assert_eq!(states(&app, Method::POST, None).await, are("right", "right"));
    assert_ne!(app.chatwoot.webhook_url(app.inbox), right.0, "the secret that was there is not used again");
    app.chatwoot.set_webhook_url(app.inbox, right.0.as_deref().unwrap());
    assert_eq!(states(&app, Method::GET, None).await, are("stale", "right"));

    let url = format!("{}/instance/delete/loja01?force=true", app.codechat.base_url());
    let deleted = app.http().delete(url).header("apikey", app.codechat.api_key()).send().await.unwrap();
    assert!(deleted.status().is_success());
    app.chatwoot.set_webhook_url(app.inbox, "");
    assert_eq!(states(&app, Method::GET, None).await, are("missing", "no_instance"));
    assert_eq!(states(&app, Method::POST, None).await, are("right", "right"));
    app.finish().await;
}

#[tokio::test]
async fn a_new_token_is_taken_when_chatwoot_takes_it() {
    let app = TestApp::without_session(Options::on(Database::Sqlite)).await;
    app.create_session("loja01").await;
    let mend =
        async |token: &str| app.call(Method::POST, SIDES, Some(&json!({ "chatwoot": { "token": token } }))).await;
    let (status, problem) = mend("wrong-token-hunter22").await;
    assert_eq!((status, &problem["code"]), (StatusCode::BAD_GATEWAY, &json!("chatwoot_failed")));
    assert!(!problem.to_string().contains("hunter22"), "{problem}");
    let (_, token) = app.chatwoot.add_user(app.account, "Bia", Role::Administrator);
    assert_eq!(mend(&token).await.0, StatusCode::OK);
    let (status, problem) = app.call(Method::POST, SIDES, Some(&json!({ "token": "x" }))).await;
    assert_eq!((status, &problem["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("invalid_session")));
    assert_eq!(app.call(Method::GET, "/session/nobody/sides", None).await.0, StatusCode::NOT_FOUND);
    app.finish().await;
}

#[tokio::test]
async fn what_is_wrong_is_put_right_on_sqlite() {
    what_is_wrong_is_put_right_and_nothing_else(Database::Sqlite).await;
}

#[tokio::test]
async fn what_is_wrong_is_put_right_on_postgres() {
    what_is_wrong_is_put_right_and_nothing_else(Database::Postgres).await;
}
