//! Numbers for operators. Labels are few and never name a person.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

/// Labels of what was received.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Received {
    /// Session name.
    pub session: String,
    /// `codechat` or `chatwoot`.
    pub source: &'static str,
    /// Name of the webhook event.
    pub event: String,
}

/// Labels of what ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Ended {
    /// Session name.
    pub session: String,
    /// `in`, `out` or `receipt`.
    pub direction: &'static str,
    /// Terminal state.
    pub outcome: &'static str,
}

/// Labels of a call to a remote side.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Attempted {
    /// `chatwoot` or `codechat`.
    pub target: &'static str,
    /// `ok`, or a stable word for the failure.
    pub result: &'static str,
}

/// Labels of a direction.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Way {
    /// `in`, `out` or `receipt`.
    pub direction: &'static str,
}

/// Labels of dead letters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct DeadLetters {
    /// Session name.
    pub session: String,
    /// The word that their reasons begin with.
    pub reason: String,
}

/// Labels of what gap recovery found.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Recovered {
    /// Session name.
    pub session: String,
    /// `in` or `out`.
    pub direction: &'static str,
    /// `message`, `receipt`, `status`, or `unattributed` for a message whose chat nobody can tell.
    pub what: &'static str,
}

/// Labels of one direction of a session.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Flow {
    /// Session name.
    pub session: String,
    /// `in` or `out`.
    pub direction: &'static str,
}

/// All metrics of the engine.
#[derive(Clone, Debug)]
pub struct Metrics {
    /// Webhooks accepted, stored or not.
    pub received: Family<Received, Counter>,
    /// Events that ended.
    pub ended: Family<Ended, Counter>,
    /// Delivery attempts.
    pub attempts: Family<Attempted, Counter>,
    /// Copies recognised by their keys.
    pub duplicates: Family<Way, Counter>,
    /// Time from a webhook's arrival to its commit, in seconds.
    pub ack: Histogram,
    /// Time from arrival to delivery, in seconds.
    pub end_to_end: Family<Way, Histogram>,
    /// Events that wait.
    pub pending: Gauge<i64, AtomicI64>,
    /// Age of the oldest of them, in seconds.
    pub oldest_pending: Gauge<f64, AtomicU64>,
    /// Events that are dead or expired.
    pub dead_letters: Family<DeadLetters, Gauge>,
    /// Free room on the fullest volume, in bytes.
    pub disk_free: Gauge<i64, AtomicI64>,
    /// What gap recovery found, and put right.
    pub recovered: Family<Recovered, Counter>,
    /// When the last sweep was complete, in epoch seconds.
    pub swept_at: Family<Flow, Gauge>,
    /// Messages that Chatwoot has twice, because it stored one after it was looked for.
    pub possible_duplicates: Counter,
    /// Must be zero.
    pub conservation_error: Gauge<i64, AtomicI64>,
    registry: Arc<Registry>,
}

fn buckets(start: f64, factor: f64, count: u16) -> impl Iterator<Item = f64> {
    prometheus_client::metrics::histogram::exponential_buckets(start, factor, count)
}

impl Metrics {
    /// Registers every metric under `relay_`.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("relay");
        let mut metrics = Self {
            received: Family::default(),
            ended: Family::default(),
            attempts: Family::default(),
            duplicates: Family::default(),
            ack: Histogram::new(buckets(0.0002, 2.0, 14)),
            end_to_end: Family::new_with_constructor(|| Histogram::new(buckets(0.05, 2.5, 12))),
            pending: Gauge::default(),
            oldest_pending: Gauge::default(),
            dead_letters: Family::default(),
            disk_free: Gauge::default(),
            recovered: Family::default(),
            swept_at: Family::default(),
            possible_duplicates: Counter::default(),
            conservation_error: Gauge::default(),
            registry: Arc::default(),
        };
        registry.register("events_received", "webhooks accepted", metrics.received.clone());
        registry.register("messages", "events that reached a terminal state", metrics.ended.clone());
        registry.register("delivery_attempts", "delivery attempts by result", metrics.attempts.clone());
        registry.register("duplicates_suppressed", "copies recognised by their keys", metrics.duplicates.clone());
        registry.register("ack_duration_seconds", "arrival of a webhook to its commit", metrics.ack.clone());
        registry.register("end_to_end_duration_seconds", "arrival to delivery", metrics.end_to_end.clone());
        registry.register("messages_pending", "events that wait", metrics.pending.clone());
        registry.register(
            "oldest_pending_age_seconds",
            "age of the oldest waiting event",
            metrics.oldest_pending.clone(),
        );
        registry.register("dead_letters", "events that are dead or expired", metrics.dead_letters.clone());
        registry.register("disk_free_bytes", "free room where the relay writes", metrics.disk_free.clone());
        registry.register("gap_recovered", "what gap recovery found or put right", metrics.recovered.clone());
        registry.register(
            "gap_sweep_completed_timestamp_seconds",
            "when the last sweep was complete",
            metrics.swept_at.clone(),
        );
        registry.register(
            "possible_duplicates",
            "messages that Chatwoot stored late and has twice",
            metrics.possible_duplicates.clone(),
        );
        registry.register(
            "conservation_error",
            "received minus accounted for; must be 0",
            metrics.conservation_error.clone(),
        );
        registry.register("build", "version of this relay", Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]));
        metrics.registry = Arc::new(registry);
        metrics
    }

    /// The `OpenMetrics` text.
    pub fn encode(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}
