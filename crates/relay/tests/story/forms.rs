//! Kinds of message that are neither text nor file, as the agent reads them.

use relay_sim::{Kind, LedgerMessage};
use relay_testing::{Database, Options, TestApp};
use serde_json::{Value, json};

use crate::support::{ANA, download, finish_clean, relayed_as, sends};

both!(
    places_and_cards,
    polls_events_and_what_is_about_them,
    choices_and_money,
    what_can_be_seen_once_stays_on_the_phone,
    small_things_are_told,
);

/// A message of any kind, as the agent sees it.
async fn told(app: &TestApp, kind: &str, content: Value) -> LedgerMessage {
    let key = sends(app, ANA, Kind::Raw(kind.to_owned(), content));
    relayed_as(app, &key).await
}

fn text(message: &LedgerMessage) -> &str {
    assert!(!message.content_attributes.contains_key("relay_placeholder"), "{message:?}");
    message.content.as_deref().unwrap_or_default()
}

async fn places_and_cards(database: Database) {
    let app = TestApp::start(database).await;
    let place = told(
        &app,
        "locationMessage",
        json!({ "degreesLatitude": -23.550_52, "degreesLongitude": -46.633_308, "name": "Praça *da* Sé", "address": "São Paulo" }),
    )
    .await;
    let expected = "📍 **Location**\nPraça \\*da\\* Sé\nSão Paulo\n-23.55052,-46.633308\n\
                    https://www.google.com/maps/search/?api=1&query=-23.55052,-46.633308";
    assert_eq!(text(&place), expected);
    let start =
        told(&app, "liveLocationMessage", json!({ "degreesLatitude": 1, "degreesLongitude": 2, "caption": "Indo" }))
            .await;
    assert!(text(&start).starts_with("📍 **Live location started**\n1,2\n"), "{start:?}");
    assert!(text(&start).ends_with("\n\nIndo"), "{start:?}");
    let moved =
        told(&app, "liveLocationMessage", json!({ "degreesLatitude": 1.5, "degreesLongitude": 2, "timeOffset": 60 }))
            .await;
    assert!(text(&moved).starts_with("📍 **Live location: new position**\n1.5,2\n"), "{moved:?}");

    let joao = "BEGIN:VCARD\nVERSION:3.0\nFN:João Silva\nORG:Loja;\nTEL;waid=5511900000003:+55 11 90000-0003\nTEL:+55 11 3333-4444\nEMAIL:joao@example.com\nEND:VCARD";
    let card = told(&app, "contactMessage", json!({ "displayName": "João Silva", "vcard": joao })).await;
    let expected = "👤 **Contact**\nJoão Silva\nLoja\n📞 +55 11 90000-0003\n📞 +55 11 3333-4444\n✉️ joao@example.com";
    assert_eq!(text(&card), expected);
    let [file] = card.attachments.as_slice() else { panic!("one file: {card:?}") };
    assert_eq!((&*file.name, &*file.mime), ("João Silva.vcf", "text/vcard"));
    assert_eq!(download(&app, &card).await, format!("{joao}\n").into_bytes());
    let two = json!({ "contacts": [{ "displayName": "João Silva", "vcard": joao }, { "displayName": "Só o nome" }] });
    let cards = told(&app, "contactsArrayMessage", two).await;
    assert!(text(&cards).starts_with("👤 **2 contacts**\n\nJoão Silva\n"), "{cards:?}");
    assert!(text(&cards).ends_with("\n\nSó o nome\nno number"), "{cards:?}");
    assert_eq!(cards.attachments[0].name, "contacts.vcf");
    finish_clean(app).await;
}

async fn polls_events_and_what_is_about_them(database: Database) {
    let app = TestApp::start(database).await;
    let poll = json!({ "name": "Qual *dia*?", "options": [{ "optionName": "Seg" }, { "optionName": "[Ter](x)" }], "selectableOptionsCount": 1 });
    let key = sends(&app, ANA, Kind::Raw("pollCreationMessageV3".to_owned(), poll));
    let poll = relayed_as(&app, &key).await;
    assert_eq!(text(&poll), "📊 **Poll**\n\nQual **dia**?\n\n- Seg\n- \\[Ter](x)\n\n_one answer_");
    let vote = told(
        &app,
        "pollUpdateMessage",
        json!({ "pollCreationMessageKey": { "id": key }, "vote": { "encPayload": "AQ==", "encIv": "AQ==" } }),
    )
    .await;
    assert_eq!(vote.content.as_deref(), Some("📊 Vote in the poll: open WhatsApp on the phone to see it"));
    assert_eq!(vote.content_attributes["in_reply_to"], poll.id);
    let event = json!({ "name": "Reunião", "description": "Pauta", "startTime": "1732600000", "endTime": "1732603600",
                        "location": { "name": "Escritório" }, "joinLink": "https://call.example.com/x" });
    let event = told(&app, "eventMessage", event).await;
    assert_eq!(
        text(&event),
        "📅 **Event**\nReunião\n🕓 Nov 26, 2024, 05:46 UTC – Nov 26, 2024, 06:46 UTC\nEscritório\nhttps://call.example.com/x\n\nPauta"
    );
    let pin = told(&app, "pinInChatMessage", json!({ "key": { "id": key }, "type": "PIN_FOR_ALL" })).await;
    assert_eq!((text(&pin), &pin.content_attributes["in_reply_to"]), ("📌 Message pinned", &json!(poll.id)));
    let stray = told(&app, "keepInChatMessage", json!({ "key": { "id": "3EB0FFFF" }, "keepType": 1 })).await;
    assert!(text(&stray).ends_with("\n\n🔖 Message kept"), "{stray:?}");
    finish_clean(app).await;
}

async fn choices_and_money(database: Database) {
    let app = TestApp::start(database).await;
    let params = json!({
        "currency": "BRL", "reference_id": "P-7", "total_amount": { "value": 2590, "offset": 100 },
        "order": { "items": [{ "name": "Caneca", "quantity": 2, "amount": { "value": 1295, "offset": 100 } }] },
        "payment_settings": [
            { "type": "pix_static_code", "pix_static_code": { "merchant_name": "Loja", "key": "11122233344", "key_type": "CPF" } },
            { "type": "pix_dynamic_code", "pix_dynamic_code": { "code": "00020101021226" } },
        ],
    });
    let pix = json!({ "body": { "text": "Segue o PIX" },
                      "nativeFlowMessage": { "buttons": [{ "name": "payment_info", "buttonParamsJson": params.to_string() }] } });
    let pix = told(&app, "interactiveMessage", pix).await;
    let expected = "Segue o PIX\n\n💰 **PIX**\n- 2 × Caneca, R$ 12.95\n\nTotal: R$ 25.90\nReference: P-7\nPayee: Loja\n\
                    Key (CPF): `11122233344`\nCopy and paste:\n`00020101021226`";
    assert_eq!(text(&pix), expected);
    let list = json!({ "title": "Menu", "description": "Escolha", "footerText": "Loja",
                       "sections": [{ "title": "Massas", "rows": [{ "title": "Lasanha", "description": "grande", "rowId": "r1" }] }] });
    let list_key = sends(&app, ANA, Kind::Raw("listMessage".to_owned(), list));
    let list = relayed_as(&app, &list_key).await;
    assert_eq!(text(&list), "**Menu**\n\nEscolha\n\nMassas\n- 🔘 Lasanha: grande\n\n_Loja_");
    let choice = json!({ "title": "Lasanha", "singleSelectReply": { "selectedRowId": "r1" }, "description": "grande",
                         "contextInfo": { "stanzaId": list_key } });
    let choice = told(&app, "listResponseMessage", choice).await;
    assert_eq!(text(&choice), "🔘 Lasanha\ngrande\nId: `r1`");
    assert_eq!(choice.content_attributes["in_reply_to"], list.id);
    let request = json!({ "currencyCodeIso4217": "BRL", "amount1000": { "low": 10_000, "high": 0, "unsigned": true },
                          "noteMessage": { "extendedTextMessage": { "text": "pague" } }, "expiryTimestamp": "0" });
    let request = told(&app, "requestPaymentMessage", request).await;
    assert_eq!(text(&request), "💰 **Payment requested**\nR$ 10.00\n\npague");
    let order = json!({ "orderId": "123", "itemCount": 2, "orderTitle": "Loja", "totalAmount1000": "25900", "totalCurrencyCode": "BRL" });
    assert_eq!(
        text(&told(&app, "orderMessage", order).await),
        "🛒 **Order**\nLoja\nItems: 2\nTotal: R$ 25.90\nNumber: 123"
    );
    finish_clean(app).await;
}

async fn what_can_be_seen_once_stays_on_the_phone(database: Database) {
    let app = TestApp::with(Options { settings: json!({ "view_once": "announce" }), ..Options::on(database) }).await;
    for (kind, what) in [(Kind::ViewOnceImage, "Photo"), (Kind::ViewOnceVoice, "Audio")] {
        let key = sends(&app, ANA, kind);
        let message = relayed_as(&app, &key).await;
        let expected = format!("👁️ {what} to view once: open WhatsApp on the phone to see it");
        assert_eq!(message.content.as_deref(), Some(&*expected));
        assert!(message.attachments.is_empty());
    }
    finish_clean(app).await;
}

async fn small_things_are_told(database: Database) {
    let app = TestApp::start(database).await;
    let table = [
        (
            "protocolMessage",
            json!({ "type": 3, "ephemeralExpiration": 604_800 }),
            "⏱️ Disappearing messages: new ones vanish after 7 days",
        ),
        ("protocolMessage", json!({ "type": 3, "ephemeralExpiration": 0 }), "⏱️ Disappearing messages turned off"),
        ("requestPhoneNumberMessage", json!({}), "📱 Request for the phone number"),
        ("albumMessage", json!({ "expectedImageCount": 2, "expectedVideoCount": 1 }), "🖼️ Album: 2 photos, 1 video"),
        (
            "groupInviteMessage",
            json!({ "groupName": "Amigos", "caption": "Entre" }),
            "👥 **Group invitation**\nAmigos\n\nEntre",
        ),
        (
            "extendedTextMessage",
            json!({ "text": "https://example.com/p", "title": "Produto", "description": "Bom" }),
            "https://example.com/p\n🔗 Produto\nBom",
        ),
        (
            "extendedTextMessage",
            json!({ "text": "oi", "contextInfo": { "isForwarded": true, "forwardingScore": 7 } }),
            "_↪️ forwarded many times_\n\noi",
        ),
        ("conversation", json!({ "text": "\u{200b}" }), "_(message without visible text)_"),
    ];
    for (kind, content, expected) in table {
        assert_eq!(text(&told(&app, kind, content).await), expected);
    }
    finish_clean(app).await;
}
