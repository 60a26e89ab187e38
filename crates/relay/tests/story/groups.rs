//! Groups: one conversation each, with every author named.

use relay_sim::{AgentMessage, Chat, CustomerMessage, Kind, LedgerMessage};
use relay_testing::{Database, Options, TestApp};
use serde_json::{Value, json};

use crate::support::{ANA, BIA, SESSION, answers, finish_clean, has_picture, meet, relayed_as, says};

both!(
    a_group_is_one_conversation,
    agents_answer_the_group,
    the_own_phone_is_mirrored_without_a_name,
    media_and_replies_work_as_with_one_person,
    members_known_by_lid_are_named_once_they_are_known,
    two_members_may_use_the_same_id,
    changes_are_told_in_the_conversation,
    a_name_that_agents_gave_stays,
    groups_are_left_alone_unless_wanted,
    only_listed_groups_are_shown,
);

const GROUP: &str = "120363000000000001@g.us";
const OTHER: &str = "120363000000000002@g.us";

async fn start(database: Database, settings: Value) -> TestApp {
    let app = TestApp::with(Options { settings, ..Options::on(database) }).await;
    app.codechat.add_group(SESSION, GROUP, "Família", &[BIA, ANA, "5511988887777"]);
    app
}

fn by(group: &str, author: &str, name: &str, kind: Kind) -> CustomerMessage {
    let chat = Chat::Group(group.to_owned(), author.to_owned());
    CustomerMessage { chat, push_name: Some(name.to_owned()), ..CustomerMessage::new(author, kind) }
}

fn text(group: &str, author: &str, name: &str, text: &str) -> CustomerMessage {
    by(group, author, name, Kind::Text(text.to_owned()))
}

async fn shown(app: &TestApp, message: &CustomerMessage) -> LedgerMessage {
    let key = app.codechat.customer_sends(SESSION, message).unwrap();
    relayed_as(app, &key).await
}

fn content(message: &LedgerMessage) -> &str {
    message.content.as_deref().unwrap_or_default()
}

/// Notes about changes, in order.
async fn notes(app: &TestApp, count: usize) -> Vec<LedgerMessage> {
    let is_note = |message: &LedgerMessage| message.source_id.as_ref().is_some_and(|id| id.starts_with("WAID:group:"));
    let notes = || app.relayed().into_iter().filter(is_note).collect::<Vec<_>>();
    app.until(&format!("{count} notes"), async || notes().len() >= count).await;
    notes()
}

async fn a_group_is_one_conversation(database: Database) {
    let app = start(database, json!({ "groups": "on" })).await;
    let first = shown(&app, &text(GROUP, BIA, "Bia", "Oi *grupo*")).await;
    let second = shown(&app, &text(GROUP, ANA, "Ana **[x](http://y.z)**", "> oi\n- um")).await;
    assert_eq!(content(&first), "**Bia (+55 11 90000-0002):**\n\nOi **grupo**");
    assert_eq!(content(&second), "**Ana \\*\\*\\[x\\](http\\://y\\.z)\\*\\* (+55 11 90000-0001):**\n\n> oi\n\n- um");
    assert_eq!((first.conversation, first.message_type.as_str()), (second.conversation, "incoming"));
    assert_eq!(first.contact_source_id, "120363000000000001-group");
    let contact = app.chatwoot.contacts().remove(0);
    assert_eq!((contact.name.as_str(), contact.identifier.as_deref()), ("Família", Some(GROUP)));
    assert_eq!((contact.phone, app.chatwoot.contacts().len()), (None, 1));
    has_picture(&app).await;
    assert_eq!(app.chatwoot.contacts()[0].name, "Família", "a member's name is not the group's");
    // the same people elsewhere have conversations of their own
    let alone = meet(&app, ANA).await;
    assert_ne!(alone, first.conversation);
    // from the second message on, one call each
    app.settle().await;
    // the picture of a chat is looked for after its first message
    app.until("a look for both pictures", async || pictures_asked(&app) >= 2).await;
    app.codechat.reset_calls();
    shown(&app, &text(GROUP, BIA, "Bia", "mais uma")).await;
    app.settle().await;
    assert!(app.codechat.calls().is_empty(), "{:?}", app.codechat.calls());
    finish_clean(app).await;
}

fn pictures_asked(app: &TestApp) -> u64 {
    let calls = app.codechat.calls();
    calls.iter().filter(|(route, _)| route.contains("fetchProfilePictureUrl")).map(|(_, count)| count).sum()
}

async fn agents_answer_the_group(database: Database) {
    let app = start(database, json!({ "groups": "on" })).await;
    let question = shown(&app, &text(GROUP, BIA, "Bia", "Que horas?")).await;
    let answer = AgentMessage { in_reply_to: Some(question.id), ..AgentMessage::text("Às **dez**") };
    answers(&app, question.conversation, answer);
    app.whatsapp_has(1).await;
    let sent = app.codechat.submissions().remove(0);
    assert_eq!((sent.to.as_str(), sent.text.as_deref()), (GROUP, Some("Às *dez*")));
    assert_eq!(sent.quoted.map(|id| format!("WAID:{id}")), question.source_id);
    app.settle().await;
    // the copy that CodeChat makes is not shown again
    assert_eq!(app.relayed().len(), 1);
    finish_clean(app).await;
}

async fn the_own_phone_is_mirrored_without_a_name(database: Database) {
    let app = start(database, json!({ "groups": "on" })).await;
    let key = app.codechat.phone_sends(SESSION, &text(GROUP, "5511988887777", "Loja", "Bom dia")).unwrap();
    let mirrored = relayed_as(&app, &key).await;
    assert_eq!((mirrored.message_type.as_str(), content(&mirrored)), ("outgoing", "Bom dia"));
    finish_clean(app).await;
}

async fn media_and_replies_work_as_with_one_person(database: Database) {
    let app = start(database, json!({ "groups": "on" })).await;
    let photo = shown(&app, &by(GROUP, BIA, "Bia", Kind::Image(None))).await;
    assert_eq!((content(&photo), photo.attachments.len()), ("**Bia (+55 11 90000-0002):**", 1));
    let key = photo.source_id.clone().unwrap().replace("WAID:", "");
    let reply = CustomerMessage { quote: Some(key), ..text(GROUP, ANA, "Ana", "linda") };
    let reply = shown(&app, &reply).await;
    assert_eq!(reply.content_attributes["in_reply_to"], photo.id);
    let unknown = CustomerMessage { quote: Some("3A00".to_owned()), ..text(GROUP, ANA, "Ana", "isso") };
    let reply = shown(&app, &unknown).await;
    assert!(content(&reply).starts_with("**Ana (+55 11 90000-0001):**\n\n> In reply to: "), "{}", content(&reply));
    // who wrote is kept: reacting, quoting and marking as read need it
    let links = app.engine.store.links_by_wa(&session(&app).await, &wa_id(&photo)).await.unwrap();
    assert_eq!(links[0].wa_participant.as_deref(), Some("25511900000002@lid"));
    finish_clean(app).await;
}

async fn session(app: &TestApp) -> relay_domain::id::SessionId {
    app.engine.store.session_by_name(SESSION).await.unwrap().unwrap().id
}

fn wa_id(message: &LedgerMessage) -> relay_domain::id::WaMessageId {
    relay_domain::id::WaMessageId::new(message.source_id.as_deref().unwrap().trim_start_matches("WAID:"))
}

async fn members_known_by_lid_are_named_once_they_are_known(database: Database) {
    let app = start(database, json!({ "groups": "on" })).await;
    let lid_only = |group: &str, lid: &str, said: &str| {
        json!({ "event": "messages.upsert", "instance": { "name": SESSION }, "data": {
            "keyId": format!("3AFF{said}"), "keyFromMe": false, "keyRemoteJid": group, "keyParticipantLid": lid,
            "messageType": "conversation", "content": { "text": said }, "messageTimestamp": 1_795_341_667, "isGroup": true,
        } })
    };
    // the list of members tells the number behind a LID
    app.codechat.emit_raw(SESSION, &lid_only(GROUP, "25511900000001@lid", "um"));
    assert_eq!(content(&relayed_as(&app, "3AFFum").await), "**+55 11 90000-0001:**\n\num");
    app.codechat.emit_raw(SESSION, &lid_only(GROUP, "299@lid", "dois"));
    assert_eq!(content(&relayed_as(&app, "3AFFdois").await), "**Participant 299:**\n\ndois");
    // a name told once is known from then on
    shown(&app, &text(GROUP, ANA, "Ana", "oi")).await;
    app.codechat.emit_raw(SESSION, &lid_only(OTHER, "25511900000001@lid", "tres"));
    let named = relayed_as(&app, "3AFFtres").await;
    assert!(content(&named).starts_with("**Ana (+55 11 90000-0001):**"), "{}", content(&named));
    finish_clean(app).await;
}

async fn two_members_may_use_the_same_id(database: Database) {
    let app = start(database, json!({ "groups": "on" })).await;
    for (author, name) in [(ANA, "Ana"), (BIA, "Bia")] {
        let message =
            CustomerMessage { key_id: Some("3AAAAAAAAAAAAAAAAAAA".to_owned()), ..text(GROUP, author, name, "oi") };
        app.codechat.customer_sends(SESSION, &message).unwrap();
    }
    app.chatwoot_has(2).await;
    app.settle().await;
    assert_eq!(app.relayed().len(), 2);
    finish_clean(app).await;
}

async fn changes_are_told_in_the_conversation(database: Database) {
    let app = start(database, json!({ "groups": "on" })).await;
    // without a conversation there is nobody to tell
    app.codechat.change_members(SESSION, GROUP, "promote", BIA, &[ANA]);
    app.settle().await;
    assert_eq!(app.relayed().len(), 0);
    let first = shown(&app, &text(GROUP, BIA, "Bia", "Oi")).await;
    app.codechat.change_members(SESSION, GROUP, "add", BIA, &["5511900000008"]);
    let joined = notes(&app, 1).await.remove(0);
    assert_eq!((joined.private, joined.conversation), (true, first.conversation));
    assert_eq!(content(&joined), "👥 Joined the group: +55 11 90000-0008 · by Bia (+55 11 90000-0002)");
    app.codechat.change_members(SESSION, GROUP, "remove", BIA, &[BIA]);
    assert_eq!(content(&notes(&app, 2).await[1]), "👥 Left the group: Bia (+55 11 90000-0002)");
    app.codechat.rename_group(SESSION, GROUP, "Família {{ x }}", BIA);
    let renamed = notes(&app, 3).await.remove(2);
    assert_eq!(
        content(&renamed).replace('\u{200b}', ""),
        "👥 Group name: Família {{ x }} · by Bia (+55 11 90000-0002)"
    );
    assert_eq!(app.chatwoot.contacts()[0].name, "Família {{ x }}");
    app.codechat.change_group(SESSION, GROUP, json!({ "announce": true }), BIA);
    assert!(content(&notes(&app, 4).await[3]).starts_with("👥 Only administrators can send messages · by "));
    // a change is no late message, and makes none late
    let after = shown(&app, &text(GROUP, BIA, "Bia", "Tchau")).await;
    assert!(!content(&after).contains("🕓"), "{}", content(&after));
    finish_clean(app).await;
}

async fn a_name_that_agents_gave_stays(database: Database) {
    let app = start(database, json!({ "groups": "on" })).await;
    shown(&app, &text(GROUP, BIA, "Bia", "Oi")).await;
    let contact = app.chatwoot.contacts().remove(0).id;
    let url = format!("{}/api/v1/accounts/{}/contacts/{contact}", app.chatwoot.base_url(), app.account);
    let rename = json!({ "name": "Condomínio Sol" });
    let answer = app.http().put(url).header("api_access_token", &app.token).json(&rename).send().await.unwrap();
    assert!(answer.status().is_success());
    app.codechat.rename_group(SESSION, GROUP, "Outro nome", BIA);
    notes(&app, 1).await;
    app.settle().await;
    assert_eq!(app.chatwoot.contacts()[0].name, "Condomínio Sol");
    finish_clean(app).await;
}

async fn groups_are_left_alone_unless_wanted(database: Database) {
    let app = start(database, json!({})).await;
    app.codechat.customer_sends(SESSION, &text(GROUP, BIA, "Bia", "Oi")).unwrap();
    app.codechat.change_members(SESSION, GROUP, "add", BIA, &[ANA]);
    says(&app, ANA, "Oi");
    app.chatwoot_has(1).await;
    app.settle().await;
    assert_eq!(app.relayed().len(), 1);
    let events = app.engine.store.events(10).await.unwrap().into_iter();
    let about_groups = events.filter(|event| event.kind != "connection.update");
    let reasons: Vec<_> = about_groups.filter_map(|event| event.reason).collect();
    assert_eq!(reasons, ["groups_off", "groups_off"]);
    // who writes there is nobody's business
    let bia = relay_domain::jid::Jid::parse("5511900000002@s.whatsapp.net").unwrap();
    assert_eq!(app.engine.store.person(&session(&app).await, &bia).await.unwrap(), None);
    finish_clean(app).await;
}

async fn only_listed_groups_are_shown(database: Database) {
    let app = start(database, json!({ "groups": { "only": [GROUP] } })).await;
    app.codechat.customer_sends(SESSION, &text(OTHER, BIA, "Bia", "Não")).unwrap();
    // an old id does not come through CodeChat
    app.codechat.customer_sends(SESSION, &text("5511900000002-1600000000@g.us", BIA, "Bia", "Não")).unwrap();
    let shown = shown(&app, &text(GROUP, BIA, "Bia", "Sim")).await;
    app.settle().await;
    assert_eq!(app.relayed().len(), 1);
    let (all, _) =
        app.call(reqwest::Method::PATCH, "/session/loja01", Some(&json!({ "settings": { "groups": "on" } }))).await;
    assert_eq!(all, 200);
    app.codechat.customer_sends(SESSION, &text("5511900000002-1600000000@g.us", BIA, "Bia", "Não")).unwrap();
    let other = self::shown(&app, &text(OTHER, BIA, "Bia", "Sim também")).await;
    app.settle().await;
    assert_ne!(shown.conversation, other.conversation);
    // nobody told what this one is called
    let contact = app.chatwoot.contacts().into_iter().find(|contact| contact.identifier.as_deref() == Some(OTHER));
    assert_eq!(contact.unwrap().name, "WhatsApp group 120363000000000002");
    let events = app.engine.store.events(10).await.unwrap();
    assert!(events.iter().any(|event| event.reason.as_deref() == Some("group_unnamed")), "{events:?}");
    assert_eq!(app.relayed().len(), 2);
    finish_clean(app).await;
}
