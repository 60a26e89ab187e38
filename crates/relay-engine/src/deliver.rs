//! Carrying out a plan: remote calls, part by part, each outcome recorded.

mod about;
mod call;
mod choice;
mod conversation;
mod desk;
mod first_contact;
mod group;
mod identity;
mod late;
mod media_in;
mod media_out;
mod people;
mod place;
mod placeholder;
mod reaction;
mod read;
mod receipt;
mod replay;
mod revoke;
mod to_chatwoot;
mod to_whatsapp;
mod truth;
mod unsent;

use std::sync::Arc;

use relay_domain::event::{Event, Ignored};
use relay_domain::id::SessionId;
use relay_domain::ignore::is_ignored;
use relay_domain::menu;
use relay_domain::note::Failure;
use relay_domain::plan::{ChatView, Plan, ignored_chat, plan};
use relay_fault::{Sabotage, is_sabotaged};
use relay_store::{Chat, End, LaneKind, Lease, LinkChange, PendingEvent};

use crate::Engine;
use crate::sessions::Live;
use crate::translate::{Extras, translate};
use crate::trouble::{Failed, Trouble};
pub(crate) use group::Looks;
pub(crate) use receipt::shown;
use truth::Truth;

/// What a delivery works on.
pub(crate) struct Task<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) live: Arc<Live>,
    pub(crate) lease: &'a Lease,
    pub(crate) event: &'a PendingEvent,
    pub(crate) extras: Extras,
}

/// How an event ended, with what is to be recorded along with it.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) end: End,
    pub(crate) links: Vec<LinkChange>,
    /// Whether a remote side was called.
    pub(crate) was_attempted: bool,
}

impl Done {
    pub(crate) fn ignored(reason: Ignored) -> Self {
        Self { end: End::Ignored(reason), links: Vec::new(), was_attempted: false }
    }

    pub(crate) fn delivered(links: Vec<LinkChange>) -> Self {
        Self { end: End::Delivered, links, was_attempted: true }
    }
}

/// Delivers one event, or says what stands in the way.
pub(crate) async fn deliver(
    engine: &Engine,
    live: Arc<Live>,
    lease: &Lease,
    event: &PendingEvent,
) -> Result<Done, Trouble> {
    match engine.truth(&live, lease, event).await? {
        Truth::AsTold => deliver_as_is(engine, live, lease, event).await,
        Truth::Fetched(event) => deliver_as_is(engine, live, lease, &event).await,
        Truth::Unverified(done) => Ok(done),
    }
}

async fn deliver_as_is(engine: &Engine, live: Arc<Live>, lease: &Lease, event: &PendingEvent) -> Result<Done, Trouble> {
    if lease.lane.kind == LaneKind::Desk {
        return Box::pin(Task { engine, live, lease, event, extras: Extras::default() }.serve()).await;
    }
    let (mut meaning, extras) = translate(event);
    if let Some(connection) = extras.connection.clone() {
        engine.connection_is(&live, &connection).await?;
    }
    if extras.is_logged_out {
        engine.logged_out(&live).await?;
    }
    let chat = match lease.lane.kind {
        LaneKind::Receipt | LaneKind::Desk => None,
        LaneKind::In | LaneKind::Out => engine.store.chat(&whose_chat(engine, &live), &lease.lane.chat).await?,
    };
    let view = ChatView {
        jid: chat.as_ref().and_then(|chat| chat.jid.as_ref()),
        locale: live.locale,
        settings: &live.session.settings,
        zone: &engine.config.zone,
    };
    let choice = chat.as_ref().and_then(|chat| chat.choice.as_ref());
    let answered = choice.and_then(|choice| menu::answer(&mut meaning, choice, event.received_at));
    let offered = menu::offered(&meaning, event.received_at);
    let own_reaction = reaction::own_name(&meaning);
    let mut task = Task { engine, live: live.clone(), lease, event, extras };
    if let (Event::WhatsApp(message), Some(chat)) = (&mut meaning, &chat)
        && ignored_chat(view).is_none()
    {
        task.look_at_group(chat).await?;
        engine.introduce(live.id(), message).await?;
    }
    let plan = plan(meaning, view);
    if let Some(name) = own_reaction
        && let Some(done) = task.own_reaction(&name).await?
    {
        return Ok(done);
    }
    task.carry_out(plan, chat, answered.or(offered)).await
}

/// The session whose chat is looked up. The failure rig can make it the first one's, whosever lane it is.
fn whose_chat(engine: &Engine, live: &Live) -> SessionId {
    let first = is_sabotaged(Sabotage::SessionKey).then(|| engine.sessions.all()).and_then(|all| all.first().cloned());
    first.map_or_else(|| live.id().clone(), |first| first.id().clone())
}

impl Task<'_> {
    /// Does what the plan calls for. The choice is the one that the message offers to the customer, or answers.
    async fn carry_out(&self, plan: Plan, chat: Option<Chat>, choice: Option<menu::Choice>) -> Result<Done, Trouble> {
        let is_ignored = match &chat {
            Some(chat) => self.is_ignored(chat).await?,
            None => false,
        };
        match (plan, chat) {
            (Plan::WhatsApp(_), Some(_)) if is_ignored => self.give_up(&self.message()?, Failure::IgnoredChat).await,
            (Plan::Chatwoot(_) | Plan::Call(_) | Plan::Group(_), Some(_)) if is_ignored => {
                Ok(Done::ignored(Ignored::IgnoreList))
            }
            (Plan::Ignore(reason), _) => Ok(Done::ignored(reason)),
            (Plan::Receipt { id, receipt }, _) => self.show_receipt(id, receipt).await,
            (Plan::Revoke(message), _) => self.revoke(message).await,
            (Plan::ReadOnPhone(id), _) => self.read_on_phone(id).await,
            (Plan::Call(call), Some(chat)) => self.show_call(chat, call).await,
            (Plan::Group(change), Some(chat)) => self.show_group_change(chat, change).await,
            (Plan::Chatwoot(posts), Some(chat)) => {
                self.note_choice(&chat, choice).await?;
                self.post(chat, posts).await
            }
            (Plan::Refuse(why), Some(_)) => self.refuse(why).await,
            (Plan::WhatsApp(parts), Some(chat)) => {
                let done = self.send(chat.clone(), parts).await?;
                self.repair_bubble(&done).await?;
                self.note_choice(&chat, choice.filter(|_| done.end == End::Delivered)).await?;
                self.follow_agent(&chat).await?;
                Ok(done)
            }
            // only lanes of chats bring messages
            (Plan::Chatwoot(_) | Plan::WhatsApp(_) | Plan::Call(_) | Plan::Group(_) | Plan::Refuse(_), None) => {
                Ok(Done::ignored(Ignored::UnknownShape))
            }
        }
    }

    /// Refuses to begin anything while this process may have lost its lanes.
    pub(crate) fn check_lease(&self) -> Result<(), Trouble> {
        let is_ours = self.engine.pulse.may_post() && !self.engine.at_work.is_lost(self.lease);
        if is_ours { Ok(()) } else { Err(Trouble::LeaseLost) }
    }

    /// Where the failure rig may end the process: an intent is durable, and its request is the next thing to leave.
    pub(crate) fn check_before_post(&self) -> Result<(), Trouble> {
        self.check_lease()?;
        relay_fault::reach(relay_fault::Point::BeforeSend);
        relay_fault::reach(relay_fault::Point::AfterSendBeforeResponse);
        Ok(())
    }

    /// Whether the session's owner wants the chat left alone.
    async fn is_ignored(&self, chat: &Chat) -> Result<bool, Trouble> {
        let list = &self.live.session.settings.ignore;
        if list.is_empty() {
            return Ok(false);
        }
        let mut names = self.engine.store.names_of_chat(self.live.id(), &chat.key).await?;
        names.extend(chat.jid.as_ref().map(ToString::to_string));
        Ok(is_ignored(list, names.iter().map(String::as_str)))
    }

    /// The chat as it is now.
    pub(crate) async fn reread(&self, chat: &Chat) -> Result<Chat, Trouble> {
        let fresh = self.engine.store.chat(self.live.id(), &chat.key).await?;
        Ok(fresh.unwrap_or_else(|| chat.clone()))
    }
}

/// What came of the attempt to show that a message could not be delivered.
pub(crate) enum Shown {
    /// It is shown.
    Loss(Vec<LinkChange>),
    /// The message was delivered after all, by an attempt that was in doubt.
    Delivery(Done),
}

/// Shows in the chat that a message could not be delivered: a placeholder in Chatwoot, a reason on an agent's message.
pub(crate) async fn show_loss(
    engine: &Engine,
    live: Arc<Live>,
    lease: &Lease,
    event: &PendingEvent,
    failed: &Failed,
) -> Result<Shown, Trouble> {
    let Some(chat) = engine.store.chat(live.id(), &lease.lane.chat).await? else {
        return Ok(Shown::Loss(Vec::new()));
    };
    let task = Task { engine, live, lease, event, extras: Extras::default() };
    match lease.lane.kind {
        LaneKind::Receipt | LaneKind::Desk => Ok(Shown::Loss(Vec::new())),
        // rare, and as large as a delivery
        LaneKind::In => Box::pin(task.post_placeholder(&chat, failed.outcome)).await,
        LaneKind::Out if crate::translate::is_deletion(event) => {
            let links = engine.store.links_by_cw(task.live.id(), task.message()?.id).await?;
            task.tell_not_deleted(&links).await?;
            Ok(Shown::Loss(Vec::new()))
        }
        LaneKind::Out => {
            let message = task.message()?;
            let why = Failure::Rejected { detail: failed.detail.clone() };
            let done = task.give_up(&message, why).await?;
            Ok(if done.end == End::Delivered { Shown::Delivery(done) } else { Shown::Loss(done.links) })
        }
    }
}
