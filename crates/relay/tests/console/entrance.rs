//! Who gets in, and who may change something.

use std::time::Duration;

use relay_testing::Database;
use reqwest::{Method, StatusCode};
use url::Url;

use crate::support::{Browser, KEY, app_on, die, get, send_form, send_from};

/// Every page that is read, with a message where one is needed.
fn pages(message: &str) -> Vec<String> {
    let fixed = [
        "",
        "/log",
        "/tail",
        "/dead",
        "/doctor",
        "/settings",
        "/live",
        "/session/loja01",
        "/session/loja01/chat?key=x",
    ];
    let mut pages: Vec<_> = fixed.iter().map(|page| format!("/console{page}")).collect();
    pages.push(format!("/console/message/{message}"));
    pages
}

/// Every form that changes something.
fn forms(message: &str) -> Vec<String> {
    let fixed = [
        "/sign-out",
        "/session/loja01/connect",
        "/session/loja01/pause",
        "/session/loja01/resume",
        "/session/loja01/settings",
        "/dead/retry",
        "/dead/drop",
    ];
    let mut forms: Vec<_> = fixed.iter().map(|form| format!("/console{form}")).collect();
    forms.extend(["retry", "drop"].map(|verb| format!("/console/message/{message}/{verb}")));
    forms
}

#[tokio::test]
async fn strangers_see_and_change_nothing() {
    let app = app_on(Database::Sqlite).await;
    let id = die(&app, &["perdida"]).await.remove(0);
    for cookie in [None, Some("relay-console=guessed"), Some("__Host-relay=")] {
        for path in pages(&id) {
            let page = get(&app, &path, cookie).await;
            let location = page.location.unwrap_or_default();
            assert!(location.starts_with("/console/sign-in?next=%2Fconsole"), "{path}: {location}");
            assert_eq!((page.status, page.body.as_str()), (StatusCode::SEE_OTHER, ""), "{path}");
        }
        for path in forms(&id) {
            let page = send_form(&app, &path, cookie, &[("why", "x")]).await;
            assert_eq!(page.status, StatusCode::UNAUTHORIZED, "{path}");
            assert!(!page.body.contains("loja01"), "{path}");
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn a_form_from_elsewhere_changes_nothing() {
    let app = app_on(Database::Sqlite).await;
    let id = die(&app, &["perdida"]).await.remove(0);
    let browser = Browser::inside(&app).await;
    let ours = app.base.origin().ascii_serialization();
    for path in forms(&id) {
        // from our own page but without its token, or with another's
        for token in [&[][..], &[("form_token", "guessed")]] {
            let page = send_form(&app, &path, Some(&browser.cookie), token).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{path}");
        }
        for from in [
            &[][..],
            &[("origin", "null")],
            &[("origin", "https://evil.example")],
            &[("origin", ours.as_str()), ("sec-fetch-site", "cross-site")],
        ] {
            let page = send_from(&app, &path, Some(&browser.cookie), &[("why", "x")], from).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{path} {from:?}");
        }
        // nothing is changed by reading
        let read = browser.get(&path).await;
        assert_eq!(read.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
    }
    for path in ["/console/sign-in", "/console/enter", "/console/language"] {
        let page = send_from(&app, path, None, &[("key", KEY), ("language", "es")], &[]).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{path}");
    }
    let live = app.engine.sessions.named("loja01").await.unwrap().unwrap();
    assert_eq!(live.session.state, relay_store::SessionState::Active);
    assert_eq!(app.engine.store.tally().await.unwrap().dead, 1);
    app.finish().await;
}

#[tokio::test]
async fn a_link_signs_in_once_and_not_for_ever() {
    let app = app_on(Database::Sqlite).await;
    let link = async || {
        let (status, link) = app.call(Method::POST, "/api/v1/console/link", None).await;
        assert_eq!(status, StatusCode::CREATED, "{link}");
        let url = Url::parse(link["url"].as_str().unwrap()).unwrap();
        assert_eq!((url.origin(), url.path()), (app.base.origin(), "/console/enter"));
        url.query_pairs().find(|(name, _)| name == "token").unwrap().1.into_owned()
    };
    let token = link().await;
    // looking at it does not use it up
    for _ in 0..2 {
        let page = get(&app, &format!("/console/enter?token={token}"), None).await;
        assert!(page.body.contains(&token) && page.cookies().is_empty());
    }
    let enter = async |token: &str| send_form(&app, "/console/enter", None, &[("token", token)]).await;
    let page = enter(&token).await;
    assert_eq!((page.status, page.location.as_deref()), (StatusCode::SEE_OTHER, Some("/console")));
    let cookie = page.cookies().remove(0);
    assert_eq!(get(&app, "/console", Some(&cookie)).await.status, StatusCode::OK);
    assert_eq!(enter(&token).await.status, StatusCode::UNAUTHORIZED, "a link was used twice");
    // a browser's own token is no link
    assert_eq!(enter(cookie.split_once('=').unwrap().1).await.status, StatusCode::UNAUTHORIZED);

    let late = link().await;
    app.clock.advance(Duration::from_mins(10));
    assert_eq!(enter(&late).await.status, StatusCode::UNAUTHORIZED, "an old link was good");
    assert_eq!(get(&app, "/console", Some(&cookie)).await.status, StatusCode::OK);
    app.clock.advance(Duration::from_hours(9));
    assert_eq!(get(&app, "/console", Some(&cookie)).await.status, StatusCode::SEE_OTHER, "it rested for too long");
    app.finish().await;
}

#[tokio::test]
async fn a_browser_that_is_never_idle_is_signed_out_after_three_days() {
    let app = app_on(Database::Sqlite).await;
    let browser = Browser::inside(&app).await;
    for _ in 0..11 {
        assert_eq!(browser.get("/console/settings").await.status, StatusCode::OK);
        app.clock.advance(Duration::from_hours(6));
    }
    assert_eq!(browser.get("/console").await.status, StatusCode::OK, "after 66 hours");
    app.clock.advance(Duration::from_hours(6));
    assert_eq!(browser.get("/console").await.status, StatusCode::SEE_OTHER);
    app.finish().await;
}

#[tokio::test]
async fn signing_out_ends_the_stay_on_the_server() {
    let app = app_on(Database::Sqlite).await;
    let (one, other) = (Browser::inside(&app).await, Browser::inside(&app).await);
    let page = one.post("/console/sign-out", &[]).await;
    assert_eq!(page.location.as_deref(), Some("/console/sign-in"));
    assert!(page.cookies().contains(&"relay-console=".to_owned()), "{:?}", page.headers);
    assert_eq!(one.get("/console").await.status, StatusCode::SEE_OTHER, "the cookie still works");
    assert_eq!(other.get("/console").await.status, StatusCode::OK);
    app.finish().await;
}

#[tokio::test]
async fn cookies_and_answers_keep_to_themselves() {
    let app = app_on(Database::Sqlite).await;
    let page = send_form(&app, "/console/sign-in", None, &[("key", KEY)]).await;
    let cookie = page.headers["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("relay-console="), "{cookie}");
    assert!(cookie.ends_with("; Path=/console; HttpOnly; SameSite=Strict"), "{cookie}");
    let https = [("origin", "https://relay.example.com"), ("sec-fetch-site", "same-origin")];
    let page = send_from(&app, "/console/sign-in", None, &[("key", KEY)], &https).await;
    let cookie = page.headers["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("__Host-relay="), "{cookie}");
    assert!(cookie.ends_with("; Path=/; Secure; HttpOnly; SameSite=Strict"), "{cookie}");

    let browser = Browser::inside(&app).await;
    for path in ["/console", "/console/sign-in", "/console/nowhere", "/console/assets/console.css"] {
        let headers = browser.get(path).await.headers;
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers["x-frame-options"], "DENY");
        assert_eq!(headers["cross-origin-opener-policy"], "same-origin");
        assert!(policy.ends_with("frame-ancestors 'none'"), "{policy}");
        let kept = headers["cache-control"] == "no-store";
        assert_eq!(kept, !path.contains("assets"), "{path}: {:?}", headers["cache-control"]);
        assert!(!headers.contains_key("server"));
    }
    app.finish().await;
}

#[tokio::test]
async fn guessing_the_key_is_slowed_down() {
    let app = app_on(Database::Sqlite).await;
    for _ in 0..20 {
        let page = send_form(&app, "/console/sign-in", None, &[("key", "guess")]).await;
        assert_eq!(page.status, StatusCode::UNAUTHORIZED);
        assert!(page.cookies().is_empty() && !page.body.contains("guess"));
    }
    let page = send_form(&app, "/console/sign-in", None, &[("key", KEY)]).await;
    assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(page.headers["retry-after"], "60");
    app.finish().await;
}

#[tokio::test]
async fn signing_in_leads_back_and_nowhere_else() {
    let app = app_on(Database::Sqlite).await;
    for (next, lands) in [
        ("/console/log?state=dead", "/console/log?state=dead"),
        ("//evil.example", "/console"),
        ("https://evil.example/console", "/console"),
        ("/console\\@evil.example", "/console"),
        ("/session", "/console"),
    ] {
        let page = send_form(&app, "/console/sign-in", None, &[("key", KEY), ("next", next)]).await;
        assert_eq!(page.location.as_deref(), Some(lands), "{next}");
    }
    app.finish().await;
}

#[tokio::test]
async fn the_language_is_the_browsers_until_one_is_chosen() {
    let app = app_on(Database::Sqlite).await;
    let page = get(&app, "/console/sign-in", None).await;
    assert!(page.body.contains("<html lang=\"en\">") && page.body.contains("Sign in to the relay console"));
    let page = send_form(&app, "/console/language", None, &[("language", "pt-BR"), ("path", "//evil.example")]).await;
    assert_eq!(page.location.as_deref(), Some("/console"));
    let page = get(&app, "/console/sign-in", Some(&page.cookies()[0])).await;
    assert!(page.body.contains("<html lang=\"pt-BR\">") && page.body.contains("Entrar no console do relay"));
    app.finish().await;
}
