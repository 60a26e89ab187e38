//! Files from agents: names, captions, voice notes, several at once.

use relay_sim::{AgentFile, AgentMessage, BlobDelay, Submission, assets};
use relay_testing::{Database, TestApp};

use crate::support::{ANA, answers, finish_clean, meet, probe, skip_until};

both!(
    pictures_films_and_documents,
    a_recording_becomes_a_voice_note,
    a_text_and_three_files,
    a_file_that_is_not_there_yet,
);

fn file_of(sent: &Submission) -> &relay_sim::MediaRecord {
    sent.media.as_ref().unwrap_or_else(|| panic!("a file: {sent:?}"))
}

fn assert_is_voice(sent: &Submission) {
    let file = file_of(sent);
    assert_eq!((sent.kind.as_str(), file.ptt, sent.text.as_deref()), ("audioMessage", true, None));
    assert_eq!(file.mime, "audio/ogg; codecs=opus");
    let (codec, seconds) = probe(&file.bytes);
    assert_eq!(codec, "opus");
    assert!((0.8..1.4).contains(&seconds), "{seconds} s of one second");
}

async fn pictures_films_and_documents(database: Database) {
    let app = TestApp::start(database).await;
    let conversation = meet(&app, ANA).await;
    let name = "Orçamento nº 1 – São João.pdf";
    let messages = [
        AgentMessage::file("foto.jpg", "image/jpeg", assets::PHOTO.bytes, Some("O **bolo**")),
        AgentMessage::file("filme.mp4", "video/mp4", assets::VIDEO.bytes, None),
        AgentMessage::file(name, "application/pdf", assets::DOCUMENT.bytes, Some("Segue")),
    ];
    for message in messages {
        answers(&app, conversation, message);
    }
    app.whatsapp_has(3).await;
    let sent = app.codechat.submissions();
    let told: Vec<_> =
        sent.iter().map(|sent| (sent.kind.as_str(), sent.text.as_deref(), &*file_of(sent).mime)).collect();
    let wanted = [
        ("imageMessage", Some("O *bolo*"), "image/jpeg"),
        ("videoMessage", None, "video/mp4"),
        ("documentMessage", Some("Segue"), "application/pdf"),
    ];
    assert_eq!(told, wanted);
    assert_eq!(file_of(&sent[2]).file_name.as_deref(), Some(name));
    for (sent, asset) in sent.iter().zip([assets::PHOTO, assets::VIDEO, assets::DOCUMENT]) {
        assert_eq!(&*file_of(sent).bytes, asset.bytes, "{}", asset.name);
        assert!(sent.preset_id);
    }
    finish_clean(app).await;
}

async fn a_recording_becomes_a_voice_note(database: Database) {
    let app = TestApp::start(database).await;
    let conversation = meet(&app, ANA).await;
    let recording = AgentMessage::file("gravação.mp3", "audio/mpeg", assets::MUSIC.bytes, Some("Ouça:"));
    answers(&app, conversation, recording);
    app.whatsapp_has(2).await;
    let sent = app.codechat.submissions();
    assert_eq!((sent[0].kind.as_str(), sent[0].text.as_deref()), ("extendedTextMessage", Some("Ouça:")));
    assert_is_voice(&sent[1]);
    assert_ne!(sent[0].message_id, sent[1].message_id);
    finish_clean(app).await;
}

async fn a_text_and_three_files(database: Database) {
    let app = TestApp::start(database).await;
    let conversation = meet(&app, ANA).await;
    let question = app.relayed().remove(0);
    let file = |name: &str, asset: assets::Asset| AgentFile {
        name: name.to_owned(),
        mime: asset.mime.to_owned(),
        bytes: asset.bytes.into(),
    };
    let message = AgentMessage {
        attachments: vec![
            file("foto.jpg", assets::PHOTO),
            file("conta.pdf", assets::DOCUMENT),
            file("audio.mp3", assets::MUSIC),
        ],
        in_reply_to: Some(question.id),
        ..AgentMessage::text("Tudo aqui")
    };
    answers(&app, conversation, message);
    app.whatsapp_has(3).await;
    app.settle().await;
    let sent = app.codechat.submissions();
    let kinds: Vec<_> = sent.iter().map(|sent| (sent.kind.as_str(), sent.text.as_deref())).collect();
    assert_eq!(kinds, [("imageMessage", Some("Tudo aqui")), ("documentMessage", None), ("audioMessage", None)]);
    assert_is_voice(&sent[2]);
    assert_eq!(sent.iter().map(|sent| sent.quoted.is_some()).collect::<Vec<_>>(), [true, false, false]);
    assert_eq!(sent.len(), 3, "the text goes once");
    finish_clean(app).await;
}

async fn a_file_that_is_not_there_yet(database: Database) {
    let app = TestApp::start(database).await;
    let conversation = meet(&app, ANA).await;
    app.chatwoot.set_blob_delay(BlobDelay { requests: 2, ms: 0 });
    answers(&app, conversation, AgentMessage::file("foto.jpg", "image/jpeg", assets::PHOTO.bytes, Some("Olha")));
    answers(&app, conversation, AgentMessage::text("Viu?"));
    let arrived = async || app.codechat.submission_count() == 2;
    skip_until(&app, "both messages", std::time::Duration::from_secs(1), arrived).await;
    let kinds: Vec<_> = app.codechat.submissions().into_iter().map(|sent| sent.kind).collect();
    assert_eq!(kinds, ["imageMessage", "extendedTextMessage"]);
    finish_clean(app).await;
}
