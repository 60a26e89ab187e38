//! A message that one side cannot take: its lane goes on within two minutes, with something visible in its place.

use std::time::Duration;

use relay_domain::Timestamp;
use relay_sim::{AgentMessage, Fault, FaultAction, Kind, assets, route};
use relay_testing::{Database, TestApp};

use crate::support::{
    ANA, BIA, answers, finish_clean, later, meet, says, sends, skip_until, status, texts_in, texts_sent,
};

both!(
    chatwoot_fails_on_one_message,
    chatwoot_recovers_when_it_is_asked,
    chatwoot_refuses_one_message,
    a_file_that_codechat_fails_on,
    a_chat_that_chatwoot_cannot_take_at_all,
    codechat_fails_on_one_message,
);

const PROFILE: &str = "GET /api/v1/profile";

/// What a lane may lose to one message.
fn assert_soon_enough(app: &TestApp, since: Timestamp) {
    let lost = app.clock.now().since(since);
    // two minutes at most by the schedule; time runs in steps here, some of which pass during a call
    assert!(lost <= Duration::from_secs(130), "{lost:?}");
}

/// Chatwoot fails on one chat until the relay asks whether it is there at all; then it fails `more` times. Another chat goes on.
async fn failing_until_asked(app: &TestApp, more: u64) -> u64 {
    let (bad, good) = (meet(app, ANA).await, meet(app, BIA).await);
    app.settle().await;
    app.chatwoot.reset_calls();
    let failure = Fault::status(route::MESSAGE_CREATE, 500).only_path(format!("/conversations/{bad}/"));
    app.chatwoot.fault(failure.clone());
    app.chatwoot.fault(Fault::on(PROFILE, FaultAction::Delay { ms: 500, after_commit: false }));
    let start = app.clock.now();
    says(app, ANA, "a difícil");
    says(app, ANA, "a seguinte");
    let mut others = 0;
    skip_until(app, "the relay to ask", Duration::from_secs(1), async || {
        if texts_in(app, good).len() == 1 + others {
            others += 1;
            says(app, BIA, &others.to_string());
        }
        app.chatwoot.calls().contains_key(PROFILE)
    })
    .await;
    app.chatwoot.clear_faults();
    app.chatwoot.fault(failure.times(more));
    skip_until(app, "the next message", Duration::from_secs(1), async || texts_in(app, bad).len() == 3).await;
    assert_soon_enough(app, start);
    app.until("the other chat", async || texts_in(app, good).len() == 1 + others).await;
    bad
}

async fn chatwoot_fails_on_one_message(database: Database) {
    let app = TestApp::start(database).await;
    let conversation = failing_until_asked(&app, 1).await;
    let texts = texts_in(&app, conversation);
    assert!(texts[1].contains("could not be shown"), "{texts:?}");
    assert_eq!(texts[2], "a seguinte");
    assert_eq!(app.finish().await.dead, 1);
}

async fn chatwoot_recovers_when_it_is_asked(database: Database) {
    let app = TestApp::start(database).await;
    let conversation = failing_until_asked(&app, 0).await;
    assert_eq!(texts_in(&app, conversation), ["Oi", "a difícil", "a seguinte"]);
    finish_clean(app).await;
}

async fn chatwoot_refuses_one_message(database: Database) {
    let app = TestApp::start(database).await;
    let conversation = meet(&app, ANA).await;
    let start = app.clock.now();
    says(&app, ANA, &"x".repeat(150_001));
    says(&app, ANA, "a seguinte");
    skip_until(&app, "the next message", Duration::from_secs(1), async || texts_in(&app, conversation).len() == 3)
        .await;
    assert_soon_enough(&app, start);
    let texts = texts_in(&app, conversation);
    assert!(texts[1].contains("could not be shown"), "{texts:?}");
    assert_eq!(texts[2], "a seguinte");
    assert_eq!(app.finish().await.dead, 1);
}

async fn a_file_that_codechat_fails_on(database: Database) {
    let app = TestApp::start(database).await;
    let conversation = meet(&app, ANA).await;
    app.codechat.fault(Fault::status(route::MEDIA_DATA, 500));
    let start = app.clock.now();
    sends(&app, ANA, Kind::Image(Some("olha".to_owned())));
    says(&app, ANA, "a seguinte");
    skip_until(&app, "the next message", Duration::from_secs(1), async || texts_in(&app, conversation).len() == 3)
        .await;
    assert_soon_enough(&app, start);
    let texts = texts_in(&app, conversation);
    assert!(texts[1].starts_with("olha\n\n📎 File"), "the caption stays: {texts:?}");
    assert_eq!(texts[2], "a seguinte");
    // the agent is not kept waiting by it
    answers(&app, conversation, AgentMessage::text("o que é?"));
    skip_until(&app, "the answer", Duration::from_secs(1), async || app.codechat.submission_count() == 1).await;
    assert_eq!(app.finish().await.dead, 0);
}

async fn a_chat_that_chatwoot_cannot_take_at_all(database: Database) {
    let app = TestApp::start(database).await;
    let (bad, good) = (meet(&app, ANA).await, meet(&app, BIA).await);
    app.chatwoot.fault(Fault::status(route::MESSAGE_CREATE, 500).only_path(format!("/conversations/{bad}/")));
    let start = app.clock.now();
    says(&app, ANA, "a que não passa");
    let mut others = 0;
    skip_until(&app, "the relay to give up", Duration::from_secs(1), async || {
        if texts_in(&app, good).len() == 1 + others {
            others += 1;
            says(&app, BIA, &others.to_string());
        }
        app.engine.store.tally().await.unwrap().dead == 1
    })
    .await;
    assert_soon_enough(&app, start);
    app.until("the other chat", async || texts_in(&app, good).len() == 1 + others).await;
    assert_eq!(texts_in(&app, bad), ["Oi"]);
    app.chatwoot.clear_faults();
    later(&app, Duration::from_secs(1));
    assert_eq!(app.finish().await.dead, 1);
}

async fn codechat_fails_on_one_message(database: Database) {
    let app = TestApp::start(database).await;
    let (bad, good) = (meet(&app, ANA).await, meet(&app, BIA).await);
    app.codechat.fault(Fault::status(route::SEND_MEDIA, 500));
    let start = app.clock.now();
    let picture = AgentMessage::file("foto.jpg", "image/jpeg", assets::PHOTO.bytes, None);
    let picture = answers(&app, bad, picture);
    answers(&app, bad, AgentMessage::text("a seguinte"));
    let is_sent = async || texts_sent(&app).contains(&"a seguinte".to_owned());
    let mut others = 0;
    skip_until(&app, "the next message", Duration::from_secs(1), async || {
        if texts_sent(&app).len() == others {
            others += 1;
            answers(&app, good, AgentMessage::text("outra"));
        }
        is_sent().await
    })
    .await;
    assert_soon_enough(&app, start);
    assert_eq!(status(&app, picture).0, "failed");
    assert_eq!(app.finish().await.dead, 1);
}
