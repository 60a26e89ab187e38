//! What stands in the way of `relay setup`, in words, each with what to do about it.

use chatwoot::Version;
use relay_engine::setup::{BadAddress, PlanError, Refusal, Unanswered, Why};

use super::{Say, Three, three};

/// Something that went wrong.
#[derive(Clone, Debug)]
pub(crate) enum Trouble {
    /// What was typed is no address.
    NoAddress(BadAddress),
    /// A side cannot be used.
    Refused { side: &'static str, url: String, refusal: Refusal },
    /// The question was asked often enough.
    GaveUp,
    /// The token's user administers no such account.
    NoAccount { account: i64, known: String },
    /// Several accounts, and nothing says which.
    WhichAccount { known: String },
    /// No plan can be made.
    Plan(PlanError),
    /// A side did not do its part.
    Failed { side: &'static str, why: String },
    /// The relay itself did not do its part: the code of its answer, and the reason in English.
    ByRelay { code: String, detail: String },
    /// The relay that runs was started with other settings.
    OtherSettings,
    /// A side cannot reach the relay.
    Unreachable { side: &'static str, address: String, reach: Reach },
}

/// Why a side cannot reach the relay.
#[derive(Clone, Debug)]
pub(crate) enum Reach {
    /// Chatwoot said why; its release tells what can be done.
    Said(Unanswered, Version),
    /// Nothing came, and nobody said why.
    Silence,
}

impl Say for Trouble {
    fn in_three(&self) -> Three {
        match self {
            Self::NoAddress(bad) => no_address(*bad),
            Self::Refused { side, url, refusal } => refused(side, url, refusal),
            Self::GaveUp => three(
                "três respostas não serviram\n  hint: confira o endereço ou a chave e rode relay setup de novo",
                "three answers did not do\n  hint: check the address or the key, and run relay setup again",
                "tres respuestas no sirvieron\n  hint: revisa la dirección o la clave y ejecuta relay setup de nuevo",
            ),
            Self::NoAccount { account, known } => [
                format!("esse token não administra a conta {account}\n  hint: ele administra: {known}"),
                format!("this token administers no account {account}\n  hint: it administers: {known}"),
                format!("este token no administra la cuenta {account}\n  hint: administra: {known}"),
            ],
            Self::WhichAccount { known } => [
                format!("há várias contas\n  hint: escolha com --account: {known}"),
                format!("there are several accounts\n  hint: choose with --account: {known}"),
                format!("hay varias cuentas\n  hint: elige con --account: {known}"),
            ],
            Self::Plan(error) => plan(error),
            Self::Failed { side, why } => [
                format!(
                    "{side} não fez sua parte: {why}\n  hint: o que já foi feito fica; resolva e rode relay setup de novo"
                ),
                format!(
                    "{side} did not do its part: {why}\n  hint: what was made stays; mend it and run relay setup again"
                ),
                format!(
                    "{side} no hizo su parte: {why}\n  hint: lo hecho queda; resuélvelo y ejecuta relay setup de nuevo"
                ),
            ],
            Self::ByRelay { code, detail } => super::relay::refused(code, detail),
            Self::OtherSettings => three(
                "o relay que está rodando usa outras configurações\n  hint: .env está escrito: reinicie o relay e rode relay setup de novo",
                "the relay that runs uses other settings\n  hint: .env is written: restart the relay, then run relay setup again",
                "el relay en marcha usa otra configuración\n  hint: .env está escrito: reinicia el relay y ejecuta relay setup de nuevo",
            ),
            Self::Unreachable { side, address, reach } => unreachable(side, address, reach),
        }
    }
}

fn no_address(bad: BadAddress) -> Three {
    match bad {
        BadAddress::Empty => three("escreva um endereço", "type an address", "escribe una dirección"),
        BadAddress::Scheme => three(
            "o endereço deve começar com http:// ou https://",
            "the address must begin with http:// or https://",
            "la dirección debe comenzar con http:// o https://",
        ),
        BadAddress::Credentials => three(
            "o endereço não pode trazer usuário ou senha",
            "the address must hold no user name or password",
            "la dirección no puede llevar usuario o contraseña",
        ),
        BadAddress::Unreadable => three(
            "isso não é um endereço, como https://chat.exemplo.com.br",
            "this is no address, as https://chat.example.com is",
            "esto no es una dirección, como https://chat.ejemplo.com",
        ),
    }
}

fn refused(side: &str, url: &str, refusal: &Refusal) -> Three {
    match refusal {
        Refusal::Address { why, detail } => unusable(side, url, *why, detail),
        Refusal::TooOld { version } => [
            format!("o Chatwoot {version} é antigo demais\n  hint: atualize-o para {} ou mais novo", Version::OLDEST),
            format!("Chatwoot {version} is too old\n  hint: update it to {} or newer", Version::OLDEST),
            format!("Chatwoot {version} es demasiado antiguo\n  hint: actualízalo a {} o más nuevo", Version::OLDEST),
        ],
        Refusal::Key if side == "Chatwoot" => three(
            "o Chatwoot não conhece esse token\n  hint: use o de um administrador: Configurações do perfil › Token de acesso;\n  o identificador de uma caixa ou o token de um app da plataforma não servem",
            "Chatwoot does not know this token\n  hint: use an administrator's: Profile settings › Access token;\n  an inbox's identifier or a platform app's token do not do",
            "Chatwoot no conoce este token\n  hint: usa el de un administrador: Configuración del perfil › Token de acceso;\n  el identificador de una bandeja o el token de una app de plataforma no sirven",
        ),
        Refusal::Key => three(
            "o CodeChat recusa essa chave\n  hint: é o AUTHENTICATION_GLOBAL_AUTH_TOKEN do CodeChat; o token de uma instância não serve",
            "CodeChat refuses this key\n  hint: it is CodeChat's AUTHENTICATION_GLOBAL_AUTH_TOKEN; an instance's token does not do",
            "CodeChat rechaza esta clave\n  hint: es el AUTHENTICATION_GLOBAL_AUTH_TOKEN de CodeChat; el token de una instancia no sirve",
        ),
        Refusal::BotToken => three(
            "esse token é de um robô, que não pode criar caixas de entrada\n  hint: use o de um administrador: Configurações do perfil › Token de acesso",
            "this token is an agent bot's, which cannot make inboxes\n  hint: use an administrator's: Profile settings › Access token",
            "este token es de un bot, que no puede crear bandejas\n  hint: usa el de un administrador: Configuración del perfil › Token de acceso",
        ),
        Refusal::NotAdministrator { name } => [
            format!(
                "{name} não é administrador de nenhuma conta\n  hint: use o token de um administrador: Configurações do perfil › Token de acesso"
            ),
            format!(
                "{name} administers no account\n  hint: use the token of an administrator: Profile settings › Access token"
            ),
            format!(
                "{name} no administra ninguna cuenta\n  hint: usa el token de un administrador: Configuración del perfil › Token de acceso"
            ),
        ],
    }
}

fn unusable(side: &str, url: &str, why: Why, detail: &str) -> Three {
    let [mut pt, mut en, mut es] = match why {
        Why::UnknownName => [
            format!("nenhum servidor tem o nome de {url}"),
            format!("no server has the name of {url}"),
            format!("ningún servidor tiene el nombre de {url}"),
        ],
        Why::NothingListens => [
            format!(
                "nada responde em {url}: o servidor recusa a conexão\n  hint: confira a porta, e se o {side} está rodando"
            ),
            format!(
                "nothing answers at {url}: the connection is refused\n  hint: check the port, and that {side} is running"
            ),
            format!(
                "nada responde en {url}: la conexión es rechazada\n  hint: revisa el puerto, y que {side} esté en marcha"
            ),
        ],
        Why::Silent => [
            format!("{url} não respondeu a tempo\n  hint: confira o endereço e o firewall"),
            format!("{url} did not answer in time\n  hint: check the address and the firewall"),
            format!("{url} no respondió a tiempo\n  hint: revisa la dirección y el firewall"),
        ],
        Why::Certificate => [
            format!(
                "o certificado de {url} não é confiável\n  hint: use um certificado público, ou http dentro de uma rede privada"
            ),
            format!(
                "the certificate of {url} is not trusted\n  hint: use a public certificate, or http inside a private network"
            ),
            format!(
                "el certificado de {url} no es de confianza\n  hint: usa un certificado público, o http dentro de una red privada"
            ),
        ],
        Why::Redirects => [
            format!("{url} redireciona para outro endereço\n  hint: use aquele ({detail})"),
            format!("{url} redirects to another address\n  hint: use that one ({detail})"),
            format!("{url} redirige a otra dirección\n  hint: usa aquella ({detail})"),
        ],
        Why::SomethingElse => [
            format!("algo responde em {url}, mas não é o {side}"),
            format!("something answers at {url}, but it is not {side}"),
            format!("algo responde en {url}, pero no es {side}"),
        ],
        Why::Broken => [
            format!("{url} responde com um erro: {detail}\n  hint: veja o log do {side}"),
            format!("{url} answers with an error: {detail}\n  hint: look at the log of {side}"),
            format!("{url} responde con un error: {detail}\n  hint: mira el log de {side}"),
        ],
        Why::Unreachable => [
            format!("{url} está fora de alcance: {detail}"),
            format!("{url} is out of reach: {detail}"),
            format!("{url} está fuera de alcance: {detail}"),
        ],
    };
    if is_loopback(url) && is_in_container() {
        pt += "\n  hint: dentro de um contêiner, localhost é o próprio contêiner: use o nome do serviço ou o IP da máquina";
        en += "\n  hint: inside a container localhost is the container itself: use the service's name or the machine's IP";
        es += "\n  hint: dentro de un contenedor, localhost es el propio contenedor: usa el nombre del servicio o la IP de la máquina";
    }
    [pt, en, es]
}

fn is_loopback(url: &str) -> bool {
    ["//localhost", "//127.", "//[::1]"].iter().any(|host| url.contains(host))
}

fn is_in_container() -> bool {
    ["/.dockerenv", "/run/.containerenv"].iter().any(|mark| std::path::Path::new(mark).exists())
}

fn plan(error: &PlanError) -> Three {
    match error {
        PlanError::NoInbox { account, inbox } => [
            format!(
                "a conta {account} não tem a caixa de entrada {inbox}, ou ela não é do tipo API\n  hint: deixe --inbox de fora para ter uma criada"
            ),
            format!(
                "account {account} has no inbox {inbox}, or it is not of type API\n  hint: leave --inbox out to have one made"
            ),
            format!(
                "la cuenta {account} no tiene la bandeja {inbox}, o no es de tipo API\n  hint: omite --inbox para que se cree una"
            ),
        ],
        PlanError::NameTaken { name, inbox } => [
            format!("a sessão {name} já pertence à caixa de entrada {inbox}\n  hint: escolha outro nome com --name"),
            format!("session {name} belongs to inbox {inbox} already\n  hint: choose another name with --name"),
            format!("la sesión {name} ya pertenece a la bandeja {inbox}\n  hint: elige otro nombre con --name"),
        ],
        PlanError::Choose { inboxes, .. } => {
            let known = inboxes.iter().map(|(id, name)| format!("{id} {name}")).collect::<Vec<_>>().join(", ");
            [
                format!(
                    "há várias caixas de entrada\n  hint: escolha com --inbox, ou --inbox-name para uma nova: {known}"
                ),
                format!(
                    "there are several inboxes\n  hint: choose with --inbox, or --inbox-name for a new one: {known}"
                ),
                format!("hay varias bandejas\n  hint: elige con --inbox, o --inbox-name para una nueva: {known}"),
            ]
        }
    }
}

fn unreachable(side: &str, address: &str, reach: &Reach) -> Three {
    let [pt, en, es] = match reach {
        Reach::Said(unanswered, version) => said(unanswered, *version),
        Reach::Silence if is_loopback(address) => three(
            "se o outro lado roda em um contêiner, localhost é ele mesmo: use o IP desta máquina ou um endereço público",
            "if that side runs in a container, localhost is itself: use this machine's IP or a public address",
            "si ese lado está en un contenedor, localhost es él mismo: usa la IP de esta máquina o una dirección pública",
        ),
        Reach::Silence => three(
            "abra esse endereço a partir daquele servidor (curl) e confira DNS, proxy e firewall",
            "open that address from that server (curl), and check DNS, proxy and firewall",
            "abre esa dirección desde aquel servidor (curl) y revisa DNS, proxy y firewall",
        ),
    };
    let setting = if side == "Chatwoot" { "API_URL" } else { "CODECHAT_CALLBACK_URL" };
    [
        format!(
            "{side} não alcança o relay em {address}\nhint: {pt}\nhint: outro endereço: {setting}=… em .env, e relay setup de novo"
        ),
        format!(
            "{side} does not reach the relay at {address}\nhint: {en}\nhint: for another address set {setting}=… in .env and run relay setup again"
        ),
        format!(
            "{side} no alcanza el relay en {address}\nhint: {es}\nhint: otra dirección: {setting}=… en .env, y relay setup de nuevo"
        ),
    ]
}

fn said(unanswered: &Unanswered, version: Version) -> Three {
    match unanswered {
        Unanswered::PrivateNetwork if version == Version::new(4, 14, 0) => three(
            "o Chatwoot 4.14.0 nunca chama endereços privados: atualize para 4.14.1 e ponha SAFE_FETCH_ALLOW_PRIVATE_NETWORK=true",
            "Chatwoot 4.14.0 never calls private addresses: update to 4.14.1 and set SAFE_FETCH_ALLOW_PRIVATE_NETWORK=true",
            "Chatwoot 4.14.0 nunca llama a direcciones privadas: actualiza a 4.14.1 y pon SAFE_FETCH_ALLOW_PRIVATE_NETWORK=true",
        ),
        Unanswered::PrivateNetwork => three(
            "o Chatwoot recusa endereços privados: ponha SAFE_FETCH_ALLOW_PRIVATE_NETWORK=true nos contêineres web E worker e reinicie os dois",
            "Chatwoot refuses private addresses: set SAFE_FETCH_ALLOW_PRIVATE_NETWORK=true on its web AND worker containers, restart both",
            "Chatwoot rechaza direcciones privadas: pon SAFE_FETCH_ALLOW_PRIVATE_NETWORK=true en los contenedores web Y worker y reinicia ambos",
        ),
        Unanswered::UnknownName => three(
            "o Chatwoot não encontra esse nome: confira o DNS",
            "Chatwoot finds no server of that name: check the DNS",
            "Chatwoot no encuentra ese nombre: revisa el DNS",
        ),
        Unanswered::NothingListens => three(
            "nada escuta lá, visto do Chatwoot; em um contêiner, localhost é ele mesmo",
            "nothing listens there, as Chatwoot sees it; inside a container localhost is itself",
            "nada escucha allí, visto desde Chatwoot; en un contenedor, localhost es él mismo",
        ),
        Unanswered::Silent => three(
            "não houve resposta a tempo: confira firewall e proxy",
            "no answer came in time: check firewall and proxy",
            "no hubo respuesta a tiempo: revisa firewall y proxy",
        ),
        Unanswered::Certificate => three(
            "o Chatwoot não confia no certificado desse endereço",
            "Chatwoot does not trust the certificate of that address",
            "Chatwoot no confía en el certificado de esa dirección",
        ),
        Unanswered::Refused(status) => [
            format!("outra coisa responde lá ({status}): o proxy deve passar /chatwoot/ e /codechat/ ao relay"),
            format!(
                "something else answers there ({status}): the proxy must pass /chatwoot/ and /codechat/ to the relay"
            ),
            format!("otra cosa responde allí ({status}): el proxy debe pasar /chatwoot/ y /codechat/ al relay"),
        ],
        Unanswered::Other(text) => {
            [format!("o Chatwoot diz: {text}"), format!("Chatwoot says: {text}"), format!("Chatwoot dice: {text}")]
        }
    }
}
