//! What is said of CodeChat, its key and the instance.

use relay_domain::note::Locale;

use super::broken;
use crate::doctor::finding::Said;
use crate::doctor::line::Broken;

/// Whether CodeChat answers.
pub(in crate::doctor) enum Server {
    Fine(String),
    Down(Broken),
    NotConfigured,
}

impl Server {
    pub(in crate::doctor) fn say(&self, l: Locale) -> Said {
        match self {
            Self::Fine(origin) => Said::ok(origin.clone()),
            Self::Down(reason) => {
                let (why, fix) = broken(l, *reason, "CodeChat", "CODECHAT_URL");
                Said::fail(
                    l.pick("o CodeChat não responde", "CodeChat does not answer", "CodeChat no responde"),
                    why,
                    fix,
                )
            }
            Self::NotConfigured => Said::warn(
                l.pick("CODECHAT_URL não está definido", "CODECHAT_URL is not set", "CODECHAT_URL no está definido"),
                l.pick(
                    "sem ele não se cria nenhuma sessão",
                    "without it no session can be added",
                    "sin él no se crea ninguna sesión",
                ),
                l.pick(
                    "defina CODECHAT_URL e CODECHAT_KEY em .env",
                    "set CODECHAT_URL and CODECHAT_KEY in .env",
                    "defina CODECHAT_URL y CODECHAT_KEY en .env",
                ),
            ),
        }
    }
}

/// Whether it takes the key.
pub(in crate::doctor) enum Key {
    Taken,
    Refused,
}

impl Key {
    pub(in crate::doctor) fn say(&self, l: Locale) -> Said {
        match self {
            Self::Taken => Said::ok(l.pick("a chave é aceita", "the key is taken", "la clave es aceptada")),
            Self::Refused => Said::fail(
                l.pick("o CodeChat recusa a chave", "CodeChat refuses the key", "CodeChat rechaza la clave"),
                l.pick(
                    "CODECHAT_KEY não é a AUTHENTICATION_GLOBAL_AUTH_TOKEN desse CodeChat",
                    "CODECHAT_KEY is not that CodeChat's AUTHENTICATION_GLOBAL_AUTH_TOKEN",
                    "CODECHAT_KEY no es la AUTHENTICATION_GLOBAL_AUTH_TOKEN de ese CodeChat",
                ),
                l.pick(
                    "copie a chave do .env do CodeChat para CODECHAT_KEY e reinicie o relay",
                    "copy the key from CodeChat's .env to CODECHAT_KEY and restart the relay",
                    "copie la clave del .env de CodeChat a CODECHAT_KEY y reinicie el relay",
                ),
            ),
        }
    }
}

/// The instance and its connection to WhatsApp.
pub(in crate::doctor) enum Instance {
    Connected,
    /// Waiting for the code to be scanned, or connecting.
    Connecting(String),
    /// Not connected.
    Closed(String),
    /// Connected by one word, not by another.
    Torn,
    Missing(String),
}

impl Instance {
    pub(in crate::doctor) fn say(&self, l: Locale) -> Said {
        match self {
            Self::Connected => {
                Said::ok(l.pick("conectada ao WhatsApp", "connected to WhatsApp", "conectada a WhatsApp"))
            }
            Self::Connecting(name) => Said::warn(
                l.pick(
                    "está conectando, ou espera a leitura do código QR",
                    "connecting, or waiting for the QR code to be scanned",
                    "se está conectando, o espera que se lea el código QR",
                ),
                l.pick(
                    "até lá as mensagens dos agentes esperam",
                    "until then agents' messages wait",
                    "hasta entonces los mensajes de los agentes esperan",
                ),
                connect(l, name),
            ),
            Self::Closed(name) => Said::fail(
                l.pick("o celular não está conectado", "the phone is not connected", "el teléfono no está conectado"),
                l.pick(
                    "o aparelho foi removido em Aparelhos conectados, ou nunca foi conectado",
                    "the device was removed under Linked devices, or never linked",
                    "el dispositivo fue quitado en Dispositivos vinculados, o nunca se vinculó",
                ),
                connect(l, name),
            ),
            Self::Torn => Said::warn(
                l.pick(
                    "o CodeChat diz que está conectada e, ao mesmo tempo, que não existe ou não está",
                    "CodeChat says it is connected and, at the same time, that it does not exist or is not",
                    "CodeChat dice que está conectada y, a la vez, que no existe o no lo está",
                ),
                l.pick(
                    "o CodeChat perdeu a instância da memória; o relay segura as mensagens e pergunta de novo",
                    "CodeChat lost the instance from its memory; the relay holds messages and asks again",
                    "CodeChat perdió la instancia de su memoria; el relay retiene los mensajes y vuelve a preguntar",
                ),
                l.pick(
                    "se durar mais de 3 minutos, reinicie o CodeChat; se continuar, conecte o celular de novo",
                    "if it lasts for more than 3 minutes, restart CodeChat; if it goes on, pair the phone again",
                    "si dura más de 3 minutos, reinicie CodeChat; si sigue, vincule el teléfono de nuevo",
                ),
            ),
            Self::Missing(name) => Said::fail(
                l.pick(
                    &format!("o CodeChat não tem a instância {name}"),
                    &format!("CodeChat has no instance {name}"),
                    &format!("CodeChat no tiene la instancia {name}"),
                ),
                l.pick(
                    "foi apagada, ou o CodeChat é outro",
                    "it was deleted, or the CodeChat is another one",
                    "fue borrada, o el CodeChat es otro",
                ),
                l.pick(
                    "confira CODECHAT_URL; senão, relay session rm e relay session add criam uma nova",
                    "check CODECHAT_URL; otherwise relay session rm and relay session add make a new one",
                    "revise CODECHAT_URL; si no, relay session rm y relay session add crean una nueva",
                ),
            ),
        }
    }
}

fn connect(l: Locale, name: &str) -> String {
    l.pick(
        &format!("relay session connect {name}, e leia o código com o WhatsApp > Aparelhos conectados"),
        &format!("relay session connect {name}, and scan the code with WhatsApp > Linked devices"),
        &format!("relay session connect {name}, y lea el código con WhatsApp > Dispositivos vinculados"),
    )
}

/// Whether CodeChat stores messages.
pub(in crate::doctor) enum History {
    On,
    Off,
}

impl History {
    pub(in crate::doctor) fn say(&self, l: Locale) -> Said {
        match self {
            Self::On => Said::ok(l.pick("o CodeChat guarda as mensagens", "CodeChat stores messages", "CodeChat guarda los mensajes")),
            Self::Off => Said::warn(
                l.pick("o CodeChat não guarda as mensagens", "CodeChat does not store messages", "CodeChat no guarda los mensajes"),
                l.pick(
                    "o que nenhum webhook contou (relay ou rede fora do ar) não pode ser recuperado",
                    "what no webhook told (relay or network down) cannot be recovered",
                    "lo que ningún webhook contó (relay o red caídos) no se puede recuperar",
                ),
                l.pick(
                    "no CodeChat, DATABASE_SAVE_DATA_NEW_MESSAGE=true (e DATABASE_SAVE_MESSAGE_UPDATE=true), e reinicie-o",
                    "in CodeChat, DATABASE_SAVE_DATA_NEW_MESSAGE=true (and DATABASE_SAVE_MESSAGE_UPDATE=true), and restart it",
                    "en CodeChat, DATABASE_SAVE_DATA_NEW_MESSAGE=true (y DATABASE_SAVE_MESSAGE_UPDATE=true), y reinícielo",
                ),
            ),
        }
    }
}

/// Who else reaches CodeChat.
pub(in crate::doctor) enum Exposed {
    Inside,
    /// It answers without a key.
    Open,
    /// The whole world reaches it.
    Public,
}

impl Exposed {
    pub(in crate::doctor) fn say(&self, l: Locale) -> Said {
        let close = || {
            l.pick(
                "não publique a porta do CodeChat: deixe-o na rede interna, e CODECHAT_URL com o endereço interno",
                "do not publish CodeChat's port: keep it on the internal network, with its internal address in CODECHAT_URL",
                "no publique el puerto de CodeChat: déjelo en la red interna, con su dirección interna en CODECHAT_URL",
            )
        };
        match self {
            Self::Inside => Said::ok(l.pick(
                "pede a chave e não tem endereço público",
                "asks for the key, and has no public address",
                "pide la clave y no tiene dirección pública",
            )),
            Self::Open => Said::fail(
                l.pick("o CodeChat responde sem chave", "CodeChat answers without a key", "CodeChat responde sin clave"),
                l.pick(
                    "um proxy põe a chave em cada chamada, ou a autenticação está desligada: quem chegar lá usa o número",
                    "a proxy adds the key to every call, or authentication is off: whoever gets there uses the number",
                    "un proxy agrega la clave a cada llamada, o la autenticación está apagada: quien llegue usa el número",
                ),
                close(),
            ),
            Self::Public => Said::warn(
                l.pick("o CodeChat tem um endereço público", "CodeChat has a public address", "CodeChat tiene una dirección pública"),
                l.pick(
                    "a página /instance/qrcode dele não pede chave e traz o token da instância",
                    "its page /instance/qrcode asks for no key and carries the instance's token",
                    "su página /instance/qrcode no pide clave y trae el token de la instancia",
                ),
                close(),
            ),
        }
    }
}

/// Whether CodeChat tells everything twice.
pub(in crate::doctor) enum Twice {
    Once,
    /// Bodies came again, byte for byte.
    Repeated(u32),
    /// Webhooks of other instances come to this session's address.
    Others(u32),
}

impl Twice {
    pub(in crate::doctor) fn say(&self, l: Locale) -> Said {
        let fix = || {
            l.pick(
                "no .env do CodeChat, esvazie WEBHOOK_GLOBAL_URL (ou aponte-o para outro lugar) e reinicie-o",
                "in CodeChat's .env, empty WEBHOOK_GLOBAL_URL (or point it elsewhere) and restart it",
                "en el .env de CodeChat, vacíe WEBHOOK_GLOBAL_URL (o apúntelo a otro lugar) y reinícielo",
            )
        };
        match self {
            Self::Once => Said::ok(l.pick("cada webhook chega uma vez", "each webhook comes once", "cada webhook llega una vez")),
            Self::Repeated(count) => Said::warn(
                l.pick(
                    &format!("{count} webhooks vieram outra vez, iguais byte a byte"),
                    &format!("{count} webhooks came again, the same byte for byte"),
                    &format!("{count} webhooks llegaron otra vez, iguales byte a byte"),
                ),
                l.pick(
                    "o webhook global do CodeChat também aponta para esta sessão; nada chega em dobro, mas tudo custa o dobro",
                    "CodeChat's global webhook points to this session, too; nothing is doubled, but everything costs twice",
                    "el webhook global de CodeChat también apunta a esta sesión; nada se duplica, pero todo cuesta el doble",
                ),
                fix(),
            ),
            Self::Others(count) => Said::warn(
                l.pick(
                    &format!("{count} webhooks eram de outra instância"),
                    &format!("{count} webhooks were another instance's"),
                    &format!("{count} webhooks eran de otra instancia"),
                ),
                l.pick(
                    "o webhook global do CodeChat aponta para o endereço desta sessão",
                    "CodeChat's global webhook points to this session's address",
                    "el webhook global de CodeChat apunta a la dirección de esta sesión",
                ),
                fix(),
            ),
        }
    }
}
