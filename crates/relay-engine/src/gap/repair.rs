//! Putting right what Chatwoot shows as failed by itself: because we were down, or answered too late.

use chatwoot::{Capability, Message, NewStatus};
use relay_domain::backoff::Direction;
use relay_domain::id::CwMessageId;
use relay_domain::naming;
use relay_domain::status::Receipt;
use relay_store::{Link, LinkState, Source};

use crate::Engine;
use crate::deliver::shown;
use crate::metrics::Recovered;
use crate::sessions::Live;
use crate::trouble::{Trouble, from_chatwoot};

impl Engine {
    /// Gives a message that is shown as failed its true status. `false` when it still waits, so nobody knows yet.
    pub(super) async fn repair(&self, live: &Live, message: &Message) -> Result<bool, Trouble> {
        if self.store.is_pending(live.id(), Source::Chatwoot, &naming::chatwoot_message(message.id)).await? {
            return Ok(false);
        }
        let mut told = None;
        // a receipt that comes while this one is told may be overwritten by it: then it is told again
        while let Some(receipt) = self.true_receipt(live, message).await?.filter(|receipt| Some(*receipt) != told) {
            let status = self.status(live, receipt).await;
            match live.chatwoot.set_status(message.conversation_id, message.id, &status).await {
                Ok(_) => {}
                // nobody is left to be told
                Err(error) if error.kind == chatwoot::ErrorKind::NotFound => return Ok(true),
                Err(error) => return Err(from_chatwoot(error)),
            }
            told = Some(receipt);
        }
        if told.is_some() {
            let labels = Recovered { session: live.name().to_owned(), direction: "out", what: "status" };
            self.metrics.recovered.get_or_create(&labels).inc();
        }
        Ok(true)
    }

    /// How far a message has come; `None` when it really failed, as a whole or in part.
    async fn true_receipt(&self, live: &Live, message: &Message) -> Result<Option<Receipt>, Trouble> {
        let links = self.store.links_by_cw(live.id(), CwMessageId::new(message.id)).await?;
        let parts: Vec<Link> = links.into_iter().filter(|link| link.key.direction == Direction::Out).collect();
        let Some(total) = parts.first().map(|part| part.parts) else { return Ok(None) };
        let is_sent = parts.len() == usize::from(total) && parts.iter().all(|part| part.state == LinkState::Sent);
        let is_refused = parts.iter().any(|part| part.receipt == Some(Receipt::Failed));
        Ok((is_sent && !is_refused).then(|| shown(&parts, total, None).unwrap_or(Receipt::Sent)))
    }

    async fn status(&self, live: &Live, receipt: Receipt) -> NewStatus {
        match receipt {
            Receipt::Read => NewStatus::Read,
            Receipt::Delivered if live.can(Capability::CorrectTicks).await => NewStatus::Delivered,
            Receipt::Delivered | Receipt::Sent | Receipt::Failed => NewStatus::Sent,
        }
    }
}
