//! What people get wrong when they set a relay up, mistake by mistake: the doctor names it with what to do, or it is impossible.

use relay_engine::EngineConfig;
use relay_sim::{
    AgentMessage, Chat, ChatwootOptions, CodeChatOptions, CustomerMessage, FakeChatwoot, Fault, FaultAction,
    HookFaults, Role, route,
};
use relay_testing::proxy::{Mischief, in_front_of};
use relay_testing::{Database, Options, TestApp};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use url::Url;

use crate::support::{ANA, BIA, SESSION, answers, finish_clean, has_status, heard, meet, relayed_as, says, texts_sent};

both!(
    nothing_is_wrong_and_no_customer_notices_the_look,
    m01_chatwoot_may_not_call_a_private_address,
    m01_codechat_calls_an_address_of_its_own,
    m02_an_answer_never_waits_for_the_other_side,
    m03_the_token_is_a_bots_or_nobodys,
    m03_the_user_is_an_agent_or_in_another_account,
    m04_the_inbox_is_of_another_kind,
    m05_the_address_was_copied_with_its_path,
    m06_the_signing_secret_was_reset,
    m07_files_have_another_address,
    m08_a_proxy_takes_small_bodies_only,
    m08_a_proxy_drops_the_signature,
    m08_something_else_answers_at_the_public_address,
    m09_two_integrations_use_one_inbox,
    m09_codechat_tells_everything_twice,
    m10_codechat_stores_nothing,
    m11_codechat_contradicts_itself,
    m12_nothing_is_lost_silently,
    m13_nothing_is_doubled,
    m14_one_person_is_one_contact,
    m15_the_clocks_are_apart,
    m16_a_burst_meets_chatwoots_limits,
    m17_a_report_can_be_shown_to_everybody,
    m18_codechat_answers_without_a_key,
    m19_nobody_is_asked_for_chatwoots_database,
    m20_the_relay_sets_the_webhook_itself,
);

async fn look(app: &TestApp, deep: bool) -> Value {
    let ask = json!({ "deep": deep, "locale": "en" });
    let (status, report) = app.call(Method::POST, "/api/v1/doctor", Some(&ask)).await;
    assert_eq!(status, StatusCode::OK, "{report}");
    report
}

/// The finding of a check; the worst, where there are several.
fn finding<'a>(report: &'a Value, name: &str) -> &'a Value {
    let findings = report["findings"].as_array().unwrap().iter().filter(|finding| finding["name"] == name);
    let badness = |finding: &&Value| ["skip", "ok", "warn", "fail"].iter().position(|level| finding["level"] == *level);
    findings.max_by_key(badness).unwrap_or_else(|| panic!("no {name} in {report}"))
}

/// Checks that a check found something so bad, and that its fix names what to do.
fn names(report: &Value, name: &str, level: &str, fix: &str) {
    let found = finding(report, name);
    assert_eq!(found["level"], level, "{found}");
    assert!(found["fix"].as_str().unwrap_or_default().contains(fix), "{fix} is not in {found}");
    assert!(found["why"].as_str().is_some_and(|why| !why.is_empty()), "{found}");
}

fn is_ok(report: &Value, name: &str) {
    assert_eq!(finding(report, name)["level"], "ok", "{}", finding(report, name));
}

async fn start_tuned(database: Database, tune: fn(&mut EngineConfig)) -> TestApp {
    TestApp::with(Options { tune, ..Options::on(database) }).await
}

async fn nothing_is_wrong_and_no_customer_notices_the_look(database: Database) {
    let app = TestApp::start(database).await;
    meet(&app, ANA).await;
    app.settle().await;
    let before = app.chatwoot.messages().len();
    let report = look(&app, true).await;
    assert_eq!(report["summary"]["fail"], 0, "{report:#}");
    for name in [
        "public.url",
        "chatwoot.reach",
        "chatwoot.files",
        "chatwoot.webhook",
        "codechat.reach",
        "codechat.media",
        "clock",
    ] {
        is_ok(&report, name);
    }
    // the test is a private note in a conversation of its own, whose contact has no number, and is gone afterwards
    let messages = app.chatwoot.messages();
    let [test] = &messages[before..] else { panic!("one test: {messages:?}") };
    assert!(test.private && test.source_id.is_some(), "{test:?}");
    assert_eq!((test.contact_phone.as_ref(), test.content_attributes.get("deleted")), (None, Some(&json!(true))));
    assert_eq!(app.codechat.submission_count(), 0);
    // a second look uses it again
    look(&app, true).await;
    let rooms = app.chatwoot.conversations();
    assert_eq!((rooms.len(), app.chatwoot.contacts().len()), (2, 2), "{rooms:?}");
    // and what an agent writes there goes nowhere
    let answer = answers(&app, test.conversation, AgentMessage::text("Olá?"));
    has_status(&app, answer, "failed").await;
    app.settle().await;
    assert_eq!(app.codechat.submission_count(), 0, "{:?}", app.codechat.submissions());
    app.finish().await;
}

async fn m01_chatwoot_may_not_call_a_private_address(database: Database) {
    let app = TestApp::start(database).await;
    app.chatwoot.refuse_private(true);
    let wanted = "SAFE_FETCH_ALLOW_PRIVATE_NETWORK=true";
    names(&look(&app, false).await, "chatwoot.reach", "warn", wanted);
    names(&look(&app, true).await, "chatwoot.reach", "fail", wanted);
    // without a test, by what Chatwoot wrote on an agent's message
    let conversation = meet(&app, ANA).await;
    let refused = answers(&app, conversation, AgentMessage::text("Olá"));
    has_status(&app, refused, "failed").await;
    names(&look(&app, false).await, "chatwoot.reach", "fail", wanted);
    app.chatwoot.refuse_private(false);
    is_ok(&look(&app, true).await, "chatwoot.reach");
    app.finish().await;
}

async fn m01_codechat_calls_an_address_of_its_own(database: Database) {
    let nowhere = |config: &mut EngineConfig| config.callback_url = Url::parse("http://127.0.0.1:1").unwrap();
    let app = start_tuned(database, nowhere).await;
    let report = look(&app, true).await;
    names(&report, "codechat.reach", "fail", "CODECHAT_CALLBACK_URL");
    names(&report, "codechat.media", "fail", "CODECHAT_CALLBACK_URL");
    finish_clean(app).await;
    let dotless = |config: &mut EngineConfig| config.callback_url = Url::parse("http://relay:8080").unwrap();
    let app = start_tuned(database, dotless).await;
    names(&look(&app, false).await, "codechat.media", "fail", "CODECHAT_CALLBACK_URL");
    names(&look(&app, true).await, "codechat.media", "fail", "CODECHAT_CALLBACK_URL");
    assert_eq!(app.codechat.submission_count(), 0);
    finish_clean(app).await;
}

async fn m02_an_answer_never_waits_for_the_other_side(database: Database) {
    let app = TestApp::start(database).await;
    let conversation = meet(&app, ANA).await;
    app.codechat.fault(Fault::on(route::SEND_TEXT, FaultAction::Hang { commit: false }).times(1));
    let message = answers(&app, conversation, AgentMessage::text("Olá"));
    heard(&app, message).await;
    is_ok(&look(&app, false).await, "chatwoot.ack");
    app.codechat.clear_faults();
}

async fn m03_the_token_is_a_bots_or_nobodys(database: Database) {
    let app = TestApp::start(database).await;
    app.chatwoot.set_owner(FakeChatwoot::ADMIN_TOKEN, Role::Bot, app.account);
    let report = look(&app, false).await;
    names(&report, "chatwoot.token", "fail", "administrator");
    assert!(finding(&report, "chatwoot.token")["seen"].as_str().unwrap().contains("bot"));
    app.chatwoot.revoke_token(FakeChatwoot::ADMIN_TOKEN);
    let report = look(&app, false).await;
    names(&report, "chatwoot.token", "fail", "administrator");
    assert!(finding(&report, "chatwoot.token")["why"].as_str().unwrap().contains("platform"));
    app.finish().await;
}

async fn m03_the_user_is_an_agent_or_in_another_account(database: Database) {
    let app = TestApp::start(database).await;
    app.chatwoot.set_owner(FakeChatwoot::ADMIN_TOKEN, Role::Agent, app.account);
    names(&look(&app, false).await, "chatwoot.account", "warn", "administrator");
    let other = app.chatwoot.add_account("Outra");
    app.chatwoot.set_owner(FakeChatwoot::ADMIN_TOKEN, Role::Administrator, other);
    let report = look(&app, false).await;
    names(&report, "chatwoot.account", "fail", "/accounts/");
    assert!(finding(&report, "chatwoot.account")["seen"].as_str().unwrap().ends_with(&format!("it sees: {other}")));
    app.finish().await;
}

async fn m04_the_inbox_is_of_another_kind(database: Database) {
    let app = TestApp::start(database).await;
    app.chatwoot.set_channel(app.inbox, "Channel::WebWidget");
    let report = look(&app, false).await;
    names(&report, "chatwoot.inbox", "fail", "API");
    assert!(finding(&report, "chatwoot.inbox")["seen"].as_str().unwrap().contains("Channel::WebWidget"));
    let (status, refused) = app.create_session("loja02").await;
    assert_eq!((status, &refused["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("not_an_api_inbox")));
    finish_clean(app).await;
}

async fn m05_the_address_was_copied_with_its_path(database: Database) {
    let pasted = |config: &mut EngineConfig| {
        let url = config.chatwoot_url.as_mut().unwrap();
        url.set_path("/app/accounts/1/inbox/1");
    };
    let app = TestApp::without_session(Options { tune: pasted, ..Options::on(database) }).await;
    let server = app.chatwoot.base_url();
    let (status, refused) = app.create_session(SESSION).await;
    assert_eq!((status, &refused["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("chatwoot_page")));
    assert!(refused["detail"].as_str().unwrap().contains(&format!("use {server} alone")), "{refused}");
    names(&look(&app, false).await, "chatwoot.url", "fail", &format!("CHATWOOT_URL={server}"));
    finish_clean(app).await;
}

async fn m06_the_signing_secret_was_reset(database: Database) {
    let app = TestApp::start(database).await;
    let conversation = meet(&app, ANA).await;
    is_ok(&look(&app, false).await, "chatwoot.signature");
    let url = format!("{}/api/v1/accounts/{}/inboxes/{}/reset_secret", app.chatwoot.base_url(), app.account, app.inbox);
    app.http().post(url).header("api-access-token", &app.token).send().await.unwrap();
    names(&look(&app, false).await, "chatwoot.signature", "warn", "reads the new one");
    answers(&app, conversation, AgentMessage::text("Olá"));
    app.whatsapp_has(1).await;
    is_ok(&look(&app, false).await, "chatwoot.signature");
    finish_clean(app).await;
}

async fn m07_files_have_another_address(database: Database) {
    let chatwoot =
        ChatwootOptions { frontend_url: Some("http://0.0.0.0:3000".to_owned()), ..Options::on(database).chatwoot };
    let app = TestApp::with(Options { chatwoot, ..Options::on(database) }).await;
    let report = look(&app, true).await;
    names(&report, "chatwoot.files", "warn", "FRONTEND_URL");
    assert!(finding(&report, "chatwoot.files")["seen"].as_str().unwrap().contains("http://0.0.0.0:3000"));
    finish_clean(app).await;
}

async fn m08_a_proxy_takes_small_bodies_only(database: Database) {
    let behind = |config: &mut EngineConfig| config.api_url = in_front_of(&config.api_url, Mischief::SmallBodies);
    let app = start_tuned(database, behind).await;
    let report = look(&app, true).await;
    names(&report, "public.body", "warn", "client_max_body_size");
    for name in ["public.url", "public.headers", "chatwoot.reach"] {
        is_ok(&report, name);
    }
    finish_clean(app).await;
}

async fn m08_a_proxy_drops_the_signature(database: Database) {
    let behind = |config: &mut EngineConfig| config.api_url = in_front_of(&config.api_url, Mischief::DropsHeaders);
    let app = start_tuned(database, behind).await;
    let report = look(&app, true).await;
    names(&report, "public.headers", "fail", "headers");
    names(&report, "chatwoot.reach", "fail", "signature");
    finish_clean(app).await;
}

async fn m08_something_else_answers_at_the_public_address(database: Database) {
    let behind = |config: &mut EngineConfig| config.api_url = in_front_of(&config.api_url, Mischief::AnswersItself);
    let app = start_tuned(database, behind).await;
    names(&look(&app, false).await, "public.url", "fail", "API_URL");
    finish_clean(app).await;
}

async fn m09_two_integrations_use_one_inbox(database: Database) {
    let app = TestApp::start(database).await;
    is_ok(&look(&app, false).await, "chatwoot.webhook");
    app.chatwoot.add_account_webhook(app.account, "http://127.0.0.1:1/chatwoot/webhook/evolution?token=other-bridge");
    let report = look(&app, false).await;
    names(&report, "chatwoot.webhook", "warn", "Integrations");
    assert!(finding(&report, "chatwoot.webhook")["seen"].as_str().unwrap().contains("http://127.0.0.1:1"));
    assert!(!report.to_string().contains("other-bridge"), "{report}");
    app.chatwoot.set_webhook_url(app.inbox, "http://127.0.0.1:1/hook");
    names(&look(&app, false).await, "chatwoot.webhook", "fail", "relay session add");
    app.finish().await;
}

async fn m09_codechat_tells_everything_twice(database: Database) {
    let app = TestApp::start(database).await;
    app.codechat.set_global_webhook(&app.codechat_webhook());
    let mut last = String::new();
    for text in ["um", "dois", "três", "quatro"] {
        last = says(&app, ANA, text);
    }
    relayed_as(&app, &last).await;
    let acks = || app.codechat.ack_log().iter().filter(|ack| ack.event == "messages.upsert").count();
    app.until("all webhooks", async || acks() >= 8).await;
    names(&look(&app, false).await, "codechat.twice", "warn", "WEBHOOK_GLOBAL_URL");
    finish_clean(app).await;
}

async fn m10_codechat_stores_nothing(database: Database) {
    let codechat = CodeChatOptions { save_messages: false, ..Options::on(database).codechat };
    let app = TestApp::with(Options { codechat, ..Options::on(database) }).await;
    assert_eq!(finding(&look(&app, false).await, "codechat.history")["level"], "skip");
    meet(&app, ANA).await;
    names(&look(&app, false).await, "codechat.history", "warn", "DATABASE_SAVE_DATA_NEW_MESSAGE=true");
    finish_clean(app).await;
}

/// The contact would show codes for minutes once the number is logged out.
fn without_relay_contact(database: Database) -> Options {
    Options { settings: json!({ "relay_contact": { "enabled": false } }), ..Options::on(database) }
}

async fn m11_codechat_contradicts_itself(database: Database) {
    let app = TestApp::with(without_relay_contact(database)).await;
    let said = json!({ "status": 400, "error": "Bad Request", "message": ["The \"loja01\" instance does not exist or is not connected"] });
    let denied = FaultAction::Status { status: 400, body: Some(said), retry_after: None, commit: false };
    app.codechat.fault(Fault::on(route::FIND_MESSAGES, denied));
    names(&look(&app, false).await, "codechat.instance", "warn", "3 minutes");
    app.codechat.clear_faults();
    is_ok(&look(&app, false).await, "codechat.instance");
    app.codechat.unpair(SESSION);
    names(&look(&app, false).await, "codechat.instance", "fail", "relay session connect loja01");
    finish_clean(app).await;
}

async fn m12_nothing_is_lost_silently(database: Database) {
    let app = TestApp::start(database).await;
    is_ok(&look(&app, false).await, "store.dead");
    app.codechat.not_on_whatsapp([BIA]);
    let conversation = app.chatwoot.agent_starts_conversation(app.inbox, &format!("+{BIA}")).unwrap();
    let lost = answers(&app, conversation, AgentMessage::text("Olá"));
    has_status(&app, lost, "failed").await;
    app.settle().await;
    let report = look(&app, false).await;
    names(&report, "store.dead", "warn", "relay dead ls");
    is_ok(&report, "store.balance");
    app.finish().await;
}

async fn m13_nothing_is_doubled(database: Database) {
    let app = TestApp::start(database).await;
    let doubled = HookFaults { duplicate_percent: 100, extra_copies: 3, ..HookFaults::default() };
    app.codechat.set_hook_faults(doubled);
    app.chatwoot.set_hook_faults(doubled);
    let conversation = meet(&app, ANA).await;
    let message = answers(&app, conversation, AgentMessage::text("Olá"));
    app.whatsapp_has(1).await;
    heard(&app, message).await;
    app.settle().await;
    assert_eq!((app.relayed().len(), texts_sent(&app)), (1, vec!["Olá".to_owned()]));
    finish_clean(app).await;
}

async fn m14_one_person_is_one_contact(database: Database) {
    let app = TestApp::start(database).await;
    let lid = "200000000000001".to_owned();
    for chat in [Chat::LidOnly(lid.clone()), Chat::PhoneAndLid(ANA.to_owned(), lid)] {
        let message = CustomerMessage { chat, ..CustomerMessage::text(ANA, "Oi") };
        let key = app.codechat.customer_sends(SESSION, &message).unwrap();
        relayed_as(&app, &key).await;
    }
    meet(&app, ANA).await;
    assert_eq!((app.chatwoot.contacts().len(), app.chatwoot.conversations().len()), (1, 1));
    finish_clean(app).await;
}

async fn m15_the_clocks_are_apart(database: Database) {
    let app = TestApp::start(database).await;
    is_ok(&look(&app, false).await, "clock");
    app.codechat.set_clock_ahead(-60);
    names(&look(&app, false).await, "clock", "warn", "set-ntp");
    app.chatwoot.set_clock_ahead(400);
    names(&look(&app, false).await, "clock", "fail", "set-ntp");
    finish_clean(app).await;
}

async fn m16_a_burst_meets_chatwoots_limits(database: Database) {
    let app = TestApp::start(database).await;
    is_ok(&look(&app, false).await, "chatwoot.rate");
    let limit = FaultAction::Status { status: 429, body: None, retry_after: Some(1), commit: false };
    app.chatwoot.fault(Fault::on(route::MESSAGE_CREATE, limit).times(1));
    meet(&app, ANA).await;
    names(&look(&app, false).await, "chatwoot.rate", "warn", "RACK_ATTACK_LIMIT");
    finish_clean(app).await;
}

async fn m17_a_report_can_be_shown_to_everybody(database: Database) {
    let app = TestApp::with(without_relay_contact(database)).await;
    let conversation = meet(&app, ANA).await;
    answers(&app, conversation, AgentMessage::text("um segredo"));
    app.whatsapp_has(1).await;
    let mut reports = look(&app, true).await.to_string();
    app.chatwoot.refuse_private(true);
    app.codechat.unpair(SESSION);
    reports.push_str(&look(&app, true).await.to_string());
    let token_of = |hook: &str| hook.split_once("token=").unwrap().1.to_owned();
    let secrets = [
        app.token.clone(),
        app.codechat.api_key().to_owned(),
        token_of(&app.chatwoot_webhook()),
        token_of(&app.codechat_webhook()),
        "test-api-key".to_owned(),
        "test-secret-key".to_owned(),
        ANA.to_owned(),
        "5511988887777".to_owned(),
        "um segredo".to_owned(),
    ];
    for secret in secrets {
        assert!(!reports.contains(&secret), "{secret} is in {reports}");
    }
    app.finish().await;
}

async fn m18_codechat_answers_without_a_key(database: Database) {
    let app = TestApp::start(database).await;
    is_ok(&look(&app, false).await, "codechat.exposed");
    let open = FaultAction::Status {
        status: 200,
        body: Some(json!({ "state": "open", "statusReason": 200 })),
        retry_after: None,
        commit: false,
    };
    app.codechat.fault(Fault::on(route::CONNECTION_STATE, open));
    names(&look(&app, false).await, "codechat.exposed", "fail", "do not publish");
    finish_clean(app).await;
}

async fn m19_nobody_is_asked_for_chatwoots_database(database: Database) {
    let app = TestApp::without_session(Options::on(database)).await;
    let chatwoot =
        json!({ "account_id": 1, "inbox_id": app.inbox, "token": app.token, "database_url": "postgres://chatwoot" });
    let body = json!({ "session_id": SESSION, "chatwoot": chatwoot });
    let (status, refused) = app.call(Method::POST, "/session", Some(&body)).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused["detail"].as_str().unwrap().starts_with("unknown field `database_url`"), "{refused}");
    finish_clean(app).await;
}

async fn m20_the_relay_sets_the_webhook_itself(database: Database) {
    let app = TestApp::start(database).await;
    assert!(app.chatwoot_webhook().starts_with(app.base.as_str()));
    is_ok(&look(&app, false).await, "chatwoot.webhook");
    app.chatwoot.set_webhook_url(app.inbox, "");
    names(&look(&app, false).await, "chatwoot.webhook", "fail", "relay session add");
    finish_clean(app).await;
}
