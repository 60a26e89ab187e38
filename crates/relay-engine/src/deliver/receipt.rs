//! Showing on an agent's message what became of it on WhatsApp.

use chatwoot::{Capability, NewStatus};
use relay_domain::backoff::Direction;
use relay_domain::event::Ignored;
use relay_domain::id::WaMessageId;
use relay_domain::note::{self, Failure};
use relay_domain::status::{self, Receipt, raised};
use relay_store::{Change, Link};

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
        if link.receipt.map_or(0, Receipt::rank) > receipt.rank() {
            return Ok(Done::ignored(Ignored::StaleReceipt));
        }
        // noted first, then read together: of two parts acknowledged at once, the later reader sees both
        self.record(link.key.clone(), Change::Receipt(receipt)).await?;
        relay_fault::reach(relay_fault::Point::AfterRecordBeforeStatus);
        let parts = store.links_by_cw(self.live.id(), message).await?;
        let after = shown(&parts, link.parts, None);
        let before = shown(&parts, link.parts, Some(&link));
        let Some(status) = self.status(raised(before, after)).await else {
            return Ok(Done::ignored(Ignored::StaleReceipt));
        };
        self.check_lease()?;
        match self.live.chatwoot.set_status(conversation.get(), message.get(), &status).await {
            Ok(_) => Ok(Done::delivered(Vec::new())),
            Err(error) if error.kind == chatwoot::ErrorKind::NotFound => Ok(Done::ignored(Ignored::StaleReceipt)),
            Err(error) => Err(from_chatwoot(error)),
        }
    }

    /// What Chatwoot is told. Older dashboards show `delivered` as a clock that never stops.
    pub(super) async fn status(&self, receipt: Option<Receipt>) -> Option<NewStatus> {
        match receipt? {
            Receipt::Sent => None,
            Receipt::Delivered => self.live.can(Capability::CorrectTicks).await.then_some(NewStatus::Delivered),
            Receipt::Read => Some(NewStatus::Read),
            Receipt::Failed => {
                Some(NewStatus::Failed { reason: note::failure(self.live.locale, &Failure::RefusedByWhatsApp) })
            }
        }
    }
}

/// The status that the parts add up to; one of them may be seen as it was before this report, which may be a repeated one.
pub(crate) fn shown(parts: &[Link], total: u16, before: Option<&Link>) -> Option<Receipt> {
    let ours = parts.iter().filter(|part| part.key.direction == Direction::Out);
    let receipt = |part: &Link| match before {
        Some(before) if part.key == before.key && before.receipt == part.receipt => None,
        Some(before) if part.key == before.key => before.receipt,
        Some(_) | None => part.receipt,
    };
    status::shown(ours.map(receipt), total)
}
