//! Every sentence of the console, in every language it speaks. What holds a number or a name is a function, the rest is [`T`].

mod fixed;

use std::time::Duration;

use relay_domain::note::Locale;
use url::form_urlencoded;

use crate::form::Fields;

pub(crate) use fixed::T;

/// A language as HTML names it.
pub(crate) const fn tag(locale: Locale) -> &'static str {
    match locale {
        Locale::PtBr => "pt-BR",
        Locale::En => "en",
        Locale::Es => "es",
    }
}

/// A language as its speakers call it.
pub(crate) const fn own_name(locale: Locale) -> &'static str {
    match locale {
        Locale::PtBr => "Português",
        Locale::En => "English",
        Locale::Es => "Español",
    }
}

/// Where a session is shown.
pub(crate) fn session_path(name: &str) -> String {
    let name: String = form_urlencoded::byte_serialize(name.as_bytes()).collect();
    format!("/console/session/{name}")
}

/// Where a conversation is shown.
pub(crate) fn chat_path(session: &str, chat: &str) -> String {
    let chat: String = form_urlencoded::byte_serialize(chat.as_bytes()).collect();
    format!("{}/chat?key={chat}", session_path(session))
}

/// A length of time, roughly.
fn span(locale: Locale, span: Duration) -> String {
    let seconds = span.as_secs();
    let (count, pt, en, es) = match seconds {
        0..60 => (seconds, "s", "s", "s"),
        60..3600 => (seconds / 60, "min", "min", "min"),
        3600..172_800 => (seconds / 3600, "h", "h", "h"),
        _ => (seconds / 86_400, "dias", "days", "días"),
    };
    let unit = match locale {
        Locale::PtBr => pt,
        Locale::En => en,
        Locale::Es => es,
    };
    format!("{count} {unit}")
}

/// How long ago something was.
pub(crate) fn ago(locale: Locale, past: Duration) -> String {
    if past < Duration::from_secs(5) {
        return T::JustNow.in_language(locale).to_owned();
    }
    let span = span(locale, past);
    match locale {
        Locale::PtBr => format!("há {span}"),
        Locale::En => format!("{span} ago"),
        Locale::Es => format!("hace {span}"),
    }
}

/// How far ahead something is.
pub(crate) fn in_a_while(locale: Locale, ahead: Duration) -> String {
    let span = span(locale, ahead);
    match locale {
        Locale::PtBr => format!("em {span}"),
        Locale::En => format!("in {span}"),
        Locale::Es => format!("en {span}"),
    }
}

pub(crate) fn next_try(locale: Locale, ahead: Duration) -> String {
    let when = in_a_while(locale, ahead);
    match locale {
        Locale::PtBr => format!("Próxima tentativa {when}"),
        Locale::En => format!("Next attempt {when}"),
        Locale::Es => format!("Próximo intento {when}"),
    }
}

pub(crate) fn session_is_paused(locale: Locale, session: &str, reason: &str) -> String {
    match locale {
        Locale::PtBr => format!("{session} está pausada: {reason}"),
        Locale::En => format!("{session} is paused: {reason}"),
        Locale::Es => format!("{session} está en pausa: {reason}"),
    }
}

pub(crate) fn phone_is_off(locale: Locale, session: &str) -> String {
    match locale {
        Locale::PtBr => format!("O telefone de {session} não está conectado ao WhatsApp"),
        Locale::En => format!("The phone of {session} is not connected to WhatsApp"),
        Locale::Es => format!("El teléfono de {session} no está conectado a WhatsApp"),
    }
}

pub(crate) fn waits_long(locale: Locale, session: &str) -> String {
    match locale {
        Locale::PtBr => format!("Há mensagens de {session} esperando há mais de 5 minutos"),
        Locale::En => format!("Messages of {session} have waited for more than 5 minutes"),
        Locale::Es => format!("Hay mensajes de {session} que esperan desde hace más de 5 minutos"),
    }
}

pub(crate) fn dead_letters(locale: Locale, count: i64) -> String {
    match (locale, count) {
        (Locale::PtBr, 1) => "1 mensagem não pôde ser entregue".to_owned(),
        (Locale::PtBr, _) => format!("{count} mensagens não puderam ser entregues"),
        (Locale::En, 1) => "1 message could not be delivered".to_owned(),
        (Locale::En, _) => format!("{count} messages could not be delivered"),
        (Locale::Es, 1) => "1 mensaje no se pudo entregar".to_owned(),
        (Locale::Es, _) => format!("{count} mensajes no se pudieron entregar"),
    }
}

pub(crate) fn secret_is_set(locale: Locale, length: usize) -> String {
    match locale {
        Locale::PtBr | Locale::Es => format!("definida ({length} caracteres)"),
        Locale::En => format!("set ({length} chars)"),
    }
}

/// What was just done, as the address of the page tells it.
pub(crate) fn done(locale: Locale, fields: &Fields) -> Option<String> {
    let number = |name| fields.get(name).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    let mut told = match fields.get("done")? {
        "retried" => retried(locale, number("count")),
        "dropped" => dropped(locale, number("count")),
        "decided" => T::DecidedBefore.in_language(locale).to_owned(),
        "gone" => T::BodyGone.in_language(locale).to_owned(),
        "paused" => T::DonePaused.in_language(locale).to_owned(),
        "resumed" => T::DoneResumed.in_language(locale).to_owned(),
        "saved" => T::DoneSaved.in_language(locale).to_owned(),
        _ => return None,
    };
    if number("refused") > 0 {
        told = format!("{told} {}", T::SomeBodiesGone.in_language(locale));
    }
    if fields.get("more").is_some() {
        told = format!("{told} {}", T::MoreRemain.in_language(locale));
    }
    Some(told)
}

fn retried(locale: Locale, count: u64) -> String {
    match (locale, count) {
        (Locale::PtBr, 1) => "1 mensagem será tentada de novo.".to_owned(),
        (Locale::PtBr, _) => format!("{count} mensagens serão tentadas de novo."),
        (Locale::En, 1) => "1 message gets another turn.".to_owned(),
        (Locale::En, _) => format!("{count} messages get another turn."),
        (Locale::Es, 1) => "1 mensaje se intentará de nuevo.".to_owned(),
        (Locale::Es, _) => format!("{count} mensajes se intentarán de nuevo."),
    }
}

fn dropped(locale: Locale, count: u64) -> String {
    match (locale, count) {
        (Locale::PtBr, 1) => "1 mensagem foi descartada.".to_owned(),
        (Locale::PtBr, _) => format!("{count} mensagens foram descartadas."),
        (Locale::En, 1) => "1 message was dropped.".to_owned(),
        (Locale::En, _) => format!("{count} messages were dropped."),
        (Locale::Es, 1) => "1 mensaje fue descartado.".to_owned(),
        (Locale::Es, _) => format!("{count} mensajes fueron descartados."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_the_largest_unit_that_fits() {
        let told = |seconds| ago(Locale::En, Duration::from_secs(seconds));
        assert_eq!(
            [2, 59, 60, 3599, 7200, 172_800].map(told),
            ["just now", "59 s ago", "1 min ago", "59 min ago", "2 h ago", "2 days ago"]
        );
        assert_eq!(in_a_while(Locale::PtBr, Duration::from_secs(90)), "em 1 min");
    }

    #[test]
    fn names_in_addresses_are_encoded() {
        assert_eq!(chat_path("loja", "1-2@g.us"), "/console/session/loja/chat?key=1-2%40g.us");
    }
}
