//! What the calls about the account ask for and what they make of the answer.

use chatwoot::{Capability, Direction, NewMessage, Role, Version};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use url::Url;

use crate::support::{Asked, Server, TOKEN, client, response};

fn inbox() -> Value {
    json!({
        "id": 3, "name": "WhatsApp", "channel_type": "Channel::Api", "webhook_url": "https://relay/hook?token=secret-token",
        "lock_to_single_conversation": true, "secret": "Secret000000000000000000", "hmac_token": "h",
        "inbox_identifier": "Ident", "avatar_url": "",
    })
}

#[tokio::test]
async fn version_is_asked_without_the_token() {
    let server = Server::start().await;
    server
        .answers_json(200, &json!({ "version": "4.16.2", "timestamp": "2026-08-01 12:00:00", "queue_services": "ok" }));
    let version = server.client().version().await.unwrap();
    assert_eq!(version, Version::new(4, 16, 2));
    assert!(version.supports(Capability::SignedInboxWebhooks));
    let asked = server.only();
    assert_eq!(asked.line(), "GET /api");
    assert_eq!(asked.header("api-access-token"), None);
}

#[tokio::test]
async fn every_other_call_carries_the_token_in_the_hyphenated_header() {
    let server = Server::start().await;
    server.answers_json(
        200,
        &json!({ "id": 2, "name": "Relay", "role": "agent", "access_token": "never", "accounts": [
        { "id": 7, "name": "Acme", "role": "administrator" }, { "id": 8, "name": "Other", "role": "agent" } ] }),
    );
    let profile = server.client().profile().await.unwrap();
    let asked = server.only();
    assert_eq!(asked.line(), "GET /api/v1/profile");
    assert_eq!(asked.header("api-access-token"), Some(TOKEN));
    assert_eq!(asked.header("api_access_token"), None);
    assert_eq!(asked.header("accept"), Some("application/json"));
    assert_eq!((profile.id, profile.role), (2, Some(Role::Agent)));
    assert!(profile.is_administrator(7) && !profile.is_administrator(8) && !profile.is_administrator(9));
    assert!(profile.belongs_to(8) && !profile.belongs_to(9));
}

#[tokio::test]
async fn a_path_in_the_base_is_kept() {
    let server = Server::start().await;
    server.answers_json(200, &inbox()).answers_json(200, &inbox());
    for base in ["chat", "chat/?x=1#y"] {
        client(server.url.join(base).unwrap()).inbox(3).await.unwrap();
    }
    let lines: Vec<_> = server.asked().iter().map(Asked::line).collect();
    assert_eq!(lines, ["GET /chat/api/v1/accounts/7/inboxes/3"; 2]);
}

#[tokio::test]
async fn inboxes_are_read_set_and_created() {
    let server = Server::start().await;
    server.answers_json(200, &inbox()).answers_json(200, &inbox()).answers_json(200, &inbox());
    server.answers_json(
        200,
        &json!({ "payload": [inbox(), { "id": 4, "name": "Mail", "channel_type": "Channel::Email" }] }),
    );
    let client = server.client();
    let read = client.inbox(3).await.unwrap();
    assert!(read.is_api() && read.lock_to_single_conversation);
    assert_eq!(read.secret.as_ref().unwrap().expose_secret(), "Secret000000000000000000");
    assert_eq!((read.id, read.inbox_identifier.as_deref()), (3, Some("Ident")));
    let shown = format!("{read:?}");
    assert!(!shown.contains("Secret000") && !shown.contains("secret-token"), "{shown}");

    client.set_inbox_webhook(3, "https://relay/new").await.unwrap();
    client.create_api_inbox("WhatsApp", "https://relay/new").await.unwrap();
    let all = client.inboxes().await.unwrap();
    assert!(!all[1].is_api() && all[1].secret.is_none() && all[1].webhook_url.is_none());

    let asked = server.asked();
    assert_eq!(asked[1].line(), "PATCH /api/v1/accounts/7/inboxes/3");
    assert_eq!(asked[1].json(), json!({ "channel": { "webhook_url": "https://relay/new" } }));
    assert_eq!(asked[2].line(), "POST /api/v1/accounts/7/inboxes");
    assert_eq!(
        asked[2].json(),
        json!({ "name": "WhatsApp", "lock_to_single_conversation": true,
        "channel": { "type": "api", "webhook_url": "https://relay/new" } })
    );
}

#[tokio::test]
async fn agents_are_listed_and_made_members() {
    let server = Server::start().await;
    let agents = json!([{ "id": 1, "name": "Ana", "role": "administrator" }, { "id": 2, "email": "b@example.com" }]);
    server.answers_json(200, &agents).answers_json(200, &json!({ "payload": [agents[0]] }));
    server.answers_json(200, &json!({ "payload": agents }));
    let client = server.client();
    let all = client.agents().await.unwrap();
    assert_eq!(all.iter().map(|agent| (agent.id, agent.name.as_str())).collect::<Vec<_>>(), [(1, "Ana"), (2, "")]);
    assert_eq!(client.inbox_members(3).await.unwrap().len(), 1);
    client.add_inbox_members(3, &[1, 2]).await.unwrap();
    let asked = server.asked();
    assert_eq!(asked[0].line(), "GET /api/v1/accounts/7/agents");
    assert_eq!(asked[1].line(), "GET /api/v1/accounts/7/inbox_members/3");
    assert_eq!(asked[2].line(), "POST /api/v1/accounts/7/inbox_members");
    assert_eq!(asked[2].json(), json!({ "inbox_id": 3, "user_ids": [1, 2] }));
}

#[tokio::test]
async fn contacts_and_conversations_are_deleted() {
    let server = Server::start().await;
    server.answers(response(200, &[], "")).answers(response(200, &[], ""));
    server.client().delete_conversation(42).await.unwrap();
    server.client().delete_contact(5).await.unwrap();
    let lines: Vec<_> = server.asked().iter().map(Asked::line).collect();
    assert_eq!(lines, ["DELETE /api/v1/accounts/7/conversations/42", "DELETE /api/v1/accounts/7/contacts/5"]);
}

#[test]
fn a_client_shows_neither_its_token_nor_credentials_of_its_base() {
    let base = Url::parse("https://user:pass@chat.example.com/x?token=y").unwrap();
    let shown = format!("{:?}", client(base));
    assert!(shown.contains("https://chat.example.com") && shown.contains('7'), "{shown}");
    assert!(!shown.contains(TOKEN) && !shown.contains("pass") && !shown.contains("token="), "{shown}");
}

#[test]
fn calls_can_be_made_from_any_thread() {
    fn is_send(_: &impl Send) {}
    let client = client(Url::parse("https://chat.example.com").unwrap());
    let new = NewMessage::new(Direction::Incoming);
    is_send(&client.create_message(42, &new));
    is_send(&client.find_contact_inbox(3, "x"));
    is_send(&client.download("/x", |_: &Url| Ok::<_, String>(())));
}
