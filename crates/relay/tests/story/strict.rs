//! Strict mode: what is relayed is what CodeChat and Chatwoot show when asked, whatever a webhook said.

use std::time::Duration;

use relay_domain::backoff::Direction;
use relay_sim::{AgentMessage, Chat, CustomerMessage, HookFaults, Kind};
use relay_testing::{Database, Options, TestApp};
use serde_json::{Value, json};

use crate::gaps_in::{ALL_LOST, start_recovering, sweep};
use crate::support::{
    ANA, BIA, SESSION, answers, finish_clean, later, meet, relayed_as, says, sends, skip_until, status, texts_in,
    texts_sent,
};

both!(
    what_is_there_is_relayed,
    a_forged_message_is_not_relayed,
    a_real_message_in_a_forged_chat_is_not_relayed,
    what_a_webhook_says_does_not_count,
    a_chat_known_by_its_lid_keeps_its_name,
    a_forged_answer_is_not_sent,
    an_answer_goes_to_whom_it_was_written,
    a_forged_deletion_deletes_nothing,
    an_answer_costs_three_calls,
    what_no_webhook_told_comes_soon,
);

async fn start(database: Database) -> TestApp {
    start_recovering(Options { settings: json!({ "strict": true }), ..Options::on(database) }).await
}

/// Posts a body to the relay as Chatwoot would.
async fn forge(app: &TestApp, body: &Value) {
    let url = app.chatwoot_webhook();
    let post = app.http().post(url).header("content-type", "application/json").body(body.to_string());
    assert_eq!(post.send().await.unwrap().status(), 200);
}

/// Waits until a webhook was found to be without a message.
async fn unverified(app: &TestApp) {
    let is_told = async || {
        let events = app.engine.store.events(100).await.unwrap();
        events.iter().any(|event| event.reason.as_deref() == Some("unverified"))
    };
    skip_until(app, "the forged webhook to be given up", Duration::from_secs(1), is_told).await;
}

fn told(key: &str, jid: &str, text: &str) -> Value {
    json!({ "event": "messages.upsert", "instance": { "name": SESSION }, "data": {
        "keyId": key, "keyFromMe": false, "keyRemoteJid": jid, "pushName": "Ana", "messageType": "conversation",
        "content": { "text": text }, "messageTimestamp": relay_domain::Clock::system().wall().as_secs(), "isGroup": false, "id": 1_000_000,
        "info": { "type": "notify" },
    } })
}

/// The webhook of a message that is written now and told later, by whom the test likes.
fn overheard(app: &TestApp, conversation: u64, text: &str) -> (u64, Value) {
    app.chatwoot.set_hook_faults(ALL_LOST);
    let id = answers(app, conversation, AgentMessage::text(text));
    app.chatwoot.set_hook_faults(HookFaults::default());
    (id, app.chatwoot.webhook_of(id).unwrap())
}

async fn what_is_there_is_relayed(database: Database) {
    let app = start(database).await;
    let conversation = meet(&app, ANA).await;
    relayed_as(&app, &sends(&app, ANA, Kind::Image(Some("foto".to_owned())))).await;
    let picture = AgentMessage::file("foto.jpg", "image/jpeg", relay_sim::assets::PHOTO.bytes, Some("legenda"));
    answers(&app, conversation, picture);
    app.whatsapp_has(1).await;
    let typed = app.codechat.phone_sends(SESSION, &CustomerMessage::text(ANA, "do celular")).unwrap();
    relayed_as(&app, &typed).await;
    assert_eq!(texts_in(&app, conversation), ["Oi", "foto", "do celular"]);
    assert_eq!(texts_sent(&app), ["legenda"]);
    finish_clean(app).await;
}

async fn a_forged_message_is_not_relayed(database: Database) {
    let app = start(database).await;
    let conversation = meet(&app, ANA).await;
    app.codechat.emit_raw(SESSION, &told("3AFORGED", &format!("{ANA}@s.whatsapp.net"), "pix para mim"));
    unverified(&app).await;
    relayed_as(&app, &says(&app, ANA, "de verdade")).await;
    assert_eq!(texts_in(&app, conversation), ["Oi", "de verdade"]);
    finish_clean(app).await;
}

async fn a_real_message_in_a_forged_chat_is_not_relayed(database: Database) {
    let app = start(database).await;
    let conversation = meet(&app, ANA).await;
    meet(&app, BIA).await;
    app.codechat.set_hook_faults(ALL_LOST);
    let key = says(&app, ANA, "segredo de Ana");
    app.codechat.set_hook_faults(HookFaults::default());
    app.codechat.emit_raw(SESSION, &told(&key, &format!("{BIA}@s.whatsapp.net"), "segredo de Ana"));
    unverified(&app).await;
    assert_eq!(app.relayed().len(), 2);
    assert_eq!(texts_in(&app, conversation), ["Oi"]);
    finish_clean(app).await;
}

async fn what_a_webhook_says_does_not_count(database: Database) {
    let app = start(database).await;
    let conversation = meet(&app, ANA).await;
    app.codechat.set_hook_faults(ALL_LOST);
    let key = says(&app, ANA, "a verdade");
    app.codechat.set_hook_faults(HookFaults::default());
    app.codechat.emit_raw(SESSION, &told(&key, &format!("{ANA}@s.whatsapp.net"), "uma mentira"));
    relayed_as(&app, &key).await;
    assert_eq!(texts_in(&app, conversation), ["Oi", "a verdade"]);
    finish_clean(app).await;
}

async fn a_chat_known_by_its_lid_keeps_its_name(database: Database) {
    let app = start(database).await;
    let message = CustomerMessage { chat: Chat::LidOnly("77".to_owned()), ..CustomerMessage::text(ANA, "sou eu") };
    let key = app.codechat.customer_sends(SESSION, &message).unwrap();
    let shown = relayed_as(&app, &key).await;
    assert_eq!((shown.contact_source_id.as_str(), shown.content.as_deref()), ("77-lid", Some("sou eu")));
    finish_clean(app).await;
}

async fn a_forged_answer_is_not_sent(database: Database) {
    let app = start(database).await;
    let conversation = meet(&app, ANA).await;
    let (id, mut body) = overheard(&app, conversation, "um");
    body["id"] = json!(id + 1000);
    body["content"] = json!("me mande o código");
    forge(&app, &body).await;
    unverified(&app).await;
    assert!(texts_sent(&app).iter().all(|text| text == "um"), "{:?}", texts_sent(&app));
    finish_clean(app).await;
}

async fn an_answer_goes_to_whom_it_was_written(database: Database) {
    let app = start(database).await;
    let conversation = meet(&app, ANA).await;
    let other = meet(&app, BIA).await;
    // the words are Chatwoot's, whatever the webhook says; whom they are for as well
    let (_, mut lie) = overheard(&app, conversation, "para Ana");
    lie["content"] = json!("outra coisa");
    forge(&app, &lie).await;
    app.whatsapp_has(1).await;
    let (_, mut lie) = overheard(&app, conversation, "só para Ana");
    let (_, theirs) = overheard(&app, other, "para Bia");
    lie["conversation"]["contact_inbox"] = theirs["conversation"]["contact_inbox"].clone();
    forge(&app, &lie).await;
    unverified(&app).await;
    let to_bia = app.codechat.submissions().into_iter().filter(|sent| sent.to.starts_with(BIA));
    assert!(to_bia.filter_map(|sent| sent.text).all(|text| text == "para Bia"));
    assert_eq!(texts_sent(&app)[0], "para Ana");
    finish_clean(app).await;
}

async fn a_forged_deletion_deletes_nothing(database: Database) {
    let app = start(database).await;
    let conversation = meet(&app, ANA).await;
    let (_, mut body) = overheard(&app, conversation, "um");
    forge(&app, &body).await;
    app.whatsapp_has(1).await;
    app.settle().await;
    body["event"] = json!("message_updated");
    body["content_attributes"] = json!({ "deleted": true });
    forge(&app, &body).await;
    unverified(&app).await;
    assert_eq!(app.codechat.revocations().len(), 0);
    // a real one does
    let id = body["id"].as_u64().unwrap();
    assert_eq!(status(&app, id).0, "sent");
    finish_clean(app).await;
}

async fn an_answer_costs_three_calls(database: Database) {
    let app = start(database).await;
    let conversation = meet(&app, ANA).await;
    answers(&app, conversation, AgentMessage::text("um"));
    app.whatsapp_has(1).await;
    app.settle().await;
    later(&app, Duration::from_secs(1));
    app.codechat.reset_calls();
    app.chatwoot.reset_calls();
    relayed_as(&app, &says(&app, ANA, "dois")).await;
    app.settle().await;
    let calls: u64 = app.codechat.calls().values().chain(app.chatwoot.calls().values()).sum();
    assert!(calls <= 3, "{:?} {:?}", app.codechat.calls(), app.chatwoot.calls());
    finish_clean(app).await;
}

async fn what_no_webhook_told_comes_soon(database: Database) {
    let app = start(database).await;
    let conversation = meet(&app, ANA).await;
    sweep(&app, Direction::In).await;
    app.codechat.set_hook_faults(ALL_LOST);
    says(&app, ANA, "um");
    later(&app, Duration::from_secs(26));
    app.chatwoot_has(2).await;
    assert_eq!(texts_in(&app, conversation), ["Oi", "um"]);
    finish_clean(app).await;
}
