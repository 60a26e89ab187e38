//! The dashboard app in a frame of the Chatwoot stand-in, as agents see it.

use relay_sim::{AgentMessage, CustomerMessage};
use relay_testing::{Database, TestApp};
use url::Url;

use super::chromium::Chromium;
use super::looks;
use crate::inside::token;
use crate::support::{app_on, dead};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_dashboard_app_in_a_browser() {
    let app = app_on(Database::Sqlite).await;
    let conversation = talk(&app).await;
    let mut browser = Chromium::start(&Url::parse(&app.chatwoot.base_url()).unwrap()).await;
    let page = |token: &str| {
        let address = format!("{}#{token}", app.base.join("/app/1").unwrap());
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("app", &address).finish();
        format!("/app/accounts/1/conversations/{conversation}?{query}")
    };
    browser.open(&page(&token(&app).await)).await;
    browser.enter_frame(app.base.as_str()).await;
    // the first question is lost, and asked again
    browser.until("document.body.innerText.includes('O boleto vence')").await;
    let words = "document.querySelector('#deliveries script, #deliveries img, #deliveries b') === null";
    assert_eq!(browser.eval(words).await, true, "what customers write stays words");
    looks::as_it_is(&mut browser, "inside").await;
    resends(&app, &mut browser).await;
    stays_fresh(&app, &mut browser).await;
    // an address that was copied without all of it
    browser.open(&page("cut")).await;
    browser.enter_frame(app.base.as_str()).await;
    browser.until("document.body.innerText.includes('incomplete or old')").await;
    browser.close().await;
    app.finish().await;
}

/// A customer, an answer, and one that did not arrive; returns the conversation.
async fn talk(app: &TestApp) -> u64 {
    let phone = "5511987654321";
    let words = "Bom dia! O pedido 4471 <img src=x onerror=alert(1)> <b>já saiu</b>?";
    app.codechat.customer_sends("loja01", &CustomerMessage::text(phone, words)).unwrap();
    app.chatwoot_has(1).await;
    let conversation = app.conversation();
    app.chatwoot.agent_sends(conversation, AgentMessage::text("Já estou vendo com a transportadora.")).unwrap();
    app.whatsapp_has(1).await;
    app.codechat.not_on_whatsapp([phone]);
    app.chatwoot.agent_sends(conversation, AgentMessage::text("O boleto vence hoje.")).unwrap();
    app.until("a dead letter", async || {
        app.clock.advance(std::time::Duration::from_secs(5));
        app.engine.store.arrived().notify_one();
        dead(app).await.len() == 1
    })
    .await;
    app.settle().await;
    conversation
}

/// By keys alone, from within the frame.
async fn resends(app: &TestApp, browser: &mut Chromium) {
    app.codechat.all_on_whatsapp();
    browser.eval("document.querySelector('#deliveries form button').focus()").await;
    browser.press("Enter").await;
    browser.until("document.querySelector('#deliveries .done') !== null || document.querySelector('#deliveries form') === null").await;
    app.whatsapp_has(2).await;
    app.settle().await;
    assert!(dead(app).await.is_empty());
    // what came of it shows by itself
    browser.until("document.querySelector('#deliveries form') === null").await;
}

async fn stays_fresh(app: &TestApp, browser: &mut Chromium) {
    app.codechat.customer_sends("loja01", &CustomerMessage::text("5511987654321", "Obrigada!")).unwrap();
    browser.until("document.body.innerText.includes('Obrigada!')").await;
}
