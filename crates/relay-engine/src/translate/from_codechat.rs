//! What CodeChat's webhooks mean.

mod about;
mod calendar;
pub(crate) mod call;
mod card;
mod fields;
pub(crate) mod group;
mod kinds;
mod media;
pub(crate) mod message;
mod notice;
mod offer;
mod place;
mod poll;
mod trade;
mod words;

use codechat::{
    CallUpdate, ConnectionUpdate, Event as Name, GroupInfo, InstanceStatus, MembersUpdate, State, Status, StatusUpdate,
    Upsert, Webhook,
};
use relay_domain::event::{Event, Ignored};
use relay_domain::id::WaMessageId;
use relay_domain::status::Receipt;
use serde_json::Value;

use super::Extras;

/// CodeChat's reason for a connection that was closed because the phone's owner removed the device, or the server logged out.
const REMOVED_BY_THE_PHONE: i64 = 401;

pub(super) fn translate(body: &[u8]) -> (Event, Extras) {
    relay_fault::taste(body);
    let nothing = |reason| (Event::Nothing(reason), Extras::default());
    let Ok(mut webhook) = Webhook::parse(body) else {
        return nothing(Ignored::UnknownShape);
    };
    without_nul(&mut webhook.data);
    match webhook.event {
        Name::MessagesUpsert | Name::SendMessage => match Upsert::from_value(&webhook.data) {
            Ok(upsert) => message::translate(&upsert),
            Err(_) => nothing(Ignored::UnknownShape),
        },
        Name::MessagesUpdate => match StatusUpdate::from_value(&webhook.data) {
            Ok(update) => (receipt(&update), Extras::default()),
            Err(_) => nothing(Ignored::UnknownShape),
        },
        Name::GroupsUpdate | Name::GroupsUpsert => match GroupInfo::list_from_value(&webhook.data) {
            Ok(groups) => (group::changed(groups), Extras::default()),
            Err(_) => nothing(Ignored::UnknownShape),
        },
        Name::GroupParticipantsUpdate => match MembersUpdate::from_value(&webhook.data) {
            Ok(update) => (group::members(&update), Extras::default()),
            Err(_) => nothing(Ignored::UnknownShape),
        },
        Name::CallUpsert => match CallUpdate::from_value(&webhook.data) {
            Ok(update) => (call::translate(update), Extras::default()),
            Err(_) => nothing(Ignored::UnknownShape),
        },
        Name::ConnectionUpdate => {
            let update = ConnectionUpdate::from_value(&webhook.data).ok();
            let is_logged_out = update.as_ref().is_some_and(|update| {
                update.state == State::Close && update.status_reason == Some(REMOVED_BY_THE_PHONE)
            });
            let state = update.map(|update| update.state);
            // a word that nobody knows says nothing about the phone
            let connection =
                state.filter(|state| !matches!(state, State::Other(_))).map(|state| state.as_str().to_owned());
            (Event::Nothing(Ignored::StateChange), Extras { connection, is_logged_out, ..Extras::default() })
        }
        Name::StatusInstance => {
            let is_logged_out = InstanceStatus::from_value(&webhook.data) == Ok(InstanceStatus::Removed);
            (Event::Nothing(Ignored::StateChange), Extras { is_logged_out, ..Extras::default() })
        }
        Name::Unknown(_) => nothing(Ignored::UnknownEvent),
        _ => nothing(Ignored::NoInterest),
    }
}

/// Takes out the one character that neither Chatwoot nor PostgreSQL can keep.
fn without_nul(value: &mut Value) {
    match value {
        Value::String(text) if text.contains('\0') => *text = text.replace('\0', ""),
        Value::Array(items) => items.iter_mut().for_each(without_nul),
        Value::Object(fields) => fields.values_mut().for_each(without_nul),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Receipts matter for our own messages; `read` of a customer's message means that it was read on our phone.
fn receipt(update: &StatusUpdate) -> Event {
    if update.from_me == Some(false) {
        return match update.status {
            Some(Status::Read | Status::Played) => Event::ReadOnPhone(WaMessageId::new(&update.id)),
            Some(Status::Error | Status::Pending | Status::ServerAck | Status::DeliveryAck) | None => {
                Event::Nothing(Ignored::NoInterest)
            }
        };
    }
    let receipt = match update.status {
        Some(Status::Error) => Receipt::Failed,
        Some(Status::DeliveryAck) => Receipt::Delivered,
        Some(Status::Read | Status::Played) => Receipt::Read,
        Some(Status::Pending | Status::ServerAck) | None => return Event::Nothing(Ignored::NoInterest),
    };
    Event::Receipt { id: WaMessageId::new(&update.id), receipt }
}
