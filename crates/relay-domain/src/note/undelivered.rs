//! What agents read in the place of what could not be delivered, and the word it is filed under.

use super::{Failure, Locale, failure};

/// What could not be shown in Chatwoot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// A message.
    Message,
    /// A call.
    Call,
    /// A change of a group.
    GroupChange,
}

/// Takes the place of something that could not be delivered, so that the chat goes on; says why, where to see it, and how to try
/// again.
pub fn undelivered(locale: Locale, lost: Lost, why: &str, event: &str) -> String {
    let what = match lost {
        Lost::Message => locale.pick(
            "⚠️ Uma mensagem do WhatsApp não pôde ser exibida aqui",
            "⚠️ A WhatsApp message could not be shown here",
            "⚠️ Un mensaje de WhatsApp no pudo mostrarse aquí",
        ),
        Lost::Call => locale.pick(
            "⚠️ Uma ligação do WhatsApp não pôde ser exibida aqui",
            "⚠️ A WhatsApp call could not be shown here",
            "⚠️ Una llamada de WhatsApp no pudo mostrarse aquí",
        ),
        Lost::GroupChange => locale.pick(
            "⚠️ Uma mudança do grupo não pôde ser exibida aqui",
            "⚠️ A change of the group could not be shown here",
            "⚠️ Un cambio del grupo no pudo mostrarse aquí",
        ),
    };
    let again = match locale {
        Locale::PtBr => format!("Abra o WhatsApp no celular para ver. Para tentar de novo: `relay dead retry {event}`"),
        Locale::En => format!("Open WhatsApp on the phone to see it. To try again: `relay dead retry {event}`"),
        Locale::Es => {
            format!("Abra WhatsApp en el teléfono para verlo. Para intentar de nuevo: `relay dead retry {event}`")
        }
    };
    format!("{what} ({why}). {again}")
}

/// Says that an agent's message was not sent when the message itself cannot say so any more.
pub fn not_sent(locale: Locale, why: &Failure, event: &str) -> String {
    let why = failure(locale, why);
    match locale {
        Locale::PtBr => {
            format!(
                "⚠️ Uma mensagem desta conversa não foi enviada. {why} Para tentar de novo: `relay dead retry {event}`"
            )
        }
        Locale::En => {
            format!("⚠️ A message of this conversation was not sent. {why} To try again: `relay dead retry {event}`")
        }
        Locale::Es => format!(
            "⚠️ Un mensaje de esta conversación no se envió. {why} Para intentar de nuevo: `relay dead retry {event}`"
        ),
    }
}

impl Failure {
    /// A stable word for it, which says nothing of the message.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotOnWhatsApp => "not_on_whatsapp",
            Self::NoNumber => "no_number",
            Self::NotConnected => "not_connected",
            Self::ReadOnly => "read_only",
            Self::RefusedByWhatsApp => "refused_by_whatsapp",
            Self::IgnoredChat => "ignored_chat",
            Self::Expired => "too_old",
            Self::FileUnavailable { .. } => "file_unavailable",
            Self::FileTooLarge { .. } => "file_too_large",
            Self::Rejected { .. } => "rejected",
            Self::Partly { why, .. } => why.code(),
        }
    }

    /// What is kept with a dead letter: the word, and the reason in English.
    pub fn reason(&self) -> String {
        let english = Locale::En;
        format!("{}: {}", self.code(), failure(english, self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_begins_with_a_word_also_when_a_part_was_sent() {
        let partly = Failure::Partly { sent: 1, of: 3, why: Box::new(Failure::NotOnWhatsApp) };
        assert_eq!(partly.reason(), "not_on_whatsapp: 1 of 3 parts were sent. This number is not on WhatsApp.");
    }

    #[test]
    fn a_placeholder_says_how_to_try_again() {
        for locale in [Locale::PtBr, Locale::En, Locale::Es] {
            assert!(undelivered(locale, Lost::Call, "refused", "0199").contains("(refused). "));
            assert!(undelivered(locale, Lost::Message, "refused", "0199").ends_with("`relay dead retry 0199`"));
            assert!(not_sent(locale, &Failure::NotConnected, "0199").contains("`relay dead retry 0199`"));
        }
    }
}
