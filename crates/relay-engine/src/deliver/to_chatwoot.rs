//! Posting a WhatsApp message to Chatwoot.
//!
//! The link is written as an intent before the post. Should the process die, or the answer be lost, the next attempt looks for
//! the message under its source id before it posts again.

use std::time::Duration;

use bytes::Bytes;
use chatwoot::{Direction as MessageDirection, ErrorKind, Message, NewMessage, Upload, UploadSource};
use jiff::tz::TimeZone;
use relay_domain::Timestamp;
use relay_domain::backoff::Direction;
use relay_domain::doubt::{Doubt, doubt, next_look};
use relay_domain::event::{Ignored, Relation};
use relay_domain::id::{CwConversationId, CwMessageId};
use relay_domain::jid::Jid;
use relay_domain::naming;
use relay_domain::note;
use relay_domain::plan::{ChatwootPost, MadeFile};
use relay_domain::settings::Deletions;
use relay_fault::{Sabotage, is_sabotaged};
use relay_store::{
    Change, Chat, Link, LinkChange, LinkKey, LinkState, NewLink, Note, NoteRepeat, Recorded, Repeat, Reserve, Reserved,
};
use serde_json::{Map, Value, json};

use super::{Done, Task};
use crate::doubles::FIRST_LOOK;
use crate::trouble::{Side, Trouble, from_chatwoot};

/// Pages of 20 messages that a look goes through at most.
const MOST_PAGES: usize = 50;
/// How much older than the first attempt a message may be that a look still considers: clocks differ.
const LOOK_BACK: Duration = Duration::from_mins(5);

impl Task<'_> {
    /// Posts one after the other; the outcome of each is recorded before the next begins, that of the last with the end of the
    /// event.
    pub(crate) async fn post(&self, mut chat: Chat, posts: Vec<ChatwootPost>) -> Result<Done, Trouble> {
        let mut last = Done::ignored(Ignored::Empty);
        for post in posts {
            for LinkChange { key, change } in last.links {
                self.record(key, change).await?;
                // the place may be known since
                chat = self.reread(&chat).await?;
            }
            last = self.post_one(&chat, &post).await?;
        }
        Ok(last)
    }

    async fn post_one(&self, chat: &Chat, post: &ChatwootPost) -> Result<Done, Trouble> {
        if let Some(done) = self.own_copy(post).await? {
            return Ok(done);
        }
        if let Some(done) = self.same_message(post).await? {
            return Ok(done);
        }
        if post.deletion == Some(Deletions::Delete)
            && let Some(done) = self.delete_quoted(post).await?
        {
            return Ok(done);
        }
        let mut done = self.post_somewhere(chat, post).await?;
        if self.extras.is_from_customer {
            self.engine.look_after(&self.live, chat, self.extras.push_name.as_ref());
        }
        if post.deletion.is_some() {
            done.links.extend(self.deleted(post).await?);
        }
        Ok(done)
    }

    pub(crate) async fn post_somewhere(&self, chat: &Chat, post: &ChatwootPost) -> Result<Done, Trouble> {
        self.check_lease()?;
        match self.post_to_known_place(chat, post).await {
            // the conversation is gone: look for the place anew, once
            Err(Trouble::Failed(failed)) if failed.side == Side::Chatwoot && failed.outcome == "not_found" => {
                self.forget_place(chat).await?;
                let chat = self.reread(chat).await?;
                self.post_to_known_place(&chat, post).await
            }
            result => result,
        }
    }

    async fn post_to_known_place(&self, chat: &Chat, post: &ChatwootPost) -> Result<Done, Trouble> {
        let (_, conversation) = self.conversation(chat).await?;
        self.await_room(conversation)?;
        let key = LinkKey { direction: Direction::In, source_id: event_key(post), part: post.part };
        self.note_attributes(post, conversation).await?;
        let message = self.compose(post, conversation).await?;
        if let Some(message) = self.reserve_in(chat, post, &key, conversation).await? {
            return Ok(Done::delivered(vec![posted(key, conversation, message)]));
        }
        self.check_before_post()?;
        self.take_room(conversation);
        match self.live.chatwoot.create_message(conversation.get(), &message.message).await {
            Ok(created) => {
                self.note_relayed(post, conversation, &created);
                Ok(Done::delivered(vec![posted(key, conversation, CwMessageId::new(created.id))]))
            }
            Err(error) => self.not_posted(error, key, post, conversation, message.has_file).await,
        }
    }

    /// Writes the intent down. Returns the message when an earlier attempt turns out to have succeeded.
    async fn reserve_in(
        &self,
        chat: &Chat,
        post: &ChatwootPost,
        key: &LinkKey,
        conversation: CwConversationId,
    ) -> Result<Option<CwMessageId>, Trouble> {
        let now = self.engine.clock.now();
        let link = NewLink {
            key: key.clone(),
            parts: post.part + 1,
            wa_id: post.id.clone(),
            wa_from_me: post.from_phone,
            wa_participant: post.participant.as_ref().map(ToString::to_string),
            wa_row: self.extras.row,
            cw_conversation: Some(conversation),
            cw_message: None,
            is_tried: !is_sabotaged(Sabotage::IntentBeforeSend),
        };
        let reserve = Reserve {
            lease: self.lease.clone(),
            event: self.event.id.clone(),
            chat: chat.key.clone(),
            parts: vec![link],
            now,
        };
        let Reserved::Known(known) = self.engine.store.reserve(reserve).await? else {
            return Err(Trouble::LeaseLost);
        };
        let Some(link) = known.into_iter().next().filter(|_| !is_sabotaged(Sabotage::Dedup)) else {
            return Ok(None);
        };
        if link.state == LinkState::Sent
            && let Some(message) = link.cw_message
        {
            return Ok(Some(message));
        }
        if let Some(since) = self.doubt_since(&link).await? {
            let conversation = link.cw_conversation.unwrap_or(conversation);
            if let Some(message) = self.look_for(post, conversation, link.made_at, since).await? {
                return Ok(Some(message));
            }
            self.note_repeat(post, conversation, now).await?;
        }
        self.record(key.clone(), Change::Tried { at: now, conversation: Some(conversation) }).await?;
        Ok(None)
    }

    /// Notes that a message is posted again: the attempt before may still take effect, and then it is there twice.
    async fn note_repeat(
        &self,
        post: &ChatwootPost,
        conversation: CwConversationId,
        now: Timestamp,
    ) -> Result<(), Trouble> {
        let session = self.live.id().clone();
        let repeat = Repeat { session, source_id: source_id(post), conversation, posted_at: now };
        self.engine.store.note_repeat(NoteRepeat { repeat, look_at: now + FIRST_LOOK }).await?;
        Ok(())
    }

    /// Records what became of one part while the event goes on.
    pub(crate) async fn record(&self, key: LinkKey, change: Change) -> Result<(), Trouble> {
        let note = Note { lease: self.lease.clone(), links: vec![LinkChange { key, change }] };
        match self.engine.store.note(note).await? {
            Recorded::Yes => Ok(()),
            Recorded::LeaseLost => Err(Trouble::LeaseLost),
        }
    }

    /// Since when a part is in doubt; `None` when no attempt can have reached the destination. An attempt that nobody saw the
    /// end of (its process died) is in doubt from now on.
    pub(crate) async fn doubt_since(&self, link: &Link) -> Result<Option<Timestamp>, Trouble> {
        if is_sabotaged(Sabotage::Reconcile) {
            return Ok(None);
        }
        match doubt(link.tried_at, link.is_in_doubt) {
            Doubt::No => Ok(None),
            Doubt::Since(since) => Ok(Some(since)),
            Doubt::FromNowOn => {
                let now = self.engine.clock.now();
                self.record(link.key.clone(), Change::InDoubt { at: now }).await?;
                Ok(Some(now))
            }
        }
    }

    /// Looks whether an attempt that is in doubt `since` then took effect; waits while it still may. `made_at` is when the first
    /// attempt can have begun.
    pub(crate) async fn look_for(
        &self,
        post: &ChatwootPost,
        conversation: CwConversationId,
        made_at: Timestamp,
        since: Timestamp,
    ) -> Result<Option<CwMessageId>, Trouble> {
        let source_id = source_id(post);
        let found = self.search(conversation, &source_id, made_at).await;
        match found {
            Ok(Some(message)) => return Ok(Some(CwMessageId::new(message.id))),
            Ok(None) => {}
            // a conversation that is gone holds nothing
            Err(error) if error.kind == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(from_chatwoot(error)),
        }
        match next_look(since, self.engine.clock.now()) {
            Some(at) => Err(Trouble::Wait(at)),
            None => Ok(None),
        }
    }

    /// Goes through a conversation from its end, as far back as the first attempt can have begun. A relay may have been down for
    /// long since.
    async fn search(
        &self,
        conversation: CwConversationId,
        source_id: &str,
        made_at: Timestamp,
    ) -> Result<Option<Message>, chatwoot::Error> {
        let oldest = (made_at - LOOK_BACK).as_millis();
        let mut page = self.live.chatwoot.latest_messages(conversation.get()).await?;
        for _ in 0..MOST_PAGES {
            let Some(first) = page.iter().map(|message| (message.id, message.created_at)).min() else {
                return Ok(None);
            };
            if let Some(message) = page.into_iter().find(|message| message.source_id.as_deref() == Some(source_id)) {
                return Ok(Some(message));
            }
            if first.1 < oldest {
                return Ok(None);
            }
            page = self.live.chatwoot.list_messages_before(conversation.get(), first.0).await?;
        }
        Ok(None)
    }

    async fn compose(&self, post: &ChatwootPost, conversation: CwConversationId) -> Result<Composed, Trouble> {
        let direction =
            if post.from_phone || post.is_private { MessageDirection::Outgoing } else { MessageDirection::Incoming };
        let mut message = NewMessage::new(direction);
        let mut text = post.text.clone();
        message.source_id = Some(source_id(post));
        message.private = post.is_private;
        self.attributes(post, conversation, &mut message.content_attributes, &mut text).await?;
        let mut file = None;
        if let Some(media) = &post.media {
            match self.bring_file(media).await? {
                Ok(brought) => {
                    message.is_voice_message = brought.is_voice;
                    message.attachments.push(brought.upload.clone());
                    file = Some(brought);
                }
                Err(placeholder) => text = Some(join(text, placeholder)),
            }
        }
        message.attachments.extend(post.made_files.iter().map(made));
        if self.is_late(post) {
            let written_at = in_local_time(post.sent_at, &self.engine.config.zone);
            text = Some(join(text, note::late(self.live.locale, &written_at)));
        }
        message.content = match &post.heading {
            Some(heading) => Some(text.map_or_else(|| heading.clone(), |text| format!("{heading}\n\n{text}"))),
            None => text,
        };
        Ok(Composed { has_file: !message.attachments.is_empty(), message, _file: file })
    }

    async fn attributes(
        &self,
        post: &ChatwootPost,
        conversation: CwConversationId,
        attributes: &mut Map<String, Value>,
        text: &mut Option<String>,
    ) -> Result<(), Trouble> {
        if post.from_phone && !post.is_private {
            attributes.insert("external_echo".to_owned(), json!(true));
        }
        if post.is_placeholder {
            attributes.insert("relay_placeholder".to_owned(), json!(true));
        }
        if post.is_unsupported {
            attributes.insert("is_unsupported".to_owned(), json!(true));
        }
        let Some(quote) = &post.quote else { return Ok(()) };
        let links = self.engine.store.links_by_wa(self.live.id(), &quote.id).await?;
        let here = links.iter().find(|link| link.cw_conversation.is_none_or(|known| known == conversation));
        if let Some(message) = here.and_then(|link| link.cw_message) {
            attributes.insert("in_reply_to".to_owned(), json!(message.get()));
        } else if !quote.id.is_notice() {
            // a reply to something that was never relayed, or that has no words, is still a reply
            let quoted = match quote.relation {
                Relation::Reply => note::in_reply_to(self.live.locale, quote.excerpt.as_deref().unwrap_or("…")),
                Relation::StatusReply => note::in_reply_to_status(self.live.locale, quote.excerpt.as_deref()),
                Relation::About => note::about_unknown(self.live.locale),
            };
            *text = Some(text.as_ref().map_or_else(|| quoted.clone(), |text| format!("{quoted}\n\n{text}")));
        }
        Ok(())
    }

    /// Sorts a failed post. What is wrong with the file costs the file, not the message.
    async fn not_posted(
        &self,
        error: chatwoot::Error,
        key: LinkKey,
        post: &ChatwootPost,
        conversation: CwConversationId,
        has_file: bool,
    ) -> Result<Done, Trouble> {
        self.record(key.clone(), self.fate(error.certainty == chatwoot::Certainty::MaybeDelivered)).await?;
        let is_about_file = has_file && matches!(error.kind, ErrorKind::TooLarge);
        if !is_about_file {
            return Err(from_chatwoot(error));
        }
        let media = post.media.as_ref();
        let made = post.made_files.first().map(|file| file.name.as_str());
        let name = media.and_then(|media| media.file_name.as_deref()).or(made);
        let lost = note::lost_file(self.live.locale, name, media.and_then(|media| media.size), None);
        let bare = ChatwootPost {
            text: Some(join(post.text.clone(), lost)),
            media: None,
            made_files: Vec::new(),
            ..post.clone()
        };
        let composed = self.compose(&bare, conversation).await?;
        let again = Change::Tried { at: self.engine.clock.now(), conversation: Some(conversation) };
        self.record(key.clone(), again).await?;
        self.take_room(conversation);
        match self.live.chatwoot.create_message(conversation.get(), &composed.message).await {
            Ok(created) => {
                self.note_relayed(post, conversation, &created);
                Ok(Done::delivered(vec![posted(key, conversation, CwMessageId::new(created.id))]))
            }
            Err(error) => {
                self.record(key, self.fate(error.certainty == chatwoot::Certainty::MaybeDelivered)).await?;
                Err(from_chatwoot(error))
            }
        }
    }

    /// What a failed attempt leaves of its part: a doubt that begins now, or none.
    pub(crate) fn fate(&self, maybe_delivered: bool) -> Change {
        if maybe_delivered { Change::InDoubt { at: self.engine.clock.now() } } else { Change::Untried }
    }
}

pub(crate) fn event_key(post: &ChatwootPost) -> String {
    naming::link_source(&post.id, post.from_phone, post.participant.as_ref().map(Jid::user))
}

struct Composed {
    message: NewMessage,
    has_file: bool,
    /// Deleted with this.
    _file: Option<super::media_in::Brought>,
}

fn made(file: &MadeFile) -> Upload {
    let source = UploadSource::Bytes(Bytes::copy_from_slice(&file.bytes));
    Upload { file_name: file.name.clone(), mime: file.mime.to_owned(), source }
}

/// A moment as the people at this machine write it.
pub(crate) fn in_local_time(at: Timestamp, zone: &TimeZone) -> String {
    let at = jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or_default();
    at.to_zoned(zone.clone()).strftime("%d/%m %H:%M").to_string()
}

pub(crate) fn posted(key: LinkKey, conversation: CwConversationId, message: CwMessageId) -> LinkChange {
    LinkChange { key, change: Change::PostedToChatwoot { conversation, message } }
}

fn source_id(post: &ChatwootPost) -> String {
    naming::source_id(&post.id, post.part)
}

fn join(text: Option<String>, addition: String) -> String {
    match text {
        Some(text) if !text.is_empty() => format!("{text}\n\n{addition}"),
        Some(_) | None => addition,
    }
}
