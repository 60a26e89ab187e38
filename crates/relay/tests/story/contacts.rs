//! Finding the customer in Chatwoot, or making one, once.

use std::time::Duration;

use relay_sim::{AgentMessage, Chat, CustomerMessage, Fault, FaultAction, route};
use relay_testing::{Database, TestApp};
use serde_json::json;

use crate::support::{ANA, SESSION, answers, finish_clean, has_picture, meet, relayed_as, says, skip_until, texts_in};

both!(
    a_contact_is_made_with_name_and_picture,
    the_other_spelling_is_the_same_person,
    a_contact_that_appears_meanwhile_is_adopted,
    a_contact_of_several_inboxes,
    a_deleted_conversation_is_made_anew_once,
    a_deleted_contact_is_made_anew_once,
    receipts_of_what_was_deleted_are_let_go,
    sessions_share_a_contact_and_nothing_else,
    a_customer_without_a_number,
    lost_answers_leave_no_second_contact,
);

const CONTACT_CHANGE: &str = "PATCH /api/v1/accounts/{account}/contacts/{contact}";

async fn a_contact_is_made_with_name_and_picture(database: Database) {
    let app = TestApp::start(database).await;
    meet(&app, ANA).await;
    has_picture(&app).await;
    for text in ["Tudo bem?", "Alô"] {
        let key = says(&app, ANA, text);
        relayed_as(&app, &key).await;
    }
    app.settle().await;
    let contact = app.chatwoot.contacts().remove(0);
    assert_eq!(contact.name, "Ana Souza");
    assert_eq!(contact.phone, Some(format!("+{ANA}")));
    assert!(contact.avatar.is_some_and(|avatar| avatar.starts_with("avatar:")), "it was uploaded");
    assert_eq!(app.chatwoot.calls()[CONTACT_CHANGE], 1);
    assert_eq!(contact.source_ids, [(app.inbox, ANA.to_owned())]);
    finish_clean(app).await;
}

async fn the_other_spelling_is_the_same_person(database: Database) {
    let app = TestApp::start(database).await;
    let known = app.chatwoot.add_contact(app.account, "Bia do caixa", Some("+5531987654321"), None).unwrap();
    let key = says(&app, "553187654321", "Oi");
    let message = relayed_as(&app, &key).await;
    assert_eq!(message.contact, known);
    assert_eq!(app.chatwoot.contacts().len(), 1);
    // the answer goes to the address that WhatsApp knows, not to the number that agents wrote down
    answers(&app, message.conversation, AgentMessage::text("Oi, Bia"));
    app.whatsapp_has(1).await;
    assert_eq!(app.codechat.submissions()[0].to, "553187654321@s.whatsapp.net");
    assert_eq!(app.chatwoot.contacts()[0].name, "Bia do caixa");
    finish_clean(app).await;
}

async fn a_contact_that_appears_meanwhile_is_adopted(database: Database) {
    let app = TestApp::start(database).await;
    let known = app.chatwoot.add_contact(app.account, "Ana", Some("+5511900000001"), None).unwrap();
    let nothing = json!({ "meta": { "count": 0, "current_page": 1 }, "payload": [] });
    let unseen = FaultAction::Status { status: 200, body: Some(nothing), retry_after: None, commit: false };
    app.chatwoot.fault(Fault::on("/contacts/filter", unseen).times(1));
    let conversation = meet(&app, ANA).await;
    assert_eq!(app.chatwoot.calls()[route::CONTACT_CREATE], 1, "it was refused as taken");
    assert_eq!(app.relayed()[0].contact, known);
    assert_eq!(app.chatwoot.contacts().len(), 1);
    assert_eq!(texts_in(&app, conversation), ["Oi"]);
    finish_clean(app).await;
}

async fn a_contact_of_several_inboxes(database: Database) {
    let app = TestApp::start(database).await;
    let phone = format!("+{ANA}");
    let elsewhere = app.chatwoot.add_inbox(app.account, "Telefone", "").id;
    let other = app.chatwoot.agent_starts_conversation(elsewhere, &phone).unwrap();
    let ours = app.chatwoot.agent_starts_conversation(app.inbox, &phone).unwrap();
    let conversation = meet(&app, ANA).await;
    assert_eq!(conversation, ours, "not {other}, which is of another inbox");
    assert_eq!(app.chatwoot.contacts().len(), 1);
    assert_eq!(app.chatwoot.conversations().len(), 2);
    finish_clean(app).await;
}

async fn a_deleted_conversation_is_made_anew_once(database: Database) {
    let app = TestApp::start(database).await;
    let first = meet(&app, ANA).await;
    assert!(app.chatwoot.delete_conversation(app.account, first));
    for text in ["Tem alguém?", "Alô", "Oi?"] {
        says(&app, ANA, text);
    }
    app.chatwoot_has(4).await;
    let all = app.chatwoot.conversations();
    let [second] = all.as_slice() else { panic!("one conversation is left: {all:?}") };
    assert_ne!(second.id, first);
    assert_eq!(texts_in(&app, second.id), ["Tem alguém?", "Alô", "Oi?"]);
    assert_eq!(app.chatwoot.contacts().len(), 1);
    assert_eq!(app.chatwoot.calls()[route::CONVERSATION_CREATE], 2);
    finish_clean(app).await;
}

async fn a_deleted_contact_is_made_anew_once(database: Database) {
    let app = TestApp::start(database).await;
    let first = meet(&app, ANA).await;
    app.chatwoot.delete_contact(app.chatwoot.contacts()[0].id);
    for text in ["Tem alguém?", "Alô"] {
        says(&app, ANA, text);
    }
    app.chatwoot_has(3).await;
    app.settle().await;
    let (contacts, all) = (app.chatwoot.contacts(), app.chatwoot.conversations());
    let ([contact], [second]) = (contacts.as_slice(), all.as_slice()) else { panic!("{contacts:?} {all:?}") };
    assert_ne!(second.id, first);
    assert_eq!(texts_in(&app, second.id), ["Tem alguém?", "Alô"]);
    assert_eq!((contact.name.as_str(), contact.phone.as_deref()), ("Ana Souza", Some("+5511900000001")));
    assert_eq!(app.chatwoot.calls()[route::CONTACT_CREATE], 2);
    finish_clean(app).await;
}

async fn receipts_of_what_was_deleted_are_let_go(database: Database) {
    let app = TestApp::start(database).await;
    let conversation = meet(&app, ANA).await;
    answers(&app, conversation, AgentMessage::text("Olá"));
    app.whatsapp_has(1).await;
    app.settle().await;
    app.chatwoot.delete_contact(app.chatwoot.contacts()[0].id);
    app.codechat.receipt(SESSION, &app.codechat.submissions()[0].message_id, "READ");
    app.settle().await;
    assert!(app.chatwoot.conversations().is_empty(), "a receipt makes no conversation");
    finish_clean(app).await;
}

/// Two numbers of one account talk with the same customer: one contact, an inbox and a conversation each.
async fn sessions_share_a_contact_and_nothing_else(database: Database) {
    let mut app = TestApp::start(database).await;
    let first = meet(&app, ANA).await;
    let inbox = std::mem::replace(&mut app.inbox, app.chatwoot.add_inbox(1, "Outra loja", "").id);
    let (status, made) = app.create_session("loja02").await;
    assert_eq!(status, 201, "{made}");
    app.codechat.scan_qr("loja02", "5511977776666");
    let key = app.codechat.customer_sends("loja02", &CustomerMessage::text(ANA, "Oi, loja 2")).unwrap();
    let second = relayed_as(&app, &key).await;
    assert_ne!(second.conversation, first);
    let contacts = app.chatwoot.contacts();
    assert_eq!(contacts.len(), 1, "{contacts:?}");
    let mut inboxes: Vec<_> = contacts[0].source_ids.iter().map(|(inbox, _)| *inbox).collect();
    inboxes.sort_unstable();
    assert_eq!(inboxes, [inbox, app.inbox]);
    answers(&app, second.conversation, AgentMessage::text("da 2"));
    app.whatsapp_has(1).await;
    answers(&app, first, AgentMessage::text("da 1"));
    app.whatsapp_has(2).await;
    let sent: Vec<_> = app.codechat.submissions().into_iter().map(|sent| (sent.instance, sent.text.unwrap())).collect();
    assert_eq!(sent, [("loja02".to_owned(), "da 2".to_owned()), (SESSION.to_owned(), "da 1".to_owned())]);
    assert_eq!(texts_in(&app, first), ["Oi"]);
    finish_clean(app).await;
}

async fn a_customer_without_a_number(database: Database) {
    let app = TestApp::start(database).await;
    let message =
        CustomerMessage { chat: Chat::LidOnly("200000000000001".to_owned()), ..CustomerMessage::text(ANA, "Oi") };
    let key = app.codechat.customer_sends(SESSION, &message).unwrap();
    let message = relayed_as(&app, &key).await;
    assert_eq!(message.contact_phone, None);
    assert_eq!(message.contact_source_id, "200000000000001-lid");
    answers(&app, message.conversation, AgentMessage::text("Olá"));
    app.whatsapp_has(1).await;
    assert_eq!(app.codechat.submissions()[0].to, "200000000000001@lid");
    finish_clean(app).await;
}

async fn lost_answers_leave_no_second_contact(database: Database) {
    let app = TestApp::start(database).await;
    for route in [route::CONTACT_CREATE, route::CONVERSATION_CREATE] {
        app.chatwoot.fault(Fault::on(route, FaultAction::Reset { commit: true }).times(1));
    }
    says(&app, ANA, "Oi");
    let arrived = async || app.relayed().len() == 1;
    skip_until(&app, "the message", Duration::from_secs(1), arrived).await;
    app.settle().await;
    assert_eq!((app.chatwoot.contacts().len(), app.chatwoot.conversations().len()), (1, 1));
    assert_eq!(app.relayed().len(), 1);
    finish_clean(app).await;
}
