//! Looks at what was posted to Chatwoot again: whether the first post took effect after all, too late to be found in time.
//!
//! A message is posted again only after three looks found nothing. If Chatwoot stores it even later, it is there twice, which
//! nobody can prevent. It is counted, and a private note says so. Invariant: whatever was posted again is looked at until
//! [`LAST_LOOK`] has passed, also by another process.

use std::sync::Arc;
use std::time::Duration;

use chatwoot::{Direction, Message, NewMessage};
use relay_domain::{Timestamp, naming, note};
use relay_store::{Repeat, SettleRepeat, StoreError};
use serde_json::json;

use crate::Engine;
use crate::sessions::Live;

/// When a message that was posted again is looked at first.
pub(crate) const FIRST_LOOK: Duration = Duration::from_mins(1);
/// When it is looked at for the last time.
const LAST_LOOK: Duration = Duration::from_mins(10);
/// How much older than the repeat the first copy may be: the attempt before took its time, and clocks differ.
const LOOK_BACK: Duration = Duration::from_mins(5);
/// Pages of 20 messages that a look goes through at most.
const MOST_PAGES: usize = 50;
/// Looks of one round.
const MOST_LOOKS: u32 = 50;

impl Engine {
    /// Looks at the messages whose look is due. One that cannot be looked at now is due again in five minutes.
    pub async fn look_for_doubles(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        for repeat in self.store.take_repeats(now, MOST_LOOKS).await? {
            let Some(live) = self.sessions.of_id(&repeat.session) else { continue };
            match self.tell_of_double(&live, &repeat).await {
                Ok(is_double) => self.settle(repeat, is_double, now).await?,
                Err(error) => {
                    tracing::debug!(session.id = %live.id(), %error, "a look for a double has to wait");
                }
            }
        }
        Ok(())
    }

    async fn settle(&self, repeat: Repeat, is_double: bool, now: Timestamp) -> Result<(), StoreError> {
        let last = repeat.posted_at + LAST_LOOK;
        let look_at = (!is_double && now < last).then_some(last);
        let settle = SettleRepeat { session: repeat.session, source_id: repeat.source_id, look_at };
        self.store.settle_repeat(settle).await
    }

    /// Whether a message is there twice; if so, it is counted and said where it is.
    async fn tell_of_double(&self, live: &Arc<Live>, repeat: &Repeat) -> Result<bool, chatwoot::Error> {
        let note_id = naming::twice(&repeat.source_id);
        let around = messages_since(live, repeat).await?;
        let is = |message: &&Message, id: &str| message.source_id.as_deref() == Some(id);
        let copies: Vec<_> = around.iter().filter(|message| is(message, &repeat.source_id)).collect();
        let Some(newest) = copies.iter().map(|message| message.id).max().filter(|_| copies.len() > 1) else {
            return Ok(false);
        };
        // a process that was killed between note and record has said it already
        if !around.iter().any(|message| is(&message, &note_id)) {
            let mut message = NewMessage::new(Direction::Outgoing);
            message.private = true;
            message.source_id = Some(note_id);
            message.content = Some(note::twice(live.locale));
            message.content_attributes.insert("in_reply_to".to_owned(), json!(newest));
            live.chatwoot.create_message(repeat.conversation.get(), &message).await?;
        }
        self.metrics.possible_duplicates.inc();
        tracing::warn!(session.id = %live.id(), chatwoot.message = newest, "chatwoot stored a message late: it is there twice");
        Ok(true)
    }
}

/// The messages of the conversation since shortly before the repeat, in no promised order.
async fn messages_since(live: &Live, repeat: &Repeat) -> Result<Vec<Message>, chatwoot::Error> {
    let conversation = repeat.conversation.get();
    let oldest = (repeat.posted_at - LOOK_BACK).as_millis();
    let mut page = live.chatwoot.latest_messages(conversation).await?;
    let mut all = Vec::new();
    for _ in 0..MOST_PAGES {
        let Some(first) = page.iter().map(|message| (message.id, message.created_at)).min() else { break };
        all.append(&mut page);
        if first.1 < oldest {
            break;
        }
        page = live.chatwoot.list_messages_before(conversation, first.0).await?;
    }
    Ok(all)
}
