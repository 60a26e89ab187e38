//! What is said of a session as a whole.

use relay_domain::note::Locale;

use crate::doctor::finding::Said;
use crate::trouble::Side;

/// Whether a session delivers.
pub(in crate::doctor) enum State {
    /// It does.
    Active,
    /// A person paused it.
    Paused(String),
    /// It waits for a token to work again.
    Refused(Side),
}

impl State {
    pub(in crate::doctor) fn say(&self, l: Locale) -> Said {
        let why = l.pick(
            "até lá tudo o que chega é guardado, e nada é entregue",
            "until then whatever comes is stored, and nothing is delivered",
            "hasta entonces todo lo que llega se guarda, y nada se entrega",
        );
        match self {
            Self::Active => Said::ok(l.pick("a sessão entrega", "the session delivers", "la sesión entrega")),
            Self::Paused(name) => Said::warn(
                l.pick("alguém pausou a sessão", "somebody paused the session", "alguien pausó la sesión"),
                why,
                format!("relay session resume {name}"),
            ),
            Self::Refused(side) => {
                let (server, check) = match side {
                    Side::Chatwoot => ("Chatwoot", "chatwoot.token"),
                    Side::CodeChat => ("CodeChat", "codechat.key"),
                };
                Said::fail(
                    l.pick(
                        &format!("em pausa: o {server} recusa o token"),
                        &format!("paused: {server} refuses the token"),
                        &format!("en pausa: {server} rechaza el token"),
                    ),
                    why,
                    l.pick(
                        &format!("veja {check}; a sessão volta sozinha quando o token funcionar"),
                        &format!("see {check}; the session resumes by itself when the token works"),
                        &format!("vea {check}; la sesión vuelve sola cuando el token funcione"),
                    ),
                )
            }
        }
    }
}
