//! The API through which operators handle dead letters.

use relay_sim::AgentMessage;
use relay_testing::{Database, TestApp};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{another_session, settled_on};

/// Agents' messages to contacts without a number, which die at once.
async fn die(app: &TestApp, texts: &[&str]) {
    for (number, text) in texts.iter().enumerate() {
        let contact = app.chatwoot.add_contact(app.account, &format!("Sem número {number}"), None, None).unwrap();
        let url = format!("{}/api/v1/accounts/{}/conversations", app.chatwoot.base_url(), app.account);
        let new = json!({ "inbox_id": app.inbox, "contact_id": contact });
        let made = app.http().post(url).header("api_access_token", &app.token).json(&new).send().await.unwrap();
        let made: Value = made.json().await.unwrap();
        app.chatwoot.agent_sends(made["id"].as_u64().unwrap(), AgentMessage::text(*text)).unwrap();
        app.until("it to die", async || letters(app, "").await.len() == number + 1).await;
    }
}

async fn get(app: &TestApp, path: &str) -> (StatusCode, Value) {
    app.call(Method::GET, &format!("/api/v1/dead{path}"), None).await
}

async fn post(app: &TestApp, path: &str, body: &Value) -> (StatusCode, Value) {
    app.call(Method::POST, &format!("/api/v1/dead{path}"), Some(body)).await
}

async fn letters(app: &TestApp, query: &str) -> Vec<Value> {
    let (status, page) = get(app, query).await;
    assert_eq!(status, StatusCode::OK, "{page}");
    page["data"].as_array().unwrap().clone()
}

fn ids(letters: &[Value]) -> Vec<&str> {
    letters.iter().map(|letter| letter["id"].as_str().unwrap()).collect()
}

async fn dead_letters_are_looked_at(database: Database) {
    let app = settled_on(database).await;
    die(&app, &["um", "dois", "três"]).await;
    let all = letters(&app, "").await;
    assert_eq!(all.iter().map(|letter| letter["text"].as_str().unwrap()).collect::<Vec<_>>(), ["três", "dois", "um"]);
    let reason = "no_number: The contact has no phone number. Enter it as +5511987654321 and try again.";
    assert_eq!((&all[0]["state"], &all[0]["reason"]), (&json!("dead"), &json!(reason)));

    let (_, first) = get(&app, "?limit=2").await;
    let (_, rest) = get(&app, &format!("?limit=2&cursor={}", first["next"].as_str().unwrap())).await;
    assert_eq!(ids(first["data"].as_array().unwrap()), ids(&all)[..2]);
    assert_eq!((ids(rest["data"].as_array().unwrap()), &rest["next"]), (ids(&all)[2..].to_vec(), &json!(null)));
    another_session(&app, "loja02").await;
    let chat = all[1]["chat"].as_str().unwrap();
    for (query, count) in [
        ("?session=loja01&direction=out&state=dead&event=message_created&reason=no_number", 3),
        ("?session=loja02", 0),
        ("?direction=in", 0),
        ("?state=expired", 0),
        ("?reason=refused", 0),
        ("?since=2020-01-01T00:00:00Z&until=2020-01-02T00:00:00Z", 0),
        (&format!("?chat={chat}"), 1),
    ] {
        assert_eq!(letters(&app, query).await.len(), count, "{query}");
    }
    let (_, groups) = get(&app, "/groups").await;
    let group = &groups["data"][0];
    assert_eq!(groups["data"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&group["session"], &group["reason"], &group["count"]),
        (&json!("loja01"), &json!("no_number"), &json!(3))
    );
    let id = all[0]["id"].as_str().unwrap();
    let (status, shown) = get(&app, &format!("/{id}")).await;
    assert_eq!((status, shown["tries"][0]["number"].as_u64()), (StatusCode::OK, Some(1)), "{shown}");

    let (_, health) = app.call(Method::GET, "/healthz", None).await;
    assert_eq!((&health["dead_letters"], &health["sessions"][0]["dead_letters"]), (&json!(3), &json!(3)), "{health}");
    for _ in 0..2 {
        let (_, metrics) = app.call(Method::GET, "/metrics", None).await;
        let line = "relay_dead_letters{session=\"loja01\",reason=\"no_number\"} 3\n";
        assert!(metrics.as_str().unwrap().contains(line), "{metrics}");
    }
    app.finish().await;
}

#[tokio::test]
async fn dead_letters_are_looked_at_on_sqlite() {
    dead_letters_are_looked_at(Database::Sqlite).await;
}

#[tokio::test]
async fn dead_letters_are_looked_at_on_postgres() {
    dead_letters_are_looked_at(Database::Postgres).await;
}

async fn dead_letters_are_decided_about(database: Database) {
    let app = settled_on(database).await;
    die(&app, &["um", "dois", "três"]).await;
    let all = letters(&app, "").await;
    let [third, second, first] = ids(&all)[..] else { panic!("{all:?}") };

    let (status, answer) = post(&app, &format!("/{first}/drop"), &json!({ "why": " a customer was called " })).await;
    assert_eq!((status, &answer["state"]), (StatusCode::OK, &json!("ignored")), "{answer}");
    let (_, shown) = app.call(Method::GET, &format!("/api/v1/messages/{first}"), None).await;
    assert_eq!((&shown["state"], &shown["reason"]), (&json!("ignored"), &json!("dropped: a customer was called")));
    for path in [format!("/{first}/retry"), format!("/{first}/drop")] {
        let (status, problem) = post(&app, &path, &json!({ "why": "x" })).await;
        assert_eq!((status, &problem["code"]), (StatusCode::CONFLICT, &json!("not_dead")), "{problem}");
    }
    let (status, problem) = get(&app, &format!("/{first}")).await;
    assert_eq!((status, &problem["code"]), (StatusCode::NOT_FOUND, &json!("not_dead")));

    // a turn each, and it dies again of what it died of
    for path in [format!("/api/v1/dead/{second}/retry"), format!("/api/v1/messages/{second}/retry")] {
        let (status, answer) = app.call(Method::POST, &path, None).await;
        assert_eq!((status, &answer["state"]), (StatusCode::ACCEPTED, &json!("pending")), "{answer}");
        app.until("it to die again", async || letters(&app, "").await.len() == 2).await;
    }
    let (_, shown) = get(&app, &format!("/{second}")).await;
    assert_eq!(shown["tries"].as_array().unwrap().len(), 3);
    let (status, portion) = post(&app, "/retry", &json!({ "all": true, "limit": 1 })).await;
    assert_eq!((status, &portion["retried"], &portion["refused"]), (StatusCode::OK, &json!(1), &json!(0)), "{portion}");
    assert!([second, third].contains(&portion["next"].as_str().unwrap()));
    app.until("it to die again", async || letters(&app, "").await.len() == 2).await;
    let (_, portion) = post(&app, "/drop", &json!({ "session": "loja01", "why": "spring cleaning" })).await;
    assert_eq!(portion["dropped"], json!(2), "{portion}");
    let (_, portion) = post(&app, "/drop", &json!({ "session": "loja01", "why": "again" })).await;
    assert_eq!(portion, json!({ "dropped": 0, "refused": 0, "next": null }));
    let tally = app.finish().await;
    assert_eq!((tally.dead, tally.pending), (0, 0));
}

#[tokio::test]
async fn dead_letters_are_decided_about_on_sqlite() {
    dead_letters_are_decided_about(Database::Sqlite).await;
}

#[tokio::test]
async fn dead_letters_are_decided_about_on_postgres() {
    dead_letters_are_decided_about(Database::Postgres).await;
}

async fn what_is_asked_wrongly_is_named(database: Database) {
    let app = settled_on(database).await;
    let unprocessable = (StatusCode::UNPROCESSABLE_ENTITY, "invalid_filter");
    for (query, (status, code)) in [
        ("?state=pending", unprocessable),
        ("?state=lost", unprocessable),
        ("?direction=up", unprocessable),
        ("?since=yesterday", unprocessable),
        ("?colour=red", unprocessable),
        ("?all=true", unprocessable),
        ("?chat=%00", unprocessable),
        ("?cursor=%00", unprocessable),
        ("?session=nobody", (StatusCode::NOT_FOUND, "unknown_session")),
        ("/export?state=delivered", unprocessable),
        ("/groups?reason=%00", unprocessable),
        ("/nothing", (StatusCode::NOT_FOUND, "unknown_message")),
        ("/%00", unprocessable),
    ] {
        let (found, problem) = get(&app, query).await;
        assert_eq!((found, problem["code"].as_str()), (status, Some(code)), "{query}: {problem}");
    }
    let long = "x".repeat(201);
    for (path, body, (status, code)) in [
        ("/retry", json!({}), unprocessable),
        ("/retry", json!({ "all": true, "why": "x" }), unprocessable),
        ("/retry", json!({ "all": true, "colour": "red" }), unprocessable),
        ("/retry", json!({ "since": "yesterday" }), unprocessable),
        ("/retry", json!([1]), unprocessable),
        ("/drop", json!({ "all": true }), unprocessable),
        ("/drop", json!({ "all": true, "why": " " }), unprocessable),
        ("/drop", json!({ "all": true, "why": "a\nb" }), unprocessable),
        ("/drop", json!({ "all": true, "why": long }), unprocessable),
        ("/drop", json!({ "session": "nobody", "why": "x" }), (StatusCode::NOT_FOUND, "unknown_session")),
        ("/nothing/drop", json!({}), unprocessable),
        ("/nothing/drop", json!({ "why": "x" }), (StatusCode::NOT_FOUND, "unknown_message")),
        ("/nothing/retry", json!({}), (StatusCode::NOT_FOUND, "unknown_message")),
    ] {
        let (found, problem) = post(&app, path, &body).await;
        assert_eq!((found, problem["code"].as_str()), (status, Some(code)), "{path} {body}: {problem}");
    }
    for (method, path) in [
        (Method::GET, ""),
        (Method::GET, "/groups"),
        (Method::GET, "/export"),
        (Method::GET, "/x"),
        (Method::POST, "/retry"),
        (Method::POST, "/drop"),
        (Method::POST, "/x/retry"),
        (Method::POST, "/x/drop"),
    ] {
        let url = app.base.join(&format!("/api/v1/dead{path}")).unwrap();
        let answer = app.http().request(method, url).json(&json!({ "all": true, "why": "x" })).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{path}");
    }
    for path in ["/api/v1/messages/x/retry", "/session/loja01/pause", "/session/loja01/resume"] {
        let answer = app.http().post(app.base.join(path).unwrap()).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{path}");
    }
    app.finish().await;
}

#[tokio::test]
async fn what_is_asked_wrongly_is_named_on_sqlite() {
    what_is_asked_wrongly_is_named(Database::Sqlite).await;
}

#[tokio::test]
async fn what_is_asked_wrongly_is_named_on_postgres() {
    what_is_asked_wrongly_is_named(Database::Postgres).await;
}

/// More letters than one page of an export holds, each whole, and readable again.
#[tokio::test]
async fn an_export_is_whole() {
    let app = settled_on(Database::Sqlite).await;
    let texts: Vec<_> = (0..23).map(|number| format!("mensagem {number}")).collect();
    die(&app, &texts.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let (status, lines) = get(&app, "/export?session=loja01").await;
    assert_eq!(status, StatusCode::OK);
    let lines = lines.as_str().unwrap().lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut exported = Vec::new();
    for letter in lines {
        assert_eq!((&letter["session"], &letter["state"]), (&json!("loja01"), &json!("dead")));
        assert_eq!(letter["tries"][0]["outcome"], json!("dead"));
        let body: Value = serde_json::from_str(letter["body"]["text"].as_str().unwrap()).unwrap();
        exported.push(body["content"].as_str().unwrap().to_owned());
    }
    exported.reverse();
    assert_eq!(exported, texts);
    assert_eq!(get(&app, "/export?state=pending").await.1, json!(""));
    app.finish().await;
}

#[tokio::test]
async fn a_session_with_dead_letters_is_kept_unless_forced() {
    let app = settled_on(Database::Sqlite).await;
    die(&app, &["um", "dois"]).await;
    let (status, problem) = app.call(Method::DELETE, "/session/loja01", None).await;
    assert_eq!((status, &problem["code"]), (StatusCode::CONFLICT, &json!("events_pending")), "{problem}");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.starts_with("0 events of this session still wait and 2 are dead letters; "), "{detail}");
    let (_, portion) = post(&app, "/drop", &json!({ "session": "loja01", "why": "done with" })).await;
    assert_eq!(portion["dropped"], json!(2));
    assert_eq!(app.call(Method::DELETE, "/session/loja01", None).await.0, StatusCode::NO_CONTENT);
    app.finish().await;
}

#[tokio::test]
async fn a_pause_names_what_is_wrong_with_it() {
    let app = settled_on(Database::Sqlite).await;
    for (path, body, status, code) in [
        ("/session/nobody/pause", json!({}), StatusCode::NOT_FOUND, "unknown_session"),
        ("/session/nobody/resume", json!({}), StatusCode::NOT_FOUND, "unknown_session"),
        ("/session/loja01/pause", json!({ "why": "x" }), StatusCode::UNPROCESSABLE_ENTITY, "invalid_session"),
        ("/session/loja01/pause", json!({ "reason": "a\u{0}b" }), StatusCode::UNPROCESSABLE_ENTITY, "invalid_session"),
    ] {
        let (found, problem) = app.call(Method::POST, path, Some(&body)).await;
        assert_eq!((found, problem["code"].as_str()), (status, Some(code)), "{path} {body}: {problem}");
    }
    let (status, session) = app.call(Method::POST, "/session/loja01/pause", None).await;
    assert_eq!((status, &session["status_reason"]), (StatusCode::OK, &json!("paused by a person")), "{session}");
    let (_, health) = app.call(Method::GET, "/healthz", None).await;
    assert_eq!(health["degraded"], json!(["loja01: paused by a person"]));
    let (status, session) = app.call(Method::POST, "/session/loja01/resume", None).await;
    assert_eq!((status, &session["status"]), (StatusCode::OK, &json!("active")));
    app.finish().await;
}
