//! Making a session when something is in the way: a clear word, and nothing left behind.

use relay_sim::{CustomerMessage, Fault, FaultAction, Role};
use relay_testing::{Database, Options, TestApp};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::support::{another_session, dial, instances, payload, post_head};

const CREATE_INSTANCE: &str = "POST /instance/create";
const SET_WEBHOOK: &str = "PUT /webhook/set/{instance}";
const SHOW_INBOX: &str = "GET /api/v1/accounts/{account}/inboxes/{inbox}";
const SET_INBOX: &str = "PATCH /api/v1/accounts/{account}/inboxes/{inbox}";

async fn empty_app() -> TestApp {
    TestApp::without_session(Options::on(Database::Sqlite)).await
}

/// No row, no instance, no address in Chatwoot.
async fn assert_nothing_left(app: &TestApp, when: &str) {
    assert_eq!(app.call(Method::GET, "/session", None).await.1["data"], json!([]), "{when}");
    assert_eq!(instances(app).await, Vec::<Value>::new(), "{when}");
    assert_eq!(app.chatwoot.webhook_url(app.inbox).as_deref(), Some(""), "{when}");
}

fn reset() -> FaultAction {
    FaultAction::Reset { commit: false }
}

#[tokio::test]
async fn a_step_that_fails_undoes_those_before_it() {
    let app = empty_app().await;
    let failed_after = |commit| FaultAction::Status { status: 500, body: None, retry_after: None, commit };
    let table = [
        (
            "inbox 500",
            true,
            SHOW_INBOX,
            failed_after(false),
            "chatwoot_failed",
            "Chatwoot could not be set up: chatwoot failed",
        ),
        ("inbox reset", true, SHOW_INBOX, reset(), "chatwoot_failed", "chatwoot is unreachable"),
        (
            "instance 500",
            false,
            CREATE_INSTANCE,
            failed_after(false),
            "codechat_failed",
            "CodeChat could not be set up: codechat failed",
        ),
        ("instance reset", false, CREATE_INSTANCE, reset(), "codechat_failed", "codechat is unreachable"),
        ("webhook 500", false, SET_WEBHOOK, failed_after(false), "codechat_failed", "codechat failed"),
        ("webhook 500 though set", false, SET_WEBHOOK, failed_after(true), "codechat_failed", "codechat failed"),
        ("inbox webhook 500", true, SET_INBOX, failed_after(false), "chatwoot_failed", "chatwoot failed"),
        ("inbox webhook 500 though set", true, SET_INBOX, failed_after(true), "chatwoot_failed", "chatwoot failed"),
        (
            "inbox webhook reset though set",
            true,
            SET_INBOX,
            FaultAction::Reset { commit: true },
            "chatwoot_failed",
            "chatwoot is unreachable",
        ),
    ];
    for (name, at_chatwoot, route, action, code, says) in table {
        let fault = Fault::on(route, action).times(1);
        if at_chatwoot {
            app.chatwoot.fault(fault);
        } else {
            app.codechat.fault(fault);
        }
        let (status, body) = app.create_session("loja01").await;
        assert_eq!((status, &body["code"]), (StatusCode::BAD_GATEWAY, &json!(code)), "{name}: {body}");
        assert!(body["detail"].as_str().unwrap().contains(says), "{name}: {body}");
        app.chatwoot.clear_faults();
        app.codechat.clear_faults();
        assert_nothing_left(&app, name).await;
    }
    assert_eq!(app.create_session("loja01").await.0, StatusCode::CREATED);
    app.finish().await;
}

#[tokio::test]
async fn a_side_that_is_down_is_named() {
    let app = empty_app().await;
    app.chatwoot.go_down().await;
    let (status, body) = app.create_session("loja01").await;
    assert_eq!((status, &body["code"]), (StatusCode::BAD_GATEWAY, &json!("chatwoot_failed")), "{body}");
    app.chatwoot.come_up().await.unwrap();
    app.codechat.go_down().await;
    let (status, body) = app.create_session("loja01").await;
    assert_eq!((status, &body["code"]), (StatusCode::BAD_GATEWAY, &json!("codechat_failed")), "{body}");
    assert!(body["detail"].as_str().unwrap().contains("codechat is unreachable"), "{body}");
    app.codechat.come_up().await.unwrap();
    assert_nothing_left(&app, "after outages").await;
    app.finish().await;
}

#[tokio::test]
async fn a_wrong_inbox_or_token_is_told_apart() {
    let app = empty_app().await;
    let widget = json!({ "id": app.inbox, "name": "Site", "channel_type": "Channel::WebWidget" });
    let (_, stranger) = app.chatwoot.add_user(app.chatwoot.add_account("Other"), "Eve", Role::Administrator);
    let good = payload(&app, "loja01", app.inbox);
    let with = |key: &str, value: Value| {
        let mut changed = good.clone();
        changed["chatwoot"][key] = value;
        changed
    };
    let table = [
        (with("token", json!("wrong-token")), "chatwoot_token_refused", "access token of an administrator"),
        (with("token", json!("")), "chatwoot_token_refused", "access token"),
        (with("token", json!("line\nbreak")), "chatwoot_token_refused", "access token"),
        (with("token", json!(stranger)), "chatwoot_token_refused", "account 1"),
        (with("inbox_id", json!(999)), "no_such_inbox", "no inbox 999"),
        (with("account_id", json!(999)), "no_such_inbox", "account 999"),
    ];
    for (body, code, says) in table {
        let (status, answer) = app.call(Method::POST, "/session", Some(&body)).await;
        assert_eq!((status, &answer["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!(code)), "{body}: {answer}");
        assert!(answer["detail"].as_str().unwrap().contains(says), "{body}: {answer}");
        assert!(!answer.to_string().contains("wrong-token"), "{answer}");
    }
    let action = FaultAction::Status { status: 200, body: Some(widget), retry_after: None, commit: false };
    app.chatwoot.fault(Fault::on(SHOW_INBOX, action).times(1));
    let (status, answer) = app.create_session("loja01").await;
    assert_eq!((status, &answer["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("not_an_api_inbox")), "{answer}");
    assert!(answer["detail"].as_str().unwrap().contains("Channel::WebWidget"), "{answer}");
    assert_nothing_left(&app, "after wrong payloads").await;
    app.finish().await;
}

#[tokio::test]
async fn a_name_and_an_inbox_serve_one_session() {
    let app = TestApp::start(Database::Sqlite).await;
    let inbox = app.chatwoot.add_inbox(app.account, "Other", "").id;
    let (status, body) = app.call(Method::POST, "/session", Some(&payload(&app, "loja01", inbox))).await;
    assert_eq!(
        (status, &body["detail"]),
        (StatusCode::CONFLICT, &json!("this session name is already in use by another session"))
    );
    let hook = app.chatwoot_webhook();
    let (status, body) = app.call(Method::POST, "/session", Some(&payload(&app, "loja02", app.inbox))).await;
    assert_eq!(
        (status, &body["detail"]),
        (StatusCode::CONFLICT, &json!("this Chatwoot inbox is already in use by another session"))
    );
    let names: Vec<_> = instances(&app).await.iter().map(|instance| instance["name"].clone()).collect();
    assert_eq!(names, ["loja01"]);
    assert_eq!((app.chatwoot_webhook(), app.chatwoot.webhook_url(inbox).as_deref()), (hook, Some("")));
    app.codechat.customer_sends("loja01", &CustomerMessage::text("5511900000001", "oi"));
    app.chatwoot_has(1).await;
    app.finish().await;
}

#[tokio::test]
async fn of_many_who_ask_at_once_one_gets_the_name() {
    let app = empty_app().await;
    // the instance of one of them is made while another finds it
    app.codechat.fault(Fault::on(CREATE_INSTANCE, FaultAction::Delay { ms: 200, after_commit: true }).times(1));
    let ask = async || {
        let inbox = app.chatwoot.add_inbox(app.account, "x", "").id;
        app.call(Method::POST, "/session", Some(&payload(&app, "loja01", inbox))).await
    };
    let (a, b, c, d) = tokio::join!(ask(), ask(), ask(), ask());
    let answers = [a, b, c, d];
    let made: Vec<_> = answers.iter().filter(|(status, _)| *status == StatusCode::CREATED).collect();
    let refused = answers.iter().filter(|(status, _)| *status == StatusCode::CONFLICT).count();
    assert_eq!((made.len(), refused), (1, 3), "{answers:?}");
    let found = instances(&app).await;
    assert_eq!(found.len(), 1, "the winner's instance was taken away");
    assert!(found[0]["Webhook"]["url"].as_str().unwrap().contains("/codechat/webhook/loja01?token="));
    app.codechat.scan_qr("loja01", "5511988887777");
    app.codechat.customer_sends("loja01", &CustomerMessage::text("5511900000001", "oi"));
    app.chatwoot_has(1).await;
    app.finish().await;
}

/// An instance that was there before is somebody's pairing, and perhaps another program's source of messages.
#[tokio::test]
async fn an_instance_that_was_there_is_left_as_it_was() {
    let app = empty_app().await;
    app.codechat.add_open_instance("loja01", "5511988887777");
    let url = format!("{}/webhook/set/loja01", app.codechat.base_url());
    let theirs = json!({ "url": "http://example.com/theirs", "enabled": true, "events": { "messagesUpsert": true, "callUpsert": true } });
    let set = app.http().put(url).header("apikey", app.codechat.api_key()).json(&theirs).send().await.unwrap();
    assert_eq!(set.status(), StatusCode::CREATED);
    app.chatwoot.set_webhook_url(app.inbox, "http://example.com/before");
    app.chatwoot.fault(Fault::on(SET_INBOX, FaultAction::Reset { commit: true }).times(1));
    let (status, body) = app.create_session("loja01").await;
    assert_eq!(status, StatusCode::BAD_GATEWAY, "{body}");
    let instance = instances(&app).await.remove(0);
    assert_eq!((&instance["name"], &instance["Webhook"]["url"]), (&json!("loja01"), &theirs["url"]));
    let events = &instance["Webhook"]["events"];
    assert_eq!((&events["messagesUpsert"], &events["callUpsert"]), (&json!(true), &json!(true)));
    assert_ne!(events["sendMessage"], json!(true));
    assert_eq!(app.chatwoot.webhook_url(app.inbox).as_deref(), Some("http://example.com/before"));

    let (status, made) = app.create_session("loja01").await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    app.codechat.customer_sends("loja01", &CustomerMessage::text("5511900000001", "oi"));
    app.chatwoot_has(1).await;
    app.finish().await;
}

/// A caller that loses patience cannot stop half-way: the session is whole or not there.
#[tokio::test]
async fn a_caller_that_hangs_up_leaves_no_half_session() {
    let app = empty_app().await;
    app.chatwoot.fault(Fault::on(SET_INBOX, FaultAction::Delay { ms: 300, after_commit: false }).times(1));
    let body = payload(&app, "loja01", app.inbox).to_string();
    let url = app.base.join("/session").unwrap();
    let head = post_head(url.as_str());
    let request = format!(
        "{head}Api-Key: test-api-key\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = dial(url.as_str()).await;
    stream.write_all(request.as_bytes()).await.unwrap();
    let is_asked = async || app.chatwoot.calls().get(SET_INBOX).is_some_and(|count| *count == 1);
    app.until("Chatwoot to be asked", is_asked).await;
    drop(stream);
    app.until("the session to be whole", async || app.codechat.webhook_url("loja01").is_some()).await;
    app.codechat.scan_qr("loja01", "5511988887777");
    app.codechat.customer_sends("loja01", &CustomerMessage::text("5511900000001", "oi"));
    app.chatwoot_has(1).await;
    app.chatwoot.agent_sends(app.conversation(), relay_sim::AgentMessage::text("olá")).unwrap();
    app.whatsapp_has(1).await;
    another_session(&app, "loja02").await;
    app.finish().await;
}
