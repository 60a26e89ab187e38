//! The transport: one call to one Chatwoot account, with its deadline, its token and a limit on the answer.
//!
//! Invariant: a call ends within its deadline, reads at most [`ANSWER_LIMIT`] bytes, and sends the token to the
//! configured server alone, which holds as long as the given HTTP client follows no redirects.

use std::fmt;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::{ACCEPT, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use url::Url;

use crate::classify::refusal;
use crate::error::{Certainty, Error, ErrorKind};
use crate::wire::Missing;

/// Time a call may take, from the connection to the last byte of the answer.
pub const CALL_DEADLINE: Duration = Duration::from_secs(15);
/// Time a call that uploads files may take.
pub const UPLOAD_DEADLINE: Duration = Duration::from_mins(1);

/// Most bytes of an answer that are read.
const ANSWER_LIMIT: usize = 8 * 1024 * 1024;
/// The hyphenated spelling works like `api_access_token` and passes through proxies that drop underscores.
const TOKEN_HEADER: &str = "api-access-token";

/// A client of one Chatwoot account.
#[derive(Clone)]
pub struct Client {
    pub(crate) http: reqwest::Client,
    /// Asks servers other than Chatwoot.
    pub(crate) stores: reqwest::Client,
    pub(crate) base: Url,
    account: i64,
    token: SecretString,
    pub(crate) call_deadline: Duration,
    upload_deadline: Duration,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("origin", &self.base.origin().ascii_serialization())
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// Builds a client of `account` on the server at `base`, which may have a path. `http` must not follow
    /// redirects, or the token could leave for another server.
    pub fn new(http: reqwest::Client, mut base: Url, account: i64, token: SecretString) -> Self {
        base.set_query(None);
        base.set_fragment(None);
        let (call_deadline, upload_deadline) = (CALL_DEADLINE, UPLOAD_DEADLINE);
        Self { stores: http.clone(), http, base, account, token, call_deadline, upload_deadline }
    }

    /// Downloads what lies on other servers through `http`, whose resolver may refuse names with [`NameRefused`].
    ///
    /// [`NameRefused`]: crate::NameRefused
    #[must_use]
    pub fn with_stores(mut self, http: reqwest::Client) -> Self {
        self.stores = http;
        self
    }

    /// Replaces both deadlines.
    #[must_use]
    pub fn with_deadlines(mut self, call: Duration, upload: Duration) -> Self {
        self.call_deadline = call;
        self.upload_deadline = upload;
        self
    }

    /// Returns the account this client works for.
    pub fn account(&self) -> i64 {
        self.account
    }

    /// Returns the address of the server.
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// Prepares a call below `/api/v1/accounts/{account}`, with the token.
    pub(crate) fn call(&self, operation: &'static str, method: Method, tail: &[&str]) -> Call {
        let account = self.account.to_string();
        let head = ["api", "v1", "accounts", account.as_str()];
        let segments = [&head, tail].concat();
        self.call_with_token(operation, method, &segments)
    }

    /// Prepares a call below the base, with the token.
    pub(crate) fn call_with_token(&self, operation: &'static str, method: Method, segments: &[&str]) -> Call {
        let mut call = self.open_call(operation, method, segments);
        match HeaderValue::from_str(self.token.expose_secret()) {
            Ok(mut token) => {
                token.set_sensitive(true);
                call.request = call.request.header(TOKEN_HEADER, token);
            }
            Err(_) => call.refused = Some("the token does not fit into a header"),
        }
        call
    }

    /// Prepares a call below the base, without the token.
    pub(crate) fn open_call(&self, operation: &'static str, method: Method, segments: &[&str]) -> Call {
        let request = self.http.request(method, self.url(segments));
        let request = request.header(ACCEPT, HeaderValue::from_static("application/json"));
        Call { operation, request, deadline: self.call_deadline, refused: None }
    }

    pub(crate) fn upload_deadline(&self) -> Duration {
        self.upload_deadline
    }

    fn url(&self, segments: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }
}

/// A call that is ready to be sent.
pub(crate) struct Call {
    operation: &'static str,
    request: RequestBuilder,
    deadline: Duration,
    refused: Option<&'static str>,
}

impl Call {
    pub(crate) fn query(mut self, pairs: &[(&str, &str)]) -> Self {
        self.request = self.request.query(pairs);
        self
    }

    pub(crate) fn json(mut self, body: &Value) -> Self {
        self.request = self.request.json(body);
        self
    }

    pub(crate) fn form(mut self, form: reqwest::multipart::Form, deadline: Duration) -> Self {
        self.request = self.request.multipart(form);
        self.deadline = deadline;
        self
    }

    /// Sends the call and reads what it answers.
    pub(crate) async fn read<T>(self, pick: impl FnOnce(&Value) -> Result<T, Missing>) -> Result<T, Error> {
        self.success().await?.read(pick)
    }

    /// Sends the call; an answer that is not a success is an error.
    pub(crate) async fn success(self) -> Result<Answer, Error> {
        self.answer().await?.success()
    }

    /// Sends the call and returns whatever is answered.
    pub(crate) async fn answer(self) -> Result<Answer, Error> {
        if let Some(reason) = self.refused {
            return Err(Error::new(ErrorKind::Unauthorized, Certainty::NotDelivered, reason));
        }
        let sent = self.request.timeout(self.deadline).send().await;
        let response = sent.map_err(Error::transport)?;
        let status = response.status();
        tracing::debug!(
            chatwoot.operation = self.operation,
            http.status = status.as_u16(),
            "chatwoot answered {} with {}",
            self.operation,
            status.as_u16(),
        );
        let retry_after = retry_after(response.headers());
        let location = redirect_origin(&response);
        let body = capped_body(response).await.map_err(|error| error.with_status(status.as_u16()))?;
        Ok(Answer { status, body, retry_after, location })
    }
}

/// A whole answer.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
    retry_after: Option<String>,
    location: Option<String>,
}

impl Answer {
    pub(crate) fn success(self) -> Result<Self, Error> {
        if self.status.is_success() {
            return Ok(self);
        }
        if let Some(origin) = self.location {
            let detail = format!("the server redirects to {origin}");
            return Err(Error::local(&detail).with_status(self.status.as_u16()));
        }
        Err(refusal(self.status, self.retry_after.as_deref(), &self.body))
    }

    pub(crate) fn read<T>(&self, pick: impl FnOnce(&Value) -> Result<T, Missing>) -> Result<T, Error> {
        let status = self.status.as_u16();
        let value: Value =
            serde_json::from_slice(&self.body).map_err(|_| Error::unreadable(status, "the answer is not json"))?;
        pick(&value).map_err(|missing| Error::missing(status, missing))
    }
}

pub(crate) fn retry_after(headers: &HeaderMap) -> Option<String> {
    headers.get(RETRY_AFTER)?.to_str().ok().map(str::to_owned)
}

/// Where a redirect leads, without the path, which may hold a token.
fn redirect_origin(response: &Response) -> Option<String> {
    if !response.status().is_redirection() {
        return None;
    }
    let target = response.headers().get(reqwest::header::LOCATION)?.to_str().ok()?;
    let target = response.url().join(target).ok()?;
    Some(target.origin().ascii_serialization())
}

async fn capped_body(mut response: Response) -> Result<Bytes, Error> {
    let status = response.status().as_u16();
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(broken_off)? {
        if body.len() + chunk.len() > ANSWER_LIMIT {
            return Err(Error::unreadable(status, "the answer is too long"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// An answer had begun, so the server has seen the call whatever the transport says.
fn broken_off(error: reqwest::Error) -> Error {
    let mut error = Error::transport(error);
    error.certainty = Certainty::MaybeDelivered;
    error
}
