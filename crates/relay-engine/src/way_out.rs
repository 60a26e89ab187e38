//! No stale blasts: how long a message was kept by an outage, as opposed to our own queue.
//!
//! The way out of a session is closed while its phone is disconnected, CodeChat does not answer, the session is paused, or no
//! relay runs. It opens with the first message that is sent. A message is too old when the way was closed for too long while it
//! waited.

use std::sync::Mutex;
use std::time::Duration;

use relay_domain::Timestamp;
use relay_domain::unsent::{Wait, is_stale};
use relay_fault::{Sabotage, is_sabotaged};
use relay_store::{NoteWayOut, Origin, StoreError};

use crate::Engine;
use crate::deliver::Task;
use crate::sessions::Live;
use crate::trouble::Trouble;

/// How often the same is written down again: another process may have written the contrary.
const REPEAT: Duration = Duration::from_secs(5);

/// What this process last wrote down of a session's way out, and when.
#[derive(Debug, Default)]
pub(crate) struct Noted {
    last: Mutex<Option<(bool, Timestamp)>>,
}

impl Noted {
    /// Whether it is worth writing down; if so, it counts as written.
    fn is_news(&self, is_open: bool, now: Timestamp) -> bool {
        let mut last = self.last.lock().expect("nothing panics while holding the note");
        let is_old = last.is_some_and(|(known, at)| known == is_open && now.since(at) < REPEAT);
        if !is_old {
            *last = Some((is_open, now));
        }
        !is_old
    }
}

impl Engine {
    /// Notes that a session's messages can go out, as was just seen.
    pub(crate) async fn note_way_out_is_open(&self, live: &Live) -> Result<(), StoreError> {
        self.note_way_out(live, true, self.clock.now()).await
    }

    /// Notes that a session's messages cannot go out since then, as was just seen.
    pub(crate) async fn note_outage(&self, live: &Live, since: Timestamp) -> Result<(), StoreError> {
        self.note_way_out(live, false, since).await
    }

    async fn note_way_out(&self, live: &Live, is_open: bool, since: Timestamp) -> Result<(), StoreError> {
        if !live.health.way_out.is_news(is_open, self.clock.now()) {
            return Ok(());
        }
        self.store.note_way_out(NoteWayOut { session: live.id().clone(), is_open, since }).await
    }
}

impl Task<'_> {
    /// Whether the message waited too long for the way out. Own pacing and queues keep it as long as they like.
    pub(crate) async fn waited_too_long(&self) -> Result<bool, Trouble> {
        let (now, ttl) = (self.engine.clock.now(), self.engine.config.outbound_ttl);
        // a person who asks for another turn wants the message sent, however old it is
        let received_at = self.waits_since();
        if !is_stale(received_at, now, ttl) || is_sabotaged(Sabotage::Ttl) {
            return Ok(false);
        }
        // nobody told of it for so long: that the way was open meanwhile does not make it fresh
        if self.event.origin == Origin::Sweep && is_stale(received_at, self.event.run_at, ttl) {
            return Ok(true);
        }
        let outages = self.engine.store.outages(self.live.id(), received_at).await?;
        Ok(Wait { received_at, outages: &outages, failing_since: self.event.first_failed_at }.is_too_long(now, ttl))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_is_written_down_once_in_a_while() {
        let (noted, now) = (Noted::default(), Timestamp::from_secs(0));
        assert!(noted.is_news(true, now));
        assert!(!noted.is_news(true, now));
        assert!(noted.is_news(false, now));
        assert!(noted.is_news(true, now));
        assert!(!noted.is_news(true, now + Duration::from_secs(4)));
        assert!(noted.is_news(true, now + REPEAT));
    }
}
