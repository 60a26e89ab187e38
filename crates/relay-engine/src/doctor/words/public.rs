//! What is said of the way from outside to the relay, and of the clocks.

use relay_domain::note::Locale;

use super::broken;
use crate::doctor::finding::Said;
use crate::doctor::line::Broken;

/// Whether the public address leads here.
pub(in crate::doctor) enum Loop {
    Here(String),
    /// Another process of this relay, or another relay.
    AnotherRelay {
        shared: bool,
    },
    Wrong(Broken),
    /// Something else answers, with this status.
    SomethingElse(u16),
    /// The address leads here and to nobody else.
    OnlyThisMachine(String),
}

impl Loop {
    pub(in crate::doctor) fn say(&self, l: Locale) -> Said {
        let proxy = || {
            l.pick(
                "confira API_URL e o proxy: ele deve passar tudo para a porta do relay, com caminho e consulta",
                "check API_URL and the proxy: it must pass everything to the relay's port, with path and query",
                "revise API_URL y el proxy: debe pasar todo al puerto del relay, con ruta y consulta",
            )
        };
        match self {
            Self::Here(origin) => Said::ok(l.pick(
                &format!("{origin} chega aqui"),
                &format!("{origin} leads here"),
                &format!("{origin} llega aquí"),
            )),
            Self::AnotherRelay { shared: true } => Said::ok(l.pick(
                "chega a outro processo deste relay",
                "leads to another process of this relay",
                "llega a otro proceso de este relay",
            )),
            Self::AnotherRelay { shared: false } => Said::fail(
                l.pick("API_URL leva a outro relay", "API_URL leads to another relay", "API_URL lleva a otro relay"),
                l.pick(
                    "webhooks chegam lá, e não aqui",
                    "webhooks arrive there, and not here",
                    "los webhooks llegan allá, y no aquí",
                ),
                proxy(),
            ),
            Self::Wrong(reason) => {
                let (why, fix) = broken(l, *reason, "relay", "API_URL");
                Said::fail(
                    l.pick(
                        "API_URL não chega ao relay",
                        "API_URL does not lead to the relay",
                        "API_URL no llega al relay",
                    ),
                    why,
                    fix,
                )
            }
            Self::SomethingElse(status) => Said::fail(
                l.pick(
                    &format!("em API_URL responde outra coisa (HTTP {status})"),
                    &format!("something else answers at API_URL (HTTP {status})"),
                    &format!("en API_URL responde otra cosa (HTTP {status})"),
                ),
                l.pick(
                    "o proxy não passa o pedido para o relay",
                    "the proxy does not pass the request on to the relay",
                    "el proxy no pasa la petición al relay",
                ),
                proxy(),
            ),
            Self::OnlyThisMachine(origin) => Said::warn(
                l.pick(
                    &format!("{origin} só existe nesta máquina"),
                    &format!("{origin} exists on this machine alone"),
                    &format!("{origin} solo existe en esta máquina"),
                ),
                l.pick(
                    "o Chatwoot em outra máquina ou contêiner não chega ao relay",
                    "a Chatwoot on another machine or in a container cannot reach the relay",
                    "un Chatwoot en otra máquina o contenedor no llega al relay",
                ),
                l.pick(
                    "defina API_URL com um endereço público, e crie a sessão de novo",
                    "set API_URL to a public address, and add the session again",
                    "defina API_URL con una dirección pública, y cree la sesión de nuevo",
                ),
            ),
        }
    }
}

/// Whether a large body gets through.
pub(in crate::doctor) enum Body {
    Whole,
    Refused(u16),
    Lost,
}

impl Body {
    pub(in crate::doctor) fn say(&self, l: Locale) -> Said {
        let fix = || {
            l.pick(
                "nginx: client_max_body_size 50m; Apache: LimitRequestBody 52428800; recarregue-o",
                "nginx: client_max_body_size 50m; Apache: LimitRequestBody 52428800; reload it",
                "nginx: client_max_body_size 50m; Apache: LimitRequestBody 52428800; recárguelo",
            )
        };
        match self {
            Self::Whole => Said::ok(l.pick("2 MB passam", "2 MB get through", "2 MB pasan")),
            Self::Refused(status) => Said::warn(
                l.pick(
                    &format!("2 MB não passam: o proxy responde {status}"),
                    &format!("2 MB do not get through: the proxy answers {status}"),
                    &format!("2 MB no pasan: el proxy responde {status}"),
                ),
                l.pick(
                    "o proxy limita o corpo; webhooks com textos longos seriam recusados",
                    "the proxy limits bodies; webhooks with long texts would be refused",
                    "el proxy limita el cuerpo; webhooks con textos largos serían rechazados",
                ),
                fix(),
            ),
            Self::Lost => Said::warn(
                l.pick("2 MB não chegaram inteiros", "2 MB did not arrive whole", "2 MB no llegaron enteros"),
                l.pick(
                    "o proxy corta ou atrasa corpos grandes",
                    "the proxy cuts or delays large bodies",
                    "el proxy corta o demora cuerpos grandes",
                ),
                fix(),
            ),
        }
    }
}

/// Whether headers get through.
pub(in crate::doctor) enum Headers {
    Kept,
    NoSignature,
    NoType,
}

impl Headers {
    pub(in crate::doctor) fn say(&self, l: Locale) -> Said {
        let fix = || {
            l.pick(
                "deixe o proxy passar os cabeçalhos do pedido como vieram (nginx: sem proxy_pass_request_headers off)",
                "let the proxy pass the request's headers as they came (nginx: no proxy_pass_request_headers off)",
                "deje que el proxy pase los encabezados como vinieron (nginx: sin proxy_pass_request_headers off)",
            )
        };
        match self {
            Self::Kept => Said::ok(l.pick("os cabeçalhos passam", "headers get through", "los encabezados pasan")),
            Self::NoSignature => Said::fail(
                l.pick(
                    "o proxy tira a assinatura do Chatwoot",
                    "the proxy drops Chatwoot's signature",
                    "el proxy quita la firma de Chatwoot",
                ),
                l.pick(
                    "sem X-Chatwoot-Signature e X-Chatwoot-Timestamp cada webhook é recusado (401)",
                    "without X-Chatwoot-Signature and X-Chatwoot-Timestamp every webhook is refused (401)",
                    "sin X-Chatwoot-Signature y X-Chatwoot-Timestamp cada webhook es rechazado (401)",
                ),
                fix(),
            ),
            Self::NoType => Said::fail(
                l.pick("o proxy muda o Content-Type", "the proxy changes Content-Type", "el proxy cambia Content-Type"),
                l.pick(
                    "o que não é application/json é recusado (415)",
                    "what is not application/json is refused (415)",
                    "lo que no es application/json es rechazado (415)",
                ),
                fix(),
            ),
        }
    }
}

/// How far clocks differ, in seconds: theirs minus ours.
pub(in crate::doctor) struct Clocks {
    pub(in crate::doctor) chatwoot: Option<i64>,
    pub(in crate::doctor) codechat: Option<i64>,
}

/// From here on something is noticed, in seconds.
const NOTICED: u64 = 30;
/// From here on signatures are refused soon, in seconds.
const HARMFUL: u64 = 240;

impl Clocks {
    pub(in crate::doctor) fn say(&self, l: Locale) -> Said {
        let told: Vec<_> = [("chatwoot", self.chatwoot), ("codechat", self.codechat)]
            .into_iter()
            .filter_map(|(name, skew)| Some(format!("{name} {:+} s", skew?)))
            .collect();
        let seen = told.join(", ");
        let worst = [self.chatwoot, self.codechat].into_iter().flatten().map(i64::unsigned_abs).max().unwrap_or(0);
        let why = l.pick(
            "uma assinatura do Chatwoot vale 5 minutos; com relógios diferentes, webhooks são recusados e a ordem se confunde",
            "a signature of Chatwoot is good for 5 minutes; with clocks apart webhooks are refused, and order is confused",
            "una firma de Chatwoot vale 5 minutos; con relojes distintos se rechazan webhooks y el orden se confunde",
        );
        let fix = l.pick(
            "ligue a sincronização em todas as máquinas: timedatectl set-ntp true",
            "switch on time synchronisation on all machines: timedatectl set-ntp true",
            "active la sincronización en todas las máquinas: timedatectl set-ntp true",
        );
        match worst {
            0..NOTICED => Said::ok(seen),
            NOTICED..HARMFUL => Said::warn(seen, why, fix),
            HARMFUL.. => Said::fail(seen, why, fix),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Level;

    #[test]
    fn clocks_may_differ_by_half_a_minute() {
        let level = |chatwoot, codechat| Clocks { chatwoot, codechat }.say(Locale::En).level;
        assert_eq!(level(Some(-29), Some(3)), Level::Ok);
        assert_eq!(level(Some(30), None), Level::Warn);
        assert_eq!(level(Some(0), Some(-239)), Level::Warn);
        assert_eq!(level(Some(-240), Some(0)), Level::Fail);
        assert_eq!(
            Clocks { chatwoot: Some(2), codechat: Some(-1) }.say(Locale::En).seen,
            "chatwoot +2 s, codechat -1 s"
        );
    }
}
