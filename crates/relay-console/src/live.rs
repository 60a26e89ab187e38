//! What keeps pages fresh: a stream that says when something has changed, and nothing else. The page then asks for itself again.

use std::convert::Infallible;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use relay_store::StoreError;
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};

use crate::Console;
use crate::failure::Failure;
use crate::visitor::Visitor;

/// How often is looked for changes.
const EVERY: Duration = Duration::from_secs(1);
/// Looks until a stream ends; the browser opens the next one by itself, if it is still signed in.
const LOOKS: u32 = 600;
/// Streams at the same time.
const STREAMS: usize = 32;
/// Newest events that are looked at.
const NEWEST: u32 = 50;

/// What all streams share: places, and the last look.
#[derive(Debug)]
pub(crate) struct Pulse {
    places: Arc<Semaphore>,
    seen: Mutex<Option<(Instant, u64)>>,
}

impl Default for Pulse {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(STREAMS)), seen: Mutex::default() }
    }
}

struct Watch {
    console: Console,
    last: Option<u64>,
    looks: u32,
    _place: OwnedSemaphorePermit,
}

pub(crate) async fn stream(State(console): State<Console>, _visitor: Visitor) -> Result<Response, Failure> {
    let place = console.memory.pulse.places.clone().try_acquire_owned().map_err(|_| Failure::Crowded)?;
    let watch = Watch { console, last: None, looks: 0, _place: place };
    let events = stream::unfold(watch, |mut watch| async move {
        let mark = watch.next_change().await?;
        Some((Ok::<_, Infallible>(Event::default().event("changed").data(format!("{mark:x}"))), watch))
    });
    let answer = Sse::new(events).keep_alive(KeepAlive::default());
    Ok(([("x-accel-buffering", "no")], answer).into_response())
}

impl Watch {
    /// Waits for a change; the first one comes at once. `None` when the stream is over.
    async fn next_change(&mut self) -> Option<u64> {
        while self.looks < LOOKS {
            if self.looks > 0 {
                tokio::select! {
                    biased;
                    () = self.console.stopping.cancelled() => return None,
                    () = tokio::time::sleep(EVERY) => {}
                }
            }
            self.looks += 1;
            let mark = self.console.mark().await.ok()?;
            if self.last.replace(mark) != Some(mark) {
                return Some(mark);
            }
        }
        None
    }
}

impl Console {
    /// Differs from the last one when something has changed that a page may show.
    async fn mark(&self) -> Result<u64, StoreError> {
        let mut seen = self.memory.pulse.seen.lock().await;
        if let Some((at, mark)) = *seen
            && at.elapsed() < EVERY
        {
            return Ok(mark);
        }
        let mark = self.look().await?;
        *seen = Some((Instant::now(), mark));
        Ok(mark)
    }

    async fn look(&self) -> Result<u64, StoreError> {
        let mut hasher = DefaultHasher::new();
        for told in self.engine.store.events(NEWEST).await? {
            (told.id.as_str(), told.state.as_str(), told.attempts).hash(&mut hasher);
        }
        for live in self.engine.sessions.all() {
            let session = &live.session;
            (&session.name, session.state.as_str(), &session.state_reason, &session.connection).hash(&mut hasher);
            self.memory.numbers.known(live.id()).hash(&mut hasher);
        }
        let dead = self.engine.store.dead_groups(&relay_store::DeadFilter::default()).await?;
        for group in &dead {
            (group.session.as_str(), &group.reason, group.count).hash(&mut hasher);
        }
        self.engine.store.oldest_pending().await?.map(relay_domain::Timestamp::as_millis).hash(&mut hasher);
        Ok(hasher.finish())
    }
}
