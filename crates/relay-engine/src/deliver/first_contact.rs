//! Writing to somebody who never wrote to us: whether the number has WhatsApp, and how WhatsApp spells it, is asked once.
//!
//! A chat that WhatsApp itself told us about needs no such question, so an ordinary answer stays one call.

use codechat::{ErrorKind, NumberCheck};
use relay_domain::jid::{Jid, Server};
use relay_domain::note::Failure;
use relay_store::{Chat, ConfirmNumber, OpenChat};

use super::Task;
use super::to_whatsapp::asked_again_later;
use crate::trouble::{Failed, NOT_ON_WHATSAPP, Side, Trouble, from_codechat};

impl Task<'_> {
    /// Where to send: what WhatsApp calls the person, which may be another spelling of the number.
    pub(crate) async fn confirmed(&self, chat: &Chat, jid: Jid) -> Result<Jid, Trouble> {
        // a place in Chatwoot is given to whoever was seen on WhatsApp
        if chat.is_on_whatsapp || chat.place.is_some() || *jid.server() != Server::User {
            return Ok(jid);
        }
        self.check_online().await?;
        let checks = match self.live.codechat.whatsapp_numbers(self.live.name(), &[jid.to_string()]).await {
            Ok(checks) => checks,
            // a server that cannot be asked finds out when it sends
            Err(error) if matches!(error.kind, ErrorKind::NotFound | ErrorKind::Rejected) => return Ok(jid),
            Err(error) => return Err(from_codechat(error)),
        };
        match checks.into_iter().find(|check| check.exists) {
            Some(check) => self.learn(chat, jid, &check).await,
            None => Err(self.no_whatsapp(unknown_number()).await?),
        }
    }

    /// Keeps what WhatsApp calls the person: answers will come from there.
    async fn learn(&self, chat: &Chat, asked: Jid, check: &NumberCheck) -> Result<Jid, Trouble> {
        let told = check.jid.as_deref().and_then(|jid| Jid::parse(jid).ok()).map(|jid| jid.without_device());
        let jid = told.filter(|jid| *jid.server() == Server::User).unwrap_or_else(|| asked.clone());
        let session = self.live.id().clone();
        // a chat that goes by one of these names already turns out to be this one
        let mut aliases = vec![jid.to_string(), asked.to_string(), chat.key.to_string()];
        aliases.extend(lid_of(check));
        let spellings = vec![asked.to_string()];
        let open = OpenChat { session: session.clone(), jid: Some(jid.clone()), aliases, spellings };
        self.engine.store.open_chat(open).await?;
        self.engine.store.confirm_number(ConfirmNumber { session, chat: chat.key.clone(), jid: jid.clone() }).await?;
        self.engine.chats.forget();
        Ok(jid)
    }

    /// What "not on WhatsApp" means: the same is said of every number while the phone is disconnected, and a number is asked
    /// about twice before it is believed.
    pub(crate) async fn no_whatsapp(&self, said: Trouble) -> Result<Trouble, Trouble> {
        if !self.is_online().await? {
            return Ok(Trouble::Offline);
        }
        if self.engine.store.last_outcome(&self.event.id).await?.as_deref() == Some(NOT_ON_WHATSAPP) {
            return Ok(Trouble::Hopeless(Failure::NotOnWhatsApp));
        }
        Ok(asked_again_later(said))
    }
}

fn lid_of(check: &NumberCheck) -> Option<String> {
    let lid = check.lid.as_deref().and_then(|lid| Jid::parse(lid).ok()).filter(|lid| *lid.server() == Server::Lid);
    lid.map(|lid| lid.without_device().to_string())
}

fn unknown_number() -> Trouble {
    Trouble::Failed(Failed {
        side: Side::CodeChat,
        outcome: NOT_ON_WHATSAPP,
        status: None,
        detail: "whatsapp does not know the number".to_owned(),
        is_outage: false,
        pause: None,
    })
}
