//! Places in words: Chatwoot takes no location through its API.

use super::Locale;
use super::lines::{Lines, bare_link};
use crate::event::{Live, Place};

/// A place with its coordinates and a link to a map.
pub fn place(locale: Locale, place: &Place) -> String {
    let title = match place.live {
        None => locale.pick("Localização", "Location", "Ubicación"),
        Some(Live::Started) => locale.pick(
            "Localização em tempo real: início",
            "Live location started",
            "Ubicación en tiempo real: inicio",
        ),
        Some(Live::Moved) => locale.pick(
            "Localização em tempo real: nova posição",
            "Live location: new position",
            "Ubicación en tiempo real: nueva posición",
        ),
    };
    let mut lines = Lines::titled("📍", &title);
    write(&mut lines, place);
    lines.text(place.comment.as_deref());
    lines.finish()
}

/// Name, address, coordinates and map of a place.
pub(super) fn write(lines: &mut Lines, place: &Place) {
    lines.words(place.name.as_deref()).words(place.address.as_deref());
    if let Some(coordinates) = place.coordinates {
        lines.line(coordinates.to_string());
        lines.line(format!("https://www.google.com/maps/search/?api=1&query={coordinates}"));
    }
    if let Some(url) = &place.url {
        lines.line(bare_link(url));
    }
}
