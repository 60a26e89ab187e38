//! Places and contacts that agents send, however they write them.

use relay_sim::{AgentMessage, Submission};
use relay_testing::{Database, TestApp};
use serde_json::json;

use crate::support::{ANA, answers, finish_clean, meet};

both!(attached_cards_are_cards, cards_in_the_text_are_cards, a_vcf_file_is_a_contact, ordinary_links_are_text);

const JOAO: &str = "BEGIN:VCARD\nVERSION:3.0\nFN:João Silva\nTEL;type=CELL:+55 11 97777-6666\nEND:VCARD";

/// Has an agent write something; returns what WhatsApp was handed.
async fn sent(app: &TestApp, message: AgentMessage, count: usize) -> Vec<Submission> {
    let conversation = app.conversation();
    let before = app.codechat.submission_count();
    answers(app, conversation, message);
    app.whatsapp_has(before + count).await;
    app.settle().await;
    app.codechat.submissions().split_off(before)
}

fn kinds(sent: &[Submission]) -> Vec<&str> {
    sent.iter().map(|sent| sent.kind.as_str()).collect()
}

async fn attached_cards_are_cards(database: Database) {
    let app = TestApp::start(database).await;
    meet(&app, ANA).await;
    let place = sent(&app, AgentMessage::place(-23.55, -46.63, "Praça da Sé"), 1).await;
    assert_eq!((kinds(&place), place[0].preset_id), (vec!["locationMessage"], true));
    let wanted =
        json!({ "degreesLatitude": -23.55, "degreesLongitude": -46.63, "name": "Praça da Sé", "address": null });
    assert_eq!(place[0].content, wanted);
    let contact = sent(&app, AgentMessage::contact("João", "Silva", "+5511977776666"), 1).await;
    assert_eq!((kinds(&contact), contact[0].preset_id), (vec!["contactMessage"], true));
    assert_eq!(contact[0].content["displayName"], "João Silva");
    assert!(contact[0].content["vcard"].as_str().unwrap().contains("waid=5511977776666:+5511977776666"));
    finish_clean(app).await;
}

async fn cards_in_the_text_are_cards(database: Database) {
    let app = TestApp::start(database).await;
    meet(&app, ANA).await;
    let text = format!("Fale com o João:\n{JOAO}\nEstamos em\nhttps://www.google.com/maps?q=-23.55,-46.63");
    let sent = sent(&app, AgentMessage::text(text), 3).await;
    assert_eq!(kinds(&sent), ["extendedTextMessage", "contactMessage", "locationMessage"]);
    assert_eq!(sent[0].text.as_deref(), Some("Fale com o João:\nEstamos em"));
    assert_eq!(sent[1].text.as_deref(), Some("João Silva"));
    assert_eq!(
        (&sent[2].content["degreesLatitude"], &sent[2].content["degreesLongitude"]),
        (&json!(-23.55), &json!(-46.63))
    );
    assert!(sent.iter().all(|sent| sent.preset_id));
    finish_clean(app).await;
}

async fn a_vcf_file_is_a_contact(database: Database) {
    let app = TestApp::start(database).await;
    meet(&app, ANA).await;
    let file = |text: String| AgentMessage::file("contatos.vcf", "text/vcard", text.into_bytes(), Some("Segue"));
    let two = sent(&app, file(format!("{JOAO}\n{}", JOAO.replace("João", "José"))), 2).await;
    assert_eq!(kinds(&two), ["extendedTextMessage", "contactsArrayMessage"]);
    assert_eq!(two[0].text.as_deref(), Some("Segue"));
    // nobody who could be called: the file is sent as it is
    let none = sent(&app, file("BEGIN:VCARD\nFN:João\nEND:VCARD".to_owned()), 2).await;
    assert_eq!(kinds(&none), ["extendedTextMessage", "documentMessage"]);
    finish_clean(app).await;
}

async fn ordinary_links_are_text(database: Database) {
    let app = TestApp::start(database).await;
    meet(&app, ANA).await;
    for text in ["https://maps.app.goo.gl/AbCd", "https://example.com/?q=-23.55,-46.63", "veja geo:-23.55,-46.63"] {
        let sent = sent(&app, AgentMessage::text(text), 1).await;
        assert_eq!((kinds(&sent), sent[0].text.as_deref()), (vec!["extendedTextMessage"], Some(text)));
    }
    finish_clean(app).await;
}
