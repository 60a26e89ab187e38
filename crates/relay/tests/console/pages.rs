//! What the pages show.

use relay_domain::id::EventId;
use relay_sim::{AgentMessage, CustomerMessage};
use relay_testing::{Database, TestApp};
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::{Browser, app_on, die};

/// A relay over which both sides have written.
async fn talked_on(database: Database) -> TestApp {
    let app = app_on(database).await;
    app.codechat.customer_sends("loja01", &CustomerMessage::text("5511900000001", "Olá, bom dia"));
    app.chatwoot_has(1).await;
    app.chatwoot.agent_sends(app.conversation(), AgentMessage::text("Bom dia, Maria")).unwrap();
    app.whatsapp_has(1).await;
    app.settle().await;
    app
}

async fn the_overview_says_what_to_do_next(database: Database) {
    let app = talked_on(database).await;
    let browser = Browser::inside(&app).await;
    app.until("a connected phone", async || browser.read("/console").await.contains("Connected")).await;
    let page = browser.read("/console").await;
    assert!(page.contains("All is well") && page.contains("/console/session/loja01"), "{page}");
    for fact in ["<dt>Today from WhatsApp</dt><dd>1</dd>", "<dt>Today to WhatsApp</dt><dd>1</dd>"] {
        assert!(page.contains(fact), "{fact}: {page}");
    }
    app.until("the number", async || browser.read("/console").await.contains("+5511988887777")).await;
    die(&app, &["perdida"]).await;
    let page = browser.read("/console").await;
    assert!(page.contains("1 message could not be delivered"), "{page}");
    browser.done("/console/session/loja01/pause", &[("why", "férias")]).await;
    let page = browser.read("/console").await;
    assert!(page.contains("loja01 is paused: paused by a person: férias"), "{page}");
    app.engine.resume(app.engine.sessions.all()[0].id()).await.unwrap();
    app.finish().await;
}

async fn a_message_is_told_with_every_attempt(database: Database) {
    let app = talked_on(database).await;
    let id = die(&app, &["perdida"]).await.remove(0);
    let browser = Browser::inside(&app).await;
    let page = browser.read(&format!("/console/message/{id}")).await;
    for part in ["perdida", "no_number", "Attempt 1", "Request to CodeChat", "Resend", "Drop"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let log = browser.read("/console/log?state=delivered&direction=out").await;
    assert!(log.contains("Bom dia, Maria") && !log.contains("Olá, bom dia") && !log.contains("perdida"), "{log}");
    let path = log.split_once("/console/message/").unwrap().1.split('"').next().unwrap().to_owned();
    let page = browser.read(&format!("/console/message/{path}")).await;
    assert!(page.contains("On both sides") && !page.contains("Resend"), "{page}");
    assert_eq!(browser.get(&format!("/console/message/{}", EventId::generate())).await.status, StatusCode::NOT_FOUND);
    app.finish().await;
}

async fn a_conversation_shows_both_sides(database: Database) {
    let app = talked_on(database).await;
    let browser = Browser::inside(&app).await;
    let log = browser.read("/console/log?chat=%2B55+11+90000-0001").await;
    assert!(log.contains("Olá, bom dia") && log.contains("Bom dia, Maria"), "{log}");
    let page = browser.read("/console/session/loja01/chat?key=5511900000001%40s.whatsapp.net").await;
    let (customer, agent) = (page.find("Olá, bom dia").unwrap(), page.find("Bom dia, Maria").unwrap());
    assert!(customer < agent && page.contains("Customer, from WhatsApp") && page.contains("Agent, from Chatwoot"));
    assert!(!page.contains("ignored</span>"), "{page}");
    let nobody = browser.get("/console/session/loja01/chat?key=nobody").await;
    assert_eq!(nobody.status, StatusCode::NOT_FOUND);
    app.finish().await;
}

async fn dead_letters_are_grouped_by_reason(database: Database) {
    let app = talked_on(database).await;
    let browser = Browser::inside(&app).await;
    assert!(browser.read("/console/dead").await.contains("No message is left undelivered."));
    die(&app, &["um", "dois"]).await;
    let page = browser.read("/console/dead").await;
    assert!(page.contains("reason=no_number") && page.contains("<td class=\"number\">2</td>"), "{page}");
    assert!(page.contains("um</span>") && page.contains("dois</span>"), "{page}");
    let none = browser.read("/console/dead?reason=refused").await;
    assert!(none.contains("No message matches the filters.") && !none.contains("dois</span>"), "{none}");
    let wrong = browser.get("/console/dead?since=yesterday").await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    app.finish().await;
}

async fn a_session_shows_its_phone_and_its_past(database: Database) {
    let app = talked_on(database).await;
    let browser = Browser::inside(&app).await;
    let page = browser.read("/console/session/loja01").await;
    assert!(page.contains("Connection over time") && page.contains("Connecting"), "{page}");
    assert!(page.contains("<code class=\"name\">conversations.policy</code>"), "{page}");
    assert_eq!(browser.get("/console/session/nobody").await.status, StatusCode::NOT_FOUND);
    let page = browser.post("/console/session/loja01/connect", &[]).await;
    assert!(page.status == StatusCode::OK && page.body.contains("The phone is connected already."), "{}", page.body);
    app.finish().await;
}

#[tokio::test]
async fn a_phone_is_paired_by_a_code_that_is_drawn_here() {
    let app = TestApp::without_session(relay_testing::Options::on(Database::Sqlite)).await;
    assert_eq!(app.create_session("loja01").await.0, StatusCode::CREATED);
    let browser = Browser::inside(&app).await;
    assert!(browser.read("/console").await.contains("Connect the phone"));
    let page = browser.post("/console/session/loja01/connect", &[]).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    assert!(page.body.contains("<svg viewBox=") && page.body.contains("data-countdown=\"20\""), "{}", page.body);
    assert!(!page.body.contains("wa.me"), "the code itself is in the page");
    app.finish().await;
}

#[tokio::test]
async fn settings_are_shown_without_secrets() {
    let app = app_on(Database::Sqlite).await;
    let browser = Browser::inside(&app).await;
    let page = browser.read("/console/settings").await;
    assert!(page.contains("set (12 chars)") && page.contains("environment") && page.contains("not set"), "{page}");
    let secrets = [crate::support::KEY, app.token.as_str(), app.codechat.api_key()];
    let hooks = [app.codechat_webhook(), app.chatwoot_webhook()];
    let tokens = hooks.iter().map(|url| url.split_once("token=").unwrap().1);
    for secret in secrets.into_iter().chain(tokens) {
        for path in ["/console", "/console/log", "/console/session/loja01", "/console/settings", "/console/dead"] {
            assert!(!browser.read(path).await.contains(secret), "{path} holds a secret");
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn the_doctors_report_can_be_copied() {
    let app = app_on(Database::Sqlite).await;
    let browser = Browser::inside(&app).await;
    assert!(!browser.read("/console/doctor").await.contains("<textarea"));
    let page = browser.post("/console/doctor", &[("session", "loja01")]).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    let report = page.body.split_once("readonly rows=\"8\">").unwrap().1.split_once("</textarea>").unwrap().0;
    assert!(report.contains("chatwoot.token [loja01]: "), "{report}");
    assert!(page.body.contains("<code>chatwoot.token</code> · loja01"), "{}", page.body);
    let unknown = browser.post("/console/doctor", &[("session", "nobody")]).await;
    assert_eq!(unknown.status, StatusCode::UNPROCESSABLE_ENTITY);
    app.finish().await;
}

#[tokio::test]
async fn a_stream_says_when_something_changed() {
    let app = app_on(Database::Sqlite).await;
    let browser = Browser::inside(&app).await;
    let url = app.base.join("/console/live").unwrap();
    let mut stream = app.http().get(url).header("cookie", &browser.cookie).send().await.unwrap();
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    assert!(String::from_utf8_lossy(&stream.chunk().await.unwrap().unwrap()).contains("event: changed"));
    app.codechat.customer_sends("loja01", &CustomerMessage::text("5511900000001", "oi"));
    let told = String::from_utf8_lossy(&stream.chunk().await.unwrap().unwrap()).into_owned();
    assert!(told.contains("event: changed") && !told.contains("oi"), "{told}");
    drop(stream);
    let (status, _) = app.call(Method::GET, "/session", None).await;
    assert_eq!(status, StatusCode::OK);
    app.finish().await;
}

#[tokio::test]
async fn a_key_is_needed_for_a_link() {
    let app = app_on(Database::Sqlite).await;
    let url = app.base.join("/api/v1/console/link").unwrap();
    let answer = app.http().post(url).json(&json!({})).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    app.finish().await;
}

both!(
    the_overview_says_what_to_do_next,
    a_message_is_told_with_every_attempt,
    a_conversation_shows_both_sides,
    dead_letters_are_grouped_by_reason,
    a_session_shows_its_phone_and_its_past,
);
