//! Sending an agent's message to WhatsApp, part by part.
//!
//! The id of every part is known before it is sent and written down as an intent. A part whose fate is in doubt is looked for
//! among the copies CodeChat sent us and the messages it stores; only then is it sent again, under the same id.

use codechat::{
    ContactCard, ErrorKind, FindMessages, Quoted, SendContact, SendLocation, SendMedia, SendOptions, SendText, Sent,
    State,
};
use relay_domain::Timestamp;
use relay_domain::backoff::Direction;
use relay_domain::card::Person;
use relay_domain::doubt::next_look;
use relay_domain::event::{AgentFileKind, Ignored};
use relay_domain::id::{CwMessageId, EventId, WaMessageId};
use relay_domain::jid::Jid;
use relay_domain::note::Failure;
use relay_domain::plan::{WhatsAppBody, WhatsAppPart};
use relay_domain::reserved_id::{PartKey, is_reaction};
use relay_domain::verdict::ASK_AGAIN;
use relay_fault::{Sabotage, is_sabotaged};
use relay_store::{Change, Chat, Link, LinkChange, LinkKey, LinkState, NewLink, OpenChat, Reserve, Reserved};
use serde_json::json;

use super::{Done, Task};
use crate::trouble::{Failed, Side, Trouble, from_codechat};

impl Task<'_> {
    pub(crate) async fn send(&self, chat: Chat, parts: Vec<WhatsAppPart>) -> Result<Done, Trouble> {
        self.check_lease()?;
        let message = self.message()?;
        if self.is_deleted(message.id).await? {
            return Ok(Done::ignored(Ignored::Deleted));
        }
        let Some(jid) = chat.jid.clone() else {
            return self.give_up(&message, Failure::NoNumber).await;
        };
        if self.waited_too_long().await? {
            return self.expire(&message).await;
        }
        let jid = match self.confirmed(&chat, jid).await {
            Ok(jid) => jid,
            Err(Trouble::Hopeless(why)) => return self.give_up(&message, why).await,
            Err(trouble) => return Err(trouble),
        };
        if let Some(reaction) = self.reaction(&parts).await? {
            return self.react(&chat, &jid, &message, &parts[0], reaction).await;
        }
        self.send_parts(&chat, &jid, &message, &parts).await
    }

    /// Sends each part that was not sent yet.
    pub(crate) async fn send_parts(
        &self,
        chat: &Chat,
        jid: &Jid,
        message: &Message,
        parts: &[WhatsAppPart],
    ) -> Result<Done, Trouble> {
        self.check_online().await?;
        // before anything is written down as tried
        self.await_turn()?;
        let id_of = |part: &WhatsAppPart| self.reserved_id(message, part.index);
        let reserved = self.reserve_out(chat, message, parts, id_of).await?;
        let mut last = None;
        for (part, reserved) in parts.iter().zip(&reserved) {
            if reserved.link.state == LinkState::Sent {
                continue;
            }
            // files take their time, and the first part may have been deleted meanwhile
            if part.index > 0 && self.is_deleted(message.id).await? {
                return Ok(Done { was_attempted: true, ..Done::ignored(Ignored::Deleted) });
            }
            self.await_turn()?;
            match self.send_part(chat, jid, part, reserved).await {
                Ok(change) => {
                    last = self.part_sent(LinkChange { key: reserved.link.key.clone(), change }, parts.len()).await?;
                }
                Err(Trouble::Hopeless(why)) => {
                    return self.give_up(message, why).await;
                }
                Err(trouble) => return Err(trouble),
            }
        }
        if self.is_overtaken() {
            // the note may have to wait, and the message must not be sent again meanwhile
            if let Some(LinkChange { key, change }) = last.take() {
                self.record(key, change).await?;
            }
            self.tell_late(message).await?;
        }
        Ok(Done::delivered(last.into_iter().collect()))
    }

    /// Ends a message that is not to be sent, with the reason on its bubble.
    pub(crate) async fn refuse(&self, why: Failure) -> Result<Done, Trouble> {
        self.check_lease()?;
        let message = self.message()?;
        self.give_up(&message, why).await
    }

    /// Records a part at once, or returns the last one to be recorded with the end of the event.
    async fn part_sent(&self, change: LinkChange, parts: usize) -> Result<Option<LinkChange>, Trouble> {
        if usize::from(change.key.part) + 1 == parts {
            return Ok(Some(change));
        }
        self.record(change.key, change.change).await?;
        Ok(None)
    }

    pub(crate) async fn links_of(&self, message: CwMessageId) -> Result<Vec<Link>, Trouble> {
        let links = self.engine.store.links_by_cw(self.live.id(), message).await?;
        Ok(links.into_iter().filter(|link| link.key.direction == Direction::Out).collect())
    }

    /// Writes down the parts of a message, each under the id that it is going to have.
    pub(crate) async fn reserve_out(
        &self,
        chat: &Chat,
        message: &Message,
        parts: &[WhatsAppPart],
        id_of: impl Fn(&WhatsAppPart) -> WaMessageId,
    ) -> Result<Vec<ReservedPart>, Trouble> {
        let now = self.engine.clock.now();
        let total = u16::try_from(parts.len()).expect("texts, files and cards of one message are few");
        let new_link = |part: &WhatsAppPart| NewLink {
            key: LinkKey { direction: Direction::Out, source_id: message.id.to_string(), part: part.index },
            parts: total,
            wa_id: id_of(part),
            wa_from_me: true,
            wa_participant: None,
            wa_row: None,
            cw_conversation: Some(message.conversation.into()),
            cw_message: Some(message.id),
            // all goes out right away, but a file must be fetched first
            is_tried: !is_sabotaged(Sabotage::IntentBeforeSend)
                && part.index == 0
                && !matches!(part.body, WhatsAppBody::File { .. }),
        };
        let new: Vec<_> = parts.iter().map(new_link).collect();
        let reserve = Reserve {
            lease: self.lease.clone(),
            event: self.event.id.clone(),
            chat: chat.key.clone(),
            parts: new.clone(),
            now,
        };
        let Reserved::Known(known) = self.engine.store.reserve(reserve).await? else {
            return Err(Trouble::LeaseLost);
        };
        let find = |part: NewLink| match known.iter().find(|link| link.key == part.key) {
            Some(link) => ReservedPart { link: link.clone(), is_noted: false },
            None => ReservedPart { is_noted: part.is_tried, link: self.fresh(chat, part) },
        };
        Ok(new.into_iter().map(find).collect())
    }

    fn fresh(&self, chat: &Chat, part: NewLink) -> Link {
        Link {
            key: part.key,
            parts: part.parts,
            chat: chat.key.clone(),
            event: self.event.id.clone(),
            state: LinkState::Intent,
            tried_at: None,
            wa_id: part.wa_id,
            wa_from_me: true,
            wa_participant: None,
            wa_row: None,
            is_in_doubt: false,
            is_deleted: false,
            receipt: None,
            cw_conversation: part.cw_conversation,
            cw_message: part.cw_message,
            made_at: self.engine.clock.now(),
        }
    }

    fn reserved_id(&self, message: &Message, part: u16) -> WaMessageId {
        let access = &self.live.session.chatwoot;
        let origin = access.url.origin().ascii_serialization();
        self.live.mint.reserve(
            message.created_at,
            PartKey { origin: &origin, account: access.account, message: message.id, part },
        )
    }

    /// Asks before sending when the phone was last seen disconnected: a send would only fail after a minute.
    pub(crate) async fn check_online(&self) -> Result<(), Trouble> {
        if !self.live.health.is_offline() {
            return Ok(());
        }
        self.is_online().await.and_then(|online| if online { Ok(()) } else { Err(Trouble::Offline) })
    }

    pub(crate) async fn is_online(&self) -> Result<bool, Trouble> {
        let state = self.live.codechat.connection_state(self.live.name()).await.map_err(from_codechat)?;
        self.engine.heed_state(&self.live, &state.state).await?;
        Ok(state.state == State::Open)
    }

    async fn send_part(
        &self,
        chat: &Chat,
        jid: &Jid,
        part: &WhatsAppPart,
        reserved: &ReservedPart,
    ) -> Result<Change, Trouble> {
        let link = &reserved.link;
        if let Some(since) = self.doubt_since(link).await?
            && let Some(row) = self.look_for_copy(link, since).await?
        {
            return Ok(Change::SentToWhatsApp { id: link.wa_id.clone(), row });
        }
        let id = if is_sabotaged(Sabotage::RetryId) { &another_id() } else { &link.wa_id };
        let options = self.options(part, id).await?;
        let request = self.request(jid, part, options).await?;
        if !reserved.is_noted {
            self.record(link.key.clone(), Change::Tried { at: self.engine.clock.now(), conversation: None }).await?;
        }
        self.check_before_post()?;
        self.spend_turn();
        let result = match &request {
            Request::Text(text) => self.live.codechat.send_text(self.live.name(), text).await,
            Request::Media(media) => self.live.codechat.send_media(self.live.name(), media).await,
            Request::Place(place) => self.live.codechat.send_location(self.live.name(), place).await,
            Request::People(people) => self.live.codechat.send_contact(self.live.name(), people).await,
        };
        match result {
            Ok(sent) => self.sent(chat, jid, sent).await,
            Err(error) => Err(self.not_sent(error, link).await),
        }
    }

    async fn request(&self, jid: &Jid, part: &WhatsAppPart, options: SendOptions) -> Result<Request, Trouble> {
        let number = jid.to_string();
        match &part.body {
            // a reaction to what is not on WhatsApp is said in words
            WhatsAppBody::Text(text) | WhatsAppBody::Reaction(text) => {
                Ok(Request::Text(SendText { number, text: text.clone(), options }))
            }
            WhatsAppBody::Place(place) => Ok(Request::Place(SendLocation {
                number,
                latitude: place.latitude,
                longitude: place.longitude,
                name: place.name.clone(),
                address: None,
                options,
            })),
            WhatsAppBody::People(people) => Ok(Request::People(contacts(number, people, options))),
            WhatsAppBody::File { file, caption } => {
                if file.kind == AgentFileKind::ContactCard
                    && let Some(people) = self.people_in(file).await?
                {
                    return Ok(Request::People(contacts(number, &people, options)));
                }
                let offered = self.offer_file(file).await?;
                Ok(Request::Media(SendMedia {
                    number,
                    kind: offered.kind,
                    url: offered.url,
                    file_name: offered.file_name,
                    caption: caption.clone(),
                    options,
                }))
            }
        }
    }

    /// The copy that CodeChat made of a doubtful send: its row, when there is one.
    pub(crate) async fn look_for_copy(&self, link: &Link, since: Timestamp) -> Result<Option<Option<i64>>, Trouble> {
        // a copy that came by webhook closed the intent already, unless it came since we read it
        let links = self.engine.store.links_by_wa(self.live.id(), &link.wa_id).await?;
        if let Some(known) = links.into_iter().find(|known| known.key == link.key && known.state == LinkState::Sent) {
            return Ok(Some(known.wa_row));
        }
        let find = FindMessages { key_id: Some(link.wa_id.to_string()), ..FindMessages::default() };
        let page = self.live.codechat.find_messages(self.live.name(), &find).await.map_err(from_codechat)?;
        if let Some(record) = page.records.first() {
            return Ok(Some(record.message.row_id));
        }
        match next_look(since, self.engine.clock.now()) {
            Some(at) => Err(Trouble::Wait(at)),
            None => Ok(None),
        }
    }

    async fn options(&self, part: &WhatsAppPart, id: &WaMessageId) -> Result<SendOptions, Trouble> {
        let quoted = match part.reply_to {
            Some(message) => self.quoted(message).await?,
            None => None,
        };
        Ok(SendOptions { message_id: Some(id.to_string()), quoted, ..SendOptions::default() })
    }

    /// A message that was never relayed cannot be quoted; the answer goes without. Rows are asked for each time: they may be
    /// pruned, or start anew, and a wrong one would quote another customer.
    async fn quoted(&self, message: CwMessageId) -> Result<Option<Quoted>, Trouble> {
        let links = self.engine.store.links_by_cw(self.live.id(), message).await?;
        // neither a reaction nor a call is anything that could be quoted
        let is_message = |link: &Link| !is_reaction(&link.wa_id) && !link.wa_id.is_notice();
        let Some(link) = links.into_iter().find(is_message) else { return Ok(None) };
        let find = FindMessages { key_id: Some(link.wa_id.to_string()), ..FindMessages::default() };
        let row = self.live.codechat.find_messages(self.live.name(), &find).await.ok().and_then(|page| {
            let mut records = page.records.into_iter();
            records.find(|record| record.message.from_me == link.wa_from_me).and_then(|record| record.message.row_id)
        });
        if let Some(row) = row {
            return Ok(Some(Quoted::Row(row)));
        }
        let mut quoted = json!({
            "keyId": link.wa_id.as_str(),
            "keyFromMe": link.wa_from_me,
            "messageType": "conversation",
            "content": { "text": "" },
        });
        if let Some(jid) = self.engine.store.chat(self.live.id(), &link.chat).await?.and_then(|chat| chat.jid) {
            quoted["keyRemoteJid"] = json!(jid.to_string());
        }
        if let Some(participant) = &link.wa_participant {
            quoted["keyParticipant"] = json!(participant);
        }
        Ok(Some(Quoted::Message(quoted)))
    }

    async fn sent(&self, chat: &Chat, jid: &Jid, sent: Sent) -> Result<Change, Trouble> {
        let canonical =
            sent.remote_jid.as_deref().and_then(|text| Jid::parse(text).ok()).map(|jid| jid.without_device());
        if let Some(canonical) = canonical.filter(|canonical| canonical != jid && canonical.is_person()) {
            // WhatsApp knows the number under another spelling: its answers will come from there
            let aliases = vec![canonical.to_string(), jid.to_string(), chat.key.to_string()];
            let spellings = vec![jid.to_string()];
            let open = OpenChat { session: self.live.id().clone(), jid: Some(canonical), aliases, spellings };
            self.engine.store.open_chat(open).await?;
            self.engine.chats.forget();
        }
        Ok(Change::SentToWhatsApp { id: WaMessageId::new(sent.key_id), row: sent.row_id })
    }

    /// What a failed call means for its part.
    pub(crate) async fn not_sent(&self, error: codechat::Error, link: &Link) -> Trouble {
        let fate = self.fate(error.certainty == codechat::Certainty::MaybeDelivered);
        if let Err(trouble) = self.record(link.key.clone(), fate).await {
            return trouble;
        }
        match error.kind {
            ErrorKind::NotOnWhatsApp => {
                return self.no_whatsapp(from_codechat(error)).await.unwrap_or_else(|trouble| trouble);
            }
            ErrorKind::NotConnected => self.live.health.set_offline(true),
            ErrorKind::NothingSent => {
                let url = self.engine.config.callback_url.host_str().unwrap_or_default().to_owned();
                tracing::error!(session.id = %self.live.id(), host = %url,
                    "CodeChat refuses the address of our files; set CODECHAT_CALLBACK_URL to an IP address or a name with a dot");
            }
            _ => {}
        }
        from_codechat(error)
    }

    /// What identifies the agent's message.
    pub(crate) fn message(&self) -> Result<Message, Trouble> {
        match chatwoot::Webhook::parse(&self.event.body) {
            // a Retry may be all that is left of a message whose own webhook is long gone
            Ok(chatwoot::Webhook::MessageCreated(event) | chatwoot::Webhook::MessageUpdated(event)) => Ok(Message {
                id: CwMessageId::new(event.id),
                conversation: event.conversation.id,
                created_at: Timestamp::from_millis(event.created_at),
            }),
            _ => Err(Trouble::Failed(Failed {
                side: Side::Chatwoot,
                outcome: "unreadable",
                status: None,
                detail: "the stored event is not a message".to_owned(),
                is_outage: false,
                pause: None,
            })),
        }
    }
}

/// An id that no attempt has had, for the failure rig.
fn another_id() -> WaMessageId {
    WaMessageId::new(EventId::generate().as_str().replace('-', "").to_uppercase())
}

/// What identifies an agent's message.
pub(crate) struct Message {
    pub(crate) id: CwMessageId,
    pub(crate) conversation: i64,
    pub(crate) created_at: Timestamp,
}

/// As said, but with time in between: the number is asked about a second time.
pub(crate) fn asked_again_later(trouble: Trouble) -> Trouble {
    match trouble {
        Trouble::Failed(failed) => Trouble::Failed(Failed { pause: Some(ASK_AGAIN), ..failed }),
        other => other,
    }
}

/// A part that is written down.
pub(crate) struct ReservedPart {
    pub(crate) link: Link,
    /// Whether the reservation itself says that an attempt begins.
    pub(crate) is_noted: bool,
}

enum Request {
    Text(SendText),
    Media(SendMedia),
    Place(SendLocation),
    People(SendContact),
}

fn contacts(number: String, people: &[Person], options: SendOptions) -> SendContact {
    let card = |person: &Person| ContactCard {
        full_name: person.name.clone(),
        wuid: person.digits.clone(),
        phone_number: person.phone.clone(),
    };
    SendContact { number, contacts: people.iter().map(card).collect(), options }
}
