//! A round of one session: marks what was read, then looks whether agents have read more.

use std::sync::Arc;
use std::time::Duration;

use relay_domain::Timestamp;
use relay_domain::id::{CwConversationId, CwMessageId};
use relay_domain::jid::{Jid, Server};
use relay_store::{Chat, SessionState, StoreError};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::unread::{LOOK_FOR, Relayed, Told};
use crate::Engine;
use crate::sessions::Live;
use crate::trouble::Side;

/// How often it is seen to whether a round is due.
const TICK: Duration = Duration::from_millis(300);
/// The shortest time between two looks of a session.
const BETWEEN_LOOKS: Duration = Duration::from_secs(10);
/// How long no look follows one that failed.
const AFTER_FAILURE: Duration = Duration::from_mins(1);
/// Conversations looked at one by one in a round, beside the list of the newest.
const ONE_BY_ONE: usize = 5;

/// What became of telling one side.
enum Outcome {
    /// It knows.
    Told,
    /// It will not take it.
    Refused,
    /// It may take it later.
    Later,
}

impl Engine {
    /// Carries out what was read, session by session, until told to stop.
    pub(crate) async fn keep_reading(self: Arc<Self>, stop: CancellationToken) {
        let rounds = TaskTracker::new();
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                () = sleep(TICK) => {}
            }
            for live in self.sessions.all() {
                let now = self.clock.now();
                let is_at_work = live.session.settings.read_receipts
                    && live.session.state == SessionState::Active
                    && !live.health.breaker(Side::Chatwoot).keeps_away(now);
                if is_at_work && live.health.unread.begin_round(now) {
                    let (engine, stop) = (self.clone(), stop.clone());
                    rounds.spawn(async move {
                        // a call that hangs is given up when the process stops: nothing depends on it
                        tokio::select! {
                            () = stop.cancelled() => {}
                            () = engine.read_round(&live) => {}
                        }
                    });
                }
            }
        }
        rounds.close();
        rounds.wait().await;
    }

    async fn read_round(&self, live: &Live) {
        if let Err(error) = self.try_read_round(live).await {
            tracing::warn!(session.id = %live.id(), %error, "what was read could not be noted");
        }
        live.health.unread.end_round(self.clock.now());
    }

    async fn try_read_round(&self, live: &Live) -> Result<(), StoreError> {
        let unread = &live.health.unread;
        if unread.must_load() {
            self.load_unread(live).await?;
        }
        for told in unread.read_on_phones(self.clock.now()) {
            let outcome = show_in_chatwoot(live, &told).await;
            self.conclude(live, &told, outcome).await?;
        }
        if !live.health.is_offline() && !live.health.breaker(Side::CodeChat).is_open() {
            for told in unread.read_by_agents(self.clock.now()) {
                let outcome = self.show_on_whatsapp(live, &told).await?;
                self.conclude(live, &told, outcome).await?;
            }
        }
        self.look(live).await;
        Ok(())
    }

    /// What an earlier process had relayed and nobody had read.
    async fn load_unread(&self, live: &Live) -> Result<(), StoreError> {
        let now = self.clock.now();
        for known in self.store.unread(live.id(), now - LOOK_FOR).await? {
            let relayed = Relayed {
                wa_id: known.wa_id,
                row: known.wa_row,
                address: None,
                posted_secs: known.posted_at.as_secs(),
            };
            live.health.unread.relayed(&known.chat, known.conversation, known.message, relayed, now);
        }
        Ok(())
    }

    async fn conclude(&self, live: &Live, told: &Told, outcome: Outcome) -> Result<(), StoreError> {
        let is_over = match outcome {
            Outcome::Told | Outcome::Refused => true,
            Outcome::Later => !live.health.unread.failed(told.conversation, self.clock.now()),
        };
        if is_over {
            self.store.raise_read_mark(live.id(), &told.chat, told.to).await?;
            live.health.unread.done(told.conversation, told.to);
        }
        Ok(())
    }

    async fn show_on_whatsapp(&self, live: &Live, told: &Told) -> Result<Outcome, StoreError> {
        let Some(chat) = self.store.chat(live.id(), &told.chat).await? else {
            return Ok(Outcome::Refused);
        };
        let mark = self.store.read_mark(live.id(), &chat.key).await?;
        let fresh: Vec<_> = told.messages.iter().filter(|(id, _)| *id > mark).map(|(_, message)| message).collect();
        Ok(mark_read(live, &chat, &fresh).await)
    }

    /// Looks at Chatwoot for what agents have read: the newest conversations with one call, some others one by one.
    async fn look(&self, live: &Live) {
        let now = self.clock.now();
        let unread = &live.health.unread;
        let due = unread.to_look_at(now);
        if due.is_empty() || live.health.breaker(Side::Chatwoot).is_open() {
            return;
        }
        unread.rest_until(now + BETWEEN_LOOKS);
        let inbox = live.session.chatwoot.inbox;
        let listed = match live.chatwoot.recent_conversations(inbox, 1).await {
            Ok(listed) => listed,
            Err(error) => return self.rest_after(live, &error),
        };
        for conversation in &listed {
            note_seen(live, conversation.id, conversation.agent_last_seen_at);
        }
        let is_listed = |id: &CwConversationId| listed.iter().any(|conversation| conversation.id == id.get());
        for id in due.iter().filter(|id| is_listed(id)) {
            unread.looked(*id, now);
        }
        for id in due.into_iter().filter(|id| !is_listed(id)).take(ONE_BY_ONE) {
            match live.chatwoot.conversation(id.get()).await {
                Ok(conversation) => note_seen(live, id.get(), conversation.agent_last_seen_at),
                Err(error) if error.kind == chatwoot::ErrorKind::NotFound => unread.forget(id),
                Err(error) => return self.rest_after(live, &error),
            }
            unread.looked(id, now);
        }
    }

    fn rest_after(&self, live: &Live, error: &chatwoot::Error) {
        tracing::debug!(session.id = %live.id(), error = %error.kind, "what agents have read could not be looked up");
        let asked = match error.kind {
            chatwoot::ErrorKind::RateLimited { retry_after } => retry_after.unwrap_or_default(),
            _ => Duration::ZERO,
        };
        live.health.unread.rest_until(self.clock.now() + asked.max(AFTER_FAILURE));
    }
}

/// Takes down when an agent last looked, as any answer or webhook of Chatwoot tells it.
fn note_seen(live: &Live, conversation: i64, seen_at: Option<i64>) {
    if let Some(at) = seen_at {
        live.health.unread.seen(CwConversationId::new(conversation), Timestamp::from_millis(at));
    }
}

/// Chatwoot knows no more than that everything was seen by now, so it is told when that is so.
async fn show_in_chatwoot(live: &Live, told: &Told) -> Outcome {
    if !told.is_all {
        return Outcome::Told;
    }
    match live.chatwoot.update_last_seen(told.conversation.get()).await {
        Ok(()) => Outcome::Told,
        Err(error) if error.kind == chatwoot::ErrorKind::NotFound => Outcome::Refused,
        Err(error) => {
            tracing::debug!(session.id = %live.id(), error = %error.kind, "a chat read on the phone is unread in Chatwoot");
            Outcome::Later
        }
    }
}

/// Marks messages as read: those that came under a phone number by their rows, others by their ids.
async fn mark_read(live: &Live, chat: &Chat, messages: &[&Relayed]) -> Outcome {
    let address = |message: &Relayed| message.address.clone().or_else(|| chat.jid.clone());
    let goes_by_row = |message: &Relayed| address(message).is_none_or(|jid| *jid.server() == Server::User);
    let rows: Vec<_> =
        messages.iter().filter(|message| goes_by_row(message)).filter_map(|message| message.row).collect();
    if let Err(error) = live.codechat.mark_read(live.name(), &rows).await {
        return outcome_of(live, &error);
    }
    let mut by_key: Vec<(Jid, Vec<&str>)> = Vec::new();
    for message in messages.iter().filter(|message| !goes_by_row(message)) {
        let Some(jid) = address(message) else { continue };
        match by_key.iter_mut().find(|(known, _)| *known == jid) {
            Some((_, ids)) => ids.push(message.wa_id.as_str()),
            None => by_key.push((jid, vec![message.wa_id.as_str()])),
        }
    }
    for (jid, ids) in by_key {
        if let Err(error) = live.codechat.mark_read_by_key(live.name(), &jid.to_string(), &ids).await {
            return outcome_of(live, &error);
        }
    }
    Outcome::Told
}

fn outcome_of(live: &Live, error: &codechat::Error) -> Outcome {
    use codechat::ErrorKind as Cc;
    tracing::debug!(session.id = %live.id(), error = %error.kind, "a chat could not be marked as read");
    match error.kind {
        Cc::Unreachable
        | Cc::TimedOut
        | Cc::ServerError
        | Cc::NotConnected
        | Cc::Unauthorized
        | Cc::RateLimited { .. } => Outcome::Later,
        Cc::NotOnWhatsApp
        | Cc::NothingSent
        | Cc::MediaUnavailable
        | Cc::Rejected
        | Cc::NotFound
        | Cc::AlreadyExists
        | Cc::TooLarge
        | Cc::Unexpected => Outcome::Refused,
    }
}

impl Live {
    /// Takes down that an agent answered: what stands before the answer was read.
    pub(crate) fn answered(&self, conversation: i64, answer: i64) {
        self.health.unread.answered(CwConversationId::new(conversation), CwMessageId::new(answer));
    }

    /// Takes down when an agent last looked at a conversation, in epoch milliseconds.
    pub(crate) fn seen(&self, conversation: i64, at: Option<i64>) {
        note_seen(self, conversation, at);
    }
}
