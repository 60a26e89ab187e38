//! Appointments: events and calls planned ahead.

use super::Place;
use crate::clock::Timestamp;

/// An appointment.
#[derive(Clone, Debug, PartialEq)]
pub enum Appointment {
    /// Something that people meet for.
    Event(CalendarEvent),
    /// A call.
    Call {
        /// What it is about.
        title: Option<String>,
        /// When it is.
        at: Option<Timestamp>,
        /// Whether people see each other.
        is_video: bool,
    },
    /// The call will not be.
    CallCancelled,
}

/// Something that people meet for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CalendarEvent {
    /// What it is called.
    pub name: Option<String>,
    /// What it is about.
    pub description: Option<String>,
    /// Where it is.
    pub place: Option<Place>,
    /// When it begins.
    pub starts_at: Option<Timestamp>,
    /// When it ends.
    pub ends_at: Option<Timestamp>,
    /// Where to join a call.
    pub link: Option<String>,
    /// Whether it was called off.
    pub is_cancelled: bool,
}
