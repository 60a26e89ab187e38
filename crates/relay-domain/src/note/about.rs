//! Lines in the thread of a message: what was done to it, and what led to it.

use super::Locale;
use crate::event::{AdReferral, Emoji};
use crate::text;

/// Longest reaction shown, in characters. WhatsApp allows one emoji; the field allows anything.
const LONGEST_EMOJI: usize = 32;

/// An emoji was put on a message, or taken back.
pub fn reaction(locale: Locale, emoji: &Emoji) -> String {
    match emoji {
        Emoji::Put(emoji) => {
            let emoji = text::to_markdown(&text::excerpt(emoji, LONGEST_EMOJI));
            match locale {
                Locale::PtBr => format!("Reagiu com {emoji}"),
                Locale::En => format!("Reacted with {emoji}"),
                Locale::Es => format!("Reaccionó con {emoji}"),
            }
        }
        Emoji::TakenBack => locale.pick("Removeu a reação", "Removed the reaction", "Quitó la reacción"),
        Emoji::Unreadable => locale.pick(
            "Reagiu a uma mensagem; abra o WhatsApp no celular para ver o emoji",
            "Reacted to a message; open WhatsApp on the phone to see the emoji",
            "Reaccionó a un mensaje; abra WhatsApp en el teléfono para ver el emoji",
        ),
    }
}

/// A message got a new wording, in Markdown; `None` when it cannot be read, or says nothing.
pub fn edited(locale: Locale, new_text: Option<&str>) -> String {
    match new_text {
        Some(text) => {
            let label = locale.pick("✏️ _Editada:_", "✏️ _Edited:_", "✏️ _Editado:_");
            format!("{label}\n\n{text}")
        }
        None => locale.pick(
            "✏️ Editou uma mensagem; abra o WhatsApp no celular para ver o novo texto",
            "✏️ Edited a message; open WhatsApp on the phone to see the new text",
            "✏️ Editó un mensaje; abra WhatsApp en el teléfono para ver el nuevo texto",
        ),
    }
}

/// A message was deleted for everyone.
pub fn deleted(locale: Locale) -> String {
    locale.pick(
        "🗑️ _Esta mensagem foi apagada no WhatsApp._",
        "🗑️ _This message was deleted on WhatsApp._",
        "🗑️ _Este mensaje fue eliminado en WhatsApp._",
    )
}

/// Stands above a line about a message that this conversation does not have.
pub fn about_unknown(locale: Locale) -> String {
    locale.pick(
        "> uma mensagem que não está nesta conversa",
        "> a message that is not in this conversation",
        "> un mensaje que no está en esta conversación",
    )
}

/// Tells agents which advertisement led the customer here, in Markdown.
pub fn ad(locale: Locale, ad: &AdReferral) -> String {
    let label = locale.pick(
        "📣 O cliente chegou por um anúncio",
        "📣 The customer came through an advertisement",
        "📣 El cliente llegó por un anuncio",
    );
    let heading = match source_of(ad) {
        Some(source) => format!("{label} ({})", text::to_markdown(&source)),
        None => label,
    };
    let title = ad.title.as_deref().map(|title| format!("**{}**", text::to_markdown(title)));
    let body = ad.body.as_deref().map(text::to_markdown);
    let id = ad.source_id.as_deref().map(|id| format!("ID: {}", text::to_markdown(id)));
    let url = ad.url.as_deref().map(text::to_markdown);
    [Some(heading), title, body, url, id].into_iter().flatten().collect::<Vec<_>>().join("\n\n")
}

fn source_of(ad: &AdReferral) -> Option<String> {
    let words: Vec<_> = [&ad.source_type, &ad.app].into_iter().flatten().map(String::as_str).collect();
    (!words.is_empty()).then(|| words.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reaction_cannot_forge_formatting_or_length() {
        let forged = Emoji::Put(format!("[x](https://evil.example) {}", "👍".repeat(100)));
        let line = reaction(Locale::En, &forged);
        assert!(line.starts_with("Reacted with \\[x]"), "{line}");
        assert!(line.chars().count() < 100, "{line}");
    }

    #[test]
    fn an_ad_is_told_with_what_is_known_of_it() {
        let known = AdReferral {
            title: Some("Bolo *hoje*".into()),
            url: Some("https://fb.me/xxxx".into()),
            source_type: Some("ad".into()),
            app: Some("facebook".into()),
            source_id: Some("120200000000000000".into()),
            ..AdReferral::default()
        };
        let told = ad(Locale::En, &known);
        assert_eq!(
            told,
            "📣 The customer came through an advertisement (ad, facebook)\n\n**Bolo **hoje****\n\nhttps://fb.me/xxxx\n\nID: 120200000000000000"
        );
        assert_eq!(ad(Locale::En, &AdReferral::default()), "📣 The customer came through an advertisement");
    }
}
