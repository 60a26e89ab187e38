//! From WhatsApp to Chatwoot: replies, the own phone, copies, order, and what it costs.

use std::collections::BTreeMap;
use std::time::Duration;

use relay_sim::{AgentMessage, CustomerMessage, HookFaults, route};
use relay_testing::{Database, Options, TestApp};

use crate::support::{ANA, SESSION, answers, finish_clean, heard, meet, relayed_as, says, texts_in, texts_sent};

both!(
    replies_point_at_what_they_answer,
    typed_on_the_phone,
    copies_count_once,
    swapped_webhooks_come_out_in_order,
    a_burst_opens_one_conversation,
    the_steady_state_costs_one_call_each,
);

fn quoting(key: &str, text: &str) -> CustomerMessage {
    CustomerMessage { quote: Some(key.to_owned()), ..CustomerMessage::text(ANA, text) }
}

async fn replies_point_at_what_they_answer(database: Database) {
    let app = TestApp::start(database).await;
    let conversation = meet(&app, ANA).await;
    let question = answers(&app, conversation, AgentMessage::text("Vai querer entrega?"));
    app.whatsapp_has(1).await;
    let asked = app.codechat.submissions().remove(0).message_id;
    let reply = app.codechat.customer_sends(SESSION, &quoting(&asked, "Vou sim")).unwrap();
    let reply = relayed_as(&app, &reply).await;
    assert_eq!(reply.content_attributes["in_reply_to"], question);
    assert_eq!(reply.content.as_deref(), Some("Vou sim"));

    // a reply to a reply, quoted by the agent in turn
    let thanks = AgentMessage { in_reply_to: Some(reply.id), ..AgentMessage::text("Ótimo") };
    answers(&app, conversation, thanks);
    app.whatsapp_has(2).await;
    let quoted = app.codechat.submissions().remove(1).quoted;
    assert_eq!(quoted.map(|id| format!("WAID:{id}")), reply.source_id);

    // the webhook of this one is lost, so it never reaches Chatwoot
    app.codechat.set_hook_faults(HookFaults { drop_percent: 100, ..HookFaults::default() });
    let unknown = says(&app, ANA, "Quero dois *bolos*");
    app.codechat.set_hook_faults(HookFaults::default());
    let reply = app.codechat.customer_sends(SESSION, &quoting(&unknown, "De chocolate")).unwrap();
    let reply = relayed_as(&app, &reply).await.content.unwrap();
    assert!(reply.starts_with("> In reply to: Quero dois") && reply.ends_with("\n\nDe chocolate"), "{reply}");
    finish_clean(app).await;
}

async fn typed_on_the_phone(database: Database) {
    let app = TestApp::start(database).await;
    let conversation = meet(&app, ANA).await;
    let key = app.codechat.phone_sends(SESSION, &CustomerMessage::text(ANA, "Já te ligo {{ agora }}")).unwrap();
    let mirrored = relayed_as(&app, &key).await;
    assert_eq!((mirrored.conversation, mirrored.message_type.as_str()), (conversation, "outgoing"));
    assert_eq!(mirrored.content_attributes["external_echo"], true);
    // Chatwoot would fill in variables of an outgoing text; a character nobody sees keeps it from that
    let text = mirrored.content.unwrap().replace('\u{200b}', "");
    assert_eq!(text, "Já te ligo {{ agora }}");
    // Chatwoot tells us of it as of any agent's message
    heard(&app, mirrored.id).await;
    answers(&app, conversation, AgentMessage::text("Ligou?"));
    app.whatsapp_has(1).await;
    assert_eq!(texts_sent(&app), ["Ligou?"]);
    finish_clean(app).await;
}

async fn copies_count_once(database: Database) {
    const COPIES: usize = 5;
    let fivefold = HookFaults { duplicate_percent: 100, extra_copies: 4, jitter_ms: 20, ..HookFaults::default() };
    let app = TestApp::start(database).await;
    let conversation = meet(&app, ANA).await;
    app.codechat.set_hook_faults(fivefold);
    app.chatwoot.set_hook_faults(fivefold);
    let again = CustomerMessage { key_id: Some("3EB0C431C26A1916E07E".to_owned()), ..CustomerMessage::text(ANA, "Um") };
    app.codechat.customer_sends(SESSION, &again).unwrap();
    app.codechat.customer_sends(SESSION, &again).unwrap();
    app.codechat.customer_sends(SESSION, &CustomerMessage::text(ANA, "Dois")).unwrap();
    let told = async || app.codechat.ack_log().iter().filter(|ack| ack.event == "messages.upsert").count();
    app.until("every copy", async || told().await == 1 + 3 * COPIES).await;
    let answer = answers(&app, conversation, AgentMessage::text("Certo"));
    let key = format!("message_created:{answer}");
    let heard = async || app.chatwoot.ack_log().iter().filter(|ack| ack.key == key).count();
    app.until("every copy of the answer", async || heard().await == COPIES).await;
    app.settle().await;
    assert_eq!(texts_in(&app, conversation), ["Oi", "Um", "Dois"]);
    assert_eq!(texts_sent(&app), ["Certo"]);
    assert!(app.codechat.ack_log().iter().all(|ack| ack.outcome.is_accepted()));
    finish_clean(app).await;
}

async fn swapped_webhooks_come_out_in_order(database: Database) {
    // fewer than a conversation gets in a minute
    const COUNT: usize = 150;
    // longer than by default, so that a busy machine does not make webhooks late
    let options = Options { tune: |config| config.hold_in = Duration::from_millis(800), ..Options::on(database) };
    let app = TestApp::with(options).await;
    app.codechat.set_hook_faults(HookFaults { jitter_ms: 100, ..HookFaults::default() });
    let wanted: Vec<_> = (0..COUNT).map(|number| format!("mensagem {number}")).collect();
    for (timestamp, text) in (1_750_000_000..).zip(&wanted) {
        let message = CustomerMessage { timestamp: Some(timestamp), ..CustomerMessage::text(ANA, text) };
        app.codechat.customer_sends(SESSION, &message).unwrap();
        // a pace at which debug builds keep up
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    app.chatwoot_has(COUNT).await;
    assert_eq!(texts_in(&app, app.conversation()), wanted);
    let arrivals: Vec<_> = app.codechat.ack_log().into_iter().filter(|ack| ack.event == "messages.upsert").collect();
    let sent: Vec<_> =
        app.codechat.customer_ledger().iter().map(|sent| format!("messages.upsert:{}", sent.key_id)).collect();
    assert_ne!(arrivals.into_iter().map(|ack| ack.key).collect::<Vec<_>>(), sent, "some were swapped on the way");
    finish_clean(app).await;
}

async fn a_burst_opens_one_conversation(database: Database) {
    const COUNT: usize = 50;
    let app = TestApp::start(database).await;
    for number in 0..COUNT {
        says(&app, ANA, &number.to_string());
    }
    app.chatwoot_has(COUNT).await;
    app.settle().await;
    assert_eq!(app.relayed().len(), COUNT);
    assert_eq!((app.chatwoot.contacts().len(), app.chatwoot.conversations().len()), (1, 1));
    assert_eq!(app.chatwoot.calls()[route::CONTACT_CREATE], 1);
    assert_eq!(app.chatwoot.calls()[route::CONVERSATION_CREATE], 1);
    finish_clean(app).await;
}

async fn the_steady_state_costs_one_call_each(database: Database) {
    let app = TestApp::start(database).await;
    let conversation = meet(&app, ANA).await;
    answers(&app, conversation, AgentMessage::text("Bom dia"));
    app.whatsapp_has(1).await;
    app.settle().await;
    app.until("the first read mark", async || app.codechat.read_marks().len() == 1).await;

    app.chatwoot.reset_calls();
    app.codechat.reset_calls();
    for number in 2..=4 {
        says(&app, ANA, "e mais isto");
        app.chatwoot_has(number).await;
    }
    app.settle().await;
    assert_eq!(app.chatwoot.calls(), BTreeMap::from([(route::MESSAGE_CREATE.to_owned(), 3)]));
    assert_eq!(app.codechat.calls(), BTreeMap::new());

    app.chatwoot.reset_calls();
    for number in 2..=3 {
        answers(&app, conversation, AgentMessage::text("anotado"));
        app.whatsapp_has(number).await;
    }
    app.settle().await;
    // and one for all that the answers show to be read
    app.until("the read mark", async || app.codechat.read_marks().len() == 2).await;
    let calls = [("PATCH /chat/readMessages/{instance}", 1), ("POST /message/sendText/{instance}", 2)];
    assert_eq!(app.codechat.calls(), BTreeMap::from(calls.map(|(route, count)| (route.to_owned(), count))));
    assert_eq!(app.chatwoot.calls(), BTreeMap::new());
    finish_clean(app).await;
}
