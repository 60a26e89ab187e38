//! Showing the codes with which a phone is connected: one after the other, as long as they are good, and none of them afterwards.
//!
//! A code is a credential. It is fetched when it is shown and kept nowhere here; its message in Chatwoot is deleted when the next
//! one is there, when the phone is connected, when no more come, and after a minute in any case.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use chatwoot::ErrorKind;
use codechat::{Qr, State};
use relay_domain::event::Ignored;
use relay_domain::id::WaMessageId;
use relay_domain::note::desk::{Pairing, pairing};
use relay_domain::plan::{ChatwootPost, MadeFile};
use relay_store::{Announced, Change, Link, LinkState};

use crate::connection::OPEN;
use crate::deliver::{Done, Task};
use crate::trouble::{Trouble, from_chatwoot};

/// What a code's message is called.
const CODE: &str = "relay-code";
/// Time between two looks.
const LOOK: Duration = Duration::from_secs(5);
/// How long a code stays at most.
const GOOD_FOR: Duration = Duration::from_mins(1);
/// How long the first code may take to come.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long codes are shown at most: CodeChat gives up sooner by itself.
const AT_MOST: Duration = Duration::from_mins(5);

impl Task<'_> {
    /// One look: shows what there is to show, and comes back until the phone is connected or no more codes come.
    pub(super) async fn show_codes(&self) -> Result<Done, Trouble> {
        let session = self.fresh_session().await?;
        let shown = self.codes().await?;
        if shown.is_empty() && session.connection == OPEN && session.connection_since > self.event.received_at {
            // connected by the codes of somebody who asked before
            return Ok(Done::ignored(Ignored::OldNews));
        }
        let state = self.state_now().await?;
        let age = self.engine.clock.now().since(self.event.received_at);
        let end = match &state {
            Some(State::Open) if shown.is_empty() => Some(Pairing::Needless),
            Some(State::Open) => Some(Pairing::Done),
            Some(State::Refused) if !shown.is_empty() => Some(Pairing::RanOut),
            _ if !shown.is_empty() && age >= AT_MOST => Some(Pairing::RanOut),
            _ if shown.is_empty() && age >= PATIENCE => Some(Pairing::NoCode),
            Some(State::Refused | State::Connecting | State::Close | State::Other(_)) | None => None,
        };
        if let Some(end) = end {
            return self.end_codes(&shown, &end).await;
        }
        // a socket that closes on its way to being open must be left alone
        if shown.is_empty() || state == Some(State::Connecting) {
            self.show_next_code(&shown).await?;
        }
        self.remove_old_codes().await?;
        Err(Trouble::Wait(self.engine.clock.now() + LOOK))
    }

    async fn show_next_code(&self, shown: &[Link]) -> Result<(), Trouble> {
        // an outage of CodeChat's is waited for
        let Ok(qr) = self.live.codechat.connect(self.live.name()).await else { return Ok(()) };
        let Some(number) = number_of(&qr).filter(|number| shown.iter().all(|link| link.key.part != *number)) else {
            return Ok(());
        };
        let file = picture(&qr);
        if file.is_none() && qr.pairing_code.is_none() {
            return Ok(());
        }
        let text = pairing(self.live.locale, &Pairing::Code { typed: qr.pairing_code.clone() });
        let post = ChatwootPost { text: Some(text), made_files: file.into_iter().collect(), ..self.code(number) };
        let done = self.post_somewhere(&self.desk_chat().await?, &post).await?;
        for link in done.links {
            self.record(link.key, link.change).await?;
        }
        Ok(())
    }

    fn code(&self, number: u16) -> ChatwootPost {
        ChatwootPost { part: number, ..ChatwootPost::new(self.code_id(), self.engine.clock.now(), false) }
    }

    fn code_id(&self) -> WaMessageId {
        WaMessageId::notice(CODE, self.event.id.as_str())
    }

    /// Every code that was shown, or may have been, with what became of it.
    async fn codes(&self) -> Result<Vec<Link>, Trouble> {
        Ok(self.engine.store.links_by_wa(self.live.id(), &self.code_id()).await?)
    }

    /// Removes all codes but the last, and that one when its time is over.
    async fn remove_old_codes(&self) -> Result<(), Trouble> {
        let shown = self.codes().await?;
        let last = shown.iter().map(|link| link.key.part).max();
        let now = self.engine.clock.now();
        for link in &shown {
            let is_over = link.tried_at.is_none_or(|at| now.since(at) >= GOOD_FOR);
            if Some(link.key.part) != last || is_over {
                self.remove_code(link).await?;
            }
        }
        Ok(())
    }

    async fn remove_code(&self, link: &Link) -> Result<(), Trouble> {
        if link.is_deleted {
            return Ok(());
        }
        let Some(conversation) = link.cw_conversation else { return Ok(()) };
        let message = match (link.state, link.cw_message) {
            (LinkState::Sent, Some(message)) => Some(message),
            // posted by a process that did not live to tell
            (LinkState::Intent | LinkState::Sent | LinkState::Failed, _) => match self.doubt_since(link).await? {
                Some(since) => self.look_for(&self.code(link.key.part), conversation, link.made_at, since).await?,
                None => None,
            },
        };
        let Some(message) = message else { return Ok(()) };
        match self.live.chatwoot.delete_message(conversation.get(), message.get()).await {
            Ok(_) => {}
            Err(error) if error.kind == ErrorKind::NotFound => {}
            Err(error) => return Err(from_chatwoot(error)),
        }
        if link.state != LinkState::Sent {
            self.record(link.key.clone(), Change::PostedToChatwoot { conversation, message }).await?;
        }
        self.record(link.key.clone(), Change::Deleted).await
    }

    async fn end_codes(&self, shown: &[Link], end: &Pairing) -> Result<Done, Trouble> {
        for link in shown {
            self.remove_code(link).await?;
        }
        if matches!(end, Pairing::Done | Pairing::Needless) {
            self.note_announced(Announced::Connected).await?;
        }
        self.say(pairing(self.live.locale, end)).await
    }
}

/// Codes are numbered from 1 while one follows the other.
fn number_of(qr: &Qr) -> Option<u16> {
    u16::try_from(qr.count).ok().filter(|_| qr.has_code())
}

fn picture(qr: &Qr) -> Option<MadeFile> {
    let (kind, data) = qr.base64.as_deref()?.split_once(',')?;
    let bytes = BASE64_STANDARD.decode(data).ok().filter(|_| kind.contains("png"))?;
    Some(MadeFile { name: "qr.png".to_owned(), mime: "image/png", bytes })
}
