//! Signed webhooks of API inboxes. A failed one marks its message as failed, which is itself an update.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::state::{AccountWebhook, Shared, State};
use crate::clock;
use crate::hooks::{AckOutcome, Outgoing};
use crate::ledger::hex;

/// Something that happened, by reference: the payload is built when a worker gets to it.
#[derive(Debug, Clone)]
pub(super) enum Event {
    MessageCreated(usize),
    MessageUpdated(usize),
    ConversationCreated(usize),
    ConversationStatusChanged(usize),
    ConversationUpdated(usize, Value),
    Typing { conversation: usize, user: Value, is_on: bool, is_private: bool },
}

impl Event {
    fn name(&self) -> &'static str {
        match self {
            Self::MessageCreated(_) => "message_created",
            Self::MessageUpdated(_) => "message_updated",
            Self::ConversationCreated(_) => "conversation_created",
            Self::ConversationStatusChanged(_) => "conversation_status_changed",
            Self::ConversationUpdated(..) => "conversation_updated",
            Self::Typing { is_on: true, .. } => "conversation_typing_on",
            Self::Typing { is_on: false, .. } => "conversation_typing_off",
        }
    }

    /// The message whose status hangs on this webhook.
    fn message(&self) -> Option<usize> {
        match self {
            Self::MessageCreated(index) | Self::MessageUpdated(index) => Some(*index),
            Self::ConversationCreated(_)
            | Self::ConversationStatusChanged(_)
            | Self::ConversationUpdated(..)
            | Self::Typing { .. } => None,
        }
    }

    fn conversation(&self, state: &State) -> usize {
        match self {
            Self::MessageCreated(index) | Self::MessageUpdated(index) => state.messages[*index].conversation,
            Self::ConversationCreated(index)
            | Self::ConversationStatusChanged(index)
            | Self::ConversationUpdated(index, _) => *index,
            Self::Typing { conversation, .. } => *conversation,
        }
    }

    fn key(&self, state: &State) -> String {
        let id = match self.message() {
            Some(index) => state.messages[index].id,
            None => state.conversations[self.conversation(state)].display,
        };
        format!("{}:{id}", self.name())
    }

    fn body(&self, state: &State) -> Value {
        match self {
            Self::MessageCreated(index) | Self::MessageUpdated(index) => state.message_webhook(*index, self.name()),
            Self::Typing { conversation, user, is_private, .. } => json!({
                "event": self.name(), "user": user, "conversation": state.conversation_webhook(*conversation), "is_private": is_private,
            }),
            Self::ConversationCreated(index) => self.conversation_body(state, *index, None),
            Self::ConversationStatusChanged(index) => self.conversation_body(state, *index, Some(Value::Null)),
            Self::ConversationUpdated(index, changed) => self.conversation_body(state, *index, Some(changed.clone())),
        }
    }

    fn conversation_body(&self, state: &State, index: usize, changed: Option<Value>) -> Value {
        let mut body = state.conversation_webhook(index);
        body["event"] = json!(self.name());
        if let Some(changed) = changed {
            body["changed_attributes"] = changed;
        }
        body
    }
}

/// Fires and forgets, each event on its own.
pub(super) fn fire(shared: &Arc<Shared>, events: Vec<Event>) {
    shared.changes.bump();
    for event in events {
        let schedule = shared.poster.schedule();
        if schedule.is_empty() {
            let key = event.key(&shared.lock());
            shared.poster.record_drop(key, event.name().to_owned());
            continue;
        }
        for wait in schedule {
            let (shared, event) = (Arc::clone(shared), event.clone());
            let runtime = shared.runtime.clone();
            runtime.spawn(async move {
                if !wait.is_zero() {
                    tokio::time::sleep(wait).await;
                }
                deliver(&shared, &event).await;
            });
        }
    }
}

async fn deliver(shared: &Arc<Shared>, event: &Event) {
    for webhook in of_account(shared, event) {
        // a failure here is only logged
        drop(shared.poster.post(|| Some(addressed(shared, event, webhook.url, &webhook.secret))).await);
    }
    if let Some(text) = blocked(shared, event) {
        // about what is no message it is only logged
        if event.message().is_some_and(|message| mark_failed(shared, message, &text)) {
            shared.changes.bump();
        }
        return;
    }
    let outcome = shared.poster.post(|| outgoing(shared, event)).await;
    let (Some(outcome), message) = (outcome, event.message()) else {
        return;
    };
    shared.changes.bump();
    let Some(error) = error_text(&outcome) else { return };
    let Some(message) = message else { return };
    if mark_failed(shared, message, &error) {
        // The change is an update like any other, and may fail in its turn.
        fire(shared, vec![Event::MessageUpdated(message)]);
    }
}

/// Marks a message as Chatwoot does when a webhook about it fails; false when there is none.
pub(super) fn fail(shared: &Arc<Shared>, id: u64, error: &str) -> bool {
    let count = shared.lock().messages.len();
    let index = usize::try_from(id).ok().and_then(|id| id.checked_sub(1)).filter(|index| *index < count);
    let Some(index) = index else { return false };
    if mark_failed(shared, index, error) {
        fire(shared, vec![Event::MessageUpdated(index)]);
    }
    true
}

/// Where an event goes beside its inbox's address: to the account's, for all inboxes.
fn of_account(shared: &Shared, event: &Event) -> Vec<AccountWebhook> {
    let state = shared.lock();
    let account = state.conversations[event.conversation(&state)].account;
    state.account_webhooks.iter().filter(|webhook| webhook.account == account).cloned().collect()
}

/// What Chatwoot from 4.14.0 says instead of calling a private address.
fn blocked(shared: &Shared, event: &Event) -> Option<String> {
    let state = shared.lock();
    let inbox = state.inboxes.get(&state.conversations[event.conversation(&state)].inbox)?;
    let url = url::Url::parse(&inbox.webhook_url).ok().filter(|_| shared.refuses_private.load(Ordering::Relaxed))?;
    let is_private = match url.host()? {
        url::Host::Ipv4(ip) => ip.is_loopback() || ip.is_private(),
        url::Host::Ipv6(ip) => ip.is_loopback(),
        url::Host::Domain(name) => !name.contains('.'),
    };
    is_private.then(|| format!("Hostname '{}' has no public ip addresses", url.host_str().unwrap_or_default()))
}

fn outgoing(shared: &Shared, event: &Event) -> Option<Outgoing> {
    let (url, secret) = {
        let state = shared.lock();
        let conversation = &state.conversations[event.conversation(&state)];
        let inbox = state.inboxes.get(&conversation.inbox).filter(|inbox| !inbox.webhook_url.is_empty())?;
        (inbox.webhook_url.clone(), inbox.secret.clone())
    };
    Some(addressed(shared, event, url, &secret))
}

/// The webhook about an event as it is now, to an address, signed with its secret.
fn addressed(shared: &Shared, event: &Event, url: String, secret: &str) -> Outgoing {
    let (key, body) = {
        let state = shared.lock();
        (event.key(&state), event.body(&state))
    };
    let body = rails_json(&body);
    let timestamp = clock::now_s().to_string();
    let headers = vec![
        ("accept", "application/json".to_owned()),
        ("user-agent", "Ruby".to_owned()),
        ("x-chatwoot-delivery", uuid::Uuid::new_v4().to_string()),
        ("x-chatwoot-signature", signature(secret, &timestamp, body.as_bytes())),
        ("x-chatwoot-timestamp", timestamp),
    ];
    Outgoing { key, event: event.name().to_owned(), url, headers, body: Bytes::from(body) }
}

/// `sha256=` and the HMAC over timestamp, dot and raw body; the key is the secret as displayed.
pub(super) fn signature(secret: &str, timestamp: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(timestamp.as_bytes());
    mac.update(b".");
    mac.update(body);
    format!("sha256={}", hex(&mac.finalize().into_bytes()))
}

/// JSON as Rails writes it: a few characters that matter in HTML are escaped.
fn rails_json(body: &Value) -> String {
    let plain = body.to_string();
    if !plain.contains(['<', '>', '&', '\u{2028}', '\u{2029}']) {
        return plain;
    }
    let mut escaped = String::with_capacity(plain.len() + 64);
    for letter in plain.chars() {
        match letter {
            '<' => escaped.push_str("\\u003c"),
            '>' => escaped.push_str("\\u003e"),
            '&' => escaped.push_str("\\u0026"),
            '\u{2028}' => escaped.push_str("\\u2028"),
            '\u{2029}' => escaped.push_str("\\u2029"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// The body that tells of a message's creation, as it would be posted now.
pub(super) fn created_body(state: &State, index: usize) -> Bytes {
    Bytes::from(rails_json(&Event::MessageCreated(index).body(state)))
}

fn error_text(outcome: &AckOutcome) -> Option<String> {
    match outcome {
        AckOutcome::Dropped => None,
        AckOutcome::Status(status) if (200..300).contains(status) => None,
        AckOutcome::Status(status) => {
            let reason = http::StatusCode::from_u16(*status)
                .ok()
                .and_then(|status| status.canonical_reason())
                .unwrap_or_default();
            Some(format!("{status} {reason}"))
        }
        AckOutcome::Timeout => Some("Net::ReadTimeout with #<TCPSocket:(closed)>".to_owned()),
        AckOutcome::Error(cause) => Some(format!("Failed to open TCP connection ({cause})")),
    }
}

/// Whether the row changed. An error that says the same again changes nothing, which ends the circle.
fn mark_failed(shared: &Shared, index: usize, error: &str) -> bool {
    let mut state = shared.lock();
    let message = &mut state.messages[index];
    if message.status == "failed" && message.content_attributes.get("external_error") == Some(&json!(error)) {
        return false;
    }
    "failed".clone_into(&mut message.status);
    message.content_attributes.insert("external_error".to_owned(), json!(error));
    message.updated_ms = clock::now_ms();
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signature_matches_the_published_vector() {
        let expected = "sha256=87d3ed18b9b403e7da0fc3a3ae8b9394303805a049ea06f87c2ef4380b521fa9";
        assert_eq!(signature("test-secret", "1700000000", b"{}"), expected);
    }

    #[test]
    fn json_is_escaped_as_rails_does() {
        assert_eq!(rails_json(&json!({"a": "<b> & c"})), r#"{"a":"\u003cb\u003e \u0026 c"}"#);
    }
}
