//! Faults on the request side: what to do to which call, how often.
//!
//! A fault hits before or after the handler committed its effect; `commit: true` is "done, but you will not hear of it". Every call is counted
//! by its route template, faulted or not. A request that changes something runs to its end even when the client goes away, as in the originals.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, Method, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::clock;
use crate::server::{ResetMark, reset_response};

/// Names of routes for [`Fault::route`]. With a method it must equal the route key; without one it is a substring of it.
pub mod route {
    /// Every call.
    pub const ALL: &str = "";
    /// CodeChat: everything that sends.
    pub const SENDS: &str = "/message/";
    /// CodeChat: `sendText`.
    pub const SEND_TEXT: &str = "/message/sendText";
    /// CodeChat: `sendMedia`.
    pub const SEND_MEDIA: &str = "POST /message/sendMedia/{instance}";
    /// CodeChat: `findMessages`.
    pub const FIND_MESSAGES: &str = "/chat/findMessages";
    /// CodeChat: `mediaData`.
    pub const MEDIA_DATA: &str = "/chat/mediaData";
    /// CodeChat: `connectionState`.
    pub const CONNECTION_STATE: &str = "/instance/connectionState";
    /// Chatwoot: creating a message.
    pub const MESSAGE_CREATE: &str = "POST /api/v1/accounts/{account}/conversations/{conversation}/messages";
    /// Chatwoot: listing messages.
    pub const MESSAGE_LIST: &str = "GET /api/v1/accounts/{account}/conversations/{conversation}/messages";
    /// Chatwoot: the status PATCH.
    pub const MESSAGE_STATUS: &str = "PATCH /api/v1/accounts/{account}/conversations/{conversation}/messages/{message}";
    /// Chatwoot: creating a contact.
    pub const CONTACT_CREATE: &str = "POST /api/v1/accounts/{account}/contacts";
    /// Chatwoot: searching contacts.
    pub const CONTACT_SEARCH: &str = "/contacts/search";
    /// Chatwoot: creating a conversation.
    pub const CONVERSATION_CREATE: &str = "POST /api/v1/accounts/{account}/conversations";
    /// Chatwoot: attachment downloads.
    pub const BLOBS: &str = "/rails/active_storage";
}

/// One scripted fault. Serialized flat: `{"route":"/message/","times":3,"do":"status","status":500}`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Fault {
    /// Which calls; see [`route`].
    #[serde(default)]
    pub route: String,
    /// Only calls whose actual path contains this, such as an instance or a conversation.
    #[serde(default)]
    pub path: Option<String>,
    /// How many calls are hit; `None` until cleared.
    #[serde(default)]
    pub times: Option<u64>,
    /// How many matching calls pass first.
    #[serde(default)]
    pub skip: u64,
    /// Share of matching calls that are hit; `None` is all.
    #[serde(default)]
    pub percent: Option<u8>,
    /// What happens.
    #[serde(flatten)]
    pub action: FaultAction,
}

/// What a fault does.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum FaultAction {
    /// Answers with this status.
    Status {
        /// HTTP status.
        status: u16,
        /// JSON body, or text when it is a string; a plausible one when absent.
        #[serde(default)]
        body: Option<Value>,
        /// `Retry-After` in seconds.
        #[serde(default)]
        retry_after: Option<u64>,
        /// Runs the handler first.
        #[serde(default)]
        commit: bool,
    },
    /// Never answers.
    Hang {
        /// Runs the handler first.
        #[serde(default)]
        commit: bool,
    },
    /// Resets the connection.
    Reset {
        /// Runs the handler first.
        #[serde(default)]
        commit: bool,
    },
    /// Resets the connection at once and commits later.
    ResetThenCommit {
        /// How much later, in the time of the stand-ins.
        after_ms: u64,
    },
    /// Answers late.
    Delay {
        /// How late.
        ms: u64,
        /// Waits after the handler instead of before it.
        #[serde(default)]
        after_commit: bool,
    },
}

impl Fault {
    /// A fault on every call of `route` until cleared.
    pub fn on(route: impl Into<String>, action: FaultAction) -> Self {
        Self { route: route.into(), path: None, times: None, skip: 0, percent: None, action }
    }

    /// Answers `status` without committing.
    pub fn status(route: impl Into<String>, status: u16) -> Self {
        Self::on(route, FaultAction::Status { status, body: None, retry_after: None, commit: false })
    }

    /// Limits the fault to the next `times` calls.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    /// Limits the fault to paths that contain `part`.
    #[must_use]
    pub fn only_path(mut self, part: impl Into<String>) -> Self {
        self.path = Some(part.into());
        self
    }

    fn matches(&self, key: &str, path: &str) -> bool {
        let route_matches = if self.route.contains(' ') { self.route == key } else { key.contains(&self.route) };
        route_matches && self.path.as_deref().is_none_or(|part| path.contains(part))
    }

    fn strikes(&mut self) -> bool {
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        if self.percent.is_some_and(|percent| fastrand::u8(..100) >= percent) {
            return false;
        }
        match &mut self.times {
            None => true,
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
        }
    }
}

/// One call that came in, with when and what it was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Call {
    /// Method and route template, as [`route`] names them.
    pub route: String,
    /// The path asked for.
    pub path: String,
    /// When it came, in the time of the stand-ins.
    pub at_ms: i64,
    /// The status it was answered with; `None` when it was not, or not yet, or the connection was reset.
    pub status: Option<u16>,
}

/// Scripted faults and call counters of one stand-in.
#[derive(Debug, Default)]
pub(crate) struct Control {
    faults: Mutex<Vec<Fault>>,
    calls: Mutex<BTreeMap<String, u64>>,
    /// Every call, in order of arrival.
    log: Mutex<Vec<Call>>,
    /// How far the server's own clock is ahead, as the header `Date` shows it, in seconds.
    ahead_s: AtomicI64,
}

impl Control {
    pub(crate) fn add(&self, fault: Fault) {
        lock(&self.faults).push(fault);
    }

    pub(crate) fn set_ahead(&self, seconds: i64) {
        self.ahead_s.store(seconds, Ordering::Relaxed);
    }

    /// The header `Date`, when it is not to be the true one.
    fn date(&self) -> Option<HeaderValue> {
        let ahead = self.ahead_s.load(Ordering::Relaxed);
        let time = jiff::Timestamp::from_second(clock::now_s() + ahead).ok().filter(|_| ahead != 0)?;
        HeaderValue::from_str(&time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()).ok()
    }

    pub(crate) fn clear(&self) {
        lock(&self.faults).clear();
    }

    pub(crate) fn faults(&self) -> Vec<Fault> {
        lock(&self.faults).clone()
    }

    pub(crate) fn calls(&self) -> BTreeMap<String, u64> {
        lock(&self.calls).clone()
    }

    pub(crate) fn reset_calls(&self) {
        lock(&self.calls).clear();
    }

    pub(crate) fn log(&self) -> Vec<Call> {
        lock(&self.log).clone()
    }

    /// Enters a call into the log; returns its place there.
    fn enter(&self, key: &str, path: &str) -> usize {
        let call = Call { route: key.to_owned(), path: path.to_owned(), at_ms: clock::now_ms(), status: None };
        let mut log = lock(&self.log);
        log.push(call);
        log.len() - 1
    }

    fn answered(&self, place: usize, response: &Response) {
        let is_reset = response.extensions().get::<ResetMark>().is_some();
        lock(&self.log)[place].status = (!is_reset).then_some(response.status().as_u16());
    }

    fn count(&self, key: &str) {
        let mut calls = lock(&self.calls);
        match calls.get_mut(key) {
            Some(count) => *count += 1,
            None => {
                calls.insert(key.to_owned(), 1);
            }
        }
    }

    fn take(&self, key: &str, path: &str) -> Option<FaultAction> {
        let mut faults = lock(&self.faults);
        let hit = faults
            .iter_mut()
            .find_map(|fault| (fault.matches(key, path) && fault.strikes()).then(|| fault.action.clone()));
        faults.retain(|fault| fault.times != Some(0));
        hit
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Counts the call, then lets the scripted fault act on it, if there is one.
pub(crate) async fn guard(control: std::sync::Arc<Control>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    if path.starts_with("/_sim") {
        return next.run(request).await;
    }
    let template = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str);
    let key = format!("{} {template}", request.method());
    control.count(&key);
    let place = control.enter(&key, &path);
    let mut response = match control.take(&key, &path) {
        Some(action) => act(action, request, next).await,
        None if request.method() == Method::GET => next.run(request).await,
        None => detached(request, next).await,
    };
    if let Some(date) = control.date() {
        response.headers_mut().insert(header::DATE, date);
    }
    control.answered(place, &response);
    response
}

async fn act(action: FaultAction, request: Request, next: Next) -> Response {
    let Some(request) = buffered(request).await else {
        return reset_response();
    };
    match action {
        FaultAction::Status { status, body, retry_after, commit } => {
            if commit {
                detached(request, next).await;
            }
            injected(status, body, retry_after)
        }
        FaultAction::Hang { commit } => {
            if commit {
                detached(request, next).await;
            }
            std::future::pending().await
        }
        FaultAction::Reset { commit } => {
            if commit {
                detached(request, next).await;
            }
            reset_response()
        }
        FaultAction::ResetThenCommit { after_ms } => {
            tokio::spawn(async move {
                clock::sleep(Duration::from_millis(after_ms)).await;
                next.run(request).await
            });
            reset_response()
        }
        FaultAction::Delay { ms, after_commit } => {
            delayed(Duration::from_millis(ms), after_commit, request, next).await
        }
    }
}

async fn delayed(delay: Duration, after_commit: bool, request: Request, next: Next) -> Response {
    if after_commit {
        let response = detached(request, next).await;
        tokio::time::sleep(delay).await;
        return response;
    }
    let late = tokio::spawn(async move {
        tokio::time::sleep(delay).await;
        next.run(request).await
    });
    late.await.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

/// Runs the handler in its own task, so that a client that goes away does not undo half of it.
async fn detached(request: Request, next: Next) -> Response {
    let Some(request) = buffered(request).await else {
        return reset_response();
    };
    tokio::spawn(next.run(request)).await.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

async fn buffered(request: Request) -> Option<Request> {
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.ok()?;
    Some(Request::from_parts(parts, Body::from(bytes)))
}

fn injected(status: u16, body: Option<Value>, retry_after: Option<u64>) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = match body {
        Some(Value::String(text)) => (status, text).into_response(),
        Some(json) => (status, Json(json)).into_response(),
        None if status == StatusCode::TOO_MANY_REQUESTS => (status, "Retry later\n").into_response(),
        None => {
            let reason = status.canonical_reason().unwrap_or("Error");
            (status, Json(json!({"status": status.as_u16(), "error": reason}))).into_response()
        }
    };
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}
