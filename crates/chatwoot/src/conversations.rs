//! Conversations: finding, creating and the small signals around them.
//!
//! The id of a conversation is the number people see, which is counted per account.

use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::client::Client;
use crate::error::Error;
use crate::people::ContactRef;
use crate::wire::{Missing, Read, flag, int, list, moment, moment_or_never, need, object, text, words};

words! {
    /// The state of a conversation.
    ConversationStatus { Open = "open", Resolved = "resolved", Pending = "pending", Snoozed = "snoozed", }
}

/// A conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    /// Id within the account.
    pub id: i64,
    /// The inbox it belongs to.
    pub inbox_id: i64,
    /// Its state.
    pub status: ConversationStatus,
    /// What the contact is called in the inbox, when there is a message to tell it.
    pub source_id: Option<String>,
    /// The contact.
    pub contact: Option<ContactRef>,
    /// When an agent last looked, in epoch milliseconds.
    pub agent_last_seen_at: Option<i64>,
    /// When something last happened, in epoch milliseconds.
    pub last_activity_at: Option<i64>,
    /// When it was created, in epoch milliseconds.
    pub created_at: Option<i64>,
    /// Whether agents can answer.
    pub can_reply: bool,
    /// Its labels.
    pub labels: Vec<String>,
    /// Whether nobody has written in it yet.
    pub is_empty: bool,
    /// What agents and programs noted of it.
    pub custom_attributes: Map<String, Value>,
}

/// A conversation to create. All three ids are needed: without the source id Chatwoot would make up a second
/// place for the contact in the inbox, and without the others it would look in every account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewConversation {
    /// The inbox.
    pub inbox_id: i64,
    /// The contact.
    pub contact_id: i64,
    /// What the contact is called in the inbox.
    pub source_id: String,
    /// State to create it in; Chatwoot decides when left out.
    pub status: Option<ConversationStatus>,
    /// The team it is assigned to.
    pub team_id: Option<i64>,
}

impl NewConversation {
    fn body(&self) -> Value {
        let mut body = json!({
            "inbox_id": self.inbox_id,
            "contact_id": self.contact_id,
            "source_id": self.source_id,
        });
        if let Some(team) = self.team_id {
            body["team_id"] = Value::from(team);
        }
        match self.status {
            None | Some(ConversationStatus::Other) => {}
            Some(status) => body["status"] = Value::from(status.as_str()),
        }
        body
    }
}

impl Read for Conversation {
    fn read(value: &Value) -> Result<Self, Missing> {
        let meta = object(value, "meta").unwrap_or(&Value::Null);
        let status = text(value, "status");
        Ok(Self {
            id: need(int(value, "id"), "id")?,
            inbox_id: need(int(value, "inbox_id"), "inbox_id")?,
            status: ConversationStatus::from_word(&need(status, "status")?),
            source_id: source_id_of(value),
            contact: object(meta, "sender").and_then(|sender| ContactRef::read(sender).ok()),
            agent_last_seen_at: moment_or_never(value, "agent_last_seen_at"),
            last_activity_at: moment_or_never(value, "last_activity_at"),
            created_at: moment(value, "created_at"),
            can_reply: flag(value, "can_reply").unwrap_or(true),
            labels: labels_of(value),
            is_empty: object(value, "last_non_activity_message").is_none(),
            custom_attributes: object(value, "custom_attributes")
                .and_then(Value::as_object)
                .cloned()
                .unwrap_or_default(),
        })
    }
}

/// The answer tells the source id only inside a message it quotes. Which message that is does not matter: the
/// source id is the same for all of a conversation.
fn source_id_of(conversation: &Value) -> Option<String> {
    let pointer = "/conversation/contact_inbox/source_id";
    let last = conversation.get("last_non_activity_message").and_then(|message| message.pointer(pointer));
    let first = || conversation.pointer("/messages/0").and_then(|message| message.pointer(pointer));
    last.or_else(first).and_then(Value::as_str).map(str::to_owned)
}

fn labels_of(conversation: &Value) -> Vec<String> {
    let labels = conversation.get("labels").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    labels.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn page_of(answer: &Value) -> Result<Vec<Conversation>, Missing> {
    list(need(object(answer, "data"), "data")?, "payload")
}

impl Client {
    /// Lists the conversations of `source_id` in `inbox`, in any state, latest activity first: the first 25.
    pub async fn conversations_of(&self, inbox: i64, source_id: &str) -> Result<Vec<Conversation>, Error> {
        let call = self.call("conversations_of", Method::GET, &["conversations"]);
        let inbox = inbox.to_string();
        let query = [("status", "all"), ("inbox_id", inbox.as_str()), ("source_id", source_id)];
        call.query(&query).read(page_of).await
    }

    /// Lists the conversations of `inbox`, in any state, latest activity first: 25 on each page from 1.
    pub async fn recent_conversations(&self, inbox: i64, page: u32) -> Result<Vec<Conversation>, Error> {
        let call = self.call("recent_conversations", Method::GET, &["conversations"]);
        let (inbox, page) = (inbox.to_string(), page.to_string());
        let query = [("status", "all"), ("inbox_id", inbox.as_str()), ("page", page.as_str())];
        call.query(&query).read(page_of).await
    }

    /// Creates a conversation. In an inbox that keeps one per contact, the one there already is comes back.
    pub async fn create_conversation(&self, new: &NewConversation) -> Result<Conversation, Error> {
        let call = self.call("create_conversation", Method::POST, &["conversations"]);
        call.json(&new.body()).read(Conversation::read).await
    }

    /// Reads a conversation.
    pub async fn conversation(&self, id: i64) -> Result<Conversation, Error> {
        let call = self.call("conversation", Method::GET, &["conversations", &id.to_string()]);
        call.read(Conversation::read).await
    }

    /// Deletes a conversation with its messages, on Chatwoot's own time. Needs an administrator.
    pub async fn delete_conversation(&self, id: i64) -> Result<(), Error> {
        let call = self.call("delete_conversation", Method::DELETE, &["conversations", &id.to_string()]);
        call.success().await?;
        Ok(())
    }

    /// Gives a conversation these labels and no others.
    pub async fn set_labels(&self, conversation: i64, labels: &[String]) -> Result<(), Error> {
        let call = self.call("set_labels", Method::POST, &["conversations", &conversation.to_string(), "labels"]);
        call.json(&json!({ "labels": labels })).success().await?;
        Ok(())
    }

    /// Marks a conversation as seen by agents.
    pub async fn update_last_seen(&self, conversation: i64) -> Result<(), Error> {
        let conversation = conversation.to_string();
        let path = ["conversations", conversation.as_str(), "update_last_seen"];
        self.call("update_last_seen", Method::POST, &path).success().await?;
        Ok(())
    }

    /// Replaces the custom attributes of a conversation as a whole. Texts may have 1,500 characters.
    pub async fn set_custom_attributes(&self, conversation: i64, attributes: &Map<String, Value>) -> Result<(), Error> {
        let conversation = conversation.to_string();
        let path = ["conversations", conversation.as_str(), "custom_attributes"];
        let call = self.call("set_custom_attributes", Method::POST, &path);
        call.json(&json!({ "custom_attributes": attributes })).success().await?;
        Ok(())
    }

    /// Shows agents that the contact is typing, or has stopped. This goes through the public API, which needs
    /// no token; a source id with a dot would not be routed.
    pub async fn toggle_contact_typing(
        &self,
        inbox_identifier: &str,
        source_id: &str,
        conversation: i64,
        is_typing: bool,
    ) -> Result<(), Error> {
        let conversation = conversation.to_string();
        let inbox = ["public", "api", "v1", "inboxes", inbox_identifier];
        let chat = ["contacts", source_id, "conversations", conversation.as_str(), "toggle_typing"];
        let call = self.open_call("toggle_contact_typing", Method::POST, &[&inbox[..], &chat].concat());
        let status = if is_typing { "on" } else { "off" };
        call.json(&json!({ "typing_status": status })).success().await?;
        Ok(())
    }
}
