//! What the *Relay* contact says to agents: answers to their commands, and news of the phone.

use super::Locale;
use crate::text::plain;

/// Name of the contact, in every language.
pub const DESK_NAME: &str = "Relay";

/// Longest text of a finding that is shown, in characters.
const LONGEST_FINDING: usize = 400;

/// How a session is, for agents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Its name.
    pub session: String,
    /// Its number, masked, when it is known.
    pub number: Option<String>,
    /// Whether the phone is connected.
    pub is_connected: bool,
    /// Since when, in words.
    pub since: String,
    /// Why the session is paused, if it is.
    pub paused: Option<String>,
    /// How many events wait.
    pub waiting: i64,
    /// How many dead letters wait for a person.
    pub dead: i64,
}

/// News of the phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// It has had no connection for a while.
    Lost,
    /// It is connected again.
    Connected,
    /// It is no longer paired.
    LoggedOut,
}

/// Why nothing was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Declined {
    /// Only administrators may.
    NotAdministrator,
    /// It was written too long ago.
    TooOld,
}

/// How the attempt to connect the phone stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pairing {
    /// A code can be scanned, or typed.
    Code {
        /// The code to type on the phone instead, if there is one.
        typed: Option<String>,
    },
    /// The phone is connected.
    Done,
    /// It was connected all the time.
    Needless,
    /// No more codes come.
    RanOut,
    /// CodeChat gave none.
    NoCode,
}

/// What can be asked for.
pub fn help(locale: Locale) -> String {
    locale.pick(
        "Eu sou o Relay, a ponte entre o WhatsApp e este Chatwoot. Nada do que se escreve aqui chega a clientes. Escreva:\n\n\
         - `estado`: como está a conexão\n- `conectar`: QR code para conectar o celular *\n\
         - `pausar`: parar de entregar mensagens (nada se perde) *\n- `retomar`: voltar a entregar *\n\
         - `diagnostico`: procurar problemas *\n- `ajuda`: esta lista\n\n\\* só administradores",
        "I am the Relay, the bridge between WhatsApp and this Chatwoot. Nothing written here reaches a customer. Write:\n\n\
         - `status`: how the connection is\n- `qr`: a QR code to connect the phone *\n\
         - `pause`: stop delivering messages (none is lost) *\n- `resume`: deliver again *\n\
         - `doctor`: look for problems *\n- `help`: this list\n\n\\* administrators only",
        "Soy Relay, el puente entre WhatsApp y este Chatwoot. Nada de lo que se escribe aquí llega a los clientes. Escriba:\n\n\
         - `estado`: cómo está la conexión\n- `conectar`: código QR para conectar el teléfono *\n\
         - `pausar`: dejar de entregar mensajes (no se pierde ninguno) *\n- `reanudar`: volver a entregar *\n\
         - `diagnostico`: buscar problemas *\n- `ayuda`: esta lista\n\n\\* solo administradores",
    )
}

/// Says that a word is none that can be asked for; help follows.
pub fn unknown_command(locale: Locale) -> String {
    let lead = locale.pick("Não conheço este comando.", "I do not know this command.", "No conozco este comando.");
    format!("{lead}\n\n{}", help(locale))
}

/// How the session is.
pub fn standing(locale: Locale, standing: &Standing) -> String {
    let Standing { session, number, is_connected, since, paused, waiting, dead } = standing;
    let number = number.as_ref().map(|number| format!(" ({})", plain(number, 40))).unwrap_or_default();
    let phone = match (locale, is_connected) {
        (Locale::PtBr, true) => format!("🟢 Celular conectado desde {since}"),
        (Locale::PtBr, false) => format!("🔴 Celular desconectado desde {since}"),
        (Locale::En, true) => format!("🟢 Phone connected since {since}"),
        (Locale::En, false) => format!("🔴 Phone disconnected since {since}"),
        (Locale::Es, true) => format!("🟢 Teléfono conectado desde {since}"),
        (Locale::Es, false) => format!("🔴 Teléfono desconectado desde {since}"),
    };
    let work = match paused {
        None => locale.pick("▶️ Entregando mensagens", "▶️ Delivering messages", "▶️ Entregando mensajes"),
        Some(why) => format!("{}: {}", locale.pick("⏸️ Pausado", "⏸️ Paused", "⏸️ En pausa"), plain(why, 250)),
    };
    let counts = match locale {
        Locale::PtBr => format!("📨 Esperando: {waiting} · não entregues: {dead}"),
        Locale::En => format!("📨 Waiting: {waiting} · not delivered: {dead}"),
        Locale::Es => format!("📨 En espera: {waiting} · no entregados: {dead}"),
    };
    format!("`{session}`{number}\n\n{phone}\n\n{work}\n\n{counts}")
}

/// Says why nothing was done.
pub fn declined(locale: Locale, why: Declined) -> String {
    match why {
        Declined::NotAdministrator => locale.pick(
            "🔒 Só administradores desta conta do Chatwoot podem fazer isso.",
            "🔒 Only administrators of this Chatwoot account can do that.",
            "🔒 Solo los administradores de esta cuenta de Chatwoot pueden hacer eso.",
        ),
        Declined::TooOld => locale.pick(
            "⏰ Este comando chegou tarde demais e não foi executado. Escreva-o de novo.",
            "⏰ This command came too late and was not carried out. Write it again.",
            "⏰ Este comando llegó demasiado tarde y no se ejecutó. Escríbalo de nuevo.",
        ),
    }
}

/// Says that the session was paused.
pub fn paused(locale: Locale) -> String {
    locale.pick(
        "⏸️ Pausado. As mensagens ficam guardadas e serão entregues quando alguém escrever `retomar`.",
        "⏸️ Paused. Messages are kept and will be delivered once somebody writes `resume`.",
        "⏸️ En pausa. Los mensajes quedan guardados y se entregarán cuando alguien escriba `reanudar`.",
    )
}

/// Says that the session goes on.
pub fn resumed(locale: Locale) -> String {
    locale.pick(
        "▶️ Retomado. As mensagens guardadas estão sendo entregues.",
        "▶️ Resumed. Messages that were kept are being delivered.",
        "▶️ Reanudado. Los mensajes guardados se están entregando.",
    )
}

/// What the doctor found: how much is well, and line by line what is not, with its fix.
pub fn diagnosis<'a>(
    locale: Locale,
    well: usize,
    ill: impl Iterator<Item = (bool, &'a str, Option<&'a str>)>,
) -> String {
    let lines: Vec<_> = ill
        .map(|(is_bad, seen, fix)| {
            let mark = if is_bad { "🔴" } else { "🟡" };
            let fix = fix.map(|fix| format!("\n\n→ {}", plain(fix, LONGEST_FINDING))).unwrap_or_default();
            format!("{mark} {}{fix}", plain(seen, LONGEST_FINDING))
        })
        .collect();
    let head = match (locale, lines.len()) {
        (Locale::PtBr, 0) => format!("🩺 Tudo em ordem: {well} verificações."),
        (Locale::PtBr, ill) => format!("🩺 Em ordem: {well}. A resolver: {ill}."),
        (Locale::En, 0) => format!("🩺 All is well: {well} checks."),
        (Locale::En, ill) => format!("🩺 Well: {well}. To be solved: {ill}."),
        (Locale::Es, 0) => format!("🩺 Todo en orden: {well} comprobaciones."),
        (Locale::Es, ill) => format!("🩺 En orden: {well}. Por resolver: {ill}."),
    };
    std::iter::once(head).chain(lines).collect::<Vec<_>>().join("\n\n")
}

/// Tells news of the phone, with the moment in words.
pub fn news(locale: Locale, news: News, since: &str) -> String {
    match (news, locale) {
        (News::Lost, Locale::PtBr) => format!(
            "🔴 O celular está sem conexão com o WhatsApp desde {since}. As mensagens esperam. Veja se o celular está ligado e \
             com internet; se não voltar sozinho, escreva `conectar`."
        ),
        (News::Lost, Locale::En) => format!(
            "🔴 The phone has had no connection to WhatsApp since {since}. Messages wait. See that the phone is on and online; \
             if it does not come back by itself, write `qr`."
        ),
        (News::Lost, Locale::Es) => format!(
            "🔴 El teléfono está sin conexión con WhatsApp desde {since}. Los mensajes esperan. Vea que el teléfono esté \
             encendido y con internet; si no vuelve solo, escriba `conectar`."
        ),
        (News::Connected, Locale::PtBr) => format!("🟢 O celular está conectado de novo, desde {since}."),
        (News::Connected, Locale::En) => format!("🟢 The phone is connected again, since {since}."),
        (News::Connected, Locale::Es) => format!("🟢 El teléfono está conectado de nuevo, desde {since}."),
        (News::LoggedOut, Locale::PtBr) => format!(
            "🔴 Este número foi desconectado do WhatsApp em {since}: o aparelho foi removido no celular, ou a sessão acabou. As \
             mensagens esperam. Para conectar de novo, um administrador escreve `conectar`."
        ),
        (News::LoggedOut, Locale::En) => format!(
            "🔴 This number was logged out of WhatsApp at {since}: the device was removed on the phone, or the session ended. \
             Messages wait. To connect again, an administrator writes `qr`."
        ),
        (News::LoggedOut, Locale::Es) => format!(
            "🔴 Este número se desconectó de WhatsApp el {since}: el dispositivo se quitó en el teléfono, o la sesión terminó. \
             Los mensajes esperan. Para conectar de nuevo, un administrador escribe `conectar`."
        ),
    }
}

/// Tells how the attempt to connect the phone stands.
pub fn pairing(locale: Locale, pairing: &Pairing) -> String {
    match pairing {
        Pairing::Code { typed } => {
            let scan = locale.pick(
                "📱 No celular da empresa: WhatsApp → Dispositivos conectados → Conectar dispositivo, e leia este código. Ele vale \
                 menos de um minuto; o próximo aparece aqui sozinho.",
                "📱 On the company's phone: WhatsApp → Linked devices → Link a device, and scan this code. It is good for less than \
                 a minute; the next one appears here by itself.",
                "📱 En el teléfono de la empresa: WhatsApp → Dispositivos vinculados → Vincular dispositivo, y escanee este código. \
                 Vale menos de un minuto; el siguiente aparece aquí solo.",
            );
            let or_type = locale.pick("Ou digite no celular", "Or type on the phone", "O escriba en el teléfono");
            typed.as_ref().map_or_else(|| scan.clone(), |code| format!("{scan}\n\n{or_type}: `{}`", plain(code, 20)))
        }
        Pairing::Done => {
            locale.pick("🟢 O celular está conectado.", "🟢 The phone is connected.", "🟢 El teléfono está conectado.")
        }
        Pairing::Needless => locale.pick(
            "🟢 O celular já está conectado: não há nada a fazer.",
            "🟢 The phone is connected already: there is nothing to do.",
            "🟢 El teléfono ya está conectado: no hay nada que hacer.",
        ),
        Pairing::RanOut => locale.pick(
            "⌛ O código expirou sem ser lido. Para um novo, um administrador escreve `conectar`.",
            "⌛ The code expired without being scanned. For a new one, an administrator writes `qr`.",
            "⌛ El código venció sin ser escaneado. Para uno nuevo, un administrador escribe `conectar`.",
        ),
        Pairing::NoCode => locale.pick(
            "⚠️ O CodeChat não deu nenhum código. Tente de novo em alguns minutos, ou escreva `diagnostico`.",
            "⚠️ CodeChat gave no code. Try again in a few minutes, or write `doctor`.",
            "⚠️ CodeChat no dio ningún código. Intente de nuevo en unos minutos, o escriba `diagnostico`.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Command;

    const LOCALES: [Locale; 3] = [Locale::PtBr, Locale::En, Locale::Es];

    /// Every word in backticks is one that the relay understands.
    fn check_words(text: &str) {
        for word in text.split('`').skip(1).step_by(2) {
            assert!(Command::parse(word).is_some(), "{word} in: {text}");
        }
    }

    #[test]
    fn what_agents_are_told_to_write_is_understood() {
        for locale in LOCALES {
            check_words(&help(locale));
            assert_eq!(help(locale).matches('`').count(), 12);
            check_words(&paused(locale));
            check_words(&pairing(locale, &Pairing::RanOut));
            check_words(&pairing(locale, &Pairing::NoCode));
            for told in [News::Lost, News::Connected, News::LoggedOut] {
                check_words(&news(locale, told, "01/08 12:00"));
            }
        }
    }

    #[test]
    fn what_others_wrote_cannot_look_like_our_words() {
        let of = Standing { session: "a".into(), paused: Some("x\n**y**".into()), ..Standing::default() };
        assert!(standing(Locale::En, &of).contains(r"⏸️ Paused: x \*\*y\*\*"), "{}", standing(Locale::En, &of));
        let found = [(true, "<b>\n[x](y)", Some("do *this*"))];
        let text = diagnosis(Locale::En, 3, found.into_iter());
        assert!(text.starts_with("🩺 Well: 3. To be solved: 1.") && !text.contains("<b>"), "{text}");
    }
}
