//! Who gets in: the token of this session and this direction, and nobody else, with one answer to all the others.

use std::collections::HashSet;

use relay_testing::Database;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{
    agent_text, another_session, customer_text, post, post_head, post_json, post_signed, raw, received, settled_app,
    settled_on,
};

fn token_of(url: &str) -> &str {
    url.split_once("token=").unwrap().1
}

async fn one_answer_to_every_stranger(database: Database) {
    let app = settled_on(database).await;
    another_session(&app, "loja02").await;
    let (ours, theirs) = (app.codechat_webhook(), app.codechat.webhook_url("loja02").unwrap());
    let (token, other_direction) = (token_of(&ours), app.chatwoot_webhook());
    let id = app.engine.sessions.named("loja01").await.unwrap().unwrap().id().to_string();
    let flipped = format!("{}{}", if token.starts_with('A') { 'B' } else { 'A' }, &token[1..]);
    let ways = [
        format!("nobody?token={token}"),
        format!("loja01?token={flipped}"),
        format!("loja01?token={}", &token[..token.len() - 1]),
        format!("loja01?token={token}A"),
        format!("loja01?token={}", token_of(&theirs)),
        format!("loja01?token={}", token_of(&other_direction)),
        format!("loja02?token={token}"),
        format!("LOJA01?token={token}"),
        format!("{id}?token={token}"),
        format!("loja01%00?token={token}"),
        format!("%00?token={token}"),
        format!("%FF%FE?token={token}"),
        format!("..%2Floja01?token={token}"),
        format!("loja01'%20OR%20'1'='1?token={token}"),
        format!("%25?token={token}"),
        format!("loja01?token={token}&token={token}"),
        format!("loja01?TOKEN={token}"),
        "loja01?token=%FF".to_owned(),
        "loja01?token=%".to_owned(),
        "loja01?token=".to_owned(),
        "loja01?".to_owned(),
        "loja01".to_owned(),
    ];
    let body = customer_text("3AENTRANCE0000000001", "let me in").to_string();
    let mut answers = HashSet::new();
    for way in &ways {
        let head = post_head(app.base.join("/codechat/webhook/").unwrap().as_str())
            .replace("/codechat/webhook/", &format!("/codechat/webhook/{way}"));
        let request = format!("{head}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        let answer = raw(app.base.as_str(), request.as_bytes()).await.unwrap();
        assert_eq!(answer.status, 404, "{way}: {answer:?}");
        let head: Vec<_> =
            answer.head.lines().filter(|line| !line.starts_with("date:")).map(ToOwned::to_owned).collect();
        answers.insert((head, answer.body));
    }
    assert_eq!(answers.len(), 1, "answers tell strangers apart: {answers:#?}");
    assert!(!format!("{answers:?}").contains("loja"), "{answers:?}");
    assert_eq!(post_json(&app, &ours, body).await, StatusCode::OK);
    app.chatwoot_has(1).await;
    assert_eq!(received(&app).await, 1);
    app.finish().await;
}

#[tokio::test]
async fn one_answer_to_every_stranger_on_sqlite() {
    one_answer_to_every_stranger(Database::Sqlite).await;
}

#[tokio::test]
async fn one_answer_to_every_stranger_on_postgres() {
    one_answer_to_every_stranger(Database::Postgres).await;
}

#[tokio::test]
async fn a_token_opens_its_own_door_and_no_other() {
    let app = settled_app().await;
    let (second, third) = (another_session(&app, "loja02").await, another_session(&app, "loja03").await);
    let chatwoot = |made: &Value| made["chatwoot_inbox_webhook"].as_str().unwrap().to_owned();
    let mut doors = vec![app.chatwoot_webhook(), chatwoot(&second), chatwoot(&third)];
    doors.extend(["loja01", "loja02", "loja03"].map(|name| app.codechat.webhook_url(name).unwrap()));
    let mut crossings = 0;
    for (at, door) in doors.iter().enumerate() {
        for (from, key) in doors.iter().enumerate() {
            let url = door.replace(token_of(door), token_of(key));
            let (status, _) = post(&app, &url, &[], "{}").await;
            // without a content type the right key is told apart by what it is refused for
            let expected = if at == from { StatusCode::UNSUPPORTED_MEDIA_TYPE } else { StatusCode::NOT_FOUND };
            assert_eq!(status, expected, "door {at} with the key of {from}");
            crossings += usize::from(at != from && status != StatusCode::NOT_FOUND);
        }
    }
    assert_eq!(crossings, 0);
    assert!(doors.iter().all(|door| token_of(door).len() >= 43));
    app.finish().await;
}

#[tokio::test]
async fn doors_open_to_posts_only() {
    let app = settled_app().await;
    for door in [app.codechat_webhook(), app.chatwoot_webhook()] {
        for method in ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE", "BREW"] {
            let request = app.http().request(method.parse().unwrap(), &door);
            let answer = request.header("content-type", "application/json").body("{}").send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED, "{method}");
        }
    }
    assert_eq!(received(&app).await, 0);
    app.finish().await;
}

#[tokio::test]
async fn another_inbox_is_heard_and_not_relayed() {
    let app = settled_app().await;
    app.codechat.customer_sends("loja01", &relay_sim::CustomerMessage::text("5511988887777", "oi"));
    app.chatwoot_has(1).await;
    let ours = agent_text(&app, 500, "for us");
    let mut inbox = agent_text(&app, 501, "for another inbox");
    inbox["inbox"]["id"] = json!(app.inbox + 1);
    let mut account = agent_text(&app, 502, "for another account");
    account["account"]["id"] = json!(app.account + 1);
    for webhook in [&inbox, &account] {
        let (status, body) = post_signed(&app, webhook.to_string()).await;
        assert_eq!(status, StatusCode::OK, "{body}");
    }
    assert_eq!(post_signed(&app, ours.to_string()).await.0, StatusCode::OK);
    app.whatsapp_has(1).await;
    app.settle().await;
    let texts: Vec<_> = app.codechat.submissions().into_iter().map(|sent| sent.text.unwrap()).collect();
    assert_eq!(texts, ["for us"]);
    app.finish().await;
}

/// CodeChat's global webhook tells of every instance, whatever address it was given.
#[tokio::test]
async fn a_webhook_of_another_instance_is_not_ours() {
    let app = settled_app().await;
    let mut body = customer_text("3AOTHERINSTANCE00001", "not for us");
    for instance in [json!({ "name": "loja02" }), json!("loja02"), json!({ "name": "LOJA01" })] {
        body["instance"] = instance;
        assert_eq!(post_json(&app, &app.codechat_webhook(), body.to_string()).await, StatusCode::NOT_FOUND);
    }
    assert_eq!(received(&app).await, 0);
    body["instance"] = json!("loja01");
    assert_eq!(post_json(&app, &app.codechat_webhook(), body.to_string()).await, StatusCode::OK);
    assert_eq!(received(&app).await, 1);
    app.finish().await;
}
