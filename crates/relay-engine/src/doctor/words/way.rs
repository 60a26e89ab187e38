//! What is said of the way from CodeChat to the relay, for webhooks and for files.

use std::time::Duration;

use relay_domain::note::Locale;

use super::{came, heard};
use crate::doctor::finding::Said;

/// Whether CodeChat reaches the relay.
pub(in crate::doctor) enum CodeChat {
    /// A test came back after so long.
    Came(Duration),
    /// Something came so long ago.
    Heard(Duration),
    /// A test did not come back.
    Lost(String),
    /// CodeChat's webhook goes elsewhere.
    Elsewhere { there: String, ours: String },
    /// It has none, or it is switched off.
    Off,
    /// The address is this machine's, and CodeChat is on another.
    Loopback(String),
}

impl CodeChat {
    pub(in crate::doctor) fn say(&self, l: Locale) -> Said {
        let address = l.pick(
            "ponha em CODECHAT_CALLBACK_URL o endereço do relay visto do CodeChat (em contêiner: http://nome-ou-IP:porta, nunca localhost), e crie a sessão de novo",
            "set CODECHAT_CALLBACK_URL to the relay's address as CodeChat sees it (in a container: http://name-or-IP:port, never localhost), and add the session again",
            "ponga en CODECHAT_CALLBACK_URL la dirección del relay vista desde CodeChat (en contenedor: http://nombre-o-IP:puerto, nunca localhost), y cree la sesión de nuevo",
        );
        match self {
            Self::Came(after) => came("CodeChat", *after, l),
            Self::Heard(ago) => heard(*ago, l),
            Self::Lost(ours) => Said::fail(
                l.pick(
                    "o CodeChat não conseguiu chamar o relay",
                    "CodeChat could not call the relay",
                    "CodeChat no pudo llamar al relay",
                ),
                l.pick(
                    &format!("{ours} não leva ao relay a partir do CodeChat: em um contêiner, localhost é ele mesmo"),
                    &format!(
                        "{ours} does not lead to the relay from where CodeChat is: in a container, localhost is itself"
                    ),
                    &format!(
                        "{ours} no lleva al relay desde donde está CodeChat: en un contenedor, localhost es él mismo"
                    ),
                ),
                address,
            ),
            Self::Loopback(ours) => Said::fail(
                l.pick(
                    &format!("o CodeChat deve nos chamar em {ours}, que é ele mesmo"),
                    &format!("CodeChat is to call us at {ours}, which is itself"),
                    &format!("CodeChat debe llamarnos en {ours}, que es él mismo"),
                ),
                l.pick(
                    "o endereço só existe nesta máquina, e o CodeChat está em outra",
                    "the address exists on this machine alone, and CodeChat is on another",
                    "la dirección solo existe en esta máquina, y CodeChat está en otra",
                ),
                address,
            ),
            Self::Elsewhere { there, ours } => Said::fail(
                l.pick(
                    &format!("o webhook do CodeChat vai para {there}; o relay está em {ours}"),
                    &format!("CodeChat's webhook goes to {there}; the relay is at {ours}"),
                    &format!("el webhook de CodeChat va a {there}; el relay está en {ours}"),
                ),
                l.pick(
                    "outro programa o mudou, ou o endereço do relay mudou",
                    "another program changed it, or the relay's address has changed",
                    "otro programa lo cambió, o la dirección del relay cambió",
                ),
                again(l),
            ),
            Self::Off => Said::fail(
                l.pick(
                    "a instância não tem webhook ligado",
                    "the instance has no webhook switched on",
                    "la instancia no tiene webhook encendido",
                ),
                l.pick(
                    "o CodeChat não conta a ninguém o que os clientes escrevem",
                    "CodeChat tells nobody what customers write",
                    "CodeChat no le cuenta a nadie lo que escriben los clientes",
                ),
                again(l),
            ),
        }
    }
}

fn again(l: Locale) -> String {
    l.pick(
        "relay session rm e relay session add definem o endereço de novo",
        "relay session rm and relay session add set the address anew",
        "relay session rm y relay session add definen la dirección de nuevo",
    )
}

/// Whether CodeChat can fetch files from the relay.
pub(in crate::doctor) enum Media {
    /// It did.
    Fetched,
    /// It did not.
    Unfetched(String),
    /// It refuses addresses of this form.
    RefusedHost(String),
    /// Nothing speaks against it.
    Plausible(String),
}

impl Media {
    pub(in crate::doctor) fn say(&self, l: Locale) -> Said {
        let fix = l.pick(
            "use em CODECHAT_CALLBACK_URL um IP ou um nome com ponto e sem sublinhado, que o CodeChat alcance",
            "use in CODECHAT_CALLBACK_URL an IP, or a name with a dot and without underscores, that CodeChat can reach",
            "use en CODECHAT_CALLBACK_URL una IP, o un nombre con punto y sin guion bajo, que CodeChat alcance",
        );
        match self {
            Self::Fetched => Said::ok(l.pick(
                "o CodeChat busca arquivos aqui",
                "CodeChat fetches files here",
                "CodeChat busca archivos aquí",
            )),
            Self::Plausible(origin) => Said::ok(l.pick(
                &format!("{origin} tem a forma que o CodeChat aceita"),
                &format!("{origin} has a form that CodeChat takes"),
                &format!("{origin} tiene la forma que CodeChat acepta"),
            )),
            Self::Unfetched(origin) => Said::fail(
                l.pick(
                    &format!("o CodeChat não buscou um arquivo em {origin}"),
                    &format!("CodeChat did not fetch a file from {origin}"),
                    &format!("CodeChat no buscó un archivo en {origin}"),
                ),
                l.pick(
                    "arquivos dos agentes não chegariam ao WhatsApp",
                    "agents' files would not reach WhatsApp",
                    "los archivos de los agentes no llegarían a WhatsApp",
                ),
                fix,
            ),
            Self::RefusedHost(origin) => Said::fail(
                l.pick(
                    &format!("o CodeChat recusa o endereço {origin}"),
                    &format!("CodeChat refuses the address {origin}"),
                    &format!("CodeChat rechaza la dirección {origin}"),
                ),
                l.pick(
                    "ele não busca arquivos de nomes sem ponto, de localhost nem com sublinhado, e não diz nada",
                    "it fetches no files from names without a dot, localhost or names with underscores, and says nothing",
                    "no busca archivos de nombres sin punto, de localhost ni con guion bajo, y no dice nada",
                ),
                fix,
            ),
        }
    }
}
