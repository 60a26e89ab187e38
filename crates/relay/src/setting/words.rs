//! What is said of settings: what each means here, what each may be in [`form`], what is wrong in [`trouble`].

mod form;
mod trouble;

use super::given::Place;
use super::{Key, Usual};
use crate::words::{Say, Three, three};

pub(crate) use self::form::FormWords;
pub(crate) use self::trouble::{Remedy, Sentence};

/// What a setting does.
pub(crate) struct About(pub(crate) Key);

#[expect(clippy::too_many_lines, reason = "one arm for each setting")]
impl Say for About {
    fn in_three(&self) -> Three {
        match self.0 {
            Key::ChatwootUrl => three(
                "Onde o Chatwoot está, para novas sessões: o endereço do navegador, sem caminho",
                "Where Chatwoot is, for new sessions: as the browser shows it, without a path",
                "Dónde está Chatwoot, para sesiones nuevas: la dirección del navegador, sin ruta",
            ),
            Key::CodechatUrl => three(
                "Onde o CodeChat está, para novas sessões",
                "Where CodeChat is, for new sessions",
                "Dónde está CodeChat, para sesiones nuevas",
            ),
            Key::CodechatKey => three(
                "Chave global do CodeChat, seu AUTHENTICATION_GLOBAL_AUTH_TOKEN",
                "CodeChat's global key, its AUTHENTICATION_GLOBAL_AUTH_TOKEN",
                "Clave global de CodeChat, su AUTHENTICATION_GLOBAL_AUTH_TOKEN",
            ),
            Key::ApiUrl => three(
                "Como o Chatwoot e as pessoas alcançam o relay; parte dos endereços de webhook",
                "How Chatwoot and people reach the relay; part of webhook addresses",
                "Cómo Chatwoot y las personas alcanzan el relay; parte de las direcciones de webhook",
            ),
            Key::CodechatCallbackUrl => three(
                "Como o CodeChat alcança o relay: webhooks e arquivos",
                "How CodeChat reaches the relay: webhooks and files",
                "Cómo CodeChat alcanza el relay: webhooks y archivos",
            ),
            Key::ApiKey => three(
                "Chave da API do próprio relay, cabeçalho Api-Key",
                "Key of the relay's own API, header Api-Key",
                "Clave de la API del propio relay, cabecera Api-Key",
            ),
            Key::SecretKey => three(
                "Com o que os tokens são cifrados e os ids de mensagens derivados; guarde uma cópia",
                "What tokens are encrypted with and message ids derived from; keep a copy",
                "Con qué se cifran los tokens y de qué se derivan los ids de mensajes; guarda una copia",
            ),
            Key::Host => three("Endereço em que escutar", "Address to listen on", "Dirección en la que escuchar"),
            Key::Port => three("Porta em que escutar", "Port to listen on", "Puerto en el que escuchar"),
            Key::DbUrl => three(
                "Banco de dados: SQLite embutido, ou PostgreSQL onde vários relays dividem o trabalho",
                "Database: embedded SQLite, or PostgreSQL where several relays share the work",
                "Base de datos: SQLite incluido, o PostgreSQL donde varios relays comparten el trabajo",
            ),
            Key::DataDir => three(
                "Pasta do banco embutido, das chaves e dos arquivos em trânsito",
                "Folder of the embedded database, keys and files in transit",
                "Carpeta de la base incluida, de las claves y de los archivos en tránsito",
            ),
            Key::Locale => three(
                "Idioma de avisos, textos substitutos e motivos de falha",
                "Language of notes, placeholders and reasons of failure",
                "Idioma de avisos, textos sustitutos y motivos de fallo",
            ),
            Key::OutboundTtlMinutes => three(
                "Minutos que uma queda pode reter a mensagem de um agente antes que ela não seja mais enviada sozinha",
                "Minutes that an outage may keep an agent's message before it is not sent by itself any more",
                "Minutos que un corte puede retener el mensaje de un agente antes de que ya no se envíe solo",
            ),
            Key::OutboundPace => three(
                "Mensagens por segundo que cada número envia no máximo, para protegê-lo; 0 para sem limite",
                "Messages a second that each number sends at most, to protect it; 0 for no limit",
                "Mensajes por segundo que cada número envía como máximo, para protegerlo; 0 para sin límite",
            ),
            Key::OutboundBurst => three(
                "Quantas delas podem ir de uma vez após um descanso",
                "How many of them may go at once after a rest",
                "Cuántos de ellos pueden ir de una vez tras un descanso",
            ),
            Key::ConversationPace => three(
                "Mensagens por minuto que uma conversa no Chatwoot recebe; 0 para sem limite. O Chatwoot recusa mais de 200",
                "Messages a minute that a conversation in Chatwoot gets; 0 for no limit. Chatwoot refuses more than 200",
                "Mensajes por minuto que recibe una conversación en Chatwoot; 0 para sin límite. Chatwoot rechaza más de 200",
            ),
            Key::MaxMediaMb => three(
                "Maior arquivo transportado, em milhões de bytes",
                "Largest file carried, in millions of bytes",
                "Mayor archivo transportado, en millones de bytes",
            ),
            Key::MinFreeMbFiles => three(
                "Megabytes livres abaixo dos quais mensagens com arquivos esperam; 2 % do volume sempre bastam; 0 desliga",
                "Free megabytes below which messages with files wait; 2 % of the volume always suffice; 0 for off",
                "Megabytes libres por debajo de los cuales esperan los mensajes con archivos; el 2 % del volumen siempre basta; 0 lo desactiva",
            ),
            Key::MinFreeMb => three(
                "Megabytes livres abaixo dos quais webhooks são recusados até haver espaço; 2 % do volume sempre bastam",
                "Free megabytes below which webhooks are refused until there is room; 2 % of the volume always suffice",
                "Megabytes libres por debajo de los cuales se rechazan webhooks hasta que haya espacio; el 2 % del volumen siempre basta",
            ),
            Key::AudioEngine => three(
                "Quem converte áudio: o próprio relay (native), com ffmpeg para o que não sabe ler (fallback), ou sempre ffmpeg",
                "Who converts audio: the relay itself (native), with ffmpeg for what it cannot decode (fallback), or always ffmpeg",
                "Quién convierte audio: el propio relay (native), con ffmpeg para lo que no sabe leer (fallback), o siempre ffmpeg",
            ),
            Key::LogLevel => three(
                "Nível mais baixo registrado, ou um filtro; o log vai para a saída de erros",
                "Lowest level logged, or a filter; the log goes to standard error",
                "Nivel más bajo registrado, o un filtro; el log va a la salida de errores",
            ),
            Key::LogFormat => three(
                "Forma do log: para pessoas (text) ou programas (json)",
                "Form of the log: for people (text) or programs (json)",
                "Forma del log: para personas (text) o programas (json)",
            ),
        }
    }
}

/// What holds when nobody says otherwise.
pub(crate) struct UsualWords(pub(crate) Usual);

impl Say for UsualWords {
    fn in_three(&self) -> Three {
        match self.0 {
            Usual::Value(value) => three(value, value, value),
            Usual::Nothing => three("nenhum", "none", "ninguno"),
            Usual::Made => three(
                "feita na primeira partida, guardada em DATA_DIR",
                "made on first start, kept in DATA_DIR",
                "hecha en el primer inicio, guardada en DATA_DIR",
            ),
            Usual::ThisMachine => three("http://localhost:PORT", "http://localhost:PORT", "http://localhost:PORT"),
            Usual::ApiUrl => three("API_URL", "API_URL", "API_URL"),
            Usual::OwnDatabase => {
                three("sqlite://DATA_DIR/relay.db", "sqlite://DATA_DIR/relay.db", "sqlite://DATA_DIR/relay.db")
            }
        }
    }
}

/// Where a value is from.
pub(crate) struct PlaceWords<'a>(pub(crate) &'a Place);

impl Say for PlaceWords<'_> {
    fn in_three(&self) -> Three {
        let same = |text: &str| three(text, text, text);
        match self.0 {
            Place::Default => three("padrão", "default", "por defecto"),
            Place::Flag(key) => same(&format!("--{}", key.flag())),
            Place::Environment => three("ambiente", "environment", "entorno"),
            Place::Line(0) => same(".env"),
            Place::Line(line) => same(&format!(".env:{line}")),
            Place::File(path) => same(path),
            Place::Made => three("feita pelo relay", "made by the relay", "hecha por el relay"),
        }
    }
}
