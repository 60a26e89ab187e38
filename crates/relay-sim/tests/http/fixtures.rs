//! What the stand-in sends has the keys that were recorded from the real CodeChat.

use std::collections::BTreeSet;
use std::path::Path;

use crate::support::{Receiver, client};
use relay_sim::{CodeChatOptions, CustomerMessage, FakeCodeChat, Kind};
use serde_json::{Value, json};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/codechat/webhooks");

fn recorded(name: &str) -> Value {
    let path = Path::new(FIXTURES).join(format!("{name}.json"));
    serde_json::from_slice(&std::fs::read(path).expect("the recorded webhooks belong to the repository")).unwrap()
}

fn keys(value: &Value) -> BTreeSet<String> {
    value.as_object().map(|object| object.keys().cloned().collect()).unwrap_or_default()
}

#[tokio::test]
async fn webhooks_have_the_recorded_keys() {
    let sim = FakeCodeChat::start(CodeChatOptions::default()).await.unwrap();
    let hooks = Receiver::start().await;
    sim.add_open_instance("loja01", "5511988887777");
    let base = sim.base_url();
    let set = client().put(format!("{base}/webhook/set/loja01")).header("apikey", sim.api_key());
    set.json(&json!({"url": hooks.url, "enabled": true})).send().await.unwrap();
    let cases = [
        (Kind::Text("x".to_owned()), "messages.upsert__conversation"),
        (Kind::Voice, "messages.upsert__audioMessage_ptt"),
        (Kind::Document("doc.pdf".to_owned()), "messages.upsert__documentMessage"),
        (
            Kind::DocumentWithCaption("doc.pdf".to_owned(), "c".to_owned()),
            "messages.upsert__documentWithCaptionMessage",
        ),
        (Kind::EphemeralText("x".to_owned()), "messages.upsert__ephemeralMessage_text"),
        (Kind::ViewOnceImage, "messages.upsert__viewOnceMessageV2_image"),
    ];
    for (kind, name) in cases {
        let key = sim.customer_sends("loja01", &CustomerMessage::new("5511900000001", kind)).unwrap();
        let sent = hooks.wait_for(1, |body| body["data"]["keyId"] == key.as_str()).await.remove(0);
        let real = recorded(name);
        assert_eq!(keys(&sent), keys(&real), "{name}");
        assert_eq!(keys(&sent["instance"]), keys(&real["instance"]), "{name}");
        assert_eq!(keys(&sent["data"]), keys(&real["data"]), "{name}");
        assert_eq!(sent["data"]["messageType"], real["data"]["messageType"], "{name}");
    }
    let body = json!({"number": "5511900000001", "textMessage": {"text": "x"}});
    let send = client().post(format!("{base}/message/sendText/loja01")).header("apikey", sim.api_key());
    send.json(&body).send().await.unwrap();
    let sent = hooks.wait_for(1, |body| body["event"] == "send.message").await.remove(0);
    assert_eq!(keys(&sent["data"]), keys(&recorded("send.message__via_api_sendText__ok")["data"]));
    let echo = hooks.wait_for(1, |body| body["data"]["info"]["type"] == "append").await.remove(0);
    assert_eq!(keys(&echo["data"]), keys(&recorded("messages.upsert__via_api_sendText__ok__2")["data"]));
}
