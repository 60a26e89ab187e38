//! What agents read about calls.

use super::Locale;
use crate::call::{CallKind, CallStep};

/// One step of a call: its kind, what happened, and when.
pub fn call(locale: Locale, kind: CallKind, step: CallStep, at: &str) -> String {
    let icon = match step {
        CallStep::Offered | CallStep::Answered => "📞",
        CallStep::Declined | CallStep::Missed | CallStep::Ended | CallStep::Rejected => "📵",
    };
    format!("{icon} {}: {} · {at}", name(locale, kind), what(locale, step))
}

fn name(locale: Locale, kind: CallKind) -> String {
    let (pt, en, es) = match (kind.is_video, kind.is_group) {
        (Some(true), false) => ("Chamada de vídeo", "Video call", "Videollamada"),
        (Some(false), false) => ("Chamada de voz", "Voice call", "Llamada de voz"),
        (None, false) => ("Chamada", "Call", "Llamada"),
        (Some(true), true) => ("Chamada de vídeo em grupo", "Group video call", "Videollamada grupal"),
        (Some(false), true) => ("Chamada de voz em grupo", "Group voice call", "Llamada de voz grupal"),
        (None, true) => ("Chamada em grupo", "Group call", "Llamada grupal"),
    };
    locale.pick(pt, en, es)
}

fn what(locale: Locale, step: CallStep) -> String {
    let (pt, en, es) = match step {
        CallStep::Offered => ("tocando no celular", "ringing on the phone", "sonando en el teléfono"),
        CallStep::Answered => ("atendida no celular", "answered on the phone", "atendida en el teléfono"),
        CallStep::Declined => ("recusada no celular", "declined on the phone", "rechazada en el teléfono"),
        CallStep::Missed => ("perdida", "missed", "perdida"),
        CallStep::Ended => (
            "encerrada; perdida, se ninguém atendeu no celular",
            "ended; missed, unless somebody answered on the phone",
            "terminada; perdida, si nadie la atendió en el teléfono",
        ),
        CallStep::Rejected => ("recusada automaticamente", "rejected automatically", "rechazada automáticamente"),
    };
    locale.pick(pt, en, es)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kind_step_and_time_are_told_in_each_language() {
        let kind = CallKind { is_video: Some(true), is_group: false };
        let told = |locale| call(locale, kind, CallStep::Missed, "22/11 14:03");
        assert_eq!(told(Locale::PtBr), "📵 Chamada de vídeo: perdida · 22/11 14:03");
        assert_eq!(told(Locale::En), "📵 Video call: missed · 22/11 14:03");
        assert_eq!(told(Locale::Es), "📵 Videollamada: perdida · 22/11 14:03");
        let unknown = CallKind::default();
        assert_eq!(call(Locale::En, unknown, CallStep::Answered, "x"), "📞 Call: answered on the phone · x");
    }
}
