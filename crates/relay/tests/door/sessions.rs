//! The session API as the first relay's users know it, and what it lacked.

use codechat::HookEvent;
use relay_sim::{CustomerMessage, FakeChatwoot, Fault, Role, route};
use relay_testing::{Database, Options, TestApp};
use reqwest::{Method, StatusCode};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::support::{another_session, customer_text, instances, payload, post, post_json};

const EVENTS: [&str; 10] = [
    "messagesUpsert",
    "messagesUpdated",
    "sendMessage",
    "connectionUpdated",
    "qrcodeUpdated",
    "statusInstance",
    "callUpsert",
    "groupsUpsert",
    "groupsUpdated",
    "groupsParticipantsUpdated",
];

async fn a_session_lives_and_ends(database: Database) {
    let app = TestApp::without_session(Options::on(database)).await;
    let mut wanted = payload(&app, "loja01", app.inbox);
    wanted["description"] = json!("Loja da esquina");
    let (status, made) = app.call(Method::POST, "/session", Some(&wanted)).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    assert_eq!((made["session_id"].as_str(), made["description"].as_str()), (Some("loja01"), Some("Loja da esquina")));
    assert_eq!((&made["chatwoot_inbox_webhook_set"], made.get("next_step")), (&json!(true), None));
    assert_eq!(made["chatwoot_inbox_webhook"].as_str(), app.chatwoot.webhook_url(app.inbox).as_deref());

    let (status, shown) = app.call(Method::GET, "/session/loja01", None).await;
    assert_eq!((status, &shown["id"], &shown["status"]), (StatusCode::OK, &made["id"], &json!("active")));
    let chatwoot = json!({ "url": format!("{}/", app.chatwoot.base_url()), "account_id": app.account, "inbox_id": app.inbox, "signed": true });
    assert_eq!(shown["chatwoot"], chatwoot);
    another_session(&app, "loja02").await;
    let (_, list) = app.call(Method::GET, "/session", None).await;
    let names: Vec<_> =
        list["data"].as_array().unwrap().iter().map(|session| session["session_id"].as_str().unwrap()).collect();
    assert_eq!((names, &list["next"]), (vec!["loja01", "loja02"], &json!(null)));

    let door = app.codechat_webhook();
    let (status, body) = app.call(Method::DELETE, "/session/loja01", None).await;
    assert_eq!((status, body), (StatusCode::NO_CONTENT, json!("")));
    assert_eq!(
        post_json(&app, &door, customer_text("3AGONE00000000000001", "oi").to_string()).await,
        StatusCode::NOT_FOUND
    );
    for method in [Method::GET, Method::DELETE] {
        assert_eq!(app.call(method, "/session/loja01", None).await.0, StatusCode::NOT_FOUND);
    }
    assert!(instances(&app).await.iter().any(|instance| instance["name"] == "loja01"), "the pairing stays");
    let (status, made_again) = app.create_session("loja01").await;
    assert_eq!(status, StatusCode::CREATED, "{made_again}");
    assert_ne!(made_again["id"], made["id"]);
    app.finish().await;
}

#[tokio::test]
async fn a_session_lives_and_ends_on_sqlite() {
    a_session_lives_and_ends(Database::Sqlite).await;
}

#[tokio::test]
async fn a_session_lives_and_ends_on_postgres() {
    a_session_lives_and_ends(Database::Postgres).await;
}

#[tokio::test]
async fn codechat_is_told_the_six_events_and_no_others() {
    let app = TestApp::start(Database::Sqlite).await;
    let instance = instances(&app).await.remove(0);
    let hook = &instance["Webhook"];
    assert_eq!(hook["enabled"], json!(true));
    assert!(
        hook["url"].as_str().unwrap().starts_with(app.base.join("/codechat/webhook/loja01?token=").unwrap().as_str())
    );
    for event in HookEvent::ALL {
        assert_eq!(hook["events"][event.key()], json!(EVENTS.contains(&event.key())), "{}", event.key());
    }
    app.finish().await;
}

#[tokio::test]
async fn names_and_descriptions_may_be_missing() {
    let app = TestApp::without_session(Options::on(Database::Sqlite)).await;
    let mut ids = Vec::new();
    for session_id in [None, Some(json!(null))] {
        let inbox = app.chatwoot.add_inbox(app.account, "x", "").id;
        let mut wanted = payload(&app, "x", inbox);
        wanted.as_object_mut().unwrap().remove("session_id");
        if let Some(session_id) = session_id {
            wanted["session_id"] = session_id;
        }
        let (status, made) = app.call(Method::POST, "/session", Some(&wanted)).await;
        assert_eq!((status, &made["description"]), (StatusCode::CREATED, &json!(null)), "{made}");
        let id = uuid::Uuid::parse_str(made["session_id"].as_str().unwrap()).unwrap();
        assert_eq!(id.get_version_num(), 4, "an id made of the time can be guessed");
        ids.push(id);
    }
    assert_ne!(ids[0], ids[1]);
    app.finish().await;
}

#[tokio::test]
async fn nothing_happens_without_the_key() {
    let app = TestApp::start(Database::Sqlite).await;
    let keys = [
        None,
        Some(""),
        Some("wrong"),
        Some("test-api-keY"),
        Some("test-api-key2"),
        Some("test-api-ke"),
        Some("Bearer test-api-key"),
    ];
    let calls = [
        (Method::POST, "/session"),
        (Method::GET, "/session"),
        (Method::GET, "/session/loja01"),
        (Method::GET, "/session/nobody"),
        (Method::DELETE, "/session/loja01"),
        (Method::DELETE, "/session/loja01?force=true"),
        (Method::POST, "/session/loja01/connect"),
    ];
    for key in keys {
        for (method, path) in &calls {
            let mut request = app
                .http()
                .request(method.clone(), app.base.join(path).unwrap())
                .json(&payload(&app, "loja02", app.inbox));
            if let Some(key) = key {
                request = request.header("Api-Key", key);
            }
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{method} {path} with {key:?}");
            assert!(answer.text().await.unwrap().contains("wrong_api_key"));
        }
    }
    let with_key_in_url = app.http().get(app.base.join("/session?api-key=test-api-key").unwrap()).send().await.unwrap();
    assert_eq!(with_key_in_url.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(app.call(Method::GET, "/session/loja01", None).await.0, StatusCode::OK);
    app.finish().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_payload_is_named_and_not_repeated() {
    let app = TestApp::without_session(Options::on(Database::Sqlite)).await;
    let good = payload(&app, "loja01", app.inbox);
    let with = |pointer: &str, value: Value| {
        let mut changed = good.clone();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        changed.pointer_mut(parent).unwrap()[key] = value;
        changed.to_string()
    };
    let without = |key: &str| {
        let mut changed = good.clone();
        changed["chatwoot"].as_object_mut().unwrap().remove(key);
        changed.to_string()
    };
    let secret = "s3cr3t-7Yx9\"hidden-half";
    let table = [
        (with("/sesion_id", json!("x")), 422, "sesion_id"),
        (with("/chatwoot/inbox", json!(1)), 422, "inbox"),
        (with("/settings", json!({ "voyce": "mp3" })), 422, "voyce"),
        (with("/settings", json!({ "voice": secret })), 422, "expected `mp3` or `original`"),
        (with("/chatwoot/token", json!(8_123_456_789_u64)), 422, "expected a string"),
        (with("/chatwoot/token", json!(8.125)), 422, "expected a string"),
        (with("/chatwoot/token", json!([secret])), 422, "expected a string"),
        (with("/chatwoot/inbox_id", json!(secret)), 422, "expected i64"),
        (with("/chatwoot/account_id", json!(1.5)), 422, "expected i64"),
        (with("/chatwoot/url", json!(secret)), 422, "relative URL without a base"),
        (with("/chatwoot", json!(secret)), 422, "inbox_id, account_id and token"),
        (with("/settings", json!(secret)), 422, "an object of settings"),
        (with("/session_id", json!(7)), 422, "expected a string"),
        (with("/session_id", json!("")), 422, "session_id"),
        (with("/session_id", json!("a/b")), 422, "session_id"),
        (with("/session_id", json!("..")), 422, "session_id"),
        (with("/session_id", json!("a b")), 422, "session_id"),
        (with("/session_id", json!("a\0b")), 422, "session_id"),
        (with("/session_id", json!("x".repeat(65))), 422, "session_id"),
        (with("/session_id", json!("café")), 422, "session_id"),
        (with("/description", json!("a\0b")), 422, "description"),
        (without("token"), 422, "token"),
        (without("inbox_id"), 422, "inbox_id"),
        (json!({ "session_id": "x" }).to_string(), 422, "chatwoot"),
        ("[]".to_owned(), 422, "chatwoot"),
        (good.to_string().trim_end_matches('}').to_owned(), 400, "JSON"),
        (String::new(), 400, "JSON"),
    ];
    for (body, expected, named) in table {
        let headers = [("api-key", "test-api-key"), ("content-type", "application/json")];
        let (status, answer) = post(&app, app.base.join("/session").unwrap().as_str(), &headers, body.clone()).await;
        assert_eq!(status.as_u16(), expected, "{body}: {answer}");
        assert!(answer.contains(named), "{body}: {answer} does not name {named}");
        for part in ["s3cr3t", "7Yx9", "hidden-half", "8123456789", "8.125", app.token.as_str()] {
            assert!(!answer.contains(part), "{body}: {answer} repeats {part}");
        }
    }
    let url = app.base.join("/session").unwrap();
    let large = with("/description", json!("x".repeat(2 * 1024 * 1024)));
    let headers = [("api-key", "test-api-key"), ("content-type", "application/json")];
    assert_eq!(post(&app, url.as_str(), &headers, large).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    let (status, _) =
        post(&app, url.as_str(), &[("api-key", "test-api-key"), ("content-type", "text/plain")], good.to_string())
            .await;
    assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(app.call(Method::GET, "/session", None).await.1["data"], json!([]));
    assert_eq!(instances(&app).await, Vec::<Value>::new());
    app.finish().await;
}

#[tokio::test]
async fn an_agents_session_says_what_to_paste_and_works_then() {
    let app = TestApp::without_session(Options { role: Role::Agent, ..Options::on(Database::Sqlite) }).await;
    let (status, made) = app.create_session("loja01").await;
    assert_eq!((status, &made["chatwoot_inbox_webhook_set"]), (StatusCode::CREATED, &json!(false)), "{made}");
    assert!(made["next_step"].as_str().unwrap().contains("paste chatwoot_inbox_webhook into"), "{made}");
    assert_eq!(app.chatwoot.webhook_url(app.inbox).as_deref(), Some(""));
    app.codechat.scan_qr("loja01", "5511988887777");
    app.chatwoot.set_webhook_url(app.inbox, made["chatwoot_inbox_webhook"].as_str().unwrap());
    app.codechat.customer_sends("loja01", &CustomerMessage::text("5511900000001", "oi"));
    app.chatwoot_has(1).await;
    app.chatwoot.agent_sends(app.conversation(), relay_sim::AgentMessage::text("olá")).unwrap();
    app.whatsapp_has(1).await;
    app.finish().await;
}

#[tokio::test]
async fn a_session_with_waiting_events_is_kept_unless_forced() {
    let app = TestApp::start(Database::Sqlite).await;
    app.chatwoot.fault(Fault::status(route::ALL, 503));
    app.codechat.customer_sends("loja01", &CustomerMessage::text("5511900000001", "oi"));
    app.until("a waiting event", async || app.engine.store.tally().await.unwrap().pending == 1).await;
    let (status, body) = app.call(Method::DELETE, "/session/loja01", None).await;
    assert_eq!((status, &body["code"]), (StatusCode::CONFLICT, &json!("events_pending")), "{body}");
    let detail = body["detail"].as_str().unwrap();
    assert!(
        detail.starts_with("1 event of this session still waits and 0 are dead letters; keep them with "),
        "{detail}"
    );
    assert_eq!(app.call(Method::GET, "/session/loja01", None).await.0, StatusCode::OK);
    assert_eq!(app.call(Method::DELETE, "/session/loja01?force=true", None).await.0, StatusCode::NO_CONTENT);
    assert_eq!(app.call(Method::GET, "/session/loja01", None).await.0, StatusCode::NOT_FOUND);
    assert_eq!(app.finish().await.received, 0);
}

#[tokio::test]
async fn connecting_shows_a_code_to_scan() {
    let app = TestApp::without_session(Options::on(Database::Sqlite)).await;
    app.create_session("loja01").await;
    let (status, qr) = app.call(Method::POST, "/session/loja01/connect", None).await;
    assert_eq!((status, &qr["state"], &qr["count"]), (StatusCode::OK, &json!("connecting"), &json!(1)), "{qr}");
    assert!(qr["base64"].as_str().unwrap().starts_with("data:image/png;base64,"));
    assert!(!qr["code"].as_str().unwrap().is_empty());
    app.codechat.scan_qr("loja01", "5511988887777");
    let (status, qr) = app.call(Method::POST, "/session/loja01/connect", None).await;
    assert_eq!((status, &qr["state"], &qr["code"]), (StatusCode::OK, &json!("open"), &json!(null)));
    app.until("the phone to count as connected", async || {
        app.call(Method::GET, "/session/loja01", None).await.1["connection"] == json!("open")
    })
    .await;
    let (status, body) = app.call(Method::POST, "/session/nobody/connect", None).await;
    assert_eq!((status, &body["code"]), (StatusCode::NOT_FOUND, &json!("unknown_session")));
    app.codechat.go_down().await;
    let (status, body) = app.call(Method::POST, "/session/loja01/connect", None).await;
    assert_eq!((status, &body["code"]), (StatusCode::BAD_GATEWAY, &json!("codechat_failed")), "{body}");
    app.finish().await;
}

/// What a caller may put where a session's name belongs.
#[tokio::test]
async fn odd_names_are_unknown_on_postgres() {
    let app = TestApp::start(Database::Postgres).await;
    for name in
        ["nobody", "loja01%00", "%00", "loja0%25", "loja01'--", "%27%20OR%201=1--", "LOJA01", "%F0%9F%98%80", "_oja01"]
    {
        for method in [Method::GET, Method::DELETE] {
            let (status, body) = app.call(method, &format!("/session/{name}"), None).await;
            assert_eq!(status, StatusCode::NOT_FOUND, "{name}: {body}");
        }
    }
    assert_eq!(app.call(Method::GET, "/session", None).await.1["data"].as_array().unwrap().len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn tokens_are_in_no_answer() {
    let app = TestApp::start(Database::Sqlite).await;
    let live = app.engine.sessions.named("loja01").await.unwrap().unwrap();
    let secrets = [
        FakeChatwoot::ADMIN_TOKEN.to_owned(),
        app.codechat.api_key().to_owned(),
        live.session.codechat.token.expose_secret().to_owned(),
        live.session.chatwoot.secret.as_ref().unwrap().expose_secret().to_owned(),
        app.codechat_webhook().split_once("token=").unwrap().1.to_owned(),
        app.chatwoot_webhook().split_once("token=").unwrap().1.to_owned(),
    ];
    for path in ["/session", "/session/loja01", "/healthz", "/metrics"] {
        let (_, body) = app.call(Method::GET, path, None).await;
        for secret in &secrets {
            assert!(!body.to_string().contains(secret.as_str()), "{path} shows {secret}");
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn settings_are_changed_one_by_one() {
    let app = TestApp::start(Database::Sqlite).await;
    let change = async |settings: Value| {
        app.call(Method::PATCH, "/session/loja01", Some(&json!({ "settings": settings }))).await
    };
    let (status, changed) = change(json!({ "voice": "original", "calls": { "reply": "Escreva, por favor" } })).await;
    assert_eq!(status, StatusCode::OK, "{changed}");
    let (_, changed) =
        change(json!({ "calls": { "reject": true }, "groups": { "only": ["120363000000000001@g.us"] } })).await;
    assert_eq!(changed["settings"]["voice"], "original");
    assert_eq!(changed["settings"]["calls"], json!({ "reject": true, "reply": "Escreva, por favor" }));
    assert_eq!(changed["settings"]["groups"], json!({ "only": ["120363000000000001@g.us"] }));
    let (status, refused) = change(json!({ "typping": true, "voice": "mp3" })).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused["detail"].as_str().unwrap().contains("`typping`"), "{refused}");
    let (_, shown) = app.call(Method::GET, "/session/loja01", None).await;
    assert_eq!(shown["settings"], changed["settings"], "a refused change changes nothing");
    let live = app.engine.sessions.named("loja01").await.unwrap().unwrap();
    assert!(live.session.settings.calls.reject, "the running session has it at once");
    let (status, _) = app.call(Method::PATCH, "/session/nobody", Some(&json!({ "settings": {} }))).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    app.finish().await;
}
