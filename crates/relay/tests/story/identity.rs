//! A customer known by a hidden number and by a phone number turns out to be one person.

use std::collections::BTreeMap;

use relay_sim::{AgentMessage, Chat, CustomerMessage, Fault, FaultAction};
use relay_testing::{Database, TestApp};

use crate::support::{
    ANA, SESSION, answers, finish_clean, has_picture, has_status, heard, pending, relayed_as, skip_until_settled,
    texts_in, texts_sent,
};

both!(
    a_hidden_number_gets_its_phone_number,
    a_phone_number_is_known_by_its_hidden_one,
    two_chats_become_one,
    what_waits_in_both_chats_arrives_in_order,
    what_was_said_before_can_be_answered_after,
    contacts_are_merged_although_the_answer_is_lost,
    contacts_are_merged_once_chatwoot_is_back,
    the_number_of_another_contact_leads_to_it,
    an_agents_number_and_whatsapps_spelling_are_one,
);

const LID: &str = "200000000000001";
const MERGE: &str = "POST /api/v1/accounts/{account}/actions/contact_merge";

fn hidden(text: &str) -> CustomerMessage {
    CustomerMessage { chat: Chat::LidOnly(LID.to_owned()), ..CustomerMessage::text(ANA, text) }
}

fn told(text: &str) -> CustomerMessage {
    CustomerMessage { chat: Chat::PhoneAndLid(ANA.to_owned(), LID.to_owned()), ..CustomerMessage::text(ANA, text) }
}

/// Sends a message and waits until it is in Chatwoot; returns its conversation.
async fn arrives(app: &TestApp, message: &CustomerMessage) -> u64 {
    let key = app.codechat.customer_sends(SESSION, message).unwrap();
    relayed_as(app, &key).await.conversation
}

/// The two chats of a customer who was seen by hidden number and by phone number, never by both.
async fn meet_twice(app: &TestApp) -> (u64, u64) {
    let by_lid = arrives(app, &hidden("Oi")).await;
    let by_phone = arrives(app, &CustomerMessage::text(ANA, "Olá")).await;
    assert_ne!(by_lid, by_phone);
    assert_eq!(app.chatwoot.contacts().len(), 2);
    (by_lid, by_phone)
}

/// Checks that Chatwoot has one contact, who has the number and the identifier.
fn is_one_contact(app: &TestApp) {
    let contacts = app.chatwoot.contacts();
    let [contact] = contacts.as_slice() else { panic!("one contact is left: {contacts:?}") };
    assert_eq!(contact.phone, Some(format!("+{ANA}")));
    assert_eq!(contact.identifier, Some(format!("{ANA}@s.whatsapp.net")));
}

async fn a_hidden_number_gets_its_phone_number(database: Database) {
    let app = TestApp::start(database).await;
    let first = arrives(&app, &hidden("Oi")).await;
    assert_eq!(app.chatwoot.contacts()[0].phone, None);
    assert_eq!(arrives(&app, &told("Sou eu")).await, first);
    is_one_contact(&app);
    has_picture(&app).await;
    let calls = app.chatwoot.calls();
    assert_eq!(arrives(&app, &told("De novo")).await, first);
    assert_eq!(arrives(&app, &hidden("E de novo")).await, first);
    app.settle().await;
    let known = |calls: &BTreeMap<String, u64>| {
        calls.iter().filter(|(route, _)| route.contains("/contacts/{contact}")).map(|(_, count)| count).sum::<u64>()
    };
    assert_eq!(known(&app.chatwoot.calls()), known(&calls), "it is told once");
    answers(&app, first, AgentMessage::text("Olá"));
    app.whatsapp_has(1).await;
    assert_eq!(app.codechat.submissions()[0].to, format!("{ANA}@s.whatsapp.net"));
    finish_clean(app).await;
}

async fn a_phone_number_is_known_by_its_hidden_one(database: Database) {
    let app = TestApp::start(database).await;
    let first = arrives(&app, &told("Oi")).await;
    assert_eq!(arrives(&app, &hidden("Ainda eu")).await, first);
    is_one_contact(&app);
    assert_eq!(app.chatwoot.conversations().len(), 1);
    finish_clean(app).await;
}

async fn two_chats_become_one(database: Database) {
    let app = TestApp::start(database).await;
    let (by_lid, by_phone) = meet_twice(&app).await;
    assert_eq!(arrives(&app, &told("Somos um")).await, by_phone);
    is_one_contact(&app);
    assert_eq!(app.chatwoot.calls()[MERGE], 1);
    // both conversations go on to exist, and are that contact's
    let contact = app.chatwoot.contacts()[0].id;
    assert!(app.chatwoot.conversations().iter().all(|conversation| conversation.contact == contact));
    assert_eq!(app.chatwoot.conversations().len(), 2);
    assert_eq!(arrives(&app, &hidden("Pelo número oculto")).await, by_phone);
    // whichever conversation an agent answers in, the customer gets it
    answers(&app, by_lid, AgentMessage::text("na antiga"));
    app.whatsapp_has(1).await;
    answers(&app, by_phone, AgentMessage::text("na nova"));
    app.whatsapp_has(2).await;
    let sent = app.codechat.submissions();
    assert!(sent.iter().all(|sent| sent.to == format!("{ANA}@s.whatsapp.net")), "{sent:?}");
    app.settle().await;
    assert_eq!(app.chatwoot.calls()[MERGE], 1);
    finish_clean(app).await;
}

async fn what_waits_in_both_chats_arrives_in_order(database: Database) {
    let app = TestApp::start(database).await;
    app.chatwoot.go_down().await;
    let now = app.clock.now().as_secs();
    let at = |seconds: i64, message: CustomerMessage| CustomerMessage { timestamp: Some(now + seconds), ..message };
    for message in [
        at(0, hidden("um")),
        at(1, CustomerMessage::text(ANA, "dois")),
        at(2, hidden("três")),
        at(3, told("quatro")),
        at(4, hidden("cinco")),
    ] {
        app.codechat.customer_sends(SESSION, &message).unwrap();
    }
    app.until("five pending messages", async || pending(&app).await == 5).await;
    app.chatwoot.come_up().await.unwrap();
    skip_until_settled(&app).await;
    assert_eq!(texts_in(&app, app.conversation()), ["um", "dois", "três", "quatro", "cinco"]);
    is_one_contact(&app);
    assert_eq!(app.chatwoot.conversations().len(), 1);
    finish_clean(app).await;
}

async fn what_was_said_before_can_be_answered_after(database: Database) {
    let app = TestApp::start(database).await;
    let key = app.codechat.customer_sends(SESSION, &hidden("Tem pão?")).unwrap();
    let asked = relayed_as(&app, &key).await;
    let answered = answers(&app, asked.conversation, AgentMessage::text("Temos"));
    app.whatsapp_has(1).await;
    let sent = app.codechat.submissions().remove(0).message_id;
    arrives(&app, &CustomerMessage::text(ANA, "Olá")).await;
    let merged = arrives(&app, &told("Somos um")).await;
    assert_ne!(merged, asked.conversation);

    app.codechat.receipt(SESSION, &sent, "READ");
    has_status(&app, answered, "read").await;
    let reply = CustomerMessage { quote: Some(sent), ..told("Que bom") };
    assert_eq!(arrives(&app, &reply).await, merged);
    let texts = texts_in(&app, merged);
    assert!(texts.last().is_some_and(|text| text.contains("Temos") && text.ends_with("Que bom")), "{texts:?}");
    let again = AgentMessage { in_reply_to: Some(asked.id), ..AgentMessage::text("Ainda temos") };
    answers(&app, asked.conversation, again);
    app.whatsapp_has(2).await;
    assert_eq!(texts_sent(&app), ["Temos", "Ainda temos"]);
    assert_eq!(app.codechat.submissions()[1].quoted.as_deref(), Some(key.as_str()));
    finish_clean(app).await;
}

/// Chatwoot merged, and the relay did not hear of it: as after a kill in between.
async fn contacts_are_merged_although_the_answer_is_lost(database: Database) {
    let app = TestApp::start(database).await;
    let (_, by_phone) = meet_twice(&app).await;
    app.chatwoot.fault(Fault::on("/actions/contact_merge", FaultAction::Reset { commit: true }).times(1));
    let key = app.codechat.customer_sends(SESSION, &told("Somos um")).unwrap();
    skip_until_settled(&app).await;
    assert_eq!(relayed_as(&app, &key).await.conversation, by_phone);
    is_one_contact(&app);
    assert_eq!(app.chatwoot.calls()[MERGE], 2);
    finish_clean(app).await;
}

async fn contacts_are_merged_once_chatwoot_is_back(database: Database) {
    let app = TestApp::start(database).await;
    let (_, by_phone) = meet_twice(&app).await;
    app.chatwoot.go_down().await;
    let key = app.codechat.customer_sends(SESSION, &told("Somos um")).unwrap();
    app.until("a pending message", async || pending(&app).await == 1).await;
    app.chatwoot.come_up().await.unwrap();
    skip_until_settled(&app).await;
    assert_eq!(relayed_as(&app, &key).await.conversation, by_phone);
    is_one_contact(&app);
    finish_clean(app).await;
}

/// The number that is learnt belongs to a contact that agents made: the customer's contact is merged into that.
async fn the_number_of_another_contact_leads_to_it(database: Database) {
    let app = TestApp::start(database).await;
    let first = arrives(&app, &hidden("Oi")).await;
    let known = app.chatwoot.add_contact(app.account, "Ana do caixa", Some(&format!("+{ANA}")), None).unwrap();
    assert_eq!(arrives(&app, &told("Sou eu")).await, first);
    is_one_contact(&app);
    let contact = app.chatwoot.contacts().remove(0);
    assert_eq!((contact.id, contact.name.as_str()), (known, "Ana do caixa"));
    assert_eq!(arrives(&app, &hidden("De novo")).await, first);
    assert_eq!(app.chatwoot.calls()[MERGE], 1);
    finish_clean(app).await;
}

/// An agent writes to a number as people write it; WhatsApp answers from the number as it knows it, which was a chat already.
async fn an_agents_number_and_whatsapps_spelling_are_one(database: Database) {
    let app = TestApp::start(database).await;
    let known = app.chatwoot.agent_starts_conversation(app.inbox, "+5531987654321").unwrap();
    let message = answers(&app, known, AgentMessage::text("Olá"));
    heard(&app, message).await;
    app.whatsapp_has(1).await;
    let hidden =
        CustomerMessage { chat: Chat::LidOnly("200000000000007".to_owned()), ..CustomerMessage::text(ANA, "Oi") };
    let apart = arrives(&app, &hidden).await;
    assert_ne!(apart, known);
    let chat = Chat::PhoneAndLid("553187654321".to_owned(), "200000000000007".to_owned());
    let both = CustomerMessage { chat, ..CustomerMessage::text(ANA, "Sou eu") };
    arrives(&app, &both).await;
    app.settle().await;
    assert_eq!(app.chatwoot.contacts().len(), 1);
    assert_eq!(app.chatwoot.contacts()[0].phone.as_deref(), Some("+5531987654321"));
    finish_clean(app).await;
}
