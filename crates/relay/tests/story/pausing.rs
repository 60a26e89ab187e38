//! A session that a person paused: everything is stored, nothing is delivered, until a person resumes it.

use std::time::Duration;

use relay_sim::{AgentMessage, Fault, FaultAction, route};
use relay_testing::{Database, TestApp};
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::{ANA, answers, finish_clean, heard, later, meet, pending, says, texts_in, texts_sent};

both!(a_paused_session_stores_and_waits, a_lane_at_work_stops_as_well, what_a_person_paused_only_a_person_resumes);

async fn turn(app: &TestApp, to: &str) {
    let body = json!({ "reason": "férias" });
    let body = (to == "pause").then_some(&body);
    let (status, answer) = app.call(Method::POST, &format!("/session/loja01/{to}"), body).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let expected =
        if to == "pause" { ("paused", json!("paused by a person: férias")) } else { ("active", json!(null)) };
    assert_eq!((answer["status"].as_str().unwrap(), answer["status_reason"].clone()), expected);
}

async fn a_paused_session_stores_and_waits(database: Database) {
    let app = TestApp::start(database).await;
    let conversation = meet(&app, ANA).await;
    app.settle().await;
    turn(&app, "pause").await;
    says(&app, ANA, "um");
    says(&app, ANA, "dois");
    let answer = answers(&app, conversation, AgentMessage::text("já respondo"));
    heard(&app, answer).await;
    app.until("both ways to wait", async || pending(&app).await >= 3).await;
    // time for the relay to do what it should not
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert_eq!((texts_in(&app, conversation).len(), app.codechat.submission_count()), (1, 0));
    turn(&app, "resume").await;
    app.chatwoot_has(3).await;
    app.whatsapp_has(1).await;
    assert_eq!(texts_in(&app, conversation), ["Oi", "um", "dois"]);
    assert_eq!(texts_sent(&app), ["já respondo"]);
    finish_clean(app).await;
}

/// Eight messages are read at once; those that are left when the session is paused stay.
async fn a_lane_at_work_stops_as_well(database: Database) {
    let app = TestApp::start(database).await;
    let conversation = meet(&app, ANA).await;
    app.settle().await;
    app.chatwoot.fault(Fault::on(route::MESSAGE_CREATE, FaultAction::Delay { ms: 300, after_commit: false }));
    let texts: Vec<_> = (1..=8).map(|number| number.to_string()).collect();
    for text in &texts {
        says(&app, ANA, text);
    }
    app.until("the lane to be at work", async || texts_in(&app, conversation).len() > 1).await;
    turn(&app, "pause").await;
    let mut before = usize::MAX;
    app.until("the lane to rest", async || {
        tokio::time::sleep(Duration::from_millis(900)).await;
        let now = texts_in(&app, conversation).len();
        std::mem::replace(&mut before, now) == now
    })
    .await;
    assert!(before < 9, "all was delivered: {before}");
    app.chatwoot.clear_faults();
    turn(&app, "resume").await;
    app.until("the rest", async || texts_in(&app, conversation).len() == 9).await;
    assert_eq!(texts_in(&app, conversation)[1..], texts);
    finish_clean(app).await;
}

async fn what_a_person_paused_only_a_person_resumes(database: Database) {
    let app = TestApp::start(database).await;
    let conversation = meet(&app, ANA).await;
    app.settle().await;
    app.chatwoot.fault(Fault::status(route::ALL, 401));
    says(&app, ANA, "um");
    let reason = async || app.call(Method::GET, "/session/loja01", None).await.1["status_reason"].clone();
    app.until("the session to stop", async || reason().await == json!("chatwoot refuses the token")).await;
    turn(&app, "pause").await;
    app.chatwoot.clear_faults();
    later(&app, Duration::from_mins(5));
    // longer than a look at paused sessions takes to do harm
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert_eq!(reason().await, json!("paused by a person: férias"));
    assert_eq!(texts_in(&app, conversation).len(), 1);
    turn(&app, "resume").await;
    app.chatwoot_has(2).await;
    finish_clean(app).await;
}
