//! Sessions as they are sent and answered.

use relay_engine::{Live, Side};
use relay_store::Session;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;
use utoipa::{IntoParams, ToSchema};

use crate::message::time;
use crate::openapi::SettingsDoc;
use relay_domain::settings::SessionSettings;

/// A session that is to be made. Unknown fields are refused.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "an object with the field chatwoot")]
pub(crate) struct SessionIn {
    /// Its name, and that of its CodeChat instance: 1 to 64 letters, digits, `-`, `_`, `.`; a random UUID when absent.
    #[schema(pattern = "^[A-Za-z0-9._-]{1,64}$")]
    pub(crate) session_id: Option<String>,
    /// What people should know about it.
    pub(crate) description: Option<String>,
    pub(crate) chatwoot: ChatwootIn,
    /// Settings that differ from the defaults.
    #[schema(value_type = Option<SettingsDoc>)]
    pub(crate) settings: Option<Value>,
}

/// Settings to change: what is not named stays, `null` brings a default back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "an object with settings")]
pub(crate) struct ChangesIn {
    #[schema(value_type = SettingsDoc)]
    pub(crate) settings: Value,
}

/// The inbox of a session, which must be of type API and of no other session.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "an object with inbox_id, account_id and token")]
pub(crate) struct ChatwootIn {
    pub(crate) inbox_id: i64,
    pub(crate) account_id: i64,
    /// Access token of a user; an administrator's lets the relay set the webhook and read the signing secret.
    #[schema(value_type = String, format = Password)]
    pub(crate) token: SecretString,
    /// Where Chatwoot is; `CHATWOOT_URL` when absent.
    #[schema(value_type = Option<String>, format = "uri")]
    pub(crate) url: Option<Url>,
}

/// A session.
#[derive(Serialize, ToSchema)]
pub(crate) struct SessionOut {
    pub(crate) id: String,
    /// Its name.
    pub(crate) session_id: String,
    pub(crate) description: Option<String>,
    /// `active`, or `paused`: webhooks are stored and nothing is delivered.
    #[schema(value_type = String)]
    pub(crate) status: &'static str,
    /// Why it is paused.
    pub(crate) status_reason: Option<String>,
    /// What CodeChat last said: `open`, `connecting`, `close`, `refused`, or `unknown` before the first word.
    pub(crate) connection: String,
    pub(crate) chatwoot: ChatwootOut,
    #[schema(value_type = SettingsDoc)]
    pub(crate) settings: SessionSettings,
    #[schema(format = DateTime)]
    pub(crate) created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) heard: Option<HeardOut>,
}

/// What both sides told this process since it started.
#[derive(Serialize, ToSchema)]
pub(crate) struct HeardOut {
    chatwoot: HeardFrom,
    codechat: HeardFrom,
}

#[derive(Serialize, ToSchema)]
struct HeardFrom {
    /// How many webhooks came.
    webhooks: u64,
    /// When the last one came.
    #[schema(format = DateTime)]
    last_at: Option<String>,
}

/// The inbox of a session.
#[derive(Serialize, ToSchema)]
pub(crate) struct ChatwootOut {
    url: String,
    account_id: i64,
    inbox_id: i64,
    /// Whether Chatwoot's webhooks are checked by signature.
    signed: bool,
}

/// A session that was just made.
#[derive(Serialize, ToSchema)]
pub(crate) struct CreatedOut {
    #[serde(flatten)]
    pub(crate) session: SessionOut,
    /// Where the inbox sends its webhooks. It holds a secret, and is shown only here.
    pub(crate) chatwoot_inbox_webhook: String,
    /// Whether the inbox was told so.
    pub(crate) chatwoot_inbox_webhook_set: bool,
    /// What is left to do by hand, when it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_step: Option<String>,
}

/// What the phone is to scan, or how its connection stands.
#[derive(Serialize, ToSchema)]
pub(crate) struct QrOut {
    /// The QR code as a PNG in a data URL; null on an open connection.
    pub(crate) base64: Option<String>,
    /// What the QR code says.
    pub(crate) code: Option<String>,
    /// How many codes were shown so far.
    pub(crate) count: i64,
    /// `connecting`, `open`, or `refused` when too many codes went by: call again.
    #[schema(value_type = String)]
    pub(crate) state: String,
    /// The number that is connected, masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) owner: Option<String>,
}

/// Why a session is paused.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "an object with the field reason")]
pub(crate) struct PauseIn {
    /// One line of at most 200 characters.
    #[schema(max_length = 200)]
    pub(crate) reason: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Removal {
    /// Remove it together with events that wait and dead letters.
    #[serde(default)]
    pub(crate) force: bool,
}

/// Which sessions of a list are asked for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SessionPage {
    /// How many at once; all of them when absent.
    #[param(minimum = 1)]
    pub(crate) limit: Option<usize>,
    /// `next` of the page before.
    pub(crate) cursor: Option<String>,
}

impl HeardOut {
    pub(crate) fn by(live: &Live) -> Self {
        Self { chatwoot: HeardFrom::of(live, Side::Chatwoot), codechat: HeardFrom::of(live, Side::CodeChat) }
    }
}

impl HeardFrom {
    fn of(live: &Live, side: Side) -> Self {
        let heard = live.health.told(side);
        let time = |at: relay_domain::Timestamp| jiff::Timestamp::from_millisecond(at.as_millis()).ok();
        Self { webhooks: heard.count(), last_at: heard.last().and_then(time).map(|at| at.to_string()) }
    }
}

impl From<&Session> for SessionOut {
    fn from(session: &Session) -> Self {
        Self {
            id: session.id.to_string(),
            session_id: session.name.clone(),
            description: session.description.clone(),
            status: session.state.as_str(),
            status_reason: session.state_reason.clone(),
            connection: session.connection.clone(),
            chatwoot: ChatwootOut {
                url: without_password(&session.chatwoot.url),
                account_id: session.chatwoot.account,
                inbox_id: session.chatwoot.inbox,
                signed: session.chatwoot.secret.is_some(),
            },
            settings: session.settings.clone(),
            created_at: time(session.created_at),
            heard: None,
        }
    }
}

/// The address without what proves who may use it.
fn without_password(url: &Url) -> String {
    let mut url = url.clone();
    if url.set_password(None).and_then(|()| url.set_username("")).is_err() {
        return url.origin().ascii_serialization();
    }
    url.to_string()
}
