//! The webhook of an instance.
//!
//! Invariants: the settings always name every event, for leaving `events` out is an error on an instance that is
//! loaded, and settings merge key by key; the address, which may carry a secret, is never printed.

use std::fmt;

use reqwest::Method;
use serde_json::{Map, Value, json};
use url::Url;

use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::event::HookEvent;
use crate::wire::{self, Missing, need};

/// Longest address that the server stores, in characters.
const LONGEST_URL: usize = 500;

/// The webhook of an instance.
#[derive(Clone, PartialEq, Eq)]
pub struct Hook {
    /// Where it leads.
    pub url: String,
    /// Whether it is on.
    pub enabled: bool,
    /// What it lets through; `None` means everything.
    pub events: Option<Vec<HookEvent>>,
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hook").field("enabled", &self.enabled).field("events", &self.events).finish_non_exhaustive()
    }
}

impl Client {
    /// Points the webhook of the instance at `url`, for `events` and no others.
    pub async fn set_webhook(&self, name: &str, url: &Url, events: &[HookEvent]) -> Result<Hook, Error> {
        if url.as_str().chars().count() > LONGEST_URL {
            return Err(Error::local(ErrorKind::Rejected, "the address of the webhook is too long"));
        }
        let call = self.call("set_webhook", Method::PUT, &["webhook", "set", name]);
        let body = json!({ "url": url, "enabled": true, "events": switches(events) });
        call.json(&body).read(Hook::read).await
    }

    /// Fetches the webhook of the instance. An instance nobody knows has none.
    pub async fn find_webhook(&self, name: &str) -> Result<Option<Hook>, Error> {
        let call = self.call("find_webhook", Method::GET, &["webhook", "find", name]);
        let hook = |value: &Value| match value {
            Value::Null => Ok(None),
            value => Hook::read(value).map(Some),
        };
        call.read(hook).await
    }
}

fn switches(events: &[HookEvent]) -> Map<String, Value> {
    let all = HookEvent::ALL.iter();
    all.map(|event| (event.key().to_owned(), Value::Bool(events.contains(event)))).collect()
}

impl Hook {
    pub(crate) fn read(value: &Value) -> Result<Self, Missing> {
        let events = wire::object(value, "events");
        Ok(Self {
            url: need(wire::text(value, "url"), "url")?,
            enabled: wire::flag(value, "enabled").unwrap_or(true),
            events: events.map(|events| {
                let is_on = |event: &HookEvent| wire::flag(events, event.key()) == Some(true);
                HookEvent::ALL.iter().copied().filter(is_on).collect()
            }),
        })
    }
}
