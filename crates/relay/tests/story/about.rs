//! What people do to messages that are there already, and what led them here.

use relay_sim::{AgentMessage, CustomerMessage, Fault, FaultAction, Kind, LedgerMessage, route};
use relay_testing::{Database, Options, TestApp};
use serde_json::{Value, json};

use crate::support::{ANA, SESSION, answers, finish_clean, meet, relayed_as, says, sends, shown};

both!(
    reactions_hang_on_their_message,
    edits_hang_on_their_message,
    what_cannot_be_read_says_so,
    a_deletion_is_marked,
    a_deletion_may_delete,
    an_ad_is_told_first_and_once,
);

fn in_reply_to(message: &LedgerMessage) -> Option<u64> {
    message.content_attributes.get("in_reply_to").and_then(Value::as_u64)
}

/// The owner reacts, edits or deletes on the own phone; returns WhatsApp's id.
fn phone_sends(app: &TestApp, kind: Kind) -> String {
    app.codechat.phone_sends(SESSION, &CustomerMessage::new(ANA, kind)).unwrap()
}

async fn sent_by_agent(app: &TestApp, conversation: u64, text: &str) -> (u64, String) {
    let before = app.codechat.submission_count();
    let message = answers(app, conversation, AgentMessage::text(text));
    app.whatsapp_has(before + 1).await;
    (message, app.codechat.submissions()[before].message_id.clone())
}

async fn reactions_hang_on_their_message(database: Database) {
    let app = TestApp::start(database).await;
    let conversation = meet(&app, ANA).await;
    let (answer, answer_key) = sent_by_agent(&app, conversation, "Temos sim!").await;
    let put = sends(&app, ANA, Kind::Reaction(answer_key.clone(), "👍".to_owned()));
    let put = relayed_as(&app, &put).await;
    assert_eq!((put.content.as_deref(), put.message_type.as_str()), (Some("Reacted with 👍"), "incoming"));
    assert_eq!(in_reply_to(&put), Some(answer));
    let taken = sends(&app, ANA, Kind::Reaction(answer_key, String::new()));
    let taken = relayed_as(&app, &taken).await;
    assert_eq!((taken.content.as_deref(), in_reply_to(&taken)), (Some("Removed the reaction"), Some(answer)));

    let question = says(&app, ANA, "Quanto custa?");
    let asked = relayed_as(&app, &question).await;
    let ours = relayed_as(&app, &phone_sends(&app, Kind::Reaction(question, "🙏".to_owned()))).await;
    assert_eq!((ours.content.as_deref(), ours.message_type.as_str()), (Some("Reacted with 🙏"), "outgoing"));
    assert_eq!((in_reply_to(&ours), &ours.content_attributes["external_echo"]), (Some(asked.id), &json!(true)));

    let old = sends(&app, ANA, Kind::Reaction("3EB0FFFFFFFFFFFFFFFFFF".to_owned(), "❤️".to_owned()));
    let old = relayed_as(&app, &old).await;
    assert_eq!(old.content.as_deref(), Some("> a message that is not in this conversation\n\nReacted with ❤️"));
    finish_clean(app).await;
}

async fn edits_hang_on_their_message(database: Database) {
    let app = TestApp::start(database).await;
    let first = says(&app, ANA, "Quero 2 bolos");
    let asked = relayed_as(&app, &first).await;
    let edit = app.codechat.edits(SESSION, &first, "Quero *3* bolos").unwrap();
    let edited = relayed_as(&app, &edit).await;
    assert_eq!(edited.content.as_deref(), Some("✏️ _Edited:_\n\nQuero **3** bolos"));
    assert_eq!((in_reply_to(&edited), edited.message_type.as_str()), (Some(asked.id), "incoming"));
    assert_eq!(app.chatwoot.message(asked.id).unwrap().content.as_deref(), Some("Quero 2 bolos"));

    // as newer phones send it: in a wrapper, with a name for the type
    let protocol = json!({ "protocolMessage": {
        "key": { "id": first, "fromMe": false }, "type": "MESSAGE_EDIT",
        "editedMessage": { "imageMessage": { "caption": "Quero 4" } },
    } });
    let wrapped = sends(&app, ANA, Kind::Raw("editedMessage".to_owned(), json!({ "message": protocol })));
    let wrapped = relayed_as(&app, &wrapped).await;
    assert_eq!(wrapped.content.as_deref(), Some("✏️ _Edited:_\n\nQuero 4"));
    assert_eq!(in_reply_to(&wrapped), Some(asked.id));

    let (answer, answer_key) = sent_by_agent(&app, asked.conversation, "Sai às 17h").await;
    let ours = json!({
        "key": { "id": answer_key, "fromMe": true }, "type": 14, "editedMessage": { "conversation": "Sai às {{18h}}" },
    });
    let ours = relayed_as(&app, &phone_sends(&app, Kind::Raw("protocolMessage".to_owned(), ours))).await;
    assert_eq!((in_reply_to(&ours), ours.message_type.as_str()), (Some(answer), "outgoing"));
    assert!(ours.content.as_deref().is_some_and(|text| text.contains("18h")), "{ours:?}");
    finish_clean(app).await;
}

async fn what_cannot_be_read_says_so(database: Database) {
    let app = TestApp::start(database).await;
    let first = says(&app, ANA, "Oi");
    let greeted = relayed_as(&app, &first).await;
    let sealed = json!({ "targetMessageKey": { "id": first, "fromMe": false }, "encPayload": "AAAA", "encIv": "AAAA" });
    let mut edit = sealed.clone();
    edit["secretEncType"] = json!("MESSAGE_EDIT");
    for (kind, content, word) in
        [("secretEncryptedMessage", edit, "Edited a message"), ("encReactionMessage", sealed, "Reacted to a message")]
    {
        let key = sends(&app, ANA, Kind::Raw(kind.to_owned(), content));
        let told = relayed_as(&app, &key).await;
        assert!(told.content.as_deref().is_some_and(|text| text.contains(word)), "{told:?}");
        assert_eq!(in_reply_to(&told), Some(greeted.id));
    }
    finish_clean(app).await;
}

async fn a_deletion_is_marked(database: Database) {
    let app = TestApp::start(database).await;
    let first = says(&app, ANA, "Senha: 1234");
    let said = relayed_as(&app, &first).await;
    let deletion = relayed_as(&app, &app.codechat.deletes(SESSION, &first).unwrap()).await;
    assert_eq!(deletion.content.as_deref(), Some("🗑️ _This message was deleted on WhatsApp._"));
    assert_eq!(in_reply_to(&deletion), Some(said.id));
    assert_eq!(app.chatwoot.message(said.id).unwrap().content.as_deref(), Some("Senha: 1234"), "agents keep it");
    finish_clean(app).await;
}

async fn a_deletion_may_delete(database: Database) {
    let settings = json!({ "deletions": "delete" });
    let app = TestApp::with(Options { settings, ..Options::on(database) }).await;
    let first = says(&app, ANA, "Senha: 1234");
    let said = relayed_as(&app, &first).await;
    let is_gone =
        |message: u64| app.chatwoot.message(message).unwrap().content_attributes.get("deleted") == Some(&json!(true));
    app.codechat.deletes(SESSION, &first).unwrap();
    app.until("the deletion in Chatwoot", async || is_gone(said.id)).await;

    // the owner deletes an agent's message on the phone: it is not deleted there again
    let (answer, answer_key) = sent_by_agent(&app, said.conversation, "Preço errado").await;
    let revoke = json!({ "key": { "id": answer_key, "fromMe": true }, "type": 0 });
    phone_sends(&app, Kind::Raw("protocolMessage".to_owned(), revoke));
    app.until("the second deletion", async || is_gone(answer)).await;
    app.settle().await;
    assert!(app.codechat.revocations().is_empty());
    assert_eq!(app.relayed().len(), 1, "no line is needed: {:?}", app.relayed());

    let unknown = json!({ "key": { "id": "3EB0FFFFFFFFFFFFFFFFFF", "fromMe": false }, "type": 0 });
    let line = relayed_as(&app, &sends(&app, ANA, Kind::Raw("protocolMessage".to_owned(), unknown))).await;
    assert!(line.content.as_deref().is_some_and(|text| text.contains("was deleted on WhatsApp")), "{line:?}");
    finish_clean(app).await;
}

async fn an_ad_is_told_first_and_once(database: Database) {
    let app = TestApp::start(database).await;
    let conversation = meet(&app, ANA).await;
    let noted = json!({ "custom_attributes": { "order": "77" } });
    let url = format!(
        "{}/api/v1/accounts/{}/conversations/{conversation}/custom_attributes",
        app.chatwoot.base_url(),
        app.account
    );
    app.http().post(&url).header("api_access_token", &app.token).json(&noted).send().await.unwrap();
    // the answer to the note is lost: what was posted must be found, not posted again
    app.chatwoot.fault(Fault::on(route::MESSAGE_CREATE, FaultAction::Reset { commit: true }).times(1));
    let click = json!({ "text": "Quero saber mais", "contextInfo": {
        "entryPointConversionSource": "ctwa_ad", "entryPointConversionApp": "facebook",
        "externalAdReply": { "title": "Bolo hoje", "sourceType": "ad", "sourceId": "1202", "sourceUrl": "https://fb.me/xxxx" },
    } });
    let key = sends(&app, ANA, Kind::Raw("extendedTextMessage".to_owned(), click));
    let said = relayed_as(&app, &key).await;
    app.settle().await;
    let relayed = app.relayed();
    let [_, note, message] = relayed.as_slice() else { panic!("{relayed:?}") };
    assert_eq!((message.id, message.content.as_deref()), (said.id, Some("Quero saber mais")));
    assert!(note.private && !message.private);
    let told = note.content.as_deref().unwrap();
    assert!(told.contains("advertisement (ad, facebook)") && told.contains("https://fb.me/xxxx"), "{told}");
    let url = url.trim_end_matches("/custom_attributes");
    let answer = app.http().get(url).header("api_access_token", &app.token).send().await.unwrap();
    let answer: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    let attributes = &answer["custom_attributes"];
    assert_eq!((&attributes["order"], &attributes["whatsapp_ad_title"]), (&json!("77"), &json!("Bolo hoje")));
    assert_eq!(shown(&app, conversation).await.len(), 3);
    // what is private is not sent back to the customer
    assert_eq!(app.codechat.submission_count(), 0);
    finish_clean(app).await;
}
