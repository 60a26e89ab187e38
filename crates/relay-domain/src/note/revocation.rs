//! What agents are told about messages that they deleted.

use super::Locale;

/// The message stays on WhatsApp, because CodeChat does not have it any more or refuses to delete it.
pub fn not_deleted(locale: Locale) -> String {
    locale.pick(
        "⚠️ A mensagem apagada aqui continua no WhatsApp do cliente: não foi possível apagá-la lá. Apague-a no celular, se ainda puder.",
        "⚠️ The message deleted here is still on the customer's WhatsApp: it could not be deleted there. Delete it on the phone while you still can.",
        "⚠️ El mensaje eliminado aquí sigue en el WhatsApp del cliente: no se pudo eliminar allí. Elimínelo en el teléfono, si todavía puede.",
    )
}
