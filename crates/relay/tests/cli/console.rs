//! `relay console`: a link that opens the console, once.

use reqwest::StatusCode;
use serde_json::Value;

use crate::support::Home;

#[tokio::test]
async fn the_link_opens_the_console_once() {
    let home = Home::new();
    home.run(&["console"]).await.failed_with(&["no relay answers on port", "hint: start one with relay serve"]);
    assert!(!home.path("data").exists(), "nothing was made");
    let server = home.serve(&["serve"]).await;
    let said = home.run(&["console"]).await;
    let link = said.succeeded().lines().next().unwrap().to_owned();
    assert!(link.starts_with(&home.url("/").replace("127.0.0.1", "localhost")), "{said:?}");
    assert!(said.out.contains("works once, within 10 minutes"), "{said:?}");
    let (page, token) = link.split_once("?token=").unwrap();
    assert!(token.len() >= 43 && page.ends_with("/console/enter"), "{said:?}");
    let http = relay_engine::http::client().unwrap();
    let entered = async || {
        let origin = page.strip_suffix("/console/enter").unwrap();
        let form = format!("token={token}");
        let request =
            http.post(page).header("origin", origin).header("content-type", "application/x-www-form-urlencoded");
        request.body(form).send().await.unwrap().status()
    };
    assert_eq!(http.get(&link).send().await.unwrap().status(), StatusCode::OK, "looking at it does not use it up");
    assert_eq!(entered().await, StatusCode::SEE_OTHER);
    assert_eq!(entered().await, StatusCode::UNAUTHORIZED, "a link was used twice");
    let again = home.run(&["console", "--json"]).await;
    let other: Value = serde_json::from_str(again.succeeded()).unwrap();
    assert_ne!(other["url"].as_str().unwrap(), link, "each link is its own");
    assert!(!server.err().contains(token), "the link is in the log");
    assert!(server.stop().await.success());
}
