//! Dead letters as operators handle them: looked at, tried again, dropped, taken out of the house.

use std::collections::HashMap;

use relay_domain::id::EventId;
use relay_store::{Chat, DeadFilter, DecideMany, Decided, Decision, Portion, StoreError, Stored, Tried};

use crate::Engine;
use crate::message::Message;
use crate::metrics::DeadLetters;

/// Dead letters that one portion handles: few enough for one short transaction.
pub const PORTION: u32 = 50;

/// A dead letter with everything that is kept of it.
#[derive(Debug)]
pub struct Letter {
    /// What was received, and what became of it.
    pub stored: Stored,
    /// Name of its session.
    pub session: String,
    /// Whom it is from or for, where that is known.
    pub chat: Option<Chat>,
    /// Every try to deliver it, in order.
    pub tries: Vec<Tried>,
}

impl Engine {
    /// Dead letters, newest first, without their links.
    pub async fn dead_letters(
        &self,
        filter: &DeadFilter,
        before: Option<&EventId>,
        limit: u32,
    ) -> Result<Vec<Message>, StoreError> {
        let mut letters = Vec::new();
        for stored in self.store.dead(filter, before, limit).await? {
            letters.extend(self.told(stored, false).await?);
        }
        Ok(letters)
    }

    /// Dead letters as they were received, newest first, with every try to deliver them.
    pub async fn export(
        &self,
        filter: &DeadFilter,
        before: Option<&EventId>,
        limit: u32,
    ) -> Result<Vec<Letter>, StoreError> {
        let mut letters = Vec::new();
        for stored in self.store.dead(filter, before, limit).await? {
            let session = stored.lane.session.clone();
            let name = self.sessions.of_id(&session).map(|live| live.name().to_owned());
            letters.push(Letter {
                chat: self.store.chat(&session, &stored.lane.chat).await?,
                tries: self.store.tries(&stored.id).await?,
                session: name.unwrap_or_else(|| session.to_string()),
                stored,
            });
        }
        Ok(letters)
    }

    /// Gives a dead letter another turn, or drops it.
    pub async fn decide(&self, event: &EventId, decision: Decision) -> Result<Decided, StoreError> {
        self.store.decide(event, decision, self.clock.now()).await
    }

    /// Gives dead letters another turn, or drops them, in the order of their lanes: one portion, after the one that ended with
    /// `after`. What fails again meanwhile is not met again.
    pub async fn decide_many(
        &self,
        filter: DeadFilter,
        after: Option<EventId>,
        limit: u32,
        decision: Decision,
    ) -> Result<Portion, StoreError> {
        let now = self.clock.now();
        self.store.decide_many(DecideMany { filter, after, limit: limit.min(PORTION), decision, now }).await
    }

    /// Counts dead letters for the metrics.
    pub(crate) async fn count_dead_letters(&self) -> Result<(), StoreError> {
        let mut counts = HashMap::new();
        for group in self.store.dead_groups(&DeadFilter::default()).await? {
            let Some(live) = self.sessions.of_id(&group.session) else { continue };
            *counts.entry((live.name().to_owned(), group.reason)).or_insert(0) += group.count;
        }
        self.metrics.dead_letters.clear();
        for ((session, reason), count) in counts {
            self.metrics.dead_letters.get_or_create(&DeadLetters { session, reason }).set(count);
        }
        Ok(())
    }
}
