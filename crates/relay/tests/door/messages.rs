//! The API through which operators look at messages.

use relay_testing::Database;
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::{customer_text, post_json, settled_on};

async fn a_message_is_listed_and_shown(database: Database) {
    let app = settled_on(database).await;
    let webhook = customer_text("3EB0AAAA", "*Olá*, quero \u{1b}[31m2 pizzas");
    assert_eq!(post_json(&app, &app.codechat_webhook(), webhook.to_string()).await, StatusCode::OK);
    app.chatwoot_has(1).await;
    let find = async |query: &str| app.call(Method::GET, &format!("/api/v1/messages{query}"), None).await;

    let listed = "?session=loja01&direction=in&state=delivered&limit=1";
    app.until("it is delivered", async || find(listed).await.1["data"].as_array().is_some_and(|data| data.len() == 1))
        .await;
    let (_, page) = find(listed).await;
    let message = &page["data"][0];
    assert_eq!(message["text"], json!("**Olá**, quero \u{1b}[31m2 pizzas"));
    assert_eq!((&message["kind"], &message["event"]), (&json!("conversation"), &json!("messages.upsert")));
    let id = message["id"].as_str().unwrap();
    assert_eq!(page["next"], json!(id));
    let (_, rest) = find(&format!("{listed}&cursor={id}")).await;
    assert_eq!(rest, json!({ "data": [], "next": null }));
    let chat = message["chat"].as_str().unwrap().split('@').next().unwrap();
    assert_eq!(find(&format!("?chat=%2B{chat}")).await.1["data"].as_array().unwrap().len(), 1);

    let (status, shown) = find(&format!("/{id}")).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(shown["parts"][0]["placeholder"], json!(false));
    assert_eq!((&shown["tries"][0]["number"], &shown["tries"][0]["outcome"]), (&json!(1), &json!("delivered")));
    assert_eq!((&shown["links"][0]["whatsapp_id"], &shown["links"][0]["state"]), (&json!("3EB0AAAA"), &json!("sent")));
    assert!(shown["links"][0]["chatwoot_message"].is_i64(), "{shown}");

    for (query, status, code) in [
        ("?state=lost", StatusCode::UNPROCESSABLE_ENTITY, "invalid_filter"),
        ("?direction=up", StatusCode::UNPROCESSABLE_ENTITY, "invalid_filter"),
        ("?since=yesterday", StatusCode::UNPROCESSABLE_ENTITY, "invalid_filter"),
        ("?colour=red", StatusCode::UNPROCESSABLE_ENTITY, "invalid_filter"),
        ("?session=nobody", StatusCode::NOT_FOUND, "unknown_session"),
        ("/nothing", StatusCode::NOT_FOUND, "unknown_message"),
    ] {
        let (found, problem) = find(query).await;
        assert_eq!((found, problem["code"].as_str()), (status, Some(code)), "{query}: {problem}");
    }
    let answer = app.http().get(app.base.join("/api/v1/messages").unwrap()).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    app.finish().await;
}

#[tokio::test]
async fn a_message_is_listed_and_shown_on_sqlite() {
    a_message_is_listed_and_shown(Database::Sqlite).await;
}

#[tokio::test]
async fn a_message_is_listed_and_shown_on_postgres() {
    a_message_is_listed_and_shown(Database::Postgres).await;
}
