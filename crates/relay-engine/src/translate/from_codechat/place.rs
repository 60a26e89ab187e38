//! Locations and live locations.

use relay_domain::event::{Content, Coordinates, Live, Place};
use serde_json::Value;

use super::fields::{decimal, is_true, number, text};

pub(super) fn location(content: &Value) -> Option<Content> {
    let live = is_true(content, "isLive").then_some(Live::Moved);
    read(content).map(|place| Content::Place(Place { live, ..place }))
}

/// Later positions of the same sharing count the seconds since its start. WhatsApp tells no companion that it ended.
pub(super) fn live_location(content: &Value) -> Option<Content> {
    let has_moved = number(content, "timeOffset").is_some_and(|seconds| seconds > 0);
    let live = Some(if has_moved { Live::Moved } else { Live::Started });
    let comment = text(content, "caption");
    read(content).map(|place| Content::Place(Place { live, comment, ..place }))
}

/// Without coordinates, name and address it is nothing that could be shown as a place.
pub(super) fn read(content: &Value) -> Option<Place> {
    let degrees = decimal(content, "degreesLatitude").zip(decimal(content, "degreesLongitude"));
    let place = Place {
        coordinates: degrees.and_then(|(latitude, longitude)| Coordinates::new(latitude, longitude)),
        name: text(content, "name"),
        address: text(content, "address"),
        url: text(content, "url"),
        comment: text(content, "comment"),
        live: None,
    };
    (place != Place::default()).then_some(place)
}
