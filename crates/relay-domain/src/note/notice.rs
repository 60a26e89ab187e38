//! Small things that happen in a chat, invitations, and what stays sealed, in words.

use jiff::tz::TimeZone;

use super::lines::{Lines, moment};
use super::{Locale, hint};
use crate::event::{Invitation, InvitedTo, Notice, Sealed};

/// Says what happened in the chat.
pub fn notice(locale: Locale, notice: &Notice) -> String {
    match notice {
        Notice::Pinned => locale.pick("📌 Mensagem fixada", "📌 Message pinned", "📌 Mensaje fijado"),
        Notice::Unpinned => locale.pick("📌 Mensagem desafixada", "📌 Message unpinned", "📌 Mensaje desfijado"),
        Notice::Kept => locale.pick("🔖 Mensagem mantida na conversa", "🔖 Message kept", "🔖 Mensaje conservado"),
        Notice::NotKept => locale.pick(
            "🔖 Mensagem não mantida mais na conversa",
            "🔖 Message not kept any more",
            "🔖 Mensaje que ya no se conserva",
        ),
        Notice::Timer(seconds) => timer(locale, *seconds),
        Notice::Album { images, videos } => album(locale, *images, *videos),
        Notice::StickerPack { name, publisher, stickers, caption } => {
            let title = locale.pick("Pacote de figurinhas", "Sticker pack", "Paquete de stickers");
            let mut lines = Lines::titled("🎭", &title);
            lines.words(name.as_deref()).words(publisher.as_deref());
            if *stickers > 0 {
                let unit = locale.pick("figurinhas", "stickers", "stickers");
                lines.line(format!("{stickers} {unit}"));
            }
            lines.text(caption.as_deref());
            lines.finish()
        }
        Notice::NumberAsked => locale.pick(
            "📱 Pedido do número de telefone",
            "📱 Request for the phone number",
            "📱 Solicitud del número de teléfono",
        ),
        Notice::NumberShared => locale.pick(
            "📱 O número de telefone foi compartilhado",
            "📱 The phone number was shared",
            "📱 Se compartió el número de teléfono",
        ),
        Notice::MentionedInStatus => {
            locale.pick("🟢 Menção em um status", "🟢 Mentioned in a status", "🟢 Mención en un estado")
        }
        Notice::HistoryShared => {
            let what =
                locale.pick("Histórico da conversa compartilhado", "Chat history shared", "Historial compartido");
            format!("🗂️ {what}: {}", hint(locale))
        }
    }
}

fn timer(locale: Locale, seconds: i64) -> String {
    if seconds <= 0 {
        return locale.pick(
            "⏱️ Mensagens temporárias desativadas",
            "⏱️ Disappearing messages turned off",
            "⏱️ Mensajes temporales desactivados",
        );
    }
    let time = duration(locale, seconds);
    match locale {
        Locale::PtBr => format!("⏱️ Mensagens temporárias: novas mensagens somem após {time}"),
        Locale::En => format!("⏱️ Disappearing messages: new ones vanish after {time}"),
        Locale::Es => format!("⏱️ Mensajes temporales: los nuevos desaparecen tras {time}"),
    }
}

/// A length of time in the largest unit that gives a whole number; a day is 24 hours, as WhatsApp says.
fn duration(locale: Locale, seconds: i64) -> String {
    const DAY: i64 = 86_400;
    let (count, [pt, en, es]) = match seconds {
        _ if seconds % DAY == 0 && seconds > DAY => (seconds / DAY, ["dia", "day", "día"]),
        _ if seconds % 3600 == 0 => (seconds / 3600, ["hora", "hour", "hora"]),
        _ if seconds % 60 == 0 => (seconds / 60, ["minuto", "minute", "minuto"]),
        _ => (seconds, ["segundo", "second", "segundo"]),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {}{plural}", locale.pick(pt, en, es))
}

fn album(locale: Locale, images: i64, videos: i64) -> String {
    let count = |count: i64, one: [&str; 3], many: [&str; 3]| {
        let [pt, en, es] = if count == 1 { one } else { many };
        (count > 0).then(|| format!("{count} {}", locale.pick(pt, en, es)))
    };
    let images = count(images, ["foto", "photo", "foto"], ["fotos", "photos", "fotos"]);
    let videos = count(videos, ["vídeo", "video", "video"], ["vídeos", "videos", "videos"]);
    let counts: Vec<_> = images.into_iter().chain(videos).collect();
    let title = locale.pick("🖼️ Álbum", "🖼️ Album", "🖼️ Álbum");
    if counts.is_empty() { title } else { format!("{title}: {}", counts.join(", ")) }
}

/// An invitation with what it is to.
pub fn invitation(locale: Locale, zone: &TimeZone, invitation: &Invitation) -> String {
    let (emoji, title) = match invitation.to {
        InvitedTo::Group => ("👥", locale.pick("Convite para grupo", "Group invitation", "Invitación a grupo")),
        InvitedTo::Channel => ("📢", locale.pick("Convite para canal", "Channel invitation", "Invitación a canal")),
        InvitedTo::ChannelAdmin => (
            "📢",
            locale.pick(
                "Convite para administrar canal",
                "Invitation to run a channel",
                "Invitación a administrar canal",
            ),
        ),
    };
    let mut lines = Lines::titled(emoji, &title);
    lines.words(invitation.name.as_deref());
    let until = invitation.expires_at.and_then(|at| moment(locale, zone, at));
    lines.field(&locale.pick("Válido até", "Valid until", "Válido hasta"), until.as_deref());
    lines.text(invitation.caption.as_deref());
    lines.finish()
}

/// Names what nobody but the phones can read.
pub fn sealed(locale: Locale, sealed: Sealed) -> String {
    let what = match sealed {
        Sealed::PollVote => locale.pick("📊 Voto na enquete", "📊 Vote in the poll", "📊 Voto en la encuesta"),
        Sealed::EventAnswer => locale.pick("📅 Resposta ao evento", "📅 Answer to the event", "📅 Respuesta al evento"),
        Sealed::Comment => locale.pick("💬 Comentário", "💬 Comment", "💬 Comentario"),
        Sealed::EventEdit => locale.pick("📅 Evento alterado", "📅 Event changed", "📅 Evento modificado"),
        Sealed::OnlyOnPhone => locale.pick(
            "📵 Mensagem visível só no celular",
            "📵 Message for the phone only",
            "📵 Mensaje visible solo en el teléfono",
        ),
    };
    format!("{what}: {}", hint(locale))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timers_are_told_in_words() {
        let table =
            [(86_400, "24 hours"), (604_800, "7 days"), (7_776_000, "90 days"), (60, "1 minute"), (61, "61 seconds")];
        for (seconds, words) in table {
            assert_eq!(duration(Locale::En, seconds), words);
        }
        assert!(timer(Locale::En, 0).contains("off"));
        assert!(timer(Locale::PtBr, 604_800).ends_with("7 dias"));
    }

    #[test]
    fn albums_count_what_follows() {
        assert_eq!(album(Locale::PtBr, 2, 1), "🖼️ Álbum: 2 fotos, 1 vídeo");
        assert_eq!(album(Locale::En, 0, 0), "🖼️ Album");
    }
}
