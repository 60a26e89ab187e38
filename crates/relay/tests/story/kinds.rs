//! Every kind of file and text that a customer can send, as the agent sees it.

use std::collections::HashMap;

use relay_sim::{Chat, CustomerMessage, Kind, LedgerMessage};
use relay_testing::{Database, Options, TestApp};
use reqwest::Method;
use serde_json::json;

use crate::support::{ANA, SESSION, download, finish_clean, probe, relayed_as, sends};

both!(files_and_texts, a_voice_note_is_converted, a_voice_note_may_stay_as_it_is, what_has_no_form_yet_is_announced);

/// What is expected of a kind: the text, and name, mime type and file type of the attachment.
type Row = (Kind, Option<&'static str>, Option<(&'static str, &'static str, &'static str)>);

fn rows() -> Vec<Row> {
    let owned = str::to_owned;
    let photo = Some(("image.jpg", "image/jpeg", "image"));
    let film = Some(("video.mp4", "video/mp4", "video"));
    vec![
        (Kind::Image(Some(owned("Olha *isso*"))), Some("Olha **isso**"), photo),
        (Kind::Image(None), None, photo),
        (Kind::Video(Some(owned("O vídeo"))), Some("O vídeo"), film),
        (Kind::Gif, None, film),
        (Kind::Ptv, None, film),
        (Kind::Audio, None, Some(("audio.mp3", "audio/mpeg", "audio"))),
        (
            Kind::Document(owned("Relatório de março.pdf")),
            None,
            Some(("Relatório de março.pdf", "application/pdf", "file")),
        ),
        (
            Kind::DocumentWithCaption(owned("nota fiscal nº 1.pdf"), owned("segue")),
            Some("segue"),
            Some(("nota fiscal nº 1.pdf", "application/pdf", "file")),
        ),
        (Kind::Sticker, None, Some(("sticker.webp", "image/webp", "image"))),
        (Kind::ViewOnceImage, Some("_👁️ view once_"), photo),
        (Kind::EphemeralText(owned("some logo")), Some("some logo"), None),
    ]
}

async fn files_and_texts(database: Database) {
    let app = TestApp::start(database).await;
    let rows = rows();
    let keys: Vec<_> = rows.iter().map(|(kind, ..)| sends(&app, ANA, kind.clone())).collect();
    app.chatwoot_has(keys.len()).await;
    let hashes: HashMap<_, _> =
        app.codechat.customer_ledger().into_iter().map(|sent| (sent.key_id, sent.media_sha256)).collect();
    let relayed = app.relayed();
    let order: Vec<_> = relayed.iter().filter_map(|message| message.source_id.clone()).collect();
    assert_eq!(order, keys.iter().map(|key| format!("WAID:{key}")).collect::<Vec<_>>());
    for (message, (key, (kind, text, file))) in relayed.iter().zip(keys.iter().zip(&rows)) {
        assert_eq!(message.content.as_deref(), *text, "{kind:?}");
        assert_eq!(message.message_type, "incoming");
        let found: Vec<_> =
            message.attachments.iter().map(|file| (&*file.name, &*file.mime, &*file.file_type)).collect();
        assert_eq!(found, file.iter().copied().collect::<Vec<_>>(), "{kind:?}");
        let hash = message.attachments.first().map(|file| file.sha256.clone());
        assert_eq!(hash, hashes[key], "{kind:?} arrived unchanged");
        assert!(message.attachments.iter().all(|file| !file.is_voice && file.size > 0), "{kind:?}");
    }
    finish_clean(app).await;
}

fn assert_is_converted(message: &LedgerMessage) {
    let [file] = message.attachments.as_slice() else { panic!("one file: {message:?}") };
    assert_eq!((&*file.name, &*file.mime, &*file.file_type), ("voice.mp3", "audio/mpeg", "audio"));
    assert!(file.is_voice);
}

async fn a_voice_note_is_converted(database: Database) {
    let app = TestApp::start(database).await;
    for (kind, text) in [(Kind::Voice, None), (Kind::ViewOnceVoice, Some("_👁️ view once_"))] {
        let key = sends(&app, ANA, kind);
        let message = relayed_as(&app, &key).await;
        assert_eq!(message.content.as_deref(), text);
        assert_is_converted(&message);
        let (codec, seconds) = probe(&download(&app, &message).await);
        assert_eq!(codec, "mp3");
        assert!((0.8..1.4).contains(&seconds), "{seconds} s of one second");
    }
    finish_clean(app).await;
}

async fn a_voice_note_may_stay_as_it_is(database: Database) {
    let app = TestApp::without_session(Options::on(database)).await;
    let session = json!({
        "session_id": SESSION,
        "settings": { "voice": "original" },
        "chatwoot": { "account_id": app.account, "inbox_id": app.inbox, "token": app.token },
    });
    let (status, made) = app.call(Method::POST, "/session", Some(&session)).await;
    assert_eq!(status, 201, "{made}");
    app.codechat.scan_qr(SESSION, "5511988887777");
    let key = sends(&app, ANA, Kind::Voice);
    let message = relayed_as(&app, &key).await;
    let file = &message.attachments[0];
    assert_eq!((&*file.name, &*file.mime, file.is_voice), ("voice.ogg", "audio/ogg", true));
    assert_eq!(Some(&file.sha256), app.codechat.customer_ledger()[0].media_sha256.as_ref());
    finish_clean(app).await;
}

async fn what_has_no_form_yet_is_announced(database: Database) {
    let app = TestApp::start(database).await;
    let odd = sends(&app, ANA, Kind::Raw("holographicMessage".to_owned(), json!({ "depth": 3 })));
    let odd = relayed_as(&app, &odd).await;
    let text = "⚠️ Unsupported message (holographicMessage): open WhatsApp on the phone to see it";
    assert_eq!(odd.content.as_deref(), Some(text));
    assert_eq!(odd.content_attributes["relay_placeholder"], true);
    assert_eq!(odd.content_attributes["is_unsupported"], true);
    let group = CustomerMessage {
        chat: Chat::Group("120363000000000001".to_owned(), ANA.to_owned()),
        ..CustomerMessage::text(ANA, "Bom dia, grupo")
    };
    app.codechat.customer_sends(SESSION, &group).unwrap();
    let heard = async || app.codechat.ack_log().iter().filter(|ack| ack.event == "messages.upsert").count();
    app.until("the group's message", async || heard().await == 2).await;
    let tally = finish_clean(app).await;
    assert_eq!(tally.delivered, 1, "the group is left alone, for a reason that is kept");
}
