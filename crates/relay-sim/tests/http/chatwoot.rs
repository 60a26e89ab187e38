//! The traps of Chatwoot, one by one, over HTTP.

use std::time::Duration;

use crate::support::{Hook, LONG, Receiver, client};
use hmac::{Hmac, KeyInit, Mac};
use relay_sim::{
    AgentMessage, BlobDelay, ChatwootOptions, FakeChatwoot, Fault, FaultAction, HookFaults, InboxInfo, Role, assets,
    route,
};
use serde_json::{Value, json};
use sha2::Sha256;

const PHONE: &str = "+5511900000001";

struct Rig {
    sim: FakeChatwoot,
    hooks: Receiver,
    inbox: InboxInfo,
    http: reqwest::Client,
}

impl Rig {
    async fn start() -> Self {
        Self::with(ChatwootOptions::default()).await
    }

    async fn with(options: ChatwootOptions) -> Self {
        let sim = FakeChatwoot::start(options).await.unwrap();
        let hooks = Receiver::start().await;
        let inbox = sim.add_inbox(1, "WhatsApp", &hooks.url);
        Self { sim, hooks, inbox, http: client() }
    }

    async fn call_as(&self, token: &str, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let url = format!("{}{path}", self.sim.base_url());
        let request = self.http.request(method.parse().unwrap(), url).header("api-access-token", token);
        let response = if body.is_null() { request.send().await } else { request.json(body).send().await }.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    async fn call(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let path = format!("/api/v1/accounts/1{path}");
        self.call_as(FakeChatwoot::ADMIN_TOKEN, method, &path, body).await
    }

    async fn contact(&self, phone: &str, source: &str) -> u64 {
        let body = json!({"name": "Maria", "phone_number": phone, "inbox_id": self.inbox.id, "source_id": source});
        let (status, created) = self.call("POST", "/contacts", &body).await;
        assert_eq!(status, 200, "{created}");
        created["payload"]["contact"]["id"].as_u64().unwrap()
    }

    /// A contact with a conversation; its display id.
    async fn conversation(&self) -> u64 {
        let contact = self.contact(PHONE, "5511900000001").await;
        let body = json!({"inbox_id": self.inbox.id, "contact_id": contact, "source_id": "5511900000001"});
        let (status, created) = self.call("POST", "/conversations", &body).await;
        assert_eq!(status, 200, "{created}");
        created["id"].as_u64().unwrap()
    }

    async fn post_message(&self, conversation: u64, body: Value) -> (u16, Value) {
        self.call("POST", &format!("/conversations/{conversation}/messages"), &body).await
    }
}

fn about(event: &'static str, id: u64) -> impl Fn(&Value) -> bool {
    move |body| body["event"] == event && body["id"] == id
}

fn verifies(hook: &Hook, secret: &str) -> bool {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(hook.headers["x-chatwoot-timestamp"].as_bytes());
    mac.update(b".");
    mac.update(&hook.raw);
    let hex = mac.finalize().into_bytes().iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    hook.headers["x-chatwoot-signature"].to_str().unwrap() == format!("sha256={hex}")
}

#[tokio::test]
async fn what_the_relay_posts_comes_back_with_its_source_id() {
    let rig = Rig::start().await;
    let at = rig.conversation().await;
    for _ in 0..2 {
        let body = json!({"content": "<hi>", "message_type": "incoming", "source_id": "WAID:A", "echo_id": "e"});
        let (status, message) = rig.post_message(at, body).await;
        assert_eq!((status, &message["echo_id"], &message["message_type"]), (200, &json!("e"), &json!(0)));
    }
    let echoes = rig.hooks.wait_for(2, |body| body["event"] == "message_created").await;
    assert!(echoes.iter().all(|body| body["source_id"] == "WAID:A" && body["message_type"] == "incoming"));
    assert!(echoes[0]["sender"].get("type").is_none(), "a contact as sender has no type");
    assert_eq!(rig.sim.messages().len(), 2, "a source id is not unique");
    let hooks = rig.hooks.hooks();
    assert!(hooks.iter().all(|hook| verifies(hook, &rig.inbox.secret)));
    assert!(!hooks.iter().any(|hook| verifies(hook, "other")));
    assert!(hooks.iter().any(|hook| hook.raw.windows(6).any(|part| part == b"\\u003c")));
}

#[tokio::test]
async fn a_delivery_can_be_made_again_with_its_signature() {
    let rig = Rig::start().await;
    let at = rig.conversation().await;
    let id = rig.sim.agent_sends(at, AgentMessage::text("Hello <Maria>")).unwrap();
    rig.hooks.wait_for(1, about("message_created", id)).await;
    let hook = rig.hooks.hooks().into_iter().find(|hook| about("message_created", id)(&hook.body)).unwrap();
    assert_eq!(rig.sim.webhook_body(id).unwrap(), hook.raw);
    let timestamp = hook.headers["x-chatwoot-timestamp"].to_str().unwrap().parse().unwrap();
    let signature = hook.headers["x-chatwoot-signature"].to_str().unwrap();
    assert_eq!(rig.sim.sign(rig.inbox.id, timestamp, &hook.raw).as_deref(), Some(signature));
    assert_ne!(rig.sim.sign(rig.inbox.id, timestamp + 1, &hook.raw).as_deref(), Some(signature));
    assert_eq!(rig.sim.webhook_body(id + 1), None);
}

#[tokio::test]
async fn an_agent_message_has_the_shape_of_the_example() {
    let rig = Rig::start().await;
    let at = rig.conversation().await;
    let quoted =
        rig.post_message(at, json!({"content": "q", "message_type": "incoming", "source_id": "WAID:Q"})).await.1["id"]
            .as_u64();
    let message = AgentMessage { in_reply_to: quoted, ..AgentMessage::text("Hello **Maria**") };
    let id = rig.sim.agent_sends(at, message).unwrap();
    let hook = rig.hooks.wait_for(1, about("message_created", id)).await.remove(0);
    let mut keys: Vec<&str> = hook.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    let expected = "account additional_attributes content content_attributes content_type conversation created_at event id inbox \
                    message_type private sender source_id";
    assert_eq!(keys.join(" "), expected);
    assert_eq!(
        (&hook["message_type"], &hook["source_id"], &hook["sender"]["type"]),
        (&json!("outgoing"), &Value::Null, &json!("user"))
    );
    assert_eq!(hook["content_attributes"], json!({"in_reply_to": quoted, "in_reply_to_external_id": "WAID:Q"}));
    assert_eq!(hook["conversation"]["contact_inbox"]["source_id"], "5511900000001");
    assert_eq!(hook["conversation"]["meta"]["sender"]["phone_number"], PHONE);
    assert_eq!(hook["conversation"]["messages"][0]["message_type"], 1);
    assert!(hook["created_at"].as_str().unwrap().ends_with('Z') && hook["conversation"]["created_at"].is_i64());
}

#[tokio::test]
async fn places_and_contacts_are_attachments_without_a_file() {
    let rig = Rig::start().await;
    let at = rig.conversation().await;
    let place = rig.sim.agent_sends(at, AgentMessage::place(-23.55, -46.63, "Praça da Sé")).unwrap();
    let hook = rig.hooks.wait_for(1, about("message_created", place)).await.remove(0);
    let wanted = json!({
        "id": place * 1000 + 1, "message_id": place, "file_type": "location", "account_id": 1, "coordinates_lat": -23.55,
        "coordinates_long": -46.63, "fallback_title": "Praça da Sé", "data_url": null,
    });
    assert_eq!(hook["attachments"], json!([wanted]));
    let contact = rig.sim.agent_sends(at, AgentMessage::contact("João", "Silva", "+5511977776666")).unwrap();
    let hook = rig.hooks.wait_for(1, about("message_created", contact)).await.remove(0);
    let shown = &hook["attachments"][0];
    assert_eq!((&shown["file_type"], &shown["fallback_title"]), (&json!("contact"), &json!("+5511977776666")));
    assert_eq!(shown["meta"], json!({ "firstName": "João", "lastName": "Silva" }));
}

#[tokio::test]
async fn the_nested_message_is_the_newest_public_one() {
    let rig = Rig::start().await;
    let at = rig.conversation().await;
    let public = rig.sim.agent_sends(at, AgentMessage::text("public")).unwrap();
    let note = rig.sim.agent_sends(at, AgentMessage { private: true, ..AgentMessage::text("note") }).unwrap();
    let hook = rig.hooks.wait_for(1, about("message_created", note)).await.remove(0);
    assert_eq!((&hook["private"], &hook["conversation"]["messages"][0]["id"]), (&json!(true), &json!(public)));
}

#[tokio::test]
async fn a_refused_webhook_marks_the_message_failed() {
    let rig = Rig::start().await;
    let at = rig.conversation().await;
    rig.hooks.answer_with(500);
    let id = rig.sim.agent_sends(at, AgentMessage::text("x")).unwrap();
    let update = rig.hooks.wait_for(1, about("message_updated", id)).await.remove(0);
    assert_eq!(update["content_attributes"]["external_error"], "500 Internal Server Error");
    assert!(rig.sim.wait_until(|sim| sim.message(id).unwrap().status == "failed", LONG).await);
    // The update is refused as well and changes nothing more, so it stays at one.
    assert!(
        rig.sim
            .wait_until(
                |sim| sim.ack_log().iter().filter(|ack| ack.key == format!("message_updated:{id}")).count() == 1,
                LONG
            )
            .await
    );
    rig.hooks.answer_with(200);
    let patch = format!("/conversations/{at}/messages/{id}");
    rig.call("PATCH", &patch, &json!({"status": "sent"})).await;
    let repaired = rig.sim.message(id).unwrap();
    assert_eq!((repaired.status.as_str(), repaired.external_error), ("sent", None));
    assert_eq!(repaired.content_attributes["external_error"], Value::Null);
}

#[tokio::test]
async fn a_slow_or_closed_receiver_fails_the_message_too() {
    let options = ChatwootOptions { hook_timeout: Duration::from_millis(300), ..ChatwootOptions::default() };
    let rig = Rig::with(options).await;
    let at = rig.conversation().await;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    rig.sim.set_webhook_url(rig.inbox.id, &format!("http://{}", silent.local_addr().unwrap()));
    let slow = rig.sim.agent_sends(at, AgentMessage::text("slow")).unwrap();
    let error = |sim: &FakeChatwoot, id: u64| sim.message(id).unwrap().external_error.unwrap_or_default();
    assert!(rig.sim.wait_until(|sim| error(sim, slow).contains("ReadTimeout"), LONG).await);
    drop(silent);
    let closed = rig.sim.agent_sends(at, AgentMessage::text("closed")).unwrap();
    assert!(rig.sim.wait_until(|sim| error(sim, closed).contains("Failed to open TCP connection"), LONG).await);
}

#[tokio::test]
async fn statuses_are_not_monotone() {
    let rig = Rig::start().await;
    let at = rig.conversation().await;
    let id = rig.sim.agent_sends(at, AgentMessage::text("x")).unwrap();
    let patch = format!("/conversations/{at}/messages/{id}");
    let steps = [
        ("read", "read"),
        ("delivered", "read"),
        ("sent", "sent"),
        ("failed", "failed"),
        ("delivered", "delivered"),
        ("odd", "delivered"),
    ];
    for (asked, becomes) in steps {
        let (status, body) =
            rig.call("PATCH", &patch, &json!({"status": asked, "external_error": "why", "content": "no"})).await;
        assert_eq!((status, body["status"].as_str()), (200, Some(becomes)), "{asked}");
    }
    assert_eq!(rig.sim.message(id).unwrap().content.as_deref(), Some("x"));
    rig.hooks.wait_for(4, about("message_updated", id)).await;
}

#[tokio::test]
async fn deleting_and_retrying_leave_what_they_leave() {
    let rig = Rig::start().await;
    let at = rig.conversation().await;
    let file = AgentMessage::file("a.pdf", "application/pdf", assets::DOCUMENT.bytes, Some("see"));
    let id = rig.sim.agent_sends(at, file).unwrap();
    let created = rig.hooks.wait_for(1, about("message_created", id)).await.remove(0);
    assert_eq!(created["attachments"][0]["file_type"], "file");
    rig.call(
        "PATCH",
        &format!("/conversations/{at}/messages/{id}"),
        &json!({"status": "failed", "external_error": "no"}),
    )
    .await;
    assert!(rig.sim.agent_retries(id));
    let retried = rig.sim.message(id).unwrap();
    assert_eq!((retried.status.as_str(), retried.content_attributes.len()), ("sent", 0));
    assert!(rig.sim.agent_deletes(id));
    let deleted = rig.hooks.wait_for(1, |body| body["content_attributes"]["deleted"] == true).await.remove(0);
    assert_eq!((&deleted["id"], &deleted["content_attributes"]), (&json!(id), &json!({"deleted": true})));
    assert!(deleted.get("attachments").is_none());
}

#[tokio::test]
async fn contacts_are_unique_in_two_ways() {
    let rig = Rig::start().await;
    rig.contact(PHONE, "1").await;
    let (status, taken) = rig.call("POST", "/contacts", &json!({"phone_number": PHONE})).await;
    assert_eq!(
        (status, taken),
        (422, json!({"message": "Phone number has already been taken", "attributes": ["phone_number"]}))
    );
    let (status, format) = rig.call("POST", "/contacts", &json!({"phone_number": "5511"})).await;
    assert_eq!((status, &format["message"]), (422, &json!("Phone number should be in e164 format")));
    let clash = json!({"phone_number": "+5511900000002", "inbox_id": rig.inbox.id, "source_id": "1"});
    assert_eq!(rig.call("POST", "/contacts", &clash).await.0, 500);
    assert_eq!(rig.sim.contacts().len(), 1, "a failed create leaves nothing");
    let exact = json!({"inbox_id": rig.inbox.id, "source_id": "1"});
    assert_eq!(rig.call("POST", "/contact_inboxes/filter", &exact).await.1["phone_number"], PHONE);
    let none = json!({"inbox_id": rig.inbox.id, "source_id": "9"});
    assert_eq!(rig.call("POST", "/contact_inboxes/filter", &none).await, (404, json!("")));
    let rule = |phone: &str| json!({"payload": [{"attribute_key": "phone_number", "filter_operator": "equal_to", "values": [phone], "query_operator": null}]});
    assert_eq!(rig.call("POST", "/contacts/filter", &rule("5511900000001")).await.1["meta"]["count"], 1);
    assert_eq!(rig.call("POST", "/contacts/filter", &rule("+5511900000009")).await.1["meta"]["count"], 0);
    assert_eq!(
        rig.call("GET", "/contacts/77", &Value::Null).await,
        (404, json!({"error": "Resource could not be found"}))
    );
}

#[tokio::test]
async fn concurrent_creates_race_past_the_check() {
    let rig =
        Rig::with(ChatwootOptions { race_window: Duration::from_millis(300), ..ChatwootOptions::default() }).await;
    let phone = json!({"phone_number": PHONE});
    let (one, two) = tokio::join!(rig.call("POST", "/contacts", &phone), rig.call("POST", "/contacts", &phone));
    assert_eq!((one.0, two.0), (200, 200), "a phone number has no index");
    let identified = json!({"identifier": "a@lid"});
    let (one, two) =
        tokio::join!(rig.call("POST", "/contacts", &identified), rig.call("POST", "/contacts", &identified));
    assert_eq!(one.0.min(two.0), 200);
    assert_eq!(one.0.max(two.0), 500);
}

#[tokio::test]
async fn searching_hits_a_wall() {
    let rig = Rig::with(ChatwootOptions { search_wall: Some(2), ..ChatwootOptions::default() }).await;
    rig.contact(PHONE, "1").await;
    assert_eq!(rig.call("GET", "/contacts/search?q=%2B5511", &Value::Null).await.1["meta"]["count"], 1);
    assert_eq!(rig.call("GET", "/contacts/search?q=nobody", &Value::Null).await.1["meta"]["count"], 0);
    assert_eq!(rig.call("GET", "/contacts/search?q=x", &Value::Null).await, (429, json!("Retry later\n")));
}

#[tokio::test]
async fn a_conversation_takes_so_many_messages_a_minute() {
    let rig = Rig::with(ChatwootOptions { message_wall: Some(2), ..ChatwootOptions::default() }).await;
    let at = rig.conversation().await;
    for _ in 0..2 {
        assert_eq!(rig.post_message(at, json!({"content": "x"})).await.0, 200);
    }
    let refused = rig.post_message(at, json!({"content": "x"})).await;
    assert_eq!(refused, (422, json!({"error": "Validation failed: Too many messages"})));
}

#[tokio::test]
async fn a_locked_inbox_gives_the_last_conversation_and_incoming_reopens_it() {
    let rig = Rig::start().await;
    let at = rig.conversation().await;
    assert!(rig.sim.resolve(1, at));
    let contact = rig.sim.contacts()[0].id;
    let body = json!({"inbox_id": rig.inbox.id, "contact_id": contact, "source_id": "5511900000001"});
    assert_eq!(rig.call("POST", "/conversations", &body).await.1["id"], at);
    rig.post_message(at, json!({"content": "echo", "message_type": "outgoing"})).await;
    assert_eq!(rig.sim.conversations()[0].status, "resolved");
    rig.post_message(at, json!({"content": "hi", "message_type": "incoming"})).await;
    assert_eq!(rig.sim.conversations()[0].status, "open");
    let changed = rig.hooks.wait_for(2, |body| body["event"] == "conversation_status_changed").await;
    assert!(changed.iter().all(|body| body["changed_attributes"].is_null()));
    rig.sim.set_single_conversation(rig.inbox.id, false);
    assert_ne!(rig.call("POST", "/conversations", &body).await.1["id"], at);
    let other = rig.contact("+5511900000002", "2").await;
    let clash = json!({"inbox_id": rig.inbox.id, "contact_id": other, "source_id": "5511900000001"});
    assert_eq!(rig.call("POST", "/conversations", &clash).await, (422, json!({"error": "source_id should be unique"})));
}

#[tokio::test]
async fn replies_resolve_within_one_conversation() {
    let rig = Rig::start().await;
    let at = rig.conversation().await;
    let first =
        rig.post_message(at, json!({"content": "1", "source_id": "WAID:1", "message_type": "incoming"})).await.1["id"]
            .clone();
    let reply = json!({"content": "2", "content_attributes": {"in_reply_to_external_id": "WAID:1"}});
    assert_eq!(rig.post_message(at, reply).await.1["content_attributes"]["in_reply_to"], first);
    let lost = json!({"content": "3", "content_attributes": {"in_reply_to_external_id": "WAID:404"}});
    let lost = rig.post_message(at, lost).await.1["content_attributes"].clone();
    assert_eq!(lost, json!({"in_reply_to": null, "in_reply_to_external_id": null}));
}

#[tokio::test]
async fn message_pages_follow_before_and_after() {
    let rig = Rig::with(ChatwootOptions { message_wall: None, ..ChatwootOptions::default() }).await;
    let at = rig.conversation().await;
    for _ in 0..130 {
        rig.sim.agent_sends(at, AgentMessage::text("x")).unwrap();
    }
    let page = async |query: &str| {
        let body = rig.call("GET", &format!("/conversations/{at}/messages{query}"), &Value::Null).await.1;
        body["payload"].as_array().unwrap().iter().map(|message| message["id"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(page("").await, (111..=130).collect::<Vec<_>>());
    assert_eq!(page("?before=21").await, (1..=20).collect::<Vec<_>>());
    assert_eq!(page("?after=10").await, (11..=110).collect::<Vec<_>>());
    assert_eq!(page("?after=5&before=8").await, vec![5, 6, 7]);
}

#[tokio::test]
async fn attachments_are_stored_and_served_by_redirect() {
    let rig =
        Rig::with(ChatwootOptions { blob_delay: BlobDelay { requests: 1, ms: 0 }, ..ChatwootOptions::default() }).await;
    let at = rig.conversation().await;
    let part =
        reqwest::multipart::Part::bytes(assets::MUSIC.bytes).file_name("ação 1.mp3").mime_str("audio/mpeg").unwrap();
    let form = reqwest::multipart::Form::new()
        .text("message_type", "incoming")
        .text("source_id", "WAID:V")
        .text("content_attributes", r#"{"k":1}"#)
        .text("is_voice_message", "true")
        .part("attachments[]", part);
    let url = format!("{}/api/v1/accounts/1/conversations/{at}/messages", rig.sim.base_url());
    let response =
        rig.http.post(url).header("api_access_token", FakeChatwoot::ADMIN_TOKEN).multipart(form).send().await.unwrap();
    let message: Value = response.json().await.unwrap();
    assert_eq!(message["content_attributes"], json!({"k": 1}));
    let stored = rig.sim.messages().remove(0).attachments.remove(0);
    assert_eq!((stored.name.as_str(), stored.file_type.as_str(), stored.is_voice), ("ação 1.mp3", "audio", true));
    assert_eq!(stored.size, assets::MUSIC.bytes.len());
    let url = message["attachments"][0]["data_url"].as_str().unwrap();
    assert!(url.ends_with(".mp3?disposition=inline"));
    let redirect = rig.http.get(url).send().await.unwrap();
    assert_eq!(redirect.status(), 302);
    let disk = redirect.headers()["location"].to_str().unwrap().to_owned();
    assert_eq!(rig.http.get(&disk).send().await.unwrap().status(), 404, "not uploaded yet");
    let bytes = rig.http.get(&disk).send().await.unwrap().bytes().await.unwrap();
    assert_eq!(bytes, assets::MUSIC.bytes);
}

#[tokio::test]
async fn tokens_open_what_their_role_may() {
    let rig = Rig::start().await;
    let (_, bot) = rig.sim.add_user(1, "Bot", Role::Bot);
    let second = rig.sim.add_account("Other");
    let (_, stranger) = rig.sim.add_user(second, "Eve", Role::Administrator);
    let inbox = format!("/api/v1/accounts/1/inboxes/{}", rig.inbox.id);
    let as_admin = rig.call_as(FakeChatwoot::ADMIN_TOKEN, "GET", &inbox, &Value::Null).await;
    assert_eq!(as_admin.1["secret"], rig.inbox.secret.as_str());
    let as_agent = rig.call_as(FakeChatwoot::AGENT_TOKEN, "GET", &inbox, &Value::Null).await;
    assert_eq!((as_agent.0, as_agent.1.get("secret")), (200, None));
    let patch = json!({"channel": {"webhook_url": "http://x"}});
    assert_eq!(rig.call_as(FakeChatwoot::AGENT_TOKEN, "PATCH", &inbox, &patch).await.0, 401);
    assert_eq!(rig.call_as(FakeChatwoot::ADMIN_TOKEN, "PATCH", &inbox, &patch).await.1["webhook_url"], "http://x");
    let denied = rig.call_as(&bot, "GET", &inbox, &Value::Null).await;
    assert_eq!(denied.1["error"], "Access to this endpoint is not authorized for bots");
    assert_eq!(
        rig.call_as(&stranger, "GET", &inbox, &Value::Null).await.1["error"],
        "You are not authorized to access this account"
    );
    assert_eq!(
        rig.call_as("wrong", "GET", &inbox, &Value::Null).await,
        (401, json!({"error": "Invalid Access Token"}))
    );
    let profile = rig.call_as(FakeChatwoot::ADMIN_TOKEN, "GET", "/api/v1/profile", &Value::Null).await.1;
    assert_eq!(profile["accounts"][0]["id"], 1);
    assert_eq!(rig.call_as("", "GET", "/api", &Value::Null).await.1["version"], "4.16.2");
}

#[tokio::test]
async fn an_agent_may_start_a_conversation_under_a_uuid() {
    let rig = Rig::start().await;
    let at = rig.sim.agent_starts_conversation(rig.inbox.id, "+5511977776666").unwrap();
    let created = rig.hooks.wait_for(1, about("conversation_created", at)).await.remove(0);
    let source = created["contact_inbox"]["source_id"].as_str().unwrap();
    assert_eq!((source.len(), source.matches('-').count()), (36, 4));
    assert_eq!(created["meta"]["sender"]["phone_number"], "+5511977776666");
    let greeting = rig.sim.template(1, at, "Welcome").unwrap();
    let hook = rig.hooks.wait_for(1, about("message_created", greeting)).await.remove(0);
    assert_eq!((&hook["message_type"], &hook["sender"]), (&json!("template"), &Value::Null));
}

#[tokio::test]
async fn display_ids_repeat_across_accounts() {
    let rig = Rig::start().await;
    let other = rig.sim.add_account("Other");
    let inbox = rig.sim.add_inbox(other, "WhatsApp", "");
    let one = rig.sim.agent_starts_conversation(rig.inbox.id, PHONE).unwrap();
    let two = rig.sim.agent_starts_conversation(inbox.id, PHONE).unwrap();
    assert_eq!(one, two);
    assert_eq!(rig.sim.contacts().len(), 2);
}

#[tokio::test]
async fn merging_moves_links_and_conversations() {
    let rig = Rig::start().await;
    rig.conversation().await;
    let phone = rig.sim.contacts()[0].id;
    let lid = rig
        .call("POST", "/contacts", &json!({"identifier": "1@lid", "inbox_id": rig.inbox.id, "source_id": "lid"}))
        .await
        .1;
    let lid = lid["payload"]["contact"]["id"].as_u64().unwrap();
    let (status, merged) =
        rig.call("POST", "/actions/contact_merge", &json!({"base_contact_id": lid, "mergee_contact_id": phone})).await;
    assert_eq!((status, &merged["phone_number"], &merged["identifier"]), (200, &json!(PHONE), &json!("1@lid")));
    let contacts = rig.sim.contacts();
    assert_eq!((contacts.len(), contacts[0].source_ids.len()), (1, 2));
    assert_eq!(rig.sim.conversations()[0].contact, lid);
}

#[tokio::test]
async fn committed_but_lost_and_committed_late() {
    let rig = Rig::start().await;
    let at = rig.conversation().await;
    let url = format!("{}/api/v1/accounts/1/conversations/{at}/messages", rig.sim.base_url());
    let post = || {
        rig.http.post(&url).header("api-access-token", FakeChatwoot::ADMIN_TOKEN).json(&json!({"content": "x"})).send()
    };
    rig.sim.fault(Fault::on(route::MESSAGE_CREATE, FaultAction::Reset { commit: true }).times(1));
    assert!(post().await.is_err());
    assert_eq!(rig.sim.message_count(), 1);
    rig.sim.fault(Fault::on(route::MESSAGE_CREATE, FaultAction::ResetThenCommit { after_ms: 60 }).times(1));
    assert!(post().await.is_err());
    assert_eq!(rig.sim.message_count(), 1);
    assert!(rig.sim.wait_until(|sim| sim.message_count() == 2, LONG).await);
    rig.sim.fault(Fault::status(route::ALL, 401).only_path("/conversations/").times(1));
    assert_eq!(post().await.unwrap().status(), 401);
    assert_eq!(post().await.unwrap().status(), 200);
    assert_eq!(rig.sim.calls()[route::MESSAGE_CREATE], 4);
    let posts = rig.sim.call_log().into_iter().filter(|call| call.route == route::MESSAGE_CREATE);
    let answers: Vec<_> = posts.map(|call| call.status).collect();
    assert_eq!(answers, [None, None, Some(401), Some(200)], "what was answered to whom");
}

#[tokio::test]
async fn the_echo_may_come_before_the_answer() {
    let rig = Rig::start().await;
    let at = rig.conversation().await;
    rig.sim.fault(Fault::on(route::MESSAGE_CREATE, FaultAction::Delay { ms: 2_000, after_commit: true }).times(1));
    let answer = rig.post_message(at, json!({"content": "x", "source_id": "WAID:R"}));
    tokio::pin!(answer);
    let echo = rig.hooks.wait_for(1, |body| body["source_id"] == "WAID:R");
    tokio::select! {
        _ = &mut answer => panic!("the echo should win"),
        echo = echo => assert_eq!(echo.len(), 1),
    }
    assert_eq!(answer.await.0, 200);
}

#[tokio::test]
async fn a_dropped_webhook_leaves_the_message_sent() {
    let rig = Rig::start().await;
    let at = rig.conversation().await;
    rig.sim.set_hook_faults(HookFaults { drop_percent: 100, ..HookFaults::default() });
    let id = rig.sim.agent_sends(at, AgentMessage::text("x")).unwrap();
    assert_eq!(rig.sim.message(id).unwrap().status, "sent");
    assert!(
        rig.sim.ack_log().iter().any(|ack| ack.key == format!("message_created:{id}") && !ack.outcome.is_accepted())
    );
}

#[tokio::test]
async fn outgoing_text_is_run_through_liquid() {
    let rig = Rig::start().await;
    let at = rig.conversation().await;
    let filled = rig.post_message(at, json!({"content": "Hi {{contact.name}} `{{x}}`"})).await.1;
    assert_eq!(filled["content"], "Hi Maria `{{x}}`");
    let kept = rig.post_message(at, json!({"content": "{{x}}", "message_type": "incoming"})).await.1;
    assert_eq!(kept["content"], "{{x}}");
}

#[tokio::test]
async fn typing_and_last_seen() {
    let rig = Rig::start().await;
    let at = rig.conversation().await;
    assert!(rig.sim.agent_types(1, at, 2, true, false));
    let typing = rig.hooks.wait_for(1, |body| body["event"] == "conversation_typing_on").await.remove(0);
    assert_eq!((&typing["user"]["type"], &typing["is_private"]), (&json!("user"), &json!(false)));
    let public = format!("/public/api/v1/inboxes/{}/contacts/5511900000001/conversations/{at}", rig.inbox.identifier);
    assert_eq!(
        rig.call_as("", "POST", &format!("{public}/toggle_typing"), &json!({"typing_status": "off"})).await.0,
        200
    );
    let own = rig.hooks.wait_for(1, |body| body["event"] == "conversation_typing_off").await.remove(0);
    assert!(own["user"].get("type").is_none());
    rig.call("POST", &format!("/conversations/{at}/update_last_seen"), &json!({})).await;
    let seen = || rig.sim.conversations()[0].agent_last_seen_ms;
    let first = seen();
    assert!(first > 0);
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert!(rig.sim.agent_opens(1, at));
    assert_eq!(seen(), first, "nothing is unread, and an hour has not passed");
    rig.call("POST", &format!("/conversations/{at}/messages"), &json!({"content": "oi", "message_type": "incoming"}))
        .await;
    assert!(rig.sim.agent_opens(1, at));
    assert!(seen() > first);
}

#[tokio::test]
async fn another_process_can_script_it() {
    let rig = Rig::start().await;
    let (_, started) =
        rig.call_as("", "POST", &format!("/_sim/start/{}", rig.inbox.id), &json!({"phone": PHONE})).await;
    let at = started["conversation"].as_u64().unwrap();
    let message = json!({"content": "hi", "attachments": [{"name": "a.txt", "mime": "text/plain", "bytes": "aGk="}]});
    let (_, sent) = rig.call_as("", "POST", &format!("/_sim/agent/1/{at}"), &message).await;
    let id = sent["id"].as_u64().unwrap();
    rig.hooks.wait_for(1, about("message_created", id)).await;
    let ledger = rig.call_as("", "GET", "/_sim/ledger", &Value::Null).await.1;
    assert_eq!(ledger["messages"][0]["attachments"][0]["size"], 2);
    rig.call_as("", "PUT", "/_sim/webhooks", &json!({"drop_percent": 100})).await;
    rig.call_as("", "POST", &format!("/_sim/retry/{id}"), &Value::Null).await;
    assert_eq!(rig.sim.ack_log().iter().filter(|ack| !ack.outcome.is_accepted()).count(), 1);
}

#[tokio::test]
async fn a_private_address_is_not_called_and_the_message_says_so() {
    let rig = Rig::start().await;
    let at = rig.conversation().await;
    rig.sim.refuse_private(true);
    let id = rig.sim.agent_sends(at, AgentMessage::text("hi")).unwrap();
    let text = "Hostname '127.0.0.1' has no public ip addresses";
    let failed = |sim: &FakeChatwoot| sim.message(id).unwrap().external_error.as_deref() == Some(text);
    assert!(rig.sim.wait_until(failed, LONG).await);
    assert!(!rig.hooks.bodies().iter().any(about("message_created", id)));
    rig.sim.refuse_private(false);
    let id = rig.sim.agent_sends(at, AgentMessage::text("hi")).unwrap();
    rig.hooks.wait_for(1, about("message_created", id)).await;
}

#[tokio::test]
async fn an_account_webhook_gets_everything_signed_with_a_secret_of_its_own() {
    let rig = Rig::start().await;
    let at = rig.conversation().await;
    let others = Receiver::start().await;
    rig.sim.add_account_webhook(1, &others.url);
    let (_, listed) = rig.call("GET", "/webhooks", &Value::Null).await;
    assert_eq!(listed["payload"]["webhooks"][0]["url"], json!(others.url));
    let as_agent = rig.call_as(FakeChatwoot::AGENT_TOKEN, "GET", "/api/v1/accounts/1/webhooks", &Value::Null).await;
    assert_eq!(as_agent.0, 401);
    let id = rig.sim.agent_sends(at, AgentMessage::text("hi")).unwrap();
    rig.hooks.wait_for(1, about("message_created", id)).await;
    others.wait_for(1, about("message_created", id)).await;
    let secret = listed["payload"]["webhooks"][0]["secret"].as_str().unwrap();
    let hook = others.hooks().into_iter().find(|hook| about("message_created", id)(&hook.body)).unwrap();
    assert!(verifies(&hook, secret) && !verifies(&hook, &rig.inbox.secret));
}

#[tokio::test]
async fn tokens_change_hands_inboxes_have_kinds_and_clocks_go_wrong() {
    let rig = Rig::start().await;
    let profile = async || rig.call_as(FakeChatwoot::ADMIN_TOKEN, "GET", "/api/v1/profile", &Value::Null).await;
    assert_eq!(profile().await.1["accounts"][0]["role"], "administrator");
    rig.sim.set_owner(FakeChatwoot::ADMIN_TOKEN, Role::Bot, 1);
    assert_eq!(profile().await.1["error"], "Access to this endpoint is not authorized for bots");
    rig.sim.revoke_token(FakeChatwoot::ADMIN_TOKEN);
    assert_eq!(profile().await.1["error"], "Invalid Access Token");
    rig.sim.set_channel(rig.inbox.id, "Channel::WebWidget");
    let path = format!("/api/v1/accounts/1/inboxes/{}", rig.inbox.id);
    let inbox = rig.call_as(FakeChatwoot::AGENT_TOKEN, "GET", &path, &Value::Null).await.1;
    assert_eq!(inbox["channel_type"], "Channel::WebWidget");
    rig.sim.set_clock_ahead(3600);
    let answer = rig.http.get(format!("{}/api", rig.sim.base_url())).send().await.unwrap();
    let date = jiff::fmt::rfc2822::parse(answer.headers()["date"].to_str().unwrap()).unwrap().timestamp();
    let ahead = date.duration_since(jiff::Timestamp::now()).as_secs();
    assert!((3500..=3700).contains(&ahead), "{ahead}");
}

#[tokio::test]
async fn agents_become_members_of_an_inbox_and_a_user_may_have_two_accounts() {
    let rig = Rig::start().await;
    let (_, agents) = rig.call("GET", "/agents", &Value::Null).await;
    let ids: Vec<_> = agents.as_array().unwrap().iter().map(|agent| agent["id"].as_u64().unwrap()).collect();
    assert_eq!(ids, [1, 2]);
    let members = format!("/inbox_members/{}", rig.inbox.id);
    assert_eq!(rig.call("GET", &members, &Value::Null).await, (200, json!({"payload": []})));
    let body = json!({"inbox_id": rig.inbox.id, "user_ids": [2]});
    let path = "/api/v1/accounts/1/inbox_members";
    assert_eq!(rig.call_as(FakeChatwoot::AGENT_TOKEN, "POST", path, &body).await.0, 401);
    assert_eq!(rig.call("POST", "/inbox_members", &body).await.1["payload"][0]["id"], 2);
    assert_eq!(rig.call("GET", &members, &Value::Null).await.1["payload"][0]["name"], "Ana");
    assert_eq!(rig.call("GET", "/inbox_members/99", &Value::Null).await.0, 404);

    let second = rig.sim.add_account("Filial");
    rig.sim.join_account(FakeChatwoot::AGENT_TOKEN, second, Role::Administrator);
    let (_, profile) = rig.call_as(FakeChatwoot::AGENT_TOKEN, "GET", "/api/v1/profile", &Value::Null).await;
    let roles: Vec<_> =
        profile["accounts"].as_array().unwrap().iter().map(|one| one["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["agent", "administrator"]);
    let inbox = json!({"name": "New", "channel": {"type": "api", "webhook_url": ""}});
    let path = format!("/api/v1/accounts/{second}/inboxes");
    assert_eq!(rig.call_as(FakeChatwoot::AGENT_TOKEN, "POST", &path, &inbox).await.0, 200);
    assert_eq!(rig.call_as(FakeChatwoot::ADMIN_TOKEN, "POST", &path, &inbox).await.0, 401);
}

#[tokio::test]
async fn an_open_conversation_shows_the_dashboard_app_beside_it() {
    let rig = Rig::start().await;
    let conversation = rig.conversation().await;
    let path = format!("/app/accounts/1/conversations/{conversation}?app=http%3A%2F%2Frelay.test%2Fapp%2F1%23a%22b");
    let (status, page) = rig.call_as("", "GET", &path, &Value::Null).await;
    let page = page.as_str().unwrap();
    assert_eq!(status, 200);
    assert!(page.contains("src=\"http://relay.test/app/1#a&quot;b\""), "{page}");
    assert!(page.contains("chatwoot-dashboard-app:fetch-info") && page.contains("appContext"), "{page}");
    let (status, _) = rig.call_as("", "GET", "/app/accounts/1/conversations/99?app=x", &Value::Null).await;
    assert_eq!(status, 404);
}
