//! What agents wrote and no webhook told: the conversations of the inbox, latest activity first, down to the cursor, and in each of
//! them the messages since.
//!
//! A conversation that has not changed since it was looked at costs nothing, so an idle inbox costs one call. Ids are in order, but
//! what got one is seen a little later; so the cursor stays behind by [`LAG`]. It also stays behind a message that Chatwoot shows
//! as failed while it still waits here: how that ends must be shown.
//!
//! The cursor waits for a whole sweep; how far each conversation was gone through is kept besides, so that a relay that never lives
//! long enough for a sweep gets to the end nevertheless.

use std::collections::HashMap;
use std::time::Duration;

use chatwoot::{Conversation, ConversationRef, ErrorKind, Message, MessageEvent, MessageStatus, MessageType};
use relay_domain::backoff::Direction;
use relay_domain::{Timestamp, naming};
use relay_store::{Cursor, SaveSwept, Source};
use tokio::time::sleep;

use super::{Looked, Swept, begins};
use crate::Engine;
use crate::ingest::Found;
use crate::metrics::Recovered;
use crate::sessions::Live;
use crate::trouble::{Trouble, from_chatwoot};

/// Conversations on a page.
const PAGE: usize = 25;
/// Messages on a page when those after an id are asked for.
const MESSAGES: usize = 100;
/// How far below the cursor conversations are looked at.
const MARGIN: Duration = Duration::from_mins(2);
/// How long what was created may take to be seen, and to be shown as failed.
const LAG: Duration = Duration::from_secs(90);
/// Passes over a list of several pages: conversations move while it is read.
const PASSES: usize = 4;
/// Calls of a sweep that are made without a rest, and the rest before each further one: Chatwoot's wall is for all that this machine asks.
const FREE_CALLS: u32 = 30;
const REST: Duration = Duration::from_millis(100);

/// A sweep under way.
struct Sweep<'a> {
    live: &'a Live,
    cursor: Cursor,
    floor: i64,
    /// How far conversations were gone through beyond the cursor.
    ahead: HashMap<i64, i64>,
    /// The latest activity there was when it began.
    newest: Option<i64>,
    /// Conversations looked at in this sweep, by their activity.
    seen: HashMap<i64, i64>,
    /// Ids and times of everything seen.
    messages: Vec<(i64, i64)>,
    /// The first message that is not settled.
    unsettled: Option<(i64, i64)>,
    calls: u32,
}

/// Where a look at a conversation goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// After the message of this id.
    After(i64),
    /// From its latest message back to the beginning of the session.
    Latest,
    /// There is no more.
    End,
}

impl Place {
    /// Where it goes on after a page.
    fn following(self, page: &[Message]) -> Self {
        let Self::After(before) = self else { return Self::End };
        let last = page.iter().map(|message| message.id).max().filter(|last| *last > before);
        last.filter(|_| page.len() >= MESSAGES).map_or(Self::End, Self::After)
    }
}

impl Engine {
    pub(super) async fn sweep_out(&self, live: &Live, cursor: Cursor) -> Result<Swept, Trouble> {
        let begins = begins(live, self.clock.now()).as_millis();
        let mut sweep = Sweep {
            live,
            cursor,
            floor: (cursor.done_to - MARGIN).as_millis().max(begins),
            ahead: self.store.swept(live.id()).await?,
            newest: None,
            seen: HashMap::new(),
            messages: Vec::new(),
            unsettled: None,
            calls: 0,
        };
        let mut is_agreed = false;
        for _ in 0..PASSES {
            is_agreed = self.pass(&mut sweep).await?;
            if is_agreed {
                break;
            }
        }
        // else conversations moved all the time: what was found is stored, and the cursor stays
        let cursor = if is_agreed { sweep.moved() } else { sweep.cursor };
        self.save_complete(live, Direction::Out, cursor, false).await?;
        let mut looked = live.health.gaps.looked.lock().expect("nothing panics while holding the looks");
        looked.retain(|_, looked| looked.activity >= sweep.floor);
        Ok(Swept::Complete { is_early: false })
    }

    /// Goes through the list once; `true` when nothing can have moved unseen.
    async fn pass(&self, sweep: &mut Sweep<'_>) -> Result<bool, Trouble> {
        let mut has_looked = false;
        for page in 1.. {
            sweep.pace().await;
            let inbox = sweep.live.session.chatwoot.inbox;
            let listed = sweep.live.chatwoot.recent_conversations(inbox, page).await.map_err(from_chatwoot)?;
            let newest = listed.iter().filter_map(|conversation| conversation.last_activity_at).max();
            sweep.newest = sweep.newest.or(newest);
            let is_active = |conversation: &&Conversation| activity(conversation) >= sweep.floor;
            let mut active: Vec<_> = listed.iter().filter(is_active).cloned().collect();
            let is_last = active.len() < listed.len() || listed.len() < PAGE;
            // whichever is furthest behind comes first: a relay that does not live long would never get to the last ones
            active.sort_by_key(|conversation| sweep.known_to(conversation.id));
            for conversation in active {
                has_looked |= self.look_at(sweep, &conversation).await?;
            }
            if is_last {
                return Ok(page == 1 || !has_looked);
            }
            self.save_progress(sweep.live, Direction::Out, sweep.cursor).await?;
        }
        Ok(false)
    }

    /// Looks at a conversation unless it is as it was when it was looked at last; `false` then.
    async fn look_at(&self, sweep: &mut Sweep<'_>, conversation: &Conversation) -> Result<bool, Trouble> {
        let activity = activity(conversation);
        if sweep.seen.insert(conversation.id, activity) == Some(activity)
            || is_looked_at(sweep.live, conversation.id, activity)
        {
            return Ok(false);
        }
        let at = self.clock.now();
        let is_settled = self.go_through(sweep, conversation).await?;
        let mut looked = sweep.live.health.gaps.looked.lock().expect("nothing panics while holding the looks");
        looked.insert(conversation.id, Looked { activity, at, is_settled });
        Ok(true)
    }

    /// Goes through the messages since the last time, page by page; `false` when the end of one of them is still open.
    async fn go_through(&self, sweep: &mut Sweep<'_>, conversation: &Conversation) -> Result<bool, Trouble> {
        let (mut place, mut first_open) = (sweep.begin_in(conversation), None);
        while let Some(page) = sweep.next_page(conversation.id, &mut place).await? {
            for message in &page {
                sweep.messages.push((message.id, message.created_at));
                if !self.settle_message(sweep.live, conversation, message).await? {
                    let open = (message.id, message.created_at);
                    first_open = Some(first_open.map_or(open, |known: (i64, i64)| known.min(open)));
                }
            }
            let settled = |message: &&Message| first_open.is_none_or(|(id, _)| message.id < id);
            let done_to = page
                .iter()
                .filter(settled)
                .filter(|message| sweep.is_old(message.created_at))
                .map(|message| message.id);
            if let Some(done_id) = done_to.max() {
                let (session, conversation) = (sweep.live.id().clone(), conversation.id);
                self.store.save_swept(SaveSwept { session, conversation, done_id }).await?;
            }
        }
        sweep.unsettled = sweep.unsettled.into_iter().chain(first_open).min();
        Ok(first_open.is_none())
    }

    /// Takes a message that nobody told of, and puts right what is shown of one that is known. `false` when its end is still open.
    async fn settle_message(
        &self,
        live: &Live,
        conversation: &Conversation,
        message: &Message,
    ) -> Result<bool, Trouble> {
        let begins = begins(live, self.clock.now()).as_millis();
        if !is_for_customer(message) || message.created_at < begins {
            return Ok(true);
        }
        let is_failed = message.status == MessageStatus::Failed;
        let known = self.store.has_event(live.id(), Source::Chatwoot, &naming::chatwoot_message(message.id)).await?;
        if known {
            return if is_failed { self.repair(live, message).await } else { Ok(true) };
        }
        let is_taken = self.take_message(live, conversation, message).await?;
        Ok(!(is_taken && is_failed))
    }

    async fn take_message(&self, live: &Live, conversation: &Conversation, message: &Message) -> Result<bool, Trouble> {
        let access = &live.session.chatwoot;
        let place = ConversationRef::from(conversation);
        let event = MessageEvent::of_message(message.clone(), access.account, access.inbox, place);
        let found = Found {
            source: Source::Chatwoot,
            body: event.to_webhook().into(),
            key: None,
            // its age counts from when it was written, whatever kept us from hearing of it
            received_at: Timestamp::from_millis(message.created_at).min(self.clock.now()),
            run_at: None,
        };
        let is_taken = self.accept_found(live, found).await?;
        if is_taken {
            let labels = Recovered { session: live.name().to_owned(), direction: "out", what: "message" };
            self.metrics.recovered.get_or_create(&labels).inc();
        }
        Ok(is_taken)
    }
}

impl Sweep<'_> {
    /// Rests when many calls were made.
    async fn pace(&mut self) {
        self.calls += 1;
        if self.calls > FREE_CALLS {
            sleep(REST).await;
        }
    }

    /// Up to which message a conversation was gone through.
    fn known_to(&self, conversation: i64) -> i64 {
        self.ahead.get(&conversation).copied().unwrap_or(0).max(self.cursor.done_id)
    }

    /// Where to begin in a conversation.
    fn begin_in(&self, conversation: &Conversation) -> Place {
        let known = self.known_to(conversation.id);
        let is_older = conversation.created_at.is_none_or(|at| at < self.live.session.created_at.as_secs() * 1000);
        // what an older one holds from before the session is none of ours
        if known == 0 && is_older { Place::Latest } else { Place::After(known) }
    }

    /// The next messages, oldest first.
    async fn next_page(&mut self, conversation: i64, place: &mut Place) -> Result<Option<Vec<Message>>, Trouble> {
        let found = match *place {
            Place::End => return Ok(None),
            Place::Latest => self.latest(conversation).await,
            Place::After(id) => {
                self.pace().await;
                self.live.chatwoot.list_messages_after(conversation, id).await
            }
        };
        let page = match found {
            Ok(page) => page,
            // deleted since it was listed
            Err(error) if error.kind == ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(from_chatwoot(error)),
        };
        *place = place.following(&page);
        Ok(Some(page).filter(|page| !page.is_empty()))
    }

    /// Goes back from the newest as far as the session does.
    async fn latest(&mut self, conversation: i64) -> Result<Vec<Message>, chatwoot::Error> {
        let begins = self.cursor.done_to.as_secs() * 1000;
        let mut found: Vec<Message> = Vec::new();
        self.pace().await;
        let mut page = self.live.chatwoot.latest_messages(conversation).await?;
        while let Some((first, at)) = page.iter().map(|message| (message.id, message.created_at)).min() {
            page.append(&mut found);
            found = page;
            if at < begins {
                break;
            }
            self.pace().await;
            page = self.live.chatwoot.list_messages_before(conversation, first).await?;
        }
        Ok(found)
    }

    /// Whether a message is so old that one with a lower id would have been seen by now.
    fn is_old(&self, created_at: i64) -> bool {
        let lag = i64::try_from(LAG.as_millis()).expect("a minute and a half is a small number");
        self.newest.is_some_and(|newest| created_at <= newest - lag)
    }

    /// Where the cursor stands after this sweep.
    fn moved(&self) -> Cursor {
        let (first, first_at) = self.unsettled.unwrap_or((i64::MAX, i64::MAX));
        let old = self.messages.iter().filter(|(id, at)| self.is_old(*at) && *id < first).map(|(id, _)| *id);
        Cursor {
            done_to: self.cursor.done_to.max(Timestamp::from_millis(self.newest.unwrap_or(0).min(first_at))),
            done_id: old.max().unwrap_or(0).max(self.cursor.done_id),
            ..self.cursor
        }
    }
}

/// Whether a conversation is as it was at a look that came late enough to see everything.
fn is_looked_at(live: &Live, conversation: i64, activity: i64) -> bool {
    let looked = live.health.gaps.looked.lock().expect("nothing panics while holding the looks");
    looked.get(&conversation).is_some_and(|looked| {
        looked.activity == activity && looked.is_settled && looked.at.since(Timestamp::from_millis(activity)) > LAG
    })
}

/// A conversation that does not tell is looked at.
fn activity(conversation: &Conversation) -> i64 {
    conversation.last_activity_at.unwrap_or(i64::MAX)
}

/// Whether an agent or Chatwoot itself wrote it for the customer: what was relayed into Chatwoot has a source id.
fn is_for_customer(message: &Message) -> bool {
    let attributes = &message.content_attributes;
    matches!(message.message_type, MessageType::Outgoing | MessageType::Template)
        && !message.private
        && message.source_id.is_none()
        && !attributes.deleted()
        && !attributes.external_echo()
}
