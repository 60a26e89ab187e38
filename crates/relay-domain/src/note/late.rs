//! Messages that went out after newer ones.

use super::Locale;

/// Tells agents when a message was written that WhatsApp got after newer ones.
pub fn sent_late(locale: Locale, written_at: &str) -> String {
    match locale {
        Locale::PtBr => {
            format!(
                "🕓 Uma mensagem escrita em {written_at} só foi enviada agora ao WhatsApp, depois de outras mais novas."
            )
        }
        Locale::En => format!("🕓 A message written {written_at} was sent to WhatsApp only now, after newer ones."),
        Locale::Es => {
            format!(
                "🕓 Un mensaje escrito el {written_at} se envió a WhatsApp recién ahora, después de otros más nuevos."
            )
        }
    }
}
