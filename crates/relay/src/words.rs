//! How commands speak to people: each sentence is a value that says itself in Portuguese, English and Spanish.

use relay_domain::note::Locale;

/// The same in Portuguese, English and Spanish.
pub(crate) type Three = [String; 3];

pub(crate) fn three(pt: &str, en: &str, es: &str) -> Three {
    [pt.to_owned(), en.to_owned(), es.to_owned()]
}

/// Something that can be said in every language.
pub(crate) trait Say {
    /// The sentence in every language.
    fn in_three(&self) -> Three;

    /// The sentence in one.
    fn say(&self, locale: Locale) -> String {
        let [pt, en, es] = self.in_three();
        match locale {
            Locale::PtBr => pt,
            Locale::En => en,
            Locale::Es => es,
        }
    }
}
