//! Whether the phone is connected: as CodeChat tells, and as it answers when it is asked.
//!
//! It tells by webhooks, which overtake each other and get lost. So while a phone counts as disconnected, CodeChat is asked once a
//! minute, and what it answers counts.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use codechat::State;
use relay_domain::Timestamp;
use relay_domain::backoff::Direction;
use relay_store::{NoteConnection, StoreError};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::Engine;
use crate::sessions::Live;

/// How often it is seen to whether CodeChat is to be asked.
const TICK: Duration = Duration::from_millis(500);
/// Time between two questions about a phone that is not connected.
const EVERY: Duration = Duration::from_mins(1);
/// CodeChat's word for a phone that is connected.
pub(crate) const OPEN: &str = "open";

/// When CodeChat is asked about a phone that is not connected.
#[derive(Debug, Default)]
pub(crate) struct NextAsk(Mutex<Option<Timestamp>>);

impl NextAsk {
    /// Whether it is time; the next question is a minute later. The first is asked when nothing better came within a minute.
    fn is_due(&self, now: Timestamp) -> bool {
        let mut next = self.0.lock().expect("nothing panics while holding the moment");
        let is_due = next.is_some_and(|next| next <= now);
        if is_due || next.is_none() {
            *next = Some(now + EVERY);
        }
        is_due
    }

    fn forget(&self) {
        *self.0.lock().expect("nothing panics while holding the moment") = None;
    }
}

impl Engine {
    /// Notes what was said of a phone's connection, in CodeChat's word.
    pub(crate) async fn connection_is(&self, live: &Live, connection: &str) -> Result<(), StoreError> {
        let is_open = connection == OPEN;
        live.health.set_offline(!is_open);
        if is_open {
            self.note_way_out_is_open(live).await?;
        } else {
            self.note_outage(live, self.clock.now()).await?;
        }
        if is_open {
            live.health.gaps.look_soon(Direction::In);
        }
        // what this process remembers of the session may be older than the last word
        let now = self.clock.now();
        let note = NoteConnection { session: live.id().clone(), connection: connection.to_owned(), now };
        if self.store.note_connection(note).await? {
            tracing::info!(session.id = %live.id(), connection, "the phone's connection changed");
        }
        Ok(())
    }

    /// Notes the state that CodeChat answered with; a word that nobody knows says nothing about the phone.
    pub(crate) async fn heed_state(&self, live: &Live, state: &State) -> Result<(), StoreError> {
        match state {
            State::Open | State::Connecting | State::Close | State::Refused => {
                self.connection_is(live, state.as_str()).await
            }
            State::Other(_) => Ok(()),
        }
    }

    /// Asks about phones that are not connected, and has agents told of them, until told to stop.
    pub(crate) async fn keep_connections(self: Arc<Self>, stop: CancellationToken) {
        let questions = TaskTracker::new();
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                () = sleep(TICK) => {}
            }
            for live in self.sessions.all() {
                if let Err(error) = self.tell_of_phone(&live).await {
                    tracing::error!(session.id = %live.id(), %error, "news of the phone could not be queued");
                }
                self.ask_when_due(live, &questions, &stop);
            }
        }
        questions.close();
        questions.wait().await;
    }

    fn ask_when_due(self: &Arc<Self>, live: Arc<Live>, questions: &TaskTracker, stop: &CancellationToken) {
        if live.session.connection == OPEN && !live.health.is_offline() {
            live.health.next_ask.forget();
            return;
        }
        if !live.health.next_ask.is_due(self.clock.now()) {
            return;
        }
        let (engine, stop) = (self.clone(), stop.clone());
        questions.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = engine.ask(&live) => {}
            }
        });
    }

    async fn ask(&self, live: &Live) {
        match live.codechat.connection_state(live.name()).await {
            Ok(told) => {
                if let Err(error) = self.heed_state(live, &told.state).await {
                    tracing::error!(session.id = %live.id(), %error, "the phone's connection could not be noted");
                }
            }
            Err(error) => {
                tracing::debug!(session.id = %live.id(), error = %error.kind, "CodeChat does not tell the phone's state");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_asked_a_minute_after_the_last_word_and_then_every_minute() {
        let (next, start) = (NextAsk::default(), Timestamp::from_secs(0));
        let asked: Vec<_> = (0..150).filter(|second| next.is_due(start + Duration::from_secs(*second))).collect();
        assert_eq!(asked, [60, 120]);
        next.forget();
        assert!(!next.is_due(start + Duration::from_secs(500)));
    }
}
