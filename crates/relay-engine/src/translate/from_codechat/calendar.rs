//! Events and planned calls.

use relay_domain::event::{Appointment, CalendarEvent, Content};
use serde_json::Value;

use super::fields::{is_true, is_word, moment, object, text};
use super::place;

pub(super) fn event(content: &Value) -> Option<Content> {
    let event = CalendarEvent {
        name: text(content, "name"),
        description: text(content, "description"),
        place: object(content, "location").and_then(place::read),
        starts_at: moment(content, "startTime"),
        ends_at: moment(content, "endTime"),
        link: text(content, "joinLink"),
        is_cancelled: is_true(content, "isCanceled"),
    };
    (event != CalendarEvent::default()).then(|| told(Appointment::Event(event)))
}

pub(super) fn event_invitation(content: &Value) -> Option<Content> {
    let event = CalendarEvent {
        name: text(content, "eventTitle"),
        description: text(content, "caption"),
        starts_at: moment(content, "startTime"),
        is_cancelled: is_true(content, "isCanceled"),
        ..CalendarEvent::default()
    };
    (event != CalendarEvent::default()).then(|| told(Appointment::Event(event)))
}

pub(super) fn planned_call(content: &Value) -> Option<Content> {
    let call = Appointment::Call {
        title: text(content, "title"),
        at: moment(content, "scheduledTimestampMs"),
        is_video: is_word(content, "callType", 2, "VIDEO"),
    };
    content.is_object().then(|| told(call))
}

/// The only edit there is takes the call back.
pub(super) fn planned_call_edit(content: &Value) -> Option<Content> {
    is_word(content, "editType", 1, "CANCEL").then(|| told(Appointment::CallCancelled))
}

fn told(appointment: Appointment) -> Content {
    Content::Appointment(Box::new(appointment))
}
