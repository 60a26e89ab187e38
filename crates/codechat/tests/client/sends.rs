//! The calls that send messages and fetch media, and how they fail.

use crate::support::{Server, TOKEN, hurried, response, rest};
use axum::body::{Body, Bytes};
use codechat::{
    Auth, Certainty, ContactCard, Deadlines, ErrorKind, MediaKind, Presence, Quoted, SendContact, SendLocation,
    SendMedia, SendOptions, SendReaction, SendText,
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use url::Url;

const JID: &str = "5511900000001@s.whatsapp.net";

fn text() -> SendText {
    SendText { number: JID.to_owned(), text: "com id".to_owned(), options: SendOptions::default() }
}

fn media(url: &str) -> SendMedia {
    SendMedia {
        number: JID.to_owned(),
        kind: MediaKind::Image,
        url: Url::parse(url).unwrap(),
        file_name: None,
        caption: None,
        options: SendOptions::default(),
    }
}

#[tokio::test]
async fn a_text_is_sent_with_everything() {
    let server = Server::start().await;
    server.answers_recorded("message_sendText__preset_id_and_external_attributes");
    let quoted = json!({ "keyId": "3A0", "content": "oi", "mediaKey": { "type": "Buffer", "data": [1, 2] } });
    let options = SendOptions {
        message_id: Some("RELAY0000000000000001".to_owned()),
        quoted: Some(Quoted::Message(quoted)),
        external_attributes: Some(json!({ "relay": 1 })),
        delay: Some(1200),
        presence: Some(Presence::Composing),
    };
    let sent = server.client().send_text("loja01", &SendText { options, ..text() }).await.unwrap();
    assert_eq!((sent.key_id.as_str(), sent.row_id), ("RELAY0000000000000001", Some(126)));
    assert_eq!(sent.remote_jid.as_deref(), Some(JID));
    assert_eq!((sent.message_type.as_deref(), sent.timestamp), (Some("extendedTextMessage"), Some(1_795_342_006)));

    let asked = server.only();
    assert_eq!(asked.line(), "POST /message/sendText/loja01");
    let bearer = format!("Bearer {TOKEN}");
    assert_eq!((asked.header("apikey"), asked.header("authorization")), (None, Some(bearer.as_str())));
    let expected = json!({
        "number": JID,
        "options": {
            "messageId": "RELAY0000000000000001",
            "quotedMessage": { "keyId": "3A0", "content": { "text": "oi" }, "mediaKey": "AQI=" },
            "externalAttributes": { "relay": 1 }, "delay": 1200, "presence": "composing",
        },
        "textMessage": { "text": "com id" },
    });
    assert_eq!(asked.json(), expected);
}

#[tokio::test]
async fn a_plain_text_has_no_options() {
    let server = Server::start().await;
    server.answers_recorded("message_sendText__nodb");
    let sent = server.client().send_text("loja01", &text()).await.unwrap();
    assert_eq!(sent.row_id, None);
    assert_eq!(server.only().json(), json!({ "number": JID, "textMessage": { "text": "com id" } }));
}

#[tokio::test]
async fn a_file_is_sent_by_its_address() {
    let server = Server::start().await;
    server.answers_recorded("message_sendMedia__audio_ogg_opus_content_type");
    let message = SendMedia {
        kind: MediaKind::Document,
        file_name: Some("Orçamento.pdf".to_owned()),
        caption: Some("veja".to_owned()),
        options: SendOptions { quoted: Some(Quoted::Row(162)), ..SendOptions::default() },
        ..media("http://files.example:8085/file/x?type=a%2Fb")
    };
    let sent = server.client().send_media("loja01", &message).await.unwrap();
    assert_eq!((sent.key_id.as_str(), sent.message_type.as_deref()), ("RELAYPTT2", Some("audioMessage")));
    let expected = json!({
        "number": JID,
        "options": { "quotedMessageId": 162 },
        "mediaMessage": {
            "mediatype": "document", "media": "http://files.example:8085/file/x?type=a%2Fb",
            "fileName": "Orçamento.pdf", "caption": "veja",
        },
    });
    assert_eq!((server.only().line(), server.only().json()), ("POST /message/sendMedia/loja01".to_owned(), expected));
}

#[tokio::test]
async fn a_success_without_a_word_has_sent_nothing() {
    for name in ["url_localhost", "url_docker_host", "url_underscore_host"] {
        let server = Server::start().await;
        server.answers_recorded(&format!("message_sendMedia__{name}"));
        let error =
            server.client().send_media("loja01", &media("http://relay:3000/one-time-secret")).await.unwrap_err();
        assert_eq!((&error.kind, error.certainty), (&ErrorKind::NothingSent, Certainty::NotDelivered), "{name}");
        assert_eq!((error.status, error.detail.as_str()), (Some(201), "the media host `relay` was refused"));
    }
}

#[tokio::test]
async fn a_success_that_cannot_be_read_may_have_sent() {
    let server = Server::start().await;
    for body in ["", "[]", "{\"keyId\":\"\"}", "<html>", "null"] {
        server.answers(response(201, &[], body));
        let error = server.client().send_text("loja01", &text()).await.unwrap_err();
        assert_eq!((error.kind, error.certainty), (ErrorKind::Unexpected, Certainty::MaybeDelivered), "{body}");
    }
}

#[tokio::test]
async fn a_place_contacts_and_a_reaction_are_sent() {
    let server = Server::start().await;
    server.answers_recorded("message_sendLocation__ok");
    let place = SendLocation {
        number: JID.to_owned(),
        latitude: -23.55052,
        longitude: -46.633_308,
        name: Some("Praça da Sé".to_owned()),
        address: None,
        options: SendOptions::default(),
    };
    server.client().send_location("loja01", &place).await.unwrap();
    let expected = json!({ "latitude": -23.55052, "longitude": -46.633_308, "name": "Praça da Sé" });
    assert_eq!(server.only().json(), json!({ "number": JID, "locationMessage": expected }));

    let server = Server::start().await;
    server.answers_recorded("message_sendContact__one");
    let card = ContactCard {
        full_name: "João\r\nTEL:1".to_owned(),
        wuid: "5511900000003".to_owned(),
        phone_number: "+55 11 90000-0003".to_owned(),
    };
    let contact = SendContact { number: JID.to_owned(), contacts: vec![card], options: SendOptions::default() };
    server.client().send_contact("loja01", &contact).await.unwrap();
    let card = json!({ "fullName": "João  TEL:1", "wuid": "5511900000003", "phoneNumber": "+55 11 90000-0003" });
    assert_eq!(server.only().json(), json!({ "number": JID, "contactMessage": [card] }));

    let server = Server::start().await;
    server.answers_recorded("message_sendReaction__group_with_participant");
    let reaction = SendReaction {
        remote_jid: "120363000000000001@g.us".to_owned(),
        key_id: "3A0".to_owned(),
        from_me: false,
        participant: Some("2@lid".to_owned()),
        reaction: "❤️".to_owned(),
    };
    server.client().send_reaction("loja01", &reaction).await.unwrap();
    let key = json!({ "id": "3A0", "remoteJid": "120363000000000001@g.us", "fromMe": false, "participant": "2@lid" });
    assert_eq!(server.only().json(), json!({ "reactionMessage": { "key": key, "reaction": "❤️" } }));
}

#[tokio::test]
async fn a_send_without_an_answer_may_have_been_done() {
    let server = Server::start().await;
    let client = server.client().with_deadlines(hurried());
    let error = client.send_text("loja01", &text()).await.unwrap_err();
    assert_eq!((error.kind, error.certainty), (ErrorKind::TimedOut, Certainty::MaybeDelivered));
    assert!(server.was_asked());
    assert!(!error.detail.contains("loja01"), "{}", error.detail);
}

#[tokio::test]
async fn a_server_that_is_away_did_nothing() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    drop(listener);
    let client = crate::support::client(url, Auth::Global("k".into()));
    let error = client.send_text("loja01", &text()).await.unwrap_err();
    assert_eq!((error.kind, error.certainty), (ErrorKind::Unreachable, Certainty::NotDelivered));
}

#[tokio::test]
async fn a_server_that_hangs_up_may_have_sent() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        stream.readable().await.unwrap();
        drop(stream);
    });
    let client = crate::support::client(url, Auth::Global("k".into()));
    let error = client.send_text("loja01", &text()).await.unwrap_err();
    assert_eq!((error.kind, error.certainty), (ErrorKind::Unreachable, Certainty::MaybeDelivered));
}

#[tokio::test]
async fn refusals_are_classified_by_what_was_asked() {
    let server = Server::start().await;
    server.answers_recorded("message_sendText__relay_throws");
    let error = server.client().send_text("loja01", &text()).await.unwrap_err();
    assert_eq!((error.kind, error.certainty), (ErrorKind::Rejected, Certainty::MaybeDelivered));
    server.answers(response(429, &[("retry-after", "3")], ""));
    let error = server.client().send_text("loja01", &text()).await.unwrap_err();
    let retry_after = Some(std::time::Duration::from_secs(3));
    assert_eq!((error.kind, error.certainty), (ErrorKind::RateLimited { retry_after }, Certainty::NotDelivered));
    server.answers(response(302, &[("location", "https://login.example/?next=secret")], ""));
    let error = server.client().send_text("loja01", &text()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unexpected);
    assert_eq!(error.detail, "the server redirects to https://login.example");
}

#[tokio::test]
async fn names_that_would_change_the_address_are_refused() {
    let server = Server::start().await;
    for name in ["", ".", "..", "a\nb"] {
        let error = server.client().send_text(name, &text()).await.unwrap_err();
        assert_eq!((error.kind, error.certainty), (ErrorKind::Rejected, Certainty::NotDelivered), "{name:?}");
    }
    let base = server.client().base().clone();
    let error = crate::support::client(base, Auth::Instance("a\nb".into())).send_text("x", &text()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unauthorized);
    assert!(!server.was_asked());
}

#[tokio::test]
async fn an_answer_that_is_too_long_is_not_read() {
    let server = Server::start().await;
    server.answers(response(200, &[], vec![b' '; 5 << 20]));
    let error = server.client().find_webhook("loja01").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::TooLarge);
}

#[tokio::test]
async fn media_is_streamed() {
    let server = Server::start().await;
    let headers = [
        ("content-type", "audio/ogg; codecs=opus"),
        ("content-disposition", "inline; filename=\"Or%C3%A7amento.pdf\""),
    ];
    server.answers(response(200, &headers, "OggS and more"));
    let content = json!({ "url": "https://mmg.whatsapp.net/x", "mediaKey": { "type": "Buffer", "data": [5, 5] } });
    let media = server.client().media("loja01", "audioMessage", &content).await.unwrap();
    assert_eq!(media.content_type.as_deref(), Some("audio/ogg; codecs=opus"));
    assert_eq!((media.file_name.as_deref(), media.content_length), (Some("Orçamento.pdf"), Some(13)));
    let chunks: Vec<Bytes> = media.body.try_collect().await.unwrap();
    assert_eq!(chunks.concat(), b"OggS and more");

    let asked = server.only();
    assert_eq!(asked.line(), "POST /chat/mediaData/loja01?binary=true");
    let content = json!({ "url": "https://mmg.whatsapp.net/x", "mediaKey": "BQU=" });
    assert_eq!(asked.json(), json!({ "messageType": "audioMessage", "content": content }));
}

#[tokio::test]
async fn the_bytes_of_an_own_message_are_asked_as_the_server_wants_them() {
    let own = rest("chat_mediaData__own_sent_image")["request"]["body"]["content"].take();
    let server = Server::start().await;
    server.answers(response(200, &[], ""));
    server.client().media("loja01", "imageMessage", &own).await.unwrap();
    let content = server.only().json()["content"].take();
    for field in ["mediaKey", "fileSha256", "fileEncSha256", "jpegThumbnail"] {
        assert!(content[field].is_string(), "{field}");
    }
    assert_eq!(content["fileLength"], own["fileLength"]);
    assert_eq!(content["annotations"], json!([]));
}

#[tokio::test]
async fn media_that_is_gone_is_an_error() {
    let server = Server::start().await;
    server.answers_recorded("chat_mediaData__expired_410");
    let error = server.client().media("loja01", "imageMessage", &Value::Null).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::MediaUnavailable);
}

#[tokio::test]
async fn media_that_breaks_off_is_an_error() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        assert_ne!(stream.read(&mut [0; 64]).await.unwrap(), 0);
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf").await.unwrap();
        stream.shutdown().await.unwrap();
        // Reading the rest of what is asked keeps the answer from being thrown away.
        stream.read_to_end(&mut Vec::new()).await.unwrap();
    });
    let client = crate::support::client(url, Auth::Global("k".into()));
    let media = client.media("loja01", "imageMessage", &Value::Null).await.unwrap();
    let parts: Vec<_> = media.body.collect().await;
    let error = parts.last().unwrap().as_ref().unwrap_err();
    assert_eq!((&error.kind, error.certainty), (&ErrorKind::Unreachable, Certainty::MaybeDelivered));
}

#[tokio::test]
async fn media_that_never_ends_times_out() {
    let server = Server::start().await;
    let endless = stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"half"))]).chain(stream::pending());
    server.answers(response(200, &[], Body::from_stream(endless)));
    let client = server.client().with_deadlines(Deadlines { silence: hurried().silence, ..Deadlines::default() });
    let media = client.media("loja01", "imageMessage", &Value::Null).await.unwrap();
    let error = media.body.try_collect::<Vec<_>>().await.unwrap_err();
    assert_eq!((error.kind, error.certainty), (ErrorKind::TimedOut, Certainty::MaybeDelivered));
}
