//! One call: sending it, and taking in what is answered.
//!
//! Invariant: a call ends within its deadline and reads at most [`ANSWER_LIMIT`] bytes of JSON.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::{HeaderMap, LOCATION, RETRY_AFTER};
use reqwest::{RequestBuilder, Response, StatusCode};
use serde_json::Value;

use crate::classify::{Purpose, refusal};
use crate::error::{Certainty, Error, ErrorKind};
use crate::wire::{self, Missing};

/// Most bytes of a JSON answer that are read.
const ANSWER_LIMIT: usize = 4 * 1024 * 1024;
const REQUEST_ID: &str = "x-request-id";

/// A call that is ready to be sent.
pub(crate) struct Call {
    pub(crate) operation: &'static str,
    pub(crate) purpose: Purpose,
    pub(crate) request: RequestBuilder,
    pub(crate) deadline: Duration,
    pub(crate) refused: Option<(ErrorKind, &'static str)>,
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

    pub(crate) fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    pub(crate) fn for_media(mut self, deadline: Duration) -> Self {
        self.purpose = Purpose::Media;
        self.deadline(deadline)
    }

    /// Sends the call and reads what it answers.
    pub(crate) async fn read<T>(self, pick: impl FnOnce(&Value) -> Result<T, Missing>) -> Result<T, Error> {
        self.success().await?.read(pick)
    }

    /// Sends the call and takes in the answer; one that is not a success is an error.
    pub(crate) async fn success(self) -> Result<Answer, Error> {
        let response = self.open().await?;
        let status = response.status().as_u16();
        let has_request_id = response.headers().contains_key(REQUEST_ID);
        let body = capped_body(response).await?;
        Ok(Answer { status, has_request_id, body })
    }

    /// Sends the call and returns as soon as a success begins; any other answer is an error.
    pub(crate) async fn open(self) -> Result<Response, Error> {
        if let Some((kind, reason)) = self.refused {
            return Err(Error::local(kind, reason));
        }
        let sent = self.request.timeout(self.deadline).send().await;
        let response = sent.map_err(Error::transport)?;
        let status = response.status();
        tracing::debug!(
            codechat.operation = self.operation,
            http.status = status.as_u16(),
            "codechat answered {} with {}",
            self.operation,
            status.as_u16(),
        );
        if status.is_success() {
            return Ok(response);
        }
        Err(refusal_of(self.purpose, status, response).await)
    }
}

async fn refusal_of(purpose: Purpose, status: StatusCode, response: Response) -> Error {
    if let Some(origin) = redirect_origin(&response) {
        let detail = format!("the server redirects to {origin}");
        return Error::local(ErrorKind::Unexpected, &detail).with_status(status.as_u16());
    }
    let retry_after = retry_after(response.headers());
    match capped_body(response).await {
        Ok(body) => refusal(purpose, status, retry_after.as_deref(), &body),
        Err(_) => refusal(purpose, status, retry_after.as_deref(), b"the answer broke off"),
    }
}

/// A whole answer of a call that succeeded.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) has_request_id: bool,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn is_empty(&self) -> bool {
        self.body.trim_ascii().is_empty()
    }

    pub(crate) fn read<T>(&self, pick: impl FnOnce(&Value) -> Result<T, Missing>) -> Result<T, Error> {
        let value = wire::parse(&self.body);
        let value = value.map_err(|_| Error::unreadable(self.status, "the answer is not json"))?;
        pick(&value).map_err(|missing| Error::missing(self.status, missing))
    }
}

fn retry_after(headers: &HeaderMap) -> Option<String> {
    headers.get(RETRY_AFTER)?.to_str().ok().map(str::to_owned)
}

/// Where a redirect leads, without the path, which may hold a token.
fn redirect_origin(response: &Response) -> Option<String> {
    if !response.status().is_redirection() {
        return None;
    }
    let target = response.headers().get(LOCATION)?.to_str().ok()?;
    let target = response.url().join(target).ok()?;
    Some(target.origin().ascii_serialization())
}

async fn capped_body(mut response: Response) -> Result<Bytes, Error> {
    let status = response.status().as_u16();
    let mut body = BytesMut::new();
    loop {
        let chunk = response.chunk().await;
        let Some(chunk) = chunk.map_err(|error| Error::broken_off(error).with_status(status))? else {
            return Ok(body.freeze());
        };
        if body.len() + chunk.len() > ANSWER_LIMIT {
            let error = Error::new(ErrorKind::TooLarge, Certainty::MaybeDelivered, "the answer is too long");
            return Err(error.with_status(status));
        }
        body.extend_from_slice(&chunk);
    }
}
