//! What agents are told about a message that Chatwoot shows twice.

use super::Locale;

/// Chatwoot carried a request out long after it had failed, when the message had been posted again.
pub fn twice(locale: Locale) -> String {
    locale.pick(
        "⚠️ Esta mensagem aparece duas vezes: o Chatwoot a gravou com atraso. O cliente a enviou uma vez só.",
        "⚠️ This message appears twice: Chatwoot stored it late. The customer sent it only once.",
        "⚠️ Este mensaje aparece dos veces: Chatwoot lo guardó con retraso. El cliente lo envió una sola vez.",
    )
}
