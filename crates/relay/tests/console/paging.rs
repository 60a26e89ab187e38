//! A log of ten thousand messages, leafed through from end to end.

use std::collections::HashSet;

use bytes::Bytes;
use futures_util::future::join_all;
use relay_engine::{Accepted, Side};
use relay_testing::{Database, fixtures};
use serde_json::json;

use crate::support::{Browser, app_on};

const MESSAGES: usize = 10_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_page_of_the_log_has_more_than_a_hundred_rows() {
    let app = app_on(Database::Sqlite).await;
    let live = app.engine.sessions.named("loja01").await.unwrap().unwrap();
    app.engine.pause_by_hand(live.id(), None).await.unwrap();
    let webhook = fixtures::read("webhooks", "messages.upsert__conversation");
    let body = |number: usize| {
        let mut webhook = webhook.clone();
        webhook["data"]["keyId"] = json!(format!("3EB0PAGE{number:06}"));
        webhook["data"]["content"]["text"] = json!(format!("linha {number}"));
        Bytes::from(webhook.to_string())
    };
    for start in (0..MESSAGES).step_by(500) {
        let accepted =
            join_all((start..start + 500).map(|number| app.engine.accept(&live, Side::CodeChat, body(number)))).await;
        assert!(accepted.into_iter().all(|accepted| matches!(accepted, Ok(Accepted::Stored))));
    }
    let browser = Browser::inside(&app).await;
    let mut seen = HashSet::new();
    let mut path = Some("/console/log?direction=in".to_owned());
    let started = std::time::Instant::now();
    let mut pages = 0u32;
    while let Some(here) = path {
        let page = browser.read(&here).await;
        let ids: Vec<_> =
            page.split("href=\"/console/message/").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
        assert!(ids.len() <= 100, "{} rows", ids.len());
        assert!(ids.iter().all(|id| seen.insert((*id).to_owned())), "a row came twice");
        let next = page.split_once("rel=\"next\" href=\"").map(|(_, rest)| rest.split('"').next().unwrap());
        path = next.map(|next| next.replace("&#38;", "&").replace("&amp;", "&"));
        pages += 1;
    }
    println!("{pages} pages, {:?} each", started.elapsed() / pages);
    assert_eq!(seen.len(), MESSAGES);
    // a chat and a rare state cost no more
    let chat = webhook["data"]["keyRemoteJid"].as_str().unwrap().to_owned();
    let one = browser.read(&format!("/console/log?chat={chat}&state=pending")).await;
    assert_eq!(one.matches("href=\"/console/message/").count(), 100, "{chat}");
    let none = browser.read("/console/log?state=expired").await;
    assert!(!none.contains("href=\"/console/message/"));
    let removed = app.engine.remove_session(&live.session, true).await.unwrap();
    assert_eq!(removed, relay_store::Deleted::Yes);
    app.finish().await;
}
