//! What is said of the machine, the settings and the relay itself.

use std::time::Duration;

use relay_domain::note::Locale;

use crate::config::UnknownSetting;
use crate::doctor::finding::Said;

/// Whether a relay runs.
pub(in crate::doctor) enum Running {
    /// It does.
    Yes(&'static str),
    /// One was started to be looked at.
    ForNow,
}

impl Running {
    pub(in crate::doctor) fn say(&self, l: Locale) -> Said {
        match self {
            Self::Yes(version) => Said::ok(l.pick(
                &format!("o relay {version} está no ar"),
                &format!("relay {version} runs"),
                &format!("el relay {version} está en marcha"),
            )),
            Self::ForNow => Said::warn(
                l.pick(
                    "nenhum relay estava no ar; este durou só o exame",
                    "no relay was running; one ran for this check alone",
                    "ningún relay estaba en marcha; uno duró solo este examen",
                ),
                l.pick(
                    "sem um relay no ar, nenhum webhook é recebido",
                    "without a running relay no webhook is received",
                    "sin un relay en marcha no se recibe ningún webhook",
                ),
                l.pick(
                    "relay serve, ou systemctl start relay",
                    "relay serve, or systemctl start relay",
                    "relay serve, o systemctl start relay",
                ),
            ),
        }
    }
}

/// Names in `.env` that mean nothing.
pub(in crate::doctor) struct Settings<'a>(pub(in crate::doctor) &'a [UnknownSetting]);

impl Settings<'_> {
    pub(in crate::doctor) fn say(&self, l: Locale) -> Said {
        if self.0.is_empty() {
            return Said::ok(l.pick(
                "todos os nomes são conhecidos",
                "all names are known",
                "todos los nombres son conocidos",
            ));
        }
        let name = |unknown: &UnknownSetting| match unknown.line {
            Some(line) => format!("{} (.env:{line})", unknown.name),
            None => unknown.name.clone(),
        };
        let names: Vec<_> = self.0.iter().map(name).collect();
        let meant = self.0.iter().filter_map(|unknown| Some(format!("{} → {}", unknown.name, unknown.meant.as_ref()?)));
        let meant: Vec<_> = meant.collect();
        let names = names.join(", ");
        Said::warn(
            l.pick(
                &format!("o relay não conhece {names}"),
                &format!("the relay does not know {names}"),
                &format!("el relay no conoce {names}"),
            ),
            l.pick(
                "um nome desconhecido não tem efeito",
                "an unknown name has no effect",
                "un nombre desconocido no tiene efecto",
            ),
            if meant.is_empty() {
                l.pick(
                    "apague a linha, ou corrija o nome (relay --help)",
                    "remove the line, or correct the name (relay --help)",
                    "borre la línea, o corrija el nombre (relay --help)",
                )
            } else {
                let meant = meant.join(", ");
                l.pick(
                    &format!("você quis dizer: {meant}?"),
                    &format!("did you mean: {meant}?"),
                    &format!("¿quiso decir: {meant}?"),
                )
            },
        )
    }
}

/// Room, and how long the disk takes.
pub(in crate::doctor) enum Disk {
    Fine { free_mb: u64, sync: Duration },
    Slow { sync: Duration },
    Tight { free_mb: u64 },
    Full { free_mb: u64 },
    ReadOnly,
}

impl Disk {
    pub(in crate::doctor) fn say(&self, l: Locale) -> Said {
        let room = || {
            l.pick(
                "libere espaço; o relay continua sozinho (limites: MIN_FREE_MB_FILES, MIN_FREE_MB)",
                "free some space; the relay goes on by itself (limits: MIN_FREE_MB_FILES, MIN_FREE_MB)",
                "libere espacio; el relay sigue solo (límites: MIN_FREE_MB_FILES, MIN_FREE_MB)",
            )
        };
        let free = |mb: u64| l.pick(&format!("{mb} MB livres"), &format!("{mb} MB free"), &format!("{mb} MB libres"));
        match self {
            Self::Fine { free_mb, sync } => Said::ok(format!("{}, fsync {} ms", free(*free_mb), sync.as_millis())),
            Self::Slow { sync } => Said::warn(
                l.pick(
                    &format!("gravar de verdade leva {} ms", sync.as_millis()),
                    &format!("keeping something for good takes {} ms", sync.as_millis()),
                    &format!("guardar de verdad tarda {} ms", sync.as_millis()),
                ),
                l.pick(
                    "cada webhook espera por isso antes da resposta",
                    "every webhook waits for that before it is answered",
                    "cada webhook espera por eso antes de la respuesta",
                ),
                l.pick(
                    "ponha DATA_DIR em um SSD local; não em disco de rede",
                    "put DATA_DIR on a local SSD; not on a network disk",
                    "ponga DATA_DIR en un SSD local; no en un disco de red",
                ),
            ),
            Self::Tight { free_mb } => Said::warn(
                free(*free_mb),
                l.pick(
                    "mensagens com arquivos esperam",
                    "messages with files wait",
                    "los mensajes con archivos esperan",
                ),
                room(),
            ),
            Self::Full { free_mb } => Said::fail(
                free(*free_mb),
                l.pick(
                    "webhooks são recusados (503)",
                    "webhooks are refused (503)",
                    "los webhooks son rechazados (503)",
                ),
                room(),
            ),
            Self::ReadOnly => Said::fail(
                l.pick(
                    "não se pode gravar em DATA_DIR",
                    "DATA_DIR cannot be written to",
                    "no se puede escribir en DATA_DIR",
                ),
                l.pick(
                    "arquivos em trânsito ficam lá",
                    "files in transit lie there",
                    "los archivos en tránsito quedan ahí",
                ),
                l.pick(
                    "dê a pasta ao usuário do relay: chown -R, e monte-a sem ro",
                    "give the folder to the relay's user: chown -R, and mount it without ro",
                    "dé la carpeta al usuario del relay: chown -R, y móntela sin ro",
                ),
            ),
        }
    }
}

/// Open files, time zone.
pub(in crate::doctor) enum Limits {
    Fine { files: String, zone: String },
    FewFiles(u64),
}

impl Limits {
    pub(in crate::doctor) fn say(&self, l: Locale) -> Said {
        match self {
            Self::Fine { files, zone } => Said::ok(l.pick(
                &format!("{files} arquivos abertos, fuso {zone}"),
                &format!("{files} open files, time zone {zone}"),
                &format!("{files} archivos abiertos, zona {zone}"),
            )),
            Self::FewFiles(files) => Said::warn(
                l.pick(
                    &format!("só {files} arquivos abertos são permitidos"),
                    &format!("only {files} open files are allowed"),
                    &format!("solo se permiten {files} archivos abiertos"),
                ),
                l.pick(
                    "o relay atende até 768 conexões ao mesmo tempo",
                    "the relay serves up to 768 connections at once",
                    "el relay atiende hasta 768 conexiones a la vez",
                ),
                l.pick(
                    "ulimit -n 4096, ou LimitNOFILE=4096 na unidade",
                    "ulimit -n 4096, or LimitNOFILE=4096 in the unit",
                    "ulimit -n 4096, o LimitNOFILE=4096 en la unidad",
                ),
            ),
        }
    }
}

/// The program for recordings that the relay cannot read itself.
pub(in crate::doctor) enum Ffmpeg {
    There(String),
    Missing { is_needed: bool },
}

impl Ffmpeg {
    pub(in crate::doctor) fn say(&self, l: Locale) -> Said {
        match self {
            Self::There(version) => Said::ok(version.clone()),
            Self::Missing { is_needed } => {
                let seen = l.pick("não há ffmpeg", "there is no ffmpeg", "no hay ffmpeg");
                let fix = l.pick(
                    "apt install ffmpeg, ou AUDIO_ENGINE=native",
                    "apt install ffmpeg, or AUDIO_ENGINE=native",
                    "apt install ffmpeg, o AUDIO_ENGINE=native",
                );
                if *is_needed {
                    let why = l.pick(
                        "AUDIO_ENGINE=ffmpeg pede que ele converta todo áudio",
                        "AUDIO_ENGINE=ffmpeg wants it to convert all audio",
                        "AUDIO_ENGINE=ffmpeg pide que convierta todo audio",
                    );
                    return Said::fail(seen, why, fix);
                }
                Said::ok(l.pick(
                    "não há ffmpeg; o relay converte sozinho, e formatos raros seguem como são",
                    "no ffmpeg; the relay converts by itself, and rare formats cross as they are",
                    "no hay ffmpeg; el relay convierte solo, y los formatos raros cruzan como son",
                ))
            }
        }
    }
}
