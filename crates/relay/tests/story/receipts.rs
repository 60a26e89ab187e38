//! Ticks: what became of an agent's message on WhatsApp, never taken back.

use relay_sim::{AgentMessage, ChatwootOptions, HookFaults, assets, route};
use relay_testing::{Database, Options, TestApp};

use crate::support::{ANA, SESSION, answers, finish_clean, has_status, meet, status};

both!(
    ticks_only_rise,
    two_parts_show_the_worse,
    an_old_chatwoot_is_not_told_of_deliveries,
    a_strangers_receipt_changes_nothing
);

/// Sends an answer; returns its id in Chatwoot, and those of its parts at WhatsApp.
async fn answer(app: &TestApp, message: AgentMessage, parts: usize) -> (u64, Vec<String>) {
    let conversation = meet(app, ANA).await;
    let id = answers(app, conversation, message);
    app.whatsapp_has(parts).await;
    app.settle().await;
    (id, app.codechat.submissions().into_iter().map(|sent| sent.message_id).collect())
}

/// Receipts that the relay has dealt with.
async fn receipt(app: &TestApp, id: &str, told: &str) {
    let before = app.codechat.ack_log().len();
    assert!(app.codechat.receipt(SESSION, id, told));
    app.until("the receipt's webhook", async || app.codechat.ack_log().len() > before).await;
    app.settle().await;
}

async fn ticks_only_rise(database: Database) {
    let app = TestApp::start(database).await;
    let (message, ids) = answer(&app, AgentMessage::text("Pronto"), 1).await;
    let told = [
        ("SERVER_ACK", "sent"),
        ("DELIVERY_ACK", "delivered"),
        ("READ", "read"),
        ("DELIVERY_ACK", "read"),
        ("PLAYED", "read"),
        ("ERROR", "read"),
    ];
    for (word, shown) in told {
        receipt(&app, &ids[0], word).await;
        assert_eq!(status(&app, message).0, shown, "after {word}");
    }
    assert_eq!(app.chatwoot.calls()[route::MESSAGE_STATUS], 2, "nothing is told twice");
    // a receipt may name the LID, and come five times
    app.codechat.set_hook_faults(HookFaults { duplicate_percent: 100, extra_copies: 4, ..HookFaults::default() });
    let conversation = app.conversation();
    let second = answers(&app, conversation, AgentMessage::text("Mais uma"));
    app.whatsapp_has(2).await;
    app.codechat.receipt_from(SESSION, &app.codechat.submissions()[1].message_id, "READ", "25511900000001@lid");
    has_status(&app, second, "read").await;
    app.settle().await;
    assert_eq!(app.chatwoot.calls()[route::MESSAGE_STATUS], 3);
    finish_clean(app).await;
}

async fn two_parts_show_the_worse(database: Database) {
    let app = TestApp::start(database).await;
    let recording = AgentMessage::file("fala.mp3", "audio/mpeg", assets::MUSIC.bytes, Some("Ouça"));
    let (message, ids) = answer(&app, recording, 2).await;
    let told = [(0, "READ", "sent"), (1, "DELIVERY_ACK", "delivered"), (1, "PLAYED", "read")];
    for (part, word, shown) in told {
        receipt(&app, &ids[part], word).await;
        assert_eq!(status(&app, message).0, shown, "after {word} of part {part}");
    }
    finish_clean(app).await;
}

async fn an_old_chatwoot_is_not_told_of_deliveries(database: Database) {
    let options = Options::on(database);
    let chatwoot = ChatwootOptions { version: "4.11.0".to_owned(), ..options.chatwoot.clone() };
    let app = TestApp::with(Options { chatwoot, ..options }).await;
    let (message, ids) = answer(&app, AgentMessage::text("Pronto"), 1).await;
    receipt(&app, &ids[0], "DELIVERY_ACK").await;
    assert_eq!(status(&app, message).0, "sent");
    assert_eq!(app.chatwoot.calls().get(route::MESSAGE_STATUS), None);
    receipt(&app, &ids[0], "READ").await;
    assert_eq!(status(&app, message).0, "read");
    finish_clean(app).await;
}

async fn a_strangers_receipt_changes_nothing(database: Database) {
    let app = TestApp::start(database).await;
    let (message, _) = answer(&app, AgentMessage::text("Pronto"), 1).await;
    let key = app.codechat.customer_ledger()[0].key_id.clone();
    receipt(&app, &key, "READ").await;
    receipt(&app, "3EB0000000000000UNKNOWN", "READ").await;
    assert_eq!(status(&app, message).0, "sent");
    assert_eq!(app.chatwoot.calls().get(route::MESSAGE_STATUS), None);
    finish_clean(app).await;
}
