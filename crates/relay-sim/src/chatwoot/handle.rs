//! The handle that tests, the demo and the rig hold.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use bytes::Bytes;

use super::agent::{self, AgentMessage, Change};
use super::inboxes::InboxInfo;
use super::routes::router;
use super::state::{Account, BlobDelay, ChatwootOptions, Role, Shared, State, User};
use super::views::{LedgerContact, LedgerConversation, LedgerMessage};
use super::webhooks;
use crate::fault::{Call, Fault};
use crate::hooks::{Ack, HookFaults};
use crate::server::{Server, listen};
use crate::{SimError, ids};

/// A running stand-in for Chatwoot. Dropping it closes the port.
#[derive(Debug)]
pub struct FakeChatwoot {
    shared: Arc<Shared>,
    server: Server,
}

impl FakeChatwoot {
    /// Token of the administrator of account 1.
    pub const ADMIN_TOKEN: &str = "sim-admin-token";
    /// Token of the agent of account 1.
    pub const AGENT_TOKEN: &str = "sim-agent-token";

    /// Starts listening, with account 1, an administrator (user 1, who stands for the relay) and an agent (user 2).
    pub async fn start(options: ChatwootOptions) -> Result<Self, SimError> {
        let listener = listen(options.bind).await?;
        let addr = listener.local_addr().map_err(|source| SimError::Listen { addr: options.bind, source })?;
        let shared = Arc::new(Shared::new(options, addr));
        seed(&mut shared.lock());
        let server = Server::start(listener, addr, router(&shared));
        Ok(Self { shared, server })
    }

    /// `http://127.0.0.1:<port>`, without a slash at the end.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.server.addr())
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

    /// Another account. Returns its id.
    pub fn add_account(&self, name: &str) -> u64 {
        self.shared.lock().insert_account(name)
    }

    /// A user of an account. Returns the user's id and token.
    pub fn add_user(&self, account: u64, name: &str, role: Role) -> (u64, String) {
        self.shared.lock().insert_user(account, name, role, ids::token(24))
    }

    /// An API inbox, locked to a single conversation per contact.
    pub fn add_inbox(&self, account: u64, name: &str, webhook_url: &str) -> InboxInfo {
        self.shared.lock().insert_inbox(account, name, webhook_url, true)
    }

    /// The users who see an inbox, besides administrators.
    pub fn inbox_members(&self, inbox: u64) -> Vec<u64> {
        let state = self.shared.lock();
        state.inboxes.get(&inbox).map(|inbox| inbox.members.iter().copied().collect()).unwrap_or_default()
    }

    /// The inboxes of an account, by id, with their names.
    pub fn inboxes(&self, account: u64) -> Vec<(u64, String)> {
        let state = self.shared.lock();
        let inboxes = state.inboxes.values().filter(|inbox| inbox.account == account);
        inboxes.map(|inbox| (inbox.id, inbox.name.clone())).collect()
    }

    /// The user of this token joins a further account with this role.
    pub fn join_account(&self, token: &str, account: u64, role: Role) {
        let mut state = self.shared.lock();
        let Some(id) = state.tokens.get(token).copied() else { return };
        if let Some(user) = state.users.get_mut(&id) {
            user.further.insert(account, role);
        }
    }

    /// Changes where an inbox posts; empty for nowhere.
    pub fn set_webhook_url(&self, inbox: u64, url: &str) {
        if let Some(inbox) = self.shared.lock().inboxes.get_mut(&inbox) {
            url.clone_into(&mut inbox.webhook_url);
        }
    }

    /// The signature that Chatwoot would send with these bytes at this time (seconds since the epoch): what a genuine delivery
    /// carried, whoever posts it again. `None` when there is no such inbox.
    pub fn sign(&self, inbox: u64, timestamp: i64, body: &[u8]) -> Option<String> {
        let state = self.shared.lock();
        let inbox = state.inboxes.get(&inbox)?;
        Some(webhooks::signature(&inbox.secret, &timestamp.to_string(), body))
    }

    /// The body of the webhook that tells of a message's creation, as it would be posted now.
    pub fn webhook_body(&self, message: u64) -> Option<Bytes> {
        let state = self.shared.lock();
        let index = usize::try_from(message).ok()?.checked_sub(1).filter(|index| *index < state.messages.len())?;
        Some(webhooks::created_body(&state, index))
    }

    /// Where an inbox posts.
    pub fn webhook_url(&self, inbox: u64) -> Option<String> {
        self.shared.lock().inboxes.get(&inbox).map(|inbox| inbox.webhook_url.clone())
    }

    /// Switches `lock_to_single_conversation`.
    pub fn set_single_conversation(&self, inbox: u64, locked: bool) {
        if let Some(inbox) = self.shared.lock().inboxes.get_mut(&inbox) {
            inbox.is_locked_to_single = locked;
        }
    }

    /// The agent of account 1 writes. Returns the message id; `None` when there is no such conversation.
    pub fn agent_sends(&self, conversation: u64, message: AgentMessage) -> Option<u64> {
        agent::send(&self.shared, 1, conversation, 2, message)
    }

    /// A user of any account writes.
    pub fn user_sends(&self, account: u64, conversation: u64, user: u64, message: AgentMessage) -> Option<u64> {
        agent::send(&self.shared, account, conversation, user, message)
    }

    /// An agent starts a conversation with a phone number (with `+`). Returns its display id.
    pub fn agent_starts_conversation(&self, inbox: u64, phone: &str) -> Option<u64> {
        agent::start_conversation(&self.shared, inbox, phone)
    }

    /// Chatwoot writes by itself: greeting, out of office, survey.
    pub fn template(&self, account: u64, conversation: u64, content: &str) -> Option<u64> {
        agent::send(&self.shared, account, conversation, 0, AgentMessage::template(content))
    }

    /// An automation rule writes.
    pub fn automation(&self, account: u64, conversation: u64, content: &str) -> Option<u64> {
        agent::send(&self.shared, account, conversation, 0, AgentMessage::automation(content, 5))
    }

    /// An agent deletes a message.
    pub fn agent_deletes(&self, message: u64) -> bool {
        agent::change(&self.shared, message, Change::Delete)
    }

    /// Dates a message later than it was written, and with it what last happened in its conversation.
    pub fn dates_later(&self, message: u64, by: Duration) -> bool {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        let mut state = self.shared.lock();
        let Some(message) = state.messages.iter_mut().find(|known| known.id == message) else { return false };
        message.created_ms += by;
        let (conversation, at) = (message.conversation, message.created_ms);
        state.conversations[conversation].last_activity_ms = at;
        true
    }

    /// The body of the webhook that tells of a new message.
    pub fn webhook_of(&self, message: u64) -> Option<serde_json::Value> {
        let state = self.shared.lock();
        let index = usize::try_from(message).ok()?.checked_sub(1).filter(|index| *index < state.messages.len())?;
        Some(state.message_webhook(index, "message_created"))
    }

    /// Chatwoot marks a message as failed by itself, as it does when a webhook about it is answered too late.
    pub fn fails_by_itself(&self, message: u64, error: &str) -> bool {
        webhooks::fail(&self.shared, message, error)
    }

    /// An agent presses Retry on a message.
    pub fn agent_retries(&self, message: u64) -> bool {
        agent::change(&self.shared, message, Change::Retry)
    }

    /// An agent opens a conversation at the dashboard; no webhook tells.
    pub fn agent_opens(&self, account: u64, conversation: u64) -> bool {
        let mut state = self.shared.lock();
        let found = state.find_conversation(account, conversation);
        if let Some(index) = found {
            state.see(index);
        }
        found.is_some()
    }

    /// An agent types.
    pub fn agent_types(&self, account: u64, conversation: u64, user: u64, is_on: bool, is_private: bool) -> bool {
        agent::types(&self.shared, account, conversation, user, is_on, is_private)
    }

    /// Resolves a conversation.
    pub fn resolve(&self, account: u64, conversation: u64) -> bool {
        agent::set_status(&self.shared, account, conversation, "resolved")
    }

    /// Opens a conversation again.
    pub fn reopen(&self, account: u64, conversation: u64) -> bool {
        agent::set_status(&self.shared, account, conversation, "open")
    }

    /// Deletes a conversation for good; no webhook tells.
    pub fn delete_conversation(&self, account: u64, conversation: u64) -> bool {
        let mut state = self.shared.lock();
        let found = state.find_conversation(account, conversation);
        if let Some(index) = found {
            state.conversations[index].is_deleted = true;
        }
        found.is_some()
    }

    /// Deletes a contact and its conversations for good; no webhook tells.
    pub fn delete_contact(&self, contact: u64) {
        self.shared.lock().remove_contact(contact);
    }

    /// An agent renames a contact.
    pub fn rename_contact(&self, contact: u64, name: &str) {
        let fields = super::contact_rows::Fields { name: Some(name.to_owned()), ..Default::default() };
        self.shared.lock().apply_contact(contact, fields);
    }

    /// An agent blocks a contact.
    pub fn block_contact(&self, contact: u64) {
        let fields = super::contact_rows::Fields { blocked: Some(true), ..Default::default() };
        self.shared.lock().apply_contact(contact, fields);
    }

    /// Creates a contact as somebody else might have done. Returns its id.
    pub fn add_contact(&self, account: u64, name: &str, phone: Option<&str>, identifier: Option<&str>) -> Option<u64> {
        let fields = super::contact_rows::Fields {
            name: Some(name.to_owned()),
            phone: phone.map(str::to_owned),
            identifier: identifier.map(str::to_owned),
            ..Default::default()
        };
        self.shared.lock().insert_contact(account, fields).ok()
    }

    /// Every message, oldest first.
    pub fn messages(&self) -> Vec<LedgerMessage> {
        let state = self.shared.lock();
        state.messages.iter().map(|message| state.ledger_message(message)).collect()
    }

    /// One message.
    pub fn message(&self, id: u64) -> Option<LedgerMessage> {
        let state = self.shared.lock();
        let index = usize::try_from(id).ok()?.checked_sub(1)?;
        state.messages.get(index).map(|message| state.ledger_message(message))
    }

    /// How many messages there are.
    pub fn message_count(&self) -> usize {
        self.shared.lock().messages.len()
    }

    /// Every contact.
    pub fn contacts(&self) -> Vec<LedgerContact> {
        self.shared.lock().ledger_contacts()
    }

    /// Every conversation that was not deleted.
    pub fn conversations(&self) -> Vec<LedgerConversation> {
        self.shared.lock().ledger_conversations()
    }

    /// Every webhook attempt and its answer.
    pub fn ack_log(&self) -> Vec<Ack> {
        self.shared.poster.log()
    }

    /// How many webhook attempts have ended.
    pub fn ack_count(&self) -> usize {
        self.shared.poster.attempts()
    }

    /// Calls by route, such as `POST /api/v1/accounts/{account}/contacts`.
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

    /// Refuses to call private addresses from now on, as Chatwoot from 4.14.0 does by default.
    pub fn refuse_private(&self, refuses: bool) {
        self.shared.refuses_private.store(refuses, Ordering::Relaxed);
    }

    /// Sends the events of a whole account to another address, too.
    pub fn add_account_webhook(&self, account: u64, url: &str) {
        self.shared.lock().add_account_webhook(account, url);
    }

    /// An inbox is of another kind, such as `Channel::WebWidget`.
    pub fn set_channel(&self, inbox: u64, channel: &str) {
        if let Some(inbox) = self.shared.lock().inboxes.get_mut(&inbox) {
            channel.clone_into(&mut inbox.channel);
        }
    }

    /// The owner of a token is somebody else by now: of another kind, or of another account.
    pub fn set_owner(&self, token: &str, role: Role, account: u64) {
        let mut state = self.shared.lock();
        let user = state.tokens.get(token).copied();
        if let Some(user) = user.and_then(|user| state.users.get_mut(&user)) {
            (user.role, user.account) = (role, account);
        }
    }

    /// Nobody has this token any more.
    pub fn revoke_token(&self, token: &str) {
        self.shared.lock().tokens.remove(token);
    }

    /// Replaces what goes wrong with webhooks.
    pub fn set_hook_faults(&self, faults: HookFaults) {
        self.shared.poster.set_faults(faults);
    }

    /// Changes how long attachments cannot be fetched.
    pub fn set_blob_delay(&self, delay: BlobDelay) {
        *self.shared.blob_delay.lock().unwrap_or_else(PoisonError::into_inner) = delay;
    }

    /// Waits until `condition` holds, looking again after each change. False when `deadline` passes first.
    pub async fn wait_until(&self, mut condition: impl FnMut(&Self) -> bool, deadline: Duration) -> bool {
        self.shared.changes.wait_until(deadline, || condition(self)).await
    }
}

fn seed(state: &mut State) {
    let account = state.insert_account("Acme Inc");
    state.insert_user(account, "Relay", Role::Administrator, FakeChatwoot::ADMIN_TOKEN.to_owned());
    state.insert_user(account, "Ana", Role::Agent, FakeChatwoot::AGENT_TOKEN.to_owned());
}

impl State {
    fn insert_account(&mut self, name: &str) -> u64 {
        let id = self.accounts.len() as u64 + 1;
        self.accounts.insert(id, Account { name: name.to_owned(), last_display: 0 });
        id
    }

    fn insert_user(&mut self, account: u64, name: &str, role: Role, token: String) -> (u64, String) {
        let id = self.users.len() as u64 + 1;
        let email = format!("{}@example.com", name.to_lowercase());
        self.tokens.insert(token.clone(), id);
        self.users.insert(
            id,
            User { id, name: name.to_owned(), email, role, account, further: BTreeMap::new(), token: token.clone() },
        );
        (id, token)
    }
}
