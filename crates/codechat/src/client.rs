//! The client: where the server is, what is shown to it and how long it may take.
//!
//! Invariant: a call names its instance as one segment of the path, and the key goes to the configured server alone,
//! which holds as long as the given HTTP client follows no redirects. No query string of anybody else reaches the
//! server, for `?instanceName=` there turns a call on one instance into a call on another.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use crate::call::Call;
use crate::classify::Purpose;
use crate::error::{Error, ErrorKind};
use crate::wire;

const KEY_HEADER: HeaderName = HeaderName::from_static("apikey");
/// A name no instance has: asking for it tells whether the key is good without listing all tokens.
const NO_INSTANCE: &str = "no-instance-has-this-name";

/// What proves to the server that the call is allowed. Never both, for a wrong key beats a good token.
#[derive(Clone)]
pub enum Auth {
    /// The key of the server; it may do everything.
    Global(SecretString),
    /// The token of one instance. It reaches the other instances of the server too.
    Instance(SecretString),
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Global(_) => "Global",
            Self::Instance(_) => "Instance",
        })
    }
}

/// How long each sort of call may take, from the connection to the last byte of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// A plain call.
    pub call: Duration,
    /// A message: CodeChat itself waits up to a minute for a silent WhatsApp.
    pub send: Duration,
    /// Asking for a QR code.
    pub connect: Duration,
    /// The bytes of a media, all of them.
    pub media: Duration,
    /// The next bytes of a media: for some messages the server begins to answer and never ends.
    pub silence: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            call: Duration::from_secs(15),
            send: Duration::from_secs(75),
            connect: Duration::from_secs(30),
            media: Duration::from_secs(100),
            silence: Duration::from_secs(20),
        }
    }
}

/// A client of one CodeChat server.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    auth: Auth,
    deadlines: Deadlines,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("origin", &self.base.origin().ascii_serialization())
            .field("auth", &self.auth)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// Builds a client of the server at `base`, which may have a path. `http` must not follow redirects, or the key
    /// could leave for another server.
    pub fn new(http: reqwest::Client, mut base: Url, auth: Auth) -> Self {
        base.set_query(None);
        base.set_fragment(None);
        Self { http, base, auth, deadlines: Deadlines::default() }
    }

    /// Replaces the deadlines.
    #[must_use]
    pub fn with_deadlines(mut self, deadlines: Deadlines) -> Self {
        self.deadlines = deadlines;
        self
    }

    /// Returns the address of the server.
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// Returns what the client shows to the server.
    pub fn auth(&self) -> &Auth {
        &self.auth
    }

    /// Verifies that a CodeChat server answers and takes the key or token.
    pub async fn probe(&self) -> Result<(), Error> {
        match &self.auth {
            Auth::Global(_) => self.probe_key().await,
            Auth::Instance(token) => {
                let name = instance_of(token)
                    .ok_or_else(|| Error::local(ErrorKind::Unauthorized, "the token is not one of an instance"))?;
                // The state itself is told for any name; the guard in front of it checks the token.
                self.connection_state(&name).await.map(|_| ())
            }
        }
    }

    async fn probe_key(&self) -> Result<(), Error> {
        let call = self.call("probe", Method::GET, &["instance", "fetchInstances"]);
        let answer = call.query(&[("instanceName", NO_INSTANCE)]).success().await;
        match answer {
            // The same kind without these words comes from a server that has no such endpoint.
            Err(error) if error.kind == ErrorKind::NotFound && says_no_instance(&error) => Ok(()),
            Err(error) => Err(error),
            Ok(answer) => answer.read(|value| wire::need(value.as_array(), "instances").map(|_| ())),
        }
    }

    pub(crate) fn deadlines(&self) -> &Deadlines {
        &self.deadlines
    }

    /// Prepares a call below the base, with the key or token.
    pub(crate) fn call(&self, operation: &'static str, method: Method, path: &[&str]) -> Call {
        let mut request = self.http.request(method, self.url(path));
        let mut refused = None;
        if !path.iter().all(|segment| is_one_segment(segment)) {
            refused = Some((ErrorKind::Rejected, "the name does not fit into an address"));
        }
        match self.credentials() {
            Some((name, value)) => request = request.header(name, value),
            None => refused = Some((ErrorKind::Unauthorized, "the key does not fit into a header")),
        }
        Call { operation, purpose: Purpose::Plain, request, deadline: self.deadlines.call, refused }
    }

    /// Prepares a call that sends something to WhatsApp.
    pub(crate) fn send_call(&self, operation: &'static str, method: Method, path: &[&str]) -> Call {
        let call = self.call(operation, method, path);
        Call { purpose: Purpose::Send, deadline: self.deadlines.send, ..call }
    }

    fn credentials(&self) -> Option<(HeaderName, HeaderValue)> {
        let (name, value) = match &self.auth {
            Auth::Global(key) => (KEY_HEADER, HeaderValue::from_str(key.expose_secret())),
            Auth::Instance(token) => {
                (AUTHORIZATION, HeaderValue::from_str(&format!("Bearer {}", token.expose_secret())))
            }
        };
        let mut value = value.ok()?;
        value.set_sensitive(true);
        Some((name, value))
    }

    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }
}

fn says_no_instance(error: &Error) -> bool {
    error.detail.to_lowercase().contains("instance not found")
}

/// URLs drop control characters and resolve dots, which would name another instance.
fn is_one_segment(segment: &str) -> bool {
    !matches!(segment, "" | "." | "..") && !segment.chars().any(char::is_control)
}

/// The instance a token was made for, which the token itself names.
fn instance_of(token: &SecretString) -> Option<String> {
    let claims = token.expose_secret().split('.').nth(1)?;
    let claims = URL_SAFE_NO_PAD.decode(claims).ok()?;
    wire::text(&wire::parse(&claims).ok()?, "instanceName")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_is_one_segment_of_the_path() {
        drop(rustls::crypto::ring::default_provider().install_default());
        let base = Url::parse("http://codechat.example/api/?instanceName=x#y").unwrap();
        let client = Client::new(reqwest::Client::new(), base, Auth::Global("k".into()));
        let table = [
            ("loja01", "loja01"),
            ("a/b", "a%2Fb"),
            ("a?instanceName=b#c", "a%3FinstanceName=b%23c"),
            ("loja 01", "loja%2001"),
            ("%2e%2e", "%252e%252e"),
            ("açaí", "a%C3%A7a%C3%AD"),
        ];
        for (name, segment) in table {
            let url = client.url(&["chat", "findMessages", name]);
            assert_eq!(url.as_str(), format!("http://codechat.example/api/chat/findMessages/{segment}"));
        }
        for name in ["", ".", "..", "a\tb", "a\nb"] {
            assert!(!is_one_segment(name), "{name:?}");
        }
    }

    #[test]
    fn a_token_names_its_instance() {
        let claims = URL_SAFE_NO_PAD.encode(r#"{"instanceName":"loja01","apiName":"whatsapp-api"}"#);
        assert_eq!(instance_of(&format!("h.{claims}.s").into()), Some("loja01".to_owned()));
        assert_eq!(instance_of(&"opaque".into()), None);
        assert_eq!(instance_of(&"a.!!.c".into()), None);
    }

    #[test]
    fn secrets_are_not_printed() {
        drop(rustls::crypto::ring::default_provider().install_default());
        let base = Url::parse("http://codechat.example/").unwrap();
        let client = Client::new(reqwest::Client::new(), base, Auth::Instance("s3cret".into()));
        assert_eq!(format!("{client:?}"), "Client { origin: \"http://codechat.example\", auth: Instance, .. }");
    }
}
