//! Files of messages that were fetched and not delivered yet: however long an outage lasts, nothing is downloaded twice.
//!
//! They lie in the spool until their message ends. A restart forgets them, and they are fetched again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use relay_domain::Timestamp;
use relay_domain::event::MediaSource;
use relay_domain::id::EventId;

use crate::spool::Spooled;

/// A file that nobody has asked for in this time is another process's business now.
const FORGOTTEN_AFTER: Duration = Duration::from_hours(72);

/// A file with the type it came with.
#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) spooled: Arc<Spooled>,
    pub(crate) told_mime: Option<String>,
}

#[derive(Debug)]
struct Kept {
    source: MediaSource,
    file: File,
    used_at: Timestamp,
}

/// What is kept, by message.
#[derive(Debug, Default)]
pub(crate) struct Fetched(Mutex<HashMap<EventId, Vec<Kept>>>);

impl Fetched {
    /// The file, if it is here already.
    pub(crate) fn find(&self, event: &EventId, source: &MediaSource, now: Timestamp) -> Option<File> {
        let mut all = self.lock();
        let kept = all.get_mut(event)?.iter_mut().find(|kept| kept.source == *source)?;
        kept.used_at = now;
        Some(kept.file.clone())
    }

    /// Keeps a file until its message ends.
    pub(crate) fn keep(&self, event: &EventId, source: &MediaSource, file: File, now: Timestamp) {
        let kept = Kept { source: source.clone(), file, used_at: now };
        self.lock().entry(event.clone()).or_default().push(kept);
    }

    /// The message has ended.
    pub(crate) fn forget(&self, event: &EventId) {
        self.lock().remove(event);
    }

    /// Names in the spool of everything that is kept, after what was forgotten is gone.
    pub(crate) fn names(&self, now: Timestamp) -> Vec<String> {
        let mut all = self.lock();
        all.retain(|_, files| files.iter().any(|kept| now.since(kept.used_at) < FORGOTTEN_AFTER));
        all.values().flatten().map(|kept| kept.file.spooled.name()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<EventId, Vec<Kept>>> {
        self.0.lock().expect("nothing panics while holding the files")
    }
}
