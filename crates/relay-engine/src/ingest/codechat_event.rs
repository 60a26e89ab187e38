//! Naming CodeChat's webhooks.

use std::time::Duration;

use bytes::Bytes;
use codechat::{
    CallStatus, CallUpdate, Event, GroupInfo, MembersUpdate, Status, StatusUpdate, Upsert, Webhook, WebhookError,
};
use relay_domain::Timestamp;
use relay_domain::id::EventId;
use relay_domain::jid::{Jid, Server};
use relay_domain::plan::{NAMELESS_GROUP, UNATTRIBUTED};
use relay_domain::{naming, order};
use relay_store::LaneKind;

use crate::translate::from_codechat::call;

use super::{ChatNames, Name, Named, NotAccepted, PlaceInQueue, SHARDS, UNKNOWN, unnamed};

/// Steps of a call that follow each other.
const STEPS: i64 = 4;
/// How far ahead of messages a change of a group queues.
const CHANGE_AHEAD: Duration = Duration::from_secs(10);

/// Names a webhook of `instance`; `glimpse` sees what it says. One of another instance, such as CodeChat's global webhook
/// sends, is not ours; one that names none is judged by its address alone.
pub(super) fn name(
    body: &Bytes,
    now: Timestamp,
    instance: &str,
    glimpse: impl FnOnce(&Webhook),
) -> Result<Named, NotAccepted> {
    let webhook = match Webhook::parse(body) {
        Ok(webhook) => webhook,
        Err(WebhookError::NotJson | WebhookError::TooDeep) => return Err(NotAccepted::NotJson),
        Err(_) => return Ok(Named::Event(unnamed(UNKNOWN.to_owned(), body, now))),
    };
    if !webhook.instance.name.is_empty() && webhook.instance.name != instance {
        return Err(NotAccepted::OtherInstance);
    }
    glimpse(&webhook);
    let is_known = !matches!(webhook.event, Event::Unknown(_));
    let event = if is_known { webhook.event.as_str() } else { UNKNOWN }.to_owned();
    if is_only_counted(&webhook.event) {
        return Ok(Named::Counted { event });
    }
    let named = match webhook.event {
        Event::MessagesUpsert | Event::SendMessage => {
            Upsert::from_value(&webhook.data).ok().map(|upsert| message(event.clone(), &upsert, now))
        }
        Event::MessagesUpdate => {
            StatusUpdate::from_value(&webhook.data).ok().and_then(|update| receipt(event.clone(), &update))
        }
        Event::GroupsUpdate | Event::GroupsUpsert => match GroupInfo::list_from_value(&webhook.data).as_deref() {
            Ok([group]) => group_change(&event, &group.id, body, now),
            Ok(_) | Err(_) => None,
        },
        Event::GroupParticipantsUpdate => {
            MembersUpdate::from_value(&webhook.data).ok().and_then(|update| group_change(&event, &update.id, body, now))
        }
        Event::CallUpsert => {
            CallUpdate::from_value(&webhook.data).ok().map(|update| call_step(event.clone(), &update, now))
        }
        // open, close, open within seconds are three changes, not two
        Event::ConnectionUpdate => {
            let mut name = unnamed(event.clone(), body, now);
            name.dedup_key = format!("{}|{}", name.dedup_key, EventId::generate());
            Some(name)
        }
        _ => None,
    };
    Ok(Named::Event(named.unwrap_or_else(|| unnamed(event, body, now))))
}

/// Chatter that no message is made of, and what carries a credential (a QR code, a token) and must not be kept.
fn is_only_counted(event: &Event) -> bool {
    matches!(
        event,
        Event::ChatsSet
            | Event::ChatsUpsert
            | Event::ChatsUpdate
            | Event::ChatsDelete
            | Event::ContactsSet
            | Event::ContactsUpsert
            | Event::ContactsUpdate
            | Event::PresenceUpdate
            | Event::LabelsEdit
            | Event::LabelsAssociation
            | Event::QrcodeUpdated
            | Event::NewJwt
    )
}

fn message(event: String, upsert: &Upsert, now: Timestamp) -> Name {
    let written_at = upsert.timestamp.map_or(now, Timestamp::from_secs);
    Name {
        event,
        dedup_key: message_key(upsert),
        order_key: order::place_of_message(written_at, upsert.row_id),
        place: PlaceInQueue::Chat(LaneKind::In, chat_names(upsert)),
    }
}

/// A change of a group has neither id nor time. It queues with the group's messages, a little ahead of the moment it came, so
/// that no message that took longer on its way counts as late.
fn group_change(event: &str, group: &str, body: &Bytes, now: Timestamp) -> Option<Name> {
    let jid = Jid::parse(group).ok().filter(Jid::is_group)?;
    let name = unnamed(event.to_owned(), body, now);
    Some(Name {
        order_key: order::start_of_second(now - CHANGE_AHEAD),
        place: PlaceInQueue::Chat(LaneKind::In, person(Some(&jid), None)),
        ..name
    })
}

/// A step of a call queues with its caller's messages, in the order of the steps and ahead of what was written in the same second.
fn call_step(event: String, update: &CallUpdate, now: Timestamp) -> Name {
    let rung_at = call::moment(update).unwrap_or(now);
    let rank = match update.status {
        CallStatus::Offer => 0,
        CallStatus::Other(_) => 1,
        CallStatus::Accept | CallStatus::Reject | CallStatus::Timeout => 2,
        CallStatus::Terminate => STEPS - 1,
    };
    let parse = |text: &str| Jid::parse(text).ok().map(|jid| jid.without_device());
    let callers = [update.caller_pn.as_deref().and_then(parse), parse(&update.from)];
    let mut callers: Vec<_> = callers.into_iter().flatten().filter(Jid::is_person).collect();
    callers.dedup();
    Name {
        event,
        dedup_key: format!("call|{}|{}", update.id, update.status.as_str()),
        order_key: order::start_of_second(rung_at) - STEPS + rank,
        place: PlaceInQueue::Chat(LaneKind::In, person(callers.first(), callers.get(1))),
    }
}

/// One WhatsApp message, however often and under whichever event CodeChat tells of it.
pub(crate) fn message_key(upsert: &Upsert) -> String {
    let author = upsert.participant.as_deref().or(upsert.participant_lid.as_deref());
    naming::whatsapp_message(&upsert.key_id, upsert.from_me, author)
}

fn chat_names(upsert: &Upsert) -> ChatNames {
    let parse =
        |text: &Option<String>| text.as_deref().and_then(|text| Jid::parse(text).ok()).map(|jid| jid.without_device());
    let remote = parse(&upsert.remote_jid);
    // a group's LID field would be its author's
    let lid = parse(&upsert.lid).filter(|_| remote.as_ref().is_none_or(Jid::is_person));
    if remote.is_none() && lid.is_none() && upsert.is_group {
        // old group ids are lost on the way: CodeChat tells only that it is a group
        return nobody(NAMELESS_GROUP.to_owned());
    }
    person(remote.as_ref(), lid.as_ref())
}

/// A chat by what is known of it: its address, and the LID of a person.
fn person(jid: Option<&Jid>, lid: Option<&Jid>) -> ChatNames {
    let Some(first) = jid.or(lid) else {
        return nobody(format!("unknown@{UNATTRIBUTED}"));
    };
    let names = jid.into_iter().chain(lid).map(ToString::to_string).collect();
    let spellings = jid.filter(|jid| *jid.server() == Server::User).map(other_spellings).unwrap_or_default();
    ChatNames { jid: Some(first.clone()), names, spellings }
}

fn nobody(name: String) -> ChatNames {
    ChatNames { jid: Jid::parse(&name).ok(), names: vec![name], spellings: Vec::new() }
}

/// JIDs under which the same person may be known.
pub(crate) fn other_spellings(jid: &Jid) -> Vec<String> {
    let candidates = jid.phone().map(|phone| phone.candidates()).unwrap_or_default();
    candidates
        .iter()
        .map(|phone| Jid::from_phone(phone).to_string())
        .filter(|other| *other != jid.to_string())
        .collect()
}

/// A change without a status announces what the message webhook after it says, so it gets the raw name.
pub(super) fn receipt(event: String, update: &StatusUpdate) -> Option<Name> {
    // played is read: what is told the same is one report
    let status = match update.status.as_ref()? {
        Status::Played => &Status::Read,
        status => status,
    };
    Some(Name {
        event,
        dedup_key: naming::whatsapp_receipt(&update.id, update.from_me.unwrap_or(true), &format!("{status:?}")),
        order_key: 0,
        place: PlaceInQueue::Shard(naming::receipt_shard(&update.id, SHARDS)),
    })
}
