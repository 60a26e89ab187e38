//! What is said of the way from both sides to the relay, and of files.

use std::time::Duration;

use relay_domain::note::Locale;

use super::{came, heard};
use crate::doctor::finding::Said;

/// Why Chatwoot's webhook did not arrive, from the text on the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::doctor) enum Refusal {
    /// The address is private, and Chatwoot does not call those.
    Private,
    /// Nobody answered in time.
    Timeout,
    /// The name leads nowhere.
    Name,
    /// The connection was refused.
    Refused,
    /// The certificate is not trusted.
    Certificate,
    /// The relay, or a proxy, answered with this status.
    Status(u16),
}

/// Whether Chatwoot reaches the relay.
pub(in crate::doctor) enum Chatwoot {
    /// A test came back after so long.
    Came(Duration),
    /// Something came so long ago.
    Heard(Duration),
    /// It could not call.
    Refused(Refusal),
    /// A test did not come back, and Chatwoot does not say why.
    Lost,
    /// The address is private, and this Chatwoot refuses those.
    LikelyPrivate,
    /// The test could not be made.
    NoTest(String),
}

impl Chatwoot {
    pub(in crate::doctor) fn say(&self, l: Locale) -> Said {
        let cannot = || {
            l.pick(
                "o Chatwoot não conseguiu chamar o relay",
                "Chatwoot could not call the relay",
                "Chatwoot no pudo llamar al relay",
            )
        };
        match self {
            Self::Came(after) => came("Chatwoot", *after, l),
            Self::Heard(ago) => heard(*ago, l),
            Self::Refused(refusal) => {
                let (why, fix) = refusal.say(l);
                Said::fail(cannot(), why, fix)
            }
            Self::Lost => Said::fail(
                l.pick(
                    "o teste não voltou em 10 s",
                    "the test did not come back within 10 s",
                    "la prueba no volvió en 10 s",
                ),
                l.pick(
                    "o Sidekiq do Chatwoot está parado ou atrasado, ou o webhook vai para outro lugar",
                    "Chatwoot's Sidekiq is down or behind, or the webhook goes elsewhere",
                    "el Sidekiq de Chatwoot está detenido o atrasado, o el webhook va a otro lugar",
                ),
                l.pick(
                    "veja o contêiner do Sidekiq e o achado chatwoot.webhook",
                    "look at the Sidekiq container, and at the finding chatwoot.webhook",
                    "vea el contenedor de Sidekiq y el hallazgo chatwoot.webhook",
                ),
            ),
            Self::LikelyPrivate => {
                let (why, fix) = Refusal::Private.say(l);
                Said::warn(
                    l.pick(
                        "nada chegou ainda, e o endereço do relay é privado",
                        "nothing has come yet, and the relay's address is private",
                        "todavía no llegó nada, y la dirección del relay es privada",
                    ),
                    why,
                    fix,
                )
            }
            Self::NoTest(detail) => Said::warn(
                l.pick("o teste não pôde ser feito", "the test could not be made", "la prueba no se pudo hacer"),
                detail.clone(),
                l.pick(
                    "rode de novo com o Chatwoot no ar",
                    "run it again with Chatwoot up",
                    "ejecútelo de nuevo con Chatwoot en marcha",
                ),
            ),
        }
    }
}

impl Refusal {
    /// The text that Chatwoot puts on a message whose webhook failed.
    pub(in crate::doctor) fn read(text: &str) -> Option<Self> {
        let text = text.to_ascii_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
        if says(&["no public ip addresses", "private network"]) {
            return Some(Self::Private);
        }
        if says(&["readtimeout", "opentimeout", "timed out", "execution expired", "writetimeout"]) {
            return Some(Self::Timeout);
        }
        if says(&["getaddrinfo", "name or service not known", "could not resolve", "unresolvedhostname"]) {
            return Some(Self::Name);
        }
        if says(&["certificate", "ssl_connect", "openssl"]) {
            return Some(Self::Certificate);
        }
        if says(&["failed to open tcp connection", "connection refused", "econnrefused", "connection reset"]) {
            return Some(Self::Refused);
        }
        let status = text.split(' ').next()?.parse::<u16>().ok()?;
        (300..600).contains(&status).then_some(Self::Status(status))
    }

    fn say(self, l: Locale) -> (String, String) {
        match self {
            Self::Private => (
                l.pick(
                    "o Chatwoot 4.14 ou mais novo não chama endereços privados",
                    "Chatwoot 4.14 or newer does not call private addresses",
                    "Chatwoot 4.14 o más nuevo no llama a direcciones privadas",
                ),
                l.pick(
                    "SAFE_FETCH_ALLOW_PRIVATE_NETWORK=true no rails E no sidekiq do Chatwoot (4.14.1 ou mais novo), e reinicie os dois; ou dê ao relay um endereço público em API_URL",
                    "SAFE_FETCH_ALLOW_PRIVATE_NETWORK=true on Chatwoot's rails AND sidekiq (4.14.1 or newer), and restart both; or give the relay a public address in API_URL",
                    "SAFE_FETCH_ALLOW_PRIVATE_NETWORK=true en el rails Y el sidekiq de Chatwoot (4.14.1 o más nuevo), y reinicie los dos; o dé al relay una dirección pública en API_URL",
                ),
            ),
            Self::Timeout => (
                l.pick(
                    "ninguém respondeu dentro do WEBHOOK_TIMEOUT do Chatwoot (5 s): firewall, proxy, ou o relay estava fora",
                    "nobody answered within Chatwoot's WEBHOOK_TIMEOUT (5 s): a firewall, a proxy, or the relay was down",
                    "nadie respondió dentro del WEBHOOK_TIMEOUT de Chatwoot (5 s): firewall, proxy, o el relay estaba caído",
                ),
                l.pick(
                    "do contêiner do Sidekiq: curl -m 5 API_URL/livez; abra o caminho até responder",
                    "from the Sidekiq container: curl -m 5 API_URL/livez; open the way until it answers",
                    "desde el contenedor de Sidekiq: curl -m 5 API_URL/livez; abra el camino hasta que responda",
                ),
            ),
            Self::Name => (
                l.pick("o nome em API_URL não existe para o Chatwoot", "the name in API_URL does not exist for Chatwoot", "el nombre en API_URL no existe para Chatwoot"),
                l.pick(
                    "use em API_URL um nome que o Chatwoot resolva, e crie a sessão de novo",
                    "use in API_URL a name that Chatwoot can resolve, and add the session again",
                    "use en API_URL un nombre que Chatwoot resuelva, y cree la sesión de nuevo",
                ),
            ),
            Self::Refused => (
                l.pick(
                    "ninguém escuta no endereço do webhook; em um contêiner, localhost é o próprio Chatwoot",
                    "nothing listens at the webhook's address; in a container, localhost is Chatwoot itself",
                    "nadie escucha en la dirección del webhook; en un contenedor, localhost es el propio Chatwoot",
                ),
                l.pick(
                    "ponha em API_URL o endereço do relay visto do Chatwoot, e crie a sessão de novo",
                    "set API_URL to the relay's address as Chatwoot sees it, and add the session again",
                    "ponga en API_URL la dirección del relay vista desde Chatwoot, y cree la sesión de nuevo",
                ),
            ),
            Self::Certificate => (
                l.pick("o Chatwoot não confia no certificado do relay", "Chatwoot does not trust the relay's certificate", "Chatwoot no confía en el certificado del relay"),
                l.pick(
                    "use um certificado público (Let's Encrypt) com a cadeia completa",
                    "use a public certificate (Let's Encrypt) with its full chain",
                    "use un certificado público (Let's Encrypt) con la cadena completa",
                ),
            ),
            Self::Status(status) => (
                l.pick(
                    &format!("a resposta foi HTTP {status}"),
                    &format!("the answer was HTTP {status}"),
                    &format!("la respuesta fue HTTP {status}"),
                ),
                match status {
                    401 => l.pick(
                        "a assinatura não confere: veja chatwoot.signature e clock",
                        "the signature does not match: see chatwoot.signature and clock",
                        "la firma no coincide: vea chatwoot.signature y clock",
                    ),
                    404 => l.pick(
                        "o endereço é de uma sessão que não existe mais: veja chatwoot.webhook",
                        "the address is that of a session that is gone: see chatwoot.webhook",
                        "la dirección es de una sesión que ya no existe: vea chatwoot.webhook",
                    ),
                    413 => l.pick("veja public.body", "see public.body", "vea public.body"),
                    _ => l.pick(
                        "veja o log do proxy na frente do relay, e public.url",
                        "look at the log of the proxy in front of the relay, and at public.url",
                        "vea el log del proxy delante del relay, y public.url",
                    ),
                },
            ),
        }
    }
}

/// How long Chatwoot waits for an answer.
pub(in crate::doctor) enum Ack {
    Quick(Duration),
    Slow(Duration),
}

impl Ack {
    pub(in crate::doctor) fn say(&self, l: Locale) -> Said {
        let told = |slowest: &Duration| {
            let ms = slowest.as_millis();
            l.pick(
                &format!("a resposta mais lenta levou {ms} ms"),
                &format!("the slowest answer took {ms} ms"),
                &format!("la respuesta más lenta tardó {ms} ms"),
            )
        };
        match self {
            Self::Quick(slowest) => Said::ok(told(slowest)),
            Self::Slow(slowest) => Said::warn(
                told(slowest),
                l.pick(
                    "passando do WEBHOOK_TIMEOUT (5 s), o Chatwoot marca a mensagem como falha",
                    "beyond WEBHOOK_TIMEOUT (5 s) Chatwoot marks the message as failed",
                    "más allá del WEBHOOK_TIMEOUT (5 s), Chatwoot marca el mensaje como fallido",
                ),
                l.pick(
                    "o disco é lento: veja host.disk",
                    "the disk is slow: see host.disk",
                    "el disco es lento: vea host.disk",
                ),
            ),
        }
    }
}

/// Whether files in Chatwoot can be fetched.
pub(in crate::doctor) enum Files {
    Fetched,
    /// Fetched, but Chatwoot gives another address than the one it is reached at.
    OtherHost(String),
    Unfetchable(String),
}

impl Files {
    pub(in crate::doctor) fn say(&self, l: Locale) -> Said {
        match self {
            Self::Fetched => Said::ok(l.pick("um arquivo foi e voltou", "a file went there and back", "un archivo fue y volvió")),
            Self::OtherHost(host) => Said::warn(
                l.pick(
                    &format!("o Chatwoot dá aos arquivos o endereço {host}"),
                    &format!("Chatwoot gives files the address {host}"),
                    &format!("Chatwoot da a los archivos la dirección {host}"),
                ),
                l.pick(
                    "não é o de CHATWOOT_URL; o relay busca mesmo assim, mas navegadores e o aplicativo podem não conseguir",
                    "it is not that of CHATWOOT_URL; the relay fetches them all the same, but browsers and the app may not",
                    "no es la de CHATWOOT_URL; el relay los busca igual, pero navegadores y la aplicación pueden no lograrlo",
                ),
                l.pick(
                    "no Chatwoot, FRONTEND_URL com o endereço público, no rails e no sidekiq; reinicie os dois",
                    "in Chatwoot, FRONTEND_URL with the public address, on rails and sidekiq; restart both",
                    "en Chatwoot, FRONTEND_URL con la dirección pública, en rails y sidekiq; reinicie los dos",
                ),
            ),
            Self::Unfetchable(detail) => Said::fail(
                l.pick("um arquivo do Chatwoot não pôde ser buscado", "a file in Chatwoot could not be fetched", "un archivo de Chatwoot no se pudo buscar"),
                detail.clone(),
                l.pick(
                    "confira FRONTEND_URL e o armazenamento do Chatwoot (S3: endereço e permissões do bucket)",
                    "check FRONTEND_URL and Chatwoot's storage (S3: the bucket's address and permissions)",
                    "revise FRONTEND_URL y el almacenamiento de Chatwoot (S3: dirección y permisos del bucket)",
                ),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chatwoots_texts_are_known() {
        let table = [
            ("Hostname 'relay' has no public ip addresses", Some(Refusal::Private)),
            ("Net::ReadTimeout with #<TCPSocket:(closed)>", Some(Refusal::Timeout)),
            ("Timed out reading data from server", Some(Refusal::Timeout)),
            (
                "Failed to open TCP connection to relay:8080 (getaddrinfo: Name or service not known)",
                Some(Refusal::Name),
            ),
            ("Failed to open TCP connection (Connection refused - connect(2))", Some(Refusal::Refused)),
            ("SSL_connect returned=1 errno=0 state=error: certificate verify failed", Some(Refusal::Certificate)),
            ("401 Unauthorized", Some(Refusal::Status(401))),
            ("500 Internal Server Error", Some(Refusal::Status(500))),
            ("Este número não tem WhatsApp.", None),
            ("200", None),
        ];
        for (text, expected) in table {
            assert_eq!(Refusal::read(text), expected, "{text}");
        }
    }
}
