//! Destinations that ask to slow down, or refuse the token: everybody waits, nobody fails.

use std::time::Duration;

use relay_sim::{AckOutcome, Fault, FaultAction, route};
use relay_store::{SessionState, Turn, TurnSession};
use relay_testing::Database;
use serde_json::json;

use crate::support::{
    ANA, BIA, SESSION, finish_clean, later, meet, relayed_as, says, skip_until, start_timeless, texts_in,
};

both!(a_pause_asked_for_is_kept, too_many_messages, a_refused_token_pauses_the_session);

async fn a_pause_asked_for_is_kept(database: Database) {
    let app = start_timeless(database).await;
    let conversation = meet(&app, ANA).await;
    meet(&app, BIA).await;
    let slower = FaultAction::Status { status: 429, body: None, retry_after: Some(900), commit: false };
    let path = format!("/conversations/{conversation}/");
    app.chatwoot.fault(Fault::on(route::MESSAGE_CREATE, slower).only_path(path).times(1));
    app.chatwoot.reset_calls();
    let calls = || app.chatwoot.calls().get(route::MESSAGE_CREATE).copied().unwrap_or_default();
    says(&app, ANA, "um");
    let due = async || app.engine.store.next_due(&[]).await.unwrap();
    let soon = app.clock.now() + Duration::from_mins(10);
    app.until("the relay to heed it", async || due().await.is_some_and(|due| due > soon)).await;
    says(&app, ANA, "dois");
    for (posts, text) in (2..).zip(["a", "b"]) {
        later(&app, Duration::from_secs(400));
        // another chat goes on, so the lane that waits had its chance
        let key = says(&app, BIA, text);
        relayed_as(&app, &key).await;
        assert_eq!(calls(), posts);
        assert_eq!(texts_in(&app, conversation), ["Oi"]);
    }
    later(&app, Duration::from_secs(101));
    app.chatwoot_has(6).await;
    assert_eq!(texts_in(&app, conversation), ["Oi", "um", "dois"]);
    assert_eq!(calls(), 5);
    finish_clean(app).await;
}

async fn too_many_messages(database: Database) {
    const COUNT: usize = 25;
    let app = start_timeless(database).await;
    let conversation = meet(&app, ANA).await;
    // a wall of ten a minute, met twice
    for skip in [10, 20] {
        let body = json!({ "error": "Validation failed: Too many messages" });
        let wall = FaultAction::Status { status: 422, body: Some(body), retry_after: None, commit: false };
        app.chatwoot.fault(Fault { skip, ..Fault::on(route::MESSAGE_CREATE, wall).times(2) });
    }
    let mut wanted = vec!["Oi".to_owned()];
    for number in 0..COUNT {
        wanted.push(number.to_string());
        says(&app, ANA, &number.to_string());
    }
    skip_until(&app, "all messages", Duration::from_secs(10), async || app.relayed().len() > COUNT).await;
    assert_eq!(texts_in(&app, conversation), wanted);
    finish_clean(app).await;
}

async fn a_refused_token_pauses_the_session(database: Database) {
    let app = start_timeless(database).await;
    let conversation = meet(&app, ANA).await;
    app.settle().await;
    app.chatwoot.reset_calls();
    app.chatwoot.fault(Fault::status(route::ALL, 401));
    says(&app, ANA, "um");
    let session = async || app.engine.store.session_by_name(SESSION).await.unwrap().unwrap();
    app.until("the session to pause", async || session().await.state == SessionState::Paused).await;
    assert_eq!(session().await.state_reason.as_deref(), Some("chatwoot refuses the token"));
    for text in ["dois", "três"] {
        says(&app, ANA, text);
    }
    let told = || app.codechat.ack_log().into_iter().filter(|ack| ack.event == "messages.upsert").collect::<Vec<_>>();
    app.until("the webhooks to be taken", async || told().len() == 4).await;
    assert!(told().iter().all(|ack| ack.outcome == AckOutcome::Status(200)));
    later(&app, Duration::from_mins(10));
    // housekeeping looks for due lanes again and again; none of a paused session is worked on
    app.until("time to pass", async || {
        app.engine.store.claim(app.clock.now(), 1, Vec::new(), String::new()).await.unwrap().is_empty()
    })
    .await;
    let calls = app.chatwoot.calls();
    assert_eq!(
        (calls[route::MESSAGE_CREATE], calls["GET /api/v1/profile"]),
        (1, 1),
        "one refusal, one probe: {calls:?}"
    );
    assert_eq!(app.engine.store.tally().await.unwrap().dead, 0);

    app.chatwoot.clear_faults();
    let resumed = TurnSession { id: session().await.id, turn: Turn::Resume, now: app.clock.now() };
    app.engine.store.turn_session(resumed).await.unwrap();
    skip_until(&app, "all messages", Duration::from_secs(1), async || app.relayed().len() == 4).await;
    assert_eq!(texts_in(&app, conversation), ["Oi", "um", "dois", "três"]);
    finish_clean(app).await;
}
