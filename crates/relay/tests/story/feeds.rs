//! Status updates, channels and broadcast lists: notes to read, which nothing answers.

use relay_sim::{AgentMessage, Chat, CustomerMessage, Kind, LedgerMessage};
use relay_testing::{Database, Options, TestApp};
use serde_json::json;

use crate::support::{ANA, BIA, SESSION, answers, finish_clean, has_status, relayed_as, sends, status};

both!(feeds_are_off_by_default, status_updates_are_notes, channels_and_lists_are_notes, an_answer_to_a_status_says_so);

const STATUS: &str = "status@broadcast";
const CHANNEL: &str = "120363000000000009@newsletter";
const LIST: &str = "1700000000@broadcast";

fn post(feed: &str, author: Option<(&str, &str)>, kind: Kind) -> CustomerMessage {
    let chat = Chat::Feed(feed.to_owned(), author.map(|(phone, _)| phone.to_owned()));
    CustomerMessage { chat, push_name: author.map(|(_, name)| name.to_owned()), ..CustomerMessage::new(ANA, kind) }
}

fn text(text: &str) -> Kind {
    Kind::Text(text.to_owned())
}

async fn shown(app: &TestApp, message: &CustomerMessage) -> LedgerMessage {
    let key = app.codechat.customer_sends(SESSION, message).unwrap();
    relayed_as(app, &key).await
}

async fn start(database: Database) -> TestApp {
    let settings = json!({ "status_updates": true, "newsletters": true, "broadcast_lists": true });
    TestApp::with(Options { settings, ..Options::on(database) }).await
}

/// An agent's message to a feed fails, and says why.
async fn refuses(app: &TestApp, conversation: u64) {
    let answer = answers(app, conversation, AgentMessage::text("Que legal"));
    has_status(app, answer, "failed").await;
    let (_, reason) = status(app, answer);
    assert!(reason.unwrap().starts_with("This is for reading only"));
}

async fn feeds_are_off_by_default(database: Database) {
    let app = TestApp::start(database).await;
    for feed in [STATUS, CHANNEL, LIST] {
        app.codechat.customer_sends(SESSION, &post(feed, Some((ANA, "Ana")), text("x"))).unwrap();
    }
    let is_told = || app.codechat.ack_log().iter().filter(|ack| ack.event == "messages.upsert").count() == 3;
    app.until("three webhooks", async || is_told()).await;
    app.settle().await;
    let events = app.engine.store.events(10).await.unwrap().into_iter();
    let mut reasons: Vec<_> =
        events.filter(|event| event.kind == "messages.upsert").filter_map(|event| event.reason).collect();
    reasons.sort();
    assert_eq!(reasons, ["broadcast_list", "newsletter", "status_update"]);
    assert_eq!(app.relayed().len(), 0);
    finish_clean(app).await;
}

async fn status_updates_are_notes(database: Database) {
    let app = start(database).await;
    let first = shown(&app, &post(STATUS, Some((ANA, "Ana")), text("Promo {{ x }}"))).await;
    let second = shown(&app, &post(STATUS, Some((BIA, "Bia")), Kind::Image(Some("Praia".to_owned())))).await;
    // no greeting answers a note, and no automation takes it for a customer's message
    assert!(first.private && second.private);
    assert_eq!(first.conversation, second.conversation);
    let said = first.content.as_deref().unwrap().replace('\u{200b}', "");
    assert_eq!(said, "**Ana (+55 11 90000-0001):**\n\nPromo {{ x }}");
    assert_eq!(second.content.as_deref(), Some("**Bia (+55 11 90000-0002):**\n\nPraia"));
    assert_eq!(second.attachments.len(), 1);
    let contact = app.chatwoot.contacts().remove(0);
    assert_eq!((contact.name.as_str(), contact.identifier.as_deref()), ("WhatsApp status", Some(STATUS)));
    refuses(&app, first.conversation).await;
    assert_eq!(app.codechat.submission_count(), 0);
    app.finish().await;
}

async fn channels_and_lists_are_notes(database: Database) {
    let app = start(database).await;
    let channel = shown(&app, &post(CHANNEL, None, text("Novidade"))).await;
    assert_eq!((channel.private, channel.content.as_deref()), (true, Some("Novidade")));
    let list = shown(&app, &post(LIST, Some((ANA, "Ana")), text("Oferta"))).await;
    assert_eq!((list.private, list.content.as_deref()), (true, Some("**Ana (+55 11 90000-0001):**\n\nOferta")));
    let names: Vec<_> = app.chatwoot.contacts().into_iter().map(|contact| contact.name).collect();
    assert_eq!(names, ["WhatsApp channel 120363000000000009", "Broadcast list 1700000000"]);
    refuses(&app, channel.conversation).await;
    refuses(&app, list.conversation).await;
    assert_eq!(app.codechat.submission_count(), 0);
    app.finish().await;
}

async fn an_answer_to_a_status_says_so(database: Database) {
    let app = TestApp::start(database).await;
    let context = json!({ "stanzaId": "3A5FAAAA", "participant": "5511988887777@s.whatsapp.net", "remoteJid": STATUS,
        "quotedMessage": { "conversation": "Promoção de hoje" } });
    let answer = Kind::Raw("extendedTextMessage".to_owned(), json!({ "text": "Quero!", "contextInfo": context }));
    let shown = relayed_as(&app, &sends(&app, ANA, answer)).await;
    assert_eq!(shown.content.as_deref(), Some("> In reply to a status: Promoção de hoje\n\nQuero!"));
    assert!(!shown.private);
    finish_clean(app).await;
}
