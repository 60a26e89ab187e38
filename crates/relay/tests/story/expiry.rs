//! What makes a message too old to be sent: an outage that lasted too long, never the relay's own queue.

use std::time::Duration;

use relay_domain::Timestamp;
use relay_sim::{AgentMessage, ConnectionState};
use relay_store::{Turn, TurnSession};
use relay_testing::{Database, Options, TestApp};

use crate::support::{
    ANA, BIA, SESSION, answers, finish_clean, later, meet, pending, skip_until, start_timeless_with, status, texts_sent,
};

both!(
    own_queues_expire_nothing,
    a_brief_outage_expires_nothing_that_queued,
    the_length_of_an_outage_decides,
    a_pause_is_an_outage,
);

/// A relay that keeps every message of an agent for half an hour, as a long queue would.
async fn with_a_long_queue(database: Database) -> TestApp {
    let tune = |config: &mut relay_engine::EngineConfig| config.hold_out = Duration::from_mins(30);
    let app = start_timeless_with(Options { tune, ..Options::on(database) }).await;
    way_out_is(&app, true).await;
    app
}

async fn way_out_is(app: &TestApp, open: bool) {
    let live = app.engine.sessions.named(SESSION).await.unwrap().unwrap();
    let outages = async || app.engine.store.outages(live.id(), Timestamp::default()).await.unwrap();
    let is_open = async || outages().await.iter().all(|outage| outage.ended_at.is_some());
    app.until("the relay to see the way out", async || is_open().await == open).await;
}

async fn own_queues_expire_nothing(database: Database) {
    let app = with_a_long_queue(database).await;
    let conversation = meet(&app, ANA).await;
    app.settle().await;
    let message = answers(&app, conversation, AgentMessage::text("Bom dia"));
    app.until("it to be stored", async || pending(&app).await == 1).await;
    later(&app, Duration::from_mins(31));
    app.whatsapp_has(1).await;
    assert_eq!(status(&app, message).0, "sent");
    finish_clean(app).await;
}

async fn a_brief_outage_expires_nothing_that_queued(database: Database) {
    let app = with_a_long_queue(database).await;
    let conversation = meet(&app, ANA).await;
    app.settle().await;
    let message = answers(&app, conversation, AgentMessage::text("Bom dia"));
    app.until("it to be stored", async || pending(&app).await == 1).await;
    app.clock.advance(Duration::from_mins(20));
    for (connection, is_open) in [(ConnectionState::Close, false), (ConnectionState::Open, true)] {
        app.codechat.set_connection(SESSION, connection);
        way_out_is(&app, is_open).await;
        app.clock.advance(Duration::from_mins(2));
    }
    later(&app, Duration::from_mins(31));
    app.whatsapp_has(1).await;
    assert_eq!(status(&app, message).0, "sent");
    finish_clean(app).await;
}

async fn the_length_of_an_outage_decides(database: Database) {
    let app = with_a_long_queue(database).await;
    let (ana, bia) = (meet(&app, ANA).await, meet(&app, BIA).await);
    app.settle().await;
    app.codechat.set_connection(SESSION, ConnectionState::Close);
    way_out_is(&app, false).await;
    // the report of the connection is not to be taken for the message
    app.settle().await;
    let old = answers(&app, ana, AgentMessage::text("Seu táxi chegou"));
    app.until("it to be stored", async || pending(&app).await == 1).await;
    app.clock.advance(Duration::from_mins(6));
    let young = answers(&app, bia, AgentMessage::text("Bom dia"));
    app.until("both to be stored", async || pending(&app).await == 2).await;
    app.clock.advance(Duration::from_mins(5));
    app.codechat.set_connection(SESSION, ConnectionState::Open);
    way_out_is(&app, true).await;
    later(&app, Duration::from_mins(40));
    skip_until(&app, "the end of both", Duration::from_secs(1), async || pending(&app).await == 0).await;
    assert_eq!(texts_sent(&app), ["Bom dia"]);
    assert_eq!((status(&app, old).0.as_str(), status(&app, young).0.as_str()), ("failed", "sent"));
    let tally = app.finish().await;
    assert_eq!((tally.expired, tally.dead), (1, 0));
}

async fn a_pause_is_an_outage(database: Database) {
    let app = with_a_long_queue(database).await;
    let conversation = meet(&app, ANA).await;
    let live = app.engine.sessions.named(SESSION).await.unwrap().unwrap();
    let turn = async |turn| {
        let turn = TurnSession { id: live.id().clone(), turn, now: app.clock.now() };
        app.engine.store.turn_session(turn).await.unwrap();
    };
    app.settle().await;
    answers(&app, conversation, AgentMessage::text("Seu táxi chegou"));
    app.until("it to be stored", async || pending(&app).await == 1).await;
    turn(Turn::Pause("feriado".to_owned())).await;
    app.clock.advance(Duration::from_mins(31));
    turn(Turn::Resume).await;
    skip_until(&app, "its end", Duration::from_secs(1), async || pending(&app).await == 0).await;
    assert_eq!(app.codechat.submission_count(), 0);
    assert_eq!(app.finish().await.expired, 1);
}
