//! Answers that get lost: nothing is doubled, and nothing is given up that took effect.

use std::collections::BTreeSet;
use std::time::Duration;

use relay_sim::{AgentMessage, Fault, FaultAction, HookFaults, assets, route};
use relay_testing::{Database, TestApp};
use serde_json::json;

use crate::support::{
    ANA, answers, finish_clean, heard, meet, says, skip_until, skip_until_settled, start_timeless, texts_in, texts_sent,
};

both!(
    chatwoot_commits_and_hangs_up,
    chatwoot_hangs_up_and_commits_later,
    chatwoot_commits_while_the_relay_dies_and_stays_away_for_an_hour,
    codechat_sends_and_says_no,
    codechat_sends_and_hangs_up,
    codechat_tells_of_a_send_only_when_asked,
);

async fn chatwoot_commits_and_hangs_up(database: Database) {
    const TIMES: usize = 20;
    let app = start_timeless(database).await;
    let conversation = meet(&app, ANA).await;
    app.chatwoot.fault(Fault::on(route::MESSAGE_CREATE, FaultAction::Reset { commit: true }).times(TIMES as u64));
    let mut wanted = vec!["Oi".to_owned()];
    for number in 0..TIMES {
        wanted.push(number.to_string());
        says(&app, ANA, &number.to_string());
    }
    let arrived = async || app.relayed().len() > TIMES;
    skip_until(&app, "the messages", Duration::from_secs(1), arrived).await;
    skip_until_settled(&app).await;
    assert_eq!(texts_in(&app, conversation), wanted);
    assert_eq!(app.chatwoot.calls()[route::MESSAGE_CREATE], 1 + TIMES as u64, "each was posted once");
    finish_clean(app).await;
}

async fn chatwoot_hangs_up_and_commits_later(database: Database) {
    let app = TestApp::start(database).await;
    let conversation = meet(&app, ANA).await;
    let late = FaultAction::ResetThenCommit { after_ms: 3000 };
    app.chatwoot.fault(Fault::on(route::MESSAGE_CREATE, late).times(1));
    says(&app, ANA, "atrasada");
    says(&app, ANA, "depois dela");
    // no time is skipped before the late commit, which happens in real time
    app.chatwoot_has(2).await;
    let arrived = async || app.relayed().len() >= 3;
    skip_until(&app, "the next message", Duration::from_secs(1), arrived).await;
    app.settle().await;
    assert_eq!(texts_in(&app, conversation), ["Oi", "atrasada", "depois dela"]);
    finish_clean(app).await;
}

async fn chatwoot_commits_while_the_relay_dies_and_stays_away_for_an_hour(database: Database) {
    let app = start_timeless(database).await;
    let conversation = meet(&app, ANA).await;
    app.chatwoot.fault(Fault::on(route::MESSAGE_CREATE, FaultAction::Hang { commit: true }).times(1));
    says(&app, ANA, "ainda está aí?");
    app.chatwoot_has(2).await;
    let clock = app.clock.clone();
    let app = app
        .killed(async |_, chatwoot| {
            clock.advance(Duration::from_hours(1));
            // more than one page of messages
            for number in 0..30 {
                let note = AgentMessage { private: true, ..AgentMessage::text(format!("nota {number}")) };
                chatwoot.agent_sends(conversation, note).unwrap();
            }
        })
        .await;
    says(&app, ANA, "alô?");
    let arrived = async || app.relayed().iter().any(|message| message.content.as_deref() == Some("alô?"));
    skip_until(&app, "the next message", Duration::from_secs(1), arrived).await;
    skip_until_settled(&app).await;
    let texts = texts_in(&app, conversation);
    let posted = |text: &str| texts.iter().filter(|known| *known == text).count();
    assert_eq!((posted("ainda está aí?"), posted("alô?")), (1, 1), "{texts:?}");
    finish_clean(app).await;
}

/// Every submission has an id of its own, so equal ids would be one message at WhatsApp and count as one.
fn assert_sent_once(app: &TestApp, texts: &[&str]) {
    let ids: BTreeSet<_> = app.codechat.submissions().into_iter().map(|sent| sent.message_id).collect();
    assert_eq!(ids.len(), texts.len(), "logical messages");
    assert_eq!(texts_sent(app), texts);
}

async fn codechat_sends_and_says_no(database: Database) {
    let app = TestApp::start(database).await;
    let conversation = meet(&app, ANA).await;
    let refusal = json!({ "statusCode": 400, "error": "Bad Request", "message": ["TypeError: x is not a function"] });
    for status in [400, 500] {
        let action = FaultAction::Status { status, body: Some(refusal.clone()), retry_after: None, commit: true };
        app.codechat.fault(Fault::on(route::SEND_TEXT, action).times(1));
    }
    for text in ["um", "dois", "três"] {
        answers(&app, conversation, AgentMessage::text(text));
    }
    skip_until(&app, "the messages", Duration::from_secs(1), async || app.codechat.submission_count() >= 3).await;
    skip_until_settled(&app).await;
    assert_sent_once(&app, &["um", "dois", "três"]);
    assert!(app.chatwoot.messages().iter().all(|message| message.status != "failed"));
    finish_clean(app).await;
}

async fn codechat_sends_and_hangs_up(database: Database) {
    const TIMES: usize = 5;
    let app = TestApp::start(database).await;
    let conversation = meet(&app, ANA).await;
    app.codechat.fault(Fault::on(route::SENDS, FaultAction::Reset { commit: true }).times(TIMES as u64));
    let texts = ["0", "1", "2", "3", "4"];
    for text in texts {
        answers(&app, conversation, AgentMessage::text(text));
    }
    let picture = AgentMessage::file("foto.jpg", "image/jpeg", assets::PHOTO.bytes, Some("foto"));
    let picture = answers(&app, conversation, picture);
    heard(&app, picture).await;
    skip_until(&app, "the messages", Duration::from_secs(1), async || app.codechat.submission_count() > TIMES).await;
    skip_until_settled(&app).await;
    assert_sent_once(&app, &["0", "1", "2", "3", "4", "foto"]);
    finish_clean(app).await;
}

async fn codechat_tells_of_a_send_only_when_asked(database: Database) {
    let app = TestApp::start(database).await;
    let conversation = meet(&app, ANA).await;
    app.codechat.set_hook_faults(HookFaults { drop_percent: 100, ..HookFaults::default() });
    app.codechat.fault(Fault::on(route::SEND_TEXT, FaultAction::Reset { commit: true }).times(1));
    answers(&app, conversation, AgentMessage::text("um"));
    app.whatsapp_has(1).await;
    skip_until_settled(&app).await;
    assert_sent_once(&app, &["um"]);
    assert_eq!(app.codechat.calls()["POST /chat/findMessages/{instance}"], 1);
    finish_clean(app).await;
}
