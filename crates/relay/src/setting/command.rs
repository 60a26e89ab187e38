//! `relay config …`: is the configuration right, what holds and who said so, what does a setting mean.

use anyhow::bail;
use relay_console::Value as Shown;
use relay_domain::note::Locale;
use serde_json::{Value, json};

use super::effective::{self, Effective};
use super::given::{Given, Place};
use super::problem::{Problem, counted};
use super::words::{About, FormWords, PlaceWords, UsualWords};
use super::{Key, Usual, check, init, near};
use crate::cli::ConfigCommand;
use crate::config::{self, SeenSecrets};
use crate::printer::Printer;
use crate::words::{Say as _, three};

/// Exit code when the configuration cannot be used, as for what is typed wrongly.
pub(crate) const BROKEN: u8 = 2;
/// Exit code when there is a warning, and `--strict`.
const WARNS: u8 = 4;

/// Runs the command; returns the code to end with.
pub(crate) fn run(
    given: &Given,
    lang: Option<Locale>,
    command: ConfigCommand,
    printer: &Printer,
) -> anyhow::Result<u8> {
    let locale = config::language_given(given, lang);
    match command {
        ConfigCommand::Check { json, strict } => Ok(check(given, locale, json, strict, printer)),
        ConfigCommand::Show { json } => show(given, locale, json, printer).map(|()| 0),
        ConfigCommand::Explain { name: None, json } => {
            list(locale, json, printer);
            Ok(0)
        }
        ConfigCommand::Explain { name: Some(name), json } => explain(given, &name, locale, json, printer),
        ConfigCommand::Init { yes } => init::run(yes, locale, printer).map(|()| 0),
    }
}

fn check(given: &Given, locale: Locale, as_json: bool, is_strict: bool, printer: &Printer) -> u8 {
    let (problems, is_broken) = match check::read(given, None) {
        Ok(settings) => (settings.warnings, false),
        Err(problems) => (problems, true),
    };
    if as_json {
        let errors = problems.iter().filter(|problem| problem.is_error()).count();
        let told: Vec<_> = problems.iter().map(|problem| problem.json(locale)).collect();
        let warnings = problems.len() - errors;
        printer.json(&json!({ "ok": !is_broken, "errors": errors, "warnings": warnings, "problems": told }));
    } else {
        print_problems(&problems, is_broken, locale, printer);
    }
    match (is_broken, problems.is_empty()) {
        (true, _) => BROKEN,
        (false, false) if is_strict => WARNS,
        (false, _) => 0,
    }
}

fn print_problems(problems: &[Problem], is_broken: bool, locale: Locale, printer: &Printer) {
    for line in problems.iter().flat_map(|problem| problem.lines(locale, printer)) {
        printer.line(line);
    }
    if !is_broken {
        printer.done(locale.pick("a configuração serve", "the configuration can be used", "la configuración sirve"));
    }
    if !problems.is_empty() {
        let [pt, en, es] = counted(problems);
        printer.line(format!("\n{}", locale.pick(&pt, &en, &es)));
    }
}

fn show(given: &Given, locale: Locale, as_json: bool, printer: &Printer) -> anyhow::Result<()> {
    let settings = check::read(given, None).map_err(|problems| super::problem::broken(&problems, locale, printer))?;
    let all = effective::all(&settings, &SeenSecrets::look(&settings)?);
    if as_json {
        let told: Vec<_> = all.iter().map(as_data).collect();
        printer.json(&json!({ "data": told }));
        return Ok(());
    }
    let heading = locale.pick("NOME VALOR ORIGEM", "NAME VALUE ORIGIN", "NOMBRE VALOR ORIGEN");
    let mut rows = vec![heading.split(' ').map(str::to_owned).collect()];
    rows.extend(all.iter().map(|setting| {
        let value = setting.value.as_ref().map_or_else(|| "–".to_owned(), |value| shown(value, locale));
        vec![setting.key.name().to_owned(), value, origin(setting, locale)]
    }));
    printer.table(&rows);
    Ok(())
}

/// A value for people; of a secret how long it is.
fn shown(value: &Shown, locale: Locale) -> String {
    match value {
        Shown::Plain(text) => text.clone(),
        Shown::Secret(length) => locale.pick(
            &format!("definida ({length} caracteres)"),
            &format!("set ({length} chars)"),
            &format!("definida ({length} caracteres)"),
        ),
    }
}

fn origin(setting: &Effective, locale: Locale) -> String {
    match (&setting.place, &setting.value) {
        (Place::Made, None) => UsualWords(Usual::Made).say(locale),
        (place, _) => PlaceWords(place).say(locale),
    }
}

fn as_data(setting: &Effective) -> Value {
    let (value, chars) = match &setting.value {
        Some(Shown::Plain(text)) => (Some(text), None),
        Some(Shown::Secret(length)) => (None, Some(*length)),
        None => (None, None),
    };
    let line = match setting.place {
        Place::Line(line) => Some(line),
        Place::Default | Place::Flag(_) | Place::Environment | Place::File(_) | Place::Made => None,
    };
    json!({
        "name": setting.key.name(),
        "is_set": setting.value.is_some(),
        "value": value,
        "secret_chars": chars,
        "origin": setting.place.code(),
        "line": line,
    })
}

/// Every setting in a line.
fn list(locale: Locale, as_json: bool, printer: &Printer) {
    if as_json {
        let told: Vec<_> = Key::ALL.into_iter().map(|key| explained(key, locale)).collect();
        printer.json(&json!({ "data": told }));
        return;
    }
    let longest = Key::ALL.iter().map(|key| key.name().len()).max().unwrap_or(0);
    for key in Key::ALL {
        let head = format!("{:longest$}  ", key.name());
        printer.paragraph(&head, longest + 2, &About(key).say(locale));
    }
}

fn explain(given: &Given, name: &str, locale: Locale, as_json: bool, printer: &Printer) -> anyhow::Result<u8> {
    let Some(key) = Key::find(name) else { bail!("{}", no_such_setting(name, locale)) };
    if as_json {
        printer.json(&explained(key, locale));
        return Ok(0);
    }
    printer.line(key.name());
    printer.paragraph("  ", 2, &About(key).say(locale));
    printer.line("");
    let label = |pt: &str, en: &str, es: &str| locale.pick(pt, en, es);
    let mut rows = vec![
        (label("opção", "flag", "opción"), format!("--{}", key.flag())),
        (label("forma", "form", "forma"), FormWords(key.form()).say(locale)),
        (label("padrão", "default", "defecto"), UsualWords(key.usual()).say(locale)),
        (label("exemplo", "example", "ejemplo"), format!("{}={}", key.name(), key.example())),
    ];
    if key.may_be_in_a_file() {
        rows.push((label("arquivo", "file", "archivo"), format!("{}=/run/secrets/{}", key.file_name(), key.flag())));
    }
    if let Some((value, place)) = given.value(key) {
        let length = value.chars().count();
        let value = if key.is_secret() { Shown::Secret(length) } else { Shown::Plain(value) };
        let place = PlaceWords(&place).say(locale);
        rows.push((label("agora", "now", "ahora"), format!("{} ({place})", shown(&value, locale))));
    }
    for (label, text) in rows {
        printer.paragraph(&format!("  {label:<9} "), 12, &text);
    }
    Ok(0)
}

fn explained(key: Key, locale: Locale) -> Value {
    let words = key.form().words();
    json!({
        "name": key.name(),
        "flag": format!("--{}", key.flag()),
        "about": About(key).say(locale),
        "form": FormWords(key.form()).say(locale),
        "choices": (!words.is_empty()).then_some(words),
        "default": UsualWords(key.usual()).say(locale),
        "example": key.example(),
        "secret": key.is_secret(),
        "file": key.may_be_in_a_file().then(|| key.file_name()),
    })
}

fn no_such_setting(name: &str, locale: Locale) -> String {
    let hint = match near::meant(name) {
        Some(key) => {
            let name = key.name();
            three(
                &format!("você quis dizer {name}?"),
                &format!("did you mean {name}?"),
                &format!("¿quisiste decir {name}?"),
            )
        }
        None => three(
            "relay config explain lista as que há",
            "relay config explain lists those there are",
            "relay config explain lista las que hay",
        ),
    };
    let [pt, en, es] = hint;
    locale.pick(
        &format!("não há uma configuração {name}\n  hint: {pt}"),
        &format!("there is no setting {name}\n  hint: {en}"),
        &format!("no hay una opción {name}\n  hint: {es}"),
    )
}
