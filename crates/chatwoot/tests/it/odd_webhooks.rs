//! Bodies of webhooks that are odd: short, of other types, or no event at all.

use chatwoot::{ContentType, Sender, Webhook, WebhookError};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{parse, webhook as example, webhooks as examples};

/// The top-level fields of a message that decide what to do.
const NEEDED: [&str; 8] =
    ["id", "message_type", "private", "created_at", "conversation", "content", "source_id", "content_attributes"];

#[test]
fn a_needed_field_is_named_and_any_other_may_be_anything() {
    let original = example("message_created.agent_text_reply");
    for (field, _) in original.as_object().unwrap() {
        if field == "event" {
            continue;
        }
        let mut odd = original.clone();
        odd[field] = json!([{ "odd": [1.5, null] }]);
        let read = parse(&odd);
        if NEEDED.contains(&field.as_str()) {
            let Err(WebhookError::Missing { event, field: named }) = read else { panic!("{field}: {read:?}") };
            assert_eq!((event.as_str(), named), ("message_created", field.as_str()));
        } else {
            let Ok(Webhook::MessageCreated(event)) = read else { panic!("{field}: {read:?}") };
            assert_eq!((event.id, event.inbox_id, event.account_id), (9002, 3, 1), "{field}");
        }
    }
    for (field, _) in original["conversation"].as_object().unwrap() {
        let mut odd = original.clone();
        odd["conversation"][field] = json!({ "odd": true });
        let read = parse(&odd);
        assert_eq!(read.is_err(), field == "id", "{field}: {read:?}");
    }
}

#[test]
fn a_short_body_of_an_older_release_is_enough() {
    let body = json!({
        "event": "message_created", "id": 5, "message_type": "outgoing", "private": false,
        "created_at": 1_785_585_660, "account": { "id": 1 },
        "conversation": { "id": 42, "inbox_id": 3, "status": "snoozed" },
    });
    let Ok(Webhook::MessageCreated(event)) = parse(&body) else { panic!("{:?}", parse(&body)) };
    assert_eq!((event.created_at, event.inbox_id), (1_785_585_660_000, 3));
    assert_eq!((event.sender, event.content_type), (Sender::None, ContentType::Text));
    assert_eq!(event.conversation.contact, None);
}

#[test]
fn an_unreadable_attachment_is_not_passed_over() {
    let mut body = example("message_created.agent_caption_two_attachments");
    body["attachments"][1] = json!("gone");
    let expected = WebhookError::Missing { event: "message_created".to_owned(), field: "attachments.id" };
    assert_eq!(parse(&body), Err(expected));
}

#[test]
fn bodies_that_are_no_event_are_refused_without_quoting_them() {
    assert_eq!(Webhook::parse(b"{\"phone\": 55119"), Err(WebhookError::NotJson { line: 1, column: 15 }));
    for body in ["[]", "{}", "null", "7", "{\"event\": 5}"] {
        assert_eq!(Webhook::parse(body.as_bytes()), Err(WebhookError::NotAnEvent), "{body}");
    }
    assert_eq!(Webhook::parse(b"{\"event\":\"macro.executed\"}"), Ok(Webhook::Other("macro.executed".to_owned())));
    let deep = format!("{{\"event\":{}", "[".repeat(100_000));
    assert!(matches!(Webhook::parse(deep.as_bytes()), Err(WebhookError::NotJson { .. })));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map("[a-z_]{1,8}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Puts `replacement` at a place in `value` chosen by `place`.
fn replace(value: &mut Value, mut place: usize, replacement: Value) {
    let size = match value {
        Value::Object(map) => map.len(),
        Value::Array(list) => list.len(),
        _ => 0,
    };
    if size == 0 || place.is_multiple_of(5) {
        *value = replacement;
        return;
    }
    let chosen = place % size;
    place /= 3;
    match value {
        Value::Object(map) => replace(map.values_mut().nth(chosen).unwrap(), place, replacement),
        Value::Array(list) => replace(&mut list[chosen], place, replacement),
        _ => unreachable!("a leaf has no size"),
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
        prop_assert!(Webhook::parse(&bytes).is_err());
    }

    #[test]
    fn any_example_with_anything_in_it_is_read_or_refused(
        which in 0_usize..28,
        changes in prop::collection::vec((any::<usize>(), any_json()), 1..4),
    ) {
        let mut body = examples().values().nth(which).unwrap().clone();
        for (place, replacement) in changes {
            replace(&mut body, place, replacement);
        }
        if let Ok(webhook) = parse(&body) {
            prop_assert_eq!(webhook.event(), body["event"].as_str().unwrap());
        }
    }
}
