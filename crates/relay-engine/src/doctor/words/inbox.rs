//! What is said of an inbox of Chatwoot, its webhook and its pace.

use relay_domain::note::Locale;

use super::span;
use crate::doctor::finding::Said;

/// Whether the inbox is there and of the right kind.
pub(in crate::doctor) enum Inbox {
    Api(i64),
    Other { id: i64, kind: String },
    Missing(i64),
}

impl Inbox {
    pub(in crate::doctor) fn say(&self, l: Locale) -> Said {
        match self {
            Self::Api(id) => Said::ok(l.pick(
                &format!("#{id} é uma caixa de entrada do tipo API"),
                &format!("#{id} is an API inbox"),
                &format!("#{id} es una bandeja de entrada de tipo API"),
            )),
            Self::Other { id, kind } => Said::fail(
                l.pick(
                    &format!("#{id} é do tipo {kind}"),
                    &format!("#{id} is a {kind}"),
                    &format!("#{id} es de tipo {kind}"),
                ),
                l.pick(
                    "só uma caixa do tipo API recebe mensagens e status de fora",
                    "only an API inbox takes messages and statuses from outside",
                    "solo una bandeja de tipo API recibe mensajes y estados de fuera",
                ),
                l.pick(
                    "crie uma caixa de entrada do tipo API no Chatwoot e a sessão com o número dela",
                    "create an inbox of type API in Chatwoot, and the session with its id",
                    "cree una bandeja de tipo API en Chatwoot, y la sesión con su número",
                ),
            ),
            Self::Missing(id) => Said::fail(
                l.pick(
                    &format!("a caixa #{id} não existe para este token"),
                    &format!("there is no inbox #{id} that this token can see"),
                    &format!("no hay bandeja #{id} que este token pueda ver"),
                ),
                l.pick(
                    "foi apagada, é de outra conta, ou o usuário não está nela",
                    "it was deleted, is another account's, or the user is not in it",
                    "fue borrada, es de otra cuenta, o el usuario no está en ella",
                ),
                l.pick(
                    "confira o número na página da caixa no Chatwoot; ponha o usuário na caixa",
                    "check the number on the inbox's page in Chatwoot; add the user to the inbox",
                    "revise el número en la página de la bandeja en Chatwoot; agregue el usuario a la bandeja",
                ),
            ),
        }
    }
}

/// Where the inbox and the account send their webhooks.
pub(in crate::doctor) enum Webhook {
    Ours,
    Nowhere,
    /// To another host.
    Elsewhere {
        there: String,
        ours: String,
    },
    /// To us, with a token that is not this session's.
    Stale,
    /// The account sends everything here a second time.
    AccountToo,
    /// The account also sends everything to others.
    AccountElsewhere(String),
}

impl Webhook {
    pub(in crate::doctor) fn say(&self, l: Locale) -> Said {
        let renew = || {
            l.pick(
                "remova a sessão e crie de novo (relay session rm, relay session add): o relay define o endereço",
                "remove the session and add it again (relay session rm, relay session add): the relay sets the address",
                "quite la sesión y créela de nuevo (relay session rm, relay session add): el relay define la dirección",
            )
        };
        match self {
            Self::Ours => Said::ok(l.pick(
                "o endereço é o desta sessão",
                "the address is this session's",
                "la dirección es la de esta sesión",
            )),
            Self::Nowhere => Said::fail(
                l.pick(
                    "a caixa não tem endereço de webhook",
                    "the inbox has no webhook address",
                    "la bandeja no tiene dirección de webhook",
                ),
                l.pick(
                    "o Chatwoot não conta a ninguém o que os agentes escrevem",
                    "Chatwoot tells nobody what agents write",
                    "Chatwoot no le cuenta a nadie lo que escriben los agentes",
                ),
                renew(),
            ),
            Self::Elsewhere { there, ours } => Said::fail(
                l.pick(
                    &format!("o webhook vai para {there}; o relay está em {ours}"),
                    &format!("the webhook goes to {there}; the relay is at {ours}"),
                    &format!("el webhook va a {there}; el relay está en {ours}"),
                ),
                l.pick(
                    "outro programa usa a caixa, ou API_URL mudou depois",
                    "another program uses the inbox, or API_URL has changed since",
                    "otro programa usa la bandeja, o API_URL cambió después",
                ),
                renew(),
            ),
            Self::Stale => Said::fail(
                l.pick(
                    "o endereço traz o segredo de outra sessão",
                    "the address carries another session's secret",
                    "la dirección trae el secreto de otra sesión",
                ),
                l.pick(
                    "o relay responde 404 ao Chatwoot",
                    "the relay answers 404 to Chatwoot",
                    "el relay responde 404 a Chatwoot",
                ),
                renew(),
            ),
            Self::AccountToo | Self::AccountElsewhere(_) => self.say_of_account(l),
        }
    }

    fn say_of_account(&self, l: Locale) -> Said {
        let (seen, why) = match self {
            Self::AccountElsewhere(there) => (
                l.pick(
                    &format!("a conta também manda tudo para {there}"),
                    &format!("the account also sends everything to {there}"),
                    &format!("la cuenta también envía todo a {there}"),
                ),
                l.pick(
                    "se for outra ponte para o WhatsApp, o cliente recebe cada resposta duas vezes",
                    "if that is another bridge to WhatsApp, customers get every answer twice",
                    "si es otro puente a WhatsApp, el cliente recibe cada respuesta dos veces",
                ),
            ),
            Self::Ours | Self::Nowhere | Self::Elsewhere { .. } | Self::Stale | Self::AccountToo => (
                l.pick(
                    "a conta também manda tudo para este relay",
                    "the account sends everything to this relay, too",
                    "la cuenta también envía todo a este relay",
                ),
                l.pick(
                    "o webhook da caixa basta; o da conta conta tudo outra vez, de todas as caixas",
                    "the inbox's webhook is enough; the account's tells all of it again, for all inboxes",
                    "basta el webhook de la bandeja; el de la cuenta cuenta todo otra vez, de todas las bandejas",
                ),
            ),
        };
        let fix = l.pick(
            "se não for preciso, apague-o: Configurações > Integrações > Webhooks",
            "unless you need it, delete it: Settings > Integrations > Webhooks",
            "si no hace falta, bórrelo: Configuración > Integraciones > Webhooks",
        );
        Said::warn(seen, why, fix)
    }
}

/// Whether webhooks are checked by signature.
pub(in crate::doctor) enum Signature {
    Checked,
    /// The inbox has another secret by now.
    Changed,
    /// Signatures did not match.
    Mismatches(u32),
    /// This Chatwoot does not sign.
    Unsigned,
    /// The token may not read the secret.
    Unread,
}

impl Signature {
    pub(in crate::doctor) fn say(&self, l: Locale) -> Said {
        match self {
            Self::Checked => Said::ok(l.pick("as assinaturas são verificadas", "signatures are checked", "las firmas se verifican")),
            Self::Changed => Said::warn(
                l.pick("o segredo da caixa mudou", "the inbox's secret has changed", "el secreto de la bandeja cambió"),
                l.pick("alguém o trocou no Chatwoot", "somebody reset it in Chatwoot", "alguien lo cambió en Chatwoot"),
                l.pick(
                    "nada: o relay lê o novo com o próximo webhook, no máximo uma vez por minuto",
                    "nothing: the relay reads the new one with the next webhook, at most once a minute",
                    "nada: el relay lee el nuevo con el próximo webhook, a lo sumo una vez por minuto",
                ),
            ),
            Self::Mismatches(count) => Said::fail(
                l.pick(
                    &format!("as últimas {count} assinaturas não conferem com o segredo da caixa"),
                    &format!("the last {count} signatures do not match the inbox's secret"),
                    &format!("las últimas {count} firmas no coinciden con el secreto de la bandeja"),
                ),
                l.pick(
                    "um proxy muda o corpo, ou outra coisa que não a caixa (webhook da conta, bot) usa este endereço e assina com outro segredo",
                    "a proxy changes the body, or something other than the inbox (an account's webhook, a bot) uses this address and signs with another secret",
                    "un proxy cambia el cuerpo, u otra cosa que no es la bandeja (webhook de la cuenta, bot) usa esta dirección y firma con otro secreto",
                ),
                l.pick(
                    "deixe só a caixa usar o endereço; no proxy, desligue o que reescreve corpos",
                    "let the inbox alone use the address; in the proxy, switch off what rewrites bodies",
                    "deje que solo la bandeja use la dirección; en el proxy, apague lo que reescribe cuerpos",
                ),
            ),
            Self::Unsigned => Said::warn(
                l.pick("este Chatwoot não assina os webhooks", "this Chatwoot does not sign webhooks", "este Chatwoot no firma los webhooks"),
                l.pick("só o segredo no endereço protege; assinaturas existem desde 4.13.0", "the secret in the address alone protects; signatures exist since 4.13.0", "solo protege el secreto en la dirección; hay firmas desde 4.13.0"),
                l.pick("atualize o Chatwoot e crie a sessão de novo", "update Chatwoot and add the session again", "actualice Chatwoot y cree la sesión de nuevo"),
            ),
            Self::Unread => Said::warn(
                l.pick("o relay não conhece o segredo da assinatura", "the relay does not know the signing secret", "el relay no conoce el secreto de la firma"),
                l.pick("só um administrador pode lê-lo; até lá protege o segredo no endereço", "only an administrator can read it; until then the secret in the address protects", "solo un administrador puede leerlo; hasta entonces protege el secreto en la dirección"),
                l.pick("crie a sessão de novo com o token de um administrador", "add the session again with an administrator's token", "cree la sesión de nuevo con el token de un administrador"),
            ),
        }
    }
}

/// Whether Chatwoot asks to slow down.
pub(in crate::doctor) enum Pace {
    Never,
    Slowed { times: u32, ago: std::time::Duration },
}

impl Pace {
    pub(in crate::doctor) fn say(&self, l: Locale) -> Said {
        match self {
            Self::Never => Said::ok(l.pick(
                "o Chatwoot não pediu calma",
                "Chatwoot has not asked to slow down",
                "Chatwoot no pidió calma",
            )),
            Self::Slowed { times, ago } => {
                let ago = span(*ago);
                Said::warn(
                    l.pick(
                        &format!("o Chatwoot pediu calma {times} vezes, a última há {ago}"),
                        &format!("Chatwoot asked {times} times to slow down, last {ago} ago"),
                        &format!("Chatwoot pidió calma {times} veces, la última hace {ago}"),
                    ),
                    l.pick(
                        "as mensagens esperam e seguem em ordem; nada se perde",
                        "messages wait and go on in order; nothing is lost",
                        "los mensajes esperan y siguen en orden; nada se pierde",
                    ),
                    l.pick(
                        "no Chatwoot, aumente CONVERSATION_MESSAGE_PER_MINUTE_LIMIT e RACK_ATTACK_LIMIT, ou ponha o relay em RACK_ATTACK_ALLOWED_IPS; aqui, CONVERSATION_PACE menor",
                        "in Chatwoot raise CONVERSATION_MESSAGE_PER_MINUTE_LIMIT and RACK_ATTACK_LIMIT, or put the relay into RACK_ATTACK_ALLOWED_IPS; here, a lower CONVERSATION_PACE",
                        "en Chatwoot, suba CONVERSATION_MESSAGE_PER_MINUTE_LIMIT y RACK_ATTACK_LIMIT, o ponga el relay en RACK_ATTACK_ALLOWED_IPS; aquí, un CONVERSATION_PACE menor",
                    ),
                )
            }
        }
    }
}
