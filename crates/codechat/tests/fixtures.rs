//! Every webhook that was recorded from a real server is read.
#![expect(clippy::unwrap_used, reason = "a test may stop at what it does not expect")]

use std::path::{Path, PathBuf};

use codechat::{
    ConnectionUpdate, Event, Info, InstanceStatus, Protocol, ProtocolKind, QrUpdate, State, Status, StatusUpdate,
    Upsert, Webhook, context_info, unwrap_content, wire,
};
use serde_json::{Value, json};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/codechat");

/// The server itself lost the address in the echo of this send.
const UNADDRESSED: &str = "sendText__mx_number__2";

fn files(folder: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(Path::new(FOLDER).join(folder)).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn webhook(name: &str) -> Webhook {
    let path = Path::new(FOLDER).join("webhooks").join(format!("{name}.json"));
    Webhook::parse(&std::fs::read(path).unwrap()).unwrap()
}

fn upsert(kind: &str) -> Upsert {
    Upsert::from_value(&webhook(&format!("messages.upsert__{kind}")).data).unwrap()
}

/// Reads what a webhook carries; `true` when it is a message.
fn assert_readable(webhook: &Webhook, name: &str) -> bool {
    match &webhook.event {
        Event::MessagesUpsert | Event::SendMessage => {
            let upsert = Upsert::from_value(&webhook.data).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(!upsert.key_id.is_empty() && !upsert.message_type.is_empty(), "{name}");
            assert!(upsert.timestamp.is_some_and(|seconds| seconds > 1_700_000_000), "{name}");
            assert!(upsert.content.is_object(), "{name}");
            let is_addressed = upsert.remote_jid.is_some() || upsert.lid.is_some();
            assert!(is_addressed || upsert.is_group || name.contains(UNADDRESSED), "{name}");
            return true;
        }
        Event::MessagesUpdate => drop(StatusUpdate::from_value(&webhook.data).unwrap()),
        Event::ConnectionUpdate => drop(ConnectionUpdate::from_value(&webhook.data).unwrap()),
        Event::QrcodeUpdated => drop(QrUpdate::from_value(&webhook.data).unwrap()),
        Event::StatusInstance => drop(InstanceStatus::from_value(&webhook.data).unwrap()),
        Event::Unknown(event) => panic!("{name}: unknown event {event}"),
        _ => {}
    }
    false
}

#[test]
fn every_webhook_is_read() {
    let mut messages = 0;
    let files = files("webhooks");
    for file in &files {
        let name = file.file_stem().unwrap().to_str().unwrap();
        let webhook = Webhook::parse(&std::fs::read(file).unwrap()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(webhook.event.as_str(), name.split("__").next().unwrap());
        assert_eq!(webhook.instance.name.is_empty(), webhook.event == Event::NewJwt, "{name}");
        messages += usize::from(assert_readable(&webhook, name));
    }
    assert_eq!((files.len(), messages), (406, 307));
}

#[test]
fn every_webhook_of_every_sequence_is_read() {
    let mut read = 0;
    for file in files("sequences") {
        let sequence: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        for entry in sequence["webhooks"].as_array().unwrap() {
            let webhook = Webhook::from_value(entry["body"].clone()).unwrap();
            assert_readable(&webhook, &file.display().to_string());
            read += 1;
        }
    }
    assert!(read > 300, "{read}");
}

#[test]
fn history_is_read_message_by_message() {
    let history = webhook("messages.set__history_sync");
    let messages: Vec<Upsert> =
        history.data.as_array().unwrap().iter().map(|value| Upsert::from_value(value).unwrap()).collect();
    assert!(!messages.is_empty());
    let conversations = messages.iter().filter(|message| message.message_type == "conversation");
    assert!(conversations.map(|message| message.content["text"].as_str()).all(|text| text.is_some()));
}

#[test]
fn addresses_are_where_they_belong() {
    let plain = upsert("conversation");
    assert_eq!(plain.remote_jid.as_deref(), Some("5511900000001@s.whatsapp.net"));
    assert_eq!((plain.lid.as_deref(), plain.is_group), (Some("200000000000001@lid"), false));
    let lid_only = upsert("lid_chat_no_alt");
    assert_eq!((lid_only.remote_jid, lid_only.lid.as_deref()), (None, Some("200000000000099@lid")));
    let group = upsert("group_participant_lid_no_alt");
    assert!(group.is_group);
    assert_eq!((group.participant, group.participant_lid.as_deref()), (None, Some("200000000000002@lid")));
}

#[test]
fn the_three_copies_of_a_send_are_told_apart() {
    let call = "via_api_sendText__preset_id_and_external_attributes";
    let send = Upsert::from_value(&webhook(&format!("send.message__{call}")).data).unwrap();
    let (copy, echo) = (upsert(call), upsert(&format!("{call}__2")));
    assert!(send.key_id == copy.key_id && copy.key_id == echo.key_id);
    assert!(send.is_api_copy() && copy.is_api_copy() && !echo.is_api_copy());
    assert!(echo.is_append() && echo.from_me);
    assert_eq!(copy.external_attributes, Some(json!({ "relay": "chatwoot", "messageId": 42 })));
    assert_eq!((echo.external_attributes, upsert("conversation").info), (None, Some(Info::Notify)));
}

#[test]
fn wrapped_messages_are_unwrapped() {
    let table = [
        ("ephemeralMessage_image", "imageMessage"),
        ("ephemeralMessage_text", "extendedTextMessage"),
        ("viewOnceMessage_image", "imageMessage"),
        ("viewOnceMessageV2_image", "imageMessage"),
        ("documentWithCaptionMessage", "documentMessage"),
        ("s3_documentWithCaptionMessage", "documentMessage"),
        ("lottieStickerMessage", "stickerMessage"),
        ("editedMessage", "protocolMessage"),
        ("orderMessage", "orderMessage"),
    ];
    for (name, kind) in table {
        let upsert = upsert(name);
        let unwrapped = unwrap_content(&upsert.message_type, &upsert.content);
        assert_eq!(unwrapped.kind, kind, "{name}");
        assert!(unwrapped.content.get("message").is_none_or(Value::is_string), "{name}");
    }
}

#[test]
fn quotes_are_read() {
    let quote = context_info(&upsert("extendedTextMessage_quoted").content).unwrap();
    assert_eq!(quote.stanza_id.as_deref(), Some("3EB0ABCDEF0123456789AB"));
    assert_eq!(quote.quoted_kind.as_deref(), Some("conversation"));
    assert_eq!(quote.quoted_text.as_deref(), Some("Mensagem original da loja"));
    let group = context_info(&upsert("group_quoted").content).unwrap();
    assert_eq!(group.mentioned, ["200000000000001@lid"]);
    assert!(context_info(&upsert("extendedTextMessage_forwarded").content).unwrap().is_forwarded);
    assert_eq!(context_info(&upsert("conversation").content), None);
}

#[test]
fn edits_and_revokes_are_read() {
    let target = Some("AC00000000000000000000000000AAAA");
    for (name, text) in [("protocolMessage_MESSAGE_EDIT", "Texto corrigido"), ("editedMessage", "Texto corrigido 2")] {
        let upsert = upsert(name);
        let protocol = Protocol::from_content(unwrap_content(&upsert.message_type, &upsert.content).content);
        assert_eq!((protocol.kind, protocol.target_id), (ProtocolKind::MessageEdit, target), "{name}");
        assert_eq!(protocol.edited_content().unwrap().text(), Some(text), "{name}");
    }
    let names = ["protocolMessage_REVOKE", "fromMe_phone_revoke", "via_api_deleteMessage__query"];
    for name in names {
        let upsert = upsert(name);
        let protocol = Protocol::from_content(&upsert.content);
        assert_eq!((protocol.kind, protocol.target_id.is_some()), (ProtocolKind::Revoke, true), "{name}");
    }
    let setting = upsert("protocolMessage_EPHEMERAL_SETTING");
    assert_eq!(Protocol::from_content(&setting.content).kind, ProtocolKind::EphemeralSetting);
}

#[test]
fn both_encodings_of_a_media_are_read() {
    let theirs = upsert("imageMessage_caption").content;
    let mut ours = upsert("via_api_sendMedia__image_url").content;
    assert_eq!(wire::decode_bytes(&theirs["mediaKey"]).unwrap().len(), 32);
    assert_eq!(wire::decode_bytes(&ours["mediaKey"]).unwrap().len(), 32);
    assert_eq!(wire::as_i64(&theirs["fileLength"]), Some(1980));
    assert_eq!(wire::as_i64(&ours["fileLength"]), Some(1980));
    let hash = wire::decode_bytes(&ours["fileSha256"]);
    wire::normalise_bytes(&mut ours);
    assert!(ours["mediaKey"].is_string() && ours["jpegThumbnail"].is_string());
    assert_eq!(wire::decode_bytes(&ours["fileSha256"]), hash);
}

#[test]
fn statuses_are_read() {
    let table = [
        ("status_DELIVERY_ACK", Some(Status::DeliveryAck)),
        ("status_ERROR_ack_463", Some(Status::Error)),
        ("status_PLAYED", Some(Status::Played)),
        ("status_READ", Some(Status::Read)),
        ("status_SERVER_ACK", Some(Status::ServerAck)),
        ("fromMe_phone_edit", None),
        ("messages_update_starred", None),
    ];
    for (name, status) in table {
        let update = StatusUpdate::from_value(&webhook(&format!("messages.update__{name}")).data).unwrap();
        assert_eq!(update.status, status, "{name}");
    }
}

#[test]
fn the_connection_and_its_codes_are_read() {
    let logged_out = ConnectionUpdate::from_value(&webhook("connection.update__disconnect_401_logged_out").data);
    assert_eq!(logged_out, Ok(ConnectionUpdate { state: State::Close, status_reason: Some(401) }));
    let removed = InstanceStatus::from_value(&webhook("status.instance__logout_via_api").data);
    assert_eq!(removed, Ok(InstanceStatus::Removed));
    let limit = QrUpdate::from_value(&webhook("qrcode.updated__qr_flow_until_limit__6").data);
    assert_eq!(limit, Ok(QrUpdate::LimitReached));
    let pairing = QrUpdate::from_value(&webhook("qrcode.updated__pairing_code").data);
    let Ok(QrUpdate::Code(pairing)) = pairing else { panic!("no code") };
    assert_eq!(pairing.pairing_code.as_deref(), Some("FTNESPGV"));
}
