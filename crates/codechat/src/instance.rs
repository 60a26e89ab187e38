//! Instances: one WhatsApp account each.

use std::fmt;

use reqwest::Method;
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::client::{Auth, Client};
use crate::connection::{Qr, State};
use crate::error::{Error, ErrorKind};
use crate::hook::Hook;
use crate::wire::{self, Missing, need};

/// An instance that was just created.
#[derive(Clone, Debug)]
pub struct Created {
    /// The token of the instance.
    pub token: SecretString,
}

/// An instance as the server describes it.
#[derive(Clone)]
pub struct Instance {
    /// Its name.
    pub name: String,
    /// Whether it was connected when last heard of; may be out of date.
    pub connection_status: Option<ConnectionStatus>,
    /// The account it was paired with.
    pub owner_jid: Option<String>,
    /// The picture of that account.
    pub profile_pic_url: Option<String>,
    /// Its token.
    pub token: Option<SecretString>,
    /// The state of the connection, when the server tells it along.
    pub state: Option<State>,
    /// Its webhook, when the server tells it along and there is one.
    pub webhook: Option<Hook>,
}

/// A server as it shows itself to its key.
#[derive(Clone, Debug)]
pub struct Server {
    /// Its instances.
    pub instances: Vec<Instance>,
    /// Which release it is, as far as it shows.
    pub release: Release,
}

/// A release of CodeChat, which tells no version: it is known by what it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// 1.3.7 or newer: every answer has a request id.
    Since137,
    /// Older than that, or another server of its kind.
    Older,
}

impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instance")
            .field("name", &self.name)
            .field("connection_status", &self.connection_status)
            .field("state", &self.state)
            .field("webhook", &self.webhook)
            .finish_non_exhaustive()
    }
}

/// Whether an instance was connected when last heard of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConnectionStatus {
    /// It was.
    Online,
    /// It was not.
    Offline,
    /// A word this crate does not know.
    Other(String),
}

/// The state of a connection and why it is so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionState {
    /// The state. An instance that is not loaded, or that nobody knows, is [`State::Close`].
    pub state: State,
    /// 200 when all is well, 400 when the instance is not loaded.
    pub status_reason: Option<i64>,
}

impl Client {
    /// Lists all instances, and looks at which release answers. Needs the global key.
    pub async fn server(&self) -> Result<Server, Error> {
        let answer = self.call("server", Method::GET, &["instance", "fetchInstances"]).success().await?;
        let release = if answer.has_request_id { Release::Since137 } else { Release::Older };
        let instances = answer.read(|value| {
            let list = need(value.as_array(), "instances")?;
            list.iter().map(Instance::read).collect::<Result<_, _>>()
        })?;
        Ok(Server { instances, release })
    }

    /// Creates an instance. Needs the global key.
    pub async fn create_instance(&self, name: &str, description: Option<&str>) -> Result<Created, Error> {
        let mut body = json!({ "instanceName": name });
        if let Some(description) = description {
            body["description"] = description.into();
        }
        // Without a name the server answers about some other instance.
        if name.is_empty() {
            return Err(Error::local(ErrorKind::Rejected, "an instance needs a name"));
        }
        let call = self.call("create_instance", Method::POST, &["instance", "create"]);
        let token = |value: &Value| need(token_of(value), "Auth.token");
        call.json(&body).read(token).await.map(|token| Created { token })
    }

    /// Fetches an instance. With the global key it may be unloaded; with a token it must be loaded.
    pub async fn fetch_instance(&self, name: &str) -> Result<Instance, Error> {
        match self.auth() {
            Auth::Global(_) => {
                let call = self.call("fetch_instance", Method::GET, &["instance", "fetchInstances"]);
                let found = call.query(&[("instanceName", name)]).read(|value| named(value, name)).await?;
                found.ok_or_else(|| Error::local(ErrorKind::NotFound, "no instance has this name"))
            }
            Auth::Instance(_) => {
                let path = ["instance", "fetchInstance", name];
                self.call("fetch_instance", Method::GET, &path).read(Instance::read).await
            }
        }
    }

    /// Asks for the state of the connection.
    pub async fn connection_state(&self, name: &str) -> Result<ConnectionState, Error> {
        let path = ["instance", "connectionState", name];
        self.call("connection_state", Method::GET, &path).read(ConnectionState::read).await
    }

    /// Connects the instance and returns what there is to scan. An instance that is connected already is no error.
    pub async fn connect(&self, name: &str) -> Result<Qr, Error> {
        let call = self.call("connect", Method::GET, &["instance", "connect", name]);
        let answer = call.deadline(self.deadlines().connect).read(|value| Ok(Qr::read(value))).await;
        match answer {
            Err(error) if error.detail.to_lowercase().contains("already connected") => Ok(Qr::open()),
            other => other,
        }
    }

    /// Removes the device from the account. The instance, its messages and its webhook stay.
    pub async fn logout(&self, name: &str) -> Result<(), Error> {
        let call = self.call("logout", Method::DELETE, &["instance", "logout", name]);
        call.success().await.map(|_| ())
    }

    /// Deletes the instance, which must be disconnected. Without `force` its messages or webhook prevent it.
    pub async fn delete_instance(&self, name: &str, force: bool) -> Result<(), Error> {
        let mut call = self.call("delete_instance", Method::DELETE, &["instance", "delete", name]);
        if force {
            call = call.query(&[("force", "true")]);
        }
        call.success().await.map(|_| ())
    }
}

impl Instance {
    fn read(value: &Value) -> Result<Self, Missing> {
        let connection = value.get("Whatsapp").and_then(|whatsapp| whatsapp.get("connection"));
        let state = connection.and_then(|connection| wire::str_of(connection, "state"));
        Ok(Self {
            name: need(wire::text(value, "name"), "name")?,
            connection_status: wire::str_of(value, "connectionStatus").map(ConnectionStatus::from_word),
            owner_jid: wire::text(value, "ownerJid"),
            profile_pic_url: wire::text(value, "profilePicUrl"),
            token: token_of(value),
            state: state.map(State::from_word),
            // one that cannot be read is as good as none
            webhook: wire::object(value, "Webhook").and_then(|_| Hook::read(&value["Webhook"]).ok()),
        })
    }
}

impl ConnectionStatus {
    fn from_word(word: &str) -> Self {
        match word.to_ascii_lowercase().as_str() {
            "online" => Self::Online,
            "offline" => Self::Offline,
            _ => Self::Other(word.to_owned()),
        }
    }
}

impl ConnectionState {
    fn read(value: &Value) -> Result<Self, Missing> {
        let state = State::from_word(need(wire::str_of(value, "state"), "state")?);
        Ok(Self { state, status_reason: wire::int(value, "statusReason") })
    }
}

fn token_of(value: &Value) -> Option<SecretString> {
    wire::text(value.get("Auth")?, "token").map(SecretString::from)
}

/// The instance called `name` in a list, or the only one when a server answers with that alone.
fn named(value: &Value, name: &str) -> Result<Option<Instance>, Missing> {
    let list = match value {
        Value::Array(list) => list.as_slice(),
        one => std::slice::from_ref(one),
    };
    let found = list.iter().find(|instance| wire::str_of(instance, "name") == Some(name));
    found.map(Instance::read).transpose()
}
