//! Every sentence that agents read, in every language the relay speaks.

mod about;
mod calendar;
mod call;
mod card;
pub mod desk;
mod feed;
mod group;
mod late;
mod lines;
mod mark;
pub mod menu;
mod notice;
mod offer;
mod payment;
mod place;
mod poll;
pub mod revocation;
mod trade;
mod twice;
mod undelivered;

use serde::{Deserialize, Serialize};

pub use call::call;
pub use feed::{feed_name, in_reply_to_status};
pub use group::{author, group_change, nameless_group};
pub use late::sent_late;

pub use about::{about_unknown, ad, deleted, edited, reaction};
pub use calendar::appointment;
pub use card::{card_file_name, cards};
pub use mark::{forwarded, link, lottie_sticker, no_text, view_once, view_once_kept};
pub use notice::{invitation, notice, sealed};
pub use offer::{choice, offer};
pub use payment::payment;
pub use place::place;
pub use poll::poll;
pub use trade::trade;
pub use twice::twice;
pub use undelivered::{Lost, not_sent, undelivered};

/// A language of the people who read the notes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Locale {
    /// Brazilian Portuguese.
    #[default]
    #[serde(rename = "pt-BR")]
    PtBr,
    /// English.
    #[serde(rename = "en")]
    En,
    /// Spanish.
    #[serde(rename = "es")]
    Es,
}

impl Locale {
    /// Reads `pt-BR`, `en` or `es`, in any case; `None` for others.
    pub fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "pt-br" | "pt_br" | "pt" => Some(Self::PtBr),
            "en" => Some(Self::En),
            "es" => Some(Self::Es),
            _ => None,
        }
    }

    /// The one of three texts that is in this language.
    pub fn pick(self, pt: &str, en: &str, es: &str) -> String {
        let text = match self {
            Self::PtBr => pt,
            Self::En => en,
            Self::Es => es,
        };
        text.to_owned()
    }
}

/// Why a message did not reach WhatsApp, in the agent's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The number has no WhatsApp.
    NotOnWhatsApp,
    /// Chatwoot's contact has neither number nor WhatsApp id.
    NoNumber,
    /// The phone has no connection to WhatsApp.
    NotConnected,
    /// Nobody can be written to here: these are the status updates, a channel or a broadcast list.
    ReadOnly,
    /// WhatsApp acknowledged the message with an error.
    RefusedByWhatsApp,
    /// The chat is on the session's list of those to be left alone.
    IgnoredChat,
    /// It waited longer than agents' messages may, so it was not sent by itself.
    Expired,
    /// The attachment could not be fetched from Chatwoot.
    FileUnavailable {
        /// Its name.
        name: String,
    },
    /// The attachment is over the limit.
    FileTooLarge {
        /// Its name.
        name: String,
        /// The limit, in megabytes.
        limit_mb: u64,
    },
    /// Everything else; the technical reason follows.
    Rejected {
        /// What CodeChat said, masked and short.
        detail: String,
    },
    /// Only some parts of the message were sent.
    Partly {
        /// How many were sent.
        sent: usize,
        /// How many there are.
        of: usize,
        /// Why the rest was not.
        why: Box<Self>,
    },
}

/// The reason shown on an agent's failed message.
pub fn failure(locale: Locale, failure: &Failure) -> String {
    match failure {
        Failure::NotOnWhatsApp => locale.pick(
            "Este número não tem WhatsApp.",
            "This number is not on WhatsApp.",
            "Este número no tiene WhatsApp.",
        ),
        Failure::NoNumber => locale.pick(
            "O contato não tem número de telefone. Informe o número no formato +5511987654321 e tente de novo.",
            "The contact has no phone number. Enter it as +5511987654321 and try again.",
            "El contacto no tiene número de teléfono. Ingréselo como +5511987654321 e intente de nuevo.",
        ),
        Failure::NotConnected => locale.pick(
            "O celular não está conectado ao WhatsApp.",
            "The phone is not connected to WhatsApp.",
            "El teléfono no está conectado a WhatsApp.",
        ),
        Failure::ReadOnly => locale.pick(
            "Aqui só se lê: não é possível enviar mensagens a status, canais e listas de transmissão.",
            "This is for reading only: nothing can be sent to status updates, channels and broadcast lists.",
            "Aquí solo se lee: no es posible enviar mensajes a estados, canales y listas de difusión.",
        ),
        Failure::RefusedByWhatsApp => locale.pick(
            "O WhatsApp recusou a mensagem.",
            "WhatsApp refused the message.",
            "WhatsApp rechazó el mensaje.",
        ),
        Failure::IgnoredChat => locale.pick(
            "Este contato está na lista de ignorados desta sessão: nada é enviado a ele.",
            "This contact is on the session's ignore list: nothing is sent to it.",
            "Este contacto está en la lista de ignorados de esta sesión: no se le envía nada.",
        ),
        Failure::Expired => locale.pick(
            "A mensagem esperou demais e não foi enviada. Use Tentar novamente para enviar agora.",
            "The message waited too long and was not sent. Use Retry to send it now.",
            "El mensaje esperó demasiado y no se envió. Use Reintentar para enviarlo ahora.",
        ),
        Failure::FileUnavailable { name } => match locale {
            Locale::PtBr => format!("Não foi possível obter o arquivo {name} do Chatwoot."),
            Locale::En => format!("The file {name} could not be fetched from Chatwoot."),
            Locale::Es => format!("No se pudo obtener el archivo {name} de Chatwoot."),
        },
        Failure::FileTooLarge { name, limit_mb } => match locale {
            Locale::PtBr => format!("O arquivo {name} passa do limite de {limit_mb} MB."),
            Locale::En => format!("The file {name} is over the limit of {limit_mb} MB."),
            Locale::Es => format!("El archivo {name} supera el límite de {limit_mb} MB."),
        },
        Failure::Rejected { detail } => match locale {
            Locale::PtBr => format!("O WhatsApp não aceitou a mensagem: {detail}"),
            Locale::En => format!("WhatsApp did not accept the message: {detail}"),
            Locale::Es => format!("WhatsApp no aceptó el mensaje: {detail}"),
        },
        Failure::Partly { sent, of, why } => {
            let why = self::failure(locale, why);
            match locale {
                Locale::PtBr | Locale::Es => format!("{sent} de {of} partes enviadas. {why}"),
                Locale::En => format!("{sent} of {of} parts were sent. {why}"),
            }
        }
    }
}

/// Stands for a WhatsApp message of a kind that nobody here knows.
pub fn unknown(locale: Locale, code: &str) -> String {
    let name = locale.pick("⚠️ Mensagem não suportada", "⚠️ Unsupported message", "⚠️ Mensaje no compatible");
    format!("{name} ({}): {}", crate::text::literal(code), hint(locale))
}

/// Where to see what is not shown here.
fn hint(locale: Locale) -> String {
    locale.pick(
        "abra o WhatsApp no celular para ver",
        "open WhatsApp on the phone to see it",
        "abra WhatsApp en el teléfono para verlo",
    )
}

/// Stands for a file that could not be brought over.
pub fn lost_file(locale: Locale, name: Option<&str>, size: Option<u64>, limit: Option<u64>) -> String {
    let name = name.map(|name| format!(" {name}")).unwrap_or_default();
    let size = size.map(|bytes| format!(" ({})", human_size(bytes))).unwrap_or_default();
    let reason = match (locale, limit) {
        (Locale::PtBr, Some(limit)) => format!("acima do limite de {}", human_size(limit)),
        (Locale::En, Some(limit)) => format!("over the limit of {}", human_size(limit)),
        (Locale::Es, Some(limit)) => format!("por encima del límite de {}", human_size(limit)),
        (Locale::PtBr, None) => "não está mais disponível no WhatsApp".to_owned(),
        (Locale::En, None) => "no longer available on WhatsApp".to_owned(),
        (Locale::Es, None) => "ya no está disponible en WhatsApp".to_owned(),
    };
    let what = locale.pick("📎 Arquivo", "📎 File", "📎 Archivo");
    let hint = locale.pick("abra o WhatsApp no celular", "open WhatsApp on the phone", "abra WhatsApp en el teléfono");
    format!("{what}{name}{size}: {reason}; {hint}.")
}

/// Says when a message was written that arrived after later ones.
pub fn late(locale: Locale, written_at: &str) -> String {
    match locale {
        Locale::PtBr => format!("_🕓 escrita em {written_at}, chegou atrasada_"),
        Locale::En => format!("_🕓 written {written_at}, arrived late_"),
        Locale::Es => format!("_🕓 escrito el {written_at}, llegó tarde_"),
    }
}

/// Names a message that a reply quotes and that Chatwoot does not have.
pub fn in_reply_to(locale: Locale, excerpt: &str) -> String {
    let label = locale.pick("Em resposta a", "In reply to", "En respuesta a");
    format!("> {label}: {}", excerpt.replace('\n', " "))
}

fn human_size(bytes: u64) -> String {
    const UNITS: [&str; 3] = ["kB", "MB", "GB"];
    let mut tenths = bytes.saturating_mul(10) / 1000;
    let mut unit = 0;
    while tenths >= 10_000 && unit + 1 < UNITS.len() {
        tenths /= 1000;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_readable() {
        assert_eq!(human_size(950), "0.9 kB");
        assert_eq!(human_size(48_211), "48.2 kB");
        assert_eq!(human_size(40_000_000), "40.0 MB");
        assert_eq!(human_size(3_200_000_000), "3.2 GB");
    }

    #[test]
    fn a_partly_sent_message_says_how_much_was_sent() {
        let partly = Failure::Partly { sent: 1, of: 3, why: Box::new(Failure::NotOnWhatsApp) };
        assert_eq!(failure(Locale::En, &partly), "1 of 3 parts were sent. This number is not on WhatsApp.");
    }

    #[test]
    fn languages_differ() {
        let texts = [Locale::PtBr, Locale::En, Locale::Es].map(|locale| unknown(locale, "x"));
        assert_ne!(texts[0], texts[1]);
        assert_ne!(texts[1], texts[2]);
        assert_ne!(texts[0], texts[2]);
    }
}
