//! Agents who write first: the number is asked about once, and WhatsApp's spelling of it is what counts.

use relay_sim::{AgentMessage, ConnectionState};
use relay_testing::{Database, TestApp};

use crate::support::{ANA, SESSION, answers, finish_clean, meet, says, skip_until, status, texts_in, texts_sent};

both!(
    a_number_is_asked_about_once,
    whatsapps_own_spelling_is_learnt,
    who_wrote_to_us_is_not_asked_about,
    nobody_is_told_missing_while_the_phone_is_away,
);

const ASKED: &str = "POST /chat/whatsappNumbers/{instance}";

fn calls(app: &TestApp) -> u64 {
    app.codechat.calls().values().sum()
}

async fn a_number_is_asked_about_once(database: Database) {
    let app = TestApp::start(database).await;
    let conversation = app.chatwoot.agent_starts_conversation(app.inbox, &format!("+{ANA}")).unwrap();
    answers(&app, conversation, AgentMessage::text("um"));
    app.whatsapp_has(1).await;
    assert_eq!(app.codechat.calls()[ASKED], 1);
    app.settle().await;
    app.codechat.reset_calls();
    answers(&app, conversation, AgentMessage::text("dois"));
    app.whatsapp_has(2).await;
    app.settle().await;
    assert_eq!(calls(&app), 1, "{:?}", app.codechat.calls());
    assert_eq!(texts_sent(&app), ["um", "dois"]);
    finish_clean(app).await;
}

async fn whatsapps_own_spelling_is_learnt(database: Database) {
    let app = TestApp::start(database).await;
    app.codechat.spells("5531987654321", "553187654321");
    let conversation = app.chatwoot.agent_starts_conversation(app.inbox, "+5531987654321").unwrap();
    answers(&app, conversation, AgentMessage::text("Seu pedido chegou"));
    app.whatsapp_has(1).await;
    app.settle().await;
    let asked = app.codechat.calls();
    assert_eq!((asked[ASKED], asked["POST /message/sendText/{instance}"]), (1, 1));
    assert_eq!(app.codechat.submissions()[0].to, "553187654321@s.whatsapp.net");
    let live = app.engine.sessions.named(SESSION).await.unwrap().unwrap();
    let known = app.engine.store.chat_by_alias(live.id(), "5531987654321@s.whatsapp.net").await.unwrap().unwrap();
    let chat = app.engine.store.chat(live.id(), &known).await.unwrap().unwrap();
    assert_eq!(chat.jid.unwrap().to_string(), "553187654321@s.whatsapp.net", "the address from now on");
    says(&app, "553187654321", "Já vou buscar");
    app.chatwoot_has(1).await;
    assert_eq!(texts_in(&app, conversation), ["Já vou buscar"]);
    assert_eq!((app.chatwoot.contacts().len(), app.chatwoot.conversations().len()), (1, 1));
    finish_clean(app).await;
}

async fn who_wrote_to_us_is_not_asked_about(database: Database) {
    let app = TestApp::start(database).await;
    let conversation = meet(&app, ANA).await;
    app.settle().await;
    app.codechat.reset_calls();
    answers(&app, conversation, AgentMessage::text("Olá"));
    app.whatsapp_has(1).await;
    app.settle().await;
    // beside the message itself, the chat is marked as read
    app.until("the read mark", async || !app.codechat.read_marks().is_empty()).await;
    assert_eq!((calls(&app), app.codechat.calls().get(ASKED)), (2, None), "{:?}", app.codechat.calls());
    finish_clean(app).await;
}

async fn nobody_is_told_missing_while_the_phone_is_away(database: Database) {
    let app = TestApp::start(database).await;
    app.codechat.set_connection(SESSION, ConnectionState::Close);
    let conversation = app.chatwoot.agent_starts_conversation(app.inbox, &format!("+{ANA}")).unwrap();
    let message = answers(&app, conversation, AgentMessage::text("Olá"));
    let asked = "GET /instance/connectionState/{instance}";
    app.until("the relay to look", async || app.codechat.calls().contains_key(asked)).await;
    assert_eq!(status(&app, message).0, "sent", "held, not failed");
    app.codechat.set_connection(SESSION, ConnectionState::Open);
    let step = std::time::Duration::from_secs(1);
    skip_until(&app, "the message", step, async || app.codechat.submission_count() == 1).await;
    assert_eq!(status(&app, message).0, "sent");
    finish_clean(app).await;
}
