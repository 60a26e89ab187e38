//! The handle that tests, the demo and the rig hold.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use serde_json::Value;

use super::customer::CustomerMessage;
use super::flow::{Flowing, MediaFlow};
use super::presence::{self, PresenceShown};
use super::routes::router;
use super::state::{CodeChatOptions, ConnectionState, CustomerSent, ReadMark, Revocation, Shared, Submission};
use super::{customer, instances, webhooks};
use crate::SimError;
use crate::fault::{Call, Fault};
use crate::hooks::{Ack, HookFaults};
use crate::server::{Server, listen};

/// A running stand-in for CodeChat. Dropping it closes the port.
#[derive(Debug)]
pub struct FakeCodeChat {
    pub(super) shared: Arc<Shared>,
    server: Server,
}

impl FakeCodeChat {
    /// Starts listening.
    pub async fn start(options: CodeChatOptions) -> Result<Self, SimError> {
        let listener = listen(options.bind).await?;
        let addr = listener.local_addr().map_err(|source| SimError::Listen { addr: options.bind, source })?;
        let shared = Arc::new(Shared::new(options));
        let server = Server::start(listener, addr, router(&shared));
        Ok(Self { shared, server })
    }

    /// `http://127.0.0.1:<port>`, without a slash at the end.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.server.addr())
    }

    /// The global API key.
    pub fn api_key(&self) -> &str {
        &self.shared.options.api_key
    }

    /// Stops for good: the port closes and webhooks in flight are dropped.
    pub async fn shutdown(&self) {
        self.shared.poster.cancel.cancel();
        self.server.stop().await;
    }

    /// Closes the port; the state stays and webhooks go on.
    pub async fn go_down(&self) {
        self.server.stop().await;
    }

    /// Opens the same port again.
    pub async fn come_up(&self) -> Result<(), SimError> {
        self.server.reopen().await
    }

    /// Creates an instance that is already paired with `phone` and open. Returns its token.
    pub fn add_open_instance(&self, name: &str, phone: &str) -> String {
        let token = {
            let mut state = self.shared.lock();
            let instance = state.create(name, None, Value::Null);
            instance.owner_jid = Some(format!("{phone}@s.whatsapp.net"));
            instance.loaded = true;
            instance.online = true;
            instance.set_state(ConnectionState::Open, 200);
            instance.token.clone()
        };
        self.shared.changes.bump();
        token
    }

    /// The instance's webhook URL, once somebody has set it.
    pub fn webhook_url(&self, instance: &str) -> Option<String> {
        self.shared.lock().instances.get(instance).and_then(|found| found.webhook.as_ref().map(|hook| hook.url.clone()))
    }

    /// The owner scans the QR code with `phone`.
    pub fn scan_qr(&self, instance: &str, phone: &str) {
        instances::scan(&self.shared, instance, phone);
    }

    /// Moves the socket of an instance to `state` and fires `connection.update`.
    pub fn set_connection(&self, instance: &str, state: ConnectionState) {
        self.set_connection_because(instance, state, state.usual_reason());
    }

    /// As [`Self::set_connection`], with the status reason, such as 408 or 503.
    pub fn set_connection_because(&self, instance: &str, state: ConnectionState, reason: u16) {
        instances::change_state(&self.shared, instance, state, reason);
    }

    /// The owner removes the linked device on the phone.
    pub fn unpair(&self, instance: &str) {
        instances::unpair(&self.shared, instance);
    }

    /// Marks numbers (digits) or JIDs as not on WhatsApp; groups so marked are unknown.
    pub fn not_on_whatsapp<I: IntoIterator<Item = S>, S: Into<String>>(&self, numbers: I) {
        self.shared.lock().not_on_whatsapp.extend(numbers.into_iter().map(Into::into));
    }

    /// Makes all numbers known again.
    pub fn all_on_whatsapp(&self) {
        self.shared.lock().not_on_whatsapp.clear();
    }

    /// WhatsApp knows the number `asked` (digits) under another spelling.
    pub fn spells(&self, asked: &str, canonical: &str) {
        self.shared.lock().spelled.insert(asked.to_owned(), canonical.to_owned());
    }

    /// WhatsApp no longer serves the file of this message.
    pub fn expire_media(&self, instance: &str, key_id: &str) {
        let mut guard = self.shared.lock();
        let state = &mut *guard;
        let row = state.instances.get(instance).and_then(|found| found.store.by_key(key_id));
        let media = row.and_then(|row| super::content::find_media(&row.message_type, &row.content));
        if let Some(key) = media.and_then(|media| media["mediaKey"].as_str()) {
            state.expired.insert(key.to_owned());
        }
    }

    /// A person has another profile picture from now on.
    pub fn set_picture(&self, phone: &str, bytes: &'static [u8]) {
        self.shared.lock().pictures.insert(phone.to_owned(), bytes::Bytes::from_static(bytes));
    }

    /// WhatsApp serves these bytes under a media key (base64), as if a message had brought them.
    pub fn serve_media(&self, media_key: &str, bytes: &'static [u8]) {
        let bytes = bytes::Bytes::from_static(bytes);
        self.shared.lock().blobs.insert(media_key.to_owned(), bytes);
    }

    /// How often the file under each media key (base64) was served.
    pub fn media_downloads(&self) -> BTreeMap<String, u64> {
        self.shared.lock().downloads.clone()
    }

    /// WhatsApp serves a file under a media key (base64) that comes in this way.
    pub fn flow_media(&self, media_key: &str, flow: MediaFlow) {
        self.shared.lock().flows.insert(media_key.to_owned(), Flowing::new(flow));
    }

    /// How much of such a file was taken so far, over all calls, in bytes.
    pub fn media_taken(&self, media_key: &str) -> u64 {
        let state = self.shared.lock();
        state.flows.get(media_key).map_or(0, |flowing| flowing.taken.load(Ordering::Relaxed))
    }

    /// A customer sends a message. Returns its key; `None` when there is no such instance.
    pub fn customer_sends(&self, instance: &str, message: &CustomerMessage) -> Option<String> {
        customer::deliver(&self.shared, instance, message, false)
    }

    /// The owner types a message on the own phone.
    pub fn phone_sends(&self, instance: &str, message: &CustomerMessage) -> Option<String> {
        customer::deliver(&self.shared, instance, message, true)
    }

    /// The author edits a stored message. Returns the key of the protocol message.
    pub fn edits(&self, instance: &str, key_id: &str, text: &str) -> Option<String> {
        customer::change(&self.shared, instance, key_id, Some(text))
    }

    /// The author deletes a stored message for everyone. Returns the key of the protocol message.
    pub fn deletes(&self, instance: &str, key_id: &str) -> Option<String> {
        customer::change(&self.shared, instance, key_id, None)
    }

    /// A receipt: `DELIVERY_ACK`, `READ`, `PLAYED`, `ERROR`. False for groups, which never report any.
    pub fn receipt(&self, instance: &str, key_id: &str, status: &str) -> bool {
        customer::receipt(&self.shared, instance, key_id, status, None)
    }

    /// A receipt that names another address, usually the LID, than the message is stored under.
    pub fn receipt_from(&self, instance: &str, key_id: &str, status: &str, address: &str) -> bool {
        customer::receipt(&self.shared, instance, key_id, status, Some(address))
    }

    /// Posts an arbitrary body to the instance's webhook, whatever its event switches say about `messages.upsert`.
    pub fn emit_raw(&self, instance: &str, body: &Value) {
        let post = {
            let state = self.shared.lock();
            let found = state.instances.get(instance);
            let key = body["data"]["keyId"].as_str().or_else(|| body["data"]["id"].as_str()).unwrap_or("raw");
            let key = format!("{}:{key}", body["event"].as_str().unwrap_or("raw"));
            found.and_then(|found| webhooks::prepare_raw(&self.shared, found, "messages.upsert", key, body))
        };
        webhooks::fire(&self.shared, post);
    }

    /// Posts a recorded webhook, or every body of a recorded sequence in its order. Returns how many.
    pub fn replay_fixture(&self, instance: &str, fixture: &Value) -> usize {
        if let Some(recorded) = fixture["webhooks"].as_array() {
            for webhook in recorded {
                self.emit_raw(instance, &webhook["body"]);
            }
            return recorded.len();
        }
        self.emit_raw(instance, fixture);
        1
    }

    /// Everything handed to WhatsApp for the relay.
    pub fn submissions(&self) -> Vec<Submission> {
        self.shared.lock().submissions.clone()
    }

    /// How many submissions there are.
    pub fn submission_count(&self) -> usize {
        self.shared.lock().submissions.len()
    }

    /// Everything customers and the own phone sent.
    pub fn customer_ledger(&self) -> Vec<CustomerSent> {
        self.shared.lock().customers.clone()
    }

    /// Calls that marked messages as read.
    pub fn read_marks(&self) -> Vec<ReadMark> {
        self.shared.lock().reads.clone()
    }

    /// Presences shown to chats.
    pub fn presences(&self) -> Vec<PresenceShown> {
        self.shared.lock().presences.clone()
    }

    /// A customer starts or stops: `composing`, `recording`, `paused`, `unavailable`. False when the instance is not told.
    pub fn customer_is(&self, instance: &str, phone: &str, presence: &str) -> bool {
        let jid = format!("{phone}@s.whatsapp.net");
        presence::change(&self.shared, instance, &jid, &jid, presence)
    }

    /// Messages deleted for everyone by the relay.
    pub fn revocations(&self) -> Vec<Revocation> {
        self.shared.lock().revocations.clone()
    }

    /// Every webhook attempt and its answer.
    pub fn ack_log(&self) -> Vec<Ack> {
        self.shared.poster.log()
    }

    /// How many webhook attempts have ended.
    pub fn ack_count(&self) -> usize {
        self.shared.poster.attempts()
    }

    /// Calls by route, such as `POST /message/sendText/{instance}`.
    pub fn calls(&self) -> BTreeMap<String, u64> {
        self.shared.control.calls()
    }

    /// Every call so far, in order of arrival.
    pub fn call_log(&self) -> Vec<Call> {
        self.shared.control.log()
    }

    /// Starts counting calls anew.
    pub fn reset_calls(&self) {
        self.shared.control.reset_calls();
    }

    /// Arms a fault.
    pub fn fault(&self, fault: Fault) {
        self.shared.control.add(fault);
    }

    /// Disarms all faults.
    pub fn clear_faults(&self) {
        self.shared.control.clear();
    }

    /// The server's clock is ahead by so many seconds, or behind.
    pub fn set_clock_ahead(&self, seconds: i64) {
        self.shared.control.set_ahead(seconds);
    }

    /// Sends every event of every instance to another address, too; empty for nowhere.
    pub fn set_global_webhook(&self, url: &str) {
        let url = Some(url.to_owned()).filter(|url| !url.is_empty());
        *self.shared.global_webhook.lock().unwrap_or_else(PoisonError::into_inner) = url;
    }

    /// Replaces what goes wrong with webhooks.
    pub fn set_hook_faults(&self, faults: HookFaults) {
        self.shared.poster.set_faults(faults);
    }

    /// Waits until `condition` holds, looking again after each change. False when `deadline` passes first.
    pub async fn wait_until(&self, mut condition: impl FnMut(&Self) -> bool, deadline: Duration) -> bool {
        self.shared.changes.wait_until(deadline, || condition(self)).await
    }
}
