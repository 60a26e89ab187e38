//! A message that was found by asking reads like the webhook that would have told of it.

use chatwoot::Webhook;

use crate::support::{parse, webhooks as examples};

#[test]
fn every_example_reads_the_same_when_it_is_retold() {
    let mut retold = 0;
    for (name, body) in examples() {
        let Ok(Webhook::MessageCreated(event)) = parse(&body) else { continue };
        let again = Webhook::parse(&event.to_webhook()).unwrap();
        assert_eq!(again, Webhook::MessageCreated(event), "{name}");
        retold += 1;
    }
    assert!(retold >= 10, "only {retold} examples");
}
