//! Every example of a webhook, field by field.

use chatwoot::{
    ContactEvent, ContactRef, ContentType, ConversationEvent, ConversationStatus, FileType, MessageEvent, MessageType,
    Sender, TypingEvent, Webhook, file_name_of, is_recorded_voice,
};
use serde_json::json;

use crate::support::{parse, webhook as example, webhooks as examples};

fn message(name: &str) -> MessageEvent {
    match parse(&example(name)) {
        Ok(Webhook::MessageCreated(event) | Webhook::MessageUpdated(event)) => event,
        other => panic!("{name}: {other:?}"),
    }
}

fn conversation(name: &str) -> ConversationEvent {
    match parse(&example(name)) {
        Ok(
            Webhook::ConversationCreated(event)
            | Webhook::ConversationStatusChanged(event)
            | Webhook::ConversationUpdated(event),
        ) => event,
        other => panic!("{name}: {other:?}"),
    }
}

fn typing(name: &str) -> TypingEvent {
    match parse(&example(name)) {
        Ok(Webhook::TypingOn(event) | Webhook::TypingOff(event)) => event,
        other => panic!("{name}: {other:?}"),
    }
}

fn contact(name: &str) -> ContactEvent {
    match parse(&example(name)) {
        Ok(Webhook::ContactCreated(event) | Webhook::ContactUpdated(event)) => event,
        other => panic!("{name}: {other:?}"),
    }
}

fn ana() -> Sender {
    Sender::User { id: Some(7), name: "Ana".to_owned() }
}

fn maria() -> ContactRef {
    ContactRef {
        id: 55,
        name: Some("Maria".to_owned()),
        phone_number: Some("+5511988887777".to_owned()),
        identifier: Some("5511988887777@s.whatsapp.net".to_owned()),
        blocked: false,
    }
}

#[test]
fn every_example_is_read_as_the_event_it_names() {
    let examples = examples();
    assert_eq!(examples.len(), 28);
    for (name, body) in examples {
        let webhook = parse(&body).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(webhook.event(), body["event"], "{name}");
        let unread = ["inbox_created", "inbox_updated", "conversation_opened", "conversation_resolved"];
        let is_other = matches!(webhook, Webhook::Other(_));
        assert_eq!(is_other, unread.contains(&webhook.event()), "{name}");
        let about_a_contact = name.starts_with("contact_");
        assert_eq!(webhook.inbox_id(), (!is_other && !about_a_contact).then_some(3), "{name}");
    }
}

#[test]
fn an_agents_reply_has_all_its_fields() {
    let event = message("message_created.agent_text_reply");
    assert_eq!((event.id, event.account_id, event.inbox_id), (9002, 1, 3));
    assert_eq!(event.content.as_deref(), Some("Hello **Maria**"));
    assert_eq!((event.content_type, event.message_type), (ContentType::Text, MessageType::Outgoing));
    assert_eq!(event.content_attributes.in_reply_to(), Some(9001));
    assert_eq!(event.content_attributes.in_reply_to_external_id(), Some("WAID:3EB0A1B2C3D4E5F6"));
    assert!(!event.private && !event.content_attributes.deleted() && !event.content_attributes.external_echo());
    assert_eq!((event.source_id, event.sender, event.created_at), (None, ana(), 1_785_585_660_500));
    assert_eq!((event.conversation.id, event.conversation.status), (42, ConversationStatus::Open));
    assert_eq!(event.conversation.source_id.as_deref(), Some("5511988887777"));
    assert_eq!((event.conversation.contact_id, event.conversation.contact), (Some(55), Some(maria())));
    assert_eq!(event.conversation.agent_last_seen_at, Some(1_785_585_650_000));
    assert_eq!(event.attachments, []);
}

#[test]
fn senders_and_directions_are_told_apart() {
    let bot = Sender::Bot { name: "Bot".to_owned() };
    let relay = Sender::User { id: Some(2), name: "Relay".to_owned() };
    for (name, message_type, sender, source_id, private) in [
        ("message_created.agent_private_note", MessageType::Outgoing, ana(), None, true),
        (
            "message_created.incoming_created_by_relay",
            MessageType::Incoming,
            Sender::Contact,
            Some("WAID:3EB0A1B2C3D4E5F6"),
            false,
        ),
        (
            "message_created.phone_echo_created_by_relay",
            MessageType::Outgoing,
            relay,
            Some("WAID:3EB0FFFF00000001"),
            false,
        ),
        ("message_created.greeting_template", MessageType::Template, Sender::None, None, false),
        ("message_created.csat_template", MessageType::Template, Sender::None, None, false),
        ("message_created.agent_bot_input_select", MessageType::Outgoing, bot, None, false),
        ("message_created.automation_rule", MessageType::Outgoing, Sender::None, None, false),
    ] {
        let event = message(name);
        assert_eq!((event.message_type, event.sender), (message_type, sender), "{name}");
        assert_eq!((event.source_id.as_deref(), event.private), (source_id, private), "{name}");
    }
    assert!(message("message_created.phone_echo_created_by_relay").content_attributes.external_echo());
}

#[test]
fn a_private_note_is_not_read_from_the_quoted_message() {
    let event = message("message_created.agent_private_note");
    assert_eq!(event.id, 9010);
    assert_eq!(event.content.as_deref(), Some("do not tell the customer"));
}

#[test]
fn files_are_read_with_their_kind_and_name() {
    let event = message("message_created.agent_voice_note");
    let [voice] = event.attachments.as_slice() else { panic!("one file") };
    assert_eq!((event.content, voice.file_type, voice.file_size), (None, FileType::Audio, Some(48211)));
    assert!(is_recorded_voice(voice));
    assert_eq!(voice.data_url.as_deref().and_then(file_name_of).as_deref(), Some("1a2b3c4d4e5f.mp3"));

    let event = message("message_created.agent_caption_two_attachments");
    let kinds: Vec<_> = event.attachments.iter().map(|file| (file.id, file.file_type)).collect();
    assert_eq!(kinds, [(502, FileType::Image), (503, FileType::File)]);
    assert_eq!(event.attachments[1].content_type.as_deref(), Some("application/pdf"));
    assert_eq!(event.attachments[1].extension.as_deref(), Some("pdf"));
    assert!(!is_recorded_voice(&event.attachments[1]));
}

#[test]
fn choices_and_surveys_are_read() {
    let event = message("message_created.agent_bot_input_select");
    assert_eq!(event.content_type, ContentType::InputSelect);
    let items = event.content_attributes.items();
    let titles: Vec<_> = items.iter().filter_map(|item| item.title.as_deref()).collect();
    assert_eq!(titles, ["Sales", "Support"]);
    assert_eq!(items[1].value.as_deref(), Some("support"));
    let survey = message("message_created.csat_template");
    assert_eq!(survey.content_type, ContentType::InputCsat);
    assert!(survey.content.unwrap().ends_with("/survey/responses/2f0c6d6e-0000-4000-8000-000000000042"));
}

#[test]
fn updates_tell_deletion_failure_and_retry() {
    for (name, deleted, error) in [
        ("message_updated.deleted", true, None),
        ("message_updated.failed", false, Some("number not on WhatsApp")),
        ("message_updated.after_retry", false, None),
        ("message_updated.status_read_echo_of_relay_patch", false, None),
    ] {
        let event = message(name);
        assert_eq!(event.id, 9002, "{name}");
        assert_eq!(event.content_attributes.deleted(), deleted, "{name}");
        assert_eq!(event.content_attributes.external_error(), error, "{name}");
    }
}

#[test]
fn conversations_tell_their_state_and_what_changed() {
    let created = conversation("conversation_created");
    assert_eq!((created.account_id, created.inbox_id, created.conversation.id), (Some(1), 3, 42));
    let by_agent = conversation("conversation_created.agent_initiated_uuid_source");
    assert_eq!(by_agent.conversation.source_id.as_deref(), Some("0f6b2a5e-1111-4222-8333-444455556666"));
    assert_eq!(by_agent.conversation.contact, Some(maria()));
    let changed = conversation("conversation_status_changed");
    assert_eq!((changed.conversation.status, changed.changed.len()), (ConversationStatus::Resolved, 0));
    assert_eq!(conversation("conversation_updated").changed, ["status", "updated_at"]);
}

#[test]
fn typing_tells_who_and_where() {
    let agent = typing("conversation_typing_on.agent");
    assert_eq!((agent.user, agent.is_private, agent.inbox_id), (ana(), false, 3));
    assert_eq!(agent.conversation.source_id.as_deref(), Some("5511988887777"));
    assert!(typing("conversation_typing_on.agent_private_note").is_private);
    assert_eq!(typing("conversation_typing_on.contact_via_public_api").user, Sender::Contact);
    let mut unclear = example("conversation_typing_on.agent");
    unclear["is_private"] = json!("maybe");
    assert!(matches!(parse(&unclear), Ok(Webhook::TypingOn(event)) if event.is_private));
}

#[test]
fn contacts_tell_what_changed() {
    let event = contact("contact_updated");
    assert_eq!(
        (event.account_id, event.contact, event.changed),
        (1, maria(), vec!["name".to_owned(), "updated_at".to_owned()])
    );
    assert_eq!(contact("contact_created").changed, Vec::<String>::new());
}
