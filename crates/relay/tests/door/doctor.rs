//! The doctor over HTTP: who may ask, what the answer holds, and the door at which its own words come back.

use std::collections::BTreeSet;

use relay_engine::doctor::Check;
use relay_sim::{FakeChatwoot, Role};
use relay_testing::{Database, Options, TestApp};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{another_session, settled_app};

const DOCTOR: &str = "/api/v1/doctor";

fn names(report: &Value, session: &Value) -> BTreeSet<String> {
    let findings = report["findings"].as_array().unwrap();
    let of_session = findings.iter().filter(|finding| finding["session"] == *session);
    of_session.map(|finding| finding["name"].as_str().unwrap().to_owned()).collect()
}

fn all(is_wanted: impl Fn(&Check) -> bool) -> BTreeSet<String> {
    Check::ALL.iter().filter(|check| is_wanted(check)).map(|check| check.name().to_owned()).collect()
}

#[test]
fn every_check_has_a_section_and_every_section_a_check() {
    let page = include_str!("../../../../docs/troubleshooting.md");
    let sections: Vec<_> = page.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    let checks: Vec<_> = Check::ALL.iter().map(|check| check.name()).collect();
    assert_eq!(sections, checks);
    for section in page.split("\n## ").skip(1) {
        let name = section.lines().next().unwrap();
        assert!(section.lines().count() > 2, "{name} says nothing");
    }
}

#[tokio::test]
async fn every_check_is_in_the_report_of_every_session() {
    let app = settled_app().await;
    another_session(&app, "loja02").await;
    let (status, report) = app.call(Method::POST, DOCTOR, Some(&json!({ "locale": "en" }))).await;
    assert_eq!(status, StatusCode::OK, "{report}");
    assert_eq!(names(&report, &Value::Null), all(|check| !check.is_of_a_session()));
    for session in ["loja01", "loja02"] {
        assert_eq!(names(&report, &json!(session)), all(|check| check.is_of_a_session()), "{session}");
    }
    let count = |level: &str| {
        let findings = report["findings"].as_array().unwrap();
        findings.iter().filter(|finding| finding["level"] == level).count()
    };
    for level in ["ok", "warn", "fail", "skip"] {
        assert_eq!(report["summary"][level], json!(count(level)), "{level}");
    }
    for finding in report["findings"].as_array().unwrap() {
        let is_bad = finding["level"] == "warn" || finding["level"] == "fail";
        assert_eq!((is_bad, is_bad), (finding["why"].is_string(), finding["fix"].is_string()), "{finding}");
        assert!(!finding["seen"].as_str().unwrap().is_empty(), "{finding}");
    }
    let (_, one) = app.call(Method::POST, DOCTOR, Some(&json!({ "session": "loja02" }))).await;
    assert!(names(&one, &json!("loja01")).is_empty());
    assert_eq!(names(&one, &json!("loja02")).len(), names(&report, &json!("loja02")).len());
    app.finish().await;
}

#[tokio::test]
async fn without_a_session_both_servers_are_looked_at() {
    let app = TestApp::without_session(Options::on(Database::Sqlite)).await;
    let (_, report) = app.call(Method::POST, DOCTOR, None).await;
    assert_eq!(names(&report, &Value::Null), all(|_| true));
    let level = |name: &str| {
        let findings = report["findings"].as_array().unwrap();
        findings.iter().find(|finding| finding["name"] == name).unwrap()["level"].clone()
    };
    for (name, expected) in [
        ("chatwoot.url", "ok"),
        ("chatwoot.server", "ok"),
        ("codechat.server", "ok"),
        ("codechat.key", "ok"),
        ("chatwoot.inbox", "skip"),
        ("codechat.instance", "skip"),
    ] {
        assert_eq!(level(name), expected, "{name}");
    }
    app.finish().await;
}

#[tokio::test]
async fn it_speaks_three_languages_and_refuses_what_it_does_not_know() {
    let app = settled_app().await;
    let mut told = BTreeSet::new();
    for locale in ["pt-BR", "en", "es"] {
        let (_, report) = app.call(Method::POST, DOCTOR, Some(&json!({ "locale": locale }))).await;
        let findings = report["findings"].as_array().unwrap();
        let release = findings.iter().find(|finding| finding["name"] == "relay.release").unwrap();
        told.insert(release["seen"].as_str().unwrap().to_owned());
    }
    assert_eq!(told.len(), 3, "{told:?}");
    for (body, expected, code) in [
        (json!({ "session": "nobody" }), StatusCode::NOT_FOUND, "unknown_session"),
        (json!({ "depp": true }), StatusCode::UNPROCESSABLE_ENTITY, "invalid_session"),
        (json!({ "locale": "tlh" }), StatusCode::UNPROCESSABLE_ENTITY, "invalid_session"),
    ] {
        let (status, problem) = app.call(Method::POST, DOCTOR, Some(&body)).await;
        assert_eq!((status, problem["code"].as_str()), (expected, Some(code)), "{problem}");
    }
    let stranger = app.http().post(app.base.join(DOCTOR).unwrap()).send().await.unwrap();
    assert_eq!(stranger.status(), StatusCode::UNAUTHORIZED);
    app.finish().await;
}

#[tokio::test]
async fn a_session_that_does_not_deliver_is_named() {
    let app = settled_app().await;
    let state = async || {
        let (_, report) = app.call(Method::POST, DOCTOR, Some(&json!({ "locale": "en" }))).await;
        let findings = report["findings"].as_array().unwrap();
        findings.iter().find(|finding| finding["name"] == "session.state").unwrap().clone()
    };
    assert_eq!(state().await["level"], "ok");
    app.call(Method::POST, "/session/loja01/pause", Some(&json!({ "reason": "holidays" }))).await;
    let paused = state().await;
    assert_eq!((&paused["level"], &paused["fix"]), (&json!("warn"), &json!("relay session resume loja01")));
    app.call(Method::POST, "/session/loja01/resume", None).await;
    app.chatwoot.set_owner(FakeChatwoot::ADMIN_TOKEN, Role::Bot, app.account);
    app.codechat.customer_sends("loja01", &relay_sim::CustomerMessage::text("5511900000001", "Oi")).unwrap();
    app.until("the pause", async || state().await["level"] == "fail").await;
    assert!(state().await["fix"].as_str().unwrap().contains("see chatwoot.token"));
    app.chatwoot.set_owner(FakeChatwoot::ADMIN_TOKEN, Role::Administrator, app.account);
    app.call(Method::POST, "/session/loja01/resume", None).await;
    app.finish().await;
}

#[tokio::test]
async fn a_word_that_nobody_waits_for_is_not_heard() {
    let app = settled_app().await;
    for method in [Method::GET, Method::POST] {
        let url = app.base.join("/doctor/echo/whatever").unwrap();
        let answer = app.http().request(method, url).body(vec![b'x'; 3_000_000]).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_FOUND);
        assert_eq!(answer.json::<Value>().await.unwrap()["code"], "unknown_word");
    }
    app.finish().await;
}

#[tokio::test]
async fn dead_servers_hold_nothing_up_and_what_needs_them_is_skipped() {
    let app = TestApp::start(Database::Sqlite).await;
    app.chatwoot.set_owner(FakeChatwoot::ADMIN_TOKEN, Role::Administrator, app.account);
    app.settle().await;
    app.chatwoot.go_down().await;
    app.codechat.go_down().await;
    let (_, report) = app.call(Method::POST, DOCTOR, Some(&json!({ "deep": true, "locale": "en" }))).await;
    let findings = report["findings"].as_array().unwrap();
    let of = |name: &str| findings.iter().find(|finding| finding["name"] == name).unwrap();
    for name in ["chatwoot.server", "codechat.server"] {
        assert_eq!(of(name)["level"], "fail", "{name}");
        assert!(of(name)["why"].as_str().unwrap().contains("refused"), "{}", of(name));
    }
    for name in ["chatwoot.inbox", "chatwoot.reach", "codechat.reach", "clock"] {
        assert_eq!(of(name)["level"], "skip", "{name}");
    }
    assert_eq!(of("store.database")["level"], "ok");
    app.chatwoot.come_up().await.unwrap();
    app.codechat.come_up().await.unwrap();
    app.finish().await;
}
