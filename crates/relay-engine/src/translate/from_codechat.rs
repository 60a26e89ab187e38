//! What CodeChat's webhooks mean.

mod message;

use codechat::{ConnectionUpdate, Event as Name, Status, StatusUpdate, Upsert, Webhook};
use relay_domain::event::{Event, Ignored};
use relay_domain::id::WaMessageId;
use relay_domain::status::Receipt;

use super::Extras;

pub(super) fn translate(body: &[u8]) -> (Event, Extras) {
    let nothing = |reason| (Event::Nothing(reason), Extras::default());
    let Ok(webhook) = Webhook::parse(body) else {
        return nothing(Ignored::UnknownShape);
    };
    match webhook.event {
        Name::MessagesUpsert | Name::SendMessage => match Upsert::from_value(&webhook.data) {
            Ok(upsert) => message::translate(upsert),
            Err(_) => nothing(Ignored::UnknownShape),
        },
        Name::MessagesUpdate => match StatusUpdate::from_value(&webhook.data) {
            Ok(update) => (receipt(&update), Extras::default()),
            Err(_) => nothing(Ignored::UnknownShape),
        },
        Name::ConnectionUpdate => {
            let connection = ConnectionUpdate::from_value(&webhook.data).ok().map(|update| update.state.as_str().to_owned());
            (Event::Nothing(Ignored::StateChange), Extras { connection, ..Extras::default() })
        }
        Name::StatusInstance => nothing(Ignored::StateChange),
        Name::Unknown(_) => nothing(Ignored::UnknownEvent),
        _ => nothing(Ignored::NoInterest),
    }
}

/// Receipts matter for our own messages only; `read` of a customer's message means that it was read on our phone.
fn receipt(update: &StatusUpdate) -> Event {
    if update.from_me == Some(false) {
        return Event::Nothing(Ignored::NoInterest);
    }
    let receipt = match update.status {
        Some(Status::Error) => Receipt::Failed,
        Some(Status::DeliveryAck) => Receipt::Delivered,
        Some(Status::Read | Status::Played) => Receipt::Read,
        Some(Status::Pending | Status::ServerAck) | None => return Event::Nothing(Ignored::NoInterest),
    };
    Event::Receipt { id: WaMessageId::new(&update.id), receipt }
}
