//! A side that is down: everything waits, and arrives in order afterwards.

use std::time::Duration;

use relay_sim::{AgentMessage, Fault, Kind, assets, route};
use relay_testing::checker::{Received, Sent, check};
use relay_testing::{Database, TestApp};

use crate::support::{
    ANA, BIA, answers, download, finish_clean, heard, later, meet, pending, says, sends, skip_until, start_timeless,
    texts_in, texts_sent,
};

both!(an_hour_without_chatwoot, an_hour_of_errors, a_minute_without_codechat, a_file_is_downloaded_once);

/// Forty messages of four customers, two of whom write for the first time.
async fn through_the_outage(app: TestApp, begin: impl AsyncFn(&TestApp), end: impl AsyncFn(&TestApp)) {
    let customers = [ANA, BIA, "5511900000003", "5511900000004"];
    for customer in &customers[..2] {
        meet(&app, customer).await;
    }
    app.settle().await;
    let before = app.relayed().len();
    begin(&app).await;
    let mut sent = Vec::new();
    for number in 0..10 {
        for chat in customers {
            let text = format!("{number} de {chat}");
            says(&app, chat, &text);
            sent.push(Sent { chat: chat.to_owned(), id: text });
        }
        later(&app, Duration::from_mins(6));
        // time for the relay to try, as it would have had
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    app.until("the messages to be stored", async || pending(&app).await == 40).await;
    assert_eq!(app.relayed().len(), before);
    end(&app).await;
    skip_until(&app, "all messages", Duration::from_secs(30), async || pending(&app).await == 0).await;
    let received = app
        .relayed()
        .into_iter()
        .skip(before)
        .map(|message| Received { chat: message.contact_source_id, id: message.content.unwrap_or_default() });
    let verdict = check(&sent, &received.collect::<Vec<_>>());
    assert!(verdict.is_clean(), "{verdict:?}");
    assert_eq!((app.chatwoot.contacts().len(), app.chatwoot.conversations().len()), (4, 4));
    finish_clean(app).await;
}

async fn an_hour_without_chatwoot(database: Database) {
    let app = start_timeless(database).await;
    let down = async |app: &TestApp| app.chatwoot.go_down().await;
    let up = async |app: &TestApp| app.chatwoot.come_up().await.unwrap();
    through_the_outage(app, down, up).await;
}

async fn an_hour_of_errors(database: Database) {
    let app = start_timeless(database).await;
    let broken = async |app: &TestApp| app.chatwoot.fault(Fault::status(route::ALL, 502));
    let well = async |app: &TestApp| app.chatwoot.clear_faults();
    through_the_outage(app, broken, well).await;
}

async fn a_minute_without_codechat(database: Database) {
    let app = TestApp::start(database).await;
    let conversation = meet(&app, ANA).await;
    app.codechat.go_down().await;
    let texts = ["um", "dois", "três", "quatro"];
    let ids = texts.map(|text| answers(&app, conversation, AgentMessage::text(text)));
    for id in ids {
        heard(&app, id).await;
    }
    for _ in 0..6 {
        later(&app, Duration::from_secs(10));
        // time for the relay to try, as it would have had
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(app.codechat.submission_count(), 0);
    app.codechat.come_up().await.unwrap();
    skip_until(&app, "the messages", Duration::from_secs(1), async || app.codechat.submission_count() == 4).await;
    assert_eq!(texts_sent(&app), texts);
    assert!(ids.iter().all(|id| app.chatwoot.message(*id).unwrap().status == "sent"));
    finish_clean(app).await;
}

async fn a_file_is_downloaded_once(database: Database) {
    let app = TestApp::start(database).await;
    let conversation = meet(&app, ANA).await;
    app.settle().await;
    app.chatwoot.fault(Fault::status(route::MESSAGE_CREATE, 500));
    sends(&app, ANA, Kind::Image(Some("a foto".to_owned())));
    let tries = || app.chatwoot.calls().get(route::MESSAGE_CREATE).copied().unwrap_or(0);
    let before = tries();
    // in small steps: what fails alone for two minutes is given up
    skip_until(&app, "some tries", Duration::from_secs(1), async || tries() >= before + 3).await;
    app.chatwoot.clear_faults();
    skip_until(&app, "the picture", Duration::from_secs(1), async || texts_in(&app, conversation).len() == 2).await;
    let downloads: Vec<u64> = app.codechat.media_downloads().into_values().collect();
    assert_eq!(downloads, [1]);
    let shown = app.relayed().pop().unwrap();
    assert_eq!(download(&app, &shown).await, assets::PHOTO.bytes);
    let left = || std::fs::read_dir(app.engine.config.data_dir.join("spool")).unwrap().count();
    app.until("the spool to be empty", async || left() == 0).await;
    finish_clean(app).await;
}
