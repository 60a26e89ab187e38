//! Inboxes: where the webhook is set and where its secret is read.

use std::fmt;

use reqwest::Method;
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::client::Client;
use crate::error::Error;
use crate::wire::{Missing, Read, flag, int, list, need, object, text};

/// An inbox.
#[derive(Clone)]
pub struct Inbox {
    /// Id of the inbox.
    pub id: i64,
    /// Name of the inbox.
    pub name: String,
    /// Class of the channel, such as `Channel::Api`.
    pub channel_type: String,
    /// Where its events are sent; null until set, and only for API inboxes.
    pub webhook_url: Option<String>,
    /// Key of the webhook signature: from 4.13.0, and for administrators only.
    pub secret: Option<SecretString>,
    /// Whether a contact keeps one conversation forever.
    pub lock_to_single_conversation: bool,
    /// Name of the inbox in the public API.
    pub inbox_identifier: Option<String>,
}

impl Inbox {
    /// Says whether this is an API inbox, the only kind that takes incoming messages and status updates.
    pub fn is_api(&self) -> bool {
        self.channel_type == "Channel::Api"
    }
}

/// Leaves out the webhook address, which may carry a token in its query.
impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox")
            .field("id", &self.id)
            .field("name", &self.name)
            .field("channel_type", &self.channel_type)
            .field("has_webhook_url", &self.webhook_url.is_some())
            .field("has_secret", &self.secret.is_some())
            .field("lock_to_single_conversation", &self.lock_to_single_conversation)
            .finish_non_exhaustive()
    }
}

/// Where the events of a whole account are sent.
#[derive(Clone, PartialEq, Eq)]
pub struct AccountWebhook {
    /// The address, which may carry a token.
    pub url: String,
}

/// Leaves out the address.
impl fmt::Debug for AccountWebhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountWebhook").finish_non_exhaustive()
    }
}

impl Read for AccountWebhook {
    fn read(value: &Value) -> Result<Self, Missing> {
        Ok(Self { url: need(text(value, "url"), "url")? })
    }
}

impl Read for Inbox {
    fn read(value: &Value) -> Result<Self, Missing> {
        let non_empty = |key| text(value, key).filter(|text| !text.is_empty());
        Ok(Self {
            id: need(int(value, "id"), "id")?,
            name: text(value, "name").unwrap_or_default(),
            channel_type: need(text(value, "channel_type"), "channel_type")?,
            webhook_url: non_empty("webhook_url"),
            secret: non_empty("secret").map(SecretString::from),
            lock_to_single_conversation: flag(value, "lock_to_single_conversation").unwrap_or(false),
            inbox_identifier: non_empty("inbox_identifier"),
        })
    }
}

/// A user who may be a member of inboxes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    /// Id of the user.
    pub id: i64,
    /// Name of the user.
    pub name: String,
    /// Whether the user may do everything in the account.
    pub is_administrator: bool,
}

impl Read for Agent {
    fn read(value: &Value) -> Result<Self, Missing> {
        Ok(Self {
            id: need(int(value, "id"), "id")?,
            name: text(value, "name").unwrap_or_default(),
            is_administrator: text(value, "role").as_deref() == Some("administrator"),
        })
    }
}

impl Client {
    /// Lists the users of the account, administrators included.
    pub async fn agents(&self) -> Result<Vec<Agent>, Error> {
        self.call("agents", Method::GET, &["agents"]).read(all).await
    }

    /// Lists the members of an inbox: the users, besides administrators, who see it.
    pub async fn inbox_members(&self, inbox: i64) -> Result<Vec<Agent>, Error> {
        let call = self.call("inbox_members", Method::GET, &["inbox_members", &inbox.to_string()]);
        call.read(|answer| list(answer, "payload")).await
    }

    /// Adds members to an inbox; those it has stay. Needs an administrator.
    pub async fn add_inbox_members(&self, inbox: i64, users: &[i64]) -> Result<(), Error> {
        let call = self.call("add_inbox_members", Method::POST, &["inbox_members"]);
        call.json(&json!({ "inbox_id": inbox, "user_ids": users })).success().await?;
        Ok(())
    }

    /// Lists the inboxes the token's user can see.
    pub async fn inboxes(&self) -> Result<Vec<Inbox>, Error> {
        let call = self.call("inboxes", Method::GET, &["inboxes"]);
        call.read(|answer| list(answer, "payload")).await
    }

    /// Reads an inbox.
    pub async fn inbox(&self, id: i64) -> Result<Inbox, Error> {
        let call = self.call("inbox", Method::GET, &["inboxes", &id.to_string()]);
        call.read(Inbox::read).await
    }

    /// Lists where the events of the whole account are sent, beside those of each inbox. Needs an administrator.
    pub async fn account_webhooks(&self) -> Result<Vec<AccountWebhook>, Error> {
        let call = self.call("account_webhooks", Method::GET, &["webhooks"]);
        call.read(|answer| list(need(object(answer, "payload"), "payload")?, "webhooks")).await
    }

    /// Sends the events of an API inbox to `webhook_url`. Needs an administrator.
    pub async fn set_inbox_webhook(&self, id: i64, webhook_url: &str) -> Result<Inbox, Error> {
        let call = self.call("set_inbox_webhook", Method::PATCH, &["inboxes", &id.to_string()]);
        let body = json!({ "channel": { "webhook_url": webhook_url } });
        call.json(&body).read(Inbox::read).await
    }

    /// Creates an API inbox in which a contact keeps one conversation. Needs an administrator.
    pub async fn create_api_inbox(&self, name: &str, webhook_url: &str) -> Result<Inbox, Error> {
        let call = self.call("create_api_inbox", Method::POST, &["inboxes"]);
        let body = json!({
            "name": name,
            "lock_to_single_conversation": true,
            "channel": { "type": "api", "webhook_url": webhook_url },
        });
        call.json(&body).read(Inbox::read).await
    }
}

fn all(answer: &Value) -> Result<Vec<Agent>, Missing> {
    need(answer.as_array(), "agents")?.iter().map(Agent::read).collect()
}
