//! Every sentence of `relay setup`: what is asked and found here, what is made in [`step`], what goes wrong in [`trouble`].

mod relay;
mod step;
mod trouble;

use chatwoot::Version;
use relay_engine::setup::Saving;

pub(crate) use crate::words::{Say, Three, three};

pub(crate) use step::Step;
pub(crate) use trouble::{Reach, Trouble};

/// A question, or what is said about an answer.
#[derive(Clone, Debug)]
pub(crate) enum Word {
    Intro,
    ChatwootUrl,
    ChatwootToken,
    CodeChatUrl,
    CodeChatKey,
    PublicUrl,
    ChooseAccount,
    ChooseInbox,
    NewInbox,
    Confirm,
    TryAgain,
    /// A path that was typed and left out.
    Cut(String),
    ChatwootAnswers(Version),
    CodeChatAnswers,
    /// The user's name, and the accounts.
    TokenGood(String, String),
    /// Whether the release is 1.3.7 or newer, and whether messages are saved.
    KeyGood(bool, Saving),
    SavingOff,
    /// Chatwoot refuses private addresses; this is one.
    PrivateAddress(Version, String),
    /// Only this machine knows this address.
    LoopbackAddress(String),
    PlanHeader,
    NothingToDo,
    /// Text of the note that a knock leaves for a moment.
    KnockNote,
    /// Nobody answers, and this flag is missing.
    NotGiven {
        flag: &'static str,
    },
    /// Nobody answers, and these flags are missing.
    SeveralNotGiven(String),
    NotChosen,
    Declined,
    Interrupted,
}

#[expect(clippy::too_many_lines, reason = "one arm for each sentence")]
impl Say for Word {
    fn in_three(&self) -> Three {
        match self {
            Self::Intro => three(
                "Liga um número de WhatsApp a uma caixa de entrada do Chatwoot.\n  Ctrl-C é seguro: rode de novo para continuar.",
                "Joins a WhatsApp number to a Chatwoot inbox.\n  Ctrl-C is safe: run it again to go on.",
                "Conecta un número de WhatsApp a una bandeja de Chatwoot.\n  Ctrl-C es seguro: ejecútalo de nuevo para continuar.",
            ),
            Self::ChatwootUrl => three("Endereço do Chatwoot", "Chatwoot URL", "Dirección de Chatwoot"),
            Self::ChatwootToken => three("Token de acesso", "Access token", "Token de acceso"),
            Self::CodeChatUrl => three("Endereço do CodeChat", "CodeChat URL", "Dirección de CodeChat"),
            Self::CodeChatKey => three("Chave global", "Global key", "Clave global"),
            Self::PublicUrl => {
                three("Endereço público para webhooks", "Public URL for webhooks", "Dirección pública para webhooks")
            }
            Self::ChooseAccount => three("Qual conta?", "Which account?", "¿Qué cuenta?"),
            Self::ChooseInbox => three("Qual caixa de entrada?", "Which inbox?", "¿Qué bandeja?"),
            Self::NewInbox => three("uma nova", "a new one", "una nueva"),
            Self::Confirm => three("Fazer isso? [S/n]", "Do this? [Y/n]", "¿Hacer esto? [S/n]"),
            Self::TryAgain => three("Tentar de novo? [S/n]", "Try again? [Y/n]", "¿Intentar de nuevo? [S/n]"),
            Self::Cut(path) => [
                format!("só o endereço em si é usado: {path} ficou de fora"),
                format!("only the address itself is used: {path} was left out"),
                format!("solo se usa la dirección en sí: {path} quedó fuera"),
            ],
            Self::ChatwootAnswers(version) => [
                format!("Chatwoot {version} responde"),
                format!("Chatwoot {version} answers"),
                format!("Chatwoot {version} responde"),
            ],
            Self::CodeChatAnswers => three("o CodeChat responde", "CodeChat answers", "CodeChat responde"),
            Self::TokenGood(name, accounts) => [
                format!("{name} (administrador), contas: {accounts}"),
                format!("{name} (administrator), accounts: {accounts}"),
                format!("{name} (administrador), cuentas: {accounts}"),
            ],
            Self::KeyGood(is_recent, saving) => key_good(*is_recent, *saving),
            Self::SavingOff => three(
                "o CodeChat não guarda mensagens: o que nenhum webhook contar não pode ser recuperado\n\
                 hint: ponha DATABASE_SAVE_DATA_NEW_MESSAGE=true no CodeChat e reinicie-o",
                "CodeChat saves no messages: what no webhook tells cannot be recovered\n\
                 hint: set DATABASE_SAVE_DATA_NEW_MESSAGE=true in CodeChat and restart it",
                "CodeChat no guarda mensajes: lo que ningún webhook cuente no se puede recuperar\n\
                 hint: pon DATABASE_SAVE_DATA_NEW_MESSAGE=true en CodeChat y reinícialo",
            ),
            Self::PrivateAddress(version, host) => [
                format!(
                    "{host} é um endereço privado, e o Chatwoot {version} só os chama com\n\
                     SAFE_FETCH_ALLOW_PRIVATE_NETWORK=true nos contêineres web e worker"
                ),
                format!(
                    "{host} is a private address, and Chatwoot {version} calls those only with\n\
                     SAFE_FETCH_ALLOW_PRIVATE_NETWORK=true on its web and worker containers"
                ),
                format!(
                    "{host} es una dirección privada, y Chatwoot {version} solo las llama con\n\
                     SAFE_FETCH_ALLOW_PRIVATE_NETWORK=true en sus contenedores web y worker"
                ),
            ],
            Self::LoopbackAddress(host) => [
                format!(
                    "{host} só existe nesta máquina: o Chatwoot e o CodeChat precisam rodar nela, fora de contêineres"
                ),
                format!("{host} is this machine alone: Chatwoot and CodeChat must run on it, outside of containers"),
                format!(
                    "{host} es solo esta máquina: Chatwoot y CodeChat deben ejecutarse en ella, fuera de contenedores"
                ),
            ],
            Self::PlanHeader => three("O que será feito:", "What will be done:", "Lo que se hará:"),
            Self::NothingToDo => three(
                "tudo está no lugar, nada precisa mudar",
                "everything is in place, nothing has to change",
                "todo está en su lugar, nada tiene que cambiar",
            ),
            Self::KnockNote => three(
                "O relay confere se o Chatwoot o alcança. Esta conversa some em seguida.",
                "The relay checks that Chatwoot reaches it. This conversation goes away in a moment.",
                "El relay comprueba que Chatwoot lo alcance. Esta conversación desaparece enseguida.",
            ),
            Self::NotGiven { flag } => [
                format!("falta uma resposta\n  hint: dê-a com {flag}, ou rode sem --yes em um terminal"),
                format!("an answer is missing\n  hint: give it with {flag}, or run without --yes on a terminal"),
                format!("falta una respuesta\n  hint: dala con {flag}, o ejecuta sin --yes en una terminal"),
            ],
            Self::SeveralNotGiven(flags) => [
                format!("faltam respostas\n  hint: dê-as com {flags}, ou rode sem --yes em um terminal"),
                format!("answers are missing\n  hint: give them with {flags}, or run without --yes on a terminal"),
                format!("faltan respuestas\n  hint: dalas con {flags}, o ejecuta sin --yes en una terminal"),
            ],
            Self::NotChosen => three(
                "responda com um dos números",
                "answer with one of the numbers",
                "responde con uno de los números",
            ),
            Self::Declined => three(
                "nada foi mudado\n  hint: relay setup --help mostra o que pode ser escolhido",
                "nothing was changed\n  hint: relay setup --help shows what can be chosen",
                "no se cambió nada\n  hint: relay setup --help muestra lo que se puede elegir",
            ),
            Self::Interrupted => three(
                "interrompido; o que foi feito fica: rode relay setup de novo para continuar",
                "interrupted; what was made stays: run relay setup again to go on",
                "interrumpido; lo hecho queda: ejecuta relay setup de nuevo para continuar",
            ),
        }
    }
}

fn key_good(is_recent: bool, saving: Saving) -> Three {
    let release = if is_recent { "CodeChat ≥ 1.3.7" } else { "CodeChat < 1.3.7" };
    match saving {
        Saving::On => [
            format!("{release}, guarda mensagens"),
            format!("{release}, message saving on"),
            format!("{release}, guarda mensajes"),
        ],
        Saving::Off | Saving::Unknown => [
            format!("{release}, a chave serve"),
            format!("{release}, the key is right"),
            format!("{release}, la clave sirve"),
        ],
    }
}
