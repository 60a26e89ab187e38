//! The bytes of a form, header by header.

use std::path::PathBuf;

use bytes::Bytes;
use chatwoot::{Certainty, Direction, ErrorKind, NewMessage, Upload, UploadSource};
use serde_json::{Map, json};

use crate::support::{Asked, Server, rest};

/// The parts of a form: the headers of each and its bytes.
fn parts(asked: &Asked) -> Vec<(Vec<String>, String)> {
    let content_type = asked.header("content-type").unwrap();
    let boundary = content_type.strip_prefix("multipart/form-data; boundary=").unwrap();
    let text = asked.text();
    let end = format!("--{boundary}--\r\n");
    let text = text.strip_suffix(&end).expect("a closing boundary");
    let start = format!("--{boundary}\r\n");
    let pieces = text.split(&start).skip(1);
    pieces
        .map(|piece| {
            let (head, body) = piece.split_once("\r\n\r\n").unwrap();
            let headers = head.split("\r\n").map(str::to_owned).collect();
            (headers, body.strip_suffix("\r\n").unwrap().to_owned())
        })
        .collect()
}

fn value_of(parts: &[(Vec<String>, String)], name: &str) -> Option<String> {
    let header = format!("Content-Disposition: form-data; name=\"{name}\"");
    parts.iter().find(|(headers, _)| headers[0] == header).map(|(_, body)| body.clone())
}

fn bytes(name: &str, mime: &str, content: &'static str) -> Upload {
    Upload {
        file_name: name.to_owned(),
        mime: mime.to_owned(),
        source: UploadSource::Bytes(Bytes::from_static(content.as_bytes())),
    }
}

struct TempFile(PathBuf);

impl TempFile {
    fn holding(name: &str, content: &str) -> Self {
        let path = std::env::temp_dir().join(format!("chatwoot-{}-{name}", std::process::id()));
        std::fs::write(&path, content).unwrap();
        Self(path)
    }

    fn upload(&self, length: u64) -> Upload {
        let source = UploadSource::Path(self.0.clone(), length);
        Upload { file_name: "voice.ogg".to_owned(), mime: "audio/ogg; codecs=opus".to_owned(), source }
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).expect("the file is still there");
    }
}

#[tokio::test]
async fn a_message_with_files_is_a_form_of_known_length() {
    let server = Server::start().await;
    server.answers_json(200, &rest("messages.create"));
    let file = TempFile::holding("form", "OggS bytes");
    let new = NewMessage {
        content: Some("caption".to_owned()),
        source_id: Some("WAID:3EB0".to_owned()),
        content_attributes: Map::from_iter([("in_reply_to".to_owned(), json!(9001))]),
        attachments: vec![file.upload(10), bytes("a.png", "image/png", "PNG")],
        is_voice_message: true,
        ..NewMessage::new(Direction::Incoming)
    };
    assert_eq!(server.client().create_message(42, &new).await.unwrap().id, 9002);

    let asked = server.only();
    assert_eq!(asked.line(), "POST /api/v1/accounts/7/conversations/42/messages");
    assert_eq!(asked.header("content-length").unwrap(), asked.body.len().to_string());
    assert_eq!(asked.header("transfer-encoding"), None);
    let parts = parts(&asked);
    assert_eq!(parts.len(), 8);
    for (name, value) in [
        ("content", "caption"),
        ("message_type", "incoming"),
        ("private", "false"),
        ("source_id", "WAID:3EB0"),
        ("content_attributes", "{\"in_reply_to\":9001}"),
        ("is_voice_message", "true"),
    ] {
        assert_eq!(value_of(&parts, name).as_deref(), Some(value), "{name}");
    }
    let (headers, body) = &parts[6];
    assert_eq!(
        headers,
        &["Content-Disposition: form-data; name=\"attachments[]\"; filename=\"voice.ogg\"", "Content-Type: audio/ogg",]
    );
    assert_eq!(body, "OggS bytes");
    assert_eq!(parts[7].0[1], "Content-Type: image/png");
}

#[tokio::test]
async fn a_form_leaves_out_what_is_not_there() {
    let server = Server::start().await;
    server.answers_json(200, &rest("messages.create"));
    let attachments = vec![bytes("a.png", "image/png", "PNG")];
    let new = NewMessage { attachments, ..NewMessage::new(Direction::Outgoing) };
    server.client().create_message(42, &new).await.unwrap();
    let parts = parts(&server.only());
    for absent in ["content", "source_id", "is_voice_message"] {
        assert_eq!(value_of(&parts, absent), None, "{absent}");
    }
    assert_eq!(value_of(&parts, "content_attributes").as_deref(), Some("{}"));
    assert_eq!(parts.len(), 4);
}

#[tokio::test]
async fn a_file_name_cannot_add_a_header_or_a_part() {
    let server = Server::start().await;
    for name in ["a\"\r\nX: y.pdf", "\u{202E}fdp.exe", "x\"; name=\"private", "\r\n\r\n--b\r\n", "😀.pdf"] {
        server.answers_json(200, &rest("messages.create"));
        let attachments = vec![bytes(name, "application/pdf\r\nX: y", "PDF")];
        let new = NewMessage { attachments, ..NewMessage::new(Direction::Incoming) };
        server.client().create_message(42, &new).await.unwrap();
    }
    let names: Vec<_> = server
        .asked()
        .iter()
        .map(|asked| {
            let parts = parts(asked);
            assert_eq!(parts.len(), 4, "{parts:#?}");
            let (headers, body) = &parts[3];
            assert_eq!((headers.len(), body.as_str()), (2, "PDF"), "{headers:#?}");
            assert_eq!(headers[1], "Content-Type: application/octet-stream");
            headers[0].strip_prefix("Content-Disposition: form-data; name=\"attachments[]\"; ").unwrap().to_owned()
        })
        .collect();
    assert_eq!(
        names,
        [
            "filename=\"a'X: y.pdf\"",
            "filename=\"fdp.exe\"",
            "filename=\"x'; name='private\"",
            "filename=\"--b\"",
            "filename=\"😀.pdf\"",
        ]
    );
}

#[tokio::test]
async fn a_text_that_holds_the_boundary_of_before_adds_no_part() {
    let server = Server::start().await;
    server.answers_json(200, &rest("messages.create")).answers_json(200, &rest("messages.create"));
    let attachments = vec![bytes("a.png", "image/png", "PNG")];
    let mut new = NewMessage { attachments, ..NewMessage::new(Direction::Incoming) };
    server.client().create_message(42, &new).await.unwrap();
    let boundary = server.only().header("content-type").unwrap().split_once('=').unwrap().1.to_owned();
    let forged = format!("\r\n--{boundary}\r\nContent-Disposition: form-data; name=\"private\"\r\n\r\ntrue");
    new.content = Some(forged.clone());
    server.client().create_message(42, &new).await.unwrap();
    let parts = parts(&server.asked()[1]);
    assert_eq!(parts.len(), 5);
    assert_eq!(value_of(&parts, "content"), Some(forged));
}

#[tokio::test]
async fn a_file_that_is_gone_or_changed_is_refused_before_anything_is_sent() {
    let server = Server::start().await;
    let file = TempFile::holding("changed", "longer than it was");
    let gone = Upload { source: UploadSource::Path("/nonexistent/file".into(), 3), ..bytes("a", "a/b", "") };
    for upload in [file.upload(3), gone] {
        let new = NewMessage { attachments: vec![upload], ..NewMessage::new(Direction::Incoming) };
        let error = server.client().create_message(42, &new).await.unwrap_err();
        assert_eq!((error.kind, error.certainty), (ErrorKind::Unexpected, Certainty::NotDelivered));
    }
    assert_eq!(server.asked().len(), 0);
}

#[tokio::test]
async fn a_picture_is_uploaded_as_a_form() {
    let server = Server::start().await;
    server.answers_json(200, &rest("contacts.show"));
    let picture = Bytes::from_static(b"JPEG");
    let contact = server.client().set_avatar(55, picture, "me.jpg", "image/jpeg").await.unwrap();
    assert_eq!(contact.id, 55);
    let asked = server.only();
    assert_eq!(asked.line(), "PATCH /api/v1/accounts/7/contacts/55");
    let parts = parts(&asked);
    assert_eq!(
        parts[0].0,
        ["Content-Disposition: form-data; name=\"avatar\"; filename=\"me.jpg\"", "Content-Type: image/jpeg",]
    );
    assert_eq!((parts.len(), parts[0].1.as_str()), (1, "JPEG"));
}
