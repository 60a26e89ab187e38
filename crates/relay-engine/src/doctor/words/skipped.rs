//! Why a check was not made.

use relay_domain::note::Locale;

use crate::doctor::finding::Said;
use crate::trouble::Side;

/// A reason not to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::doctor) enum Skipped {
    /// There is no session.
    NoSession,
    /// It would make something happen, which only `--deep` does.
    NeedsDeep,
    /// The other side does not answer.
    SideAway(Side),
    /// Chatwoot does not take the token.
    NoToken,
    /// The inbox cannot be looked at, or is of another kind.
    NoInbox,
    /// The public address does not lead here.
    NoPublicUrl,
    /// CodeChat does not take the key.
    NoKey,
    /// CodeChat has no such instance.
    NoInstance,
    /// The phone is not connected.
    NotConnected,
    /// Nothing has been heard yet that would tell.
    NothingHeard,
    /// No message has come yet that would tell.
    NoMessageYet,
    /// The relay never asks anybody for new versions.
    NeverAsks,
    /// ffmpeg is not to be used.
    FfmpegOff,
    /// No answer came from which the time can be told.
    NoDate,
    /// The check did not end in time.
    TookTooLong,
}

impl Skipped {
    pub(in crate::doctor) fn say(self, l: Locale) -> Said {
        Said::skip(match self {
            Self::NoSession => l.pick(
                "ainda não há sessão: relay session add",
                "there is no session yet: relay session add",
                "todavía no hay sesión: relay session add",
            ),
            Self::NeedsDeep => l.pick("só com --deep", "only with --deep", "solo con --deep"),
            Self::SideAway(Side::Chatwoot) => {
                l.pick("o Chatwoot não responde", "Chatwoot does not answer", "Chatwoot no responde")
            }
            Self::SideAway(Side::CodeChat) => {
                l.pick("o CodeChat não responde", "CodeChat does not answer", "CodeChat no responde")
            }
            Self::NoToken => l.pick(
                "o Chatwoot não aceita o token",
                "Chatwoot does not take the token",
                "Chatwoot no acepta el token",
            ),
            Self::NoInbox => l.pick(
                "a caixa de entrada não pode ser usada",
                "the inbox cannot be used",
                "la bandeja de entrada no se puede usar",
            ),
            Self::NoPublicUrl => l.pick(
                "o endereço público não chega aqui",
                "the public address does not lead here",
                "la dirección pública no llega aquí",
            ),
            Self::NoKey => {
                l.pick("o CodeChat não aceita a chave", "CodeChat does not take the key", "CodeChat no acepta la clave")
            }
            Self::NoInstance => l.pick("a instância não existe", "there is no such instance", "la instancia no existe"),
            Self::NotConnected => {
                l.pick("o celular não está conectado", "the phone is not connected", "el teléfono no está conectado")
            }
            Self::NothingHeard => l.pick(
                "nada chegou ainda; --deep verifica",
                "nothing has come yet; --deep finds out",
                "todavía no llegó nada; --deep lo verifica",
            ),
            Self::NoMessageYet => {
                l.pick("nenhuma mensagem chegou ainda", "no message has come yet", "todavía no llegó ningún mensaje")
            }
            Self::NeverAsks => l.pick(
                "o relay não pergunta a ninguém por versões novas",
                "the relay asks nobody about new versions",
                "el relay no pregunta a nadie por versiones nuevas",
            ),
            Self::FfmpegOff => l.pick(
                "desligado (AUDIO_ENGINE=native)",
                "switched off (AUDIO_ENGINE=native)",
                "apagado (AUDIO_ENGINE=native)",
            ),
            Self::NoDate => l.pick("ninguém disse que horas são", "nobody told the time", "nadie dijo qué hora es"),
            Self::TookTooLong => l.pick(
                "não terminou a tempo; rode de novo",
                "did not end in time; run it again",
                "no terminó a tiempo; ejecútelo de nuevo",
            ),
        })
    }
}
