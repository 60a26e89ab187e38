//! Whether this process is known to be alive. One that could not say so for four seconds must stop posting: a second later
//! others may take its lanes.

use std::sync::Mutex;
use std::time::Instant;

use relay_domain::lease::may_post;
use relay_store::Store;

/// The last sign of life.
#[derive(Debug)]
pub(crate) struct Pulse {
    last: Mutex<Instant>,
}

impl Pulse {
    /// A pulse that was just felt.
    pub(crate) fn new() -> Self {
        Self { last: Mutex::new(Instant::now()) }
    }

    /// Whether lanes are still ours.
    pub(crate) fn may_post(&self) -> bool {
        may_post(self.last.lock().expect("nothing panics while holding the pulse").elapsed())
    }

    /// Shows life.
    pub(crate) async fn beat(&self, store: &Store) {
        // counted from before the write: the database may have taken its time
        let started = Instant::now();
        let beat = if self.may_post() { store.beat().await } else { store.beat_after_silence().await };
        match beat {
            Ok(()) => *self.last.lock().expect("nothing panics while holding the pulse") = started,
            Err(error) => tracing::error!(%error, "the database did not take the sign of life"),
        }
    }
}
