//! The dashboard app: who may show it, who may see what, and what may be done there.

use std::time::Duration;

use relay_sim::{AgentMessage, CustomerMessage};
use relay_testing::{Database, TestApp};
use reqwest::{Method, StatusCode};

use crate::support::{Page, app_on, dead, get, send_form, send_from};

both!(
    only_the_configured_chatwoot_may_show_it,
    the_open_conversation_is_shown_with_every_attempt,
    ids_are_hints_and_tokens_are_looked_at,
    a_ticket_ends_and_opens_one_conversation_only,
    what_was_not_delivered_gets_another_turn,
);

/// The token in the address of the app.
pub(crate) async fn token(app: &TestApp) -> String {
    let (status, told) = app.call(Method::POST, "/session/loja01/dashboard-app", None).await;
    assert_eq!(status, StatusCode::OK);
    let url = told["url"].as_str().unwrap();
    let (address, token) = url.split_once('#').unwrap();
    assert_eq!(address, app.base.join("/app/1").unwrap().as_str());
    assert!(token.len() >= 43, "256 bits");
    token.to_owned()
}

async fn opened(app: &TestApp, token: &str, inbox: u64, conversation: u64) -> Page {
    let (inbox, conversation) = (inbox.to_string(), conversation.to_string());
    let fields = [("token", token), ("inbox", inbox.as_str()), ("conversation", conversation.as_str())];
    send_form(app, "/app/1/conversation", None, &fields).await
}

fn ticket_in(page: &Page) -> String {
    let rest = page.body.split_once("data-ticket=\"").unwrap_or_else(|| panic!("no ticket: {}", page.body)).1;
    rest.split('"').next().unwrap().to_owned()
}

/// A customer who wrote; returns the conversation.
async fn talk(app: &TestApp, phone: &str, text: &str) -> u64 {
    let before = app.relayed().len();
    app.codechat.customer_sends("loja01", &CustomerMessage::text(phone, text)).unwrap();
    app.chatwoot_has(before + 1).await;
    app.settle().await;
    app.relayed().last().unwrap().conversation
}

async fn only_the_configured_chatwoot_may_show_it(database: Database) {
    let app = app_on(database).await;
    let page = get(&app, "/app/1", None).await;
    assert_eq!(page.status, StatusCode::OK);
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    let chatwoot = app.chatwoot.base_url();
    assert!(
        policy.ends_with(&format!("frame-ancestors {chatwoot}")) && policy.starts_with("default-src 'none'"),
        "{policy}"
    );
    assert!(!page.headers.contains_key("x-frame-options") && page.headers["x-content-type-options"] == "nosniff");
    assert!(
        page.body.contains(&format!("data-origins=\"{chatwoot}\"")) && !page.body.contains("loja01"),
        "{}",
        page.body
    );
    // nobody's account, and the console itself
    let other = get(&app, "/app/2", None).await;
    assert_eq!(other.status, StatusCode::NOT_FOUND);
    assert!(other.headers["content-security-policy"].to_str().unwrap().ends_with("frame-ancestors 'none'"));
    let console = get(&app, "/console/sign-in", None).await;
    assert!(console.headers["content-security-policy"].to_str().unwrap().ends_with("frame-ancestors 'none'"));
    app.finish().await;
}

async fn the_open_conversation_is_shown_with_every_attempt(database: Database) {
    let app = app_on(database).await;
    let conversation = talk(&app, "5511900000001", "Olá, <b>bom</b> dia").await;
    talk(&app, "5511900000002", "de outra pessoa").await;
    app.chatwoot.agent_sends(conversation, AgentMessage::text("Bom dia!")).unwrap();
    app.whatsapp_has(1).await;
    app.settle().await;
    let page = opened(&app, &token(&app).await, app.inbox, conversation).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    for part in ["loja01", "&#60;b&#62;bom", "Bom dia!", "Attempts: 1", "delivered"] {
        assert!(page.body.contains(part), "{part}: {}", page.body);
    }
    assert!(!page.body.contains("de outra pessoa") && !page.body.contains("Resend"), "{}", page.body);
    app.finish().await;
}

async fn ids_are_hints_and_tokens_are_looked_at(database: Database) {
    let app = app_on(database).await;
    let conversation = talk(&app, "5511900000001", "segredo").await;
    let token = token(&app).await;
    let cut: String = token.chars().skip(1).collect();
    // an inbox of the same account that is none of ours, and one that is not there
    let other = app.chatwoot.add_inbox(app.account, "Outra", "").id;
    for (given, inbox, conversation, status) in [
        (token.as_str(), app.inbox, conversation, StatusCode::OK),
        ("", app.inbox, conversation, StatusCode::FORBIDDEN),
        ("wrong", app.inbox, conversation, StatusCode::FORBIDDEN),
        (&cut, app.inbox, conversation, StatusCode::FORBIDDEN),
        (&token, other, conversation, StatusCode::NOT_FOUND),
        (&token, 999, conversation, StatusCode::NOT_FOUND),
        (&token, app.inbox, 999, StatusCode::NOT_FOUND),
        (&token, 0, conversation, StatusCode::NOT_FOUND),
    ] {
        let page = opened(&app, given, inbox, conversation).await;
        assert_eq!(page.status, status, "{given} {inbox} {conversation}");
        assert_eq!(page.body.contains("segredo"), status == StatusCode::OK);
    }
    // another account's token, another site's page
    let (inbox, talk) = (app.inbox.to_string(), conversation.to_string());
    let fields = [("token", token.as_str()), ("inbox", &inbox), ("conversation", &talk)];
    assert_eq!(send_form(&app, "/app/2/conversation", None, &fields).await.status, StatusCode::FORBIDDEN);
    let foreign = [("origin", "https://evil.example")];
    let page = send_from(&app, "/app/1/conversation", None, &fields, &foreign).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    app.finish().await;
}

async fn a_ticket_ends_and_opens_one_conversation_only(database: Database) {
    let app = app_on(database).await;
    let conversation = talk(&app, "5511900000001", "segredo").await;
    let ticket = ticket_in(&opened(&app, &token(&app).await, app.inbox, conversation).await);
    let again = async |account: &str, ticket: &str| {
        send_form(&app, &format!("/app/{account}/conversation"), None, &[("ticket", ticket)]).await
    };
    assert!(again("1", &ticket).await.body.contains("segredo"));
    let (body, signature) = ticket.split_once('.').unwrap();
    let other: String = body.chars().rev().collect();
    for forged in [format!("{body}."), format!("{other}.{signature}"), String::from("."), format!("{body}.{body}")] {
        assert_eq!(again("1", &forged).await.status, StatusCode::UNAUTHORIZED, "{forged}");
    }
    assert_eq!(again("2", &ticket).await.status, StatusCode::UNAUTHORIZED);
    app.clock.advance(Duration::from_secs(301));
    let late = again("1", &ticket).await;
    assert_eq!(late.status, StatusCode::UNAUTHORIZED);
    assert!(!late.body.contains("segredo"));
    app.finish().await;
}

async fn what_was_not_delivered_gets_another_turn(database: Database) {
    let app = app_on(database).await;
    let mine = talk(&app, "5511900000001", "Oi").await;
    let hers = talk(&app, "5511900000002", "Oi").await;
    app.codechat.not_on_whatsapp(["5511900000001", "5511900000002"]);
    app.chatwoot.agent_sends(mine, AgentMessage::text("perdida")).unwrap();
    app.until("a dead letter", async || {
        app.clock.advance(Duration::from_secs(5));
        app.engine.store.arrived().notify_one();
        dead(&app).await.len() == 1
    })
    .await;
    let letter = dead(&app).await.remove(0);
    let token = token(&app).await;
    let of_another = ticket_in(&opened(&app, &token, app.inbox, hers).await);
    let page = opened(&app, &token, app.inbox, mine).await;
    assert!(page.body.contains("Resend") && page.body.contains("not_on_whatsapp"), "{}", page.body);
    app.codechat.all_on_whatsapp();
    let resend = async |ticket: &str| {
        send_form(&app, "/app/1/resend", None, &[("ticket", ticket), ("event", letter.as_str())]).await
    };
    assert!(resend(&of_another).await.body.contains("cannot be resent"));
    assert_eq!(dead(&app).await.len(), 1, "a ticket of another conversation changes nothing");
    let page = resend(&ticket_in(&page)).await;
    assert!(page.body.contains("The message gets another turn."), "{}", page.body);
    app.whatsapp_has(1).await;
    app.settle().await;
    assert!(dead(&app).await.is_empty());
    app.finish().await;
}
