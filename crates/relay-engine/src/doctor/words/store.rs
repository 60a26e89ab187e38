//! What is said of the database, and of what waits in it.

use std::time::Duration;

use relay_domain::note::Locale;
use relay_store::Checkup;

use super::span;
use crate::doctor::finding::Said;

/// The log beyond which something is wrong with bringing it over, in bytes.
const LONG_LOG: u64 = 512_000_000;

/// The database itself.
pub(in crate::doctor) enum Database {
    Looked(Checkup),
    Unreadable,
}

impl Database {
    pub(in crate::doctor) fn say(&self, l: Locale) -> Said {
        let Self::Looked(looked) = self else {
            return Said::fail(
                l.pick("o banco de dados não responde", "the database does not answer", "la base de datos no responde"),
                l.pick(
                    "sem ele nenhum webhook é aceito (503)",
                    "without it no webhook is taken (503)",
                    "sin ella no se acepta ningún webhook (503)",
                ),
                l.pick(
                    "veja DB_URL, o disco e o log do relay",
                    "look at DB_URL, the disk and the relay's log",
                    "vea DB_URL, el disco y el log del relay",
                ),
            );
        };
        let size = format!("{}, {} MB", looked.product, looked.bytes / 1_000_000);
        if looked.damage.is_some() {
            return Said::fail(
                l.pick(&format!("{size}, danificado"), &format!("{size}, damaged"), &format!("{size}, dañada")),
                l.pick(
                    "o disco ou uma cópia malfeita estragou o arquivo",
                    "the disk, or a copy made the wrong way, broke the file",
                    "el disco o una copia mal hecha dañó el archivo",
                ),
                l.pick(
                    "pare o relay e restaure a última cópia de segurança; sqlite3 relay.db .recover salva o que resta",
                    "stop the relay and restore the last backup; sqlite3 relay.db .recover saves what is left",
                    "detenga el relay y restaure la última copia; sqlite3 relay.db .recover salva lo que queda",
                ),
            );
        }
        if looked.missing_migrations > 0 {
            return Said::fail(
                l.pick(
                    &format!("{size}, esquema antigo"),
                    &format!("{size}, old schema"),
                    &format!("{size}, esquema antiguo"),
                ),
                l.pick(
                    "o esquema não é o desta versão",
                    "the schema is not this version's",
                    "el esquema no es el de esta versión",
                ),
                l.pick("relay migrate up", "relay migrate up", "relay migrate up"),
            );
        }
        if looked.log_bytes.is_some_and(|bytes| bytes > LONG_LOG) {
            let log = looked.log_bytes.unwrap_or(0) / 1_000_000;
            return Said::warn(
                format!("{size}, WAL {log} MB"),
                l.pick(
                    "o registro do SQLite não é recolhido: algo mantém uma leitura aberta",
                    "SQLite's log is not brought over: something keeps a read open",
                    "el registro de SQLite no se recoge: algo mantiene una lectura abierta",
                ),
                l.pick(
                    "feche outros programas que leem relay.db; reinicie o relay",
                    "close other programs that read relay.db; restart the relay",
                    "cierre otros programas que leen relay.db; reinicie el relay",
                ),
            );
        }
        Said::ok(size)
    }
}

/// Whether every event is accounted for.
pub(in crate::doctor) enum Balance {
    Even(i64),
    Off(i64),
}

impl Balance {
    pub(in crate::doctor) fn say(&self, l: Locale) -> Said {
        match self {
            Self::Even(received) => Said::ok(l.pick(
                &format!("{received} recebidos, todos contados"),
                &format!("{received} received, all accounted for"),
                &format!("{received} recibidos, todos contados"),
            )),
            Self::Off(by) => Said::fail(
                l.pick(
                    &format!("{by} eventos sem paradeiro"),
                    &format!("{by} events are unaccounted for"),
                    &format!("{by} eventos sin paradero"),
                ),
                l.pick(
                    "a soma dos estados não é o que foi recebido",
                    "the states do not add up to what was received",
                    "la suma de los estados no es lo recibido",
                ),
                l.pick(
                    "não mexa no banco; guarde uma cópia dele e relate o caso",
                    "leave the database as it is; keep a copy of it and report this",
                    "no toque la base; guarde una copia y reporte el caso",
                ),
            ),
        }
    }
}

/// What waits, and for how long.
pub(in crate::doctor) enum Waiting {
    Little { count: i64, oldest: Duration },
    Long { count: i64, oldest: Duration },
}

impl Waiting {
    pub(in crate::doctor) fn say(&self, l: Locale) -> Said {
        let seen = |count: &i64, oldest: &Duration| {
            let oldest = span(*oldest);
            l.pick(
                &format!("{count} esperam, o mais antigo há {oldest}"),
                &format!("{count} wait, the oldest for {oldest}"),
                &format!("{count} esperan, el más antiguo hace {oldest}"),
            )
        };
        match self {
            Self::Little { count: 0, .. } => Said::ok(l.pick("nada espera", "nothing waits", "nada espera")),
            Self::Little { count, oldest } => Said::ok(seen(count, oldest)),
            Self::Long { count, oldest } => Said::warn(
                seen(count, oldest),
                l.pick(
                    "um dos lados não responde, a sessão está em pausa, ou uma mensagem falha sempre",
                    "a side does not answer, the session is paused, or a message keeps failing",
                    "un lado no responde, la sesión está en pausa, o un mensaje falla siempre",
                ),
                l.pick(
                    "relay message ls --state pending, e relay message show ID",
                    "relay message ls --state pending, and relay message show ID",
                    "relay message ls --state pending, y relay message show ID",
                ),
            ),
        }
    }
}

/// What could not be delivered.
pub(in crate::doctor) enum Dead {
    None,
    Some { count: i64, reasons: Vec<String> },
}

impl Dead {
    pub(in crate::doctor) fn say(&self, l: Locale) -> Said {
        match self {
            Self::None => Said::ok(l.pick("tudo foi entregue", "everything was delivered", "todo fue entregado")),
            Self::Some { count, reasons } => {
                let reasons = reasons.join(", ");
                Said::warn(
                    l.pick(
                        &format!("{count} mensagens não puderam ser entregues ({reasons})"),
                        &format!("{count} messages could not be delivered ({reasons})"),
                        &format!("{count} mensajes no se pudieron entregar ({reasons})"),
                    ),
                    l.pick(
                        "elas esperam por uma pessoa; nada some calado",
                        "they wait for a person; nothing vanishes silently",
                        "esperan a una persona; nada desaparece callado",
                    ),
                    l.pick(
                        "relay dead ls; depois relay dead retry, ou drop",
                        "relay dead ls; then relay dead retry, or drop",
                        "relay dead ls; luego relay dead retry, o drop",
                    ),
                )
            }
        }
    }
}

/// Processes on the database.
pub(in crate::doctor) struct Processes(pub(in crate::doctor) u32);

impl Processes {
    pub(in crate::doctor) fn say(&self, l: Locale) -> Said {
        let count = self.0;
        Said::ok(match count {
            0 | 1 => l.pick("este é o único processo", "this is the only process", "este es el único proceso"),
            _ => l.pick(
                &format!("{count} processos dividem o trabalho"),
                &format!("{count} processes share the work"),
                &format!("{count} procesos comparten el trabajo"),
            ),
        })
    }
}
