//! What is said of Chatwoot, its token, account and inbox.

use chatwoot::Version;
use relay_domain::note::Locale;

use super::broken;
use crate::address::Shape;
use crate::doctor::finding::Said;
use crate::doctor::line::Broken;

/// The form of Chatwoot's address.
pub(in crate::doctor) struct Address {
    pub(in crate::doctor) shape: Shape,
    pub(in crate::doctor) origin: String,
}

impl Address {
    pub(in crate::doctor) fn say(&self, l: Locale) -> Said {
        let origin = &self.origin;
        let fix = || {
            l.pick(
                &format!("use só o servidor: CHATWOOT_URL={origin}, e crie a sessão de novo"),
                &format!("use the server alone: CHATWOOT_URL={origin}, and add the session again"),
                &format!("use solo el servidor: CHATWOOT_URL={origin}, y cree la sesión de nuevo"),
            )
        };
        match self.shape {
            Shape::Server => Said::ok(origin.clone()),
            Shape::Page => Said::fail(
                l.pick(
                    "o endereço é o de uma página do Chatwoot",
                    "the address is that of one of Chatwoot's pages",
                    "la dirección es la de una página de Chatwoot",
                ),
                l.pick(
                    "ele foi copiado do navegador com o caminho; a API fica na raiz",
                    "it was copied from the browser with its path; the API is at the root",
                    "se copió del navegador con la ruta; la API está en la raíz",
                ),
                fix(),
            ),
            Shape::Path => Said::warn(
                l.pick("o endereço tem um caminho", "the address has a path", "la dirección tiene una ruta"),
                l.pick(
                    "o Chatwoot costuma ficar na raiz de um servidor",
                    "Chatwoot usually is at the root of a server",
                    "Chatwoot suele estar en la raíz de un servidor",
                ),
                fix(),
            ),
        }
    }
}

/// Whether Chatwoot answers, and its version.
pub(in crate::doctor) enum Server {
    Fine(Version),
    Lacks(Version),
    TooOld(Version),
    Down(Broken),
}

impl Server {
    pub(in crate::doctor) fn say(&self, l: Locale) -> Said {
        let upgrade = || {
            let wanted = Version::RECOMMENDED;
            l.pick(
                &format!("atualize o Chatwoot para {wanted} ou mais novo"),
                &format!("update Chatwoot to {wanted} or newer"),
                &format!("actualice Chatwoot a {wanted} o más nuevo"),
            )
        };
        match self {
            Self::Fine(version) => Said::ok(format!("Chatwoot {version}")),
            Self::Lacks(version) => {
                let count = version.lacks().count();
                Said::warn(
                    format!("Chatwoot {version}"),
                    l.pick(
                        &format!("esta versão ainda não tem {count} recursos que o relay usa"),
                        &format!("this version lacks {count} things that the relay uses"),
                        &format!("a esta versión le faltan {count} cosas que el relay usa"),
                    ),
                    upgrade(),
                )
            }
            Self::TooOld(version) => Said::fail(
                format!("Chatwoot {version}"),
                l.pick(
                    &format!("o relay precisa do Chatwoot {} ou mais novo", Version::OLDEST),
                    &format!("the relay needs Chatwoot {} or newer", Version::OLDEST),
                    &format!("el relay necesita Chatwoot {} o más nuevo", Version::OLDEST),
                ),
                upgrade(),
            ),
            Self::Down(reason) => {
                let (why, fix) = broken(l, *reason, "Chatwoot", "CHATWOOT_URL");
                Said::fail(
                    l.pick("o Chatwoot não responde", "Chatwoot does not answer", "Chatwoot no responde"),
                    why,
                    fix,
                )
            }
        }
    }
}

/// Whose token it is.
pub(in crate::doctor) enum Token {
    User,
    Bot,
    Unknown,
}

impl Token {
    pub(in crate::doctor) fn say(&self, l: Locale) -> Said {
        let fix = || {
            l.pick(
                "use o token de um administrador: no Chatwoot, Configurações do perfil > Token de acesso; depois relay session rm e add",
                "use an administrator's token: in Chatwoot, Profile settings > Access token; then relay session rm and add",
                "use el token de un administrador: en Chatwoot, Configuración del perfil > Token de acceso; luego relay session rm y add",
            )
        };
        match self {
            Self::User => Said::ok(l.pick("token de um usuário", "token of a user", "token de un usuario")),
            Self::Bot => Said::fail(
                l.pick("o token é de um bot", "the token is a bot's", "el token es de un bot"),
                l.pick(
                    "um bot não pode ler contatos nem marcar mensagens",
                    "a bot may neither read contacts nor mark messages",
                    "un bot no puede leer contactos ni marcar mensajes",
                ),
                fix(),
            ),
            Self::Unknown => Said::fail(
                l.pick(
                    "o Chatwoot não conhece este token",
                    "Chatwoot does not know this token",
                    "Chatwoot no conoce este token",
                ),
                l.pick(
                    "ele foi trocado, é de outro Chatwoot, ou é de um aplicativo de plataforma, que não serve aqui",
                    "it was replaced, is another Chatwoot's, or is a platform app's, which is of no use here",
                    "fue reemplazado, es de otro Chatwoot, o es de una aplicación de plataforma, que aquí no sirve",
                ),
                fix(),
            ),
        }
    }
}

/// What the token may do in the account.
pub(in crate::doctor) enum Account {
    Administrator(i64),
    Agent(i64),
    NotSeen { wanted: i64, seen: Vec<i64> },
}

impl Account {
    pub(in crate::doctor) fn say(&self, l: Locale) -> Said {
        match self {
            Self::Administrator(id) => {
                Said::ok(l.pick(&format!("conta {id}, administrador"), &format!("account {id}, administrator"), &format!("cuenta {id}, administrador")))
            }
            Self::Agent(id) => Said::warn(
                l.pick(&format!("conta {id}, agente"), &format!("account {id}, agent"), &format!("cuenta {id}, agente")),
                l.pick(
                    "um agente não pode definir o webhook nem ler o segredo da assinatura, e só vê as caixas em que está",
                    "an agent can neither set the webhook nor read the signing secret, and sees only inboxes they are in",
                    "un agente no puede definir el webhook ni leer el secreto de la firma, y solo ve las bandejas en que está",
                ),
                l.pick("torne o usuário administrador, ou use o token de um", "make the user an administrator, or use the token of one", "haga administrador al usuario, o use el token de uno"),
            ),
            Self::NotSeen { wanted, seen } => {
                let seen = seen.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                Said::fail(
                    l.pick(
                        &format!("o token não vê a conta {wanted}; vê: {seen}"),
                        &format!("the token does not see account {wanted}; it sees: {seen}"),
                        &format!("el token no ve la cuenta {wanted}; ve: {seen}"),
                    ),
                    l.pick("o usuário não faz parte da conta da sessão", "the user does not belong to the session's account", "el usuario no pertenece a la cuenta de la sesión"),
                    l.pick(
                        "use a conta certa (o número depois de /accounts/ no navegador), ou ponha o usuário na conta",
                        "use the right account (the number after /accounts/ in the browser), or add the user to the account",
                        "use la cuenta correcta (el número después de /accounts/ en el navegador), o agregue el usuario a la cuenta",
                    ),
                )
            }
        }
    }
}
