//! What is wrong with the configuration, and what to do about it.

use std::io::ErrorKind;

use super::FormWords;
use crate::setting::Key;
use crate::setting::form::Wrong;
use crate::setting::problem::{Problem, What};
use crate::words::{Say, Three, three};

/// More of a value is not repeated.
const SHOWN: usize = 60;

/// What is wrong.
pub(crate) struct Sentence<'a>(pub(crate) &'a Problem);

impl Say for Sentence<'_> {
    fn in_three(&self) -> Three {
        let name = &self.0.name;
        match &self.0.what {
            What::Malformed => {
                three("esta linha não é uma configuração", "this line is no setting", "esta línea no es una opción")
            }
            What::Unreadable(kind) => unreadable(".env", *kind),
            What::Wrong { key, value, wrong } => wrong_value(name, *key, value, wrong),
            What::Both(key) => [
                format!("{} e {name} estão definidos", key.name()),
                format!("both {} and {name} are set", key.name()),
                format!("{} y {name} están definidos", key.name()),
            ],
            What::FileUnreadable(path, kind) => {
                let [pt, en, es] = unreadable(path, *kind);
                [format!("{name}: {pt}"), format!("{name}: {en}"), format!("{name}: {es}")]
            }
            What::FileEmpty(path) => [
                format!("{name}: {path} está vazio"),
                format!("{name}: {path} is empty"),
                format!("{name}: {path} está vacío"),
            ],
            What::Unknown(_) => [
                format!("{name} não é uma configuração e não tem efeito"),
                format!("{name} is no setting, and has no effect"),
                format!("{name} no es una opción y no tiene efecto"),
            ],
            What::NotFromFile(key) => [
                format!("{name} não tem efeito: {} não é lida de um arquivo", key.name()),
                format!("{name} has no effect: {} is not read from a file", key.name()),
                format!("{name} no tiene efecto: {} no se lee de un archivo", key.name()),
            ],
            What::Twice { first } => [
                format!("{name} já está na linha {first}; esta não tem efeito"),
                format!("{name} is on line {first} already; this one has no effect"),
                format!("{name} ya está en la línea {first}; esta no tiene efecto"),
            ],
            What::Unnecessary => [
                format!("{name} não tem efeito: as migrações são embutidas e rodam na partida"),
                format!("{name} has no effect: migrations are built in and run on start"),
                format!("{name} no tiene efecto: las migraciones están incluidas y se ejecutan al iniciar"),
            ],
            What::StillExample => [
                format!("{name} ainda é o endereço do exemplo"),
                format!("{name} is still the example's address"),
                format!("{name} es todavía la dirección del ejemplo"),
            ],
            What::Short { length } => [
                format!("{name} (definida, {length} caracteres) é curta e se adivinha"),
                format!("{name} (set, {length} chars) is short, and can be guessed"),
                format!("{name} (definida, {length} caracteres) es corta y se puede adivinar"),
            ],
            What::Without(other) => [
                format!("{name} está definida, mas {} não", other.name()),
                format!("{name} is set, but {} is not", other.name()),
                format!("{name} está definida, pero {} no", other.name()),
            ],
            What::AboveFiles => [
                format!("{name} é maior que MIN_FREE_MB_FILES: webhooks seriam recusados antes que arquivos esperem"),
                format!("{name} is above MIN_FREE_MB_FILES: webhooks would be refused before files wait"),
                format!(
                    "{name} es mayor que MIN_FREE_MB_FILES: se rechazarían webhooks antes de que esperen los archivos"
                ),
            ],
        }
    }
}

fn unreadable(path: &str, kind: ErrorKind) -> Three {
    let [pt, en, es] = match kind {
        ErrorKind::NotFound => three("não existe", "is not there", "no existe"),
        ErrorKind::PermissionDenied => three(
            "não pode ser lido por este usuário",
            "may not be read by this user",
            "no puede ser leído por este usuario",
        ),
        ErrorKind::IsADirectory => three("é uma pasta", "is a folder", "es una carpeta"),
        ErrorKind::InvalidData => three("não é texto em UTF-8", "is not text in UTF-8", "no es texto en UTF-8"),
        _ => three("não pode ser lido", "cannot be read", "no se puede leer"),
    };
    [format!("{path} {pt}"), format!("{path} {en}"), format!("{path} {es}")]
}

/// A name with its value, as far as it may be shown, and what is wrong with it.
fn wrong_value(name: &str, key: Key, value: &str, wrong: &Wrong) -> Three {
    let length = value.chars().count();
    let [pt, en, es] = if key.is_secret() || value.contains('@') {
        [
            format!("{name} (definida, {length} caracteres)"),
            format!("{name} (set, {length} chars)"),
            format!("{name} (definida, {length} caracteres)"),
        ]
    } else {
        let mut shown: String = value.chars().take(SHOWN).collect();
        if length > SHOWN {
            shown.push('…');
        }
        let shown = format!("{name}={shown}");
        [shown.clone(), shown.clone(), shown]
    };
    let [why_pt, why_en, why_es] = why(wrong);
    [format!("{pt} {why_pt}"), format!("{en} {why_en}"), format!("{es} {why_es}")]
}

fn why(wrong: &Wrong) -> Three {
    match wrong {
        Wrong::NoIp => three("não é um endereço IP", "is no IP address", "no es una dirección IP"),
        Wrong::NotWhole => three("não é um número inteiro", "is no whole number", "no es un número entero"),
        Wrong::NoNumber => three("não é um número", "is no number", "no es un número"),
        Wrong::OutOfRange => three("está fora dos limites", "is out of range", "está fuera de los límites"),
        Wrong::NoScheme => three(
            "não começa com http:// ou https://",
            "does not begin with http:// or https://",
            "no comienza con http:// o https://",
        ),
        Wrong::NoAddress => three("não é um endereço", "is no address", "no es una dirección"),
        Wrong::Credentials => {
            three("traz usuário ou senha", "holds a user name or password", "lleva usuario o contraseña")
        }
        Wrong::Path(path) => [
            format!("continua depois do servidor, com {path}"),
            format!("goes on behind the server, with {path}"),
            format!("sigue detrás del servidor, con {path}"),
        ],
        Wrong::Query => three("traz ? ou #", "holds a ? or a #", "lleva ? o #"),
        Wrong::NoSuchWord(_) => three("não é uma das opções", "is none of the choices", "no es una de las opciones"),
        Wrong::NoDatabase => three(
            "não começa com sqlite:// ou postgres://",
            "does not begin with sqlite:// or postgres://",
            "no comienza con sqlite:// o postgres://",
        ),
        Wrong::NoLevel => three("não é um nível do log", "is no level of the log", "no es un nivel del log"),
        Wrong::Control => three(
            "traz uma quebra de linha ou outro caractere de controle",
            "holds a line break or another control character",
            "lleva un salto de línea u otro carácter de control",
        ),
        Wrong::NoText => three("não é texto em UTF-8", "is not text in UTF-8", "no es texto en UTF-8"),
        Wrong::Empty => three("está vazia", "is empty", "está vacía"),
    }
}

/// What to do about it; empty where nothing is to be added.
pub(crate) struct Remedy<'a>(pub(crate) &'a Problem);

impl Say for Remedy<'_> {
    fn in_three(&self) -> Three {
        let name = &self.0.name;
        match &self.0.what {
            What::Malformed => three(
                "escreva NOME=valor, e ponha entre aspas valores com espaços ou #",
                "write NAME=value, and put values with blanks or # between quotes",
                "escribe NOMBRE=valor, y pon entre comillas los valores con espacios o #",
            ),
            What::Unreadable(_) | What::FileUnreadable(..) => three(
                "confira o nome e as permissões do arquivo",
                "check the name of the file and who may read it",
                "revisa el nombre del archivo y quién puede leerlo",
            ),
            What::Wrong { wrong: Wrong::NoSuchWord(Some(word)), key, .. } => {
                let [pt, en, es] = FormWords(key.form()).in_three();
                [
                    format!("você quis dizer {word}? Use {pt}"),
                    format!("did you mean {word}? Use {en}"),
                    format!("¿quisiste decir {word}? Usa {es}"),
                ]
            }
            What::Wrong { key, .. } => {
                let [pt, en, es] = FormWords(key.form()).in_three();
                let example = format!("{}={}", key.name(), key.example());
                [
                    format!("use {pt}, como {example}"),
                    format!("use {en}, as {example}"),
                    format!("usa {es}, como {example}"),
                ]
            }
            What::Both(_) => three("apague um dos dois", "remove one of them", "borra uno de los dos"),
            What::FileEmpty(_) => three(
                "ponha o segredo no arquivo, e nada mais",
                "put the secret into the file, and nothing else",
                "pon el secreto en el archivo, y nada más",
            ),
            What::Unknown(Some(key)) => did_you_mean(key.name()),
            What::Unknown(None) => three(
                "apague a linha, ou corrija o nome; relay config explain lista os que há",
                "remove the line, or correct the name; relay config explain lists those there are",
                "borra la línea, o corrige el nombre; relay config explain lista los que hay",
            ),
            What::NotFromFile(key) => [
                format!("defina {} mesma", key.name()),
                format!("set {} itself", key.name()),
                format!("define {} misma", key.name()),
            ],
            What::Twice { .. } | What::Unnecessary => three("apague a linha", "remove it", "bórrala"),
            What::StillExample => three(
                "ponha o endereço certo, ou deixe relay setup perguntar",
                "put in the right address, or let relay setup ask",
                "pon la dirección correcta, o deja que relay setup pregunte",
            ),
            What::Short { .. } => [
                format!("deixe {name} vazia para que o relay faça uma, ou use openssl rand -hex 32"),
                format!("leave {name} empty to have one made, or use openssl rand -hex 32"),
                format!("deja {name} vacía para que el relay haga una, o usa openssl rand -hex 32"),
            ],
            What::Without(other) => [
                format!("defina também {}, ou deixe relay setup perguntar", other.name()),
                format!("set {} as well, or let relay setup ask", other.name()),
                format!("define también {}, o deja que relay setup pregunte", other.name()),
            ],
            What::AboveFiles => {
                three("deixe MIN_FREE_MB menor", "make MIN_FREE_MB the smaller one", "haz que MIN_FREE_MB sea el menor")
            }
        }
    }
}

fn did_you_mean(word: &str) -> Three {
    [format!("você quis dizer {word}?"), format!("did you mean {word}?"), format!("¿quisiste decir {word}?")]
}
