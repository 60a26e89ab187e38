//! Messages as nobody would send them: known and unknown kinds with wrong types, missing fields, wrappers, huge and odd texts;
//! and recorded ones with parts of them replaced. For tests.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// Kinds and wrappers that random content is given to, beside the recorded ones.
const KINDS: &str = "conversation extendedTextMessage richResponseMessage imageMessage audioMessage documentMessage stickerMessage \
    locationMessage liveLocationMessage contactMessage contactsArrayMessage pollCreationMessageV3 \
    pollCreationMessageV4 pollUpdateMessage pollResultSnapshotMessage eventMessage eventInviteMessage \
    encEventResponseMessage scheduledCallCreationMessage scheduledCallEditMessage albumMessage pinInChatMessage \
    keepInChatMessage groupInviteMessage newsletterAdminInviteMessage stickerPackMessage requestPhoneNumberMessage \
    messageHistoryBundle orderMessage productMessage requestPaymentMessage sendPaymentMessage \
    declinePaymentRequestMessage paymentInviteMessage invoiceMessage buttonsMessage listMessage templateMessage \
    highlyStructuredMessage interactiveMessage buttonsResponseMessage listResponseMessage \
    templateButtonReplyMessage interactiveResponseMessage encCommentMessage secretEncryptedMessage \
    placeholderMessage commentMessage protocolMessage reactionMessage encReactionMessage ephemeralMessage \
    viewOnceMessageV2 editedMessage lottieStickerMessage deviceSentMessage fooMessage";

/// Fields that the readers look at.
const FIELDS: &str = "text caption title description name message key id type contextInfo stanzaId quotedMessage forwardingScore \
    isForwarded forwardedNewsletterMessageInfo newsletterName viewOnce mimetype fileName fileLength url directPath \
    mediaKey gifPlayback ptt isLottie degreesLatitude degreesLongitude address isLive timeOffset displayName vcard \
    contacts options optionName selectableOptionsCount pollVotes optionVoteCount pollCreationMessageKey startTime \
    endTime location joinLink isCanceled scheduledTimestampMs callType editType expectedImageCount \
    expectedVideoCount keepType groupName inviteExpiration stickers publisher orderTitle itemCount totalAmount1000 \
    totalCurrencyCode product productImage priceAmount1000 currencyCode amount1000 currencyCodeIso4217 amount \
    noteMessage expiryTimestamp header body footer buttons buttonText displayText nativeFlowInfo nativeFlowMessage \
    buttonParamsJson paramsJson sections rows carouselMessage cards hydratedTemplate hydratedButtons urlButton \
    imageMessage locationMessage selectedDisplayText selectedButtonId singleSelectReply selectedRowId \
    nativeFlowResponseMessage targetMessageKey editedMessage ephemeralExpiration params submessages messageText \
    value offset secretEncType conversation extendedTextMessage externalAdReply 0 low";

/// Wrappers around wrappers, beside what `content` makes by itself.
const MOST_WRAPPED: usize = 4;

/// The words of a list.
fn one_of(words: &'static str) -> impl Strategy<Value = &'static str> {
    prop::sample::select(words.split_whitespace().collect::<Vec<_>>())
}

fn kinds() -> impl Strategy<Value = String> {
    prop_oneof![
        20 => one_of(KINDS).prop_map(str::to_owned),
        1 => prop::sample::select(vec!["", "\u{202e}`*[x](y)"]).prop_map(str::to_owned),
    ]
}

fn texts() -> impl Strategy<Value = String> {
    let bill = r#"{"currency":"BRL","total_amount":{"value":"9223372036854775807","offset":1},"payment_settings":[{"pix_dynamic_code":{"code":"`0\n02`"}}],"order":{"items":[{"name":"*","quantity":-1}]}}"#;
    let pool = [
        "",
        " ",
        "\n",
        "\u{200b}",
        "\u{0}",
        "oi *a* _b_ `c`",
        "[a](http://evil)",
        "https://x.com/a_b",
        "# 1",
        "> ",
        "- ",
        "```",
        "👩\u{200d}👧",
        "\u{202e}abc",
        "{{ x }}",
        "1732600000",
        "-9223372036854775808",
        "NaN",
        "REVOKE",
        "EPHEMERAL_SETTING",
        "MESSAGE_EDIT",
        "{}",
        "{\"id\":[]}",
        bill,
        "BEGIN:VCARD\nFN:\nTEL:\nN;ENCODING=QUOTED-PRINTABLE:=\n=E9;;\nEND:VCARD",
        "data:image/png;base64,AA==",
        "a\r\n\tb",
        "&lt;b&gt;<b>",
    ];
    prop_oneof![
        8 => prop::sample::select(pool.to_vec()).prop_map(str::to_owned),
        3 => any::<String>(),
        1 => ("[a-z*_~`\\[ \n]{1,3}", 1..8000_usize).prop_map(|(piece, times)| piece.repeat(times)),
    ]
}

fn leaves() -> impl Strategy<Value = Value> {
    prop_oneof![
        8 => texts().prop_map(Value::from),
        1 => Just(Value::Null),
        2 => any::<bool>().prop_map(Value::from),
        2 => prop::sample::select(vec![0, 1, 2, 3, 11, 14, 25, 99, -1, i64::MAX, i64::MIN, 1_732_600_000]).prop_map(Value::from),
        1 => any::<f64>().prop_map(|number| json!(number)),
        1 => any::<[i32; 2]>().prop_map(|[low, high]| json!({ "low": low, "high": high, "unsigned": true })),
        1 => any::<[u8; 3]>().prop_map(|bytes| json!({ "type": "Buffer", "data": bytes })),
    ]
}

fn fields() -> impl Strategy<Value = Value> {
    leaves().prop_recursive(5, 60, 6, |inner| {
        let name = one_of(FIELDS);
        prop_oneof![
            4 => prop::collection::vec((name, inner.clone()), 0..6).prop_map(object),
            1 => prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            1 => (kinds(), inner).prop_map(|(kind, content)| json!({ "message": { kind: content } })),
        ]
    })
}

fn object(fields: Vec<(&'static str, Value)>) -> Value {
    Value::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
}

/// Content of some kind, made up.
fn made_up() -> impl Strategy<Value = (String, Value)> {
    let wrappers = prop::collection::vec(prop::sample::select(codechat::WRAPPERS.to_vec()), 0..MOST_WRAPPED);
    (kinds(), fields(), wrappers).prop_map(|(kind, content, wrappers)| {
        wrappers.into_iter().fold((kind, content), |(kind, content), wrapper| {
            (wrapper.to_owned(), json!({ "message": { kind: content } }))
        })
    })
}

/// Content of a recorded message, with some of its values replaced or taken away.
fn damaged() -> impl Strategy<Value = (String, Value)> {
    let damage = (any::<prop::sample::Index>(), prop_oneof![leaves(), Just(Value::Null)]);
    (prop::sample::select(recorded()), prop::collection::vec(damage, 0..6)).prop_map(
        |((kind, mut content), damages)| {
            for (place, with) in damages {
                let mut left = place.index(count(&content).max(1));
                replace(&mut content, &mut left, &with);
            }
            (kind, content)
        },
    )
}

fn recorded() -> Vec<(String, Value)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/codechat/webhooks");
    let files = std::fs::read_dir(folder).expect("the recordings are there").flatten();
    let bodies = files.filter_map(|file| serde_json::from_slice::<Value>(&std::fs::read(file.path()).ok()?).ok());
    let messages = bodies.filter(|body| body["event"] == "messages.upsert");
    messages
        .filter_map(|body| Some((body["data"]["messageType"].as_str()?.to_owned(), body["data"]["content"].clone())))
        .collect()
}

/// Values within a value.
fn count(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(|item| 1 + count(item)).sum(),
        Value::Object(fields) => fields.values().map(|item| 1 + count(item)).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

/// Replaces the value that `left` others stand before; null stands for one that was taken away.
fn replace(value: &mut Value, left: &mut usize, with: &Value) -> bool {
    let mut each = |item: &mut Value| {
        if *left == 0 {
            *item = with.clone();
            return true;
        }
        *left -= 1;
        replace(item, left, with)
    };
    match value {
        Value::Array(items) => items.iter_mut().any(&mut each),
        Value::Object(fields) => fields.values_mut().any(&mut each),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// A `messages.upsert` with odd content, from a customer or from our own phone; `id` tells it apart.
pub(crate) fn messages() -> impl Strategy<Value = Value> {
    let content = prop_oneof![made_up(), damaged()];
    (content, any::<bool>(), leaves(), leaves()).prop_map(|((kind, content), from_me, name, time)| {
        json!({
            "event": "messages.upsert",
            "instance": { "id": 1, "name": "loja01" },
            "data": {
                "keyId": "3AFUZZ", "keyFromMe": from_me, "keyRemoteJid": "5511900000001@s.whatsapp.net", "pushName": name,
                "messageType": kind, "content": content, "messageTimestamp": time, "isGroup": false, "info": { "type": "notify" },
            },
        })
    })
}
