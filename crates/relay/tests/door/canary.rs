//! Secrets and private words planted everywhere, and looked for in everything that leaves the process.

use std::io::Write;
use std::sync::{Arc, Mutex, OnceLock};

use relay_sim::{AgentMessage, CodeChatOptions, CustomerMessage, Fault, FaultAction, Kind, Role, route};
use relay_testing::{Database, Options, TestApp};
use reqwest::{Method, StatusCode};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tracing_subscriber::fmt::MakeWriter;

use crate::support::{agent_text, instances, payload, post, post_json, post_signed};

const PHONE: &str = "5511976543219";
const TEXT: &str = "palavra-canario-azul";
const ANSWER: &str = "resposta-canario-verde";
const NAME: &str = "Zuleica Canarinho";
const FILE: &str = "laudo-canario.pdf";
const CODECHAT_KEY: &str = "canary-codechat-key-5f1d";

/// Everything logged so far.
#[derive(Clone, Debug, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn start() -> Self {
        static LOG: OnceLock<Log> = OnceLock::new();
        let log = LOG.get_or_init(|| {
            let log = Self::default();
            let subscriber = tracing_subscriber::fmt()
                .with_max_level(tracing::Level::TRACE)
                .with_ansi(false)
                .with_writer(log.clone());
            tracing::subscriber::set_global_default(subscriber.finish()).expect("no other test sets one");
            log
        });
        log.clone()
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// An error that repeats what it was sent, as database layers like to do.
fn echoing(status: u16, secret: &str) -> FaultAction {
    let said = format!(
        "Invalid invocation: {{ content: '{TEXT} {ANSWER}', name: '{NAME}', number: '{PHONE}', file: '{FILE}', key: '{secret}' }}"
    );
    let body = json!({ "message": [said], "error": said });
    FaultAction::Status { status, body: Some(body), retry_after: None, commit: false }
}

async fn trouble_both_ways(app: &TestApp, token: &str) {
    app.chatwoot.fault(Fault::on(route::CONTACT_CREATE, echoing(500, token)).times(1));
    app.chatwoot.fault(Fault::on(route::MESSAGE_CREATE, echoing(422, token)).times(1));
    let text = CustomerMessage { push_name: Some(NAME.to_owned()), ..CustomerMessage::text(PHONE, TEXT) };
    app.codechat.customer_sends("loja01", &text);
    app.chatwoot_has(1).await;
    app.codechat.fault(Fault::on(route::MEDIA_DATA, echoing(400, CODECHAT_KEY)).times(1));
    app.codechat.customer_sends("loja01", &CustomerMessage::new(PHONE, Kind::Document(FILE.to_owned())));
    app.codechat.customer_sends("loja01", &CustomerMessage::new(PHONE, Kind::Voice));
    app.chatwoot_has(3).await;
    app.codechat.fault(Fault::on(route::SEND_TEXT, echoing(500, CODECHAT_KEY)).times(1));
    app.chatwoot.agent_sends(app.conversation(), AgentMessage::text(ANSWER)).unwrap();
    app.whatsapp_has(1).await;
    app.chatwoot
        .agent_sends(app.conversation(), AgentMessage::file(FILE, "application/pdf", &b"x"[..], Some(ANSWER)))
        .unwrap();
    app.whatsapp_has(2).await;
    // refused for good: the reason, with the name of the file, goes to the agent
    let mut hopeless = agent_text(app, 900, ANSWER);
    hopeless["attachments"] =
        json!([{ "id": 1, "file_type": "file", "data_url": format!("http://127.0.0.1:1/{FILE}") }]);
    assert_eq!(post_signed(app, hopeless.to_string()).await.0, StatusCode::OK);
    app.settle().await;
    // a line of the log must not be something that a phone's state can write
    let forged = json!({ "event": "connection.update", "instance": "loja01", "data": { "state": "x\n\u{1b}]0;pwn\u{7}FORGED", "statusReason": 200 } });
    assert_eq!(post_json(app, &app.codechat_webhook(), forged.to_string()).await, StatusCode::OK);
    app.settle().await;
}

/// Error answers of every door.
async fn refusals(app: &TestApp, token: &str) -> Vec<String> {
    let mut said = Vec::new();
    let json = [("content-type", "application/json")];
    for door in [app.codechat_webhook(), app.chatwoot_webhook()] {
        said.push(post(app, &door, &[], TEXT).await.1);
        said.push(post(app, &door, &json, format!("{{\"a\":\"{TEXT} {PHONE}\"")).await.1);
        said.push(post(app, &door.replace("loja01", "loja09"), &json, "{}").await.1);
    }
    said.push(post_signed(app, format!("{TEXT}{PHONE}")).await.1);
    let repeating = |status, secret: &str| {
        let body =
            json!({ "message": [format!("no such key: {secret}")], "error": format!("no such token: {secret}") });
        FaultAction::Status { status, body: Some(body), retry_after: None, commit: false }
    };
    for status in [400, 403, 422, 500] {
        app.codechat.fault(Fault::on("POST /instance/create", repeating(status, CODECHAT_KEY)).times(1));
        let show_inbox = "GET /api/v1/accounts/{account}/inboxes/{inbox}";
        app.chatwoot.fault(Fault::on(show_inbox, repeating(status, token)).times(1));
        for _ in 0..2 {
            let inbox = app.chatwoot.add_inbox(app.account, "x", "").id;
            let mut wanted = payload(app, "loja02", inbox);
            wanted["chatwoot"]["token"] = json!(token);
            let (status, body) = app.call(Method::POST, "/session", Some(&wanted)).await;
            assert_ne!(status, StatusCode::CREATED, "{body}");
            said.push(body.to_string());
        }
    }
    app.codechat.fault(Fault::on("GET /instance/connect/{instance}", repeating(500, CODECHAT_KEY)).times(1));
    said.push(app.call(Method::POST, "/session/loja01/connect", None).await.1.to_string());
    said
}

#[tokio::test]
async fn no_secret_and_no_private_word_leaves_the_process() {
    let log = Log::start();
    let codechat = CodeChatOptions { api_key: CODECHAT_KEY.to_owned(), ..Options::on(Database::Sqlite).codechat };
    let app = TestApp::without_session(Options { codechat, ..Options::on(Database::Sqlite) }).await;
    let (_, token) = app.chatwoot.add_user(app.account, "Rita", Role::Administrator);
    let mut wanted = payload(&app, "loja01", app.inbox);
    wanted["chatwoot"]["token"] = json!(token);
    assert_eq!(app.call(Method::POST, "/session", Some(&wanted)).await.0, StatusCode::CREATED);
    let (_, qr) = app.call(Method::POST, "/session/loja01/connect", None).await;
    app.codechat.scan_qr("loja01", "5511988887777");
    trouble_both_ways(&app, &token).await;
    let refused = refusals(&app, &token).await;

    let live = app.engine.sessions.named("loja01").await.unwrap().unwrap();
    let media = app.codechat.submissions().into_iter().find_map(|sent| sent.media?.url).expect("a file was sent");
    let tokens = vec![
        ("API key", "test-api-key".to_owned()),
        ("secret key", "test-secret-key".to_owned()),
        ("CodeChat key", CODECHAT_KEY.to_owned()),
        ("Chatwoot token", token.clone()),
        ("instance token", live.session.codechat.token.expose_secret().to_owned()),
        ("webhook secret", live.session.chatwoot.secret.as_ref().unwrap().expose_secret().to_owned()),
        ("CodeChat's address token", app.codechat_webhook().split_once("token=").unwrap().1.to_owned()),
        ("Chatwoot's address token", app.chatwoot_webhook().split_once("token=").unwrap().1.to_owned()),
        ("file token", media.rsplit_once('/').unwrap().1.to_owned()),
        ("QR code", qr["code"].as_str().unwrap().to_owned()),
    ];
    assert!(tokens.iter().all(|(_, token)| token.len() > 8));
    let words = [PHONE, &PHONE[4..], TEXT, ANSWER, NAME, FILE].map(|word| ("private word", word.to_owned()));
    let planted: Vec<_> = tokens.iter().cloned().chain(words).collect();
    let mut outputs = vec![("log".to_owned(), log.text()), ("Debug".to_owned(), format!("{:?} {live:?}", app.engine))];
    for path in ["/metrics", "/healthz", "/session", "/session/loja01"] {
        outputs.push((path.to_owned(), app.call(Method::GET, path, None).await.1.to_string()));
    }
    outputs.extend(refused.into_iter().map(|body| ("refusal".to_owned(), body)));
    let mut leaks = Vec::new();
    for (output, text) in &outputs {
        for (what, secret) in &planted {
            leaks.extend(
                text.lines()
                    .filter(|line| line.contains(secret.as_str()))
                    .map(|line| format!("{output} shows the {what}: {line}")),
            );
        }
    }
    assert!(
        leaks.is_empty(),
        "{} leaks:\n{}",
        leaks.len(),
        leaks.iter().take(20).cloned().collect::<Vec<_>>().join("\n")
    );
    let logged = &outputs[0].1;
    assert!(logged.contains("event finished") && logged.contains("delivery failed"), "the log was captured");
    assert!(
        !logged.contains('\u{1b}') && !logged.lines().any(|line| line.contains("FORGED") && !line.starts_with("20")),
        "forged lines"
    );
    assert_at_rest(&app, &tokens);
    assert!(instances(&app).await.iter().all(|instance: &Value| instance["name"] == "loja01"));
    app.finish().await;
}

/// The database file and its journal are useless without the key.
fn assert_at_rest(app: &TestApp, tokens: &[(&str, String)]) {
    for file in ["relay.db", "relay.db-wal", "relay.db-shm", "relay.lock"] {
        let Ok(bytes) = std::fs::read(app.engine.config.data_dir.join(file)) else { continue };
        for (what, token) in tokens {
            let found = bytes.windows(token.len()).any(|window| window == token.as_bytes());
            assert!(!found, "{file} holds the {what}");
        }
    }
}
