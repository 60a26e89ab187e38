//! What goes along with menus, in the customer's language.

use super::Locale;

/// Asks for the number of an option.
pub fn reply_with_number(locale: Locale) -> String {
    locale.pick(
        "Responda com o número da opção.",
        "Reply with the number of your choice.",
        "Responda con el número de la opción.",
    )
}

/// Stands above the fields of a form.
pub fn fill_in(locale: Locale) -> String {
    locale.pick("Por favor, envie:", "Please send us:", "Por favor, envíenos:")
}
