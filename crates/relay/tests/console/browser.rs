//! The console in headless Chromium: how it looks, that it can be used by keys alone, that nothing hostile comes to life in it, and
//! what axe finds. One browser for all of it.

mod chromium;
mod inside;
mod looks;

use relay_sim::{AgentMessage, CustomerMessage, Kind};
use relay_testing::{Database, TestApp};
use reqwest::Method;
use serde_json::Value;

use crate::hostile::{self, CORPUS};
use crate::support::{app_on, dead, die};
use chromium::Chromium;

/// Elements that nothing from elsewhere may bring into a page.
const HOSTILE: &str = "main script, main img, main iframe, main style, main object, main embed, main link, main base, main math, \
                       main meta, main template, main svg, main [srcdoc], main a[href^='javascript:']";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_console_in_a_browser() {
    let app = app_on(Database::Sqlite).await;
    let mut browser = Chromium::start(&app.base).await;
    signs_in_by_link(&app, &mut browser).await;
    browser.open("/console/log").await;
    looks::looked_at(&mut browser, "log-empty", "/console/log").await;
    talk(&app).await;
    pairs_by_keys(&app, &mut browser).await;
    looks::all_pages(&app, &mut browser).await;
    resends_by_keys(&app, &mut browser).await;
    stays_fresh(&app, &mut browser).await;
    hostile_words_stay_words(&app, &mut browser).await;
    signs_out_by_keys(&mut browser).await;
    browser.close().await;
    app.finish().await;
}

/// A link, and the Enter key on the page that it leads to.
async fn signs_in_by_link(app: &TestApp, browser: &mut Chromium) {
    looks::looked_at(browser, "sign-in", "/console/sign-in").await;
    let (_, link) = app.call(Method::POST, "/api/v1/console/link", None).await;
    let url = link["url"].as_str().unwrap();
    browser.open(url.strip_prefix(app.base.as_str().trim_end_matches('/')).unwrap()).await;
    browser.picture("enter").await;
    browser.press("Enter").await;
    browser.until("location.pathname === '/console'").await;
}

/// Something of everything, on both sides.
async fn talk(app: &TestApp) {
    let people = [
        ("5511987654321", "Maria Aparecida", "Bom dia! O pedido 4471 já saiu para entrega?"),
        ("5521998877665", "João", "Oi, ainda tem o tênis azul no 42?"),
        (
            "551133224455",
            "Padaria Estrela",
            "Segue o comprovante do PIX de R$ 389,90, confirmam por favor? Precisamos da nota ainda hoje.",
        ),
    ];
    for (phone, name, text) in people {
        let mut message = CustomerMessage::text(phone, text);
        message.push_name = Some(name.to_owned());
        app.codechat.customer_sends("loja01", &message);
    }
    app.chatwoot_has(people.len()).await;
    for text in ["Bom dia, Maria! Já estou vendo com a transportadora.", "Sai hoje à tarde, prometido."] {
        app.chatwoot.agent_sends(app.conversation(), AgentMessage::text(text)).unwrap();
    }
    app.whatsapp_has(2).await;
    let late = CustomerMessage::new("5511987654321", Kind::Text("Obrigada!".to_owned()));
    app.codechat.customer_sends("loja01", &late);
    app.chatwoot_has(people.len() + 1).await;
    die(app, &["Olá, aqui é da loja", "Seu boleto vence amanhã"]).await;
    app.settle().await;
}

/// A second session, whose phone is paired without touching a mouse.
async fn pairs_by_keys(app: &TestApp, browser: &mut Chromium) {
    let inbox = app.chatwoot.add_inbox(app.account, "Filial", "").id;
    let new = serde_json::json!({
        "session_id": "filial", "description": "Loja do centro",
        "chatwoot": { "account_id": app.account, "inbox_id": inbox, "token": app.token },
    });
    app.call(Method::POST, "/session", Some(&new)).await;
    browser.open("/console").await;
    browser.tab_to(".next a").await;
    browser.press("Enter").await;
    browser.until("location.pathname === '/console/session/filial'").await;
    browser.tab_to("form[action$='/connect'] button").await;
    browser.press("Enter").await;
    browser.until("document.querySelector('.qr svg') !== null").await;
    looks::as_it_is(browser, "session-qr").await;
    let told = async || app.engine.store.tally().await.unwrap().received;
    let before = told().await;
    app.codechat.scan_qr("filial", "5511955554444");
    app.until("the phone's restart", async || told().await >= before + 3).await;
    // webhooks of a restart may overtake each other; the last word counts
    app.codechat.set_connection("filial", relay_sim::ConnectionState::Open);
    // the page notices by itself, and the code goes away
    browser.until("document.querySelector('.qr') === null && document.body.innerText.includes('+5511955554444')").await;
}

async fn resends_by_keys(app: &TestApp, browser: &mut Chromium) {
    let ids = dead(app).await;
    browser.open("/console").await;
    browser.tab_to("nav a[href='/console/dead']").await;
    browser.press("Enter").await;
    browser.until("location.pathname === '/console/dead'").await;
    browser.tab_to("td a[href^='/console/message/']").await;
    browser.press("Enter").await;
    browser.until("location.pathname.startsWith('/console/message/')").await;
    browser.tab_to("form[action$='/retry'] button").await;
    browser.press("Enter").await;
    browser.until("document.querySelector('.done') !== null").await;
    let attempts = async |id: &String| {
        let id = relay_domain::id::EventId::new(id.as_str());
        app.engine.store.message(&id).await.unwrap().unwrap().attempts
    };
    app.until("another attempt", async || attempts(&ids[0]).await == 2).await;
    app.settle().await;
    browser.open("/console/dead").await;
    browser.tab_to("form[action='/console/dead/retry'] button.main").await;
    browser.press("Enter").await;
    browser.until("document.querySelector('.done')?.innerText.includes('2')").await;
    app.settle().await;
    assert_eq!((attempts(&ids[0]).await, attempts(&ids[1]).await), (3, 2));
}

/// What happens appears without a reload.
async fn stays_fresh(app: &TestApp, browser: &mut Chromium) {
    browser.open("/console/tail").await;
    browser.eval("window.sameDocument = true").await;
    app.codechat.customer_sends("loja01", &CustomerMessage::text("5511900000009", "acabou de chegar"));
    browser.until("document.body.innerText.includes('acabou de chegar')").await;
    assert_eq!(browser.eval("window.sameDocument").await, Value::Bool(true));
}

async fn hostile_words_stay_words(app: &TestApp, browser: &mut Chromium) {
    hostile::planted(app).await;
    let mut paths: Vec<_> = ["/console", "/console/log", "/console/tail", "/console/dead"].map(str::to_owned).into();
    paths.extend(
        (0..CORPUS.len())
            .map(|number| format!("/console/session/loja01/chat?key=55119000{number:05}%40s.whatsapp.net")),
    );
    for path in paths {
        browser.open(&path).await;
        let found = browser.eval(&format!("document.querySelectorAll(`{HOSTILE}`).length")).await;
        assert_eq!(found, 0, "{path}");
        let handlers = "[...document.querySelectorAll('*')].filter(e => [...e.attributes].some(a => a.name.startsWith('on'))).length";
        assert_eq!(browser.eval(handlers).await, 0, "{path}");
    }
    browser.open("/console/session/loja01/chat?key=5511900000000%40s.whatsapp.net").await;
    assert_eq!(browser.eval("document.body.innerText.includes(`<script>alert('xss')`)").await, true);
}

async fn signs_out_by_keys(browser: &mut Chromium) {
    browser.open("/console").await;
    browser.tab_to("form[action='/console/sign-out'] button").await;
    browser.press("Enter").await;
    browser.until("location.pathname === '/console/sign-in'").await;
}
