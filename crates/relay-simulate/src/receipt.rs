//! A report of WhatsApp on its way to the agent's message. The steps are those of `relay-engine/src/deliver/receipt.rs`.

use relay_domain::backoff::Direction;
use relay_domain::status::{Receipt, raised, shown};
use relay_engine::Side;
use relay_engine::trouble::{Trouble, from_chatwoot};

use crate::call::chatwoot_error;
use crate::sabotage::Sabotage;
use crate::store::Change;
use crate::worker::{Done, Turn};

/// Raises the status of the message that a part belongs to.
pub(crate) async fn show(turn: &Turn, id: &str, receipt: Receipt) -> Result<Done, Trouble> {
    let session = turn.lease.lane.session;
    let found = {
        let world = turn.sim.w();
        let links = world.links_by_wa(session, id);
        let ours = links.into_iter().find(|link| world.store.links[*link].direction == Direction::Out);
        ours.map(|link| (link, world.store.links[link].clone()))
    };
    let Some((link, seen)) = found else { return Ok(Done::ignored()) };
    let Some(message) = seen.cw_message else { return Ok(Done::ignored()) };
    let falls = turn.sim.w().is(Sabotage::ReceiptsFall);
    if seen.receipt.map_or(0, Receipt::rank) > receipt.rank() && !falls {
        return Ok(Done::ignored());
    }
    turn.record(link, Change::Receipt(receipt)).await?;
    let (before, after) = {
        let world = turn.sim.w();
        let parts = world.links_by_cw(session, message);
        let parts = parts.into_iter().map(|index| (index, &world.store.links[index]));
        let ours: Vec<_> = parts.filter(|(_, part)| part.direction == Direction::Out).collect();
        let known = |as_before: bool| {
            let receipts = ours.iter().map(|(index, part)| match as_before && *index == link {
                true if part.receipt == seen.receipt => None,
                true => seen.receipt,
                false => part.receipt,
            });
            shown(receipts, seen.parts)
        };
        (known(true), known(false))
    };
    let status = if falls { Some(receipt) } else { raised(before, after) };
    let Some(status) = status.filter(|status| *status != Receipt::Sent) else { return Ok(Done::ignored()) };
    turn.check_lease()?;
    let fortune = turn.sim.w().fortune(session, Side::Chatwoot, None);
    if fortune.fail.is_none() {
        turn.sim.w().set_status(session, message, status);
    }
    turn.sim.sleep(fortune.answer).await;
    if let Some(fail) = fortune.fail {
        return Err(from_chatwoot(chatwoot_error(fail)));
    }
    Ok(Done::delivered(Vec::new()))
}
