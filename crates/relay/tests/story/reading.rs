//! Reading: what an agent reads in Chatwoot is read on WhatsApp, and what is read on the phone is seen in Chatwoot.

use std::time::Duration;

use relay_sim::{AgentMessage, Chat, CustomerMessage, Fault, route};
use relay_testing::{Database, Options, TestApp};
use serde_json::json;

use crate::support::{
    ANA, BIA, SESSION, answers, finish_clean, heard, later, meet, relayed_as, says, skip_until, start_timeless,
};

both!(
    an_answer_marks_what_stands_before_it,
    an_agent_who_types_has_read,
    opening_is_found_by_looking,
    looks_grow_rare_and_end,
    a_customer_without_a_number_is_marked_by_key,
    what_the_phone_read_is_seen_in_chatwoot_once,
    what_the_phone_read_before_it_was_relayed_counts,
    a_mark_that_fails_is_given_up,
    nothing_is_marked_when_it_is_off,
);

const LIST: &str = "GET /api/v1/accounts/{account}/conversations";
const SEEN: &str = "POST /api/v1/accounts/{account}/conversations/{conversation}/update_last_seen";
const MARK: &str = "PATCH /chat/readMessages/{instance}";

/// Ids that were marked as read, call by call; no call may have marked everything.
fn marked(app: &TestApp) -> Vec<Vec<String>> {
    let marks = app.codechat.read_marks();
    assert!(marks.iter().all(|mark| !mark.everything), "{marks:?}");
    marks.into_iter().map(|mark| mark.key_ids).collect()
}

/// Calls of a route of Chatwoot.
fn calls(app: &TestApp, route: &str) -> u64 {
    app.chatwoot.calls().get(route).copied().unwrap_or_default()
}

/// Time for what must not happen.
async fn a_moment() {
    tokio::time::sleep(Duration::from_millis(1500)).await;
}

async fn an_answer_marks_what_stands_before_it(database: Database) {
    let app = TestApp::start(database).await;
    let first = says(&app, ANA, "Oi");
    let conversation = relayed_as(&app, &first).await.conversation;
    let second = says(&app, ANA, "Tem pão?");
    relayed_as(&app, &second).await;
    says(&app, BIA, "Boa tarde");
    app.chatwoot_has(3).await;
    answers(&app, conversation, AgentMessage::text("Tem"));
    app.until("the mark", async || !marked(&app).is_empty()).await;
    let answer = answers(&app, conversation, AgentMessage::text("Fresquinho"));
    heard(&app, answer).await;
    let third = says(&app, ANA, "Quero dois");
    relayed_as(&app, &third).await;
    a_moment().await;
    assert_eq!(marked(&app), [[first, second]], "once, and only what was read");
    // Chatwoot itself reads nothing
    app.chatwoot.template(1, conversation, "Voltamos já");
    a_moment().await;
    assert_eq!(marked(&app).len(), 1);
    answers(&app, conversation, AgentMessage::text("Anotado"));
    app.until("the second mark", async || marked(&app).len() == 2).await;
    assert_eq!(marked(&app)[1], [third]);
    finish_clean(app).await;
}

async fn an_agent_who_types_has_read(database: Database) {
    let app = TestApp::start(database).await;
    let key = says(&app, ANA, "Oi");
    let conversation = relayed_as(&app, &key).await.conversation;
    let before = app.settle().await;
    app.chatwoot.reset_calls();
    app.chatwoot.agent_opens(1, conversation);
    app.chatwoot.agent_types(1, conversation, 2, true, false);
    app.until("the mark", async || marked(&app) == [[key.clone()]]).await;
    assert_eq!(calls(&app, LIST), 0, "no need to look");
    assert_eq!(finish_clean(app).await, before, "typing is not stored");
}

async fn opening_is_found_by_looking(database: Database) {
    let app = TestApp::start(database).await;
    let (ana, bia) = (says(&app, ANA, "Oi"), says(&app, BIA, "Olá"));
    let conversation = relayed_as(&app, &ana).await.conversation;
    relayed_as(&app, &bia).await;
    app.settle().await;
    app.chatwoot.reset_calls();
    app.chatwoot.agent_opens(1, conversation);
    a_moment().await;
    assert_eq!(calls(&app, LIST), 0, "not at once");
    later(&app, Duration::from_secs(10));
    app.until("the mark", async || marked(&app) == [[ana.clone()]]).await;
    assert_eq!(calls(&app, LIST), 1, "one look for both");
    finish_clean(app).await;
}

async fn looks_grow_rare_and_end(database: Database) {
    let app = start_timeless(database).await;
    let key = says(&app, ANA, "Oi");
    let conversation = relayed_as(&app, &key).await.conversation;
    for minutes in 0..10 {
        let before = calls(&app, LIST);
        later(&app, Duration::from_mins(11));
        app.until("a look", async || calls(&app, LIST) > before).await;
        a_moment().await;
        assert_eq!(calls(&app, LIST), before + 1, "one look after {minutes} times eleven minutes");
    }
    later(&app, Duration::from_hours(24));
    a_moment().await;
    let looks = calls(&app, LIST);
    later(&app, Duration::from_hours(1));
    a_moment().await;
    assert_eq!(calls(&app, LIST), looks, "nobody is expected any more");
    // an answer still counts
    answers(&app, conversation, AgentMessage::text("Desculpe a demora"));
    app.until("the mark", async || marked(&app) == [[key.clone()]]).await;
    finish_clean(app).await;
}

async fn a_customer_without_a_number_is_marked_by_key(database: Database) {
    let app = TestApp::start(database).await;
    let chat = Chat::LidOnly("200000000000001".to_owned());
    let message = CustomerMessage { chat, ..CustomerMessage::text(ANA, "Oi") };
    let key = app.codechat.customer_sends(SESSION, &message).unwrap();
    let conversation = relayed_as(&app, &key).await.conversation;
    answers(&app, conversation, AgentMessage::text("Olá"));
    app.until("the mark", async || marked(&app) == [[key.clone()]]).await;
    assert_eq!(app.codechat.calls().get(MARK), None);
    finish_clean(app).await;
}

async fn what_the_phone_read_is_seen_in_chatwoot_once(database: Database) {
    let app = TestApp::start(database).await;
    let keys: Vec<_> = (0..3).map(|number| says(&app, ANA, &format!("{number}"))).collect();
    app.chatwoot_has(3).await;
    app.chatwoot.reset_calls();
    for key in &keys {
        assert!(app.codechat.receipt(SESSION, key, "READ"));
    }
    let seen = || app.chatwoot.conversations()[0].agent_last_seen_ms > 0;
    app.until("the conversation to be seen", async || seen()).await;
    // told again, as it is when it comes in two ways
    assert!(app.codechat.receipt(SESSION, &keys[2], "PLAYED"));
    later(&app, Duration::from_mins(1));
    a_moment().await;
    assert_eq!((calls(&app, SEEN), calls(&app, LIST)), (1, 0));
    assert_eq!(marked(&app).len(), 0, "WhatsApp knows");
    finish_clean(app).await;
}

async fn what_the_phone_read_before_it_was_relayed_counts(database: Database) {
    let app = TestApp::start(database).await;
    meet(&app, ANA).await;
    app.settle().await;
    app.chatwoot.fault(Fault::status(route::MESSAGE_CREATE, 503).times(1));
    let key = says(&app, ANA, "Já lida no celular");
    assert!(app.codechat.receipt(SESSION, &key, "READ"));
    skip_until(&app, "the conversation to be seen", Duration::from_secs(1), async || calls(&app, SEEN) == 1).await;
    finish_clean(app).await;
}

async fn a_mark_that_fails_is_given_up(database: Database) {
    let app = TestApp::start(database).await;
    let conversation = meet(&app, ANA).await;
    app.codechat.fault(Fault::status(MARK, 500));
    let answer = answers(&app, conversation, AgentMessage::text("Olá"));
    heard(&app, answer).await;
    app.whatsapp_has(1).await;
    let tries = || app.codechat.calls().get(MARK).copied().unwrap_or_default();
    for expected in 1..=3 {
        app.until("a try", async || tries() == expected).await;
        later(&app, Duration::from_secs(31));
    }
    a_moment().await;
    assert_eq!(tries(), 3);
    app.codechat.clear_faults();
    let key = says(&app, ANA, "E agora?");
    relayed_as(&app, &key).await;
    answers(&app, conversation, AgentMessage::text("Agora sim"));
    app.until("the next mark", async || marked(&app) == [[key.clone()]]).await;
    finish_clean(app).await;
}

async fn nothing_is_marked_when_it_is_off(database: Database) {
    let app = TestApp::with(Options { settings: json!({ "read_receipts": false }), ..Options::on(database) }).await;
    let key = says(&app, ANA, "Oi");
    let conversation = relayed_as(&app, &key).await.conversation;
    assert!(app.codechat.receipt(SESSION, &key, "READ"));
    answers(&app, conversation, AgentMessage::text("Olá"));
    app.whatsapp_has(1).await;
    app.settle().await;
    app.chatwoot.reset_calls();
    later(&app, Duration::from_secs(30));
    a_moment().await;
    assert_eq!((marked(&app).len(), calls(&app, SEEN), calls(&app, LIST)), (0, 0, 0));
    finish_clean(app).await;
}
