//! Choices, cards, forms and articles of bots, as text; a number that the customer answers means what it stands for.

use std::time::Duration;

use relay_domain::note::Locale;
use relay_sim::AgentMessage;
use relay_testing::{Database, Options, TestApp};
use serde_json::{Map, Value, json};

use crate::support::{
    ANA, BIA, answers, finish_clean, later, meet, relayed_as, says, start_timeless, texts_in, texts_sent,
};

both!(
    a_choice_is_answered_by_its_number,
    only_the_last_choice_counts_and_only_once,
    a_choice_ends_after_a_day,
    other_menus_are_written_out
);

fn menu(content_type: &str, text: &str, items: Value) -> AgentMessage {
    AgentMessage {
        content_type: Some(content_type.to_owned()),
        content_attributes: Map::from_iter([("items".to_owned(), items)]),
        without_sender: true,
        ..AgentMessage::text(text)
    }
}

fn choice(text: &str, titles: &[&str]) -> AgentMessage {
    menu("input_select", text, titles.iter().map(|title| json!({ "title": title, "value": title })).collect())
}

/// Says something and returns what the agent reads.
async fn shown(app: &TestApp, phone: &str, text: &str) -> String {
    let key = says(app, phone, text);
    relayed_as(app, &key).await.content.unwrap()
}

async fn a_choice_is_answered_by_its_number(database: Database) {
    let app = TestApp::with(Options { locale: Locale::PtBr, ..Options::on(database) }).await;
    let conversation = meet(&app, ANA).await;
    meet(&app, BIA).await;
    answers(&app, conversation, choice("O que você **deseja**?", &["Pagar", "Segunda via", "Falar com alguém"]));
    app.whatsapp_has(1).await;
    app.settle().await;
    let wanted =
        "O que você *deseja*?\n\n1. Pagar\n2. Segunda via\n3. Falar com alguém\n\nResponda com o número da opção.";
    assert_eq!(texts_sent(&app), [wanted]);
    assert_eq!(shown(&app, BIA, "2").await, "2", "somebody else was not asked");
    assert_eq!(shown(&app, ANA, "quanto tempo leva?").await, "quanto tempo leva?");
    assert_eq!(shown(&app, ANA, "2").await, "2 (Segunda via)");
    assert_eq!(shown(&app, ANA, "1").await, "1", "it was answered");
    assert_eq!(texts_in(&app, conversation).len(), 4);
    finish_clean(app).await;
}

async fn only_the_last_choice_counts_and_only_once(database: Database) {
    let app = TestApp::start(database).await;
    let conversation = meet(&app, ANA).await;
    for (count, titles) in [["a", "b"], ["Sim", "Não"]].iter().enumerate() {
        answers(&app, conversation, choice("?", titles));
        app.whatsapp_has(count + 1).await;
        app.settle().await;
    }
    assert_eq!(shown(&app, ANA, "não").await, "não", "the title itself is an answer too");
    assert_eq!(shown(&app, ANA, "2").await, "2");
    finish_clean(app).await;
}

async fn a_choice_ends_after_a_day(database: Database) {
    let app = start_timeless(database).await;
    let conversation = meet(&app, ANA).await;
    answers(&app, conversation, choice("?", &["Sim", "Não"]));
    app.whatsapp_has(1).await;
    app.settle().await;
    later(&app, Duration::from_hours(24));
    assert_eq!(shown(&app, ANA, "2").await, "2");
    finish_clean(app).await;
}

async fn other_menus_are_written_out(database: Database) {
    let app = TestApp::start(database).await;
    let conversation = meet(&app, ANA).await;
    let buy = json!([{ "text": "Buy", "type": "link", "uri": "https://shop.example/1" }, { "text": "More", "type": "postback", "payload": "m" }]);
    let cards =
        json!([{ "title": "Shoe", "description": "Red", "media_url": "https://shop.example/1.png", "actions": buy }]);
    let form = json!([{ "name": "email", "type": "email", "label": "E-mail" }, { "name": "n", "type": "text", "label": "Name" }]);
    let article =
        json!([{ "title": "How to pay", "description": "In three steps", "link": "https://help.example/pay" }]);
    for (count, message) in
        [menu("cards", "Look", cards), menu("form", "", form), menu("article", "Read this", article)]
            .into_iter()
            .enumerate()
    {
        answers(&app, conversation, message);
        app.whatsapp_has(count + 1).await;
    }
    let wanted = [
        "Look\n\n*Shoe*\nRed\nhttps://shop.example/1.png\nBuy: https://shop.example/1\n- More",
        "Please send us:\n- E-mail\n- Name",
        "Read this\n\n*How to pay*\nIn three steps\nhttps://help.example/pay",
    ];
    assert_eq!(texts_sent(&app), wanted);
    finish_clean(app).await;
}
