//! What customers wrote and no webhook told: it is read from CodeChat, once, in the right chat, and shows when it was written.

use std::time::Duration;

use relay_domain::backoff::Direction;
use relay_sim::{Chat, ConnectionState, CustomerMessage, Fault, FaultAction, HookFaults, Kind, Role, route};
use relay_testing::checker::{Received, Sent, check};
use relay_testing::{Database, Options, TestApp};
use serde_json::json;

use crate::support::{
    ANA, BIA, SESSION, answers, finish_clean, later, meet, pending, relayed_as, says, skip_until, texts_in,
};

both!(
    what_no_webhook_told_is_read_back,
    a_twentieth_of_the_webhooks_is_lost,
    what_came_while_the_relay_was_down,
    a_reconnected_phone_is_looked_at,
    a_webhook_that_could_not_be_stored,
    whichever_comes_first_counts,
    an_author_without_a_number_is_one_author,
    a_chat_that_nobody_names,
    our_own_messages_are_not_mirrored,
    what_was_typed_on_the_phone,
    a_reading_that_nobody_told,
    a_long_sweep_goes_on_after_a_restart,
    an_idle_session_costs_one_call,
    what_is_older_than_the_session_is_left_alone,
);

const FIND: &str = "POST /chat/findMessages/{instance}";
/// Nothing gets through.
pub(crate) const ALL_LOST: HookFaults =
    HookFaults { drop_percent: 100, duplicate_percent: 0, extra_copies: 0, delay_ms: 0, jitter_ms: 0 };

/// A relay that looks for gaps, whose webhooks come unsigned: hours pass in these stories.
pub(crate) async fn start_recovering(options: Options) -> TestApp {
    let tune = |config: &mut relay_engine::EngineConfig| config.gap_recovery = true;
    let app = TestApp::without_session(Options { role: Role::Agent, tune, ..options }).await;
    let (status, made) = app.create_session(SESSION).await;
    assert_eq!(status, 201, "{made}");
    app.chatwoot.set_webhook_url(app.inbox, made["chatwoot_inbox_webhook"].as_str().unwrap());
    app.codechat.scan_qr(SESSION, "5511988887777");
    swept(&app, Direction::In).await;
    swept(&app, Direction::Out).await;
    app
}

async fn start(database: Database) -> TestApp {
    start_recovering(Options::on(database)).await
}

/// Waits until a sweep is complete that began after this.
pub(crate) async fn swept(app: &TestApp, way: Direction) {
    let session = app.engine.store.session_by_name(SESSION).await.unwrap().unwrap();
    let completed = async || {
        let cursor = app.engine.store.cursor(&session.id, way).await.unwrap();
        cursor.filter(|cursor| cursor.progress.page == 0).and_then(|cursor| cursor.completed_at)
    };
    // one that is under way now may have passed what is waited for
    for _ in 0..2 {
        let before = app.clock.now();
        app.engine.sweep_now(SESSION);
        app.until("a sweep", async || completed().await.is_some_and(|at| at > before)).await;
    }
}

/// Lets webhooks that are on their way arrive, and looks for the others.
pub(crate) async fn sweep(app: &TestApp, way: Direction) {
    later(app, Duration::from_secs(7));
    swept(app, way).await;
    app.settle().await;
}

/// Texts without the line that tells their real time, and how many had one.
fn unmarked(texts: Vec<String>) -> (Vec<String>, usize) {
    let marked = texts.iter().filter(|text| text.contains("arrived late")).count();
    let plain = texts.into_iter().map(|text| text.split("\n\n_🕓").next().unwrap_or_default().to_owned());
    (plain.collect(), marked)
}

async fn what_no_webhook_told_is_read_back(database: Database) {
    let app = start(database).await;
    let conversation = meet(&app, ANA).await;
    app.codechat.set_hook_faults(ALL_LOST);
    for text in ["um", "dois"] {
        says(&app, ANA, text);
    }
    app.codechat.set_hook_faults(HookFaults::default());
    relayed_as(&app, &says(&app, ANA, "três")).await;
    sweep(&app, Direction::In).await;
    let (texts, marked) = unmarked(texts_in(&app, conversation));
    assert_eq!(texts, ["Oi", "três", "um", "dois"]);
    assert_eq!(marked, 2, "both came after a newer one");
    // another sweep finds nothing more
    sweep(&app, Direction::In).await;
    assert_eq!(texts_in(&app, conversation).len(), 4);
    let told = app.engine.metrics.encode().unwrap();
    let metric = r#"relay_gap_recovered_total{session="loja01",direction="in",what="message"} 2"#;
    assert!(told.contains(metric), "{told}");
    assert!(told.contains("relay_gap_sweep_completed_timestamp_seconds"), "{told}");
    finish_clean(app).await;
}

fn now_s() -> i64 {
    relay_domain::Clock::system().wall().as_secs()
}

async fn a_twentieth_of_the_webhooks_is_lost(database: Database) {
    let app = start(database).await;
    let customers = [ANA, BIA, "5511900000003", "5511900000004"];
    for customer in customers {
        meet(&app, customer).await;
    }
    let before = app.relayed().len();
    app.codechat.set_hook_faults(HookFaults { drop_percent: 5, ..HookFaults::default() });
    let mut sent = Vec::new();
    for number in 0..50 {
        for chat in customers {
            let text = format!("{number} de {chat}");
            says(&app, chat, &text);
            sent.push(Sent { chat: chat.to_owned(), id: text });
        }
    }
    app.codechat.set_hook_faults(HookFaults::default());
    let ended = || app.codechat.ack_log().iter().filter(|ack| ack.event == "messages.upsert").count();
    app.until("all webhooks", async || ended() >= 204).await;
    app.settle().await;
    let lost = 204 - app.relayed().len();
    sweep(&app, Direction::In).await;
    let here: Vec<_> = app.relayed().into_iter().skip(before).collect();
    let (_, marked) = unmarked(here.iter().filter_map(|message| message.content.clone()).collect());
    assert!(marked <= lost, "{marked} of {lost}");
    let received = here.into_iter().map(|message| Received {
        chat: message.contact_source_id,
        id: unmarked(vec![message.content.unwrap_or_default()]).0.remove(0),
    });
    let verdict = check(&sent, &received.collect::<Vec<_>>());
    assert_eq!((verdict.lost, verdict.doubled, verdict.misdirected), (vec![], vec![], vec![]));
    assert!(verdict.reordered.len() <= marked, "what is out of order is marked: {:?}", verdict.reordered);
    finish_clean(app).await;
}

async fn what_came_while_the_relay_was_down(database: Database) {
    let app = start(database).await;
    let conversation = meet(&app, ANA).await;
    let other = meet(&app, BIA).await;
    later(&app, Duration::from_mins(30));
    let app = app
        .restarted(async |codechat, _| {
            for number in 0..150 {
                for customer in [ANA, BIA] {
                    let message = CustomerMessage::text(customer, format!("{number}"));
                    codechat.customer_sends(SESSION, &message).unwrap();
                }
            }
        })
        .await;
    skip_until(&app, "all messages", Duration::from_secs(1), async || app.relayed().len() == 302).await;
    for conversation in [conversation, other] {
        let (texts, marked) = unmarked(texts_in(&app, conversation));
        let wanted: Vec<_> =
            std::iter::once("Oi".to_owned()).chain((0..150).map(|number| number.to_string())).collect();
        assert_eq!(texts, wanted);
        assert_eq!(marked, 150, "they are half an hour old");
    }
    finish_clean(app).await;
}

async fn a_reconnected_phone_is_looked_at(database: Database) {
    let app = start(database).await;
    let conversation = meet(&app, ANA).await;
    sweep(&app, Direction::In).await;
    app.codechat.set_hook_faults(ALL_LOST);
    says(&app, ANA, "um");
    later(&app, Duration::from_secs(7));
    app.codechat.set_hook_faults(HookFaults::default());
    app.codechat.set_connection(SESSION, ConnectionState::Close);
    app.codechat.set_connection(SESSION, ConnectionState::Open);
    app.chatwoot_has(2).await;
    assert_eq!(texts_in(&app, conversation), ["Oi", "um"]);
    finish_clean(app).await;
}

async fn a_webhook_that_could_not_be_stored(database: Database) {
    let app = start(database).await;
    let conversation = meet(&app, ANA).await;
    sweep(&app, Direction::In).await;
    app.codechat.set_hook_faults(ALL_LOST);
    says(&app, ANA, "um");
    later(&app, Duration::from_secs(7));
    // what the door does when a commit fails
    let live = app.engine.sessions.named(SESSION).await.unwrap().unwrap();
    app.engine.missed(&live, relay_engine::Side::CodeChat);
    app.chatwoot_has(2).await;
    assert_eq!(texts_in(&app, conversation), ["Oi", "um"]);
    finish_clean(app).await;
}

async fn whichever_comes_first_counts(database: Database) {
    let app = start(database).await;
    let conversation = meet(&app, ANA).await;
    // the webhook comes after the sweep
    app.codechat.set_hook_faults(HookFaults { delay_ms: 3000, ..HookFaults::default() });
    says(&app, ANA, "um");
    app.codechat.set_hook_faults(HookFaults::default());
    sweep(&app, Direction::In).await;
    assert_eq!(texts_in(&app, conversation), ["Oi", "um"], "the sweep has brought it");
    let taken = || app.codechat.ack_log().iter().filter(|ack| ack.event == "messages.upsert").count();
    app.until("the webhook", async || taken() == 2).await;
    // and before it
    relayed_as(&app, &says(&app, ANA, "dois")).await;
    sweep(&app, Direction::In).await;
    assert_eq!(texts_in(&app, conversation), ["Oi", "um", "dois"]);
    finish_clean(app).await;
}

async fn an_author_without_a_number_is_one_author(database: Database) {
    let app = start_recovering(Options { settings: json!({ "groups": "on" }), ..Options::on(database) }).await;
    let by_lid = |text: &str| CustomerMessage {
        chat: Chat::GroupByLid("120363000000000001".to_owned(), "77".to_owned()),
        ..CustomerMessage::text(ANA, text)
    };
    // webhooks name the author, rows do not: one is told before the sweep, one after it
    let first = app.codechat.customer_sends(SESSION, &by_lid("um")).unwrap();
    relayed_as(&app, &first).await;
    app.codechat.set_hook_faults(HookFaults { delay_ms: 3000, ..HookFaults::default() });
    let second = app.codechat.customer_sends(SESSION, &by_lid("dois")).unwrap();
    app.codechat.set_hook_faults(HookFaults::default());
    let stored = async || app.engine.store.events(100).await.unwrap();
    sweep(&app, Direction::In).await;
    relayed_as(&app, &second).await;
    let again = async || stored().await.iter().any(|event| event.reason.as_deref() == Some("already_relayed"));
    app.until("the late webhook", async || again().await).await;
    let sources: Vec<_> = app.relayed().into_iter().filter_map(|message| message.source_id).collect();
    assert_eq!(sources, [first, second].map(|key| format!("WAID:{key}")));
    finish_clean(app).await;
}

async fn a_chat_that_nobody_names(database: Database) {
    let app = start(database).await;
    let unnamed = CustomerMessage { chat: Chat::LidOnly("77".to_owned()), ..CustomerMessage::text(ANA, "sou eu") };
    app.codechat.set_hook_faults(HookFaults { delay_ms: 3000, ..HookFaults::default() });
    let key = app.codechat.customer_sends(SESSION, &unnamed).unwrap();
    app.codechat.set_hook_faults(HookFaults::default());
    sweep(&app, Direction::In).await;
    assert_eq!(app.relayed().len(), 0);
    let listed = app.engine.store.events(10).await.unwrap();
    assert!(listed.iter().any(|event| event.reason.as_deref() == Some("unattributed")), "{listed:?}");
    // the webhook knows the chat
    relayed_as(&app, &key).await;
    sweep(&app, Direction::In).await;
    assert_eq!(app.relayed().len(), 1);
    finish_clean(app).await;
}

async fn our_own_messages_are_not_mirrored(database: Database) {
    let app = start(database).await;
    let conversation = meet(&app, ANA).await;
    app.codechat.set_hook_faults(ALL_LOST);
    answers(&app, conversation, relay_sim::AgentMessage::text("um"));
    app.whatsapp_has(1).await;
    app.settle().await;
    let rows = || app.codechat.submissions().len();
    sweep(&app, Direction::In).await;
    assert_eq!((rows(), texts_in(&app, conversation)), (1, vec!["Oi".to_owned()]), "CodeChat keeps the text twice");
    finish_clean(app).await;
}

async fn what_was_typed_on_the_phone(database: Database) {
    let app = start(database).await;
    let conversation = meet(&app, ANA).await;
    app.codechat.set_hook_faults(ALL_LOST);
    let key = app.codechat.phone_sends(SESSION, &CustomerMessage::text(ANA, "do celular")).unwrap();
    sweep(&app, Direction::In).await;
    let message = relayed_as(&app, &key).await;
    assert_eq!((message.conversation, message.message_type.as_str()), (conversation, "outgoing"));
    assert_eq!(app.codechat.submission_count(), 0);
    finish_clean(app).await;
}

async fn a_reading_that_nobody_told(database: Database) {
    let app = start(database).await;
    let conversation = meet(&app, ANA).await;
    let message = answers(&app, conversation, relay_sim::AgentMessage::text("um"));
    app.whatsapp_has(1).await;
    app.settle().await;
    app.codechat.set_hook_faults(ALL_LOST);
    let id = app.codechat.submissions()[0].message_id.clone();
    // a row says the same of an error
    assert!(app.codechat.receipt(SESSION, &id, "DELIVERY_ACK"));
    sweep(&app, Direction::In).await;
    assert_eq!(app.chatwoot.message(message).unwrap().status, "sent");
    assert!(app.codechat.receipt(SESSION, &id, "READ"));
    sweep(&app, Direction::In).await;
    crate::support::has_status(&app, message, "read").await;
    finish_clean(app).await;
}

async fn a_long_sweep_goes_on_after_a_restart(database: Database) {
    const COUNT: usize = 5_000;
    let app = start(database).await;
    let first = now_s();
    later(&app, Duration::from_hours(2));
    app.codechat.set_hook_faults(ALL_LOST);
    for number in 0..COUNT {
        let chat = format!("55119000{:05}", number % 50);
        let at = first + i64::try_from(number / 4).unwrap();
        let message =
            CustomerMessage { timestamp: Some(at), ..CustomerMessage::new(chat, Kind::Text(number.to_string())) };
        app.codechat.customer_sends(SESSION, &message);
    }
    let received = app.settle().await.received;
    app.codechat.reset_calls();
    app.codechat.fault(Fault::on(route::FIND_MESSAGES, FaultAction::Delay { ms: 40, after_commit: false }));
    let pages = |app: &TestApp| app.codechat.calls().get(FIND).copied().unwrap_or_default();
    app.engine.sweep_now(SESSION);
    app.until("the sweep to be under way", async || pages(&app) >= 10).await;
    let app = app.restarted(async |codechat, _| codechat.clear_faults()).await;
    assert!(pages(&app) < 50, "it was interrupted: {}", pages(&app));
    let found = async || app.engine.store.tally().await.unwrap().received - received;
    app.until("all to be found", async || found().await >= i64::try_from(COUNT).unwrap()).await;
    swept(&app, Direction::In).await;
    assert_eq!(found().await, i64::try_from(COUNT).unwrap(), "each once");
    let calls = pages(&app);
    assert!(calls < 250, "{calls} calls");
    skip_until(&app, "all messages", Duration::from_secs(1), async || pending(&app).await == 0).await;
    let received: Vec<_> = app.relayed();
    assert_eq!(received.len(), COUNT);
    for chat in 0..50 {
        let source = format!("55119000{chat:05}");
        let here = received.iter().filter(|message| message.contact_source_id == source);
        let texts = here.map(|message| message.content.clone().unwrap_or_default()).collect();
        let (texts, _) = unmarked(texts);
        let numbers: Vec<usize> = texts.iter().map(|text| text.parse().unwrap()).collect();
        assert!(numbers.is_sorted() && numbers.len() == COUNT / 50, "{numbers:?}");
    }
    finish_clean(app).await;
}

async fn an_idle_session_costs_one_call(database: Database) {
    let app = start(database).await;
    meet(&app, ANA).await;
    sweep(&app, Direction::In).await;
    app.settle().await;
    for _ in 0..3 {
        app.codechat.reset_calls();
        let before = app.clock.now();
        later(&app, Duration::from_secs(301));
        let session = app.engine.store.session_by_name(SESSION).await.unwrap().unwrap();
        let cursor = async || app.engine.store.cursor(&session.id, Direction::In).await.unwrap().unwrap();
        app.until("the next sweep", async || cursor().await.completed_at.unwrap() > before).await;
        assert_eq!(app.codechat.calls().get(FIND), Some(&1));
    }
    finish_clean(app).await;
}

async fn what_is_older_than_the_session_is_left_alone(database: Database) {
    let app = start(database).await;
    app.codechat.set_hook_faults(ALL_LOST);
    let old = CustomerMessage { timestamp: Some(now_s() - 3600), ..CustomerMessage::text(ANA, "antiga") };
    app.codechat.customer_sends(SESSION, &old);
    says(&app, ANA, "nova");
    sweep(&app, Direction::In).await;
    app.chatwoot_has(1).await;
    let texts: Vec<_> = app.relayed().into_iter().filter_map(|message| message.content).collect();
    assert_eq!(texts, ["nova"]);
    finish_clean(app).await;
}
