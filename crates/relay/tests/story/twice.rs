//! Chatwoot stores a message long after the request for it failed: nobody can prevent that it is there twice, but it is told.

use std::time::Duration;

use relay_sim::{FakeChatwoot, Fault, FaultAction, route};
use relay_testing::{Database, TestApp};
use serde_json::json;

use crate::support::{ANA, finish_clean, later, meet, says, skip_until, start_timeless};

both!(a_message_stored_late_is_told_of, a_message_stored_once_is_not);

/// A post fails without a trace; three looks later the message is posted again. Returns its conversation and source id.
async fn posted_again(app: &TestApp) -> (u64, String) {
    let conversation = meet(app, ANA).await;
    app.chatwoot.fault(Fault::on(route::MESSAGE_CREATE, FaultAction::Reset { commit: false }).times(1));
    let source_id = format!("WAID:{}", says(app, ANA, "uma vez só"));
    skip_until(app, "the message", Duration::from_secs(1), async || app.relayed().len() == 2).await;
    (conversation, source_id)
}

fn notes(app: &TestApp) -> Vec<(Option<String>, serde_json::Value)> {
    let private = app.chatwoot.messages().into_iter().filter(|message| message.private);
    private.map(|note| (note.content, note.content_attributes["in_reply_to"].clone())).collect()
}

async fn a_message_stored_late_is_told_of(database: Database) {
    let app = start_timeless(database).await;
    let (conversation, source_id) = posted_again(&app).await;
    // what the relay had asked for first happens now
    let url = format!("{}/api/v1/accounts/1/conversations/{conversation}/messages", app.chatwoot.base_url());
    let late = json!({ "content": "uma vez só", "message_type": "incoming", "source_id": source_id });
    let post = reqwest::Client::builder().no_proxy().build().unwrap().post(url);
    let stored = post.header("api-access-token", FakeChatwoot::ADMIN_TOKEN).json(&late).send().await.unwrap();
    assert!(stored.status().is_success());
    let second = app.chatwoot.messages().last().unwrap().id;

    app.engine.look_for_doubles().await.unwrap();
    assert_eq!(notes(&app), [], "not looked at before a minute has passed");
    later(&app, Duration::from_secs(61));
    app.engine.look_for_doubles().await.unwrap();
    let text = "⚠️ This message appears twice: Chatwoot stored it late. The customer sent it only once.";
    assert_eq!(notes(&app), [(Some(text.to_owned()), json!(second))]);
    assert_eq!(app.engine.metrics.possible_duplicates.get(), 1);
    later(&app, Duration::from_mins(20));
    app.engine.look_for_doubles().await.unwrap();
    assert_eq!(notes(&app).len(), 1, "told once");
    finish_clean(app).await;
}

async fn a_message_stored_once_is_not(database: Database) {
    let app = start_timeless(database).await;
    posted_again(&app).await;
    for _ in 0..3 {
        later(&app, Duration::from_mins(5));
        app.engine.look_for_doubles().await.unwrap();
    }
    assert_eq!(notes(&app), []);
    assert_eq!(app.engine.metrics.possible_duplicates.get(), 0);
    let far = app.clock.now() + Duration::from_hours(24);
    assert_eq!(app.engine.store.take_repeats(far, 9).await.unwrap(), [], "nobody looks any more");
    finish_clean(app).await;
}
