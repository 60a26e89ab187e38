//! `relay config init`: a `.env` to fill in. `.env.example` is the same in English.

use std::path::Path;

use anyhow::bail;
use relay_domain::note::Locale;

use super::env_lines::ENV_FILE;
use super::words::{About, UsualWords};
use super::{Key, Usual};
use crate::printer::Printer;
use crate::setup::env_file;
use crate::words::Say as _;

/// What has no default that would do.
const REQUIRED: [Key; 5] = [Key::ChatwootUrl, Key::CodechatUrl, Key::CodechatKey, Key::ApiKey, Key::ApiUrl];
/// What is often set as well, with a comment.
const COMMENTED: [Key; 3] = [Key::CodechatCallbackUrl, Key::SecretKey, Key::DbUrl];
/// And without one.
const PLAIN: [Key; 6] = [Key::Host, Key::Port, Key::DataDir, Key::Locale, Key::LogLevel, Key::LogFormat];

/// The file's text.
pub(crate) fn text(locale: Locale) -> String {
    let mut lines = vec![locale.pick(
        "# As opções da linha de comando valem mais que o ambiente, o ambiente mais que .env, .env mais que os padrões.",
        "# Flags win over the environment, the environment over .env, .env over defaults.",
        "# Las opciones de la línea de comandos valen más que el entorno, el entorno más que .env, .env más que los valores por defecto.",
    )];
    for key in REQUIRED {
        let value = if key.is_secret() { "" } else { key.example() };
        lines.extend([comment(key, locale), format!("{}={value}", key.name())]);
    }
    lines.push(locale.pick(
        "# Opcionais daqui em diante. Cada segredo também em um arquivo: API_KEY_FILE=/run/secrets/api-key",
        "# Optional from here. Each secret also in a file: API_KEY_FILE=/run/secrets/api-key",
        "# Opcionales desde aquí. Cada secreto también en un archivo: API_KEY_FILE=/run/secrets/api-key",
    ));
    for key in COMMENTED {
        let value = if key == Key::SecretKey { "" } else { key.example() };
        lines.extend([comment(key, locale), format!("#{}={value}", key.name())]);
    }
    lines.extend(PLAIN.map(|key| format!("#{}={}", key.name(), UsualWords(key.usual()).say(locale))));
    lines.push(locale.pick(
        "# O que cada uma quer dizer, e as outras: relay config explain",
        "# What each means, and the others: relay config explain",
        "# Qué significa cada una, y las demás: relay config explain",
    ));
    lines.join("\n") + "\n"
}

fn comment(key: Key, locale: Locale) -> String {
    let about = About(key).say(locale);
    if key.usual() != Usual::Made {
        return format!("# {about}");
    }
    let usual = UsualWords(key.usual()).say(locale);
    locale.pick(
        &format!("# {about}; vazia: {usual}"),
        &format!("# {about}; empty: {usual}"),
        &format!("# {about}; vacía: {usual}"),
    )
}

/// Writes the file; asks before it replaces one.
pub(super) fn run(is_agreed: bool, locale: Locale, printer: &Printer) -> anyhow::Result<()> {
    let path = Path::new(ENV_FILE);
    if path.exists() && !is_agreed && !may_replace(locale, printer)? {
        bail!(
            "{}",
            locale.pick(
                ".env existe e fica como está\n  hint: relay config init --yes o substitui",
                ".env is there, and stays as it is\n  hint: relay config init --yes replaces it",
                ".env existe y queda como está\n  hint: relay config init --yes lo reemplaza",
            )
        );
    }
    env_file::write_private(path, &text(locale))?;
    printer.done(locale.pick(".env escrito", ".env written", ".env escrito"));
    printer.line(locale.pick(
        "  agora: preencha as cinco linhas e rode relay config check; ou deixe relay setup perguntar",
        "  next: fill in its five lines and run relay config check; or let relay setup ask",
        "  ahora: completa sus cinco líneas y ejecuta relay config check; o deja que relay setup pregunte",
    ));
    Ok(())
}

fn may_replace(locale: Locale, printer: &Printer) -> anyhow::Result<bool> {
    printer.question(&locale.pick(
        ".env existe. Substituir? [s/N] ›",
        ".env is there. Replace it? [y/N] ›",
        ".env existe. ¿Reemplazarlo? [s/N] ›",
    ));
    let mut answer = String::new();
    if std::io::stdin().read_line(&mut answer)? == 0 {
        printer.line("");
    }
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes" | "s" | "sim" | "si" | "sí"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setting::env_lines::EnvLines;

    #[test]
    fn the_file_is_short_and_sets_what_is_required() {
        for locale in [Locale::PtBr, Locale::En, Locale::Es] {
            let text = text(locale);
            assert!(text.lines().count() <= 25, "{text}");
            let set: Vec<_> = EnvLines::of(&text).set.into_iter().map(|(name, ..)| name).collect();
            assert_eq!(set, REQUIRED.map(Key::name));
            // what is optional is right when its mark is taken away
            let all = EnvLines::of(&text.replace("\n#", "\n"));
            for key in COMMENTED.into_iter().chain(PLAIN) {
                assert!(all.value(key.name()).is_some(), "{key:?}: {text}");
            }
        }
    }
}
