//! The form of what agents send: their name on it, texts that are too long for one message, stickers.

use relay_sim::{AgentFile, AgentMessage, assets};
use relay_testing::{Database, Options, TestApp};
use serde_json::{Value, json};

use crate::support::{ANA, answers, finish_clean, meet, texts_sent};

both!(agents_sign_and_machines_do_not, a_long_text_is_sent_in_order, a_webp_is_a_sticker_where_that_is_wanted);

async fn start(database: Database, settings: Value) -> (TestApp, u64) {
    let app = TestApp::with(Options { settings, ..Options::on(database) }).await;
    let conversation = meet(&app, ANA).await;
    (app, conversation)
}

fn file(name: &str, asset: assets::Asset) -> AgentFile {
    AgentFile { name: name.to_owned(), mime: asset.mime.to_owned(), bytes: asset.bytes.into() }
}

async fn agents_sign_and_machines_do_not(database: Database) {
    let settings = json!({ "signature": { "position": "above", "format": "*{name}* da Loja" } });
    let (app, conversation) = start(database, settings).await;
    let (rita, _) = app.chatwoot.add_user(app.account, "Rita *Souza*", relay_sim::Role::Agent);
    let files = vec![file("a.jpg", assets::PHOTO), file("b.jpg", assets::PHOTO)];
    for message in [AgentMessage::text("**Olá**"), AgentMessage { attachments: files, ..AgentMessage::text("Segue") }]
    {
        app.chatwoot.user_sends(app.account, conversation, rita, message).unwrap();
    }
    app.whatsapp_has(3).await;
    app.chatwoot.template(app.account, conversation, "Bem-vindo!").unwrap();
    app.whatsapp_has(4).await;
    let signature = "_Rita *Souza*_ da Loja";
    let wanted = [format!("{signature}\n*Olá*"), format!("{signature}\nSegue"), String::new(), "Bem-vindo!".to_owned()];
    assert_eq!(texts_sent(&app), wanted);
    finish_clean(app).await;
}

async fn a_long_text_is_sent_in_order(database: Database) {
    let (app, conversation) = start(database, json!({})).await;
    let paragraphs = [("a", 60_000), ("b", 60_000), ("c", 20_000)].map(|(letter, length)| letter.repeat(length));
    let message =
        AgentMessage { in_reply_to: Some(app.relayed()[0].id), ..AgentMessage::text(paragraphs.join("\n\n")) };
    answers(&app, conversation, message);
    app.whatsapp_has(3).await;
    assert_eq!(texts_sent(&app), paragraphs);
    let quotes: Vec<_> = app.codechat.submissions().iter().map(|sent| sent.quoted.is_some()).collect();
    assert_eq!(quotes, [true, false, false]);
    finish_clean(app).await;
}

async fn a_webp_is_a_sticker_where_that_is_wanted(database: Database) {
    let (app, conversation) = start(database, json!({ "webp_stickers": true })).await;
    let sticker = || AgentMessage { attachments: vec![file("oi.webp", assets::STICKER)], ..AgentMessage::default() };
    answers(&app, conversation, sticker());
    app.whatsapp_has(1).await;
    answers(&app, conversation, AgentMessage { content: Some("com texto".to_owned()), ..sticker() });
    app.whatsapp_has(2).await;
    let sent = app.codechat.submissions();
    let kinds: Vec<_> = sent.iter().map(|sent| sent.kind.as_str()).collect();
    assert_eq!(kinds, ["stickerMessage", "imageMessage"]);
    let media = sent[0].media.as_ref().unwrap();
    assert_eq!((media.mime.as_str(), media.size, sent[0].preset_id), ("image/webp", assets::STICKER.bytes.len(), true));
    finish_clean(app).await;
}
