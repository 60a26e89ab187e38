//! Webhook posting: once, un-awaited, and therefore in no promised order; every attempt is logged with the answer it got.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::clock;

/// What goes wrong with webhooks on their way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HookFaults {
    /// Share of webhooks never posted.
    pub drop_percent: u8,
    /// Share of webhooks posted again.
    pub duplicate_percent: u8,
    /// How many extra copies a duplicated webhook gets; 0 counts as 1.
    pub extra_copies: u8,
    /// Waits at least this long before posting.
    pub delay_ms: u64,
    /// And up to this much longer, picked anew for each webhook, so that they swap.
    pub jitter_ms: u64,
}

/// One webhook attempt and its outcome.
#[derive(Debug, Clone, Serialize)]
pub struct Ack {
    /// Order in which attempts ended.
    pub seq: u64,
    /// What the webhook was about, such as `messages.upsert:3A…` or `message_created:17`.
    pub key: String,
    /// Event name.
    pub event: String,
    /// When it was posted.
    pub posted_at_ms: i64,
    /// How long the answer took.
    pub elapsed_ms: u64,
    /// What came back.
    pub outcome: AckOutcome,
}

/// What became of a webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AckOutcome {
    /// Answered with this status.
    Status(u16),
    /// No answer in time.
    Timeout,
    /// Not delivered: refused, reset, no such host.
    Error(String),
    /// Never posted, on purpose.
    Dropped,
}

impl AckOutcome {
    /// Says whether the receiver took responsibility.
    pub fn is_accepted(&self) -> bool {
        matches!(self, Self::Status(status) if (200..300).contains(status))
    }
}

/// Posts webhooks through a bounded number of connections and keeps the log.
#[derive(Debug)]
pub(crate) struct Poster {
    client: reqwest::Client,
    timeout: Option<Duration>,
    workers: Semaphore,
    faults: Mutex<HookFaults>,
    log: Mutex<Vec<Ack>>,
    sequence: AtomicU64,
    pub(crate) cancel: CancellationToken,
}

impl Poster {
    pub(crate) fn new(client: reqwest::Client, workers: usize, timeout: Option<Duration>, faults: HookFaults) -> Self {
        Self {
            client,
            timeout,
            workers: Semaphore::new(workers),
            faults: Mutex::new(faults),
            log: Mutex::new(Vec::new()),
            sequence: AtomicU64::new(0),
            cancel: CancellationToken::new(),
        }
    }

    pub(crate) fn set_faults(&self, faults: HookFaults) {
        *lock(&self.faults) = faults;
    }

    pub(crate) fn faults(&self) -> HookFaults {
        *lock(&self.faults)
    }

    pub(crate) fn log(&self) -> Vec<Ack> {
        lock(&self.log).clone()
    }

    pub(crate) fn attempts(&self) -> usize {
        lock(&self.log).len()
    }

    /// The delays after which copies of one webhook are to be posted; none when it is to be dropped.
    pub(crate) fn schedule(&self) -> Vec<Duration> {
        let faults = self.faults();
        if faults.drop_percent > 0 && fastrand::u8(..100) < faults.drop_percent {
            return Vec::new();
        }
        let again = faults.duplicate_percent > 0 && fastrand::u8(..100) < faults.duplicate_percent;
        let copies = if again { 1 + faults.extra_copies.max(1) } else { 1 };
        (0..copies).map(|_| Duration::from_millis(faults.delay_ms + fastrand::u64(..=faults.jitter_ms))).collect()
    }

    /// Posts one webhook when a worker is free. `build` runs at that moment, so the body shows the state of then.
    pub(crate) async fn post(&self, build: impl FnOnce() -> Option<Outgoing> + Send) -> Option<AckOutcome> {
        let permit = self.workers.acquire().await.ok()?;
        let outgoing = build()?;
        let (started, posted_at_ms) = (Instant::now(), clock::now_ms());
        let sent = self.request(&outgoing).send();
        let answer = tokio::select! {
            () = self.cancel.cancelled() => return None,
            answer = async { sent.await?.bytes_and_status().await } => answer,
        };
        drop(permit);
        let outcome = match answer {
            Ok(status) => AckOutcome::Status(status),
            Err(error) if error.is_timeout() => AckOutcome::Timeout,
            Err(error) => AckOutcome::Error(root_cause(&error)),
        };
        let elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.record(outgoing.key, outgoing.event, posted_at_ms, elapsed_ms, outcome.clone());
        Some(outcome)
    }

    /// Notes a webhook that was dropped on purpose.
    pub(crate) fn record_drop(&self, key: String, event: String) {
        self.record(key, event, clock::now_ms(), 0, AckOutcome::Dropped);
    }

    fn request(&self, outgoing: &Outgoing) -> reqwest::RequestBuilder {
        let mut request =
            self.client.post(&outgoing.url).header("content-type", "application/json").body(outgoing.body.clone());
        for (name, value) in &outgoing.headers {
            request = request.header(*name, value);
        }
        match self.timeout {
            Some(timeout) => request.timeout(timeout),
            None => request,
        }
    }

    fn record(&self, key: String, event: String, posted_at_ms: i64, elapsed_ms: u64, outcome: AckOutcome) {
        let seq = self.sequence.fetch_add(1, Ordering::Relaxed) + 1;
        lock(&self.log).push(Ack { seq, key, event, posted_at_ms, elapsed_ms, outcome });
    }
}

/// A webhook ready to be posted.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) key: String,
    pub(crate) event: String,
    pub(crate) url: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Bytes,
}

trait Drained {
    async fn bytes_and_status(self) -> reqwest::Result<u16>;
}

impl Drained for reqwest::Response {
    /// Reads the body to its end, so that the connection can be used again.
    async fn bytes_and_status(self) -> reqwest::Result<u16> {
        let status = self.status().as_u16();
        self.bytes().await?;
        Ok(status)
    }
}

/// An HTTP client for the stand-ins: no proxy, plain or TLS.
pub(crate) fn client() -> reqwest::Client {
    rustls::crypto::ring::default_provider().install_default().ok();
    reqwest::Client::builder().no_proxy().build().expect("a client with built-in roots can always be built")
}

fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
