//! Storing what gap recovery found, under the name that its webhook would have had.

use bytes::Bytes;
use codechat::Upsert;
use relay_domain::{Timestamp, naming};
use relay_store::{Origin, Source, StoreError};

use super::{Accepted, Arrival, Named, chatwoot_event, codechat_event};
use crate::Engine;
use crate::sessions::Live;

/// A message, or a report on one, that was found by asking.
#[derive(Debug)]
pub(crate) struct Found {
    /// Who keeps it.
    pub(crate) source: Source,
    /// The webhook that would have told of it.
    pub(crate) body: Bytes,
    /// The key to store it under, when it is not the webhook's: so the webhook can still come.
    pub(crate) key: Option<String>,
    /// From when on it counts as received.
    pub(crate) received_at: Timestamp,
    /// Until when it is held back, if not for as long as a webhook would be.
    pub(crate) run_at: Option<Timestamp>,
}

impl Engine {
    /// Stores what was found; `false` when it was known, or is nothing to store.
    pub(crate) async fn accept_found(&self, live: &Live, found: Found) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let named = match found.source {
            Source::CodeChat => codechat_event::name(&found.body, now, live.name(), |_| ()),
            Source::Chatwoot => chatwoot_event::name(&found.body, now, &live.session.chatwoot, |_| ()),
            Source::Relay => return Ok(false),
        };
        let Ok(Named::Event(mut name)) = named else { return Ok(false) };
        if let Some(key) = found.key {
            name.dedup_key = key;
        }
        if !name.is_storable() {
            return Ok(false);
        }
        let arrival = Arrival { origin: Origin::Sweep, received_at: found.received_at, run_at: found.run_at };
        let accepted = self.store_named(live, found.source, name, found.body, arrival).await?;
        Ok(accepted == Accepted::Stored)
    }
}

/// The key of a WhatsApp message without its author, which a stored row may not name.
pub(crate) fn base_key(message: &Upsert) -> String {
    naming::whatsapp_message(&message.key_id, message.from_me, None)
}

/// The key of a message whose chat nobody can tell.
pub(crate) fn unattributed_key(message: &Upsert) -> String {
    naming::whatsapp_unattributed(&message.key_id, message.from_me)
}

/// The key of the report that a message was read.
pub(crate) fn read_key(message: &Upsert) -> String {
    naming::whatsapp_receipt(&message.key_id, message.from_me, "Read")
}

#[cfg(test)]
mod tests {
    use codechat::StatusUpdate;
    use serde_json::json;

    use super::*;
    use crate::ingest::codechat_event::message_key;

    #[test]
    fn keys_are_those_of_webhooks() {
        let message = |participant: Option<&str>| {
            let row = json!({ "keyId": "3A1", "keyFromMe": false, "keyRemoteJid": "1@g.us", "keyParticipant": participant,
                "messageType": "conversation", "content": "oi" });
            Upsert::from_value(&row).unwrap()
        };
        assert_eq!(base_key(&message(None)), message_key(&message(None)));
        assert!(message_key(&message(Some("7@lid"))).starts_with(&format!("{}|", base_key(&message(None)))));
        let update = StatusUpdate::from_value(&json!({ "id": "3A1", "fromMe": false, "status": "READ" })).unwrap();
        let named = codechat_event::receipt("messages.update".to_owned(), &update).unwrap();
        assert_eq!(named.dedup_key, read_key(&message(None)));
    }
}
