//! What the calls about contacts, conversations and messages ask for and what they make of the answer.

use chatwoot::{
    ContactChange, ContactInbox, ConversationRef, ConversationStatus, Direction, ErrorKind, Filter, FilterAttribute,
    MessageEvent, MessageStatus, MessageType, NewContact, NewConversation, NewMessage, NewStatus, Sender,
};
use serde_json::{Map, Value, json};

use crate::support::{Asked, Server, response, rest};

#[tokio::test]
async fn a_contact_is_found_by_its_source_id_or_not_there() {
    let server = Server::start().await;
    server.answers_json(200, &rest("contact_inboxes.filter"));
    server.answers(response(404, &[], "")).answers_json(404, &rest("errors")["404"]);
    server.answers(response(404, &[], "404 page not found\n"));
    let client = server.client();
    let found = client.find_contact_inbox(3, "5511988887777").await.unwrap().unwrap();
    assert_eq!((found.id, found.phone_number.as_deref(), found.thumbnail), (55, Some("+5511988887777"), None));
    assert_eq!(found.contact_inboxes, [ContactInbox { inbox_id: 3, source_id: "5511988887777".to_owned() }]);
    assert_eq!(client.find_contact_inbox(3, "nobody").await, Ok(None));
    let unknown_inbox = client.find_contact_inbox(9, "x").await.unwrap_err();
    assert_eq!(unknown_inbox.kind, ErrorKind::NotFound);
    let proxy = client.find_contact_inbox(3, "x").await.unwrap_err();
    assert_eq!(proxy.kind, ErrorKind::ServerError);
    let first = &server.asked()[0];
    assert_eq!(first.line(), "POST /api/v1/accounts/7/contact_inboxes/filter");
    assert_eq!(first.json(), json!({ "inbox_id": 3, "source_id": "5511988887777" }));
}

#[tokio::test]
async fn filters_are_joined_by_or() {
    let server = Server::start().await;
    server.answers_json(200, &rest("contacts.filter"));
    let client = server.client();
    assert_eq!(client.filter_contacts(&[]).await, Ok(Vec::new()));
    assert_eq!(server.asked().len(), 0);

    let phone = |value: &str| Filter { attribute: FilterAttribute::Phone, value: value.to_owned() };
    let identifier = Filter { attribute: FilterAttribute::Identifier, value: "g@lid".to_owned() };
    let filters = [phone("+5511988887777"), phone("+551188887777"), identifier];
    let found = client.filter_contacts(&filters).await.unwrap();
    assert_eq!(found.iter().map(|contact| contact.id).collect::<Vec<_>>(), [55]);
    let asked = server.only();
    assert_eq!(asked.line(), "POST /api/v1/accounts/7/contacts/filter");
    let condition = |key: &str, value: &str, operator: Value| json!({ "attribute_key": key, "filter_operator": "equal_to", "values": [value], "query_operator": operator });
    assert_eq!(
        asked.json(),
        json!({ "payload": [
        condition("phone_number", "+5511988887777", json!("OR")),
        condition("phone_number", "+551188887777", json!("OR")),
        condition("identifier", "g@lid", Value::Null),
    ] })
    );
}

#[tokio::test]
async fn contacts_are_created_attached_changed_and_merged() {
    let server = Server::start().await;
    server.answers_json(200, &rest("contacts.create_without_inbox"));
    server.answers_json(200, &rest("contact_inboxes.create"));
    server.answers_json(200, &rest("contacts.show")).answers_json(200, &rest("contact_inboxes.filter"));
    server.answers_json(200, &rest("contacts.show"));
    let client = server.client();
    let group = NewContact {
        name: "Family".to_owned(),
        identifier: Some("120363@g.us".to_owned()),
        inbox_id: 3,
        source_id: "120363-group".to_owned(),
        ..NewContact::default()
    };
    assert_eq!(client.create_contact(&group).await.unwrap().id, 55);
    let place = client.attach_contact_inbox(55, 3, "5511988887777").await.unwrap();
    assert_eq!((place.inbox_id, place.source_id.as_str()), (3, "5511988887777"));
    let change = ContactChange { avatar_url: Some("https://x/y.jpg".to_owned()), ..ContactChange::default() };
    assert_eq!(client.update_contact(55, &change).await.unwrap().id, 55);
    assert_eq!(client.merge(55, 56).await.unwrap().id, 55);
    assert_eq!(client.contact(55).await.unwrap().name.as_deref(), Some("Maria"));

    let asked = server.asked();
    let lines: Vec<_> = asked.iter().map(Asked::line).collect();
    assert_eq!(
        lines,
        [
            "POST /api/v1/accounts/7/contacts",
            "POST /api/v1/accounts/7/contacts/55/contact_inboxes",
            "PATCH /api/v1/accounts/7/contacts/55",
            "POST /api/v1/accounts/7/actions/contact_merge",
            "GET /api/v1/accounts/7/contacts/55",
        ]
    );
    assert_eq!(
        asked[0].json(),
        json!({ "name": "Family", "identifier": "120363@g.us", "inbox_id": 3,
        "source_id": "120363-group", "additional_attributes": {} })
    );
    assert_eq!(asked[1].json(), json!({ "inbox_id": 3, "source_id": "5511988887777" }));
    assert_eq!(asked[2].json(), json!({ "avatar_url": "https://x/y.jpg" }));
    assert_eq!(asked[3].json(), json!({ "base_contact_id": 55, "mergee_contact_id": 56 }));
}

#[tokio::test]
async fn conversations_are_listed_created_and_read() {
    let server = Server::start().await;
    server.answers_json(200, &rest("conversations.index")).answers_json(200, &rest("conversations.index"));
    server.answers_json(200, &rest("conversations.show")).answers_json(200, &rest("conversations.show"));
    let client = server.client();
    let list = client.conversations_of(3, "a&b=c+d").await.unwrap();
    assert_eq!(list.len(), 1);
    assert_eq!(client.recent_conversations(3, 2).await.unwrap(), list);
    let mut new = NewConversation {
        inbox_id: 3,
        contact_id: 55,
        source_id: "5511988887777".to_owned(),
        status: None,
        team_id: None,
    };
    let created = client.create_conversation(&new).await.unwrap();
    new.status = Some(ConversationStatus::Open);
    new.team_id = Some(9);
    client.create_conversation(&new).await.unwrap();
    assert_eq!((created.id, created.inbox_id, created.status), (42, 3, ConversationStatus::Open));
    assert_eq!(created.source_id.as_deref(), Some("5511988887777"));
    assert_eq!(created.agent_last_seen_at, Some(1_785_585_650_000));
    assert_eq!(created.contact.as_ref().map(|contact| contact.id), Some(55));
    assert_eq!(created, list[0]);

    let asked = server.asked();
    assert_eq!(asked[0].line(), "GET /api/v1/accounts/7/conversations?status=all&inbox_id=3&source_id=a%26b%3Dc%2Bd");
    assert_eq!(asked[1].line(), "GET /api/v1/accounts/7/conversations?status=all&inbox_id=3&page=2");
    assert_eq!(asked[2].json(), json!({ "inbox_id": 3, "contact_id": 55, "source_id": "5511988887777" }));
    assert_eq!((&asked[3].json()["status"], &asked[3].json()["team_id"]), (&json!("open"), &json!(9)));
}

#[tokio::test]
async fn labels_are_replaced() {
    let server = Server::start().await;
    server.answers_json(200, &json!({ "payload": ["a", "b"] })).answers_json(401, &rest("errors")["401_bad_token"]);
    let client = server.client();
    let labels = ["a".to_owned(), "b".to_owned()];
    client.set_labels(42, &labels).await.unwrap();
    let refused = client.set_labels(42, &labels).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Unauthorized);
    let asked = server.asked();
    assert_eq!(asked[0].line(), "POST /api/v1/accounts/7/conversations/42/labels");
    assert_eq!(asked[0].json(), json!({ "labels": ["a", "b"] }));
}

#[tokio::test]
async fn signals_need_no_answer() {
    let server = Server::start().await;
    server
        .answers(response(200, &[], ""))
        .answers(response(200, &[], ""))
        .answers_json(200, &rest("conversations.show"));
    let client = server.client();
    client.toggle_contact_typing("Ident", "5511988887777", 42, true).await.unwrap();
    client.update_last_seen(42).await.unwrap();
    client.conversation(42).await.unwrap();
    let asked = server.asked();
    assert_eq!(
        asked[0].line(),
        "POST /public/api/v1/inboxes/Ident/contacts/5511988887777/conversations/42/toggle_typing"
    );
    assert_eq!((asked[0].json(), asked[0].header("api-access-token")), (json!({ "typing_status": "on" }), None));
    assert_eq!(asked[1].line(), "POST /api/v1/accounts/7/conversations/42/update_last_seen");
    assert_eq!(asked[2].line(), "GET /api/v1/accounts/7/conversations/42");
}

#[tokio::test]
async fn a_message_without_files_is_json() {
    let server = Server::start().await;
    server.answers_json(200, &rest("messages.create")).answers_json(200, &rest("messages.create"));
    let client = server.client();
    let mut new = NewMessage::new(Direction::Incoming);
    new.content = Some("Hi \"there\"\n".to_owned());
    new.source_id = Some("WAID:3EB0".to_owned());
    new.content_attributes = Map::from_iter([("in_reply_to".to_owned(), json!(9001))]);
    let created = client.create_message(42, &new).await.unwrap();
    assert_eq!((created.id, created.conversation_id, created.source_id), (9002, 42, None));
    assert_eq!((created.status, created.message_type), (MessageStatus::Sent, MessageType::Outgoing));
    assert_eq!(created.created_at, 1_785_585_660_000);
    client.create_message(42, &NewMessage { private: true, ..NewMessage::new(Direction::Outgoing) }).await.unwrap();

    let asked = server.asked();
    assert_eq!(asked[0].line(), "POST /api/v1/accounts/7/conversations/42/messages");
    assert_eq!(asked[0].header("content-type"), Some("application/json"));
    assert_eq!(
        asked[0].json(),
        json!({ "content": "Hi \"there\"\n", "message_type": "incoming", "private": false,
        "source_id": "WAID:3EB0", "content_attributes": { "in_reply_to": 9001 } })
    );
    assert_eq!(asked[1].json(), json!({ "message_type": "outgoing", "private": true, "content_attributes": {} }));
}

#[tokio::test]
async fn messages_are_listed_marked_and_deleted() {
    let server = Server::start().await;
    for _ in 0..3 {
        server.answers_json(200, &rest("messages.index"));
    }
    for _ in 0..4 {
        server.answers_json(200, &rest("messages.create"));
    }
    let client = server.client();
    let listed = client.list_messages_after(42, 9001).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!((listed[0].id, &listed[0].sender), (9002, &Sender::User { id: Some(7), name: "Ana".to_owned() }));
    client.list_messages_before(42, 9001).await.unwrap();
    client.latest_messages(42).await.unwrap();
    let failed = NewStatus::Failed { reason: "not on WhatsApp".to_owned() };
    for status in [NewStatus::Sent, NewStatus::Read, failed] {
        client.set_status(42, 9002, &status).await.unwrap();
    }
    client.delete_message(42, 9002).await.unwrap();

    let asked = server.asked();
    let lines: Vec<_> = asked.iter().map(Asked::line).collect();
    let messages = "/api/v1/accounts/7/conversations/42/messages";
    assert_eq!(
        lines,
        [
            format!("GET {messages}?after=9001"),
            format!("GET {messages}?before=9001"),
            format!("GET {messages}"),
            format!("PATCH {messages}/9002"),
            format!("PATCH {messages}/9002"),
            format!("PATCH {messages}/9002"),
            format!("DELETE {messages}/9002"),
        ]
    );
    assert_eq!(asked[3].json(), json!({ "status": "sent" }));
    assert_eq!(asked[4].json(), json!({ "status": "read" }));
    assert_eq!(asked[5].json(), json!({ "status": "failed", "external_error": "not on WhatsApp" }));
}

#[tokio::test]
async fn a_message_that_was_found_reads_like_one_that_was_told() {
    let server = Server::start().await;
    server.answers_json(200, &rest("messages.index")).answers_json(200, &rest("conversations.show"));
    let client = server.client();
    let message = client.latest_messages(42).await.unwrap().remove(0);
    let conversation = client.conversation(42).await.unwrap();
    let event = MessageEvent::of_message(message, 7, 3, ConversationRef::from(&conversation));
    assert_eq!((event.id, event.account_id, event.inbox_id, event.source_id), (9002, 7, 3, None));
    assert_eq!(event.conversation.source_id.as_deref(), Some("5511988887777"));
    assert_eq!(event.conversation.contact_id, Some(55));
}
