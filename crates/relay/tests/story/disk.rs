//! A disk that fills up: files wait, then webhooks are refused, and all goes on by itself when there is room.

use std::path::Path;
use std::time::Duration;

use relay_engine::disk::{Room, Space};
use relay_sim::{AckOutcome, Kind, route};
use relay_testing::{Database, Options, TestApp};

use crate::support::{ANA, BIA, finish_clean, later, meet, pending, says, sends, skip_until, start_timeless_with};

both!(files_wait_and_texts_go_on, webhooks_are_refused_while_the_disk_is_full);

/// The free megabytes that the test wrote beside the data; plenty when it wrote nothing.
fn told(folder: &Path) -> std::io::Result<Space> {
    let free = match std::fs::read_to_string(folder.join("free")) {
        Ok(text) => text.parse::<u64>().map_err(std::io::Error::other)?,
        Err(_) => 10_000,
    };
    Ok(Space { free: free * 1_000_000, total: 100_000_000_000 })
}

async fn started(database: Database) -> TestApp {
    start_timeless_with(Options { tune: |config| config.space_of = told, ..Options::on(database) }).await
}

async fn has_free(app: &TestApp, megabytes: u64, room: Room) {
    std::fs::write(app.engine.config.data_dir.join("free"), megabytes.to_string()).unwrap();
    app.until("the relay to notice", async || app.engine.room() == room).await;
}

async fn files_wait_and_texts_go_on(database: Database) {
    let app = started(database).await;
    let (ana, bia) = (meet(&app, ANA).await, meet(&app, BIA).await);
    app.settle().await;
    has_free(&app, 200, Room::Tight).await;
    sends(&app, ANA, Kind::Image(Some("Veja".to_owned())));
    let due = async || app.engine.store.next_due(&[]).await.unwrap();
    let soon = app.clock.now() + Duration::from_secs(5);
    app.until("the picture to wait", async || due().await.is_some_and(|due| due > soon)).await;
    says(&app, BIA, "Oi de novo");
    app.chatwoot_has(3).await;
    let healthz = app.http().get(app.base.join("/healthz").unwrap()).send().await.unwrap().text().await.unwrap();
    assert!(healthz.contains("messages with files wait"), "{healthz}");
    has_free(&app, 300, Room::Enough).await;
    skip_until(&app, "the picture", Duration::from_secs(1), async || app.relayed().len() == 4).await;
    let conversations: Vec<_> = app.relayed().into_iter().map(|message| message.conversation).collect();
    assert_eq!(conversations, [ana, bia, bia, ana]);
    finish_clean(app).await;
}

async fn webhooks_are_refused_while_the_disk_is_full(database: Database) {
    let app = started(database).await;
    meet(&app, ANA).await;
    app.settle().await;
    has_free(&app, 60, Room::Gone).await;
    let refused = || {
        let acks = app.codechat.ack_log();
        acks.into_iter().filter(|ack| ack.outcome == AckOutcome::Status(503)).count()
    };
    says(&app, ANA, "um");
    app.until("the refusal", async || refused() > 0).await;
    assert_eq!(pending(&app).await, 0);
    let ready = app.http().get(app.base.join("/readyz").unwrap()).send().await.unwrap();
    assert_eq!(ready.status(), 503);
    assert!(ready.text().await.unwrap().contains("disk is full"));
    has_free(&app, 300, Room::Enough).await;
    says(&app, ANA, "dois");
    later(&app, Duration::ZERO);
    app.until("the message after it", async || {
        app.relayed().iter().any(|message| message.content.as_deref() == Some("dois"))
    })
    .await;
    assert!(app.chatwoot.calls().contains_key(route::MESSAGE_CREATE));
    app.finish().await;
}
