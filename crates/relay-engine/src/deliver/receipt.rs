//! Showing on an agent's message what became of it on WhatsApp.

use chatwoot::{Capability, NewStatus};
use relay_domain::backoff::Direction;
use relay_domain::event::Ignored;
use relay_domain::id::WaMessageId;
use relay_domain::note::{self, Failure};
use relay_domain::status::{Receipt, worst};
use relay_store::{Change, Link, LinkChange};

use super::{Done, Task};
use crate::trouble::{Trouble, from_chatwoot};

impl Task<'_> {
    /// Raises the status of the message that a part belongs to: the worst of its parts, never lower than shown before.
    pub(crate) async fn show_receipt(&self, id: WaMessageId, receipt: Receipt) -> Result<Done, Trouble> {
        let store = &self.engine.store;
        let links = store.links_by_wa(self.live.id(), &id).await?;
        let Some(link) = links.into_iter().find(|link| link.key.direction == Direction::Out) else {
            return Ok(Done::ignored(Ignored::ForeignReceipt));
        };
        let Some((message, conversation)) = link.cw_message.zip(link.cw_conversation) else {
            return Ok(Done::ignored(Ignored::ForeignReceipt));
        };
        let parts = store.links_by_cw(self.live.id(), message).await?;
        let before = shown(&parts, link.parts);
        let after = shown(&with(parts, &link, receipt), link.parts);
        let change = LinkChange { key: link.key, change: Change::Receipt(receipt) };
        let is_new = after.map_or(0, Receipt::rank) > before.map_or(0, Receipt::rank);
        let Some(status) = self.status(after.filter(|_| is_new)).await else {
            return Ok(Done { links: vec![change], ..Done::ignored(Ignored::StaleReceipt) });
        };
        match self.live.chatwoot.set_status(conversation.get(), message.get(), &status).await {
            Ok(_) => Ok(Done::delivered(vec![change])),
            Err(error) if error.kind == chatwoot::ErrorKind::NotFound => {
                Ok(Done { links: vec![change], ..Done::ignored(Ignored::StaleReceipt) })
            }
            Err(error) => Err(from_chatwoot(error)),
        }
    }

    /// What Chatwoot is told. Older dashboards show `delivered` as a clock that never stops.
    async fn status(&self, receipt: Option<Receipt>) -> Option<NewStatus> {
        match receipt? {
            Receipt::Sent => None,
            Receipt::Delivered => self.live.can(Capability::CorrectTicks).await.then_some(NewStatus::Delivered),
            Receipt::Read => Some(NewStatus::Read),
            Receipt::Failed => Some(NewStatus::Failed { reason: note::failure(self.live.locale, &Failure::RefusedByWhatsApp) }),
        }
    }
}

fn shown(parts: &[Link], total: u16) -> Option<Receipt> {
    let mut receipts: Vec<_> = parts.iter().filter(|part| part.key.direction == Direction::Out).map(|part| part.receipt).collect();
    receipts.resize(usize::from(total).max(receipts.len()), None);
    worst(&receipts)
}

fn with(mut parts: Vec<Link>, link: &Link, receipt: Receipt) -> Vec<Link> {
    for part in &mut parts {
        if part.key == link.key && part.receipt.map_or(0, Receipt::rank) < receipt.rank() {
            part.receipt = Some(receipt);
        }
    }
    parts
}
