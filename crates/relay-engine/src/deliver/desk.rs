//! What the *Relay* contact does: it carries out what agents ask for and tells the news.
//!
//! Everything it says is posted as a message of its own with a name made of the event, so a repeat after a crash finds it. What was
//! answered is not carried out again.

mod codes;
mod place;

use chatwoot::{MessageEvent, Sender, Webhook};
use codechat::State;
use relay_domain::Timestamp;
use relay_domain::command::Command;
use relay_domain::event::Ignored;
use relay_domain::id::WaMessageId;
use relay_domain::note::desk::{self, Declined, News, Standing};
use relay_domain::phone::Phone;
use relay_domain::plan::ChatwootPost;
use relay_store::{Announced, Chat, DeadFilter, LinkState, NoteAnnounced, Session, Source};

use super::to_chatwoot::in_local_time;
use super::{Done, Task};
use crate::connection::OPEN;
use crate::desk::{Word, names};
use crate::doctor::{Ask, Level, NotExamined};
use crate::trouble::{Trouble, from_chatwoot};

/// What an answer is called, and news.
const SAID: &str = "relay";

impl Task<'_> {
    /// Works on an event of the *Relay* contact's.
    pub(crate) async fn serve(&self) -> Result<Done, Trouble> {
        self.check_lease()?;
        if !self.live.session.settings.relay_contact.enabled {
            return Ok(Done::ignored(Ignored::RelayContactOff));
        }
        match (self.event.source, Word::parse(&self.event.kind)) {
            (Source::Chatwoot, _) => self.obey().await,
            (Source::Relay, Some(Word::Welcome)) => self.say(desk::help(self.live.locale)).await,
            (Source::Relay, Some(Word::News(news))) => self.tell(news).await,
            (Source::Relay, Some(Word::Codes)) => self.show_codes().await,
            (Source::Relay, None) | (Source::CodeChat, _) => Ok(Done::ignored(Ignored::UnknownEvent)),
        }
    }

    async fn obey(&self) -> Result<Done, Trouble> {
        if self.is_said().await? {
            return Ok(Done::delivered(Vec::new()));
        }
        let Ok(Webhook::MessageCreated(message)) = Webhook::parse(&self.event.body) else {
            return Ok(Done::ignored(Ignored::UnknownShape));
        };
        let locale = self.live.locale;
        // the answer goes where the question was asked
        self.follow_agent(&self.desk_chat().await?).await?;
        let Some(command) = Command::parse(message.content.as_deref().unwrap_or_default()) else {
            return self.say(desk::unknown_command(locale)).await;
        };
        if command.needs_administrator() && !self.is_administrator(&message.sender).await? {
            return self.say(desk::declined(locale, Declined::NotAdministrator)).await;
        }
        if command.is_for_now() && self.is_old(&message) {
            return self.say(desk::declined(locale, Declined::TooOld)).await;
        }
        let answer = match command {
            Command::Status => desk::standing(locale, &self.standing().await?),
            Command::Pause(why) => {
                let why = Some(by_whom(&message.sender, why)).filter(|why| !why.is_empty());
                self.engine.pause_by_hand(self.live.id(), why.as_deref()).await?;
                desk::paused(locale)
            }
            Command::Resume => {
                self.engine.resume(self.live.id()).await?;
                desk::resumed(locale)
            }
            Command::Doctor => self.diagnosis().await?,
            Command::Help => desk::help(locale),
            // the codes are the answer
            Command::Pair => {
                self.engine.queue_word(&self.live, Word::Codes, self.event.id.as_str()).await?;
                return Ok(Done { was_attempted: false, ..Done::delivered(Vec::new()) });
            }
        };
        self.say(answer).await
    }

    /// Whether an agent may do what only administrators may: asked each time, because roles change.
    async fn is_administrator(&self, sender: &Sender) -> Result<bool, Trouble> {
        let Sender::User { id: Some(id), .. } = sender else { return Ok(false) };
        let agents = self.live.chatwoot.agents().await.map_err(from_chatwoot)?;
        Ok(agents.iter().any(|agent| agent.id == *id && agent.is_administrator))
    }

    /// Whether what was wanted then may not be wanted now. A person who gives it another turn wants it.
    fn is_old(&self, message: &MessageEvent) -> bool {
        let written_at = Timestamp::from_millis(message.created_at);
        let is_repeated = self.event.origin == relay_store::Origin::Manual;
        !is_repeated && self.engine.clock.now().since(written_at) > self.engine.config.outbound_ttl
    }

    async fn standing(&self) -> Result<Standing, Trouble> {
        let store = &self.engine.store;
        let session = self.fresh_session().await?;
        let filter = DeadFilter { session: Some(session.id.clone()), ..DeadFilter::default() };
        let dead = store.dead_groups(&filter).await?.iter().map(|group| group.count).sum();
        let glances = store.glance(self.engine.clock.now()).await?;
        let pending = glances.of.get(&session.id).map_or(0, |glance| glance.pending);
        Ok(Standing {
            session: session.name.clone(),
            number: self.number().await,
            is_connected: session.connection == OPEN,
            since: in_local_time(session.connection_since, &self.engine.config.zone),
            paused: session.state_reason.clone(),
            // this question does not count
            waiting: (pending - 1).max(0),
            dead,
        })
    }

    /// The number, masked; nothing when CodeChat does not tell.
    async fn number(&self) -> Option<String> {
        let instance = self.live.codechat.fetch_instance(self.live.name()).await.ok()?;
        let jid = instance.owner_jid?;
        Phone::from_jid_user(jid.split(['@', ':']).next()?).map(|phone| phone.masked())
    }

    async fn diagnosis(&self) -> Result<String, Trouble> {
        let ask = Ask { session: Some(self.live.name().to_owned()), deep: false, locale: Some(self.live.locale) };
        let report = match Box::pin(self.engine.examine(ask)).await {
            Ok(report) => report,
            Err(NotExamined::Store(error)) => return Err(error.into()),
            // it was removed meanwhile, and its lanes with it
            Err(NotExamined::UnknownSession) => return Err(Trouble::LeaseLost),
        };
        let ill = report.findings.iter().filter_map(|finding| match finding.level {
            Level::Fail => Some((true, finding.seen.as_str(), finding.fix.as_deref())),
            Level::Warn => Some((false, finding.seen.as_str(), finding.fix.as_deref())),
            Level::Ok | Level::Skip => None,
        });
        Ok(desk::diagnosis(self.live.locale, report.count(Level::Ok), ill))
    }

    /// Tells news, unless agents know, or they are no longer true.
    async fn tell(&self, news: News) -> Result<Done, Trouble> {
        let session = self.fresh_session().await?;
        // what was said stays said, whatever happened since
        if !is_news(news, &session) && !self.is_said().await? {
            return Ok(Done::ignored(Ignored::OldNews));
        }
        let since = in_local_time(session.connection_since, &self.engine.config.zone);
        let done = self.say(desk::news(self.live.locale, news, &since)).await?;
        if news == News::LoggedOut && session.settings.relay_contact.shows_qr {
            self.engine.queue_word(&self.live, Word::Codes, self.event.id.as_str()).await?;
        }
        self.note_announced(announced_by(news)).await?;
        Ok(done)
    }

    async fn note_announced(&self, announced: Announced) -> Result<(), Trouble> {
        let note = NoteAnnounced { session: self.live.id().clone(), announced };
        Ok(self.engine.store.note_announced(note).await?)
    }

    /// The session as it is now, not as this process remembers it.
    async fn fresh_session(&self) -> Result<Session, Trouble> {
        let session = self.engine.store.session_by_name(self.live.name()).await?;
        session.ok_or(Trouble::LeaseLost)
    }

    /// Whether this event has had its say already.
    async fn is_said(&self) -> Result<bool, Trouble> {
        let links = self.engine.store.links_by_wa(self.live.id(), &self.said_id()).await?;
        Ok(links.iter().any(|link| link.state == LinkState::Sent))
    }

    fn said_id(&self) -> WaMessageId {
        WaMessageId::notice(SAID, self.event.id.as_str())
    }

    /// Says the one thing that this event has to say.
    async fn say(&self, text: String) -> Result<Done, Trouble> {
        let post =
            ChatwootPost { text: Some(text), ..ChatwootPost::new(self.said_id(), self.engine.clock.now(), false) };
        self.post_somewhere(&self.desk_chat().await?, &post).await
    }

    async fn desk_chat(&self) -> Result<Chat, Trouble> {
        let (store, session) = (&self.engine.store, self.live.id());
        let key = self.engine.chats.resolve(store, session, names()).await?;
        store.chat(session, &key).await?.ok_or(Trouble::LeaseLost)
    }

    /// The state of the phone as CodeChat tells it now; nothing when it does not.
    async fn state_now(&self) -> Result<Option<State>, Trouble> {
        let Ok(told) = self.live.codechat.connection_state(self.live.name()).await else { return Ok(None) };
        self.engine.heed_state(&self.live, &told.state).await?;
        Ok(Some(told.state))
    }
}

/// Whether news is still true, and agents do not know it.
fn is_news(news: News, session: &Session) -> bool {
    let is_open = session.connection == OPEN;
    match news {
        News::Lost => !is_open && session.announced == Some(Announced::Connected),
        News::LoggedOut => !is_open && matches!(session.announced, Some(Announced::Connected | Announced::Lost)),
        News::Connected => is_open && matches!(session.announced, Some(Announced::Lost | Announced::LoggedOut)),
    }
}

const fn announced_by(news: News) -> Announced {
    match news {
        News::Lost => Announced::Lost,
        News::LoggedOut => Announced::LoggedOut,
        News::Connected => Announced::Connected,
    }
}

/// Who paused, and why, in one line.
fn by_whom(sender: &Sender, why: Option<String>) -> String {
    let name = match sender {
        Sender::User { name, .. } => name.split_whitespace().collect::<Vec<_>>().join(" "),
        Sender::Bot { .. } | Sender::Contact | Sender::None => String::new(),
    };
    let name: String = name.chars().filter(|sign| !sign.is_control()).take(40).collect();
    [Some(name).filter(|name| !name.is_empty()), why].into_iter().flatten().collect::<Vec<_>>().join(": ")
}
