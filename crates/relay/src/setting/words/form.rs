//! What a setting may be, in words that go on after "use".

use crate::setting::form::Form;
use crate::words::{Say, Three, three};

/// What a setting may be.
pub(crate) struct FormWords(pub(crate) Form);

impl Say for FormWords {
    fn in_three(&self) -> Three {
        match self.0 {
            Form::Ip => three(
                "um endereço IP desta máquina, ou 0.0.0.0 para todos",
                "an IP address of this machine, or 0.0.0.0 for all",
                "una dirección IP de esta máquina, o 0.0.0.0 para todas",
            ),
            Form::Whole { from, to } => [
                format!("um número inteiro de {from} a {to}"),
                format!("a whole number from {from} to {to}"),
                format!("un número entero de {from} a {to}"),
            ],
            Form::Number { from, to } => [
                format!("um número de {from} a {to}, também com ponto decimal"),
                format!("a number from {from} to {to}, also with a decimal point"),
                format!("un número de {from} a {to}, también con punto decimal"),
            ],
            Form::Origin => three(
                "um endereço com http:// ou https://, sem caminho",
                "an address with http:// or https://, without a path",
                "una dirección con http:// o https://, sin ruta",
            ),
            Form::Address => three(
                "um endereço com http:// ou https://",
                "an address with http:// or https://",
                "una dirección con http:// o https://",
            ),
            Form::Secret => three("texto em uma só linha", "text on one line", "texto en una sola línea"),
            Form::Database => three(
                "sqlite://caminho ou postgres://usuário:senha@host/nome",
                "sqlite://path or postgres://user:password@host/name",
                "sqlite://ruta o postgres://usuario:contraseña@host/nombre",
            ),
            Form::Folder => three("o caminho de uma pasta", "the path of a folder", "la ruta de una carpeta"),
            Form::OneOf(_) | Form::Language => {
                let words = self.0.words();
                let (last, rest) = words.split_last().expect("there is a choice");
                let rest = rest.join(", ");
                [format!("{rest} ou {last}"), format!("{rest} or {last}"), format!("{rest} o {last}")]
            }
            Form::LogLevel => three(
                "error, warn, info, debug, trace, ou um filtro como info,relay_engine=debug",
                "error, warn, info, debug, trace, or a filter such as info,relay_engine=debug",
                "error, warn, info, debug, trace, o un filtro como info,relay_engine=debug",
            ),
        }
    }
}
