//! Events and planned calls in words.

use jiff::tz::TimeZone;

use super::lines::{Lines, bare_link, moment};
use super::{Locale, place};
use crate::event::{Appointment, CalendarEvent};

/// An event or a planned call, with its time.
pub fn appointment(locale: Locale, zone: &TimeZone, appointment: &Appointment) -> String {
    match appointment {
        Appointment::Event(event) => self::event(locale, zone, event),
        Appointment::Call { title, at, is_video } => {
            let kind = if *is_video {
                locale.pick("Chamada de vídeo agendada", "Video call scheduled", "Videollamada programada")
            } else {
                locale.pick("Chamada de voz agendada", "Voice call scheduled", "Llamada de voz programada")
            };
            let mut lines = Lines::titled("📞", &kind);
            let at = at.and_then(|at| moment(locale, zone, at));
            lines.words(title.as_deref()).sign("🕓", at.as_deref());
            lines.finish()
        }
        Appointment::CallCancelled => Lines::titled(
            "📞",
            &locale.pick("Chamada agendada cancelada", "Scheduled call cancelled", "Llamada programada cancelada"),
        )
        .finish(),
    }
}

fn event(locale: Locale, zone: &TimeZone, event: &CalendarEvent) -> String {
    let title = if event.is_cancelled {
        locale.pick("Evento cancelado", "Event cancelled", "Evento cancelado")
    } else {
        locale.pick("Evento", "Event", "Evento")
    };
    let mut lines = Lines::titled("📅", &title);
    let at = |at: Option<_>| at.and_then(|at| moment(locale, zone, at));
    let when: Vec<_> = [at(event.starts_at), at(event.ends_at)].into_iter().flatten().collect();
    lines.words(event.name.as_deref());
    lines.sign("🕓", Some(&when.join(" – ")));
    if let Some(place) = &event.place {
        place::write(&mut lines, place);
    }
    if let Some(link) = &event.link {
        lines.line(bare_link(link));
    }
    lines.text(event.description.as_deref());
    lines.finish()
}
