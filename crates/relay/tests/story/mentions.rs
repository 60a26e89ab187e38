//! Mentions: names where WhatsApp has numbers.

use relay_sim::{Chat, CustomerMessage, Kind};
use relay_testing::{Database, Options, TestApp};
use serde_json::json;

use crate::support::{ANA, BIA, SESSION, finish_clean, relayed_as, sends};

both!(mentions_are_named_as_far_as_anybody_is_known, a_name_in_a_mention_is_only_a_name);

const GROUP: &str = "120363000000000001@g.us";

/// A text that mentions some JIDs.
fn mentioning(text: &str, mentioned: &[&str]) -> Kind {
    let content = json!({ "text": text, "contextInfo": { "mentionedJid": mentioned } });
    Kind::Raw("extendedTextMessage".to_owned(), content)
}

async fn said(app: &TestApp, kind: Kind) -> String {
    relayed_as(app, &sends(app, ANA, kind)).await.content.unwrap()
}

/// Bia makes herself known in a group.
async fn meet_bia(app: &TestApp, name: &str) {
    let chat = Chat::Group(GROUP.to_owned(), BIA.to_owned());
    let hello = CustomerMessage { chat, push_name: Some(name.to_owned()), ..CustomerMessage::text(BIA, "oi") };
    let key = app.codechat.customer_sends(SESSION, &hello).unwrap();
    relayed_as(app, &key).await;
}

async fn mentions_are_named_as_far_as_anybody_is_known(database: Database) {
    let app = TestApp::with(Options { settings: json!({ "groups": "on" }), ..Options::on(database) }).await;
    meet_bia(&app, "Bia").await;
    let by_phone = mentioning("Fala com a @5511900000002, *por favor*", &["5511900000002@s.whatsapp.net"]);
    assert_eq!(said(&app, by_phone).await, "Fala com a @Bia, **por favor**");
    let by_lid = mentioning("@25511900000002 e 25511900000002", &["25511900000002@lid"]);
    assert_eq!(said(&app, by_lid).await, "@Bia e 25511900000002");
    // of Ana, who writes to us alone, we know as well
    let herself = mentioning("eu, @25511900000001", &["25511900000001@lid"]);
    assert_eq!(said(&app, herself).await, "eu, @Ana Souza");
    let strangers = mentioning("@5511900000009 @299", &["5511900000009@s.whatsapp.net", "299@lid"]);
    assert_eq!(said(&app, strangers).await, "@+55 11 90000-0009 @299");
    // a number that nobody is mentioned by stays one
    assert_eq!(said(&app, mentioning("@5511900000002", &[])).await, "@5511900000002");
    finish_clean(app).await;
}

async fn a_name_in_a_mention_is_only_a_name(database: Database) {
    let app = TestApp::with(Options { settings: json!({ "groups": "on" }), ..Options::on(database) }).await;
    meet_bia(&app, "*Chefe*\n[x](http://y.z)").await;
    let said = said(&app, mentioning("oi @5511900000002 *tudo bem*?", &["5511900000002@s.whatsapp.net"])).await;
    assert!(said.starts_with("oi @Chefe ") && said.ends_with(" **tudo bem**?"), "{said}");
    assert!(said.contains(r"\[x]") && !said.contains('\n'), "{said}");
    finish_clean(app).await;
}
