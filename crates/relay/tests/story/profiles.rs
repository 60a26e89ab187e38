//! What a contact is called in Chatwoot, and which picture it shows.

use std::time::Duration;

use relay_sim::{CustomerMessage, Fault, FaultAction};
use relay_testing::{Database, TestApp};

use crate::support::{ANA, SESSION, finish_clean, has_picture, later, meet, relayed_as};

both!(
    a_number_gets_its_name_when_it_is_told,
    a_changed_name_is_shown_until_an_agent_chooses_one,
    a_name_that_was_there_stays,
    a_changed_picture_is_brought_over_a_day_later,
    a_picture_that_cannot_be_had_does_no_harm,
);

const CONTACT: &str = "GET /api/v1/accounts/{account}/contacts/{contact}";

fn called(name: &str) -> CustomerMessage {
    CustomerMessage { push_name: Some(name.to_owned()), ..CustomerMessage::text(ANA, "Oi") }
}

async fn says_as(app: &TestApp, name: &str) {
    let key = app.codechat.customer_sends(SESSION, &called(name)).unwrap();
    relayed_as(app, &key).await;
}

fn name(app: &TestApp) -> String {
    app.chatwoot.contacts().remove(0).name
}

async fn is_called(app: &TestApp, wanted: &str) {
    app.until(&format!("the name {wanted}"), async || name(app) == wanted).await;
}

async fn a_number_gets_its_name_when_it_is_told(database: Database) {
    let app = TestApp::start(database).await;
    let key = app.codechat.phone_sends(SESSION, &CustomerMessage::text(ANA, "Olá, é da loja")).unwrap();
    relayed_as(&app, &key).await;
    assert_eq!(name(&app), format!("+{ANA}"));
    says_as(&app, "Ana").await;
    is_called(&app, "Ana").await;
    finish_clean(app).await;
}

async fn a_changed_name_is_shown_until_an_agent_chooses_one(database: Database) {
    let app = TestApp::start(database).await;
    says_as(&app, "Ana").await;
    says_as(&app, "Ana (trabalho)").await;
    is_called(&app, "Ana (trabalho)").await;
    let contact = app.chatwoot.contacts().remove(0).id;
    app.chatwoot.rename_contact(contact, "Ana do caixa");
    let looked = app.chatwoot.calls()[CONTACT];
    says_as(&app, "Ana (férias)").await;
    app.until("a look at the name", async || app.chatwoot.calls()[CONTACT] > looked).await;
    says_as(&app, "Ana (férias)").await;
    app.settle().await;
    assert_eq!(name(&app), "Ana do caixa");
    finish_clean(app).await;
}

async fn a_name_that_was_there_stays(database: Database) {
    let app = TestApp::start(database).await;
    app.chatwoot.add_contact(app.account, "Ana do caixa", Some(&format!("+{ANA}")), None).unwrap();
    says_as(&app, "Ana").await;
    has_picture(&app).await;
    assert_eq!(name(&app), "Ana do caixa");
    // known by now: another message costs no look
    let looked = app.chatwoot.calls()[CONTACT];
    says_as(&app, "Ana").await;
    app.settle().await;
    assert_eq!(app.chatwoot.calls()[CONTACT], looked);
    finish_clean(app).await;
}

async fn a_changed_picture_is_brought_over_a_day_later(database: Database) {
    let app = TestApp::start(database).await;
    meet(&app, ANA).await;
    has_picture(&app).await;
    let picture = || app.chatwoot.contacts().remove(0).avatar;
    let first = picture();
    app.codechat.set_picture(ANA, b"\xff\xd8\xff\xe0 another face");
    says_as(&app, "Ana Souza").await;
    app.settle().await;
    assert_eq!(picture(), first);
    later(&app, Duration::from_hours(25));
    says_as(&app, "Ana Souza").await;
    app.until("the other picture", async || picture() != first).await;
    finish_clean(app).await;
}

async fn a_picture_that_cannot_be_had_does_no_harm(database: Database) {
    let app = TestApp::start(database).await;
    let broken = FaultAction::Status { status: 500, body: None, retry_after: None, commit: false };
    app.codechat.fault(Fault::on("/_pps/", broken));
    meet(&app, ANA).await;
    app.until("a look for the picture", async || app.codechat.calls().keys().any(|route| route.contains("_pps"))).await;
    says_as(&app, "Ana Souza").await;
    app.settle().await;
    assert_eq!(app.chatwoot.contacts().remove(0).avatar, None);
    finish_clean(app).await;
}
