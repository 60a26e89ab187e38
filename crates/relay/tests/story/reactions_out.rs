//! An agent's reply of one emoji: a reaction where the owner wants it, a text everywhere else.

use std::time::Duration;

use relay_sim::{AgentMessage, Fault, FaultAction, Kind, Submission};
use relay_testing::{Database, Options, TestApp};
use serde_json::json;

use crate::support::{ANA, SESSION, answers, finish_clean, meet, relayed_as, says, sends, skip_until_settled};

both!(
    an_emoji_reacts,
    what_is_not_one_emoji_is_a_text,
    an_emoji_on_a_message_that_is_not_on_whatsapp_is_a_text,
    a_lost_answer_leaves_one_reaction,
);

async fn start(database: Database) -> TestApp {
    TestApp::with(Options { settings: json!({ "emoji_replies_react": true }), ..Options::on(database) }).await
}

fn reply(text: &str, to: u64) -> AgentMessage {
    AgentMessage { in_reply_to: Some(to), ..AgentMessage::text(text) }
}

fn last(app: &TestApp) -> Submission {
    app.codechat.submissions().pop().unwrap()
}

async fn an_emoji_reacts(database: Database) {
    let app = start(database).await;
    let key = says(&app, ANA, "Obrigada!");
    let thanks = relayed_as(&app, &key).await;
    answers(&app, thanks.conversation, reply("❤️", thanks.id));
    app.whatsapp_has(1).await;
    let sent = last(&app);
    assert_eq!((sent.kind.as_str(), sent.text.as_deref()), ("reactionMessage", Some("❤️")));
    let address = format!("{ANA}@s.whatsapp.net");
    assert_eq!(sent.content["key"], json!({ "id": key, "fromMe": false, "remoteJid": address }));
    // and on a message of ours
    let ours = answers(&app, thanks.conversation, AgentMessage::text("De nada"));
    app.whatsapp_has(2).await;
    answers(&app, thanks.conversation, reply("👍", ours));
    app.whatsapp_has(3).await;
    let target = app.codechat.submissions()[1].message_id.clone();
    assert_eq!(last(&app).content["key"], json!({ "id": target, "fromMe": true, "remoteJid": address }));
    // the copies that CodeChat makes of it are not shown
    app.settle().await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    app.settle().await;
    assert_eq!(app.relayed().len(), 1, "{:?}", app.relayed());
    finish_clean(app).await;
}

async fn what_is_not_one_emoji_is_a_text(database: Database) {
    let app = start(database).await;
    let conversation = meet(&app, ANA).await;
    let question = app.relayed().remove(0).id;
    for text in ["👍👍", "ok 👍"] {
        answers(&app, conversation, reply(text, question));
    }
    answers(&app, conversation, AgentMessage::text("👍"));
    app.whatsapp_has(3).await;
    let kinds: Vec<_> = app.codechat.submissions().into_iter().map(|sent| (sent.kind, sent.quoted.is_some())).collect();
    let text = |quotes| ("extendedTextMessage".to_owned(), quotes);
    assert_eq!(kinds, [text(true), text(true), text(false)]);
    finish_clean(app).await;
}

async fn an_emoji_on_a_message_that_is_not_on_whatsapp_is_a_text(database: Database) {
    let app = start(database).await;
    let conversation = meet(&app, ANA).await;
    let note = AgentMessage { private: true, ..AgentMessage::text("só para nós") };
    let note = answers(&app, conversation, note);
    answers(&app, conversation, reply("👍", note));
    app.whatsapp_has(1).await;
    assert_eq!((last(&app).kind.as_str(), last(&app).text.as_deref()), ("extendedTextMessage", Some("👍")));
    finish_clean(app).await;
}

async fn a_lost_answer_leaves_one_reaction(database: Database) {
    let app = start(database).await;
    let key = sends(&app, ANA, Kind::Image(None));
    let picture = relayed_as(&app, &key).await;
    let lost = Fault::on("POST /message/sendReaction/{instance}", FaultAction::Reset { commit: true }).times(1);
    app.codechat.fault(lost);
    answers(&app, picture.conversation, reply("😍", picture.id));
    app.whatsapp_has(1).await;
    skip_until_settled(&app).await;
    // closed by the copy that CodeChat made of it, or sent once more, which changes nothing
    let sent = app.codechat.submissions();
    assert!(sent.iter().all(|sent| sent.content["key"]["id"] == key && sent.text.as_deref() == Some("😍")), "{sent:?}");
    assert_eq!(app.relayed().len(), 1, "{SESSION}: {:?}", app.relayed());
    finish_clean(app).await;
}
