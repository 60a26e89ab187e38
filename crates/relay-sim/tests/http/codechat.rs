//! The traps of CodeChat, one by one, over HTTP.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::support::{LONG, Receiver, client};
use axum::Router;
use axum::routing::get;
use relay_sim::{
    AckOutcome, Chat, CodeChatOptions, ConnectionState, CustomerMessage, FakeCodeChat, Fault, FaultAction, HookFaults,
    Kind, MediaFlow, assets, route,
};
use serde_json::{Value, json};

const SHOP: &str = "shop";
const ANA: &str = "5511900000001";

struct Rig {
    sim: FakeCodeChat,
    hooks: Receiver,
    http: reqwest::Client,
}

impl Rig {
    async fn start() -> Self {
        Self::with(CodeChatOptions { echo_delay: Duration::from_millis(10), ..CodeChatOptions::default() }).await
    }

    async fn with(options: CodeChatOptions) -> Self {
        let sim = FakeCodeChat::start(options).await.unwrap();
        sim.add_open_instance(SHOP, "5511988887777");
        let rig = Self { sim, hooks: Receiver::start().await, http: client() };
        let set =
            rig.call("PUT", "/webhook/set/shop", &json!({"url": rig.hooks.url, "enabled": true, "events": null})).await;
        assert_eq!(set.0, 201);
        rig
    }

    async fn call(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let url = format!("{}{path}", self.sim.base_url());
        let request = self.http.request(method.parse().unwrap(), url).header("apikey", self.sim.api_key());
        let response = request.json(body).send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    async fn send_text(&self, number: &str, options: Value) -> (u16, Value) {
        let body = json!({"number": number, "options": options, "textMessage": {"text": "hello"}});
        self.call("POST", "/message/sendText/shop", &body).await
    }

    async fn find(&self, body: Value) -> Value {
        self.call("POST", "/chat/findMessages/shop", &body).await.1["messages"].clone()
    }
}

fn is(event: &'static str) -> impl Fn(&Value) -> bool {
    move |body| body["event"] == event
}

async fn file_server() -> String {
    let voice = get(|| async { ([("content-type", assets::VOICE.mime)], assets::VOICE.bytes) });
    let photo = get(|| async { ([("content-type", "image/jpeg")], assets::PHOTO.bytes) });
    let app = Router::new().route("/voice", voice).route("/photo", photo);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

#[tokio::test]
async fn a_text_is_told_three_times_and_stored_twice() {
    let rig = Rig::start().await;
    let (status, sent) = rig.send_text(ANA, json!({"externalAttributes": {"n": 1}})).await;
    assert_eq!(status, 201);
    let key = sent["keyId"].clone();
    let upserts = rig.hooks.wait_for(2, |body| is("messages.upsert")(body) && body["data"]["keyId"] == key).await;
    rig.hooks.wait_for(1, is("send.message")).await;
    let (api, echo): (Vec<_>, Vec<_>) = upserts.iter().partition(|body| body["data"]["info"].is_null());
    assert_eq!((api.len(), echo.len()), (1, 1));
    assert_eq!(api[0]["data"]["externalAttributes"], json!({"n": 1}));
    assert_eq!(echo[0]["data"]["info"]["type"], "append");
    assert!(echo[0]["data"]["externalAttributes"].is_null());
    assert_eq!(echo[0]["data"]["id"], api[0]["data"]["id"]);
    assert_eq!(rig.find(json!({"where": {"keyId": key}})).await["total"], 2);
    assert_eq!(rig.hooks.hooks()[0].headers["resource-owner"], "5511988887777@s.whatsapp.net");
    assert_eq!(rig.hooks.bodies()[0]["instance"]["connectionStatus"], "ONLINE");
}

#[tokio::test]
async fn a_repeated_message_id_is_submitted_again() {
    let rig = Rig::start().await;
    for _ in 0..2 {
        let (status, sent) = rig.send_text(ANA, json!({"messageId": "01JDXXXXXXXXXXXXXXXXXXXXXX"})).await;
        assert_eq!((status, sent["keyId"].as_str()), (201, Some("01JDXXXXXXXXXXXXXXXXXXXXXX")));
    }
    let submissions = rig.sim.submissions();
    assert_eq!(submissions.len(), 2);
    assert!(submissions.iter().all(|one| one.preset_id && one.message_id == "01JDXXXXXXXXXXXXXXXXXXXXXX"));
}

#[tokio::test]
async fn media_is_fetched_and_told_twice() {
    let rig = Rig::start().await;
    let files = file_server().await;
    let body = json!({"number": ANA, "options": {"messageId": "RELAY1"}, "mediaMessage": {"mediatype": "audio", "media": format!("{files}/voice")}});
    let (status, sent) = rig.call("POST", "/message/sendMedia/shop", &body).await;
    assert_eq!(status, 201);
    assert_eq!((sent["keyId"].as_str(), sent["content"]["ptt"].as_bool()), (Some("RELAY1"), Some(true)));
    assert_eq!(sent["content"]["mediaKey"]["type"], "Buffer");
    assert!(sent["content"]["fileLength"]["low"].is_u64());
    let media = rig.sim.submissions()[0].media.clone().unwrap();
    assert_eq!((media.bytes.as_ref(), media.mime.as_str()), (assets::VOICE.bytes, "audio/ogg; codecs=opus"));
    rig.hooks.wait_for(2, |body| body["data"]["keyId"] == "RELAY1").await;
    rig.send_text(ANA, Value::Null).await;
    rig.hooks.wait_for(1, |body| body["data"]["info"]["type"] == "append").await;
    assert_eq!(rig.hooks.bodies().iter().filter(|body| body["data"]["keyId"] == "RELAY1").count(), 2);
    assert_eq!(rig.find(json!({"where": {"keyId": "RELAY1"}})).await["total"], 1);
}

#[tokio::test]
async fn a_url_that_fails_the_test_gives_an_empty_201_and_sends_nothing() {
    let rig = Rig::start().await;
    for media in [
        "http://relay:3000/a.jpg",
        "http://localhost:1/a.jpg",
        "http://my_relay.local/a.jpg",
        "data:image/png;base64,AAAA",
    ] {
        let body = json!({"number": ANA, "mediaMessage": {"mediatype": "image", "media": media}});
        assert_eq!(rig.call("POST", "/message/sendMedia/shop", &body).await, (201, json!("")), "{media}");
    }
    let base64 = json!({"number": ANA, "mediaMessage": {"mediatype": "image", "media": "iVBORw0KGgo="}});
    assert_eq!(rig.call("POST", "/message/sendMedia/shop", &base64).await.0, 400);
    assert_eq!(rig.sim.submission_count(), 0);
}

#[tokio::test]
async fn media_failures_have_their_own_shapes() {
    let rig = Rig::start().await;
    let files = file_server().await;
    let masked = json!({"number": ANA, "mediaMessage": {"mediatype": "image", "media": format!("{files}/none")}});
    let (status, body) = rig.call("POST", "/message/sendMedia/shop", &masked).await;
    assert_eq!((status, body["code"].as_str()), (500, Some("EISDIR")));
    let named = json!({"number": ANA, "mediaMessage": {"mediatype": "image", "fileName": "x.jpg", "media": format!("{files}/none")}});
    let (status, body) = rig.call("POST", "/message/sendMedia/shop", &named).await;
    assert_eq!((status, body["message"][0].as_str()), (400, Some("Request failed with status code 404")));
    let document = json!({"number": ANA, "mediaMessage": {"mediatype": "document", "media": format!("{files}/photo")}});
    assert_eq!(rig.call("POST", "/message/sendMedia/shop", &document).await.0, 400);
}

#[tokio::test]
async fn multipart_sends_ignore_the_message_id_and_spoil_names() {
    let rig = Rig::start().await;
    let part = reqwest::multipart::Part::bytes(assets::DOCUMENT.bytes)
        .file_name("Orçamento.pdf")
        .mime_str("application/pdf")
        .unwrap();
    let form = reqwest::multipart::Form::new()
        .text("number", ANA)
        .text("mediatype", "document")
        .text("options[messageId]", "RELAY9")
        .part("attachment", part);
    let url = format!("{}/message/sendMediaFile/shop", rig.sim.base_url());
    let response = rig.http.post(url).header("apikey", rig.sim.api_key()).multipart(form).send().await.unwrap();
    assert_eq!(response.status(), 201);
    let submission = rig.sim.submissions().remove(0);
    assert!(!submission.preset_id);
    assert_ne!(submission.message_id, "RELAY9");
    assert_eq!(submission.media.unwrap().file_name.as_deref(), Some("OrÃ§amento.pdf"));
    let part =
        reqwest::multipart::Part::bytes(assets::VOICE.bytes).file_name("voice.ogg").mime_str("audio/ogg").unwrap();
    let form = reqwest::multipart::Form::new().text("number", ANA).part("attachment", part);
    let url = format!("{}/message/sendWhatsAppAudioFile/shop", rig.sim.base_url());
    assert_eq!(
        rig.http.post(url).header("apikey", rig.sim.api_key()).multipart(form).send().await.unwrap().status(),
        201
    );
    let voice = rig.sim.submissions().remove(1).media.unwrap();
    assert_eq!((voice.mime.as_str(), voice.ptt), ("audio/aac", true));
}

#[tokio::test]
async fn a_number_may_be_spelled_otherwise_on_whatsapp() {
    let rig = Rig::start().await;
    rig.sim.spells("5531987654321", "553187654321");
    let canonical = "553187654321@s.whatsapp.net";
    let asked = json!({ "numbers": ["5531987654321@s.whatsapp.net"] });
    let (status, told) = rig.call("POST", "/chat/whatsappNumbers/shop", &asked).await;
    assert_eq!((status, &told[0]["exists"], &told[0]["jid"]), (200, &json!(true), &json!(canonical)));
    let sent = rig.send_text("5531987654321@s.whatsapp.net", Value::Null).await;
    assert_eq!((sent.0, &sent.1["keyRemoteJid"]), (201, &json!(canonical)));
}

#[tokio::test]
async fn a_closed_socket_looks_like_an_unknown_number() {
    let rig = Rig::start().await;
    rig.sim.not_on_whatsapp(["5511900009999"]);
    let unknown = rig.send_text("5511900009999", Value::Null).await;
    assert_eq!((unknown.0, &unknown.1["message"][0]["exists"]), (400, &json!(false)));
    rig.sim.set_connection(SHOP, ConnectionState::Close);
    let closed = rig.send_text(ANA, Value::Null).await;
    assert_eq!(
        (closed.0, &closed.1["message"][0]),
        (400, &json!({"exists": false, "jid": format!("{ANA}@s.whatsapp.net")}))
    );
    let state = rig.call("GET", "/instance/connectionState/shop", &Value::Null).await;
    assert_eq!(state, (200, json!({"state": "close", "statusReason": 400})));
    let update = rig.hooks.wait_for(1, is("connection.update")).await.remove(0);
    assert_eq!(update["data"]["state"], "close");
    assert_eq!(update["instance"]["connectionStatus"], "ONLINE");
    let mexico = rig.send_text("5215512345678", Value::Null).await;
    assert_eq!(mexico.1["message"][0]["jid"], "undefined@s.whatsapp.net");
}

#[tokio::test]
async fn instances_answer_with_the_recorded_errors() {
    let rig = Rig::start().await;
    let create = |name: &str| json!({"instanceName": name});
    let made = rig.call("POST", "/instance/create", &create("other")).await;
    assert_eq!(made.0, 201);
    assert_eq!(rig.call("POST", "/instance/create", &create("other")).await.1["message"][0], "Instance already exists");
    assert_eq!(rig.call("POST", "/instance/create", &create(SHOP)).await.0, 403);
    assert_eq!(rig.call("GET", "/instance/fetchInstances?instanceName=nope", &Value::Null).await.0, 400);
    assert_eq!(rig.call("GET", "/instance/connectionState/nope", &Value::Null).await.0, 200);
    assert_eq!(rig.call("GET", "/instance/connect/nope", &Value::Null).await.0, 404);
    assert_eq!(rig.call("DELETE", "/instance/delete/shop", &Value::Null).await.1["message"][0][0], "Deletion failed");

    let base = rig.sim.base_url();
    let bare = rig.http.post(format!("{base}/instance/create")).json(&create("x")).send().await.unwrap();
    assert_eq!(bare.status(), 403);
    let wrong = rig
        .http
        .post(format!("{base}/instance/create"))
        .header("apikey", "no")
        .json(&create("x"))
        .send()
        .await
        .unwrap();
    assert_eq!(wrong.status(), 401);
    let token = made.1["Auth"]["token"].as_str().unwrap();
    let foreign =
        rig.http.get(format!("{base}/instance/connectionState/shop")).bearer_auth(token).send().await.unwrap();
    assert_eq!(foreign.status(), 401);
    let own = rig.http.get(format!("{base}/instance/connectionState/other")).bearer_auth(token).send().await.unwrap();
    assert_eq!(own.status(), 200);
    let malformed = rig
        .http
        .post(format!("{base}/message/sendText/shop"))
        .header("content-type", "application/json")
        .body("{\"a\":");
    assert_eq!(malformed.send().await.unwrap().status(), 400);
}

#[tokio::test]
async fn codes_follow_each_other_until_there_were_too_many() {
    let rig =
        Rig::with(CodeChatOptions { qr_lifetime: Some(Duration::from_millis(60)), ..CodeChatOptions::default() }).await;
    rig.call("POST", "/instance/create", &json!({"instanceName": "new"})).await;
    rig.call("PUT", "/webhook/set/new", &json!({"url": rig.hooks.url, "enabled": true, "events": null})).await;
    let (_, first) = rig.call("GET", "/instance/connect/new", &Value::Null).await;
    assert_eq!(first["count"], 1);
    let codes = rig.hooks.wait_for(6, is("qrcode.updated")).await;
    assert!(codes[1]["data"]["qrcode"]["code"] != first["code"], "{codes:?}");
    assert_eq!(codes[5]["data"]["statusCode"], 500);
    rig.hooks.wait_for(1, is("status.instance")).await;
    assert_eq!(rig.call("GET", "/instance/connect/new", &Value::Null).await.1["state"], "refused");
    assert_eq!(
        rig.call("GET", "/instance/connect/new", &Value::Null).await.1["count"],
        1,
        "asked again, it begins anew"
    );
}

#[tokio::test]
async fn every_answer_names_its_request() {
    let rig = Rig::start().await;
    let url = format!("{}/instance/fetchInstances", rig.sim.base_url());
    let named = rig.http.get(&url).header("x-request-id", "seven").send().await.unwrap();
    assert_eq!(named.headers()["x-request-id"], "seven");
    assert!(!rig.http.get(&url).send().await.unwrap().headers()["x-request-id"].is_empty());
}

#[tokio::test]
async fn pairing_shows_a_qr_code_and_then_opens() {
    let rig = Rig::start().await;
    rig.call("POST", "/instance/create", &json!({"instanceName": "new"})).await;
    rig.call("PUT", "/webhook/set/new", &json!({"url": rig.hooks.url, "enabled": true})).await;
    let (status, qr) = rig.call("GET", "/instance/connect/new", &Value::Null).await;
    assert_eq!(status, 200);
    assert!(qr["base64"].as_str().unwrap().starts_with("data:image/png;base64,iVBOR"));
    let code = rig.hooks.wait_for(1, is("qrcode.updated")).await.remove(0);
    assert_eq!(code["data"]["qrcode"]["instance"], "new");
    assert_eq!(
        rig.call("POST", "/message/sendText/new", &json!({"number": ANA, "textMessage": {"text": "x"}})).await.0,
        400
    );
    rig.sim.scan_qr("new", "5511977776666");
    rig.hooks.wait_for(1, |body| body["data"]["state"] == "open").await;
    assert_eq!(rig.call("GET", "/instance/connect/new", &Value::Null).await.0, 400);
    assert_eq!(rig.call("DELETE", "/instance/logout/new", &Value::Null).await.0, 200);
    assert_eq!(rig.call("DELETE", "/instance/logout/new", &Value::Null).await.0, 400);
    rig.hooks.wait_for(1, is("status.instance")).await;
    assert_eq!(rig.call("POST", "/chat/findMessages/new", &json!({})).await.0, 400);
}

#[tokio::test]
async fn webhook_switches_merge_key_by_key() {
    let rig = Rig::start().await;
    let set = |events: Value| json!({"url": rig.hooks.url, "enabled": true, "events": events});
    assert_eq!(rig.call("PUT", "/webhook/set/shop", &json!({"url": rig.hooks.url, "enabled": true})).await.0, 400);
    rig.call("PUT", "/webhook/set/shop", &set(json!({"messagesUpsert": true, "sendMessage": true}))).await;
    let merged = rig.call("PUT", "/webhook/set/shop", &set(json!({"sendMessage": false}))).await.1;
    assert_eq!(merged["events"], json!({"messagesUpsert": true, "sendMessage": false}));
    rig.send_text(ANA, Value::Null).await;
    rig.hooks.wait_for(2, is("messages.upsert")).await;
    assert!(!rig.hooks.bodies().iter().any(is("send.message")));
    assert_eq!(rig.call("GET", "/webhook/find/nope", &Value::Null).await, (200, Value::Null));
}

#[tokio::test]
async fn customers_send_every_kind() {
    let rig = Rig::start().await;
    let text = rig.sim.customer_sends(SHOP, &CustomerMessage::text(ANA, "hi")).unwrap();
    let upsert = rig.hooks.wait_for(1, is("messages.upsert")).await.remove(0);
    assert_eq!(upsert["data"]["keyId"], text.as_str());
    assert_eq!(
        (&upsert["data"]["messageType"], &upsert["data"]["content"]["text"]),
        (&json!("conversation"), &json!("hi"))
    );
    assert_eq!(
        (&upsert["data"]["keyLid"], &upsert["data"]["info"]["type"]),
        (&json!(format!("2{ANA}@lid")), &json!("notify"))
    );
    let quote = CustomerMessage { quote: Some(text.clone()), ..CustomerMessage::text(ANA, "and?") };
    let quote = rig.sim.customer_sends(SHOP, &quote).unwrap();
    let quoted = rig.hooks.wait_for(1, |body| body["data"]["keyId"] == quote.as_str()).await.remove(0);
    assert_eq!(quoted["data"]["content"]["contextInfo"]["stanzaId"], text.as_str());
    assert_eq!(quoted["data"]["content"]["contextInfo"]["quotedMessage"]["conversation"], "hi");
    let phone = rig.sim.phone_sends(SHOP, &CustomerMessage::text(ANA, "from the phone")).unwrap();
    let typed = rig.hooks.wait_for(1, |body| body["data"]["keyId"] == phone.as_str()).await.remove(0);
    assert_eq!((&typed["data"]["keyFromMe"], &typed["data"]["info"]["type"]), (&json!(true), &json!("notify")));
    assert_eq!(rig.sim.customer_ledger().len(), 3);
}

#[tokio::test]
async fn lid_only_rows_cannot_be_told_and_ties_have_no_order() {
    let rig = Rig::start().await;
    let lid = CustomerMessage {
        chat: Chat::LidOnly("200000000000099".to_owned()),
        timestamp: Some(1),
        ..CustomerMessage::text("", "?")
    };
    let lid = rig.sim.customer_sends(SHOP, &lid).unwrap();
    let hook = rig.hooks.wait_for(1, is("messages.upsert")).await.remove(0);
    assert!(hook["data"].get("keyRemoteJid").is_none());
    let stored = rig.find(json!({"where": {"keyId": lid}})).await;
    assert!(stored["records"][0]["keyRemoteJid"].is_null() && stored["records"][0].get("keyLid").is_none());
    for _ in 0..20 {
        rig.sim.customer_sends(SHOP, &CustomerMessage { timestamp: Some(500), ..CustomerMessage::text(ANA, "tie") });
    }
    rig.sim.customer_sends(SHOP, &CustomerMessage { timestamp: Some(900), ..CustomerMessage::text(ANA, "newest") });
    let mut orders = BTreeSet::new();
    for _ in 0..5 {
        let page = rig.find(json!({"offset": 50})).await;
        assert_eq!((page["total"].as_u64(), page["records"].as_array().unwrap().len()), (Some(22), 22));
        assert_eq!(
            (&page["records"][0]["messageTimestamp"], &page["records"][21]["messageTimestamp"]),
            (&json!(900), &json!(1))
        );
        orders.insert(page["records"].to_string());
    }
    assert!(orders.len() > 1, "ties should not keep their order");
    let last = rig.find(json!({"offset": 5, "page": 5})).await;
    assert_eq!((last["pages"].as_u64(), last["records"].as_array().unwrap().len()), (Some(5), 2));
    assert_eq!(rig.call("POST", "/chat/findMessages/shop", &json!({"offset": "5"})).await.0, 400);
}

#[tokio::test]
async fn received_media_comes_back_with_its_type_and_sent_media_never_does() {
    let rig = Rig::start().await;
    let base = rig.sim.base_url();
    let fetch = |body: Value| {
        let url = format!("{base}/chat/mediaData/shop?binary=true");
        rig.http.post(url).header("apikey", rig.sim.api_key()).json(&body).send()
    };
    let key = rig.sim.customer_sends(SHOP, &CustomerMessage::new(ANA, Kind::Voice)).unwrap();
    let response = fetch(json!({"keyId": key})).await.unwrap();
    assert_eq!(response.headers()["content-type"], "audio/ogg; codecs=opus");
    assert_eq!(response.bytes().await.unwrap(), assets::VOICE.bytes);
    let hook = rig.hooks.wait_for(1, is("messages.upsert")).await.remove(0);
    let path = hook["data"]["media"]["path"].as_str().unwrap();
    assert_eq!(rig.http.get(format!("{base}{path}")).send().await.unwrap().bytes().await.unwrap(), assets::VOICE.bytes);
    let media_key = hook["data"]["content"]["mediaKey"].as_str().unwrap();
    assert_eq!(rig.sim.media_downloads()[media_key], 2, "however it was fetched");

    let wrapped = rig.sim.customer_sends(SHOP, &CustomerMessage::new(ANA, Kind::ViewOnceVoice)).unwrap();
    assert_eq!(fetch(json!({"keyId": wrapped})).await.unwrap().status(), 400);
    let hook = rig.hooks.wait_for(1, |body| body["data"]["keyId"] == wrapped.as_str()).await.remove(0);
    let inner = &hook["data"]["content"]["message"]["audioMessage"];
    assert_eq!(fetch(json!({"messageType": "audioMessage", "content": inner})).await.unwrap().status(), 200);
    rig.sim.expire_media(SHOP, &key);
    assert_eq!(fetch(json!({"keyId": key})).await.unwrap().status(), 400);
    assert_eq!(rig.sim.media_downloads()[media_key], 2, "what is not served is not counted");

    let files = file_server().await;
    let body = json!({"number": ANA, "options": {"messageId": "SENT"}, "mediaMessage": {"mediatype": "image", "media": format!("{files}/photo")}});
    assert_eq!(rig.call("POST", "/message/sendMedia/shop", &body).await.0, 201);
    let silent = fetch(json!({"keyId": "SENT"})).await.unwrap();
    assert_eq!(silent.status(), 200);
    assert!(tokio::time::timeout(Duration::from_millis(50), silent.bytes()).await.is_err());
}

#[tokio::test]
async fn reading_with_ids_alone_marks_everything() {
    let rig = Rig::start().await;
    rig.sim.customer_sends(SHOP, &CustomerMessage::text(ANA, "1"));
    rig.sim.customer_sends(SHOP, &CustomerMessage::text(ANA, "2"));
    rig.call("PATCH", "/chat/readMessages/shop", &json!({"ids": [1], "messageId": [1]})).await;
    rig.call("PATCH", "/chat/readMessages/shop", &json!({"ids": [1]})).await;
    assert_eq!(rig.call("PATCH", "/chat/readMessages/shop", &json!({"messageId": [1]})).await.0, 400);
    let marks = rig.sim.read_marks();
    assert_eq!((marks[0].everything, marks[0].key_ids.len()), (false, 1));
    assert_eq!((marks[1].everything, marks[1].key_ids.len()), (true, 2));
    assert_eq!(marks.len(), 2);
}

#[tokio::test]
async fn what_has_a_lid_only_is_read_by_key_and_a_number_by_row() {
    let rig = Rig::start().await;
    let lid = CustomerMessage { chat: Chat::LidOnly("200".to_owned()), ..CustomerMessage::text(ANA, "1") };
    let lid = rig.sim.customer_sends(SHOP, &lid).unwrap();
    let number = rig.sim.customer_sends(SHOP, &CustomerMessage::text(ANA, "2")).unwrap();
    rig.call("PATCH", "/chat/readMessages/shop", &json!({"ids": [1, 2], "messageId": [1, 2]})).await;
    let entry = |id: &str, jid: String| json!({"id": id, "fromMe": false, "remoteJid": jid});
    let entries = [entry(&lid, "200@lid".to_owned()), entry(&number, format!("{ANA}@s.whatsapp.net"))];
    rig.call("PUT", "/chat/markMessageAsRead/shop", &json!({ "readMessages": entries })).await;
    let marks = rig.sim.read_marks();
    assert_eq!((&marks[0].key_ids, &marks[1].key_ids), (&vec![number], &vec![lid]));
}

#[tokio::test]
async fn presence_is_told_of_chats_that_saw_ours() {
    let rig = Rig::start().await;
    assert!(!rig.sim.customer_is(SHOP, ANA, "composing"));
    let chat = format!("{ANA}@s.whatsapp.net");
    let shown = json!({"number": chat, "presence": "available"});
    assert_eq!(rig.call("PATCH", "/chat/updatePresence/shop", &shown).await.0, 200);
    assert_eq!(rig.sim.presences()[0].presence, "available");
    assert!(rig.sim.customer_is(SHOP, ANA, "composing"));
    assert!(rig.sim.customer_is(SHOP, ANA, "paused"));
    let told = rig.hooks.wait_for(2, is("presence.update")).await;
    let mut words: Vec<_> = told.iter().map(|body| &body["data"]["presences"][&chat]["lastKnownPresence"]).collect();
    words.sort_by_key(ToString::to_string);
    assert_eq!(words, ["available", "composing"]);
    let lid = json!({"number": "200@lid", "presence": "available"});
    assert_eq!(rig.call("PATCH", "/chat/updatePresence/shop", &lid).await.0, 500);
}

#[tokio::test]
async fn deleting_by_key_hits_row_one() {
    let rig = Rig::start().await;
    let first = rig.sim.customer_sends(SHOP, &CustomerMessage::text(ANA, "first")).unwrap();
    let (status, _) =
        rig.call("DELETE", "/chat/deleteMessageForEveryone/shop?id=01M8XYZ&everyOne=true", &json!({})).await;
    assert_eq!(status, 201);
    assert_eq!(rig.sim.revocations()[0].key_id, first);
    let revoke = rig.hooks.wait_for(1, |body| body["data"]["messageType"] == "protocolMessage").await.remove(0);
    assert_eq!(revoke["data"]["content"]["type"], "REVOKE");
    assert_eq!(rig.call("DELETE", "/chat/deleteMessageForEveryone/shop?id=1", &json!({})).await.0, 500);
}

#[tokio::test]
async fn edits_deletions_and_receipts_come_as_updates() {
    let rig = Rig::start().await;
    let key = rig.sim.customer_sends(SHOP, &CustomerMessage::text(ANA, "typo")).unwrap();
    rig.sim.edits(SHOP, &key, "fixed").unwrap();
    rig.sim.deletes(SHOP, &key).unwrap();
    let protocol = rig.hooks.wait_for(2, |body| body["data"]["messageType"] == "protocolMessage").await;
    let types: BTreeSet<u64> = protocol.iter().map(|body| body["data"]["content"]["type"].as_u64().unwrap()).collect();
    assert_eq!(types, BTreeSet::from([0, 14]));
    rig.hooks.wait_for(2, |body| is("messages.update")(body) && body["data"].get("status").is_none()).await;
    let sent = rig.send_text(ANA, Value::Null).await.1;
    let key = sent["keyId"].as_str().unwrap();
    assert!(rig.sim.receipt_from(SHOP, key, "READ", "9@lid"));
    let update = rig.hooks.wait_for(1, |body| body["data"]["status"] == "READ").await.remove(0);
    assert_eq!((&update["data"]["id"], &update["data"]["remoteJid"]), (&json!(key), &json!("9@lid")));
    let group = CustomerMessage {
        chat: Chat::Group("120363000000000001".to_owned(), ANA.to_owned()),
        ..CustomerMessage::text("", "g")
    };
    let group = rig.sim.customer_sends(SHOP, &group).unwrap();
    assert!(!rig.sim.receipt(SHOP, &group, "READ"));
}

#[tokio::test]
async fn webhooks_are_tried_once_and_the_answer_is_logged() {
    let rig = Rig::start().await;
    rig.hooks.answer_with(503);
    let key = rig.sim.customer_sends(SHOP, &CustomerMessage::text(ANA, "refused")).unwrap();
    assert!(rig.sim.wait_until(|sim| sim.ack_count() == 1, LONG).await);
    let ack = rig.sim.ack_log().remove(0);
    assert_eq!((ack.key, ack.outcome), (format!("messages.upsert:{key}"), AckOutcome::Status(503)));
    rig.sim.set_hook_faults(HookFaults { drop_percent: 100, ..HookFaults::default() });
    rig.sim.customer_sends(SHOP, &CustomerMessage::text(ANA, "dropped"));
    assert_eq!(rig.sim.ack_log()[1].outcome, AckOutcome::Dropped);
    rig.sim.set_hook_faults(HookFaults { duplicate_percent: 100, extra_copies: 2, ..HookFaults::default() });
    rig.hooks.answer_with(200);
    rig.sim.customer_sends(SHOP, &CustomerMessage::text(ANA, "thrice"));
    rig.hooks.wait_for(3, |body| body["data"]["content"]["text"] == "thrice").await;
    assert_eq!(rig.hooks.hooks().len(), 4);
}

#[tokio::test]
async fn jitter_swaps_webhooks() {
    let rig = Rig::start().await;
    rig.sim.set_hook_faults(HookFaults { jitter_ms: 60, ..HookFaults::default() });
    let sent: Vec<String> =
        (0..40).map(|n| rig.sim.customer_sends(SHOP, &CustomerMessage::text(ANA, n.to_string())).unwrap()).collect();
    let arrived = rig.hooks.wait_for(40, is("messages.upsert")).await;
    let arrived: Vec<&str> = arrived.iter().map(|body| body["data"]["keyId"].as_str().unwrap()).collect();
    assert_ne!(arrived, sent);
    assert_eq!(arrived.into_iter().collect::<BTreeSet<_>>(), sent.iter().map(String::as_str).collect());
}

#[tokio::test]
async fn faults_hit_before_and_after_the_commit() {
    let rig = Rig::start().await;
    rig.sim.fault(Fault::status(route::SENDS, 500).times(1));
    assert_eq!(rig.send_text(ANA, Value::Null).await.0, 500);
    assert_eq!(rig.sim.submission_count(), 0);
    let after = FaultAction::Status {
        status: 400,
        body: Some(json!({"message": ["Error: late"]})),
        retry_after: None,
        commit: true,
    };
    rig.sim.fault(Fault::on(route::SEND_TEXT, after).times(1));
    assert_eq!(rig.send_text(ANA, Value::Null).await, (400, json!({"message": ["Error: late"]})));
    assert_eq!(rig.sim.submission_count(), 1);

    rig.sim.fault(Fault::on(route::SENDS, FaultAction::Reset { commit: true }).times(1));
    let url = format!("{}/message/sendText/shop", rig.sim.base_url());
    let body = json!({"number": ANA, "textMessage": {"text": "x"}});
    let lost = rig.http.post(&url).header("apikey", rig.sim.api_key()).json(&body).send().await;
    assert!(lost.is_err());
    assert_eq!(rig.sim.submission_count(), 2);
    assert_eq!(rig.send_text(ANA, Value::Null).await.0, 201);

    rig.sim.fault(Fault::on(route::SENDS, FaultAction::Hang { commit: true }));
    let hung = rig
        .http
        .post(&url)
        .header("apikey", rig.sim.api_key())
        .json(&body)
        .timeout(Duration::from_millis(60))
        .send()
        .await;
    assert!(hung.unwrap_err().is_timeout());
    assert!(rig.sim.wait_until(|sim| sim.submission_count() == 4, LONG).await);
    rig.sim.clear_faults();
    assert_eq!(rig.sim.calls()["POST /message/sendText/{instance}"], 5);
}

#[tokio::test]
async fn a_late_send_goes_on_when_the_caller_gives_up() {
    let rig = Rig::start().await;
    rig.sim.fault(Fault::on(route::SENDS, FaultAction::Delay { ms: 80, after_commit: false }).times(1));
    let url = format!("{}/message/sendText/shop", rig.sim.base_url());
    let body = json!({"number": ANA, "textMessage": {"text": "x"}});
    let request = rig.http.post(url).header("apikey", rig.sim.api_key()).json(&body).timeout(Duration::from_millis(20));
    assert!(request.send().await.unwrap_err().is_timeout());
    assert!(rig.sim.wait_until(|sim| sim.submission_count() == 1, LONG).await);
}

#[tokio::test]
async fn the_port_closes_and_opens_again_with_its_state() {
    let rig = Rig::start().await;
    rig.send_text(ANA, Value::Null).await;
    rig.sim.go_down().await;
    assert!(rig.http.get(rig.sim.base_url()).send().await.unwrap_err().is_connect());
    rig.sim.come_up().await.unwrap();
    assert_eq!(rig.send_text(ANA, Value::Null).await.0, 201);
    assert_eq!(rig.sim.submission_count(), 2);
}

#[tokio::test]
async fn another_process_can_script_it() {
    let rig = Rig::start().await;
    let message = json!({"chat": {"phone": ANA}, "kind": {"text": "over http"}});
    let (status, sent) = rig.call("POST", "/_sim/customer/shop", &message).await;
    assert_eq!(status, 200);
    rig.hooks.wait_for(1, |body| body["data"]["keyId"] == sent["key_id"]).await;
    rig.call(
        "POST",
        "/_sim/faults",
        &json!({"route": "/message/", "times": 1, "do": "status", "status": 429, "retry_after": 7}),
    )
    .await;
    assert_eq!(rig.send_text(ANA, Value::Null).await.0, 429);
    rig.call("POST", "/_sim/connection/shop", &json!({"state": "close", "reason": 408})).await;
    assert_eq!(rig.call("GET", "/instance/connectionState/shop", &Value::Null).await.1["statusReason"], 408);
    let ledger = rig.call("GET", "/_sim/ledger", &Value::Null).await.1;
    assert_eq!(
        (ledger["customers"].as_array().unwrap().len(), ledger["submissions"].as_array().unwrap().len()),
        (1, 0)
    );
    assert_eq!(rig.call("GET", "/_sim/calls", &Value::Null).await.1["POST /message/sendText/{instance}"], 1);
}

#[tokio::test]
async fn recorded_webhooks_can_be_replayed() {
    let rig = Rig::start().await;
    let recorded = json!({"kind": "x", "webhooks": [
        {"body": {"event": "messages.upsert", "instance": {"name": SHOP}, "data": {"keyId": "A"}}},
        {"body": {"event": "call.upsert", "instance": {"name": SHOP}, "data": {"id": "B"}}},
    ]});
    assert_eq!(rig.sim.replay_fixture(SHOP, &recorded), 2);
    let calls = rig.hooks.wait_for(1, is("call.upsert")).await;
    assert_eq!(calls[0], recorded["webhooks"][1]["body"]);
}

#[tokio::test]
async fn a_file_may_be_huge_or_endless() {
    let rig = Rig::start().await;
    let media = |key: &str| json!({"messageType": "documentMessage", "content": {"mediaKey": key, "mimetype": "application/zip"}});
    let ask = async |key: &str| {
        let url = format!("{}/chat/mediaData/shop?binary=true", rig.sim.base_url());
        rig.http.post(url).header("apikey", rig.sim.api_key()).json(&media(key)).send().await.unwrap()
    };
    rig.sim.flow_media("huge", MediaFlow::Huge { bytes: 1_000_000 });
    assert_eq!(ask("huge").await.bytes().await.unwrap().len(), 1_000_000);
    assert_eq!(rig.sim.media_taken("huge"), 1_000_000);
    rig.sim.flow_media("endless", MediaFlow::Endless);
    let mut endless = ask("endless").await;
    let mut taken = 0;
    while taken < 3_000_000 {
        taken += endless.chunk().await.unwrap().expect("it never ends").len();
    }
    assert!(rig.sim.media_taken("endless") >= 3_000_000);
    rig.sim.flow_media("slow", MediaFlow::Slow { bytes_per_second: 1000 });
    assert_eq!(ask("slow").await.chunk().await.unwrap().unwrap().len(), 1000);
}

#[tokio::test]
async fn the_global_webhook_tells_the_same_once_more() {
    let rig = Rig::start().await;
    rig.sim.set_global_webhook(&rig.hooks.url);
    rig.sim.customer_sends(SHOP, &CustomerMessage::text(ANA, "oi")).unwrap();
    let told = rig.hooks.wait_for(2, is("messages.upsert")).await;
    assert_eq!(told[0], told[1]);
    rig.sim.set_global_webhook("");
    let before = rig.sim.ack_count();
    rig.sim.customer_sends(SHOP, &CustomerMessage::text(ANA, "oi")).unwrap();
    rig.hooks.wait_for(3, is("messages.upsert")).await;
    assert!(rig.sim.wait_until(|sim| sim.ack_count() > before, LONG).await);
    assert_eq!(rig.hooks.bodies().iter().filter(|body| body["event"] == "messages.upsert").count(), 3);
}
