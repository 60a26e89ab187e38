//! What a step of a call means.

use codechat::{CallStatus, CallUpdate};
use relay_domain::Timestamp;
use relay_domain::call::{Call, CallKind, CallStep};
use relay_domain::event::{Event, Ignored};

pub(super) fn translate(update: CallUpdate) -> Event {
    let step = match update.status {
        CallStatus::Offer => CallStep::Offered,
        CallStatus::Accept => CallStep::Answered,
        CallStatus::Reject => CallStep::Declined,
        CallStatus::Timeout => CallStep::Missed,
        CallStatus::Terminate => CallStep::Ended,
        // it goes on ringing
        CallStatus::Other(_) => return Event::Nothing(Ignored::NoInterest),
    };
    Event::Call(Call {
        step,
        at: moment(&update),
        id: update.id,
        from: update.from,
        is_past: update.is_offline,
        kind: CallKind { is_video: update.is_video, is_group: update.is_group },
    })
}

/// When a step happened, to the second.
pub(crate) fn moment(update: &CallUpdate) -> Option<Timestamp> {
    let at: jiff::Timestamp = update.date.as_deref()?.parse().ok()?;
    Some(Timestamp::from_secs(at.as_second()))
}
