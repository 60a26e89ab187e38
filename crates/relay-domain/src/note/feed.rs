//! What agents read about status updates, channels and broadcast lists.

use super::Locale;
use crate::jid::{Jid, Server};

/// What the conversation of a feed is called; `None` for a chat with people.
pub fn feed_name(locale: Locale, jid: &Jid) -> Option<String> {
    let label = match jid.server() {
        Server::Status => return Some(locale.pick("Status do WhatsApp", "WhatsApp status", "Estados de WhatsApp")),
        Server::Newsletter => locale.pick("Canal do WhatsApp", "WhatsApp channel", "Canal de WhatsApp"),
        Server::Broadcast => locale.pick("Lista de transmissão", "Broadcast list", "Lista de difusión"),
        Server::User | Server::Lid | Server::Group | Server::Call | Server::Bot | Server::Other(_) => return None,
    };
    Some(format!("{label} {}", jid.user()))
}

/// Names a status update that a message answers.
pub fn in_reply_to_status(locale: Locale, excerpt: Option<&str>) -> String {
    let label = locale.pick("Em resposta a um status", "In reply to a status", "En respuesta a un estado");
    match excerpt {
        Some(excerpt) => format!("> {label}: {}", excerpt.replace('\n', " ")),
        None => format!("> {label}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn feeds_have_names_and_people_do_not() {
        let name = |jid: &str| feed_name(Locale::En, &Jid::parse(jid).unwrap());
        assert_eq!(name("status@broadcast").as_deref(), Some("WhatsApp status"));
        assert_eq!(name("1700000000@broadcast").as_deref(), Some("Broadcast list 1700000000"));
        assert_eq!(name("120363000000000009@newsletter").as_deref(), Some("WhatsApp channel 120363000000000009"));
        assert_eq!(name("120363000000000001@g.us"), None);
    }

    #[test]
    fn an_answer_to_a_status_says_so() {
        assert_eq!(in_reply_to_status(Locale::PtBr, Some("a\nb")), "> Em resposta a um status: a b");
        assert_eq!(in_reply_to_status(Locale::Es, None), "> En respuesta a un estado");
    }
}
