//! What agents wrote and no webhook told: it is read from Chatwoot, sent once while it is fresh, and its bubble tells the truth.

use std::time::Duration;

use relay_domain::backoff::Direction;
use relay_sim::{AgentFile, AgentMessage, Fault, FaultAction, HookFaults, assets, route};
use relay_testing::{Database, Options, TestApp};

use crate::gaps_in::{ALL_LOST, start_recovering, sweep, swept};
use crate::support::{
    ANA, BIA, SESSION, answers, finish_clean, has_status, later, meet, says, skip_until, status, texts_sent,
};

both!(
    what_no_webhook_told_is_sent,
    a_twentieth_of_the_webhooks_is_lost,
    all_of_a_message_is_found,
    a_message_found_too_late_is_not_sent,
    what_was_written_while_the_relay_was_down,
    a_bubble_that_failed_by_itself_is_put_right,
    a_bubble_keeps_its_true_failure,
    an_overtaken_message_is_noted_for_agents_only,
    a_retry_of_a_message_never_heard_of,
    an_idle_inbox_costs_one_call,
    a_sweep_that_is_cut_short_again_and_again_gets_on,
    a_conversation_that_an_agent_began,
);

const LIST: &str = "GET /api/v1/accounts/{account}/conversations";

async fn start(database: Database) -> TestApp {
    start_recovering(Options::on(database)).await
}

/// Notes that only agents see.
fn notes(app: &TestApp) -> Vec<String> {
    let private = app.relayed().into_iter().filter(|message| message.private);
    private.filter_map(|message| message.content).collect()
}

async fn what_no_webhook_told_is_sent(database: Database) {
    let app = start(database).await;
    let conversation = meet(&app, ANA).await;
    app.chatwoot.set_hook_faults(ALL_LOST);
    for text in ["um", "dois"] {
        answers(&app, conversation, AgentMessage::text(text));
    }
    answers(&app, conversation, AgentMessage { private: true, ..AgentMessage::text("só para nós") });
    let deleted = answers(&app, conversation, AgentMessage::text("apagada"));
    assert!(app.chatwoot.agent_deletes(deleted));
    sweep(&app, Direction::Out).await;
    assert_eq!(texts_sent(&app), ["um", "dois"]);
    sweep(&app, Direction::Out).await;
    assert_eq!(app.codechat.submission_count(), 2);
    app.chatwoot.set_hook_faults(HookFaults::default());
    answers(&app, conversation, AgentMessage::text("três"));
    app.whatsapp_has(3).await;
    finish_clean(app).await;
}

async fn a_twentieth_of_the_webhooks_is_lost(database: Database) {
    const COUNT: usize = 60;
    let app = start(database).await;
    let conversations = [meet(&app, ANA).await, meet(&app, BIA).await];
    app.chatwoot.set_hook_faults(HookFaults { drop_percent: 5, ..HookFaults::default() });
    let mut wanted = Vec::new();
    for number in 0..COUNT {
        for (conversation, phone) in conversations.into_iter().zip([ANA, BIA]) {
            answers(&app, conversation, AgentMessage::text(format!("{number} a {phone}")));
            wanted.push((format!("{phone}@s.whatsapp.net"), format!("{number} a {phone}")));
        }
    }
    app.chatwoot.set_hook_faults(HookFaults::default());
    skip_until(&app, "most messages", Duration::from_millis(100), async || {
        app.codechat.submission_count() > COUNT * 2 - 40
    })
    .await;
    sweep(&app, Direction::Out).await;
    app.whatsapp_has(COUNT * 2).await;
    let mut sent: Vec<_> =
        app.codechat.submissions().into_iter().map(|sent| (sent.to, sent.text.unwrap_or_default())).collect();
    sent.sort();
    wanted.sort();
    assert_eq!(sent, wanted);
    finish_clean(app).await;
}

async fn all_of_a_message_is_found(database: Database) {
    let app = start(database).await;
    let conversation = meet(&app, ANA).await;
    let question = app.relayed().remove(0);
    app.chatwoot.set_hook_faults(ALL_LOST);
    let file = |name: &str, asset: assets::Asset| AgentFile {
        name: name.to_owned(),
        mime: asset.mime.to_owned(),
        bytes: asset.bytes.into(),
    };
    let attachments = vec![file("foto.jpg", assets::PHOTO), file("conta.pdf", assets::DOCUMENT)];
    let message = AgentMessage { attachments, in_reply_to: Some(question.id), ..AgentMessage::text("segue") };
    answers(&app, conversation, message);
    sweep(&app, Direction::Out).await;
    let sent = app.codechat.submissions();
    let kinds: Vec<_> =
        sent.iter().map(|sent| (sent.kind.as_str(), sent.text.as_deref().unwrap_or_default())).collect();
    assert_eq!(kinds, [("imageMessage", "segue"), ("documentMessage", "")]);
    assert_eq!(sent[0].quoted.as_ref().map(|key| format!("WAID:{key}")), question.source_id);
    finish_clean(app).await;
}

async fn a_message_found_too_late_is_not_sent(database: Database) {
    let app = start(database).await;
    let conversation = meet(&app, ANA).await;
    app.chatwoot.set_hook_faults(ALL_LOST);
    let old = answers(&app, conversation, AgentMessage::text("velha"));
    later(&app, Duration::from_mins(11));
    swept(&app, Direction::Out).await;
    has_status(&app, old, "failed").await;
    assert!(status(&app, old).1.unwrap().contains("waited too long"), "{:?}", status(&app, old));
    assert_eq!(app.codechat.submission_count(), 0);
    swept(&app, Direction::Out).await;
    assert_eq!(status(&app, old).0, "failed", "a true failure stays");
    // the agent decides
    app.chatwoot.set_hook_faults(HookFaults::default());
    assert!(app.chatwoot.agent_retries(old));
    app.whatsapp_has(1).await;
    assert_eq!(app.finish().await.expired, 1);
}

async fn what_was_written_while_the_relay_was_down(database: Database) {
    let app = start(database).await;
    let conversation = meet(&app, ANA).await;
    let clock = app.clock.clone();
    let mut ids = Vec::new();
    let app = app
        .restarted(async |_, chatwoot| {
            ids.push(chatwoot.agent_sends(conversation, AgentMessage::text("velha")).unwrap());
            // Chatwoot dates by the second
            tokio::time::sleep(Duration::from_millis(2100)).await;
            clock.advance(Duration::from_secs(598));
            ids.push(chatwoot.agent_sends(conversation, AgentMessage::text("nova")).unwrap());
            let are_failed =
                || ids.iter().all(|id| chatwoot.message(*id).is_some_and(|message| message.status == "failed"));
            relay_testing::eventually("the webhooks to fail", async || are_failed()).await;
        })
        .await;
    let [old, new] = ids.try_into().unwrap();
    app.whatsapp_has(1).await;
    let told = async || status(&app, old).1.is_some_and(|reason| reason.contains("waited too long"));
    app.until("the reason", told).await;
    assert_eq!(texts_sent(&app), ["nova"]);
    skip_until(&app, "the true status", Duration::from_secs(5), async || status(&app, new).0 == "sent").await;
    assert_eq!((status(&app, old).0.as_str(), status(&app, new).1), ("failed", None));
    assert_eq!(app.finish().await.expired, 1);
}

async fn a_bubble_that_failed_by_itself_is_put_right(database: Database) {
    let app = start(database).await;
    let conversation = meet(&app, ANA).await;
    let ids = ["um", "dois", "três"].map(|text| answers(&app, conversation, AgentMessage::text(text)));
    app.whatsapp_has(3).await;
    app.settle().await;
    for (sent, receipt) in app.codechat.submissions().into_iter().zip(["", "DELIVERY_ACK", "READ"]) {
        if !receipt.is_empty() {
            assert!(app.codechat.receipt(SESSION, &sent.message_id, receipt));
        }
    }
    has_status(&app, ids[1], "delivered").await;
    has_status(&app, ids[2], "read").await;
    app.settle().await;
    // we answered too late
    for id in ids {
        assert!(app.chatwoot.fails_by_itself(id, "Net::ReadTimeout"));
    }
    sweep(&app, Direction::Out).await;
    let shown = ids.map(|id| status(&app, id));
    assert_eq!(
        shown.map(|(status, error)| (status, error.is_none())),
        ["sent", "delivered", "read"].map(|word| (word.to_owned(), true))
    );
    assert_eq!(app.codechat.submission_count(), 3, "nothing was sent again");
    finish_clean(app).await;
}

async fn a_bubble_keeps_its_true_failure(database: Database) {
    let app = start(database).await;
    let conversation = meet(&app, ANA).await;
    let refused = answers(&app, conversation, AgentMessage::text("um"));
    app.whatsapp_has(1).await;
    assert!(app.codechat.receipt(SESSION, &app.codechat.submissions()[0].message_id, "ERROR"));
    has_status(&app, refused, "failed").await;
    sweep(&app, Direction::Out).await;
    sweep(&app, Direction::Out).await;
    assert!(status(&app, refused).1.unwrap().contains("WhatsApp refused"), "{:?}", status(&app, refused));
    finish_clean(app).await;
}

async fn an_overtaken_message_is_noted_for_agents_only(database: Database) {
    let app = start(database).await;
    let conversation = meet(&app, ANA).await;
    app.chatwoot.set_hook_faults(ALL_LOST);
    answers(&app, conversation, AgentMessage::text("primeira"));
    app.chatwoot.set_hook_faults(HookFaults::default());
    answers(&app, conversation, AgentMessage::text("segunda"));
    app.whatsapp_has(1).await;
    app.settle().await;
    // the note is tried again when Chatwoot stumbles, and the message is not sent again
    app.chatwoot.fault(Fault::status(route::MESSAGE_CREATE, 500).times(1));
    sweep(&app, Direction::Out).await;
    assert_eq!(texts_sent(&app), ["segunda", "primeira"]);
    let notes = notes(&app);
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(notes[0].contains("only now, after newer ones"), "{notes:?}");
    finish_clean(app).await;
}

async fn a_retry_of_a_message_never_heard_of(database: Database) {
    let app = start_recovering(Options::on(database)).await;
    let conversation = meet(&app, ANA).await;
    app.chatwoot.fault(Fault::status(LIST, 500));
    app.chatwoot.set_hook_faults(ALL_LOST);
    let unheard = answers(&app, conversation, AgentMessage::text("e agora?"));
    later(&app, Duration::from_mins(11));
    app.chatwoot.set_hook_faults(HookFaults::default());
    assert!(app.chatwoot.agent_retries(unheard));
    app.whatsapp_has(1).await;
    app.chatwoot.clear_faults();
    sweep(&app, Direction::Out).await;
    assert_eq!(texts_sent(&app), ["e agora?"]);
    finish_clean(app).await;
}

async fn an_idle_inbox_costs_one_call(database: Database) {
    let app = start(database).await;
    let conversation = meet(&app, ANA).await;
    answers(&app, conversation, AgentMessage::text("um"));
    app.whatsapp_has(1).await;
    app.settle().await;
    later(&app, Duration::from_secs(100));
    swept(&app, Direction::Out).await;
    app.chatwoot.reset_calls();
    let session = app.engine.store.session_by_name(SESSION).await.unwrap().unwrap();
    let cursor = async || app.engine.store.cursor(&session.id, Direction::Out).await.unwrap().unwrap();
    for _ in 0..3 {
        let before = app.clock.now();
        later(&app, Duration::from_secs(61));
        app.until("the next sweep", async || cursor().await.completed_at.unwrap() > before).await;
    }
    let calls = app.chatwoot.calls();
    assert_eq!(calls.get(LIST), Some(&3), "{calls:?}");
    assert_eq!(calls.get(route::MESSAGE_LIST), None, "{calls:?}");
    finish_clean(app).await;
}

async fn a_sweep_that_is_cut_short_again_and_again_gets_on(database: Database) {
    const COUNT: usize = 600;
    let mut app = start(database).await;
    let conversation = meet(&app, ANA).await;
    swept(&app, Direction::Out).await;
    app.chatwoot.set_hook_faults(ALL_LOST);
    for number in 1..=COUNT {
        let private = number % 20 != 0;
        answers(&app, conversation, AgentMessage { private, ..AgentMessage::text(number.to_string()) });
    }
    // what is younger may have elder brothers that are not seen yet
    let last = answers(&app, conversation, AgentMessage { private: true, ..AgentMessage::text("fim") });
    assert!(app.chatwoot.dates_later(last, Duration::from_secs(100)));
    app.chatwoot.reset_calls();
    app.chatwoot.fault(Fault::on(route::MESSAGE_LIST, FaultAction::Delay { ms: 100, after_commit: false }));
    let pages = |app: &TestApp| app.chatwoot.calls().get(route::MESSAGE_LIST).copied().unwrap_or_default();
    for _ in 0..2 {
        let before = pages(&app);
        app.engine.sweep_now(SESSION);
        app.until("the sweep to be under way", async || pages(&app) >= before + 3).await;
        app = app.restarted(async |_, _| {}).await;
    }
    app.whatsapp_has(COUNT / 20).await;
    let texts: Vec<_> = (1..=COUNT / 20).map(|number| (number * 20).to_string()).collect();
    assert_eq!(texts_sent(&app), texts);
    let pages = pages(&app);
    assert!(pages < 12, "{pages} pages were read of 7");
    finish_clean(app).await;
}

async fn a_conversation_that_an_agent_began(database: Database) {
    let app = start(database).await;
    app.chatwoot.set_hook_faults(ALL_LOST);
    let conversation = app.chatwoot.agent_starts_conversation(app.inbox, &format!("+{BIA}")).unwrap();
    answers(&app, conversation, AgentMessage::text("Olá, Bia"));
    sweep(&app, Direction::Out).await;
    app.whatsapp_has(1).await;
    assert_eq!(app.codechat.submissions()[0].to, format!("{BIA}@s.whatsapp.net"));
    app.chatwoot.set_hook_faults(HookFaults::default());
    // the answer comes to the same conversation
    let key = says(&app, BIA, "Oi!");
    assert_eq!(crate::support::relayed_as(&app, &key).await.conversation, conversation);
    finish_clean(app).await;
}
