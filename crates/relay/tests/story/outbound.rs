//! From Chatwoot to WhatsApp: what is sent, what is not, and to whom.

use std::collections::BTreeSet;

use relay_sim::AgentMessage;
use relay_testing::{Database, TestApp};
use serde_json::{Map, json};

use crate::support::{ANA, answers, finish_clean, heard, meet, says, texts_in, texts_sent};

both!(
    what_is_for_the_customer_is_sent,
    what_is_not_for_the_customer_is_not_sent,
    an_agent_starts_the_conversation,
    messages_keep_their_order,
);

async fn what_is_for_the_customer_is_sent(database: Database) {
    let app = TestApp::start(database).await;
    let conversation = meet(&app, ANA).await;
    let survey = AgentMessage { content_type: Some("input_csat".to_owned()), ..AgentMessage::template("Como fomos?") };
    let choice = AgentMessage {
        content_type: Some("input_select".to_owned()),
        content_attributes: Map::from_iter([("items".to_owned(), json!([{ "title": "Sim", "value": "sim" }]))]),
        without_sender: true,
        ..AgentMessage::text("Aceita?")
    };
    app.chatwoot.template(app.account, conversation, "Bem-vindo!").unwrap();
    app.chatwoot.automation(app.account, conversation, "Já volto").unwrap();
    for message in [survey, choice, AgentMessage::text("**Sim**, ~~não~~ e *talvez*\n- um\n- dois")] {
        answers(&app, conversation, message);
    }
    app.whatsapp_has(5).await;
    app.settle().await;
    let sent = app.codechat.submissions();
    let texts: BTreeSet<_> = sent.iter().filter_map(|sent| sent.text.as_deref()).collect();
    let choice = "Aceita?\n\n1. Sim\n\nReply with the number of your choice.";
    let wanted = ["Bem-vindo!", "Já volto", "Como fomos?", choice, "*Sim*, ~não~ e _talvez_\n- um\n- dois"];
    assert_eq!(texts, BTreeSet::from(wanted));
    assert_eq!(sent.len(), 5);
    assert!(sent.iter().all(|sent| sent.preset_id && sent.to == format!("{ANA}@s.whatsapp.net")));
    finish_clean(app).await;
}

async fn what_is_not_for_the_customer_is_not_sent(database: Database) {
    let app = TestApp::start(database).await;
    let conversation = meet(&app, ANA).await;
    let note = AgentMessage { private: true, ..AgentMessage::text("cuidado com este") };
    let incoming = AgentMessage { message_type: Some("incoming".to_owned()), ..AgentMessage::text("de outro canal") };
    let activity =
        AgentMessage { message_type: Some("activity".to_owned()), ..AgentMessage::text("conversa resolvida") };
    let ids = [note, incoming, activity].map(|message| answers(&app, conversation, message));
    for id in &ids[..2] {
        heard(&app, *id).await;
    }
    answers(&app, conversation, AgentMessage::text("Pronto"));
    app.whatsapp_has(1).await;
    app.settle().await;
    assert_eq!(texts_sent(&app), ["Pronto"]);
    finish_clean(app).await;
}

async fn an_agent_starts_the_conversation(database: Database) {
    let app = TestApp::start(database).await;
    let conversation = app.chatwoot.agent_starts_conversation(app.inbox, "+5531987654321").unwrap();
    answers(&app, conversation, AgentMessage::text("Seu pedido chegou"));
    app.whatsapp_has(1).await;
    let to = app.codechat.submissions().remove(0).to;
    assert_eq!(to, "5531987654321@s.whatsapp.net");
    // WhatsApp answers from the spelling it knows; it is the same conversation
    says(&app, "553187654321", "Já vou buscar");
    app.chatwoot_has(1).await;
    assert_eq!(texts_in(&app, conversation), ["Já vou buscar"]);
    assert_eq!((app.chatwoot.contacts().len(), app.chatwoot.conversations().len()), (1, 1));
    finish_clean(app).await;
}

async fn messages_keep_their_order(database: Database) {
    let app = TestApp::start(database).await;
    let conversation = meet(&app, ANA).await;
    let wanted: Vec<_> = (0..20).map(|number| format!("linha {number}")).collect();
    for text in &wanted {
        answers(&app, conversation, AgentMessage::text(text));
    }
    app.whatsapp_has(wanted.len()).await;
    assert_eq!(texts_sent(&app), wanted);
    finish_clean(app).await;
}
