//! The first messages of a conversation, both ways.

use relay_sim::{AgentMessage, CustomerMessage};
use relay_testing::{Database, TestApp};

both!(a_text_and_its_answer, what_arrives_late_says_so);

async fn a_text_and_its_answer(database: Database) {
    let app = TestApp::start(database).await;
    let key = app.codechat.customer_sends("loja01", &CustomerMessage::text("5511900000001", "Oi, tem *pão*?")).unwrap();
    app.chatwoot_has(1).await;
    let message = app.relayed().remove(0);
    assert_eq!(message.content.as_deref(), Some("Oi, tem **pão**?"));
    assert_eq!(message.message_type, "incoming");
    assert_eq!(message.source_id, Some(format!("WAID:{key}")));
    assert_eq!(message.contact_phone.as_deref(), Some("+5511900000001"));

    let answer = AgentMessage { in_reply_to: Some(message.id), ..AgentMessage::text("Temos **sim**") };
    app.chatwoot.agent_sends(message.conversation, answer).unwrap();
    app.whatsapp_has(1).await;
    let sent = app.codechat.submissions().remove(0);
    assert_eq!(sent.text.as_deref(), Some("Temos *sim*"));
    assert_eq!(sent.to, "5511900000001@s.whatsapp.net");
    assert_eq!(sent.quoted.as_deref(), Some(key.as_str()));
    assert!(sent.preset_id);
    let tally = app.finish().await;
    assert_eq!((tally.dead, tally.expired), (0, 0));
}

async fn what_arrives_late_says_so(database: Database) {
    let app = TestApp::start(database).await;
    app.codechat.customer_sends("loja01", &CustomerMessage::text("5511900000001", "second")).unwrap();
    app.chatwoot_has(1).await;
    app.settle().await;
    let first = CustomerMessage { timestamp: Some(1_795_341_600), ..CustomerMessage::text("5511900000001", "first") };
    app.codechat.customer_sends("loja01", &first).unwrap();
    app.chatwoot_has(2).await;
    let late = app.relayed().remove(1).content.unwrap();
    assert!(late.starts_with("first\n\n_🕓 written 2"), "{late}");
    assert!(late.ends_with("arrived late_"), "{late}");
    app.codechat.customer_sends("loja01", &CustomerMessage::text("5511900000001", "third")).unwrap();
    app.chatwoot_has(3).await;
    assert_eq!(app.relayed()[2].content.as_deref(), Some("third"));
    app.finish().await;
}
