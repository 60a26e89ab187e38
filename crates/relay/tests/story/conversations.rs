//! Which conversation takes a customer's message, how a new one begins, and who is left alone.

use std::time::Duration;

use relay_sim::{AgentMessage, CustomerMessage, HookFaults, LedgerConversation};
use relay_testing::{Database, Options, TestApp};
use serde_json::json;

use crate::support::{ANA, BIA, SESSION, answers, finish_clean, has_status, later, meet, relayed_as, says, status};

both!(
    a_resolved_conversation_reopens,
    a_new_one_follows_a_resolved_one,
    what_is_typed_on_the_phone_begins_no_conversation,
    a_lost_word_of_the_end_is_made_up_for,
    a_reopened_conversation_goes_on,
    a_locked_inbox_keeps_its_one_conversation,
    a_new_conversation_begins_as_chosen,
    an_agents_later_conversation_takes_the_answer,
    a_blocked_customer_gets_one_conversation,
    who_is_ignored_is_left_alone,
);

/// A session with these settings, on an inbox that is not locked to one conversation.
async fn start(database: Database, settings: serde_json::Value) -> TestApp {
    let app = TestApp::with(Options { settings, ..Options::on(database) }).await;
    app.chatwoot.set_single_conversation(app.inbox, false);
    app
}

fn anew() -> serde_json::Value {
    json!({ "conversations": { "policy": "new" } })
}

fn conversation(app: &TestApp, id: u64) -> LedgerConversation {
    app.chatwoot.conversations().into_iter().find(|conversation| conversation.id == id).unwrap()
}

/// Resolves a conversation, and waits until the relay was told.
async fn resolve(app: &TestApp, conversation: u64) {
    let told = |app: &TestApp| {
        let key = format!("conversation_status_changed:{conversation}");
        app.chatwoot.ack_log().iter().filter(|ack| ack.key == key && ack.outcome.is_accepted()).count()
    };
    let before = told(app);
    assert!(app.chatwoot.resolve(app.account, conversation));
    app.until("word of the end", async || told(app) > before).await;
}

async fn says_in(app: &TestApp, text: &str) -> u64 {
    let key = says(app, ANA, text);
    relayed_as(app, &key).await.conversation
}

async fn a_resolved_conversation_reopens(database: Database) {
    let app = TestApp::start(database).await;
    let first = meet(&app, ANA).await;
    resolve(&app, first).await;
    assert_eq!(says_in(&app, "Mais uma coisa").await, first);
    assert_eq!(conversation(&app, first).status, "open");
    finish_clean(app).await;
}

async fn a_new_one_follows_a_resolved_one(database: Database) {
    let app = start(database, anew()).await;
    let first = meet(&app, ANA).await;
    assert_eq!(says_in(&app, "Mais uma coisa").await, first);
    resolve(&app, first).await;
    let second = says_in(&app, "Outro assunto").await;
    assert_ne!(second, first);
    assert_eq!(says_in(&app, "E mais").await, second);
    assert_eq!(conversation(&app, first).status, "resolved");
    resolve(&app, second).await;
    let third = says_in(&app, "Terceiro").await;
    assert!(third != first && third != second);
    assert_eq!(app.chatwoot.contacts().len(), 1);
    finish_clean(app).await;
}

async fn what_is_typed_on_the_phone_begins_no_conversation(database: Database) {
    let app = start(database, anew()).await;
    let first = meet(&app, ANA).await;
    resolve(&app, first).await;
    let key = app.codechat.phone_sends(SESSION, &CustomerMessage::text(ANA, "Até logo")).unwrap();
    assert_eq!(relayed_as(&app, &key).await.conversation, first);
    assert_ne!(says_in(&app, "Oi de novo").await, first);
    finish_clean(app).await;
}

async fn a_lost_word_of_the_end_is_made_up_for(database: Database) {
    let app = start(database, anew()).await;
    let first = meet(&app, ANA).await;
    app.settle().await;
    app.chatwoot.set_hook_faults(HookFaults { drop_percent: 100, ..HookFaults::default() });
    assert!(app.chatwoot.resolve(app.account, first));
    app.chatwoot.set_hook_faults(HookFaults::default());
    later(&app, Duration::from_hours(2));
    assert_ne!(says_in(&app, "Outro assunto").await, first);
    finish_clean(app).await;
}

/// An agent reopens a conversation, and the relay does not hear of it: no second one is begun beside it.
async fn a_reopened_conversation_goes_on(database: Database) {
    let app = start(database, anew()).await;
    let first = meet(&app, ANA).await;
    resolve(&app, first).await;
    app.chatwoot.set_hook_faults(HookFaults { drop_percent: 100, ..HookFaults::default() });
    assert!(app.chatwoot.reopen(app.account, first));
    app.chatwoot.set_hook_faults(HookFaults::default());
    assert_eq!(says_in(&app, "Mais uma coisa").await, first);
    assert_eq!(app.chatwoot.conversations().len(), 1);
    finish_clean(app).await;
}

async fn a_locked_inbox_keeps_its_one_conversation(database: Database) {
    for policy in ["reopen", "new", "single"] {
        let app = start(database, json!({ "conversations": { "policy": policy } })).await;
        app.chatwoot.set_single_conversation(app.inbox, true);
        let first = meet(&app, ANA).await;
        resolve(&app, first).await;
        assert_eq!(says_in(&app, "Mais uma coisa").await, first, "{policy}");
        assert_eq!(conversation(&app, first).status, "open");
        finish_clean(app).await;
    }
}

async fn a_new_conversation_begins_as_chosen(database: Database) {
    let choices = json!({ "start_pending": true, "team": 7, "labels": ["whatsapp", "loja"] });
    let app = start(database, json!({ "conversations": choices })).await;
    let first = meet(&app, ANA).await;
    let begun = conversation(&app, first);
    assert_eq!((begun.status.as_str(), begun.team, begun.labels), ("pending", Some(7), json!(["whatsapp", "loja"])));
    assert_eq!(says_in(&app, "Alô").await, first);
    assert_eq!(app.chatwoot.calls()["POST /api/v1/accounts/{account}/conversations/{conversation}/labels"], 1);
    finish_clean(app).await;
}

async fn an_agents_later_conversation_takes_the_answer(database: Database) {
    for (policy, follows) in [("reopen", true), ("single", false)] {
        let app = start(database, json!({ "conversations": { "policy": policy } })).await;
        let first = meet(&app, ANA).await;
        let second = app.chatwoot.agent_starts_conversation(app.inbox, &format!("+{ANA}")).unwrap();
        assert_ne!(second, first);
        answers(&app, second, AgentMessage::text("Uma oferta"));
        app.whatsapp_has(1).await;
        app.settle().await;
        let answered = says_in(&app, "Quero").await;
        assert_eq!(answered, if follows { second } else { first }, "{policy}");
        finish_clean(app).await;
    }
}

async fn a_blocked_customer_gets_one_conversation(database: Database) {
    let app = start(database, anew()).await;
    let first = meet(&app, ANA).await;
    app.chatwoot.block_contact(app.chatwoot.contacts()[0].id);
    resolve(&app, first).await;
    for text in ["Oi?", "Alô?"] {
        assert_eq!(says_in(&app, text).await, first);
    }
    assert_eq!(conversation(&app, first).status, "resolved", "nobody is disturbed");
    finish_clean(app).await;
}

async fn who_is_ignored_is_left_alone(database: Database) {
    let app = start(database, json!({ "ignore": ["55119*1"] })).await;
    says(&app, ANA, "Oi");
    meet(&app, BIA).await;
    app.settle().await;
    assert_eq!((app.relayed().len(), app.chatwoot.contacts().len()), (1, 1));
    let told = app.engine.store.events(10).await.unwrap();
    assert!(told.iter().any(|event| event.reason.as_deref() == Some("ignore_list")), "{told:?}");
    let to_ana = app.chatwoot.agent_starts_conversation(app.inbox, &format!("+{ANA}")).unwrap();
    let message = answers(&app, to_ana, AgentMessage::text("Olá"));
    has_status(&app, message, "failed").await;
    let why = status(&app, message).1.unwrap();
    assert!(why.contains("ignore list"), "{why}");
    assert_eq!(app.codechat.submission_count(), 0);
    let tally = app.finish().await;
    assert_eq!(tally.dead, 1);
}
